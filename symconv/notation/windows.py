"""How one window ties sizes together: its pads, the extent that follows, and what it asks of an extent that is
known."""

from __future__ import annotations

from symconv.errors import SpecError, setting, shown
from symconv.notation.affine import Affine, affine, maximum, quotient, var
from symconv.notation.expr import TURNS, Constraint, equal, nonnegative
from symconv.notation.extents import Pads, Sizes, offered
from symconv.notation.found import Slot
from symconv.notation.indices import IndexForm, size_of_tap
from symconv.notation.operator import Assumption, Window

_OPEN_TURNS = 3
"""Turns of a periodic axis where its pad is no number: each is a piece for all kernels."""

__all__ = ["reach", "taps_of", "touches", "window"]


def touches(forms: list[IndexForm], name: str) -> bool:
    """Whether an index takes part in how an axis is read."""
    return any(name in form.form.names() for form in forms)


def taps_of(sizes: Sizes, forms: list[IndexForm]) -> tuple[str, ...]:
    """The summed indices that take part in how an axis is read."""
    names = {name for form in forms for name in form.form.names()}
    return tuple(name for name in sizes.body.taps if name in names)


def reach(sizes: Sizes, rest: Affine, raw: bool = False) -> tuple[Affine, Affine] | None:
    """The least and the largest value of a form of summed indices, in terms of ``size(p)`` where ``raw``; None where
    that is no matter of signs."""
    if any(not isinstance(atom, str) for atom, _ in rest.terms):
        return None
    low = high = rest
    for name in rest.names() & sizes.body.taps.keys():
        factor = rest.coefficient(name)
        end = factor * (var(size_of_tap(name)) - 1)
        low, high = low - factor * var(name), high - factor * var(name)
        low, high = (low, high + end) if factor > 0 else (low + end, high)
    return (low, high) if raw else (sizes.resolved(low), sizes.resolved(high))


def window(sizes: Sizes, slot: Slot, forms: list[IndexForm], output: str, padding: Pads, tied: bool) -> None:
    """One window over one axis; ``tied`` says that the axis' size is known already."""
    known = output in sizes.extents
    ends = _ends(sizes, forms, output)
    if ends is None:
        if not known:
            raise SpecError(
                f"the extent of {output} does not follow from the indices of {slot.tensor}; "
                f"say {setting('extents', '...', output)}, {offered(sizes)}"
            )
        _each(sizes, slot, forms, output)
        return
    made = _Made(sizes, slot, forms, output, padding, ends)
    if not known:
        name = sizes.define(sizes.written.get(output) or f"O{sizes.slots[slot]}", made.open(), extent=True)
        sizes.extents[output] = var(name)
    elif output in sizes.stated or tied:
        made.close()
    else:
        made.agree()
    made.assume()
    made.record()


def _each(sizes: Sizes, slot: Slot, forms: list[IndexForm], output: str) -> None:
    """Reads that are no one window still have pads, each its own."""
    for form in dict.fromkeys(forms):
        if ends := _ends(sizes, [form], output):
            made = _Made(sizes, slot, [form], output, None, ends)
            made.close()
            made.assume()


def _ends(sizes: Sizes, forms: list[IndexForm], output: str) -> tuple[Affine, Affine] | None:
    """The least and the largest offset of reads that step alike; None where they are no one window."""
    strides = {form.form.coefficient(output) for form in forms}
    kinds = {(form.divisor, form.kind) for form in forms}
    if len(strides) > 1 or len(kinds) > 1 or min(strides) < 1:
        return None
    if strides != {1} and forms[0].kind == "exact":
        return None
    return _span([_offsets(sizes, form.form, output) for form in forms])


def _offsets(sizes: Sizes, form: Affine, output: str, raw: bool = False) -> tuple[Affine, Affine] | None:
    rest = form - form.coefficient(output) * var(output)
    if rest.names() & {*sizes.outputs, output}:
        return None
    return reach(sizes, rest, raw)


