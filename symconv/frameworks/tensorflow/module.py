"""A symconv operator as a ``tf.Module`` with variables."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from symconv.asked import operator_of
from symconv.errors import SpecError
from symconv.frameworks.parameters import fans, parameters
from symconv.frameworks.tensorflow.calls import as_it_is
from symconv.frameworks.tensorflow.function import Function, as_function
from symconv.notation.operator import Operator
from symconv.options import said, spelled_out

if TYPE_CHECKING:
    from symconv.api import Gradient

__all__ = ["Module", "as_module"]


class Module(tf.Module):  # type: ignore[misc]
    """What :func:`as_module` makes: some tensors are variables, the others are what it is called with."""

    def __init__(self, function: Function, shapes: dict[str, tuple[int, ...]]) -> None:
        super().__init__(name="symconv")
        self.function = function
        self.inputs = tuple(name for name in function.tensors if name not in shapes)
        bounds = {name: 1 / sqrt(fan) for name, fan in fans(function.operator, shapes).items()}
        dtype = function.layer.chosen.dtype
        self.parameters = {
            name: tf.Variable(tf.random.uniform(shape, -bounds[name], bounds[name], dtype), name=name)
            for name, shape in shapes.items()
        }

    @as_it_is
    def __call__(self, *tensors: Any) -> Any:
        """The operator's output for the tensors that are no variables, in the operator's order."""
        if len(tensors) != len(self.inputs):
            raise SpecError(
                f"{self.function.operator.name} is called with {', '.join(self.inputs)}; given {len(tensors)} tensors"
            )
        given = dict(zip(self.inputs, tensors, strict=True))
        return self.function(*(given[n] if n in given else self.parameters[n] for n in self.function.tensors))

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {tuple(one.shape)}" for name, one in self.parameters.items())
        return f"<{self.function.operator.source or self.function.operator.name}, {shapes}>"


@spelled_out
def as_module(
    op: Operator | Gradient,
    dtype: str = "float32",
    sizes: Mapping[str, tuple[int, ...]] | None = None,
    threads: int | None = None,
    accuracy: str = "default",
    tune: bool = False,
    target: str = "native",
    **shapes: tuple[int, ...],
) -> Module:
    """A ``tf.Module`` that computes an operator.

    Parameters
    ----------
    op : an operator
    dtype, sizes, threads, accuracy, tune, target : as in ``sc.build``; ``dtype`` is that of the variables
    shapes : for each tensor that is a variable its shape by name, as ``w=(3, 3, 3, 16)``

    Variables are drawn uniformly within 1/sqrt(n), where one number of the output sums over n numbers of the variable;
    those that are not summed over take the largest n of the others.

    Raises SpecError where a name is neither, or a shape does not have the tensor's axes.

    >>> import tensorflow as tf, symconv as sc
    >>> from symconv.frameworks import tensorflow as sf
    >>> layer = sf.as_module(sc.conv2d(padding=1, bias=True, layout="NHWC"), w=(3, 3, 3, 4), b=(4,))
    >>> layer(tf.zeros((2, 8, 8, 3))).shape
    TensorShape([2, 8, 8, 4])
    >>> [one.shape.rank for one in layer.trainable_variables]
    [1, 4]
    """
    operator = operator_of(op)
    chosen = said(dtype=dtype, sizes=sizes, threads=threads, accuracy=accuracy, tune=tune, target=target)
    given, build = parameters(operator, {**shapes, **chosen})
    return Module(as_function(op, **build), given)
