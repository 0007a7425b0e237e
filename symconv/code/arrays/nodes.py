"""Numbers and arrays of the code as arguments of a word of the claim language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import count
from typing import Any

from symconv.notation.affine import Affine
from symconv.prove.language.syntax import Binary, Call, Name, Node, Number, Text, Tuple
from symconv.prove.meaning.elaborate import denotation
from symconv.prove.meaning.scope import Scope, Undecided
from symconv.prove.meaning.value import Product, Value

__all__ = ["Arguments", "meant", "node_of"]

Arguments = Mapping[str, Any]


def node_of(value: object, named: Callable[[object], str]) -> Node:
    """The node that stands for a value; ``named`` gives a name to what has no text of its own."""
    match value:
        case bool():
            return Name(str(value))
        case str():
            return Text(value)
        case int():
            return Number(Fraction(value))
        case Affine():
            return Number(Fraction(value.constant)) if value.is_constant else Name(named(value))
        case Product(coefficient, monomial):
            node: Node = Number(coefficient)
            for form, power in monomial:
                for _ in range(abs(power)):
                    node = Binary("*" if power > 0 else "/", node, Name(named(form)))
            return node
        case tuple() | list():
            return Tuple(tuple(node_of(one, named) for one in value))
        case None:
            raise Undecided("None stands where an array is wanted")
    return Name(named(value))


def meant(scope: Scope, word: str, arguments: Sequence[Any], options: Arguments) -> Value:
    """What a word of the claim language means for arrays and numbers that have no names."""
    names = scope.names
    sizes, tensors = dict(names.sizes), dict(names.tensors)
    numbers = count(1)

    def named(value: object) -> str:
        name = f"code{next(numbers)}_"
        if isinstance(value, Affine):
            sizes[name] = scope.short(value)
        else:
            assert isinstance(value, Value)
            tensors[name] = value
        return name

    given = tuple(node_of(one, named) for one in arguments)
    call = Call(word, given, tuple((key, node_of(one, named)) for key, one in options.items()))
    scope.names = replace(names, sizes=sizes, tensors=tensors)
    try:
        return denotation(scope, call)
    finally:
        scope.names = names
