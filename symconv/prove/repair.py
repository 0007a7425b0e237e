"""What a wrong claim probably meant: small edits, each with the mistake it undoes, until one is proved.

Edits are tried on concrete integers first; only what is right on all of them goes to the proof.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from symconv.errors import SpecError, SymconvError
from symconv.notation.operator import Operator
from symconv.prove.concrete import Array, truth_of
from symconv.prove.counterexample import drawn
from symconv.prove.decide import decide
from symconv.prove.numeric import Misfit, evaluate
from symconv.prove.syntax import (
    Binary,
    Call,
    Claim,
    Name,
    Node,
    Number,
    Sliced,
    Span,
    Tuple,
    children,
    rebuild,
    show,
    walk,
)
from symconv.prove.vocabulary import canonical
from symconv.verify.geometry import geometries

__all__ = ["Repair", "repair"]

_DEPTH, _POINTS = 3, 3000
_BUDGET = 30_000
"""Nodes of all trees that are tried: about 2500 trees of common claims, a second's work."""
_ZERO, _ONE = Number(Fraction(0)), Number(Fraction(1))


@dataclass(frozen=True, slots=True)
class Repair:
    """A claim that is proved, and the mistakes between it and the one that was made."""

    claim: Claim
    causes: tuple[str, ...]


_Edit = tuple[str, Node]


def repair(op: Operator, claim: Claim) -> Repair | None:
    """The nearest claim that holds for all sizes, or None where up to three edits do not lead to one."""
    trials = _trials(op, claim)
    frontier: list[tuple[Node, tuple[str, ...]]] = [(claim.body, ())]
    seen, left = {show(claim.body)}, _BUDGET
    for _ in range(_DEPTH):
        following: list[tuple[Node, tuple[str, ...]]] = []
        for body, causes in frontier:
            size = sum(1 for _ in walk(body))
            for cause, edited in _edits(op, body):
                left -= size
                if left < 0:
                    return None
                text = show(edited)
                if text in seen or cause in causes:
                    continue
                seen.add(text)
                candidate = Claim(claim.side, edited)
                if _right(op, candidate, trials) and _proved(op, candidate):
                    return Repair(replace(candidate, source=str(candidate)), (*causes, cause))
                following.append((edited, (*causes, cause)))
        frontier = following
    return None


def _trials(op: Operator, claim: Claim) -> list[tuple[dict[str, Array], Array]]:
    """Small integers as floats, with the true value: the smallest and some larger geometries."""
    found = []
    for seed, shapes in enumerate(geometries(op, 12, 0)):
        arrays = {name: array.astype(np.float64) for name, array in drawn(op, shapes, seed).items()}
        if all(0 < a.size < _POINTS for a in arrays.values()):
            output = {} if claim.side == op.output.name else {op.output.name: truth_of(op, op.output.name, arrays)}
            found.append((arrays | output, truth_of(op, claim.side, arrays)))
    return sorted(found, key=lambda one: sum(a.size for a in one[0].values()))


def _right(op: Operator, claim: Claim, trials: list[tuple[dict[str, Array], Array]]) -> bool:
    for arrays, want in trials:
        try:
            got = evaluate(claim, op, arrays)
        except (Misfit, SpecError, ValueError, IndexError):
            return False
        if got.shape != want.shape or not np.allclose(got.astype(np.float64), want, rtol=1e-9):
            return False
    return bool(trials)


def _proved(op: Operator, claim: Claim) -> bool:
    try:
        decision = decide(op, claim)
    except SymconvError:
        return False
    return not decision.undecided and decision.wrong.empty


def _edits(op: Operator, body: Node) -> Iterator[_Edit]:
    """Every tree with one edit, with the mistake it undoes; edits of the whole come first."""
    yield from _local(op, body)
    parts = children(body)
    for position, part in enumerate(parts):
        if isinstance(part, Number | Tuple) or (isinstance(body, Call) and position >= len(body.arguments)):
            continue
        for cause, new in _edits(op, part):
            yield cause, rebuild(body, (*parts[:position], new, *parts[position + 1 :]))


