"""The C helpers a module uses, from ``templates/cython/prelude.h.j2``: those that nothing needs are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from symconv.emit.shuffles import shuffles
from symconv.loops.ir import TURNS
from symconv.templates import environment

__all__ = ["Prelude", "called", "definitions", "helpers_of", "prelude"]

_SIZES = {"f": 4, "d": 8}
_NAME = re.compile(r"\bsc_\w+|\bSC_\w+")
_DEFINED = (
    re.compile(r"^#define (\w+)", re.MULTILINE),
    re.compile(r"^typedef [^;]*?(\w+)(?: __attribute__\(.*\))?;", re.MULTILINE),
    re.compile(r"^static [^;{]*?\b(sc_\w+)\(", re.MULTILINE),
)
_POINTER = re.compile(r"^typedef (const )?Py_ssize_t \*__restrict__ (\w+);", re.MULTILINE)
_SIGNATURE = re.compile(r"^static inline (\w+) (\w+)\(([^)]*)\)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Prelude:
    """The lines of C text, and of the declarations by which Cython knows what it calls of it."""

    lines: tuple[str, ...]
    declarations: tuple[str, ...]


def prelude(text: str, ctype: str, code: str, native: str = "", alike: bool = False) -> Prelude:
    """What ``text`` needs, in the order of the template; what only ``native`` text in C needs is not declared.

    ``alike`` asks for functions that give one number, whether they compute one or many at once.

    >>> prelude("y = sc_relu(x)", "float", "f").declarations
    ('sc_real sc_relu(sc_real) noexcept nogil',)
    """
    asked = helpers_of(text)
    needed = called(definitions("cython/prelude.h.j2", code, alike), asked | helpers_of(native))
    lines = tuple(line for chunk in needed for line in chunk.split("\n"))
    return Prelude(lines, tuple(line for chunk in needed for line in _declared(chunk, ctype, asked)))


def definitions(template: str, code: str, alike: bool) -> list[str]:
    """The helpers of a template, one definition each."""
    text = environment().get_template(template)
    whole = text.render(code=code, shuffles=shuffles(_SIZES[code]), turns=TURNS, alike=alike)
    return [chunk.strip("\n") for chunk in re.split(r"\n\s*\n", whole) if chunk.strip()]


def helpers_of(text: str) -> set[str]:
    """The names in a text that helpers may have."""
    return set(_NAME.findall(text))


def called(chunks: list[str], asked: set[str]) -> list[str]:
    """The definitions of the names asked for, and of what those mention."""
    home = {name: chunk for chunk in chunks for pattern in _DEFINED for name in pattern.findall(chunk)}
    found: set[str] = set()
    left = [home[name] for name in asked if name in home]
    while left:
        chunk = left.pop()
        if chunk not in found:
            found.add(chunk)
            left += [home[name] for name in _NAME.findall(chunk) if name in home]
    return [chunk for chunk in chunks if chunk in found]


def _declared(chunk: str, ctype: str, asked: set[str]) -> Iterator[str]:
    # Cython computes with sc_vector as with a scalar; the C compiler knows that it has lanes.
    if "sc_vector;" in chunk or "sc_vector __attribute__" in chunk:
        yield from (f"ctypedef {ctype} sc_vector", "ctypedef unsigned int sc_mask", "Py_ssize_t sc_lanes")
    if "sc_positions __attribute__" in chunk:
        yield "ctypedef int sc_positions"
    if pointer := _POINTER.search(chunk):
        constant, name = pointer.groups()
        yield f"ctypedef {constant or ''}Py_ssize_t* {name}"
    for result, name, parameters in _SIGNATURE.findall(chunk):
        if name in asked:
            types = ", ".join(_type(parameter, ctype) for parameter in parameters.split(",") if parameter != "void")
            yield f"{result} {name}({types}) noexcept nogil"


def _type(parameter: str, ctype: str) -> str:
    """A parameter without its name; pointers to the element type as the kernel's arguments are declared."""
    words, star, _ = parameter.strip().rpartition("*")
    return f"{words.strip().replace('sc_real', ctype)}*" if star else parameter.strip().rpartition(" ")[0]
