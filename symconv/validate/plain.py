"""A kernel in fewer kinds of nodes, meaning the same: what is followed knows neither outlined bodies nor prefetches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from symconv.loops.arith import add, const, simplify
from symconv.loops.ir import (
    LANES,
    Accumulate,
    For,
    If,
    Kernel,
    LoadLanes,
    Outlined,
    Prefetch,
    ReduceLanes,
    Splat,
    Stmt,
    Store,
    StoreLanes,
    StoreReduced,
    StoreTurned,
    StoreZip,
    Var,
)
from symconv.loops.traverse import rewrite, walk
from symconv.validate.dots import in_dots
from symconv.validate.places import Limits
from symconv.validate.rolled import rolled
from symconv.validate.runs import row_by_row
from symconv.validate.scoping import told_apart
from symconv.validate.settled import settled_sizes
from symconv.validate.sideways import plane_by_plane
from symconv.validate.stencils import in_rows
from symconv.validate.steps import in_steps
from symconv.validate.unrolled import rolled_spans
from symconv.validate.wino import in_points
from symconv.validate.wino_dots import in_dots_at_points

__all__ = ["Plain", "for_lanes", "plain"]


@dataclass(frozen=True, slots=True)
class Plain:
    """A kernel in plain statements, and the limits of rows that became digits. ``single``: vectors have one lane."""

    kernel: Kernel
    limits: Limits
    single: bool = False


def plain(kernel: Kernel, least: Mapping[str, int]) -> Plain:
    """The kernel in plain statements; each nest has private buffers of its own.

    Kernels with numbers of a plan are rolled up; where rows of buffers become digits, their limits are answered.
    ``least`` are the least values of sizes.
    """
    kernel = _apart(replace(kernel, nests=tuple(_flattened(nest) for nest in kernel.nests)))
    if not kernel.parameters:
        return Plain(replace(kernel, nests=tuple(map(_in_spans, kernel.nests))), {})
    kernel = row_by_row(kernel)
    if (loops := in_rows(kernel) or in_steps(kernel) or in_points(kernel) or in_dots_at_points(kernel)) is not None:
        return Plain(settled_sizes(loops, least), {}, True)
    kernel = plane_by_plane(kernel) or in_dots(kernel) or kernel
    kernel = replace(kernel, nests=tuple(map(told_apart, kernel.nests)))
    made, limits = rolled(settled_sizes(kernel, least))
    return Plain(made, limits, _in_no_lanes(made))


def _in_no_lanes(kernel: Kernel) -> bool:
    """Whether no statement is in lanes."""
    nodes = (node for nest in kernel.nests for node in walk(nest))
    return not any(isinstance(node, LoadLanes | StoreLanes | ReduceLanes | Splat) for node in nodes)


def for_lanes(kernel: Kernel, lanes: int) -> Kernel:
    """The kernel for vectors of ``lanes``, its integers folded."""
    width = {LANES: const(lanes)}

    def known(node: Any) -> Any:
        return simplify(rewrite(node, lambda v: width.get(v.name, v) if isinstance(v, Var) else v))

    buffers = tuple(replace(b, axes=tuple(tuple(map(known, a)) for a in b.axes)) for b in kernel.buffers)
    layout = tuple(replace(size, value=known(size.value)) for size in kernel.layout)
    return replace(kernel, nests=tuple(map(known, kernel.nests)), buffers=buffers, layout=layout)


def _flattened(node: Any) -> Any:
    """A nest or statement with every block inside in plain statements."""
    if not isinstance(getattr(node, "body", None), tuple):
        return node
    return replace(node, body=tuple(one for statement in node.body for one in _plainly(statement)))


def _in_spans(node: Any) -> Any:
    """A nest or statement in which ranges in blocks of lanes, the last one overlapping, are loops over elements."""
    if not isinstance(getattr(node, "body", None), tuple):
        return node
    return replace(node, body=tuple(map(_in_spans, rolled_spans(node.body))))


def _plainly(statement: Stmt) -> tuple[Stmt, ...]:
    match statement:
        case Outlined(_, body):
            return tuple(one for inner in body for one in _plainly(inner))
        case Prefetch():
            return ()
        case If() | For() if statement.body and not _flattened(statement).body:
            # Without a body, a condition would be a demand.
            return ()
        case StoreZip(buffer, index, values):
            starts = (_behind(index, k) for k in range(len(values)))
            return tuple(
                StoreLanes(buffer, start, len(values), "", "=", value)
                for start, value in zip(starts, values, strict=True)
            )
        case StoreTurned():
            return (statement.meaning,)
        case StoreReduced(buffer, index, op, values):
            sums = [(_behind(index, k), ReduceLanes("+", value)) for k, value in enumerate(values)]
            if op == "=":
                return tuple(Store(buffer, at, value) for at, value in sums)
            return tuple(Accumulate(buffer, at, op, value) for at, value in sums)
    return (_flattened(statement),)


def _behind(index: tuple[Any, ...], distance: int) -> tuple[Any, ...]:
    return (*index[:-1], add(index[-1], const(distance)))


def _apart(kernel: Kernel) -> Kernel:
    """What a private buffer holds ends with its nest, so that each nest may have one by a name of its own."""
    private = {b.name: b for b in kernel.buffers if b.role == "private"}
    used = [{n.buffer for n in walk(nest) if getattr(n, "buffer", "") in private} for nest in kernel.nests]
    shared = {name for name in private if sum(name in names for names in used) > 1}
    buffers, nests = list(kernel.buffers), list(kernel.nests)
    for number, (nest, names) in enumerate(zip(kernel.nests, used, strict=True)):
        own = {name: f"{name}_n{number}" for name in sorted(names & shared)}
        buffers[:0] = [replace(private[name], name=new) for name, new in own.items()]
        nests[number] = rewrite(nest, partial(_renamed, own)) if own else nest
    return replace(kernel, buffers=tuple(b for b in buffers if b.name not in shared), nests=tuple(nests))


def _renamed(names: dict[str, str], node: Any) -> Any:
    name = getattr(node, "buffer", "")
    return replace(node, buffer=names[name]) if name in names else node
