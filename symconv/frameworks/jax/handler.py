"""From a compiled kernel to a call that XLA makes by itself: one handler, registered once, knows kernels by key."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from ctypes import c_void_p
from functools import cache
from types import ModuleType

import jax
import numpy as np

from symconv.arrays import default_threads
from symconv.build.cache import compile_text
from symconv.build.module import load
from symconv.emit.source import Source
from symconv.errors import InternalError
from symconv.fixed import fixed_call
from symconv.frameworks.layers import Layer
from symconv.templates import environment

__all__ = ["TARGET", "call"]

TARGET = "symconv_call"

Shape = tuple[int, ...]

_lock = threading.Lock()


def call(layer: Layer, dtype: str, shapes: Sequence[Shape], places: tuple[int, ...] | None = None) -> np.ndarray:
    """The attribute of a call: the outputs of a layer, or its gradients by the inputs at ``places``.

    Compiles the kernel where that has not happened yet, plans the call, and tells the handler where the kernel lies.
    """
    kernel = layer.kernel(dtype, default_threads())
    outputs = len(layer.op.outputs)
    results = outputs if places is None else len(layer.real)
    mask = (1 << outputs) - 1 if places is None else sum(1 << layer.real.index(place) for place in places)
    fixed = fixed_call(kernel.entry("forward" if places is None else "backward"), tuple(shapes), mask, results)
    # Of the content's hash as much as an attribute holds; a key of 0 would mean none.
    key = 1 << 62 | int(fixed.key[:15], 16) << 1 | (places is not None)
    numbers = (key, mask, fixed.threads, len(shapes), results, len(fixed.sizes), *fixed.sizes, *fixed.plan)
    _tell(key, fixed.address, len(numbers), max(len(shapes), results))
    return np.array(numbers, np.int64)


def _tell(key: int, address: int, numbers: int, arrays: int) -> None:
    with _lock:
        module = _handler()
    most_arrays, most_numbers = module.most()
    if arrays > most_arrays or numbers > most_numbers:
        raise InternalError(f"a call of {arrays} arrays and {numbers} numbers is more than the handler takes")
    if not module.known(key, address):
        raise InternalError("the handler knows as many kernels as it can")


@cache
def _handler() -> ModuleType:
    """The handler's module, compiled against the headers of the JAX that is installed, and registered with XLA."""
    from importlib.metadata import version

    text = environment().get_template("cython/jax.pyx.j2").render()
    headers = ((f"jaxlib {version('jaxlib')}", jax.ffi.include_dir()),)
    module = load(compile_text(Source(text, "portable", openmp=False, headers=headers)))
    jax.ffi.register_ffi_target(TARGET, jax.ffi.pycapsule(c_void_p(module.handler())), platform="cpu")
    return module
