"""Concrete evidence about a claim: the smallest sizes that refute it, confirmed by brute force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from math import prod

import numpy as np

from symconv.errors import InternalError
from symconv.limits import EXAMPLE_SEEDS, FORCED_POINTS, PICTURED_CELLS, PICTURED_PLANES
from symconv.notation.affine import affine, var
from symconv.notation.expr import Constraint, equal
from symconv.notation.operator import Operator, Tensor
from symconv.prove.concrete.counterexample import Counterexample, Shapes, seen, times
from symconv.prove.concrete.enclosure import NoValueError
from symconv.prove.concrete.evaluate import TooLargeError
from symconv.prove.decide.compare import limited
from symconv.prove.decide.decision import Decision, sides
from symconv.prove.language.coded import Coded
from symconv.prove.language.syntax import Claim
from symconv.prove.meaning.atoms import OF_SUM, is_atom, spelled
from symconv.prove.meaning.indices import INDEX
from symconv.prove.meaning.scope import Fork, Mismatch, Undecided
from symconv.prove.meaning.value import Term, Value
from symconv.relation.counting import points
from symconv.relation.regions import Region
from symconv.verify.grid import points as grid_points

__all__ = ["Pattern", "counterexample", "pattern"]


def counterexample(op: Operator, claim: Claim | Coded, decision: Decision) -> Counterexample | None:
    """The smallest sizes for which the claim is wrong: well-typed ones where there are any.

    None where it is wrong for sizes alone that are too large to compute, or whose values are not known well enough.
    Raises InternalError where brute force does not agree that the claim is wrong there, Undecided where that may be
    because functions that differ agree on integers.
    """
    for region, sizes in _smallest(op, claim, decision):
        try:
            found = _refuted(op, claim, decision, region, sizes)
        except TooLargeError:
            continue
        if found is not None:
            return found
    return None


def _refuted(
    op: Operator, claim: Claim | Coded, decision: Decision, region: Region, sizes: Mapping[str, int]
) -> Counterexample | None:
    shapes = {t.name: t.shape(dict(sizes)) for t in op.inputs}
    computed = False
    for seed in range(EXAMPLE_SEEDS):
        try:
            example = seen(op, claim, shapes, seed)
        except NoValueError:
            continue
        computed = True
        if example is not None:
            missing, extra = _terms(op, claim, decision.domain, sizes, example.cell) if example.cell else ((), ())
            return replace(example, missing=missing, extra=extra)
    if not computed:
        return None
    if any(is_atom(f.tensor) for value in _both(op, claim, region) for term in value.terms for f in term.factors):
        raise Undecided("the two sides apply functions, and brute force does not tell them apart")
    if isinstance(claim, Coded):
        raise Undecided(f"the code as it is read for all sizes and as it is computed differ at {shapes}")
    raise InternalError(f"{claim}: brute force finds no difference at {shapes}, where the proof says there is one")


def _smallest(op: Operator, claim: Claim | Coded, decision: Decision) -> Iterator[tuple[Region, dict[str, int]]]:
    """Where the claim is wrong, each with its smallest sizes: well-typed ones, then those whose shapes do not fit.

    Left out where the operator itself is too large to compute there.
    """
    defined = {d.name for d in op.definitions}
    for kind in (decision.values, decision.shapes):
        region = kind.where(Constraint(var(op.batch) - 1)) if op.batch else kind
        region = kind if region.empty else region
        if region.empty:
            continue
        sizes = region.smallest(name for name in region.context.sizes if name not in defined)
        if sizes is None:
            raise InternalError(f"{claim}: no sizes in a set that is not empty")
        cells = sum(prod(t.shape(sizes)) for t in (*op.inputs, op.output))
        if cells <= FORCED_POINTS and grid_points(op, sizes) <= FORCED_POINTS:
            yield region, sizes


def _both(op: Operator, claim: Claim | Coded, region: Region) -> tuple[Value, ...]:
    try:
        return sides(op, claim, region)
    except (Fork, Mismatch, Undecided):
        return ()


def _terms(
    op: Operator, claim: Claim | Coded, domain: Region, sizes: Mapping[str, int], cell: tuple[int, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The products that the true value of a cell has and the claim has not, and the other way round."""
    pinned = domain.where(*(equal(var(name), affine(value)) for name, value in sizes.items()))
    if not (both := _both(op, claim, pinned)):
        # The sizes of one counterexample are read in another way than those of a family; the numbers stand.
        return (), ()
    given, wanted = both
    here = dict(zip((n for group in wanted.names for n in group), _logical(wanted, sizes, cell), strict=True))
    true, claimed = (_products(op, value, pinned, sizes, here) for value in (wanted, given))
    missing = _written(true, claimed)
    extra = _written(claimed, true)
    return missing, extra


def _written(one: Mapping[str, Fraction], other: Mapping[str, Fraction]) -> tuple[str, ...]:
    found = []
    for product, value in sorted(one.items()):
        rest = value - other.get(product, Fraction(0))
        if rest > 0 or (rest < 0 and value < 0):
            found.append(product if rest == 1 else f"{rest}·{product}")
    return tuple(found)


def _logical(value: Value, sizes: Mapping[str, int], cell: tuple[int, ...]) -> Iterator[int]:
    for one, position in zip(value.axes, cell, strict=True):
        yield from map(
            int, np.unravel_index(position, [s.evaluate(dict(sizes)) for s in one.sizes]) if one.sizes else ()
        )


