"""Index expressions of the text notation: from parse trees to affine forms and implied-integral quotients."""

from __future__ import annotations

from dataclasses import dataclass, field

from symconv.errors import SpecError, in_python, setting
from symconv.notation.affine import Affine, Quotient, affine, quotient, var
from symconv.notation.lexer import point
from symconv.notation.parse import Binary, Call, Group, Name, Negate, Node, Number

__all__ = ["MAX_INTEGER", "IndexForm", "Lengths", "index_forms", "is_length", "size_of_tap", "turned_by_name"]

MAX_INTEGER = 10**6


@dataclass(frozen=True, slots=True)
class IndexForm:
    """One index as it is written: an affine form, or one over a divisor.

    ``kind`` is ``"plain"``; ``"exact"`` for ``form / divisor``, where the element is read only where the quotient is an
    index of the axis (``x[(i-p)/1]`` is ``x[i-p]`` where that lies inside and nothing elsewhere: the transposed window
    of stride 1); ``"floor"`` for ``form // divisor``, which rounds down and is an index like any other. A form that
    holds floors in another way (``2*(i//3)+p``) is plain, with the quotients inside.
    """

    form: Affine
    divisor: int
    column: int
    kind: str = "plain"

    @property
    def divided(self) -> bool:
        """Whether a division is written, exact or floor."""
        return self.kind != "plain"

    @property
    def over(self) -> str | None:
        """The index that reads its axis from end to end: ``i``, or ``size(i)-1-i`` from the last to the first."""
        if self.divided:
            return None
        return self.form.name or next((i for i, size in [_turned(self.form)] if size == size_of_tap(i)), None)


def size_of_tap(name: str) -> str:
    """The provisional name of the extent of an index, as ``size(p)`` writes it; elaboration replaces it."""
    return f"size({name})"


def turned_by_name(form: IndexForm) -> tuple[str, str] | None:
    """The index and the length of ``L-1-i``, where the length has a name."""
    index, size = _turned(form.form)
    return (index, size) if not form.divided and is_length(size) else None


def is_length(name: str) -> bool:
    """Whether a name that is no index may be the length of an axis."""
    return name[:1].isupper()


def _turned(form: Affine) -> tuple[str, str]:
    match form:
        case Affine(((str(a), one), (str(b), other)), -1) if one == -other and abs(one) == 1:
            return (a, b) if one == -1 else (b, a)
    return "", ""


@dataclass(slots=True)
class Lengths:
    """The lengths of axes that a formula speaks of: their names, with the first column of each, and floors of lengths
    alone, as ``K//2``, by provisional names. Which lengths there are is known once all is read."""

    columns: dict[str, int] = field(default_factory=dict)
    floors: dict[str, Affine] = field(default_factory=dict)

    def floor(self, numerator: Affine, divisor: int) -> Affine:
        """The rounded quotient, by the name of its own where it is no sum of lengths."""
        form = quotient(numerator, divisor)
        if not any(isinstance(atom, Quotient) for atom, _ in form.terms):
            return form
        # As it is written in an extent: errors say it.
        name = f"({numerator}//{divisor})" if numerator.name else f"(({numerator})//{divisor})"
        self.floors[name] = form
        return var(name)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an index is read: the formula, its indices, and the lengths that are found."""

    source: str
    known: frozenset[str]
    lengths: Lengths


def index_forms(
    source: str, brackets: tuple[Node, ...], known: frozenset[str], lengths: Lengths
) -> tuple[tuple[IndexForm, ...], ...]:
    """The indices of one read, grouped by physical axis; raises SpecError that points at what is no index.

    Names with a large letter that are no index are taken for lengths, and kept there.
    """
    axes, place = [], _Place(source, known, lengths)
    for node in brackets:
        items = node.items if isinstance(node, Group) else (node,)
        axes.append(tuple(_form(place, item) for item in items))
    return tuple(axes)


def _form(place: _Place, node: Node) -> IndexForm:
    match node:
        case Binary("/", left, Number() as number):
            divisor = _integer(place.source, number)
            if divisor < 1:
                raise point(place.source, number.column, "an index is divided by a positive integer")
            return IndexForm(_affine(place, left), divisor, node.column, "exact")
    return _floored(_affine(place, node), node.column)


def _floored(form: Affine, column: int) -> IndexForm:
    """``a//s + b`` is ``(a + s*b)//s``: one floor, where that is all there is."""
    floors = [(atom, factor) for atom, factor in form.terms if isinstance(atom, Quotient)]
    match floors:
        case [(Quotient(numerator, divisor) as atom, 1)] if all(isinstance(a, str) for a, _ in numerator.terms):
            rest = form - Affine(((atom, 1),))
            return IndexForm(numerator + divisor * rest, divisor, column, "floor")
    return IndexForm(form, 1, column)


def _integer(source: str, node: Number) -> int:
    if not node.text.isdigit() or int(node.text) > MAX_INTEGER:
        raise point(source, node.column, f"an index is built from integers up to {MAX_INTEGER}, not {node.text}")
    return int(node.text)


def _affine(place: _Place, node: Node) -> Affine:
    match node:
        case Number():
            return affine(_integer(place.source, node))
        case Name(text, column):
            return _named(place, text, column)
        case Call("size", None, (Name(text, column),)):
            if text not in place.known:
                raise point(place.source, column, f"column {column + 1}: size({text}) of an unknown index")
            return var(size_of_tap(text))
        case Negate(operand):
            return -_affine(place, operand)
        case Binary("+", left, right):
            return _affine(place, left) + _affine(place, right)
        case Binary("-", left, right):
            return _affine(place, left) - _affine(place, right)
        case Binary("*", left, right):
            a, b = _affine(place, left), _affine(place, right)
            if a.is_constant:
                return _bounded(place.source, b * a.constant, node.column)
            if b.is_constant:
                return _bounded(place.source, a * b.constant, node.column)
            for factor in (left, right):
                if isinstance(factor, Name) and factor.text not in place.known:
                    raise _unknown(place, factor.text, factor.column)
        case Binary("//", left, Number() as number):
            divisor = _integer(place.source, number)
            if divisor < 1:
                raise point(place.source, number.column, "an index is divided by a positive integer")
            numerator = _affine(place, left)
            lone = numerator.names().isdisjoint(place.known)
            return place.lengths.floor(numerator, divisor) if lone else quotient(numerator, divisor)
    raise point(
        place.source,
        node.column,
        f"column {node.column + 1}: an index is a sum of indices times integers, as in 2*i+p-1, or such a sum over an "
        "integer: (i+1-p)/2 counts only where the division is exact, (i+p)//2 rounds down",
    )


def _named(place: _Place, text: str, column: int) -> Affine:
    if text not in place.known:
        if not is_length(text):
            raise _unknown(place, text, column)
        place.lengths.columns.setdefault(text, column)
    return var(text)


def _unknown(place: _Place, text: str, column: int) -> SpecError:
    names = ", ".join(sorted(place.known)) or "none"
    message = f"column {column + 1}: {text!r} is no index here; the indices are {names}"
    hint = f"; a stride or another whole number is given by {setting('params', '2', text)}"
    hint += in_python(", or left open until build by int in its place")
    return point(place.source, column, message + (hint if place.known else ""))


def _bounded(source: str, form: Affine, column: int) -> Affine:
    if any(abs(factor) > MAX_INTEGER for _, factor in form.terms) or abs(form.constant) > MAX_INTEGER:
        raise point(source, column, f"an index is built from integers up to {MAX_INTEGER}")
    return form
