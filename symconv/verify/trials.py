"""A kernel called on a case: its results, or the reason there are none, compared number by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from symconv.errors import SymconvError
from symconv.notation.operator import Operator
from symconv.verify.cases import Case, Expected, Ruling
from symconv.verify.grid import Array
from symconv.verify.verdict import Check, Failure

__all__ = ["Finding", "KernelLike", "Trial", "attempt", "collect", "compare", "forward", "gradient_name"]

_GUARD = 64
"""Elements before and after an array; a multiple of the widest vector, which keeps its alignment."""
_ERRORS = (SymconvError, ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What a wrong kernel is expected to raise; anything else is no verdict and passes through."""


class KernelLike(Protocol):
    """What is judged: takes arrays in the operator's order, returns new ones."""

    def forward(self, *arrays: Array) -> Array:
        """The output."""
        ...

    def backward(self, gy: Array, *arrays: Array) -> object:
        """The gradients, as a NamedTuple with a field per tensor."""
        ...


@dataclass(frozen=True, slots=True)
class Trial:
    """A case and what the kernel made of it; ``faults`` say what it failed to return, by result name."""

    case: Case
    output: Array | None
    gradients: dict[str, Array]
    faults: dict[str, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """Numbers compared on one case, the largest error over the allowed one, and the first failure."""

    cases: int = 0
    worst: float = 0.0
    failure: Failure | None = None


def attempt(op: Operator, kernel: KernelLike, case: Case, ruling: Ruling) -> Trial:
    """Call the kernel forward and, where gradients are judged, backward."""
    faults: dict[str, str] = {}
    name = op.output.name
    case = replace(case, arrays={key: _guarded(array) for key, array in case.arrays.items()})
    output = forward(op, kernel, case.arrays, ruling)
    if isinstance(output, str):
        faults[name] = output
    found: dict[str, Array] = {}
    if ruling.gradients:
        result = _backward(op, kernel, case, ruling)
        for tensor in ruling.gradients:
            value = result if isinstance(result, str) else getattr(result, tensor, None)
            fault = value if isinstance(value, str) else _form(value, case.shapes[tensor], ruling.dtype, "backward")
            if isinstance(value, np.ndarray) and fault is None:
                found[tensor] = value
            else:
                faults[gradient_name(tensor)] = fault or "backward returned no array"
    return Trial(case, None if isinstance(output, str) else output, found, faults)


def _guarded(array: Array) -> Array:
    """The same numbers between others that are not: a read beyond the array spoils what is computed from it."""
    if array.dtype.kind != "f" or not array.flags.c_contiguous:
        return array
    wide = np.full(array.size + 2 * _GUARD, np.nan, array.dtype)
    inner = wide[_GUARD : _GUARD + array.size].reshape(array.shape)
    inner[...] = array
    return inner


def gradient_name(tensor: str) -> str:
    """How messages call the gradient by a tensor."""
    return f"gradient by {tensor}"


def forward(op: Operator, kernel: KernelLike, arrays: dict[str, Array], ruling: Ruling) -> Array | str:
    """The kernel's output, or what is wrong with the call."""
    given = {name: arrays[name].copy() for name in op.tensors}
    try:
        got = kernel.forward(*given.values())
    except _ERRORS as error:
        return f"forward raised {type(error).__name__}: {error}"
    if written := _written(arrays, given):
        return f"forward wrote into its input {written}"
    dtype = "int32" if op.output.dtype == "index" else ruling.dtype
    shape = op.output_shape(**{name: tuple(array.shape) for name, array in arrays.items()})
    return _form(got, shape, dtype, "forward") or got


def _backward(op: Operator, kernel: KernelLike, case: Case, ruling: Ruling) -> object:
    given = {name: case.arrays[name].copy() for name in op.tensors}
    gy = case.gy.copy()
    try:
        got = kernel.backward(gy, *given.values())
    except _ERRORS as error:
        return f"backward raised {type(error).__name__}: {error}"
    written = _written({**case.arrays, "": case.gy}, {**given, "": gy})
    if written is not None:
        return f"backward wrote into its input {written or 'gy'}"
    return got


def _written(before: dict[str, Array], after: dict[str, Array]) -> str | None:
    for name, array in after.items():
        if not np.array_equal(before[name], array, equal_nan=True):
            return name
    return None


def _form(got: object, shape: Sequence[int], dtype: str, call: str) -> str | None:
    if not isinstance(got, np.ndarray):
        return f"{call} returned {type(got).__name__}, wanted an array"
    if got.dtype != np.dtype(dtype) or got.shape != tuple(shape):
        return f"{call} returned {got.dtype} {got.shape}, wanted {dtype} {tuple(shape)}"
    return None


def compare(case: Case, name: str, got: Array | None, want: Expected, *, oracle: str, fault: str | None) -> Finding:
    """Every finite cell of one result against an oracle's value and the allowed error."""
    shapes = tuple(case.shapes.items())
    if got is None:
        return Finding(0, np.inf, Failure(name, shapes, fault or "no result"))
    finite = np.isfinite(want.value)
    if not finite.any():
        return Finding()
    with np.errstate(all="ignore"):
        error = np.where(finite, np.abs(got.astype(np.float64) - want.value), 0.0)
        ratio = np.where(error == 0, 0.0, error / want.bound)
    ratio = np.where(np.isnan(ratio), np.inf, ratio)
    index = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
    worst = float(ratio[index])
    if worst <= 1.0:
        return Finding(int(finite.sum()), worst)
    place = tuple(int(k) for k in index)
    reason = f"{case.kind} against {oracle}; {int((ratio > 1).sum())} of {ratio.size} cells are wrong"
    failure = Failure(
        name, shapes, reason, place, float(got[index]), float(want.value[index]), float(want.bound[index])
    )
    return Finding(int(finite.sum()), worst, failure)


def collect(name: str, what: str, findings: Sequence[Finding], geometries: int, detail: str = "") -> Check:
    """One check from its findings; the first failure speaks for all."""
    failure = next((finding.failure for finding in findings if finding.failure is not None), None)
    worst = max((finding.worst for finding in findings), default=0.0)
    cases = sum(finding.cases for finding in findings)
    return Check(name, what, cases, worst, failure is None, detail, geometries, failure)
