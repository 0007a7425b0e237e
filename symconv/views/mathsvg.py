"""Formulas as SVG, drawn by ziamath when the page is written: no network, no script, no fonts to load."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from html import escape

__all__ = ["Formula", "formula_svg", "sprite"]

SIZE = 19.0
_SYMBOL = re.compile(r'<symbol id="([^"]+)".*?</symbol>', re.DOTALL)


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
    drawn = _drawn(latex)
    if drawn is None:
        return None
    glyphs = tuple((found[1], found[0]) for found in _SYMBOL.finditer(drawn))
    body = _SYMBOL.sub("", drawn)
    named = f'<svg class="math" role="img" aria-label="{escape(latex, quote=True)}"'
    return Formula(latex, body.replace("<svg", named, 1), glyphs)


@cache
def _drawn(latex: str) -> str | None:
    import latex2mathml.exceptions
    import ziamath

    theirs = tuple(e for e in vars(latex2mathml.exceptions).values() if isinstance(e, type) and issubclass(e, Exception))
    try:
        drawn: str = ziamath.Latex(latex, size=SIZE, color="currentColor").svg()
    except (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, SyntaxError, TypeError, ValueError, *theirs):
        return None
    return drawn


def sprite(formulas: tuple[Formula, ...]) -> str:
    """Every glyph of a page once, in an SVG that shows nothing."""
    glyphs = {name: text for formula in formulas for name, text in formula.glyphs}
    inner = "".join(glyphs[name] for name in sorted(glyphs))
    return f'<svg xmlns="http://www.w3.org/2000/svg" class="glyphs" width="0" height="0" aria-hidden="true">{inner}</svg>'