def _local(op: Operator, node: Node) -> Iterator[_Edit]:
    match node:
        case Call(function, _, _) if canonical(function) in {"conv", "conv_transpose"}:
            yield from _window(op, node)
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
    yield from _inserted(op, node)
    if isinstance(node, Call | Name) and len(op.windows) == 2 and len(op.output.axes) == 4:
        yield "H and W exchanged", Call("swap", (node, _number(2), _number(3)))
    if isinstance(node, Call) and canonical(node.function) in {"conv", "swap"}:
        yield "the remainder of the stride not cropped", _cropped(op, node)


def _inserted(op: Operator, node: Node) -> Iterator[_Edit]:
    """Inserted zeros end at the last output cell; the cells of the remainder come after it."""
    if "stride" not in _options(op):
        return
    match node:
        case Call("dilate", _, _):
            wider = Call("pad", (node, _ZERO, _remainder(op)))
        case Call("pad", (Call("dilate", _, _) as inner, *pads), ()):
            wider = Call("pad", (inner, pads[0], Binary("+", pads[-1], _remainder(op))))
        case _:
            return
    yield "the remainder of the stride dropped", wider


def _number(value: int) -> Number:
    return Number(Fraction(value))


def _cropped(op: Operator, node: Node) -> Node:
    taps = [Name(w.kernel) if not w.kernel.isdigit() else _number(int(w.kernel)) for w in op.windows]
    return Sliced(node, (Span(), Span(), *(Span(None, tap) for tap in taps)))


def _swap(node: Node) -> Node:
    match node:
        case Call("swap", (inner, Number(a), Number(b))) if a == 0 and b == 1:
            return inner
    return Call("swap", (node, _ZERO, _ONE))


def _flip(node: Node) -> Node:
    match node:
        case Call("flip" | "rot180", (inner,), ()):
            return inner
    return Call("flip", (node,))


def _options(op: Operator) -> dict[str, tuple[Node, str]]:
    """The operator's own window as options, where they are not the default."""
    found: dict[str, tuple[Node, str]] = {}
    if any(w.stride != 1 for w in op.windows):
        found["stride"] = (Name("s"), "the stride forgotten")
    if any(w.dilation != 1 for w in op.windows):
        found["dilation"] = (Name("d"), "the dilation forgotten")
    if any(str(w.lo) != "0" or str(w.hi) != "0" for w in op.windows):
        found["padding"] = (Name("p"), "the padding should be p")
    if any(len(m) == 2 and m[0].is_constant for t in op.inputs for m in t.axes):
        found["groups"] = (Name("g"), "groups ignored")
    elif (channels := _kept_channels(op)) is not None:
        found["groups"] = (Name(channels), "groups ignored")
    return found


def _kept_channels(op: Operator) -> str | None:
    """The size of the channels where each output channel has one input channel of its own."""
    x, y = op.inputs[0].axes, op.output.axes
    if len(x) == len(y) == len(op.windows) + 2 and x[1] == y[1] and len(x[1]) == 1:
        return x[1][0].name
    return None


def _full(op: Operator) -> Node:
    """``d(K-1) - p``."""
    reach: Node = Binary("-", Name("K"), _ONE)
    if any(w.dilation != 1 for w in op.windows):
        reach = Binary("*", Name("d"), reach)
    padded = any(str(w.lo) != "0" or str(w.hi) != "0" for w in op.windows)
    return Binary("-", reach, Name("p")) if padded else reach


def _remainder(op: Operator) -> Node:
    """``(H + 2p - d(K-1) - 1) mod s``, with ``L`` in one dimension."""
    reach: Node = Binary("-", Name("K"), _ONE)
    if any(w.dilation != 1 for w in op.windows):
        reach = Binary("*", Name("d"), reach)
    pads = Binary("+", Name("L" if len(op.windows) == 1 else "H"), Binary("*", _number(2), Name("p")))
    return Binary("%", Binary("-", Binary("-", pads, reach), _ONE), Name("s"))


