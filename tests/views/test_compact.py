"""Smaller pages that show the same."""

from __future__ import annotations

import re
from html import escape

from symconv.views.compact import compact
from symconv.views.mathsvg import formula_svg, sprite

FORMULA = r"y_{i} = \frac{1}{2} \sum_{p=0}^{K-1} x_{i+p}"


def test_glyphs_keep_their_places_and_their_names_match():
    drawn = formula_svg(FORMULA)
    page = f"<body>{sprite((drawn,))}{drawn.svg}</body>"
    small = compact(page)
    assert len(small) < len(page)
    uses = [re.findall(r'<use href="#\w*?(\d+)" x="(-?[\d.]+)" y="(-?[\d.]+)"', text) for text in (page, small)]
    assert len(uses[0]) == len(uses[1]) > 5
    for (glyph, x, y), (other, left, top) in zip(*uses, strict=True):
        assert glyph == other
        assert abs(float(x) - float(left)) < 0.01
        assert abs(float(y) - float(top)) < 0.01
    assert set(re.findall(r'<use href="#(\w+)"', small)) <= set(re.findall(r'<symbol id="(\w+)"', small))
    assert escape(FORMULA, quote=True) in small


def test_what_a_user_wrote_stays():
    words = escape('x id="Font_12" fill="currentColor" width="0.12345" /', quote=True)
    text = f'<p>{words}</p><svg class="math" aria-label="{words}"></svg>'
    assert compact(text) == text
