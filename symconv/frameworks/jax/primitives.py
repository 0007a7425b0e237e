"""An operator, its directional derivative and its gradients as primitives of JAX, with the rules of every transform.

The derivatives of an operator are operators. So three primitives are enough, and each rule leads back to them: what is
linear is transposed to gradients, gradients are transposed to what is linear, and a mapped axis is a further index.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir, partial_eval

from symconv.errors import SpecError
from symconv.frameworks.jax.handler import TARGET, call
from symconv.frameworks.layers import Layer

__all__ = ["gradients_p", "lowered", "operator_p", "tangent_p"]

Places = tuple[int, ...]

operator_p = Primitive("symconv")
"""``operator_p.bind(*inputs, layer, linear)``: the output; linear, all together, in the inputs at ``linear``."""
tangent_p = Primitive("symconv_tangent")
"""``tangent_p.bind(*inputs, *tangents, layer, places)``: the directional derivative along tangents of some inputs."""
gradients_p = Primitive("symconv_gradients")
"""``gradients_p.bind(cotangent, *inputs, layer, places)``: the gradients by some inputs, all of one call."""
gradients_p.multiple_results = True


# ---------------------------------------------------------------------------------------------------- what they compute


def _real(layer: Layer, avals: Sequence[Any]) -> Any:
    return next((avals[place].dtype for place in layer.real), jnp.dtype(layer.chosen.dtype))


def _operator_aval(*inputs: Any, layer: Layer, linear: Places) -> Any:
    return jax.core.ShapedArray(layer.output_shape([one.shape for one in inputs]), _real(layer, inputs))


def _tangent_aval(*arrays: Any, layer: Layer, places: Places) -> Any:
    return _operator_aval(*arrays[: len(layer.op.tensors)], layer=layer, linear=())


def _gradients_aval(cotangent: Any, *inputs: Any, layer: Layer, places: Places) -> list[Any]:
    return [jax.core.ShapedArray(inputs[place].shape, inputs[place].dtype) for place in places]


def lowered(ctx: Any, operands: Sequence[Any], layer: Layer, places: Places | None) -> Any:
    """A call of the layer's outputs, or of its gradients by the inputs at ``places``, which XLA makes by itself."""
    platforms = tuple(ctx.module_context.platforms)
    if platforms != ("cpu",):
        raise SpecError(
            f"{layer.op.name}: kernels run on the CPU; asked for {', '.join(platforms)}: put the arrays there with "
            "jax.device_put(x, jax.devices('cpu')[0])"
        )
    real = ctx.avals_out[0].dtype
    told = call(layer, str(real), [tuple(aval.shape) for aval in ctx.avals_in], places)
    return jax.ffi.ffi_lowering(TARGET)(ctx, *operands, call=told)


def _lower_operator(ctx: Any, *operands: Any, layer: Layer, linear: Places) -> Any:
    return lowered(ctx, operands, layer, None)


def _lower_tangent(ctx: Any, *operands: Any, layer: Layer, places: Places) -> Any:
    return lowered(ctx, operands, layer.tangent(places), None)


def _lower_gradients(ctx: Any, *operands: Any, layer: Layer, places: Places) -> Any:
    return lowered(ctx, operands, layer, places)


# -------------------------------------------------------------------------------------------------------- forward mode


def _moving(tangents: Sequence[Any], among: Sequence[int]) -> Places:
    """The places, of those that may have one, that have a tangent."""
    return tuple(place for place in among if not isinstance(tangents[place], ad.Zero))


def _zero(value: Any) -> Any:
    return ad.Zero(jax.typeof(value).to_tangent_aval())


def _added(terms: Sequence[Any], like: Any) -> Any:
    total = None
    for term in terms:
        total = term if total is None else total + term
    return _zero(like) if total is None else total


def _along(layer: Layer, inputs: Sequence[Any], tangents: Sequence[Any], among: Sequence[int]) -> list[Any]:
    """The directional derivative of a layer along the tangents there are: one term, or none."""
    places = _moving(tangents, tuple(place for place in among if place in layer.valued))
    if not places:
        return []
    return [tangent_p.bind(*inputs, *(tangents[place] for place in places), layer=layer, places=places)]


