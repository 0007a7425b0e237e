"""Conformance: what everything that plugs into symconv has to pass, the built-in parts included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symconv import pipeline
from symconv.errors import SpecError, SymconvError
from symconv.notation.front import formula
from symconv.notation.operator import Operator
from symconv.ops.registry import adder2d, conv2d, conv_transpose1d, max_plus1d
from symconv.options import DTYPES, Options
from symconv.verify.geometry import geometries
from symconv.verify.judge import judge

if TYPE_CHECKING:
    from symconv.backends.protocol import Backend

__all__ = ["Conformance", "conforms", "operators"]


@dataclass(frozen=True, slots=True)
class Conformance:
    """What a backend was asked and how it went; false where anything failed, printed line by line."""

    backend: str
    lines: tuple[tuple[str, str], ...]

    def __bool__(self) -> bool:
        return bool(self.lines) and not any(failure for _, failure in self.lines)

    def __str__(self) -> str:
        rows = (f"  FAILED  {what}: {failure}" if failure else f"  passed  {what}" for what, failure in self.lines)
        return "\n".join((f"{self.backend}: {'conforms' if self else 'does not conform'}", *rows))


def operators() -> dict[str, Operator]:
    """The operators that a backend is asked for: strides, groups, layouts, borders, kinks, other algebras, functions.

    >>> list(operators())[:2]
    ['strides, pads, groups, a bias', 'channels last']
    """
    return {
        "strides, pads, groups, a bias": conv2d(stride=(2, 1), padding=(1, 2), groups=2, bias=True),
        "channels last": conv2d(stride=(1, 2), layout="NHWC"),
        "a border that is reflected": conv2d(padding=(2, 1), border="reflect"),
        "taps left out, absolute values": adder2d(stride=(2, 1), padding=(1, 0), border="skip"),
        "maxima": max_plus1d(stride=2, padding=1),
        "transposed": conv_transpose1d(stride=3, padding=1),
        "functions inside and outside of a sum": formula("y[n,f,i] = tanh(sum[c,p](sigmoid(x[n,c,i+p-1])*w[f,c,p]))"),
        "a reduction to a number": formula("y[n] = sum[c,i](x[n,c,i]*w[c,i])"),
    }


def conforms(
    backend: Backend[Any], asked: Mapping[str, Operator] | None = None, target: str = "portable", count: int = 3
) -> Conformance:
    """Whether a backend emits, compiles and computes right, for both dtypes; it never raises for a wrong one.

    Parameters
    ----------
    backend : as in ``symconv.backends.protocol``
    asked : the operators by what they show; None for all of ``operators()``
    target : what is compiled for, as in ``build``
    count : on how many geometries each operator is judged

    >>> class Silent:
    ...     name = "silent"
    ...     def emit(self, units, options):
    ...         raise SpecError("no words")
    >>> simple = {"a copy": formula("y[n,i] = x[n,i]")}
    >>> print(str(conforms(Silent(), simple)).splitlines()[0])
    silent: does not conform
    """
    lines = [
        (f"{what}, {dtype}", _failure(backend, op, Options(dtype=dtype, target=target), count))
        for what, op in (operators() if asked is None else asked).items()
        for dtype in DTYPES
    ]
    return Conformance(backend.name, tuple(lines))


def _failure(backend: Backend[Any], op: Operator, chosen: Options, count: int) -> str:
    try:
        return next(_failures(backend, op, chosen, count), "")
    except SymconvError as error:
        return f"{type(error).__name__}: {error}"


def _failures(backend: Backend[Any], op: Operator, chosen: Options, count: int) -> Iterator[str]:
    units = (pipeline.unit(op, chosen).direct,)
    source = backend.emit(units, chosen)
    if backend.emit(units, chosen) != source:
        yield "another text for the same kernels"
    loaded: Any = backend.load(backend.compile(source), op, chosen)
    verdict = judge(op, loaded, chosen.dtype, count=count)
    if not verdict:
        yield str(verdict)
    yield from _misuse(loaded, op, chosen)


def _misuse(loaded: Any, op: Operator, chosen: Options) -> Iterator[str]:
    """What has to be refused with words: another dtype, another shape, an array too few."""
    import numpy as np

    shapes = next(one for one in geometries(op, 4) if all(size for shape in one.values() for size in shape))
    arrays = [np.ones(shapes[tensor.name], chosen.dtype) for tensor in op.inputs]
    other = next(dtype for dtype in DTYPES if dtype != chosen.dtype)
    last = arrays[-1]
    wrong = {
        "another dtype": [*arrays[:-1], last.astype(other)],
        "an axis too many": [*arrays[:-1], last[None]],
        "another shape": [*arrays[:-1], np.ones(tuple(n + 1 for n in last.shape), chosen.dtype)],
        "an array too few": arrays[:-1],
    }
    for what, given in wrong.items():
        try:
            loaded.forward(*given)
        except SpecError:
            continue
        if what != "another shape" or not _fits(op, given):
            yield f"{what} was not refused with a SpecError"


def _fits(op: Operator, given: list[Any]) -> bool:
    try:
        op.sizes(**{name: array.shape for name, array in zip(op.tensors, given, strict=True)})
    except SpecError:
        return False
    return True
