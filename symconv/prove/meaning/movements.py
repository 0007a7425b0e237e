"""Calls and subscripts of a claim that move elements to other places."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import reduce

from symconv.notation.affine import Affine, affine, quotient
from symconv.notation.expr import equal
from symconv.prove.language.lengths import spread
from symconv.prove.language.pads import padding_mode
from symconv.prove.language.spoken import TWO_WAYS, transposed
from symconv.prove.language.syntax import Call, Name, Node, Number, Pick, Span, Tuple, show
from symconv.prove.meaning import arrays
from symconv.prove.meaning.amounts import amount, as_form, as_integer, as_product, at_axis, per_axis
from symconv.prove.meaning.bordered import bordered
from symconv.prove.meaning.reshapes import reshaped
from symconv.prove.meaning.resized import resized
from symconv.prove.meaning.scope import Scope, Undecided
from symconv.prove.meaning.triangles import running, triangle
from symconv.prove.meaning.value import Amount, Axis, Pair, Value, axis

__all__ = ["axes_of", "axis_number", "length_at", "lengths_of", "moved", "subscript"]

_MINUS_ONE = Number(Fraction(-1))


def length_at(scope: Scope, value: Value, which: Node) -> Amount:
    """The length of the axis of that number, of a merged one as a product."""
    one = value.axes[axis_number(scope, which, value.rank)]
    parts = (as_product(size) for size in one.sizes)
    return one.size if one.size is not None else reduce(lambda left, right: left * right, parts)


def moved(scope: Scope, word: str, value: Value, call: Call, named: dict[str, Node]) -> Value:
    """The elements of the first argument, ``value``, in other places: flip, swap, pad, crop, dilate, reshape.

    Raises SpecError where the call is unusable, Undecided where a reshape is beyond products of sizes.
    """
    first, *rest = call.arguments
    match word:
        case "flip" | "rot180":
            axes = rest[0] if rest else named.get("axes")
            chosen = _spatial(scope, value, first, call) if axes is None else axes_of(scope, axes, value.rank)
            return arrays.flipped(scope, value, chosen)
        case "cumsum" | "tril" | "triu":
            return _towards(scope, word, value, call, rest, named)
        case "swap":
            return _swapped(scope, value, rest)
        case "transpose" | "permute":
            return _permuted(scope, word, value, rest, call)
        case "pad" | "crop":
            return _padded(scope, word, value, call, padding_mode(call, named, scope.error), "flat" in named)
        case "dilate":
            axes = named.get("axes")
            axes_ = _spatial(scope, value, first, call) if axes is None else axes_of(scope, axes, value.rank)
            steps = per_axis(scope, rest[0], len(axes_))
            chosen_ = {k: as_integer(scope, step, rest[0], "a dilation") for k, step in zip(axes_, steps, strict=True)}
            return arrays.dilated(scope, value, chosen_)
        case "sized":
            return _sized(scope, value, rest[0], call)
        case "resized":
            return resized(scope, value, [as_form(scope, amount(scope, one), one) for one in spread(
                rest[0], scope.rank_of)], call)  # fmt: skip
        case "reshape":
            return _reshape(scope, value, rest, call)
    raise scope.error(call.at, f"{call.function} stands where an array is wanted")


def _towards(scope: Scope, word: str, value: Value, call: Call, rest: Sequence[Node], named: dict[str, Node]) -> Value:
    """Running sums along an axis, or a triangle of the last two."""
    given = [*rest, *named.values()]
    if len(given) > 1:
        raise scope.error(call.at, f"{word} takes one number beside the array; given {len(given)}")
    if word == "cumsum":
        if not given and value.rank != 1:
            raise scope.error(call.at, f"cumsum of an array of {value.rank} axes wants the one it runs along: axis=0")
        return running(scope, value, axis_number(scope, given[0], value.rank) if given else 0)
    if value.rank < 2:
        raise scope.error(call.at, f"{word} wants an array of 2 or more axes; given {value.rank}")
    diagonal = as_form(scope, amount(scope, given[0]), given[0]) if given else affine(0)
    return triangle(scope, value, word == "tril", diagonal)


def _sized(scope: Scope, value: Value, wanted: Node, call: Call) -> Value:
    """The array itself; sizes for which an axis has another length than is wanted are refused."""
    if not isinstance(wanted, Tuple) or len(wanted.items) != value.rank:
        raise scope.error(call.at, f"{call.function} wants a length, or None, for each of {value.rank} axes")
    for k, node in enumerate(wanted.items):
        if node != Name("None"):
            size = as_form(scope, at_axis(scope, node, k - 2), node)
            have = arrays.length(scope, value, k)
            sentence = f"{show(call.arguments[0])}: an axis of length {have}, and {size} is wanted"
            scope.require(equal(have, size), sentence)
    return value


def subscript(scope: Scope, value: Value, items: Sequence[Span | Pick], node: Node) -> Value:
    """``value[items]``: slices, picked indices, new axes."""
    count = sum(not (isinstance(item, Pick) and item.kind in {"...", "new"}) for item in items)
    dots = sum(isinstance(item, Pick) and item.kind == "..." for item in items)
    if dots > 1 or count > value.rank:
        raise scope.error(node.at, f"the subscript has {count} entries; the array has {value.rank} axes")
    rest = [Span()] * (value.rank - count)
    full: list[Span | Pick] = []
    for item in items if dots else (*items, Pick("...")):
        full += rest if isinstance(item, Pick) and item.kind == "..." else [item]
    plan: list[tuple[int, tuple[Affine | None, Affine | None, int]] | Affine | None] = []
    for at, item in enumerate(full):
        match item:
            case Pick("new", _):
                plan.append(None)
            case Pick(_, index) if index is not None:
                plan.append(as_form(scope, amount(scope, index), index))
            case Span(start, stop, step):
                plan.append((at, _span(scope, start, stop, step, node)))
    return arrays.picked(scope, value, plan)


def _span(
    scope: Scope, start: Node | None, stop: Node | None, step: Node | None, node: Node
) -> tuple[Affine | None, Affine | None, int]:
    low, high = (None if e is None else as_form(scope, amount(scope, e), e) for e in (start, stop))
    if step is None:
        return low, high, 1
    value = as_integer(scope, amount(scope, step), step, "the step of a slice", -1)
    if value == 0 or (value < 0 and not (value == -1 and low is None and high is None)):
        raise scope.error(node.at, "the step of a slice is a positive integer, or ::-1")
    return low, high, value


def axis_number(scope: Scope, node: Node, rank: int) -> int:
    """The axis a number names, counted from the end where it is negative."""
    number = as_integer(scope, amount(scope, node), node, "the number of an axis", -rank)
    if number >= rank:
        raise scope.error(node.at, f"there is no axis {number}; the array has {rank} axes")
    return number % rank


def axes_of(scope: Scope, node: Node, rank: int) -> tuple[int, ...]:
    """The axes that a number or a tuple names, each once."""
    items = node.items if isinstance(node, Tuple) else (node,)
    found = tuple(axis_number(scope, item, rank) for item in items)
    if len(set(found)) != len(found):
        raise scope.error(node.at, f"{show(node)} names an axis twice")
    return found


def _spatial(scope: Scope, value: Value, node: Node, where: Node) -> tuple[int, ...]:
    """The axes that flip, pad, crop and dilate mean when none are named."""
    facts = scope.names.facts
    if facts.layout != "NCHW" and value.rank > 2:
        if isinstance(node, Name) and node.name in facts.places and value.rank == facts.rank + 2:
            return tuple(sorted(facts.places[node.name]))
        raise scope.error(where.at, f"{show(where)}: name the axes, the layout of {show(node)} is not known")
    return tuple(range(2, value.rank)) if value.rank > 2 else tuple(range(value.rank))


def _swapped(scope: Scope, value: Value, pair: Sequence[Node]) -> Value:
    a, b = (axis_number(scope, node, value.rank) for node in pair)
    order = list(range(value.rank))
    order[a], order[b] = b, a
    return arrays.permuted(value, order)


def _permuted(scope: Scope, word: str, value: Value, rest: Sequence[Node], call: Call) -> Value:
    if not rest:
        return arrays.permuted(value, tuple(reversed(range(value.rank))))
    if word == "transpose" and len(rest) == 2 and value.rank != 2:
        return _swapped(scope, value, rest)
    order = axes_of(scope, rest[0] if len(rest) == 1 else Tuple(tuple(rest), call.at), value.rank)
    if len(order) != value.rank:
        raise scope.error(call.at, f"{show(call)} names {len(order)} axes; the array has {value.rank}")
    if word == "transpose" and len(rest) == 2:
        if (turned := transposed(scope.caret.source, *order)) is None:
            raise scope.error(call.at, TWO_WAYS)
        order = (1, 0) if turned else (0, 1)
    return arrays.permuted(value, order)


def _padded(scope: Scope, word: str, value: Value, call: Call, mode: str | None, last: bool) -> Value:
    """The array between zeros, or what a mode repeats; torch's flat list is of the ``last`` axes."""
    first, lo, *more = call.arguments
    if last and isinstance(lo, Tuple) and len(lo.items) // 2 > value.rank:
        raise scope.error(call.at, f"pad: {len(lo.items)} numbers for {value.rank} axes, each of which takes two")
    if last and isinstance(lo, Tuple):
        axes = tuple(range(value.rank - len(lo.items) // 2, value.rank))
    else:
        axes = tuple(range(value.rank)) if _numpy_pads(lo, value.rank) else _spatial(scope, value, first, call)
    count = len(axes)
    flat = isinstance(lo, Tuple) and not more and len(lo.items) == 2 * count and not any(
        isinstance(item, Tuple) for item in lo.items
    )  # fmt: skip
    if flat and isinstance(lo, Tuple):
        pairs = tuple(Tuple(lo.items[2 * k : 2 * k + 2], lo.at) for k in reversed(range(count)))
        lo = Tuple(pairs, lo.at)
    lows = _each(scope, lo) if _numpy_pads(lo, value.rank) else per_axis(scope, lo, count)
    highs = per_axis(scope, more[0], count) if more else lows
    sign = 1 if word == "pad" else -1
    pads = {}
    for k, low, high in zip(axes, lows, highs, strict=True):
        a = low.lo if isinstance(low, Pair) else low
        b = high.hi if isinstance(high, Pair) else high
        pads[k] = (as_form(scope, a, lo) * sign, as_form(scope, b, lo) * sign)
    return arrays.padded(scope, value, pads) if mode is None else bordered(scope, value, pads, mode)


def _each(scope: Scope, pairs: Node) -> tuple[Pair, ...]:
    """A pair for each axis of the array, none of which is known to be a certain spatial one."""
    items = pairs.items if isinstance(pairs, Tuple) else ()
    ends = [item.items if isinstance(item, Tuple) and len(item.items) == 2 else (item, item) for item in items]
    return tuple(Pair(amount(scope, low), amount(scope, high)) for low, high in ends)


def _numpy_pads(lo: Node, rank: int) -> bool:
    return isinstance(lo, Tuple) and len(lo.items) == rank > 2 and all(isinstance(item, Tuple) for item in lo.items)


def _reshape(scope: Scope, value: Value, rest: Sequence[Node], call: Call) -> Value:
    items = spread(rest[0] if len(rest) == 1 else Tuple(tuple(rest)), scope.rank_of)
    targets: list[tuple[Affine, ...] | None] = []
    for item in items:
        if item == _MINUS_ONE:
            targets.append(None)
        else:
            targets.append(_length(scope, item))
    if targets.count(None) > 1:
        raise scope.error(call.at, "only one length can be -1")
    if None in targets:
        sizes = [size for one in value.axes for size in one.sizes]
        at = targets.index(None)
        targets[at] = _remaining(scope, sizes, [t for t in targets if t is not None], call)
    return reshaped(scope, value, [t for t in targets if t is not None], show(call))


def lengths_of(scope: Scope, nodes: Sequence[Node]) -> list[Axis]:
    """The axes of a new array."""
    return [axis(*_length(scope, node)) for node in spread(nodes[0] if len(nodes) == 1 else Tuple(tuple(nodes)),
                                                           scope.rank_of)]  # fmt: skip


def _length(scope: Scope, node: Node) -> tuple[Affine, ...]:
    number = as_product(amount(scope, node))
    if number.coefficient.denominator != 1 or any(power < 0 for _, power in number.monomial):
        raise scope.error(node.at, f"{show(node)} is no whole number of elements")
    forms = tuple(form for form, power in number.monomial for _ in range(power))
    if len(forms) == 1:
        return (forms[0] * int(number.coefficient),)
    return forms if number.coefficient == 1 else (affine(int(number.coefficient)), *forms)


def _remaining(
    scope: Scope, sizes: Sequence[Affine], targets: Sequence[tuple[Affine, ...]], call: Call
) -> tuple[Affine, ...]:
    total = as_product(affine(1))
    for size in sizes:
        total = total * as_product(size)
    for size in (size for target in targets for size in target):
        total = total * as_product(size).inverse()
    if total.coefficient.denominator == 1 and all(power > 0 for _, power in total.monomial):
        forms = tuple(form for form, power in total.monomial for _ in range(power))
        return forms if total.coefficient == 1 else (affine(int(total.coefficient)), *forms)
    if total.coefficient.numerator == 1 and all(power > 0 for _, power in total.monomial):
        # The first size is cut that is known to be so many of equal parts.
        forms = tuple(form for form, power in total.monomial for _ in range(power))
        for k, size in enumerate(forms):
            part = quotient(size, total.coefficient.denominator)
            if scope.region.always(equal(size, part * total.coefficient.denominator)):
                return (*forms[:k], part, *forms[k + 1 :])
    raise Undecided(
        f"{show(call)}: the length -1 stands for is not a product of sizes; say which size is cut, as in C // groups, "
        "or assert that the parts are whole"
    )
