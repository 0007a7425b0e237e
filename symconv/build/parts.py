"""The functions in C that a module's text carries, taken out to be compiled while Cython translates the rest."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Parts", "parted"]

_OPENED = 'cdef extern from *:\n    """\n'
_CLOSED = '\n    """\n'
_FIRST = "\n    static sc_nest "
_FUNCTION = re.compile(r"^    static (sc_nest (\w+)\([^)]*\))", re.MULTILINE)
_DECLARED = re.compile(r"^    void (\w+)\(.*\) noexcept nogil$", re.MULTILINE)
_ENOUGH = 60_000
"""Characters of functions below which a second run of the compiler costs more than it saves."""
_HEAD = """\
#include <stddef.h>
#include <stdint.h>
typedef ptrdiff_t Py_ssize_t;
#define PY_SSIZE_T_MAX PTRDIFF_MAX
"""
_SHARED = '__attribute__((visibility("hidden"))) '
"""Two modules in one process have functions of one name."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A module's text with its functions declared alone, line for line, and their text in C."""

    module: str
    functions: str


def parted(text: str) -> Parts | None:
    """The parts of a module's text; None where it has few functions of its own, or is not as it was printed.

    >>> parted("cdef int one = 1") is None
    True
    """
    begin = text.find(_OPENED) + len(_OPENED)
    end = text.find(_CLOSED, begin)
    first = text.find(_FIRST, begin, end) + 1
    if begin < len(_OPENED) or end < 0 or first < 1 or end - first < _ENOUGH:
        return None
    head, functions = text[begin:first], text[first:end]
    if "\\" in head or "\\" in functions:
        return None  # Cython reads the text of a string, a C compiler the string itself.
    called = set(_DECLARED.findall(text, end))
    kept = "".join(_declaration(one) for one in _FUNCTION.finditer(functions) if one[2] in called)
    blank = "\n" * (functions.count("\n") - kept.count("\n"))
    apart = _FUNCTION.sub(lambda one: f"    {_SHARED}{one[1]}" if one[2] in called else one[0], functions)
    return Parts(text[:first] + kept + blank + text[end:], f"{_HEAD}{head}{apart}\n")


def _declaration(function: re.Match[str]) -> str:
    return f"    {_SHARED}{function[1]};\n"
