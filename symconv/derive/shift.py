"""Sums of exponentials inside a logarithm or a quotient, computed with the largest exponent taken off.

``log(Σ exp(a)) = m + log(Σ exp(a − m))`` and ``Σ exp(a)·f / Σ exp(b) = Σ exp(a − m)·f / Σ exp(b − m)`` whatever ``m``
is; with the maximum of the exponents no term overflows and one is 1. As they hold for every ``m``, the slope by ``m``
is 0: ``m`` is held fixed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import reduce
from typing import Any

import sympy

from symconv.derive.nested import Split, moved
from symconv.derive.scalar import symbolic
from symconv.errors import InternalError
from symconv.notation.expr import Apply, Const, Expr, Piece, Range, Read, Reduce, rebuild, walk
from symconv.notation.operator import Operator

__all__ = ["shifted"]


@dataclass(slots=True)
class _Shift:
    split: Split
    known: dict[tuple[Expr, tuple[Range, ...]], Expr] = field(default_factory=dict)
    proofs: dict[str, int] = field(default_factory=dict)


def shifted(op: Operator) -> tuple[Operator, str]:
    """The operator with every logarithm and quotient of sums of exponentials shifted, and what was proved of it.

    The same operator and "" where there is none. Raises InternalError where the identity does not hold.
    """
    if op.surrogates or not any(_is_subject(node) for s in op.statements for node in walk(s.expr)):
        return op, ""
    state = _Shift(Split.of(op))
    for statement in op.statements:
        expr = _rewritten(state, statement.expr, statement.ranges)
        state.split.new.append(replace(statement, expr=expr))
    said = "; ".join(f"{proof} ({count} times)" if count > 1 else proof for proof, count in state.proofs.items())
    return replace(op, statements=tuple(state.split.new)), said


def _is_subject(expr: Expr) -> bool:
    match expr:
        case Apply("log", (inner,)):
            return _is_exponential(inner) and _is_sum(inner)
        case Apply("div", (above, below)):
            return _is_exponential(below) and _is_sum(below) and (_is_exponential(above) or _is_mixed(below))
    return False


def _is_mixed(expr: Expr) -> bool:
    """Whether a term without ``exp`` stands beside others, as in ``1 + exp(a)``: it counts as ``exp(0)``."""
    match expr:
        case Apply("mul", (left, right)):
            return _is_mixed(left) or _is_mixed(right)
        case Apply("neg", (inner,)) | Apply("div", (inner, _)):
            return _is_mixed(inner)
        case Apply("add" | "sub", (left, right)):
            return not (_is_exponential(left) and _is_exponential(right)) or _is_mixed(left) or _is_mixed(right)
        case Reduce(_, _, pieces):
            return any(_is_mixed(piece.body) for piece in pieces)
    return False


def _is_sum(expr: Expr) -> bool:
    return any(isinstance(n, Reduce) or (isinstance(n, Apply) and n.function == "add") for n in _factors(expr))


def _factors(expr: Expr) -> tuple[Expr, ...]:
    match expr:
        case Apply("mul", (left, right)):
            return (*_factors(left), *_factors(right))
        case Apply("neg", (inner,)) | Apply("div", (inner, _)):
            return _factors(inner)
    return (expr,)


def _is_exponential(expr: Expr) -> bool:
    """Whether there is ``exp`` in the terms of a sum: then taking ``m`` off the exponents divides all by ``exp(m)``."""
    match expr:
        case Apply("exp", _):
            return True
        case Apply("mul", (left, right)):
            return _is_exponential(left) or _is_exponential(right)
        case Apply("neg", (inner,)) | Apply("div", (inner, _)):
            return _is_exponential(inner)
        case Apply("add" | "sub", (left, right)):
            return _is_exponential(left) or _is_exponential(right)
        case Reduce("sum" | "mean", _, pieces):
            return bool(pieces) and all(_is_exponential(piece.body) for piece in pieces)
    return False


def _rewritten(state: _Shift, expr: Expr, ranges: tuple[Range, ...]) -> Expr:
    """Innermost first: exponents and factors may hold others of the kind."""
    match expr:
        case Reduce(_, indices, pieces):
            inside = (*ranges, *indices)
            return replace(expr, pieces=tuple(replace(p, body=_rewritten(state, p.body, inside)) for p in pieces))
        case Apply(_, arguments):
            done = rebuild(expr, tuple(_rewritten(state, argument, ranges) for argument in arguments))
            return _shift(state, done, ranges) if _is_subject(expr) and _is_subject(done) else done
    return expr


def _shift(state: _Shift, expr: Expr, ranges: tuple[Range, ...]) -> Expr:
    match expr:
        case Apply("log", (inner,)):
            held = _held(state, inner, ranges)
            less = _less(inner, held)
            _prove_log(state, inner, less, held)
            return Apply("add", (held, Apply("log", (less,))))
        case Apply("div", (above, below)):
            held = _held(state, below, ranges)
            pair = _less(above, held), _less(below, held)
            _prove_quotient(state, (above, below), pair, held)
            return Apply("div", pair)
    raise InternalError(f"{expr} holds no sum of exponentials")


def _held(state: _Shift, expr: Expr, ranges: tuple[Range, ...]) -> Expr:
    """The largest exponent, computed once where it is a reduction."""
    largest = _largest(expr)
    if any(isinstance(node, Reduce) for node in walk(largest)):
        key = largest, ranges
        if key not in state.known:
            state.known[key] = moved(state.split, largest, ranges)
        largest = state.known[key]
    return Apply("held", (largest,))


def _largest(expr: Expr) -> Expr:
    match expr:
        case Apply("exp", (exponent,)):
            return exponent
        case Apply("mul", (left, right)) if _is_exponential(expr):
            both = [_largest(side) for side in (left, right) if _is_exponential(side)]
            return reduce(lambda a, b: Apply("add", (a, b)), both)
        case Apply("neg", (inner,)) | Apply("div", (inner, _)):
            return _largest(inner)
        case Apply("add" | "sub", (left, right)):
            return Apply("max", (_largest(left), _largest(right)))
        case Reduce(_, indices, pieces) if _is_exponential(expr):
            return Reduce("max", indices, tuple(Piece(p.where, _largest(p.body)) for p in pieces))
    return Const(Fraction(0))


def _less(expr: Expr, held: Expr) -> Expr:
    """The expression divided by ``exp(held)``: in one factor of each product."""
    if not _is_exponential(expr):
        factor = Apply("exp", (Apply("neg", (held,)),))
        return factor if expr == Const(Fraction(1)) else Apply("mul", (expr, factor))
    match expr:
        case Apply("exp", (exponent,)):
            return Apply("exp", (Apply("sub", (exponent, held)),))
        case Apply("mul", (Apply("exp", (a,)), Apply("exp", (b,)))):
            # Together, or one of them could overflow alone.
            return Apply("exp", (Apply("sub", (Apply("add", (a, b)), held)),))
        case Apply("mul", (left, right)):
            return Apply("mul", (_less(left, held), right) if _is_exponential(left) else (left, _less(right, held)))
        case Apply("neg", (inner,)):
            return Apply("neg", (_less(inner, held),))
        case Apply("div", (above, below)):
            return Apply("div", (_less(above, held), below))
        case Apply(function, (left, right)):
            return Apply(function, (_less(left, held), _less(right, held)))
        case Reduce(_, _, pieces):
            return replace(expr, pieces=tuple(replace(p, body=_less(p.body, held)) for p in pieces))
    raise InternalError(f"{expr} is no sum of exponentials")


def _prove_log(state: _Shift, before: Expr, after: Expr, held: Expr) -> None:
    leaves: dict[Expr, Any] = {}
    factor, m = _factor(before, after, held, leaves), symbolic(held, leaves)
    total, free = sympy.Symbol("S", positive=True), sympy.Symbol("m", real=True)
    factor = factor.xreplace({m: free})
    whole = free + sympy.expand_log(sympy.log(factor * total))
    _require(whole - sympy.log(total), f"m + log(exp(-m)*S) = log(S) of {before}")
    _require(sympy.diff(free + sympy.log(factor * total), free), f"no slope by m of {before}")
    _note(
        state, "SymPy: Σ exp(a − m) = exp(−m)·Σ exp(a), m + log(exp(−m)·S) = log(S) for every m, so its slope by m is 0"
    )


def _prove_quotient(state: _Shift, before: tuple[Expr, Expr], after: tuple[Expr, Expr], held: Expr) -> None:
    leaves: dict[Expr, Any] = {}
    above, below = (_factor(b, a, held, leaves) for b, a in zip(before, after, strict=True))
    _require(above / below - 1, f"exp(-m) cancels in {before[0]} over {before[1]}")
    _note(state, "SymPy: exp(−m) is a factor of all of the numerator and of the denominator and cancels for every m, "
                 "so the slope by m is 0")  # fmt: skip


def _note(state: _Shift, said: str) -> None:
    state.proofs[said] = state.proofs.get(said, 0) + 1


def _require(difference: Any, what: str) -> None:
    if difference != 0 and sympy.simplify(difference) != 0:
        raise InternalError(f"a shift of exponents changes a formula: {what} is not so")


def _factor(before: Expr, after: Expr, held: Expr, leaves: dict[Expr, Any]) -> Any:
    """``after/before``, one factor for all terms: what a sum is multiplied by must not depend on its indices."""
    match before, after:
        case Reduce(_, indices, pieces), Reduce(_, others, changed) if indices == others:
            bound = {index.name for index in indices}
            reads = [node for node in walk(held) if isinstance(node, Read)]
            if any(form.names() & bound for read in reads for form in read.index):
                raise InternalError(f"a shift depends on {', '.join(sorted(bound))}, the indices of its own sum")
            if [p.where for p in pieces] != [p.where for p in changed]:
                raise InternalError("a shift changes the domain of a sum")
            found = {_factor(b.body, a.body, held, leaves) for b, a in zip(pieces, changed, strict=True)}
        case Apply("add" | "sub" as one, old), Apply("add" | "sub" as two, new) if one == two:
            found = {_factor(b, a, held, leaves) for b, a in zip(old, new, strict=True)}
        case Apply("neg", (b,)), Apply("neg", (a,)):
            found = {_factor(b, a, held, leaves)}
        case Apply("div", (b, below)), Apply("div", (a, same)) if below == same:
            found = {_factor(b, a, held, leaves)}
        case Apply("mul", (left, right)), Apply("mul", (first, second)) if right == second or left == first:
            found = {_factor(*((left, first) if right == second else (right, second)), held, leaves)}
        case _:
            quotient = sympy.powsimp(symbolic(after, leaves) / symbolic(before, leaves))
            # Most are that by now, and SymPy takes long to simplify what is simple.
            if quotient != sympy.exp(-symbolic(held, leaves)):
                quotient = sympy.powsimp(sympy.simplify(quotient))
            found = {quotient}
    if len(found) != 1:
        raise InternalError(f"the terms of {before} are multiplied by different factors")
    return found.pop()
