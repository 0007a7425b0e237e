"""Boxes of cells that are computed one by one: strips along each loop, whose cells lie in flat rows of a box.

Strips partition what they cut (``relation.lemmas.STRIPS``), and the boxes of a nest are all combinations of them
(``ROWS``). So what is the same at every place, however boxes are cut, is computed for each place once, and one box of
everything serves for any number of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import Binary, Const, Expr, FloorDiv, Kernel, Let, Mod, Nest, Select, Stmt, Var
from symconv.loops.traverse import rewrite, substitute
from symconv.relation.points import UnclearError
from symconv.validate.places import row_radices
from symconv.validate.polynomial import alike, expression, polynomial, uses
from symconv.validate.wino_reading import blocks_of, covers, factors_of, never_negative, number_of, numbered, one_sided

__all__ = ["Boxes"]


@dataclass(frozen=True, slots=True)
class Strip:
    """Names: where a strip starts, how many cells it has, and how many at most; ``every`` are the turns of all strips.

    A turn is as many neighbouring cells as windows are dilated by; strips are whole turns.
    """

    start: str
    size: str
    most: Var
    every: Expr
    turn: int


@dataclass(frozen=True, slots=True)
class Boxes:
    """The strips of a box, the pitches of its flat rows, and how many blocks of lanes hold them."""

    kernel: Kernel
    strips: tuple[Strip, ...]
    groups: tuple[str, ...]
    lengths: tuple[Expr, ...]
    blocks: str
    pitches: tuple[Expr, ...]

    @staticmethod
    def of(kernel: Kernel, nest: Nest) -> tuple[Boxes, tuple[Stmt, ...]]:
        """The boxes of a nest, and the statements behind; raises UnclearError for other ones."""
        count = len(kernel.parameters)
        sizes = factors_of(nest.extent)
        names, body = numbered(nest.body, Var(nest.var), sizes)
        if len(names) < count:
            raise UnclearError("boxes are not cut along as many loops as a plan has numbers for")
        strips, left = [], list(body)
        for box, number in zip(names[:count], sizes[:count], strict=True):
            match left:
                case [Let(start, begin), Let(size, Binary("min", most, rest)), *behind]:
                    strips.append(_strip(kernel, box, number, (start, begin), (size, most, rest)))
                    left = behind
                case _:
                    raise UnclearError("boxes are not cut in strips")
        match left:
            case [Let(blocks, value), *behind]:
                pass
            case _:
                raise UnclearError("nothing says how many blocks of lanes a box has")
        pitches = _pitches(kernel, value, len(strips))
        made = Boxes(kernel, tuple(strips), names[count:], sizes[count:], blocks, pitches)
        last = made.position([sub(Var(strip.size), const(1)) for strip in strips])
        if not alike(value, blocks_of(add(last, const(1)))):
            raise UnclearError("blocks of lanes do not hold all cells of a box")
        if not all(covers(pitch, strip.most, kernel) for pitch, strip in zip(pitches, strips[1:], strict=True)):
            raise UnclearError("rows of a box are longer than they lie apart")
        return made, tuple(behind)

    @property
    def count(self) -> int:
        """Along how many loops boxes are cut."""
        return len(self.strips)

    def size(self, number: int) -> Expr:
        """How many cells a box has along a loop."""
        return Var(self.strips[number].size)

    def counts(self, expr: Expr, number: int) -> bool:
        """Whether a number is how many cells a box has along a loop: or the least of that and what covers it."""
        match expr:
            case Binary("min", a, b):
                ways = ((a, b), (b, a))
                most = self.strips[number].most
                return any(one == self.size(number) and covers(other, most, self.kernel) for one, other in ways)
        return expr == self.size(number)

    def position(self, coordinates: Sequence[Expr]) -> Expr:
        """Where a cell lies in the flat rows."""
        return number_of(coordinates, (const(1), *self.pitches))

    def row(self, coordinates: Sequence[Expr]) -> Expr:
        """The number of a row, by the coordinates of the loops around it."""
        return number_of(coordinates, (const(1), *self.pitches[:-1]))

    def roomy(self, rows: Expr) -> bool:
        """Whether so many rows hold all cells of a box and the lanes behind the last block of them."""
        last = [sub(strip.most, const(1)) for strip in self.strips[:-1]]
        end = mul(add(self.row(last), const(1)), self.pitches[-1])
        return self.holds(rows, end)

    def holds(self, rows: Expr, end: Expr) -> bool:
        """Whether rows hold blocks of lanes that start before ``end``."""
        room = mul(rows, self.pitches[-1])
        layout = {size.name: rewrite(size.value, self._least) for size in self.kernel.layout}
        needed = sub(end, const(1))
        return any(never_negative(sub(way, add(needed, Var("sc_lanes")))) for way in _ways(room, layout, self.pitches))

    def _least(self, node: Any) -> Any:
        """Of a minimum the one that the other covers."""
        match node:
            case Binary("min", a, b) if covers(a, b, self.kernel):
                return b
        return node

    def whole(self, expr: Expr, turn: int) -> bool:
        """Whether a number is one of whole turns."""
        match expr:
            case _ if turn == 1:
                return True
            case Var(name):
                value = {size.name: size.value for size in self.kernel.layout}.get(name)
                return value is not None and self.whole(value, turn)
            case Select(_, a, b) | Binary("min" | "max" | "+" | "-", a, b):
                return self.whole(a, turn) and self.whole(b, turn)
            case Binary("*", a, b):
                return self.whole(a, turn) or self.whole(b, turn)
            case Const(value, False):
                return value % turn == 0
        return False

    def turn(self, number: int) -> int:
        """How many neighbouring cells are a turn along a loop."""
        return self.strips[number].turn

    def residue(self, number: int) -> Expr:
        """Which cell of its turn a cell is."""
        at = number % self.count
        return Var(f"residue{at}_") if self.strips[at].turn > 1 else const(0)

    def cells(self) -> list[tuple[str, Expr]]:
        """Loops over all cells: their turns, and those of a turn."""
        found = []
        for k, strip in enumerate(self.strips):
            found.append((f"cell{k}_", strip.every))
            found += [(f"residue{k}_", const(strip.turn))] if strip.turn > 1 else []
        return found

    def placed(self, expr: Any, at: Sequence[str]) -> Any:
        """An expression of coordinates in a box by places in all of them; the last one is where a turn starts.

        Raises UnclearError where it depends on how boxes are cut.
        """
        moved: dict[str, Expr] = {}
        for k, (name, strip) in enumerate(zip(at, self.strips, strict=True)):
            # A strip starts with a turn: from here on its name is the number of that.
            place = mul(const(strip.turn), sub(Var(f"cell{k}_"), Var(strip.start)))
            moved[name] = place if k + 1 == self.count else add(place, self.residue(k))
            moved[strip.start] = mul(const(strip.turn), Var(strip.start))
        turns = {f"residue{k}_": strip.turn for k, strip in enumerate(self.strips)}
        found = one_sided(rewrite(substitute(expr, moved), lambda node: _taken_apart(node, turns)))
        if uses(found, {name for strip in self.strips for name in (strip.start, strip.size)}):
            raise UnclearError("what is computed depends on how boxes are cut")
        return found


def _taken_apart(node: Any, turns: Mapping[str, int]) -> Any:
    """The turn of a cell, or which of its turn it is, from a number of whole turns and one of a turn."""
    match node:
        case Binary("//", value, Const(by, False)):
            form, whole = polynomial(value), True
        case FloorDiv(value, by):
            form, whole = polynomial(value), True
        case Mod(value, by):
            form, whole = polynomial(value), False
        case _:
            return node
    rest = {atoms: factor for atoms, factor in form.items() if factor % by}
    if rest and not any(rest == {(Var(name),): 1} and turn == by for name, turn in turns.items()):
        return node
    most = {atoms: factor / by for atoms, factor in form.items() if atoms not in rest}
    return expression(most if whole else rest)


def _strip(kernel: Kernel, box: str, number: Expr, start: tuple[str, Expr], size: tuple[str, Expr, Expr]) -> Strip:
    layout = {one.name: one.value for one in kernel.layout}
    name, most, rest = size
    begin = mul(most, Var(box))
    every = add(rest, begin)
    match most, layout.get(getattr(most, "name", "")):
        case Var(), Binary("max", Const(least, False), _) if least >= 1:
            turn = 1
        case Var(), Binary("*", Const(cells, False), Binary("max", Const(least, False), _)) if least >= 1 and cells > 1:
            turn = int(cells)
        case _:
            raise UnclearError("nothing says that a strip has a cell")
    if not alike(start[1], begin):
        raise UnclearError("strips do not begin at 0")
    for value in (one for one in layout if alike(every, Var(one))):
        if alike(number, Binary("//", sub(add(Var(value), most), const(1)), most)):
            return Strip(start[0], name, most, _turns(layout[value], turn), turn)
    raise UnclearError("boxes are not cut in strips")


def _turns(cells: Expr, turn: int) -> Expr:
    """How many turns so many cells are."""
    match cells:
        case _ if turn == 1:
            return cells
        case Binary("*", Const(each, False), turns) if each == turn:
            return turns
    raise UnclearError("strips are no whole turns")


def _pitches(kernel: Kernel, blocks: Expr, count: int) -> tuple[Expr, ...]:
    match blocks:
        case Binary("//", Binary("-", Binary("+", Binary("+", span, Const()), _), _), _) if count > 1:
            found = row_radices(kernel, span)
            if len(found) + 1 == count:
                return found
    raise UnclearError("cells of a box do not lie in flat rows")


def _ways(expr: Expr, layout: Mapping[str, Expr], kept: Sequence[Expr]) -> list[Expr]:
    """Lower bounds of a number: what its names stand for, with either part in place of a maximum."""
    names = {name: value for name, value in layout.items() if Var(name) not in kept and not _plan(value)}
    for _ in layout:
        expr = substitute(expr, names)
    return _parts(expr)


def _plan(value: Expr) -> bool:
    """Whether a number is what a plan says, within bounds: its name is as good as that."""
    match value:
        case Binary("max", Const(), _) | Binary("*", Const(), Binary("max", Const(), _)):
            return True
    return False


def _parts(expr: Expr) -> list[Expr]:
    match expr:
        case Binary("max", a, b):
            return [*_parts(a), *_parts(b)]
        case Binary(op, a, b) if op in "+*":
            return [Binary(op, left, right) for left in _parts(a) for right in _parts(b)]
        case Binary("-", a, b):
            return [Binary("-", left, b) for left in _parts(a)]
    return [expr]
