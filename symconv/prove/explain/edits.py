"""Small edits of a claim, each with the mistake that it undoes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import combinations

from symconv.notation.affine import affine
from symconv.notation.operator import Operator
from symconv.prove.explain.edits_indexed import indexed_edits
from symconv.prove.explain.kernels import reversed_taps, swapped
from symconv.prove.language.facts import Facts, facts_of
from symconv.prove.language.syntax import (
    Binary,
    Call,
    Name,
    Node,
    Number,
    Sliced,
    Span,
    Text,
    Tuple,
    children,
    rebuild,
    show,
    walk,
)
from symconv.prove.language.vocabulary import canonical, mode_of

__all__ = ["Edit", "edits", "is_far"]

Edit = tuple[str, Node]
_EXCHANGED, _BELONGS, _SWAPPED = "the operands exchanged", "belongs", "exchanged with"
"""All, or words, of the causes that speak of operands."""
_ZERO, _ONE = Number(Fraction(0)), Number(Fraction(1))
_BINARY = frozenset({"conv", "conv_transpose", "convolve", "correlate", "matmul", "maximum"})


def edits(op: Operator, side: str, body: Node) -> Iterator[Edit]:
    """Every tree with one edit, with the mistake it undoes; edits of the whole come first, other operands last."""
    yield from _everywhere(body, _exchanged)
    yield from _everywhere(body, lambda node: _local(facts_of(op), node))
    yield from _everywhere(body, indexed_edits)
    yield from _everywhere_else(op, side, body)
    yield from _everywhere(body, lambda node: _operands(op, side, node))


def is_far(cause: str, causes: tuple[str, ...]) -> bool:
    """Whether nobody makes these mistakes together: other arrays in two places, or operands exchanged and more."""

    def speaks(one: str) -> bool:
        return one.endswith(_BELONGS) or _SWAPPED in one

    return bool(causes) and (_EXCHANGED in {cause, *causes} or (speaks(cause) and any(map(speaks, causes))))


def _arrays(op: Operator, side: str) -> tuple[str, ...]:
    output = op.output.name
    return (*op.tensors, *(() if side == output else (f"g{output}", output)))


def _everywhere_else(op: Operator, side: str, body: Node) -> Iterator[Edit]:
    """Another array in all the places of one that is there more than once."""
    names = [node.name for node in walk(body) if isinstance(node, Name)]
    for name in dict.fromkeys(names):
        if name in _arrays(op, side) and names.count(name) > 1:
            for other in _arrays(op, side):
                if other != name:
                    yield f"{name} where {other} {_BELONGS}", _renamed(body, name, other)
    for name, other in combinations(dict.fromkeys(n for n in names if n in _arrays(op, side)), 2):
        placed = _renamed(_renamed(_renamed(body, name, "?"), other, name), "?", other)
        yield f"{name} {_SWAPPED} {other}", placed


def _renamed(node: Node, old: str, new: str) -> Node:
    if isinstance(node, Name):
        return replace(node, name=new) if node.name == old else node
    return rebuild(node, tuple(_renamed(child, old, new) for child in children(node)))


def _everywhere(body: Node, local: Callable[[Node], Iterator[Edit]]) -> Iterator[Edit]:
    yield from local(body)
    parts = children(body)
    for position, part in enumerate(parts):
        if isinstance(part, Number | Tuple) or (isinstance(body, Call) and position >= len(body.arguments)):
            continue
        for cause, new in _everywhere(part, local):
            yield cause, rebuild(body, (*parts[:position], new, *parts[position + 1 :]))


def _exchanged(node: Node) -> Iterator[Edit]:
    match node:
        case Call(function, (a, b), _) if canonical(function) in _BINARY:
            yield _EXCHANGED, replace(node, arguments=(b, a))
        case Binary("@" | "/" | "-", a, b) if not isinstance(a, Number) and not isinstance(b, Number):
            yield _EXCHANGED, Binary(node.op, b, a)


def _operands(op: Operator, side: str, node: Node) -> Iterator[Edit]:
    """Another array."""
    arrays = _arrays(op, side)
    match node:
        case Name(name) if name in arrays:
            for other in arrays:
                if other != name:
                    yield f"{name} where {other} {_BELONGS}", Name(other)


def _local(facts: Facts, node: Node) -> Iterator[Edit]:
    match node:
        case Call(function, _, _) if canonical(function) in {"conv", "conv_transpose"}:
            yield from _window(facts, node)
            yield "the result's batch and channel not exchanged", swapped(node)
        case Call(function, _, _) if canonical(function) in {"convolve", "correlate"}:
            yield from _scipy(node)
        case Call("mean", arguments, named):
            yield "a mean where a sum is wanted", Call("sum", arguments, named, node.at)
        case Call(function, arguments, _) if canonical(function) in {"flip", "rot180", "swap", "crop", "pad"}:
            yield f"{function} where none is wanted", arguments[0]
        case Binary("+" | "-", left, right):
            yield "a term that does not belong", left
            yield "a term that does not belong", right
        case Binary("*" | "/", left, right):
            for inner in (left, right):
                if not isinstance(inner, Number):
                    yield "a factor that does not belong", inner
            if isinstance(left, Number | Name) and isinstance(right, Call | Name) and node.op == "*":
                yield "a factor that does not belong", right
        case Sliced(value, _):
            yield "a slice that does not belong", value
    yield from _inserted(facts, node)
    if isinstance(node, Call | Name) and facts.rank == 2:
        yield "H and W exchanged", Call("swap", (node, _number(2), _number(3)))
    if isinstance(node, Call) and canonical(node.function) in {"conv", "swap"}:
        yield "the remainder of the stride not cropped", _cropped(facts, node)


def _scipy(call: Call) -> Iterator[Edit]:
    """One is the other with a flipped kernel; the mode stays what it is."""
    word = canonical(call.function)
    other = "correlate" if word == "convolve" else "convolve"
    stated = len(call.arguments) > 2 or call.option("mode") is not None
    same = call if stated else call.with_option("mode", Text(mode_of(call.function)))
    yield f"{word} where {other} is wanted", replace(same, function=call.function.replace(word, other))
    for mode in ("full", "same", "valid"):
        first = replace(call, arguments=call.arguments[:2])
        yield f"the mode should be {mode}", first.with_option("mode", Text(mode))


def _inserted(facts: Facts, node: Node) -> Iterator[Edit]:
    """Inserted zeros end at the last output cell; the cells of the remainder come after it."""
    if "stride" not in _options(facts):
        return
    match node:
        case Call("dilate", _, _):
            wider = Call("pad", (node, _ZERO, _remainder(facts)))
        case Call("pad", (Call("dilate", _, _) as inner, *pads), ()):
            wider = Call("pad", (inner, pads[0], Binary("+", pads[-1], _remainder(facts))))
        case _:
            return
    yield "the remainder of the stride dropped", wider


def _number(value: int) -> Number:
    return Number(Fraction(value))


def _cropped(facts: Facts, node: Node) -> Node:
    taps = [None if k is None else _number(k.constant) if k.is_constant else Name(str(k))
            for k in (axis.kernel for axis in facts.axes)]  # fmt: skip
    return Sliced(node, (Span(), Span(), *(Span(None, tap) for tap in taps)))


def _options(facts: Facts) -> dict[str, tuple[Node, str]]:
    """The operator's own window as options, where they are not the default."""
    found: dict[str, tuple[Node, str]] = {}
    if facts.strided and "s" in facts.vectors:
        found["stride"] = (Name("s"), "the stride forgotten")
    if facts.dilated and "d" in facts.vectors:
        found["dilation"] = (Name("d"), "the dilation forgotten")
    if facts.padded and "p" in facts.vectors:
        found["padding"] = (Name("p"), "the padding should be p")
    if facts.groups != affine(1):
        found["groups"] = (Name("g" if facts.groups.is_constant else str(facts.groups)), "groups ignored")
    return found


