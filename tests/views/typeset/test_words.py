"""Words of people are words to TeX."""

from __future__ import annotations

from symconv.views.svg import drawing, label, line, rect
from symconv.views.typeset.tikz import tikz
from symconv.views.typeset.words import code, words


def test_no_character_is_a_command():
    written = words("".join(map(chr, range(1, 0x250))))
    for raw in (r"\input", "^^", "\n", "\r", "\0"):
        assert raw not in written
    assert written.count(r"\_") == written.count(r"\%") == written.count(r"\#") == written.count(r"\&") == 1


def test_source_keeps_its_spaces():
    assert code("  x = 'a'") == r"~~x~=~\textquotesingle{}a\textquotesingle{}"


def test_a_picture_keeps_its_shapes():
    svg = drawing(
        100,
        50,
        [rect(1, 2, 10, 10, 0), rect(20, 2, 10, 10, None), line(0, 0, 5, 5, 1), label(3, 4, "a_b", "start")],
        "t",
    )
    text = tikz(svg, 400.0)
    assert text.count(r"\path") == 3
    assert r"{a\_b};" in text
    assert "dash pattern" in text
    assert tikz(svg, 37.5).startswith(r"\begin{tikzpicture}[x=0.375pt,y=-0.375pt]")
