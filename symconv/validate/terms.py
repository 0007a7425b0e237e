"""What a cell of a buffer holds: signed terms, each with the instances that contribute it and the elements they read.

A term's ``form`` is its expression with every element and every integer left blank; the blanks are the coordinates of
the instances' image, after those of the cell. Reductions inside a function are slots of the form.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace

from symconv.loops.ir import Binary, Call, Compare, Const, Expr, Load, Real, Select, Splat, Var
from symconv.loops.traverse import walk
from symconv.relation.points import Instances, UnclearError, Word
from symconv.validate.words import is_integer, parts, word

__all__ = ["Sum", "Term", "is_neutral", "shape", "terms_of"]

Form = Hashable


@dataclass(frozen=True, slots=True)
class Term:
    """``sign`` times ``form``, for every instance; ``slots`` are the reductions in the form."""

    sign: int
    form: Form
    instances: Instances
    slots: tuple[Sum, ...] = ()


@dataclass(frozen=True, slots=True)
class Sum:
    """A reduction by ``op`` (``+ max min argmax argmin``) over terms."""

    op: str
    terms: tuple[Term, ...]

    def under(self, at: Instances) -> Sum:
        """The same under the facts of the point where the reduction is used."""
        return Sum(self.op, tuple(_under(term, at) for term in self.terms))

    def apart(self, names: tuple[str, ...]) -> Sum:
        """The same with variables of its own in place of those that are called like ``names``."""
        return Sum(self.op, tuple(_apart(term, names) for term in self.terms))

    def of(self, cell: tuple[Word, ...]) -> Sum:
        """The same as a contribution to a cell."""
        moved = (replace(t, instances=t.instances.touching((*cell, *t.instances.image))) for t in self.terms)
        return Sum(self.op, tuple(moved))


def _under(term: Term, at: Instances) -> Term:
    own = term.instances
    gone = frozenset(at.dims) - set(own.dims)
    more = tuple(fact for fact in at.facts if fact not in own.facts and not fact.names & gone)
    return replace(term, instances=replace(own, facts=(*own.facts, *more)))


def _apart(term: Term, names: tuple[str, ...]) -> Term:
    slots = tuple(slot.apart(names) for slot in term.slots)
    return replace(term, instances=term.instances.apart(names), slots=slots)


def is_neutral(expr: Expr, op: str) -> bool:
    """Whether a reduction by ``op`` may start there."""
    match expr:
        case Splat(value):
            return is_neutral(value, op)
        case Const(value, True):
            return op in {"+", "-"} and value == 0
        case Call("inf", ()):
            return op == "min"
        case Call("neg", (Call("inf", ()),)):
            return op == "max"
    return False


def shape(expr: Expr, values: Mapping[str, Word], slots: Mapping[str, int]) -> tuple[Form, tuple[Word, ...]]:
    """The form of a scalar expression and the words that fill its blanks, in reading order."""
    if slots and isinstance(expr, Var) and expr.name in slots:
        return ("slot", slots[expr.name]), ()
    match expr:
        case Const(value, True):
            return ("const", value), ()
        case Load(buffer, index):
            return ("load", buffer, len(index)), tuple(word(i, values) for i in index)
        case Real(value):
            inner, words = parts(value, values)
            return ("real", inner), words
        case Splat(value):
            return shape(value, values, slots)
        case _ if is_integer(expr) and not any(isinstance(n, Var) and n.name in slots for n in walk(expr)):
            inner, words = parts(expr, values)
            return ("int", inner), words
        case Binary(op, left, right) | Compare(op, left, right):
            return _many(op, (left, right), values, slots)
        case Select(test, yes, no):
            return _many("select", (test, yes, no), values, slots)
        case Call(function, arguments):
            return _many(function, arguments, values, slots)
    raise UnclearError(f"{type(expr).__name__} in a scalar expression")


def _many(
    head: str, arguments: tuple[Expr, ...], values: Mapping[str, Word], slots: Mapping[str, int]
) -> tuple[Form, tuple[Word, ...]]:
    shapes = [shape(argument, values, slots) for argument in arguments]
    return (head, *(form for form, _ in shapes)), tuple(w for _, words in shapes for w in words)


def terms_of(
    expr: Expr,
    cell: tuple[Word, ...],
    at: Instances,
    values: Mapping[str, Word],
    sums: Mapping[str, Sum],
    sign: int = 1,
) -> list[Term]:
    """An expression at the points ``at``, with the reductions ``sums`` by name, as signed terms of ``cell``."""
    match expr:
        case Binary("+" | "-" as op, left, right):
            other = sign if op == "+" else -sign
            first = terms_of(left, cell, at, values, sums, sign)
            return [*first, *terms_of(right, cell, at, values, sums, other)]
        case Call("neg", (inner,)) if not is_neutral(expr, "max"):
            return terms_of(inner, cell, at, values, sums, -sign)
        case Splat(inner):
            return terms_of(inner, cell, at, values, sums, sign)
        case Var(name) if name in sums and sums[name].op == "+":
            return [replace(term, sign=sign * term.sign) for term in sums[name].under(at).terms]
        case Const(value, True) if value == 0:
            return []
    names: dict[str, int] = {}
    _mentioned(expr, sums, names)
    form, words = shape(expr, values, names)
    held = tuple(sums[name].under(at) for name in names)
    return [Term(sign, form, at.touching((*cell, *words)), held)]


def _mentioned(expr: Expr, sums: Mapping[str, Sum], found: dict[str, int]) -> None:
    match expr:
        case Var(name) if name in sums:
            found.setdefault(name, len(found))
        case Binary(_, left, right) | Compare(_, left, right):
            _mentioned(left, sums, found)
            _mentioned(right, sums, found)
        case Call(_, arguments):
            for argument in arguments:
                _mentioned(argument, sums, found)
        case Select(test, yes, no):
            for part in (test, yes, no):
                _mentioned(part, sums, found)
        case Real(value) | Splat(value):
            _mentioned(value, sums, found)
