"""A layer somebody wrote beside an operator: forward, backward and double backward compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from symconv.errors import SpecError
from symconv.frameworks.torch.function import Function, as_function
from symconv.notation.operator import Operator

if TYPE_CHECKING:
    from symconv.api import Gradient

__all__ = ["Comparison", "Difference", "check_module"]


@dataclass(frozen=True, slots=True)
class Difference:
    """The element of one result where two sides differ most: what was computed, and what the operator gives."""

    what: str
    index: tuple[int, ...]
    got: float
    want: float
    error: float

    def __str__(self) -> str:
        place = f"[{', '.join(map(str, self.index))}]"
        return f"{self.what}{place} is {self.got:.9g}, wanted {self.want:.9g} (relative error {self.error:.2g})"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What :func:`check_module` found: the results that were compared, and the first that differs.

    ``bool(comparison)`` is the answer, ``print(comparison)`` explains it. ``errors`` are max|got - want| / max|want|.
    """

    operator: str
    errors: tuple[tuple[str, float], ...]
    difference: Difference | None = None
    problem: str = ""

    def __bool__(self) -> bool:
        return self.difference is None and not self.problem

    def __str__(self) -> str:
        lines = [f"{self.operator}: {'equal' if self else 'different'}"]
        lines += [f"  {what:24} {error:.1e}" for what, error in self.errors]
        lines += [f"  {self.difference}"] if self.difference else []
        lines += [f"  {self.problem}"] if self.problem else []
        return "\n".join(lines)


def check_module(
    module: Callable[..., torch.Tensor], op: Operator | Gradient, *inputs: torch.Tensor, tolerance: float | None = None
) -> Comparison:
    """Compare a layer with an operator: output, gradients, and gradients of gradients.

    Parameters
    ----------
    module : a module or a function; it is called with ``inputs``
    op : the operator it is to compute
    inputs : tensors for the first of ``op.tensors``, float32 or float64; those that are left are the module's own
        parameters, in their order
    tolerance : largest error allowed, in units of the largest element of a result; None for 1e-4 in float32 and 1e-9 in
        float64

    Results are compared in this order, and the first that differs is named with tensor, index, what was computed and
    what is right. A gradient that the module leaves out counts as zero. Raises SpecError where tensors do not fit.

    >>> import torch, symconv as sc
    >>> from symconv.frameworks import torch as st
    >>> def layer(x, w):
    ...     return torch.nn.functional.conv1d(x, w.flip(2))
    >>> x, w = torch.randn(2, 3, 9).double(), torch.randn(4, 3, 3).double()
    >>> print(bool(st.check_module(layer, sc.conv1d(flip=True), x, w)), bool(st.check_module(layer, sc.conv1d(), x, w)))
    True False
    """
    function = as_function(op)
    given = _tensors(module, function, inputs)
    usual = 1e-9 if all(t.dtype in (torch.float64, torch.int32) for t in given) else 1e-4
    limit = usual if tolerance is None else tolerance
    left = [t.detach().clone().requires_grad_(t.is_floating_point()) for t in given[: len(inputs)]]
    own = list(module.parameters()) if isinstance(module, torch.nn.Module) else []
    mine = [t.detach().clone().requires_grad_(t.is_floating_point()) for t in given]
    theirs = [*left, *own][: len(mine)]
    errors: list[tuple[str, float]] = []
    for what, got, want in _results(lambda: module(*left), theirs, function, mine):
        if isinstance(got, str):
            return Comparison(str(function.operator), tuple(errors), problem=f"{what}: {got}")
        found = _difference(what, got.detach(), want.detach())
        errors.append((what, found.error))
        if not found.error <= limit:
            return Comparison(str(function.operator), tuple(errors), found)
    return Comparison(str(function.operator), tuple(errors))


