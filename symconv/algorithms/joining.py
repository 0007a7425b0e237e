"""Axes that nothing tells apart at some sizes: an array of shape (H, W) is then read as one of shape (1, H*W).

It is the merging of axes of :mod:`symconv.algorithms.coalescing` without another operator: where two indices are always
addressed together, side by side and alone, the pair ``(h, w)`` counts what ``(0, W*h + w)`` counts, and both lie at the
same place of memory. So the same formula, and every kernel that is right for all sizes, gives the same result at these
sizes as at those, and has one long row where it had short ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from symconv.notation.affine import Affine, affine
from symconv.notation.expr import Expr, Index, Read, Reduce, children
from symconv.notation.operator import Operator, Statement, Tensor

__all__ = ["Joined", "joined", "stacked"]


@dataclass(frozen=True, slots=True)
class Joined:
    """Where every size of ``ones`` is 1, sizes ``outer`` and ``inner`` may be 1 and ``outer*inner`` instead.

    Where ``stacked``, they may be ``outer*inner`` and 1.
    """

    outer: str
    inner: str
    ones: tuple[str, ...] = ()
    stacked: bool = False


def joined(op: Operator) -> tuple[Joined, ...]:
    """The pairs of sizes that may be one, outermost first, so that one after the other joins more than two.

    >>> import symconv as sc
    >>> joined(sc.conv2d())
    (Joined(outer='H', inner='W', ones=('KH', 'KW'), stacked=False),)
    >>> joined(sc.conv2d(padding=1)), joined(sc.conv2d(stride=2))
    ((), ())
    """
    return () if op.occupied else tuple(one for one in _neighbours(op) if _holds(op, one))


def stacked(op: Operator) -> tuple[Joined, ...]:
    """The pairs of sizes, innermost first, that make the batch and the axes behind it one axis of rows.

    They are rows that some input knows nothing of, the weights of a layer, none of which lies along the last axis: the
    axis of the batch takes all of them, as threads share it and it may be empty.

    >>> import symconv as sc
    >>> stacked(sc.operator("y[b,n,f] = sum[c](x[b,n,c]*w[f,c])"))
    (Joined(outer='B', inner='N', ones=(), stacked=True),)
    >>> stacked(sc.operator("y[n,f] = sum[c](x[n,c]*w[f,c])")), stacked(sc.conv2d())
    ((), ())
    """
    last = {size.name for tensor in (*op.inputs, *op.outputs) if tensor.axes for size in tensor.axes[-1]}
    inner = {one.outer: one.inner for one in _neighbours(op, batch=True) if not one.ones}
    chain, at = [], op.batch
    while at in inner and inner[at] not in last and _holds(op, found := Joined(at, inner[at], stacked=True)):
        chain.append(found)
        at = found.inner
    rows = {op.batch, *(one.inner for one in chain)}
    shared = any(all(not rows & size.names() for size in tensor.sizes) for tensor in op.inputs)
    return tuple(reversed(chain)) if shared and not op.occupied else ()


def _neighbours(op: Operator, batch: bool = False) -> tuple[Joined, ...]:
    """Sizes of neighbouring axes that arrays tell, and the windows along them; the size that may be 0, as others may
    not, only with ``batch``."""
    defined = {one.name for one in op.definitions} | (set() if batch else {op.batch})
    pairs: dict[tuple[str, str], None] = {}
    for tensor in op.inputs:
        for axes in zip(tensor.axes, tensor.axes[1:], strict=False):
            names = [size.name for axis in axes for size in axis]
            if len(set(names)) == len(names) == 2 and all(name and name not in defined for name in names):
                pairs[str(names[0]), str(names[1])] = None
    return tuple(Joined(outer, inner, _windows(op, {outer, inner})) for outer, inner in pairs)


def _windows(op: Operator, pair: set[str]) -> tuple[str, ...]:
    """The sizes of which an index is added to another along one of a pair."""
    found: set[str | None] = set()
    for statement in op.statements:
        for node, bound in _nodes(statement):
            if isinstance(node, Read):
                for form, size in zip(node.index, op.tensor(node.tensor).sizes, strict=True):
                    if size.name in pair and len(form.names()) > 1:
                        found |= {bound[name].extent.name for name in form.names() if name in bound}
    known = {size.name for tensor in op.inputs for size in tensor.sizes} - pair
    return tuple(sorted(name for name in found if name and name in known))


@dataclass(frozen=True, slots=True)
class _Bound:
    """An index where it occurs: how far it runs, and what binds it."""

    name: str
    extent: Affine
    by: Expr | Statement


Scope = Mapping[str, _Bound]


def _nodes(statement: Statement) -> Iterator[tuple[Expr, Scope]]:
    """Every node of a statement, with the indices that are bound there (a reduction's own among them)."""

    def below(expr: Expr, scope: Scope) -> Iterator[tuple[Expr, Scope]]:
        if isinstance(expr, Reduce):
            scope = {**scope, **{one.name: _Bound(one.name, one.extent, expr) for one in expr.indices}}
        yield expr, scope
        for child in children(expr):
            yield from below(child, scope)

    return below(statement.expr, {one.name: _Bound(one.name, one.extent, statement) for one in statement.ranges})


def _holds(op: Operator, pair: Joined) -> bool:
    known: dict[str, Affine | int] = dict.fromkeys(pair.ones, 1)
    for one in op.definitions:
        known[one.name] = one.form.substitute(known)
    it = _Pair(op, (pair.outer, pair.inner), known, pair.stacked)
    tensors = (*op.inputs, *(statement.target for statement in op.statements))
    defined = all(it.plain(affine(known[one.name])) for one in op.definitions)
    told = any(it.speaks(it.of(one.constraint.form)) for one in op.assumptions)
    return defined and not told and all(map(it.side_by_side, tensors)) and all(map(it.together, op.statements))


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two sizes of an operator, and what its other sizes are where some are 1."""

    op: Operator
    sizes: tuple[str, str]
    known: Mapping[str, Affine | int]
    stacked: bool

    def of(self, size: Affine) -> Affine:
        """A size where some are 1."""
        return size.substitute(self.known)

    def speaks(self, form: Affine) -> bool:
        """Whether a form speaks of one of the two."""
        return bool(form.names() & set(self.sizes))

    def plain(self, form: Affine) -> bool:
        """Whether a form is one of the two or speaks of neither."""
        return form.name in self.sizes or not self.speaks(form)

    def places(self, tensor: Tensor) -> list[int]:
        """The axes of a tensor that speak of one of the two."""
        return [k for k, size in enumerate(tensor.sizes) if self.speaks(self.of(size))]

    def side_by_side(self, tensor: Tensor) -> bool:
        """Whether a tensor has both sizes as neighbouring axes, or neither."""
        at = self.places(tensor)
        whole = all(len(axis) == 1 for axis in tensor.axes if any(self.speaks(self.of(size)) for size in axis))
        names = tuple(self.of(tensor.sizes[k]).name for k in at)
        return not at or (whole and names == self.sizes and at[1] == at[0] + 1)

    def together(self, statement: Statement) -> bool:
        """Whether the indices of both sizes come in pairs of one place that bind both, and count nowhere else.

        A target that has no other axes keeps them, unless they are stacked: threads share the outer one.
        """
        at = self.places(statement.target)
        if at and len(statement.indices) == 2 and not self.stacked:
            return False
        own = {one.name: _Bound(one.name, one.extent, statement) for one in statement.ranges}
        pairs = {tuple(own[statement.indices[k]] for k in at)} if at else set()
        bound = {one for one in own.values() if self.speaks(self.of(one.extent))}
        for node, scope in _nodes(statement):
            bound |= {one for one in scope.values() if self.speaks(self.of(one.extent))}
            match node:
                case Read(tensor, index, _):
                    pair = self.pair(self.places(self.op.tensor(tensor)), index, scope)
                    if pair is None:
                        return False
                    pairs |= {pair} if pair else set()
                case Index(form) if self.told(form, scope):
                    return False
                case Reduce() if self.counts(node, scope):
                    return False
        members = [one for pair in pairs for one in pair]
        alone = all(self.plain(self.of(one.extent)) for one in bound)
        return alone and len(set(members)) == len(members) and set(members) == bound

    def pair(self, at: list[int], index: tuple[Affine, ...], scope: Scope) -> tuple[_Bound, ...] | None:
        """The two indices by which a read moves along both sizes, () where it does not; None where they are no pair."""
        still = {one.name: 0 for one in scope.values() if self.of(one.extent) == affine(1)}
        forms = [form.substitute(still) for form in index]
        if any(self.told(form, scope) for k, form in enumerate(forms) if k not in at):
            return None
        names = [forms[k].name for k in at]
        found = tuple(scope[name] for name in names if name is not None and name in scope)
        if tuple(self.of(one.extent).name for one in found) != (self.sizes if at else ()):
            return None
        return found if len({id(one.by) for one in found}) <= 1 else None

    def told(self, form: Affine, scope: Scope) -> bool:
        """Whether a form speaks of the two sizes, or of an index that runs over one of them."""
        extents = (self.of(scope[name].extent) for name in form.names() & set(scope))
        return any(map(self.speaks, (self.of(form), *extents)))

    def counts(self, node: Reduce, scope: Scope) -> bool:
        """Whether a reduction tells its indices apart, by where it is taken or by what it gives."""
        parts = any(self.told(one.form, scope) for piece in node.pieces for one in piece.where)
        return parts or (
            node.kind in ("argmax", "argmin") and any(self.speaks(self.of(r.extent)) for r in node.indices)
        )
