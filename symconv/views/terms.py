"""The terms that one cell of an output or of a gradient sums, for given sizes, read off the derived relation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from symconv import pipeline
from symconv.asked import operator_of
from symconv.errors import SpecError, shown
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Apply, Const, Constraint, Expr, Index, Range, Read, Reduce, rename, transform
from symconv.notation.operator import Operator, Statement, Tensor
from symconv.notation.shapes import bind_sizes, completed
from symconv.views.dialect import text
from symconv.views.printer import Printer, expr_text

if TYPE_CHECKING:
    from symconv.api import Gradient

__all__ = ["Cell", "Part", "Term", "access_of", "cell_terms", "logical", "resolved", "terms"]

Cell = tuple[int, ...]
Access = tuple[str, Cell]
_MOST = 2_000_000
"""Index values that are tried for one cell: some seconds."""


@dataclass(frozen=True, slots=True)
class Part:
    """One factor of a term: how it is written, the elements it reads, and what it is, at known indices.

    ``expr`` has no index left; it is None for an element alone.
    """

    words: str
    accesses: tuple[Access, ...]
    expr: Expr | None = field(default=None, compare=False)


_Parts = tuple[Part, ...]
_Product = tuple[Fraction, _Parts]


class Term(tuple["int | Fraction", tuple[Access, ...]]):
    """One term of a cell: ``(coefficient, ((tensor, index), ...))``, and how it is written.

    A product has its factors in the formula's order. Where a function is applied, the elements that it reads stand in
    its place; ``text`` says what is done with them.
    """

    text: str
    parts: tuple[Part, ...]

    def __new__(
        cls, coefficient: Fraction, factors: tuple[Access, ...], written: str, parts: tuple[Part, ...] = ()
    ) -> Term:
        """A whole coefficient is an int."""
        whole = coefficient.denominator == 1
        made = super().__new__(cls, (int(coefficient) if whole else coefficient, factors))
        made.text, made.parts = written, parts
        return made

    def __getnewargs__(self) -> tuple[Fraction, tuple[Access, ...], str, tuple[Part, ...]]:
        return Fraction(self.coefficient), self.factors, self.text, self.parts

    @property
    def coefficient(self) -> int | Fraction:
        """The exact factor in front."""
        return self[0]

    @property
    def factors(self) -> tuple[Access, ...]:
        """The elements that are read, each with its index."""
        return self[1]

    def __str__(self) -> str:
        return self.text


def terms(op: Operator | Gradient, cell: Sequence[int], **shapes: tuple[int, ...]) -> tuple[Term, ...]:
    """The terms that a cell of a gradient (or of an operator's output) sums, for the sizes of these input shapes.

    Parameters
    ----------
    op : an operator or a gradient
    cell : the index of the cell, one number per axis of the output
    shapes : input shapes by name; a cotangent's follows from the others and can be left out

    Equal products are one term with a coefficient. Intermediates (the positions of maxima, what a function around a sum
    receives) are tensors with a name of their own. Raises SpecError for a cell outside the output and for shapes that
    do not fit.

    >>> import symconv as sc
    >>> for term in sc.terms(sc.derive(sc.conv1d(stride=2, padding=1), "x"), (0, 0, 3), x=(1, 1, 8), w=(1, 1, 3)):
    ...     print(term, term.coefficient, term.factors)
    gy[0,0,1]·w[0,0,2] 1 (('gy', (0, 0, 1)), ('w', (0, 0, 2)))
    gy[0,0,2]·w[0,0,0] 1 (('gy', (0, 0, 2)), ('w', (0, 0, 0)))
    """
    operator = resolved(op)
    sizes = bind_sizes(operator, completed(operator, shapes))
    return cell_terms(operator, _checked(operator, cell, sizes), sizes)


def resolved(op: Operator | Gradient) -> Operator:
    """The operator whose statements say what is summed, every border resolved."""
    if isinstance(op, Operator):
        return pipeline.forward(op).operator
    return operator_of(op)


def _checked(op: Operator, cell: Sequence[int], sizes: Mapping[str, int]) -> Cell:
    shape = op.output.shape(dict(sizes))
    good = isinstance(cell, Sequence) and all(isinstance(k, int | np.integer) for k in cell) and len(cell) == len(shape)
    if not good or not all(0 <= k < length for k, length in zip(cell, shape, strict=True)):
        raise SpecError(f"a cell of {op.output.name} is an index into its shape {shape}; given {shown(cell)}")
    return tuple(map(int, cell))


def cell_terms(
    op: Operator, cell: Cell, sizes: Mapping[str, int], statement: Statement | None = None
) -> tuple[Term, ...]:
    """The terms of a cell (of the output, or of what another statement computes), for sizes and a cell that are known
    to fit."""
    statement = statement or op.statements[-1]
    known = {**sizes, **dict(zip(statement.indices, logical(statement.target, cell, sizes), strict=True))}
    summed: dict[_Parts, Fraction] = {}
    for factor, parts in _products(op, statement.expr, known, [_MOST]):
        summed[parts] = summed.get(parts, Fraction(0)) + factor
    found = (_term(factor, parts) for parts, factor in summed.items() if factor)
    return tuple(sorted(found, key=lambda term: term.factors))


def _term(factor: Fraction, parts: _Parts) -> Term:
    written = "·".join(part.words for part in parts)
    sign = "−" if factor < 0 else ""
    number = "" if abs(factor) == 1 and written else f"{abs(factor)}{'·' if written else ''}"
    accesses = tuple(access for part in parts for access in part.accesses)
    return Term(factor, accesses, f"{sign}{number}{written}", parts)


def logical(tensor: Tensor, cell: Cell, sizes: Mapping[str, int]) -> Iterator[int]:
    """The values of a tensor's logical indices at a cell of its array: merged axes taken apart."""
    for axis, position in zip(tensor.axes, cell, strict=True):
        yield from map(int, np.unravel_index(position, [size.evaluate(dict(sizes)) for size in axis])) if axis else ()


def _products(op: Operator, expr: Expr, known: Mapping[str, int], left: list[int]) -> list[_Product]:
    """An expression at known indices as a sum of products; ``left`` is what may still be tried."""
    match expr:
        case Const(value):
            return [(value, ())]
        case Index(form):
            return [(Fraction(form.evaluate(dict(known))), ())]
        case Read():
            access = access_of(op, expr, known)
            return [(Fraction(1), (Part(f"{access[0]}[{','.join(map(str, access[1]))}]", (access,)),))]
        case Apply("add", (one, other)):
            return [*_products(op, one, known, left), *_products(op, other, known, left)]
        case Apply("sub", (one, other)):
            return [*_products(op, one, known, left), *_negative(_products(op, other, known, left))]
        case Apply("neg", (one,)):
            return _negative(_products(op, one, known, left))
        case Apply("mul", (one, other)):
            rights = _products(op, other, known, left)
            return [(a * b, (*some, *more)) for a, some in _products(op, one, known, left) for b, more in rights]
        case Apply("div", (one, other)) if (by := _number(op, other, known, left)) is not None and by:
            return [(a / by, some) for a, some in _products(op, one, known, left)]
        case Reduce("sum", indices, pieces):
            return [
                found
                for piece in pieces
                for point in _points(indices, piece.where, dict(known), left)
                for found in _products(op, piece.body, point, left)
            ]
    accesses = tuple(_accesses(op, expr, known, left))
    return [(Fraction(1), (Part(_written(op, expr, known), accesses, rename(expr, _fixed(known))),))]


def _negative(products: list[_Product]) -> list[_Product]:
    return [(-factor, parts) for factor, parts in products]


def _number(op: Operator, expr: Expr, known: Mapping[str, int], left: list[int]) -> Fraction | None:
    """The value of an expression that reads nothing, where it is a sum of numbers."""
    found = _products(op, expr, known, left)
    return None if any(parts for _, parts in found) else sum((factor for factor, _ in found), Fraction(0))


def _points(
    ranges: tuple[Range, ...], where: tuple[Constraint, ...], known: dict[str, int], left: list[int]
) -> Iterator[dict[str, int]]:
    """Every value of the indices under the constraints; they hide indices of the same name around."""
    names = {one.name for one in ranges}
    tied = tuple((constraint, constraint.form.names()) for constraint in where)
    return _found(ranges, tied, {name: value for name, value in known.items() if name not in names}, left)


_Tied = tuple[tuple[Constraint, frozenset[str]], ...]
"""Constraints, each with the names it speaks of."""


def _found(ranges: tuple[Range, ...], where: _Tied, known: dict[str, int], left: list[int]) -> Iterator[dict[str, int]]:
    """An index that the others settle comes first, without a search; a constraint is tried once all of it is known."""
    open_ = tuple(one for one in where if not one[1] <= known.keys())
    if len(open_) < len(where) and not all(_holds(one, known) for one, names in where if names <= known.keys()):
        return
    if not ranges:
        yield known
        return
    alone = [(one, name) for one, names in open_ if len(unknown := names - known.keys()) == 1 for name in unknown
             if _linear(one.form, name)]  # fmt: skip
    settled = {name for one, name in alone if one.equality}
    chosen = next((one for one in ranges if one.name in settled), ranges[0])
    rest = tuple(other for other in ranges if other.name != chosen.name)
    name, low, high = chosen.name, 0, chosen.extent.evaluate(known) - 1
    for constraint in (one for one, bounded in alone if bounded == name):
        a = constraint.form.coefficient(name)
        b = constraint.form.evaluate({**known, name: 0})
        if a > 0 or constraint.equality:
            low = max(low, -(b // a) if a > 0 else -(-b // a))
        if a < 0 or constraint.equality:
            high = min(high, b // -a if a < 0 else -b // a)
    for value in range(low, high + 1):
        left[0] -= 1
        if left[0] < 0:
            raise SpecError(f"more than {_MOST:,} index values would have to be tried for this cell: use smaller sizes")
        yield from _found(rest, open_, {**known, name: value}, left)


def _linear(form: Affine, name: str) -> bool:
    """Whether a name stands in a form as a multiple alone, in no quotient."""
    factor = form.coefficient(name)
    return bool(factor) and name not in (form - factor * var(name)).names()


def _holds(constraint: Constraint, known: Mapping[str, int]) -> bool:
    value = constraint.form.evaluate(dict(known))
    return value == 0 if constraint.equality else value >= 0


def access_of(op: Operator, read: Read, known: Mapping[str, int]) -> Access:
    """The element of the array, its merged axes merged."""
    tensor, at = op.tensor(read.tensor), iter(form.evaluate(dict(known)) for form in read.index)
    index = []
    for axis in tensor.axes:
        place = 0
        for size in axis:
            place = place * size.evaluate(dict(known)) + next(at)
        index.append(place)
    return read.tensor, tuple(index)


def _accesses(op: Operator, expr: Expr, known: Mapping[str, int], left: list[int]) -> Iterator[Access]:
    """Every element that an expression reads at known indices, each once for each time it is written."""
    match expr:
        case Read():
            yield access_of(op, expr, known)
        case Apply(_, arguments):
            for argument in arguments:
                yield from _accesses(op, argument, known, left)
        case Reduce(_, indices, pieces):
            for piece in pieces:
                for point in _points(indices, piece.where, dict(known), left):
                    yield from _accesses(op, piece.body, point, left)


def _fixed(known: Mapping[str, int]) -> dict[str, Affine]:
    return {name: affine(value) for name, value in known.items()}


def _written(op: Operator, expr: Expr, known: Mapping[str, int]) -> str:
    def whole(node: Expr) -> Expr | None:
        if isinstance(node, Read) and all(form.is_constant for form in node.index):
            name, index = access_of(op, node, known)
            return Read(name, tuple(map(affine, index)))
        return None

    return expr_text(transform(rename(expr, _fixed(known)), whole), Printer.plain(text()))
