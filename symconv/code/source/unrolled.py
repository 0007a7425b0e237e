"""Loops over the layers that a layer holds in a list or a dict, written out."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

from symconv.code.source.keyed import own_attribute

__all__ = ["Held", "unroll"]


@dataclass(frozen=True)
class Held:
    """``calls`` make the layers, by the attributes they become; ``rows`` are lists and dicts of such attributes.

    ``kinds`` are the classes that each layer is of.
    """

    calls: Mapping[str, ast.Call]
    rows: Mapping[str, Mapping[object, str]]
    kinds: Mapping[str, frozenset[str]]


def unroll(body: Sequence[ast.stmt], held: Held) -> list[ast.stmt]:
    """Statements with the attribute of each layer in place of its place in a list."""
    return list(_unrolled(body, held, {}))


def _unrolled(body: Sequence[ast.stmt], held: Held, known: dict[str, list[str]]) -> Iterator[ast.stmt]:
    for one in body:
        match one:
            case ast.Assign([ast.Name(name)], value) if (row := _row(value, held, known)) is not None:
                known[name] = row
                yield ast.copy_location(ast.Pass(), one)
            case ast.Expr(ast.Call(ast.Attribute(ast.Name(name), "reverse"), [], [])) if name in known:
                known[name] = known[name][::-1]
                yield ast.copy_location(ast.Pass(), one)
            case ast.For(ast.Name(name), source, inner, []) if (
                row := _row(source, held, known)
            ) is not None and not any(isinstance(part, ast.Break | ast.Continue) for part in ast.walk(one)):
                for layer in row:
                    named = _Named(held, name, layer)
                    yield from _unrolled([named.visit(deepcopy(part)) for part in inner], held, known)
            case ast.If(test, then, other):
                one.test = _Named(held).visit(test)
                one.body = [*_unrolled(then, held, known)]
                one.orelse = [*_unrolled(other, held, known)]
                yield one
            case _:
                yield _Named(held).visit(one)


def _row(node: ast.expr, held: Held, known: Mapping[str, list[str]]) -> list[str] | None:
    """The layers that an expression goes through, in order."""
    match node:
        case ast.Name(name):
            return known.get(name)
        case ast.Attribute() if own_attribute(node) in held.rows:
            return [*held.rows[own_attribute(node) or ""].values()]
        case ast.Call(ast.Attribute(inner, "values"), [], []) | ast.Call(ast.Name("list"), [inner], []):
            return _row(inner, held, known)
        case ast.Call(ast.Name("reversed"), [inner], []):
            found = _row(inner, held, known)
        case ast.Subscript(inner, ast.Slice(None, None, ast.UnaryOp(ast.USub(), ast.Constant(1)))):
            found = _row(inner, held, known)
        case _:
            return None
    return found[::-1] if found is not None else None


class _Named(ast.NodeTransformer):
    """The layer of one iteration, and those that a subscript takes out of a list, as attributes."""

    def __init__(self, held: Held, name: str = "", layer: str = "") -> None:
        self.held = held
        self.name = name
        self.layer = layer

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return _own(node, self.layer) if self.name and node.id == self.name else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        row = self.held.rows.get(own_attribute(node.value) or "", {})
        place: object = None
        match node.slice:
            case ast.Constant(place):
                pass
            case ast.UnaryOp(ast.USub(), ast.Constant(int() as back)):
                place = len(row) - back
        return _own(node, row[place]) if place in row else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.Call(ast.Name("isinstance"), [layer, ast.Name(kind)]) if own_attribute(layer) in self.held.calls:
                return ast.copy_location(ast.Constant(kind in self.held.kinds[own_attribute(layer) or ""]), node)
        return node


def _own(node: ast.expr, name: str) -> ast.Attribute:
    own = ast.copy_location(ast.Name("self", ast.Load()), node)
    return ast.copy_location(ast.Attribute(own, name, ast.Load()), node)
