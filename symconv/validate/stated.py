"""What the derivation says every tensor holds, in the form in which a kernel's execution is told.

This is a mapping of its own, from the notation straight to what is compared: it shares nothing with the way in which
kernels are made, so that a mistake there meets something that does not make it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from symconv.notation.affine import Affine
from symconv.notation.expr import Apply, Const, Expr, Index, Range, Read, Reduce
from symconv.notation.operator import Operator, Statement
from symconv.relation.points import Instances, UnclearError, Word
from symconv.relation.texts import constraint_text, form_text
from symconv.validate.terms import Term, Tree, apply, element, number, reduced, terms_of

__all__ = ["cells", "stated"]

_SYMBOLS = {
    "add": "+", "sub": "-", "mul": "*", "div": "/",
    "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!=",
}  # fmt: skip
"""Functions that kernels write as operators; all others keep their names."""
_COMPARED = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})
_COMPARISONS = _COMPARED | {"larger", "smaller", "same"}
_REDUCTIONS = {"sum": "+", "prod": "*", "max": "max", "min": "min", "argmax": "argmax", "argmin": "argmin"}

Position = tuple[Hashable, tuple[Word, ...]]
"""An integer that need not be affine: affine parts and the form they stand in."""


def cells(statement: Statement) -> Instances:
    """Every cell of a statement's target, once."""
    names = tuple(r.name for r in statement.ranges)
    return Instances(names, _spans(statement.ranges), tuple(Word(name) for name in statement.indices))


def stated(op: Operator, statement: Statement, sizes: Mapping[str, int] | None = None) -> list[Term]:
    """The terms of a statement: its reductions point by point, and what stands beside them; ``sizes`` may be fixed."""
    positions = frozenset(t.name for t in (*op.inputs, *(s.target for s in op.statements)) if t.dtype == "index")
    at = cells(statement)
    return terms_of(_Mapping(positions, sizes or {}).tree(statement.expr, at), at)


def _spans(ranges: tuple[Range, ...]) -> tuple[Word, ...]:
    pairs = ((Word(f"{r.name} >= 0"), Word(f"{r.name} < {_size(r.extent)}")) for r in ranges)
    return tuple(word for pair in pairs for word in pair)


def _size(form: Affine) -> str:
    return form.name or form_text(form)


@dataclass(frozen=True, slots=True)
class _Mapping:
    """``positions`` are the tensors of positions; ``sizes`` are known as numbers."""

    positions: frozenset[str]
    sizes: Mapping[str, int]

    def tree(self, expr: Expr, at: Instances) -> Tree:
        """A scalar expression at ``at``."""
        match expr:
            case Const(value):
                return number(value)
            case Index(form):
                return Tree(("real", "affine"), (), (Word(form_text(form)),))
            case Read(tensor, index, _):
                return element(tensor, [Word(form_text(form)) for form in index])
            case Reduce():
                return self._reduction(expr, at)
            case Apply(function, arguments) if function in _COMPARED and any(map(self._is_position, arguments)):
                return apply(_SYMBOLS[function], *(self._place(argument, at) for argument in arguments))
            case Apply("pow", (base, Const(power))) if power in (1, 2, 3, 4):
                factor = product = self.tree(base, at)
                for _ in range(int(power) - 1):
                    product = apply("*", product, factor)
                return product
            case Apply("where", (condition, yes, no)):
                asked = self.tree(condition, at)
                # A number as a condition holds where it is not 0.
                asked = asked if _is_comparison(condition) else apply("!=", asked, number(Fraction(0)))
                return apply("select", asked, self._number(yes, at), self._number(no, at))
            case Apply(function, arguments):
                return apply(_SYMBOLS.get(function, function), *(self._number(argument, at) for argument in arguments))

    def _number(self, expr: Expr, at: Instances) -> Tree:
        """A comparison is the number 1 where it holds, else 0."""
        tree = self.tree(expr, at)
        if _is_comparison(expr):
            return apply("select", tree, number(Fraction(1)), number(Fraction(0)))
        return tree

    def _reduction(self, node: Reduce, at: Instances) -> Tree:
        if node.kind not in _REDUCTIONS:
            raise UnclearError(f"a reduction by {node.kind}")
        op = _REDUCTIONS[node.kind]
        dims = (*at.dims, *(r.name for r in node.indices))
        terms: list[Term] = []
        for piece in node.pieces:
            facts = (*at.facts, *_spans(node.indices), *(Word(constraint_text(c)) for c in piece.where))
            points = Instances(dims, facts, at.image)
            body = self.tree(piece.body, points)
            if op.startswith("arg"):
                form, words = self._row_major(node.indices)
                terms.append(Term(1, Tree(("at", form), (body,), words), points))
            else:
                terms += terms_of(body, points, op, apart=False)
        return reduced(op, terms)

    def _row_major(self, indices: tuple[Range, ...]) -> Position:
        place: Position = ("affine", (Word("0"),))
        for index in indices:
            place = _added(_multiplied(place, self._affine(index.extent)), ("affine", (Word(index.name),)))
        return place

    def _affine(self, form: Affine) -> Position:
        form = form.substitute(self.sizes)
        return "affine", (Word(str(form.constant) if form.is_constant else form_text(form)),)

    def _is_position(self, expr: Expr) -> bool:
        return isinstance(expr, Read) and expr.tensor in self.positions

    def _place(self, expr: Expr, at: Instances) -> Tree:
        """A position in a comparison: an element of a tensor of positions, or an integer."""
        if isinstance(expr, Read):
            return self.tree(expr, at)
        form, words = self._integer(expr)
        return Tree(("int", form), (), words)

    def _integer(self, expr: Expr) -> Position:
        match expr:
            case Index(form):
                return self._affine(form)
            case Const(value) if value.denominator == 1:
                return "affine", (Word(str(value)),)
            case Apply("add", (a, b)):
                return _added(self._integer(a), self._integer(b))
            case Apply("mul", (a, b)):
                return _multiplied(self._integer(a), self._integer(b))
        raise UnclearError(f"a position is compared with {expr}")


def _is_comparison(expr: Expr) -> bool:
    return isinstance(expr, Apply) and expr.function in _COMPARISONS


def _added(a: Position, b: Position) -> Position:
    if a[0] == b[0] == "affine":
        return "affine", (Word(f"({a[1][0].text}) + ({b[1][0].text})"),)
    return ("+", a[0], b[0]), (*a[1], *b[1])


def _multiplied(a: Position, b: Position) -> Position:
    if a[0] == b[0] == "affine":
        for one, other in ((a[1][0].text, b[1][0].text), (b[1][0].text, a[1][0].text)):
            if one.isdigit():
                return "affine", (Word("0" if one == "0" else f"{one}*({other})"),)
    return ("*", a[0], b[0]), (*a[1], *b[1])
