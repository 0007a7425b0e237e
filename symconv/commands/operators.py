"""What OP takes, by name: read off the signatures of operators, for help, completion and messages."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterable, Mapping
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

from symconv.errors import SymconvError

if TYPE_CHECKING:
    from symconv.notation.operator import Operator

__all__ = ["defaults", "example", "flag", "is_code", "is_formula", "is_spec", "made", "names", "near", "taken"]

_SHOWN: Mapping[str, tuple[str, Any]] = {"kernel": ("3", 3), "stride": ("2", 2), "padding": ("1", 1)}
"""What examples set, where an operator takes it: a window, a stride and a padding that go together."""

_ALIASES = {"input": "x", "weight": "w", "kernel": "w", "filter": "w", "bias": "b"}
"""What people call tensors, and how shipped operators do."""


def names() -> tuple[str, ...]:
    """The shipped operators."""
    from symconv.ops.families import names

    return names()


def is_formula(op: str) -> bool:
    """Whether OP is a formula."""
    return "[" in op and "=" in op


def is_spec(op: str) -> bool:
    """Whether OP is a spec file."""
    return op.endswith(".toml")


def is_code(op: str) -> bool:
    """Whether OP is a function of a file.

    >>> is_code("layer.py:forward"), is_code("layer.py")
    (True, False)
    """
    return ".py:" in op or ".ipynb:" in op


def flag(option: str) -> str:
    """How the command line writes a setting.

    >>> flag("output_padding"), flag("name")
    ('--output-padding', '--called')
    """
    return "--called" if option == "name" else f"--{option.replace('_', '-')}"


def defaults(op: str) -> Mapping[str, object] | None:
    """The settings that OP takes with their defaults (``Parameter.empty``: it must be given); None for no operator.

    >>> list(defaults("max_pool2d"))[:3], defaults("conv9d")
    (['kernel', 'stride', 'padding'], None)
    """
    from symconv.ops.registry import catalogue, operator

    if is_formula(op):
        found = signature(operator).parameters
        return {name: one.default for name, one in found.items() if name != "source"}
    if is_code(op):
        return {"params": None}
    if is_spec(op):
        return {}
    entry = catalogue().get(op)
    return None if entry is None else {name: one.default for name, one in signature(entry.make).parameters.items()}


def taken(op: str | None) -> tuple[str, ...] | None:
    """The names of the settings that OP takes; None where OP is no operator."""
    found = None if op is None else defaults(op)
    return None if found is None else tuple(found)


def example(op: str) -> str:
    """OP with settings that make it an interesting operator, as they are typed.

    >>> example("conv2d"), example("max_pool1d")
    ('conv2d --stride 2 --padding 1', 'max_pool1d --kernel 3 --stride 2 --padding 1')
    """
    own = defaults(op) or {}
    shown = [f"{flag(name)} {text}" for name, (text, _) in _SHOWN.items() if name in own and not is_formula(op)]
    word = f"'{op}'" if is_formula(op) else shlex.quote(op)
    return " ".join((word, *shown))


def made(op: str, settings: Mapping[str, object] | None = None) -> Operator | None:
    """The operator of a name or a formula, with what the example sets unless settings are given; None if it is none.

    >>> made("conv1d", {"bias": True}).tensors
    ('x', 'w', 'b')
    """
    from symconv.commands.request import requested

    own = defaults(op) or {}
    usual = {name: value for name, (_, value) in _SHOWN.items() if name in own and not is_formula(op)}
    try:
        return requested(op, usual if settings is None else {**_wanted(own), **settings})
    except SymconvError:
        return None


def _wanted(own: Mapping[str, object]) -> dict[str, object]:
    return {name: _SHOWN[name][1] for name in own if own[name] is Parameter.empty and name in _SHOWN}


def near(word: str, known: Iterable[str]) -> str:
    """The name that was probably meant, "" where none is close; a gradient's or a library's name of a tensor too.

    >>> near("con2d", ["conv1d", "conv2d"]), near("dx", "xw"), near("weight", "xw"), near("q", "xw")
    ('conv2d', 'x', 'w', '')
    """
    found = tuple(known)
    lower = word.lower()
    bare = lower.strip("-").removeprefix("grad_").removesuffix(".grad")
    for candidate in (lower, bare, lower[1:] if lower[:1] in {"g", "d"} else bare, _ALIASES.get(bare, "")):
        if match := [name for name in found if name.lower() == candidate]:
            return match[0]
    # A digit that differs is another rank, which nobody mistypes for a letter.
    close = difflib.get_close_matches(lower, found, 3, 0.6)
    ranked = sorted(close, key=lambda one: (one[-2:] != lower[-2:], -_alike(lower, one), found.index(one)))
    return ranked[0] if ranked else ""


def _alike(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()
