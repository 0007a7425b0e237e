"""The adjoint of an operator: every read's access relation transposed, weighted by the scalar derivative of its body.

What comes out is an operator again, over the cotangent and the inputs, in relation form: a reduction over all indices
with the read's index equations as constraints. So a derivation can be derived, and nothing here knows any operator.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache, reduce
from itertools import chain, count, islice

from symconv.derive.merging import merged
from symconv.derive.selects import gated, is_selective
from symconv.derive.weights import (
    Sweep,
    buffered,
    chooser,
    is_cheap,
    leaves,
    needed,
    plain_statements,
    slope_of,
    unused,
)
from symconv.errors import DerivationError, SpecError
from symconv.notation.affine import Affine, var
from symconv.notation.expr import (
    Apply,
    Const,
    Constraint,
    Expr,
    Piece,
    Range,
    Read,
    Reduce,
    equal,
    nonnegative,
    reads,
    rename,
    walk,
)
from symconv.notation.operator import Operator, Statement, Tensor

__all__ = ["adjoint", "cotangent_name"]

_FRESH = ("u", "v", "t", "a", "b", "d", "e", "h", "l", "m", "o", "s", "z")


def cotangent_name(tensor: str) -> str:
    """The name of the loss's gradient with respect to a tensor."""
    return f"g{tensor}"


def adjoint(op: Operator, wrt: str) -> Operator:
    """The gradient of a loss with respect to input ``wrt``, as an operator over ``(g<output>, *op.inputs)``.

    Of several outputs each has a cotangent, and the loss is the sum of the products of both. ``op`` has its borders
    resolved. Raises SpecError for an unknown tensor, DerivationError where there is no derivative.
    """
    # Equal operators may call their numbers by other names.
    return replace(_adjoint(op, wrt), numbers=op.numbers)


# Deciding a claim, refuting and explaining it ask for the same gradient.
@lru_cache(maxsize=64)
def _adjoint(op: Operator, wrt: str) -> Operator:
    if wrt not in op.tensors:
        raise SpecError(f"{op.name} has no tensor {wrt!r} to differentiate by; its tensors are {', '.join(op.tensors)}")
    if op.input(wrt).dtype != "real":
        what = "is a size" if op.input(wrt).is_size else "holds positions"
        raise DerivationError(f"{wrt} {what}: there is no gradient with respect to it")
    cotangents = tuple(replace(one, name=cotangent_name(one.name)) for one in op.outputs)
    targets = {s.target.name for s in op.statements}
    names = tuple(one.name for one in cotangents)
    for name in (*names, cotangent_name(wrt)):
        # A gradient that is derived again computes what is called as its gradient will be, and does not need it.
        if name in op.tensors or (name in targets and (op.several or name in names)):
            raise SpecError(f"{op.name} already has a tensor {name!r}, the name its gradient needs: rename that tensor")
    active = _active(op, wrt)
    sweep = Sweep(op, wrt)
    if op.several:
        _given(sweep)
    for statement in reversed(op.statements):
        if statement.target.name in active:
            _statement(sweep, statement, active)
    target = op.input(wrt)
    gradient = _collect(sweep, target)
    kept = needed((*op.statements, *sweep.new), gradient)
    return Operator(
        name=f"grad_{wrt}({op.name})",
        inputs=(*cotangents, *op.inputs),
        statements=plain_statements((*kept, gradient)),
        definitions=op.definitions,
        assumptions=op.assumptions,
        windows=op.windows,
        kinks=op.kinks,
        surrogates=op.surrogates,
        source=f"∂L/∂{wrt} of {op.source}",
        batch=op.batch,
        occupied=op.occupied,
    )


def _active(op: Operator, wrt: str) -> frozenset[str]:
    """The tensors through which the output depends on ``wrt``."""
    found = {wrt}
    for statement in op.statements:
        if statement.target.dtype == "real" and any(r.tensor in found for r in reads(statement.expr)):
            found.add(statement.target.name)
    return frozenset(found)


def _given(sweep: Sweep) -> None:
    """The cotangents of several outputs: what the caller gives is one of the contributions to each."""
    for statement in sweep.op.statements:
        output = statement.target
        if output in sweep.op.outputs:
            here = tuple(var(name) for name in statement.indices)
            sweep.targets[output.name] = statement.indices
            sweep.terms[output.name] = [Read(cotangent_name(output.name), here)]


def _statement(sweep: Sweep, statement: Statement, active: frozenset[str]) -> None:
    """Add the contributions of one statement to the cotangents of what it reads."""
    output = statement.target.name
    last = not sweep.op.several and output == sweep.op.output.name
    if not last and not sweep.terms.get(output):
        return
    if last:
        gy: Expr = Read(cotangent_name(output), tuple(var(name) for name in statement.indices))
    else:
        gy = _cotangent(sweep, statement)
    for leaf in leaves(statement.expr):
        touched = [r for r in reads(leaf) if r.tensor in active]
        if not touched:
            continue
        slope = slope_of(sweep, statement.expr, leaf)
        weight = gated(gy, slope, frozenset(sweep.selected))
        match leaf:
            case Read():
                _contribute(sweep, statement.ranges, (), leaf, buffered(sweep, statement, weight))
            case Reduce():
                _reduction(sweep, statement, leaf, weight, active)


