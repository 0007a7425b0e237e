"""The scalar expressions of a forward formula: five frozen nodes and a generic way through them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from symconv.notation.affine import Affine
from symconv.notation.functions import TABLE

__all__ = [
    "FUNCTIONS",
    "TURNS",
    "Apply",
    "Border",
    "Const",
    "Constraint",
    "Expr",
    "Index",
    "Piece",
    "Range",
    "Read",
    "Reduce",
    "add",
    "children",
    "equal",
    "mul",
    "nonnegative",
    "reads",
    "rebuild",
    "rename",
    "transform",
    "walk",
]

FUNCTIONS: dict[str, int] = {name: entry.arity for name, entry in TABLE.items()}
"""Every scalar function of the notation with its number of arguments."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """``form >= 0``, or ``form == 0`` where ``equality``."""

    form: Affine
    equality: bool = False

    def __str__(self) -> str:
        return f"{self.form} {'=' if self.equality else '>='} 0"

    def substitute(self, values: dict[str, Affine]) -> Constraint:
        """The constraint with names replaced."""
        form = self.form.substitute(values)
        return self if form is self.form else Constraint(form, self.equality)


def nonnegative(form: Affine) -> Constraint:
    """``form >= 0``."""
    return Constraint(form)


def equal(left: Affine, right: Affine) -> Constraint:
    """``left == right``."""
    return Constraint(left - right, True)


@dataclass(frozen=True, slots=True)
class Range:
    """An index that runs over ``0 <= name < extent``."""

    name: str
    extent: Affine


TURNS = 8
"""Most times that a periodic index may lie a whole size outside its tensor: each time is a piece of its own."""


@dataclass(frozen=True, slots=True)
class Border:
    """What a read finds outside its tensor.

    ``kind`` is ``"constant"`` (the number ``value``), ``"skip"`` (the tap is not taken), ``"reflect"`` (edge not
    repeated), ``"symmetric"`` (edge repeated), ``"replicate"`` or ``"circular"``.
    """

    kind: str
    value: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Const:
    """An exact rational number."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Index:
    """The value of an integer form of indices and sizes, as a scalar."""

    form: Affine


@dataclass(frozen=True, slots=True)
class Read:
    """One element of a tensor, one affine form per logical axis; ``border`` is None where it never leaves the
    tensor."""

    tensor: str
    index: tuple[Affine, ...]
    border: Border | None = None


@dataclass(frozen=True, slots=True)
class Apply:
    """A function of ``FUNCTIONS`` applied to scalars."""

    function: str
    arguments: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """One convex part of a reduction's domain, and the summand there."""

    where: tuple[Constraint, ...]
    body: Expr


@dataclass(frozen=True, slots=True)
class Reduce:
    """``kind`` over ``indices`` of disjoint pieces; kinds are sum, prod, mean, max, min, argmax and argmin.

    argmax and argmin give the row-major position of the first extreme tap among ``indices``.
    """

    kind: str
    indices: tuple[Range, ...]
    pieces: tuple[Piece, ...]


Expr = Const | Index | Read | Apply | Reduce


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct subexpressions."""
    match expr:
        case Apply(_, arguments):
            return arguments
        case Reduce(_, _, pieces):
            return tuple(piece.body for piece in pieces)
        case _:
            return ()


def rebuild(expr: Expr, new: tuple[Expr, ...]) -> Expr:
    """The same node over other subexpressions."""
    match expr:
        case Apply():
            return replace(expr, arguments=new)
        case Reduce(_, _, pieces):
            bodies = zip(pieces, new, strict=True)
            return replace(expr, pieces=tuple(replace(piece, body=body) for piece, body in bodies))
        case _:
            return expr


def transform(expr: Expr, rule: Callable[[Expr], Expr | None]) -> Expr:
    """Top-down rewriting: where ``rule`` answers, its answer stands as it is; elsewhere the children are rewritten."""
    answer = rule(expr)
    if answer is not None:
        return answer
    return rebuild(expr, tuple(transform(child, rule) for child in children(expr)))


def walk(expr: Expr) -> Iterator[Expr]:
    """The expression and everything below it, in reading order."""
    yield expr
    for child in children(expr):
        yield from walk(child)


def reads(expr: Expr) -> tuple[Read, ...]:
    """Every distinct read, in reading order."""
    return tuple(dict.fromkeys(node for node in walk(expr) if isinstance(node, Read)))


def rename(expr: Expr, values: dict[str, Affine]) -> Expr:
    """The expression with index names replaced by forms; a name bound by an inner reduction must not be among them."""

    def rule(node: Expr) -> Expr | None:
        match node:
            case Index(form):
                return Index(form.substitute(values))
            case Read(_, index, _):
                return replace(node, index=tuple(form.substitute(values) for form in index))
            case Reduce(kind, indices, pieces):
                bound = tuple(Range(r.name, r.extent.substitute(values)) for r in indices)
                parts = tuple(
                    Piece(tuple(c.substitute(values) for c in p.where), rename(p.body, values)) for p in pieces
                )
                return Reduce(kind, bound, parts)
            case _:
                return None

    return transform(expr, rule)


def add(left: Expr, right: Expr) -> Expr:
    """``left + right`` with zero folded."""
    if left == Const(Fraction(0)):
        return right
    if right == Const(Fraction(0)):
        return left
    return Apply("add", (left, right))


def mul(left: Expr, right: Expr) -> Expr:
    """``left * right`` with zero and one folded."""
    match (left, right):
        case (Const(value), _):
            return Const(Fraction(0)) if value == 0 else right if value == 1 else Apply("mul", (left, right))
        case (_, Const(value)):
            return Const(Fraction(0)) if value == 0 else left if value == 1 else Apply("mul", (left, right))
    return Apply("mul", (left, right))
