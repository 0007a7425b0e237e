"""The verdict on every way that a kernel may compute its results: direct sums exactly, transforms within bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from symconv.notation.operator import Operator
from symconv.verify.judge import judge
from symconv.verify.verdict import Verdict

if TYPE_CHECKING:
    from symconv.kernel import Kernel

__all__ = ["judged"]

_SLACK = 4.0
"""On the bound of rounding, for transforms: several times what F(4x4,3x3) and F(4,2) err by, and far less than what
one wrong coefficient gives."""


def judged(
    op: Operator,
    kernel: Kernel,
    dtype: str,
    gradients: tuple[str, ...] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Verdict:
    """The verdict on ``kernel`` with plans that are drawn; declared derivatives are judged as declared.

    Where the modules hold Winograd transforms, these are judged by themselves: no sum of theirs is exact. Raises
    SpecError as ``judge`` does.
    """
    direct = kernel.shuffled()
    verdict = judge(op, direct, dtype, gradients=gradients, progress=progress)
    if not direct.transforms:
        return verdict
    other = kernel.shuffled(transformed=True)
    more = judge(op, other, dtype, gradients=gradients, exact=False, slack=_SLACK, progress=progress)
    # NaN is not asked about again: a transform spreads it.
    checks = tuple(replace(one, name=f"transforms: {one.name}") for one in more.checks if one.cases)
    unjudged = tuple(dict.fromkeys((*verdict.unjudged, *more.unjudged)))
    passed = verdict.passed and more.passed
    return replace(verdict, passed=passed, checks=(*verdict.checks, *checks), unjudged=unjudged)
