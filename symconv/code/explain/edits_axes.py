"""Edits of axes, of their order and of what stands beside them in one line of code, each with the mistake it undoes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import deepcopy
from itertools import combinations, permutations

from symconv.code.explain.edits_calls import parsed, word_of_call
from symconv.code.gradients.kept_axes import literal
from symconv.limits import FAULT_AXES

__all__ = ["axes", "axes_of", "products"]

Edits = Iterator[tuple[ast.AST, ast.AST, str]]

_ORDERED = frozenset({"transpose", "permute", "permute_dims", "moveaxis", "swapaxes", "swapdims"})
_ALONG = frozenset(
    {"mean", "max", "min", "amax", "amin", "cumsum", "flip", "prod", "softmax", "reduce_sum", "reduce_mean"}
)
_LIBRARIES = frozenset({"np", "numpy", "torch", "jnp", "tf", "F"})


def axes(function: ast.FunctionDef) -> Edits:
    """Orders of axes, axes that are summed over, letters of ``einsum``, sides of pads and axes of shapes."""
    for node in ast.walk(function):
        match node:
            case ast.Call(ast.Attribute(_, word) | ast.Name(word)) if word in _ORDERED:
                yield from _orders(node)
            case ast.Call(ast.Attribute(_, word)) if word in _ALONG:
                yield from axes_of(node)
            case ast.Call(ast.Attribute(_, "einsum"), [ast.Constant(str(text)), *_]):
                yield from _letters(node, text)
            case ast.Call(ast.Attribute(_, "pad"), [_, ast.Tuple() as pads, *_]):
                yield from _sides(pads)
            case ast.Subscript(ast.Attribute(inner, "shape"), ast.Constant(int(at))):
                for axis in {0, 1, 2, 3} - {at}:
                    new = ast.Subscript(
                        ast.Attribute(deepcopy(inner), "shape", ast.Load()), ast.Constant(axis), ast.Load()
                    )
                    yield node, new, f"the length of axis {at} where that of axis {axis} is meant"


def axes_of(call: ast.Call) -> Edits:
    """The same sum over other axes than those that it names."""
    keys = [k for k, one in enumerate(call.keywords) if one.arg in {"axis", "dim"}]
    first = 1 if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) in _LIBRARIES else 0
    held = call.keywords[keys[0]].value if keys else call.args[first] if len(call.args) > first else None
    for text in ("(0, 2, 3)", "(0, 2)", "(0, 1, 2)", "(0, 2, 3, 4)", "0", "1", *_near(held)):
        new = deepcopy(call)
        if keys:
            new.keywords[keys[0]].value = parsed(text)
        else:
            new.args = [*new.args[:first], parsed(text), *new.args[first + 1 :]]
        yield call, new, "summed over other axes" if word_of_call(call) != "flip" else "other axes"


def _near(node: ast.expr | None) -> Iterator[str]:
    """Axes near those that are named: another one, one more or one less."""
    match node and _axes(node):
        case int() | None:
            yield from ("2", "-1", "-2")
        case tuple(named):
            for axis in range(max(named, default=0) + 2):
                yield str(tuple(sorted({*named} ^ {axis})))


def _orders(call: ast.Call) -> Edits:
    """Other orders than the one that a call says: in its arguments, or in a tuple that is one of them."""
    for k, one in enumerate(call.args):
        if isinstance(one, ast.Tuple | ast.List) and (order := _whole(one.elts)) is not None:
            for other in _others(order):
                new = deepcopy(call)
                new.args[k] = parsed(str(other))
                yield call, new, "the axes are in another order"
            return
    start = next((k for k, one in enumerate(call.args) if _axes(one) is not None), len(call.args))
    order = _whole(call.args[start:])
    if order is None:
        return
    for other in _others(order) if len(order) > 2 else [(0, 1), (1, 2), (-1, -2), (0, 2)]:
        new = deepcopy(call)
        new.args[start:] = [parsed(str(axis)) for axis in other]
        yield call, new, "the axes are in another order"


def _whole(items: list[ast.expr]) -> tuple[int, ...] | None:
    """The axes that are written, where all are numbers."""
    found = [_axes(one) for one in items]
    whole = tuple(one for one in found if isinstance(one, int))
    return whole if len(whole) == len(found) > 1 else None


def _others(order: tuple[int, ...]) -> list[tuple[int, ...]]:
    if len(order) <= FAULT_AXES:
        return [one for one in permutations(sorted(order)) if one != order]
    found = []
    for a, b in combinations(range(len(order)), 2):
        other = list(order)
        other[a], other[b] = other[b], other[a]
        found.append(tuple(other))
    return found


def _letters(call: ast.Call, text: str) -> Edits:
    """An ``einsum`` with two letters of one of its arrays exchanged."""
    inputs, arrow, output = text.partition("->")
    parts = [*inputs.split(","), output]
    for k, part in enumerate(parts):
        for a, b in combinations(range(len(part)), 2):
            if part[a].isalpha() and part[b].isalpha() and part[a] != part[b]:
                letters = list(part)
                letters[a], letters[b] = letters[b], letters[a]
                changed = [*parts[:k], "".join(letters), *parts[k + 1 :]]
                new = deepcopy(call)
                new.args[0] = ast.Constant(",".join(changed[:-1]) + arrow + changed[-1])
                yield call, new, "two letters are exchanged"


def _sides(pads: ast.Tuple) -> Edits:
    """Pads whose two sides are exchanged."""
    pairs = [one for one in (pads, *pads.elts) if isinstance(one, ast.Tuple) and len(one.elts) == 2]
    for one in pairs:
        front, behind = one.elts
        if not any(isinstance(side, ast.Tuple) for side in one.elts) and ast.unparse(front) != ast.unparse(behind):
            new = ast.Tuple([deepcopy(behind), deepcopy(front)], ast.Load())
            yield one, new, "the two sides of a pad are exchanged"


def _axes(node: ast.expr) -> object:
    found = literal(node)
    return found if isinstance(found, int | tuple) and not isinstance(found, bool) else None


def products(function: ast.FunctionDef) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    """Products of matrices that are transposed: ``x.T @ dy`` for ``dy.T @ x``."""
    for node in ast.walk(function):
        match node:
            case ast.BinOp(left, ast.MatMult(), right):
                yield node, ast.BinOp(_turned(right), ast.MatMult(), _turned(left)), "a transpose is missing"
            case ast.Call(ast.Attribute(_, "dot" | "matmul" | "mm") as called, [left, right], []):
                yield node, ast.Call(called, [_turned(right), _turned(left)], []), "a transpose is missing"


def _turned(node: ast.expr) -> ast.expr:
    match node:
        case ast.Attribute(inner, "T") | ast.Call(ast.Attribute(inner, "t"), [], []):
            return deepcopy(inner)
    return ast.Attribute(deepcopy(node), "T", ast.Load())
