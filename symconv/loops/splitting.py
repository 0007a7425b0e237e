"""Reductions into few cells, cut into a fixed number of parts so that threads have work.

The parts are combined in a fixed order and the rule that cuts reads nothing but sizes: the result is bitwise the same
for
any number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce

from symconv.errors import ScheduleError
from symconv.loops.arith import add, const, largest, mul, simplify, sub, total
from symconv.loops.ir import (
    Accumulate,
    Binary,
    Buffer,
    Compare,
    Const,
    Declare,
    Expr,
    For,
    Kernel,
    Let,
    Load,
    Nest,
    ReduceLanes,
    Select,
    Stmt,
    Store,
    Update,
    Var,
)
from symconv.loops.traverse import children, expressions, rewrite, walk

__all__ = ["SplitReduction", "split_reduction", "splittable"]


@dataclass(frozen=True, slots=True)
class SplitReduction:
    """``for cells: for s in range(a, b): acc += S`` -> the same over ``parts`` ranges of s, then their sum in order.

    Runs where there are fewer than ``cells`` cells and at least ``volume`` elements in the arrays, the plain nest
    elsewhere. Precondition: the nest sums into scalars or lanes, in one outermost loop, and then stores.
    """

    nest: int
    parts: int = 16
    cells: int = 64
    volume: int = 1 << 15


@dataclass(frozen=True, slots=True)
class _Shape:
    """A nest taken apart: what comes before its reduction loop, that loop, what is stored, and the sums it stores."""

    before: tuple[Stmt, ...]
    loop: For
    after: tuple[Stmt, ...]
    sums: tuple[Expr, ...]


def splittable(nest: Nest) -> bool:
    """Whether a nest has the form the directive wants."""
    return _shape(nest) is not None


def split_reduction(kernel: Kernel, directive: SplitReduction) -> Kernel:
    """The kernel with one nest split; raises ScheduleError where the nest has another form."""
    nest = kernel.nests[directive.nest] if directive.nest < len(kernel.nests) else None
    shape = _shape(nest) if nest is not None else None
    if nest is None or shape is None:
        raise ScheduleError(f"{directive}: nest {directive.nest} of {kernel.name} is no plain sum into its cells")
    volume = reduce(add, (total(buffer.sizes) for buffer in kernel.buffers if buffer.role != "workspace"))
    few = Compare("<", nest.extent, const(directive.cells))
    chosen = Select(few, Compare(">=", volume, const(directive.volume)), const(0))
    name = f"parts{directive.nest}_"
    nests = [
        replace(nest, extent=simplify(Select(chosen, const(0), nest.extent))),
        _partial(nest, shape, directive, name, chosen),
        _combined(nest, shape, directive, name, chosen),
    ]
    kept = tuple(n for n in nests if n.extent != const(0))
    where = directive.nest
    buffers = kernel.buffers
    if len(kept) > 1:
        sizes = (const(directive.parts), const(directive.cells), const(len(shape.sums)))
        buffers = (*buffers[:-1], Buffer(name, tuple((size,) for size in sizes), "workspace"), buffers[-1])
    return replace(kernel, buffers=buffers, nests=(*kernel.nests[:where], *kept, *kernel.nests[where + 1 :]))


def _shape(nest: Nest) -> _Shape | None:
    loops = [k for k, statement in enumerate(nest.body) if isinstance(statement, For)]
    if len(loops) != 1 or not nest.parallel:
        return None
    before, loop, after = nest.body[: loops[0]], nest.body[loops[0]], nest.body[loops[0] + 1 :]
    assert isinstance(loop, For)
    sums = {s.name for s in before if isinstance(s, Declare) and s.scalar.kind == "real"}
    plain = all(isinstance(s, Let | Declare) for s in before) and all(isinstance(s, Store | Accumulate) for s in after)
    inner = list(expressions(loop.body))
    writes = any(isinstance(node, Store | Accumulate) for node in inner)
    added = all(node.op in "+-" for node in inner if isinstance(node, Update))
    free = not any(
        node.name in sums for bound in (loop.lower, loop.upper) for node in walk(bound) if isinstance(node, Var)
    )
    if not (sums and after and plain and added and free) or writes or loop.step != 1 or loop.mode == "phase":
        return None
    return _Shape(before, loop, after, _sums(after, sums))


def _sums(after: tuple[Stmt, ...], names: set[str]) -> tuple[Expr, ...]:
    """What the stores take from the reduction: gathered lanes, or scalar accumulators outside of them."""
    found: dict[Expr, None] = {}

    def visit(node: Expr | Stmt) -> None:
        if isinstance(node, ReduceLanes) or (isinstance(node, Var) and node.name in names):
            found[node] = None
            return
        for child in children(node):
            visit(child)

    for statement in after:
        visit(statement)
    return tuple(found)


def _partial(nest: Nest, shape: _Shape, directive: SplitReduction, name: str, chosen: Expr) -> Nest:
    part, cell = Var("part_"), Var(nest.var)
    loop = shape.loop
    # An empty range has a negative length, which must not be cut.
    length = largest([const(0), sub(loop.upper, loop.lower)])

    def cut(at: Expr) -> Expr:
        return add(loop.lower, Binary("//", mul(length, at), const(directive.parts)))

    bounds = replace(loop, lower=cut(part), upper=cut(add(part, const(1))))
    stores = tuple(Store(name, (part, cell, const(k)), value) for k, value in enumerate(shape.sums))
    lets = (
        Let("part_", Binary("//", Var("zp_"), nest.extent)),
        Let(nest.var, sub(Var("zp_"), mul(part, nest.extent))),
    )
    body = (*lets, *shape.before, bounds, *stores)
    extent = simplify(Select(chosen, mul(const(directive.parts), nest.extent), const(0)))
    return Nest("zp_", extent, body, f"{nest.comment}; cut into {directive.parts} parts")


def _combined(nest: Nest, shape: _Shape, directive: SplitReduction, name: str, chosen: Expr) -> Nest:
    cell = Var(nest.var)
    lets = tuple(s for s in shape.before if isinstance(s, Let))
    body: list[Stmt] = [*lets]
    values: dict[Expr, Expr] = {}
    for k, value in enumerate(shape.sums):
        whole = f"whole{k}_"
        body.append(Declare(whole, Const(Fraction(0), real=True)))
        values[value] = Var(whole)
    updates = tuple(
        Update(f"whole{k}_", "+", Load(name, (Var("part_"), cell, const(k)))) for k in range(len(shape.sums))
    )
    body.append(For("part_", const(0), const(directive.parts), updates))
    body += [rewrite(statement, lambda node: values.get(node, node)) for statement in shape.after]
    extent = simplify(Select(chosen, nest.extent, const(0)))
    return Nest(nest.var, extent, tuple(body), f"{nest.comment}; the parts in order")
