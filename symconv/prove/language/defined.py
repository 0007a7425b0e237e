"""Words that are defined by other words: what each stands for, once for the proof and for the numbers.

An array argument is computed first and has its own text as a name in the definition, which may use it more than once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from symconv.errors import SpecError
from symconv.prove.language.syntax import Call, Name, Node, Number, Tuple, show
from symconv.prove.language.vocabulary import OPTIONS_OF

__all__ = ["Arguments", "Defined", "arguments_of", "axis_of", "number", "size", "split_arguments", "whole_numbers"]

Error = Callable[[int, str], SpecError]


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a defined word is given: ``arrays`` by name with their ``ranks``, everything else by parameter.

    ``count`` gives the value of a positive whole number, where the sizes leave only one.
    """

    call: Call
    arrays: tuple[Node, ...]
    ranks: tuple[int, ...]
    given: Mapping[str, Node]
    error: Error
    count: Callable[[Node], int]

    def wrong(self, message: str) -> SpecError:
        """An error that points at the call."""
        return self.error(self.call.at, f"{self.call.function}: {message}")

    def integer(self, name: str, default: int | None = None) -> int:
        """A parameter that is written as a whole number."""
        if name not in self.given:
            if default is None:
                raise self.wrong(f"{name} is wanted")
            return default
        return whole_numbers(self, self.given[name])[0]

    def axis(self, default: int | None = None) -> int:
        """The one axis that the word speaks of, from 0."""
        return axis_of(self, self.integer("axes", default), self.ranks[0])


@dataclass(frozen=True, slots=True)
class Defined:
    """A word: how many ``arrays`` come first (-1: a list of them), its further ``parameters``, what it stands for.

    A last parameter ``*`` takes further positional arguments to the one before it, ``**`` takes any by name.
    """

    usage: str
    arrays: int
    parameters: tuple[str, ...]
    meaning: Callable[[Arguments], Node]


def number(value: int) -> Number:
    """A whole number as a node."""
    return Number(Fraction(value))


def size(array: Node, axis: int) -> Node:
    """The length of an axis."""
    return Call("size", (array, number(axis)))


def whole_numbers(given: Arguments, node: Node) -> tuple[int, ...]:
    """Numbers that are written as such, one or a list."""
    items = node.items if isinstance(node, Tuple) else (node,)
    found = []
    for item in items:
        if not isinstance(item, Number) or item.value.denominator != 1:
            raise given.error(item.at, f"{given.call.function}: a whole number is wanted here; given {show(item)}")
        found.append(int(item.value))
    return tuple(found)


def axis_of(given: Arguments, value: int, rank: int) -> int:
    """An axis from 0, where it may be counted from the end."""
    if not -rank <= value < rank:
        raise given.wrong(f"there is no axis {value}; the array has {rank} axes")
    return value % rank


def split_arguments(word: Defined, call: Call, error: Error) -> tuple[tuple[Node, ...], dict[str, Node]]:
    """The array arguments and the others by parameter; raises SpecError where they are not what the word takes."""
    usage = error(call.at, f"{call.function} is used as {word.usage}")
    if word.arrays < 0:
        if not call.arguments or not isinstance(call.arguments[0], Tuple) or not call.arguments[0].items:
            raise usage
        arrays, rest = call.arguments[0].items, call.arguments[1:]
    else:
        arrays, rest = call.arguments[: word.arrays], call.arguments[word.arrays :]
    if word.parameters[-1:] == ("*",):
        # All further positional arguments are one list: x.repeat(1, 2), x.view(2, -1).
        last = len(word.parameters) - 2
        if len(rest) > last + 1:
            rest = (*rest[:last], Tuple(rest[last:], call.at))
    if len(arrays) < word.arrays or len(rest) > sum(name != "**" for name in word.parameters):
        raise usage
    given = dict(zip(word.parameters, rest, strict=False))
    for key, value in call.named:
        name = OPTIONS_OF.get(key, key)
        if (name not in word.parameters or name == "*") and "**" not in word.parameters:
            known = ", ".join(p for p in word.parameters if p != "*") or "no options"
            raise error(call.at, f"{call.function} has no option {key}; it takes {known}")
        if name in given:
            raise error(call.at, f"{call.function}: {key} is given twice")
        given[name] = value
    return arrays, {name: value for name, value in given.items() if value != Name("None")}


def arguments_of(
    word: Defined, call: Call, error: Error, computed: Callable[[Node], tuple[Node, int]], count: Callable[[Node], int]
) -> Arguments:
    """The arguments of a call; ``computed`` gives an array its name and its rank, ``count`` a number its value."""
    arrays, given = split_arguments(word, call, error)
    named = [computed(node) for node in arrays]
    return Arguments(call, tuple(name for name, _ in named), tuple(rank for _, rank in named), given, error, count)
