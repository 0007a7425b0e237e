"""What is exported: an operator, its derivations, and the names of all that a package holds."""

from __future__ import annotations

from dataclasses import dataclass

from symconv import pipeline
from symconv.export.apart import apart
from symconv.export.names import default_name, legal_name
from symconv.gather.derivation import Derivation
from symconv.notation.operator import Operator, Tensor

__all__ = ["Function", "Layer", "layer"]


@dataclass(frozen=True, slots=True)
class Function:
    """One function of a package: ``name`` without the layer's, what it computes, and of which tensors, in order.

    ``wrt`` is the tensor of a gradient, "" for the forward; ``several`` are the names of its outputs where it has two
    or more: of the arrays that the derivation computes on its way, those that are returned.
    """

    name: str
    wrt: str
    derivation: Derivation
    several: tuple[str, ...] = ()

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The arrays it takes, in call order; a gradient takes the cotangents first, then all that forward takes."""
        return self.derivation.operator.inputs

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """The arrays it returns, in order."""
        op = self.derivation.operator
        return tuple(s.target for s in op.statements if s.target.name in self.several) or (op.output,)


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer to take away.

    ``name`` is legal in Python and C and as the name of a file. ``dtypes`` are the number types that a package takes,
    "float32" and "float64" or one of them.
    """

    operator: Operator
    name: str
    dtypes: tuple[str, ...]
    forward: Function
    gradients: tuple[Function, ...]

    @property
    def functions(self) -> tuple[Function, ...]:
        """The forward and every gradient."""
        return (self.forward, *self.gradients)

    @property
    def cotangents(self) -> tuple[Tensor, ...]:
        """The gradients of a loss by each output, which every gradient takes first."""
        return tuple(Tensor(f"g{output.name}", output.axes) for output in self.operator.outputs)


def layer(op: Operator, name: str | None, dtypes: tuple[str, ...], wrt: tuple[str, ...]) -> Layer:
    """An operator with its gradients, derived and proved; raises SpecError, DerivationError and GatherError."""
    op = apart(op)
    called = default_name(op.name) if name is None else legal_name(name)
    gradients = tuple(Function(f"grad_{tensor}", tensor, pipeline.derive(op, tensor)) for tensor in wrt)
    return Layer(op, called, dtypes, Function("forward", "", pipeline.forward(op.joined()), op.several), gradients)
