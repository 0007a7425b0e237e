"""Axes that windows slide over: the names of their sizes, the pads, and how far the output reaches."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from symconv.errors import SpecError
from symconv.notation.affine import Affine, affine, maximum, quotient, var
from symconv.notation.body import Body, Slot
from symconv.notation.expr import Border, nonnegative
from symconv.notation.indices import IndexForm, size_of_tap
from symconv.notation.operator import Assumption, Definition, Window

__all__ = ["Settings", "Sizes", "is_direct", "slide"]

_SPATIAL = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}
_TAPS = {1: ("K",), 2: ("KH", "KW"), 3: ("KD", "KH", "KW")}


_ZERO_BORDER = Border("constant")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a formula leaves open: pads at the high end, extents, borders per tensor, parameters, conventions."""

    name: str = "formula"
    padding: tuple[tuple[int, int] | None, ...] | str | None = None
    extents: tuple[tuple[str, Affine], ...] = ()
    borders: tuple[tuple[str, Border], ...] = ()
    border: Border = _ZERO_BORDER
    parameters: tuple[tuple[str, Fraction], ...] = ()
    kinks: tuple[tuple[str, str], ...] = ()
    surrogates: tuple[tuple[str, str], ...] = ()
    empty: Fraction | None = None


@dataclass(slots=True)
class Sizes:
    """What is known of the sizes so far: of every axis that is read, of every index, and what follows from what."""

    body: Body
    settings: Settings
    outputs: tuple[str, ...]
    extents: dict[str, Affine] = field(default_factory=dict)
    slots: dict[Slot, Affine] = field(default_factory=dict)
    shifts: dict[Slot, Affine] = field(default_factory=dict)
    definitions: list[Definition] = field(default_factory=list)
    assumptions: list[Assumption] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)

    def fresh(self, wish: str) -> str:
        """A size name that is not taken."""
        name, count = wish, 2
        while name in self.taken:
            name, count = f"{wish}{count}", count + 1
        self.taken.add(name)
        return name


def is_direct(forms: list[IndexForm]) -> bool:
    """Whether an axis is only ever read at plain indices, which then all run over it."""
    return all(not f.divided and f.form.name is not None for f in forms)


def slide(sizes: Sizes) -> None:
    """Name the sizes of all windowed axes and define the extents of the outputs that slide over them."""
    windowed = {slot: forms for slot, forms in sizes.body.slots.items() if not is_direct(forms)}
    spatial = [name for name in sizes.outputs if any(_touches(forms, name) for forms in windowed.values())]
    names = dict(zip(spatial, _SPATIAL.get(len(spatial), tuple(f"X{k}" for k in range(len(spatial)))), strict=True))
    taps = dict(zip(spatial, _TAPS.get(len(spatial), tuple(f"K{k}" for k in range(len(spatial)))), strict=True))
    paddings = _paddings(sizes, spatial)
    for name in spatial:
        sizes.taken |= {names[name], taps[name], f"O{names[name]}", f"P{names[name]}", f"T{names[name]}"}
    named: set[str] = set()
    owners = {slot: next((name for name in spatial if _touches(forms, name)), None) for slot, forms in windowed.items()}
    order = sorted(
        windowed, key=lambda slot: spatial.index(owners[slot] or spatial[0]) if owners[slot] else len(spatial)
    )
    for slot in order:
        owner, forms = owners[slot], windowed[slot]
        wish = names[owner] if owner else f"{slot.tensor.upper()}{slot.position}"
        size = wish if owner and wish not in named else sizes.fresh(wish)
        sizes.slots[slot] = var(size)
        for tap in _taps(sizes, forms):
            kernel = taps[owner] if owner and taps[owner] not in named else sizes.fresh(tap.upper())
            if tap not in sizes.extents:
                named.add(kernel)
                sizes.extents[tap] = var(kernel)
        named.add(size)
        if owner:
            _window(sizes, slot, forms, owner, paddings[owner])


def _touches(forms: list[IndexForm], name: str) -> bool:
    return any(form.form.coefficient(name) for form in forms)


def _taps(sizes: Sizes, forms: list[IndexForm]) -> tuple[str, ...]:
    names = {name for form in forms for name in form.form.names()}
    return tuple(name for name in sizes.body.taps if name in names)


def _paddings(sizes: Sizes, spatial: list[str]) -> dict[str, tuple[int, int] | str | None]:
    given = sizes.settings.padding
    if given is None or isinstance(given, str):
        return dict.fromkeys(spatial, given)
    if len(given) != len(spatial):
        raise SpecError(
            f"padding names {len(given)} axes, the formula slides over {len(spatial)}: {', '.join(spatial) or 'none'}"
        )
    return dict(zip(spatial, given, strict=True))


