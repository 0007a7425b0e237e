"""Where parts of a formula have kinks and the function has none: there conventions say nothing about a derivative."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from fractions import Fraction

import numpy as np

from symconv.errors import SpecError
from symconv.notation.expr import Apply, Const, Reduce, reads, walk
from symconv.notation.functions import TABLE
from symconv.notation.operator import Operator
from symconv.prove.concrete.counterexample import Counterexample, differing
from symconv.prove.concrete.enclosure import NoValueError
from symconv.prove.concrete.evaluate import Misfit
from symconv.prove.concrete.sides import Array, applies_functions, evaluated, is_rational, truth_of
from symconv.prove.explain.above_zero import above_zero
from symconv.prove.explain.generic import trials
from symconv.prove.explain.places import at_kink
from symconv.prove.explain.probes import moved_to, probed, probes
from symconv.prove.explain.slopes import near, slopes, slopes_at
from symconv.prove.explain.subgradients import within
from symconv.prove.language.coded import Coded
from symconv.prove.language.labels import LABEL
from symconv.prove.language.people import named_in
from symconv.prove.language.syntax import Claim, Name

__all__ = ["beyond", "kinked", "misfitting", "missed", "misses", "outside", "smooth_there", "unlike"]

_UNREAD = (Misfit, NoValueError, SpecError, ArithmeticError)


def smooth_there(whole: Operator, op: Operator, claim: Claim | Coded, example: Counterexample) -> str:
    """Why a counterexample is none: the claim gives the derivative that the function has where its parts have kinks.

    Where it has none, a claim about code whose forward function says no more may take any slope between those around.
    ``whole`` is the operator that ``claim`` is a gradient of; ``op`` is it too or, of several outputs, that gradient.
    Empty where the function has no derivative there, or another one, or where the claim is wrong elsewhere too.
    """
    try:
        derivative = _convention(whole, op, claim, example)
        if derivative is None:
            return ""
        agreed = [not _differing(op, claim, arrays) for arrays in trials(op)]
    except _UNREAD:
        return ""
    if not all(agreed):
        return ""
    parts = ", ".join(kinked(whole))
    if not derivative:
        return (
            f"where the slope of {parts} jumps, it is a convention, and the forward function does not say which; the "
            f"claim takes another one than the rules for the parts at {example.side}"
            f"[{','.join(map(str, example.cell))}] on the numbers tried, and the sides agree where no slope jumps, at "
            f"{len(agreed)} sizes"
        )
    return (
        f"where the slope of {parts} jumps, the rules for the parts of a formula may miss the derivative that the "
        f"whole has; it is the claimed one at {example.side}[{','.join(map(str, example.cell))}] on the numbers "
        f"tried, and the sides agree where no slope jumps, at {len(agreed)} sizes"
    )


def _convention(whole: Operator, op: Operator, claim: Claim | Coded, example: Counterexample) -> bool | None:
    """Whether the claim is the derivative that there is at a counterexample, or else may be what it is taken as there;
    None where it is neither."""
    if not _of_gradient(whole, claim) or not example.arrays or not kinked(whole):
        return None
    if not at_kink(whole, _arrays(op, claim, example)):
        return None
    if _gives_slopes(whole, op, claim, example):
        return True
    return False if _is_free(claim) and _within(whole, op, claim, example) is not False else None


def misfitting(
    whole: Operator, op: Operator, claim: Claim | Coded, example: Counterexample
) -> dict[str, tuple[int, ...]] | None:
    """Sizes at which the claim has no value, where a counterexample at others is none: it lies at a kink."""
    with suppress(*_UNREAD):
        if _convention(whole, op, claim, example) is None:
            return None
        for arrays in trials(op):
            try:
                _differing(op, claim, arrays)
            except Misfit:
                return {one.name: arrays[one.name].shape for one in op.inputs}
    return None


def missed(whole: Operator, op: Operator, claim: Claim | Coded, example: Counterexample) -> str:
    """What the derivative is where a counterexample lies, if the function has one though its parts have kinks.

    Of several outputs, and of several elements, some may have a derivative there: the claim has to give that much.
    """
    if not _of_gradient(whole, claim) or not example.arrays:
        return ""
    arrays = _arrays(op, claim, example)
    try:
        for cell in _differing(op, claim, arrays):
            found = slopes(whole, claim.side[1:], cell, arrays)
            part, want = found.smooth(arrays), found.gradient(arrays)
            got, rules = _at(op, claim, part, cell), float(_truth(op, claim, part)[cell])
            if not near(got, want):
                break
        else:
            return ""
    except _UNREAD:
        return ""
    if near(rules, want):
        count = sum(1 for _ in trials(op))
        return f"wrong where the function has a derivative; elsewhere right, as far as {count} sizes show"
    return (
        f"wrong where parts of the formula have kinks and the function has none: its derivative there is about "
        f"{want:.6g}, whatever the rules for the parts give"
    )


def unlike(whole: Operator, op: Operator, claim: Claim | Coded) -> str:
    """Why a claim that the rules for the parts prove is not right: at kinks of the parts the whole has a derivative.

    Empty where no such place is found with one element where an argument of a part is 0, at a small integer, or equal
    or opposite to another one.
    """
    if not _of_gradient(whole, claim) or not kinked(whole):
        return ""
    side, tensor = claim.side, claim.side[1:]
    for arrays, cell, kinks, usual in probed(whole, op, tensor):
        # Elsewhere the rules give the derivative, and the claim is proved to be what they give.
        kinks += [number for number in usual if at_kink(whole, moved_to(arrays, tensor, cell, number))]
        for number, one in zip(kinks, slopes_at(whole, tensor, cell, arrays, kinks), strict=True):
            part = one.smooth(moved_to(arrays, tensor, cell, number))
            want = one.gradient(part)
            try:
                got = _at(op, claim, part, cell)
            except _UNREAD:
                continue
            if np.isfinite(got) and not near(got, want, one.rounding):
                parts = ", ".join(kinked(whole))
                return (
                    f"it is what the rules for the parts of the formula give; where the slope of {parts} jumps, they "
                    f"miss the derivative that the whole has: at {side}[{','.join(map(str, cell))}] with "
                    f"{tensor} = {float(number):.6g} it is about {want:.6g}, not {got:.6g}"
                )
    return ""


def beyond(whole: Operator, op: Operator, claim: Claim | Coded) -> Counterexample | None:
    """Where a claim that agrees on integers is wrong at a kink: with another derivative than the whole has there, or
    with what is no convention."""
    if not _of_gradient(whole, claim) or not kinked(whole):
        return None
    for arrays, _ in probes(whole, op, claim.side[1:]):
        shapes = {one.name: arrays[one.name].shape for one in op.inputs}
        try:
            exact = {name: _fractions(array) for name, array in arrays.items()}
            example = differing(op, claim, shapes, exact)
            if example is None or example.cell not in _differing(op, claim, _arrays(op, claim, example)):
                continue
            if _gives_slopes(whole, op, claim, example):
                continue
            if not _is_free(claim) or _within(whole, op, claim, example) is False:
                return example
        except _UNREAD:
            continue
    return None


def outside(whole: Operator, op: Operator, claim: Claim | Coded, example: Counterexample) -> str:
    """What is said of a claim that gives at a kink what is no convention: nothing between the slopes around it."""
    if not _of_gradient(whole, claim) or not example.arrays:
        return ""
    with suppress(*_UNREAD):
        if _within(whole, op, claim, example) is False:
            return "and it takes none of them, as it is not between the slopes around"
    return ""


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
            found = slopes(op, side[1:], cell, arrays)
            if found.whole and not near(float(given[cell]), found.gradient(arrays)):
                return True
    return False


def kinked(op: Operator) -> list[str]:
    """The functions of an operator whose slope jumps: those of elements, not the root of a length."""
    found: dict[str, None] = {}
    for node in (one for statement in op.statements for one in walk(statement.expr)):
        match node:
            case Apply("pow", (_, Const(power))) if power.denominator == 1:
                pass  # a square is smooth, and 1/u has no value where its slope has none
            case Apply("sqrt" | "pow", (base, *_)) if above_zero(op, base):
                pass
            case Apply(function, _) if function in TABLE and TABLE[function].kinks and reads(node):
                found[function] = None
            case Reduce(("max" | "min") as kind, _, _):
                found[kind] = None
    return list(found)


def _of_gradient(whole: Operator, claim: Claim | Coded) -> bool:
    """Whether a derivative of the function itself is claimed: a declared one is what it is declared to be."""
    return claim.side not in {one.name for one in whole.outputs} and not whole.surrogates


def _differing(op: Operator, claim: Claim | Coded, arrays: Mapping[str, Array]) -> list[tuple[int, ...]]:
    """The cells at which what is claimed is not what the rules for the parts give."""
    want, got = _truth(op, claim, arrays), _claimed(op, claim, arrays)
    wrong = np.isfinite(want) & ~np.isclose(got, want, rtol=1e-7, atol=1e-9)
    return [cell for cell in np.ndindex(want.shape) if wrong[cell]]


def _truth(op: Operator, claim: Claim | Coded, arrays: Mapping[str, Array]) -> Array:
    with np.errstate(all="ignore"):
        return truth_of(op, claim.side, arrays).astype(np.float64)


def _claimed(op: Operator, claim: Claim | Coded, arrays: Mapping[str, Array]) -> Array:
    if applies_functions(claim):
        arrays = {name: array.astype(np.float64) for name, array in arrays.items()}
    with np.errstate(all="ignore"):
        held = dict(arrays)
        if claim.uses_output if isinstance(claim, Coded) else Name(op.output.name) in set(claim.nodes()):
            held[op.output.name] = truth_of(op, op.output.name, arrays)
        held |= {name: truth_of(op.upto(name), name, arrays) for name in named_in(op, claim)}
        found: Array = evaluated(claim, op, held).astype(np.float64)
    return found


def _at(op: Operator, claim: Claim | Coded, arrays: Mapping[str, Array], cell: tuple[int, ...]) -> float:
    return float(_claimed(op, claim, arrays)[cell])


def _is_free(claim: Claim | Coded) -> bool:
    """Whether nothing says what slopes at kinks are taken as."""
    return isinstance(claim, Coded) and claim.free


def _within(whole: Operator, op: Operator, claim: Claim | Coded, example: Counterexample) -> bool | None:
    """Whether a claim is a convention there: between the gradients around."""
    return within(
        whole, claim.side[1:], _arrays(op, claim, example),
        lambda arrays: _claimed(op, claim, arrays), lambda arrays: _truth(op, claim, arrays),
    )  # fmt: skip


def _fractions(array: Array) -> Array:
    return np.vectorize(Fraction, otypes=[object])(array) if array.size else array.astype(object)


def _gives_slopes(whole: Operator, op: Operator, claim: Claim | Coded, example: Counterexample) -> bool:
    """Whether the claim is the derivative wherever there is one, and what the rules give where there is none."""
    arrays = _arrays(op, claim, example)
    cells = _differing(op, claim, arrays)
    for cell in cells:
        found = slopes(whole, claim.side[1:], cell, arrays)
        smooth, rest = found.smooth(arrays), found.smooth(arrays, there=False)
        if not near(_at(op, claim, smooth, cell), found.gradient(arrays)):
            return False
        if not found.whole and not near(_at(op, claim, rest, cell), float(_truth(op, claim, rest)[cell])):
            return False
    return example.cell in cells


def _arrays(op: Operator, claim: Claim | Coded, example: Counterexample) -> dict[str, Array]:
    """The numbers of a counterexample, fractions as they are where both sides keep them."""
    exact = is_rational(op) and not applies_functions(claim)
    dtype = object if exact and any(isinstance(one, Fraction) for _, row in example.arrays for one in row) else float
    shapes = dict(example.shapes)
    shapes[f"g{op.output.name}"] = op.output_shape(**shapes)
    return {name: np.array(values, dtype).reshape(shapes[name]) for name, values in example.arrays}
