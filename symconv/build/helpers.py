"""The C helpers that a part of a module goes without: intrinsics take the compiler longer to read than short texts."""

from __future__ import annotations

import re

from symconv.build.intrinsics import INCLUDED, INTRINSIC

__all__ = ["needed", "spared"]

_HELPER = re.compile(
    r"^    static (?:inline|__attribute__\(\([\w, ]*\)\)) \w+ (\w+)\([^)]*\) \{(?:.*\}|\n(?:.*\n)*?    \})\n",
    re.MULTILINE,
)
_NAME = re.compile(r"\w+")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_DEFINED = re.compile(
    r"^ *#define (\w+)|^ *typedef [^;]*?(\w+)(?: __attribute__\(.*\))?;|^ *(?:static|__attribute__)[^;{]*?\b(sc_\w+)\(",
    re.MULTILINE,
)


def spared(text: str, shared: str) -> str:
    """A text in C that begins with what all parts of a module share, without the helpers that it has no use for.

    >>> one = "    static inline int sc_one(void) { return 1; }\\n"
    >>> two = "    static inline int sc_two(void) {\\n        return sc_one() + 1;\\n    }\\n"
    >>> spared(one + two + "int x = sc_one();\\n", one + two) == one + "int x = sc_one();\\n"
    True
    """
    before, found, after = text.partition(shared)
    if not found:
        return text
    helpers = {helper[1]: helper[0] for helper in _HELPER.finditer(shared)}
    left = [before, _HELPER.sub("", shared), after]
    needed: set[str] = set()
    while left:
        more = (helpers.keys() & set(_NAME.findall(left.pop()))) - needed
        needed |= more
        left += [helpers[name] for name in more]
    kept = _HELPER.sub(lambda helper: helper[0] if helper[1] in needed else "", shared)
    whole = before + kept + after
    return whole if INTRINSIC.search(whole) else before + kept.replace(INCLUDED, "") + after


def needed(text: str, shared: str) -> str:
    """What a text in C needs of what all parts of a module share, without comments: one text needs the same of every
    module.

    >>> shared = "    #include <math.h>\\n    /* One. */\\n    #define SC_ONE 1\\n    typedef float sc_real;\\n"
    >>> needed("sc_real x;", shared) == "    #include <math.h>\\n    typedef float sc_real;\\n"
    True
    """
    chunks = _chunks(_COMMENT.sub("", shared))
    names = [{name for found in _DEFINED.findall(chunk) for name in found if name} for chunk in chunks]
    homes: dict[str, list[int]] = {}
    for number, defined in enumerate(names):
        for name in defined:
            homes.setdefault(name, []).append(number)
    wanted = {number for number, defined in enumerate(names) if not defined}
    left = [text, *(chunks[number] for number in wanted)]
    while left:
        more = {number for name in _NAME.findall(left.pop()) for number in homes.get(name, ())} - wanted
        wanted |= more
        left += [chunks[number] for number in more]
    return "".join(chunks[number] for number in sorted(wanted))


def _chunks(shared: str) -> list[str]:
    """The definitions of a text in C, each with the conditions around it."""
    found, chunk, deep = [], "", 0
    for line in shared.splitlines():
        plain = line.strip()
        if not plain:
            continue
        chunk += f"{line}\n"
        deep += plain.startswith("#if") - plain.startswith("#endif")
        deep += 0 if plain.startswith("#") else plain.count("{") - plain.count("}")
        if deep == 0 and (plain.startswith("#") or plain[-1] in ";}"):
            found.append(chunk)
            chunk = ""
    return [*found, chunk] if chunk else found
