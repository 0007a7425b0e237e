"""Whether an operator is in resolved form, which solving and lowering start from; where it is not, what stands out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from symconv.notation.affine import Affine
from symconv.notation.expr import Apply, Expr, Index, Read, Reduce, walk
from symconv.notation.operator import Operator, Statement

__all__ = ["Resolved", "is_resolved", "uncounted"]

_KINDS = frozenset({"sum", "prod", "max", "min", "argmax", "argmin"})


@dataclass(frozen=True, slots=True)
class Resolved:
    """Whether an operator is resolved; where not, ``reason`` says what is left to do."""

    holds: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.holds


def is_resolved(op: Operator) -> Resolved:
    """Whether no border rule, no mean and no reduction inside a reduction is left, and every size is known.

    Sizes are known that the inputs' axes or the operator's definitions name.

    >>> import symconv as sc
    >>> is_resolved(sc.conv1d(padding=1)).reason
    'y reads x beyond its ends under the border constant'
    >>> from symconv.derive.borders import resolve_borders
    >>> bool(is_resolved(resolve_borders(sc.conv1d(padding=1))))
    True
    """
    known = {name for tensor in op.inputs for size in tensor.sizes for name in size.names()}
    known |= {definition.name for definition in op.definitions}
    for statement in op.statements:
        for reason in _left(statement, known):
            return Resolved(False, reason)
    return Resolved(True)


def uncounted(op: Operator) -> str:
    """Empty where every index, bound and extent is a linear form of indices; else the first that is none, and where.

    Loops count linear forms: a floor or a maximum of an index has no bounds that they could run between. Floors and
    maxima of sizes are numbers, as sizes are.

    >>> import symconv as sc
    >>> uncounted(sc.conv2d(stride=2, padding="same"))
    ''
    """
    return next((found for statement in op.statements for found in _uncounted(statement)), "")


def _uncounted(statement: Statement) -> Iterator[str]:
    indices = set(statement.indices)
    for node in walk(statement.expr):
        match node:
            case Read(tensor, index):
                yield from (f"{tensor} is read at {form}" for form in index if _bent(form, indices))
            case Index(form) if _bent(form, indices):
                yield f"{form} is a number in it"
            case Reduce(kind, ranges, pieces):
                indices |= {r.name for r in ranges}
                yield from (f"{r.name} runs to {r.extent}" for r in ranges if _bent(r.extent, indices))
                where = (one.form for piece in pieces for one in piece.where)
                yield from (f"a {kind} is taken where {form} is bounded" for form in where if _bent(form, indices))


def _bent(form: Affine, indices: set[str]) -> bool:
    return any(not isinstance(atom, str) and indices & Affine(((atom, 1),)).names() for atom, _ in form.terms)


def _left(statement: Statement, known: set[str]) -> Iterator[str]:
    name = statement.target.name
    for node in walk(statement.expr):
        match node:
            case Read(tensor, _, border) if border is not None:
                yield f"{name} reads {tensor} beyond its ends under the border {border.kind}"
            case Reduce(kind) if kind not in _KINDS:
                yield f"{name} has a {kind}, which is no sum, product, maximum or minimum yet"
            case Reduce() if any(isinstance(inner, Reduce) for piece in node.pieces for inner in walk(piece.body)):
                yield f"{name} has a reduction inside a reduction"
    indices = {r.name for r in statement.ranges}
    if unknown := sorted(_sizes(statement, statement.expr, indices) - known):
        yield f"{name} uses the size {unknown[0]}, which neither an input nor a definition names"


def _sizes(statement: Statement, expr: Expr, indices: set[str]) -> set[str]:
    """The names in extents and indices that are no index."""
    found = {name for size in statement.target.sizes for name in size.names()}
    bound = set(indices)
    for node in walk(expr):
        match node:
            case Reduce(_, ranges, pieces):
                bound |= {r.name for r in ranges}
                found |= {name for r in ranges for name in r.extent.names()}
                found |= {name for piece in pieces for one in piece.where for name in one.form.names()}
            case Read(_, index):
                found |= {name for form in index for name in form.names()}
            case Index(form):
                found |= set(form.names())
            case Apply():
                continue
    return found - bound
