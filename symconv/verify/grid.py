"""Index grids of a formula as NumPy arrays: all target and reduction indices, and where each read lands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import prod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from symconv.errors import InternalError
from symconv.notation.affine import Affine, Maximum, Quotient
from symconv.notation.expr import Apply, Expr, Piece, Range, Read, Reduce
from symconv.notation.operator import Operator, Statement

__all__ = [
    "LIMIT",
    "Address",
    "Array",
    "Scope",
    "address",
    "form",
    "lengths",
    "once",
    "parts",
    "points",
    "reads_of",
    "scopes",
    "taps",
]

Array = NDArray[Any]
LIMIT = 20_000_000
"""Most grid points held at once; larger grids are cut along the target's leading axis."""
KEPT = 4096
"""Of grids with so many points at most it is kept what was worked out: claims are tried at the same sizes over and
over."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Scope:
    """The indices in force, one array axis each, and the ``mask`` of grid points that count.

    The leading index starts at ``start``: the grid may be a chunk. Where the mask is false, values are
    arbitrary. ``bound`` are the indices that reductions around bind. ``held`` is what was worked out of it already,
    None where nothing is kept.
    """

    sizes: Mapping[str, int]
    names: tuple[str, ...]
    shape: tuple[int, ...]
    start: int = 0
    mask: Array = field(default_factory=lambda: np.ones((), dtype=np.bool_))
    bound: frozenset[str] = frozenset()
    held: dict[tuple[str, int], tuple[object, object, Any]] | None = field(default=None, compare=False, repr=False)

    def only(self, holds: Array) -> Scope:
        """The scope with fewer points that count."""
        return replace(self, mask=self.mask & holds, held=self._fresh())

    def _fresh(self) -> dict[tuple[str, int], tuple[object, object, Any]] | None:
        return None if self.held is None else {}

    def index(self, name: str) -> Array | int:
        """The values of an index along its own axis, or a size's value; inner names hide outer ones."""
        for axis in reversed(range(len(self.names))):
            if self.names[axis] == name:
                first = self.start if axis == 0 else 0
                values = np.arange(first, first + self.shape[axis], dtype=np.int64)
                return values.reshape(*(-1 if k == axis else 1 for k in range(len(self.names))))
        return self.sizes[name]

    def enter(self, ranges: tuple[Range, ...]) -> Scope:
        """The scope inside a reduction; extents are functions of sizes alone and a negative one is empty."""
        bare = Scope(self.sizes, (), ())
        extents = tuple(max(0, int(form(bare, r.extent))) for r in ranges)
        names, shape = self.names + tuple(r.name for r in ranges), self.shape + extents
        outer = np.broadcast_to(self.mask, self.shape)[(..., *(None,) * len(ranges))]
        bound = self.bound | {r.name for r in ranges}
        return replace(self, names=names, shape=shape, mask=outer, bound=bound, held=self._fresh())


def once(scope: Scope, what: str, node: object, given: object, make: Callable[[], _T]) -> _T:
    """What ``make`` works out of a scope for a node of an expression and what else is ``given``."""
    if scope.held is None:
        return make()
    found = scope.held.get((what, id(node)))
    # The node is held as well, so that no other one gets its place in memory.
    if found is None or found[0] is not node or found[1] != given:
        found = scope.held[what, id(node)] = node, given, make()
    result: _T = found[2]
    return result


def form(scope: Scope, expr: Affine) -> Array:
    """The integers an affine form takes: one axis per index, of length 1 where it does not matter."""
    total: Array = np.full((1,) * len(scope.names), expr.constant, dtype=np.int64)
    for atom, factor in expr.terms:
        match atom:
            case str():
                value: Array | int = scope.index(atom)
            case Quotient(numerator, divisor):
                value = form(scope, numerator) // divisor
            case Maximum(left, right):
                value = np.maximum(form(scope, left), form(scope, right))
        total = total + factor * value
    return total


