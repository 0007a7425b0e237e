"""Addresses as sums of pointers: what changes in an outer loop is added before what changes in an inner one.

A compiler hoists such sums as they stand; of one sum of signed integers it would have to prove that no part overflows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from symconv.loops.ir import LANES, Binary, Const, Expr, Var
from symconv.loops.traverse import walk

__all__ = ["Monomials", "depths", "monomials", "plus", "pointer", "position"]

Monomials = dict[tuple[str, ...], int]
"""A polynomial of printed factors: the factors of each term, in order, and its coefficient."""

Print = Callable[[Expr], str]


def monomials(expr: Expr, show: Print) -> Monomials:
    """An integer expression as a polynomial of variables and of what is no sum or product."""
    match expr:
        case Const(value):
            return {(): int(value)} if value else {}
        case Binary("+" | "-" as op, left, right):
            sign = 1 if op == "+" else -1
            return plus(monomials(left, show), monomials(right, show), sign)
        case Binary("*", left, right):
            return _times(monomials(left, show), monomials(right, show))
    return {(show(expr),): 1}


def position(index: tuple[Expr, ...], sizes: tuple[Expr, ...], show: Print) -> Monomials:
    """The row-major position of an element."""
    at: Monomials = {}
    for form, size in zip(index, sizes, strict=True):
        at = plus(_times(at, monomials(size, show)), monomials(form, show))
    return at


def plus(a: Monomials, b: Monomials, sign: int = 1) -> Monomials:
    """The sum, or the difference, of two polynomials."""
    total = dict(a)
    for factors, coefficient in b.items():
        total[factors] = total.get(factors, 0) + sign * coefficient
    return {factors: coefficient for factors, coefficient in total.items() if coefficient}


def _times(a: Monomials, b: Monomials) -> Monomials:
    product: Monomials = {}
    for left, first in a.items():
        for right, second in b.items():
            product = plus(product, {tuple(sorted((*left, *right))): first * second})
    return product


def pointer(buffer: str, at: Monomials, depth: Callable[[str], int]) -> str:
    """``buffer + outer terms + inner terms + constants``; ``depth`` says how deep inside loops a factor changes."""
    levels: dict[tuple[bool, int], list[str]] = {}
    for factors, coefficient in at.items():
        constant = all(factor == LANES for factor in factors)
        deepest = max((depth(factor) for factor in factors), default=0)
        levels.setdefault((constant, deepest), []).append(_term(factors, coefficient))
    text = buffer
    for level in sorted(levels):
        terms = levels[level]
        text += f" + {terms[0]}" if len(terms) == 1 and not terms[0].startswith("-") else f" + ({' + '.join(terms)})"
    return text


def _term(factors: tuple[str, ...], coefficient: int) -> str:
    shown = [factor if factor.isidentifier() or factor.endswith((")", "]")) else f"({factor})" for factor in factors]
    if coefficient != 1 or not shown:
        shown.append(str(coefficient))
    return "*".join(shown)


def depths(expr: Expr, known: Mapping[str, int]) -> int:
    """How deep inside loops the value of an expression changes."""
    return max((known.get(node.name, 0) for node in walk(expr) if isinstance(node, Var)), default=0)
