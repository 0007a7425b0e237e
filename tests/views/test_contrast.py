"""What is written in pictures can be read: 4.5 to 1 (WCAG 2.2, AA) on what lies below it, on light and dark screens."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

import symconv as sc

ROOT = Path(__file__).resolve().parents[2]
NS = "{http://www.w3.org/2000/svg}"
NAMED = {"white": "#fff", "black": "#000"}


def rgb(colour):
    digits = NAMED.get(colour, colour).lstrip("#")
    digits = "".join(c * 2 for c in digits) if len(digits) == 3 else digits
    return [int(digits[k : k + 2], 16) / 255 for k in (0, 2, 4)]


def luminance(parts):
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def styles(svg, scheme):
    """The colours of classes, as a screen of this scheme has them."""
    css = "".join(re.findall(r"<style>(.*?)</style>", svg, re.DOTALL))
    found = {}
    for name, inner in re.findall(r"@media ([^{]*)\{((?:[^{}]*\{[^{}]*\})*)\}|", css) if scheme == "dark" else []:
        if "dark" in name:
            found |= dict(re.findall(r"([.\w -]+)\{(?:fill|color):(#\w+)\}", inner))
    plain = re.sub(r"@\w+ [^{]*\{(?:[^{}]*\{[^{}]*\})*\}", "", css)
    return dict(re.findall(r"([.\w -]+)\{(?:fill|color):(#\w+)\}", plain)) | found


def written(svg, scheme):
    """Every text with its colour and the colours below it."""
    rules, root = styles(svg, scheme), ElementTree.fromstring(svg)
    assert "sc-own" in root.get("class")

    def coloured(element, default):
        for name in (element.get("class") or "").split():
            default = rules.get(f".sc-own .{name}", default)
        return rules[".sc-own"] if default == "currentColor" else default

    def walked(element, x, y, below):
        for one in element:
            kind = one.tag.removeprefix(NS)
            if kind == "g":
                shift = re.findall(r"-?[\d.]+", one.get("transform", "0 0"))
                yield from walked(one, x + float(shift[0]), y + float(shift[1]), below)
            elif kind == "rect" and one.get("width") == "100%":
                below.append((-1e9, -1e9, 2e9, 2e9, coloured(one, one.get("fill")), 1.0))
            elif kind == "rect" and one.get("fill") != "none":
                box = [float(one.get(key)) for key in ("x", "y", "width", "height")]
                opacity = float(one.get("fill-opacity") or 1)
                below.append((box[0] + x, box[1] + y, *box[2:], coloured(one, one.get("fill")), opacity))
            elif kind == "text":
                at = float(one.get("x")) + x, float(one.get("y")) + y - float(one.get("font-size")) / 3
                ground = None
                for left, top, wide, tall, colour, opacity in below:
                    if left <= at[0] <= left + wide and top <= at[1] <= top + tall:
                        mixed = zip(rgb(colour), ground or rgb(colour), strict=True)
                        ground = [opacity * a + (1 - opacity) * b for a, b in mixed]
                yield one.text, rgb(coloured(one, one.get("fill"))), ground

    return list(walked(root, 0, 0, []))


def drawn():
    conv = sc.conv2d(stride=(2, 3), padding=(1, 0))
    gx, three = sc.derive(conv, "x"), sc.derive(sc.conv3d(stride=2, padding=1), "w")
    yield "phases", lambda: sc.picture(gx).svg
    yield "cell", lambda: sc.picture(gx, cell=(0, 0, 3, 3)).svg
    yield "slices", lambda: sc.picture(three, cell=(0, 0, 1, 0, 1)).svg
    yield "frames", lambda: sc.picture(sc.derive(sc.conv1d(stride=3, dilation=3), "x"), frames=True).svg
    yield "motion", lambda: sc.picture(sc.derive(sc.conv1d(stride=2), "x"), animate=True).svg
    yield "forward", lambda: sc.picture(sc.max_pool2d(3, 2), cell=(0, 0, 1, 1)).svg
    for name in ("cell.svg", "phases.svg"):
        yield name, lambda name=name: (ROOT / "docs" / "_static" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "svg"), list(drawn()), ids=lambda value: value if isinstance(value, str) else "")
def test_every_word_of_a_picture_is_read(name, svg):
    text = svg()
    for scheme in ("light", "dark"):
        texts = written(text, scheme)
        assert len(texts) > 8
        low = [(ratio(ink, ground), words) for words, ink, ground in texts if ratio(ink, ground) < 4.5]
        assert (scheme, low) == (scheme, [])


def test_the_two_schemes_differ():
    svg = sc.picture(sc.derive(sc.conv1d(stride=2), "x")).svg
    (_, light, below), (_, dark, other) = (written(svg, scheme)[0] for scheme in ("light", "dark"))
    assert luminance(light) < luminance(below)
    assert luminance(dark) > luminance(other)


def test_numbers_on_the_colours_of_a_report():
    css = (ROOT / "templates" / "html" / "report.css.j2").read_text(encoding="utf-8")
    light, dark = [line for line in css.splitlines() if "--c0:" in line]
    papers = re.findall(r"--paper: (#\w{6}); --ink: (#\w{6}); --soft: (#\w{6})", css)
    inks = re.findall(
        r'"(#\w{3})"', re.search(r"_ON = \((.*?)\)", (ROOT / "symconv/views/svg.py").read_text(encoding="utf-8"))[1]
    )
    for palette, (paper, ink, soft), standing in (
        (light, papers[0], inks),
        (dark, papers[1], [papers[1][0]] * 8),  # .diagram .on in the dark
    ):
        colours = re.findall(r"--c\d: (#\w{6})", palette)
        assert all(ratio(rgb(a), rgb(b)) >= 4.5 for a, b in zip(standing, colours, strict=True))
        pale = [[0.35 * a + 0.65 * b for a, b in zip(rgb(one), rgb(paper), strict=True)] for one in colours]
        assert min(ratio(rgb(ink), one) for one in pale) >= 4.5
        assert ratio(rgb(soft), rgb(paper)) >= 4.5
    assert re.search(r"prefers-color-scheme: dark\) \{[^@]*\.diagram \.on \{ fill: var\(--paper\); \}", css)
