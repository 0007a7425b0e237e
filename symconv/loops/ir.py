"""The loop IR: a grammar of frozen nodes between the mathematics and the text of a kernel.

Integers are exact, division is explicit (``FloorDiv``, ``Mod``), buffers are indexed by logical axes, and a ``Kernel``
is a tuple of loop nests over declared buffers. Scalar types carry a lane count; one lane is the ordinary case.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

__all__ = [
    "LANES",
    "TURNS",
    "VECTOR",
    "Accumulate",
    "Address",
    "Binary",
    "Buffer",
    "Call",
    "Compare",
    "Const",
    "Declare",
    "Expr",
    "FloorDiv",
    "For",
    "If",
    "Kernel",
    "Lanes",
    "Let",
    "Load",
    "LoadLanes",
    "Mod",
    "Nest",
    "Node",
    "Outlined",
    "Prefetch",
    "Real",
    "ReduceLanes",
    "Scalar",
    "Select",
    "Size",
    "Splat",
    "Stmt",
    "Store",
    "StoreLanes",
    "StoreReduced",
    "StoreZip",
    "Unzip",
    "Update",
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
    | Address
)


@dataclass(frozen=True, slots=True)
class For:
    """``for var in range(lower, upper, step)``; ``mode`` is serial or, over residue classes, phase."""

    var: str
    lower: Expr
    upper: Expr
    body: tuple[Stmt, ...]
    step: int = 1
    mode: str = "serial"


@dataclass(frozen=True, slots=True)
class If:
    """The body, where the condition holds; never inside an innermost loop."""

    condition: Expr
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Let:
    """An integer named for the rest of the block."""

    name: str
    value: Expr


@dataclass(frozen=True, slots=True)
class Declare:
    """A scalar accumulator for the rest of the block."""

    name: str
    value: Expr
    scalar: Scalar = Scalar()


@dataclass(frozen=True, slots=True)
class Update:
    """``name = name op value``, in the lanes of ``mask`` where one is named; op is ``+ - * min max`` or ``=``."""

    name: str
    op: str
    value: Expr
    mask: str = ""


@dataclass(frozen=True, slots=True)
class Store:
    """``buffer[index] = value``."""

    buffer: str
    index: tuple[Expr, ...]
    value: Expr


@dataclass(frozen=True, slots=True)
class Accumulate:
    """``buffer[index] = buffer[index] op value``; op is ``+ - * min max``."""

    buffer: str
    index: tuple[Expr, ...]
    op: str
    value: Expr


@dataclass(frozen=True, slots=True)
class StoreLanes:
    """``buffer[index + lane*stride] = value`` in the lanes of ``mask`` (all of them where none is named).

    With op ``+ - min max`` combined with what is there.
    """

    buffer: str
    index: tuple[Expr, ...]
    stride: int
    mask: str
    op: str
    value: Expr


@dataclass(frozen=True, slots=True)
class StoreZip:
    """Interleaved lanes: ``buffer[index + lane*len(values) + k] = values[k]`` in every lane."""

    buffer: str
    index: tuple[Expr, ...]
    values: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class StoreReduced:
    """Many sums of lanes side by side: ``buffer[index + k] = buffer[index + k] op (the lanes of values[k] added)``.

    op is ``+`` or ``=``.
    """

    buffer: str
    index: tuple[Expr, ...]
    op: str
    values: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Prefetch:
    """An element that is wanted soon, by logical axes and an offset behind them; computes nothing, and may be
    anywhere."""

    buffer: str
    index: tuple[Expr, ...]
    offset: Expr | None = None


@dataclass(frozen=True, slots=True)
class Outlined:
    """A body that is printed as a function of its own, so that the compiler keeps its accumulators in registers.

    It means what its body means; functions with one text are printed once, whatever kernel they stand in.
    """

    name: str
    body: tuple[Stmt, ...]


Stmt = (
    For | If | Let | Declare | Update | Store | Accumulate | StoreLanes | StoreZip | StoreReduced | Prefetch | Outlined
)
Node = Expr | Stmt


@dataclass(frozen=True, slots=True)
class Size:
    """A size by name, computed from the lengths of the arrays given (``Var("x_dim0")``) and from earlier sizes."""

    name: str
    value: Expr


@dataclass(frozen=True, slots=True)
class Buffer:
    """A declared array: logical sizes merged into physical axes.

    ``role`` is in, out, workspace (lives for one call) or private (lives for one iteration of a nest's first loop; each
    thread has its own). An index may run over the end of a logical size into the next row of the same physical axis;
    ``flat`` counts the last physical axes that are indexed so together. ``slack`` is how many elements behind the last
    may be touched (but mean nothing), in workspace and private buffers.
    """

    name: str
    axes: tuple[tuple[Expr, ...], ...]
    role: str
    scalar: Scalar = Scalar()
    alignment: int = 64
    flat: int = 0
    slack: Expr = Const(Fraction(0))

    @property
    def sizes(self) -> tuple[Expr, ...]:
        """The logical sizes."""
        return tuple(size for axis in self.axes for size in axis)


@dataclass(frozen=True, slots=True)
class Nest:
    """A loop nest whose first loop ``var`` runs over ``0 .. extent-1`` and may be cut anywhere among threads.

    ``minor`` nests do a border's share of the work: it is not worth cutting into parts.
    """

    var: str
    extent: Expr
    body: tuple[Stmt, ...]
    comment: str = ""
    parallel: bool = True
    minor: bool = False


@dataclass(frozen=True, slots=True)
class Kernel:
    """What is printed: nests in order over declared buffers; the last buffer with role out is the result.

    ``parameters`` are whole numbers from 1 on that a plan gives with the sizes of a call, such as blocking factors;
    ``layout`` are numbers computed from both, in order, which the extents of buffers and nests may use.
    """

    name: str
    buffers: tuple[Buffer, ...]
    sizes: tuple[Size, ...]
    checks: tuple[Expr, ...]
    nests: tuple[Nest, ...]
    parameters: tuple[str, ...] = ()
    layout: tuple[Size, ...] = ()

    @property
    def result(self) -> Buffer:
        """The buffer of the result."""
        return next(buffer for buffer in self.buffers if buffer.role == "out")

    def buffer(self, name: str) -> Buffer:
        """The buffer of that name; raises KeyError."""
        return {buffer.name: buffer for buffer in self.buffers}[name]
