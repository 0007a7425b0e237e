"""Convolution with (max, +) or (min, +) in place of (+, ·): grey-scale dilation and erosion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symconv.notation.front import Padding
from symconv.notation.operator import Operator
from symconv.ops.paired import Reads, paired

__all__ = ["max_plus", "max_plus1d", "max_plus2d", "max_plus3d", "min_plus", "min_plus1d", "min_plus2d", "min_plus3d"]


def max_plus(
    rank: int,
    stride: int | Sequence[int],
    padding: Padding,
    dilation: int | Sequence[int],
    groups: int,
    border: str | float,
    layout: str,
    kinks: Mapping[str, str] | None,
) -> Operator:
    """``y[n,f,i] = max (x[n,c, s·i + d·p − lo] + w[f,c,p])``: dilation of x by w."""

    def body(at: Reads) -> str:
        return f"max[{at.over}]({at.x} + {at.w})"

    return paired(
        rank,
        f"max_plus{rank}d",
        body,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        border=border,
        layout=layout,
        usual="skip",
        kinks=kinks,
    )


def max_plus1d(
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    border: str | float = "skip",
    layout: str = "NCHW",
    kinks: Mapping[str, str] | None = None,
) -> Operator:
    """1-D max-plus convolution: grey-scale dilation by every filter.

    Shapes: x (N, C, L), w (F, C/groups, *kernel), y (N, F, *out); ``layout="NHWC"`` puts channels last
    and w as (*kernel, C/groups, F). ``groups=C`` dilates channel by channel. Taps outside x are skipped;
    of equal taps the first gets the gradient, unless ``kinks={"max": "share"}``.
    ``padding`` is an integer, one per axis, (low, high) per axis, "same" or "valid". Raises SpecError for
    arguments that make no operator.

    >>> max_plus1d(stride=2, padding=1).output_shape(x=(2, 3, 9), w=(4, 3, 3))
    (2, 4, 5)
    """
    return max_plus(1, stride, padding, dilation, groups, border, layout, kinks)


def max_plus2d(
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    border: str | float = "skip",
    layout: str = "NCHW",
    kinks: Mapping[str, str] | None = None,
) -> Operator:
    """2-D max-plus convolution: grey-scale dilation by every filter.

    Shapes: x (N, C, H, W), w (F, C/groups, *kernel), y (N, F, *out); ``layout="NHWC"`` puts channels last
    and w as (*kernel, C/groups, F). ``groups=C`` dilates channel by channel. Taps outside x are skipped;
    of equal taps the first gets the gradient, unless ``kinks={"max": "share"}``.
    ``padding`` is an integer, one per axis, (low, high) per axis, "same" or "valid". Raises SpecError for
    arguments that make no operator.

    >>> max_plus2d(stride=2, padding=1).output_shape(x=(2, 3, 9, 9), w=(4, 3, 3, 3))
    (2, 4, 5, 5)
    """
    return max_plus(2, stride, padding, dilation, groups, border, layout, kinks)


def max_plus3d(
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    border: str | float = "skip",
    layout: str = "NCHW",
    kinks: Mapping[str, str] | None = None,
) -> Operator:
    """3-D max-plus convolution: grey-scale dilation by every filter.

    Shapes: x (N, C, D, H, W), w (F, C/groups, *kernel), y (N, F, *out); ``layout="NHWC"`` puts channels last
    and w as (*kernel, C/groups, F). ``groups=C`` dilates channel by channel. Taps outside x are skipped; of
    equal taps the first gets the gradient, unless ``kinks={"max": "share"}``. ``padding`` is an integer, one
    per axis, (low, high) per axis, "same" or "valid". Raises SpecError for arguments that make no operator.

    >>> max_plus3d(stride=2, padding=1).output_shape(x=(2, 3, 9, 9, 9), w=(4, 3, 3, 3, 3))
    (2, 4, 5, 5, 5)
    """
    return max_plus(3, stride, padding, dilation, groups, border, layout, kinks)


def min_plus(
    rank: int,
    stride: int | Sequence[int],
    padding: Padding,
    dilation: int | Sequence[int],
    groups: int,
    border: str | float,
    layout: str,
    kinks: Mapping[str, str] | None,
) -> Operator:
    """``y[n,f,i] = min (x[n,c, s·i + d·p − lo] + w[f,c,p])``: erosion of x by −w."""

    def body(at: Reads) -> str:
        return f"min[{at.over}]({at.x} + {at.w})"

    return paired(
        rank,
        f"min_plus{rank}d",
        body,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        border=border,
        layout=layout,
        usual="skip",
        kinks=kinks,
    )


def min_plus1d(
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    border: str | float = "skip",
    layout: str = "NCHW",
    kinks: Mapping[str, str] | None = None,
) -> Operator:
    """1-D min-plus convolution: grey-scale erosion by every filter, negated.

    Shapes: x (N, C, L), w (F, C/groups, *kernel), y (N, F, *out); ``layout="NHWC"`` puts channels last
    and w as (*kernel, C/groups, F). ``groups=C`` erodes channel by channel. Taps outside x are skipped;
    of equal taps the first gets the gradient, unless ``kinks={"min": "share"}``.
    ``padding`` is an integer, one per axis, (low, high) per axis, "same" or "valid". Raises SpecError for
    arguments that make no operator.

    >>> min_plus1d(stride=2, padding=1).output_shape(x=(2, 3, 9), w=(4, 3, 3))
    (2, 4, 5)
    """
    return min_plus(1, stride, padding, dilation, groups, border, layout, kinks)


def min_plus2d(
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    border: str | float = "skip",
    layout: str = "NCHW",
    kinks: Mapping[str, str] | None = None,
) -> Operator:
    """2-D min-plus convolution: grey-scale erosion by every filter, negated.

    Shapes: x (N, C, H, W), w (F, C/groups, *kernel), y (N, F, *out); ``layout="NHWC"`` puts channels last
    and w as (*kernel, C/groups, F). ``groups=C`` erodes channel by channel. Taps outside x are skipped;
    of equal taps the first gets the gradient, unless ``kinks={"min": "share"}``.
    ``padding`` is an integer, one per axis, (low, high) per axis, "same" or "valid". Raises SpecError for
    arguments that make no operator.

    >>> min_plus2d(stride=2, padding=1).output_shape(x=(2, 3, 9, 9), w=(4, 3, 3, 3))
    (2, 4, 5, 5)
    """
    return min_plus(2, stride, padding, dilation, groups, border, layout, kinks)


def min_plus3d(
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    border: str | float = "skip",
    layout: str = "NCHW",
    kinks: Mapping[str, str] | None = None,
) -> Operator:
    """3-D min-plus convolution: grey-scale erosion by every filter, negated.

    Shapes: x (N, C, D, H, W), w (F, C/groups, *kernel), y (N, F, *out); ``layout="NHWC"`` puts channels last
    and w as (*kernel, C/groups, F). ``groups=C`` erodes channel by channel. Taps outside x are skipped; of
    equal taps the first gets the gradient, unless ``kinks={"min": "share"}``. ``padding`` is an integer, one
    per axis, (low, high) per axis, "same" or "valid". Raises SpecError for arguments that make no operator.

    >>> min_plus3d(stride=2, padding=1).output_shape(x=(2, 3, 9, 9, 9), w=(4, 3, 3, 3, 3))
    (2, 4, 5, 5, 5)
    """
    return min_plus(3, stride, padding, dilation, groups, border, layout, kinks)
