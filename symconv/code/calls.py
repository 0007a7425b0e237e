"""Calls of the code: its own functions inlined, Python's own ones, and the words of libraries."""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from symconv.code.library import IDENTITIES, PARTS, SKIPPED, bound, nearest, signature
from symconv.code.methods import Methods
from symconv.code.trouble import Outside
from symconv.code.values import Box, Dotted, Function, Method, Opaque
from symconv.code.words import WORDS
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
            case Function(node, names):
                return self.inlined(node, dict(names), arguments, options)
            case Dotted(path) if path.startswith("builtins."):
                return self.builtin(path.partition(".")[2], arguments, options)
            case Dotted(path):
                return self.library(path, arguments, options)
            case Method(owner, name):
                return self.method(owner, name, arguments, options)
            case Opaque(what):
                return arguments[0] if arguments else Opaque(what)
        raise self.error(f"{self.kind(function)} is called; functions of this file and of libraries are read")

    def inlined(
        self,
        node: ast.FunctionDef | ast.Lambda,
        names: Mapping[str, Any],
        arguments: list[Any],
        options: dict[str, Any],
    ) -> Any:
        """The value of a call of a function of the code."""
        if self.calls > CALL_DEPTH:
            raise self.error("functions call each other too deeply")
        line = self.line
        own = {**names, **self.bound(node, arguments, options)}
        kept, self.names = self.names, own
        self.calls += 1
        try:
            return self.value(node.body) if isinstance(node, ast.Lambda) else self.run(node, own)
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

    # -- libraries
    def call_word(self, name: str, *arguments: Any) -> Any:
        """A word of NumPy's, called by another word."""
        return self.library(f"numpy.{name}", list(arguments), {})

    def library(self, path: str, arguments: list[Any], options: dict[str, Any]) -> Any:
        """The value of a word of a library."""
        *parts, name = path.split(".")
        if unknown := [part for part in parts[1:] if part not in PARTS]:
            raise self.error(f"{'.'.join(parts)} is not known: no library here has {unknown[0]}")
        if name in IDENTITIES and arguments:
            return self._copied(name, arguments[0])
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
