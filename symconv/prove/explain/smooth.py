"""Where parts of a formula have kinks and the function has none: there conventions say nothing about a derivative."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from symconv.errors import SpecError
from symconv.limits import GEOMETRIES, KINK_CELLS, KINK_TRIALS
from symconv.notation.expr import Apply, Reduce, walk
from symconv.notation.functions import TABLE
from symconv.notation.operator import Operator
from symconv.prove.concrete.counterexample import Counterexample, labels
from symconv.prove.concrete.enclosure import NoValueError
from symconv.prove.concrete.evaluate import Misfit
from symconv.prove.concrete.sides import Array, evaluated, truth_of
from symconv.prove.language.coded import Coded
from symconv.prove.language.labels import LABEL
from symconv.prove.language.people import named_in
from symconv.prove.language.syntax import Claim
from symconv.verify.geometry import geometries

__all__ = ["kinked", "missed", "misses", "smooth_there", "trials"]

_STEP = 2.0**-12
_CLOSE = 1e-5
"""What difference quotients of that step tell apart, relative to what they are."""


def smooth_there(op: Operator, claim: Claim | Coded, example: Counterexample) -> str:
    """Why a counterexample is none: the claim gives the derivative that the function has where its parts have kinks.

    Empty where the function has no derivative there, or another one, or where the claim is wrong elsewhere too.
    """
    if claim.side == op.output.name or not example.arrays or not kinked(op):
        return ""
    try:
        if not _gives_slopes(op, claim, example):
            return ""
        agreed = [_agrees(op, claim, arrays) for arrays in trials(op)]
    except (Misfit, NoValueError, SpecError, ArithmeticError):
        return ""
    if not all(agreed):
        return ""
    parts = ", ".join(kinked(op))
    return (
        f"where the slope of {parts} jumps, the rules for the parts of a formula may miss the derivative that the "
        f"whole has; it is the claimed one at {example.side}[{','.join(map(str, example.cell))}] on the integers "
        f"tried, and the sides agree where no slope jumps, at {len(agreed)} sizes"
    )


def missed(op: Operator, example: Counterexample) -> str:
    """What the derivative is where a counterexample lies, if the function has one though its parts have kinks."""
    if example.side == op.output.name or not example.arrays:
        return ""
    right, left = _slopes(op, example.side[1:], example.cell, _arrays(op, example))
    if not _near(left, right):
        return ""
    if example.want is not None and _near(float(example.want), right):
        count = sum(1 for _ in trials(op))
        return f"wrong where the function has a derivative; elsewhere right, as far as {count} sizes show"
    return (
        f"wrong where parts of the formula have kinks and the function has none: its derivative there is about "
        f"{right:.6g}, whatever the rules for the parts give"
    )


def misses(op: Operator, other: Operator, side: str) -> bool:
    """Whether ``op``, which is ``other`` with other slopes at kinks, misses a derivative that is there."""
    for seed, sizes in enumerate(trials(op)):
        rng = np.random.default_rng(seed)
        selectors = {one.name for one in op.inputs if one.dtype == LABEL}
        whole = {n: np.asarray(rng.integers(-2, 3, a.shape), np.float64) for n, a in sizes.items()}
        arrays = whole | {name: sizes[name] for name in selectors}
        with np.errstate(all="ignore"):
            given, usual = (truth_of(one, side, arrays) for one in (op, other))
        for cell in map(tuple, np.argwhere(~np.isclose(given, usual, equal_nan=True)).tolist()):
            right, left = _slopes(op, side[1:], cell, arrays)
            if _near(right, left) and not _near(right, float(given[cell])):
                return True
    return False


def _near(left: float, right: float) -> bool:
    return abs(left - right) <= _CLOSE * max(1.0, abs(right))


def kinked(op: Operator) -> list[str]:
    """The functions of an operator whose slope jumps."""
    found: dict[str, None] = {}
    for node in (one for statement in op.statements for one in walk(statement.expr)):
        match node:
            case Apply(function, _) if function in TABLE and TABLE[function].kinks:
                found[function] = None
            case Reduce(("max" | "min") as kind, _, _):
                found[kind] = None
    return list(found)


def trials(op: Operator) -> Iterator[dict[str, Array]]:
    """Numbers of a few small sizes, away from kinks."""
    count = 0
    for seed, shapes in enumerate(geometries(op, GEOMETRIES, 0)):
        arrays = _generic(op, shapes, seed)
        if count < KINK_TRIALS and all(0 < array.size < KINK_CELLS for array in arrays.values()):
            count += 1
            yield arrays


def _generic(op: Operator, shapes: Mapping[str, tuple[int, ...]], seed: int) -> dict[str, Array]:
    """Operands and the cotangent, no two elements of which are equal or opposite, and none a number people write."""
    rng = np.random.default_rng(seed)
    wanted = {**{t.name: shapes[t.name] for t in op.inputs}, f"g{op.output.name}": op.output_shape(**dict(shapes))}
    total = sum(int(np.prod(shape)) for shape in wanted.values())
    values = (rng.permutation(total) + rng.uniform(0.1, 0.9, total)) * rng.choice([-0.25, 0.25], total)
    arrays: dict[str, Array] = {}
    for name, shape in wanted.items():
        size = int(np.prod(shape))
        arrays[name], values = values[:size].reshape(shape), values[size:]
    return arrays | {t.name: labels(rng, shapes[t.name]).astype(np.float64) for t in op.inputs if t.dtype == LABEL}


def _agrees(op: Operator, claim: Claim | Coded, arrays: Mapping[str, Array]) -> bool:
    return not _differing(op, claim, arrays)


def _differing(op: Operator, claim: Claim | Coded, arrays: Mapping[str, Array]) -> dict[tuple[int, ...], float]:
    """What is claimed at the cells where that is not what the rules for the parts give."""
    with np.errstate(all="ignore"):
        held = {**arrays, op.output.name: truth_of(op, op.output.name, arrays)}
        held |= {name: truth_of(op.upto(name), name, arrays) for name in named_in(op, claim)}
        want, got = truth_of(op, claim.side, arrays), evaluated(claim, op, held).astype(np.float64)
    wrong = np.isfinite(want) & ~np.isclose(got, want, rtol=1e-7, atol=1e-9)
    return {cell: float(got[cell]) for cell in np.ndindex(want.shape) if wrong[cell]}


def _gives_slopes(op: Operator, claim: Claim | Coded, example: Counterexample) -> bool:
    """Whether the function has the claimed derivative at every cell of the counterexample."""
    arrays = _arrays(op, example)
    found = _differing(op, claim, arrays)
    return example.cell in found and all(
        _near(slope, value) for cell, value in found.items() for slope in _slopes(op, claim.side[1:], cell, arrays)
    )


def _arrays(op: Operator, example: Counterexample) -> dict[str, Array]:
    shapes = dict(example.shapes)
    shapes[f"g{op.output.name}"] = op.output_shape(**shapes)
    return {name: np.array(values, np.float64).reshape(shapes[name]) for name, values in example.arrays}


def _slopes(op: Operator, tensor: str, cell: tuple[int, ...], arrays: Mapping[str, Array]) -> tuple[float, float]:
    """The derivatives from the right and from the left, by quotients of second order."""

    def at(step: float) -> Array:
        moved = arrays[tensor].copy()
        moved[cell] += step
        return truth_of(op, op.output.name, {**arrays, tensor: moved})

    def one_sided(step: float) -> float:
        change = 4 * (at(step) - middle) - (at(2 * step) - middle)
        return float((change * arrays[f"g{op.output.name}"]).sum() / (2 * step))

    middle = at(0.0)
    return one_sided(_STEP), one_sided(-_STEP)
