"""The remainder that a window's stride leaves, as people write it: ``(H + 2p − d(KH − 1) − 1) mod s``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from symconv.notation.affine import Affine, affine
from symconv.prove.language.facts import Spatial

__all__ = ["Leftover", "leftovers"]


@dataclass(frozen=True, slots=True)
class Leftover:
    """One spatial axis: ``form`` is what its window leaves before the stride divides it; ``text`` says it."""

    form: Affine
    stride: int
    text: str

    def said(self, remainder: Affine, wanted: int, modulus: int, positive: bool) -> str | None:
        """``remainder mod modulus = wanted`` (or ``≠``) in terms of this axis; None where it is something else."""
        if modulus != self.stride:
            return None
        for other, holds in ((wanted, positive), *([(1 - wanted, not positive)] if modulus == 2 else [])):
            for sign in (1, -1):
                rest = remainder - other - self.form * sign
                if all(factor % modulus == 0 for _, factor in rest.terms) and rest.constant % modulus == 0:
                    return f"{self.text} {'=' if holds else '≠'} 0"
        return None


def leftovers(
    axes: Sequence[Spatial], outer: Callable[[Affine], Affine], general: bool = False
) -> tuple[Leftover, ...]:
    """The axes with a stride; ``outer`` puts a form into the sizes that a user sees.

    Strides, pads and dilations are letters where all axes have the same, else numbers; ``general`` writes all letters,
    also those that are 0 or 1.
    """
    found = []
    for axis in axes:
        if (
            axis.stride is None
            or axis.dilation is None
            or axis.pads is None
            or axis.kernel is None
            or axis.size is None
        ):
            continue
        lo, hi = axis.pads
        if axis.stride < 2 or not (lo.is_constant and hi.is_constant):
            continue
        form = outer(axis.size + lo + hi - (axis.kernel - 1) * axis.dilation - 1)
        text = _text(str(outer(axis.size)), outer(axis.kernel), axis, axes, general)
        found.append(Leftover(form, axis.stride, text))
    return tuple(found)


def _text(size: str, kernel: Affine, axis: Spatial, axes: Sequence[Spatial], general: bool) -> str:
    lo, hi = axis.pads or (affine(0), affine(0))
    pads = lo.constant + hi.constant
    padded = all(one.pads == (lo, lo) for one in axes)
    pad = "" if not pads and not general else " + 2p" if padded else f" {'+' if pads > 0 else '−'} {abs(pads)}"
    taps = str(kernel) if kernel.is_constant or kernel.name else f"({kernel})"
    window = f" − {taps}"
    if general or axis.dilation != 1:
        dilation = "d" if all(one.dilation == axis.dilation for one in axes) else axis.dilation
        window = f" − {dilation}({taps} − 1) − 1"
    stride = "s" if all(one.stride == axis.stride for one in axes) else axis.stride
    return f"({size}{pad}{window}) mod {stride}"
