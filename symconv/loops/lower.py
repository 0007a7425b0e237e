"""From the gather form to loop nests. SymPy ended before; what division means becomes explicit here.

Without directives every statement is the plainest nest there is: a loop for each index, one scalar sum for each
reduction. What order, lanes, tiles and arrays there are is said by directives (:mod:`symconv.loops.schedule`); nothing
is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TypeVar

from symconv.errors import ScheduleError
from symconv.gather.solution import Gather, Solution, Solved
from symconv.gather.solve import solve
from symconv.loops.arith import simplify
from symconv.loops.cells import cell_nest, is_plain
from symconv.loops.constants import constant_nest
from symconv.loops.forms import Form, Part, form_of, index_tensors, mapped, whole_target
from symconv.loops.ir import (
    Accumulate,
    Buffer,
    Declare,
    Expr,
    Kernel,
    Load,
    Nest,
    Scalar,
    Size,
    Stmt,
    Store,
    Update,
    Var,
)
from symconv.loops.lanes import lane_nests
from symconv.loops.nest import Order, nest
from symconv.loops.order import depth_of_target, naive_order, named_order
from symconv.loops.scalars import integer, scalar
from symconv.loops.schedule import Distribute, Lanes, LoopDirective, Minor, RegisterTile, Reorder
from symconv.loops.sizes import fixed_sizes, runtime_sizes
from symconv.loops.tile import Target, neutral
from symconv.loops.traverse import substitute
from symconv.notation.expr import Const, Piece, Reduce
from symconv.notation.expr import Expr as Formula
from symconv.notation.operator import Operator, Statement, Tensor
from symconv.notation.tables import table_of

__all__ = ["lower"]


_Said = TypeVar("_Said", Distribute, Reorder, Lanes, RegisterTile, Minor)


@dataclass(slots=True)
class _Lowering:
    op: Operator
    positions: frozenset[str]
    said: dict[tuple[type, str], LoopDirective]
    buffers: dict[str, Buffer] = field(default_factory=dict)
    nests: list[Nest] = field(default_factory=list)
    used: set[tuple[type, str]] = field(default_factory=set)

    def ask(self, kind: type[_Said], name: str) -> _Said | None:
        """The directive of a kind that speaks of a nest or statement."""
        found = self.said.get((kind, name))
        self.used.add((kind, name))
        assert found is None or isinstance(found, kind)
        return found


def lower(
    gather: Gather, name: str, sizes: Mapping[str, int] | None = None, directives: tuple[LoopDirective, ...] = ()
) -> Kernel:
    """The kernel that computes an operator's output; ``sizes`` specialises it to fixed ones.

    Raises ScheduleError for a directive that is not allowed here, or speaks of nothing.
    """
    op = gather.operator
    state = _Lowering(op, index_tensors(gather), {(type(one), _subject(one)): one for one in directives})
    for tensor in op.inputs:
        _declare(state, tensor, "in")
    for solved in gather.statements:
        last = solved.statement.target.name == op.output.name
        _declare(state, solved.statement.target, "out" if last else "workspace")
        _statement(state, solved)
    for kind, subject in state.said.keys() - state.used:
        raise ScheduleError(f"{state.said[kind, subject]}: {name} has no such nest")
    known, checks = fixed_sizes(op, dict(sizes)) if sizes is not None else runtime_sizes(op)
    kernel = Kernel(name, tuple(state.buffers.values()), known, checks, tuple(state.nests))
    return _specialised(kernel, known) if sizes is not None else kernel


def _subject(directive: LoopDirective) -> str:
    return directive.statement if isinstance(directive, Distribute) else directive.nest


def _specialised(kernel: Kernel, sizes: tuple[Size, ...]) -> Kernel:
    values = {size.name: size.value for size in sizes}

    def fixed(expr: Expr) -> Expr:
        result: Expr = simplify(substitute(expr, values))
        return result

    buffers = tuple(
        Buffer(b.name, tuple(tuple(fixed(s) for s in axis) for axis in b.axes), b.role, b.scalar, b.alignment)
        for b in kernel.buffers
    )
    nests = tuple(simplify(substitute(n, values)) for n in kernel.nests)
    return Kernel(kernel.name, buffers, kernel.sizes, kernel.checks, nests)


def _declare(state: _Lowering, tensor: Tensor, role: str) -> None:
    axes = tuple(tuple(integer(size) for size in axis) for axis in tensor.axes)
    state.buffers[tensor.name] = Buffer(tensor.name, axes, role, Scalar(tensor.dtype))


def _statement(state: _Lowering, solved: Solved) -> None:
    statement = solved.statement
    if (entries := table_of(statement)) is not None:
        state.nests.append(constant_nest(statement, entries))
        return
    form = form_of(solved)
    if not form.parts and (alone := mapped(statement)) and state.ask(Lanes, alone.parts[0].nest):
        form = alone
    apart = state.ask(Distribute, statement.target.name)
    if apart is None and (form.plain or form.kind == "first"):
        _together(state, statement, form)
    elif form.kind == "first":
        raise ScheduleError(f"{apart}: {statement.target.name} is the position of an extreme, which has no parts")
    else:
        _apart(state, statement, form)


def _together(state: _Lowering, statement: Statement, form: Form) -> None:
    """Every cell is finished before the next one: in lanes where a directive says so."""
    target = whole_target(statement, form, state.positions)
    if target is not None and (lanes := state.ask(Lanes, form.parts[0].nest)):
        state.nests += _in_lanes(state, form.parts[0], lanes, target)
        return
    solutions: dict[Reduce, tuple[Solution, ...]] = {}
    orders: dict[Solution, Order] = {}
    for part in form.parts:
        solutions[part.node] = (*solutions.get(part.node, ()), part.solution)
        orders[part.solution] = _order(state, part)
    several = {node: tuple(dict.fromkeys(found)) for node, found in solutions.items()}
    state.nests.append(cell_nest(statement, several, state.positions, orders))


def _apart(state: _Lowering, statement: Statement, form: Form) -> None:
    match form.kind:
        case "linear":
            _fill(state, statement, scalar(form.rest, {}, state.positions), "start")
            for part in form.parts:
                _accumulate(state, statement, part)
        case "single":
            _accumulated(state, statement, form.parts)
            _elementwise(state, statement, statement.expr, {form.parts[0].node: _cell(statement)})
        case _:
            _buffered(state, statement, form)


def _order(state: _Lowering, part: Part) -> Order:
    said = state.ask(Reorder, part.nest)
    return naive_order(part.solution) if said is None else named_order(part.solution, said)


def _in_lanes(state: _Lowering, part: Part, lanes: Lanes, target: Target, border: bool = False) -> tuple[Nest, ...]:
    tile = state.ask(RegisterTile, part.nest) or RegisterTile(part.nest, ())
    return lane_nests(part.solution, _order(state, part), lanes, tile, target, state.positions, border)


def _cell(statement: Statement) -> Load:
    return Load(statement.target.name, tuple(Var(name) for name in statement.indices))


def _accumulated(state: _Lowering, statement: Statement, parts: tuple[Part, ...]) -> None:
    """Start the target at the reduction's neutral element and let every piece work on it."""
    _fill(state, statement, neutral(parts[0].op), "start")
    for part in parts:
        _accumulate(state, statement, part)


