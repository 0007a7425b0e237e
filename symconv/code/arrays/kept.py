"""Sums that stay in their parentheses: ``(x - m)*w`` is a product of two factors, as the code computes it."""

from __future__ import annotations

from typing import Any

from symconv.code.arrays.walk import Walk
from symconv.notation.affine import var
from symconv.notation.expr import Constraint
from symconv.prove.language.labels import is_selector
from symconv.prove.meaning.elements import together
from symconv.prove.meaning.value import Value, inside

__all__ = ["MULTIPLIED", "whole"]

MULTIPLIED = frozenset({"conv", "conv_transpose", "divide", "einsum", "exact_einsum", "matmul"})
"""Words of the claim language that multiply out sums among their arguments."""


def whole(walk: Walk, value: Any) -> Any:
    """The array with each element, a sum of several terms, as one factor; others as they are.

    Multiplied out, ``(x - m)**2`` would lose the digits that the difference is there to keep. Parts that are joined are
    no such sums: each of them is somewhere else.
    """
    if not isinstance(value, Value) or len(value.terms) < 2:
        return value
    factors = [factor for term in value.terms for factor in term.factors]
    if not factors or any(is_selector(factor.tensor) for factor in factors):
        return value
    names = [name for group in value.names for name in group]
    sizes = [size for one in value.axes for size in one.sizes]
    within = [c for name, size in zip(names, sizes, strict=True) for c in inside(var(name), size)]
    with walk.inside(names, within):
        for term in value.terms:
            if not all(_everywhere(walk, c, term.bound) for c in term.where):
                return value
    return together(walk, "whole", [value], "a sum")


def _everywhere(walk: Walk, constraint: Constraint, bound: tuple[str, ...]) -> bool:
    """Whether it holds for all elements, or is of what is summed over."""
    return bool(constraint.form.names() & {*bound}) or walk.always(constraint)
