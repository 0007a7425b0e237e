"""What names of the code stand for, besides whole numbers (``Affine``) and other numbers (``Product``)."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from symconv.errors import SpecError
from symconv.notation.affine import ZERO, Affine, var
from symconv.notation.expr import Constraint
from symconv.prove.meaning.scope import Undecided
from symconv.prove.meaning.value import Term

__all__ = [
    "Box",
    "Choice",
    "Chosen",
    "Combinations",
    "Condition",
    "Context",
    "Counted",
    "Dotted",
    "Extremes",
    "Function",
    "Infinity",
    "Method",
    "Opaque",
    "Pack",
    "Parts",
    "Plan",
    "Ratio",
    "Series",
    "Slice",
    "Span",
    "Stale",
    "Strides",
    "Unbound",
    "one_number",
]


@dataclass(frozen=True, slots=True)
class Span:
    """Elements of one axis: ``start + step*k`` for ``0 <= k < count``; ``whole`` where they are all, in order."""

    start: Affine
    count: Affine | None
    step: int = 1
    whole: bool = False


Plan = tuple[Span | Affine | None, ...]
"""A subscript: a span or one index per axis, None for a new axis."""


@dataclass(eq=False)
class Box:
    """An array: names that are bound to one array share its box.

    A view has the box it was taken from as ``base``, and how it follows from that one as ``derive``; ``plan`` is its
    subscript where it is one. ``depth`` counts the loops around the place where it was made; ``kind`` says whether the
    elements are real, whole ("int") or truth values ("bool"). ``loose`` says of a view that it may be a copy as well:
    none of the two may be changed from then on. A ``scalar`` is one element, which is a number in NumPy and a view in
    PyTorch: it is not read after its array changed. ``named`` is what a name or a list holds. An array of whole numbers
    may hold ``places`` of extremes, and is read one by one then.
    """

    value: Any
    depth: int = 0
    base: Box | None = None
    plan: Plan | None = None
    derive: Callable[[Any], Any] | None = None
    version: int = 0
    seen: int = 0
    line: int = 0
    kind: str = "real"
    loose: bool = False
    scalar: bool = False
    named: bool = False
    places: Any = None

    @property
    def mask(self) -> bool:
        """Whether its elements are truth values."""
        box = self
        while box.base is not None:
            box = box.base
        return box.kind == "bool"


@dataclass(frozen=True, slots=True)
class Ratio:
    """``form / divisor``, a number that is rounded before it is used."""

    form: Affine
    divisor: int


@dataclass(frozen=True, slots=True)
class Condition:
    """Where it holds: parts that do not overlap, each a conjunction."""

    parts: tuple[tuple[Constraint, ...], ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """``slice(start, stop, step)``."""

    start: Any = None
    stop: Any = None
    step: Any = None


@dataclass(frozen=True, slots=True)
class Infinity:
    """Infinity, or with a ``sign`` of -1 minus infinity."""

    sign: int = 1


@dataclass(frozen=True, slots=True)
class Dotted:
    """A library's name, such as ``numpy.zeros``."""

    name: str


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a value."""

    owner: Any
    name: str


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the code, or a lambda, with the names it sees."""

    node: ast.FunctionDef | ast.Lambda
    names: Mapping[str, Any] = field(default_factory=dict, compare=False)
    defaults: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Opaque:
    """A value that arrays do not depend on: a dtype, a device."""

    what: str


@dataclass(frozen=True, slots=True)
class Stale:
    """A name whose value depends on how often a loop ran."""

    why: str


@dataclass(frozen=True, slots=True)
class Unbound:
    """A name of a function that has no value, which is an error where it is read."""

    why: str


@dataclass(frozen=True, slots=True)
class Pack:
    """A parameter of which only the names of its parts say what it is: a cache, a dict of parameters.

    ``alike`` says that all its parts are the same, whatever they are called. Those that were ``changed`` are not read.
    """

    name: str
    told: Callable[[str], Any] = field(compare=False)
    alike: bool = False
    changed: set[Any] = field(default_factory=set, compare=False)

    def resolve(self, name: str) -> Any:
        """The value of one part; raises Undecided where it was changed, SpecError where it cannot be told."""
        if name in self.changed:
            raise Undecided(f"{self.name}[{name!r}] is read after it was changed")
        return self.told(name)

    def of_name(self, name: str) -> Any:
        """What a name bound to all of it stands for: ``x = cache`` where nothing but ``x`` was kept."""
        try:
            return self.resolve(name)
        except SpecError:
            return self


@dataclass(eq=False)
class Context:
    """``ctx`` of an autograd function: attributes, and the tensors that were saved."""

    saved: tuple[Any, ...] | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


class Parts(list["Box"]):
    """What an axis was cut into; how many parts there are may depend on its length."""


@dataclass(eq=False)
class Series:
    """A list with an element per iteration of loops over ``0 <= name < count``, the last one running fastest."""

    names: tuple[str, ...]
    counts: tuple[Affine, ...]
    element: Any


@dataclass(frozen=True, slots=True)
class Counted:
    """What an iterator gives where the number of its items is a size: item ``k`` is ``at(k)``."""

    count: Affine
    at: Callable[[Affine], Any] = field(compare=False)


@dataclass(frozen=True, slots=True)
class Combinations:
    """One item of each of these, in every combination, the last one running fastest."""

    rows: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Strides:
    """``step`` times the distance of neighbours along an axis of an array."""

    of: Box
    axis: int
    step: int = 1


class Extremes(NamedTuple):
    """The extreme elements along an axis and their places: what PyTorch returns there."""

    values: Any
    indices: Any


@dataclass(frozen=True, slots=True)
class Choice:
    """The place of the first extreme element of an array: ``indicator`` is 1 where the ``taps`` are that place."""

    kind: str
    taps: tuple[str, ...]
    sizes: tuple[Affine, ...]
    limits: tuple[Constraint, ...]
    indicator: Term


@dataclass(frozen=True, slots=True)
class Chosen:
    """A whole number that such a place gives: its index along one axis, plus ``offset``."""

    choice: Choice
    axis: int
    offset: Affine = ZERO

    @property
    def form(self) -> Affine:
        """The number over the taps of the choice."""
        return var(self.choice.taps[self.axis]) + self.offset


def one_number(value: Any) -> Any:
    """The place in an array of one axis as the number that it is; all else unchanged."""
    return Chosen(value, 0) if isinstance(value, Choice) and len(value.sizes) == 1 else value
