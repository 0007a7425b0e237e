"""Networks with their convolutions exchanged for symconv's: the same parameters, hooks and names."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

import torch
from torch import nn

from symconv.errors import SpecError
from symconv.frameworks.torch.function import Function, as_function
from symconv.ops.registry import (
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
)
from symconv.options import said, spelled_out

__all__ = ["replace_convs"]

_BORDERS = {"zeros": "zero", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}
_CONVS: tuple[type[nn.Module], ...] = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED: tuple[type[nn.Module], ...] = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


@spelled_out
def replace_convs(
    model: nn.Module,
    dtype: str = "float32",
    sizes: Mapping[str, tuple[int, ...]] | None = None,
    threads: int | None = None,
    accuracy: str = "default",
    tune: bool = False,
    target: str = "native",
) -> nn.Module:
    """The network with every ``nn.Conv1d/2d/3d`` and ``nn.ConvTranspose1d/2d/3d`` computed by symconv.

    Parameters
    ----------
    model : any module; it is not changed
    dtype, sizes, threads, accuracy, tune, target : as in ``sc.build``; ``dtype`` is that of the tensors of each call

    Parameters and buffers are shared with ``model``, not copied: an optimizer of either trains both. Hooks, names and
    the classes of everything else stay. Raises SpecError for what is no module or cannot be copied, for lazy layers
    that have no parameters yet, and for bad options.

    >>> import torch
    >>> from symconv.frameworks import torch as st
    >>> net = torch.nn.Sequential(torch.nn.Conv1d(2, 3, 3, padding=1), torch.nn.ReLU())
    >>> mine = st.replace_convs(net)
    >>> x = torch.ones(1, 2, 5)
    >>> torch.allclose(mine(x), net(x)), mine[0].weight is net[0].weight
    (True, True)
    """
    if not isinstance(model, nn.Module):
        raise SpecError(f"a torch.nn.Module is wanted; given a {type(model).__name__}")
    build = said(dtype=dtype, sizes=sizes, threads=threads, accuracy=accuracy, tune=tune, target=target)
    options = tuple(sorted(build.items()))
    as_function(conv1d(), **build)
    made = _sharing(model)
    for module in made.modules():
        if isinstance(module, (*_CONVS, *_TRANSPOSED)) and not isinstance(module, _Symconv):
            layer: Any = module
            kind: Any = type(layer)
            layer.__class__ = _subclass(kind)
            layer.symconv_build = options
            layer.symconv_functions = {}
            layer._symconv(layer.bias is not None)
    return made


def _sharing(model: nn.Module) -> nn.Module:
    """A copy with the same tensors: parameters, buffers, and what hooks keep beside them (older ``weight_norm``)."""
    for name, module in model.named_modules():
        lazy = any(map(nn.parameter.is_lazy, module.parameters(recurse=False)))
        if lazy and isinstance(module, (*_CONVS, *_TRANSPOSED)):
            raise SpecError(
                f"{name or 'the module'} is a {type(module).__name__} without parameters: call it once first"
            )
    kept = (value for module in model.modules() for value in vars(module).values() if isinstance(value, torch.Tensor))
    shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers(), *kept)}
    try:
        made: nn.Module = copy.deepcopy(model, shared)
    except (TypeError, RuntimeError) as error:
        raise SpecError(f"the network cannot be copied by copy.deepcopy: {error}") from error
    return made


class _Symconv:
    """What the exchanged classes have in common."""

    symconv_build: tuple[tuple[str, Any], ...]
    symconv_functions: dict[tuple[Any, ...], Function]

    def _chosen(self, *key: Any) -> Function:
        """The function of a layer's numbers, kept: tracers look it up and do not make it."""
        if key not in self.symconv_functions:
            self.symconv_functions[key] = _function(key, self.symconv_build)
        return self.symconv_functions[key]

    def extra_repr(self) -> str:
        words: str = super().extra_repr()  # type: ignore[misc]
        return f"{words}, symconv"


class _Conv(_Symconv):
    def _symconv(self, bias: bool) -> Function:
        module: Any = self
        padding = module.padding if isinstance(module.padding, str) else tuple(module.padding)
        border = _BORDERS[module.padding_mode]
        rank = len(module.kernel_size)
        return self._chosen("conv", rank, module.stride, padding, module.dilation, module.groups, bias, border)

    def _conv_forward(self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        return _batched(self._symconv(bias is not None), x, weight, bias)


class _Transposed(_Symconv):
    def _symconv(self, bias: bool, more: tuple[int, ...] | None = None) -> Function:
        module: Any = self
        rank, padding = len(module.kernel_size), tuple(module.padding)
        more = tuple(module.output_padding) if more is None else more
        return self._chosen("transposed", rank, module.stride, padding, module.dilation, module.groups, bias, more)

    def forward(self, x: torch.Tensor, output_size: list[int] | None = None) -> torch.Tensor:
        module: Any = self
        more = None
        if output_size is not None:
            shape = (module.stride, module.padding, module.kernel_size, len(module.kernel_size), module.dilation)
            more = tuple(module._output_padding(x, output_size, *shape))
        return _batched(self._symconv(module.bias is not None, more), x, module.weight, module.bias)


def _batched(function: Function, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """The call; an input without a batch is a batch of one."""
    more = () if bias is None else (bias,)
    if x.dim() == weight.dim() - 1:
        return function(x.unsqueeze(0), weight, *more).squeeze(0)
    return function(x, weight, *more)


@lru_cache(maxsize=256)
def _function(layer: tuple[Any, ...], build: tuple[tuple[str, Any], ...]) -> Function:
    kind, rank, stride, padding, dilation, groups, bias, last = layer
    if kind == "conv":
        make: Any = (conv1d, conv2d, conv3d)[rank - 1]
        made = make(stride=stride, padding=padding, dilation=dilation, groups=groups, bias=bias, border=last)
    else:
        make = (conv_transpose1d, conv_transpose2d, conv_transpose3d)[rank - 1]
        made = make(stride=stride, padding=padding, output_padding=last, dilation=dilation, groups=groups, bias=bias)
    return as_function(made, **dict(build))


@cache
def _subclass(kind: Any) -> Any:
    """The class with the forward exchanged; all else, pickling by reference excepted, is the class's own."""
    mixin = _Conv if issubclass(kind, _CONVS) else _Transposed
    return type(f"Symconv{kind.__name__}", (mixin, kind), {"__module__": __name__, "__reduce__": _reduced})


def _reduced(module: Any) -> tuple[Any, ...]:
    kind: Any = type(module)
    return _restored, (kind.__bases__[1],), module.__dict__


def _restored(kind: Any) -> Any:
    cls: Any = _subclass(kind)
    return cls.__new__(cls)
