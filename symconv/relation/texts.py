"""Forms and conditions as text that isl reads."""

from __future__ import annotations

import re
from functools import lru_cache

from symconv.notation.affine import Affine, Maximum, Quotient
from symconv.notation.expr import Constraint

__all__ = ["conjuncts", "constraint_text", "form_text"]


@lru_cache(maxsize=4096)
def conjuncts(facts: str) -> tuple[str, ...]:
    """The facts that are joined by ``and`` outside of parentheses."""
    found, depth = [""], 0
    for part in re.split(r"( and |[()])", facts):
        depth += {"(": 1, ")": -1}.get(part, 0)
        if part == " and " and not depth:
            found.append("")
        else:
            found[-1] += part
    return tuple(text for text in found if text)


def constraint_text(constraint: Constraint) -> str:
    """A constraint as isl reads it."""
    return f"{form_text(constraint.form)} {'=' if constraint.equality else '>='} 0"


def form_text(form: Affine) -> str:
    """A form as isl reads it."""
    parts = [f"{factor}*{_atom(atom)}" for atom, factor in form.terms]
    return " + ".join([*parts, str(form.constant)])


def _atom(atom: str | Quotient | Maximum) -> str:
    match atom:
        case Quotient(numerator, divisor):
            return f"floor(({form_text(numerator)})/{divisor})"
        case Maximum(left, right):
            return f"max({form_text(left)}, {form_text(right)})"
        case _:
            return atom
