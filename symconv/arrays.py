"""Arrays at the door: what a kernel does not read directly is copied once, or refused in the user's words."""

from __future__ import annotations

import math
import os
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from symconv.errors import SpecError, shown
from symconv.notation.operator import Operator
from symconv.notation.shapes import describe
from symconv.options import Options

__all__ = [
    "check_apart",
    "check_arrays",
    "check_outputs",
    "default_threads",
    "guarded",
    "process",
    "readable",
    "startable",
]

Array = np.ndarray[Any, Any]
_MOST_TAPS = 10**6
_LINE = 64
_LONG = 1 << 20
"""Bytes of an array for which half a line more is nothing."""

process: dict[str, Any] = {"forked": False, "started": 1}
# The parent's OpenMP threads do not exist in a forked child: one thread there.
os.register_at_fork(after_in_child=lambda: process.update(forked=True))


def default_threads() -> int:
    """Every core this process may run on, or what OMP_NUM_THREADS says."""
    wish = os.environ.get("OMP_NUM_THREADS", "")
    if re.fullmatch("[0-9]{1,6}", wish) and int(wish) > 0:
        return int(wish)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def startable(threads: int) -> int:
    """How many of so many threads this process may start, itself included.

    OpenMP ends the process, with status 1, when one of its threads cannot be started: so that is tried first, once for
    each larger number, with threads that wait for one another. A limit that is lowered afterwards is not seen.

    >>> startable(1)
    1
    """
    if threads <= process["started"]:
        return threads
    release, waiting = threading.Event(), []
    try:
        for _ in range(threads - 1):
            one = threading.Thread(target=release.wait, daemon=True)
            one.start()
            waiting.append(one)
    except (RuntimeError, MemoryError):
        # Half of those that did start are left for whatever else the process does; where memory is what is limited,
        # the arrays of a call may take the rest, and one thread needs none to be started.
        threads = 1 if _memory_is_limited() else max(1, len(waiting) // 2)
    finally:
        release.set()
        for one in waiting:
            one.join()
    process["started"] = max(process["started"], threads)
    return threads


def _memory_is_limited() -> bool:
    try:
        import resource
    except ImportError:
        return False
    return resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY


def check_arrays(op: Operator, options: Options, names: tuple[str, ...], arrays: tuple[Any, ...]) -> tuple[Array, ...]:
    """The arrays, of the right type; nothing is copied. Raises SpecError naming what was given and wanted.

    What lends its memory by DLPack or the buffer protocol is taken as well.
    """
    if len(arrays) != len(names):
        raise SpecError(f"{op.name} takes {len(names)} arrays ({', '.join(names)}); given {len(arrays)}")
    fixed = dict(options.sizes or ())
    checked = []
    for name, given in zip(names, arrays, strict=True):
        tensor = op.input(name) if name in op.tensors else next(one for one in op.outputs if f"g{one.name}" == name)
        dtype = _dtype(op, options, name)
        plain = _counted(op, name, given) if tensor.is_size else given if tensor.axes else _number(given, dtype)
        array = _lent(op, name, plain)
        if not isinstance(array, np.ndarray):
            wanted = describe(tensor) if name in op.tensors else name
            raise SpecError(
                f"{op.name}: {name} is a {type(array).__name__}, wanted a NumPy array {wanted} of {options.dtype}"
            )
        if isinstance(array, np.ma.MaskedArray):
            raise SpecError(
                f"{op.name}: {name} is a masked array, and a kernel knows no masks: pass {name}.filled(number)"
            )
        if array.dtype != dtype:
            raise SpecError(
                f"{op.name}: {name} is {array.dtype}, this kernel takes {dtype}: pass {name}.astype({str(dtype)!r}) or "
                "build with that dtype"
            )
        if name in fixed and array.shape != fixed[name]:
            raise SpecError(f"{op.name}: {name} has shape {array.shape}, this kernel is built for {fixed[name]} only")
        checked.append(array)
    return tuple(checked)


def _lent(op: Operator, name: str, given: Any) -> Any:
    """An array of another library as a NumPy array over the same memory, by DLPack or the buffer protocol."""
    if isinstance(given, np.ndarray | np.generic | bytes | bytearray):
        return given
    try:
        if hasattr(given, "__dlpack__"):
            return np.from_dlpack(given)
        return np.asarray(memoryview(given))
    except (BufferError, RuntimeError) as error:
        raise SpecError(
            f"{op.name}: {name} is a {type(given).__name__} that does not lend its memory: {error}"
        ) from error
    except (TypeError, ValueError):
        return given


def _number(given: Any, dtype: np.dtype[Any]) -> Any:
    """A Python number as the array of no axes it stands for; NumPy numbers keep their dtype, which is judged."""
    if isinstance(given, np.generic):
        return np.asarray(given)
    if isinstance(given, int | float) and not isinstance(given, bool):
        try:
            return np.asarray(given, dtype)
        except OverflowError:
            return given
    return given


def _counted(op: Operator, name: str, given: Any) -> Any:
    """A size that is given as a number, as the array of that length it stands for."""
    if isinstance(given, np.ndarray):
        return given
    if isinstance(given, bool) or not isinstance(given, int | np.integer) or not 1 <= given <= _MOST_TAPS:
        raise SpecError(f"{op.name}: {name} is a whole number from 1 to {_MOST_TAPS}; given {shown(given)}")
    return np.zeros(int(given), np.int32)


def readable(arrays: tuple[Array, ...]) -> tuple[Array, ...]:
    """The arrays as a kernel reads them, contiguous and aligned; others are copied."""
    return tuple(np.require(array, requirements=("C", "A")).view(np.ndarray) for array in arrays)


def _dtype(op: Operator, options: Options, name: str) -> np.dtype[Any]:
    position = name in op.tensors and op.input(name).dtype == "index"
    return np.dtype("int32" if position else options.dtype)


def check_outputs(
    dtype: np.dtype[Any], shapes: Mapping[str, tuple[int, ...]], out: Mapping[str, Any]
) -> dict[str, Array]:
    """Arrays to write into, plain views of the user's where given; raises SpecError when one cannot be written to."""
    results: dict[str, Array] = {}
    for name, shape in shapes.items():
        if name not in out:
            results[name] = _fresh(shape, dtype)
            continue
        array = out[name]
        if not isinstance(array, np.ndarray):
            raise SpecError(f"out {name}: wanted a NumPy array {shape} of {dtype}, given a {type(array).__name__}")
        if isinstance(array, np.ma.MaskedArray):
            raise SpecError(f"out {name}: a masked array keeps its mask; pass its .data")
        if array.dtype != dtype or array.shape != shape:
            raise SpecError(f"out {name}: wanted {shape} of {dtype}, given {array.shape} of {array.dtype}")
        if not (array.flags.c_contiguous and array.flags.writeable and array.flags.aligned):
            raise SpecError(f"out {name}: wanted a C-contiguous, aligned, writeable array")
        results[name] = array.view(np.ndarray)
    return results


def _fresh(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """A new array; a long one begins with a line, as those do that compiled calls make."""
    length = math.prod(shape) * dtype.itemsize
    if length < _LONG:
        return np.empty(shape, dtype)
    memory = np.empty(length + _LINE, np.uint8)
    first = -memory.ctypes.data % _LINE
    return memory[first : first + length].view(dtype).reshape(shape)


def check_apart(out: Mapping[str, Array], inputs: tuple[Array, ...]) -> None:
    """Raises SpecError when an array to write into shares memory with another array of the call."""
    written: list[Array] = []
    for name, array in out.items():
        if any(np.may_share_memory(array, other) for other in (*inputs, *written)):
            raise SpecError(
                f"out {name}: overlaps another array of the call; results are written while inputs are read"
            )
        written.append(array)


def guarded(op: Operator, entry: Callable[..., Any]) -> Callable[..., Any]:
    """A module's entry that first asks whether every window has a tap: modules check ranges of sizes, not this."""
    if not op.occupied:
        return entry
    known: set[tuple[tuple[int, ...], ...]] = set()

    def call(mask: int, arrays: tuple[Array, ...], results: tuple[Any, ...] | None, threads: int, *more: Any) -> Any:
        inputs = arrays[-len(op.tensors) :]
        shapes = tuple(getattr(array, "shape", ()) for array in inputs)
        if shapes not in known:
            try:
                op.sizes(**dict(zip(op.tensors, shapes, strict=False)))
            except SpecError:
                return 1
            known.add(shapes)
        return entry(mask, arrays, results, threads, *more)

    return call
