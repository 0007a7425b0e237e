"""Presets: the candidate that is always legal and needs no numbers, and the directives it is made with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from symconv.gather.solution import Gather, Solved
from symconv.loops.candidate import Candidate
from symconv.loops.cells import in_order
from symconv.loops.directives import Directive, Unroll, apply_all
from symconv.loops.forms import Form, Part, form_of, index_tensors, mapped, whole_target
from symconv.loops.heuristics import Sizes, choose_order, choose_tile, lane_order, trips
from symconv.loops.ir import Const, For, Kernel
from symconv.loops.lanes import unsuited
from symconv.loops.lower import lower
from symconv.loops.nest import Order
from symconv.loops.order import depth_of_target
from symconv.loops.schedule import Distribute, Lanes, LoopDirective, Minor, Reorder, Schedule
from symconv.loops.shares import minor_pieces
from symconv.loops.splitting import SplitReduction, splittable
from symconv.loops.tile import Target
from symconv.loops.traverse import expressions
from symconv.notation.operator import Statement
from symconv.notation.tables import table_of

__all__ = ["default_loops", "default_schedule", "direct", "masked"]

_PHASES = 16


def direct(gather: Gather, name: str, sizes: Sizes, itemsize: int) -> Candidate:
    """Every sum where its cell is, in masked lanes: legal for every operator and size.

    ``sizes`` specialise the kernel; ``itemsize`` is the bytes of an element.
    """
    loops = default_loops(gather, sizes, itemsize)
    kernel = lower(gather, name, sizes, loops)
    directives = default_schedule(kernel, sizes is not None)
    return Candidate(gather, Schedule("direct", (*loops, *directives)), apply_all(kernel, directives))


def masked(gather: Gather, name: str, sizes: Sizes = None, itemsize: int = 4) -> Kernel:
    """The kernel of the usual loops, without what is done to it afterwards."""
    return lower(gather, name, sizes, default_loops(gather, sizes, itemsize))


def default_loops(gather: Gather, sizes: Sizes, itemsize: int) -> tuple[LoopDirective, ...]:
    """The directives for lowering: cells finished one by one where their sums stay in lanes, apart elsewhere."""
    positions = index_tensors(gather)
    found: list[LoopDirective] = []
    for solved in gather.statements:
        if table_of(solved.statement) is None:
            found += _Choice(gather, solved, positions, sizes, itemsize).directives()
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Choice:
    """What to do with one statement."""

    gather: Gather
    solved: Solved
    positions: frozenset[str]
    sizes: Sizes
    itemsize: int

    def directives(self) -> Iterator[LoopDirective]:
        statement, form = self.solved.statement, form_of(self.solved)
        one = form if form.parts else mapped(statement) or form
        whole = whole_target(statement, one, self.positions)
        if whole is not None and (lanes := self._lanes(one.parts[0], whole)):
            yield from lanes
        elif form.kind == "first" or self._by_cells(form):
            yield from map(self._steps, form.parts)
        else:
            yield Distribute(statement.target.name)
            yield from self._apart(statement, form)

    def _by_cells(self, form: Form) -> bool:
        """Whether a cell at a time is as good as anything."""
        if not form.plain:
            return False
        if form.kind == "several":
            # Lanes for each reduction are faster than all of them cell by cell, for an array each.
            target = Target(self.solved.statement.target.name, "+")
            extreme = any(part.node.kind.startswith("arg") for part in form.parts)
            return extreme or not all(self._lanes(part, target) for part in form.parts)
        alone = form.kind == "linear" and len(form.parts) == 1
        return alone and depth_of_target(form.parts[0].solution, self._order(form.parts[0])) == 0

    def _apart(self, statement: Statement, form: Form) -> Iterator[LoopDirective]:
        groups = [form.parts]
        if form.kind == "several":
            nodes = dict.fromkeys(part.node for part in form.parts)
            groups = [tuple(part for part in form.parts if part.node == node) for node in nodes]
        for group in groups:
            minor = minor_pieces(self.gather.operator, [part.solution for part in group], self.sizes)
            for part in group:
                yield from self._piece(statement, part, part.solution in minor)

    def _piece(self, statement: Statement, part: Part, minor: bool) -> Iterator[LoopDirective]:
        if minor:
            yield Minor(part.nest)
        lanes = self._lanes(part, Target(statement.target.name, part.op))
        yield from lanes or (_said(part, self._order(part)),)

    def _order(self, part: Part) -> Order:
        return choose_order(part.solution, self.sizes)

    def _steps(self, part: Part) -> Reorder:
        """The order of a piece's steps inside its cell."""
        chosen = tuple(item for item in self._order(part).inner if item in part.solution.steps)
        steps = _positions(part) or chosen
        return _said(part, Order(part.solution.cells, (*part.solution.phases, *steps)))

    def _lanes(self, part: Part, target: Target) -> tuple[LoopDirective, ...]:
        """Lanes along the best loop for contiguous accesses, where it allows them."""
        solution, chosen = part.solution, self._order(part)
        loop = chosen.inner[-1] if chosen.inner else None
        if not isinstance(loop, str) or unsuited(solution, loop, target):
            return ()
        if self.sizes is not None and trips(solution, loop, self.sizes) < 2:
            return ()
        order = _by_position(part, lane_order(solution, chosen, loop))
        tile = choose_tile(part.nest, solution, order, loop, self.sizes, self.itemsize)
        return _said(part, order), Lanes(part.nest, loop), tile


def _positions(part: Part) -> tuple[str, ...]:
    """The steps in the order of positions, where one is wanted: a tap that comes later then has to be better."""
    return (in_order(part.node, part.solution) or ()) if part.node.kind.startswith("arg") else ()


def _by_position(part: Part, order: Order) -> Order:
    steps = _positions(part)
    others = tuple(item for item in order.inner if item not in part.solution.steps)
    return Order(order.parallel, (*others, *steps)) if steps else order


def _said(part: Part, order: Order) -> Reorder:
    return Reorder(part.nest, order.parallel, tuple(i if isinstance(i, str) else i.residue for i in order.inner))


def default_schedule(kernel: Kernel, fixed: bool) -> tuple[Directive, ...]:
    """Phases with few combinations are unrolled into constants; sums into few cells are cut into parts.

    ``fixed`` says that the kernel is specialised to sizes.
    """
    counts: dict[str, int] = {}
    # With run-time sizes the phases stay a loop: a quarter of the code to compile, and as fast.
    for nest in kernel.nests if fixed else ():
        for node in expressions(nest.body):
            match node:
                case For(name, Const(lower), Const(upper), _, step, "phase"):
                    counts[name] = max(counts.get(name, 0), len(range(int(lower), int(upper), step)))
    directives: list[Directive] = []
    total = 1
    for name, count in sorted(counts.items(), key=lambda item: item[1]):
        total *= count
        if total <= _PHASES:
            directives.append(Unroll(name, _PHASES))
    cuts = [SplitReduction(k) for k, nest in enumerate(kernel.nests) if splittable(nest) and not nest.minor]
    # From the last on: a split nest becomes several.
    return (*directives, *reversed(cuts))
