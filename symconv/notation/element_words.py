"""Functions of elements that others define: each is a text of the notation, differentiated and computed as that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from symconv.errors import SpecError
from symconv.notation.parse import parse_expression
from symconv.notation.tree import Call, Node, put

__all__ = ["ELEMENT_WORDS", "MOST_WORDS", "Word", "spelled_out"]

MOST_WORDS = 100
"""In one formula, written out: a word may hold its argument twice, and so each that stands in another."""


@dataclass(frozen=True, slots=True)
class Word:
    """``parameters`` are the arguments in their order, those with a default last; ``text`` is what the word means."""

    parameters: tuple[str, ...]
    text: str
    defaults: Mapping[str, str]


def _word(parameters: str, text: str, **defaults: str) -> Word:
    return Word(tuple(parameters.split()), text, defaults)


ELEMENT_WORDS: Mapping[str, Word] = {
    **dict.fromkeys(("absolute", "fabs"), _word("u", "abs(u)")),
    **dict.fromkeys(("maximum", "fmax"), _word("u v", "max(u, v)")),
    **dict.fromkeys(("minimum", "fmin"), _word("u v", "min(u, v)")),
    "clamp": _word("u v w", "clip(u, v, w)"),
    "relu6": _word("u", "clip(u, 0, 6)"),
    "square": _word("u", "u**2"),
    "reciprocal": _word("u", "1/u"),
    "rsqrt": _word("u", "1/sqrt(u)"),
    "hypot": _word("u v", "sqrt(u*u + v*v)"),
    "exp2": _word("u", "exp(u*log(2))"),
    "log2": _word("u", "log(u)/log(2)"),
    "log10": _word("u", "log(u)/log(10)"),
    "tan": _word("u", "sin(u)/cos(u)"),
    # exp(u) - exp(-u) would cancel near 0.
    "sinh": _word("u", "(expm1(u) - expm1(-u))/2"),
    "cosh": _word("u", "(exp(u) + exp(-u))/2"),
    **dict.fromkeys(("logsigmoid", "log_sigmoid"), _word("u", "-softplus(-u)")),
    # Smooth where both are equal, as the largest of them is not.
    "logaddexp": _word("u v", "v + softplus(u - v)"),
    "swish": _word("u", "silu(u)"),
    "mish": _word("u", "u*tanh(softplus(u))"),
    "hardsigmoid": _word("u", "clip(u/6 + 1/2, 0, 1)"),
    "hardswish": _word("u", "u*clip(u/6 + 1/2, 0, 1)"),
    "softsign": _word("u", "u/(1 + abs(u))"),
    "tanhshrink": _word("u", "u - tanh(u)"),
    "softshrink": _word("u v", "where(u > v, u - v, where(u < -v, u + v, 0))", v="1/2"),
    "hardshrink": _word("u v", "where(abs(u) > v, u, 0)", v="1/2"),
    "selu": _word("u", "1.0507009873554804934193349852946*where(u > 0, u, 1.6732632423543772848170429916717*expm1(u))"),
    "celu": _word("u v", "where(u > 0, u, v*expm1(u/v))", v="1"),
    "prelu": _word("u v", "where(u > 0, u, u*v)"),
}
"""Every word with what it means, in the numbers that libraries give it where it has some."""


def spelled_out(node: Call) -> Node:
    """What a word stands for, with its arguments in place; raises SpecError where their number is another."""
    word, given = ELEMENT_WORDS[node.name], node.arguments or ()
    most, least = len(word.parameters), len(word.parameters) - len(word.defaults)
    if not least <= len(given) <= most:
        wanted = str(most) if least == most else f"{least} or {most}"
        raise SpecError(f"column {node.column + 1}: {node.name} takes {wanted} arguments, given {len(given)}")
    filled = (*given, *(_parsed(word.defaults[name]) for name in word.parameters[len(given) :]))
    return put(_parsed(word.text), dict(zip(word.parameters, filled, strict=True)))


@cache
def _parsed(text: str) -> Node:
    return parse_expression(text)
