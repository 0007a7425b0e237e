"""Small edits of index notation: an index off by one, a division that rounds, two indices exchanged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import combinations

from symconv.prove.language.syntax import Binary, Name, Node, Number, Pick, Sliced, show

__all__ = ["indexed_edits"]


def indexed_edits(node: Node) -> Iterator[tuple[str, Node]]:
    """Every read with one of its indices edited, with the mistake that it undoes."""
    match node:
        case Sliced(value, items) if all(isinstance(item, Pick) and item.value is not None for item in items):
            forms = [item.value for item in items if isinstance(item, Pick) and item.value is not None]
            for at, form in enumerate(forms):
                for cause, new in _forms(form, show(value)):
                    yield cause, replace(node, items=tuple(map(_pick, [*forms[:at], new, *forms[at + 1 :]])))
            for one, other in combinations(range(len(forms)), 2):
                moved = list(forms)
                moved[one], moved[other] = moved[other], moved[one]
                yield f"two indices of {show(value)} exchanged", replace(node, items=tuple(map(_pick, moved)))


def _pick(form: Node) -> Pick:
    return Pick("index", form)


def _forms(form: Node, tensor: str) -> Iterator[tuple[str, Node]]:
    match form:
        case Binary("//", left, right):
            yield f"a division that rounds in {tensor}", Binary("/", left, right, form.at)
        case Binary("/", left, right):
            for cause, new in _shifted(left, tensor):
                yield cause, Binary("/", new, right, form.at)
    if not isinstance(form, Name | Number):
        yield from _shifted(form, tensor)


def _shifted(form: Node, tensor: str) -> Iterator[tuple[str, Node]]:
    """The index one further, and one less."""
    for step in (1, -1):
        yield f"an index of {tensor} off by one", _plus(form, step)


def _plus(form: Node, step: int) -> Node:
    match form:
        case Binary("+", left, Number(value)):
            return _joined(left, value + step)
        case Binary("-", left, Number(value)):
            return _joined(left, step - value)
        case Binary("+" | "-" as op, Binary() as left, right):
            return Binary(op, _plus(left, step), right, form.at)
        case Binary("+" | "-" as op, left, right):
            return Binary(op, _joined(left, Fraction(step)), right, form.at)
    return _joined(form, Fraction(step))


def _joined(left: Node, value: Fraction) -> Node:
    if value == 0:
        return left
    return Binary("+" if value > 0 else "-", left, Number(abs(value)))
