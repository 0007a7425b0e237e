"""From TensorFlow tensors to kernels and back: at once where tensors have values, as a node of a graph elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any

import numpy as np
import tensorflow as tf

from symconv.arrays import default_threads
from symconv.errors import SpecError, SymconvError
from symconv.frameworks.layers import Layer
from symconv.notation.shapes import known_shape

__all__ = ["as_inputs", "as_it_is", "backward", "every_output", "forward", "has_values"]

Array = np.ndarray[Any, Any]
Tensors = tuple[Any, ...]

_DTYPES = {tf.float32: "float32", tf.float64: "float64"}
_LINE = 64
"""TensorFlow's own kernels end the process where memory that is lent to them does not begin at such a multiple."""


def as_it_is(call: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, whose text ``tf.function`` does not rewrite, and whose errors it does not replace."""

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    @wraps(call)
    def run(*given: Any, **named: Any) -> Any:
        try:
            return call(*given, **named)
        except SymconvError as error:
            vars(error)["ag_pass_through"] = True
            raise

    found: Callable[..., Any] = run
    return found


def has_values(tensors: Sequence[Any]) -> bool:
    """Whether these are tensors with values, and not nodes of a graph."""
    return tf.executing_eagerly() and all(hasattr(tensor, "numpy") for tensor in tensors)


def as_inputs(layer: Layer, given: Sequence[Any]) -> Tensors:
    """The tensors a kernel takes, of one dtype.

    Raises SpecError for what is no dense tensor, of a dtype that no kernel computes, or of another than the rest; and
    for shapes, as far as they are known.
    """
    op = layer.op
    if len(given) != len(op.tensors):
        raise SpecError(f"{op.name} takes {len(op.tensors)} tensors ({', '.join(op.tensors)}); given {len(given)}")
    dtype = next((one.dtype for one in given if isinstance(one, tf.Tensor | tf.Variable)), None)
    tensors = tuple(_tensor(layer, place, one, dtype) for place, one in enumerate(given))
    _same_dtype(layer, tensors)
    for tensor, one in zip(op.inputs, tensors, strict=True):
        if one.shape.rank not in (None, len(tensor.axes)):
            raise SpecError(f"{op.name}: {tensor.name} has shape {one.shape}, wanted {len(tensor.axes)} axes")
    return tensors


def _tensor(layer: Layer, place: int, given: Any, dtype: Any) -> Any:
    tensor = layer.op.inputs[place]
    number = isinstance(given, int | float) and not isinstance(given, bool) and not tensor.axes
    if number and tensor.dtype == "real":
        return tf.constant(given, dtype if dtype in _DTYPES else layer.chosen.dtype)
    if isinstance(given, tf.Tensor):
        return given
    if isinstance(given, tf.Variable | np.ndarray | np.generic) or number:
        return tf.convert_to_tensor(given)
    raise SpecError(
        f"{layer.op.name}: {tensor.name} is a {type(given).__name__}, wanted a dense TensorFlow tensor, a variable or "
        "a NumPy array"
    )


def _same_dtype(layer: Layer, tensors: Tensors) -> None:
    op, first = layer.op, ""
    wanted: Any = None
    for place, (name, tensor) in enumerate(zip(op.tensors, tensors, strict=True)):
        if place not in layer.real:
            if tensor.dtype != tf.int32:
                raise SpecError(f"{op.name}: {name} holds positions as int32; given {tensor.dtype.name}")
            continue
        if tensor.dtype not in _DTYPES:
            raise SpecError(
                f"{op.name}: {name} is {tensor.dtype.name}; kernels compute float32 and float64: pass "
                f"tf.cast({name}, tf.float32)"
            )
        if wanted is not None and tensor.dtype != wanted:
            raise SpecError(
                f"{op.name}: {name} is {tensor.dtype.name}, and {first} is {wanted.name}: pass "
                f"tf.cast({name}, tf.{wanted.name})"
            )
        wanted, first = tensor.dtype, first or name


def forward(layer: Layer, tensors: Tensors) -> Any:
    """The output of an operator."""
    dtype = _dtype(layer, tensors)
    compute = partial(_output, layer, dtype)
    if has_values(tensors):
        return _lent(compute(*map(_array, tensors)))
    made = _node(layer, compute, tensors, dtype)
    made.set_shape(_shape(layer, tensors))
    return made


def every_output(layer: Layer, tensors: Tensors) -> Tensors:
    """Every output of an operator of several, of one call; in graphs of one each, so that some can be left out."""
    if not has_values(tensors):
        return tuple(forward(layer.only(one.name), tensors) for one in layer.op.outputs)
    arrays = tuple(map(_array, tensors))
    dtype = _dtype(layer, tensors)
    out = tuple(_aligned(shape, dtype) for shape in layer.output_shapes([array.shape for array in arrays]))
    return tuple(map(_lent, layer.kernel(dtype, _threads()).forward(*arrays, out=out)))


def backward(layer: Layer, places: tuple[int, ...], cotangents: Tensors, tensors: Tensors) -> Tensors:
    """The gradients by the inputs at ``places``: of one call; in graphs of one each, so that some can be left out."""
    dtype = _dtype(layer, tensors)
    given = (*cotangents, *tensors)
    if has_values(given):
        return tuple(map(_lent, _gradients(layer, places, dtype, *map(_array, given))))
    found = []
    for place in places:
        made = _node(layer, lambda *arrays, place=place: _gradients(layer, (place,), dtype, *arrays)[0], given, dtype)
        made.set_shape(tensors[place].shape)
        found.append(made)
    return tuple(found)


def _dtype(layer: Layer, tensors: Tensors) -> str:
    return next((_DTYPES[tensors[place].dtype] for place in layer.real), layer.chosen.dtype)


def _output(layer: Layer, dtype: str, *arrays: Array) -> Array:
    out = _aligned(layer.output_shape([array.shape for array in arrays]), dtype)
    found: Array = layer.kernel(dtype, _threads()).forward(*arrays, out=out)
    return found


def _gradients(layer: Layer, places: tuple[int, ...], dtype: str, *arrays: Array) -> tuple[Array, ...]:
    names = layer.op.tensors
    first = len(layer.op.outputs)
    out = {names[place]: _aligned(arrays[first + place].shape, dtype) for place in places}
    layer.kernel(dtype, _threads()).backward(*arrays, wrt=tuple(out), out=out)
    return tuple(out[names[place]] for place in places)


def _threads() -> int:
    """As many as TensorFlow was told to use inside an operation."""
    wanted: int = tf.config.threading.get_intra_op_parallelism_threads()
    return wanted or default_threads()


def _array(tensor: Any) -> Array:
    """The memory of a tensor, which is not copied."""
    found: Array = np.asarray(tensor)
    return found


def _aligned(shape: tuple[int, ...], dtype: str) -> Array:
    kind = np.dtype(dtype)
    count = int(np.prod(shape, dtype=np.int64))
    memory = np.empty(count * kind.itemsize + _LINE, np.uint8)
    start = -memory.ctypes.data % _LINE
    return memory[start : start + count * kind.itemsize].view(kind).reshape(shape)


def _lent(array: Array) -> Any:
    """A tensor over the memory of an array that nobody else has."""
    if not array.size:
        return tf.convert_to_tensor(array)
    return tf.experimental.dlpack.from_dlpack(array.__dlpack__())


def _node(layer: Layer, compute: Callable[..., Array], tensors: Tensors, dtype: str) -> Any:
    """A node of a graph: what it computes is Python's to start, as a compiler cannot."""
    if _compiled_by_xla():
        raise SpecError(
            f"{layer.op.name}: jit_compile=True asks XLA for this function, and XLA cannot call a kernel from "
            "TensorFlow: leave jit_compile out (tf.function alone works), or use symconv.frameworks.jax"
        )
    return tf.numpy_function(compute, tensors, tf.as_dtype(dtype), stateful=False, name="symconv")


def _compiled_by_xla() -> bool:
    from tensorflow.python.ops import control_flow_util

    found: bool = control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())
    return found


def _shape(layer: Layer, tensors: Tensors) -> Any:
    """What is known of the output's shape; raises SpecError where all lengths are known and do not fit."""
    shapes = [one.shape.as_list() if one.shape.rank is not None else None for one in tensors]
    full = [tuple(shape) for shape in shapes if shape is not None and None not in shape]
    if len(full) == len(shapes):
        return layer.output_shape(full)
    ranks = [len(tensor.axes) for tensor in layer.op.inputs]
    known = [(None,) * rank if shape is None else tuple(shape) for shape, rank in zip(shapes, ranks, strict=True)]
    return known_shape(layer.op, dict(zip(layer.op.tensors, known, strict=True)))
