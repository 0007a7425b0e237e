"""The pictures that symconv draws as SVG, for TeX: the same rectangles, circles, lines and words."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from symconv.views.typeset.words import words

__all__ = ["tikz"]

_SHAPE = 0.75
"""A pixel of SVG is 0.75 pt."""
_NUMBERS = ("x", "y", "width", "height", "cx", "cy", "r", "x1", "y1", "x2", "y2")
_ANCHORS = {"start": "base west", "middle": "base", "end": "base east"}


def tikz(svg: str, width: float, height: float = 1e4) -> str:
    r"""A picture made by ``symconv.views.svg``, at most so many points wide and high.

    >>> from symconv.views.svg import drawing, rect
    >>> print(tikz(drawing(40, 40, [rect(1, 1, 20, 20, 0)], "one"), 100.0))
    \begin{tikzpicture}[x=0.75pt,y=-0.75pt]
    \path[fill={rgb,255:red,65;green,152;blue,199},rounded corners=1.1pt] (1,1) rectangle (21,21);
    \end{tikzpicture}
    """
    # The text comes from this package's own writer, never from outside.
    root = ElementTree.fromstring(svg)
    scale = min(_SHAPE, width / float(root.get("width", "1")), height / float(root.get("height", "1")))
    body = "\n".join(_parts(root, scale))
    return f"\\begin{{tikzpicture}}[x={scale:.3g}pt,y=-{scale:.3g}pt]\n{body}\n\\end{{tikzpicture}}"


def _parts(root: ElementTree.Element, scale: float) -> Iterator[str]:
    for element in root:
        tag = element.tag.rpartition("}")[2]
        number = {key: float(element.get(key, "0")) for key in _NUMBERS}
        style = _style(element, scale)
        match tag:
            case "g":
                yield from _parts(element, scale)
            case "rect":
                x, y = number["x"], number["y"]
                corner = _p(x + number["width"], y + number["height"])
                yield rf"\path[{style},rounded corners={1.5 * scale:.2g}pt] ({_p(x, y)}) rectangle ({corner});"
            case "circle":
                centre, radius = _p(number["cx"], number["cy"]), number["r"] * scale
                yield rf"\path[{style}] ({centre}) circle[radius={radius:.3g}pt];"
            case "line":
                yield rf"\path[{style}] ({_p(number['x1'], number['y1'])}) -- ({_p(number['x2'], number['y2'])});"
            case "path":
                yield rf"\path[{style}] {_curve(element.get('d', ''))};"
            case "text":
                yield _text(element, number, scale)


def _curve(path: str) -> str:
    """``M x y Q x y x y``: what the pictures bend."""
    numbers = [float(word) for word in path.replace("M", " ").replace("Q", " ").split()]
    start, bend, end = numbers[0:2], numbers[2:4], numbers[4:6]
    thirds = [_p(*(e + 2 * (b - e) / 3 for e, b in zip(one, bend, strict=True))) for one in (start, end)]
    return f"({_p(*start)}) .. controls ({thirds[0]}) and ({thirds[1]}) .. ({_p(*end)})"


def _text(element: ElementTree.Element, at: dict[str, float], scale: float) -> str:
    size = float(element.get("font-size", "12")) * scale
    anchor = _ANCHORS[element.get("text-anchor", "start")]
    colour = _colour(element.get("fill", "#000"))
    font = rf"\fontsize{{{size:.3g}}}{{{size * 1.2:.3g}}}\selectfont\sffamily"
    style = f"anchor={anchor},inner sep=0pt,font={font},text={{{colour}}}"
    return rf"\node[{style}] at ({_p(at['x'], at['y'])}) {{{words(element.text or '')}}};"


def _style(element: ElementTree.Element, scale: float) -> str:
    parts = []
    if (fill := element.get("fill", "none")) != "none":
        parts.append(f"fill={{{_colour(fill)}}}")
    if (stroke := element.get("stroke", "none")) != "none":
        wide = float(element.get("stroke-width", "1")) * scale
        parts += [f"draw={{{_colour(stroke)}}}", f"line width={wide:.2g}pt"]
    if element.get("stroke-dasharray"):
        parts.append("dash pattern=on 1.5pt off 1.5pt")
    if opacity := element.get("fill-opacity"):
        parts.append(f"fill opacity={float(opacity):.2g}")
    return ",".join(parts)


def _colour(text: str) -> str:
    """``#rgb`` or ``#rrggbb`` for xcolor; greys of lines are darker on paper than on a screen."""
    digits = text.lstrip("#")
    digits = "".join(c * 2 for c in digits) if len(digits) == 3 else digits
    red, green, blue = (int(digits[k : k + 2], 16) for k in (0, 2, 4))
    if red == green == blue and 100 < red < 160:
        red = green = blue = red // 2
    return f"rgb,255:red,{red};green,{green};blue,{blue}"


def _p(x: float, y: float) -> str:
    return f"{x:.5g},{y:.5g}"
