"""Calls of the code: its own functions inlined, Python's own ones, and the words of libraries."""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from symconv.code.library.changes import kind_made
from symconv.code.library.words import WORDS
from symconv.code.reading.definitions import plainly_decorated, settled_default
from symconv.code.reading.methods import Methods
from symconv.code.source.libraries import (
    ALIASES,
    CONVERTED,
    COPIES,
    GATHERING,
    IDENTITIES,
    MAKERS,
    PARTS,
    SHARED_OUT,
    SKIPPED,
    TYPES,
    bound,
    nearest,
    signature,
)
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import is_number
from symconv.code.values.kinds import BOOL, INT, REAL, fits, kind_of, kind_of_type, of_type
from symconv.code.values.objects import Box, Dotted, Function, Method, Opaque, Series
from symconv.limits import CALL_DEPTH

__all__ = ["Calls"]


class Calls(Methods):
    """Reads calls."""

    @abstractmethod
    def run(self, node: ast.FunctionDef, names: dict[str, Any]) -> Any:
        """What a function returns."""

    def call(self, function: Any, arguments: list[Any], options: dict[str, Any]) -> Any:
        """The value of a call."""
        match function:
            case Function(node, names, defaults):
                return self.inlined(node, dict(names), arguments, options, defaults)
            case Dotted(path) if path.startswith("builtins."):
                return self.builtin(path.partition(".")[2], arguments, options)
            case Dotted(path):
                return self.library(path, arguments, options)
            case Method(owner, name):
                return self.method(owner, name, arguments, options)
            case Opaque() if of_type(function) in TYPES and len(arguments) == 1:
                return self.converted("array", arguments[0], function)
            case Opaque(what):
                raise Outside(f"what {what} makes of its arguments is not known", self.line)
        raise self.error(f"{self.kind(function)} is called; functions of this file and of libraries are read")

    def inlined(
        self,
        node: ast.FunctionDef | ast.Lambda,
        names: Mapping[str, Any],
        arguments: list[Any],
        options: dict[str, Any],
        defaults: Mapping[str, Any] | None = None,
    ) -> Any:
        """The value of a call of a function of the code."""
        plainly_decorated(node, self.program, self.line)
        if self.calls > CALL_DEPTH:
            raise self.error("functions call each other too deeply")
        line = self.line
        own = {**names, **self.bound(node, arguments, options, defaults or {})}
        kept, self.names = self.names, own
        self.calls += 1
        try:
            return self.value(node.body) if isinstance(node, ast.Lambda) else self.run(node, own)
        finally:
            self.names, self.calls, self.line = kept, self.calls - 1, line

    def bound(
        self, node: ast.FunctionDef | ast.Lambda, arguments: list[Any], options: dict[str, Any],
        known_defaults: Mapping[str, Any],
    ) -> dict[str, Any]:  # fmt: skip
        """The parameters of a function of the code."""
        spec = node.args
        plain = [one.arg for one in (*spec.posonlyargs, *spec.args)]
        name = getattr(node, "name", "lambda")
        if len(arguments) > len(plain) and spec.vararg is None:
            raise self.error(f"{name} takes {len(plain)} arguments; {len(arguments)} are given")
        found = dict(zip(plain, arguments, strict=False))
        if twice := found.keys() & options.keys():
            raise self.error(f"{name} gets {min(twice)} twice")
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
            found[key] = known_defaults[key] if key in known_defaults else self.default(node, key, defaults[key])
        if spec.kwarg is not None:
            more = {
                key: found.pop(key) for key in [*found] if key not in known and key != getattr(spec.vararg, "arg", "")
            }
            found[spec.kwarg.arg] = more
        for value in found.values():
            self.hold(value)
        return found

    def function(self, node: ast.FunctionDef | ast.Lambda) -> Function:
        """A function that is defined here: its defaults are computed now, and other names read when it is called."""
        spec = node.args
        plain = [one.arg for one in (*spec.posonlyargs, *spec.args)]
        pairs = [*zip(plain[len(plain) - len(spec.defaults) :], spec.defaults, strict=True)]
        pairs += [(one.arg, d) for one, d in zip(spec.kwonlyargs, spec.kw_defaults, strict=True) if d is not None]
        plainly_decorated(node, self.program, self.line)
        return Function(
            node, self.names, {name: settled_default(node, name, self.value(d), self.line) for name, d in pairs}
        )

    def default(self, node: ast.FunctionDef | ast.Lambda, name: str, default: ast.expr) -> Any:
        """The default of a parameter of a function at the top of the text."""
        kept, self.names = self.names, {}
        try:
            return settled_default(node, name, self.value(default), self.line)
        finally:
            self.names = kept

    # -- libraries
    def call_word(self, name: str, *arguments: Any) -> Any:
        """A word of NumPy's, called by another word."""
        return self.library(f"numpy.{name}", list(arguments), {})

    def library(self, path: str, arguments: list[Any], options: dict[str, Any]) -> Any:
        """The value of a word of a library."""
        *parts, name = path.split(".")
        if unknown := [part for part in parts[1:] if part not in PARTS]:
            raise self.error(f"{'.'.join(parts)} is not known: no library here has {unknown[0]}")
        if name in IDENTITIES and arguments and path != "numpy.identity":
            return self._copied(path, arguments, options)
        if name in SKIPPED:
            return None
        if name in {"tuple", "Size", "TensorShape"} and arguments:
            return tuple(self.sequence(arguments[0]))
        if name == "at":
            path = path.rpartition(".")[0].rpartition(".")[0] + ".add_at" if path.endswith(".add.at") else path
        if name == "transpose" and path.startswith("torch") and len(arguments) != 3 and not {"dim0"} & options.keys():
            path = "numpy.transpose"
        found = signature(path)
        if found is None:
            raise self.error(f"{path} is not read; {nearest(path)}")
        word, names = found
        made, arguments, options = self._typed_made(word, name, arguments, options)
        try:
            given = bound(names, arguments, options)
        except ValueError as problem:
            raise self.error(f"{name} {problem}") from None
        if word not in WORDS:
            raise Outside(f"{path} is not read", self.line)
        if not isinstance(given.get("keepdims"), bool | None):
            raise Outside(f"{name} with keepdims that is not True or False", self.line)
        if (name in SHARED_OUT or word in {"var", "std"}) and path.startswith("torch."):
            given["torch"] = True
        handler: Callable[..., Any] = WORDS[word]
        try:
            result = handler(self, given, name)
        except KeyError as missing:
            raise self.error(f"{name} is called without {missing.args[0]}") from None
        if isinstance(result, Box) and result.base is None and not any(result is one for one in arguments):
            result.kind = made or kind_made(word, given)
        return self._put_out(result, options.get("out"))

    def _typed_made(self, word: str, name: str, arguments: list[Any], options: dict[str, Any]) -> Any:
        """What a word makes where a type is given, and the arguments without it."""
        types = [value for key, value in options.items() if key in {"dtype", "preferred_element_type"}]
        if word in MAKERS and len(arguments) > 1 and of_type(arguments[-1]) in TYPES and not is_number(arguments[-1]):
            types.append(arguments[-1])
            arguments = arguments[:-1]
        if options.get("order", "C") not in {"C", "K", "A"} or "casting" in options:
            raise Outside(f"{name} with {'order' if 'order' in options else 'casting'}=", self.line)
        if not types or types[0] is None:
            return None, arguments, options
        if word not in MAKERS and kind_of_type(types[0]) != REAL:
            raise Outside(f"{name} with a type of whole numbers", self.line)
        return kind_of_type(types[0]), arguments, options

    def _put_out(self, result: Any, out: Any) -> Any:
        """The result, put into the array that is given as ``out``."""
        if out is None:
            return result
        if not isinstance(out, Box) or not isinstance(result, Box):
            raise Outside("out= that is no array", self.line)
        self.put(out, self.whole_plan(self.current(out)), result)
        return out

    def put(self, box: Box, plan: Any, value: Any, sign: int = 1, replacing: bool = True) -> None:
        """``box[plan] = value``, or plus ``sign*value``; refused where the array would cut the numbers."""
        if not fits(box, value) or (not replacing and kind_of(box) == BOOL):
            raise Outside(
                f"an array of {kind_of(box)} values takes {kind_of(value)} ones: they are cut there", self.line
            )
        self.change(box, plan, self.array(value), sign, replacing)

    def converted(self, name: str, value: Any, kind: Any) -> Any:
        """An array or a number of another type."""
        wanted = kind_of_type(kind)
        if isinstance(value, tuple | list | Series):
            value = self.call(Dotted("numpy.stack"), [value], {})
        if isinstance(value, Box):
            order = (BOOL, INT, REAL)
            if order.index(kind_of(value)) > order.index(wanted):
                raise Outside(f"numbers are cut to {'truth values' if wanted == BOOL else 'whole numbers'}", self.line)
            new = self.array(value).copy() if not self.on.symbolic else self.array(value)
            return self.boxed(new, wanted)
        if is_number(value) and wanted == REAL:
            return value
        return self.builtin("int" if wanted == INT else "bool", [value], {})

    def _copied(self, path: str, arguments: list[Any], options: dict[str, Any]) -> Any:
        name, (value, *rest) = path.rpartition(".")[2], arguments
        if strange := [key for key in options if key not in CONVERTED]:
            raise Outside(f"{name} with {strange[0]}=", self.line)
        given = [one for key, one in options.items() if key in {"dtype", "Tout"}] + [
            v for v in rest if of_type(v) in TYPES
        ]
        given += [kind_of(one) for one in rest if isinstance(one, Box)]
        given += [options["other"]] if "other" in options else []
        if name in {"float", "double", "half"}:
            given.append("float")
        if (
            given
            and given[0] is not None
            and kind_of_type(given[0]) != (kind_of(value) if isinstance(value, Box) else "")
        ):
            return self.converted(name, value, given[0])
        if isinstance(value, tuple | list | Series) and (name in GATHERING or path == "numpy.copy"):
            made = self.call(Dotted("numpy.stack"), [value], {})
            made.kind = kind_of(value) if not isinstance(value, Series) else kind_of(value.element)
            return made
        if not isinstance(value, Box):
            return value.copy() if isinstance(value, list | dict) and name == "copy" else value
        if (name in ALIASES or name == "to") and not given and not {"copy", "order"} & options.keys():
            return value
        held = self.array(value)
        if options.get("copy") is True or (name in COPIES and "copy" not in options and path != "copy.copy"):
            return self.boxed(held.copy() if not self.on.symbolic else held, kind_of(value))
        return self.loose(value, held)
