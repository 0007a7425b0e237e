"""The loops of a package: short enough to read, in an order that C compilers vectorise, without lanes or parts."""

from __future__ import annotations

from collections.abc import Iterator

from symconv.export.layer import Function
from symconv.gather.solution import Gather
from symconv.loops.forms import Part, form_of
from symconv.loops.heuristics import choose_order
from symconv.loops.ir import Kernel
from symconv.loops.lower import lower
from symconv.loops.nest import Order
from symconv.loops.order import depth_of_target
from symconv.loops.schedule import Distribute, LoopDirective, Reorder
from symconv.notation.tables import table_of

__all__ = ["plain"]


def plain(function: Function) -> Kernel:
    """The loop nests of a function for sizes known when it is called; threads may share the first loop of each."""
    gather = function.derivation.gather
    return lower(gather, function.outputs[-1].name, None, tuple(_directives(gather)))


def _directives(gather: Gather) -> Iterator[LoopDirective]:
    for solved in gather.statements:
        if table_of(solved.statement) is not None:
            continue
        form = form_of(solved)
        if form.kind == "first" or (form.plain and (form.kind == "several" or _scalar_sum(form.parts))):
            for part in form.parts:
                steps = tuple(n for n in choose_order(part.solution, None).inner if n in part.solution.steps)
                yield _said(part, Order(part.solution.cells, (*part.solution.phases, *steps)))
        else:
            yield Distribute(solved.statement.target.name)
            for part in form.parts:
                yield _said(part, choose_order(part.solution, None))


def _scalar_sum(parts: tuple[Part, ...]) -> bool:
    """Whether one piece sums into one cell at a time in the order that reads memory best."""
    return len(parts) == 1 and depth_of_target(parts[0].solution, choose_order(parts[0].solution, None)) == 0


def _said(part: Part, order: Order) -> Reorder:
    inner = tuple(item if isinstance(item, str) else item.residue for item in order.inner)
    return Reorder(part.nest, order.parallel, inner)
