"""The relation of an adjoint with symbolic strides: numbers replaced window by window, then solved for one index.

Nothing here knows an operator. A form that holds a window's output and tap with the window's own factors is the
window, ``± (s·o + d·k - p) + rest``; the equation that ties a cell to it is solved for the output, which is where
division comes in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from symconv.notation.affine import Affine, affine, quotient, var
from symconv.notation.expr import Expr, Piece, Range, Read, Reduce, nonnegative, transform, walk
from symconv.notation.expr import Index as IndexValue
from symconv.notation.operator import Assumption, Operator, Statement, Window
from symconv.views.polynomial import Poly, poly

__all__ = ["Condition", "Eliminated", "GeneralPiece", "general_form", "general_piece", "generic"]


@dataclass(frozen=True, slots=True)
class Condition:
    """``0 <= form / divisor`` and, with an extent, ``form / divisor < extent``; ``divides`` asks for an integer too."""

    form: Poly
    divisor: str = ""
    extent: Poly | None = None
    divides: bool = False


@dataclass(frozen=True, slots=True)
class Eliminated:
    """``name = form / divisor``."""

    name: str
    form: Poly
    divisor: str = ""


@dataclass(frozen=True, slots=True)
class _Match:
    """``form = sign·(window) + rest``, the window over the moving index ``main``."""

    window: Window
    main: str
    sign: int
    rest: Affine

    @property
    def symbolic(self) -> Poly:
        """The window with symbols for its numbers, a transposed one with its output moved over."""
        o, tap = self.window.output, self.window.tap
        total = Poly.of(f"s@{o}", self.main) - Poly.of(f"p@{o}")
        return total + Poly.of(f"d@{o}", f"~{tap}" if self.window.flip else tap) if tap else total


@dataclass(frozen=True, slots=True)
class GeneralPiece:
    """One piece of a reduction with symbolic windows: what is still summed, under which conditions, of what."""

    sums: tuple[Range, ...]
    conditions: tuple[Condition, ...]
    eliminated: tuple[Eliminated, ...]
    windows: tuple[Window, ...]
    cells: tuple[Range, ...]
    body: Expr

    def written(self, form: Affine) -> tuple[Poly, str]:
        """An index of the body as polynomial and divisor."""
        for one in self.eliminated:
            if form.name == one.name:
                return one.form, one.divisor
        found = general_form(form, self.windows)
        if found is None:
            raise ValueError(f"{form} is no window")
        return _replaced(found, self.eliminated), ""


def generic(op: Operator) -> Operator | None:
    """The operator padded at both ends of every window, so that its relation has every piece a pad can bring about.

    None for a gradient whose pads are not there to begin with: its relation is cut already.
    """
    changes = {w.output: w for w in op.windows if not w.transposed and w.lo.is_constant and w.hi.is_constant}
    windows = {o: replace(w, lo=_at_least_one(w.lo), hi=_at_least_one(w.hi)) for o, w in changes.items()}
    pads = {o: windows[o].lo - w.lo for o, w in changes.items()}

    if any(form != affine(0) for form in pads.values()) and any(_conditions(s.expr, windows) for s in op.statements):
        return None

    def moved(form: Affine) -> Affine:
        found = _matched(form, tuple(changes.values()))
        return form - found.sign * pads[found.window.output] if found and form.name is None else form

    def rule(node: Expr) -> Expr | None:
        return replace(node, index=tuple(map(moved, node.index))) if isinstance(node, Read) else None

    statements = tuple(replace(s, expr=transform(s.expr, rule)) for s in op.statements)
    extents = {w.extent: _extent(w) for w in windows.values()}
    definitions = tuple(replace(d, form=extents[d.name]) if d.name in extents else d for d in op.definitions)
    room = tuple(
        Assumption(nonnegative(var(w.size) - pad - 1), "pads are less than the size")
        for w in windows.values() for pad in (w.lo, w.hi) if not w.size.isdigit()
    )  # fmt: skip
    return replace(
        op,
        statements=statements,
        definitions=definitions,
        windows=tuple(windows.get(w.output, w) for w in op.windows),
        assumptions=(*op.assumptions, *room),
    )


def _conditions(expr: Expr, windows: dict[str, Window]) -> bool:
    pieces = [piece for node in walk(expr) if isinstance(node, Reduce) for piece in node.pieces]
    return any(c.form.names() & windows.keys() for piece in pieces for c in piece.where)


def _at_least_one(pad: Affine) -> Affine:
    return pad if pad.constant > 0 else affine(1)


def _extent(window: Window) -> Affine:
    reach = window.dilation * (_size(window.kernel) - 1)
    return quotient(_size(window.size) + window.lo + window.hi - reach - 1, window.stride) + 1


def _size(text: str) -> Affine:
    return affine(int(text)) if text.isdigit() else var(text)


def _match(form: Affine, window: Window) -> _Match | None:
    kernel = _size(window.kernel)
    tap = affine(0) if not window.tap else kernel - 1 - var(window.tap) if window.flip else var(window.tap)
    mains = [window.output]
    if window.transposed:
        mains = [n for n in sorted(form.names()) if n[0].islower() and n not in (window.output, window.tap)]
    for main in mains:
        for sign in (1, -1):
            rest = form - sign * (window.stride * var(main) + window.dilation * tap - window.lo)
            tied = not window.transposed or rest.coefficient(window.output) == -sign
            if form.coefficient(main) == sign * window.stride and tied and not rest.names() & {main, window.tap}:
                return _Match(window, main, sign, rest)
    return None


def _matched(form: Affine, windows: tuple[Window, ...]) -> _Match | None:
    return next((m for window in windows if (m := _match(form, window)) is not None), None)


def general_form(form: Affine, windows: tuple[Window, ...]) -> Poly | None:
    """A form with its window's numbers replaced by symbols; None where it holds a window in some other way.

    >>> window = Window("i", "p", 2, 3, affine(1), affine(1), "L", "K", "OL")
    >>> str(general_form(2 * var("i") + 3 * var("p") - 1, (window,)))
    '- p@i + i*s@i + d@i*p'
    """
    moving = {window.output for window in windows} | {window.tap for window in windows}
    if form.name is not None or not form.names() & moving:
        return poly(form)
    found = _matched(form, windows)
    if found is None:
        return None
    return found.symbolic * found.sign + poly(found.rest)


def _replaced(form: Poly, eliminated: tuple[Eliminated, ...]) -> Poly:
    """What an eliminated index stands for, where it is multiplied by its own divisor or has none."""
    for one in eliminated:
        total = Poly()
        for monomial, factor in form.terms:
            rest = list(monomial)
            if one.name in rest:
                rest.remove(one.name)
                if one.divisor:
                    if one.divisor not in rest:
                        raise ValueError(f"{one.name} stands alone in a sum")
                    rest.remove(one.divisor)
                total = total + one.form * Poly(((tuple(rest), factor),))
            else:
                total = total + Poly(((monomial, factor),))
        form = total
    return form


def general_piece(statement: Statement, node: Reduce, piece: Piece, windows: tuple[Window, ...]) -> GeneralPiece | None:
    """A piece with symbolic windows; None where a form does not fit them."""
    sums = list(node.indices)
    eliminated: list[Eliminated] = []
    conditions: list[Condition] = []
    try:
        for constraint in piece.where:
            if constraint.equality:
                _solve(constraint.form, sums, eliminated, conditions, windows)
        for constraint in piece.where:
            if not constraint.equality:
                form = general_form(constraint.form, windows)
                if form is None:
                    return None
                conditions.append(Condition(_replaced(form, tuple(eliminated))))
        result = GeneralPiece(
            tuple(sums),
            _distinct(conditions, statement, sums),
            tuple(eliminated),
            windows,
            statement.ranges,
            piece.body,
        )
        for form_of_body in _forms(piece.body):
            result.written(form_of_body)
    except ValueError:
        return None
    return result


def _forms(body: Expr) -> list[Affine]:
    found: list[Affine] = []
    for node in walk(body):
        match node:
            case Read(_, index, _):
                found += index
            case IndexValue(form):
                found.append(form)
            case Reduce():
                raise ValueError("a reduction inside a reduction has no general form")
    return found


def _solve(
    form: Affine, sums: list[Range], eliminated: list[Eliminated], conditions: list[Condition],
    windows: tuple[Window, ...],
) -> None:  # fmt: skip
    """Solve one equation for an index with factor one, else for the window's moving index, by division."""
    found = _matched(form, windows)
    if found is None:
        raise ValueError(f"{form} = 0 is no window")
    window_form = found.symbolic
    ranges = {r.name: r for r in sums}
    unit = next((n for n in sorted(found.rest.names()) if n in ranges and abs(found.rest.coefficient(n)) == 1), None)
    if unit is not None:
        factor = found.rest.coefficient(unit)
        value = (window_form * found.sign + poly(found.rest - factor * var(unit))) * -factor
        name, one = unit, Eliminated(unit, value)
    elif found.main in ranges:
        # sign·(s·o + d·k - p) + rest = 0
        stride = f"s@{found.window.output}"
        others = window_form - Poly.of(stride, found.main)
        name, one = found.main, Eliminated(found.main, poly(found.rest) * -found.sign - others, stride)
    else:
        raise ValueError(f"{form} = 0 ties cells only")
    eliminated.append(one)
    sums.remove(ranges[name])
    conditions.append(Condition(one.form, one.divisor, poly(ranges[name].extent), bool(one.divisor)))


def _distinct(conditions: list[Condition], statement: Statement, sums: list[Range]) -> tuple[Condition, ...]:
    """Each condition once, and none that a range already says; the two ends of an interval as one."""
    said = {end for r in (*statement.ranges, *sums) for end in (poly(var(r.name)), poly(r.extent - 1 - var(r.name)))}
    kept: list[Condition] = []
    for condition in conditions:
        if condition.extent is not None and not condition.divisor:
            said |= {condition.form, condition.extent - 1 - condition.form}
            kept.append(condition)
        elif condition.extent is not None:
            kept.append(condition)
    single = [c for c in conditions if c.extent is None and c.form not in said]
    while single:
        first = single.pop(0)
        partner = next((c for c in single if _only_sizes(c.form + first.form)), None)
        if partner is None:
            kept.append(first)
            continue
        single.remove(partner)
        low = first if _leading(first.form) else partner
        kept.append(Condition(low.form, "", first.form + partner.form + 1))
    return tuple(kept)


def _only_sizes(form: Poly) -> bool:
    return all(name[0].isupper() for name in form.names)


def _leading(form: Poly) -> bool:
    return any(factor > 0 and any(name.startswith("s@") for name in monomial) for monomial, factor in form.terms)