def _cotangent(sweep: Sweep, statement: Statement) -> Expr:
    """The cotangent of an intermediate: an array of its own, or what it merely repeats."""
    collected = _collect(sweep, statement.target)
    match collected.expr:
        case Read():
            return rename(collected.expr, dict(zip(collected.indices, map(var, statement.indices), strict=True)))
        case Reduce("sum", (), (Piece((), body),)) if is_cheap(body):
            return rename(body, dict(zip(collected.indices, map(var, statement.indices), strict=True)))
    sweep.new.append(collected)
    if any(is_selective(body, frozenset(sweep.selected)) for body in _bodies(collected.expr)):
        sweep.selected.add(collected.target.name)
    return Read(collected.target.name, tuple(var(name) for name in statement.indices))


def _bodies(expr: Expr) -> Iterator[Expr]:
    for node in walk(expr):
        if isinstance(node, Reduce):
            yield from (piece.body for piece in node.pieces)


def _reduction(sweep: Sweep, statement: Statement, node: Reduce, cotangent: Expr, active: frozenset[str]) -> None:
    weigh = chooser(sweep, statement, node, cotangent)
    ranges = (*statement.ranges, *node.indices)
    parts: dict[Read, list[Piece]] = {}
    for piece in node.pieces:
        for read in reads(piece.body):
            if read.tensor in active:
                weight, chosen = weigh(piece.body)
                body = gated(weight, slope_of(sweep, piece.body, read), frozenset(sweep.selected))
                parts.setdefault(read, []).append(Piece(piece.where, chosen(body)))
    for read, pieces in parts.items():
        for piece in merged(sweep.context, ranges, tuple(pieces)):
            _contribute(sweep, ranges, piece.where, read, piece.body)


def _contribute(sweep: Sweep, ranges: tuple[Range, ...], where: tuple[Constraint, ...], read: Read, body: Expr) -> None:
    """One term of a gradient: the read's access relation, transposed."""
    if body == Const(Fraction(0)):
        return
    names = sweep.targets.setdefault(read.tensor, _target_names(sweep.op, read, ranges))
    ranges, values = _apart(ranges, names, read)
    body = rename(body, values)
    index = tuple(form.substitute(values) for form in read.index)
    where = tuple(c.substitute(values) for c in where)
    sizes = _tensor(sweep, read.tensor).sizes
    extents = {r.name: r.extent for r in ranges}
    solved: dict[str, Affine] = {}
    equations = []
    for name, form, size in zip(names, index, sizes, strict=True):
        lone = form.name
        if lone in extents and lone not in solved and lone not in names:
            solved[lone] = var(name)
            if extents[lone] != size:
                where = (*where, nonnegative(extents[lone] - 1 - var(name)))
        else:
            equations.append(equal(var(name), form))
    kept = tuple(r for r in ranges if r.name not in solved)
    constraints = tuple(c.substitute(solved) for c in (*where, *equations))
    piece = Piece(constraints, rename(body, solved))
    sweep.terms.setdefault(read.tensor, []).append(Reduce("sum", kept, (piece,)))


def _apart(
    ranges: tuple[Range, ...], names: tuple[str, ...], read: Read
) -> tuple[tuple[Range, ...], dict[str, Affine]]:
    """Rename bound indices that collide with the target's names."""
    used = {*names, *(r.name for r in ranges)}
    values = {}
    for index in ranges:
        if index.name in names:
            fresh = next(f"{index.name}{k}" for k in range(1, 100) if f"{index.name}{k}" not in used)
            used.add(fresh)
            values[index.name] = var(fresh)
    return tuple(Range((values.get(r.name) or var(r.name)).name or "", r.extent) for r in ranges), values


def _target_names(op: Operator, read: Read, ranges: tuple[Range, ...]) -> tuple[str, ...]:
    bound = frozenset(r.name for r in ranges)
    fresh = _fresh(op, bound)
    names: list[str] = []
    for form in read.index:
        lone = form.name
        names.append(lone if lone in bound and lone not in names else next(fresh))
    return tuple(names)


def _fresh(op: Operator, bound: frozenset[str]) -> Iterator[str]:
    """Index names that mean nothing else yet."""
    taken = bound | set(op.tensors) | {statement.target.name for statement in op.statements}
    return (name for name in chain(_FRESH, (f"u{k}" for k in count(1))) if name not in taken)


def _tensor(sweep: Sweep, name: str) -> Tensor:
    targets = {s.target.name: s.target for s in (*sweep.op.statements, *sweep.new)}
    return targets[name] if name in targets else sweep.op.input(name)


def _collect(sweep: Sweep, tensor: Tensor) -> Statement:
    """The cotangent of a tensor: the sum of its contributions."""
    terms = sweep.terms.get(tensor.name, [])
    names = sweep.targets.get(tensor.name) or tuple(islice(_fresh(sweep.op, frozenset()), len(tensor.sizes)))
    expr: Expr = reduce(lambda a, b: Apply("add", (a, b)), terms) if terms else Const(Fraction(0))
    name = cotangent_name(tensor.name)
    if tensor.name != sweep.wrt:
        # A derivation that is derived again already has cotangents of its intermediates.
        name = unused(sweep, name)
    return Statement(Tensor(name, tensor.axes), names, expr)
