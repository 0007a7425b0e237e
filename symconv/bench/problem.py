"""A layer as torch would be asked for it: which rival it has, in torch's terms, or why there is none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from symconv.notation.operator import Operator

__all__ = ["COMPOSED", "Problem", "problem"]

COMPOSED = ("gated_conv", "conv_bias_relu", "conv_bias_tanh", "conv_bias_gelu")
"""Layers of convolutions and what becomes of their sums, as suites call them (:mod:`symconv.bench.composed`)."""
_BODIES = {"adder": "adder", "squared_distance": "squared distance", "max_plus": "max-plus"}


@dataclass(frozen=True, slots=True)
class Problem:
    """A window operator in torch's terms.

    ``body`` is ``"product"``, a scalar body that torch has no operator for, or one of ``COMPOSED``.

    ``pads`` are (low, high) by axis; ``channels_last`` says how symconv's arrays are laid out.
    """

    body: str
    transposed: bool
    stride: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    output_padding: tuple[int, ...]
    groups: int
    channels_last: bool

    @property
    def even(self) -> tuple[int, ...]:
        """What torch pads on both sides."""
        return tuple(min(pair) for pair in self.pads)

    @property
    def rest(self) -> tuple[tuple[int, int], ...]:
        """What is left to pad, on one side of an axis."""
        return tuple((lo - e, hi - e) for (lo, hi), e in zip(self.pads, self.even, strict=True))


def problem(op: Operator, settings: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> Problem | str:
    """How torch is asked for the same, or why it is not.

    >>> import symconv as sc
    >>> problem(sc.operator("y[n,i] = x[n,i] + 1"), {}, {"x": (1, 2)})
    'torch has no such operator'
    >>> problem(sc.adder2d(stride=2, padding=1), {}, {"x": (1, 2, 9, 8), "w": (3, 2, 3, 3)}).body
    'adder'
    """
    named = re.match(r"(\w+?)[123]d\b", op.name)
    family = named[1] if named else ""
    body = "product" if family in ("conv", "conv_transpose") else _BODIES.get(family, "")
    body = family if family in COMPOSED else body
    if not body:
        return "torch has no such operator"
    if any(settings.get(name) for name in ("flip", "kinks", "surrogate")) or not _plain(settings, family):
        return "torch has no such border, flip or slope"
    found = _problem(op, settings, shapes, body)
    if any(end < 0 for pair in found.pads for end in pair):
        return "torch has no negative padding in one call"
    if body in _BODIES.values() and (found.groups != 1 or found.channels_last or len(found.stride) != 2):
        return "torch's unfold is for two axes and one group, channels first"
    most = zip(found.stride, found.dilation, found.output_padding, strict=True)
    if found.transposed and any(not 0 <= extra < max(s, d) for s, d, extra in most):
        return "torch pads a transposed convolution alike on both sides"
    return found


def _plain(settings: Mapping[str, Any], family: str) -> bool:
    """Whether the border is what torch's call does, or what the rival pads with."""
    return settings.get("border") in ((None, "skip") if family == "max_plus" else (None, "zero", 0))


def _problem(op: Operator, settings: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], body: str) -> Problem:
    sizes = op.sizes(**shapes)
    # Sums beside each other have the same windows, each its own.
    windows = op.windows[: len(shapes["x"]) - 2] if body in COMPOSED else op.windows
    pads = tuple((window.lo.evaluate(sizes), window.hi.evaluate(sizes)) for window in windows)
    transposed = any(window.transposed for window in windows)
    # A transposed window ends by the output padding sooner.
    extra = tuple(lo - hi if transposed else 0 for lo, hi in pads)
    return Problem(
        body,
        transposed,
        tuple(window.stride for window in windows),
        tuple((lo, lo) if transposed else (lo, hi) for lo, hi in pads),
        tuple(window.dilation for window in windows),
        extra,
        int(settings.get("groups") or 1),
        settings.get("layout") == "NHWC",
    )
