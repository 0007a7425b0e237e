"""Pooling of any rank: a reduction over a window whose length is an argument."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symconv.notation.front import Padding, formula
from symconv.notation.operator import Operator
from symconv.ops.arguments import arrange, per_axis, said, slide, title

__all__ = ["avg_pool1d", "avg_pool2d", "avg_pool3d", "max_pool1d", "max_pool2d", "max_pool3d", "pool"]


def pool(
    kind: str,
    rank: int,
    kernel: int | Sequence[int],
    stride: int | Sequence[int] | None,
    padding: Padding,
    dilation: int | Sequence[int],
    border: str | float,
    layout: str,
    kinks: Mapping[str, str] | None = None,
    empty: float | None = None,
) -> Operator:
    """``y[n,c,i] = kind over p < kernel of x[n,c, s·i + d·p − lo]``; kinds are max and mean."""
    lengths = per_axis(kernel, "kernel", rank)
    at = slide(rank, lengths if stride is None else stride, padding, dilation)
    order = arrange(layout)
    name, usual = {"max": ("max_pool", "skip"), "mean": ("avg_pool", "zero")}[kind]
    settings = {
        "kernel": lengths,
        **at.settings,
        "border": border,
        "layout": layout,
        "kinks": said(kinks),
        "empty": empty,
    }
    return formula(
        f"y[{order('n', 'c', at.outputs)}] = {kind}[{','.join(at.taps)}](x[{order('n', 'c', at.window)}])",
        name=title(f"{name}{rank}d", settings, kernel=None, stride=None, border=usual, empty=None),
        padding=at.padding,
        extents=dict(zip(at.taps, lengths, strict=True)),
        border=border,
        kinks=kinks,
        empty=empty,
    )


def max_pool1d(
    kernel: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    border: str | float = "skip",
    layout: str = "NCHW",
    kinks: Mapping[str, str] | None = None,
    empty: float | None = None,
) -> Operator:
    """1-D max pooling.

    Shapes: x (N, C, L), y (N, C, *out). ``kernel`` is the window's length, one number or one per axis;
    ``stride`` is the kernel's length unless said. Taps outside x are skipped; of equal taps the first
    gets the gradient, unless ``kinks={"max": "share"}``. A window wholly outside x is an error
    unless ``empty`` is its value. Raises SpecError for arguments that make no operator.

    >>> max_pool1d(2).output_shape(x=(2, 3, 8))
    (2, 3, 4)
    """
    return pool("max", 1, kernel, stride, padding, dilation, border, layout, kinks, empty)


def max_pool2d(
    kernel: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    border: str | float = "skip",
    layout: str = "NCHW",
    kinks: Mapping[str, str] | None = None,
    empty: float | None = None,
) -> Operator:
    """2-D max pooling.

    Shapes: x (N, C, H, W), y (N, C, *out). ``kernel`` is the window's length, one number or one per axis;
    ``stride`` is the kernel's length unless said. Taps outside x are skipped; of equal taps the first
    gets the gradient, unless ``kinks={"max": "share"}``. A window wholly outside x is an error
    unless ``empty`` is its value. Raises SpecError for arguments that make no operator.

    >>> max_pool2d(2).output_shape(x=(2, 3, 8, 8))
    (2, 3, 4, 4)
    """
    return pool("max", 2, kernel, stride, padding, dilation, border, layout, kinks, empty)


def max_pool3d(
    kernel: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    border: str | float = "skip",
    layout: str = "NCHW",
    kinks: Mapping[str, str] | None = None,
    empty: float | None = None,
) -> Operator:
    """3-D max pooling.

    Shapes: x (N, C, D, H, W), y (N, C, *out). ``kernel`` is the window's length, one number or one per
    axis; ``stride`` is the kernel's length unless said. Taps outside x are skipped; of equal taps the
    first gets the gradient, unless ``kinks={"max": "share"}``. A window wholly outside x is an error
    unless ``empty`` is its value. Raises SpecError for arguments that make no operator.

    >>> max_pool3d(2).output_shape(x=(2, 3, 8, 8, 8))
    (2, 3, 4, 4, 4)
    """
    return pool("max", 3, kernel, stride, padding, dilation, border, layout, kinks, empty)


def avg_pool1d(
    kernel: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    border: str | float = "zero",
    layout: str = "NCHW",
    empty: float | None = None,
) -> Operator:
    """1-D average pooling.

    Shapes: x (N, C, L), y (N, C, *out). ``kernel`` is the window's length, one number or one per axis;
    ``stride`` is the kernel's length unless said. Outside x lies 0 and counts; ``border="skip"`` divides
    by the number of taps inside, and a window wholly outside x is then an error
    unless ``empty`` is its value. Raises SpecError for arguments that make no operator.

    >>> avg_pool1d(2).output_shape(x=(2, 3, 8))
    (2, 3, 4)
    """
    return pool("mean", 1, kernel, stride, padding, dilation, border, layout, empty=empty)


def avg_pool2d(
    kernel: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    border: str | float = "zero",
    layout: str = "NCHW",
    empty: float | None = None,
) -> Operator:
    """2-D average pooling.

    Shapes: x (N, C, H, W), y (N, C, *out). ``kernel`` is the window's length, one number or one per axis;
    ``stride`` is the kernel's length unless said. Outside x lies 0 and counts; ``border="skip"`` divides
    by the number of taps inside, and a window wholly outside x is then an error
    unless ``empty`` is its value. Raises SpecError for arguments that make no operator.

    >>> avg_pool2d(2).output_shape(x=(2, 3, 8, 8))
    (2, 3, 4, 4)
    """
    return pool("mean", 2, kernel, stride, padding, dilation, border, layout, empty=empty)


def avg_pool3d(
    kernel: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    border: str | float = "zero",
    layout: str = "NCHW",
    empty: float | None = None,
) -> Operator:
    """3-D average pooling.

    Shapes: x (N, C, D, H, W), y (N, C, *out). ``kernel`` is the window's length, one number or one per
    axis; ``stride`` is the kernel's length unless said. Outside x lies 0 and counts; ``border="skip"``
    divides by the number of taps inside, and a window wholly outside x is then an error
    unless ``empty`` is its value. Raises SpecError for arguments that make no operator.

    >>> avg_pool3d(2).output_shape(x=(2, 3, 8, 8, 8))
    (2, 3, 4, 4, 4)
    """
    return pool("mean", 3, kernel, stride, padding, dilation, border, layout, empty=empty)
