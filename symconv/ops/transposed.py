"""Transposed convolution of any rank: one formula, by divided indices."""

from __future__ import annotations

from collections.abc import Sequence

from symconv.errors import SpecError, shown
from symconv.notation.front import Padding, formula, pairs
from symconv.notation.operator import Operator
from symconv.ops.arguments import POSITIONS, TAPS, arrange, channels, kernel, per_axis, switch, term, title

__all__ = ["conv_transpose", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]


def conv_transpose(
    rank: int,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    output_padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    bias: bool = False,
    layout: str = "NCHW",
) -> Operator:
    """``y[n,f,i] = Σ x[n,c, (i + lo − d·p)/s]·w[c,f,p] (+ b[f])`` wherever the quotient is an index of x."""
    strides, dilations = per_axis(stride, "stride", rank), per_axis(dilation, "dilation", rank)
    if isinstance(padding, str):
        wanted = "padding of a transposed convolution is an integer, one per axis or (low, high) per axis"
        raise SpecError(f"{wanted}; given {shown(padding)}")
    pads = pairs(0 if padding is None else padding, "padding", rank)
    extra = per_axis(output_padding, "output_padding", rank, 0)
    for s, d, more in zip(strides, dilations, extra, strict=True):
        if more >= max(s, d):
            raise SpecError(f"output_padding is less than max(stride, dilation) = {max(s, d)}; given {more}")
    f, c, extents = channels(groups)
    order, taps, outputs = arrange(layout), TAPS[:rank], POSITIONS[:rank]
    axes = zip(strides, outputs, pads, dilations, taps, strict=True)
    window = [f"({i}{f'{lo:+d}' if lo else ''}-{term(d, p)})/{s}" for s, i, (lo, _), d, p in axes]
    tap = f"x[{order('n', c, window)}] * w[{kernel(layout, c, 'f', taps)}]"
    b = f" + b[{f}]" if switch(bias, "bias") else ""
    settings = {"stride": strides, "padding": padding, "output_padding": extra, "dilation": dilations, "groups": groups}
    return formula(
        f"y[{order('n', f, outputs)}] = sum[c,{','.join(taps)}]({tap}){b}",
        name=title(f"conv_transpose{rank}d", {**settings, "bias": bias, "layout": layout}),
        padding=tuple((lo, hi - more) for (lo, hi), more in zip(pads, extra, strict=True)),
        extents=extents,
    )


def conv_transpose1d(
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    output_padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    bias: bool = False,
    layout: str = "NCHW",
) -> Operator:
    """1-D transposed convolution: the adjoint of ``conv1d``.

    Shapes: x (N, C, L), w (C, F/groups, *kernel), b (F), y (N, F, *out) with out = (size − 1)·stride −
    low − high + dilation·(kernel − 1) + output_padding + 1; ``layout="NHWC"`` puts channels last and w as
    (*kernel, F/groups, C). ``output_padding`` is less than max(stride, dilation). Raises SpecError for
    arguments that make no operator.

    >>> conv_transpose1d(stride=2, padding=1).output_shape(x=(2, 4, 5), w=(4, 3, 3))
    (2, 3, 9)
    """
    return conv_transpose(1, stride, padding, output_padding, dilation, groups, bias, layout)


def conv_transpose2d(
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    output_padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    bias: bool = False,
    layout: str = "NCHW",
) -> Operator:
    """2-D transposed convolution: the adjoint of ``conv2d``.

    Shapes: x (N, C, H, W), w (C, F/groups, *kernel), b (F), y (N, F, *out) with out = (size − 1)·stride −
    low − high + dilation·(kernel − 1) + output_padding + 1; ``layout="NHWC"`` puts channels last and w as
    (*kernel, F/groups, C). ``output_padding`` is less than max(stride, dilation). Raises SpecError for
    arguments that make no operator.

    >>> conv_transpose2d(stride=2, padding=1).output_shape(x=(2, 4, 5, 5), w=(4, 3, 3, 3))
    (2, 3, 9, 9)
    """
    return conv_transpose(2, stride, padding, output_padding, dilation, groups, bias, layout)


def conv_transpose3d(
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    output_padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    bias: bool = False,
    layout: str = "NCHW",
) -> Operator:
    """3-D transposed convolution: the adjoint of ``conv3d``.

    Shapes: x (N, C, D, H, W), w (C, F/groups, *kernel), b (F), y (N, F, *out) with out = (size −
    1)·stride − low − high + dilation·(kernel − 1) + output_padding + 1; ``layout="NHWC"`` puts channels
    last and w as (*kernel, F/groups, C). ``output_padding`` is less than max(stride, dilation). Raises
    SpecError for arguments that make no operator.

    >>> conv_transpose3d(stride=2, padding=1).output_shape(x=(2, 4, 5, 5, 5), w=(4, 3, 3, 3, 3))
    (2, 3, 9, 9, 9)
    """
    return conv_transpose(3, stride, padding, output_padding, dilation, groups, bias, layout)