def lengths(sizes: Mapping[str, int], logical: tuple[Affine, ...]) -> tuple[int, ...]:
    """Concrete logical lengths of a tensor."""
    scope = Scope(sizes, (), ())
    return tuple(int(form(scope, size)) for size in logical)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a read lands: ``flat`` positions (legal everywhere), and whether it is ``inside`` its tensor."""

    flat: Array
    inside: Array


def address(scope: Scope, read: Read, shape: tuple[int, ...]) -> Address:
    """Positions of a read in its tensor of logical ``shape``, border rule applied axis by axis."""
    return once(scope, "address", read, shape, lambda: _address(scope, read, shape))


def _address(scope: Scope, read: Read, shape: tuple[int, ...]) -> Address:
    flat: Array = np.zeros((1,) * len(scope.names), dtype=np.int64)
    inside: Array = np.ones((1,) * len(scope.names), dtype=np.bool_)
    for length, index in zip(shape, read.index, strict=True):
        at = form(scope, index)
        if read.border is not None:
            at = _mapped(read.border.kind, at, length)
        inside = inside & (at >= 0) & (at < length)
        flat = flat * length + np.clip(at, 0, max(length - 1, 0))
    return Address(flat, inside)


def _mapped(kind: str, at: Array, length: int) -> Array:
    match kind:
        case "replicate":
            return np.clip(at, 0, length - 1)
        case "circular":
            return at % max(length, 1)
        case "symmetric":
            folded = at % max(2 * length, 1)
            return np.asarray(np.minimum(folded, 2 * length - 1 - folded))
        case "reflect":
            period = max(2 * (length - 1), 1)
            folded = at % period
            return np.minimum(folded, 2 * (length - 1) - folded) if length > 1 else np.zeros_like(at)
    return at


def reads_of(expr: Expr, nested: bool = True) -> Iterator[Read]:
    """Every read below ``expr``; with ``nested=False`` those outside any reduction below it."""
    match expr:
        case Read():
            yield expr
        case Apply(_, arguments):
            for argument in arguments:
                yield from reads_of(argument, nested)
        case Reduce(_, _, pieces) if nested:
            for piece in pieces:
                yield from reads_of(piece.body, nested)


def parts(
    node: Reduce, scope: Scope, shapes: Mapping[str, tuple[int, ...]]
) -> tuple[Scope, tuple[tuple[Scope, Expr], ...]]:
    """A reduction's taps: the inner scope masked to those taken, and the same per piece with its summand.

    A tap is out where a constraint fails, or where a read of border ``skip`` leaves its tensor along an axis that
    is this reduction's: the innermost one that binds an index of that axis, and where none does, the innermost one
    around the read. Raises InternalError where two pieces overlap.
    """
    own = frozenset(r.name for r in node.indices)
    skipped = tuple(tuple(_skipping(piece.body, scope.bound, own, shapes)) for piece in node.pieces)
    return once(scope, "parts", node, skipped, lambda: _parts(node, scope, skipped))


def _parts(
    node: Reduce, scope: Scope, skipped: tuple[tuple[tuple[Affine, int], ...], ...]
) -> tuple[Scope, tuple[tuple[Scope, Expr], ...]]:
    inner = scope.enter(node.indices)
    found: list[tuple[Scope, Expr]] = []
    covered: Array = np.zeros(inner.shape, dtype=np.bool_)
    taken: Array = np.zeros(inner.shape, dtype=np.bool_)
    for piece, axes in zip(node.pieces, skipped, strict=True):
        domain = np.broadcast_to(inner.mask & _where(piece, inner), inner.shape)
        if np.any(covered & domain):
            raise InternalError(f"two pieces of a {node.kind} overlap")
        covered = covered | domain
        for index, length in axes:
            at = form(inner, index)
            domain = domain & (at >= 0) & (at < length)
        found.append((inner.only(domain), piece.body))
        taken = taken | domain
    return inner.only(taken), tuple(found)


def _skipping(
    expr: Expr,
    around: frozenset[str],
    own: frozenset[str],
    shapes: Mapping[str, tuple[int, ...]],
    below: tuple[frozenset[str], ...] = (),
) -> Iterator[tuple[Affine, int]]:
    """The axes, as an index and a length, along which a skipping read leaves out taps of the reduction over ``own``."""
    match expr:
        case Read(tensor, index, border) if border is not None and border.kind == "skip":
            for at, length in zip(index, shapes[tensor], strict=True):
                binders = [level for level, names in enumerate((own, *below)) if names & at.names()]
                if binders[-1:] == [0] or (not binders and not below and not around & at.names()):
                    yield at, length
        case Apply(_, arguments):
            for argument in arguments:
                yield from _skipping(argument, around, own, shapes, below)
        case Reduce(_, indices, pieces):
            for piece in pieces:
                yield from _skipping(piece.body, around, own, shapes, (*below, frozenset(r.name for r in indices)))


def _where(piece: Piece, scope: Scope) -> Array:
    holds: Array = np.ones((1,) * len(scope.names), dtype=np.bool_)
    for constraint in piece.where:
        value = form(scope, constraint.form)
        holds = holds & (value == 0 if constraint.equality else value >= 0)
    return holds


def scopes(statement: Statement, sizes: Mapping[str, int]) -> Iterator[Scope]:
    """The target's index grid in chunks along its leading axis, each of at most ``LIMIT`` points."""
    shape, row = _extent(statement, tuple(sizes.items()))
    if prod(shape[:1]) * row <= KEPT:
        yield _small(statement, shape, tuple(sizes.items()))
        return
    if not shape:
        yield Scope(sizes, (), ())
        return
    step = max(1, LIMIT // max(row, 1))
    for start in range(0, max(shape[0], 1), step):
        yield Scope(sizes, statement.indices, (min(step, shape[0] - start), *shape[1:]), start)


@lru_cache(maxsize=32)
def _small(statement: Statement, shape: tuple[int, ...], sizes: tuple[tuple[str, int], ...]) -> Scope:
    return Scope(dict(sizes), statement.indices, shape, held={})


@lru_cache(maxsize=256)
def _extent(statement: Statement, given: tuple[tuple[str, int], ...]) -> tuple[tuple[int, ...], int]:
    """The shape of a target, and the points of the grid for each of its first index."""
    sizes = dict(given)
    shape = lengths(sizes, statement.target.sizes)
    return shape, prod(shape[1:]) * taps(statement.expr, sizes)


def points(op: Operator, sizes: Mapping[str, int]) -> int:
    """Grid points of the largest statement: target indices times the deepest nest of reductions."""
    return max(prod(lengths(sizes, target)) * _reached(nest, sizes) for target, nest in _nests(op))


def taps(expr: Expr, sizes: Mapping[str, int]) -> int:
    """Grid points per target cell: the product of extents along the deepest nest of reductions."""
    return max(_reached(nest, sizes) for nest in _nested(expr))


def _reached(nest: tuple[Affine, ...], sizes: Mapping[str, int]) -> int:
    return prod(max(extent, 0) for extent in lengths(sizes, nest))


# Sizes are drawn by the hundred for one operator: its expressions are walked once.
@lru_cache(maxsize=64)
def _nests(op: Operator) -> tuple[tuple[tuple[Affine, ...], tuple[Affine, ...]], ...]:
    """The sizes of each target with the extents along each nest of reductions, each once."""
    each = ((s.target.sizes, nest) for s in op.statements for nest in _nested(s.expr))
    return tuple(dict.fromkeys(each))


def _nested(expr: Expr) -> dict[tuple[Affine, ...], None]:
    """The extents along each nest of reductions, those that are one nest once."""
    match expr:
        case Apply(_, arguments) if arguments:
            return {nest: None for argument in arguments for nest in _nested(argument)}
        case Reduce(_, indices, pieces) if pieces:
            extents = tuple(one.extent for one in indices)
            return {(*extents, *nest): None for piece in pieces for nest in _nested(piece.body)}
        case Reduce(_, indices, _):
            return {tuple(one.extent for one in indices): None}
    return {(): None}
