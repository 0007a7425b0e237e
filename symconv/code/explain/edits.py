"""Small edits of one line of code, each with the mistake it undoes."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass
from operator import is_
from typing import Any

from symconv.code.explain.edits_axes import axes, products
from symconv.code.explain.edits_calls import options, parsed
from symconv.code.explain.edits_elements import alike_names, elements, missing
from symconv.code.explain.edits_factors import factors, signs
from symconv.notation.operator import Operator

__all__ = ["Edit", "alike", "edits"]


@dataclass(frozen=True)
class Edit:
    """A function with one place changed."""

    node: ast.FunctionDef
    line: int
    cause: str


_PAIRS = (
    ("H", "W"),
    ("h", "w"),
    ("y", "x"),
    ("i", "j"),
    ("height", "width"),
    ("0", "1"),
    ("rows", "cols"),
    ("row", "col"),
)


def edits(op: Operator, function: ast.FunctionDef, names: Mapping[str, str]) -> Iterator[Edit]:
    """Functions that differ in one place, likely mistakes first; ``names`` says what each tensor is called there."""
    kinds: list[Iterator[tuple[ast.AST, ast.AST, str]]] = [
        options(op, function, names), _statements(function), _crops(op, function, names), products(function),
        _moves(function), _names(function), _numbers(function), factors(op, function, names), axes(function),
        signs(function), elements(function), missing(function),
    ]  # fmt: skip
    places = {id(node): k for k, one in enumerate(function.body) for node in ast.walk(one)}
    for kind in kinds:
        for old, new, cause in kind:
            edited = _replaced(function, places.get(id(old)), old, new)
            yield Edit(edited, getattr(old, "lineno", getattr(new, "lineno", function.lineno)), cause)


def alike(part: ast.FunctionDef, whole: ast.FunctionDef) -> Iterator[Edit]:
    """The whole of a function with one of its names in place of another that is much alike, in lines of a part."""
    lines = {one.lineno for one in ast.walk(part) if isinstance(one, ast.stmt)}
    places = {id(node): k for k, one in enumerate(whole.body) for node in ast.walk(one)}
    for old, new, cause in alike_names(whole):
        if getattr(old, "lineno", 0) in lines:
            yield Edit(_replaced(whole, places.get(id(old)), old, new), old.lineno, cause)


def _replaced(function: ast.FunctionDef, place: int | None, old: ast.AST, new: ast.AST) -> ast.FunctionDef:
    """A function with a node of one of its statements in place of another; all that is not around it is shared."""
    ast.fix_missing_locations(ast.copy_location(new, old))
    if place is None:
        result = _beside(function, old, new)
        assert isinstance(result, ast.FunctionDef)
        return result
    result, statement = copy(function), _beside(function.body[place], old, new)
    assert isinstance(statement, ast.stmt)
    result.body = [*function.body[:place], statement, *function.body[place + 1 :]]
    return result


def _beside(node: ast.AST, old: ast.AST, new: ast.AST) -> ast.AST:
    if node is old:
        return new
    changed: dict[str, Any] = {}
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            inner: Any = _beside(value, old, new)
        elif isinstance(value, list):
            inner = [_beside(one, old, new) if isinstance(one, ast.AST) else one for one in value]
            inner = value if all(map(is_, inner, value)) else inner
        else:
            continue
        if inner is not value:
            changed[name] = inner
    if not changed:
        return node
    result = copy(node)
    for name, value in changed.items():
        setattr(result, name, value)
    return result


# -- statements
def _statements(function: ast.FunctionDef) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    for node in ast.walk(function):
        match node:
            case ast.Assign([ast.Subscript() as target], value):
                new = ast.AugAssign(deepcopy(target), ast.Add(), deepcopy(value))
                yield node, new, "= replaces what += adds up"
            case ast.AugAssign(ast.Subscript() as target, ast.Add(), value):
                yield node, ast.Assign([deepcopy(target)], deepcopy(value)), "+= where = is meant"
                yield node, ast.AugAssign(deepcopy(target), ast.Sub(), deepcopy(value)), "the sign"
            case ast.AugAssign(target, ast.Sub(), value):
                yield node, ast.AugAssign(deepcopy(target), ast.Add(), deepcopy(value)), "the sign"


# -- crops
def _crops(op: Operator, function: ast.FunctionDef, names: Mapping[str, str]) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    x = names.get("x")
    for node in ast.walk(function):
        if not (isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple)):
            continue
        yield from _shifted(node, function)
        for first in (0, 1) if x is not None else ():  # of the array, or of one sample of it
            new = deepcopy(node)
            assert isinstance(new.slice, ast.Tuple)
            changed = False
            for k, item in enumerate(new.slice.elts, first):
                match item:
                    case ast.Slice(lower, ast.UnaryOp(ast.USub(), _), None):
                        start = f"{ast.unparse(lower)} + " if lower is not None else ""
                        item.upper, changed = parsed(f"{start}{x}.shape[{k}]"), True
            if changed:
                yield node, new, "a crop up to -p is empty for p = 0, and keeps what stride leaves over"


def _shifted(node: ast.Subscript, function: ast.FunctionDef) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    """A crop that starts where the padding ends."""
    names = {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}
    for name in sorted(name for name in names if name.lower() in {"pad", "padding", "p"}):
        new = deepcopy(node)
        assert isinstance(new.slice, ast.Tuple)
        changed = False
        for item in new.slice.elts:
            match item:
                case ast.Slice(None, ast.Name(size), None):
                    item.lower, item.upper, changed = parsed(name), parsed(f"{name} + {size}"), True
        if changed:
            yield node, new, "a crop that starts where the padding does"


# -- flips and transposes
def _moves(function: ast.FunctionDef) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    loads = [n for n in ast.walk(function) if isinstance(n, ast.Name | ast.Subscript | ast.Call | ast.Attribute)]
    stored = {id(n.func) for n in loads if isinstance(n, ast.Call)} | {
        id(n.value) for n in loads if isinstance(n, ast.Attribute | ast.Subscript)
    }
    stored |= {id(part) for n in loads if isinstance(n, ast.Subscript) for part in ast.walk(n.slice)}
    # No flip or transpose is missing in a condition, nor in the bounds of a loop.
    heads = [n.test for n in ast.walk(function) if isinstance(n, ast.If | ast.While)]
    heads += [n.iter for n in ast.walk(function) if isinstance(n, ast.For)]
    stored |= {id(part) for head in heads for part in ast.walk(head)}
    for node in loads:
        match node:
            case ast.Subscript(value, index) if isinstance(node.ctx, ast.Load):
                items = index.elts if isinstance(index, ast.Tuple) else [index]
                plain = [i for i in items if not _reversed(i)]
                if len(plain) < len(items):
                    kept = [ast.Slice() if _reversed(i) else i for i in items]
                    bare = all(isinstance(i, ast.Slice) and not i.lower and not i.upper for i in plain)
                    new = value if bare else ast.Subscript(value, ast.Tuple(kept, ast.Load()), ast.Load())
                    yield node, deepcopy(new), "a flip that does not belong there"
            case ast.Call(ast.Attribute(_, ("flip" | "rot90" | "flipud" | "fliplr")), [first, *_], _) if (
                id(node) not in stored
            ):
                owner = node.func.value if isinstance(node.func, ast.Attribute) else first
                library = isinstance(owner, ast.Name) and owner.id in {"np", "torch", "jnp", "tf", "numpy"}
                yield node, deepcopy(first if library else owner), "a flip that does not belong there"
    for node in loads:
        if id(node) in stored or isinstance(node, ast.Call) or not isinstance(getattr(node, "ctx", None), ast.Load):
            continue
        text = ast.unparse(node)
        for tail in ("[..., ::-1, ::-1]", "[..., ::-1]", ".T"):
            cause = "a transpose is missing" if tail == ".T" else "a flip is missing"
            yield node, parsed(f"{text}{tail}"), cause
        if isinstance(node, ast.Attribute) and node.attr == "T":
            yield node, deepcopy(node.value), "a transpose that does not belong there"


def _reversed(node: ast.expr) -> bool:
    return isinstance(node, ast.Slice) and node.step is not None and ast.unparse(node.step) == "-1"


# -- numbers
def _numbers(function: ast.FunctionDef) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    names = {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}
    strides = sorted(name for name in names if name.lower() in {"stride", "s", "sh", "sw", "strides", "s_h", "s_w"})
    pads = {name for name in names if name.lower() in {"pad", "padding", "p", "ph", "pw"}}
    for node in ast.walk(function):
        if isinstance(node, ast.Subscript):
            yield from _strides(node.slice, strides, pads)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range" and node.args:
            yield from _off_by_one(node.args[-1], "the end of a range")
    for node in ast.walk(function):
        if isinstance(node, ast.Slice):
            for bound in (node.lower, node.upper):
                if bound is not None and not isinstance(bound, ast.Constant):
                    yield from _off_by_one(bound, "a slice that is off by one")


def _strides(index: ast.expr, strides: Sequence[str], pads: set[str]) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    for part in ast.walk(index):
        if isinstance(part, ast.Slice):
            inner = {n.id for n in ast.walk(part) if isinstance(n, ast.Name)} - {*strides, *pads}
            for name in sorted(inner):
                for stride in strides:
                    yield part, _renamed(part, name, f"{name} * {stride}"), f"{stride} is missing"
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load) and part.id not in {*strides, *pads}:
            for name in strides:
                yield part, parsed(f"{part.id} * {name}"), f"{name} is missing"
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Mult):
            for side, other in ((part.left, part.right), (part.right, part.left)):
                if isinstance(side, ast.Name) and side.id in strides:
                    yield part, deepcopy(other), f"{side.id} does not belong there"


def _renamed(node: ast.expr, name: str, text: str) -> ast.expr:
    """The expression with another one for each occurrence of a name."""

    class Renaming(ast.NodeTransformer):
        def visit_Name(self, one: ast.Name) -> ast.expr:
            return parsed(text) if one.id == name else one

    new = Renaming().visit(deepcopy(node))
    assert isinstance(new, ast.expr)
    return new


def _off_by_one(bound: ast.expr, cause: str) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    match bound:
        case ast.BinOp(inner, ast.Add() | ast.Sub(), ast.Constant(1)):
            yield bound, deepcopy(inner), cause
    for text in (f"{ast.unparse(bound)} - 1", f"{ast.unparse(bound)} + 1"):
        yield bound, parsed(text), cause


# -- names that are exchanged
def _names(function: ast.FunctionDef) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    known = {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            for one, other in _PAIRS:
                for a, b in ((one, other), (other, one)):
                    new = node.id.replace(a, b)
                    if new != node.id and new in known:
                        yield node, ast.Name(new, ast.Load()), f"{node.id} where {new} is meant"
        match node:
            case ast.Subscript(_, ast.Tuple(items)) if isinstance(node.ctx, ast.Load):
                for k in range(len(items) - 1):
                    if isinstance(items[k], ast.Name) and isinstance(items[k + 1], ast.Name):
                        new_node = deepcopy(node)
                        assert isinstance(new_node.slice, ast.Tuple)
                        elements = new_node.slice.elts
                        elements[k], elements[k + 1] = elements[k + 1], elements[k]
                        yield node, new_node, "indices are exchanged"
