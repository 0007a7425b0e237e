"""Tiles of outputs: sums of all points transformed back, and woven into rows of the target.

A vector of woven outputs has some for each of its cells, in their order. So the vectors of a block together hold all
outputs of as many cells as there are lanes, each at its place, and masks keep those of cells behind the box out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import (
    Binary,
    Compare,
    Const,
    Declare,
    Expr,
    For,
    Kernel,
    Lanes,
    Let,
    LoadLanes,
    Stmt,
    StoreLanes,
    Var,
    Zip,
)
from symconv.relation.points import UnclearError
from symconv.validate.polynomial import WIDTH, alike, polynomial, uses
from symconv.validate.wino_boxes import Boxes
from symconv.validate.wino_linear import Form, linear, named
from symconv.validate.wino_reading import blocks_of, each, stores_of, told

__all__ = ["Output", "Outputs", "outputs"]


@dataclass(frozen=True, slots=True)
class Output:
    """One of the outputs of a cell: where it is stored, when, and what it is, as a sum of points."""

    index: tuple[Expr, ...]
    tests: tuple[Expr, ...]
    form: Form


@dataclass(frozen=True, slots=True)
class Outputs:
    """The outputs of a cell in rows, those along the lanes side by side; they speak of ``row`` and coordinates."""

    target: str
    row: str
    at: tuple[str, ...]
    rows: tuple[tuple[Output, ...], ...]


def outputs(kernel: Kernel, boxes: Boxes, loop: Stmt, sums: str) -> Outputs:
    """Read the loop over rows of the target that stores them; raises UnclearError where one may be another."""
    (rows,) = told((loop,), {})
    row = each(rows, Var("M_"), "rows of the target")
    it = _Woven(kernel, boxes, sums, row.var)
    return it.cells(row.body, ())


@dataclass(frozen=True, slots=True)
class _Woven:
    kernel: Kernel
    boxes: Boxes
    sums: str
    row: str

    def cells(self, body: tuple[Stmt, ...], around: tuple[str, ...]) -> Outputs:
        """Loops over the coordinates of cells; the blocks of lanes of a row may stand around the last of them."""
        match body:
            case (For(chunk, _, _, (Let(at, start), *inner)) as blocks,) if alike(start, mul(WIDTH, Var(chunk))):
                each(blocks, blocks_of(self.boxes.size(-1)), "blocks of cells")
                masks: dict[str, Lanes] = {}
                while (
                    inner
                    and isinstance(inner[0], Declare)
                    and isinstance(inner[0].value, Lanes)
                    and inner[0].name not in masks
                ):
                    masks[inner[0].name] = inner[0].value
                    inner.pop(0)
                left = tuple(inner)
                while len(around) < self.boxes.count - 1:
                    one = each(left[0] if len(left) == 1 else None, self.boxes.size(len(around)), "cells of a box")
                    around, left = (*around, one.var), one.body
                return self._woven(left, (*around, at), masks)
            case (For(name) as loop,) if len(around) < self.boxes.count - 1:
                each(loop, self.boxes.size(len(around)), "cells of a box")
                return self.cells(loop.body, (*around, name))
        raise UnclearError("outputs are stored in other loops than over cells")

    def _woven(self, body: tuple[Stmt, ...], at: tuple[str, ...], masks: Mapping[str, Lanes]) -> Outputs:
        row = self.boxes.row([Var(name) for name in at[:-1]])

        def element(value: Expr) -> int | None:
            match value:
                case LoadLanes(name, (Var(own), Const(point, False), there, column), 1, "", None) if (
                    name == self.sums and own == self.row and alike(there, row) and column == Var(at[-1])
                ):
                    return int(point)
            return None

        forms = linear((one for one in body if isinstance(one, Declare)), element)
        groups: dict[tuple[Expr, ...], dict[int, tuple[StoreLanes, tuple[Expr, ...]]]] = {}
        for store, tests in stores_of(
            StoreLanes, [one for one in body if not isinstance(one, Declare)], "tiles of outputs do"
        ):
            values, part = (
                (store.value.values, store.value.part) if isinstance(store.value, Zip) else ((store.value,), 0)
            )
            turn = store.value.turn if isinstance(store.value, Zip) else 1
            plain = turn == self.boxes.turn(-1)
            if part in groups.setdefault(values, {}) or not plain or store.op != "=" or store.stride != 1:
                raise UnclearError("outputs are woven in another way than those of each cell side by side")
            groups[values][part] = store, tests
        every = [self._row(values, parts, at, masks, forms) for values, parts in groups.items()]
        targets = {store.buffer for parts in groups.values() for store, _ in parts.values()}
        if len(targets) != 1 or len({len(one) for one in every}) != 1:
            raise UnclearError("outputs are stored in several ways")
        return Outputs(targets.pop(), self.row, at, tuple(every))

    def _row(
        self,
        values: tuple[Expr, ...],
        parts: Mapping[int, tuple[StoreLanes, tuple[Expr, ...]]],
        at: tuple[str, ...],
        masks: Mapping[str, Lanes],
        forms: Mapping[str, Form],
    ) -> tuple[Output, ...]:
        """The outputs of a cell along the lanes, which are stored in as many vectors."""
        many = len(values)
        if set(parts) != set(range(many)):
            raise UnclearError("some outputs are not stored")
        first, tests = parts[0]
        *outer, begin = first.index
        limit = self._limit(begin, masks.get(first.mask), at[-1], many)
        kept = _without(tests, masks.get(first.mask))
        if any(uses(one, {at[-1]}) for one in (*outer, *kept, limit)):
            # Lanes do not move along these.
            raise UnclearError("outputs of a row are stored by where their block starts")
        for part, (store, others) in parts.items():
            place, lanes = add(begin, mul(const(part), WIDTH)), masks.get(store.mask)
            end = self._end(begin, at[-1], many, limit)
            fits = lanes is not None and alike(lanes, Lanes(const(0), sub(end, place)))
            same = store.index[:-1] == first.index[:-1] and alike(store.index[-1], place)
            if not fits or not same or _without(others, lanes) != kept:
                raise UnclearError("outputs that are woven together are not stored side by side")
        found = []
        for k, value in enumerate(values):
            if not isinstance(value, Var):
                raise UnclearError("an output is no sum of points")
            place = add(add(begin, const(self.boxes.turn(-1) * k)), self.boxes.residue(-1))
            found.append(Output((*outer, place), (*kept, Compare("<", place, limit)), named(forms, value.name)))
        return tuple(found)

    def _end(self, begin: Expr, at: str, many: int, limit: Expr) -> Expr:
        """Behind the last output of the box, and of all boxes."""
        own = add(begin, mul(const(many), sub(self.boxes.size(-1), Var(at))))
        return Binary("min", own, limit)

    def _limit(self, begin: Expr, lanes: Lanes | None, at: str, many: int) -> Expr:
        """Where the outputs of all boxes end, which a mask keeps lanes before, as before the end of their box."""
        if polynomial(begin).get((Var(at),), 0) != many or lanes is None:
            raise UnclearError("outputs of a cell do not lie where those of the cells before it end")
        match lanes.upper:
            case Binary("-", Binary("min", a, b), _):
                for limit in (b, a):
                    if alike(sub(Binary("min", a, b), begin), sub(self._end(begin, at, many, limit), begin)):
                        return limit
        raise UnclearError("nothing keeps outputs of cells behind a box out")


def _without(tests: Sequence[Expr], lanes: Lanes | None) -> tuple[Expr, ...]:
    """Tests without the one that a mask lets any lane through."""
    return tuple(one for one in tests if lanes is None or not alike(one, Compare(">", lanes.upper, const(0))))
