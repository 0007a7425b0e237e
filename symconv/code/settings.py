"""The numbers that the parameters of a layer have while it is checked."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from fractions import Fraction
from math import isfinite
from typing import Any

from symconv.code.gradients.forward import surely_tensors
from symconv.code.gradients.roles import WINDOW_KEYS, WINDOWS, numeric, numeric_kind, packed, stated, tensor_named
from symconv.code.source.counts import axes_in, counts_in, factors_in, shares_in, small_in
from symconv.code.source.held_gradients import numbers_in
from symconv.code.source.initial import Initial
from symconv.code.source.signatures import defaults, factors_of_none, parameters
from symconv.errors import SpecError
from symconv.notation.affine import affine
from symconv.prove.meaning.value import Product

__all__ = ["settings_of"]

_OF_OTHERS = frozenset({"rate", "g"})
"""Names of dilations and groups that are as often those of other things: a dropout, a cotangent."""
_SIDES = (("height", "width"), ("h", "w"), ("H", "W"), ("rows", "cols"))
"""How names of the two lengths of a window end."""
_HALF, _QUARTER = Product(Fraction(1, 2)), Product(Fraction(1, 4))


def settings_of(
    forward: ast.FunctionDef,
    arguments: Mapping[str, Any] | None,
    known: Collection[str] = (),
    initial: Initial | None = None,
) -> list[dict[str, Any]]:
    """The numbers to check with: those that are said; else the defaults, and a stride of 2 with a padding of 1.

    Dilations and groups are 2 beside these, one after the other, and 1 where they have no default. Where a window has a
    height and a width, it is 2 x 3 in the end.

    Lengths of windows that nothing says are 2, with a stride of 2, and then 3, as other whole numbers are;
    probabilities, and eps, are 1/2 and then 1/4; axes are the last and then the first one; factors that are 0 by
    default are 3 then, so that what they multiply is judged too. ``known`` are names of numbers that the text itself
    says, ``initial`` what ``__init__`` gives attributes.
    """
    given = {key: _number(value) for key, value in stated(arguments).items()}
    if given:
        return [given]
    keys = {n.value for n in ast.walk(forward) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    called = {id(n.func) for n in ast.walk(forward) if isinstance(n, ast.Call)}  # np.pad is no number
    words = {n.attr for n in ast.walk(forward) if isinstance(n, ast.Attribute) and id(n) not in called}
    words |= {n.arg for n in ast.walk(forward) if isinstance(n, ast.arg)}
    words = (words | keys) - surely_tensors(forward) - {*known}
    initial = initial or Initial()
    usual = {*defaults(forward.args), *initial.defaulted()}
    words -= {name for name, one in defaults(forward.args).items() if _fraction(one)}  # p=0.5 of a dropout
    drawn = {word for word in words & shares_in(forward) if numeric(word)}  # p of a dropout is no padding
    drawn |= {name for name in shares_in(*initial.body) if initial.asked(name)}
    drawn |= {
        n for n in factors_in(forward) & words if initial.asked(initial.parameter(n) or "") and not tensor_named(n)
    }
    shares = sorted(drawn | words & small_in(forward))
    words -= {*shares}
    counted = {n for n in numbers_in(forward) if n in words and initial.asked(initial.parameter(n) or "")}
    lengths = {word for word in counted if not numeric(word)} | WINDOW_KEYS & _keys(forward)
    windows = {word for word in words - usual if word in WINDOWS or word in lengths}
    steps = affine(2 if windows else 1)
    counts = counts_in(forward) - surely_tensors(forward) - {*known}
    whole = sorted(windows | {word for word in counts if not numeric(word) or numeric_kind(word) == "groups"})
    other = {"stride": affine(2), "padding": affine(1)}
    chosen = {word: other[kind] for word in sorted(words) if (kind := numeric_kind(word)) in other and numeric(word)}
    plainest = {w: affine(0) if numeric_kind(w) == "padding" else steps for w in chosen if w not in usual}
    unsaid = dict.fromkeys(_further(words - usual - {*whole}), affine(1))
    left_out = {word: affine(3) for word in factors_of_none(forward) if word not in chosen}
    axes = axes_in(forward) - {*whole, *known}
    first = dict.fromkeys(whole, affine(2)) | dict.fromkeys(axes, affine(-1))
    then = dict.fromkeys(whole, affine(3)) | left_out | dict.fromkeys(axes, affine(0))
    if shares or chosen or whole or left_out or axes or unsaid:
        usually = unsaid | plainest | first | dict.fromkeys(shares, _HALF)
        harder = unsaid | chosen | then | dict.fromkeys(shares, _QUARTER)
        further = [{**harder, word: affine(2)} for word in (*_further(words & usual), *unsaid)]
        wide = dict.fromkeys(_widths(whole), affine(3))
        return [usually, harder, *further, *([{**usually, **wide}] if wide else [])]
    return [{}, *({word: affine(2)} for word in _further(words & usual))]


def _further(words: Collection[str]) -> list[str]:
    """Dilations and groups, which are 1 by default: one that backward forgets is seen with another number alone."""
    kinds = {word: numeric_kind(word) for word in words if numeric(word) and word not in _OF_OTHERS}
    return [word for kind in ("dilation", "groups") for word in sorted(kinds) if kinds[word] == kind]


def _widths(windows: Collection[str]) -> list[str]:
    """The widths of windows, beside heights that are called as they are."""
    return sorted(
        word for word in windows for high, wide in _SIDES
        if word.endswith(wide) and word.removesuffix(wide) + high in windows
    )  # fmt: skip


def _fraction(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, float)


def _keys(node: ast.FunctionDef) -> set[str]:
    """The texts by which values are taken out of dicts of parameters."""
    found = set[str]()
    for one in ast.walk(node):
        match one:
            case ast.Subscript(ast.Name(name), ast.Constant(str() as key), ast.Load()) if packed(name):
                found.add(key)
    return found - {*parameters(node.args)}


def _number(value: Any) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return affine(value)
    if isinstance(value, float) and isfinite(value):
        return Product(Fraction(repr(value)))
    if isinstance(value, tuple | list):
        return tuple(map(_number, value))
    if isinstance(value, Mapping):
        return {key: _number(one) for key, one in value.items()}
    raise SpecError(f"arguments: numbers, texts, tuples and dicts are read; given {value!r}")
