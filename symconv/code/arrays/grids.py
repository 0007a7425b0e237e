"""Arrays of positions (``np.repeat(np.arange(KH), KW)``): whole numbers that are affine in their own indices.

Labels are positions of which only the length of the axis that they are for is known: such a number has a name of its
own in the form, and a selector (``prove/meaning/selectors.py``) is 1 where the label is that number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod

from symconv.code.values.objects import Plan, Span
from symconv.notation.affine import Affine, affine, quotient, var
from symconv.notation.expr import Constraint
from symconv.prove.meaning.amounts import as_product, product_of
from symconv.prove.meaning.scope import Undecided
from symconv.prove.meaning.value import Amount, Axis, Fresh, Product, axis, inside
from symconv.relation.terms import Factor as Element

__all__ = [
    "Factor",
    "Grid",
    "Label",
    "arranged",
    "common",
    "counted",
    "form_of",
    "joined",
    "part",
    "repeated",
    "tiled",
    "total_of",
]

Factor = tuple[str, Product]
"""A name, empty where the elements do not depend on it, and how many values it takes."""
Same = Callable[[Affine, Affine], bool]
_ONE = Product(Fraction(1))


def _never(one: Affine, other: Affine) -> bool:
    return False


def _put(one: Element, put: Mapping[str, Affine]) -> Element:
    return Element(one.tensor, tuple(form.substitute(dict(put)) for form in one.index))


@dataclass(frozen=True, slots=True)
class Label:
    """A label as a name below ``size``: ``factor`` is 1 where it is that number.

    The factor is the element of a selector, or says of an element that it is the first extreme one: then ``extreme`` is
    that element, and what it is there. Of a place that has several indices the first one has the factor.
    """

    name: str
    factor: Element | None
    size: Affine
    extreme: tuple[Element, Element] | None = None

    def moved(self, put: Mapping[str, Affine]) -> Label:
        """The label with names replaced, its own one too."""
        own = put.get(self.name, var(self.name)).name
        assert own is not None
        there = None if self.extreme is None else (_put(self.extreme[0], put), _put(self.extreme[1], put))
        return replace(self, name=own, factor=self.factor and _put(self.factor, put), extreme=there)

    @property
    def limits(self) -> tuple[Constraint, ...]:
        """That its number is one of the labels."""
        return inside(var(self.name), self.size)


@dataclass(frozen=True, slots=True)
class Grid:
    """An array of whole numbers: per axis its factors, slowest first, and the number over their names.

    ``labels`` stand in the form by their names.
    """

    axes: tuple[tuple[Factor, ...], ...]
    form: Affine
    labels: tuple[Label, ...] = ()

    @property
    def rank(self) -> int:
        """How many axes it has."""
        return len(self.axes)

    @property
    def names(self) -> tuple[str, ...]:
        """The names its elements depend on."""
        return tuple(name for one in self.axes for name, _ in one if name)

    @property
    def limits(self) -> tuple[Constraint, ...]:
        """That its names stay within their lengths."""
        return tuple(c for one in self.axes for name, size in one if name for c in inside(var(name), form_of(size)))

    @property
    def counts_rows(self) -> bool:
        """Whether it counts the rows of an axis that is a product of lengths: ``np.arange(N * T)``."""
        match self.axes:
            case (((name, size),),) if name and not isinstance(product_of(size), Affine):
                return self.form == var(name)
        return False

    def size(self, position: int) -> Amount:
        """The length of an axis."""
        return product_of(total_of(self.axes[position]))

    def axis(self, position: int) -> tuple[Axis, tuple[str, ...]]:
        """An axis of arrays, and a name for each of its sizes (empty where nothing depends on it)."""
        sizes: list[Affine] = []
        names: list[str] = []
        for name, size in self.axes[position]:
            forms = [form_of(size)] if name else [f for f, power in size.monomial for _ in range(power)]
            forms = forms if name or size.coefficient == 1 else [affine(int(size.coefficient)), *forms]
            for form in forms:
                if form != affine(1):
                    sizes.append(form)
                    names.append(name)
        return axis(*sizes), tuple(names)


def form_of(size: Product) -> Affine:
    """A length as one form; raises Undecided where it is a product of several."""
    found = product_of(size)
    if not isinstance(found, Affine):
        raise Undecided("positions along a product of sizes")
    return found


def total_of(factors: Sequence[Factor]) -> Product:
    """How many elements there are along factors."""
    return prod((size for _, size in factors), start=_ONE)


def counted(fresh: Fresh, first: Affine, step: int, count: Affine) -> Grid:
    """``first + step*k`` for ``0 <= k < count``."""
    name = fresh()
    if count == affine(1):
        return Grid(((),), first)
    return Grid((((name, as_product(count)),),), first + var(name) * step)


def repeated(grid: Grid, times: Amount) -> Grid:
    """Every element so many times, flattened."""
    return replace(grid, axes=((*(f for one in grid.axes for f in one), ("", as_product(times))),))


def tiled(grid: Grid, times: Sequence[Amount]) -> Grid:
    """The whole one after the other so many times along each axis."""
    lead = ((),) * (len(times) - grid.rank)
    more = [affine(1)] * (grid.rank - len(times)) + list(times)
    axes = [(("", as_product(count)), *one) for count, one in zip(more, (*lead, *grid.axes), strict=True)]
    return replace(grid, axes=tuple(tuple(f for f in one if f[1] != _ONE) for one in axes))


def _quotient(size: Product, part: Product) -> Product | None:
    """How often a part is in a product of sizes."""
    found = size * part.inverse()
    whole = found.coefficient.denominator == 1 and all(power > 0 for _, power in found.monomial)
    return found if whole else None


def arranged(grid: Grid, shape: Sequence[Amount]) -> Grid:
    """The elements in another shape, one length of which may be -1."""
    factors = [f for one in grid.axes for f in one if f[1] != _ONE]
    total, known = total_of(factors), _ONE
    for size in shape:
        known = known if size == affine(-1) else known * as_product(size)
    rest = _quotient(total, known)
    if rest is None or (rest != _ONE and affine(-1) not in shape):
        raise Undecided(f"positions of another number than {' x '.join(map(str, shape))}")
    axes = []
    for size in shape:
        wanted = rest if size == affine(-1) else as_product(size)
        taken: list[Factor] = []
        while wanted != _ONE:
            if not factors:
                raise Undecided("positions that are arranged in another order of axes")
            name, length = factors.pop(0)
            left = _quotient(wanted, length)
            if left is None and not name and (left_over := _quotient(length, wanted)) is not None:
                factors.insert(0, ("", left_over))
                name, length, left = "", wanted, _ONE
            if left is None:
                raise Undecided("an axis of positions is split in the middle")
            taken.append((name, length))
            wanted = left
        axes.append(tuple(taken))
    return replace(grid, axes=tuple(axes))


def _aligned(
    fresh: Fresh, one: Sequence[Factor], other: Sequence[Factor], same: Same
) -> tuple[list[Factor], dict[str, Affine]]:
    """Factors of an axis that two lists of them can be written with, and what their names become."""
    a, b = list(one), list(other)
    found: list[Factor] = []
    put: dict[str, Affine] = {}
    while a and b:
        (x, size), (y, length) = a.pop(0), b.pop(0)
        if size != length:
            less, more = _quotient(length, size), _quotient(size, length)
            if less is not None and not y:
                b.insert(0, ("", less))
                length = size
            elif more is not None and not x:
                a.insert(0, ("", more))
                size = length
            elif not same(form_of(size), form_of(length)):
                raise Undecided(f"positions along {product_of(size)} and along {product_of(length)} are put together")
        name = fresh() if x or y else ""
        put |= {old: var(name) for old in (x, y) if old}
        found.append((name, size))
    if a or b:
        raise Undecided("positions of different numbers are put together")
    return found, put


def _apart(fresh: Fresh, grid: Grid, taken: set[str]) -> Grid:
    """The grid with names of its own: of ``k[:, None] - k[None, :]`` both sides are one array."""
    new = {name: fresh() for name in grid.names if name in taken}
    axes = tuple(tuple((new.get(name, name), size) for name, size in one) for one in grid.axes)
    put = {old: var(name) for old, name in (*new.items(), *((one.name, fresh()) for one in grid.labels))}
    return Grid(axes, grid.form.substitute(dict(put)), tuple(one.moved(put) for one in grid.labels))


def common(
    fresh: Fresh, grids: Sequence[Grid], same: Same = _never
) -> tuple[tuple[tuple[Factor, ...], ...], list[Affine], tuple[Label, ...]]:
    """The axes of several grids, broadcast, the form of each over their names, and all labels.

    ``same`` says whether two lengths of one axis are equal.
    """
    rank = max(grid.rank for grid in grids)
    axes: list[tuple[Factor, ...]] = [()] * rank
    forms: list[Affine] = []
    labels: list[Label] = []
    for one in grids:
        grid = _apart(fresh, one, {name for factors in axes for name, _ in factors})
        lead = rank - grid.rank
        form, mine = grid.form, list(grid.labels)
        for k, factors in enumerate(grid.axes):
            if not factors:
                continue
            if not axes[lead + k]:
                axes[lead + k] = factors
                continue
            new, put = _aligned(fresh, axes[lead + k], factors, same)
            axes[lead + k] = tuple(new)
            forms = [known.substitute(dict(put)) for known in forms]
            form = form.substitute(dict(put))
            labels, mine = ([label.moved(put) for label in some] for some in (labels, mine))
        forms.append(form)
        labels += mine
    return tuple(axes), forms, tuple(labels)


def joined(fresh: Fresh, op: str, left: Grid | Affine, right: Grid | Affine, same: Same = _never) -> Grid:
    """``left op right``, where at least one of them is a grid."""
    sides = [one if isinstance(one, Grid) else Grid((), one) for one in (left, right)]
    axes, (a, b), labels = common(fresh, sides, same)
    match op:
        case "+":
            return Grid(axes, a + b, labels)
        case "-":
            return Grid(axes, a - b, labels)
        case "*" if a.is_constant or b.is_constant:
            return Grid(axes, b * a.constant if a.is_constant else a * b.constant, labels)
        case "//" | "%" if b.is_constant and b.constant > 0:
            down = quotient(a, b.constant)
            return Grid(axes, down if op == "//" else a - down * b.constant, labels)
    raise Undecided(f"{op} of positions that is not affine in them")


def part(grid: Grid, plan: Plan) -> Grid:
    """A subscript of positions: new axes, and indices that are fixed."""
    axes: list[tuple[Factor, ...]] = []
    put: dict[str, Affine] = {}
    rest = iter(grid.axes)
    for item in plan:
        if item is None:
            axes.append(())
            continue
        factors = next(rest)
        if isinstance(item, Span) and item.whole:
            axes.append(factors)
        elif isinstance(item, Affine) and len(factors) < 2:
            put |= {name: item for name, _ in factors}
        else:
            raise Undecided("a part of an array of positions")
    return Grid(tuple(axes), grid.form.substitute(dict(put)), tuple(one.moved(put) for one in grid.labels))
