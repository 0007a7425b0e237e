"""Methods of arrays, lists, dicts, caches and contexts."""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from symconv.code.amounts import is_number
from symconv.code.python import Python
from symconv.code.trouble import Outside
from symconv.code.values import Box, Context, Opaque, Pack
from symconv.errors import SymconvError
from symconv.notation.affine import affine
from symconv.prove.meaning.scope import Undecided

__all__ = ["Methods"]

_OF_CONTEXTS = frozenset({"mark_non_differentiable", "mark_dirty", "set_materialize_grads", "train", "eval"})
"""Methods that no array depends on."""
_NUMPY_METHODS = frozenset({"sum", "mean", "reshape", "flatten", "swapaxes", "ravel", "squeeze", "max", "min", "argmax",
                            "argmin", "var", "std"})  # fmt: skip


class Methods(Python):
    """Reads calls of methods."""

    @abstractmethod
    def inlined(self, node: ast.FunctionDef | ast.Lambda, names: Mapping[str, Any], arguments: list[Any],
                options: dict[str, Any]) -> Any:  # fmt: skip
        """The value of a call of a function of the code."""

    masks: list[Any]

    @abstractmethod
    def frames_around(self) -> int:
        """How many loops over sizes are around."""

    # -- methods
    def method(self, owner: Any, name: str, arguments: list[Any], options: dict[str, Any]) -> Any:
        match owner, name:
            case Context(), _:
                return self._of_context(owner, name, arguments, options)
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
            case Box(), "unfold":
                return self.library("torch.tensor_unfold", [owner, *arguments], options)
            case Box(), _:
                numpy = name in _NUMPY_METHODS or (name == "repeat" and ("axis" in options or len(arguments) == 1))
                return self.library(f"{'numpy' if numpy else 'torch'}.{name}", [owner, *arguments], options)
        if is_number(owner):
            return owner
        raise self.error(f"{self.kind(owner)} has no method {name}")

    def _of_context(self, owner: Context, name: str, arguments: list[Any], options: dict[str, Any]) -> Any:
        if name in {"save_for_backward", "save_for_forward"}:
            owner.saved = tuple(arguments)
            return None
        node = self.program.method(name)
        if node is not None:
            static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)
            return self.inlined(node, {}, arguments if static else [owner, *arguments], options)
        if name not in _OF_CONTEXTS:
            raise self.error(f"{name} is no method of a class of this text")
        return None

    def _listed_more(self, owner: list[Any], name: str, arguments: list[Any]) -> None:
        if self.on.symbolic and name != "append" and self.frames_around():
            raise Outside("a list is extended in a loop over a size", self.line)
        if self.on.symbolic and (self.masks or self.on.walk.guards):
            raise Outside("a list grows under a condition on positions or elements", self.line)
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
