"""Axes that windows slide over: the names of their sizes, and which of them are equally long."""

from __future__ import annotations

from symconv.errors import SpecError
from symconv.notation.affine import Affine, affine, var
from symconv.notation.extents import Pads, Sizes, is_direct
from symconv.notation.found import Slot
from symconv.notation.indices import IndexForm
from symconv.notation.windows import reach, taps_of, touches, window

__all__ = ["slide"]

_SPATIAL = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}
_TAPS = {1: ("K",), 2: ("KH", "KW"), 3: ("KD", "KH", "KW")}

_Forms = list[IndexForm]


def slide(sizes: Sizes) -> None:
    """Name the sizes of all windowed axes and define the extents of the indices that slide over them."""
    windowed = {slot: forms for slot, forms in sizes.body.slots.items() if not is_direct(forms)}
    owners = {slot: _owner(sizes, forms) for slot, forms in windowed.items()}
    touched = {name for name in sizes.outputs if any(touches(forms, name) for forms in windowed.values())}
    spatial = [n for n in (*sizes.outputs, *sizes.body.taps) if n in touched or n in owners.values()]
    names = dict(zip(spatial, _SPATIAL.get(len(spatial), tuple(f"X{k}" for k in range(len(spatial)))), strict=True))
    taps = dict(zip(spatial, _TAPS.get(len(spatial), tuple(f"K{k}" for k in range(len(spatial)))), strict=True))
    paddings = _paddings(sizes, spatial)
    for name in spatial:
        sizes.taken |= {names[name], taps[name], f"O{names[name]}", f"P{names[name]}", f"T{names[name]}"}
    order = sorted(windowed, key=lambda slot: spatial.index(owners[slot] or "") if owners[slot] else len(spatial))
    tied = _lengths(sizes, {slot: windowed[slot] for slot in order}, owners, names, taps)
    for slot in order:
        if owner := owners[slot]:
            window(sizes, slot, windowed[slot], owner, paddings[owner], slot in tied)


def _owner(sizes: Sizes, forms: _Forms) -> str | None:
    """The index that slides over an axis: an output; without one, the only summed index whose extent is open."""
    output = next((name for name in sizes.outputs if touches(forms, name)), None)
    if output is not None:
        return output
    direct = {f.over for others in sizes.body.slots.values() if is_direct(others) for f in others}
    free = [tap for tap in taps_of(sizes, forms) if tap not in sizes.extents and tap not in direct]
    plain = [tap for tap in free if any(f.over == tap for f in forms)]
    candidates = plain or free
    return candidates[0] if len(candidates) == 1 else None


def _lengths(
    sizes: Sizes, windowed: dict[Slot, _Forms], owners: dict[Slot, str | None], names: dict[str, str],
    taps: dict[str, str],
) -> set[Slot]:  # fmt: skip
    """Give every windowed axis its size and every open tap its extent; the axes whose size is that of another, or of a
    plain index, are returned."""
    named = {*sizes.written.values()}
    alike: dict[object, Affine] = {}
    tied = set()
    for slot, forms in windowed.items():
        owner = owners[slot]
        wish = names[owner] if owner else f"{slot.tensor.upper()}{slot.position}"
        plain = _plain(sizes, forms)
        size = next((sizes.extents[name] for name in plain if name in sizes.extents), None)
        if plain:
            size = size or var(sizes.written.get(plain[0]) or _named(sizes, wish, owner, named))
            sizes.extents.update(dict.fromkeys(plain, size))
            tied.add(slot)
        for tap in taps_of(sizes, forms):
            if tap in sizes.extents or tap in names:
                continue
            if (like := sizes.body.twins.get(tap)) in sizes.extents:
                sizes.extents[tap] = sizes.extents[like or ""]
                continue
            default = taps[owner] if owner and taps[owner] not in named else sizes.fresh(tap.upper())
            kernel = sizes.written.get(tap, default)
            named.add(kernel)
            sizes.extents[tap] = var(kernel)
        if size is None:
            look = _look(sizes, forms, names)
            if look in alike:
                tied.add(slot)
            size = alike.get(look) or var(_named(sizes, wish, owner, named))
            alike.setdefault(look, size)
        sizes.slots[slot] = size
    return tied


def _named(sizes: Sizes, wish: str, owner: str | None, named: set[str]) -> str:
    name = wish if owner and wish not in named else sizes.fresh(wish)
    named.add(name)
    return name


def _plain(sizes: Sizes, forms: _Forms) -> list[str]:
    """The indices that an axis is read at beside a window over it: they run over the whole axis.

    Reads that differ by constants alone, as ``x[i]*x[i+1]``, are one window.
    """
    if len({(f.form - f.form.constant, f.divisor, f.kind) for f in forms}) == 1:
        return []
    names = dict.fromkeys(f.over for f in forms)
    return [name for name in names if name and name not in sizes.stated]


def _look(sizes: Sizes, forms: _Forms, owners: dict[str, str]) -> object:
    """What axes have in common that the same indices run over in the same way, up to a shift: they are equally long."""
    indices = (*sizes.outputs, *owners)
    parts = []
    for f in forms:
        head = sum((f.form.coefficient(name) * var(name) for name in dict.fromkeys(indices)), affine(0))
        ends = reach(sizes, f.form - head)
        if ends is None:
            return object()
        parts.append((str(head), f.divisor, f.kind, *ends))
    shifts = all(kind == "plain" for _, _, kind, _, _ in parts)
    base = min((low for *_, low, _ in parts), key=lambda low: (str(low - low.constant), low.constant))
    start = base if shifts else affine(0)
    return frozenset((head, d, kind, str(low - start), str(high - start)) for head, d, kind, low, high in parts)


def _paddings(sizes: Sizes, spatial: list[str]) -> dict[str, Pads]:
    given = sizes.settings.padding
    if given is None or isinstance(given, str):
        return dict.fromkeys(spatial, given)
    if len(given) != len(spatial):
        raise SpecError(
            f"padding names {len(given)} axes, the formula slides over {len(spatial)}: {', '.join(spatial) or 'none'}"
        )
    return dict(zip(spatial, given, strict=True))
