"""Whether arrays hold real numbers, whole ones or truth values: what is put into them, and how they are added."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from symconv.code.values.objects import (
    Box,
    Condition,
    Context,
    Dotted,
    Infinity,
    Method,
    Opaque,
    Ratio,
    Series,
    Slice,
    Stale,
)
from symconv.notation.affine import Affine
from symconv.prove.meaning.value import Product

__all__ = [
    "BOOL",
    "INT",
    "REAL",
    "UNTOLD",
    "combined",
    "fits",
    "in_words",
    "key_in_words",
    "kind_of",
    "kind_of_type",
    "missing",
    "of_type",
    "untold",
]

UNTOLD = "nothing says what it is"
REAL, INT, BOOL = "real", "int", "bool"
_INT = re.compile(r"u?int\d*_?|long|short|byte|intp|[iu]\d?|integer|dtype int")
_BOOL = re.compile(r"bool\d?_?|\?|dtype bool")


def of_type(value: Any) -> str:
    """The name of what may be a type of numbers."""
    match value:
        case Dotted(name):
            return name.rpartition(".")[2]
        case Opaque(what):
            return what
    return value if isinstance(value, str) else ""


def kind_of_type(value: Any) -> str:
    """What an array of that type holds."""
    name = of_type(value)
    return INT if _INT.fullmatch(name) else BOOL if _BOOL.fullmatch(name) else REAL


def kind_of(value: Any) -> str:
    """What a value is."""
    match value:
        case Box():
            while value.base is not None:
                value = value.base
            return str(value.kind)
        case bool() | Condition():
            return BOOL
        case Affine():
            return INT
        case Product(coefficient, monomial):
            whole = coefficient.denominator == 1 and monomial and all(power > 0 for _, power in monomial)
            return INT if whole else REAL
        case Ratio():
            return REAL
        case tuple() | list():
            kinds = {kind_of(one) for one in value}
            return REAL if REAL in kinds or not kinds else INT if INT in kinds else BOOL
    return REAL


def combined(op: str, left: Any, right: Any) -> str:
    """What ``left op right`` holds."""
    kinds = {kind_of(left), kind_of(right)}
    if op == "/" or REAL in kinds:
        return REAL
    return BOOL if kinds == {BOOL} and op in {"*", "+", "&", "|", "^"} else INT


def fits(box: Any, value: Any) -> bool:
    """Whether an array takes a value as it is, without cutting it to a whole number or to a truth value."""
    order = (BOOL, INT, REAL)
    if kind_of(box) == BOOL and isinstance(value, Affine) and value.is_constant and value.constant in {0, 1}:
        return True
    return order.index(kind_of(value)) <= order.index(kind_of(box))


def untold(value: Any) -> bool:
    """Whether it is an attribute of an instance of which nothing says what it is."""
    return isinstance(value, Method) and isinstance(value.owner, Context)


def in_words(value: Any) -> str:
    """What a value is, in words."""
    match value:
        case None:
            return "None"
        case bool() | str():
            return repr(value)
        case Affine() | Product() | Ratio():
            return "a number"
        case Infinity():
            return "an infinite number"
        case Box():
            return "an array"
        case tuple() | list():
            return f"{len(value)} value" + "s" * (len(value) != 1)
        case Method(Context(), name):
            return f"self.{name} ({UNTOLD}; arguments={{{name!r}: 2}} does)"
        case Method(owner, name) if not isinstance(owner, Dotted | Opaque):
            return f"{name} of {in_words(owner)}"
        case Dotted(name) | Method(_, name):
            return name
        case Opaque(what):
            return what
        case dict():
            return "a dict"
        case Slice():
            return "a slice"
        case Stale(why):
            return why
        case Series():
            return "a list"
    return type(value).__name__.lower()


def key_in_words(key: Any) -> str:
    """What an item of a dict is told by, as it is written."""
    if isinstance(key, tuple):
        return f"({', '.join(map(key_in_words, key))})"
    return repr(key) if isinstance(key, str) else str(key)


def missing(key: Any, there: Iterable[Any]) -> str:
    """That a dict has no such item, and which ones it has."""
    known = ", ".join(map(key_in_words, there))
    return f"there is no {key_in_words(key)}; " + (f"there are {known}" if known else "the dict is empty")
