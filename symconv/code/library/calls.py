"""Calls of the words of libraries: their arguments in places, their types, where the result is put."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symconv.code.held.boxes import array_of, boxed, current, loose_view
from symconv.code.held.elements import put
from symconv.code.held.sequences import sequence
from symconv.code.held.state import State, call, whole_plan
from symconv.code.held.truths import nonzero
from symconv.code.library.changes import kind_made
from symconv.code.library.words import WORDS
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
from symconv.code.source.side_by_side import MEETING
from symconv.code.source.trouble import Outside
from symconv.code.source.vocabulary import IN_PLACE
from symconv.code.values.amounts import is_number
from symconv.code.values.kinds import BOOL, INT, REAL, kind_of, kind_of_type, of_type
from symconv.code.values.objects import Box, Dotted, Series

__all__ = ["call_library", "converted"]


_BY_NAME = frozenset(f"numpy.{name}" for name in ("sum", "mean", "max", "min", "amax", "amin", "prod"))
"""Words that NumPy gives a type or an array at the place where PyTorch takes keepdim."""


def call_library(state: State, path: str, arguments: list[Any], options: dict[str, Any]) -> Any:
    """The value of a word of a library."""
    *parts, name = path.split(".")
    if unknown := [part for part in parts[1:] if part not in PARTS]:
        raise state.error(f"{'.'.join(parts)} is not known: no library here has {unknown[0]}")
    if name in IDENTITIES and arguments and path != "numpy.identity":
        return _copied(state, path, arguments, options)
    if name in SKIPPED:
        return None
    if name in {"tuple", "Size", "TensorShape"} and arguments:
        return tuple(sequence(state, arguments[0]))
    if name == "at":
        path = path.rpartition(".")[0].rpartition(".")[0] + ".add_at" if path.endswith(".add.at") else path
    if name == "transpose" and path.startswith("torch") and len(arguments) != 3 and not {"dim0"} & options.keys():
        path = "numpy.transpose"
    found = signature(path)
    if found is None and name[:-1] in IN_PLACE and name.endswith("_") and path.startswith("torch"):
        return _put_out(state, call_library(state, path[:-1], arguments, options), arguments[0])
    if found is None:
        raise state.error(f"{path} is not read; {MEETING.get(path) or nearest(path)}")
    word, names = found
    if path in _BY_NAME and "torch" not in state.program.libraries:
        _no_keepdims_by_place(state, name, names, arguments)
    made, arguments, options = _typed_made(state, word, name, arguments, options)
    try:
        given = bound(names, arguments, options)
    except ValueError as problem:
        raise state.error(f"{name} {problem}") from None
    if word not in WORDS:
        raise Outside(f"{path} is not read", state.line)
    if not isinstance(given.get("keepdims"), bool | None):
        raise Outside(f"{name} with keepdims that is not True or False", state.line)
    if (name in SHARED_OUT or word in {"var", "std"}) and path.startswith("torch."):
        given["torch"] = True
    handler: Callable[..., Any] = WORDS[word]
    try:
        result = handler(state, given, name)
    except KeyError as missing:
        raise state.error(f"{name} is called without {missing.args[0]}") from None
    if isinstance(result, Box) and result.base is None and not any(result is one for one in arguments):
        result.kind = made or kind_made(word, given)
    return _put_out(state, result, options.get("out"))


def _no_keepdims_by_place(state: State, name: str, names: Sequence[str], arguments: list[Any]) -> None:
    """Raises an error where NumPy is given True behind the axis, which PyTorch takes for keepdim."""
    at = names.index("keepdims") if "keepdims" in names else len(arguments)
    if isinstance(arguments[at] if at < len(arguments) else None, bool):
        raise state.error(f"{name} of NumPy takes no keepdims at this place; write keepdims={arguments[at]}")


def _typed_made(state: State, word: str, name: str, arguments: list[Any], options: dict[str, Any]) -> Any:
    """What a word makes where a type is given, and the arguments without it."""
    types = [value for key, value in options.items() if key in {"dtype", "preferred_element_type"}]
    if word in MAKERS and len(arguments) > 1 and of_type(arguments[-1]) in TYPES and not is_number(arguments[-1]):
        types.append(arguments[-1])
        arguments = arguments[:-1]
    if options.get("order", "C") not in {"C", "K", "A"} or "casting" in options:
        raise Outside(f"{name} with {'order' if 'order' in options else 'casting'}=", state.line)
    if not types or types[0] is None:
        return None, arguments, options
    if word not in MAKERS and kind_of_type(types[0]) != REAL:
        raise Outside(f"{name} with a type of whole numbers", state.line)
    return kind_of_type(types[0]), arguments, options


def _put_out(state: State, result: Any, out: Any) -> Any:
    """The result, put into the array that is given as ``out``."""
    if out is None:
        return result
    if not isinstance(out, Box) or not isinstance(result, Box):
        raise Outside("out= that is no array", state.line)
    put(state, out, whole_plan(state, current(state, out)), result)
    return out


def converted(state: State, name: str, value: Any, kind: Any) -> Any:
    """An array or a number of another type."""
    wanted = kind_of_type(kind)
    if isinstance(value, tuple | list | Series):
        value = call(state, Dotted("numpy.stack"), [value], {})
    if isinstance(value, Box):
        order = (BOOL, INT, REAL)
        if wanted == BOOL:
            return nonzero(state, value)
        if order.index(kind_of(value)) > order.index(wanted):
            raise Outside("numbers are cut to whole numbers", state.line)
        new = array_of(state, value).copy() if not state.on.symbolic else array_of(state, value)
        return boxed(state, new, wanted)
    if is_number(value) and wanted == REAL:
        return value
    return call(state, Dotted(f"builtins.{'int' if wanted == INT else 'bool'}"), [value], {})


def _copied(state: State, path: str, arguments: list[Any], options: dict[str, Any]) -> Any:
    name, (value, *rest) = path.rpartition(".")[2], arguments
    if strange := [key for key in options if key not in CONVERTED]:
        raise Outside(f"{name} with {strange[0]}=", state.line)
    given = [one for key, one in options.items() if key in {"dtype", "Tout"}] + [v for v in rest if of_type(v) in TYPES]
    given += [kind_of(one) for one in rest if isinstance(one, Box)]
    given += [options["other"]] if "other" in options else []
    if name in {"float", "double", "half"}:
        given.append("float")
    if name == "bool":
        given.append("bool")
    if given and given[0] is not None and kind_of_type(given[0]) != (kind_of(value) if isinstance(value, Box) else ""):
        return converted(state, name, value, given[0])
    if isinstance(value, tuple | list | Series) and (name in GATHERING or path == "numpy.copy"):
        if isinstance(value, list) and value and all(isinstance(one, list) for one in value):
            value = [_copied(state, path, [one], {}) for one in value]
        made = call(state, Dotted("numpy.stack"), [value], {})
        made.kind = kind_of(value) if not isinstance(value, Series) else kind_of(value.element)
        return made
    if not isinstance(value, Box):
        return value.copy() if isinstance(value, list | dict) and name == "copy" else value
    if (name in ALIASES or name == "to") and not given and not {"copy", "order"} & options.keys():
        return value
    held = array_of(state, value)
    if options.get("copy") is True or (name in COPIES and "copy" not in options and path != "copy.copy"):
        return boxed(state, held.copy() if not state.on.symbolic else held, kind_of(value))
    return loose_view(state, value, held)
