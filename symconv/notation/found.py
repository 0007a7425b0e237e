"""What reading the right-hand side of a formula finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from symconv.notation.affine import Affine
from symconv.notation.expr import Const, Constraint, Expr, Range
from symconv.notation.indices import IndexForm, Lengths

__all__ = ["Body", "Floor", "Slot"]


@dataclass(frozen=True, slots=True)
class Slot:
    """One logical axis of one tensor."""

    tensor: str
    position: int


@dataclass(frozen=True, slots=True)
class Floor:
    """``floor(numerator / divisor)`` as an index of its own, which counts from the provisional size ``base``."""

    numerator: Affine
    divisor: int
    base: str


_NOTHING = Const(Fraction(0))


@dataclass(slots=True)
class Body:
    """What reading the right-hand side found: the expression, and how each tensor is indexed."""

    source: str
    output: str
    parameters: dict[str, Fraction]
    expr: Expr = _NOTHING
    layout: dict[str, tuple[int, ...]] = field(default_factory=dict)
    slots: dict[Slot, list[IndexForm]] = field(default_factory=dict)
    taps: dict[str, int] = field(default_factory=dict)
    frames: list[tuple[list[Range], list[Constraint]]] = field(default_factory=list)
    quotients: dict[str, Slot] = field(default_factory=dict)
    floors: dict[str, Floor] = field(default_factory=dict)
    meanings: list[str] = field(default_factory=list)
    names: dict[str, Expr] = field(default_factory=dict)
    functions: frozenset[str] = frozenset()
    bounds: dict[str, Affine] = field(default_factory=dict)
    twins: dict[str, str] = field(default_factory=dict)
    scalars: frozenset[str] = frozenset()
    spelled: int = 0
    lengths: Lengths = field(default_factory=Lengths)
    beside: list[Affine] = field(default_factory=list)
