"""What a claim does over a family of operators, as one rule of parameters and sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations
from operator import eq, ge, le, ne

__all__ = ["rule"]

Values = tuple[int, ...]
_Predicate = tuple[str, Callable[[Values], bool]]
_SHORT = {"stride": "s", "padding": "p", "dilation": "d", "groups": "g"}
_SIGNS: Mapping[str, Callable[[int, int], bool]] = {"=": eq, "≠": ne, "≥": ge, "≤": le}
_MOST = 60
"""Predicates that are combined in pairs: more say nothing that a reader keeps in mind."""


def rule(names: Sequence[str], holds: Mapping[Values, str]) -> str:
    """When a claim holds, by the parameters of the family and by sizes; empty where there is no short rule.

    ``holds`` has for each member the condition on sizes under which it holds: ``always``, ``never``, or a text.

    >>> rule(("stride",), {(1,): "always", (2,): "L mod s = 0", (3,): "L mod s = 0"})
    'holds iff s = 1 or L mod s = 0'
    >>> rule(("stride", "padding"), {(1, 0): "always", (1, 1): "never", (2, 0): "always", (2, 1): "never"})
    'holds iff p = 0'
    """
    texts = sorted(set(holds.values()) - {"never"}, key=lambda text: (text != "always", text))
    if not texts:
        return "holds for no size in any case"
    if set(holds.values()) == {"always"}:
        return "holds for all sizes in every case"
    parts: list[str] = []
    covered: set[Values] = set()
    for text in texts:
        members = {values for values, said in holds.items() if said == text}
        # A condition that is left for all the others needs no words about the parameters.
        rest = set(holds) - covered
        predicate = "" if members == rest else _predicate(names, members, set(holds))
        if predicate is None:
            return ""
        if text == "always":
            parts.append(predicate or "always")
        else:
            parts.append(f"{predicate} and {text}" if predicate else text)
        covered |= members
    return "holds iff " + " or ".join(part if len(parts) == 1 or " and " not in part else f"({part})" for part in parts)


def _predicate(names: Sequence[str], members: set[Values], everything: set[Values]) -> str | None:
    """The shortest words about the parameters that are true of these members alone."""
    single = list(_predicates(names, everything))
    for text, holds in single:
        if {values for values in everything if holds(values)} == members:
            return text
    for (one, a), (other, b) in combinations(single[:_MOST], 2):
        if {values for values in everything if a(values) and b(values)} == members:
            return f"{one} and {other}"
    for (one, a), (other, b) in combinations(single[:_MOST], 2):
        if {values for values in everything if a(values) or b(values)} == members:
            return f"({one} or {other})"
    return None


def _predicates(names: Sequence[str], everything: set[Values]) -> Iterator[_Predicate]:
    short = [_SHORT.get(name, name) for name in names]
    short = [name if letter in names else letter for name, letter in zip(names, short, strict=True)]
    for at, name in enumerate(short):
        for sign, compare in _SIGNS.items():
            for value in sorted({values[at] for values in everything}):
                yield f"{name} {sign} {value}", partial(_holds, compare, at, None, value)
    for one, other in combinations(range(len(names)), 2):
        a, b = short[one], short[other]
        for sign, compare in _SIGNS.items():
            yield f"{a} {sign} {b}", partial(_holds, compare, one, other, 0)


def _holds(compare: Callable[[int, int], bool], at: int, other: int | None, value: int, values: Values) -> bool:
    return compare(values[at], value if other is None else values[other])
