"""Operands read where they lie: a kernel that packs only some of its boxes as one that packs all of them.

Where a test holds of a box, tiles read elements of ``x`` at distances from a table instead of packed ones at offsets
from another. The kernel that always packs is followed, and a note is left in it: which element lies where each packed
one is read. With that, all boxes are the same:

* Both tiles are one but for these reads, and what is packed is read by nothing else.
* Packed cells ``c`` apart lie ``(..(c0*E1 + c1)..)*En + cn`` positions apart; the test says that their elements do, too
  (or that there is one of a kind, ``c = 0``). So a position in lanes is an element, and the note says which.
* What was packed there is shown to be this element, wherever the other kernel's tile reads it (``found_there``).
* Lanes behind the last cell read junk, at most as far as the test says that the operand goes on behind the last element
  that any cell reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import (
    LANES,
    Accumulate,
    Address,
    Binary,
    Buffer,
    Call,
    Compare,
    Const,
    Declare,
    Expr,
    For,
    If,
    Kernel,
    Let,
    Load,
    LoadLanes,
    Nest,
    Select,
    Stmt,
    Store,
    StoreLanes,
    Update,
    Var,
)
from symconv.loops.traverse import rewrite, walk
from symconv.relation.points import UnclearError
from symconv.validate.asked import Reads, Test, packed_reads, reads_of, through_tables
from symconv.validate.places import row_radices
from symconv.validate.polynomial import WIDTH, alike, digits, expression, polynomial, uses
from symconv.validate.tables import Table, tables_of, without_table

__all__ = ["COORDINATE", "NOTE", "Way", "notes_of", "packed_alone"]

NOTE = "lies where it is packed:"
"""What a note is called, with the packed buffer behind it; its arguments: the test, the element, and the last one."""
COORDINATE = "coordinate{}_"
"""In the element of a note: the coordinates at which a packed one is read."""

_ALWAYS = Compare("==", const(0), const(0))


def packed_alone(kernel: Kernel) -> Kernel:
    """The kernel that packs all boxes, with a note in each nest that packed only some of them.

    Raises UnclearError where nothing says that both do the same.
    """
    found = kernel
    for number, nest in enumerate(kernel.nests):
        names = _tests(nest)
        if len(names) == 1:
            way = Way(found, nest, names.pop(), tables_of(found))
            found = replace(found, nests=(*found.nests[:number], way.packed(), *found.nests[number + 1 :]))
            found = without_table(found, way.far)
    return found


def notes_of(kernel: Kernel) -> tuple[str, ...]:
    """The notes in a kernel, each by its name."""
    declared = (n.name for nest in kernel.nests for n in walk(nest) if isinstance(n, Declare))
    return tuple(name for name in declared if name.startswith(NOTE))


def _tests(nest: Nest) -> set[str]:
    """The names that choose between reading in place (1) and packing (0)."""
    tests = [n for n in walk(nest) if isinstance(n, Compare) and n.op == "==" and n.right == const(1)]
    chosen = {n.left.name for n in tests if isinstance(n.left, Var)}
    return {n.name for n in walk(nest) if isinstance(n, Let) and isinstance(n.value, Select) and n.name in chosen}


@dataclass(slots=True)
class Way:
    """A nest, the name of its test, and the kernel's tables. ``far`` is the table of distances that it reads."""

    kernel: Kernel
    nest: Nest
    test: str
    tables: Mapping[str, Table]
    far: str = ""

    def packed(self) -> Nest:
        """The nest that packs every box, with its note."""
        pairs = list(self.pairs(self.nest.body))
        if not pairs:
            raise UnclearError(f"{self.test} chooses between other things than tiles")
        packed, lying = reads_of((pairs[0][0],)), reads_of((pairs[0][1],))
        self.far = lying.table
        wide = self.kernel.buffer(packed.buffer)
        same = all(alike(packed_reads(other, lying, packed, wide), one) for one, other in pairs)
        if not same or any(getattr(n, "buffer", "") == packed.buffer for _, other in pairs for n in walk(other)):
            raise UnclearError("tiles compute different things where an operand is read where it lies")
        base, begin = self._begin(lying.buffer)
        self._alone(packed.buffer, base, [tile for pair in pairs for tile in pair])
        note = self._note(wide, packed, lying, begin)
        return replace(self.nest, body=self._block(self.nest.body, base, note))

    def _asks(self, statement: Stmt | None, answer: int) -> bool:
        return isinstance(statement, If) and statement.condition == Compare("==", Var(self.test), const(answer))

    def pairs(self, body: Sequence[Stmt]) -> Iterator[tuple[Stmt, Stmt]]:
        """Tiles over what is packed, each with the one over what lies in place."""
        for one, other in zip((None, *body), body, strict=False):
            match other:
                case If(_, lying) if self._asks(other, 1):
                    packed = one.body if isinstance(one, If) and self._asks(one, 0) else ()
                    if len(packed) != len(lying):
                        raise UnclearError(f"{self.test} chooses between other things than tiles")
                    yield from zip(packed, lying, strict=True)
                case For() | If():
                    yield from self.pairs(other.body)

    def _outside(self, body: Sequence[Stmt]) -> tuple[Stmt, ...]:
        """A block without its pairs of tiles."""
        found: list[Stmt] = []
        for statement, behind in zip(body, (*body[1:], None), strict=True):
            if self._asks(statement, 1) or (self._asks(statement, 0) and self._asks(behind, 1)):
                continue
            match statement:
                case For() | If():
                    found.append(replace(statement, body=self._outside(statement.body)))
                case _:
                    found.append(statement)
        return tuple(found)

    def _begin(self, tensor: str) -> tuple[str, tuple[Expr, ...]]:
        """The name of where the operand begins, and that element."""
        found = [
            (node.name, node.value.no.index)
            for node in walk(self.nest)
            if isinstance(node, Let)
            and isinstance(node.value, Select)
            and node.value.condition == Compare("==", Var(self.test), const(0))
            and isinstance(node.value.no, Address)
            and node.value.yes == const(0)
            and node.value.no.buffer == tensor
        ]
        if len(found) != 1:
            raise UnclearError(f"nothing says where {tensor} begins")
        return found[0]

    def _alone(self, packed: str, base: str, tiles: Sequence[Stmt]) -> None:
        """Nothing but the tiles reads what is packed or where the operand begins; packing stores nothing else."""
        names = {base}
        for node in walk(self.nest):
            if isinstance(node, Let) and node.name != base and uses(node.value, names):
                self._once(node.value, names)
                names.add(node.name)
        for load in through_tables(tiles):
            self._once(load.index[-1], names)
        rest = replace(self.nest, body=self._outside(self.nest.body))
        others = [rewrite(rest, lambda n: Let(n.name, const(0)) if isinstance(n, Let) and n.name in names else n)]
        others += [rewrite(tile, lambda n: const(0) if isinstance(n, LoadLanes) and n.offset else n) for tile in tiles]
        if any(uses(one, names) for one in others):
            raise UnclearError("where an operand begins is used in another way")
        if any(isinstance(n, Load | LoadLanes) and n.buffer == packed for one in others for n in walk(one)):
            raise UnclearError(f"{packed} is read beside the tiles that read it packed")
        for node in (n for part in walk(rest) if self._asks(part, 0) for n in walk(part)):
            stores = isinstance(node, Store | StoreLanes | Accumulate)
            if isinstance(node, Update) or (stores and node.buffer != packed):
                raise UnclearError(f"what packs {packed} does something else")

    def _once(self, value: Expr, names: set[str]) -> None:
        """Raises UnclearError unless a value grows with exactly one of the names, and as much as that does."""
        parts = [(atoms, factor) for atoms, factor in polynomial(value).items() if any(uses(a, names) for a in atoms)]
        if len(parts) != 1 or parts[0][1] != 1 or len(parts[0][0]) != 1 or not isinstance(parts[0][0][0], Var):
            raise UnclearError("where an operand begins is used in another way")

    def _block(self, body: Sequence[Stmt], base: str, note: Stmt) -> tuple[Stmt, ...]:
        zero = Compare("==", Var(self.test), const(0))
        found: list[Stmt] = []
        for statement in body:
            match statement:
                case Let(name) if name == self.test:
                    continue
                case Let(name, Select(test, yes, _)) if test == zero and name == base:
                    found += (Let(name, yes), note)
                case Let(name, Select(test)) if test == zero and not uses(self.nest, {name}):
                    continue
                case If(_, inner) if self._asks(statement, 0):
                    made = self._block(inner, base, note)
                    # Names of a block end with it; tiles alone stand in the loop over their rows.
                    found += made if all(isinstance(one, If) for one in made) else (If(_ALWAYS, made),)
                case If() if self._asks(statement, 1):
                    continue
                case For() | If():
                    found.append(replace(statement, body=self._block(statement.body, base, note)))
                case _:
                    found.append(statement)
        if any(uses(replace(s, body=()) if isinstance(s, For | If) else s, {self.test}) for s in found):
            raise UnclearError(f"{self.test} is used in another way")
        return tuple(found)

    def _note(self, wide: Buffer, packed: Reads, lying: Reads, begin: tuple[Expr, ...]) -> Stmt:
        if not {packed.table, lying.table} <= self.tables.keys():
            raise UnclearError(f"{lying.table} is read in several nests")
        near, far = self.tables[packed.table], self.tables[lying.table]
        same = (near.prefix, near.loops, near.around) == (far.prefix, far.loops, far.around)
        # Each nest has a private buffer of its own, so the table's is of another name.
        same = same and self.kernel.buffer(near.address.buffer).axes == wide.axes
        if not same or far.address.buffer != lying.buffer or len(wide.sizes) != 3:
            raise UnclearError(f"{packed.table} and {lying.table} are filled in different ways")
        if self.kernel.buffer(lying.buffer).role != "in" or wide.role == "out":
            raise UnclearError(f"{lying.buffer} is read where it lies and written")
        tensor, stated = self.kernel.buffer(lying.buffer), Test.of(self._value(), lying.buffer)
        rows = row_radices(self.kernel, wide.sizes[-2])
        # The number of a single row moves along no axis.
        alone = not rows and not stated.apart
        radices = () if alone else (*rows, wide.sizes[-1])
        axes = (*((None,) if alone else stated.pitches(radices)), len(tensor.sizes) - 1)
        if len(set(axes)) != len(axes):
            raise UnclearError(f"nothing says how elements of {lying.buffer} lie apart")
        last = self._last(stated, tensor, radices)
        plane, row, column = near.address.index
        read = (plane, *digits(row, radices[:-1]), column)
        steps = {loop.var for loop in near.loops}
        element = []
        for axis, (start, moved) in enumerate(zip(begin, far.address.index, strict=True)):
            at, times = (axes.index(axis) + 1, 1) if axis in axes else (0, _coefficient(moved, plane))
            rest = expression(polynomial(add(start, sub(moved, mul(const(times), read[at])))))
            if uses(rest, steps):
                raise UnclearError(f"{packed.table} and {lying.table} are not for the same steps")
            element.append(add(rest, mul(const(times), Var(COORDINATE.format(at)))))
        said = (Call("given", stated.plain), Load(lying.buffer, tuple(element)), Call("last", last))
        return Declare(f"{NOTE}{wide.name}", Call("note", said))

    def _value(self) -> Expr:
        found: list[Expr] = [n.value for n in walk(self.nest) if isinstance(n, Let) and n.name == self.test]
        if len(found) != 1:
            raise UnclearError(f"{self.test} is named several times")
        return found[0]

    def _last(self, stated: Test, tensor: Buffer, radices: Sequence[Expr]) -> tuple[Expr, ...]:
        """The last element that a cell may read, behind which the operand goes on as far as lanes do."""
        behind = Address(tensor.name, (tensor.sizes[0], *(const(0),) * (len(tensor.sizes) - 1)))
        for left, right in stated.ends:
            ends = [n for n in walk(left) if isinstance(n, Address)]
            if not alike(right, behind) or len(ends) != 1:
                continue
            for blocks in self.blocks():
                match blocks.value:
                    case Binary("//", above, by) if by == WIDTH:
                        span = sub(add(above, const(1)), WIDTH)
                        over = [sub(mul(WIDTH, count), span) for count in (Var(blocks.name), blocks.value)]
                        behind_last = sub(left, ends[0])
                        if any(alike(behind_last, one) for one in over) and stated.spans(sub(span, const(1)), radices):
                            return ends[0].index
        raise UnclearError(f"nothing says that lanes behind the last cell lie in {tensor.name}")

    def blocks(self) -> Iterator[Let]:
        """The numbers of blocks of lanes that every loop around a tile runs over."""
        named = [n for n in walk(self.nest) if isinstance(n, Let)]
        loops = [n for n in walk(self.nest) if isinstance(n, For) and self._starts(n.body)]
        loops = [loop for loop in loops if list(self.pairs(loop.body))]
        for let in named:
            once = sum(other.name == let.name for other in named) == 1
            if once and loops and all(_tiles_of(loop.upper, Var(let.name)) for loop in loops):
                yield let

    def _starts(self, body: Sequence[Stmt]) -> bool:
        """Whether a number of lanes is named there for something: what is fetched ahead has been left out."""
        named = {one.name for one in body if isinstance(one, Let) and uses(one.value, {LANES})}
        return any(uses(one, named) for one in body)


def _tiles_of(upper: Expr, blocks: Expr) -> bool:
    """Whether a loop runs over a number of blocks of lanes, one or several at a time."""
    match upper:
        case Binary("//", Binary("+", several, Const()), Const()):
            return several == blocks
    return upper == blocks


def _coefficient(value: Expr, plane: Expr) -> int:
    return int(polynomial(value).get((plane,), 0)) if isinstance(plane, Var) else 0
