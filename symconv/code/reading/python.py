"""Python's own functions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from symconv.code.held.attributes import attribute_of
from symconv.code.held.boxes import array_of, boxed, current
from symconv.code.held.numbers import constant, integer, key_of
from symconv.code.held.operators import binary
from symconv.code.held.sequences import counted, iterated, many
from symconv.code.held.state import State, call, fails
from symconv.code.held.truths import truth_of
from symconv.code.library.calls import call_library
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import arithmetic, extreme, is_number, number_of, rounded
from symconv.code.values.kinds import BOOL, INT, REAL, in_words, kind_of
from symconv.code.values.objects import Box, Condition, Counted, Dotted, Infinity, Opaque, Series, Slice
from symconv.notation.affine import Affine, affine
from symconv.notation.expr import equal
from symconv.prove.meaning.value import Product

__all__ = ["call_builtin"]

_ORDERS = {"enumerate": ("iterable", "start"), "sum": ("iterable", "start"), "round": ("number", "ndigits")}
"""Arguments of Python's functions that may be given by name."""

_FREE = frozenset({"dict", "print"})


def call_builtin(state: State, name: str, arguments: list[Any], options: dict[str, Any]) -> Any:
    arguments = _placed(state, name, arguments, options)
    match name, arguments:
        case "range", _:
            return Dotted("builtins.range"), tuple(integer(state, one, "a bound of range") for one in arguments)
        case "len", [Box() | tuple() | list() | dict() as items]:
            return _length(state, items)
        case (("int" | "float" | "round"), [value]) if is_number(value):
            return number_of(value) if name == "float" else rounded(number_of(value), name, state.on.decide)
        case (("float" | "int"), [Box() as box]):
            return _element_as(state, name, box)
        case "float", [str(text)] if text.strip().lstrip("+-").lower() in {"inf", "infinity"}:
            return Infinity(-1 if text.strip().startswith("-") else 1)
        case "bool", [value]:
            return truth_of(state, value)
        case "slice", _:
            given = [None, *arguments] if len(arguments) == 1 else arguments
            return Slice(*given)
        case (("tuple" | "list"), [Series() as series]):
            return series
        case (("tuple" | "list"), _):
            items = iterated(state, arguments[0]) if arguments else []
            return tuple(items) if name == "tuple" else items
        case (("max" | "min"), _):
            return _extreme(state, name, arguments)
        case "abs", [value] if is_number(value):
            number = number_of(value)
            return extreme("max", number, arithmetic("-", affine(0), number), state.on.decide)
        case "isinstance", [value, kinds]:
            return _instance(value, kinds)
        case "dict", _ if len(arguments) < 2:
            return _dict(state, arguments, options)
        case "getattr", [owner, str() as attribute, *_]:
            return attribute_of(state, owner, attribute)
        case (("print" | "type"), _):
            return Opaque(name)
    return _iterating(state, name, arguments)


def _length(state: State, items: Any) -> Any:
    if isinstance(items, Box):
        return state.on.size(current(state, items), 0)
    found = counted(state, items)
    return affine(len(items)) if found is None else extreme("max", found.count, affine(0), state.on.decide)


def _element_as(state: State, name: str, box: Box) -> Box:
    """``float`` or ``int`` of an array of one element; of a part of one, the axes that are left have length 1."""
    whole = box.base is None
    if whole and state.on.rank(current(state, box)):
        raise Outside(f"{name} of an array with axes; take its one element by a subscript first", state.line)
    if name == "int" and kind_of(box) == REAL:
        raise Outside("an element is cut to a whole number", state.line)
    one = box if whole else call(state, Dotted("numpy.item"), [box], {})
    return boxed(state, array_of(state, one), REAL if name == "float" else INT)


def _placed(state: State, name: str, arguments: list[Any], options: dict[str, Any]) -> list[Any]:
    """Arguments in their places, those given by name too."""
    if name in _FREE:
        return arguments
    if name == "zip" and options.get("strict") is True:
        if (rows := _all_many(state, arguments)) is not None:
            for one in rows[1:]:
                state.on.require(equal(one.count, rows[0].count), "zip of iterators of different lengths")
        elif len({len(iterated(state, one)) for one in arguments}) > 1:
            fails(state, "zip of lists of different lengths")
        return arguments
    order = _ORDERS.get(name, ())[len(arguments) :]
    if strange := [key for key in options if key not in order]:
        raise Outside(f"{name} with {strange[0]}=", state.line)
    return [*arguments, *(options[key] for key in order if key in options)]


