"""Cross-correlation, true convolution and their adjoint, of any rank: one formula each."""

from __future__ import annotations

from collections.abc import Sequence

from symconv.ops.arguments import arrange, count, kernel, per_axis, title
from symconv.notation.front import Padding, formula, pairs
from symconv.notation.operator import Operator

__all__ = ["conv"]

_POSITIONS, _TAPS = ("i", "j", "k"), ("p", "q", "r")


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
    """``y[n,f,i] = Σ x[n,c, s·i + d·p − lo]·w[f,c,p] (+ b[f])``, window axis by window axis; ``flip`` turns the kernel."""
    strides, dilations = per_axis(stride, "stride", rank), per_axis(dilation, "dilation", rank)
    lows = None if isinstance(padding, str) else pairs(0 if padding is None else padding, "padding", rank)
    taps = [f"(size({p})-1-{p})" if flip else p for p in _TAPS[:rank]]
    offsets = ["" if lows is None else f"-({lo})" for lo, _ in lows or ((0, 0),) * rank]
    parts = zip(strides, _POSITIONS, dilations, taps, offsets, strict=False)
    window = [f"{s}*{o}+{d}*{k}{lo}" for s, o, d, k, lo in parts]
    f, x_c, w_f = ("(g,f)", "(g,c)", "(g,f)") if count(groups, "groups") > 1 else ("f", "c", "f")
    order = arrange(layout)
    y, x = order("n", f, _POSITIONS[:rank]), order("n", x_c, window)
    w = kernel(layout, w_f, "c", _TAPS[:rank])
    b = f" + b[{w_f}]" if bias else ""
    source = f"y[{y}] = sum[c,{','.join(_TAPS[:rank])}](x[{x}] * w[{w}]){b}"
    settings = {"stride": strides, "padding": padding, "dilation": dilations, "groups": groups, "layout": layout}
    return formula(
        source,
        name=title(f"conv{rank}d", settings),
        padding=padding if lows is None else lows,
        extents={"g": groups} if groups > 1 else {},
        border=border,
    )
