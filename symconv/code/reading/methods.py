"""Methods of arrays, lists, dicts, caches and contexts."""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from symconv.code.reading.python import Python
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import is_number
from symconv.code.values.objects import Box, Context, Opaque, Pack
from symconv.errors import SymconvError
from symconv.notation.affine import affine
from symconv.prove.meaning.scope import Undecided

__all__ = ["Methods"]

_OF_CONTEXTS = frozenset({"mark_non_differentiable", "mark_dirty", "set_materialize_grads", "train", "eval"})
"""Methods that no array depends on."""
_NUMPY_METHODS = frozenset({"sum", "mean", "reshape", "flatten", "swapaxes", "ravel", "squeeze", "max", "min", "argmax",
                            "argmin"})  # fmt: skip


_OF_TEXTS = frozenset({"lower", "upper", "strip", "startswith", "endswith"})


class Methods(Python):
    """Reads calls of methods."""

    @abstractmethod
    def inlined(self, node: ast.FunctionDef | ast.Lambda, names: Mapping[str, Any], arguments: list[Any],
                options: dict[str, Any]) -> Any:  # fmt: skip
        """The value of a call of a function of the code."""

    # -- methods
    def method(self, owner: Any, name: str, arguments: list[Any], options: dict[str, Any]) -> Any:
        match owner, name:
            case ((Context() | list() | dict() | Pack()), _) if name not in {"index", "count"}:
                return self._of_several(owner, name, arguments, options)
            case str(), _ if name in _OF_TEXTS and all(isinstance(one, str) for one in arguments) and not options:
                return getattr(owner, name)(*arguments)
            case ((str() | Opaque()), _):
                return Opaque(name)
            case tuple(), "numel":
                return self.product(owner)
            case ((tuple() | list()), ("index" | "count")) if all(map(self.key, [*owner, *arguments])):
                return affine(getattr(owner, name)(arguments[0]))
            case tuple(), "as_list":
                return list(owner)
            case Box(), "unfold":
                return self.library("torch.tensor_unfold", [owner, *arguments], options)
            case Box(), ("var" | "std"):
                return self.library(
                    f"{self._library_of(name, arguments, options)}.{name}", [owner, *arguments], options
                )
            case Box(), _:
                numpy = name in _NUMPY_METHODS or (name == "repeat" and ("axis" in options or len(arguments) == 1))
                return self.library(f"{'numpy' if numpy else 'torch'}.{name}", [owner, *arguments], options)
        if is_number(owner) and name in {"item", "conjugate"} and not arguments:
            return owner
        raise self.error(f"{self.kind(owner)} has no method {name}")

    def _library_of(self, name: str, arguments: list[Any], options: Mapping[str, Any]) -> str:
        """Whose array a method is called of, where that tells what it computes."""
        if {"dim", "keepdim", "unbiased"} & options.keys() or any(isinstance(one, bool) for one in arguments[:2]):
            return "torch"
        if {"ddof", "correction"} & options.keys() or len(arguments) > 3:
            return "numpy"
        if "torch" in self.program.libraries or not {"numpy", "jax"} & self.program.libraries:
            raise Outside(
                f"{name} divides by N in NumPy and by N - 1 in PyTorch, and the text does not say whose array it is of",
                self.line,
            )
        return "numpy"

    def _of_several(self, owner: Any, name: str, arguments: list[Any], options: dict[str, Any]) -> Any:
        match owner, name:
            case Context(), _:
                return self._of_context(owner, name, arguments, options)
            case list(), ("append" | "extend" | "insert"):
                return self._listed_more(owner, name, arguments)
            case ((list() | dict()), "copy"):
                return owner.copy()
            case dict(), "get":
                return owner.get(self.key(arguments[0]), arguments[1] if len(arguments) > 1 else options.get("default"))
            case ((list() | dict()), ("pop" | "update" | "reverse" | "clear")):
                return self._emptied(owner, name, arguments, options)
            case dict(), ("items" | "keys" | "values"):
                return [*getattr(owner, name)()]
            case Pack(_, resolve), "get":
                try:
                    return resolve(arguments[0])
                except (SymconvError, Undecided):
                    if len(arguments) > 1:
                        return arguments[1]
                    raise
        raise self.error(f"{self.kind(owner)} has no method {name}")

    def _of_context(self, owner: Context, name: str, arguments: list[Any], options: dict[str, Any]) -> Any:
        if name in {"save_for_backward", "save_for_forward"}:
            self.keeps_order("what is saved")
            owner.saved = tuple(arguments)
            return None
        node = self.program.method(name)
        if node is not None:
            static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)
            return self.inlined(node, {}, arguments if static else [owner, *arguments], options)
        if name not in _OF_CONTEXTS:
            raise self.error(f"{name} is no method of a class of this text")
        return None

    def keeps_order(self, what: str, grows: bool = False) -> None:
        """Raises Outside where what is done now to a list, a dict or an attribute is done often, or only sometimes."""
        if self.on.symbolic and not grows and self.depth:
            raise Outside(f"{what} changes in a loop over a size", self.line)
        if self.on.symbolic and (self.masks or self.on.walk.guards):
            raise Outside(f"{what} changes under a condition on positions or elements", self.line)

    def _emptied(self, owner: Any, name: str, arguments: list[Any], options: dict[str, Any]) -> Any:
        """Methods of lists and dicts that take things out, or turn them round."""
        self.keeps_order("a list or a dict")
        match owner, name, arguments:
            case dict(), "update", []:
                return owner.update(options)
            case dict(), "update", [dict() as more] if not options:
                return owner.update(more)
            case dict(), "pop", [key, *default] if self.key(key) in owner or default:
                return owner.pop(key, *default)
            case list(), "pop", [] if owner:
                return owner.pop()
            case list(), "pop", [place] if -len(owner) <= self.constant(place, "a position") < len(owner):
                return owner.pop(self.constant(place, "a position"))
            case _, ("reverse" | "clear"), [] if isinstance(owner, list) or name == "clear":
                return getattr(owner, name)()
        raise self.error(f"{name} of {self.kind(owner)} with these arguments is not read")

    def _listed_more(self, owner: list[Any], name: str, arguments: list[Any]) -> None:
        self.keeps_order("a list", grows=name == "append")
        for one in arguments:
            self.hold(one)
        if name == "extend":
            owner.extend(self.iterated(arguments[0]))
        else:
            owner.insert(len(owner) if name == "append" else self.constant(arguments[0], "a position"), arguments[-1])

    def product(self, items: Sequence[Any]) -> Any:
        """The product of numbers."""
        result: Any = affine(1)
        for one in items:
            result = self.binary("*", result, one)
        return result
