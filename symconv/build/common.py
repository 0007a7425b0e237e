"""The functions of a module that other modules have too: what computes on packed operands knows no operator.

A convolution and its gradient with respect to x run the same tiles and transforms; only how operands are packed, and in
which order blocks are taken, tells one from the other. Such functions are compiled from a text that depends on nothing
else of the module, with names of its own, so that one object serves all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from symconv.build.digest import digest

__all__ = ["HIDDEN", "Common", "begins", "declarations", "set_apart"]

_BEGINNING = re.compile(r"^    (?:static|__attribute__\(\(visibility\(\"hidden\"\)\)\)) \w+ (\w+)\(", re.MULTILINE)
_BODY = re.compile(r"sc_([a-z]\w*)_\d+")
"""A function that nests call, named for what it does; the number tells those of one module apart."""
_NEST = re.compile(r"(u\d+_\w+?)(?:_alt0_\d+_)?_\d+")
"""A nest, named for the entry and the output, the candidate and its place there."""
_OWN = ("copy", "abreast")
"""How operands are packed is the operator's own, and what reads one where it lies."""
_ITSELF = "sc_itself"
_OPENED = "\n    {\n"
_WORD = re.compile(r"\w+")
HIDDEN = '__attribute__((visibility("hidden"))) '
"""Two modules in one process have functions of one name."""
_ENOUGH = 50_000
"""Characters of common functions below which another run of the compiler costs more than it saves."""


@dataclass(frozen=True, slots=True)
class Common:
    """Functions in a file of their own, and how each is declared, by its name."""

    file: str
    text: str
    declared: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Function:
    name: str
    text: str

    @property
    def words(self) -> frozenset[str]:
        return frozenset(_WORD.findall(self.text))


def begins(functions: str) -> list[int]:
    """Where the functions of a text begin."""
    return [found.start() for found in _BEGINNING.finditer(functions)]


def declarations(text: str, common: tuple[Common, ...]) -> str:
    """The declarations of the common functions that a text calls."""
    words = set(_WORD.findall(text))
    return "".join(line for one in common for name, line in one.declared if name in words)


def set_apart(functions: str, called: frozenset[str]) -> tuple[str, tuple[Common, ...]]:
    """The functions of a module without those that others may have too, and these; ``called`` are those that the rest
    of the module calls by name.

    >>> set_apart("    static sc_nest u0_forward_y_0(void)\\n    {\\n    }\\n", frozenset())[1]
    ()
    """
    found = tuple(_each(functions))
    groups = [group for group in _groups(found, called) if sum(len(one.text) for one in group) >= _ENOUGH]
    made: dict[str, Common] = {}
    names: dict[str, str] = {}
    for group in groups:
        for part in _halves(group):
            one, new = _common(part)
            made[one.file] = one
            names |= new
    left = (_WORD.sub(lambda word: names.get(word[0], word[0]), one.text) for one in found if one.name not in names)
    return ("".join(left), tuple(made.values())) if made else (functions, ())


def _each(functions: str) -> Iterator[_Function]:
    found = tuple(_BEGINNING.finditer(functions))
    ends = (*(one.start() for one in found[1:]), len(functions))
    for one, end in zip(found, ends, strict=True):
        yield _Function(one[1], functions[one.start() : end])


def _groups(found: tuple[_Function, ...], called: frozenset[str]) -> list[list[_Function]]:
    """What the nests of each output call that is not the operator's own; it stands before the nest that first does."""
    groups: dict[str, list[_Function]] = {}
    names, waiting = {one.name for one in found}, list[_Function]()
    for one in found:
        if stem := _stem(one.name):
            # What calls another function is left where that one is.
            alone = not (one.words & names) - {one.name}
            if not stem.startswith(_OWN) and one.name not in called and alone:
                waiting.append(_plain(one))
        elif nest := _NEST.fullmatch(one.name):
            groups.setdefault(nest[1], []).extend(waiting)
            waiting = []
    return list(groups.values())


def _halves(group: list[_Function]) -> tuple[list[_Function], ...]:
    """Functions in two parts of about one length where they are many: compilers run side by side."""
    lengths = [len(one.text) for one in group]
    whole = sum(lengths)
    if whole < 2 * _ENOUGH or len(group) < 2:
        return (group,)
    cut = min(range(1, len(group)), key=lambda at: abs(2 * sum(lengths[:at]) - whole))
    return group[:cut], group[cut:]


def _common(part: list[_Function]) -> tuple[Common, dict[str, str]]:
    """Functions as a text of their own, and what each is called there by what it was called."""
    # Named for all of them: a module may have several such texts.
    key = digest([(_stem(one.name), one.text) for one in part])[:12]
    names = {one.name: f"sc_{_stem(one.name)}_{place}_{key}" for place, one in enumerate(part)}
    texts = [one.text.replace(_ITSELF, names[one.name]) for one in part]
    declared = tuple(zip(names.values(), (f"{text.partition(_OPENED)[0]};\n" for text in texts), strict=True))
    return Common(f"common_{key}.c", "".join(texts), declared), names


def _stem(name: str) -> str:
    body = _BODY.fullmatch(name)
    return body[1] if body else ""


def _plain(function: _Function) -> _Function:
    """A function without the names that its module gives it and what it is given and declares."""
    numbers: dict[str, str] = {function.name: _ITSELF}

    def numbered(word: re.Match[str]) -> str:
        if word[0].startswith("v_"):
            return numbers.setdefault(word[0], f"v_{len(numbers)}")
        return numbers.get(word[0], word[0])

    text = _WORD.sub(numbered, function.text).replace("    static ", f"    {HIDDEN}", 1)
    return _Function(function.name, text)
