"""Cross-correlation and true convolution of any rank: one formula."""

from __future__ import annotations

from collections.abc import Sequence

from symconv.notation.front import Padding
from symconv.notation.operator import Operator
from symconv.ops.arguments import switch
from symconv.ops.paired import Reads, paired

__all__ = ["conv", "conv1d", "conv2d", "conv3d"]


def conv(
    rank: int,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    bias: bool = False,
    border: str | float = "zero",
    layout: str = "NCHW",
    flip: bool = False,
) -> Operator:
    """``y[n,f,i] = Σ x[n,c, s·i + d·p − lo]·w[f,c,p] (+ b[f])``, axis by axis; ``flip`` turns the kernel."""

    biased = switch(bias, "bias")

    def body(at: Reads) -> str:
        return f"sum[{at.over}]({at.x} * {at.w})" + (f" + {at.b}" if biased else "")

    return paired(
        rank,
        f"conv{rank}d",
        body,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        bias=biased,
        border=border,
        layout=layout,
        flip=flip,
    )


def conv1d(
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    bias: bool = False,
    border: str | float = "zero",
    layout: str = "NCHW",
    flip: bool = False,
) -> Operator:
    """1-D cross-correlation, or true convolution with ``flip``.

    Shapes: x (N, C, L), w (F, C/groups, *kernel), b (F), y (N, F, *out); ``layout="NHWC"`` puts channels
    last and w as (*kernel, C/groups, F). ``padding`` is an integer, one per axis, (low, high) per axis,
    "same" or "valid". Raises SpecError for arguments that make no operator.

    >>> conv1d(stride=2, padding=1).output_shape(x=(2, 3, 9), w=(4, 3, 3))
    (2, 4, 5)
    """
    return conv(1, stride, padding, dilation, groups, bias, border, layout, flip)


def conv2d(
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    bias: bool = False,
    border: str | float = "zero",
    layout: str = "NCHW",
    flip: bool = False,
) -> Operator:
    """2-D cross-correlation, or true convolution with ``flip``.

    Shapes: x (N, C, H, W), w (F, C/groups, *kernel), b (F), y (N, F, *out); ``layout="NHWC"`` puts
    channels last and w as (*kernel, C/groups, F). ``padding`` is an integer, one per axis, (low, high)
    per axis, "same" or "valid". Raises SpecError for arguments that make no operator.

    >>> conv2d(stride=2, padding=1).output_shape(x=(2, 3, 9, 9), w=(4, 3, 3, 3))
    (2, 4, 5, 5)
    """
    return conv(2, stride, padding, dilation, groups, bias, border, layout, flip)


def conv3d(
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    bias: bool = False,
    border: str | float = "zero",
    layout: str = "NCHW",
    flip: bool = False,
) -> Operator:
    """3-D cross-correlation, or true convolution with ``flip``.

    Shapes: x (N, C, D, H, W), w (F, C/groups, *kernel), b (F), y (N, F, *out); ``layout="NHWC"`` puts
    channels last and w as (*kernel, C/groups, F). ``padding`` is an integer, one per axis, (low, high)
    per axis, "same" or "valid". Raises SpecError for arguments that make no operator.

    >>> conv3d(stride=2, padding=1).output_shape(x=(2, 3, 9, 9, 9), w=(4, 3, 3, 3, 3))
    (2, 4, 5, 5, 5)
    """
    return conv(3, stride, padding, dilation, groups, bias, border, layout, flip)
