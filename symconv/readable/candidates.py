"""Formulas that a gradient may be: one window function of two arrays, or one sum, in the words of claims and of torch.

They are made from the geometry alone: which axes slide, by what strides, dilations and pads, and how the other axes may
be ordered. Which of them is right is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations, product

from symconv.gather.derivation import Derivation
from symconv.notation.affine import Affine, affine, quotient, var
from symconv.notation.expr import Apply, Const, Expr, Read, Reduce
from symconv.notation.operator import Operator, Tensor, Window
from symconv.readable.words import Words, tuple_text

__all__ = ["Candidate", "backward_words", "candidates"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One formula, as a claim and as torch writes it."""

    claim: str
    torch: str


@dataclass(frozen=True, slots=True)
class _Side:
    """An array in some order of its axes: how each language writes it."""

    claim: str
    torch: str
    steps: int


@dataclass(frozen=True, slots=True)
class _Scene:
    op: Operator
    windows: tuple[Window, ...]
    words: Words
    sizes: dict[str, Affine]

    def known(self, form: Affine) -> Affine:
        """A form with sizes that follow from others written out."""
        for _ in self.sizes:
            form = form.substitute(self.sizes)
        return form


def candidates(derivation: Derivation, words: Words) -> Iterator[Candidate]:
    """The formulas, the plainest first."""
    op, windows = derivation.operator, derivation.stated.windows
    factors = _factors(op)
    scene = _Scene(op, windows, words, {d.name: d.form for d in op.definitions})
    if len(factors) == 1:
        yield from _summed(scene, factors[0])
    numbers = all(w.lo.is_constant and w.hi.is_constant for w in windows)
    if len(factors) not in (2, 3) or not 1 <= len(windows) <= 3 or not numbers:
        return
    bias = factors[2] if len(factors) == 3 else ""
    found = [one for pair in permutations(factors[:2]) for one in _windowed(scene, pair, bias)]
    yield from (candidate for _, candidate in sorted(found, key=lambda one: (one[0], len(one[1].claim))))


def backward_words(derivation: Derivation) -> Iterator[Candidate]:
    """Torch's own words for gradients of convolutions, which take a shape: for groups they are all there is."""
    op, windows = derivation.operator, derivation.stated.windows
    pair = _factors(op)
    pads = [(w.lo, w.hi) for w in windows]
    if len(pair) != 2 or not 1 <= len(windows) <= 3 or derivation.wrt not in op.tensors:
        return
    if not all(low == high and low.is_constant and low.constant >= 0 for low, high in pads):
        return
    scene = _Scene(op, windows, Words(set(), frozenset()), {})
    last = tuple(range(2, 2 + len(windows)))
    if any(_places(scene, tensor) != last for tensor in (*(op.input(name) for name in pair), op.output)):
        return
    said = [("stride", [str(w.stride) for w in windows]), ("padding", [str(low.constant) for low, _ in pads])]
    said += [("dilation", [str(w.dilation) for w in windows])]
    given = "".join(f", {name}={_vector(values)}" for name, values in said if any(v != _USUAL[name] for v in values))
    groups = _groups(scene)
    given += f", groups={groups}" if groups > 1 else ""
    shape, rank = f"{derivation.wrt}.shape", len(windows)
    for one, other in permutations(pair):
        call = f"torch.nn.grad.conv{rank}d_weight({one}, {shape}, {other}{given})"
        yield Candidate(call, call)
        call = f"torch.nn.grad.conv{rank}d_input({shape}, {one}, {other}{given})"
        yield Candidate(call, call)


def _factors(op: Operator) -> tuple[str, ...]:
    """The tensors of one product summed, and one added to it; nothing where the operator is anything else."""
    if len(op.statements) != 1:
        return ()
    match op.statements[0].expr:
        case Apply("add", (Reduce("sum", _, (piece,)), Read(bias))):
            return (*_product(piece.body), bias) if len(_product(piece.body)) == 2 else ()
        case Reduce("sum", _, (piece,)):
            return _product(piece.body)
    return ()


def _product(body: Expr) -> tuple[str, ...]:
    match body:
        case Read(tensor):
            return (tensor,)
        case Apply("mul", (Read(one), Read(other))) if one != other:
            return one, other
        case Apply("mul", (Const(number), inner)) if number == 1:
            return _product(inner)
    return ()


