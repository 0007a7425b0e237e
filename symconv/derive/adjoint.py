"""The adjoint of an operator: every read's access relation transposed, weighted by the scalar derivative of its body.

What comes out is an operator again, over the cotangent and the inputs, in relation form: a reduction over all indices
with
the read's index equations as constraints. So a derivation can be derived, and nothing here knows any operator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import reduce

from symconv.derive.borders import fold
from symconv.derive.scalar import differentiate
from symconv.errors import DerivationError, SpecError
from symconv.notation.affine import Affine, var
from symconv.notation.expr import (
    Apply,
    Const,
    Constraint,
    Expr,
    Index,
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

__all__ = ["adjoint", "cotangent_name", "tangent"]

_FRESH = ("u", "v", "t", "a", "b", "d", "e", "h", "l", "m", "o", "s", "z")


_Weigh = Callable[[Expr], tuple[Expr, Callable[[Expr], Expr]]]


@dataclass(slots=True)
class _Sweep:
    op: Operator
    wrt: str
    kinks: tuple[tuple[str, str], ...]
    new: list[Statement] = field(default_factory=list)
    terms: dict[str, list[Expr]] = field(default_factory=dict)
    targets: dict[str, tuple[str, ...]] = field(default_factory=dict)


def cotangent_name(tensor: str) -> str:
    """The name of the loss's gradient with respect to a tensor."""
    return f"g{tensor}"


def adjoint(op: Operator, wrt: str) -> Operator:
    """The gradient of a loss with respect to input ``wrt``, as an operator over ``(g<output>, *op.inputs)``.

    ``op`` has its borders resolved. Raises SpecError for an unknown tensor, DerivationError where there is no
    derivative.
    """
    if wrt not in op.tensors:
        raise SpecError(f"{op.name} has no tensor {wrt!r} to differentiate by; its tensors are {', '.join(op.tensors)}")
    if op.input(wrt).dtype != "real":
        raise DerivationError(f"{wrt} holds positions: there is no gradient with respect to it")
    for name in (cotangent_name(op.output.name), cotangent_name(wrt)):
        if name in op.tensors:
            raise SpecError(f"{op.name} already has a tensor {name!r}, the name its gradient needs: rename that tensor")
    active = _active(op, wrt)
    sweep = _Sweep(op, wrt, op.kinks)
    for statement in reversed(op.statements):
        if statement.target.name in active:
            _statement(sweep, statement, active)
    target = op.input(wrt)
    gradient = _collect(sweep, target)
    cotangent = replace(op.output, name=cotangent_name(op.output.name))
    needed = _needed((*op.statements, *sweep.new), gradient)
    return Operator(
        name=f"grad_{wrt}({op.name})",
        inputs=(cotangent, *op.inputs),
        statements=(*needed, gradient),
        definitions=op.definitions,
        assumptions=op.assumptions,
        windows=op.windows,
        kinks=op.kinks,
        surrogates=op.surrogates,
        source=f"∂L/∂{wrt} of {op.source}",
        batch=op.batch,
    )


def _active(op: Operator, wrt: str) -> frozenset[str]:
    """The tensors through which the output depends on ``wrt``."""
    found = {wrt}
    for statement in op.statements:
        if statement.target.dtype == "real" and any(r.tensor in found for r in reads(statement.expr)):
            found.add(statement.target.name)
    return frozenset(found)


def _statement(sweep: _Sweep, statement: Statement, active: frozenset[str]) -> None:
    """Add the contributions of one statement to the cotangents of what it reads."""
    output = statement.target.name
    if output == sweep.op.output.name:
        cotangent = cotangent_name(output)
    else:
        collected = _collect(sweep, statement.target)
        sweep.new.append(collected)
        cotangent = collected.target.name
    gy = Read(cotangent, tuple(var(name) for name in statement.indices))
    outer = _leaves(statement.expr)
    for leaf in outer:
        touched = [r for r in reads(leaf) if r.tensor in active]
        if not touched:
            continue
        slope = differentiate(statement.expr, leaf, sweep.kinks)
        weight = fold(Apply("mul", (gy, slope)))
        match leaf:
            case Read():
                _contribute(sweep, statement.ranges, (), leaf, weight)
            case Reduce():
                _reduction(sweep, statement, leaf, _buffered(sweep, statement, weight), active)


