"""A symconv operator as a differentiable function on TensorFlow tensors.

The gradient of an operator is an operator. So two functions with gradients of their own are enough: one that computes
an operator, and one that computes its gradients.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from tensorflow.python.eager import forwardprop_util
from tensorflow.python.ops import gradients_util

from symconv.asked import in_order
from symconv.errors import SpecError
from symconv.frameworks.layers import Layer, layer_of
from symconv.frameworks.tensorflow.calls import as_inputs, as_it_is, every_output, has_values
from symconv.frameworks.tensorflow.calls import backward as computed_gradients
from symconv.frameworks.tensorflow.calls import forward as computed
from symconv.notation.operator import Operator
from symconv.options import Options, said, spelled_out
from symconv.several import outputs_type

if TYPE_CHECKING:
    from symconv.api import Gradient

__all__ = ["Function", "as_function", "function_of"]

Tensors = tuple[Any, ...]


class Function:
    """What :func:`as_function` makes: call it with tensors in ``tensors`` order, or by name."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self._returned = outputs_type(layer.op)._make if layer.op.several else None

    @property
    def operator(self) -> Operator:
        """The operator that is computed."""
        return self.layer.op

    @property
    def tensors(self) -> tuple[str, ...]:
        """The names of the tensors in call order."""
        return self.layer.op.tensors

    @as_it_is
    def __call__(self, *tensors: Any, **named: Any) -> Any:
        """The operator's output, differentiable, or a named tuple of several; raises SpecError for misfits."""
        if named:
            tensors = in_order(self.operator, tensors, named)
        given = as_inputs(self.layer, tensors)
        return _operator(self.layer, given) if self._returned is None else self._returned(_outputs(self.layer, given))

    def __reduce__(self) -> tuple[Any, ...]:
        return Function, (self.layer,)

    def __repr__(self) -> str:
        return f"<TensorFlow function of {self.operator}>"


def _operator(layer: Layer, tensors: Tensors) -> Any:
    places = _watched(layer.op.name, tensors, layer.real)
    if not places:
        return computed(layer, tensors)
    tensors = _here(tensors)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def symconv(*given: Any) -> tuple[Any, Any]:
        def back(cotangent: Any) -> list[Any]:
            made = dict(zip(places, _gradients(layer, places, cotangent, tensors), strict=True))
            return [made.get(place) for place in range(len(tensors))]

        return computed(layer, given), back

    return symconv(*tensors)


def _outputs(layer: Layer, tensors: Tensors) -> Tensors:
    """Every output of one call; tapes get the gradients of all cotangents from one call too."""
    places = _watched(layer.op.name, tensors, layer.real)
    if not places:
        return every_output(layer, tensors)
    if not has_values(tensors):
        # In a graph each is a node of its own, so that what is not asked for can be left out.
        return tuple(_operator(layer.only(one.name), tensors) for one in layer.op.outputs)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def symconv(*given: Any) -> tuple[Any, Any]:
        def back(*cotangents: Any) -> list[Any]:
            made = dict(zip(places, _joint(layer, places, cotangents, tensors), strict=True))
            return [made.get(place) for place in range(len(tensors))]

        return every_output(layer, given), back

    return tuple(symconv(*tensors))


def _joint(layer: Layer, places: tuple[int, ...], cotangents: Tensors, tensors: Tensors) -> Tensors:
    """The gradients by the inputs at ``places``; where they are differentiated themselves, each by its operator."""
    given = (*cotangents, *tensors)
    if not has_values(given) or _watched(layer.op.name, given, tuple(range(len(given)))):
        return tuple(_operator(layer.gradient(place), given) for place in places)
    return computed_gradients(layer, places, cotangents, tensors)


