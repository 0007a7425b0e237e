"""What a wrong claim probably meant: small edits, each with the mistake it undoes, until one is proved.

Edits are tried on concrete integers first; only what is right on all of them, or right but for one factor, goes to the
proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from symconv.errors import SpecError, SymconvError
from symconv.limits import GEOMETRIES, REPAIR_CELLS, REPAIR_EDITS, REPAIR_FACTOR, REPAIR_NODES, REPAIR_REDUCTION
from symconv.notation.operator import Operator
from symconv.prove.concrete.counterexample import drawn
from symconv.prove.concrete.enclosure import NoValueError
from symconv.prove.concrete.evaluate import Misfit, evaluated_on, ground_for
from symconv.prove.concrete.numbers import Ground
from symconv.prove.concrete.sides import Array, truth_of
from symconv.prove.decide.decision import decide
from symconv.prove.explain.edits import edits, is_far
from symconv.prove.language.syntax import Binary, Claim, Node, Number, Reduction, show, walk
from symconv.verify.geometry import geometries

__all__ = ["Repair", "repair"]


_Trials = list[tuple[Ground, Array]]
_Body = tuple[Node, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Repair:
    """A claim that is proved, and the mistakes between it and the one that was made."""

    claim: Claim
    causes: tuple[str, ...]


def repair(op: Operator, claim: Claim) -> Repair | None:
    """The nearest claim that holds for all sizes, or None where up to three edits do not lead to one."""
    trials = _trials(op, claim)
    tried = _Tried({show(claim.body)}, REPAIR_NODES)
    frontier: list[_Body] = [(claim.body, ())]
    found = _first(op, claim, trials, frontier)
    for _ in range(REPAIR_EDITS):
        if found is not None or tried.left < 0:
            break
        following: list[_Body] = []
        found = _first(op, claim, trials, _edited(op, claim.side, frontier, tried, following))
        frontier = following
    return found


@dataclass(slots=True)
class _Tried:
    seen: set[str]
    left: int


def _edited(op: Operator, side: str, frontier: list[_Body], tried: _Tried, following: list[_Body]) -> Iterator[_Body]:
    """What one more edit makes of the bodies, each added to ``following`` when it is reached."""
    for body, causes in frontier:
        size = sum(REPAIR_REDUCTION if isinstance(one, Reduction) else 1 for one in walk(body))
        for cause, new in edits(op, side, body):
            tried.left -= size
            if tried.left < 0:
                return
            text = show(new)
            if text not in tried.seen and cause not in causes and not is_far(cause, causes):
                tried.seen.add(text)
                following.append((new, (*causes, cause)))
                yield following[-1]


def _first(op: Operator, claim: Claim, trials: _Trials, bodies: Iterable[_Body]) -> Repair | None:
    """The first body that is right; else the first that is right but for a factor."""
    scaled: list[_Body] = []
    for body, causes in bodies:
        candidate = claim.with_body(body)
        factor = _factor(op, candidate, trials)
        if factor == 1 and _proved(op, candidate):
            return Repair(candidate, causes)
        if factor not in {None, 0, 1}:
            assert factor is not None
            scaled.append((_times(body, factor), (*causes, _excess(1 / factor))))
    for body, causes in scaled[:2]:
        candidate = claim.with_body(body)
        if _proved(op, candidate):
            return Repair(candidate, causes)
    return None


def _excess(factor: Fraction) -> str:
    """How a side differs that is so many times what is right."""
    words = {Fraction(2): "twice what is right", Fraction(1, 2): "half of what is right", Fraction(-1): "the sign"}
    return f"a constant factor: {words.get(factor, f'{factor} times what is right')}"


def _times(body: Node, factor: Fraction) -> Node:
    """The body times a number, in few signs."""
    match body:
        case Binary("-", Number(0), inner) if not isinstance(inner, Number):
            return _times(inner, -factor)
        case Binary("+", one, other) if one == other:
            return _times(one, 2 * factor)
        case Binary("*", Number(value), inner) if not isinstance(inner, Number):
            return _times(inner, factor * value)
        case Binary("*" | "/", inner, Number(value)) if not isinstance(inner, Number) and value:
            return _times(inner, factor * (value if body.op == "*" else 1 / value))
    if factor == 1:
        return body
    if factor == -1:
        return Binary("-", Number(Fraction(0)), body)
    if factor.denominator == 1:
        return Binary("*", Number(factor), body)
    whole = _times(body, Fraction(factor.numerator))
    return Binary("/", whole, Number(Fraction(factor.denominator)))


def _trials(op: Operator, claim: Claim) -> _Trials:
    """Small integers as floats, with the true value: the smallest and some larger geometries."""
    found = []
    for seed, shapes in enumerate(geometries(op, GEOMETRIES, 0)):
        arrays = {name: array.astype(np.float64) for name, array in drawn(op, shapes, seed).items()}
        if all(0 < a.size < REPAIR_CELLS for a in arrays.values()):
            output = {} if claim.side == op.output.name else {op.output.name: truth_of(op, op.output.name, arrays)}
            try:
                ground = ground_for(claim, op, arrays | output)
            except (NoValueError, SpecError):
                continue
            found.append((ground, truth_of(op, claim.side, arrays)))
    return sorted(found, key=lambda one: sum(a.size for a in one[0].arrays.values()))


def _factor(op: Operator, claim: Claim, trials: _Trials) -> Fraction | None:
    """The one number that the claim is short of on all trials: 1 where it is right there, None where there is none."""
    factor: Fraction | None = None
    for ground, want in trials:
        try:
            got = evaluated_on(ground, claim, op)
        except (Misfit, NoValueError, SpecError):
            return None
        if got.shape != want.shape:
            return None
        given = got.astype(np.float64)
        if not np.isfinite(given).all():
            return None
        if factor is None and (place := np.flatnonzero(given)).size:
            ratio = want.ravel()[place[0]] / given.ravel()[place[0]]
            if not np.isfinite(ratio) or abs(ratio) > REPAIR_FACTOR:
                return None
            factor = Fraction(float(ratio)).limit_denominator(REPAIR_FACTOR)
        if not np.allclose(given * float(1 if factor is None else factor), want, rtol=1e-9):
            return None
    return factor if factor is not None or not trials else Fraction(1)


def _proved(op: Operator, claim: Claim) -> bool:
    try:
        decision = decide(op, claim, doubted=False)
    except SymconvError:
        return False
    return not decision.undecided and decision.wrong.empty