def _summed(scene: _Scene, name: str) -> Iterator[Candidate]:
    """A sum over all axes but those of the result."""
    axes, kept = scene.op.input(name).axes, scene.op.output.axes
    over = tuple(at for at, axis in enumerate(axes) if axis not in kept)
    if over and [axis for axis in axes if axis in kept] == list(kept):
        said = tuple_text([str(at) for at in over]) if len(over) > 1 else str(over[0])
        yield Candidate(f"sum({name}, {said})", f"{name}.sum(dim={said})")


def _windowed(scene: _Scene, pair: tuple[str, ...], bias: str) -> Iterator[tuple[int, Candidate]]:
    first, second = (scene.op.input(name) for name in pair)
    rank = len(scene.windows)
    tensors = (first, second, scene.op.output)
    if any(len(tensor.axes) != rank + 2 or None in _places(scene, tensor) for tensor in tensors):
        return
    for word, crossed, flips in product(
        ("conv", "conv_transpose"), (False, True), ((False, False), (True, False), (False, True))
    ):
        for a, b, result in product(*(_orders(scene, tensor) for tensor in tensors)):
            yield from _calls(scene, (first, second), (a, b, result), word, crossed, flips, bias)


def _places(scene: _Scene, tensor: Tensor) -> tuple[int | None, ...]:
    """The axis of a tensor along each window; None where it has none."""
    found = []
    for window in scene.windows:
        names = {window.size, window.extent, window.kernel}
        found.append(
            next((at for at, axis in enumerate(tensor.axes) if len(axis) == 1 and str(axis[0]) in names), None)
        )
    return tuple(found)


def _orders(scene: _Scene, tensor: Tensor) -> tuple[tuple[int, ...], ...]:
    """The two orders of axes with those of the windows last."""
    along = tuple(at for at in _places(scene, tensor) if at is not None)
    one, other = (at for at in range(len(tensor.axes)) if at not in along)
    return (one, other, *along), (other, one, *along)


def _ordered(text: _Side, order: tuple[int, ...]) -> _Side:
    """An array with its axes in another order."""
    if order == tuple(range(len(order))):
        return text
    if order == (1, 0, *range(2, len(order))):
        return _Side(f"swap({text.claim}, 0, 1)", f"{text.torch}.transpose(0, 1)", text.steps + 1)
    said = ", ".join(map(str, order))
    return _Side(f"permute({text.claim}, ({said}))", f"{text.torch}.permute({said})", text.steps + 1)


def _flipped(text: _Side, rank: int) -> _Side:
    axes = tuple_text([str(2 + at) for at in range(rank)])
    return _Side(f"flip({text.claim}, {axes})", f"{text.torch}.flip({axes})", text.steps + 1)


def _calls(
    scene: _Scene, pair: tuple[Tensor, Tensor], orders: tuple[tuple[int, ...], ...], word: str, crossed: bool,
    flips: tuple[bool, bool], bias: str,
) -> Iterator[tuple[int, Candidate]]:  # fmt: skip
    """The call with the strides and dilations of the windows, or the other way round, and what makes its result fit."""
    rank = len(scene.windows)
    plain, b = (_ordered(_Side(t.name, t.name, 0), order) for t, order in zip(pair, orders, strict=False))
    b = _flipped(b, rank) if flips[0] else b
    steps = [(w.dilation, w.stride) if crossed else (w.stride, w.dilation) for w in scene.windows]
    pads = [(w.lo.constant, w.hi.constant) for w in scene.windows]
    options = [("stride", [str(s) for s, _ in steps]), ("dilation", [str(d) for _, d in steps])]
    groups = _groups(scene)
    target = [scene.op.output.axes[at][0] for at in orders[2][2:]]
    lengths = [pair[0].axes[at][0] for at in orders[0][2:]]
    fitted = _Fit(scene, target, lengths, steps)
    for low_pads, more, crop in fitted.conv(pads) if word == "conv" else fitted.transposed(pads):
        a = _padded(plain, low_pads) if low_pads else plain
        said = [(name, values) for name, values in (*options, *more) if any(v != _USUAL[name] for v in values)]
        given = "".join(f", {name}={_vector(values)}" for name, values in said)
        given += f", groups={groups}" if groups > 1 else ""
        added = f", {bias}" if bias else ""
        call = _Side(
            f"F.{word}{rank}d({a.claim}, {b.claim}{added}{given})",
            f"torch.nn.functional.{word}{rank}d({a.torch}, {b.torch}{added}{given})",
            a.steps + b.steps,
        )
        if crop:
            cut = f"[:, :, {', '.join(crop)}]"
            call = _Side(call.claim + cut, call.torch + cut, call.steps + 1)
        call = _flipped(call, rank) if flips[1] else call
        call = _ordered(call, tuple(orders[2].index(at) for at in range(rank + 2)))
        yield call.steps, Candidate(call.claim, call.torch)


