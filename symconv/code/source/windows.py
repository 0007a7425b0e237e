"""Windows that nested loops go through one element at a time, as slices of the array."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

__all__ = ["Tap", "at_ends", "at_first", "names_in", "taps_of", "window_of", "with_names"]

_ZERO = ast.Constant(0)


@dataclass(frozen=True)
class Tap:
    """The index of a loop, ``for name in range(start, stop)``."""

    name: str
    start: ast.expr
    stop: ast.expr

    def runs(self, indices: Collection[str]) -> bool:
        """Whether it has a value, whatever those of the loops around are, where lengths are no less than 1."""
        match self.count:
            case ast.Constant(int() as count):
                return count > 0
            case ast.BinOp(ast.Name(), ast.Add(), ast.Constant(int() as more)):
                return more > 0
            case other:
                return not names_in(other) & {*indices}

    @property
    def count(self) -> ast.expr:
        """How many values it has."""
        match self.stop:
            case ast.BinOp(start, ast.Add(), count) if ast.unparse(start) == ast.unparse(self.start):
                return count
        return self.stop if _is(self.start, 0) else ast.BinOp(self.stop, ast.Sub(), self.start)

    def at(self, place: ast.expr) -> ast.expr:
        """Its value behind so many others."""
        return place if _is(self.start, 0) else ast.BinOp(deepcopy(self.start), ast.Add(), place)


def taps_of(loop: ast.For) -> tuple[list[Tap], list[ast.stmt], list[str]] | None:
    """The indices of loops in one another, the statements of the innermost one, and all names that they store.

    Names that stand for an expression are written out in those statements. None where a loop does more than that.
    """
    taps, stored, given = list[Tap](), list[str](), dict[str, ast.expr]()
    body: Sequence[ast.stmt] = [loop]
    while body and isinstance(body[-1], ast.For):
        match body[-1]:
            case ast.For(ast.Name(name), ast.Call(ast.Name("range"), [*bounds], []), inner, []) if len(bounds) < 3:
                start, stop = (with_names(one, given) for one in (bounds if len(bounds) == 2 else (_ZERO, *bounds)))
            case _:
                return None
        if {*stored, name} & names_in(start, stop) or name in stored:
            return None
        taps.append(Tap(name, start, stop))
        stored.append(name)
        body = inner
        for one in body[:-1]:
            match one:
                case ast.Assign([ast.Name(local)], value) if local not in {*stored, *names_in(value)}:
                    given[local] = with_names(value, given)
                    stored.append(local)
                case _:
                    return None
    return taps, [_Named(given).visit(deepcopy(one)) for one in body[-1:]], stored


def window_of(element: ast.Subscript, taps: Sequence[Tap]) -> ast.Subscript | None:
    """The elements that a subscript names at all values of the taps: a slice, an axis for each tap in their order.

    None where it is none.
    """
    entries = element.slice.elts if isinstance(element.slice, ast.Tuple) else [element.slice]
    names = {one.name for one in taps}
    if names & names_in(element.value) or any(isinstance(one, ast.Slice | ast.Starred) for one in entries):
        return None
    left, spans = list(taps), list[ast.expr]()
    for one in entries:
        here = names & names_in(one)
        if not here:
            spans.append(one)
            continue
        if here != {left[0].name if left else ""}:
            return None
        tap = left.pop(0)
        step, first = _step(one, tap.name), at_first(one, [tap])
        if step is None or not (names_in(first) or isinstance(first, ast.Constant)):
            return None  # a negative number counts from the end, and a slice goes no further
        spans.append(_span(first, tap.count, step))
    if left:
        return None
    return ast.Subscript(element.value, ast.Tuple(spans, ast.Load()) if len(spans) > 1 else spans[0], ast.Load())


def _span(first: ast.expr, count: ast.expr, step: ast.expr) -> ast.Slice:
    if _is(step, 1):
        return ast.Slice(first, _folded(ast.BinOp(deepcopy(first), ast.Add(), count)))
    reach = ast.BinOp(ast.BinOp(count, ast.Sub(), ast.Constant(1)), ast.Mult(), step)
    return ast.Slice(first, ast.BinOp(ast.BinOp(deepcopy(first), ast.Add(), reach), ast.Add(), ast.Constant(1)), step)


def _step(node: ast.expr, name: str) -> ast.expr | None:
    """How far an index goes on for each value of a tap, where it is linear in it; None elsewhere."""
    match node:
        case ast.Name(found) if found == name:
            return ast.Constant(1)
        case ast.BinOp(left, ast.Add(), right):
            one, other = (name in names_in(side) for side in (left, right))
            return None if one and other else _step(left if one else right, name)
        case ast.BinOp(left, ast.Sub(), right) if name not in names_in(right):
            return _step(left, name)
        case ast.BinOp(ast.Name(found), ast.Mult(), (ast.Name() | ast.Constant(int())) as step) if found == name:
            return step
        case ast.BinOp((ast.Name() | ast.Constant(int())) as step, ast.Mult(), ast.Name(found)) if found == name:
            return step
    return None


def at_first(node: ast.expr, taps: Sequence[Tap]) -> ast.expr:
    """An expression at the first value of every tap."""
    return _folded(with_names(node, {one.name: one.start for one in taps}))


def at_ends(node: ast.expr, taps: Sequence[Tap]) -> tuple[ast.expr, ast.expr]:
    """An expression at the first and at the last value of every tap."""
    last = {one.name: ast.BinOp(deepcopy(one.stop), ast.Sub(), ast.Constant(1)) for one in taps}
    return at_first(node, taps), with_names(node, last)


def with_names(node: ast.expr, put: Mapping[str, ast.expr]) -> ast.expr:
    """An expression with others in place of names."""
    found: ast.expr = _Named(put).visit(deepcopy(node))
    return found


class _Named(ast.NodeTransformer):
    def __init__(self, put: Mapping[str, ast.expr]) -> None:
        self.put = put

    def visit_Name(self, node: ast.Name) -> ast.expr:
        found = self.put.get(node.id) if isinstance(node.ctx, ast.Load) else None
        return deepcopy(found) if found is not None else node


def _folded(node: ast.expr) -> ast.expr:
    """An expression without zeros that are added, and products with 0."""
    found: ast.expr = _Folded().visit(deepcopy(node))
    return found


class _Folded(ast.NodeTransformer):
    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.BinOp(one, ast.Add(), other) if _is(one, 0) or _is(other, 0):
                return other if _is(one, 0) else one
            case ast.BinOp(one, ast.Mult(), other) if _is(one, 0) or _is(other, 0):
                return ast.Constant(0)
            case ast.BinOp(ast.Constant(int() as one), ast.Add(), ast.Constant(int() as other)):
                return ast.Constant(one + other)
        return node


def _is(node: ast.expr, number: int) -> bool:
    return isinstance(node, ast.Constant) and node.value == number


def names_in(*nodes: ast.AST) -> set[str]:
    return {one.id for node in nodes for one in ast.walk(node) if isinstance(one, ast.Name)}
