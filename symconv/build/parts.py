"""A module's text in pieces that are compiled side by side: loops with every pass, the rest with few of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from symconv.build.common import HIDDEN, Common, begins, declarations, set_apart
from symconv.build.helpers import needed, spared
from symconv.emit.source import DRIVERS

__all__ = ["Parts", "Translated", "parted", "sorted_out"]

_OPENED = 'cdef extern from *:\n    """\n'
_CLOSED = '\n    """\n'
_FIRST = "\n    static sc_nest "
_LAST = f"\n    /* {DRIVERS} */\n"
_FUNCTION = re.compile(r"^    static (sc_nest (\w+)\([^)]*\))", re.MULTILINE)
_LONG = re.compile(r"^    static inline (int sc_finite\([^)]*\)) \{\n.*?^    \}\n", re.MULTILINE | re.DOTALL)
"""The one helper of what calls loops that runs over a whole result itself."""
_NEST = re.compile(r"^static (sc_nest (__pyx_f_\w+)\([^;{}]*\)) \{\n.*?^\}\n", re.MULTILINE | re.DOTALL)
_ENTRY = re.compile(r"__pyx_f(_u\d+_[a-z]+)_")
_DECLARED = re.compile(r"^static (sc_nest __pyx_f_\w+\([^;{}]*\);)", re.MULTILINE)
_FOREIGN = re.compile(r"\b(?:__pyx_(?![vtL]_?\w)|__Pyx|Py(?!_ssize_t\b)|PY|CYTHON_(?!UNUSED\b))\w*")
_DECLARATION = re.compile(r"\bsc_nest (\w+)\(")
_CALLED = re.compile(r"\b([A-Za-z_]\w*) ?\(")
_KEYWORDS = frozenset(("for", "if", "while", "return", "sizeof", "likely", "unlikely", "defined"))
_HEAD = """\
#include <stddef.h>
#include <stdint.h>
typedef ptrdiff_t Py_ssize_t;
#define PY_SSIZE_T_MAX PTRDIFF_MAX
#define CYTHON_UNUSED __attribute__((unused))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
"""
_ENOUGH = 60_000
"""Characters of functions below which another run of the compiler costs more than it saves."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A module's text with its functions declared alone, line for line; the C that all share, the declarations, the
    functions, and those that other modules may have too.
    """

    module: str
    shared: str
    declared: str
    functions: str
    common: tuple[Common, ...] = ()

    @property
    def many(self) -> bool:
        """Whether functions are compiled by themselves."""
        return bool(self.common) or len(self.functions) >= _ENOUGH

    @property
    def alone(self) -> tuple[str, ...]:
        """The functions as texts in C of their own: one, or where they are many two of about one length."""
        texts = _halves(self.functions) if len(self.functions) >= _ENOUGH else (self.functions,)
        return tuple(f"{_HEAD}{self.shared}{declarations(text, self.common)}{text}\n" for text in texts if text)

    @property
    def again(self) -> tuple[tuple[str, str], ...]:
        """The functions that other modules may have too as texts in C of their own, by file."""
        return tuple((one.file, _apart("", one.text, self)) for one in self.common)


@dataclass(frozen=True, slots=True)
class Translated:
    """What Cython made of a module: its loop nests as texts in C of their own, by file, one for each entry, and the
    rest, which declares them."""

    rest: str
    nests: tuple[tuple[str, str], ...]


def parted(text: str) -> Parts | None:
    """The parts of a module's text; None where it has no C of its own, or is not as it was printed.

    >>> parted("cdef int one = 1") is None
    True
    """
    begin = text.find(_OPENED) + len(_OPENED)
    end = text.find(_CLOSED, begin)
    if begin < len(_OPENED) or end < 0 or "\\" in text[begin:end]:
        return None  # Cython reads the text of a string, a C compiler the string itself.
    first = text.find(_FIRST, begin, end) + 1
    if first < 1:
        return Parts(text, text[begin:end] + "\n", "", "")
    last = text.find(_LAST, first, end) + 1 or end
    (head, long), functions = _without_long(text[:first]), text[first:last]
    used = set(_CALLED.findall(text, last))
    kept = "".join(_declaration(one) for one in _FUNCTION.finditer(functions) if one[2] in used)
    blank = "\n" * (functions.count("\n") - kept.count("\n"))
    apart = _FUNCTION.sub(lambda one: f"    {HIDDEN}{one[1]}" if one[2] in used else one[0], functions)
    own, common = set_apart(long + apart, frozenset(used)) if len(functions) >= _ENOUGH else (long + apart, ())
    return Parts(head + kept + blank + text[last:], head[begin:], kept, own, common)


def _without_long(head: str) -> tuple[str, str]:
    """The text before functions with the helper that takes long declared alone, line for line, and that helper."""
    found = _LONG.search(head)
    if found is None:
        return head, ""
    blank = "\n" * (found[0].count("\n") - 1)
    declared = f"{head[: found.start()]}{_declaration(found)}{blank}{head[found.end() :]}"
    return declared, f"    {HIDDEN}{found[0].removeprefix('    static inline ')}\n"


def _halves(functions: str) -> tuple[str, ...]:
    """The functions as two texts, of which the second declares what it calls of the first."""
    cut = min(begins(functions), key=lambda at: abs(2 * at - len(functions)), default=0)
    first, second = functions[:cut], functions[cut:]
    called = set(_CALLED.findall(second))
    declared = "".join(_declaration(one) for one in _FUNCTION.finditer(first) if one[2] in called)
    return _FUNCTION.sub(lambda one: f"    {HIDDEN}{one[1]}" if one[2] in called else one[0], first), declared + second


def _declaration(function: re.Match[str]) -> str:
    return f"    {HIDDEN}{function[1]};\n"


def sorted_out(translated: str, parts: Parts, name: str) -> Translated | None:
    """The loop nests of the translated module ``name``, with its functions if they are few, apart from the rest of it.

    None where there are none, or they call what only the rest knows.

    >>> sorted_out("int x;", Parts("", "", "", ""), "module") is None
    True
    """
    # Their names are those of the entries, so that modules with one nest have one text of it.
    translated = translated.replace(f"__pyx_f_{len(name)}{name}_", "__pyx_f_")
    nests = tuple(_NEST.finditer(translated))
    above = parts.declared if parts.many else parts.functions
    known = {*_CALLED.findall(parts.shared + above), *_KEYWORDS}
    for nest in nests:
        body = nest[0].removeprefix(f"static {nest[1]}")
        if _FOREIGN.search(body) or not known.issuperset(_CALLED.findall(body)):
            return None
    if not nests:
        return None
    rest = _DECLARED.sub(lambda one: HIDDEN + one[1], spared(_NEST.sub("", translated), parts.shared))
    few = not parts.many and above
    loops: dict[str, str] = {}
    for nest in nests:
        entry = _ENTRY.match(nest[2])
        file = f"nests{'' if few or entry is None else entry[1]}.c"
        loops[file] = loops.get(file, "") + nest[0].replace("static ", HIDDEN, 1)
    told = {file: above if few else _declared(above, text) for file, text in loops.items()}
    return Translated(rest, tuple((file, _apart(told[file], text, parts)) for file, text in loops.items()))


def _declared(above: str, loops: str) -> str:
    """The declarations of functions, if loops call one of them."""
    return above if set(_DECLARATION.findall(above)) & set(_CALLED.findall(loops)) else ""


def _apart(above: str, loops: str, parts: Parts) -> str:
    """Loops, and functions with them, as a text of their own."""
    whole = f"{above}\n{loops}"
    return f"{_HEAD}{needed(whole, parts.shared)}{whole}"