def _accumulate(state: _Lowering, statement: Statement, part: Part) -> None:
    minor = state.ask(Minor, part.nest) is not None
    if lanes := state.ask(Lanes, part.nest):
        wide = _in_lanes(state, part, lanes, Target(statement.target.name, part.op), minor)
        state.nests += (replace(one, minor=minor) for one in wide)
        return
    solution, op, name = part.solution, part.op, statement.target.name
    order = _order(state, part)
    depth = depth_of_target(solution, order)
    value = scalar(solution.body, {}, state.positions)
    target = tuple(integer(form) for form in solution.target)
    whole = depth < len(order.inner)

    def leaf() -> tuple[Stmt, ...]:
        if whole:
            return (Update("sum_", "+" if op == "-" else op, value),)
        return (Accumulate(name, target, op, value),)

    def wrap(body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
        if not whole:
            return body
        # An extreme is joined with what its cell holds anyway; a sum or a product would count that twice.
        start: Expr = neutral(op) if op in "+-*" else Load(name, target)
        return (Declare("sum_", start), *body, Accumulate(name, target, op, Var("sum_")))

    comment = f"{name}: contributions of {', '.join(solution.steps) or 'one tap'}"
    made = nest(solution, order, leaf, wrap_at=depth, wrap=wrap, comment=comment)
    state.nests.append(replace(made, minor=minor))


def _fill(state: _Lowering, statement: Statement, value: Expr, what: str) -> None:
    solution = solve(statement.ranges, (), Piece((), Const(Fraction(0))))
    order = Order(solution.cells[:-1], solution.cells[-1:])
    target = tuple(Var(name) for name in statement.indices)

    def leaf() -> tuple[Stmt, ...]:
        return (Store(statement.target.name, target, value),)

    comment = f"{statement.target.name}: {what}"
    state.nests.append(nest(solution, order, leaf, wrap_at=-1, wrap=lambda body: body, comment=comment))


def _elementwise(state: _Lowering, statement: Statement, expr: Formula, names: dict[Reduce, Expr]) -> None:
    _fill(state, statement, scalar(expr, names, state.positions), "epilogue")


def _buffered(state: _Lowering, statement: Statement, form: Form) -> None:
    """Several reductions that visit their cells in different ways: each gets an array of its own."""
    names: dict[Reduce, Expr] = {}
    nodes = list(dict.fromkeys(part.node for part in form.parts))
    # One of them needs no array: it is made where the result will be.
    here = next((node for node in nodes if not node.kind.startswith("arg")), None)
    for count, node in enumerate(nodes):
        target = statement.target
        if node != here:
            target = Tensor(f"{statement.target.name}_part{count}", statement.target.axes)
            _declare(state, target, "workspace")
        own = Statement(target, statement.indices, node)
        parts = tuple(part for part in form.parts if part.node == node)
        plain = all(is_plain(own, part.solution) for part in parts)
        whole = whole_target(own, Form("single", parts, plain=plain), state.positions)
        if whole is not None and (lanes := state.ask(Lanes, parts[0].nest)):
            state.nests += _in_lanes(state, parts[0], lanes, whole)
        else:
            _accumulated(state, own, parts)
        names[node] = _cell(own)
    state.buffers[statement.target.name] = state.buffers.pop(statement.target.name)
    _elementwise(state, statement, statement.expr, names)
