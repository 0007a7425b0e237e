"""Convolutions with a scalar function around the sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symconv.notation.front import Padding
from symconv.notation.functions import TABLE
from symconv.notation.operator import Operator
from symconv.ops.arguments import choice, count
from symconv.ops.paired import Reads, paired

__all__ = [
    "conv_bias_act",
    "conv_bias_act1d",
    "conv_bias_act2d",
    "conv_bias_act3d",
    "kervolution",
    "kervolution1d",
    "kervolution2d",
    "kervolution3d",
]


ACTIVATIONS = tuple(name for name, entry in TABLE.items() if entry.is_activation)


def conv_bias_act(
    rank: int,
    activation: str,
    stride: int | Sequence[int],
    padding: Padding,
    dilation: int | Sequence[int],
    groups: int,
    border: str | float,
    layout: str,
    kinks: Mapping[str, str] | None,
) -> Operator:
    """``y[n,f,i] = act(Σ x[n,c, s·i + d·p − lo]·w[f,c,p] + b[f])``."""
    act = choice(activation, ACTIVATIONS, "activation")

    def body(at: Reads) -> str:
        return f"{act}(sum[{at.over}]({at.x} * {at.w}) + {at.b})"

    return paired(
        rank,
        f"conv_bias_act{rank}d",
        body,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        border=border,
        layout=layout,
        activation=act,
        kinks=kinks,
    )


def conv_bias_act1d(
    activation: str = "relu",
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    border: str | float = "zero",
    layout: str = "NCHW",
    kinks: Mapping[str, str] | None = None,
) -> Operator:
    """1-D convolution, bias and activation in one.

    Shapes: x (N, C, L), w (F, C/groups, *kernel), b (F), y (N, F, *out); ``layout="NHWC"`` puts channels last
    and w as (*kernel, C/groups, F). ``activation`` is
    a function of one argument with a slope: relu, tanh, abs and so on.
    ``kinks={"relu": "one"}`` chooses the slope at 0. ``padding`` is an integer, one per axis, (low,
    high) per axis, "same" or "valid". Raises SpecError for arguments that make no operator.

    >>> conv_bias_act1d(stride=2, padding=1).output_shape(x=(2, 3, 9), w=(4, 3, 3), b=(4,))
    (2, 4, 5)
    """
    return conv_bias_act(1, activation, stride, padding, dilation, groups, border, layout, kinks)


def conv_bias_act2d(
    activation: str = "relu",
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    border: str | float = "zero",
    layout: str = "NCHW",
    kinks: Mapping[str, str] | None = None,
) -> Operator:
    """2-D convolution, bias and activation in one.

    Shapes: x (N, C, H, W), w (F, C/groups, *kernel), b (F), y (N, F, *out); ``layout="NHWC"`` puts channels
    last and w as (*kernel, C/groups, F). ``activation`` is
    a function of one argument with a slope: relu, tanh, abs and so on.
    ``kinks={"relu": "one"}`` chooses the slope at 0. ``padding`` is an integer, one per axis,
    (low, high) per axis, "same" or "valid". Raises SpecError for arguments that make no operator.

    >>> conv_bias_act2d(stride=2, padding=1).output_shape(x=(2, 3, 9, 9), w=(4, 3, 3, 3), b=(4,))
    (2, 4, 5, 5)
    """
    return conv_bias_act(2, activation, stride, padding, dilation, groups, border, layout, kinks)


def conv_bias_act3d(
    activation: str = "relu",
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    border: str | float = "zero",
    layout: str = "NCHW",
    kinks: Mapping[str, str] | None = None,
) -> Operator:
    """3-D convolution, bias and activation in one.

    Shapes: x (N, C, D, H, W), w (F, C/groups, *kernel), b (F), y (N, F, *out); ``layout="NHWC"`` puts
    channels last and w as (*kernel, C/groups, F). ``activation`` is
    a function of one argument with a slope: relu, tanh, abs and so on.
    ``kinks={"relu": "one"}`` chooses the slope at 0. ``padding`` is an integer,
    one per axis, (low, high) per axis, "same" or "valid". Raises SpecError for arguments that make no
    operator.

    >>> conv_bias_act3d(stride=2, padding=1).output_shape(x=(2, 3, 9, 9, 9), w=(4, 3, 3, 3, 3), b=(4,))
    (2, 4, 5, 5, 5)
    """
    return conv_bias_act(3, activation, stride, padding, dilation, groups, border, layout, kinks)


def kervolution(
    rank: int,
    power: int,
    offset: float,
    stride: int | Sequence[int],
    padding: Padding,
    dilation: int | Sequence[int],
    groups: int,
    border: str | float,
    layout: str,
) -> Operator:
    """``y[n,f,i] = (Σ x[n,c, s·i + d·p − lo]·w[f,c,p] + offset)**power``."""
    count(power, "power")

    def body(at: Reads) -> str:
        return f"(sum[{at.over}]({at.x} * {at.w}) + offset)**{power}"

    return paired(
        rank,
        f"kervolution{rank}d",
        body,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        border=border,
        layout=layout,
        params={"offset": offset},
        power=power,
        offset=offset,
    )


def kervolution1d(
    power: int = 3,
    offset: float = 1,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    border: str | float = "zero",
    layout: str = "NCHW",
) -> Operator:
    """1-D kervolution with the polynomial kernel ``(⟨x, w⟩ + offset)**power``.

    Shapes: x (N, C, L), w (F, C/groups, *kernel), y (N, F, *out); ``layout="NHWC"`` puts channels last
    and w as (*kernel, C/groups, F). ``power`` is a positive integer. ``padding`` is an integer, one per
    axis, (low, high) per axis, "same" or "valid". Raises SpecError for arguments that make no operator.

    >>> kervolution1d(stride=2, padding=1).output_shape(x=(2, 3, 9), w=(4, 3, 3))
    (2, 4, 5)
    """
    return kervolution(1, power, offset, stride, padding, dilation, groups, border, layout)


def kervolution2d(
    power: int = 3,
    offset: float = 1,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    border: str | float = "zero",
    layout: str = "NCHW",
) -> Operator:
    """2-D kervolution with the polynomial kernel ``(⟨x, w⟩ + offset)**power``.

    Shapes: x (N, C, H, W), w (F, C/groups, *kernel), y (N, F, *out); ``layout="NHWC"`` puts channels last
    and w as (*kernel, C/groups, F). ``power`` is a positive integer. ``padding`` is an integer, one per
    axis, (low, high) per axis, "same" or "valid". Raises SpecError for arguments that make no operator.

    >>> kervolution2d(stride=2, padding=1).output_shape(x=(2, 3, 9, 9), w=(4, 3, 3, 3))
    (2, 4, 5, 5)
    """
    return kervolution(2, power, offset, stride, padding, dilation, groups, border, layout)


def kervolution3d(
    power: int = 3,
    offset: float = 1,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    border: str | float = "zero",
    layout: str = "NCHW",
) -> Operator:
    """3-D kervolution with the polynomial kernel ``(⟨x, w⟩ + offset)**power``.

    Shapes: x (N, C, D, H, W), w (F, C/groups, *kernel), y (N, F, *out); ``layout="NHWC"`` puts channels
    last and w as (*kernel, C/groups, F). ``power`` is a positive integer. ``padding`` is an integer, one
    per axis, (low, high) per axis, "same" or "valid". Raises SpecError for arguments that make no
    operator.

    >>> kervolution3d(stride=2, padding=1).output_shape(x=(2, 3, 9, 9, 9), w=(4, 3, 3, 3, 3))
    (2, 4, 5, 5, 5)
    """
    return kervolution(3, power, offset, stride, padding, dilation, groups, border, layout)