def _full(facts: Facts) -> Node:
    """``d(K-1) - p``."""
    reach: Node = Binary("-", Name("K"), _ONE)
    if facts.dilated:
        reach = Binary("*", Name("d"), reach)
    padded = facts.padded
    return Binary("-", reach, Name("p")) if padded else reach


def _remainder(facts: Facts) -> Node:
    """``(H + 2p - d(K-1) - 1) mod s``, with ``L`` in one dimension."""
    reach: Node = Binary("-", Name("K"), _ONE)
    if facts.dilated:
        reach = Binary("*", Name("d"), reach)
    pads = Binary("+", Name("L" if facts.rank == 1 else "H"), Binary("*", _number(2), Name("p")))
    return Binary("%", Binary("-", Binary("-", pads, reach), _ONE), Name("s"))


def _window(facts: Facts, call: Call) -> Iterator[Edit]:
    options = _options(facts)
    strided, dilated = "stride" in options, "dilation" in options
    for key, value in call.named:
        if isinstance(value, Tuple):
            yield "H and W exchanged", call.with_option(key, Tuple(tuple(reversed(value.items))))
    yield from _kernel(facts, call)
    for key, (value, words) in options.items():
        if call.option(key) is None or show(call.option(key) or _ZERO) != show(value):
            yield words, call.with_option(key, value)
    if call.option("padding") is not None:
        yield "a padding where none is wanted", call.with_option("padding", None)
    if call.option("stride") is not None or call.option("dilation") is not None or strided or dilated:
        exchanged = call.with_option("stride", Name("d") if dilated else None)
        exchanged = exchanged.with_option("dilation", Name("s") if strided else None)
        yield "stride and dilation not exchanged", exchanged
    yield from _transposed(facts, call, options)
    yield from _batched(facts, call)


