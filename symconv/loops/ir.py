"""The loop IR: a grammar of frozen nodes between the mathematics and the text of a kernel.

``expressions`` and ``statements`` hold the nodes of what a nest computes. A ``Kernel`` is a tuple of loop nests over
declared buffers. Who speaks of the IR imports it from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from symconv.loops.expressions import (
    LANES,
    REAL,
    SHIFTS,
    TURNS,
    VECTOR,
    Address,
    Binary,
    Call,
    Compare,
    Const,
    Expr,
    FloorDiv,
    Lanes,
    Load,
    LoadLanes,
    Mod,
    Real,
    ReduceLanes,
    Scalar,
    Select,
    Shift,
    Splat,
    Unzip,
    Var,
    Zip,
)
from symconv.loops.statements import (
    Accumulate,
    Declare,
    For,
    If,
    Let,
    Outlined,
    Prefetch,
    Stmt,
    Store,
    StoreLanes,
    StoreReduced,
    StoreTurned,
    StoreZip,
    Update,
)

__all__ = [
    "LANES",
    "SHIFTS",
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
    "Shift",
    "Size",
    "Splat",
    "Stmt",
    "Store",
    "StoreLanes",
    "StoreReduced",
    "StoreTurned",
    "StoreZip",
    "Unzip",
    "Update",
    "Var",
    "Zip",
]  # fmt: skip


Node = Expr | Stmt
_NOTHING = Const(Fraction(0))


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
    may be touched (but mean nothing), in workspace and private buffers. ``cleared`` is how many elements of a private
    buffer a thread sets to 0 before it begins with a nest. No result depends on them: lanes that mean nothing read
    them, and where memory happens to hold numbers too small to be normal, kernels took up to 25 times as long.
    """

    name: str
    axes: tuple[tuple[Expr, ...], ...]
    role: str
    scalar: Scalar = REAL
    alignment: int = 64
    flat: int = 0
    slack: Expr = _NOTHING
    cleared: Expr = _NOTHING

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
