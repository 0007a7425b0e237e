"""Windows compared with filters by a distance instead of a product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symconv.notation.front import Padding
from symconv.notation.operator import Operator
from symconv.ops.paired import Reads, paired

__all__ = [
    "adder",
    "adder1d",
    "adder2d",
    "adder3d",
    "squared_distance",
    "squared_distance1d",
    "squared_distance2d",
    "squared_distance3d",
]


def adder(
    rank: int,
    stride: int | Sequence[int],
    padding: Padding,
    dilation: int | Sequence[int],
    groups: int,
    border: str | float,
    layout: str,
    surrogate: Mapping[str, str] | None,
) -> Operator:
    """``y[n,f,i] = −Σ |x[n,c, s·i + d·p − lo] − w[f,c,p]|``: AdderNet's layer."""

    def body(at: Reads) -> str:
        return f"-sum[{at.over}](abs({at.x} - {at.w}))"

    return paired(
        rank,
        f"adder{rank}d",
        body,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        border=border,
        layout=layout,
        surrogate=surrogate,
    )


def adder1d(
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    border: str | float = "zero",
    layout: str = "NCHW",
    surrogate: Mapping[str, str] | None = None,
) -> Operator:
    """1-D adder layer: minus the L1 distance of every window to every filter.

    Shapes: x (N, C, L), w (F, C/groups, *kernel), y (N, F, *out); ``layout="NHWC"`` puts channels last
    and w as (*kernel, C/groups, F). Outside x lies 0, which is not neutral here; ``border="skip"`` leaves
    those taps out instead. ``surrogate`` declares other derivatives, AdderNet's own are ``{"w": "x - w",
    "x": "max(min(w - x, 1), -1)"}``. ``padding`` is an integer, one per axis, (low, high) per axis,
    "same" or "valid". Raises SpecError for arguments that make no operator.

    >>> adder1d(stride=2, padding=1).output_shape(x=(2, 3, 9), w=(4, 3, 3))
    (2, 4, 5)
    """
    return adder(1, stride, padding, dilation, groups, border, layout, surrogate)


def adder2d(
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    border: str | float = "zero",
    layout: str = "NCHW",
    surrogate: Mapping[str, str] | None = None,
) -> Operator:
    """2-D adder layer: minus the L1 distance of every window to every filter.

    Shapes: x (N, C, H, W), w (F, C/groups, *kernel), y (N, F, *out); ``layout="NHWC"`` puts channels last
    and w as (*kernel, C/groups, F). Outside x lies 0, which is not neutral here; ``border="skip"`` leaves
    those taps out instead. ``surrogate`` declares other derivatives, AdderNet's own are ``{"w": "x - w",
    "x": "max(min(w - x, 1), -1)"}``. ``padding`` is an integer, one per axis, (low, high) per axis,
    "same" or "valid". Raises SpecError for arguments that make no operator.

    >>> adder2d(stride=2, padding=1).output_shape(x=(2, 3, 9, 9), w=(4, 3, 3, 3))
    (2, 4, 5, 5)
    """
    return adder(2, stride, padding, dilation, groups, border, layout, surrogate)


def adder3d(
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    border: str | float = "zero",
    layout: str = "NCHW",
    surrogate: Mapping[str, str] | None = None,
) -> Operator:
    """3-D adder layer: minus the L1 distance of every window to every filter.

    Shapes: x (N, C, D, H, W), w (F, C/groups, *kernel), y (N, F, *out); ``layout="NHWC"`` puts channels
    last and w as (*kernel, C/groups, F). Outside x lies 0, which is not neutral here; ``border="skip"``
    leaves those taps out instead. ``surrogate`` declares other derivatives, AdderNet's own are ``{"w": "x
    - w", "x": "max(min(w - x, 1), -1)"}``. ``padding`` is an integer, one per axis, (low, high) per axis,
    "same" or "valid". Raises SpecError for arguments that make no operator.

    >>> adder3d(stride=2, padding=1).output_shape(x=(2, 3, 9, 9, 9), w=(4, 3, 3, 3, 3))
    (2, 4, 5, 5, 5)
    """
    return adder(3, stride, padding, dilation, groups, border, layout, surrogate)


def squared_distance(
    rank: int,
    stride: int | Sequence[int],
    padding: Padding,
    dilation: int | Sequence[int],
    groups: int,
    border: str | float,
    layout: str,
) -> Operator:
    """``y[n,f,i] = Σ (x[n,c, s·i + d·p − lo] − w[f,c,p])²``."""

    def body(at: Reads) -> str:
        return f"sum[{at.over}](({at.x} - {at.w})**2)"

    return paired(
        rank,
        f"squared_distance{rank}d",
        body,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        border=border,
        layout=layout,
    )


def squared_distance1d(
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    border: str | float = "zero",
    layout: str = "NCHW",
) -> Operator:
    """1-D squared Euclidean distance of every window to every filter.

    Shapes: x (N, C, L), w (F, C/groups, *kernel), y (N, F, *out); ``layout="NHWC"`` puts channels last
    and w as (*kernel, C/groups, F). Outside x lies 0, which is not neutral here; ``border="skip"`` leaves
    those taps out instead. ``padding`` is an integer, one per axis, (low, high) per axis, "same" or
    "valid". Raises SpecError for arguments that make no operator.

    >>> squared_distance1d(stride=2, padding=1).output_shape(x=(2, 3, 9), w=(4, 3, 3))
    (2, 4, 5)
    """
    return squared_distance(1, stride, padding, dilation, groups, border, layout)


def squared_distance2d(
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    border: str | float = "zero",
    layout: str = "NCHW",
) -> Operator:
    """2-D squared Euclidean distance of every window to every filter.

    Shapes: x (N, C, H, W), w (F, C/groups, *kernel), y (N, F, *out); ``layout="NHWC"`` puts channels last
    and w as (*kernel, C/groups, F). Outside x lies 0, which is not neutral here; ``border="skip"`` leaves
    those taps out instead. ``padding`` is an integer, one per axis, (low, high) per axis, "same" or
    "valid". Raises SpecError for arguments that make no operator.

    >>> squared_distance2d(stride=2, padding=1).output_shape(x=(2, 3, 9, 9), w=(4, 3, 3, 3))
    (2, 4, 5, 5)
    """
    return squared_distance(2, stride, padding, dilation, groups, border, layout)


def squared_distance3d(
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    border: str | float = "zero",
    layout: str = "NCHW",
) -> Operator:
    """3-D squared Euclidean distance of every window to every filter.

    Shapes: x (N, C, D, H, W), w (F, C/groups, *kernel), y (N, F, *out); ``layout="NHWC"`` puts channels
    last and w as (*kernel, C/groups, F). Outside x lies 0, which is not neutral here; ``border="skip"``
    leaves those taps out instead. ``padding`` is an integer, one per axis, (low, high) per axis, "same"
    or "valid". Raises SpecError for arguments that make no operator.

    >>> squared_distance3d(stride=2, padding=1).output_shape(x=(2, 3, 9, 9, 9), w=(4, 3, 3, 3, 3))
    (2, 4, 5, 5, 5)
    """
    return squared_distance(3, stride, padding, dilation, groups, border, layout)
