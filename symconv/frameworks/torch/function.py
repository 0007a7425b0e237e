"""A symconv operator as a differentiable function on torch tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch.autograd import forward_ad

from symconv.asked import in_order
from symconv.errors import SpecError
from symconv.frameworks.layers import Layer, layer_of
from symconv.frameworks.torch.calls import as_inputs, is_plain
from symconv.frameworks.torch.custom import operator_op
from symconv.frameworks.torch.functions import operator
from symconv.frameworks.torch.several import is_transformed, outputs
from symconv.notation.operator import Operator
from symconv.options import Options, said, spelled_out
from symconv.several import outputs_type

if TYPE_CHECKING:
    from symconv.api import Gradient

__all__ = ["Function", "as_function", "function_of"]


class Function:
    """What :func:`as_function` makes: call it with tensors in ``tensors`` order, or by name."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        # Registered now: a tracer that comes to a call cannot follow the making of an operator.
        self._op = operator_op(layer)

    @property
    def operator(self) -> Operator:
        """The operator that is computed."""
        return self.layer.op

    @property
    def tensors(self) -> tuple[str, ...]:
        """The names of the tensors in call order."""
        return self.layer.op.tensors

    @property
    def op(self) -> Any:
        """The operator in torch's registry (``torch.ops.symconv...``), as tracers see it.

        Forward mode is with the function itself, not with this.
        """
        return self._op

    def __call__(self, *tensors: torch.Tensor, **named: torch.Tensor) -> torch.Tensor:
        """The operator's output, differentiable; raises SpecError where a tensor does not fit."""
        if named:
            tensors = in_order(self.operator, tensors, named)
        if torch.compiler.is_compiling():
            return self._traced(tensors)
        given = as_inputs(self.layer, tensors)
        return operator(self.layer, given) if is_plain(given) else self._traced(given)

    def _traced(self, tensors: tuple[torch.Tensor, ...]) -> torch.Tensor:
        _no_forward_mode(self.operator.name)
        made: torch.Tensor = self._op(*tensors)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Function, (self.layer,)

    def __repr__(self) -> str:
        return f"<torch function of {self.operator}>"


class Several(Function):
    """What :func:`as_function` makes of an operator of several outputs: a call returns a named tuple of them.

    One kernel computes all outputs, and one all gradients. Where torch transforms, traces or takes tangents each output
    is an operator of its own.
    """

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self._each = tuple(Function(layer.only(one.name)) for one in layer.op.outputs)
        self._made = outputs_type(layer.op)

    @property
    def op(self) -> Any:
        """There is none in torch's registry: raises SpecError."""
        raise SpecError(f"{self.operator.name} has several outputs: each is an operator of torch's registry by itself")

    def __call__(self, *tensors: torch.Tensor, **named: torch.Tensor) -> Any:
        """The outputs, differentiable; raises SpecError where a tensor does not fit."""
        if named:
            tensors = in_order(self.operator, tensors, named)
        if torch.compiler.is_compiling():
            return self._made(*(one(*tensors) for one in self._each))
        given = as_inputs(self.layer, tensors)
        if is_transformed(given):
            return self._made(*(one(*given) for one in self._each))
        return self._made(*outputs(self.layer, given))

    def __reduce__(self) -> tuple[Any, ...]:
        return Several, (self.layer,)


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def _no_forward_mode(name: str) -> None:
    """Refuses a tangent along with what is traced: a custom operator would drop it and say nothing."""
    jvp = torch._C._functorch.TransformType.Jvp
    transforms = torch._C._functorch.get_interpreter_stack() or ()
    if forward_ad._current_level >= 0 or any(one.key() == jvp for one in transforms):
        raise SpecError(
            f"{name}: forward mode inside torch.compile would lose the tangent: compile the function alone, and take "
            "the directional derivative outside (so it is with tensors that stand in for others)"
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
    """A differentiable function on torch tensors that computes an operator with symconv's kernels.

    Parameters
    ----------
    op : an operator, or a gradient
    dtype, sizes, threads, accuracy, tune, target : as in ``sc.build``; ``dtype`` is that of the tensors of each call

    The function takes tensors in ``op.tensors`` order, float32 or float64 on the CPU, and has every derivative:
    backward of any order, forward mode, ``torch.func`` and ``vmap``. Under ``torch.compile`` it is one opaque operator.
    Of several outputs it returns a named tuple; one that the loss does not use takes no part in the gradients.

    Raises SpecError for bad options; calls raise it where a tensor does not fit.

    >>> import torch, symconv as sc
    >>> from symconv.frameworks import torch as st
    >>> conv = st.as_function(sc.conv1d(padding=1))
    >>> x, w = torch.ones(1, 1, 4, requires_grad=True), torch.ones(1, 1, 3)
    >>> conv(x, w).sum().backward()
    >>> x.grad
    tensor([[[2., 3., 3., 2.]]])
    """
    build = said(dtype=dtype, sizes=sizes, threads=threads, accuracy=accuracy, tune=tune, target=target)
    return _made(layer_of(op, build))


def function_of(op: Operator, chosen: Options, lazy: bool) -> Function:
    """As :func:`as_function`, for options already checked; ``lazy`` compiles the backward when it is first called."""
    return _made(Layer(op, chosen, lazy))


def _made(layer: Layer) -> Function:
    return Several(layer) if layer.op.several else Function(layer)
