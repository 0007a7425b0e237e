"""What one loop over a size touches of the arrays around it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from symconv.code.values.objects import Box
from symconv.notation.affine import Affine
from symconv.notation.expr import Constraint

__all__ = ["Access", "Frame"]


@dataclass(frozen=True, slots=True)
class Access:
    """One read ("read"), sum ("add") or assignment ("set"): the indices it picks, and the cells of an assignment."""

    kind: str
    picks: tuple[Affine | None, ...]
    system: tuple[tuple[str, ...], tuple[Constraint, ...], tuple[Affine, ...]] | None
    line: int


@dataclass(slots=True, eq=False)
class Frame:
    """What one loop touches of the arrays around it, and the names that only grow in it."""

    index: str
    accesses: dict[Box, list[Access]] = field(default_factory=dict)
    before: dict[Box, Any] = field(default_factory=dict)
    sums: dict[str, Any] = field(default_factory=dict)
    lists: dict[str, Any] = field(default_factory=dict)
    scope: dict[str, Any] = field(default_factory=dict)