def _window(
    sizes: Sizes, slot: Slot, forms: list[IndexForm], output: str, padding: tuple[int, int] | str | None
) -> None:
    offsets = [_offsets(form.form, output, sizes.outputs) for form in forms]
    strides = {form.form.coefficient(output) for form in forms}
    divisors = {(form.divisor, form.divided) for form in forms}
    low, high = _span(offsets)
    simple = len(strides) == 1 and len(divisors) == 1 and low is not None and high is not None
    if (
        not simple
        or min(strides) < 1
        or any(o is None for o in offsets)
        or ((1, False) not in divisors and strides != {1})
    ):
        if output in sizes.extents:
            return
        raise SpecError(
            f"the extent of {output} does not follow from the indices of {slot.tensor}; say extents={{{output!r}: ...}}"
        )
    assert low is not None and high is not None
    stride, (divisor, divided) = strides.pop(), divisors.pop()
    size = sizes.slots[slot]
    extent = f"O{size}"
    resolve = {size_of_tap(tap): e for tap, e in sizes.extents.items()}
    if not divided:
        lo, hi = _pads(sizes, slot, -low, (high - low).substitute(resolve), stride, padding, extent)
        form = quotient(size + lo + hi - (high - low).substitute(resolve) - 1, stride) + 1
        if padding == "same":
            form = quotient(size + stride - 1, stride)
    else:
        # i = s·e + d·p − lo: the transposed window's extent; low is −d(K−1)+lo here.
        lo = _transposed_lo(high, padding)
        hi = affine(padding[1]) if isinstance(padding, tuple) else lo
        form = divisor * (size - 1) + (high - low).substitute(resolve) - lo - hi + 1
    taps = _taps(sizes, forms)
    if output not in sizes.extents:
        sizes.definitions = [d for d in sizes.definitions if d.name != extent]
        at = next((k for k, d in enumerate(sizes.definitions) if d.form.names() & {extent}), len(sizes.definitions))
        sizes.definitions.insert(at, Definition(extent, form, extent=True))
        sizes.extents[output] = var(extent)
        sizes.taken.add(extent)
    _assume(sizes, slot, lo, hi)
    if len(taps) <= 1 and len(set(forms)) == 1:
        dilation = forms[0].form.coefficient(taps[0]) if taps else 0
        kernel = str(sizes.extents[taps[0]]) if taps else "1"
        flip = (dilation < 0) != divided
        sizes.windows.append(
            Window(output, taps[0] if taps else "", max(stride, divisor), abs(dilation), lo, hi, str(size), kernel,
                   extent, divided, bool(taps) and flip)
        )  # fmt: skip


def _offsets(form: Affine, output: str, outputs: tuple[str, ...]) -> tuple[Affine, Affine] | None:
    rest = form - form.coefficient(output) * var(output)
    if rest.names() & set(outputs):
        return None
    low = high = rest
    for name in rest.names():
        factor = rest.coefficient(name)
        if name.startswith("size("):
            continue
        reach = factor * (var(size_of_tap(name)) - 1)
        low, high = low - factor * var(name), high - factor * var(name)
        low, high = (low, high + reach) if factor > 0 else (low + reach, high)
    return low, high


def _span(offsets: list[tuple[Affine, Affine] | None]) -> tuple[Affine | None, Affine | None]:
    known = [pair for pair in offsets if pair is not None]
    if not known:
        return None, None
    low, high = known[0]
    for other_low, other_high in known[1:]:
        if not (other_low - low).is_constant or not (other_high - high).is_constant:
            return None, None
        low = other_low if (other_low - low).constant < 0 else low
        high = other_high if (other_high - high).constant > 0 else high
    return low, high


def _pads(
    sizes: Sizes, slot: Slot, lo: Affine, span: Affine, stride: int, padding: tuple[int, int] | str | None, extent: str
) -> tuple[Affine, Affine]:
    if not lo.is_constant:
        raise SpecError(f"the lowest tap of {slot.tensor} depends on a size ({lo}); say the extents and the padding")
    if padding == "same":
        if lo.constant:
            raise SpecError('padding="same" chooses the low pad itself: leave the offset out of the index')
        size = sizes.slots[slot]
        total, low = f"T{size}", f"P{size}"
        sizes.definitions.append(Definition(total, maximum(stride * (var(extent) - 1) + span + 1 - size, affine(0))))
        sizes.definitions.append(Definition(low, quotient(var(total), 2)))
        sizes.shifts[slot] = var(low)
        return var(low), var(total) - var(low)
    if padding == "valid":
        padding = (0, 0)
    if padding is None:
        return lo, affine(max(lo.constant, 0))
    if isinstance(padding, str):
        raise SpecError(f'padding is "same", "valid" or (low, high) per axis, not {padding!r}')
    if padding[0] != lo.constant:
        raise SpecError(
            f"padding says {padding[0]} at the low end of {slot.tensor}, its index says {lo.constant}: they must agree"
        )
    return lo, affine(padding[1])


def _transposed_lo(high: Affine, padding: tuple[int, int] | str | None) -> Affine:
    if isinstance(padding, tuple) and affine(padding[0]) != high:
        raise SpecError(f"padding says {padding[0]} at the low end, the divided index says {high}: they must agree")
    return high


def _assume(sizes: Sizes, slot: Slot, lo: Affine, hi: Affine) -> None:
    border = dict(sizes.settings.borders).get(slot.tensor, sizes.settings.border)
    room = {"reflect": 1, "circular": 0}.get(border.kind)
    if room is None:
        return
    rule = "less than" if room else "at most"
    for pad in (lo, hi):
        if not (pad.is_constant and pad.constant <= 0):
            constraint = nonnegative(sizes.slots[slot] - pad - room)
            sentence = (
                f"border {border.kind!r} needs pads {rule} the size of {slot.tensor}: {pad} against {sizes.slots[slot]}"
            )
            sizes.assumptions.append(Assumption(constraint, sentence))
