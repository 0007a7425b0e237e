"""The operators whose generated kernels are kept in ``generated/`` for people to read: data, and their files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from symconv import pipeline
from symconv.api import as_operator, derive
from symconv.emit.cython import Unit
from symconv.gather.derivation import Derivation
from symconv.notation.operator import Operator
from symconv.ops.registry import adder1d, conv1d, conv2d, conv3d, max_plus2d, operator
from symconv.options import Options, options

__all__ = ["REFERENCES", "Reference", "chosen", "rendered", "stated", "unit"]


@dataclass(frozen=True, slots=True)
class Reference:
    """One file of the set: the operator's maker and settings, and the tensors it is then derived by (second order)."""

    name: str
    make: Callable[..., Operator]
    settings: dict[str, Any] = field(default_factory=dict)
    derived: tuple[str, ...] = ()
    dtype: str = "float32"


_DEPTHWISE = "y[n,c,i,j] = sum[p,q](x[n,c,i+p-1,j+q-1]*w[c,p,q])"
_TRANSPOSED = "y[n,f,i,j] = sum[c,p,q](x[n,c,(i+1-p)/2,(j+1-q)/2]*w[c,f,p,q])"

REFERENCES = (
    Reference("conv1d", conv1d),
    Reference("conv1d_dilated", conv1d, {"dilation": 2, "padding": 2, "bias": True}),
    Reference("conv1d_flip_double", conv1d, {"flip": True, "padding": 1}, dtype="float64"),
    Reference("conv2d", conv2d, {"padding": 1}),
    Reference("conv2d_double", conv2d, {"padding": 1}, dtype="float64"),
    Reference("conv2d_strided", conv2d, {"stride": 2, "padding": 1, "bias": True}),
    Reference("conv2d_stride_3_dilation_2", conv2d, {"stride": 3, "dilation": 2, "padding": 2}),
    Reference("conv2d_asymmetric", conv2d, {"stride": (2, 1), "padding": ((1, 0), (2, 1))}),
    Reference("conv2d_same", conv2d, {"stride": 2, "padding": "same"}),
    Reference("conv2d_groups", conv2d, {"groups": 2, "padding": 1}),
    Reference("conv2d_channels_last", conv2d, {"padding": 1, "layout": "NHWC", "bias": True}),
    Reference("conv2d_depthwise", operator, {"source": _DEPTHWISE}),
    Reference("conv3d_strided", conv3d, {"stride": (1, 2, 2), "padding": 1}),
    Reference("conv_transposed", operator, {"source": _TRANSPOSED}),
    Reference("adder1d_reflect", adder1d, {"padding": 1, "border": "reflect"}),
    Reference("max_plus2d", max_plus2d, {"stride": 2, "padding": 1}),
    Reference("conv2d_second_order", conv2d, {"stride": 2, "padding": 1}, ("x", "w")),
)
"""Ranks, strides, pads, dilation, groups, layouts, dtypes, borders, other algebras, transposed, second order."""


def stated(reference: Reference) -> Operator:
    """The operator of a reference: as made, derived once for each tensor of ``derived``.

    >>> stated(REFERENCES[-1]).tensors
    ('ggx', 'gy', 'x', 'w')
    """
    made = reference.make(**reference.settings)
    for name in reference.derived:
        made = as_operator(derive(made, name))
    return made


def chosen(reference: Reference) -> Options:
    """How a reference is built: no fact of this machine."""
    return options(dtype=reference.dtype, target="portable")


def entries(reference: Reference) -> tuple[str, ...]:
    """What the module holds: a derived operator is a forward on its own."""
    return ("forward",) if reference.derived else ("forward", "backward")


def unit(reference: Reference, name: str = "u0") -> Unit:
    """The kernels of a reference that run at any size, to be put into a module with others."""
    return pipeline.unit(stated(reference), chosen(reference), name, entries(reference)).direct


def rendered(reference: Reference) -> dict[str, str]:
    """The files of a reference by name: the module's source and the formulas it was generated from."""
    written = f"{reference.name}: written by `symconv generate --all`, checked by `symconv generate --all --check`."
    source = pipeline.generate((unit(reference),), chosen(reference))
    from symconv.views.typeset.fragment import fragments

    formulas = fragments(_formulas(reference), (written,))
    return {f"{reference.name}.pyx": f"# {written}\n{source.text}", f"{reference.name}.tex": formulas}


def _formulas(reference: Reference) -> list[str]:
    from symconv.views.typeset.fragment import gather_fragment, operator_fragment

    op = stated(reference)
    forward, *others = derivations(reference)
    first = gather_fragment(forward.gather, op.name) if reference.derived else operator_fragment(op)
    return [first, *(gather_fragment(d.gather, f"gradient of {op.name} by {d.wrt}") for d in others)]


def derivations(reference: Reference) -> tuple[Derivation, ...]:
    """The forward's derivation and, unless the reference is derived itself, those of its gradients."""
    op = stated(reference)
    wrt = () if reference.derived else pipeline.gradients(op)
    return (pipeline.forward(op), *(pipeline.derive(op, name) for name in wrt))
