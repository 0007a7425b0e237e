"""Sums over the rows of a plane, several rows and a block of lanes at a time, as sums over positions one by one.

The lanes of such sums are added up when all rows are done. Then it makes no difference which lane of which accumulator
takes what: what all rows and lanes add is looked at as a collection, and shown to be that of single rows in their
places, each position of which adds what one lane does. Lanes behind the end of a row are under masks that keep out what
they would add.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import (
    Binary,
    Const,
    Declare,
    Expr,
    For,
    Kernel,
    Let,
    Load,
    Splat,
    Stmt,
    StoreLanes,
    Var,
)
from symconv.loops.traverse import substitute
from symconv.relation.points import UnclearError
from symconv.validate.inlined import inlined
from symconv.validate.lanes import AddedLanes, there
from symconv.validate.polynomial import alike, expression, polynomial

__all__ = ["NOTHING", "Summed", "each_contribution"]

NOTHING = Splat(Const(Fraction(0), True))
"""Lanes of zeros."""


@dataclass(frozen=True, slots=True)
class Summed:
    """What sums a plane, and the place of each sum with the accumulator that has it in the end."""

    body: tuple[Stmt, ...]
    sums: tuple[tuple[tuple[Expr, ...], str], ...]


def each_contribution(kernel: Kernel, plane: Sequence[Stmt], sums: str) -> Summed:
    """The rows of a plane one by one, in vectors of one lane; ``sums`` is the buffer that they are added to.

    Raises UnclearError where rows and lanes do not add what their positions do.
    """
    several = next((one for one in plane if isinstance(one, For)), None)
    made = list(inlined(kernel, plane))
    first = next((k for k, one in enumerate(made) if isinstance(one, For)), len(made))
    match made[first:], several:
        case [For() as many, For() as single, *stores], For(_, _, _, (Let(row, start), *_)) if row == single.var:
            owner, places = _owners(kernel, made[:first], stores, sums)
        case _:
            raise UnclearError("sums are not made from many rows at once, and then one by one")
    rows = _all_rows(kernel, many, single, start)
    together, alone = (AddedLanes.of(kernel, loop.body, owner) for loop in (many, single))
    _same(together, alone, single.var, start, rows)
    begin = there(start, {many.var: const(0)})
    kept = [one for one in made[:first] if not isinstance(one, Declare) or one.name not in owner]
    used = [one for one in made[:first] if isinstance(one, Declare) and owner.get(one.name) == one.name]
    return Summed((*used, *kept, For(single.var, begin, single.upper, alone.positions(owner))), places)


def _owners(
    kernel: Kernel, declared: Sequence[Stmt], stores: Sequence[Stmt], sums: str
) -> tuple[dict[str, str], tuple[tuple[tuple[Expr, ...], str], ...]]:
    """For each accumulator the first one that ends in the same sum; and the place of each sum, with its first one."""
    names: list[str] = []
    kept: list[str] = []
    for one in declared:
        match one:
            case Declare(name, start) if start == NOTHING:
                names.append(name)
            case Declare(name, Splat(Load(buffer, _, None))) if kernel.buffer(buffer).role == "in":
                kept.append(name)
            case _:
                raise UnclearError("something else than sums starts before the rows")
    owner: dict[str, str] = {}
    places = []
    for store in stores:
        match store:
            case StoreLanes(buffer, (*index, Const(zero, False)), 1, "", "+", value) if buffer == sums and not zero:
                parts = list(_added(value))
            case _:
                raise UnclearError(f"{sums} gets something else than its sums")
        if not set(parts) <= set(names) or set(parts) & owner.keys() or len(set(parts)) != len(parts):
            raise UnclearError(f"{sums} does not get each accumulator once")
        owner |= dict.fromkeys(parts, parts[0])
        places.append((tuple(index), parts[0]))
    if len(owner) != len(names) or len({*names, *kept}) != len(names) + len(kept):
        raise UnclearError(f"{sums} does not get every accumulator")
    return owner, tuple(places)


def _added(value: Expr) -> Iterator[str]:
    match value:
        case Var(name):
            yield name
        case Binary("+", left, right):
            yield from _added(left)
            yield from _added(right)
        case _:
            raise UnclearError("what is added to a sum is no sum of accumulators")


def _all_rows(kernel: Kernel, many: For, single: For, first: Expr) -> int:
    """How many rows are in work at once; raises UnclearError unless they and those left over are all rows, once."""
    counter = many.var
    step = polynomial(sub(first, substitute(first, {counter: sub(Var(counter), const(1))})))
    count = int(step.get((), 0))
    begin = there(first, {counter: const(0)})
    length = expression(polynomial(sub(single.upper, begin)))
    if (
        count < 2
        or many.lower != const(0)
        or many.step != 1
        or single.step != 1
        or not alike(first, add(begin, mul(const(count), Var(counter))))
        or not alike(many.upper, Binary("//", length, const(count)))
        or not alike(single.lower, add(begin, mul(const(count), many.upper)))
        or not _never_negative(kernel, length)
    ):
        raise UnclearError(f"{count} rows at once and what is left are not all rows")
    return count


def _never_negative(kernel: Kernel, length: Expr) -> bool:
    for size in kernel.layout:
        match size.value:
            case Binary("max", Const(least, False), _) if length == Var(size.name):
                return least >= 0
    return False


def _same(together: AddedLanes, alone: AddedLanes, row: str, first: Expr, count: int) -> None:
    """Raises UnclearError unless rows at once add what single ones do, and load nothing else."""
    if together.head != alone.head:
        raise UnclearError("rows at once are in other blocks of lanes than single ones")
    added: Counter[Any] = Counter()
    loads: set[Any] = set()
    for k in range(count):
        place = {row: add(first, const(k))}
        added.update(there(one, place) for one in alone.added.elements())
        loads |= {there(one, place) for one in alone.loads}
    if added != together.added:
        raise UnclearError(f"{count} rows at once do not add what single rows do")
    if not together.loads <= loads:
        raise UnclearError(f"{count} rows at once load something that single rows do not")