def _span(offsets: list[tuple[Affine, Affine] | None]) -> tuple[Affine, Affine] | None:
    """The least and the largest offset of several reads; None where that depends on sizes."""
    low = high = None
    for ends in offsets:
        if ends is None:
            return None
        low, high = low or ends[0], high or ends[1]
        if not (ends[0] - low).is_constant or not (ends[1] - high).is_constant:
            return None
        low = ends[0] if (ends[0] - low).constant < 0 else low
        high = ends[1] if (ends[1] - high).constant > 0 else high
    return None if low is None or high is None else (low, high)


class _Made:
    """One window while its pads and its extent are worked out."""

    def __init__(
        self, sizes: Sizes, slot: Slot, forms: list[IndexForm], output: str, padding: Pads,
        ends: tuple[Affine, Affine],
    ) -> None:  # fmt: skip
        self.sizes, self.slot, self.forms, self.output, self.padding = sizes, slot, forms, output, padding
        (self.low, self.high), self.stride = ends, forms[0].form.coefficient(output)
        self.divisor, self.kind = forms[0].divisor, forms[0].kind
        self.size = sizes.slots[slot]
        self.lo = self.hi = affine(0)
        if self.kind == "floor" and padding is not None:
            raise SpecError(f"padding is for plain windows; {slot.tensor} is read at a floor: say extents instead")

    @property
    def span(self) -> Affine:
        return self.high - self.low

    def open(self) -> Affine:
        """Set the pads; the extent that follows from them."""
        sizes, size = self.sizes, self.size
        if self.kind == "exact":
            # i = s·e + d·p − lo: the transposed window's extent; low is −d(K−1)+lo here.
            self.lo = self._transposed_lo()
            self.hi = affine(self.padding[1]) if isinstance(self.padding, tuple) else self.lo
            return self.divisor * (size - 1) + self.span - self.lo - self.hi + 1
        if self.padding == "same":
            self._same(sizes.extents.get(self.output) or var(f"O{size}"))
            return quotient(size + self.stride - 1, self.stride)
        self.lo = -self.low
        if self.implied:
            raise SpecError(
                f"the low pad of {self.slot.tensor} is {self.lo}, so how far {self.output} runs is open; say "
                f"{setting('extents', repr(str(size)), self.output)} (as long as the input, causal) or "
                f"'{size + self.lo}' (full), or another extent: {offered(sizes)}"
            )
        self.hi = self._high_pad()
        # A floor reads each element for ``divisor`` neighbours: an axis that much longer.
        return quotient(self.divisor * size + self.lo + self.hi - self.span - 1, self.stride) + 1

    def close(self) -> None:
        """Set the pads where the extent is known."""
        extent = self.sizes.extents[self.output]
        if self.padding is not None or self.kind == "exact":
            self.open()
            return
        extent = extent.substitute(self.sizes.given)
        self.lo, self.hi = -self.low, self.stride * (extent - 1) + self.high - (self.divisor * self.size - 1)

    def agree(self) -> None:
        """Another window decided the extent: this one's axis must be as long as that needs."""
        extent, name = self.sizes.extents[self.output], self.size.name
        if self.implied and self.kind == "plain":
            self.close()
            return
        lone = self.kind == "plain" and self.stride == 1 and self.span == affine(0) and self.padding is None
        follows = self.size if lone else self.open()
        if lone:
            self.lo, self.hi = -self.low, self.high
        rest = follows - self.size
        if self.stride == 1 and self.divisor == 1 and name and name not in rest.names():
            # A size of its own that is what the extent leaves for it.
            solved = extent - rest
            if solved.name:
                self.sizes.names[name] = solved
            else:
                self.sizes.define(name, solved, extent=True)
            return
        sentence = (
            f"{self.slot.tensor} must have the length for which {self.output} runs as far as it does over the others"
        )
        for constraint in self._equal(extent, follows):
            self.sizes.assumptions.append(Assumption(constraint, sentence))

    @property
    def implied(self) -> bool:
        """Whether the lowest tap is before the axis by the taps themselves, with no offset that says so."""
        lows = (_offsets(self.sizes, form.form, self.output, raw=True) for form in self.forms)
        return any(ends is not None and not ends[0].is_constant for ends in lows)

    def _equal(self, extent: Affine, follows: Affine) -> tuple[Constraint, ...]:
        if self.stride == 1:
            return (equal(extent, follows),)
        room = self.divisor * self.size + self.lo + self.hi - self.span - 1
        if self.padding == "same":
            room = self.size - 1
        return nonnegative(room - self.stride * (extent - 1)), nonnegative(self.stride * extent - 1 - room)

    def _high_pad(self) -> Affine:
        padding, lo = (0, 0) if self.padding == "valid" else self.padding, self.lo.constant
        if padding is None:
            return affine(max(lo, 0))
        if isinstance(padding, str):
            raise SpecError(f'padding is "same", "valid" or (low, high) per axis, not {shown(padding)}')
        if padding[0] != lo:
            raise SpecError(
                f"padding says {padding[0]} at the low end of {self.slot.tensor}, its index says {lo}: they must agree"
            )
        return affine(padding[1])

    def _same(self, extent: Affine) -> None:
        if self.low != affine(0):
            raise SpecError(
                f"{setting('padding', repr('same'))} chooses the low pad itself: leave the offset out of the index"
            )
        sizes, size = self.sizes, self.size
        total = sizes.define(f"T{size}", maximum(self.stride * (extent - 1) + self.span + 1 - size, affine(0)))
        low = sizes.define(f"P{size}", quotient(var(total), 2))
        sizes.shifts[self.slot] = self.lo = var(low)
        self.hi = var(total) - var(low)

    def _transposed_lo(self) -> Affine:
        if isinstance(self.padding, tuple) and affine(self.padding[0]) != self.high:
            raise SpecError(
                f"padding says {self.padding[0]} at the low end, the divided index says {self.high}: they must agree"
            )
        return self.high

    def assume(self) -> None:
        """What a border rule asks of the pads."""
        border = self.sizes.border(self.slot.tensor)
        room = {"reflect": 1, "symmetric": 0, "circular": 0}.get(border.kind)
        if room is None or self.kind == "exact":
            return
        for pad in (quotient(self.lo + self.divisor - 1, self.divisor), quotient(self.hi, self.divisor)):
            turns = 1 if border.kind != "circular" else TURNS if pad.is_constant else _OPEN_TURNS
            if not (pad.is_constant and pad.constant <= (turns if border.kind == "circular" else 0)):
                rule = "less than" if room else "at most" if turns == 1 else f"at most {turns} times"
                sentence = (
                    f"border {border.kind!r} needs pads {rule} the size of {self.slot.tensor}: {pad} against "
                    f"{self.size}"
                )
                self.sizes.assumptions.append(Assumption(nonnegative(turns * self.size - pad - room), sentence))

    def record(self) -> None:
        """Keep the window where one tap slides along one line of reads."""
        taps = taps_of(self.sizes, self.forms)
        taps = tuple(tap for tap in taps if tap != self.output)
        if len(taps) > 1 or len(set(self.forms)) > 1 or self.kind == "floor":
            return
        dilation = self.forms[0].form.coefficient(taps[0]) if taps else 0
        # The extent of a tap that slides elsewhere may still be open.
        kernel = str(self.sizes.extents.get(taps[0], var(size_of_tap(taps[0])))) if taps else "1"
        divided = self.kind == "exact"
        flip = bool(taps) and (dilation < 0) != divided
        self.sizes.windows.append(
            Window(self.output, taps[0] if taps else "", max(self.stride, self.divisor), abs(dilation), self.lo,
                   self.hi, str(self.size), kernel, str(self.sizes.extents[self.output]), divided, flip)
        )  # fmt: skip
