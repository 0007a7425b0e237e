"""Index expressions of the text notation: from parse trees to affine forms and implied-integral quotients."""

from __future__ import annotations

from dataclasses import dataclass

from symconv.errors import in_python, setting
from symconv.notation.affine import Affine, Quotient, affine, quotient, var
from symconv.notation.lexer import point
from symconv.notation.parse import Binary, Call, Group, Name, Negate, Node, Number

__all__ = ["MAX_INTEGER", "IndexForm", "index_forms", "size_of_tap"]

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


def size_of_tap(name: str) -> str:
    """The provisional name of the extent of an index, as ``size(p)`` writes it; elaboration replaces it."""
    return f"size({name})"


def index_forms(source: str, brackets: tuple[Node, ...], known: frozenset[str]) -> tuple[tuple[IndexForm, ...], ...]:
    """The indices of one read, grouped by physical axis; raises SpecError that points at what is no index."""
    axes = []
    for node in brackets:
        items = node.items if isinstance(node, Group) else (node,)
        axes.append(tuple(_form(source, item, known) for item in items))
    return tuple(axes)


def _form(source: str, node: Node, known: frozenset[str]) -> IndexForm:
    match node:
        case Binary("/", left, Number() as number):
            divisor = _integer(source, number)
            if divisor < 1:
                raise point(source, number.column, "an index is divided by a positive integer")
            return IndexForm(_affine(source, left, known), divisor, node.column, "exact")
    return _floored(_affine(source, node, known), node.column)


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


def _affine(source: str, node: Node, known: frozenset[str]) -> Affine:
    match node:
        case Number():
            return affine(_integer(source, node))
        case Name(text, column):
            if text not in known:
                names = ", ".join(sorted(known)) or "none"
                message = f"column {column + 1}: {text!r} is no index here; the indices are {names}"
                hint = f"; a stride or another whole number is given by {setting('params', '2', text)}"
                hint += in_python(", or left open until build by int in its place")
                raise point(source, column, message + (hint if known else ""))
            return var(text)
        case Call("size", None, (Name(text, column),)):
            if text not in known:
                raise point(source, column, f"column {column + 1}: size({text}) of an unknown index")
            return var(size_of_tap(text))
        case Negate(operand):
            return -_affine(source, operand, known)
        case Binary("+", left, right):
            return _affine(source, left, known) + _affine(source, right, known)
        case Binary("-", left, right):
            return _affine(source, left, known) - _affine(source, right, known)
        case Binary("*", left, right):
            a, b = _affine(source, left, known), _affine(source, right, known)
            if a.is_constant:
                return _bounded(source, b * a.constant, node.column)
            if b.is_constant:
                return _bounded(source, a * b.constant, node.column)
        case Binary("//", left, Number() as number):
            divisor = _integer(source, number)
            if divisor < 1:
                raise point(source, number.column, "an index is divided by a positive integer")
            return quotient(_affine(source, left, known), divisor)
    raise point(
        source,
        node.column,
        f"column {node.column + 1}: an index is a sum of indices times integers, as in 2*i+p-1, or such a sum over an "
        "integer: (i+1-p)/2 counts only where the division is exact, (i+p)//2 rounds down",
    )


def _bounded(source: str, form: Affine, column: int) -> Affine:
    if any(abs(factor) > MAX_INTEGER for _, factor in form.terms) or abs(form.constant) > MAX_INTEGER:
        raise point(source, column, f"an index is built from integers up to {MAX_INTEGER}")
    return form