def _window(op: Operator, call: Call) -> Iterator[_Edit]:
    options = _options(op)
    strided, dilated = "stride" in options, "dilation" in options
    for key, value in call.named:
        if isinstance(value, Tuple):
            yield "H and W exchanged", call.with_option(key, Tuple(tuple(reversed(value.items))))
    yield from _kernel(op, call)
    for key, (value, words) in options.items():
        if call.option(key) is None or show(call.option(key) or _ZERO) != show(value):
            yield words, call.with_option(key, value)
    if call.option("padding") is not None:
        yield "a padding where none is wanted", call.with_option("padding", None)
    if call.option("stride") is not None or call.option("dilation") is not None or strided or dilated:
        exchanged = call.with_option("stride", Name("d") if dilated else None)
        exchanged = exchanged.with_option("dilation", Name("s") if strided else None)
        yield "stride and dilation not exchanged", exchanged
    yield from _transposed(op, call, options)
    yield from _batched(op, call)


def _kernel(op: Operator, call: Call) -> Iterator[_Edit]:
    """Flip, channels and full padding of a kernel, one by one and together."""
    a, k = call.arguments
    flip = "a flip too many" if _flip(k) != Call("flip", (k,)) else "flip missing"
    swap = "channels exchanged" if _swap(k) != Call("swap", (k, _ZERO, _ONE)) else "channels not exchanged"
    full = _full(op)
    changes: list[tuple[str, bool, bool, bool]] = [(flip, True, False, False), (swap, False, True, False)]
    padding = f"padding should be {show(full)}"
    if show(call.option("padding") or _ZERO) != show(full):
        changes += [(padding, False, False, True), (f"{flip}, {padding}", True, False, True),
                    (f"{swap}, {padding}", False, True, True)]  # fmt: skip
        changes.append((f"{flip}, {swap}, {padding}", True, True, True))
    changes.insert(2, (f"{flip}, {swap}", True, True, False))
    for words, flipped, swapped, padded in changes:
        kernel = _swap(k) if swapped else k
        edited = replace(call, arguments=(a, _flip(kernel) if flipped else kernel))
        yield words, edited.with_option("padding", full) if padded else edited


def _transposed(op: Operator, call: Call, options: dict[str, tuple[Node, str]]) -> Iterator[_Edit]:
    a, k = call.arguments
    name = call.function
    suffix = name[-2:] if name[-2:] in {"1d", "2d", "3d"} else ""
    own = tuple((key, value) for key, (value, _) in options.items())
    if canonical(name) == "conv_transpose":
        stated, rest = call.option("output_padding"), _remainder(op)
        if "stride" in options and (stated is None or show(stated) != show(rest)):
            words = (
                "the remainder of the stride dropped" if stated is None else "output_padding should be the remainder"
            )
            yield words, call.with_option("output_padding", rest)
        yield "conv_transpose where conv is wanted", Call(f"conv{suffix}", (a, k), own, call.at)
        return
    extra = (("output_padding", _remainder(op)),) if "stride" in options else ()
    yield "conv where its transpose is wanted", Call(f"conv_transpose{suffix}", (a, k), (*own, *extra), call.at)


def _batched(op: Operator, call: Call) -> Iterator[_Edit]:
    """Batch and channels exchanged on both operands and the result: the form of a weight gradient."""
    a, k = call.arguments
    if isinstance(k, Call | Name) and "w" not in show(k):
        plain = replace(call, arguments=(_swap(a), _swap(k)))
        strided = any(w.stride != 1 for w in op.windows)
        dilated = any(w.dilation != 1 for w in op.windows)
        exchanged = plain.with_option("stride", Name("d") if dilated else None)
        exchanged = exchanged.with_option("dilation", Name("s") if strided else None)
        if any(str(w.lo) != "0" or str(w.hi) != "0" for w in op.windows):
            exchanged = exchanged.with_option("padding", Name("p"))
        yield "batch and channel not exchanged", _swap(plain)
        if strided or dilated:
            words = "batch and channel not exchanged, stride and dilation not exchanged"
            yield words, _swap(exchanged)
            yield f"{words}, the remainder of the stride not cropped", _cropped(op, _swap(exchanged))
        else:
            yield "batch and channel not exchanged, the padding", _swap(exchanged)
