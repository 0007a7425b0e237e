"""The operators that come with symconv, and the door for everyone's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import partial

from symconv.notation.front import Padding, formula
from symconv.notation.operator import Operator
from symconv.ops.conv import conv

__all__ = ["catalogue", "conv1d", "conv2d", "conv3d", "operator", "ops"]


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

    Shapes: x (N, C, L), w (F, C/groups, kernel), b (F), y (N, F, out); ``layout="NHWC"`` puts channels last and
    w as (kernel, C/groups, F). ``padding`` is an integer, one per axis, (low, high) per axis, "same" or "valid". Raises
    SpecError for arguments that make no operator.

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

    Shapes: x (N, C, H, W), w (F, C/groups, kernel), b (F), y (N, F, out); ``layout="NHWC"`` puts channels last and
    w as (kernel, C/groups, F). ``padding`` is an integer, one per axis, (low, high) per axis, "same" or "valid". Raises
    SpecError for arguments that make no operator.

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

    Shapes: x (N, C, D, H, W), w (F, C/groups, kernel), b (F), y (N, F, out); ``layout="NHWC"`` puts channels last and
    w as (kernel, C/groups, F). ``padding`` is an integer, one per axis, (low, high) per axis, "same" or "valid". Raises
    SpecError for arguments that make no operator.

    >>> conv3d(stride=2, padding=1).output_shape(x=(2, 3, 9, 9, 9), w=(4, 3, 3, 3, 3))
    (2, 4, 5, 5, 5)
    """
    return conv(3, stride, padding, dilation, groups, bias, border, layout, flip)


def operator(
    source: str,
    *,
    padding: Padding = None,
    extents: Mapping[str, int | str] | None = None,
    border: str | float | Mapping[str, str | float] = "zero",
    params: Mapping[str, float | Fraction] | None = None,
    kinks: Mapping[str, str] | None = None,
) -> Operator:
    """The operator a formula in index notation stands for.

    Low pads are the offsets in the indices; ``padding`` gives (low, high) per windowed axis, ``extents`` says output
    extents
    that do not follow, ``border`` what lies outside, ``params`` numbers by name, ``kinks`` conventions at kinks. Raises
    SpecError with a caret under what is wrong.

    >>> op = operator("y[n,f,i] = -sum[c,p](abs(x[n,c,2*i+p-1] - w[f,c,p]))")
    >>> op.output_shape(x=(1, 2, 9), w=(3, 2, 3))
    (1, 3, 5)
    """
    return formula(source, padding=padding, extents=extents, border=border, params=params, kinks=kinks)


def catalogue() -> dict[str, tuple[partial[Operator], str]]:
    """Every shipped operator: how to make it and what it is, in one line."""
    return {
        f"conv{rank}d": (partial(conv, rank), f"{rank}-D cross-correlation (flip=True: true convolution)")
        for rank in (1, 2, 3)
    }


def ops() -> tuple[str, ...]:
    """The names of the operators that come with symconv.

    >>> ops()[:2]
    ('conv1d', 'conv2d')
    """
    return tuple(catalogue())
