"""A function over a sequence in pieces, and written out for a sequence of so many elements."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from symconv.code.source.signatures import parameters

__all__ = [
    "At",
    "OtherFormError",
    "Parts",
    "base_of",
    "bindings",
    "index_of",
    "item",
    "made",
    "parts_of",
    "short",
    "whole",
]

_LOOPS = frozenset({"range", "xrange"})


@dataclass
class Parts:
    """The function in pieces; ``held`` are its dicts, and ``states`` those that a step reads of the one before."""

    node: ast.FunctionDef
    before: list[ast.stmt]
    forward: ast.For
    between: list[ast.stmt]
    backward: ast.For
    loss: str
    gradients: list[ast.expr]
    sequence: str
    held: set[str] = field(default_factory=set)
    words: str = ""


class OtherFormError(Exception):
    """The function is none of these."""


def parts_of(node: ast.FunctionDef) -> Parts:
    """The pieces of a function; raises OtherFormError where there are others."""
    body = [one for one in node.body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]
    loops = [one for one in body if isinstance(one, ast.For) and isinstance(one.target, ast.Name) and not one.orelse]
    steps = [(one, *found) for one in loops if (found := _steps(one.iter, body)) is not None]
    if [back for _, _, back in steps] != [False, True] or steps[0][1] != steps[1][1]:
        raise OtherFormError
    (there, sequence, _), (back, _, _) = steps
    match body[-1]:
        case ast.Return(ast.Tuple([ast.Name(loss), *rest])) if rest:
            pass
        case _:
            raise OtherFormError
    at, end = body.index(there), body.index(back)
    parts = Parts(node, body[:at], there, body[at + 1 : end], back, loss, list(rest), sequence)
    if sequence not in parameters(node.args):
        raise OtherFormError
    parts.held = {name for one in parts.before for name in _dicts(one)}
    while parts.gradients and base_of(parts.gradients[-1]) in parts.held:
        parts.gradients.pop()  # the last state is handed on
    clipped = [one.lineno for one in body[end + 1 : -1] if _clips(one)]
    if len(clipped) != len(body[end + 1 : -1]) or not parts.held or not parts.gradients:
        raise OtherFormError
    parts.words = f"what is clipped in line {clipped[0]} is told before that" if clipped else ""
    return parts


def _steps(steps: ast.expr, body: Sequence[ast.stmt]) -> tuple[str, bool] | None:
    """The sequence whose elements a loop goes through by their numbers, and whether it does so backwards."""
    match steps:
        case ast.Call(ast.Name("reversed"), [inner], []) if (found := _steps(inner, body)) is not None:
            return found[0], not found[1]
        case ast.Subscript(inner, ast.Slice(None, None, ast.UnaryOp(ast.USub(), ast.Constant(1)))):
            found = _steps(inner, body)
            return (found[0], not found[1]) if found is not None else None
        case ast.Call(ast.Name(word), [ast.BinOp(length, ast.Sub(), ast.Constant(1)), *down], []) if word in _LOOPS:
            name = _sequence(length, body)
            return (name, True) if name and [ast.unparse(one) for one in down] == ["-1", "-1"] else None
        case ast.Call(ast.Name(word), [length], []) if word in _LOOPS:
            name = _sequence(length, body)
            return (name, False) if name else None
    return None


def _sequence(length: ast.expr, body: Sequence[ast.stmt]) -> str:
    """``inputs`` of ``len(inputs)``, or of a name that stands for that."""
    match length:
        case ast.Call(ast.Name("len"), [ast.Name(name)], []):
            return name
        case ast.Name(name):
            given = [one.value for one in body if isinstance(one, ast.Assign)
                     and any(isinstance(to, ast.Name) and to.id == name for to in one.targets)]  # fmt: skip
            return _sequence(given[0], []) if len(given) == 1 else ""
    return ""


def _dicts(node: ast.stmt) -> Iterator[str]:
    """The names that are bound to empty dicts."""
    match node:
        case ast.Assign([ast.Tuple(names)], ast.Tuple(values)) if len(names) == len(values):
            pairs = list(zip(names, values, strict=True))
        case ast.Assign([name], value):
            pairs = [(name, value)]
        case _:
            return
    yield from (one.id for one, value in pairs
                if isinstance(one, ast.Name) and ast.unparse(value) in ("{}", "dict()"))  # fmt: skip


def _clips(node: ast.stmt) -> bool:
    """``for d in [dW, db]: np.clip(d, -5, 5, out=d)``."""
    match node:
        case ast.For(ast.Name(name), _, [ast.Expr(ast.Call(ast.Attribute(_, "clip"), [ast.Name(of), *_], options))]):
            return of == name and [ast.unparse(one.value) for one in options if one.arg == "out"] == [name]
    return False


def base_of(node: ast.expr) -> str:
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


# -- What is written out
class At(ast.NodeTransformer):
    """Statements at one step: its number in place of the index, items of dicts as variables."""

    def __init__(self, parts: Parts, count: int, number: int | None, index: str = "") -> None:
        self.parts, self.count, self.number, self.index = parts, count, number, index

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if self.number is not None and node.id == self.index:
            return ast.copy_location(ast.Constant(self.number), node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if ast.unparse(node) == f"len({self.parts.sequence})":
            return ast.copy_location(ast.Constant(self.count), node)
        self.generic_visit(node)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        match node.value:
            case ast.Name(name) if name in self.parts.held:
                if (place := whole(node.slice)) is None:
                    raise OtherFormError
                return ast.copy_location(ast.Name(item(name, place), node.ctx), node)
        return node

    def all(self, nodes: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
        """The statements, without those that begin dicts."""
        for one in nodes:
            match one:
                case ast.Assign([ast.Tuple(names)], ast.Tuple(values)) if {*_dicts(one)}:
                    rest = [pair for pair in zip(names, values, strict=True) if base_of(pair[0]) not in self.parts.held]
                    for name, value in rest:
                        yield ast.copy_location(ast.Assign([name], self.visit(deepcopy(value))), one)
                case ast.Assign() if {*_dicts(one)}:
                    pass
                case _:
                    yield self.visit(deepcopy(one))


def item(name: str, place: int) -> str:
    return f"{name}_{place}" if place >= 0 else f"{name}_before"


def whole(node: ast.expr) -> int | None:
    """The number of a step."""
    match node:
        case ast.Constant(int() as number) if not isinstance(number, bool):
            return number
        case ast.UnaryOp(ast.USub(), inner):
            found = whole(inner)
            return -found if found is not None else None
        case ast.BinOp(left, ast.Add() | ast.Sub() as op, right):
            a, b = whole(left), whole(right)
            return None if a is None or b is None else a + b if isinstance(op, ast.Add) else a - b
    return None


def short(parts: Parts, count: int, shapes: Mapping[str, str]) -> ast.FunctionDef:
    """The function of a sequence of so many elements."""
    plain = At(parts, count, None)
    body = [*_as_long(parts, count), *plain.all(parts.before)]
    for number in range(count):
        body += At(parts, count, number, index_of(parts.forward)).all(parts.forward.body)
    body += plain.all(parts.between)
    for number in reversed(range(count)):
        body += At(parts, count, number, index_of(parts.backward)).all(parts.backward.body)
    return made(parts, body, shapes)


def _as_long(parts: Parts, count: int) -> Iterator[ast.stmt]:
    """``assert len(targets) == 2``: what is read at each step ends with the last one, so that ``-1`` is the last."""
    ends = {parts.sequence: 0}
    for loop in (parts.forward, parts.backward):
        for one in (part for node in loop.body for part in ast.walk(node)):
            match one:
                case ast.Subscript(ast.Name(name), at) if name in parameters(parts.node.args):
                    if (behind := whole(At(parts, count, 0, index_of(loop)).visit(deepcopy(at)))) is not None:
                        ends[name] = max(behind, ends.get(name, 0))
    for name, behind in ends.items():
        (said,) = ast.parse(f"assert len({name}) == {count + behind}").body
        yield ast.copy_location(said, parts.node)


def index_of(loop: ast.For) -> str:
    assert isinstance(loop.target, ast.Name)
    return loop.target.id


def made(parts: Parts, body: Sequence[ast.stmt], shapes: Mapping[str, str], more: Sequence[str] = (),
          loss: ast.expr | None = None, also: Sequence[str] = ()) -> ast.FunctionDef:  # fmt: skip
    """A function that returns the loss and the gradients; the arrays that it finds outside are parameters too."""
    last = parts.node.body[-1]
    taken = list(dict.fromkeys((*parameters(parts.node.args), *shapes, *more)))
    used = {one.id for node in body for one in ast.walk(node) if isinstance(one, ast.Name)}
    taken = [one for one in taken if one in used]
    value = ast.Tuple([loss or ast.Name(parts.loss, ast.Load()), *map(deepcopy, parts.gradients),
                       *(ast.Name(one, ast.Load()) for one in also)], ast.Load())  # fmt: skip
    (made,) = ast.parse(f"def {parts.node.name}({', '.join(taken)}):\n pass").body
    assert isinstance(made, ast.FunctionDef)
    lengths = _Lengths({name: shape for name, shape in shapes.items() if name in taken})
    made.body = [ast.Expr(ast.Constant(lengths.said())), *body, ast.Return(value)]
    made.body = [ast.copy_location(lengths.visit(one), one if hasattr(one, "lineno") else last) for one in made.body]
    made.lineno, made.end_lineno = parts.node.lineno, parts.node.end_lineno
    return ast.fix_missing_locations(made)


class _Lengths(ast.NodeTransformer):
    """Names of lengths outside as those of arrays: ``vocab_size`` is ``Wxh.shape[1]``."""

    def __init__(self, shapes: Mapping[str, str]) -> None:
        self.known: dict[str, str] = {}
        self.each = {name: [one.strip() for one in shape.strip("()").split(",")] for name, shape in shapes.items()}
        for name, lengths in self.each.items():
            for axis, length in enumerate(lengths):
                if length.isidentifier():
                    self.known.setdefault(length, f"{name}.shape[{axis}]")

    def said(self) -> str:
        """The shapes, as docstrings have them."""
        letters = {length: f"L{k}" for k, length in enumerate(self.known)}
        return ", ".join(f"{name}: ({', '.join(letters.get(one, one) for one in lengths)})"
                         for name, lengths in self.each.items())  # fmt: skip

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if isinstance(node.ctx, ast.Load) and node.id in self.known:
            return ast.copy_location(ast.parse(self.known[node.id], mode="eval").body, node)
        return node


def bindings(node: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    match node:
        case ast.Assign([ast.Tuple(names)], ast.Tuple(values)) if len(names) == len(values):
            yield from ((one.id, value) for one, value in zip(names, values, strict=True) if isinstance(one, ast.Name))
        case ast.Assign(targets, value):
            yield from ((one.id, value) for one in targets if isinstance(one, ast.Name))