def _gradients(layer: Layer, places: tuple[int, ...], cotangent: Any, tensors: Tensors) -> Tensors:
    """The gradients by the inputs at ``places``, differentiable in turn."""
    given = (cotangent, *tensors)
    wanted = _watched(layer.op.name, given, (0, *(1 + place for place in layer.real)))
    if not wanted:
        return computed_gradients(layer, places, (cotangent,), tensors)
    given = _here(given)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def symconv_gradients(*inner: Any) -> tuple[Any, Any]:
        def back(*upstream: Any) -> list[Any]:
            return _second_order(layer, places, upstream, given, wanted)

        return computed_gradients(layer, places, inner[:1], inner[1:]), back

    return tuple(symconv_gradients(*given))


def _second_order(
    layer: Layer, places: tuple[int, ...], upstream: Sequence[Any], given: Tensors, wanted: tuple[int, ...]
) -> list[Any]:
    """The gradients of gradients by ``(cotangent, *inputs)``, added over what they are of."""
    totals: list[Any] = [None] * len(given)
    for place, one in zip(places, upstream, strict=True):
        if one is None:
            continue
        inner = layer.gradient(place)
        # What the formula does not read has no gradient, and needs no kernel that says so.
        some = tuple(at for at in wanted if at in inner.valued)
        for at, found in zip(some, _gradients(inner, some, one, given), strict=True):
            totals[at] = found if totals[at] is None else totals[at] + found
    return totals


def _here(tensors: Tensors) -> Tensors:
    """The tensors as nodes of the graph that is being built: what closures keep must not be another graph's."""
    return tensors if has_values(tensors) else tuple(map(tf.identity, tensors))


def _watched(name: str, tensors: Tensors, among: tuple[int, ...]) -> tuple[int, ...]:
    """The places that a tape or an accumulator may ask about; of a graph all, as nobody knows who will."""
    if not has_values(tensors):
        _no_forward_mode(name, tensors)
        return among
    return tuple(place for place in among if gradients_util.PossibleTapeGradientTypes([tensors[place]]))


def _no_forward_mode(name: str, tensors: Tensors) -> None:
    """Refuses tangents in a graph: TensorFlow takes what it does not know there for a constant, and says nothing."""
    if forwardprop_util.pack_tangents(list(tensors)).tangents:
        raise SpecError(
            f"{name}: a ForwardAccumulator inside tf.function would lose the tangent: use it outside of tf.function, "
            "or differentiate with tf.GradientTape"
        )


@spelled_out
def as_function(
    op: Operator | Gradient,
    dtype: str = "float32",
    sizes: Mapping[str, tuple[int, ...]] | None = None,
    threads: int | None = None,
    accuracy: str = "default",
    tune: bool = False,
    target: str = "native",
) -> Function:
    """A differentiable function on TensorFlow tensors that computes an operator with symconv's kernels.

    Parameters
    ----------
    op : an operator, or a gradient; ``layout="NHWC"`` gives TensorFlow's order of axes
    dtype, sizes, threads, accuracy, tune, target : as in ``sc.build``; ``dtype`` is that of the tensors of each call

    The function takes tensors, variables or NumPy arrays in ``op.tensors`` order, float32 or float64. Tapes of any
    order, ``tf.autodiff.ForwardAccumulator`` and ``tf.function`` work; ``jit_compile=True`` is refused. Of several
    outputs it returns a named tuple.

    Raises SpecError for bad options; calls raise it where a tensor does not fit.

    >>> import tensorflow as tf, symconv as sc
    >>> from symconv.frameworks import tensorflow as sf
    >>> conv = sf.as_function(sc.conv1d(padding=1, layout="NHWC"))
    >>> x, w = tf.Variable(tf.ones((1, 4, 1))), tf.ones((3, 1, 1))
    >>> with tf.GradientTape() as tape:
    ...     y = tf.reduce_sum(conv(x, w))
    >>> tape.gradient(y, x).numpy().ravel().tolist()
    [2.0, 3.0, 3.0, 2.0]
    """
    build = said(dtype=dtype, sizes=sizes, threads=threads, accuracy=accuracy, tune=tune, target=target)
    return Function(layer_of(op, build))


def function_of(op: Operator, chosen: Options, lazy: bool) -> Function:
    """As :func:`as_function`, for options already checked; ``lazy`` compiles the backward when it is first called."""
    return Function(Layer(op, chosen, lazy))
