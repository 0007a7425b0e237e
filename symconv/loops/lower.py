"""From the gather form to loop nests. SymPy ended before; what division means becomes explicit here."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction

from symconv.gather.solution import Gather, Solution, Solved
from symconv.gather.solve import solve
from symconv.loops.arith import simplify
from symconv.loops.cells import cell_nest, is_plain, position
from symconv.loops.constants import constant_nest
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
from symconv.loops.ir import Const as Number
from symconv.loops.lanes import lane_nests
from symconv.loops.nest import nest
from symconv.loops.order import choose_order, depth_of_target
from symconv.loops.scalars import integer, scalar
from symconv.loops.shares import minor_pieces
from symconv.loops.sizes import fixed_sizes, runtime_sizes
from symconv.loops.tile import SUM, Target, neutral
from symconv.loops.traverse import substitute
from symconv.notation.expr import Apply, Const, Piece, Reduce, reads
from symconv.notation.expr import Expr as Formula
from symconv.notation.operator import Operator, Statement, Tensor
from symconv.notation.tables import table_of

__all__ = ["lower"]


@dataclass(slots=True)
class _Lowering:
    op: Operator
    sizes: dict[str, int] | None
    itemsize: int = 4
    buffers: dict[str, Buffer] = field(default_factory=dict)
    nests: list[Nest] = field(default_factory=list)

    @property
    def positions(self) -> frozenset[str]:
        return frozenset(name for name, buffer in self.buffers.items() if buffer.scalar.kind == "index")


def lower(gather: Gather, name: str, sizes: dict[str, int] | None = None, itemsize: int = 4) -> Kernel:
    """The kernel that computes an operator's output; ``sizes`` specialises it to fixed ones.

    ``itemsize`` is the bytes of an element: it decides how many blocks of lanes a register tile takes.
    """
    op = gather.operator
    state = _Lowering(op, sizes, itemsize)
    for tensor in op.inputs:
        _declare(state, tensor, "in")
    for solved in gather.statements:
        last = solved.statement.target.name == op.output.name
        _declare(state, solved.statement.target, "out" if last else "workspace")
        _statement(state, solved)
    known, checks = fixed_sizes(op, sizes) if sizes is not None else runtime_sizes(op)
    kernel = Kernel(name, tuple(state.buffers.values()), known, checks, tuple(state.nests))
    return _specialised(kernel, known) if sizes is not None else kernel


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
    statement, expr = solved.statement, solved.statement.expr
    if (entries := table_of(statement)) is not None:
        state.nests.append(constant_nest(statement, entries))
        return
    terms = _terms(expr)
    nodes = [node for node, _ in solved.reductions]
    solutions = dict(solved.reductions)
    if len(nodes) == 1 and nodes[0].kind.startswith("arg") and expr == nodes[0]:
        state.nests += _first(state, statement, nodes[0], solutions)
    elif terms is not None and all(node.kind == "sum" for node in nodes):
        _linear(state, statement, terms, solutions)
    elif len(nodes) == 1 and not nodes[0].kind.startswith("arg"):
        if not _in_registers(state, statement, nodes[0], solutions[nodes[0]]):
            _accumulated(state, statement, nodes[0], solutions[nodes[0]])
            _elementwise(state, statement, expr, {nodes[0]: _cell(statement)})
    elif all(is_plain(statement, s) for several in solutions.values() for s in several) and not _in_lanes(
        state, statement, solutions
    ):
        state.nests.append(cell_nest(statement, solutions, state.positions, state.sizes))
    else:
        _buffered(state, statement, solutions)


def _first(
    state: _Lowering, statement: Statement, node: Reduce, solutions: dict[Reduce, tuple[Solution, ...]]
) -> tuple[Nest, ...]:
    """The position of the first extreme tap of each cell."""
    several = solutions[node]
    if len(several) == 1 and is_plain(statement, several[0]):
        kind = node.kind.removeprefix("arg")
        target = Target(statement.target.name, kind, where=position(node, several[0]))
        if nests := lane_nests(several[0], target, state.positions, state.sizes, state.itemsize):
            return nests
    return (cell_nest(statement, solutions, state.positions, state.sizes),)


def _in_lanes(state: _Lowering, statement: Statement, solutions: dict[Reduce, tuple[Solution, ...]]) -> bool:
    """Whether each reduction has lanes of its own: faster than all of them cell by cell, for an array each."""
    target = Target(statement.target.name, "+")
    every = (s for several in solutions.values() for s in several)
    return not any(node.kind.startswith("arg") for node in solutions) and all(
        lane_nests(s, target, state.positions, state.sizes, state.itemsize) for s in every
    )


def _terms(expr: Formula) -> tuple[list[tuple[int, Reduce]], Formula] | None:
    """``Σ ±reduction + rest`` with a rest free of reductions, or None."""
    zero = Const(Fraction(0))
    match expr:
        case Reduce():
            return [(1, expr)], zero
        case Apply("neg", (inner,)):
            found = _terms(inner)
            return found and ([(-s, r) for s, r in found[0]], _unless_zero("neg", found[1]))
        case Apply("add" | "sub" as function, (left, right)):
            a, b = _terms(left), _terms(right)
            if a is None or b is None:
                return None
            flipped = [(-s if function == "sub" else s, r) for s, r in b[0]]
            rest = a[1] if b[1] == zero else _unless_zero("neg", b[1]) if a[1] == zero and function == "sub" else b[1] if a[1] == zero else Apply(function, (a[1], b[1]))  # fmt: skip  # noqa: E501
            return [*a[0], *flipped], rest
    return None if _holds_reduction(expr) else ([], expr)


def _unless_zero(function: str, expr: Formula) -> Formula:
    return expr if expr == Const(Fraction(0)) else Apply(function, (expr,))


def _holds_reduction(expr: Formula) -> bool:
    match expr:
        case Reduce():
            return True
        case Apply(_, arguments):
            return any(_holds_reduction(argument) for argument in arguments)
    return False


def _cell(statement: Statement) -> Load:
    return Load(statement.target.name, tuple(Var(name) for name in statement.indices))


def _linear(
    state: _Lowering,
    statement: Statement,
    terms: tuple[list[tuple[int, Reduce]], Formula],
    solutions: dict[Reduce, tuple[Solution, ...]],
) -> None:
    parts, rest = terms
    pieces = [(sign, s) for sign, node in parts for s in solutions[node]]
    if len(pieces) == 1 and is_plain(statement, pieces[0][1]):
        start = scalar(rest, {}, state.positions)
        target = Target(statement.target.name, "+" if pieces[0][0] > 0 else "-", start)
        if nests := lane_nests(pieces[0][1], target, state.positions, state.sizes, state.itemsize):
            state.nests.extend(nests)
            return
        if depth_of_target(pieces[0][1], choose_order(pieces[0][1], state.sizes)) == 0:
            state.nests.append(cell_nest(statement, solutions, state.positions, state.sizes))
            return
    _elementwise(state, statement, rest, {})
    minor = minor_pieces(state.op, [solution for _, solution in pieces], state.sizes)
    for sign, solution in pieces:
        _accumulate(state, statement, solution, "+" if sign > 0 else "-", solution in minor)


def _in_registers(state: _Lowering, statement: Statement, node: Reduce, several: tuple[Solution, ...]) -> bool:
    """A reduction of one piece is finished before it is stored: its cells are visited once."""
    if len(several) != 1 or not is_plain(statement, several[0]):
        return False
    op = {"sum": "+"}.get(node.kind, node.kind)
    finish = scalar(statement.expr, {node: SUM}, state.positions)
    beside = tuple(read for read in reads(statement.expr) if read.tensor not in state.positions)
    target = Target(statement.target.name, op, neutral(op), finish=finish, beside=beside)
    nests = lane_nests(several[0], target, state.positions, state.sizes, state.itemsize)
    state.nests.extend(nests or ())
    return nests is not None


def _accumulated(state: _Lowering, statement: Statement, node: Reduce, solutions: tuple[Solution, ...]) -> None:
    """Start the target at the reduction's neutral element and let every piece work on it."""
    _fill(state, statement, neutral({"sum": "+"}.get(node.kind, node.kind)), "start")
    minor = minor_pieces(state.op, solutions, state.sizes)
    for solution in solutions:
        _accumulate(state, statement, solution, {"sum": "+"}.get(node.kind, node.kind), solution in minor)


