"""Arrays of positions (``np.repeat(np.arange(KH), KW)``): whole numbers that are affine in their own indices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from symconv.code.values.objects import Plan, Span
from symconv.notation.affine import Affine, affine, quotient, var
from symconv.notation.expr import Constraint
from symconv.prove.meaning.amounts import as_product, product_of
from symconv.prove.meaning.scope import Undecided
from symconv.prove.meaning.value import Amount, Axis, Fresh, Product, axis, inside

__all__ = ["Factor", "Grid", "arranged", "common", "counted", "joined", "part", "repeated", "tiled"]

Factor = tuple[str, Product]
"""A name, empty where the elements do not depend on it, and how many values it takes."""
_ONE = Product(Fraction(1))


@dataclass(frozen=True, slots=True)
class Grid:
    """An array of whole numbers: per axis its factors, slowest first, and the number over their names."""

    axes: tuple[tuple[Factor, ...], ...]
    form: Affine

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
        return tuple(c for one in self.axes for name, size in one if name for c in inside(var(name), _form(size)))

    def size(self, position: int) -> Amount:
        """The length of an axis."""
        return product_of(_total(self.axes[position]))

    def axis(self, position: int) -> tuple[Axis, tuple[str, ...]]:
        """An axis of arrays, and a name for each of its sizes (empty where nothing depends on it)."""
        sizes: list[Affine] = []
        names: list[str] = []
        for name, size in self.axes[position]:
            forms = [_form(size)] if name else [f for f, power in size.monomial for _ in range(power)]
            forms = forms if name or size.coefficient == 1 else [affine(int(size.coefficient)), *forms]
            for form in forms:
                if form != affine(1):
                    sizes.append(form)
                    names.append(name)
        return axis(*sizes), tuple(names)


def _form(size: Product) -> Affine:
    found = product_of(size)
    if not isinstance(found, Affine):
        raise Undecided("positions along a product of sizes")
    return found


def _total(factors: Sequence[Factor]) -> Product:
    return prod((size for _, size in factors), start=_ONE)


def counted(fresh: Fresh, first: Affine, step: int, count: Affine) -> Grid:
    """``first + step*k`` for ``0 <= k < count``."""
    name = fresh()
    if count == affine(1):
        return Grid(((),), first)
    return Grid((((name, as_product(count)),),), first + var(name) * step)


def repeated(grid: Grid, times: Amount) -> Grid:
    """Every element so many times, flattened."""
    return Grid(((*(f for one in grid.axes for f in one), ("", as_product(times))),), grid.form)


def tiled(grid: Grid, times: Sequence[Amount]) -> Grid:
    """The whole one after the other so many times along each axis."""
    lead = ((),) * (len(times) - grid.rank)
    more = [affine(1)] * (grid.rank - len(times)) + list(times)
    axes = [(("", as_product(count)), *one) for count, one in zip(more, (*lead, *grid.axes), strict=True)]
    return Grid(tuple(tuple(f for f in one if f[1] != _ONE) for one in axes), grid.form)


def _quotient(size: Product, part: Product) -> Product | None:
    """How often a part is in a product of sizes."""
    found = size * part.inverse()
    whole = found.coefficient.denominator == 1 and all(power > 0 for _, power in found.monomial)
    return found if whole else None


def arranged(grid: Grid, shape: Sequence[Amount]) -> Grid:
    """The elements in another shape, one length of which may be -1."""
    factors = [f for one in grid.axes for f in one if f[1] != _ONE]
    total, known = _total(factors), _ONE
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
    return Grid(tuple(axes), grid.form)


def _aligned(fresh: Fresh, one: Sequence[Factor], other: Sequence[Factor]) -> tuple[list[Factor], dict[str, Affine]]:
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
            else:
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
    return Grid(axes, grid.form.substitute({old: var(name) for old, name in new.items()}))


def common(fresh: Fresh, grids: Sequence[Grid]) -> tuple[tuple[tuple[Factor, ...], ...], list[Affine]]:
    """The axes of several grids, broadcast, and the form of each over their names."""
    rank = max(grid.rank for grid in grids)
    axes: list[tuple[Factor, ...]] = [()] * rank
    forms: list[Affine] = []
    for one in grids:
        grid = _apart(fresh, one, {name for factors in axes for name, _ in factors})
        lead = rank - grid.rank
        form = grid.form
        for k, factors in enumerate(grid.axes):
            if not factors:
                continue
            if not axes[lead + k]:
                axes[lead + k] = factors
                continue
            new, put = _aligned(fresh, axes[lead + k], factors)
            axes[lead + k] = tuple(new)
            forms = [known.substitute(dict(put)) for known in forms]
            form = form.substitute(dict(put))
        forms.append(form)
    return tuple(axes), forms


def joined(fresh: Fresh, op: str, left: Grid | Affine, right: Grid | Affine) -> Grid:
    """``left op right``, where at least one of them is a grid."""
    sides = [one if isinstance(one, Grid) else Grid((), one) for one in (left, right)]
    axes, (a, b) = common(fresh, sides)
    match op:
        case "+":
            return Grid(axes, a + b)
        case "-":
            return Grid(axes, a - b)
        case "*" if a.is_constant or b.is_constant:
            return Grid(axes, b * a.constant if a.is_constant else a * b.constant)
        case "//" | "%" if b.is_constant and b.constant > 0:
            down = quotient(a, b.constant)
            return Grid(axes, down if op == "//" else a - down * b.constant)
    raise Undecided(f"{op} of positions that is not affine in them")


def part(grid: Grid, plan: Plan) -> Grid:
    """A subscript of positions: new axes, and indices that are fixed."""
    axes: list[tuple[Factor, ...]] = []
    put: dict[str, Affine | int] = {}
    rest = iter(grid.axes)
    for item in plan:
        if item is None:
            axes.append(())
            continue
        factors = next(rest)
        if isinstance(item, Span) and item.whole:
            axes.append(factors)
        elif isinstance(item, Affine) and len(factors) == 1:
            put[factors[0][0]] = item
        else:
            raise Undecided("a part of an array of positions")
    return Grid(tuple(axes), grid.form.substitute(put))
