"""Fewer loops: taps that are alone are put in, axes that are always addressed together become one."""

from __future__ import annotations

from dataclasses import replace

from symconv.algorithms.rewrite import Certificate, Rewrite, rewritten
from symconv.algorithms.solved import SolvedSum, fresh_names, outside, solved_sum
from symconv.errors import SpecError
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Expr, Piece, Range, Read, Reduce, equal, reads, rename, transform
from symconv.notation.operator import Assumption, Operator, Statement, Tensor
from symconv.relation.regions import everywhere
from symconv.relation.sets import context_of

__all__ = ["coalesced", "pointwise"]


def pointwise(op: Operator, *indices: str) -> Rewrite:
    """The last sum without these summation indices, for sizes at which each of them has one value.

    Raises SpecError where one of them is no summation index.

    >>> import symconv as sc
    >>> made = pointwise(sc.conv2d(), "p", "q")
    >>> made.certificate.holds, [one.sentence for one in made.after.assumptions]
    (True, ['p has one value: KH = 1', 'q has one value: KW = 1'])
    """
    solved = solved_sum(op)
    wrong = [name for name in indices if name not in solved.solution.steps]
    if wrong or not indices:
        known = ", ".join(solved.solution.steps) or "none"
        raise SpecError(f"{op.name}: {', '.join(wrong) or 'nothing'} is no summation index; there are {known}")
    extents = [solved.extents[name] for name in indices]
    body = rename(solved.solution.body, dict.fromkeys(indices, affine(0)))
    ranges = tuple(Range(n, solved.extents[n]) for n in solved.solution.steps if n not in indices)
    body = transform(body, lambda node: _checked(solved, node) if isinstance(node, Read) else None)
    last = replace(solved.statement, indices=solved.solution.cells, expr=Reduce("sum", ranges, (Piece((), body),)))
    needed = tuple(
        Assumption(equal(extent, affine(1)), f"{name} has one value: {extent} = 1")
        for name, extent in zip(indices, extents, strict=True)
    )
    after = replace(
        solved.op,
        name=f"{op.name} at one tap",
        statements=(*solved.op.statements[:-1], last),
        assumptions=(*solved.op.assumptions, *needed),
    )
    return rewritten(f"one value of {', '.join(indices)}", op, after)


def _checked(solved: SolvedSum, read: Read) -> Read:
    """A read that may leave its tensor finds zero; a constant index is inside, sizes are at least 1."""
    loose = any(not form.is_constant or form.constant for form in read.index if form.name not in solved.extents)
    return outside(read) if loose else read


def coalesced(op: Operator, *indices: str) -> Rewrite:
    """Indices of the last statement that are always addressed together, as one index over all their values.

    Every tensor that one of them addresses has them on neighbouring axes, in this order, alone. The arrays are the
    same, seen with those axes merged row-major: ``(h, w) -> W·h + w`` counts all pairs once, and the formula never asks
    for one of the two alone. The certificate is that taking the new index apart gives the formula back.

    Raises SpecError where that is not so.

    >>> import symconv as sc
    >>> flat = coalesced(pointwise(sc.conv2d(), "p", "q").after, "i", "j")
    >>> flat.certificate.holds, [str(size) for size in flat.after.output.sizes]
    (True, ['N', 'F', 'S'])
    """
    solved = solved_sum(op)
    if len(solved.op.statements) > 1:
        raise SpecError(f"{op.name} has intermediate statements; axes are merged where the last one reads inputs alone")
    last = replace(solved.statement, indices=solved.solution.cells)
    if len(indices) < 2 or any(name not in solved.extents for name in indices):
        raise SpecError(f"{op.name}: two or more of its loops become one; there are {', '.join(solved.extents)}")
    index, size = fresh_names(solved.op, "s", "S")
    merge = _Merge(op, solved, indices, index, var(size))
    found = dict.fromkeys(read for read in reads(solved.solution.body))
    tensors = {t.name: t for t in solved.op.inputs}
    inputs = {read.tensor: merge.tensor(tensors[read.tensor], read.index) for read in found}
    target = merge.tensor(last.target, tuple(map(var, last.indices)))
    after = _stated(solved, merge, inputs, target)
    same = all(merge.apart(merge.index(read.index)) == read.index for read in found)
    return Rewrite(f"one index for {', '.join(indices)}", op, after, Certificate(same, "", len(found)))


def _stated(solved: SolvedSum, merge: _Merge, inputs: dict[str, Tensor], target: Tensor) -> Operator:
    def rule(node: Expr) -> Expr | None:
        return replace(node, index=merge.index(node.index)) if isinstance(node, Read) else None

    body = transform(solved.solution.body, rule)
    extents = {**solved.extents, merge.name: merge.size}
    steps = merge.names(solved.solution.steps)
    total = Reduce("sum", tuple(Range(n, extents[n]) for n in steps), (Piece((), body),))
    last = Statement(target, merge.names(solved.solution.cells), total)
    op = solved.op
    given = tuple(inputs.get(tensor.name, tensor) for tensor in op.inputs)
    known = {name for tensor in (*given, target) for size in tensor.sizes for name in size.names()}
    # Extents of the merged axes are sizes of nothing now.
    definitions = tuple(one for one in op.definitions if one.name in known)
    return replace(op, name=f"{op.name}, merged", inputs=given, statements=(last,), windows=(), definitions=definitions)


class _Merge:
    """What becomes of axes and indices."""

    def __init__(self, op: Operator, solved: SolvedSum, indices: tuple[str, ...], name: str, size: Affine) -> None:
        self.op, self.solved, self.indices, self.name, self.size = op, solved, indices, name, size
        self.region = everywhere(context_of(solved.op))

    def names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Loops with the merged ones under their one name."""
        return tuple(dict.fromkeys(self.name if name in self.indices else name for name in names))

    def at(self, index: tuple[Affine, ...]) -> int | None:
        """Where the merged indices start in an index; None where none of them occurs."""
        used = [k for k, form in enumerate(index) if form.names() & set(self.indices)]
        if not used:
            return None
        if tuple(index[k].name for k in used) != self.indices or used != list(range(used[0], used[0] + len(used))):
            words = ", ".join(map(str, index))
            raise SpecError(f"{self.op.name}: [{words}] does not have {', '.join(self.indices)} side by side and alone")
        return used[0]

    def index(self, index: tuple[Affine, ...]) -> tuple[Affine, ...]:
        """An index with the merged one."""
        at = self.at(index)
        return index if at is None else (*index[:at], var(self.name), *index[at + len(self.indices) :])

    def apart(self, index: tuple[Affine, ...]) -> tuple[Affine, ...]:
        """An index with the merged one taken apart."""
        return tuple(f for form in index for f in (map(var, self.indices) if form == var(self.name) else [form]))

    def tensor(self, tensor: Tensor, index: tuple[Affine, ...]) -> Tensor:
        """A tensor with the axes merged, which must have the loops' extents."""
        at = self.at(index)
        if at is None:
            return tensor
        count = len(self.indices)
        if any(len(axis) != 1 for axis in tensor.axes):
            raise SpecError(f"{self.op.name}: axes of {tensor.name} are merged already")
        for name, size in zip(self.indices, tensor.sizes[at : at + count], strict=True):
            extent = self.solved.extents[name]
            if size != extent and not self.region.within(self.region.where(equal(size, extent))):
                raise SpecError(
                    f"{self.op.name}: {name} runs to {extent}, not over the whole axis of {tensor.name}, {size}"
                )
        return replace(tensor, axes=(*tensor.axes[:at], (self.size,), *tensor.axes[at + count :]))
