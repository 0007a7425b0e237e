"""Lanes across planes as planes: a kernel whose vectors hold neighbouring planes, with one plane at a time.

Such a kernel keeps some planes at hand, in blocks that lie side by side, each of W lanes, a number of vectors.
Whatever W is, blocks of W partition the planes at hand, and these all planes (``relation.lemmas.STRIPS``). So ``NP_``,
which is W times a number of a plan, may be any number. No lane of a block meets another, nor one of another block. So
what statements do to all vectors of all blocks they do to each plane, and plane ``b*W + l`` is lane l of block b. The
last block has fewer planes. What its other lanes hold is left out here, and a read that finds no store is refused;
zeros that are stored there have a buffer of their own. Of a register tile each row does the same at another place,
which is looked at row by row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby
from typing import Any

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import (
    LANES,
    Accumulate,
    Binary,
    Buffer,
    Const,
    Declare,
    Expr,
    For,
    If,
    Kernel,
    Let,
    Load,
    LoadLanes,
    Scalar,
    Splat,
    Stmt,
    Store,
    StoreLanes,
    Update,
    Var,
)
from symconv.loops.traverse import rewrite, walk
from symconv.relation.lemmas import STRIPS, prove
from symconv.relation.points import UnclearError
from symconv.validate.polynomial import WIDTH, alike, expression, polynomial, uses
from symconv.validate.sideways_tile import PLANE, ROW, added, first_vector, lifted, nested, one_plane

__all__ = ["plane_by_plane"]

_AT, _MANY = Var("block_"), Var("NP_")
_SUM = "sum_"


def plane_by_plane(kernel: Kernel) -> Kernel | None:
    """The kernel with planes in place of lanes, None where vectors hold something else.

    Raises UnclearError where something looks like such a kernel and is not as it should be.
    """
    inner = _side_by_side(kernel)
    if not inner:
        return None
    prove(STRIPS)
    (nest,), width = kernel.nests, mul(const(_times(inner[0].sizes[-1])), WIDTH)
    layout = {size.name: size.value for size in kernel.layout}
    (at_hand,) = {buffer.sizes[0] for buffer in inner}
    match at_hand, layout.get(_MANY.name):
        case Var(name), value if value is not None and alike(value, mul(at_hand, width)) and _positive(layout[name]):
            pass
        case _:
            raise UnclearError("nothing says how many planes are at hand")
    planes = _Planes(_times(inner[0].sizes[-1]), _held(nest.body), frozenset(b.name for b in inner))
    made = replace(
        kernel,
        nests=(replace(nest, body=tuple(planes.block(nest.body))),),
        buffers=tuple(one for buffer in kernel.buffers for one in _resized(buffer, inner)),
        layout=tuple(size for size in kernel.layout if size.name not in {name, _MANY.name}),
        parameters=(*kernel.parameters, _MANY.name),
    )
    # What counts blocks of planes is used for nothing else.
    unused = {size.name for size in made.layout if uses(size.value, {LANES})}
    made = replace(made, layout=tuple(size for size in made.layout if size.name not in unused))
    sizes = (size for buffer in made.buffers for size in buffer.sizes)
    nodes = (*made.nests, *(size.value for size in made.layout), *sizes)
    if any(uses(node, {LANES, name, _AT.name, *unused}) for node in nodes):
        raise UnclearError("lanes across planes are used in another way")
    return made


def _side_by_side(kernel: Kernel) -> tuple[Buffer, ...]:
    """The two buffers of a kernel of one nest that hold planes side by side; none where they do not."""
    if len(kernel.nests) != 1:
        return ()
    nodes = list(walk(kernel.nests[0]))
    lanes = {node.buffer for node in nodes if isinstance(node, StoreLanes | LoadLanes)}
    inner = tuple(b for b in kernel.buffers if b.role == "private" and _times(b.sizes[-1]))
    alone = len(inner) == 2 and len({(b.sizes[0], b.sizes[-1]) for b in inner}) == 1
    return inner if alone and lanes == {b.name for b in inner} and any(isinstance(n, Update) for n in nodes) else ()


def _positive(value: Expr) -> bool:
    """Whether a number is at least 1."""
    match value:
        case Binary("max", Const(least, False), _):
            return least >= 1
    return False


def _times(size: Expr) -> int:
    """How many vectors a number of lanes is; 0 where it is none."""
    form = polynomial(size)
    return int(form[(WIDTH,)]) if set(form) == {(WIDTH,)} else 0


def _held(body: Sequence[Stmt]) -> Expr:
    """How many planes are at hand."""
    for one in body:
        match one:
            case Let(name, Binary("min", most, _)) if most == _MANY:
                return Var(name)
    raise UnclearError("nothing says how many planes are at hand")


def _resized(buffer: Buffer, inner: Sequence[Buffer]) -> tuple[Buffer, ...]:
    """A buffer of blocks as one of planes, and another like it for the lanes of no plane."""
    if buffer not in inner:
        return (buffer,)
    axes = (*buffer.axes[1:-1], (_MANY,))
    if len(buffer.axes[0]) != 1 or len(buffer.axes[-1]) != 1:
        raise UnclearError(f"{buffer.name} holds planes in another way")
    return replace(buffer, axes=axes), replace(buffer, name=_spare(buffer.name), axes=axes)


def _spare(buffer: str) -> str:
    return f"{buffer}spare_"


@dataclass(frozen=True, slots=True)
class _Planes:
    """Statements that hold ``blocks`` vectors side by side in the buffers ``inner``; ``planes`` are at hand."""

    blocks: int
    planes: Expr
    inner: frozenset[str]

    @property
    def width(self) -> Expr:
        return mul(const(self.blocks), WIDTH)

    def block(self, body: Sequence[Stmt]) -> Iterator[Stmt]:
        """A block with one plane at a time."""
        for one in body:
            match one:
                case For(at, low, upper) if at == _AT.name:
                    every = Binary("//", sub(add(self.planes, self.width), const(1)), self.width)
                    if low != const(0) or one.step != 1 or not alike(upper, every):
                        raise UnclearError("blocks of planes are not all planes at hand")
                    made = tuple(self.inside(one.body, ""))
                    yield from (rewrite(statement, self._told) for statement in made)
                case For() | If():
                    yield replace(one, body=tuple(self.block(one.body)))
                case _:
                    yield one

    def inside(self, body: Sequence[Stmt], held: str) -> Iterator[Stmt]:
        """What is done to a block of planes, to each of them; ``held`` names how many planes it has."""
        if any(isinstance(one, Declare) for one in body):
            yield self.tile(body)
            return
        for lanes, several in groupby(body, lambda one: isinstance(one, StoreLanes)):
            every = tuple(several)
            if lanes:
                yield from self._stored(every)
                continue
            for one in every:
                match one:
                    case Let(name, value) if not held and alike(value, self._left):
                        held = name
                    case For(_, Var(low), upper) if held and low == held and alike(upper, self.width):
                        yield from self._of_no_plane(one)
                    case For(_, low, Var(upper)) if held and upper == held and low == const(0) and one.step == 1:
                        inner = tuple(self.inside(one.body, held))
                        yield replace(one, upper=self.planes, body=tuple(rewrite(s, self._of(one.var)) for s in inner))
                    case For() | If():
                        yield replace(one, body=tuple(self.inside(one.body, held)))
                    case _:
                        yield one

    @property
    def _left(self) -> Expr:
        """How many planes a block has."""
        return Binary("min", self.width, sub(self.planes, mul(_AT, self.width)))

    def _of_no_plane(self, loop: For) -> Iterator[Stmt]:
        """Zeros in the lanes of no plane: stored once, beside planes."""
        stores = [n for n in walk(loop) if isinstance(n, Store)]
        others = [n for n in walk(loop) if isinstance(n, Load | StoreLanes | Accumulate | Update)]
        if len(stores) != 1 or others or stores[0].buffer not in self.inner or stores[0].index[-1] != Var(loop.var):
            raise UnclearError("lanes of no plane are used for something else")
        at = replace(stores[0], buffer=_spare(stores[0].buffer), index=(*stores[0].index[:-1], PLANE))
        yield self._each(*(rewrite(s, lambda n: at if n == stores[0] else n) for s in loop.body))

    def _of(self, name: str) -> Any:
        """That an access is of the plane that a loop over those of a block counts, among all of them."""

        def rule(node: Any) -> Any:
            if not isinstance(node, Load | Store | Accumulate):
                return node
            if not any(uses(part, {name, _AT.name}) for part in node.index):
                return node
            if node.buffer in self.inner:
                if not alike(node.index[-1], Var(name)) or any(uses(part, {name}) for part in node.index[:-1]):
                    raise UnclearError(f"{node.buffer} is read across its planes")
                return node
            moved = mul(_AT, self.width)
            index = tuple(expression(polynomial(sub(p, moved))) if uses(p, {_AT.name}) else p for p in node.index)
            planes = [p for p in index if uses(p, {name})]
            whole = len(planes) == 1 and polynomial(planes[0]).get((Var(name),)) == 1
            if not whole or any(uses(p, {_AT.name}) for p in index) or index == node.index:
                raise UnclearError(f"{node.buffer} is read at another plane")
            return replace(node, index=index)

        return rule

    def _told(self, node: Any) -> Any:
        """An access to a block of planes as one to planes."""
        if isinstance(node, Load | Store | Accumulate) and node.buffer in {*self.inner, *map(_spare, self.inner)}:
            if node.index[0] != _AT or any(uses(part, {_AT.name}) for part in node.index[1:]):
                raise UnclearError(f"{node.buffer} is read at another block of planes")
            return replace(node, index=node.index[1:])
        return node

    def _stored(self, stores: Sequence[Stmt]) -> Iterator[Stmt]:
        """Vectors that are stored side by side."""
        for start in range(0, len(stores), self.blocks):
            every = stores[start : start + self.blocks]
            places = [one for one in every if isinstance(one, StoreLanes)]
            if len(places) != self.blocks or {one.op for one in places} != {"="}:
                raise UnclearError("vectors are not stored side by side")
            first = self._side_by_side(places)
            match first.value:
                case Splat(value) if not any(isinstance(n, LoadLanes) for n in walk(value)):
                    yield self._each(Store(first.buffer, (*first.index[:-1], PLANE), value))
                case _:
                    raise UnclearError("a block of planes is stored as more than one number")

    def _side_by_side(self, places: Sequence[Any]) -> Any:
        """The first of vectors that lie side by side, and are alike but for that."""
        for k, one in enumerate(places):
            whole = one.stride == 1 and not one.mask and getattr(one, "axis", -1) == -1
            here = replace(one, index=(*one.index[:-1], const(0)))
            if not whole or not alike(one.index[-1], mul(const(k), WIDTH)) or not alike(here, places[0]):
                raise UnclearError("vectors do not lie side by side")
        if getattr(places[0], "offset", None) is not None:
            raise UnclearError("vectors do not lie side by side")
        return places[0]

    def tile(self, body: Sequence[Stmt]) -> Stmt:
        """A register tile as a sum for each of its rows and planes."""
        starts = [one for one in body if isinstance(one, Declare)]
        names = [one.name for one in starts]
        match list(body[len(starts) :]):
            case [For() as loop, *stores] if len(stores) == len(starts) and len(starts) % self.blocks == 0:
                pass
            case _:
                raise UnclearError("a tile is not made of sums, loops over positions, and stores")
        zero = Splat(Const(Fraction(0), True))
        if any(one.value != zero for one in starts) or len(set(names)) != len(names):
            raise UnclearError("sums of a tile do not start from nothing")
        around, steps = nested(loop)
        found = added(steps, names)
        rows = [self._row(stores[at : at + self.blocks], found) for at in range(0, len(stores), self.blocks)]
        if sum(len(row) for row in rows) != len(rows) * 2 or len(found) != len(names):
            raise UnclearError("a tile stores something else than its sums")
        place, value = lifted(rows)
        summed: Stmt = Update(_SUM, "+", value)
        for one in reversed(around):
            summed = replace(one, body=(summed,))
        made = (Declare(_SUM, zero.value, Scalar()), summed, replace(place, value=Var(_SUM)))
        return For(ROW.name, const(0), const(len(rows)), (self._each(*made),))

    def _each(self, *body: Stmt) -> For:
        return For(PLANE.name, const(0), self.planes, body)

    def _row(self, stores: Sequence[Stmt], found: dict[str, Expr]) -> tuple[Accumulate, Expr]:
        """Where the sums of one row go, and what one of them adds up, for the plane at hand."""
        places = [one for one in stores if isinstance(one, StoreLanes) and one.op == "+"]
        names = [one.value.name for one in places if isinstance(one.value, Var)]
        if len(names) != self.blocks or len(set(names)) != len(names) or any(name not in found for name in names):
            raise UnclearError("a tile does not add each of its sums to another")
        first = self._side_by_side([replace(one, value=const(0)) for one in places])
        values = [found[name] for name in names]
        if any(first_vector(value, k) != first_vector(values[0], 0) for k, value in enumerate(values)):
            raise UnclearError("vectors of a row do not add up the same of their planes")
        value = rewrite(first_vector(values[0], 0), one_plane)
        return Accumulate(first.buffer, (*first.index[:-1], PLANE), "+", const(0)), value
