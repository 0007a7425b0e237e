"""Methods of arrays, lists, dicts, caches and contexts."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import partial
from typing import Any

from symconv.code.held.boxes import current, hold
from symconv.code.held.masks import keeps_order
from symconv.code.held.numbers import constant, key_of
from symconv.code.held.operators import product_of_all
from symconv.code.held.sequences import iterated
from symconv.code.held.state import State, call
from symconv.code.library.calls import call_library
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import is_number
from symconv.code.values.kinds import in_words
from symconv.code.values.objects import Box, Context, Function, Opaque, Pack
from symconv.errors import SymconvError
from symconv.notation.affine import affine
from symconv.prove.meaning.scope import Undecided

__all__ = ["call_method"]

_OF_CONTEXTS = frozenset({"mark_non_differentiable", "mark_dirty", "set_materialize_grads", "train", "eval"})
"""Methods that no array depends on."""

_NUMPY_METHODS = frozenset({"sum", "mean", "reshape", "flatten", "swapaxes", "ravel", "squeeze", "argmax",
                            "argmin"})  # fmt: skip

_OF_TEXTS = frozenset({"lower", "upper", "strip", "startswith", "endswith"})


def call_method(state: State, owner: Any, name: str, arguments: list[Any], options: dict[str, Any]) -> Any:
    match owner, name:
        case ((Context() | list() | dict() | Pack()), _) if name not in {"index", "count"}:
            return _of_several(state, owner, name, arguments, options)
        case str(), _ if name in _OF_TEXTS and all(isinstance(one, str) for one in arguments) and not options:
            return getattr(owner, name)(*arguments)
        case ((str() | Opaque()), _):
            return Opaque(name)
        case tuple(), "numel":
            return product_of_all(state, owner)
        case ((tuple() | list()), ("index" | "count")) if all(map(partial(key_of, state), [*owner, *arguments])):
            return affine(getattr(owner, name)(arguments[0]))
        case tuple(), "as_list":
            return list(owner)
        case Box(), "unfold":
            return call_library(state, "torch.tensor_unfold", [owner, *arguments], options)
        case Box(), ("var" | "std"):
            return call_library(
                state, f"{_library_of(state, name, arguments, options)}.{name}", [owner, *arguments], options
            )
        case Box(), ("max" | "min"):
            return call_library(
                state, f"{_library_of_extreme(state, name, arguments, options)}.{name}", [owner, *arguments], options
            )
        case Box(), "transpose" if len(arguments) == 2:
            return call_library(
                state, f"{_library_of_two_axes(state, owner, arguments)}.transpose", [owner, *arguments], options
            )
        case Box(), "repeat":
            return call_library(
                state, f"{_library_of_repeat(state, arguments, options)}.repeat", [owner, *arguments], options
            )
        case Box(), _:
            numpy = name in _NUMPY_METHODS
            return call_library(state, f"{'numpy' if numpy else 'torch'}.{name}", [owner, *arguments], options)
    if is_number(owner) and name in {"item", "conjugate"} and not arguments:
        return owner
    raise state.error(f"{in_words(owner)} has no method {name}")


def _library_of(state: State, name: str, arguments: list[Any], options: Mapping[str, Any]) -> str:
    """Whose array a method is called of, where that tells what it computes."""
    if {"dim", "keepdim", "unbiased"} & options.keys() or any(isinstance(one, bool) for one in arguments[:2]):
        return "torch"
    if {"ddof", "correction"} & options.keys() or len(arguments) > 3:
        return "numpy"
    others = bool({"numpy", "jax", "cupy"} & state.program.libraries)
    if "torch" in state.program.libraries and not others:
        return "torch"
    if "torch" in state.program.libraries or not others:
        raise Outside(
            f"{name} divides by N in NumPy and by N - 1 in PyTorch, and the text does not say whose array it is of",
            state.line,
        )
    return "numpy"


def _library_of_extreme(state: State, name: str, arguments: list[Any], options: Mapping[str, Any]) -> str:
    """Whose array it is the extreme of: along an axis PyTorch returns places too."""
    others = bool({"numpy", "jax", "cupy"} & state.program.libraries)
    if {"dim", "keepdim"} & options.keys() or ("torch" in state.program.libraries and not others):
        return "torch"
    if "torch" in state.program.libraries and arguments and arguments[0] is not None:
        raise Outside(
            f"{name} along an axis is one array in NumPy and two in PyTorch, and the text does not say whose array it "
            "is of; axis= and dim= do",
            state.line,
        )
    return "numpy"


def _library_of_repeat(state: State, arguments: list[Any], options: Mapping[str, Any]) -> str:
    """Whose array is repeated: as a whole in PyTorch, element by element in NumPy."""
    others = bool({"numpy", "jax", "cupy"} & state.program.libraries)
    if "axis" in options or ("torch" not in state.program.libraries and others):
        return "numpy"
    if others and len(arguments) <= 2:
        raise Outside(
            "repeat repeats the whole array in PyTorch and each element in NumPy, and the text does not say whose "
            "array it is of; np.repeat and repeat_interleave do",
            state.line,
        )
    return "torch"


def _library_of_two_axes(state: State, owner: Box, arguments: list[Any]) -> str:
    """Whose array is transposed: two axes are exchanged in PyTorch, and the order of all axes in NumPy."""
    others = bool({"numpy", "jax", "cupy"} & state.program.libraries)
    if "torch" not in state.program.libraries and others:
        return "numpy"
    matrix = state.on.rank(current(state, owner)) == 2
    if others and matrix and [constant(state, one, "an axis") for one in arguments] == [0, 1]:
        raise Outside(
            "transpose(0, 1) exchanges the axes of a matrix in PyTorch and leaves them in NumPy, and the text does not "
            "say whose array it is of; .T does",
            state.line,
        )
    return "torch"


def _of_several(state: State, owner: Any, name: str, arguments: list[Any], options: dict[str, Any]) -> Any:
    match owner, name:
        case Context(), _:
            return _of_context(state, owner, name, arguments, options)
        case list(), ("append" | "extend" | "insert"):
            return _listed_more(state, owner, name, arguments)
        case ((list() | dict()), "copy"):
            return owner.copy()
        case dict(), "get":
            return owner.get(
                key_of(state, arguments[0]), arguments[1] if len(arguments) > 1 else options.get("default")
            )
        case ((list() | dict()), ("pop" | "update" | "reverse" | "clear")):
            return _emptied(state, owner, name, arguments, options)
        case dict(), ("items" | "keys" | "values"):
            return [*getattr(owner, name)()]
        case Pack(), "get":
            try:
                return owner.resolve(arguments[0])
            except (SymconvError, Undecided):
                if len(arguments) > 1 and arguments[0] not in owner.changed:
                    return arguments[1]
                raise
    raise state.error(f"{in_words(owner)} has no method {name}")


def _of_context(state: State, owner: Context, name: str, arguments: list[Any], options: dict[str, Any]) -> Any:
    if name in {"save_for_backward", "save_for_forward"}:
        keeps_order(state, "what is saved")
        owner.saved = tuple(arguments)
        return None
    node = state.program.method(name)
    if node is not None:
        static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)
        return call(state, Function(node), arguments if static else [owner, *arguments], options)
    if name not in _OF_CONTEXTS:
        raise state.error(f"{name} is no method of a class of this text")
    return None


def _emptied(state: State, owner: Any, name: str, arguments: list[Any], options: dict[str, Any]) -> Any:
    """Methods of lists and dicts that take things out, or turn them round."""
    keeps_order(state, "a list or a dict")
    match owner, name, arguments:
        case dict(), "update", []:
            return owner.update(options)
        case dict(), "update", [dict() as more] if not options:
            return owner.update(more)
        case dict(), "pop", [key, *default] if key_of(state, key) in owner or default:
            return owner.pop(key, *default)
        case list(), "pop", [] if owner:
            return owner.pop()
        case list(), "pop", [place] if -len(owner) <= constant(state, place, "a position") < len(owner):
            return owner.pop(constant(state, place, "a position"))
        case _, ("reverse" | "clear"), [] if isinstance(owner, list) or name == "clear":
            return getattr(owner, name)()
    raise state.error(f"{name} of {in_words(owner)} with these arguments is not read")


def _listed_more(state: State, owner: list[Any], name: str, arguments: list[Any]) -> None:
    keeps_order(state, "a list", grows=name == "append")
    for one in arguments:
        hold(one)
    if name == "extend":
        owner.extend(iterated(state, arguments[0]))
    else:
        owner.insert(len(owner) if name == "append" else constant(state, arguments[0], "a position"), arguments[-1])
