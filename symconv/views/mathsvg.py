"""Formulas as SVG, drawn by ziamath when the page is written: no network, no script, no fonts to load."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from html import escape

__all__ = ["Formula", "formula_svg", "sprite"]

SIZE = 19.0
_FAILURES: tuple[type[Exception], ...] = (
    ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, SyntaxError, TypeError, ValueError,
)  # fmt: skip
_MAX_FENCES, _MAX_DEPTH = 4, 9
_NEST = re.compile(r"\\(?:left|right|begin|end)(?![a-z])|\\[{}]|[{}]")
_FENCES = {r"\left": 1, r"\right": -1}
_NESTS = {**_FENCES, r"\begin": 2, r"\end": -2, "{": 1, "}": -1}
_SYMBOL = re.compile(r'<symbol id="([^"]+)"[^>]*?(?:/>|>.*?</symbol>)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Formula:
    """A drawn formula: its SVG without glyphs, and the glyphs it uses by name."""

    latex: str
    svg: str
    glyphs: tuple[tuple[str, str], ...]


def formula_svg(latex: str) -> Formula | None:
    r"""A formula drawn in the colour of its surroundings; None where the renderer does not manage it.

    >>> formula_svg(r"\bar x_{n}").svg.startswith("<svg")
    True
    >>> formula_svg(r"\frac{a}{") is None
    True
    """
    plain = latex if _depth(latex, _FENCES) <= _MAX_FENCES else latex.replace(r"\left", "").replace(r"\right", "")
    found = _drawn(plain) if _depth(plain, _NESTS) <= _MAX_DEPTH else None
    if found is None:
        return None
    drawn, below = found
    glyphs = tuple((found[1], found[0]) for found in _SYMBOL.finditer(drawn))
    body = _SYMBOL.sub("", drawn)
    style = f"vertical-align:{below:.2f}px"
    named = f'<svg class="math" role="img" style="{style}" aria-label="{escape(latex, quote=True)}"'
    return Formula(latex, body.replace("<svg", named, 1), glyphs)


def _depth(latex: str, weights: dict[str, int]) -> int:
    """How deep a formula nests; the renderer's time doubles with each level."""
    deepest = depth = 0
    for found in _NEST.finditer(latex):
        depth += weights.get(found.group(), 0)
        deepest = max(deepest, depth)
    return deepest


@lru_cache(maxsize=512)
def _drawn(latex: str) -> tuple[str, float] | None:
    """The SVG, and how far its lower edge lies from the baseline."""
    import latex2mathml.exceptions

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # ziamath finds its fonts the old way
        import ziamath

    theirs = tuple(
        e for e in vars(latex2mathml.exceptions).values() if isinstance(e, type) and issubclass(e, Exception)
    )
    try:
        picture = ziamath.Latex(latex, size=SIZE, color="currentColor")
        drawn, below = str(picture.svg()), float(picture.getyofst())
    except (*_FAILURES, *theirs):
        return None
    return drawn, below


def sprite(formulas: tuple[Formula, ...]) -> str:
    """Every glyph of a page once, in an SVG that shows nothing."""
    glyphs = {name: text for formula in formulas for name, text in formula.glyphs}
    inner = "".join(glyphs[name] for name in sorted(glyphs))
    head = '<svg xmlns="http://www.w3.org/2000/svg" class="glyphs" width="0" height="0" aria-hidden="true">'
    return f"{head}{inner}</svg>"
