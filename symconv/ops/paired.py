"""What every operator that pairs x with a kernel w, tap by tap, has in common: the reads, not the formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from symconv.notation.front import Padding, formula
from symconv.notation.operator import Operator
from symconv.ops.arguments import arrange, channels, kernel, said, slide, title

__all__ = ["Reads", "paired"]


@dataclass(frozen=True, slots=True)
class Reads:
    """The reads of x, w and b as the notation writes them, and the indices a window runs ``over``."""

    x: str
    w: str
    b: str
    over: str


def paired(
    rank: int,
    name: str,
    body: Callable[[Reads], str],
    *,
    stride: int | Sequence[int],
    padding: Padding,
    dilation: int | Sequence[int],
    groups: int,
    border: str | float,
    bias: bool = False,
    layout: str,
    flip: bool = False,
    usual: str = "zero",
    params: Mapping[str, float] | None = None,
    kinks: Mapping[str, str] | None = None,
    surrogate: Mapping[str, str] | None = None,
    **settings: object,
) -> Operator:
    """``y[n,f,i] = body`` over ``x[n,c, s·i + d·p − lo]`` and ``w[f,c,p]``, window axis by window axis."""
    at = slide(rank, stride, padding, dilation, flip=flip)
    f, c, extents = channels(groups)
    order = arrange(layout)
    reads = Reads(
        x=f"x[{order('n', c, at.window)}]",
        w=f"w[{kernel(layout, f, 'c', at.taps)}]",
        b=f"b[{f}]",
        over=",".join(("c", *at.taps)),
    )
    shown = {**settings, **at.settings, "groups": groups, "bias": bias, "border": border, "layout": layout}
    shown |= {"flip": flip, "kinks": said(kinks), "surrogate": said(surrogate)}
    return formula(
        f"y[{order('n', f, at.outputs)}] = {body(reads)}",
        name=title(name, shown, border=usual),
        padding=at.padding,
        extents=extents,
        border=border,
        params=params,
        kinks=kinks,
        surrogates=surrogate,
    )