def _kernel(facts: Facts, call: Call) -> Iterator[Edit]:
    """Flip, channels and full padding of a kernel, one by one and together."""
    a, k = call.arguments
    flip = "a flip too many" if reversed_taps(k) != Call("flip", (k,)) else "flip missing"
    swap = "channels exchanged" if swapped(k) != Call("swap", (k, _ZERO, _ONE)) else "channels not exchanged"
    full = _full(facts)
    changes: list[tuple[str, bool, bool, bool]] = [(flip, True, False, False), (swap, False, True, False)]
    padding = f"padding should be {show(full)}"
    if show(call.option("padding") or _ZERO) != show(full):
        changes += [(padding, False, False, True), (f"{flip}, {padding}", True, False, True),
                    (f"{swap}, {padding}", False, True, True)]  # fmt: skip
        changes.append((f"{flip}, {swap}, {padding}", True, True, True))
    changes.insert(2, (f"{flip}, {swap}", True, True, False))
    for words, flips, swaps, padded in changes:
        kernel = swapped(k) if swaps else k
        edited = replace(call, arguments=(a, reversed_taps(kernel) if flips else kernel))
        yield words, edited.with_option("padding", full) if padded else edited


def _transposed(facts: Facts, call: Call, options: dict[str, tuple[Node, str]]) -> Iterator[Edit]:
    a, k = call.arguments
    name = call.function
    suffix = name[-2:] if name[-2:] in {"1d", "2d", "3d"} else ""
    own = tuple((key, value) for key, (value, _) in options.items())
    if canonical(name) == "conv_transpose":
        stated, rest = call.option("output_padding"), _remainder(facts)
        if "stride" in options and (stated is None or show(stated) != show(rest)):
            words = (
                "the remainder of the stride dropped" if stated is None else "output_padding should be the remainder"
            )
            yield words, call.with_option("output_padding", rest)
        yield "conv_transpose where conv is wanted", Call(f"conv{suffix}", (a, k), own, call.at)
        return
    extra = (("output_padding", _remainder(facts)),) if "stride" in options else ()
    yield "conv where its transpose is wanted", Call(f"conv_transpose{suffix}", (a, k), (*own, *extra), call.at)


def _batched(facts: Facts, call: Call) -> Iterator[Edit]:
    """Batch and channels exchanged on both operands and the result: the form of a weight gradient."""
    a, k = call.arguments
    if isinstance(k, Call | Name) and not any(isinstance(n, Name) and n.name in facts.filters for n in walk(k)):
        plain = replace(call, arguments=(swapped(a), swapped(k)))
        strided = facts.strided
        dilated = facts.dilated
        exchanged = plain.with_option("stride", Name("d") if dilated else None)
        exchanged = exchanged.with_option("dilation", Name("s") if strided else None)
        if facts.padded:
            exchanged = exchanged.with_option("padding", Name("p"))
        yield "batch and channel not exchanged", swapped(plain)
        if strided or dilated:
            words = "batch and channel not exchanged, stride and dilation not exchanged"
            yield words, swapped(exchanged)
            yield f"{words}, the remainder of the stride not cropped", _cropped(facts, swapped(exchanged))
        else:
            yield "batch and channel not exchanged, the padding", swapped(exchanged)
