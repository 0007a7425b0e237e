"""Rows of the dot form that are read where they lie, as rows that are packed in every box.

Where a test holds of a box, tiles read elements of ``gy`` instead of packed rows. Nothing else differs between them,
and what packs the rows does nothing else, so these tiles sum up the same products if each position in lanes finds the
element that is packed there. The test has to say that:

* Rows of the last tile are rows: as many as there are tiles, times those of a tile.
* Cells lie side by side, in flat rows and in memory: of each loop, one step is as far as all cells of the loops inside,
  or there is only one step. So the position of a cell is its rank among the cells, in both.
* Cells fill whole blocks of lanes: the last block ends with the last cell, and no position is that of no cell.

What a cell's packed element is, is followed: a note in the kernel says which one lies in its place (``lying``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from symconv.loops.arith import add, const, mul, sub, total
from symconv.loops.ir import (
    Accumulate,
    Address,
    Binary,
    Call,
    Compare,
    Declare,
    Expr,
    For,
    If,
    Kernel,
    Let,
    Load,
    LoadLanes,
    Select,
    Stmt,
    Store,
    StoreLanes,
    Update,
    Var,
)
from symconv.loops.traverse import rewrite, walk
from symconv.relation.points import UnclearError
from symconv.validate.nearby import COORDINATE, NOTE
from symconv.validate.polynomial import WIDTH, Polynomial, alike, expression, polynomial, uses

__all__ = ["Lying", "begins", "meant_once", "rows_that_lie"]


@dataclass(frozen=True, slots=True)
class Lying:
    """What a kernel asks before it reads rows where they lie: ``asked``, of the operand ``tensor`` from ``begin`` on.

    Rows lie apart along the axis ``across``. ``packed`` is the buffer of rows.
    """

    asked: tuple[Expr, ...]
    tensor: str
    begin: tuple[Expr, ...]
    across: int
    packed: str

    def note(self, kernel: Kernel, last: Sequence[Expr], pitches: Sequence[Expr], tiles: tuple[Expr, Expr]) -> Stmt:
        """What lies where packed rows are read; raises UnclearError where the test does not say so.

        ``last`` is the last cell, ``tiles`` are the number of rows, and that of all places for them in tiles.
        """
        buffer = kernel.buffer(self.tensor)
        sizes = [add(digit, const(1)) for digit in last]
        axes = (*self._axes(sizes, pitches), len(buffer.sizes) - 1)
        moved = {axis for axis in axes if axis is not None}
        if len(moved | {self.across}) != sum(axis is not None for axis in axes) + 1 or buffer.role != "in":
            raise UnclearError(f"nothing says how elements of {self.tensor} lie apart")
        count = total(tuple(sizes))
        if not self._says(sub(count, mul(WIDTH, Binary("//", count, WIDTH))), const(0)):
            raise UnclearError("cells that lie side by side may end inside of a block of lanes")
        if not self._says(*tiles):
            raise UnclearError(f"tiles may read rows that {self.tensor} has not")
        place = list(self.begin)
        for number, axis in enumerate((self.across, *axes)):
            if axis is not None:
                place[axis] = add(place[axis], Var(COORDINATE.format(number)))
        ends = list(self.begin)
        for axis, size in zip(axes, sizes, strict=True):
            if axis is not None:
                ends[axis] = add(ends[axis], sub(size, const(1)))
        ends[self.across] = sub(buffer.sizes[self.across], const(1))
        given = tuple(one for one in self.asked if isinstance(one, Compare) and one.op in {">=", "<="})
        said = Call("given", given), Load(self.tensor, tuple(place)), Call("last", tuple(ends))
        return Declare(f"{NOTE}{self.packed}", Call("note", said))

    def _says(self, left: Expr, right: Expr) -> bool:
        return any(
            isinstance(one, Compare) and one.op == "==" and alike(one.left, left) and alike(one.right, right)
            for one in self.asked
        )

    def _axes(self, sizes: Sequence[Expr], pitches: Sequence[Expr]) -> Iterator[int | None]:
        """The axes of all loops but the last, whose cells lie side by side in flat rows and in memory; None for the
        number of a single row, which moves along no axis."""
        for k, size in enumerate(sizes[:-1]):
            if size == const(1):
                yield None
                continue
            inside, apart = total(tuple(sizes[k + 1 :])), total(tuple(pitches[k:]))
            found = []
            flat = False
            for one in self.asked:
                match one:
                    case Compare("==", Select(Compare("==", count, single), some, far), many) if (
                        single == const(1) and alike(count, size) and alike(some, inside) and alike(many, inside)
                    ):
                        flat = flat or alike(far, apart)
                        found += [_only(far)] if isinstance(far, Address) and far.buffer == self.tensor else []
            if not flat or len(set(found)) != 1:
                raise UnclearError("cells of a box may lie apart")
            yield found[0]


def _only(far: Address) -> int:
    """The axis along which an address is one step."""
    moved = [axis for axis, step in enumerate(far.index) if step != const(0)]
    if len(moved) != 1 or far.index[moved[0]] != const(1):
        raise UnclearError("elements lie apart in another way than packed ones")
    return moved[0]


def rows_that_lie(kernel: Kernel, boxes: For) -> tuple[For, Lying | None]:
    """The loop over boxes that packs the rows of all of them, and what it asked before it did not.

    Raises UnclearError where tiles do not differ only by what they read.
    """
    chosen = [one.name for one in boxes.body if isinstance(one, Let) and begins(boxes.body, one.name)]
    match chosen:
        case []:
            return boxes, None
        case [test]:
            return _Rows.of(kernel, boxes, test).packed()
    raise UnclearError("a box asks for more than where its operands lie")


def begins(body: Sequence[Stmt], test: str) -> list[Let]:
    """The names that mean something else where a test holds."""
    zero = Compare("==", Var(test), const(0))
    return [
        one for one in body if isinstance(one, Let) and isinstance(one.value, Select) and one.value.condition == zero
    ]


@dataclass(frozen=True, slots=True)
class _Rows:
    """The name of a test, of where rows begin, and of how far they lie apart."""

    kernel: Kernel
    boxes: For
    test: str
    asked: tuple[Expr, ...]
    still: str
    apart: str
    pitch: Expr
    begin: Address
    step: Address

    @staticmethod
    def of(kernel: Kernel, boxes: For, test: str) -> _Rows:
        value = next(one.value for one in boxes.body if isinstance(one, Let) and one.name == test)
        match [(one.name, one.value) for one in begins(boxes.body, test)]:
            case [(still, Select(_, first, Address() as begin)), (apart, Select(_, pitch, Address() as step))] if (
                first == const(0) and begin.buffer == step.buffer
            ):
                found = _Rows(kernel, boxes, test, tuple(_asked(value)), still, apart, pitch, begin, step)
            case _:
                raise UnclearError("nothing says where rows begin that are not packed")
        meant_once(boxes, (value, begin, step, pitch, Var(test), Var(still), Var(apart)))
        return found

    def packed(self) -> tuple[For, Lying]:
        """The loop that packs the rows of every box."""
        packs, tiles = list[Stmt](), list[Stmt]()
        made = replace(self.boxes, body=self._block(self.boxes.body, packs, tiles))
        names = {n.buffer for one in packs for n in walk(one) if isinstance(n, Store | StoreLanes)}
        if len(names) != 1 or not tiles or uses(made, {self.test, self.still, self.apart}):
            raise UnclearError(f"{self.test} is used in another way")
        buffer = self.kernel.buffer(names.pop())
        if buffer.role != "private" or len(buffer.sizes) != 2 or not alike(buffer.sizes[1], self.pitch):
            raise UnclearError(f"rows of {buffer.name} lie apart in another way")
        if len(_loads(tiles, buffer.name)) != len(_loads((made,), buffer.name)):
            raise UnclearError(f"{buffer.name} is read beside the tiles that read it packed")
        return made, Lying(self.asked, self.begin.buffer, self.begin.index, _only(self.step), buffer.name)

    def _asks(self, statement: Stmt | None, answer: int) -> bool:
        return isinstance(statement, If) and statement.condition == Compare("==", Var(self.test), const(answer))

    def _block(self, body: Sequence[Stmt], packs: list[Stmt], tiles: list[Stmt]) -> tuple[Stmt, ...]:
        found: list[Stmt] = []
        before: Stmt | None = None
        for one, behind in zip(body, (*body[1:], None), strict=True):
            match one:
                case If(_, lying) if self._asks(one, 1):
                    packed = before.body if isinstance(before, If) and self._asks(before, 0) else ()
                    made = self._tile(packed, lying)
                    found += made
                    tiles += made
                case If() if self._asks(one, 0) and self._asks(behind, 1):
                    pass
                case If(_, inner) if self._asks(one, 0):
                    found += inner
                    packs += self._pack(inner)
                case Let(name) if name in {self.test, self.still, self.apart}:
                    pass
                case For() | If():
                    found.append(replace(one, body=self._block(one.body, packs, tiles)))
                case _:
                    found.append(one)
            before = one
        return tuple(found)

    def _pack(self, body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
        """What packs the rows, which does nothing else."""
        others = any(isinstance(node, Update | Accumulate) for one in body for node in walk(one))
        if others or not all(isinstance(one, For) for one in body):
            raise UnclearError("what packs rows does something else")
        return body

    def _tile(self, packed: tuple[Stmt, ...], lying: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
        """A tile over packed rows, which one over rows that lie in memory is but for what it reads."""
        read = {n.buffer for one in packed for n in walk(one) if isinstance(n, LoadLanes) and self._moved(n)}
        if len(read) != 1:
            raise UnclearError(f"{self.test} chooses between other things than tiles")
        name = read.pop()
        made = [rewrite(one, lambda n: self._of_row(n, name, name)) for one in packed]
        same = [rewrite(one, lambda n: self._of_row(n, self.begin.buffer, name)) for one in lying]
        if len(made) != len(same) or not all(map(alike, made, same)) or _loads(lying, name):
            raise UnclearError("tiles compute different things where rows are read where they lie")
        return tuple(made)

    def _moved(self, node: LoadLanes) -> bool:
        return uses(node, {self.still, self.apart})

    def _of_row(self, node: Any, buffer: str, packed: str) -> Any:
        """A load at a position in a row as one of that row of the packed ones."""
        if not isinstance(node, LoadLanes) or not self._moved(node):
            return node
        *outer, place = node.index
        if node.buffer != buffer or node.offset != const(0) or set(outer) - {const(0)}:
            raise UnclearError(f"rows of {node.buffer} are read in another way")
        row: Polynomial = {}
        rest = polynomial(sub(place, Var(self.still)))
        for atoms in [atoms for atoms in rest if Var(self.apart) in atoms]:
            others = list(atoms)
            others.remove(Var(self.apart))
            row[tuple(others)] = rest.pop(atoms)
        index = (expression(row), expression(rest))
        if any(uses(one, {self.still, self.apart}) for one in index):
            raise UnclearError(f"rows of {node.buffer} are read in another way")
        return replace(node, buffer=packed, index=index, offset=None)


def meant_once(boxes: For, nodes: Sequence[Any]) -> None:
    """Raises UnclearError where a name in these nodes is given several meanings in a loop."""
    names = {n.name for one in nodes for n in walk(one) if isinstance(n, Var)}
    bound = [_named(node) for node in walk(boxes)]
    if several := sorted(name for name in names if bound.count(name) > 1):
        raise UnclearError(f"{several[0]} has several meanings")


def _named(node: Any) -> str:
    """The name that a statement gives a meaning."""
    return node.var if isinstance(node, For) else node.name if isinstance(node, Let | Declare | Update) else ""


def _loads(body: Sequence[Stmt], buffer: str) -> list[Load | LoadLanes]:
    nodes = (node for one in body for node in walk(one))
    return [node for node in nodes if isinstance(node, Load | LoadLanes) and node.buffer == buffer]


def _asked(value: Expr) -> Iterator[Expr]:
    """The conditions that hold where a test is 1; else it is 0."""
    while isinstance(value, Select) and value.no == const(0):
        yield value.condition
        value = value.yes
    if value != const(1):
        raise UnclearError("a test of how rows lie is not made of conditions that hold together")
