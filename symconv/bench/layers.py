"""What is measured: an operator with concrete shapes, and the work in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from symconv.notation.expr import Reduce, reads, walk
from symconv.notation.operator import Operator

__all__ = ["SUITE", "Layer", "backward_flops", "forward_flops"]

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Layer:
    """A 2-D convolution of the suite: its settings, and its shapes by tensor."""

    name: str
    settings: tuple[tuple[str, int], ...]
    x: tuple[int, ...]
    w: tuple[int, ...]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes by tensor name.

        >>> SUITE[0].shapes
        {'x': (1, 1, 5, 5), 'w': (1, 1, 3, 3)}
        """
        return {"x": self.x, "w": self.w}


SUITE = (
    Layer("tiny 1x1@5 3x3", (("padding", 1),), (1, 1, 5, 5), (1, 1, 3, 3)),
    Layer("LeNet 8x1-6@28 5x5", (), (8, 1, 28, 28), (6, 1, 5, 5)),
    Layer("3x3 8x64@56", (("padding", 1),), (8, 64, 56, 56), (64, 64, 3, 3)),
    Layer("3x3 8x128@28", (("padding", 1),), (8, 128, 28, 28), (128, 128, 3, 3)),
    Layer("depthwise 3x3 8x144@56", (("padding", 1), ("groups", 144)), (8, 144, 56, 56), (144, 1, 3, 3)),
    Layer("depthwise 7x7 4x96@56", (("padding", 3), ("groups", 96)), (4, 96, 56, 56), (96, 1, 7, 7)),
)


def forward_flops(op: Operator, shapes: Shapes) -> int:
    """Two for every (tap, output) term of every sum, taps on the padding included; 0 for an operator without a sum.

    >>> import symconv as sc
    >>> forward_flops(sc.conv1d(padding=1), {"x": (1, 2, 8), "w": (3, 2, 3)}) == 2 * (3 * 8) * (2 * 3)
    True
    """
    return 2 * sum(_terms(op, shapes).values())


def backward_flops(op: Operator, shapes: Shapes, wrt: tuple[str, ...]) -> int:
    """Two for every (tap, output) term a gradient sums up, over the gradients by ``wrt``.

    >>> import symconv as sc
    >>> shapes = {"x": (1, 2, 8), "w": (3, 2, 3), "b": (3,)}
    >>> backward_flops(sc.conv1d(padding=1, bias=True), shapes, ("x", "w", "b")) == 2 * 2 * (3 * 8) * (2 * 3)
    True
    """
    return 2 * sum(
        terms for node, terms in _terms(op, shapes).items() for name in wrt if name in {r.tensor for r in reads(node)}
    )


def _terms(op: Operator, shapes: Shapes) -> dict[Reduce, int]:
    sizes = op.sizes(**shapes)
    found: dict[Reduce, int] = {}
    for statement in op.statements:
        cells = prod(extent.evaluate(sizes) for extent in statement.target.sizes)
        for node in walk(statement.expr):
            if isinstance(node, Reduce) and node.kind == "sum":
                taps = prod(index.extent.evaluate(sizes) for index in node.indices)
                found[node] = found.get(node, 0) + cells * taps
    return found