def _leaves(expr: Expr) -> tuple[Read | Reduce, ...]:
    match expr:
        case Read() | Reduce():
            return (expr,)
        case Apply(_, arguments):
            return tuple(dict.fromkeys(leaf for argument in arguments for leaf in _leaves(argument)))
    return ()


def _buffered(sweep: _Sweep, statement: Statement, weight: Expr) -> Expr:
    """A weight that holds a reduction is computed once per output cell, not once per tap."""
    if not any(isinstance(node, Reduce) for node in walk(weight)):
        return weight
    name = _unused(sweep, f"q{statement.target.name}")
    buffer = replace(statement.target, name=name, dtype="real")
    sweep.new.append(Statement(buffer, statement.indices, weight))
    return Read(name, tuple(var(index) for index in statement.indices))


def _reduction(sweep: _Sweep, statement: Statement, node: Reduce, cotangent: Expr, active: frozenset[str]) -> None:
    weigh = _chooser(sweep, statement, node, cotangent)
    for piece in node.pieces:
        for read in reads(piece.body):
            if read.tensor in active:
                weight, chosen = weigh(piece.body)
                body = fold(Apply("mul", (weight, differentiate(piece.body, read, sweep.kinks))))
                _contribute(sweep, (*statement.ranges, *node.indices), piece.where, read, chosen(body))


def _chooser(sweep: _Sweep, statement: Statement, node: Reduce, weight: Expr) -> _Weigh:
    """How a reduction hands its cotangent to a tap: all of it (sum), or to the extreme tap (max, min)."""
    if node.kind == "sum":
        return lambda body: (weight, lambda term: term)
    if node.kind not in {"max", "min"}:
        raise DerivationError(f"{node.kind} has no derivative")
    here = tuple(var(index) for index in statement.indices)
    zero, one = Const(Fraction(0)), Const(Fraction(1))
    choice = dict(sweep.kinks).get(node.kind, "first")
    if choice == "share":
        extreme = Read(_buffer(sweep, statement, f"m{statement.target.name}", node, "real"), here)
        tied = replace(
            node,
            kind="sum",
            pieces=tuple(
                replace(p, body=Apply("where", (Apply("eq", (p.body, extreme)), one, zero))) for p in node.pieces
            ),
        )
        shared = _buffered(sweep, statement, Apply("div", (weight, tied)))
        return lambda body: (shared, lambda term: Apply("where", (Apply("eq", (body, extreme)), term, zero)))
    first = replace(node, kind=f"arg{node.kind}")
    position = Read(_buffer(sweep, statement, f"k{statement.target.name}", first, "index"), here)
    chosen = Apply("eq", (position, linear(node.indices)))
    return lambda body: (weight, lambda term: Apply("where", (chosen, term, zero)))


def _buffer(sweep: _Sweep, statement: Statement, wish: str, expr: Expr, dtype: str) -> str:
    name = _unused(sweep, wish)
    sweep.new.append(Statement(replace(statement.target, name=name, dtype=dtype), statement.indices, expr))
    return name


def linear(indices: tuple[Range, ...]) -> Expr:
    """The row-major position of a tap among a reduction's indices."""
    total: Expr = Const(Fraction(0))
    for index in indices:
        total = fold(Apply("add", (Apply("mul", (total, Index(index.extent))), Index(var(index.name)))))
    return total


def _unused(sweep: _Sweep, wish: str) -> str:
    taken = {
        *sweep.op.tensors,
        *(s.target.name for s in (*sweep.op.statements, *sweep.new)),
        "g" + sweep.op.output.name,
    }
    name, count = wish, 2
    while name in taken:
        name, count = f"{wish}{count}", count + 1
    return name


