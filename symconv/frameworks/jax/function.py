"""A symconv operator as a function on JAX arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from symconv.asked import in_order
from symconv.errors import SpecError
from symconv.frameworks.jax.primitives import operator_p
from symconv.frameworks.jax.several import outputs_p
from symconv.frameworks.layers import Layer, layer_of
from symconv.notation.operator import Operator
from symconv.options import Options, said, spelled_out
from symconv.several import outputs_type

if TYPE_CHECKING:
    from symconv.api import Gradient

__all__ = ["Function", "as_function", "function_of"]


class Function:
    """What :func:`as_function` makes: call it with arrays in ``tensors`` order, or by name."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        returned = outputs_type(layer.op)._make if layer.op.several else None

        def symconv(*arrays: Any) -> Any:
            _check(layer, arrays)
            if returned is not None:
                return tuple(outputs_p.bind(*arrays, layer=layer))
            return operator_p.bind(*arrays, layer=layer, linear=())

        # Compiled by itself too: what is not inside a jit of the user's is then one call.
        self._call = jax.jit(symconv)
        self._returned = returned

    @property
    def operator(self) -> Operator:
        """The operator that is computed."""
        return self.layer.op

    @property
    def tensors(self) -> tuple[str, ...]:
        """The names of the tensors in call order."""
        return self.layer.op.tensors

    def __call__(self, *arrays: Any, **named: Any) -> Any:
        """The operator's output, differentiable, or a named tuple of several; raises SpecError for misfits."""
        if named:
            arrays = in_order(self.operator, arrays, named)
        for one in arrays:
            if not isinstance(one, jax.Array):
                arrays = _arrays(self.layer, arrays)
                break
        made = self._call(*arrays)
        return made if self._returned is None else self._returned(made)

    def __reduce__(self) -> tuple[Any, ...]:
        return Function, (self.layer,)

    def __repr__(self) -> str:
        return f"<JAX function of {self.operator}>"


def _arrays(layer: Layer, given: Sequence[Any]) -> tuple[Any, ...]:
    """NumPy arrays as JAX takes them, and numbers for tensors without axes."""
    op = layer.op
    _count(layer, given)
    real = [one for place, one in enumerate(given) if place in layer.real and isinstance(one, jax.Array | np.ndarray)]
    found = []
    for tensor, one in zip(op.inputs, given, strict=True):
        number = isinstance(one, int | float | np.generic) and not isinstance(one, bool)
        if not isinstance(one, jax.Array | np.ndarray) and not (number and not tensor.axes):
            raise SpecError(f"{op.name}: {tensor.name} is a {type(one).__name__}, wanted a JAX or NumPy array")
        if number and not isinstance(one, np.generic) and tensor.dtype == "real":
            one = np.asarray(one, real[0].dtype if real else layer.chosen.dtype)  # noqa: PLW2901
        if isinstance(one, np.ndarray | np.generic) and one.dtype.kind not in "fiu":
            raise SpecError(f"{op.name}: {tensor.name} is {one.dtype}; kernels compute float32 and float64")
        found.append(jnp.asarray(one))
    return tuple(found)


def _count(layer: Layer, given: Sequence[Any]) -> None:
    op = layer.op
    if len(given) != len(op.tensors):
        raise SpecError(f"{op.name} takes {len(op.tensors)} arrays ({', '.join(op.tensors)}); given {len(given)}")


def _check(layer: Layer, arrays: Sequence[Any]) -> None:
    """Raises SpecError for arrays that no kernel takes."""
    op, first = layer.op, ""
    _count(layer, arrays)
    wanted: Any = None
    for place, (name, array) in enumerate(zip(op.tensors, arrays, strict=True)):
        if any(not isinstance(length, int) for length in array.shape):
            raise SpecError(
                f"{op.name}: {name} has the symbolic shape {array.shape}; a call is planned for lengths that are known "
                "when it is traced"
            )
        if place not in layer.real:
            if array.dtype != jnp.int32:
                raise SpecError(f"{op.name}: {name} holds positions as int32; given {array.dtype}")
            continue
        if array.dtype not in (jnp.float32, jnp.float64):
            raise SpecError(
                f"{op.name}: {name} is {array.dtype}; kernels compute float32 and, with jax_enable_x64, float64: pass "
                f"{name}.astype('float32')"
            )
        if wanted is not None and array.dtype != wanted:
            raise SpecError(
                f"{op.name}: {name} is {array.dtype}, and {first} is {wanted}: pass {name}.astype('{wanted}')"
            )
        wanted, first = array.dtype, first or name


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
    """A function on JAX arrays that computes an operator with symconv's kernels, called by XLA without Python.

    Parameters
    ----------
    op : an operator, or a gradient
    dtype, sizes, threads, accuracy, tune, target : as in ``sc.build``; ``dtype`` is that of the arrays of each call

    The function takes arrays in ``op.tensors`` order, float32 or (with ``jax_enable_x64``) float64 on the CPU, and has
    every transform: ``jit``, ``grad``, ``jvp``, ``vjp``, ``linearize``, ``hessian``, ``vmap``, ``checkpoint``. Of
    several outputs it returns a named tuple: one call computes them, and one the gradients of all their cotangents.

    Raises SpecError for bad options; calls raise it where an array does not fit.

    >>> import jax, jax.numpy as jnp, symconv as sc
    >>> from symconv.frameworks import jax as sj
    >>> conv = sj.as_function(sc.conv1d(padding=1))
    >>> x, w = jnp.ones((1, 1, 4)), jnp.ones((1, 1, 3))
    >>> jax.grad(lambda x: conv(x, w).sum())(x).tolist()
    [[[2.0, 3.0, 3.0, 2.0]]]
    """
    build = said(dtype=dtype, sizes=sizes, threads=threads, accuracy=accuracy, tune=tune, target=target)
    return Function(layer_of(op, build))


def function_of(op: Operator, chosen: Options, lazy: bool) -> Function:
    """As :func:`as_function`, for options already checked; ``lazy`` compiles the backward when it is first called."""
    return Function(Layer(op, chosen, lazy))
