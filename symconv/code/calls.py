"""Calls of the code: its own functions inlined, Python's own ones, and the words of libraries."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from symconv.code.amounts import arithmetic, extreme, is_number, number_of, rounded
from symconv.code.expressions import LONGEST
from symconv.code.library import IDENTITIES, SKIPPED, bound, nearest, signature
from symconv.code.subscripts import Subscripts
from symconv.code.trouble import Outside
from symconv.code.values import Box, Condition, Context, Dotted, Function, Method, Opaque, Pack, Series, Slice
from symconv.code.words import WORDS
from symconv.errors import SymconvError
from symconv.notation.affine import Affine, affine
from symconv.prove.meaning.scope import Undecided
from symconv.prove.meaning.value import Product

__all__ = ["Calls"]

_DEEPEST = 20


class Calls(Subscripts):
    """Reads calls."""

    def run(self, node: ast.FunctionDef, names: dict[str, Any]) -> Any:
        """What a function returns."""
        raise NotImplementedError

    def call(self, function: Any, arguments: list[Any], options: dict[str, Any]) -> Any:
        """The value of a call."""
        match function:
            case Function(node, names):
                return self._inlined(node, dict(names), arguments, options)
            case Dotted(path) if path.startswith("builtins."):
                return self._builtin(path.partition(".")[2], arguments, options)
            case Dotted(path):
                return self._library(path, arguments, options)
            case Method(owner, name):
                return self._method(owner, name, arguments, options)
            case Opaque(what):
                return arguments[0] if arguments else Opaque(what)
        raise self.error(f"{self.kind(function)} is called; functions of this file and of libraries are read")

    def _inlined(
        self, node: ast.FunctionDef | ast.Lambda, names: dict[str, Any], arguments: list[Any], options: dict[str, Any]
    ) -> Any:
        if self.calls > _DEEPEST:
            raise self.error("functions call each other too deeply")
        line = self.line
        names |= self.bound(node, arguments, options)
        kept, self.names = self.names, names
        self.calls += 1
        try:
            return self.value(node.body) if isinstance(node, ast.Lambda) else self.run(node, names)
        finally:
            self.names, self.calls, self.line = kept, self.calls - 1, line

    def bound(
        self, node: ast.FunctionDef | ast.Lambda, arguments: list[Any], options: dict[str, Any]
    ) -> dict[str, Any]:
        """The parameters of a function of the code."""
        spec = node.args
        plain = [one.arg for one in (*spec.posonlyargs, *spec.args)]
        name = getattr(node, "name", "lambda")
        if len(arguments) > len(plain) and spec.vararg is None:
            raise self.error(f"{name} takes {len(plain)} arguments; {len(arguments)} are given")
        found = dict(zip(plain, arguments, strict=False))
        if spec.vararg is not None:
            found[spec.vararg.arg] = tuple(arguments[len(plain) :])
        known = {*plain, *(one.arg for one in spec.kwonlyargs)}
        for key, value in options.items():
            if key not in known and spec.kwarg is None:
                raise self.error(f"{name} has no parameter {key}")
            found[key] = value
        defaults = dict(zip(plain[len(plain) - len(spec.defaults) :], spec.defaults, strict=True))
        defaults |= {one.arg: d for one, d in zip(spec.kwonlyargs, spec.kw_defaults, strict=True) if d is not None}
        for key in known - found.keys():
            if key not in defaults:
                raise self.error(f"{name} is called without {key}")
            found[key] = self.value(defaults[key])
        return found

    # -- Python's own functions
    def _builtin(self, name: str, arguments: list[Any], options: dict[str, Any]) -> Any:
        match name, arguments:
            case "range", _:
                return Dotted("builtins.range"), tuple(self.integer(one, "a bound of range") for one in arguments)
            case "len", [Box() as box]:
                return self.on.size(self.current(box), 0)
            case "len", [tuple() | list() | dict() as items]:
                return affine(len(items))
            case (("int" | "float" | "round"), [value]) if is_number(value):
                return number_of(value) if name == "float" else rounded(number_of(value), "int", self.on.decide)
            case (("float" | "bool" | "int"), [value]):
                return value
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
            case "divmod", [a, b]:
                return self.binary("//", a, b), self.binary("%", a, b)
            case "isinstance", [value, kinds]:
                return self._instance(value, kinds)
            case "dict", []:
                return dict(options)
            case "getattr", [owner, str() as attribute, *_]:
                return self.attribute(owner, attribute)
            case (("print" | "type"), _):
                return Opaque(name)
        return self._iterating(name, arguments, options)

    def _iterating(self, name: str, arguments: list[Any], options: dict[str, Any]) -> Any:
        match name, arguments:
            case "zip", _:
                return [tuple(row) for row in zip(*(self.iterated(one) for one in arguments), strict=False)]
            case "enumerate", [items, *start]:
                first = self.constant(start[0], "start") if start else 0
                return [(affine(k), one) for k, one in enumerate(self.iterated(items), first)]
            case "reversed", [items]:
                return list(reversed(self.iterated(items)))
            case "map", [function, *rows]:
                return [self.call(function, list(row), {}) for row in zip(*map(self.iterated, rows), strict=False)]
            case (("max" | "min"), _):
                return self._extreme(name, arguments)
            case "abs", [value] if is_number(value):
                number = number_of(value)
                return extreme("max", number, arithmetic("-", affine(0), number), self.on.decide)
            case "sum", [Series() as series]:
                return self.call(Dotted("numpy.sum"), [self.call(Dotted("numpy.stack"), [series], {}), affine(0)], {})
            case "sum", [items, *start]:
                return self._summed(self.iterated(items), start)
            case "divmod", [a, b]:
                return self.binary("//", a, b), self.binary("%", a, b)
            case "isinstance", [value, kinds]:
                return self._instance(value, kinds)
            case (("any" | "all"), [items]):
                return self._every(name == "all", self.iterated(items))
            case "dict", []:
                return dict(options)
            case "getattr", [owner, str() as attribute, *_]:
                return self.attribute(owner, attribute)
            case (("print" | "type"), _):
                return Opaque(name)
        if name in {"abs", "sum"}:
            return self._library(f"numpy.{name}", arguments, options)
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
            raise Outside(f"{name} of elements", self.line)
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
            if len(range(count[1], count[0], count[2])) > LONGEST:
                raise Outside("a list that is too long", self.line)
            return [affine(k) for k in range(count[1], count[0], count[2])]
        if isinstance(value, Pack | Series):
            raise Outside("a list of unknown length", self.line)
        return self.sequence(value)

    # -- methods
    def _method(self, owner: Any, name: str, arguments: list[Any], options: dict[str, Any]) -> Any:
        match owner, name:
            case Context(), ("save_for_backward" | "save_for_forward"):
                owner.saved = tuple(arguments)
                return None
            case Context(), _:
                return None
            case list(), ("append" | "extend" | "insert"):
                return self._listed_more(owner, name, arguments)
            case ((list() | dict()), "copy"):
                return owner.copy()
            case dict(), ("get" | "pop"):
                return owner.get(arguments[0], arguments[1] if len(arguments) > 1 else options.get("default"))
            case dict(), ("items" | "keys" | "values"):
                return [*getattr(owner, name)()]
            case Pack(_, resolve), "get":
                try:
                    return resolve(arguments[0])
                except (SymconvError, Undecided):
                    if len(arguments) > 1:
                        return arguments[1]
                    raise
            case ((str() | Opaque()), _):
                return getattr(owner, name)() if isinstance(owner, str) and name in {"lower", "upper"} else Opaque(name)
            case tuple(), "numel":
                return self.product(owner)
            case tuple(), ("index" | "count"):
                return affine(getattr(owner, name)(arguments[0]))
            case tuple(), "as_list":
                return list(owner)
            case Box(), _:
                numpy = name in _NUMPY_METHODS or (name == "repeat" and ("axis" in options or len(arguments) == 1))
                return self._library(f"{'numpy' if numpy else 'torch'}.{name}", [owner, *arguments], options)
        if is_number(owner):
            return owner
        raise self.error(f"{self.kind(owner)} has no method {name}")

    def _listed_more(self, owner: list[Any], name: str, arguments: list[Any]) -> None:
        if self.on.symbolic and self.frames_around():
            raise Outside("a list grows in a loop over a size", self.line)
        if name == "extend":
            owner.extend(self.iterated(arguments[0]))
        else:
            owner.insert(len(owner) if name == "append" else self.constant(arguments[0], "a position"), arguments[-1])

    def frames_around(self) -> int:
        """How many loops over sizes are around."""
        return self.depth

    def product(self, items: Sequence[Any]) -> Any:
        """The product of numbers."""
        result: Any = affine(1)
        for one in items:
            result = self.binary("*", result, one)
        return result

    # -- libraries
    def call_word(self, name: str, *arguments: Any) -> Any:
        """A word of NumPy's, called by another word."""
        return self._library(f"numpy.{name}", list(arguments), {})

    def _library(self, path: str, arguments: list[Any], options: dict[str, Any]) -> Any:
        name = path.rpartition(".")[2]
        if name in IDENTITIES and arguments:
            return self._copied(name, arguments[0])
        if name in SKIPPED:
            return None
        if name in {"tuple", "Size", "TensorShape"} and arguments:
            return tuple(self.sequence(arguments[0]))
        if path.startswith("tensorflow.nn.") and name == "conv2d_transpose":
            path = "tensorflow.conv2d_transpose"
        if name in {"as_strided", "sliding_window_view"}:
            raise Outside(f"{name} is not read", self.line)
        if name == "transpose" and path.startswith("torch") and len(arguments) != 3 and not {"dim0"} & options.keys():
            path = "numpy.transpose"
        found = signature(path)
        if found is None:
            raise self.error(f"{path} is not read; {nearest(path)}")
        word, names = found
        try:
            given = bound(names, arguments, options)
        except ValueError as problem:
            raise self.error(f"{name} {problem}") from None
        if word not in WORDS:
            raise Outside(f"{path} is not read", self.line)
        handler: Callable[..., Any] = WORDS[word]
        try:
            return handler(self, given, name)
        except KeyError as missing:
            raise self.error(f"{name} is called without {missing.args[0]}") from None

    def _copied(self, name: str, value: Any) -> Any:
        if isinstance(value, Box) and name in {"copy", "clone", "array", "astype", "asarray"}:
            return self.boxed(self.array(value).copy() if not self.on.symbolic else self.array(value))
        if (
            isinstance(value, tuple | list)
            and name in {"array", "tensor", "constant", "stack"}
            and any(isinstance(v, Box) for v in value)
        ):
            return self.call(Dotted("numpy.stack"), [value], {})
        return value


_NUMPY_METHODS = frozenset({"sum", "mean", "reshape", "flatten", "swapaxes", "ravel", "squeeze"})


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
