"""Weights that depend on the output position."""

from __future__ import annotations

from collections.abc import Sequence

from symconv.notation.front import Padding, formula
from symconv.notation.operator import Operator
from symconv.ops.arguments import slide, switch, title

__all__ = [
    "dynamic_filter1d",
    "dynamic_filter2d",
    "dynamic_filter3d",
    "local",
    "locally_connected1d",
    "locally_connected2d",
    "locally_connected3d",
]


def local(
    kind: str,
    rank: int,
    stride: int | Sequence[int],
    padding: Padding,
    dilation: int | Sequence[int],
    border: str | float,
    bias: bool = False,
) -> Operator:
    """A convolution whose weights depend on the output position, and for dynamic filters on the sample too."""
    at = slide(rank, stride, padding, dilation)
    outputs, taps = ",".join(at.outputs), ",".join(at.taps)
    x = f"x[n,c,{','.join(at.window)}]"
    if kind == "dynamic_filter":
        source = f"y[n,c,{outputs}] = sum[{taps}]({x} * w[n,{outputs},{taps}])"
    else:
        b = f" + b[{outputs},f]" if switch(bias, "bias") else ""
        source = f"y[n,f,{outputs}] = sum[c,{taps}]({x} * w[{outputs},f,c,{taps}]){b}"
    name = title(f"{kind}{rank}d", {**at.settings, "bias": bias, "border": border})
    return formula(source, name=name, padding=at.padding, border=border)


def locally_connected1d(
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    bias: bool = False,
    border: str | float = "zero",
) -> Operator:
    """1-D locally connected layer: a convolution that shares no weights between positions.

    Shapes: x (N, C, L), w (*out, F, C, *kernel), b (*out, F), y (N, F, *out). ``padding`` is an integer,
    one per axis, (low, high) per axis, "same" or "valid". Raises SpecError for arguments that make no
    operator.

    >>> op = locally_connected1d(stride=2, padding=1)
    >>> op.output_shape(x=(2, 3, 9), w=(5, 4, 3, 3))
    (2, 4, 5)
    """
    return local("locally_connected", 1, stride, padding, dilation, border, bias)


def locally_connected2d(
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    bias: bool = False,
    border: str | float = "zero",
) -> Operator:
    """2-D locally connected layer: a convolution that shares no weights between positions.

    Shapes: x (N, C, H, W), w (*out, F, C, *kernel), b (*out, F), y (N, F, *out). ``padding`` is an
    integer, one per axis, (low, high) per axis, "same" or "valid". Raises SpecError for arguments that
    make no operator.

    >>> op = locally_connected2d(stride=2, padding=1)
    >>> op.output_shape(x=(2, 3, 9, 9), w=(5, 5, 4, 3, 3, 3))
    (2, 4, 5, 5)
    """
    return local("locally_connected", 2, stride, padding, dilation, border, bias)


def locally_connected3d(
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    bias: bool = False,
    border: str | float = "zero",
) -> Operator:
    """3-D locally connected layer: a convolution that shares no weights between positions.

    Shapes: x (N, C, D, H, W), w (*out, F, C, *kernel), b (*out, F), y (N, F, *out). ``padding`` is an
    integer, one per axis, (low, high) per axis, "same" or "valid". Raises SpecError for arguments that
    make no operator.

    >>> op = locally_connected3d(stride=2, padding=1)
    >>> op.output_shape(x=(2, 3, 9, 9, 9), w=(5, 5, 5, 4, 3, 3, 3, 3))
    (2, 4, 5, 5, 5)
    """
    return local("locally_connected", 3, stride, padding, dilation, border, bias)


def dynamic_filter1d(
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    border: str | float = "zero",
) -> Operator:
    """1-D dynamic filter: every output position of every sample has a filter of its own, shared by the channels.

    Shapes: x (N, C, L), w (N, *out, *kernel), y (N, C, *out). ``padding`` is an integer, one per axis,
    (low, high) per axis, "same" or "valid". Raises SpecError for arguments that make no operator.

    >>> op = dynamic_filter1d(stride=2, padding=1)
    >>> op.output_shape(x=(2, 3, 9), w=(2, 5, 3))
    (2, 3, 5)
    """
    return local("dynamic_filter", 1, stride, padding, dilation, border)


def dynamic_filter2d(
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    border: str | float = "zero",
) -> Operator:
    """2-D dynamic filter: every output position of every sample has a filter of its own, shared by the channels.

    Shapes: x (N, C, H, W), w (N, *out, *kernel), y (N, C, *out). ``padding`` is an integer, one per axis,
    (low, high) per axis, "same" or "valid". Raises SpecError for arguments that make no operator.

    >>> op = dynamic_filter2d(stride=2, padding=1)
    >>> op.output_shape(x=(2, 3, 9, 9), w=(2, 5, 5, 3, 3))
    (2, 3, 5, 5)
    """
    return local("dynamic_filter", 2, stride, padding, dilation, border)


def dynamic_filter3d(
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    border: str | float = "zero",
) -> Operator:
    """3-D dynamic filter: every output position of every sample has a filter of its own, shared by the channels.

    Shapes: x (N, C, D, H, W), w (N, *out, *kernel), y (N, C, *out). ``padding`` is an integer, one per
    axis, (low, high) per axis, "same" or "valid". Raises SpecError for arguments that make no operator.

    >>> op = dynamic_filter3d(stride=2, padding=1)
    >>> op.output_shape(x=(2, 3, 9, 9, 9), w=(2, 5, 5, 5, 3, 3, 3))
    (2, 3, 5, 5, 5)
    """
    return local("dynamic_filter", 3, stride, padding, dilation, border)
