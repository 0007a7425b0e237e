"""Arrays at the door: what a kernel does not read directly is copied once, or refused in the user's words."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from symconv.errors import SpecError
from symconv.notation.operator import Operator
from symconv.notation.shapes import describe
from symconv.options import Options

__all__ = ["check_arrays", "check_outputs", "default_threads", "process"]

Array = np.ndarray[Any, Any]

process = {"forked": False}
# The parent's OpenMP threads do not exist in a forked child: one thread there.
os.register_at_fork(after_in_child=lambda: process.update(forked=True))


def default_threads() -> int:
    """Every core this process may run on, or what OMP_NUM_THREADS says."""
    wish = os.environ.get("OMP_NUM_THREADS", "")
    if wish.isdigit() and int(wish) > 0:
        return int(wish)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_arrays(op: Operator, options: Options, names: tuple[str, ...], arrays: tuple[Any, ...]) -> tuple[Array, ...]:
    """The arrays as the kernel reads them (contiguous, aligned); raises SpecError naming what was given and wanted."""
    if len(arrays) != len(names):
        raise SpecError(f"{op.name} takes {len(names)} arrays ({', '.join(names)}); given {len(arrays)}")
    fixed = dict(options.sizes or ())
    checked = []
    for name, array in zip(names, arrays, strict=True):
        wanted = describe(op.input(name)) if name in op.tensors else name
        if not isinstance(array, np.ndarray):
            raise SpecError(
                f"{op.name}: {name} is a {type(array).__name__}, wanted a NumPy array {wanted} of {options.dtype}"
            )
        if array.dtype != _dtype(op, options, name):
            dtype = _dtype(op, options, name)
            raise SpecError(
                f"{op.name}: {name} is {array.dtype}, this kernel takes {dtype}: pass {name}.astype({str(dtype)!r}) or "
                "build with that dtype"
            )
        if name in fixed and array.shape != fixed[name]:
            raise SpecError(f"{op.name}: {name} has shape {array.shape}, this kernel is built for {fixed[name]} only")
        checked.append(np.require(array, requirements=("C", "A")).view(np.ndarray))
    return tuple(checked)


def _dtype(op: Operator, options: Options, name: str) -> np.dtype[Any]:
    position = name in op.tensors and op.input(name).dtype == "index"
    return np.dtype("int32" if position else options.dtype)


def check_outputs(
    dtype: np.dtype[Any], shapes: Mapping[str, tuple[int, ...]], out: Mapping[str, Any], inputs: tuple[Array, ...]
) -> dict[str, Array]:
    """Arrays to write into, the user's where given; raises SpecError when one cannot be written to as it is."""
    results: dict[str, Array] = {}
    for name, shape in shapes.items():
        if name not in out:
            results[name] = np.empty(shape, dtype)
            continue
        array = out[name]
        if not isinstance(array, np.ndarray):
            raise SpecError(f"out {name}: wanted a NumPy array {shape} of {dtype}, given a {type(array).__name__}")
        if array.dtype != dtype or array.shape != shape:
            raise SpecError(f"out {name}: wanted {shape} of {dtype}, given {array.shape} of {array.dtype}")
        if not (array.flags.c_contiguous and array.flags.writeable and array.flags.aligned):
            raise SpecError(f"out {name}: wanted a C-contiguous, aligned, writeable array")
        for other in (*inputs, *results.values()):
            if np.may_share_memory(array, other):
                raise SpecError(
                    f"out {name}: overlaps another array of the call; results are written while inputs are read"
                )
        results[name] = array
    return results