def _accumulate(state: _Lowering, statement: Statement, solution: Solution, op: str, minor: bool) -> None:
    wide = Target(statement.target.name, op)
    if nests := lane_nests(solution, wide, state.positions, state.sizes, state.itemsize, minor):
        state.nests.extend(replace(one, minor=minor) for one in nests)
        return
    order = choose_order(solution, state.sizes)
    depth = depth_of_target(solution, order)
    value = scalar(solution.body, {}, state.positions)
    target = tuple(integer(form) for form in solution.target)
    name = statement.target.name
    whole = depth < len(order.inner)

    def leaf() -> tuple[Stmt, ...]:
        if whole:
            return (Update("sum_", "+" if op == "-" else op, value),)
        return (Accumulate(name, target, op, value),)

    def wrap(body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
        if not whole:
            return body
        neutral: Expr = Number(Fraction(0), real=True)
        start: Expr = neutral if op in "+-" else Load(name, target)
        return (Declare("sum_", start), *body, Accumulate(name, target, op, Var("sum_")))

    comment = f"{name}: contributions of {', '.join(solution.steps) or 'one tap'}"
    made = nest(solution, order, leaf, wrap_at=depth, wrap=wrap, comment=comment)
    state.nests.append(replace(made, minor=minor))


def _plain(statement: Statement) -> Solution:
    return solve(statement.ranges, (), Piece((), Const(Fraction(0))))


def _fill(state: _Lowering, statement: Statement, value: Expr, what: str) -> None:
    solution = _plain(statement)
    order = choose_order(solution, state.sizes)
    target = tuple(Var(name) for name in statement.indices)

    def leaf() -> tuple[Stmt, ...]:
        return (Store(statement.target.name, target, value),)

    comment = f"{statement.target.name}: {what}"
    state.nests.append(nest(solution, order, leaf, wrap_at=-1, wrap=lambda body: body, comment=comment))


def _elementwise(state: _Lowering, statement: Statement, expr: Formula, names: dict[Reduce, Expr]) -> None:
    what = "epilogue" if names else "start"
    _fill(state, statement, scalar(expr, names, state.positions), what)


def _buffered(state: _Lowering, statement: Statement, solutions: dict[Reduce, tuple[Solution, ...]]) -> None:
    """Several reductions that visit their cells in different ways: each gets an array of its own."""
    names: dict[Reduce, Expr] = {}
    # One of them needs no array: it is made where the result will be.
    here = next((node for node in solutions if not node.kind.startswith("arg")), None)
    for count, (node, several) in enumerate(solutions.items()):
        target = statement.target
        if node != here:
            target = Tensor(f"{statement.target.name}_part{count}", statement.target.axes)
            _declare(state, target, "workspace")
        own = Statement(target, statement.indices, node)
        if not _in_registers(state, own, node, several):
            _accumulated(state, own, node, several)
        names[node] = _cell(own)
    state.buffers[statement.target.name] = state.buffers.pop(statement.target.name)
    _elementwise(state, statement, statement.expr, names)
