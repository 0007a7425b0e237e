"""How option values are written: per axis, (low, high) pads, shapes by tensor, settings by name."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

from symconv.errors import shown

__all__ = ["Age", "BorderValue", "Family", "Integer", "Named", "Pads", "PerAxis", "Real", "Shape"]

# Digits are 0 to 9: Python's int takes those of every script. Nothing here needs more of them than 18.
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_FLOAT = re.compile(r"[+-]?(?:[0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,4})?|[+-]?(?:inf|nan)")

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}

Context = click.Context | None
Parameter = click.Parameter | None

if TYPE_CHECKING:
    Base = click.ParamType[Any]
else:
    Base = click.ParamType  # no generic before click 8.3


def _integers(text: str, separator: str) -> tuple[int, ...] | None:
    numbers = [_integer(part) for part in text.split(separator)]
    return None if None in numbers else tuple(number for number in numbers if number is not None)


def _integer(text: str) -> int | None:
    return int(text) if _INTEGER.fullmatch(text.strip()) else None


def _number(text: str) -> int | float | None:
    number = _integer(text)
    if number is not None or not _FLOAT.fullmatch(text.strip()):
        return number
    return float(text)


def _fraction(text: str) -> int | float | Fraction | None:
    """A number, or a quotient of integers as it is."""
    parts = _integers(text, "/")
    if parts is None or len(parts) != 2 or not parts[1]:
        return _number(text)
    return Fraction(*parts)


class Integer(Base):
    """A whole number, of a range where one is said.

    >>> Integer().convert("-3", None, None), Integer(1, 4096).convert("2", None, None)
    (-3, 2)
    """

    name = "INT"

    def __init__(self, least: int | None = None, most: int | None = None) -> None:
        self.least, self.most = least, most

    def convert(self, value: Any, param: Parameter, ctx: Context) -> int:
        """The integer; a usage error for anything else."""
        number = _integer(value) if isinstance(value, str) else value
        if number is None:
            self.fail(f"{shown(value)} is not an integer in digits 0 to 9", param, ctx)
        if self.least is not None and self.most is not None and not self.least <= number <= self.most:
            self.fail(f"{number} is not an integer from {self.least} to {self.most}", param, ctx)
        return number


class Real(Base):
    """A number.

    >>> Real().convert("-0.5", None, None)
    -0.5
    """

    name = "NUMBER"

    def convert(self, value: Any, param: Parameter, ctx: Context) -> float:
        """The number; a usage error for anything else."""
        number = _number(value) if isinstance(value, str) else value
        if number is None:
            self.fail(f"{shown(value)} is not a number in digits 0 to 9", param, ctx)
        return float(number)


class Age(Base):
    """``30d``: a time in seconds; minutes, hours, days and weeks have a letter.

    >>> Age().convert("30d", None, None), Age().convert("1.5h", None, None)
    (2592000.0, 5400.0)
    """

    name = "AGE"

    def convert(self, value: Any, param: Parameter, ctx: Context) -> float:
        """The seconds; a usage error for anything else."""
        if not isinstance(value, str):
            return float(value)
        text = value.strip()
        number = _number(text[:-1]) if text[-1:] in _UNITS else None
        if number is None or not 0 <= number < float("inf"):
            self.fail(f"{shown(value)} is not an age, as in 30d, 12h, 2w or 90m", param, ctx)
        return float(number) * _UNITS[text[-1]]


class PerAxis(Base):
    """``2`` for every axis, ``2,1`` one per axis.

    >>> PerAxis().convert("2", None, None), PerAxis().convert("2,1", None, None)
    (2, (2, 1))
    """

    name = "INT[,INT...]"

    def convert(self, value: str | int | tuple[int, ...], param: Parameter, ctx: Context) -> int | tuple[int, ...]:
        """The integer or the tuple; a usage error for anything else."""
        if not isinstance(value, str):
            return value
        found = _integers(value, ",")
        if found is None:
            self.fail(f"{shown(value)} is not an integer, as in 2, or one per axis, as in 2,1", param, ctx)
        return found[0] if len(found) == 1 else found


class Pads(Base):
    """``1``, ``1,2``, ``1:0,2:1`` (low:high per axis), ``same`` or ``valid``.

    >>> [Pads().convert(text, None, None) for text in ("1", "1,2", "1:0,2:1", "1:0", "same")]
    [1, (1, 2), ((1, 0), (2, 1)), ((1, 0),), 'same']
    """

    name = "PADS"

    def convert(self, value: Any, param: Parameter, ctx: Context) -> object:
        """What operators take as ``padding``; a usage error for anything else."""
        if not isinstance(value, str) or value in ("same", "valid"):
            return value
        axes: list[int | tuple[int, int]] = []
        for part in value.split(","):
            found = _integers(part, ":")
            if found is None or len(found) > 2:
                self.fail(f"{shown(value)} is none of 1, 1,2 (per axis), 1:0,2:1 (low:high), same, valid", param, ctx)
            axes.append(found[0] if len(found) == 1 else (found[0], found[1]))
        return axes[0] if len(axes) == 1 and isinstance(axes[0], int) else tuple(axes)


class Family(Base):
    """``stride=1..4,padding=0..3``: the values each option takes.

    >>> Family().convert("stride=1..3,dilation=2", None, None)
    (('stride', range(1, 4)), ('dilation', range(2, 3)))
    """

    name = "NAME=A..B[,...]"

    def convert(
        self, value: str | tuple[tuple[str, range], ...], param: Parameter, ctx: Context
    ) -> tuple[tuple[str, range], ...]:
        """The options with their values; a usage error for anything else."""
        if not isinstance(value, str):
            return value
        found: list[tuple[str, range]] = []
        for part in value.split(","):
            name, _, span = part.partition("=")
            ends = _integers(span, "..")
            if not name.strip().isidentifier() or ends is None or len(ends) > 2 or ends[0] > ends[-1]:
                self.fail(f"{part!r} is not of the form stride=1..4 or stride=2", param, ctx)
            if name.strip() in dict(found):
                self.fail(f"{name.strip()} is given twice; one range per option", param, ctx)
            found.append((name.strip(), range(ends[0], ends[-1] + 1)))
        return tuple(found)


class BorderValue(Base):
    """The name of a rule, or a number: the value outside; or one for each tensor.

    >>> [BorderValue().convert(text, None, None) for text in ("reflect", "-1", "x=reflect,v=0.5")]
    ['reflect', -1, {'x': 'reflect', 'v': 0.5}]
    """

    name = "RULE|NUMBER"

    def convert(self, value: Any, param: Parameter, ctx: Context) -> object:
        """A number where it is one; operators judge the names."""
        if not isinstance(value, str):
            return value
        if "=" in value:
            pairs = [part.partition("=") for part in value.split(",")]
            if not all(name.strip().isidentifier() and rule.strip() for name, _, rule in pairs):
                self.fail(
                    f"{shown(value)} is no rule and no number, nor one per tensor, as in x=reflect,w=0", param, ctx
                )
            return {name.strip(): self.convert(rule.strip(), param, ctx) for name, _, rule in pairs}
        number = _number(value)
        return value if number is None else number


class Named(Base):
    """``i=(H+1)/2``: what is said of one index, function or tensor; ``number`` where a number is said.

    >>> Named("INDEX=SIZE", "an index and its extent", "i=(H+1)/2").convert("i=(H+1)/2", None, None)
    ('i', '(H+1)/2')
    >>> Named("NAME=NUMBER", "a name and a number", "t=0.5", number=True).convert("t=0.5", None, None)
    ('t', 0.5)
    """

    def __init__(self, name: str, wanted: str, example: str, number: bool = False) -> None:
        self.name, self.wanted, self.example, self.number = name, wanted, example, number

    def convert(
        self, value: str | tuple[str, str | float | Fraction | None], param: Parameter, ctx: Context
    ) -> tuple[str, str | float | Fraction | None]:
        """The name and what is said of it, None for a number given at run time; a usage error for anything else."""
        if not isinstance(value, str):
            return value
        name, given, said = (part.strip() for part in value.partition("="))
        if self.number and said in {"?", "None"} and name.isidentifier():
            return name, None
        number = _fraction(said) if self.number else None
        if not (name.isidentifier() and given and said) or (self.number and number is None):
            self.fail(f"{shown(value)} is not {self.wanted}, as in {self.example}", param, ctx)
        return name, said if number is None else number


class Shape(Base):
    """``x=8,64,56,56``: the shape of one tensor.

    >>> Shape().convert("x=8,64,56,56", None, None)
    ('x', (8, 64, 56, 56))
    """

    name = "TENSOR=N,..."

    def convert(
        self, value: str | tuple[str, tuple[int, ...]], param: Parameter, ctx: Context
    ) -> tuple[str, tuple[int, ...]]:
        """The tensor and its shape; a usage error for anything else."""
        if not isinstance(value, str):
            return value
        tensor, given, numbers = (part.strip() for part in value.partition("="))
        shape = _integers(numbers, ",")
        if not (tensor.isidentifier() and given) or shape is None or min(shape) < 0:
            self.fail(f"{shown(value)} is not a tensor and its shape, as in x=8,64,56,56", param, ctx)
        return tensor, shape