def _contribute(
    sweep: _Sweep, ranges: tuple[Range, ...], where: tuple[Constraint, ...], read: Read, body: Expr
) -> None:
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
    bound = {r.name for r in ranges}
    taken = bound | set(op.tensors) | {statement.target.name for statement in op.statements}
    fresh = (name for name in (*_FRESH, *(f"u{k}" for k in range(1, 50))) if name not in taken)
    names: list[str] = []
    for form in read.index:
        lone = form.name
        names.append(lone if lone in bound and lone not in names else next(fresh))
    return tuple(names)


def _tensor(sweep: _Sweep, name: str) -> Tensor:
    targets = {s.target.name: s.target for s in (*sweep.op.statements, *sweep.new)}
    return targets[name] if name in targets else sweep.op.input(name)


def _collect(sweep: _Sweep, tensor: Tensor) -> Statement:
    """The cotangent of a tensor: the sum of its contributions."""
    terms = sweep.terms.get(tensor.name, [])
    names = sweep.targets.get(tensor.name) or tuple(_FRESH[k] for k in range(len(tensor.sizes)))
    expr: Expr = reduce(lambda a, b: Apply("add", (a, b)), terms) if terms else Const(Fraction(0))
    name = cotangent_name(tensor.name)
    return Statement(Tensor(name, tensor.axes), names, expr)


def _needed(statements: tuple[Statement, ...], last: Statement) -> tuple[Statement, ...]:
    wanted, kept = {r.tensor for r in reads(last.expr)}, []
    for statement in reversed(statements):
        if statement.target.name in wanted:
            kept.append(statement)
            wanted |= {r.tensor for r in reads(statement.expr)}
    return tuple(reversed(kept))


def tangent(op: Operator, wrt: tuple[str, ...]) -> Operator:
    """The directional derivative of ``op`` along tangents ``t<name>``, an operator over ``(*op.inputs, *tangents)``.

    Raises SpecError for an unknown tensor.
    """
    for name in wrt:
        if name not in op.tensors:
            raise SpecError(f"{op.name} has no tensor {name!r}; its tensors are {', '.join(op.tensors)}")
    sweep = _Sweep(op, "", op.kinks)
    moving = {name: f"t{name}" for name in wrt}
    for statement in op.statements:
        terms = [term for leaf in _leaves(statement.expr) for term in _moved(sweep, statement, leaf, moving)]
        name = f"t{statement.target.name}"
        if terms or statement is op.statements[-1]:
            expr: Expr = reduce(lambda a, b: Apply("add", (a, b)), terms) if terms else Const(Fraction(0))
            sweep.new.append(Statement(replace(statement.target, name=name), statement.indices, expr))
            moving[statement.target.name] = name
    tangents = tuple(replace(op.input(name), name=f"t{name}") for name in wrt)
    last = sweep.new.pop()
    return replace(
        op,
        name=f"jvp({op.name})",
        inputs=(*op.inputs, *tangents),
        statements=(*_needed((*op.statements, *sweep.new), last), last),
        source=f"directional derivative of {op.source}",
    )


def _moved(sweep: _Sweep, statement: Statement, leaf: Read | Reduce, moving: dict[str, str]) -> list[Expr]:
    """What one leaf of a statement contributes to the tangent of its target."""
    if not any(r.tensor in moving for r in reads(leaf)):
        return []
    slope = differentiate(statement.expr, leaf, sweep.kinks)
    if isinstance(leaf, Read):
        return [fold(Apply("mul", (slope, replace(leaf, tensor=moving[leaf.tensor]))))]
    weigh = _chooser(sweep, statement, leaf, Const(Fraction(1)))
    pieces = []
    for piece in leaf.pieces:
        weight, chosen = weigh(piece.body)
        total: Expr = Const(Fraction(0))
        for read in reads(piece.body):
            if read.tensor in moving:
                part = Apply(
                    "mul", (differentiate(piece.body, read, sweep.kinks), replace(read, tensor=moving[read.tensor]))
                )
                total = fold(Apply("add", (total, part)))
        if total != Const(Fraction(0)):
            pieces.append(replace(piece, body=chosen(fold(Apply("mul", (weight, total))))))
    inner = replace(leaf, kind="sum", pieces=tuple(pieces))
    return [fold(Apply("mul", (slope, inner)))] if pieces else []
