"""How a window slides, from the options of a call in a claim."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from symconv.notation.affine import Affine, affine, maximum, quotient
from symconv.prove.language.syntax import Call, Node, Number, Text, show
from symconv.prove.meaning.amounts import as_form, as_integer, per_axis
from symconv.prove.meaning.scope import Scope, Undecided
from symconv.prove.meaning.value import Pair
from symconv.prove.meaning.windows import Slide

__all__ = ["slides_of"]

_ZERO, _ONE = Number(Fraction(0)), Number(Fraction(1))


def slides_of(
    scope: Scope,
    named: dict[str, Node],
    call: Call,
    sizes: Sequence[Affine | None],
    kernel: Sequence[Affine | None],
    transposed: bool = False,
) -> list[Slide]:
    """How the window slides along each axis, from the options of a call."""
    rank = len(sizes)
    strides, dilations = (
        [as_integer(scope, v, named.get(key, _ONE), key) for v in per_axis(scope, named.get(key, _ONE), rank)]
        for key in ("stride", "dilation")
    )
    if any(size is None for size in (*sizes, *kernel)):
        raise Undecided(f"{show(call)}: a window slides along a product of sizes")
    pads = _pads(scope, named.get("padding"), call, strides, dilations, [n for n in sizes if n is not None],
                 [t for t in kernel if t is not None], transposed)  # fmt: skip
    extra = named.get("output_padding", _ZERO)
    output = [as_form(scope, v, extra) for v in per_axis(scope, extra, rank)]
    return [Slide(s, d, lo, hi, more) for s, d, (lo, hi), more in zip(strides, dilations, pads, output, strict=True)]


def _pads(
    scope: Scope,
    node: Node | None,
    call: Call,
    strides: Sequence[int],
    dilations: Sequence[int],
    sizes: Sequence[Affine],
    kernel: Sequence[Affine],
    transposed: bool,
) -> list[tuple[Affine, Affine]]:
    if node is None or (isinstance(node, Text) and node.value.lower() == "valid"):
        return [(affine(0), affine(0))] * len(sizes)
    if isinstance(node, Text):
        word = node.value.lower()
        if transposed or word not in {"full", "same"}:
            words = '"valid"' if transposed else '"valid", "same" or "full"'
            raise scope.error(node.at, f"padding is {words} or numbers; given {node.value!r}")
        if word == "full":
            return [((t - 1) * d, (t - 1) * d) for t, d in zip(kernel, dilations, strict=True)]
        return [_same(scope, *axis) for axis in zip(sizes, kernel, strides, dilations, strict=True)]
    pads = []
    for value in per_axis(scope, node, len(sizes)):
        lo, hi = (value.lo, value.hi) if isinstance(value, Pair) else (value, value)
        pads.append((as_form(scope, lo, node), as_form(scope, hi, node)))
    return pads


def _same(scope: Scope, size: Affine, kernel: Affine, stride: int, dilation: int) -> tuple[Affine, Affine]:
    total = maximum(quotient(size - 1, stride) * stride + (kernel - 1) * dilation + 1 - size, affine(0))
    lo = quotient(total, 2)
    return lo, total - lo
