"""Formulas as SVG, drawn by ziamath when the page is written: no network, no script, no fonts to load."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from symconv.views.limits import drawable
from symconv.views.rows_once import measure_rows_once

__all__ = ["Drawn", "Formula", "drawn", "formula_svg", "remember", "sprite"]

Drawn = tuple[str, float]

SIZE = 19.0
_FAILURES: tuple[type[Exception], ...] = (
    ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, SyntaxError, TypeError, ValueError,
)  # fmt: skip
_MAX_FENCES, _MAX_DEPTH = 4, 9
_NEST = re.compile(r"\\(?:left|right|begin|end)(?![a-z])|\\[{}]|[{}]")
_FENCES = {r"\left": 1, r"\right": -1}
_NESTS = {**_FENCES, r"\begin": 2, r"\end": -2, "{": 1, "}": -1}
_KNOWN: dict[str, Drawn | None] = {}
# Some hundred pages of a process that shows many; then it begins anew.
_KEPT = 4096
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
    if latex not in _KNOWN:
        remember({latex: drawn(latex)})
    found = _KNOWN[latex]
    if found is None:
        return None
    picture, below = found
    glyphs = tuple((found[1], found[0]) for found in _SYMBOL.finditer(picture))
    body = _SYMBOL.sub("", picture)
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


def remember(drawings: Mapping[str, Drawn | None]) -> None:
    """Keep drawings that were made elsewhere, or here."""
    if len(_KNOWN) > _KEPT:
        _KNOWN.clear()
    _KNOWN.update(drawings)


def drawn(latex: str) -> Drawn | None:
    """The SVG of a formula, and how far its lower edge lies from the baseline; None where that is not managed."""
    plain = drawable(latex)
    if _depth(plain, _FENCES) > _MAX_FENCES:
        plain = plain.replace(r"\left", "").replace(r"\right", "")
    if _depth(plain, _NESTS) > _MAX_DEPTH:
        return None
    import latex2mathml.exceptions

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # ziamath finds its fonts the old way
        import ziamath

        measure_rows_once()
    theirs = tuple(
        e for e in vars(latex2mathml.exceptions).values() if isinstance(e, type) and issubclass(e, Exception)
    )
    try:
        picture = ziamath.Latex(plain, size=SIZE, color="currentColor")
        return str(picture.svg()), float(picture.getyofst())
    except (*_FAILURES, *theirs):
        return None


def sprite(formulas: tuple[Formula, ...]) -> str:
    """Every glyph of a page once, in an SVG that shows nothing."""
    glyphs = {name: text for formula in formulas for name, text in formula.glyphs}
    inner = "".join(glyphs[name] for name in sorted(glyphs))
    head = '<svg xmlns="http://www.w3.org/2000/svg" class="glyphs" width="0" height="0" aria-hidden="true">'
    return f"{head}{inner}</svg>"
