"""The drawn formulas of a page in fewer bytes: glyphs by short names, what all of them say said once."""

from __future__ import annotations

import re

__all__ = ["compact"]

_GLYPH = re.compile(r'(?<=[ ])(href="#|id=")[A-Za-z]+_(\d+)"')
_MATH = re.compile(r'<svg class="math".*?</svg>', re.DOTALL)
_NUMBER = re.compile(r'( (?:x|y|width|height)="-?\d+\.\d\d)\d+(?=")')


def compact(html: str) -> str:
    """A page whose formulas take two thirds of the bytes and look the same, where ``.math`` fills with its colour.

    >>> compact('<svg class="math"><use href="#Font_12" x="1.2345" fill="currentColor" /></svg>')
    '<svg class="math"><use href="#g12" x="1.23"/></svg>'
    """
    return _GLYPH.sub(r'\1g\2"', _MATH.sub(lambda found: _formula(found[0]), html))


def _formula(svg: str) -> str:
    # An attribute holds no quotation mark of a user's: what stands between tags and quotes is ours.
    svg = (
        svg.replace(' fill="currentColor"', "").replace(' xmlns="http://www.w3.org/2000/svg"', "").replace(" />", "/>")
    )
    return _NUMBER.sub(r"\1", svg)
