"""The way from a forward formula to the gather form of one gradient, every step kept with how it was checked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from symconv.derive.adjoint import adjoint
from symconv.derive.borders import resolve_borders
from symconv.derive.conventions import sentence
from symconv.derive.scalar import differentiate
from symconv.derive.shift import shifted
from symconv.derive.surrogates import plain, sentences
from symconv.derive.tangent import tangent
from symconv.derive.weights import leaves
from symconv.gather.checks import checked_borders, checked_ranges, checked_slope, checked_transpose
from symconv.gather.gather import gather
from symconv.gather.solution import Gather
from symconv.notation.expr import Apply, Const, Expr, Read, Reduce, reads, transform, walk
from symconv.notation.operator import Operator, Statement
from symconv.notation.surrogate import Surrogate
from symconv.notation.trace import Step, Trace

__all__ = ["Derivation", "derivation", "forward", "forward_mode"]


@dataclass(frozen=True, slots=True)
class Derivation:
    """One derived operator: what was stated, what it became, and the steps between.

    ``stated`` is the operator as given, ``wrt`` the tensor differentiated by ("" for the forward itself), ``operator``
    the
    result in relation form (an operator like any other), ``gather`` its solved form, ``trace`` the steps.
    """

    stated: Operator
    wrt: str
    operator: Operator
    gather: Gather
    trace: Trace

    @property
    def declared(self) -> tuple[Surrogate, ...]:
        """The surrogates that stand in the result instead of a derivative."""
        notes = [step.note for step in self.trace]
        return tuple(s for s in self.stated.surrogates if any(sentences((s,))[0] in note for note in notes))

    @property
    def owned(self) -> bool:
        """Whether every cell gathers its own sum; where not, a relation could not be inverted."""
        return all(s.owned for one in self.gather.statements for _, several in one.reductions for s in several)


@lru_cache(maxsize=256)
def forward(op: Operator) -> Derivation:
    """The forward operator itself: borders resolved, solved, proved; raises SpecError for one of several outputs."""
    _ = op.output
    resolved = _shown(resolve_borders(op))
    solved = gather(resolved)
    return Derivation(op, "", resolved, solved, (*_shifts(op), *_borders(op, resolved), *_solve(solved)))


@lru_cache(maxsize=256)
def derivation(op: Operator, wrt: str) -> Derivation:
    """The gradient of a loss with respect to input ``wrt``.

    Raises SpecError for an unknown tensor, DerivationError where no derivative exists, GatherError where a proof fails.
    """
    resolved = resolve_borders(op)
    result = adjoint(resolved, wrt)
    solved = gather(result)
    shown, asked = _shown(resolved), _asked(op, result)
    trace = (
        Step("state", op.source, op, checked_ranges(op), "; ".join(op.notes)),
        *_shifts(op),
        *_borders(op, shown),
        *_slopes(op, resolved, wrt),
        Step("transpose", shown, result, checked_transpose(op, wrt, result), asked),
        *_solve(solved),
    )
    return Derivation(op, wrt, result, solved, trace)


@lru_cache(maxsize=256)
def forward_mode(op: Operator, wrt: tuple[str, ...]) -> Derivation:
    """The directional derivative along tangents ``t<name>`` of the tensors ``wrt``."""
    resolved = resolve_borders(op)
    result = tangent(resolved, wrt)
    solved = gather(result)
    steps = tuple(step for name in wrt for step in _slopes(op, resolved, name))
    trace = (*_shifts(op), *_borders(op, _shown(resolved)), *steps, *_solve(solved))
    return Derivation(op, ",".join(wrt), result, solved, trace)


def _shown(op: Operator) -> Operator:
    """The operator as a reader sees it: declared slopes are steps of their own."""
    return replace(op, statements=tuple(replace(s, expr=plain(s.expr)) for s in op.statements))


def _asked(stated: Operator, result: Operator) -> str:
    """What a gradient needs of the tensors it is given, and what it computes again instead of asking for it."""
    known = {read.tensor for statement in result.statements for read in reads(statement.expr)}
    needed = ", ".join(name for name in result.tensors if name in known)
    shapes = ", ".join(name for name in result.tensors if name not in known)
    again = ", ".join(statement.target.name for statement in result.statements[:-1])
    parts = (
        f"reads {needed}" if needed else "reads no tensor",
        f"of {shapes} only the shape" if shapes else "",
        f"computes {again} first" if again else "",
        f"does not ask for {', '.join(one.name for one in stated.outputs)}",
    )
    return "; ".join(part for part in parts if part)


def _shifts(op: Operator) -> Trace:
    after, proved = shifted(op)
    return (Step("shift", op, after, proved, "the largest exponent is taken off and held fixed"),) if proved else ()


def _borders(stated: Operator, resolved: Operator) -> Trace:
    op = shifted(stated)[0]
    if op == resolved:
        return ()
    kinds = sorted({r.border.kind for s in op.statements for r in reads(s.expr) if r.border is not None})
    note = f"rule: {', '.join(kinds)}" if kinds else ""
    return (Step("border", op, resolved, checked_borders(stated, resolved), note),)


def _varying(op: Operator) -> tuple[Statement, ...]:
    """The statements whose values anything but a fixed shift reads."""
    read = {n.tensor for s in op.statements for n in walk(_without_held(s.expr)) if isinstance(n, Read)}
    return tuple(s for s in op.statements if s.target.name in read or s.target in op.outputs)


def _without_held(expr: Expr) -> Expr:
    zero = Const(Fraction(0))
    return transform(expr, lambda n: zero if isinstance(n, Apply) and n.function == "held" else None)


def _slopes(stated: Operator, op: Operator, wrt: str) -> Trace:
    """One step per read of the tensor inside a reduction, per read outside, per function around a reduction of it."""
    declared = tuple(s for s in stated.surrogates if s.target == wrt and not s.function)
    pairs: list[tuple[Expr, Read | Reduce, str]] = []
    for statement in _varying(op):
        for node in (n for n in walk(statement.expr) if isinstance(n, Reduce)):
            pairs += [(p.body, read, node.kind) for p in node.pieces for read in reads(p.body) if read.tensor == wrt]
        outer = (leaf for leaf in leaves(statement.expr) if any(r.tensor == wrt for r in reads(leaf)))
        pairs += [(statement.expr, leaf, "") for leaf in outer if plain(leaf) != plain(statement.expr)]
    steps = []
    for body, read, kind in pairs:
        slope = differentiate(body, read, op.kinks, op.surrogates)
        if isinstance(read, Read) and declared:
            check, note = "declared by the operator", "; ".join(sentences(declared))
        else:
            check = checked_slope(plain(body), plain(read), plain(slope), op)
            note = _conventions(op, plain(body), plain(read), kind)
        steps.append(Step("differentiate", (plain(body), plain(read)), plain(slope), check, note))
    return tuple(dict.fromkeys(steps))


def _conventions(op: Operator, body: Expr, leaf: Expr, kind: str) -> str:
    chosen = dict(op.kinks)
    functions = _around(leaf, body)
    declared = tuple(s for s in op.surrogates if s.target in functions)
    names = sorted({*functions, kind} - {s.target for s in declared})
    said = (sentence(name, chosen.get(name)) for name in names)
    return "; ".join((*(s for s in said if s), *sentences(declared)))


def _around(leaf: Expr, expr: Expr) -> frozenset[str]:
    """The functions a leaf is an argument of, near or far: those whose slopes take part."""
    match expr:
        case Apply("pow", (base, Const(power))) if power.denominator == 1:
            # A product, which has no convention.
            return _around(leaf, Apply("mul", (base, base)))
        case Apply(function, arguments):
            inside = frozenset[str]().union(*(_around(leaf, argument) for argument in arguments))
            return inside | {function} if inside or leaf in arguments else inside
    return frozenset()


def _solve(solved: Gather) -> Trace:
    steps = []
    for statement in solved.statements:
        fallback = any(not s.owned for _, several in statement.reductions for s in several)
        note = "not invertible: the contributions choose the cell, serially per parallel cell" if fallback else ""
        steps.append(Step("solve", statement.statement, statement, statement.proved, note))
    return tuple(steps)
