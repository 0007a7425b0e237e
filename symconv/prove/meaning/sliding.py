"""Calls of a claim that slide a window: layouts, groups and options, from the call and the operator."""

from __future__ import annotations

from fractions import Fraction

from symconv.notation.affine import Affine, affine
from symconv.notation.expr import equal, nonnegative
from symconv.prove.language.syntax import Call, Node, Number, Text, Tuple, show
from symconv.prove.language.vocabulary import mode_of, rank_of
from symconv.prove.meaning import arrays, windows
from symconv.prove.meaning.amounts import amount, as_form, as_integer, as_product, per_axis
from symconv.prove.meaning.grouping import Groups
from symconv.prove.meaning.scope import Scope, Undecided
from symconv.prove.meaning.slides import slides_of
from symconv.prove.meaning.value import Value

__all__ = ["columns", "convolution", "groups_of", "scipy"]

_ONE = Number(Fraction(1))


def scipy(scope: Scope, word: str, call: Call, named: dict[str, Node], a: Value, b: Value) -> Value:
    """SciPy's convolution or correlation, in its mode."""
    mode = call.arguments[2] if len(call.arguments) > 2 else named.get("mode", Text(mode_of(call.function)))
    if not isinstance(mode, Text) or mode.value not in {"full", "same", "valid"}:
        raise scope.error(mode.at, 'the mode is "full", "same" or "valid"')
    if a.rank != b.rank:
        raise scope.error(call.at, f"{word} wants arrays of equal rank; given {a.rank} and {b.rank} axes")
    if word == "convolve":
        b = arrays.flipped(scope, b, range(b.rank))
    return windows.convolved(scope, a, b, mode.value)


def convolution(scope: Scope, word: str, call: Call, named: dict[str, Node], a: Value, k: Value) -> Value:
    """A convolution of an array by filters, or its transpose."""
    facts = scope.names.facts
    rank = facts.window_rank(rank_of(call.function), a.rank)
    flat = (a.rank, k.rank) == (rank, rank)
    if rank < 1 or (not flat and (a.rank, k.rank) != (rank + 2, rank + 2)):
        raise scope.error(call.at, f"{show(call)}: arrays of {rank + 2} axes are wanted; given {a.rank} and {k.rank}")
    order = _layout(scope, call, named, flat)
    if flat:
        a, k, order = windows.plane(a), windows.plane(k), "NCHW"
    kernel = k.axes[:-2] if order == "NHWC" else k.axes[2:]
    sizes = a.axes[1:-1] if order == "NHWC" else a.axes[2:]
    slides = slides_of(scope, named, call, [x.size for x in sizes], [x.size for x in kernel], word == "conv_transpose")
    slide = windows.correlated if word == "conv" else windows.transposed
    value = slide(scope, a, k, slides, groups_of(scope, named.get("groups", _ONE)), order)
    return Value(value.axes[2:], value.names[2:], value.terms) if flat else value


def _layout(scope: Scope, call: Call, named: dict[str, Node], flat: bool) -> str:
    stated = named.get("layout")
    text = stated.value if isinstance(stated, Text) else None if stated is None else show(stated)
    try:
        return "NCHW" if flat and text is None else scope.names.facts.layout_of(text)
    except ValueError as error:
        raise scope.error(call.at, str(error)) from None


def groups_of(scope: Scope, node: Node) -> Groups:
    """An integer, or a product of sizes."""
    given = amount(scope, node)
    if isinstance(given, Affine) and (known := scope.known(given)) is not None:
        given = affine(known)
    if isinstance(given, Affine) and given.is_constant:
        return as_integer(scope, given, node, "groups")
    product = as_product(given)
    match product.monomial:
        case ((whole, 1), (part, -1)) | ((part, -1), (whole, 1)):
            return _implied(scope, node, whole * product.coefficient.numerator, part * product.coefficient.denominator)
    if (
        product.coefficient < 1
        or product.coefficient.denominator > 1
        or any(power < 0 for _, power in product.monomial)
    ):
        raise Undecided(f"{show(node)} groups: a product of sizes is wanted")
    return product


def _implied(scope: Scope, node: Node, whole: Affine, part: Affine) -> int:
    """The quotient of two lengths: one where they are equal, undecided where it depends on them."""
    if scope.decide(equal(whole, part)):
        return 1
    scope.require(nonnegative(whole - part), f"{whole} channels for filters of {part}")
    raise Undecided(f"{show(node)} groups: whether {part} divides {whole} is not affine in the sizes")


def _count(node: Node) -> int:
    """How many axes a tuple speaks of."""
    return len(node.items) if isinstance(node, Tuple) else 1


def columns(scope: Scope, word: str, call: Call, named: dict[str, Node], value: Value) -> Value:
    """Windows as columns, or columns added up where their windows lie."""
    count = value.rank if word == "unfold" else 2 + _count(call.arguments[-1])
    stated = _count(call.arguments[-1]) if word == "unfold" and isinstance(call.arguments[-1], Tuple) else None
    rank = scope.names.facts.window_rank(stated, count)
    wanted = rank + 2 if word == "unfold" else 3
    if value.rank != wanted or rank < 1:
        raise scope.error(call.at, f"{word} wants an array of {wanted} axes; given {value.rank}")
    lists = [[as_form(scope, v, node) for v in per_axis(scope, node, rank)] for node in call.arguments[1:]]
    if word == "unfold":
        slides = slides_of(scope, named, call, [x.size for x in value.axes[2:]], lists[0])
        return windows.unfolded(scope, value, lists[0], slides)
    slides = slides_of(scope, named, call, lists[0], lists[1])
    return windows.folded(scope, value, lists[0], lists[1], slides)
