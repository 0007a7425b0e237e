"""Pairs of functions beside difference quotients: which gradients are right where the text is run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import symconv as sc

Shapes = tuple[tuple[int, ...], ...]


def right_when_run(text: str, shapes: tuple[tuple[int, ...], ...]) -> list[bool]:
    """Which gradients difference quotients along a direction say to be right."""
    space: dict[str, Any] = {}
    exec(compile(text, "layer", "exec"), space)  # noqa: S102
    forward: Callable[..., Any] = next(one for name, one in space.items() if name.endswith("_forward"))
    backward: Callable[..., Any] = next(one for name, one in space.items() if name.endswith("_backward"))
    rng = np.random.default_rng(5)
    arrays = [rng.normal(size=shape) for shape in shapes]
    out, cache = forward(*arrays)
    cotangent = rng.normal(size=out.shape)
    good = []
    for array, found in zip(arrays, backward(cotangent, cache), strict=True):
        step = rng.normal(size=array.shape) * 1e-5
        ends = []
        for sign in (1, -1):
            moved = [one + sign * step if one is array else one for one in arrays]
            ends.append((forward(*moved)[0] * cotangent).sum())
        good.append(np.isclose((ends[0] - ends[1]) / 2, (found * step).sum(), rtol=1e-5, atol=1e-12))
    return [bool(one) for one in good]


def is_told_apart(text: str, shapes: Shapes, wrong: str, before: str, after: str,
                  run: Callable[[str, Shapes], list[bool]] = right_when_run) -> None:  # fmt: skip
    """A text is right and proved; with a slip one gradient is wrong, and it alone is refuted, the others are proved."""
    assert all(run(text, shapes))
    assert sc.check(text, explain=False).holds is True
    slip = text.replace(before, after)
    assert slip != text
    assert run(slip, shapes).count(False) == 1
    proofs = sc.check(slip, explain=False)
    assert {name for name, proof in proofs.items() if proof.holds is False} == {wrong}
    assert all(proof.holds for name, proof in proofs.items() if name != wrong)
