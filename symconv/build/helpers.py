"""The C helpers that a part of a module goes without: intrinsics take the compiler longer to read than short texts."""

from __future__ import annotations

import re

from symconv.build.intrinsics import INCLUDED, INTRINSIC

__all__ = ["spared"]

_HELPER = re.compile(
    r"^    static (?:inline|__attribute__\(\([\w, ]*\)\)) \w+ (\w+)\([^)]*\) \{(?:.*\}|\n(?:.*\n)*?    \})\n",
    re.MULTILINE,
)
_NAME = re.compile(r"\w+")


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
