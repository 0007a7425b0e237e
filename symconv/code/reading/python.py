"""Python's own functions, and the items that loops run through."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from symconv.code.reading.subscripts import Subscripts
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import arithmetic, extreme, is_number, number_of, rounded
from symconv.code.values.kinds import INT, REAL, kind_of
from symconv.code.values.objects import Box, Condition, Dotted, Opaque, Pack, Series, Slice
from symconv.limits import LIST_LENGTH
from symconv.notation.affine import Affine, affine
from symconv.prove.meaning.value import Product

__all__ = ["Python", "is_range", "range_of"]

_ORDERS = {"enumerate": ("iterable", "start"), "sum": ("iterable", "start"), "round": ("number", "ndigits")}
"""Arguments of Python's functions that may be given by name."""
_FREE = frozenset({"dict", "print"})


class Python(Subscripts):
    """Reads calls of Python's own functions."""

    @abstractmethod
    def library(self, path: str, arguments: list[Any], options: dict[str, Any]) -> Any:
        """The value of a word of a library."""

    def builtin(self, name: str, arguments: list[Any], options: dict[str, Any]) -> Any:
        arguments = self._placed(name, arguments, options)
        match name, arguments:
            case "range", _:
                return Dotted("builtins.range"), tuple(self.integer(one, "a bound of range") for one in arguments)
            case "len", [Box() as box]:
                return self.on.size(self.current(box), 0)
            case "len", [tuple() | list() | dict() as items]:
                return affine(len(items))
            case (("int" | "float" | "round"), [value]) if is_number(value):
                return number_of(value) if name == "float" else rounded(number_of(value), name, self.on.decide)
            case (("float" | "int"), [Box() as box]):
                return self._element_as(name, box)
            case "bool", [value]:
                return self.truth(value)
            case "slice", _:
                given = [None, *arguments] if len(arguments) == 1 else arguments
                return Slice(*given)
            case (("tuple" | "list"), [Series() as series]):
                return series
            case (("tuple" | "list"), _):
                items = self.iterated(arguments[0]) if arguments else []
                return tuple(items) if name == "tuple" else items
            case (("max" | "min"), _):
                return self._extreme(name, arguments)
            case "abs", [value] if is_number(value):
                number = number_of(value)
                return extreme("max", number, arithmetic("-", affine(0), number), self.on.decide)
            case "isinstance", [value, kinds]:
                return self._instance(value, kinds)
            case "dict", []:
                return dict(options)
            case "getattr", [owner, str() as attribute, *_]:
                return self.attribute(owner, attribute)
            case (("print" | "type"), _):
                return Opaque(name)
        return self._iterating(name, arguments)

    def _element_as(self, name: str, box: Box) -> Box:
        """``float`` or ``int`` of an array of one element."""
        if self.on.rank(self.current(box)):
            raise Outside(f"{name} of an array with axes", self.line)
        if name == "int" and kind_of(box) == REAL:
            raise Outside("an element is cut to a whole number", self.line)
        return self.boxed(self.array(box), REAL if name == "float" else INT)

    def _placed(self, name: str, arguments: list[Any], options: dict[str, Any]) -> list[Any]:
        """Arguments in their places, those given by name too."""
        if name in _FREE:
            return arguments
        if name == "zip" and options.get("strict") is True:
            if len({len(self.iterated(one)) for one in arguments}) > 1:
                self.fails("zip of lists of different lengths")
            return arguments
        order = _ORDERS.get(name, ())[len(arguments) :]
        if strange := [key for key in options if key not in order]:
            raise Outside(f"{name} with {strange[0]}=", self.line)
        return [*arguments, *(options[key] for key in order if key in options)]

    def _iterating(self, name: str, arguments: list[Any]) -> Any:
        match name, arguments:
            case "divmod", [a, b]:
                return self.binary("//", a, b), self.binary("%", a, b)
            case "zip", _:
                return [tuple(row) for row in zip(*(self.iterated(one) for one in arguments), strict=False)]
            case "enumerate", [items, *start]:
                first = self.constant(start[0], "start") if start else 0
                return [(affine(k), one) for k, one in enumerate(self.iterated(items), first)]
            case "reversed", [items]:
                return list(reversed(self.iterated(items)))
            case "map", [function, *rows]:
                return [self.call(function, list(row), {}) for row in zip(*map(self.iterated, rows), strict=False)]
            case "sum", [Series() as series]:
                return self.call(Dotted("numpy.sum"), [self.call(Dotted("numpy.stack"), [series], {}), affine(0)], {})
            case "sum", [items, *start]:
                return self._summed(self.iterated(items), start)
            case (("any" | "all"), [items]):
                return self._every(name == "all", self.iterated(items))
        if name in {"abs", "sum"}:
            return self.library(f"numpy.{name}", arguments, {})
        raise self.error(f"{name} of {', '.join(map(self.kind, arguments))}")

    def _every(self, every: bool, items: Sequence[Any]) -> Any:
        found = [self.truth(item) for item in items]
        if any(isinstance(one, Condition | Box) for one in found):
            raise Outside("any, all of conditions on positions", self.line)
        return all(found) if every else any(found)

    def _summed(self, items: Sequence[Any], start: Sequence[Any]) -> Any:
        result: Any = start[0] if start else affine(0)
        for one in items:
            result = one if result == affine(0) else self.binary("+", result, one)
        return result

    def _extreme(self, name: str, arguments: list[Any]) -> Any:
        items = self.iterated(arguments[0]) if len(arguments) == 1 else arguments
        if any(isinstance(one, Box) for one in items):
            if len(arguments) == 1 and isinstance(arguments[0], Box):
                return self.library(f"numpy.{name}", arguments, {})
            found = items[0]
            for one in items[1:]:
                found = self.library(f"numpy.{name}imum", [found, one], {})
            return found
        result = number_of(items[0])
        for one in items[1:]:
            result = extreme(name, result, number_of(one), self.on.decide)
        return result

    def _instance(self, value: Any, kinds: Any) -> bool:
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

    def iterated(self, value: Any) -> list[Any]:
        """The items that a loop over ``value`` runs through, where their number is known."""
        if is_range(value):
            first, stop, step = range_of(value)
            count = (
                self.constant(stop, "the end of a range"),
                self.constant(first, "the start"),
                self.constant(step, "the step"),
            )
            if len(range(count[1], count[0], count[2])) > LIST_LENGTH:
                raise Outside("a list that is too long", self.line)
            return [affine(k) for k in range(count[1], count[0], count[2])]
        if isinstance(value, Pack | Series):
            raise Outside("a list of unknown length", self.line)
        return self.sequence(value)


def is_range(value: Any) -> bool:
    """Whether it is what ``range(...)`` gives."""
    return isinstance(value, tuple) and len(value) == 2 and value[0] == Dotted("builtins.range")


def range_of(value: Any) -> tuple[Affine, Affine, Affine]:
    """The start, the end and the step of a range."""
    bounds = value[1]
    match len(bounds):
        case 1:
            return affine(0), bounds[0], affine(1)
        case 2:
            return bounds[0], bounds[1], affine(1)
    return bounds[0], bounds[1], bounds[2]
