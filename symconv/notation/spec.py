"""An operator from a TOML file: the keywords of ``formula`` as keys, and every mistake said with its file and key."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from symconv.errors import SpecError, setting, shown
from symconv.notation.front import border_of, by_name, formula, pairs
from symconv.notation.operator import Operator

__all__ = ["KEYS", "read_spec"]

MAX_BYTES = 100_000


def read_spec(path: Path, params: Mapping[str, int] | None = None) -> Operator:
    """The operator a TOML file describes, with ``params`` for the whole numbers that it calls "int".

    Raises SpecError that names the file and the key.
    """
    spec = _table(path)
    for key in spec:
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise SpecError(f"{path}: unknown key {key!r}{hint} The keys are {', '.join(KEYS)}")
    if "formula" not in spec:
        raise SpecError(
            f'{path}: the key "formula" is missing, as in formula = "y[n,f,i] = sum[c,p](x[n,c,i+p] * w[f,c,p])"'
        )
    given = {key: _checked(path, key, value) for key, value in spec.items()}
    source, name = given.pop("formula"), given.pop("name", path.stem)
    if "params" in given or params:
        given["params"] = _numbers(path, given.get("params", {}), by_name("params", params, "{'s': 2}"))
    if "surrogate" in given:
        given["surrogates"] = given.pop("surrogate")
    try:
        return formula(source, name=name, **given)
    except SpecError as error:
        raise SpecError(f"{path}: {_blamed(source, given)}: {error}") from error


def _numbers(path: Path, stated: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of a file, with those given that it leaves open."""
    left = [name for name, value in stated.items() if value == "int"]
    for name, value in stated.items():
        if isinstance(value, str) and name not in left:
            raise SpecError(
                f'{path}: params: {name} is a number, or "int" for one that is given later; it is {value!r}'
            )
    if unknown := [name for name in given if name not in left]:
        raise SpecError(f"{path}: {unknown[0]} is none of the numbers that the file leaves open ({', '.join(left)})")
    for name in left:
        value = given.get(name)
        if isinstance(value, bool) or not isinstance(value, int):
            was = f"; given {shown(value)}" if name in given else ""
            raise SpecError(f"{path} leaves {name} open, a whole number: say {setting('params', '2', name)}{was}")
    return {**stated, **given}


def _table(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
    except (OSError, ValueError, RuntimeError) as error:
        # ValueError: a path with a null character; RuntimeError: links that lead to themselves.
        reason = getattr(error, "strerror", None) or error
        raise SpecError(f"{shown(str(path))}: the spec file cannot be read: {reason}") from error
    if len(data) > MAX_BYTES:
        raise SpecError(f"{path}: the spec file has {len(data)} bytes; at most {MAX_BYTES} are read")
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        # ValueError: no UTF-8, no TOML, or an integer with more digits than Python converts.
        raise SpecError(f"{path}: this is no TOML: {error or 'nested too deep'}") from error


def _checked(path: Path, key: str, value: object) -> Any:
    try:
        return KEYS[key](value)
    except SpecError as error:
        raise SpecError(f"{path}: {key}: {error}") from error


def _blamed(source: str, given: dict[str, Any]) -> str:
    """The key without which the formula would have been accepted; the formula itself where there is no such key."""
    for key in given:
        try:
            formula(source, **{k: v for k, v in given.items() if k != key})
        except SpecError:
            continue
        return {"surrogates": "surrogate"}.get(key, key)
    return "formula"


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise SpecError(f"it is text in quotes; given {shown(value)}")
    return value


def _real(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SpecError(f"it is a number; given {value!r}")
    return value


def _padding(value: object) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,)
    if not isinstance(value, list):
        raise SpecError(
            f'it is an integer, a list with an integer or [low, high] per axis, "same" or "valid"; given {shown(value)}'
        )
    return pairs(value, "padding")


def _names(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise SpecError(f'it is a list of names, as in ["s", "y"]; given {shown(value)}')
    return value


def _border(value: object) -> Any:
    if isinstance(value, dict):
        for rule in value.values():
            border_of(rule)
        return value
    border_of(value)  # type: ignore[arg-type]
    return value


def _mapping(what: str, *kinds: type) -> Callable[[object], dict[str, Any]]:
    def check(value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise SpecError(f"it is a table of {what}; given {shown(value)}")
        for name, item in value.items():
            if isinstance(item, bool) or not isinstance(item, kinds):
                raise SpecError(f"it is a table of {what}; {name} is {item!r}")
        return value

    return check


KEYS: dict[str, Callable[[object], Any]] = {
    "name": _text,
    "formula": _text,
    "padding": _padding,
    "extents": _mapping("index = integer or formula", int, str),
    "where": _mapping('size = "<= another"', str),
    "border": _border,
    "params": _mapping('name = number, or "int"', int, float, str),
    "kinks": _mapping('function = "choice"', str),
    "empty": _real,
    "outputs": _names,
    "surrogate": _mapping('tensor or function = "expression"', str),
}
"""The keys of a spec file, each with its check."""
