"""Conditions in the words of isl as conjunctions of linear rows, one of which holds."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from math import gcd

from symconv.limits import ROW_CASES
from symconv.notation.affine import Affine, Atom, Maximum, Quotient, affine, maximum, quotient, var
from symconv.notation.expr import Constraint

__all__ = ["Alternatives", "Case", "Row", "cases"]


@dataclass(frozen=True, slots=True)
class Row:
    """``form >= 0``, or ``form == 0`` where ``equality``; the floors in it, inner ones first."""

    form: Affine
    equality: bool = False
    floors: tuple[Quotient, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """Rows that hold together, and the least and largest values that they give to sums without their constants."""

    rows: tuple[Row, ...] = ()
    bounds: Mapping[_Terms, tuple[float, float]] = field(default_factory=dict, compare=False)

    def __and__(self, other: Case) -> Case | None:
        """Both; None where two rows contradict each other, as in most cases of several facts."""
        found = dict(self.bounds)
        for terms, (least, most) in other.bounds.items():
            low, high = found.get(terms, _ANY)
            found[terms] = max(low, least), min(high, most)
            if found[terms][0] > found[terms][1]:
                return None
        return Case(self.rows + other.rows, found)


Alternatives = tuple[Case, ...]
_Terms = tuple[tuple[Atom, int], ...]
_ANY = -float("inf"), float("inf")
_NEVER: Alternatives = ()
_ALWAYS: Alternatives = (Case(),)

_EQUALS = re.compile(r"(?<![<>!=])=(?!=)")
_WORD = re.compile(r"[A-Za-z_]\w*")
_APART = "ø"
"""Behind names that are words of Python (an index may be called ``in``): no name of a formula ends with it."""
_WORDS = {word: f"{word}{_APART}" for word in {*keyword.kwlist} - {"and", "or", "not"}}
_WORDS |= {"mod": "%", "true": "True", "false": "False"}


class _OtherWordsError(Exception):
    """A text has words that only isl reads."""


def cases(facts: Iterable[str | Constraint], ties: Iterable[tuple[str, str | Affine]]) -> Alternatives | None:
    """All facts together, with names that are tied to forms, as conjunctions one of which holds.

    None where a text says what only isl reads, or where there are too many conjunctions.
    """
    try:
        tied = [_zero(_form(form) - var(name)) for name, form in ties]
        return _all(sorted([*map(_alternatives, facts), *tied], key=len))
    except (_OtherWordsError, SyntaxError, RecursionError, MemoryError):  # the last two: nested too deeply for Python
        return None


@lru_cache(maxsize=16384)
def _alternatives(fact: str | Constraint) -> Alternatives:
    """A condition as conjunctions one of which holds."""
    match fact:
        case Constraint(form, equality):
            return _zero(_outer(form)) if equality else _nonnegative(_outer(form))
        case _:
            return _condition(_expression(fact), True)


def _form(given: str | Affine) -> Affine:
    return _outer(given) if isinstance(given, Affine) else _number(_expression(given))


def _outer(form: Affine) -> Affine:
    """The form with no maximum inside of a floor."""
    found = affine(form.constant)
    for atom, factor in form.terms:
        match atom:
            case Quotient(numerator, divisor):
                found += factor * _floor(_outer(numerator), divisor)
            case Maximum(left, right):
                found += factor * maximum(_outer(left), _outer(right))
            case _:
                found += Affine(((atom, factor),))
    return found


@lru_cache(maxsize=16384)
def _expression(text: str) -> ast.expr:
    """The words of isl are those of Python, but for three: its parser reads them, and nothing is run."""
    text = _WORD.sub(lambda found: _WORDS.get(found.group(), found.group()), _EQUALS.sub("==", text.strip()))
    return ast.parse(text, mode="eval").body


def _condition(node: ast.expr, holds: bool) -> Alternatives:
    """Where a condition holds, or where it does not."""
    match node:
        case ast.BoolOp(op=operator, values=values):
            parts = [_condition(value, holds) for value in values]
            return _all(parts) if isinstance(operator, ast.And) == holds else _any(parts)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _condition(operand, not holds)
        case ast.Compare(left=left, ops=operators, comparators=others):
            forms = [_number(left), *map(_number, others)]
            signs = zip(operators, forms[:-1], forms[1:], strict=True)
            parts = [_compared(sign, more - less, holds) for sign, less, more in signs]
            return _all(parts) if holds else _any(parts)
        case ast.Constant(value=bool(value)):
            return _ALWAYS if value == holds else _NEVER
    raise _OtherWordsError


def _compared(sign: ast.cmpop, rest: Affine, holds: bool) -> Alternatives:
    """Where ``a sign b`` holds, or where it does not, for ``rest = b - a``."""
    match sign, holds:
        case (ast.LtE(), True) | (ast.Gt(), False):
            return _nonnegative(rest)
        case (ast.Lt(), True) | (ast.GtE(), False):
            return _nonnegative(rest - 1)
        case (ast.GtE(), True) | (ast.Lt(), False):
            return _nonnegative(-rest)
        case (ast.Gt(), True) | (ast.LtE(), False):
            return _nonnegative(-rest - 1)
        case (ast.Eq(), True) | (ast.NotEq(), False):
            return _zero(rest)
        case (ast.NotEq(), True) | (ast.Eq(), False):
            return _any([_nonnegative(rest - 1), _nonnegative(-rest - 1)])
    raise _OtherWordsError


def _number(node: ast.expr) -> Affine:
    """An expression as a form with floors, and with maxima none of which is inside of a floor."""
    match node:
        case ast.Name(id=name):
            return var(name.removesuffix(_APART))
        case ast.Constant(value=int(value)) if not isinstance(value, bool):
            return affine(value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(operand)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _number(left) + _number(right)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return _number(left) - _number(right)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _times(_number(left), _number(right))
        case ast.BinOp(left=left, op=ast.Mod(), right=ast.Constant(value=int(divisor))) if divisor > 0:
            form = _number(left)
            return form - divisor * _floor(form, divisor)
        case ast.Call(func=ast.Name(id="floor"), args=[ast.BinOp(left, ast.Div(), ast.Constant(value=int(divisor)))]):
            return _floor(_number(left), divisor)
        case ast.Call(func=ast.Name(id="max"), args=[_, *_] as parts):
            return reduce(maximum, map(_number, parts))
        case ast.Call(func=ast.Name(id="min"), args=[_, *_] as parts):
            return -reduce(maximum, [-_number(part) for part in parts])
    raise _OtherWordsError


def _times(left: Affine, right: Affine) -> Affine:
    if left.is_constant:
        return right * left.constant
    if right.is_constant:
        return left * right.constant
    raise _OtherWordsError


def _floor(form: Affine, divisor: int) -> Affine:
    """A floor: as it grows with its numerator, that of a maximum is the maximum of floors."""
    if divisor <= 0:
        raise _OtherWordsError
    found = _chosen(form)
    if found is None:
        return quotient(form, divisor)
    sign, left, right = found
    return sign * maximum(sign * _floor(left, divisor), sign * _floor(right, divisor))


def _chosen(form: Affine) -> tuple[int, Affine, Affine] | None:
    """The form with either side of its first maximum in the place of this: it is their maximum where the sign is 1,
    their minimum where it is -1."""
    for atom, factor in form.terms:
        if isinstance(atom, Maximum):
            rest = form - Affine(((atom, factor),))
            return (1 if factor > 0 else -1), rest + factor * atom.left, rest + factor * atom.right
    return None


def _nonnegative(form: Affine) -> Alternatives:
    """Where a form is not negative: the maximum is where the larger side is, the minimum where both are."""
    if form.is_constant:
        return _ALWAYS if form.constant >= 0 else _NEVER
    if found := _chosen(form):
        sign, left, right = found
        if sign > 0 and _chosen(left - right) is None:
            return _larger(left, right, _nonnegative)
        return (_any if sign > 0 else _all)([_nonnegative(left), _nonnegative(right)])
    return (_row(form, False),)


def _zero(form: Affine) -> Alternatives:
    if form.is_constant:
        return _NEVER if form.constant else _ALWAYS
    if found := _chosen(form):
        sign, left, right = found
        if _chosen(left - right) is None:
            return _larger(sign * left, sign * right, _zero)
        return _all([_nonnegative(form), _nonnegative(-form)])
    return (_row(form, True),)


def _larger(left: Affine, right: Affine, holds: Callable[[Affine], Alternatives]) -> Alternatives:
    """Where something holds for the larger of two forms, in cases that share no point.

    One maximum is often met in many facts, whose cases then contradict each other but for the few that agree on it.
    Forms that hold maxima themselves are compared in more cases than this saves.
    """
    return _any([
        _all([_nonnegative(left - right), holds(left)]),
        _all([_nonnegative(right - left - 1), holds(right)]),
    ])  # fmt: skip


def _row(form: Affine, equality: bool) -> Case:
    rows = (Row(form, equality, tuple(dict.fromkeys(_floors(form)))),)
    # Of two rows of opposite sign, and of a multiple, the terms are the same.
    common = gcd(*(factor for _, factor in form.terms))
    common = common if form.terms[0][1] > 0 else -common
    low = -(form.constant // common) if equality or common > 0 else _ANY[0]
    high = -form.constant // common if equality or common < 0 else _ANY[1]
    return Case(rows, {tuple((atom, factor // common) for atom, factor in form.terms): (low, high)})


def _floors(form: Affine) -> Iterator[Quotient]:
    for atom, _ in form.terms:
        if isinstance(atom, Quotient):
            yield from _floors(atom.numerator)
            yield atom


def _any(parts: Sequence[Alternatives]) -> Alternatives:
    return tuple(dict.fromkeys(case for part in parts for case in part))


def _all(parts: Sequence[Alternatives]) -> Alternatives:
    found = _ALWAYS
    for part in parts:
        found = tuple(both for case in found for more in part if (both := case & more) is not None)
        if len(found) > ROW_CASES:
            raise _OtherWordsError
    return found