def _operator_jvp(inputs: Sequence[Any], tangents: Sequence[Any], *, layer: Layer, linear: Places) -> Any:
    made = operator_p.bind(*inputs, layer=layer, linear=linear)
    if linear and _moving(tangents, layer.real) == linear:
        dots = [tangents[place] if place in linear else one for place, one in enumerate(inputs)]
        return made, operator_p.bind(*dots, layer=layer, linear=linear)
    return made, _added(_along(layer, inputs, tangents, layer.real), made)


def _tangent_jvp(arrays: Sequence[Any], dots: Sequence[Any], *, layer: Layer, places: Places) -> Any:
    made = tangent_p.bind(*arrays, layer=layer, places=places)
    count = len(layer.op.tensors)
    moving = _moving(dots, range(count, len(arrays)))
    terms = []
    if moving:
        some = tuple(places[at - count] for at in moving)
        terms.append(tangent_p.bind(*arrays[:count], *(dots[at] for at in moving), layer=layer, places=some))
    if _moving(dots, layer.real):
        terms += _along(layer.tangent(places), arrays, dots, layer.real)
    return made, _added(terms, made)


def _gradients_jvp(arrays: Sequence[Any], dots: Sequence[Any], *, layer: Layer, places: Places) -> Any:
    made = gradients_p.bind(*arrays, layer=layer, places=places)
    terms: list[list[Any]] = [[] for _ in places]
    if not isinstance(dots[0], ad.Zero):
        for found, one in zip(terms, gradients_p.bind(dots[0], *arrays[1:], layer=layer, places=places), strict=True):
            found.append(one)
    inputs = tuple(1 + place for place in layer.real)
    if _moving(dots, inputs):
        for found, place in zip(terms, places, strict=True):
            found.extend(_along(layer.gradient(place), arrays, dots, inputs))
    return made, [_added(found, one) for found, one in zip(terms, made, strict=True)]


# ------------------------------------------------------------------------------------------------------- reverse mode


def _filled(arrays: Sequence[Any]) -> list[Any]:
    """The arrays, and zeros for those that are not known: only their shapes will be read."""
    return [jnp.zeros(a.aval.shape, a.aval.dtype) if ad.is_undefined_primal(a) else a for a in arrays]


def _unknown(arrays: Sequence[Any]) -> Places:
    return tuple(place for place, array in enumerate(arrays) if ad.is_undefined_primal(array))


def _not_linear(layer: Layer, places: Sequence[int]) -> SpecError:
    named = ", ".join(layer.op.tensors[place] for place in places)
    return SpecError(f"{layer.op.name} is not linear in {named}, and what is not linear has no transpose: use jax.vjp")


def _operator_transpose(cotangent: Any, *inputs: Any, layer: Layer, linear: Places) -> list[Any]:
    unknown = _unknown(inputs)
    if not set(unknown) <= set(linear):
        # Linear, or linear and a constant, is what has gradients that do not depend on where they are taken.
        read = {at - 1 for place in unknown for at in layer.gradient(place).valued}
        if read & set(unknown):
            raise _not_linear(layer, unknown)
    return _spread(cotangent, inputs, unknown, layer, unknown)


def _tangent_transpose(cotangent: Any, *arrays: Any, layer: Layer, places: Places) -> list[Any]:
    count, unknown = len(layer.op.tensors), _unknown(arrays)
    if any(place < count for place in unknown):
        raise _not_linear(layer, [place for place in unknown if place < count])
    wanted = tuple(places[at - count] for at in unknown)
    return _spread(cotangent, arrays, unknown, layer, wanted)


def _spread(cotangent: Any, arrays: Sequence[Any], unknown: Places, layer: Layer, wanted: Places) -> list[Any]:
    """The gradients by the inputs at ``wanted``, at the places of the arrays that are not known."""
    found: list[Any] = [None] * len(arrays)
    if isinstance(cotangent, ad.Zero):
        for at in unknown:
            found[at] = ad.Zero(arrays[at].aval)
        return found
    inputs = _filled(arrays[: len(layer.op.tensors)])
    made = gradients_p.bind(cotangent, *inputs, layer=layer, places=wanted)
    for at, one in zip(unknown, made, strict=True):
        found[at] = one
    return found