def _products(
    op: Operator, value: Value, region: Region, sizes: Mapping[str, int], here: Mapping[str, int]
) -> dict[str, Fraction]:
    tensors = {t.name: t for t in (*op.inputs, op.output)}
    total: dict[str, Fraction] = {}
    numbers = {name: affine(number) for name, number in {**sizes, **here}.items()}
    for term in limited(value):
        fixed = term.substitute(numbers)
        scale = prod((Fraction(f.evaluate(dict(sizes))) ** p for f, p in term.scale), start=term.coefficient)
        for point in points(region, fixed.bound, fixed.where):
            number = prod(f.index[0].evaluate(dict(point)) for f in fixed.factors if f.tensor == INDEX)
            product = _named(tensors, op, fixed, point, sizes)
            total[product] = total.get(product, Fraction(0)) + scale * number
    return total


def _named(
    tensors: Mapping[str, Tensor], op: Operator, term: Term, point: Mapping[str, int], sizes: Mapping[str, int]
) -> str:
    parts = []
    for factor in term.factors:
        if factor.tensor == INDEX:
            continue
        rest = [form.evaluate(dict(point)) for form in factor.index]

        def element(name: str, count: int, rest: list[int] = rest) -> str:
            own, rest[:] = rest[:count], rest[count:]
            return _element(tensors.get(name, op.output), name, own, sizes)

        if OF_SUM in factor.tensor:
            parts.append(f"{factor.tensor.partition(OF_SUM)[0]}(Σ)[{','.join(map(str, rest))}]")
        elif is_atom(factor.tensor):
            parts.append(spelled(factor.tensor, element))
        else:
            parts.append(element(factor.tensor, len(rest)))
    return "·".join(sorted(parts)) or "1"


def _element(one: Tensor, name: str, logical: Sequence[int], sizes: Mapping[str, int]) -> str:
    rest = iter(logical)
    index = []
    for merged in one.axes:
        position = 0
        for size in merged:
            step = 0 if size == affine(1) else next(rest)
            position = position * size.evaluate(dict(sizes)) + step
        index.append(str(position))
    return f"{name}[{','.join(index)}]"


@dataclass(frozen=True, slots=True)
class Pattern:
    """One plane of a side, cell by cell: the products it sums as claimed and in truth."""

    side: str
    where: str
    got_shape: tuple[int, int]
    want_shape: tuple[int, int]
    got: Mapping[tuple[int, int], tuple[str, ...]]
    want: Mapping[tuple[int, int], tuple[str, ...]]
    leading: tuple[int, ...] = ()


def pattern(op: Operator, claim: Claim | Coded, region: Region, differing: bool = False) -> Pattern | None:
    """A plane of a side at small sizes of ``region``; None where there are none to draw.

    With ``differing`` the first plane with a cell that has other products as claimed than in truth.
    """
    for shapes in _pictured(op, region):
        sizes = op.sizes(**shapes)
        pinned = region.where(*(equal(var(name), affine(value)) for name, value in sizes.items()))
        try:
            given, wanted = sides(op, claim, pinned)
        except (Mismatch, Undecided, Fork):
            continue
        shape = tuple(prod(s.evaluate(sizes) for s in one.sizes) for one in wanted.axes)
        rows, columns = (*((1,) * (2 - len(shape))), *shape[-2:])
        if rows * columns > PICTURED_CELLS:
            continue
        where = ", ".join(f"{name} {times(s)}" for name, s in shapes.items())
        planes = islice(np.ndindex(*shape[:-2]), PICTURED_PLANES if differing else 1)
        for leading in (tuple(map(int, place)) for place in planes):
            got, want = (
                _plane(op, value, wanted, pinned, sizes, (leading, rows, columns, len(shape)))
                for value in (given, wanted)
            )
            if got != want or not differing:
                return Pattern(claim.side, where, (rows, columns), (rows, columns), got, want, leading)
    return None


def _plane(
    op: Operator, value: Value, wanted: Value, pinned: Region, sizes: dict[str, int],
    place: tuple[tuple[int, ...], int, int, int],
) -> dict[tuple[int, int], tuple[str, ...]]:  # fmt: skip
    """The products of each cell of one plane."""
    leading, rows, columns, rank = place
    cells = {}
    for i, j in np.ndindex(rows, columns):
        cell = (*leading, *((i, j) if rank > 1 else (j,) if rank else ()))
        here = dict(zip((n for g in wanted.names for n in g), _logical(wanted, sizes, cell), strict=True))
        products = _products(op, value, pinned, sizes, here)
        cells[int(i), int(j)] = tuple(k if v == 1 else f"{v}·{k}" for k, v in sorted(products.items()) if v)
    return cells


def _pictured(op: Operator, region: Region) -> list[Shapes]:
    """Small shapes in the region, with something to see where it has them."""
    defined = {d.name for d in op.definitions}
    windows = {w.size for w in op.windows}
    free = [name for name in region.context.sizes if name not in defined]
    found = []
    for spatial, other in ((4, 2), (3, 2), (3, 1), (2, 1), (1, 1)):
        least = [Constraint(var(name) - (spatial if name in windows else other)) for name in free]
        sizes = region.where(*least).smallest(free)
        if sizes is not None:
            found.append({t.name: t.shape(sizes) for t in op.inputs})
    return found