def _tensors(module: Any, function: Function, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    names = function.tensors
    own = [p.detach() for p in module.parameters()] if isinstance(module, torch.nn.Module) else []
    given = [*inputs, *own[: len(names) - len(inputs)]]
    if len(given) != len(names) or (own and len(inputs) + len(own) != len(names)):
        raise SpecError(
            f"{function.operator.name} has the tensors {', '.join(names)}; given {len(inputs)} inputs and a module "
            f"with {len(own)} parameters"
        )
    for name, tensor in zip(names, given, strict=True):
        if not isinstance(tensor, torch.Tensor):
            raise SpecError(f"{function.operator.name}: {name} is a {type(tensor).__name__}, wanted a torch tensor")
    function.layer.output_shape([tuple(t.shape) for t in given])
    return given


def _results(
    call: Callable[[], Any], theirs: Sequence[torch.Tensor], function: Function, mine: Sequence[torch.Tensor]
) -> Any:
    """Pairs of results with their names, lazily: the first difference ends the comparison."""
    output = function.operator.output.name
    got, want = call(), function(*mine)
    if not isinstance(got, torch.Tensor) or got.shape != want.shape:
        seen = tuple(got.shape) if isinstance(got, torch.Tensor) else f"a {type(got).__name__}"
        yield output, f"the shape is {seen}, wanted {tuple(want.shape)}", want
        return
    if got.dtype != want.dtype:
        yield output, f"the numbers are {got.dtype}, wanted {want.dtype}", want
        return
    yield output, got, want
    names = [name for name, tensor in zip(function.tensors, mine, strict=True) if tensor.requires_grad]
    theirs = [tensor for tensor, one in zip(theirs, mine, strict=True) if one.requires_grad]
    mine = [tensor for tensor in mine if tensor.requires_grad]
    draw = torch.Generator().manual_seed(0)
    along = torch.rand(want.shape, generator=draw, dtype=want.dtype) + 0.5
    cotangents = [along.clone().requires_grad_(), along.clone().requires_grad_()]
    if not got.requires_grad:
        yield f"gradients of {output}", "the output depends on no input that has a gradient", want
        return
    first = _grads(got, theirs, cotangents[0]), _grads(want, mine, cotangents[1])
    for name, a, b in zip(names, *first, strict=True):
        yield f"d{output}/d{name}", a, b
    sums = [sum((one.square().sum() for one in side if one.requires_grad), torch.zeros(())) for side in first]
    if not sums[0].requires_grad:
        if sums[1].requires_grad:
            yield "second order", "the gradients cannot be differentiated", want
        return
    second = _grads(sums[0], [cotangents[0], *theirs], None), _grads(sums[1], [cotangents[1], *mine], None)
    for name, a, b in zip((f"g{output}", *names), *second, strict=True):
        yield f"second order by {name}", a, b


def _grads(output: torch.Tensor, tensors: Sequence[torch.Tensor], cotangent: torch.Tensor | None) -> list[torch.Tensor]:
    found = torch.autograd.grad(output, tensors, cotangent, create_graph=True, allow_unused=True)
    return [torch.zeros_like(t) if one is None else one for one, t in zip(found, tensors, strict=True)]


def _difference(what: str, got: torch.Tensor, want: torch.Tensor) -> Difference:
    """The largest difference, in units of the largest element that is wanted."""
    if want.numel() == 0:
        return Difference(what, (), 0.0, 0.0, 0.0)
    far = (got.double() - want.double()).abs()
    same = (got == want) | (got.isnan() & want.isnan())
    far = torch.where(same, torch.zeros_like(far), torch.nan_to_num(far, nan=torch.inf))
    flat = int(far.argmax())
    index = tuple(int(i) for i in torch.unravel_index(torch.tensor(flat), want.shape))
    scale = float(want.double().abs().nan_to_num(nan=0.0, posinf=0.0, neginf=0.0).max()) or 1.0
    return Difference(what, index, float(got[index]), float(want[index]), float(far[index]) / scale)
