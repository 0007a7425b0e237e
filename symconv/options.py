"""What a build can be asked for: one frozen table shared by the Python interface, the command line and the cache
key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any

from symconv.errors import SpecError, shown

__all__ = ["ACCURACIES", "DTYPES", "TARGETS", "Options", "asked", "names", "options"]

DTYPES = ("float32", "float64")
TARGETS = ("native", "portable", "x86-64-v2", "x86-64-v3", "x86-64-v4")
ACCURACIES = ("default", "strict")


@dataclass(frozen=True, slots=True)
class Options:
    """How to build a kernel.

    ``sizes`` are the shapes the kernel is specialised to, as ``((tensor, shape), ...)``, or ``None`` for run-time
    sizes.
    ``threads`` is ``None`` for every core. ``target`` is ``"native"`` (tuned to this CPU), ``"portable"`` (no fact
    of this machine enters the source or its flags) or an instruction set: x86-64-v3 is AVX2, x86-64-v4 AVX-512.
    ``accuracy`` ``"strict"`` sums directly, ``"default"`` also allows methods with a stated error. ``tune`` measures
    what a cost model would guess.
    """

    dtype: str = "float32"
    sizes: tuple[tuple[str, tuple[int, ...]], ...] | None = None
    threads: int | None = None
    target: str = "native"
    accuracy: str = "default"
    tune: bool = False

    @property
    def words(self) -> str:
        """What a kernel is built for, in words.

        >>> Options(threads=2).words
        'float32, native, 2 threads'
        """
        threads = "every core" if self.threads is None else f"{self.threads} thread{'' if self.threads == 1 else 's'}"
        return ", ".join((self.dtype, self.target, threads))


def options(
    dtype: str = "float32",
    sizes: Mapping[str, tuple[int, ...]] | None = None,
    threads: int | None = None,
    accuracy: str = "default",
    tune: bool = False,
    target: str = "native",
) -> Options:
    """Build options, checked; raises SpecError.

    >>> options(accuracy="strict", target="x86-64-v3").target
    'x86-64-v3'
    """
    for value, allowed, what in (
        (dtype := _dtype_name(dtype), DTYPES, "dtype"),
        (target, TARGETS, "target"),
        (accuracy, ACCURACIES, "accuracy"),
    ):
        if not isinstance(value, str) or value not in allowed:
            raise SpecError(f"{what} is one of {', '.join(allowed)}; given {shown(value)}")
    if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or not 1 <= threads <= 4096):
        raise SpecError(f"threads is a positive integer or None for every core; given {shown(threads)}")
    if not isinstance(tune, bool):
        raise SpecError(f"tune is True or False; given {shown(tune)}")
    return Options(dtype, _fixed(sizes), threads, target, accuracy, tune)


def asked(given: Mapping[str, Any]) -> Options:
    """The options that a build is asked for by name; raises SpecError for bad ones, and for names that are none.

    >>> asked({"threads": 2}).threads
    2
    """
    if unknown := [name for name in given if name not in names()]:
        raise SpecError(f"build has no option {unknown[0]!r}; its options are {', '.join(names())}")
    return options(**given)


def names() -> tuple[str, ...]:
    """What a build can be asked for, by name.

    >>> names()
    ('dtype', 'sizes', 'threads', 'accuracy', 'tune', 'target')
    """
    return tuple(signature(options).parameters)


def _dtype_name(dtype: object) -> Any:
    """The name of a NumPy dtype; what is none is returned as it is."""
    import numpy as np

    try:
        return dtype if isinstance(dtype, str) or dtype is None else str(np.dtype(dtype))  # type: ignore[call-overload]
    except (TypeError, ValueError):
        return dtype


def _fixed(sizes: Mapping[str, tuple[int, ...]] | None) -> tuple[tuple[str, tuple[int, ...]], ...] | None:
    if sizes is None:
        return None
    shapes = tuple(sizes.items()) if isinstance(sizes, Mapping) else ((sizes, None),)
    # A size that is given as a number, of a window without a weight.
    shapes = tuple((name, (n,) if isinstance(n, int) and not isinstance(n, bool) else n) for name, n in shapes)
    for name, shape in shapes:
        whole = isinstance(shape, tuple | list) and all(isinstance(n, int) and not isinstance(n, bool) for n in shape)
        if not isinstance(name, str) or not whole:
            raise SpecError(f"sizes are shapes by tensor name, as in {{'x': (2, 3, 8, 9)}}; given {shown(sizes)}")
    return tuple((name, tuple(shape)) for name, shape in shapes)
