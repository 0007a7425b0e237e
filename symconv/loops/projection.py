"""The range that inner loops leave to an outer one: inner indices are eliminated (Fourier and Motzkin).

After an equation such as ``u = 2*i + a + p`` has been solved for ``a``, only ``i`` and ``p`` together are bounded. A
loop over all ``i`` would mostly find no ``p``; eliminating ``p`` leaves the bounds of ``i`` alone. The result is exact
where one of two factors is 1, and elsewhere holds every point that is visited.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from symconv.notation.affine import Affine
from symconv.notation.expr import Constraint

__all__ = ["projected"]


def projected(bounds: Iterable[Constraint], steps: Sequence[str]) -> dict[str, tuple[Constraint, ...]]:
    """For each of ``steps``, outermost first: what follows for it from eliminating those behind it.

    Only constraints that are new are answered, and only of steps: where a cell receives nothing it is written all the
    same.
    """
    forms = [form for bound in bounds for form in ((bound.form, -bound.form) if bound.equality else (bound.form,))]
    # Few loops are tied to others: only their constraints grow when one is eliminated.
    tied = [form for form in forms if form.names() & set(steps)]
    derived: list[Affine] = []
    found: dict[str, tuple[Constraint, ...]] = {}
    for depth in range(len(steps) - 1, 0, -1):
        tied, new = _eliminated(tied, steps[depth], steps[:depth])
        derived = [form for form in (*derived, *new) if not form.coefficient(steps[depth])]
        outer = steps[depth - 1]
        own = [form for form in derived if form.coefficient(outer) and not _implied(form, derived, forms)]
        found[outer] = tuple(Constraint(form) for form in dict.fromkeys(own))
    return found


def _eliminated(forms: list[Affine], name: str, others: Sequence[str]) -> tuple[list[Affine], list[Affine]]:
    """What holds of the other steps, and what of it is new."""
    lower = [form for form in forms if form.coefficient(name) > 0]
    upper = [form for form in forms if form.coefficient(name) < 0]
    kept = [form for form in forms if not form.coefficient(name)]
    new = [form for form in dict.fromkeys(_pairs(lower, upper, name)) if form.names() & set(others)]
    return [*kept, *(form for form in new if form not in kept)], new


def _pairs(lower: list[Affine], upper: list[Affine], name: str) -> Iterator[Affine]:
    for low, high in product(lower, upper):
        yield low * -high.coefficient(name) + high * low.coefficient(name)


def _implied(form: Affine, derived: list[Affine], given: list[Affine]) -> bool:
    """Whether another constraint with the same variable part is at least as tight."""
    same = (other for other in (*derived, *given) if other.terms == form.terms and other != form)
    return form in given or any(other.constant < form.constant for other in same)