def _iterating(state: State, name: str, arguments: list[Any]) -> Any:
    match name, arguments:
        case "divmod", [a, b]:
            return binary(state, "//", a, b), binary(state, "%", a, b)
        case "zip", _ if (rows := _all_many(state, arguments)) is not None:
            return _zipped(state, rows)
        case "zip", _:
            return [tuple(row) for row in zip(*(iterated(state, one) for one in arguments), strict=False)]
        case "enumerate", [items, *start]:
            first = constant(state, start[0], "start") if start else 0
            if (one := many(state, items)) is not None:
                return Counted(one.count, lambda at: (at + first, one.at(at)))
            return [(affine(k), one) for k, one in enumerate(iterated(state, items), first)]
        case "reversed", [items] if (every := many(state, items)) is not None:
            return Counted(every.count, lambda at: every.at(every.count - 1 - at))
        case "reversed", [items]:
            return list(reversed(iterated(state, items)))
        case "map", [function, *rows]:
            return [
                call(state, function, list(row), {}) for row in zip(*map(partial(iterated, state), rows), strict=False)
            ]
        case "sum", [Series() as series]:
            return call(state, Dotted("numpy.sum"), [call(state, Dotted("numpy.stack"), [series], {}), affine(0)], {})
        case "sum", [Box() as box] if state.on.rank(current(state, box)):
            return call_library(state, "numpy.sum", [box, affine(0)], {})
        case "sum", [items, *start]:
            return _summed(state, iterated(state, items), start)
        case (("any" | "all"), [items]):
            return _every(state, name == "all", iterated(state, items))
    if name in {"abs", "sum"}:
        return call_library(state, f"numpy.{name}", arguments, {})
    raise state.error(f"{name} of {', '.join(map(in_words, arguments))}")


def _dict(state: State, given: Sequence[Any], options: dict[str, Any]) -> dict[Any, Any]:
    """A dict of another one or of pairs, and of what has names."""
    match given:
        case [dict() as held]:
            return {**held, **options}
        case [list() as pairs] if all(isinstance(one, tuple) and len(one) == 2 for one in pairs):
            return {key_of(state, key): value for key, value in pairs} | options
        case [other]:
            raise state.error(f"dict of {in_words(other)}")
    return dict(options)


def _all_many(state: State, items: Sequence[Any]) -> list[Counted] | None:
    """The items of several iterators, where the number is known of none; None where it is of all."""
    found = [one for item in items if (one := many(state, item)) is not None]
    if found and len(found) < len(items):
        raise Outside("zip of an iterator whose length is a size and of one whose length is known", state.line)
    return found or None


def _zipped(state: State, rows: Sequence[Counted]) -> Counted:
    count = rows[0].count
    for one in rows[1:]:
        found = extreme("min", count, one.count, state.on.decide)
        assert isinstance(found, Affine)
        count = found
    return Counted(count, lambda at: tuple(one.at(at) for one in rows))


def _every(state: State, every: bool, items: Sequence[Any]) -> Any:
    found = [truth_of(state, item) for item in items]
    if any(isinstance(one, Condition | Box) for one in found):
        raise Outside("any, all of conditions on positions", state.line)
    return all(found) if every else any(found)


def _summed(state: State, items: Sequence[Any], start: Sequence[Any]) -> Any:
    result: Any = start[0] if start else affine(0)
    for one in items:
        plain = result == affine(0) and not (isinstance(one, Box) and one.kind == BOOL)  # 0 + a mask is numbers
        result = one if plain else binary(state, "+", result, one)
    return result


def _extreme(state: State, name: str, arguments: list[Any]) -> Any:
    if len(arguments) == 1 and isinstance(arguments[0], Box):
        return _largest(state, name, arguments[0])
    items = iterated(state, arguments[0]) if len(arguments) == 1 else arguments
    if any(isinstance(one, Box) for one in items):
        found = items[0]
        for one in items[1:]:
            _compared(state, name, (found, one))
            found = call_library(state, f"numpy.{name}imum", [found, one], {})
        return found
    result = number_of(items[0])
    for one in items[1:]:
        result = extreme(name, result, number_of(one), state.on.decide)
    return result


def _largest(state: State, name: str, box: Box) -> Any:
    """Of the elements of one array, which Python takes by the first axis."""
    if state.on.rank(current(state, box)) > 1:
        _compared(state, name, (call(state, Dotted("numpy.ravel"), [box], {}),))
    return call_library(state, f"numpy.{name}", [box], {})


def _compared(state: State, name: str, values: Sequence[Any]) -> None:
    """Raises an error where Python wants the truth of a comparison that is an array with axes."""
    for one in values:
        if not isinstance(one, Box) or not state.on.rank(current(state, one)):
            continue
        if state.on.symbolic:
            raise Outside(f"{name} of arrays with axes, where Python wants the truth of an array", state.line)
        truth_of(state, one)


def _instance(value: Any, kinds: Any) -> bool:
    names = {
        one.name.rpartition(".")[2]
        for one in (kinds if isinstance(kinds, tuple) else (kinds,))
        if isinstance(one, Dotted)
    }
    mine = (
        {"int", "Number", "Integral", "integer"}
        if isinstance(value, Affine)
        else {"float"}
        if isinstance(value, Product)
        else set()
    )
    mine |= {type(value).__name__} if isinstance(value, tuple | list | dict | str) else set()
    mine |= {"ndarray", "Tensor"} if isinstance(value, Box) else set()
    return bool(names & (mine | ({"Iterable", "Sequence"} if isinstance(value, tuple | list) else set())))
