"""The expressions of the loop IR: integers, reals, and vectors of lanes.

Integers are exact, division is explicit (``FloorDiv``, ``Mod``), and buffers are indexed by logical axes.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

__all__ = [
    "LANES",
    "REAL",
    "SHIFTS",
    "TURNS",
    "VECTOR",
    "Address",
    "Binary",
    "Call",
    "Compare",
    "Const",
    "Expr",
    "FloorDiv",
    "Lanes",
    "Load",
    "LoadLanes",
    "Mod",
    "Real",
    "ReduceLanes",
    "Scalar",
    "Select",
    "Shift",
    "Splat",
    "Unzip",
    "Var",
    "Zip",
]  # fmt: skip


VECTOR = 0
LANES = "sc_lanes"
"""The name of the number of lanes, a constant of the machine that no text fixes."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """An element type: ``"real"`` (the kernel's dtype), ``"index"`` (int32 positions), ``"int"`` (loop arithmetic),
    ``"offset"`` (distances inside a buffer, in elements).

    ``lanes`` is 1 for a scalar and ``VECTOR`` for as many as the machine computes at once; ``"mask"`` says which lanes
    count.
    """

    kind: str = "real"
    lanes: int = 1


REAL = Scalar()
"""One number of the kernel's dtype."""


@dataclass(frozen=True, slots=True)
class Const:
    """An exact number; ``real`` says which arithmetic it takes part in."""

    value: Fraction
    real: bool = False


@dataclass(frozen=True, slots=True)
class Var:
    """A loop variable, a size, a phase value or a scalar."""

    name: str


@dataclass(frozen=True, slots=True)
class Binary:
    """``left op right`` with op one of ``+ - * / // min max``; ``/`` only between reals, ``//`` only of
    non-negatives."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class FloorDiv:
    """``floor(value / divisor)`` for a positive divisor."""

    value: Expr
    divisor: int


@dataclass(frozen=True, slots=True)
class Mod:
    """``value - divisor*floor(value / divisor)``, in ``0 .. divisor-1``."""

    value: Expr
    divisor: int


@dataclass(frozen=True, slots=True)
class Compare:
    """``left op right`` with op one of ``< <= > >= == !=``; of reals also larger, smaller and same.

    These are ``>=``, ``<=`` and ``==`` where NaN is larger and smaller than every number, and the same as NaN.
    """

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Select:
    """``yes`` where ``condition`` holds, else ``no``."""

    condition: Expr
    yes: Expr
    no: Expr


@dataclass(frozen=True, slots=True)
class Real:
    """An integer as a real number."""

    value: Expr


@dataclass(frozen=True, slots=True)
class Call:
    """A scalar function of the notation."""

    function: str
    arguments: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Address:
    """How far an element of a buffer lies from its first, in elements; what tables of offsets hold."""

    buffer: str
    index: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Load:
    """One element of a buffer, by logical axes, or the one ``offset`` elements behind it."""

    buffer: str
    index: tuple[Expr, ...]
    offset: Expr | None = None


@dataclass(frozen=True, slots=True)
class Lanes:
    """The mask of the lanes ``lower <= lane < upper``."""

    lower: Expr
    upper: Expr


@dataclass(frozen=True, slots=True)
class LoadLanes:
    """Lanes ``buffer[index + lane*stride]``, ``offset`` elements behind it, where ``mask`` holds, 0 elsewhere.

    Lanes move along the logical axis ``axis``, the last one unless it says otherwise. Memory behind the mask is not
    touched; without a mask every lane is loaded.
    """

    buffer: str
    index: tuple[Expr, ...]
    stride: int
    mask: str
    offset: Expr | None = None
    axis: int = -1

    def lane(self, lane: Expr) -> tuple[Expr, ...]:
        """The index of one lane."""
        at = self.axis % len(self.index)
        moved = Binary("+", self.index[at], Binary("*", Const(Fraction(self.stride)), lane))
        return (*self.index[:at], moved, *self.index[at + 1 :])


@dataclass(frozen=True, slots=True)
class Splat:
    """A scalar in every lane."""

    value: Expr


@dataclass(frozen=True, slots=True)
class ReduceLanes:
    """All lanes combined into one scalar; op is ``+ min max``."""

    op: str
    value: Expr


TURNS = (2, 4, 8)
"""How many neighbours may move together when lanes are rearranged."""

SHIFTS = tuple(range(-6, 7))
"""How far lanes may move to the left: as far as taps of seven reach."""


@dataclass(frozen=True, slots=True)
class Unzip:
    """Every ``len(values)``-th element of vectors side by side: lane ``l`` is element ``l*len(values) + part``.

    An element may be several neighbours, a ``turn`` that divides the lanes.
    """

    values: tuple[Expr, ...]
    part: int
    turn: int = 1


@dataclass(frozen=True, slots=True)
class Zip:
    """Interleaved vectors, the ``part``-th vector of the row that they make: its element ``e`` is lane ``e //
    len(values)`` of ``values[e % len(values)]``; an element may be a ``turn`` of several neighbours."""

    values: tuple[Expr, ...]
    part: int
    turn: int = 1


@dataclass(frozen=True, slots=True)
class Shift:
    """Lanes moved: lane ``l`` is lane ``l + by`` of ``value``, 0 where there is none; ``by`` is one of ``SHIFTS``."""

    value: Expr
    by: int


Expr = (
    Const
    | Var
    | Binary
    | FloorDiv
    | Mod
    | Compare
    | Select
    | Real
    | Call
    | Load
    | Lanes
    | LoadLanes
    | Splat
    | ReduceLanes
    | Unzip
    | Zip
    | Shift
    | Address
)
