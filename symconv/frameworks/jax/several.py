"""Operators of several outputs as primitives of JAX: one call computes all outputs, and one all gradients.

What each output is by itself is an operator of one, which has every transform; transforms without a rule here use
those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from symconv.frameworks.jax.primitives import lowered, operator_p, tangent_p
from symconv.frameworks.layers import Layer

__all__ = ["outputs_p"]

Places = tuple[int, ...]

outputs_p = Primitive("symconv_outputs")
"""``outputs_p.bind(*inputs, layer)``: every output."""
tangents_p = Primitive("symconv_tangents")
"""``tangents_p.bind(*inputs, *tangents, layer, places)``: the directional derivative of every output."""
joint_p = Primitive("symconv_joint_gradients")
"""``joint_p.bind(*cotangents, *inputs, layer, places)``: the gradients of the loss that cotangents make."""


def _single(layer: Layer) -> list[Layer]:
    return [layer.only(one.name) for one in layer.op.outputs]


def _each_output(*inputs: Any, layer: Layer) -> list[Any]:
    return [operator_p.bind(*inputs, layer=one, linear=()) for one in _single(layer)]


def _each_tangent(*arrays: Any, layer: Layer, places: Places) -> list[Any]:
    count = len(layer.op.tensors)
    inputs, dots = arrays[:count], dict(zip(places, arrays[count:], strict=True))
    found = []
    for one, aval in zip(_single(layer), _avals(*inputs, layer=layer), strict=True):
        some = tuple(place for place in places if place in one.valued)
        found.append(tangent_p.bind(*inputs, *(dots[place] for place in some), layer=one, places=some)
                     if some else jnp.zeros(aval.shape, aval.dtype))  # fmt: skip
    return found


def _each_gradient(*arrays: Any, layer: Layer, places: Places) -> list[Any]:
    linear = tuple(range(len(layer.op.outputs)))
    return [operator_p.bind(*arrays, layer=layer.gradient(place), linear=linear) for place in places]


def _avals(*inputs: Any, layer: Layer) -> list[Any]:
    shapes = layer.output_shapes([one.shape for one in inputs])
    dtype = next((inputs[place].dtype for place in layer.real), jnp.dtype(layer.chosen.dtype))
    return [jax.core.ShapedArray(shape, dtype) for shape in shapes]


def _tangents_avals(*arrays: Any, layer: Layer, places: Places) -> list[Any]:
    return _avals(*arrays[: len(layer.op.tensors)], layer=layer)


def _joint_avals(*arrays: Any, layer: Layer, places: Places) -> list[Any]:
    inputs = arrays[len(layer.op.outputs) :]
    return [jax.core.ShapedArray(inputs[place].shape, inputs[place].dtype) for place in places]


def _outputs_jvp(inputs: Sequence[Any], dots: Sequence[Any], *, layer: Layer) -> Any:
    made = outputs_p.bind(*inputs, layer=layer)
    places = tuple(place for place in layer.real if place in layer.valued and not isinstance(dots[place], ad.Zero))
    if not places:
        return made, [ad.Zero(jax.typeof(one).to_tangent_aval()) for one in made]
    return made, tangents_p.bind(*inputs, *(dots[place] for place in places), layer=layer, places=places)


def _tangents_transpose(cotangents: Sequence[Any], *arrays: Any, layer: Layer, places: Places) -> list[Any]:
    """The gradients by what the tangents are of, in one call; inputs are known where tangents are transposed."""
    count = len(layer.op.tensors)
    unknown = tuple(at for at, one in enumerate(arrays) if ad.is_undefined_primal(one))
    found: list[Any] = [None] * len(arrays)
    if all(isinstance(one, ad.Zero) for one in cotangents):
        for at in unknown:
            found[at] = ad.Zero(arrays[at].aval)
        return found
    given = [jnp.zeros(one.aval.shape, one.aval.dtype) if isinstance(one, ad.Zero) else one for one in cotangents]
    wanted = tuple(places[at - count] for at in unknown)
    made = joint_p.bind(*given, *arrays[:count], layer=layer, places=wanted)
    for at, one in zip(unknown, made, strict=True):
        found[at] = one
    return found


def _joint_transpose(upstream: Sequence[Any], *arrays: Any, layer: Layer, places: Places) -> list[Any]:
    """Gradients are linear in the cotangents: what comes back to one is the tangent of its output."""
    outputs, there = len(layer.op.outputs), [at for at, one in enumerate(upstream) if not isinstance(one, ad.Zero)]
    found: list[Any] = [None] * len(arrays)
    dots = [upstream[at] for at in there]
    made = (
        _each_tangent(*arrays[outputs:], *dots, layer=layer, places=tuple(places[at] for at in there)) if there else ()
    )
    for at in range(outputs):
        if ad.is_undefined_primal(arrays[at]):
            found[at] = made[at] if there else ad.Zero(arrays[at].aval)
    return found


def _by_each(each: Callable[..., Any], primitive: Any) -> Callable[..., Any]:
    """Forward mode by the operators of one output."""

    def jvp(arrays: Sequence[Any], dots: Sequence[Any], **params: Any) -> Any:
        moving = [at for at, one in enumerate(dots) if not isinstance(one, ad.Zero)]

        def along(*some: Any) -> Any:
            given = list(arrays)
            for at, one in zip(moving, some, strict=True):
                given[at] = one
            return each(*given, **params)

        _, found = jax.jvp(along, tuple(arrays[at] for at in moving), tuple(dots[at] for at in moving))
        return primitive.bind(*arrays, **params), found

    return jvp


def _mapped(each: Callable[..., Any]) -> Callable[..., Any]:
    def vmap(arrays: Sequence[Any], dims: Sequence[Any], **params: Any) -> tuple[list[Any], list[int]]:
        axes = tuple(None if dim is batching.not_mapped else dim for dim in dims)
        made = jax.vmap(partial(each, **params), in_axes=axes)(*arrays)
        return list(made), [0] * len(made)

    return vmap


def _lower_joint(ctx: Any, *operands: Any, layer: Layer, places: Places) -> Any:
    return lowered(ctx, operands, layer, places)


def _register() -> None:
    rules = (
        (outputs_p, _avals, _each_output, _outputs_jvp, None),
        (tangents_p, _tangents_avals, _each_tangent, _by_each(_each_tangent, tangents_p), _tangents_transpose),
        (joint_p, _joint_avals, _each_gradient, _by_each(_each_gradient, joint_p), _joint_transpose),
    )
    for primitive, avals, each, jvp, transpose in rules:
        primitive.multiple_results = True
        primitive.def_abstract_eval(avals)
        primitive.def_impl(_by_itself(primitive))
        ad.primitive_jvps[primitive] = jvp
        batching.primitive_batchers[primitive] = _mapped(each)
        if transpose is not None:
            ad.primitive_transposes[primitive] = transpose
    mlir.register_lowering(outputs_p, lambda ctx, *given, layer: lowered(ctx, given, layer, None))
    mlir.register_lowering(tangents_p, mlir.lower_fun(_each_tangent, multiple_results=True))
    mlir.register_lowering(joint_p, _lower_joint)


def _by_itself(primitive: Any) -> Callable[..., Any]:
    def run(*arrays: Any, **params: Any) -> Any:
        return jax.jit(partial(primitive.bind, **params))(*arrays)

    return run


_register()
