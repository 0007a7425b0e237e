"""Statements as sweeps: what is summed into one array, what is an extreme, what is computed entry by entry."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from symconv.notation.affine import var
from symconv.notation.expr import Apply, Const, Expr, Piece, Read, Reduce, mul, transform, walk
from symconv.notation.operator import Statement, Tensor
from symconv.readable.words import Words

__all__ = ["Task", "tasks"]


@dataclass(frozen=True, slots=True)
class Task:
    """One array to compute: ``kind`` over pieces; an expression without reductions is a piece over no index."""

    statement: Statement
    kind: str
    reductions: tuple[Reduce, ...]


def tasks(statements: tuple[Statement, ...], words: Words) -> tuple[Task, ...]:
    """The arrays of a program in order; a reduction inside an expression is an array of its own, computed once."""
    made: list[Task] = []
    known: dict[object, Read] = {}
    for statement in statements:
        _task(statement, words, made, known)
    return tuple(made)


def _task(statement: Statement, words: Words, made: list[Task], known: dict[object, Read]) -> None:
    expr = statement.expr
    if isinstance(expr, Reduce) and expr.kind != "sum":
        made.append(Task(statement, expr.kind, (_split(expr),)))
        return

    def rule(node: Expr) -> Expr | None:
        if not isinstance(node, Reduce):
            return None
        key = (node, statement.indices, statement.target.sizes)
        if key not in known:
            name = words.fresh("z", "z1")
            inner = Statement(Tensor(name, _plain(statement.target)), statement.indices, node)
            _task(inner, words, made, known)
            known[key] = Read(name, tuple(var(n) for n in statement.indices))
        return known[key]

    summed = []
    for factor, term in _terms(expr, Fraction(1)):
        if isinstance(term, Reduce) and term.kind == "sum":
            summed.append(_scaled(_split(term), factor))
        else:
            body = mul(Const(factor), transform(term, rule))
            summed.append(Reduce("sum", (), (Piece((), body),)))
    made.append(Task(statement, "sum", tuple(summed)))


def _plain(tensor: Tensor) -> tuple[tuple, ...]:  # type: ignore[type-arg]
    return tuple((size,) for size in tensor.sizes)


def _terms(expr: Expr, factor: Fraction) -> list[tuple[Fraction, Expr]]:
    """A sum as its terms, each with a number; one that holds no sum over indices stays as it is."""
    if not any(isinstance(node, Reduce) for node in walk(expr)):
        return [(factor, expr)]
    match expr:
        case Apply("add", (left, right)):
            return [*_terms(left, factor), *_terms(right, factor)]
        case Apply("sub", (left, right)):
            return [*_terms(left, factor), *_terms(right, -factor)]
        case Apply("neg", (inner,)):
            return _terms(inner, -factor)
        case Apply("mul", (Const(number), inner)) | Apply("mul", (inner, Const(number))):
            return _terms(inner, factor * number)
    return [(factor, expr)]


def _scaled(node: Reduce, factor: Fraction) -> Reduce:
    if factor == 1:
        return node
    pieces = tuple(Piece(p.where, mul(Const(factor), p.body)) for p in node.pieces)
    return Reduce(node.kind, node.indices, pieces)


def _split(node: Reduce) -> Reduce:
    """A sum of sums: each addend of a body is a piece of its own, and becomes one einsum."""
    if node.kind != "sum":
        return node
    pieces = tuple(Piece(p.where, body) for p in node.pieces for body in _addends(p.body, Fraction(1)))
    return Reduce("sum", node.indices, pieces)


def _addends(body: Expr, factor: Fraction) -> list[Expr]:
    match body:
        case Apply("add", (left, right)) if _is_product(left) and _is_product(right):
            return [*_addends(left, factor), *_addends(right, factor)]
        case Apply("sub", (left, right)) if _is_product(left) and _is_product(right):
            return [*_addends(left, factor), *_addends(right, -factor)]
    return [mul(Const(factor), body)]


def _is_product(expr: Expr) -> bool:
    match expr:
        case Apply("mul", (left, right)):
            return isinstance(left, Read) and isinstance(right, Read)
        case Apply("add" | "sub", (left, right)):
            return _is_product(left) and _is_product(right)
    return False
