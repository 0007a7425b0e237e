"""A symconv operator as a layer with parameters."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod, sqrt
from typing import TYPE_CHECKING

import torch

from symconv.asked import operator_of
from symconv.errors import SpecError
from symconv.frameworks.parameters import parameters
from symconv.frameworks.torch.function import Function, as_function
from symconv.notation.operator import Operator
from symconv.options import said, spelled_out

if TYPE_CHECKING:
    from symconv.api import Gradient

__all__ = ["Module", "as_module"]


class Module(torch.nn.Module):  # type: ignore[misc]
    """What :func:`as_module` makes: some tensors are parameters, the others are what it is called with."""

    def __init__(self, function: Function, shapes: dict[str, tuple[int, ...]], dtype: torch.dtype) -> None:
        super().__init__()
        self.function = function
        self.inputs = tuple(name for name in function.tensors if name not in shapes)
        for name, shape in shapes.items():
            self.register_parameter(name, torch.nn.Parameter(torch.empty(shape, dtype=dtype)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters as ``torch.nn``'s convolutions do.

        Uniform within 1/sqrt(fan-in), the product of all axes of the parameter but the first; parameters of one axis
        take the fan-in of the largest parameter beside them.
        """
        own = dict(self.named_parameters(recurse=False))
        fans = [prod(p.shape[1:]) for p in own.values() if p.dim() > 1]
        for parameter in own.values():
            fan = prod(parameter.shape[1:]) if parameter.dim() > 1 else max(fans, default=1)
            bound = 1 / sqrt(max(fan, 1))
            torch.nn.init.uniform_(parameter, -bound, bound)

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        """The operator's output for the tensors that are no parameters, in the operator's order."""
        if len(tensors) != len(self.inputs):
            raise SpecError(
                f"{self.function.operator.name} is called with {', '.join(self.inputs)}; given {len(tensors)} tensors"
            )
        given = dict(zip(self.inputs, tensors, strict=True))
        return self.function(*(given[n] if n in given else getattr(self, n) for n in self.function.tensors))

    def extra_repr(self) -> str:
        """The formula."""
        shapes = ", ".join(f"{name} {tuple(p.shape)}" for name, p in self.named_parameters(recurse=False))
        return f"{self.function.operator.source or self.function.operator.name}, {shapes}"


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
    """A ``torch.nn.Module`` that computes an operator.

    Parameters
    ----------
    op : an operator
    dtype, sizes, threads, accuracy, tune, target : as in ``sc.build``; ``dtype`` is that of the parameters
    shapes : for each tensor that is a parameter its shape by name, as ``w=(16, 3, 3, 3)``

    Raises SpecError where a name is neither, or a shape does not have the tensor's axes.

    >>> import torch, symconv as sc
    >>> from symconv.frameworks import torch as st
    >>> layer = st.as_module(sc.conv2d(padding=1, bias=True), w=(4, 3, 3, 3), b=(4,))
    >>> layer(torch.zeros(2, 3, 8, 8)).shape
    torch.Size([2, 4, 8, 8])
    >>> list(layer.state_dict())
    ['w', 'b']
    """
    operator = operator_of(op)
    chosen = said(dtype=dtype, sizes=sizes, threads=threads, accuracy=accuracy, tune=tune, target=target)
    given, build = parameters(operator, {**shapes, **chosen})
    types = {"float32": torch.float32, "float64": torch.float64}
    function = as_function(op, **build)
    return Module(function, given, types[function.layer.chosen.dtype])