def _gradients_transpose(cotangents: Sequence[Any], *arrays: Any, layer: Layer, places: Places) -> list[Any]:
    unknown = _unknown(arrays)
    if unknown != (0,):
        raise _not_linear(layer, [max(0, place - 1) for place in unknown])
    there = [at for at, one in enumerate(cotangents) if not isinstance(one, ad.Zero)]
    if not there:
        return [ad.Zero(arrays[0].aval), *(None for _ in arrays[1:])]
    some = tuple(places[at] for at in there)
    made = tangent_p.bind(*arrays[1:], *(cotangents[at] for at in there), layer=layer, places=some)
    return [made, *(None for _ in arrays[1:])]


# --------------------------------------------------------------------------------------------------------------- vmap


def _stacks(arrays: Sequence[Any], dims: Sequence[Any]) -> tuple[list[Any], Places]:
    """The arrays with the mapped axis first, and the places of those that have one."""
    pairs = list(zip(arrays, dims, strict=True))
    moved = [one if dim is batching.not_mapped else jnp.moveaxis(one, dim, 0) for one, dim in pairs]
    return moved, tuple(at for at, (_, dim) in enumerate(pairs) if dim is not batching.not_mapped)


def _operator_vmap(arrays: Sequence[Any], dims: Sequence[Any], *, layer: Layer, linear: Places) -> tuple[Any, int]:
    moved, where = _stacks(arrays, dims)
    return operator_p.bind(*moved, layer=layer.stacked(where), linear=linear), 0


def _tangent_vmap(arrays: Sequence[Any], dims: Sequence[Any], *, layer: Layer, places: Places) -> tuple[Any, int]:
    moved, where = _stacks(arrays, dims)
    linear = tuple(range(len(layer.op.tensors), len(arrays)))
    return operator_p.bind(*moved, layer=layer.tangent(places).stacked(where), linear=linear), 0


def _gradients_vmap(
    arrays: Sequence[Any], dims: Sequence[Any], *, layer: Layer, places: Places
) -> tuple[list[Any], list[int]]:
    moved, where = _stacks(arrays, dims)
    if {0, *(1 + place for place in places)} <= set(where):
        stacked = layer.stacked(tuple(at - 1 for at in where if at))
        made = gradients_p.bind(*moved, layer=stacked, places=places)
    else:
        # Each element of the stack has gradients of its own, by what is not stacked as well.
        made = [operator_p.bind(*moved, layer=layer.gradient(place).stacked(where), linear=(0,)) for place in places]
    return made, [0] * len(places)


# --------------------------------------------------------------------------------------------------- what nobody reads


def _gradients_dce(used: list[bool], eqn: Any) -> tuple[list[bool], Any]:
    """Only gradients that are read are computed."""
    if not any(used):
        return [False] * len(eqn.invars), None
    places = tuple(place for place, keep in zip(eqn.params["places"], used, strict=True) if keep)
    outvars = [var for var, keep in zip(eqn.outvars, used, strict=True) if keep]
    return [True] * len(eqn.invars), eqn.replace(outvars=outvars, params={**eqn.params, "places": places})


def _by_itself(primitive: Any) -> Callable[..., Any]:
    def run(*arrays: Any, **params: Any) -> Any:
        return jax.jit(partial(primitive.bind, **params))(*arrays)

    return run


def _register() -> None:
    rules = (
        (operator_p, _operator_aval, _lower_operator, _operator_jvp, _operator_transpose, _operator_vmap),
        (tangent_p, _tangent_aval, _lower_tangent, _tangent_jvp, _tangent_transpose, _tangent_vmap),
        (gradients_p, _gradients_aval, _lower_gradients, _gradients_jvp, _gradients_transpose, _gradients_vmap),
    )
    for primitive, aval, lower, jvp, transpose, vmap in rules:
        primitive.def_abstract_eval(aval)
        primitive.def_impl(_by_itself(primitive))
        mlir.register_lowering(primitive, lower)
        ad.primitive_jvps[primitive] = jvp
        ad.primitive_transposes[primitive] = transpose
        batching.primitive_batchers[primitive] = vmap
    partial_eval.dce_rules[gradients_p] = _gradients_dce


_register()
