"""Axes that windows slide over: the names of their sizes, which of them are equal, and who reaches how far."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from symconv.notation.affine import Affine, var
from symconv.notation.expr import Border
from symconv.notation.found import Body, Slot
from symconv.notation.indices import IndexForm, size_of_tap
from symconv.notation.operator import Assumption, Definition, Window

__all__ = ["Pads", "Settings", "Sizes", "Stated", "is_direct", "offered"]

Pads = tuple[int, int] | str | None
"""What ``padding`` says of one axis: (low, high), "same" or "valid", or nothing."""

_ZERO_BORDER = Border("constant")


@dataclass(frozen=True, slots=True)
class Stated:
    """What a user says of the sizes: ``left relation right``, and the sentence as written."""

    left: Affine
    relation: str
    right: Affine
    text: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What a formula leaves open: pads at the high end, extents, borders per tensor, parameters, conventions."""

    name: str = "formula"
    padding: tuple[tuple[int, int] | None, ...] | str | None = None
    extents: tuple[tuple[str, Affine], ...] = ()
    where: tuple[Stated, ...] = ()
    borders: tuple[tuple[str, Border], ...] = ()
    border: Border = _ZERO_BORDER
    parameters: tuple[tuple[str, Fraction], ...] = ()
    scalars: tuple[str, ...] = ()
    kinks: tuple[tuple[str, str], ...] = ()
    surrogates: tuple[tuple[str, str], ...] = ()
    empty: Fraction | None = None
    outputs: tuple[str, ...] = ()


@dataclass(slots=True)
class Sizes:
    """What is known of the sizes so far: of every axis that is read, of every index, and what follows from what.

    ``names`` are sizes that turned out to be others, ``given`` the provisional names of extents that the user gave as
    formulas, ``told`` sizes that no tensor tells, ``written`` the lengths that the formula names by their indices.
    """

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
    names: dict[str, Affine] = field(default_factory=dict)
    given: dict[str, Affine] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    written: dict[str, str] = field(default_factory=dict)

    @property
    def stated(self) -> frozenset[str]:
        """The indices whose extent the user gave."""
        return frozenset(name for name, _ in self.settings.extents)

    def resolved(self, form: Affine) -> Affine:
        """The form with ``size(p)`` replaced by what is known of it."""
        return form.substitute({size_of_tap(tap): extent for tap, extent in self.extents.items()})

    def border(self, tensor: str) -> Border:
        """The border rule of a tensor."""
        return dict(self.settings.borders).get(tensor, self.settings.border)

    def define(self, wish: str, form: Affine, extent: bool = False) -> str:
        """A name for a form; the same one for the same form."""
        known = {definition.name: definition.form for definition in self.definitions}
        if known.get(wish) == form:
            return wish
        name = self.fresh(wish) if wish in known else wish
        self.taken.add(name)
        self.definitions.append(Definition(name, form, extent))
        return name

    def called(self, index: str, wish: str) -> Affine:
        """The length of an axis that an index runs over: by the name that the formula has for it, or by a free one."""
        return var(self.written.get(index) or self.fresh(wish))

    def fresh(self, wish: str) -> str:
        """A size name that is not taken."""
        name, count = wish, 2
        while name in self.taken:
            name, count = f"{wish}{count}", count + 1
        self.taken.add(name)
        return name


def is_direct(forms: list[IndexForm]) -> bool:
    """Whether an axis is only ever read at plain indices, from either end, which then all run over it."""
    return all(form.over is not None for form in forms)


def offered(sizes: Sizes) -> str:
    """The sizes a user may name in an extent, with where they are found."""
    found: dict[str, str] = {}
    for slot, size in sizes.slots.items():
        if (name := size.substitute(sizes.names).name) and "(" not in name:
            found.setdefault(name, f"{name} (axis {slot.position} of {slot.tensor})")
    direct = {form.over for forms in sizes.body.slots.values() if is_direct(forms) for form in forms}
    for index, extent in sizes.extents.items():
        if index in direct and (name := extent.substitute(sizes.names).name) and "(" not in name:
            found.setdefault(name, f"{name} (how far {index} runs)")
    if not found:
        return "a number"
    return f"a number or a formula in {', '.join(found.values())}"