def _vector(values: list[str]) -> str:
    same = len(values) == 1 or (len(set(values)) == 1 and values[0].isdigit())
    return values[0] if same else tuple_text(values)


_USUAL = {"stride": "1", "dilation": "1", "padding": "0", "output_padding": "0"}


def _padded(text: _Side, pads: list[tuple[int, int]]) -> _Side:
    low, high = (tuple_text([str(both[end]) for both in pads]) for end in (0, 1))
    flat = ", ".join(f"{a}, {b}" for a, b in reversed(pads))
    return _Side(
        f"pad({text.claim}, {low}, {high})", f"torch.nn.functional.pad({text.torch}, ({flat}))", text.steps + 1
    )


Pads = list[tuple[int, int]]
Option = tuple[str, list[str]]
Fitted = tuple[Pads, list[Option], list[str]]
"""Zeros put around the first array beforehand, options of the call, what is cut out of its result."""


@dataclass(frozen=True, slots=True)
class _Fit:
    """How the result of a call may get the lengths that are wanted."""

    scene: _Scene
    target: list[Affine]
    lengths: list[Affine]
    steps: list[tuple[int, int]]

    def conv(self, pads: Pads) -> Iterator[Fitted]:
        """With the low pads at both ends, or with zeros put there before; whole, or its first cells."""
        cut = [f":{self.scene.words.form(size)}" for size in self.target]
        ways: list[tuple[Pads, list[Option]]] = []
        if all(low >= 0 for low, _ in pads):
            ways.append(([], [("padding", [str(low) for low, _ in pads])]))
        if any(low != high for low, high in pads) and all(min(both) >= 0 for both in pads):
            ways.append((pads, []))
        for before, options in ways:
            yield before, options, []
            yield before, options, cut

    def transposed(self, pads: Pads) -> Iterator[Fitted]:
        """With the low pads at both ends, or whole with the pads cut off."""
        even = [(low, low) for low, _ in pads]
        if all(low >= 0 for low, _ in pads) and (rest := self._rests(even)) is not None:
            yield [], [("padding", [str(low) for low, _ in pads]), ("output_padding", rest)], []
        if even != pads and (rest := self._rests(pads)) is not None:
            words = self.scene.words
            cut = [f"{low}:{words.form(low + size)}" for (low, _), size in zip(pads, self.target, strict=True)]
            yield [], [("output_padding", rest)], cut

    def _rests(self, pads: Pads) -> list[str] | None:
        """How much longer a result must be than its windows say, along each axis; None where that is unclear.

        A strided window leaves a remainder of its axis unread, as long as the sizes say.
        """
        rests = []
        axes = zip(self.scene.windows, self.target, self.lengths, self.steps, pads, strict=True)
        for window, size, length, (stride, dilation), (low, high) in axes:
            reach = dilation * (_kernel(window) - 1)
            room = self.scene.known(size) + low + high - reach - 1
            short = room - stride * (self.scene.known(length) - 1)
            if short.is_constant and 0 <= short.constant < max(stride, dilation):
                rests.append(str(short.constant))
            elif self.scene.known(length) == quotient(room, stride) + 1:
                rests.append(f"({self.scene.words.form(size + low + high - reach - 1)}) % {stride}")
            else:
                return None
        return rests


def _kernel(window: Window) -> Affine:
    return affine(int(window.kernel)) if window.kernel.isdigit() else var(window.kernel)


def _groups(scene: _Scene) -> int:
    """The number of groups: a number that is part of a merged axis."""
    tensors = (*scene.op.inputs, scene.op.output)
    return max(
        (axis[0].constant for t in tensors for axis in t.axes if len(axis) > 1 and axis[0].is_constant), default=1
    )
