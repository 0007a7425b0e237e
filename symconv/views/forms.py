"""Integer forms and conditions on indices, written: ``2i + p - 1``, ``0 ≤ i < O``, ``⌈(p - 1)/2⌉``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from symconv.notation.affine import Affine, Atom, Maximum, Quotient, affine, var
from symconv.notation.expr import Constraint, Piece, Range
from symconv.views.dialect import Dialect

__all__ = [
    "Bound",
    "Write",
    "bound_text",
    "chain",
    "condition_text",
    "covering",
    "form_text",
    "paired",
    "ranges_text",
    "writer",
]

Write = Callable[[Affine], str]


def writer(dialect: Dialect) -> Write:
    """How a dialect writes an affine form."""
    return lambda form: form_text(form, dialect)


def form_text(form: Affine, dialect: Dialect) -> str:
    """An affine form as people write it: what is added first, sizes after indices, the number last.

    >>> from symconv.views.dialect import text
    >>> form_text(2 * var("i") - var("KH") + var("r_u") - 1, text())
    '2i+r_u−KH−1'
    """
    latex = dialect.kind == "latex"
    parts: list[tuple[bool, str]] = []
    for atom, factor in sorted(form.terms, key=_rank):
        name = _atom(atom, dialect)
        parts.append((factor < 0, name if abs(factor) == 1 else f"{abs(factor)}{_times(atom, dialect)}{name}"))
    if form.constant or not parts:
        # 1 - p rather than -p + 1.
        at = 0 if form.constant > 0 and all(negative for negative, _ in parts) else len(parts)
        parts.insert(at, (form.constant < 0, str(abs(form.constant))))
    written = ""
    for negative, part in parts:
        sign = dialect.minus if negative else "+" if written else ""
        spaced = f" {sign} " if latex and written else sign
        written += f"{spaced}{part}"
    return written


def _times(atom: Atom, dialect: Dialect) -> str:
    return "" if isinstance(atom, str) else dialect.space if dialect.kind == "latex" else dialect.times


def _rank(term: tuple[Atom, int]) -> tuple[bool, int, str]:
    atom, factor = term
    if not isinstance(atom, str):
        return factor < 0, 3, str(atom)
    kind = 2 if atom[0].isupper() else 0 if not atom.startswith(("r_", "m_")) and "0_" not in atom else 1
    # A loop comes before the index it steps: 2u' before u.
    return factor < 0, kind, atom


def _atom(atom: Atom, dialect: Dialect) -> str:
    match atom:
        case Quotient(numerator, divisor):
            return dialect.quotient(form_text(numerator, dialect), str(divisor), False)
        case Maximum(left, right):
            return dialect.call("max", (form_text(left, dialect), form_text(right, dialect)))
    return dialect.symbol(atom)


@dataclass(frozen=True, slots=True)
class Bound:
    """``form / divisor``, rounded up where it bounds from below, down where it bounds from above."""

    form: Affine
    divisor: int = 1


def bound_text(bounds: tuple[Bound, ...], lower: bool, dialect: Dialect, write: Write) -> str:
    """The largest of lower bounds, the smallest of upper ones."""
    texts = []
    for bound in sorted(dict.fromkeys(bounds), key=lambda b: (bool(b.form.terms), b.divisor)):
        inner = write(bound.form)
        texts.append(inner if bound.divisor == 1 else dialect.quotient(inner, str(bound.divisor), lower))
    if len(texts) == 1:
        return texts[0]
    return dialect.call("max" if lower else "min", tuple(texts))


def paired(constraints: Iterable[Constraint]) -> tuple[tuple[Constraint, ...], ...]:
    """Constraints with the two ends of an interval put together."""
    pending, groups = list(dict.fromkeys(constraints)), []
    while pending:
        first = pending.pop(0)
        partner = next((c for c in pending if _ends(first, c)), None)
        if partner is not None:
            pending.remove(partner)
        groups.append((first,) if partner is None else (first, partner))
    return tuple(groups)


def _ends(first: Constraint, second: Constraint) -> bool:
    if first.equality or second.equality:
        return False
    return not any(name[0].islower() for name in (first.form + second.form).names())


def chain(constraints: Iterable[Constraint], dialect: Dialect, write: Write) -> tuple[str, ...]:
    """Constraints in words of mathematics, the two ends of an interval as one: ``0 ≤ 2i + p - 1 < L``."""
    return tuple(_interval(*group, dialect, write) if len(group) == 2 else condition_text(group[0], dialect, write)
                 for group in paired(constraints))  # fmt: skip


def _interval(low: Constraint, high: Constraint, dialect: Dialect, write: Write) -> str:
    if _sizes_first(low) and not _sizes_first(high):
        low, high = high, low
    middle = low.form
    extent = low.form + high.form + 1
    sizes = Affine(tuple((a, f) for a, f in middle.terms if not _is_index(a)), 0)
    if sizes.terms and all(f < 0 for _, f in sizes.terms):
        # A ≤ form: the sizes go to the other side.
        start = -sizes
        below = write(start)
        return _between(below, write(middle - sizes), write(extent + start), dialect)
    return _between("0", write(middle), write(extent), dialect)


def _between(low: str, middle: str, high: str, dialect: Dialect) -> str:
    less, below = dialect.relations["le"], dialect.relations["lt"]
    return f"{low} {less} {middle} {below} {high}" if dialect.kind == "latex" else f"{low}{less}{middle}{below}{high}"


def _is_index(atom: Atom) -> bool:
    return isinstance(atom, str) and atom[0].islower()


def _sizes_first(constraint: Constraint) -> bool:
    return any(not _is_index(atom) and factor > 0 for atom, factor in constraint.form.terms)


def condition_text(constraint: Constraint, dialect: Dialect, write: Write) -> str:
    """One constraint with both sides free of minus signs where that is possible; a lone index stands left."""
    form = constraint.form
    if constraint.equality:
        lone = [a for a, f in form.terms if _is_index(a) and abs(f) == 1]
        if lone:
            # The cell's index has factor +1 in the equations a derivation states.
            name = max((a for a in lone if isinstance(a, str)), key=lambda a: (form.coefficient(a), a))
            rest = (form - form.coefficient(name) * var(name)) * -form.coefficient(name)
            return _related(dialect.symbol(name), "eq", write(rest), dialect)
        return _related(write(form), "eq", "0", dialect)
    left = Affine(tuple((a, f) for a, f in form.terms if f > 0), max(form.constant, 0))
    right = left - form
    indices = [a for a, _ in left.terms if _is_index(a)]
    if not indices and any(_is_index(a) for a, _ in right.terms):
        return _strict(right, left, "lt", "le", dialect, write)
    return _strict(left, right, "gt", "ge", dialect, write)


def _strict(left: Affine, right: Affine, strict: str, plain: str, dialect: Dialect, write: Write) -> str:
    """``a + 1 ≤ b`` is ``a < b``: numbers are moved to the side of the sizes."""
    moved = affine(left.constant)
    left, right = left - moved, right - moved
    step = 1 if strict == "lt" else -1
    if right.terms and right.constant == -step:
        return _related(write(left), strict, write(right + step), dialect)
    return _related(write(left), plain, write(right), dialect)


def _related(left: str, relation: str, right: str, dialect: Dialect) -> str:
    sign = dialect.relations[relation]
    return f"{left} {sign} {right}" if dialect.kind == "latex" else f"{left}{sign}{right}"


def ranges_text(ranges: Iterable[Range], dialect: Dialect, write: Write) -> tuple[str, ...]:
    """``0 ≤ i < O`` for every range."""
    return tuple(_between("0", dialect.symbol(r.name), write(r.extent), dialect) for r in ranges)


def covering(pieces: tuple[Piece, ...]) -> bool:
    """Whether disjoint pieces cover everything, as far as their conditions are opposites of each other.

    >>> from symconv.notation.affine import var
    >>> from symconv.notation.expr import Const, nonnegative
    >>> inside, outside = nonnegative(var("i")), nonnegative(-var("i") - 1)
    >>> covering((Piece((inside,), Const(1)), Piece((outside,), Const(0)))), covering((Piece((inside,), Const(1)),))
    (True, False)
    """
    return _covers([frozenset(piece.where) for piece in pieces], 64)


def _covers(parts: list[frozenset[Constraint]], fuel: int) -> bool:
    if frozenset() in parts:
        return True
    if not parts or fuel <= 0:
        return False
    chosen = min(parts[0], key=str)
    if chosen.equality:
        return False
    opposite = Constraint(-chosen.form - 1)
    yes = [part - {chosen} for part in parts if opposite not in part]
    no = [part - {opposite} for part in parts if chosen not in part]
    return _covers(yes, fuel // 2) and _covers(no, fuel // 2)
