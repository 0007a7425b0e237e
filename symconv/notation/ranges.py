"""What a reduction runs over: its indices, how far they run, and conditions that tie them to others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

from symconv.errors import setting
from symconv.notation.affine import Affine
from symconv.notation.expr import Constraint, equal, nonnegative
from symconv.notation.found import Body
from symconv.notation.grammar import COMPARISONS
from symconv.notation.indices import index_forms
from symconv.notation.lexer import point
from symconv.notation.size_text import size_form
from symconv.notation.tree import Binary, Call, Name, Negate, Node, Number, nodes, put

__all__ = ["conditions", "counted", "domains", "kept_names", "names_of", "settled"]

_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def counted(body: Body, node: Call, known: frozenset[str]) -> Call:
    """The reduction with each index counted from 0 that runs from a number on, as in ``sum[1<=p<4]``.

    ``i-2 <= k <= i`` and ``1 <= k <= i`` are conditions, and left: k is an index of its axis, and nothing is outside.
    """
    items = list(node.brackets or ())
    moved: dict[str, Node] = {}
    for at, item in enumerate(items):
        name, low, length = _stretch(item) or (Name("", 0), item, item)
        # Whose ends depend on an index around is a condition, even where its length does not.
        if name.text and name.text not in known and not _indexed(length, known):
            items[at] = Binary("<", name, length, name.column)
            moved[name.text] = Binary("+", name, low, name.column)
    if not moved or node.arguments is None:
        return node
    return replace(node, brackets=tuple(items), arguments=tuple(put(one, moved) for one in node.arguments))


def _stretch(item: Node) -> tuple[Name, Node, Node] | None:
    """The index between two bounds, the first value and how many there are."""
    match item:
        case Binary("*", Binary(first, low, Name(text) as name), Binary(then, Name(same), high)):
            if text != same or not {first, then} <= {"<", "<="}:
                return None
            one = Number("1", name.column)
            low = Binary("+", low, one, name.column) if first == "<" else low
            high = Binary("+", high, one, name.column) if then == "<=" else high
            return name, low, Binary("-", high, low, name.column)
    return None


def _indexed(node: Node, known: frozenset[str]) -> bool:
    return any(isinstance(part, Name) and part.text in known for part in nodes(node))


def names_of(body: Body, node: Call, known: frozenset[str]) -> tuple[str, ...]:
    """The indices of a reduction, in the order in which they are first written; raises SpecError for what is none.

    A bound beside a new index, as in ``sum[p<3]``, is how far it runs.
    """
    found: dict[str, Name] = {}
    for name in _new(body, _items(node), known):
        if name.text in known or name.text in found:
            message = f"column {name.column + 1}: index {name.text!r} is already in use here"
            free = next((one for one in "jkmrstuv" if one not in known and one not in found), "j2")
            raise point(body.source, name.column, f"{message}; an index of its own is free, as {node.name}[{free}]")
        found[name.text] = name
    for name in found.values():
        body.taps.setdefault(name.text, name.column)
    return tuple(found)


def kept_names(body: Body, node: Call, known: frozenset[str]) -> tuple[str, ...]:
    """The indices that softmax and its like run over, which are indices of the output, or of a reduction around.

    In a condition alone, as in ``softmax[j<=i]``, it is the one on the left.
    """
    items = _items(node)
    plain: list[Node] = [item for item in items if isinstance(item, Name)]
    beside = [item for item in items if isinstance(item, Binary) and item.operator in COMPARISONS]
    if node.name == "log_softmax" and any(not _is_bound(body, item, known, (*known,)) for item in beside):
        message = f"column {node.column + 1}: log_softmax is -inf where a condition does not hold; softmax[j<=i] is 0"
        raise point(body.source, node.column, message)
    kept = plain or [_kept(one, known) for one in beside] or items
    for item in kept:
        if not isinstance(item, Name) or item.text not in known:
            said = item.text if isinstance(item, Name) else "i"
            message = (
                f"column {item.column + 1}: {node.name}[{said}] has a value for each {said}, which is an index of the "
                f"output then, as in y[n,{said}] = {node.name}[{said}](x[n,{said}])"
            )
            raise point(body.source, item.column, message)
    return tuple(dict.fromkeys(item.text for item in kept if isinstance(item, Name)))


def _kept(item: Binary, known: frozenset[str]) -> Node:
    """The index of a condition: the one on the left, or the only one."""
    left, right = item.left, item.right
    return right if isinstance(right, Name) and right.text in known and not isinstance(left, Name) else left


def domains(body: Body, node: Call, known: frozenset[str], own: Sequence[str]) -> Iterator[tuple[Constraint, ...]]:
    """The conditions of a reduction, each of the disjoint convex parts on its own; ``own`` are its indices, and
    ``known`` has them and those around it."""
    yield from product(*[_holding(body, node, one, known) for one in conditions(body, node, known, own)])


def conditions(body: Body, node: Call, known: frozenset[str], own: Sequence[str]) -> list[Binary]:
    """The comparisons in the brackets of a reduction that are no bounds; those are kept."""
    compared = (one for one in _items(node) if isinstance(one, Binary))
    return [one for one in compared if not _is_bound(body, one, known, own)]


def _items(node: Call) -> tuple[Node, ...]:
    """What stands in the brackets, and each comparison of a chain, ``0 <= u+1-p < 3``, on its own."""
    found: list[Node] = []
    waiting = [*(node.brackets or ())]
    while waiting:
        match waiting.pop(0):
            case Binary("*", Binary() as left, Binary() as right):
                waiting[:0] = [left, right]
            case item:
                found.append(item)
    return tuple(found)


def _new(body: Body, items: Sequence[Node], known: frozenset[str]) -> Iterator[Name]:
    plain = {item.text for item in items if isinstance(item, Name)}
    for item in items:
        match item:
            case Name():
                yield item
            case Binary(operator, left, right) if operator in COMPARISONS:
                named = [one for side in (left, right) for one in nodes(side) if isinstance(one, Name)]
                fresh = {one.text: one for one in named if _is_index(body, one) and one.text not in known | plain}
                plain |= fresh.keys()
                yield from fresh.values()
            case _:
                message = f"column {item.column + 1}: a reduction runs over index names, with bounds as in sum[p<3]"
                raise point(body.source, item.column, message)


def _is_index(body: Body, name: Name) -> bool:
    return name.text[:1].islower() and name.text not in body.parameters and name.text not in body.scalars


def _is_bound(body: Body, item: Binary, known: frozenset[str], own: Sequence[str]) -> bool:
    """Whether a comparison says how far one index runs; the bound is kept."""
    left, operator, right = item.left, item.operator, item.right
    if isinstance(right, Name) and right.text in own and operator in _TURNED:
        left, operator, right = right, _TURNED[operator], left
    if not isinstance(left, Name) or left.text not in own or operator not in {"<", "<="}:
        return False
    if _indexed(right, known):
        return False
    bound = size_form(settled(body, right, frozenset()), body.source) + (operator == "<=")
    if body.bounds.setdefault(left.text, bound) != bound:
        raise point(body.source, item.column, f"column {item.column + 1}: {left.text} has another bound before")
    return True


def _holding(body: Body, node: Call, item: Binary, known: frozenset[str]) -> tuple[Constraint, ...]:
    """The constraints of which one holds where the condition does."""
    left, right = (_side(body, side, known) for side in (item.left, item.right))
    body.beside.append(left - right)
    match item.operator:
        case "<":
            return (nonnegative(right - left - 1),)
        case "<=":
            return (nonnegative(right - left),)
        case ">":
            return (nonnegative(left - right - 1),)
        case ">=":
            return (nonnegative(left - right),)
        case "==":
            return (equal(left, right),)
    if node.name != "sum":
        message = f"column {item.column + 1}: != stands in a sum; {node.name} takes <, <=, >, >= and =="
        raise point(body.source, item.column, message)
    return nonnegative(right - left - 1), nonnegative(left - right - 1)


def _side(body: Body, side: Node, known: frozenset[str]) -> Affine:
    ((form,),) = index_forms(body.source, (settled(body, side, known),), known, body.lengths)
    if form.divided or not all(isinstance(atom, str) for atom, _ in form.form.terms):
        message = f"column {side.column + 1}: a condition of a reduction compares sums of indices, as in sum[k<=2*i+1]"
        raise point(body.source, side.column, f"{message}; k <= i//2 is written 2*k <= i")
    return form.form


def settled(body: Body, item: Node, known: frozenset[str]) -> Node:
    """An index or a bound with the whole numbers that are given by name, as the stride in ``x[n,s*i+p]``."""
    names: dict[str, Node] = {}
    for part in nodes(item):
        if not isinstance(part, Name) or part.text in known:
            continue
        value = body.parameters.get(part.text)
        if part.text in body.scalars or (value is not None and value.denominator != 1):
            said = "is given at run time" if value is None else f"is {value}"
            message = (
                f"column {part.column + 1}: {part.text} {said}; in an index stands a whole number that is known when "
                f"the operator is made, {setting('params', '2', part.text)}"
            )
            raise point(body.source, part.column, message)
        if value is not None:
            number = Number(str(abs(value)), part.column)
            names[part.text] = number if value >= 0 else Negate(number, part.column)
    return put(item, names) if names else item
