"""The intrinsics that a text in C uses, out of the compiler's header, which takes longer to read than most texts."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path

from symconv.build.process import run

__all__ = ["INCLUDED", "INTRINSIC", "definitions", "header"]

INCLUDED = "    #include <immintrin.h>\n"
INTRINSIC = re.compile(r"\b(?:_mm|__m(?:\d|mask)|_pdep_|_MM_|_CMP_)\w*")
_MORE = re.compile(INTRINSIC.pattern + r"|\b__v\d+[a-z]{2}\b")
"""What a header itself uses: types of its own, too."""

_LEFT = "#pragma GCC pop_options\n"
_PRAGMA = re.compile(rf"^(?:#pragma GCC push_options\n(?:#pragma GCC target.*\n)*|{_LEFT})", re.MULTILINE)


@lru_cache(maxsize=2)
def header(command: tuple[str, ...], flags: tuple[str, ...]) -> str:
    """The header of intrinsics as a compiler reads it with these flags; nothing where there is none.

    Raises :class:`BuildError` where the compiler cannot be started or does not end.

    >>> header(("false",), ())
    ''
    """
    here = Path(__file__).parent
    ran = run((*command, *flags, "-E", "-P", "-x", "c", "-include", "immintrin.h", os.devnull), here)
    return ran.out if ran.status == 0 else ""


def definitions(text: str, known: str) -> str | None:
    """The definitions in a header, as the compiler reads it, that a text needs; None where one is not found.

    >>> known = "typedef float __m512 __attribute__ ((__vector_size__ (64)));\\ntypedef int __m512i;"
    >>> print(definitions("__m512 a;", known))
    typedef float __m512 __attribute__ ((__vector_size__ (64)));
    <BLANKLINE>
    >>> definitions("__m512 a = _mm512_setzero_ps();", known) is None
    True
    """
    places: dict[str, tuple[int, int]] = {}
    left = set(INTRINSIC.findall(text))
    while left:
        name = left.pop()
        place = _type(known, name) or _function(known, name)
        if place is None:
            return None
        places[name] = place
        left |= set(_MORE.findall(known, *place)) - places.keys()
    return "".join(_written(known, *place) for place in sorted(set(places.values())))


def _written(known: str, begin: int, end: int) -> str:
    """A definition, for the instructions that its header asks for there."""
    asked = [pragmas for first, last, pragmas in _asked(known) if first < begin < last]
    return f"{''.join(asked)}{known[begin:end]}\n{_LEFT * len(asked)}"


def _type(known: str, name: str) -> tuple[int, int] | None:
    """Where a type is defined, on a line of its own: before it is used."""
    at = min((at for end in (";", " __attribute__") if (at := known.find(f" {name}{end}")) >= 0), default=-1)
    begin, end = known.rfind("\n", 0, max(at, 0)) + 1, known.find(";", at) + 1
    return (begin, end) if known.startswith("typedef ", begin) and at >= 0 else None


def _function(known: str, name: str) -> tuple[int, int] | None:
    """Where a function is defined, as gcc writes them."""
    at = known.find(f"\n{name} (")
    begin, end = known.rfind("\nextern __inline ", 0, max(at, 0)) + 1, known.find("\n}\n", at) + 2
    return (begin, end) if at >= 0 and 0 < begin < end and "}" not in known[begin:at] else None


@lru_cache(maxsize=2)
def _asked(known: str) -> tuple[tuple[int, int, str], ...]:
    """The places of a header for which it asks for more instructions than the compiler's flags, or fewer, and how;
    those around others first."""
    found: list[tuple[int, int, str]] = []
    begun: list[re.Match[str]] = []
    for one in _PRAGMA.finditer(known):
        if not one[0].startswith(_LEFT.strip()):
            begun.append(one)
        elif begun:
            found.append((begun[-1].start(), one.start(), begun.pop()[0]))
    return tuple(sorted(found))
