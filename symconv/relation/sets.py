"""Integer sets over indices with symbolic sizes.

Sizes are parameters of every set; what is known of them (non-emptiness, how an extent follows from other sizes) is the
context, so that an answer holds for all sizes for which the operator is valid.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import islpy as isl

from symconv.notation.affine import Affine, var
from symconv.notation.expr import Constraint
from symconv.notation.operator import Operator
from symconv.relation.polyhedra import Part, made
from symconv.relation.texts import conjuncts, constraint_text, form_text

__all__ = [
    "Context",
    "System",
    "context_of",
    "difference",
    "feasible",
    "implied",
    "injective",
]


@dataclass(frozen=True, slots=True)
class Context:
    """The sizes, and what always holds of them, as isl text."""

    sizes: tuple[str, ...]
    facts: str


@dataclass(frozen=True, slots=True)
class System:
    """The integer points of ``dims`` for which some ``hidden`` integers satisfy all constraints."""

    dims: tuple[str, ...]
    constraints: tuple[Constraint, ...]
    hidden: tuple[str, ...] = ()
    pins: tuple[tuple[tuple[str, int], ...], ...] = ((),)


def context_of(op: Operator) -> Context:
    """Every size of the operator with its definition, its assumptions, and that nothing but the batch is empty."""
    names = {
        name for tensor in (*op.inputs, *(s.target for s in op.statements)) for s in tensor.sizes for name in s.names()
    }
    names |= {name for d in op.definitions for name in (d.name, *d.form.names())}
    names |= {name for a in op.assumptions for name in a.constraint.form.names()}
    defined = {d.name: d for d in op.definitions}
    facts = [f"{d.name} = {form_text(d.form)}" for d in op.definitions]
    facts += [f"{d.name} >= 1" for d in op.definitions if d.extent]
    facts += [f"{name} >= {0 if name == op.batch else 1}" for name in sorted(names - defined.keys())]
    facts += [constraint_text(a.constraint) for a in op.assumptions]
    return Context(tuple(sorted(names)), " and ".join(facts))


# The gradients of one operator ask the same questions: two of three are repeated.
@lru_cache(maxsize=4096)
def feasible(context: Context, system: System) -> bool:
    """Whether some sizes and some point satisfy the system."""
    return not _set(context, system).is_empty()


def implied(context: Context, system: System, constraint: Constraint) -> bool:
    """Whether every point of the system satisfies ``constraint``, for all sizes."""
    if constraint in system.constraints:
        return True
    opposite = [Constraint(-constraint.form - 1)]
    if constraint.equality:
        opposite.append(Constraint(constraint.form - 1))
    return not any(
        feasible(context, System(system.dims, (*system.constraints, other), system.hidden, system.pins))
        for other in opposite
    )


def difference(context: Context, left: Iterable[System], right: Iterable[System]) -> str | None:
    """A point in exactly one of the two unions, as text; None when they are equal for all sizes."""
    a, b = _union(context, left), _union(context, right)
    for one, other, words in ((a, b, "only before"), (b, a, "only after")):
        rest = one.subtract(other)
        if not rest.is_empty():
            return f"{words}: {rest.sample_point()}"
    return None


def injective(context: Context, system: System, image: tuple[Affine, ...]) -> bool:
    """Whether no two points of the system have the same image (the pins count as coordinates of a point)."""
    pinned = tuple(dict.fromkeys(name for pin in system.pins for name, _ in pin))
    dims = (*system.dims, *pinned)
    return bool(_made(isl.Map, context, system, dims, image).is_injective())


def _set(context: Context, system: System) -> isl.Set:
    pinned = dict.fromkeys(name for pin in system.pins for name, _ in pin)
    hidden = tuple(name for name in (*system.hidden, *pinned) if name not in system.dims)
    return _made(isl.Set, context, system, system.dims, (), hidden)


def _made(
    kind: type, context: Context, system: System, dims: tuple[str, ...], image: tuple[Affine, ...],
    hidden: tuple[str, ...] = (),
) -> isl.Set:  # fmt: skip
    """The points of a system, or the map from them to an image."""
    known = conjuncts(context.facts)
    parts = []
    for pin in system.pins:
        pins = (Constraint(var(name) - value, True) for name, value in pin)
        parts.append(Part((*system.constraints, *pins, *known), image))
    return made(kind, context.sizes, dims, parts, hidden)


def _union(context: Context, systems: Iterable[System]) -> isl.Set:
    sets = [_set(context, system) for system in systems]
    total = sets[0]
    for other in sets[1:]:
        total = total.union(other)
    return total
