"""What an expression of the code may stand for or change, told by its text; what is not known may do both."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import lru_cache

from symconv.code.source.libraries import (
    CHANGING,
    FIRST_CHANGED,
    IDENTITIES,
    LIBRARIES,
    changes_nothing,
    computes,
    makes_several,
)
from symconv.code.source.vocabulary import SAVED

__all__ = ["Aliases", "bindings", "names_in"]

_NUMBERS = frozenset({"shape", "ndim", "size", "dtype", "device", "strides", "itemsize", "requires_grad"})
_FRESH = frozenset({
    "len", "range", "int", "float", "bool", "str", "abs", "divmod", "round", "isinstance", "slice", "print", "type",
    "any", "all",
})  # fmt: skip
_HARMLESS = _FRESH | {
    "zip",
    "enumerate",
    "reversed",
    "sorted",
    "map",
    "filter",
    "min",
    "max",
    "sum",
    "tuple",
    "list",
    "dict",
    "set",
    "getattr",
}
_OF_ARRAYS = frozenset({"fill", "put", "at", "resize", "copyto", "fill_diagonal", "put_along_axis", "place", "putmask",
                        "itemset", "add"})  # fmt: skip

_FILLED = frozenset({"zeros", "ones", "empty", "zeros_like", "ones_like", "empty_like"})


def names_in(node: ast.AST) -> set[str]:
    """The names in an expression or a statement."""
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


@lru_cache(maxsize=256)  # of one function several results are read, each of which asks
def bindings(function: ast.FunctionDef) -> tuple[tuple[ast.expr, ast.expr], ...]:
    """Every target of a function with the value that it, or each of its parts, is made of."""
    return tuple(_bindings(function))


def _bindings(function: ast.FunctionDef) -> Iterator[tuple[ast.expr, ast.expr]]:
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets, value):
                for target in targets:
                    yield from _paired(target, value)
            case ast.For(target, value) | ast.comprehension(target, value) | ast.NamedExpr(target, value):
                yield target, value
            case ast.AnnAssign(target, _, value) | ast.withitem(value, target) if value is not None and target:
                yield target, value


def _paired(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    sides = [one.elts for one in (target, value) if isinstance(one, ast.Tuple | ast.List)]
    if len(sides) < 2 or len(sides[0]) != len(sides[1]) or any(isinstance(x, ast.Starred) for s in sides for x in s):
        yield target, value
        return
    for one, other in zip(*sides, strict=True):
        yield from _paired(one, other)


class Aliases:
    """What the expressions of one function may share and change.

    ``imports`` says what names of libraries stand for, ``defined`` are the names that the text defines at its top,
    ``methods`` those of the methods of its classes.
    """

    def __init__(
        self,
        function: ast.FunctionDef,
        imports: Mapping[str, str],
        defined: frozenset[str] = frozenset(),
        methods: frozenset[str] = frozenset(),
    ) -> None:
        inner = [*ast.walk(function)][1:]
        self.stored = {one.id for one in inner if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
        self.local = self.stored | {one.arg for one in inner if isinstance(one, ast.arg)}
        self.local |= {one.name for one in inner if isinstance(one, ast.FunctionDef)}
        self.own = self.local | defined
        self.methods = methods
        self.libraries = {
            name: path for name, path in imports.items() if path.partition(".")[0] in LIBRARIES and name not in self.own
        }
        self.containers: set[str] = {one.arg for one in (function.args.vararg, function.args.kwarg) if one is not None}
        self.unpacked = {*SAVED}
        count = -1
        while count != len(self.containers):
            count = len(self.containers)
            self._find_containers(function)

    # -- which elements a value shares
    def of(self, node: ast.expr) -> set[str]:
        """The names whose elements a value may share."""
        return {name for name in self._shared(node) if name not in self.libraries}

    def _shared(self, node: ast.AST) -> Iterator[str]:
        match node:
            case ast.Name(name):
                yield name
            case ast.Lambda():
                yield from names_in(node)
            case ast.Attribute(inner, name):
                if name not in _NUMBERS:
                    yield from self._shared(inner)
            case ast.Call():
                yield from self._called(node)
            case ast.BinOp(left, _, right):
                if self.may_contain(node):
                    yield from (*self._shared(left), *self._shared(right))
            case ast.Subscript(inner, _) | ast.Starred(inner) | ast.UnaryOp(ast.UAdd(), inner):
                yield from self._shared(inner)
            case ast.Compare() | ast.UnaryOp() | ast.Constant() | ast.JoinedStr():
                return
            case _:
                for one in ast.iter_child_nodes(node):
                    yield from self._shared(one)

    def _called(self, call: ast.Call) -> Iterator[str]:
        if self._computes(call):
            return
        match call.func:
            case ast.Attribute(owner, _):
                yield from self._shared(owner)
            case ast.Name("locals" | "vars" | "eval" | "globals"):
                yield from self.local
            case ast.Name(name) if name not in self.local:
                pass
            case function:
                yield from names_in(function)
        for one in (*call.args, *(option.value for option in call.keywords)):
            yield from self._shared(one)

    def _computes(self, call: ast.Call) -> bool:
        """Whether a call makes elements of its own, or numbers."""
        if (path := self._path(call.func)) is not None:
            return computes(path, _options(call))
        match call.func:
            case ast.Name(name):
                return name in _FRESH - self.own
            case ast.Attribute(owner, name):
                return not self._of_text(owner, name) and computes(f"method.{name}", _options(call))
        return False

    def fills(self, call: ast.Call) -> bool:
        """Whether a call makes an array that is filled with a number, and holds numbers alone."""
        path = self._path(call.func) or ""
        return path.rpartition(".")[2] in _FILLED and "object" not in ast.unparse(call)

    def _path(self, function: ast.expr) -> str | None:
        """The dotted name of a function of a library."""
        match function:
            case ast.Name(name):
                return self.libraries.get(name)
            case ast.Attribute(owner, name):
                path = self._path(owner)
                return None if path is None else f"{path}.{name}"
        return None

    def _of_text(self, owner: ast.expr, name: str) -> bool:
        """Whether a method may be one of a class of the text, instead of an array's."""
        if name in self.methods:
            return True
        match owner:
            case ast.Name(held):
                return held in {"self", "cls", "ctx"} or (held[:1].isupper() and held not in self.local)
        return False

    # -- lists and dicts, which operators join without copying what they hold
    def may_contain(self, node: ast.expr) -> bool:
        """Whether a value may be a list, a tuple, a dict or a set that holds arrays."""
        match node:
            case ast.Name(name):
                return name in self.containers
            case ast.Attribute(_, name) if name in _NUMBERS or name in self.unpacked:
                return name not in _NUMBERS
            case ast.Attribute(inner, _) | ast.Subscript(inner, _) | ast.Starred(inner) | ast.UnaryOp(_, inner):
                return self.may_contain(inner)
            case ast.BinOp(left, op, right):
                joins = not isinstance(op, ast.MatMult | ast.Div | ast.FloorDiv | ast.Pow | ast.Mod)
                return joins and (self.may_contain(left) or self.may_contain(right))
            case ast.Call(function, arguments, keywords):
                if isinstance(function, ast.Name) and function.id in _HARMLESS - self.own:
                    return function.id not in _FRESH
                return self._may_return_several(function, arguments, [one.arg or "dim" for one in keywords])
            case ast.IfExp(_, body, orelse):
                return self.may_contain(body) or self.may_contain(orelse)
            case ast.BoolOp(_, values):
                return any(map(self.may_contain, values))
            case ast.NamedExpr(_, value):
                return self.may_contain(value)
        return not isinstance(node, ast.Compare | ast.Constant | ast.JoinedStr | ast.Slice)

    def _may_return_several(self, function: ast.expr, arguments: list[ast.expr], options: list[str]) -> bool:
        path = self._path(function)
        if path is None and isinstance(function, ast.Attribute) and not self._of_text(function.value, function.attr):
            path, arguments = f"method.{function.attr}", [function.value, *arguments]
        if path is None:
            return True
        if path.rpartition(".")[2] in IDENTITIES:
            return any(map(self.may_contain, arguments))
        return makes_several(path, len(arguments), options)

    def _find_containers(self, function: ast.FunctionDef) -> None:
        for target, value in bindings(function):
            match target, value:
                case ((ast.Tuple() | ast.List()), ast.Name(name)):
                    self.containers.add(name)
                case ((ast.Tuple() | ast.List()), ast.Attribute(_, name)):
                    self.unpacked.add(name)
            if self._holds(target, value):
                self.containers |= self.roots(target)
            if isinstance(value, ast.Name) and self.roots(target) & self.containers:
                self.containers.add(value.id)
        for node in ast.walk(function):
            match node:
                case ast.AugAssign(target, _, value) if self.may_contain(value):
                    self.containers |= self.roots(target)
                case ast.Call(ast.Attribute(owner, name)) if name in CHANGING - _OF_ARRAYS:
                    self.containers |= self.of(owner)
                case ast.Subscript(ast.Name(name), ast.Constant()) if name not in self.stored:
                    # A parameter is no list or dict unless it is unpacked or one of its items is named.
                    self.containers.add(name)

    def _holds(self, target: ast.expr, value: ast.expr) -> bool:
        match value:
            case ast.Call(ast.Name("zip" | "enumerate" as name), arguments) if name not in self.own:
                return not isinstance(target, ast.Tuple) or any(map(self.may_contain, arguments))
        return self.may_contain(value)

    def roots(self, target: ast.expr) -> set[str]:
        """The names that a target binds, or whose elements it changes."""
        if isinstance(target, ast.Tuple | ast.List):
            return {name for item in target.elts for name in self.roots(item)}
        return self.of(target)

    # -- what computing a value changes
    def changed(self, node: ast.AST) -> set[str]:
        """The names whose values computing ``node`` may change."""
        found: set[str] = set()
        for one in ast.walk(node):
            match one:
                case ast.NamedExpr(ast.Name(name), _):
                    found.add(name)
                case ast.Call():
                    found |= self._changed(one)
        return found - self.libraries.keys()

    def _changed(self, call: ast.Call) -> set[str]:
        path = self._path(call.func)
        count = sum(100 if isinstance(one, ast.Starred) else 1 for one in call.args)
        options = _options(call)
        match call.func:
            case ast.Attribute(_, name) if path is not None and name in FIRST_CHANGED and call.args and not options:
                return names_in(call.args[0])
            case _ if path is not None:
                return set() if changes_nothing(path, count, options) else names_in(call)
            case ast.Name(name) if name in _HARMLESS - self.own:
                called = [option.value for option in call.keywords if option.arg == "key"]
                called += call.args[:1] if name in {"map", "filter"} else []
                return set() if all(map(self._harmless, called)) else names_in(call)
            case ast.Attribute(owner, name) if not self._of_text(owner, name):
                return set() if changes_nothing(f"method.{name}", count + 1, options) else names_in(call)
        return names_in(call)

    def _harmless(self, function: ast.expr) -> bool:
        """Whether a function that is passed on changes none of its arguments."""
        match function:
            case ast.Constant(None):
                return True
            case ast.Lambda(_, body):
                return not self.changed(body)
            case ast.Name(name) if name in _HARMLESS - self.own:
                return True
        path = self._path(function)
        return path is not None and changes_nothing(path, 1, {}) and computes(path, {})


def _options(call: ast.Call) -> dict[str, str]:
    """The options of a call with their texts; what ``**`` gives may be any."""
    return {option.arg or "out": ast.unparse(option.value) for option in call.keywords}
