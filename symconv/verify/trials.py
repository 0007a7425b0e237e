"""A kernel called on a case: its results, or the reason there are none, compared number by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from symconv.errors import SymconvError
from symconv.notation.operator import Operator
from symconv.verify.cases import Case, Expected, Ruling
from symconv.verify.grid import Array
from symconv.verify.verdict import Check, Failure

__all__ = ["Finding", "KernelLike", "Trial", "attempt", "collect", "compare", "forward", "gradient_name"]

_ALIGNED, _MOST_GUARD = 64, 1 << 16
"""Guards are multiples of the widest vector, and as long as the array up to a limit: a whole row or plane beyond."""
_GUARDS = {"f4": 0x7FA00000, "f8": 0x7FF4000000000000, "i4": -1, "i8": -1}
"""Bits of the guards: signalling NaNs, which turn quiet when a kernel adds so much as zero to them."""
_ERRORS = (SymconvError, ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What a wrong kernel is expected to raise; anything else is no verdict and passes through."""


class KernelLike(Protocol):
    """What is judged: takes arrays in the operator's order, returns new ones.

    With a true attribute ``fills`` it also takes ``out=``, an array or a mapping, and is watched for writes beyond it.
    """

    def forward(self, *arrays: Array, **out: Any) -> Array:
        """The output."""
        ...

    def backward(self, gy: Array, *arrays: Array, **out: Any) -> object:
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
    """Numbers compared on one case, the largest error over the allowed one, the first failure, and how many numbers

    no bound judges."""

    cases: int = 0
    worst: float = 0.0
    failure: Failure | None = None
    unbounded: int = 0


def attempt(op: Operator, kernel: KernelLike, case: Case, ruling: Ruling) -> Trial:
    """Call the kernel forward and, where gradients are judged, backward."""
    faults: dict[str, str] = {}
    name = op.output.name
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


def _guarded(array: Array) -> tuple[Array, Array]:
    """A copy between signalling NaNs, and the whole: a read beyond it spoils the result, a write shows."""
    guard = min(-(-array.size // _ALIGNED) * _ALIGNED, _MOST_GUARD) + _ALIGNED
    whole = np.empty(array.size + 2 * guard, array.dtype)
    _bits(whole)[...] = _GUARDS[array.dtype.str[1:]]
    inner = whole[guard : guard + array.size].reshape(array.shape)
    inner[...] = array
    return inner, whole


def _room(shape: Sequence[int], dtype: str) -> tuple[Array, Array]:
    """Guarded space for a result, of numbers no result has: a cell never written is wrong."""
    empty = np.nan if np.dtype(dtype).kind == "f" else np.iinfo(dtype).min
    return _guarded(np.full(shape, empty, dtype))


def _spilled(inner: Array, whole: Array) -> bool:
    guard = (whole.size - inner.size) // 2
    bits = _bits(whole)
    ends = np.concatenate([bits[:guard], bits[guard + inner.size :]])
    return bool((ends != _GUARDS[whole.dtype.str[1:]]).any())


def _bits(whole: Array) -> Array:
    return whole.view(f"i{whole.dtype.itemsize}")


def gradient_name(tensor: str) -> str:
    """How messages call the gradient by a tensor."""
    return f"gradient by {tensor}"


def forward(op: Operator, kernel: KernelLike, arrays: dict[str, Array], ruling: Ruling) -> Array | str:
    """The kernel's output, or what is wrong with the call."""
    given = {name: _guarded(arrays[name])[0] for name in op.tensors}
    dtype = "int32" if op.output.dtype == "index" else ruling.dtype
    shape = op.output_shape(**{name: tuple(array.shape) for name, array in arrays.items()})
    room, whole = _room(shape, dtype)
    try:
        # A kernel that fills arrays is watched while it does.
        got = kernel.forward(*given.values(), **({"out": room} if _fills(kernel) else {}))
    except _ERRORS as error:
        return f"forward raised {type(error).__name__}: {error}"
    if written := _written(arrays, given):
        return f"forward wrote into its input {written}"
    if _spilled(room, whole):
        return "forward wrote outside its output"
    return _form(got, shape, dtype, "forward") or got


def _fills(kernel: KernelLike) -> bool:
    return bool(getattr(kernel, "fills", False))


def _backward(op: Operator, kernel: KernelLike, case: Case, ruling: Ruling) -> object:
    given = {name: _guarded(case.arrays[name])[0] for name in op.tensors}
    gy = _guarded(case.gy)[0]
    rooms = {name: _room(case.shapes[name], ruling.dtype) for name in ruling.gradients}
    out = {"out": {name: room for name, (room, _) in rooms.items()}} if _fills(kernel) else {}
    try:
        got = kernel.backward(gy, *given.values(), **out)
    except _ERRORS as error:
        return f"backward raised {type(error).__name__}: {error}"
    written = _written({**case.arrays, "": case.gy}, {**given, "": gy})
    if written is not None:
        return f"backward wrote into its input {written or 'gy'}"
    if spilled := [name for name, pair in rooms.items() if _spilled(*pair)]:
        return f"backward wrote outside the gradient by {spilled[0]}"
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
    """Every cell of one result with a finite value by an oracle and a finite bound of the allowed error."""
    shapes = tuple(case.shapes.items())
    if got is None:
        return Finding(0, np.inf, Failure(name, shapes, fault or "no result"))
    finite = np.isfinite(want.value) & np.isfinite(want.bound)
    judged, unbounded = int(finite.sum()), int((~finite).sum())
    if not judged:
        return Finding(unbounded=unbounded)
    with np.errstate(all="ignore"):
        error = np.where(finite, np.abs(got.astype(np.float64) - want.value), 0.0)
        ratio = np.where(error == 0, 0.0, error / want.bound)
    ratio = np.where(np.isnan(ratio), np.inf, ratio)
    index = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
    worst = float(ratio[index])
    if worst <= 1.0:
        return Finding(judged, worst, unbounded=unbounded)
    place = tuple(int(k) for k in index)
    reason = f"{case.kind} against {oracle}; {int((ratio > 1).sum())} of {ratio.size} cells are wrong"
    failure = Failure(
        name, shapes, reason, place, float(got[index]), float(want.value[index]), float(want.bound[index])
    )
    return Finding(judged, worst, failure, unbounded)


def collect(name: str, what: str, findings: Sequence[Finding], geometries: int, detail: str = "") -> Check:
    """One check from its findings; the first failure speaks for all."""
    failure = next((finding.failure for finding in findings if finding.failure is not None), None)
    worst = max((finding.worst for finding in findings), default=0.0)
    cases = sum(finding.cases for finding in findings)
    unbounded = sum(finding.unbounded for finding in findings)
    return Check(name, what, cases, worst, failure is None, detail, geometries, failure, unbounded)
