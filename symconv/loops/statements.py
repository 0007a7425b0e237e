"""The statements of the loop IR: loops, names, and what is stored."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from symconv.loops.expressions import REAL, Binary, Const, Expr, Load, Scalar, Var

__all__ = [
    "Accumulate",
    "Declare",
    "For",
    "If",
    "Let",
    "Outlined",
    "Prefetch",
    "Stmt",
    "Store",
    "StoreLanes",
    "StoreReduced",
    "StoreTurned",
    "StoreZip",
    "Update",
]  # fmt: skip


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
    scalar: Scalar = REAL


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

    With op ``+ - min max`` combined with what is there. Where the number ``streamed`` is not 0, vectors with all lanes
    may go past the caches: what is written then is not read again soon, and its neighbours come in order.
    """

    buffer: str
    index: tuple[Expr, ...]
    stride: int
    mask: str
    op: str
    value: Expr
    streamed: Expr | None = None


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
class StoreTurned:
    """A rectangle of elements, its sides exchanged: rows of ``value`` become columns of ``buffer``.

    For ``a < many`` and ``b < across``, the element ``b`` further along the axis ``along`` than the load ``value`` and
    ``a`` further along its last axis is stored ``a`` further along ``axis`` than ``index``, and ``b`` along the last.
    """

    buffer: str
    index: tuple[Expr, ...]
    axis: int
    value: Expr
    along: int
    many: Expr
    across: Expr

    @property
    def meaning(self) -> For:
        """The same, element by element."""
        a, b, source = Var("turned_row_"), Var("turned_column_"), self.value
        assert isinstance(source, Load)
        load = Load(source.buffer, _further(_further(source.index, self.along, b), -1, a))
        store = Store(self.buffer, _further(_further(self.index, self.axis, a), -1, b), load)
        nothing = Const(Fraction(0))
        return For(a.name, nothing, self.many, (For(b.name, nothing, self.across, (store,)),))


def _further(index: tuple[Expr, ...], axis: int, by: Expr) -> tuple[Expr, ...]:
    at = axis % len(index)
    return (*index[:at], Binary("+", index[at], by), *index[at + 1 :])


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
    For
    | If
    | Let
    | Declare
    | Update
    | Store
    | Accumulate
    | StoreLanes
    | StoreZip
    | StoreReduced
    | StoreTurned
    | Prefetch
    | Outlined
)
