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
from symconv.notation.affine import affine
from symconv.notation.expr import Apply, Const, Expr, Index, Read, Reduce, rename, transform
from symconv.notation.operator import Operator, Statement, Tensor
from symconv.notation.shapes import bind_sizes, completed
from symconv.views.copies import seen_through
from symconv.views.dialect import text
from symconv.views.points import MOST, points
from symconv.views.printer import Printer, expr_text

if TYPE_CHECKING:
    from symconv.api import Gradient

__all__ = ["Cell", "Part", "Term", "access_of", "cell_terms", "logical", "resolved", "terms"]

Cell = tuple[int, ...]
Access = tuple[str, Cell]


@dataclass(frozen=True, slots=True)
class Part:
    """One factor of a term: how it is written, the elements it reads, and what it is, at known indices.

    ``expr`` has no index left; it is None for an element alone.
    """

    words: str
    accesses: tuple[Access, ...]
    expr: Expr | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class _Sum:
    """An operator at known sizes, what its reads are followed through, and what may still be tried."""

    op: Operator
    sizes: Mapping[str, int]
    seen: Mapping[str, Statement]
    left: list[int]


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

    Equal products are one term with a coefficient. A copy with a border is looked through. Other intermediates (the
    positions of maxima, what a function around a sum receives) are tensors with a name of their own. Raises SpecError
    for a cell outside the output and for shapes that do not fit.

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
    op: Operator, cell: Cell, sizes: Mapping[str, int], statement: Statement | None = None, *, seen: bool = True
) -> tuple[Term, ...]:
    """The terms of a cell (of the output, or of what another statement computes), for sizes and a cell that are known
    to fit; ``seen=False`` names copies with a border instead of what they hold."""
    statement = statement or op.statements[-1]
    summing = _Sum(op, sizes, seen_through(op) if seen else {}, [MOST])
    summed: dict[_Parts, Fraction] = {}
    for factor, parts in _of_cell(summing, statement, cell):
        summed[parts] = summed.get(parts, Fraction(0)) + factor
    found = (_term(factor, parts) for parts, factor in summed.items() if factor)
    return tuple(sorted(found, key=lambda term: term.factors))


def _of_cell(summing: _Sum, statement: Statement, cell: Cell) -> list[_Product]:
    """What a statement computes for a cell, as a sum of products."""
    at = logical(statement.target, cell, summing.sizes)
    return _products(summing, statement.expr, {**summing.sizes, **dict(zip(statement.indices, at, strict=True))})


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


def _products(summing: _Sum, expr: Expr, known: Mapping[str, int]) -> list[_Product]:
    """An expression at known indices as a sum of products."""
    match expr:
        case Const(value):
            return [(value, ())]
        case Index(form):
            return [(Fraction(form.evaluate(dict(known))), ())]
        case Read(tensor):
            access = access_of(summing.op, expr, known)
            if tensor in summing.seen:
                return _of_cell(summing, summing.seen[tensor], access[1])
            return [(Fraction(1), (Part(f"{access[0]}[{','.join(map(str, access[1]))}]", (access,)),))]
        case Apply("add", (one, other)):
            return [*_products(summing, one, known), *_products(summing, other, known)]
        case Apply("sub", (one, other)):
            return [*_products(summing, one, known), *_negative(_products(summing, other, known))]
        case Apply("neg", (one,)):
            return _negative(_products(summing, one, known))
        case Apply("mul", (one, other)):
            rights = _products(summing, other, known)
            return [(a * b, (*some, *more)) for a, some in _products(summing, one, known) for b, more in rights]
        case Apply("div", (one, other)) if (by := _number(summing, other, known)) is not None and by:
            return [(a / by, some) for a, some in _products(summing, one, known)]
        case Reduce("sum", indices, pieces):
            return [
                found
                for piece in pieces
                for point in points(indices, piece.where, dict(known), summing.left)
                for found in _products(summing, piece.body, point)
            ]
    whole = _looked_through(summing, expr, known)
    accesses = tuple(_accesses(summing, expr, known))
    return [(Fraction(1), (Part(_written(summing.op, whole, known), accesses, whole),))]


def _negative(products: list[_Product]) -> list[_Product]:
    return [(-factor, parts) for factor, parts in products]


def _number(summing: _Sum, expr: Expr, known: Mapping[str, int]) -> Fraction | None:
    """The value of an expression that reads nothing, where it is a sum of numbers."""
    found = _products(summing, expr, known)
    return None if any(parts for _, parts in found) else sum((factor for factor, _ in found), Fraction(0))


def _looked_through(summing: _Sum, expr: Expr, known: Mapping[str, int]) -> Expr:
    """An expression at known indices that reads, instead of an element of a copy, the element that is copied.

    Where an index still runs, within a maximum, the copy keeps its name.
    """

    def copied(node: Expr) -> Expr | None:
        if not (isinstance(node, Read) and node.tensor in summing.seen and all(f.is_constant for f in node.index)):
            return None
        _, cell = access_of(summing.op, node, known)
        match _of_cell(summing, summing.seen[node.tensor], cell):
            case [(Fraction(numerator=1, denominator=1), (Part(accesses=((name, index),), expr=None),))]:
                return Read(name, tuple(map(affine, logical(summing.op.tensor(name), index, known))))
        return None

    return transform(rename(expr, {name: affine(value) for name, value in known.items()}), copied)


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


def _accesses(summing: _Sum, expr: Expr, known: Mapping[str, int]) -> Iterator[Access]:
    """Every element that an expression reads at known indices, each once for each time it is written."""
    match expr:
        case Read(tensor):
            access = access_of(summing.op, expr, known)
            if tensor not in summing.seen:
                yield access
                return
            for _, parts in _of_cell(summing, summing.seen[tensor], access[1]):
                yield from (one for part in parts for one in part.accesses)
        case Apply(_, arguments):
            for argument in arguments:
                yield from _accesses(summing, argument, known)
        case Reduce(_, indices, pieces):
            for piece in pieces:
                for point in points(indices, piece.where, dict(known), summing.left):
                    yield from _accesses(summing, piece.body, point)


def _written(op: Operator, expr: Expr, known: Mapping[str, int]) -> str:
    def whole(node: Expr) -> Expr | None:
        if isinstance(node, Read) and all(form.is_constant for form in node.index):
            name, index = access_of(op, node, known)
            return Read(name, tuple(map(affine, index)))
        return None

    return expr_text(transform(expr, whole), Printer.plain(text()))
