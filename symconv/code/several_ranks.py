"""Gradients that are right for one number of axes and wrong for another: which numbers are meant, and what is asked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from symconv.code.gradients.forward import Forward
from symconv.code.gradients.ranks import Skips
from symconv.errors import SpecError
from symconv.notation.expr import Apply, Const, Piece, Read, Reduce, reads, walk
from symconv.notation.operator import Operator
from symconv.prove.decide.decision import Decision

__all__ = ["Rated", "SeveralRanksError", "number_alone", "rated", "summed_alone", "unlikely", "which_axes"]


class SeveralRanksError(SpecError):
    """Gradients are right for one number of axes and wrong for another."""


@dataclass(frozen=True)
class Rated:
    """How many gradients are right with some numbers of axes, and how many have shapes that do not fit."""

    right: int
    misfits: int

    def better(self, other: Rated) -> bool:
        """Whether more are right than with the others, and no more shapes misfit."""
        return self.right > other.right and self.misfits <= other.misfits


def rated(decisions: Iterable[Decision | None]) -> Rated:
    """What is counted of the decisions for one number of axes."""
    each = [one for one in decisions if one is not None]
    right = (one.wrong.empty and not one.undecided for one in each)
    return Rated(sum(right), sum(not one.unfit.empty for one in each))


def unlikely(op: Operator, right: Collection[str]) -> Skips:
    """Whether numbers of axes are not meant where every shape fits with those of ``op``.

    They are its own, or differ for a tensor whose gradient is ``right`` there while the input has as many axes: that
    gradient is made of arrays with as many axes, and would have the shape of another tensor.
    """
    ranks = {one.name: len(one.axes) for one in op.inputs}
    first = op.inputs[0].name

    def skips(others: Mapping[str, int]) -> bool:
        differ = {name for name in ranks if others.get(name, ranks[name]) != ranks[name]}
        return not differ or (first not in differ and not differ.isdisjoint(right))

    return skips


def number_alone(right: Operator, unfit: Operator) -> bool:
    """Whether tensors are one number each in the first operator, and in the other, where shapes misfit, as long as an
    axis of a weight alone.

    A gradient that is summed over all axes is right for the one, and the usual mistake for the other.
    """
    sizes = {one.name: {*one.sizes} for one in unfit.inputs}
    numbers = [one.name for one in right.inputs if not one.axes and sizes.get(one.name)]
    ranks = {one.name: len(one.axes) for one in unfit.inputs}
    if any(len(one.axes) != ranks.get(one.name) for one in right.inputs if one.name not in numbers):
        return False
    holders = [[name for name in sizes if name != one and sizes[one] & sizes[name]] for one in numbers]
    return bool(numbers) and all(len(found) == 1 and found != ["x"] for found in holders)


def summed_alone(wrong: Operator, right: Operator) -> bool:
    """Whether a weight has an axis in the first operator alone that nothing else goes along, and that is summed over
    in products: ``(image[i:i+k, j:j+k] * w).sum()`` is read so of a stack of windows, and one is meant.
    """
    ranks = {one.name: len(one.axes) for one in right.inputs}
    longer = {one.name for one in wrong.inputs[1:] if len(one.axes) > ranks.get(one.name, len(one.axes))}
    for node in (node for one in wrong.statements for node in walk(one.expr)):
        if isinstance(node, Reduce) and node.kind == "sum":
            for name in (one.name for one in node.indices):
                inside = [read for piece in node.pieces for read in reads(piece.body)]
                along = [read.tensor for read in inside if any(name in form.names() for form in read.index)]
                alone = len(along) == 1 and along[0] in longer and len(inside) > 1
                if alone and all(map(_is_product, node.pieces)):
                    return True
    return False


def _is_product(piece: Piece) -> bool:
    return all(isinstance(one, Read | Const) or (isinstance(one, Apply) and one.function == "mul")
               for one in walk(piece.body))  # fmt: skip


def which_axes(forward: Forward, right: Operator, wrong: Operator) -> str:
    """That a function may be of arrays of several numbers of axes, and how it is said which is meant."""
    called = {tensor: name for name, tensor in forward.tensors.items()}
    pairs = zip(right.inputs, wrong.inputs, strict=True)
    differ = [one for one, other in pairs if len(one.axes) != len(other.axes)]
    shapes = {called[one.name]: _letters(len(one.axes)) for one in differ if one.name in called}
    here, there = (", ".join(f"{t.name} has {len(t.axes)}" for t in op.inputs) for op in (right, wrong))
    ways = [
        f"in its docstring, such as {', '.join(f'{name}: ({sizes})' for name, sizes in shapes.items())}, or ",
        f"by unpacking shapes: {'; '.join(f'{sizes} = {name}.shape' for name, sizes in shapes.items())}",
    ]
    if number := next((called[one.name] for one in differ if not one.axes and one.name in called), ""):
        ways = [f"in its docstring: {number}: a number, or {number}: (A,)"]
    said = f". Say which is meant {''.join(ways)}" if shapes else ""
    return (
        f"{forward.program.name}: {forward.node.name} is a function of arrays of several numbers of axes. The "
        f"gradients are right where {here} ({right.source}), and wrong where {there} ({wrong.source}){said}"
    )


def _letters(count: int) -> str:
    return "A," if count == 1 else ", ".join("ABCDEFG"[:count])
