"""The operands of an operator as the code holds them: arrays, and labels where an operand is their selector."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from symconv.code.arrays.concrete import Concrete
from symconv.code.arrays.symbolic import Symbolic
from symconv.code.values.kinds import INT, REAL
from symconv.code.values.objects import Box
from symconv.prove.language.labels import is_selector, labels_of

__all__ = ["given", "sizes_of"]


def given(
    on: Symbolic | Concrete, arrays: Mapping[str, Any], named: bool = False, rows: Collection[str] = ()
) -> dict[str, Box]:
    """A box for each operand; ``named`` where names hold them. Labels that are ``rows`` are one-hot."""
    return {
        name: Box(value if labels_of(name) in rows else on.given(name, value), named=named,
                  kind=INT if is_selector(name) else REAL)
        for name, value in arrays.items()
    }  # fmt: skip


def sizes_of(name: str, rank: int) -> list[str]:
    """A name for each length of an operand, which isl takes."""
    return [f"{labels_of(name)}_{'row' if is_selector(name) else ''}{k}" for k in range(rank)]
