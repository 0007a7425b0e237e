"""What a claim does over a family of operators, as one rule of parameters and sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from operator import eq, ge, le, ne

__all__ = ["rule"]

Values = tuple[int, ...]
_SHORT = {"stride": "s", "padding": "p", "dilation": "d", "groups": "g"}
_SIGNS: Mapping[str, Callable[[int, int], bool]] = {"=": eq, "≠": ne, "≥": ge, "≤": le}
_MOST = 8
"""Comparisons in a rule: more say nothing that a reader keeps in mind."""
_LISTED = 4
"""Members that are named one by one where no words fit them."""


@dataclass(frozen=True, slots=True)
class _Words:
    """Words and how many comparisons they have; ``loose`` words need parentheses beside others."""

    text: str
    count: int
    loose: str = ""

    def beside(self, joined: str) -> str:
        """The words as they stand between such words."""
        return f"({self.text})" if self.loose and self.loose != joined else self.text


_NOTHING = _Words("", 0)


def rule(names: Sequence[str], holds: Mapping[Values, str]) -> str:
    """When a claim holds, by the parameters of the family and by sizes; or at least where it holds for all of them.

    Empty where there is no short rule.

    ``holds`` has for each member the condition on sizes under which it holds: ``always``, ``never``, or a text.

    >>> rule(("stride",), {(1,): "always", (2,): "L mod s = 0", (3,): "L mod s = 0"})
    'holds iff s = 1 or L mod s = 0'
    >>> rule(("stride", "padding"), {(1, 0): "always", (1, 1): "never", (2, 0): "always", (2, 1): "never"})
    'holds iff p = 0'
    """
    said = set(holds.values())
    if said <= {"never"}:
        return "holds for no size in any case"
    if said == {"always"}:
        return "holds for all sizes in every case"
    family = _Family(tuple(names), tuple(holds))
    found = [one for one in (_by_condition(family, holds), _by_part(family, holds)) if one is not None]
    best = min(found, key=lambda one: one.count, default=None)
    if best is not None and best.count <= _MOST:
        return f"holds iff {best.text}"
    always = family.mask(values for values, text in holds.items() if text == "always")
    words = family.words(always, family.everything & ~always)
    return "" if words is None else f"holds for all sizes iff {words.text}; for some sizes as the table says"


def _by_condition(family: _Family, holds: Mapping[Values, str]) -> _Words | None:
    """One part for every condition, joined by "or"; each but the first may hold where the claim always does."""
    texts = sorted(set(holds.values()) - {"never"}, key=lambda text: (text != "always", text))
    always = family.mask(values for values, text in holds.items() if text == "always")
    parts: list[_Words] = []
    for text in texts:
        members = family.mask(values for values, said in holds.items() if said == text)
        free = always if text != "always" else 0
        words = family.words(members, family.everything & ~members & ~free)
        if words is None:
            return None
        parts.append(words if text == "always" else _joined(" and ", [words, _condition(text)]))
    return _joined(" or ", parts)


def _by_part(family: _Family, holds: Mapping[Values, str]) -> _Words | None:
    """One part for every condition that others are made of, joined by "and": where it is wanted, or that it holds."""
    parted = {values: () if text == "always" else tuple(text.split(" and ")) for values, text in holds.items()
              if text != "never" and (" or " not in text or " and " not in text)}  # fmt: skip
    alive = family.mask(values for values, text in holds.items() if text != "never")
    if family.mask(parted) != alive:
        return None
    words = family.words(alive, family.everything & ~alive)
    if words is None:
        return None
    together: dict[int, list[_Words]] = {}
    for part in sorted({part for one in parted.values() for part in one}):
        spared = family.mask(values for values, one in parted.items() if part not in one)
        together.setdefault(spared, []).append(_condition(part))
    parts = [words]
    for spared, conditions in together.items():
        where = family.words(spared, alive & ~spared) if spared else _NOTHING
        if where is None:
            return None
        parts.append(_joined(" or ", [where, _joined(" and ", conditions)]))
    return _joined(" and ", parts)


def _condition(text: str) -> _Words:
    """A condition on sizes, which may be made of several."""
    loose = next((word for word in (" or ", " and ") if word in text), "")
    return _Words(text, 1 + text.count(" or ") + text.count(" and "), loose)


def _joined(word: str, parts: Sequence[_Words]) -> _Words:
    parts = [part for part in parts if part.text]
    if len(parts) < 2:
        return parts[0] if parts else _NOTHING
    return _Words(word.join(part.beside(word) for part in parts), sum(part.count for part in parts), word)


@dataclass(frozen=True)
class _Family:
    """The members of a table, sets of which are numbers with a bit for each; and words about their parameters."""

    names: tuple[str, ...]
    members: tuple[Values, ...]

    def mask(self, members: Iterable[Values]) -> int:
        """The set of these members."""
        chosen = set(members)
        return sum(1 << k for k, values in enumerate(self.members) if values in chosen)

    @property
    def everything(self) -> int:
        """The set of all members."""
        return (1 << len(self.members)) - 1

    @cached_property
    def letters(self) -> tuple[str, ...]:
        """The parameters' letters, or their names where a letter is a name too."""
        short = [_SHORT.get(name, name) for name in self.names]
        return tuple(n if letter in self.names else letter for n, letter in zip(self.names, short, strict=True))

    @cached_property
    def atoms(self) -> dict[int, str]:
        """Single comparisons by the members they are true of, the plainest for each set."""
        found: dict[int, str] = {}
        for text, holds in self._comparisons():
            found.setdefault(self.mask(filter(holds, self.members)), text)
        return {mask: text for mask, text in found.items() if mask not in {0, self.everything}}

    def _comparisons(self) -> Iterator[tuple[str, Callable[[Values], bool]]]:
        for at, name in enumerate(self.letters):
            for sign, compare in _SIGNS.items():
                for value in sorted({values[at] for values in self.members}):
                    yield f"{name} {sign} {value}", _against(compare, at, value)
        for one, other in combinations(range(len(self.names)), 2):
            for sign, compare in _SIGNS.items():
                yield f"{self.letters[one]} {sign} {self.letters[other]}", _between(compare, one, other)

    def words(self, yes: int, no: int) -> _Words | None:
        """The shortest words that are true of ``yes`` and of none of ``no``; None where there are none."""
        if not no:
            return _NOTHING
        if not yes:
            return None
        # What none of ``no`` has may be one of several parts, what all of ``yes`` have one of several conditions.
        within: dict[int, _Words] = {}
        around: dict[int, _Words] = {}
        for mask, text in self.atoms.items():
            if not mask & no and mask & yes:
                within.setdefault(mask & yes, _Words(text, 1))
            if not yes & ~mask and no & ~mask:
                around.setdefault(no & ~mask, _Words(text, 1))
        found = [_joined(word, [words[mask] for mask in _cover(words, wanted)])
                 for word, words, wanted in ((" and ", around, no), (" or ", within, yes))]  # fmt: skip
        plain = [one for one in found if one.count]
        if not plain or min(one.count for one in plain) > 2:
            plain += self._mixed(yes, no)
        return min(plain, key=lambda one: one.count, default=None) or self._named(yes)

    def _mixed(self, yes: int, no: int) -> Iterator[_Words]:
        """Alternatives of several comparisons each."""
        pairs: dict[int, _Words] = {}
        for size in (1, 2, 3):
            for chosen in combinations(self.atoms.items(), size):
                mask = self.everything
                for one, _ in chosen:
                    mask &= one
                if not mask & no and mask & yes and not any(mask & yes & ~held == 0 for held in pairs):
                    pairs[mask & yes] = _joined(" and ", [_Words(text, 1) for _, text in chosen])
        chosen_sets = _cover(pairs, yes)
        if chosen_sets:
            yield _joined(" or ", [pairs[mask] for mask in chosen_sets])

    def _named(self, yes: int) -> _Words | None:
        """The members by their values, where they are few."""
        listed = [values for k, values in enumerate(self.members) if yes >> k & 1]
        if len(listed) > _LISTED or len(self.names) < 2:
            return None
        text = ", ".join(f"({', '.join(map(str, values))})" for values in listed)
        return _Words(f"({', '.join(self.letters)}) in {{{text}}}", len(listed))


def _against(compare: Callable[[int, int], bool], at: int, number: int) -> Callable[[Values], bool]:
    return lambda values: compare(values[at], number)


def _between(compare: Callable[[int, int], bool], one: int, other: int) -> Callable[[Values], bool]:
    return lambda values: compare(values[one], values[other])


def _cover(found: Mapping[int, object], wanted: int) -> Sequence[int]:
    """The fewest sets, three at most, whose union is all that is wanted; empty where there are none."""
    for size in (1, 2, 3):
        for chosen in combinations(found, size):
            union = 0
            for mask in chosen:
                union |= mask
            if union & wanted == wanted:
                return chosen
    return ()
