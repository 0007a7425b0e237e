"""Formulas laid out for the renderer, which does not make room for limits of sums inside fences, fractions and roots.

It stretches fences to thirty times what lines set below a sum need, and overprints wide limits where a sum is not in
the outermost row. So such fences get a fixed size, and such fractions and roots are written in a row. The LaTeX that a
reader copies stays as it is.
"""

from __future__ import annotations

import re

__all__ = ["drawable"]

_LIMITS = re.compile(r"\\(?:sum|prod|max|min|operatorname\*\{[a-z]+\})(?:\\limits)?_")
_FENCE = re.compile(r"\\(left|right)(?![a-z])")
_BLOCK = re.compile(r"\\(frac|sqrt)\{")
_GROUP = re.compile(r"(?<![\\\w_^}*\]])\{")
_PLAIN = re.compile(r"(?:[\w,.]|\\[a-z]+|[_^]?\{[\w, +\-]*\}|[_^ ])*")


def drawable(latex: str) -> str:
    r"""The formula as it can be drawn.

    >>> drawable(r"\left(\sum_{i=0}^{N} x\right)\left(y\right)")
    '\\Bigl(\\sum_{i=0}^{N} x\\Bigr)\\left(y\\right)'
    >>> drawable(r"\frac{a}{\sqrt{\sum_{i=0}^{N} x}}")
    'a\\,\\Big/\\,\\Bigl(\\sum_{i=0}^{N} x\\Bigr)^{1/2}'
    """
    return _sized(_in_a_row(_unbraced(latex))) if _balanced(latex) else latex


def _balanced(latex: str) -> bool:
    plain = latex.replace(r"\{", "").replace(r"\}", "")
    return plain.count("{") == plain.count("}")


def _unbraced(latex: str) -> str:
    """A group of its own that holds limits is overprinted too: it goes, or becomes a fence where it has an exponent."""
    for found in _GROUP.finditer(latex):
        inner, end = _group(latex, found.end())
        if _LIMITS.search(inner):
            body = rf"\left({inner}\right)" if latex[end : end + 1] == "^" else inner
            return _unbraced(latex[: found.start()] + body + latex[end:])
    return latex


def _in_a_row(latex: str) -> str:
    found = _BLOCK.search(latex)
    if found is None:
        return latex
    first, end = _group(latex, found.end())
    head, inner = latex[: found.start()], _in_a_row(first)
    if found[1] == "sqrt":
        roomy = bool(_LIMITS.search(first))
        drawn = rf"\left({inner}\right)^{{1/2}}" if roomy else rf"\sqrt{{{inner}}}"
        # A power of a root: no exponent may stand on an exponent, and what stands in braces is overprinted again.
        drawn = rf"\left({drawn}\right)" if roomy and latex[end : end + 1] == "^" else drawn
        return head + drawn + _in_a_row(latex[end:])
    second, end = _group(latex, end + 1)
    below = _in_a_row(second)
    if _LIMITS.search(first) or _LIMITS.search(second):
        return f"{head}{_fenced(inner)}\\,\\Big/\\,{_fenced(below)}{_in_a_row(latex[end:])}"
    return f"{head}\\frac{{{inner}}}{{{below}}}{_in_a_row(latex[end:])}"


def _fenced(text: str) -> str:
    lone = re.fullmatch(r"\\left\(.*\\right\)\^\{1/2\}", text) is not None and text.count(r"\left") == 1
    return text if lone or _PLAIN.fullmatch(text) else rf"\left({text}\right)"


def _group(latex: str, start: int) -> tuple[str, int]:
    """What stands in braces that were opened before ``start``, and where it goes on after them."""
    depth, at = 1, start
    while depth and at < len(latex):
        if latex[at] == "\\":
            at += 2
            continue
        depth += {"{": 1, "}": -1}.get(latex[at], 0)
        at += 1
    return latex[start : at - 1], at


def _sized(latex: str) -> str:
    """Fences around limits get a size of their own; those around cases stretch, which works without wide limits."""
    opened: list[re.Match[str]] = []
    sized: dict[int, tuple[int, str]] = {}
    for found in _FENCE.finditer(latex):
        if found[1] == "left":
            opened.append(found)
        elif opened:
            start = opened.pop()
            inner = latex[start.end() : found.start()]
            if r"\substack" in inner or (_LIMITS.search(inner) and r"\begin" not in inner):
                sized[start.start()] = (start.end(), r"\Bigl")
                sized[found.start()] = (found.end(), r"\Bigr")
    parts: list[str] = []
    at = 0
    for place, (end, word) in sorted(sized.items()):
        parts += [latex[at:place], word]
        at = end
    return "".join((*parts, latex[at:]))
