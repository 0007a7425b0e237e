"""What a build can be asked for: one frozen table shared by the Python interface, the command line and the cache
key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter, signature
from typing import Any, ParamSpec, TypeVar

from symconv.errors import SpecError, shown

__all__ = ["ACCURACIES", "DTYPES", "TARGETS", "Options", "asked", "names", "options", "said", "spelled_out"]

DTYPES = ("float32", "float64")
TARGETS = ("native", "portable", "x86-64-v2", "x86-64-v3", "x86-64-v4")
ACCURACIES = ("default", "strict")


P = ParamSpec("P")
R = TypeVar("R")


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
    for name in given:
        if name not in names():
            raise _unknown("build", name)
    return options(**given)


def said(**given: object) -> dict[str, Any]:
    """Those of the build options that are not at their defaults.

    >>> said(threads=2, tune=False, dtype="float32")
    {'threads': 2}
    """
    usual = {name: one.default for name, one in signature(options).parameters.items()}
    return {
        name: value
        for name, value in given.items()
        if not (value is usual[name] or (isinstance(value, str) and value == usual[name]))
    }


def spelled_out(function: Callable[P, R]) -> Callable[P, R]:
    """A function with the build options in its signature: a name that is none is a SpecError that says what there is.

    >>> @spelled_out
    ... def build(op: str, threads: int | None = None) -> int | None:
    ...     return threads
    >>> build("y", thread=2)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    symconv.errors.SpecError: build has no option 'thread'; did you mean threads? Its options are dtype, ...
    """
    parameters = signature(function).parameters
    closed = not any(one.kind is Parameter.VAR_KEYWORD for one in parameters.values())

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if closed:
            for name in kwargs:
                if name not in parameters:
                    raise _unknown(function.__name__, name)
        return function(*args, **kwargs)

    return call


def _unknown(function: str, name: str) -> SpecError:
    import difflib  # a slow import, for a message alone

    near = difflib.get_close_matches(name, names(), 1)
    hint = f"did you mean {near[0]}? Its options" if near else "its options"
    return SpecError(f"{function} has no option {name!r}; {hint} are {', '.join(names())}")


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
