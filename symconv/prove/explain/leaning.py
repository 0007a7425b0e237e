"""Which way an undecided claim looks: both sides on random data, exactly where that can be."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from symconv.errors import SpecError
from symconv.limits import GEOMETRIES
from symconv.notation.grammar import COMPARISONS
from symconv.notation.operator import Operator
from symconv.prove.concrete.counterexample import PRIME, drawn
from symconv.prove.concrete.enclosure import NoValueError
from symconv.prove.concrete.evaluate import Misfit
from symconv.prove.concrete.sides import applies_functions, evaluated, is_rational, true_value, truth_of
from symconv.prove.explain.smooth import kinked
from symconv.prove.language.coded import Coded
from symconv.prove.language.syntax import Binary, Call, Claim
from symconv.prove.language.vocabulary import ELEMENTWISE, canonical
from symconv.prove.language.words import IRRATIONAL
from symconv.verify.geometry import geometries

__all__ = ["leaning"]


def leaning(op: Operator, claim: Claim | Coded) -> str:
    """What exact evaluation modulo a large prime says at random sizes."""
    if applies_functions(claim) or not is_rational(op):
        return _roughly(op, claim)
    count = 0
    prime = PRIME if _rational(op, claim) else None
    for seed, shapes in enumerate(geometries(op, GEOMETRIES, 1)):
        if any(0 in shape for shape in shapes.values()):
            continue
        arrays = drawn(op, shapes, seed, prime or 10)
        try:
            want = true_value(op, claim.side, arrays)
            output = op.output.name
            held = {} if claim.side == output else {output: true_value(op, output, arrays)}
            given = arrays | {name: _reduced(array) if prime else array for name, array in held.items()}
            got = evaluated(claim, op, given, prime)
        except Misfit as misfit:
            return f"false: at {shapes}, {misfit}"
        except NoValueError:
            continue
        except SpecError as error:
            return f"none: {str(error).splitlines()[0]}"
        if got.shape != want.shape or not np.array_equal(*((_reduced(got), _reduced(want)) if prime else (got, want))):
            # Integers lie on kinks, where the two sides may follow different conventions.
            return _roughly(op, claim) if kinked(op) else f"false: another value at {shapes}"
        count += 1
    if not count:
        # An element without a value leaves none of the array, exactly.
        return _roughly(op, claim)
    how = "modulo 2^61 - 1 on random data" if prime else "on random integers"
    return f"true: equal {how} at {count} sizes"


def _roughly(op: Operator, claim: Claim | Coded) -> str:
    """The same in float64, for functions such as tanh, which have no exact values."""
    count = 0
    for seed, shapes in enumerate(geometries(op, GEOMETRIES, 1)):
        if any(0 in shape for shape in shapes.values()):
            continue
        rng = np.random.default_rng(seed)
        low = 0.2 if seed % 2 else -1.0
        arrays = {n: np.asarray(rng.uniform(low, 1, a.shape)) for n, a in drawn(op, shapes, seed).items()}
        try:
            with np.errstate(all="ignore"):
                want, got = truth_of(op, claim.side, arrays), evaluated(claim, op, arrays).astype(np.float64)
        except Misfit as misfit:
            return f"false: at {shapes}, {misfit}"
        except SpecError as error:
            return f"none: {str(error).splitlines()[0]}"
        known = np.isfinite(want) & np.isfinite(got)
        if not np.allclose(got[known], want[known], rtol=1e-7, atol=1e-9 * np.abs(want[known]).max(initial=1)):
            return f"false: another value at {shapes}"
        count += bool(known.any())
    return f"true: equal within rounding on random reals at {count} sizes" if count else "none: no finite values"


def _rational(op: Operator, claim: Claim | Coded) -> bool:
    """Whether both sides are made of sums, products and quotients, which mean something modulo a prime."""
    if isinstance(claim, Coded):
        return False
    calls = {canonical(node.function) for node in claim.nodes() if isinstance(node, Call)}
    compared = any(isinstance(n, Binary) and (n.op in COMPARISONS or n.op == "**") for n in claim.nodes())
    return (
        not calls & {*ELEMENTWISE, *IRRATIONAL, "where", "clip"}
        and not compared
        and not any(word in op.source for word in ("max", "min", "abs", "relu", "sign", "where"))
    )


def _reduced(array: Any) -> Any:
    def one(value: Any) -> int:
        number = Fraction(value)
        return number.numerator * pow(number.denominator, -1, PRIME) % PRIME

    flat = np.empty(array.size, dtype=object)
    flat[:] = [one(v) for v in array.ravel()]
    return flat.reshape(array.shape)
