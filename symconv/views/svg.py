"""SVG by small functions; every text and attribute is escaped here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

__all__ = ["COLOURS", "arc", "circle", "colour", "drawing", "grounded", "label", "line", "mark", "on", "rect"]

COLOURS = ("#4198c7", "#cf861e", "#397248", "#b761f6", "#a24000", "#184bf9", "#793775", "#7d828a")
"""One colour per class, told apart with any kind of colour vision; a page may restyle ``.c0`` to ``.c7``."""
_ON = ("#000", "#000", "#fff", "#000", "#fff", "#fff", "#fff", "#000")
"""Black or white, whichever is read better on the colour of the class."""
_GROUND = (
    "<style>.sc-own{color:#1d1f23}.sc-own .sc-ground{fill:#fff}.sc-own .label{fill:#444}"
    "@media (prefers-color-scheme:dark){.sc-own{color:#eceae4}.sc-own .sc-ground{fill:#17191d}"
    ".sc-own .label{fill:#c8cbd1}}@media print{.sc-own{color:#000}.sc-own .sc-ground{fill:#fff}"
    '.sc-own .label{fill:#444}}</style><rect class="sc-ground" width="100%" height="100%" fill="#fff"/>'
)
"""A picture alone brings its ground along: nothing says what colour lies below a file."""


def colour(number: int) -> int:
    """The palette's place of a class."""
    return number % len(COLOURS)


def on(number: int) -> str:
    """The kind of a label that stands on the colour of a class."""
    return f"on o{colour(number)}"


def _tag(name: str, inner: str = "", **attributes: object) -> str:
    shown = "".join(
        f' {key.strip("_").replace("_", "-")}="{escape(_number(value), quote=True)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{shown}>{inner}</{name}>" if inner else f"<{name}{shown}/>"


def _number(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)


def rect(
    x: float, y: float, width: float, height: float, number: int | None, title: str = "", *,
    faint: bool = False, strong: bool = False,
) -> str:  # fmt: skip
    """A cell of a class; without a number, an empty one. It may be pale, or stand out by its outline."""
    if number is not None and strong:
        return _tag("rect", _tag("title", escape(title)) if title else "", x=float(x), y=float(y), width=float(width),
                    height=float(height), rx=3.0, fill=COLOURS[colour(number)], stroke="#888", stroke_width=3,
                    class_=f"cell c{colour(number)}")  # fmt: skip
    style = {"class_": f"cell c{colour(number)}" if number is not None else "cell none"}
    fill = COLOURS[colour(number)] if number is not None else "none"
    inner = _tag("title", escape(title)) if title else ""
    return _tag("rect", inner, x=float(x), y=float(y), width=float(width), height=float(height), rx=3.0, fill=fill,
                stroke=None if number is not None else "#888", stroke_dasharray=None if number is not None else "2 2",
                fill_opacity=0.35 if faint else None, **style)  # fmt: skip


_MARKS = {"extra": (1, 1), "missing": (0, 0)}
"""Each kind of mark: which way its hatch leans, and its colour; either tells it from the other without the other."""


def mark(x: float, y: float, width: float, height: float, kind: str) -> str:
    """What sets a cell apart: a tint and a hatch of its own, ``/`` for what is extra and ``\\`` for what is missing."""
    leans, number = _MARKS[kind]
    path = []
    for k in range(1, 8):
        low, high = k * (width + height) / 8 - height, k * (width + height) / 8
        start, end = max(low, 0.0), min(high, width)
        first, last = (start, start - low), (end, end - low)
        # Lines of slope one, mirrored where they lean to the right.
        points = [(px, height - py if leans else py) for px, py in (first, last)]
        path.append("M" + " L".join(f"{x + px:.1f} {y + py:.1f}" for px, py in points))
    tint = _tag("rect", x=float(x), y=float(y), width=float(width), height=float(height), rx=3.0,
                fill=COLOURS[number], fill_opacity=0.22, class_=f"tint c{number}")  # fmt: skip
    hatch = _tag("path", d=" ".join(path), stroke=COLOURS[number], stroke_opacity=0.55, fill="none",
                 class_=f"hatch s{number}")  # fmt: skip
    return tint + hatch


def circle(x: float, y: float, radius: float, number: int | None) -> str:
    """A point of a class; without a number, a hollow one."""
    if number is None:
        return _tag("circle", cx=float(x), cy=float(y), r=float(radius), fill="none", stroke="#888", class_="dot none")
    return _tag(
        "circle",
        cx=float(x),
        cy=float(y),
        r=float(radius),
        fill=COLOURS[colour(number)],
        class_=f"dot c{colour(number)}",
    )


def line(x1: float, y1: float, x2: float, y2: float, number: int) -> str:
    """A connection of a class."""
    return _tag("line", x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2), stroke=COLOURS[colour(number)],
                stroke_width=1.6, class_=f"edge s{colour(number)}")  # fmt: skip


def arc(x1: float, x2: float, y: float, depth: float, number: int) -> str:
    """A bow below two points of a height, dashed."""
    ends = [f"{_number(float(x))} {_number(float(y))}" for x in (x1, x2)]
    way = f"M {ends[0]} Q {_number((x1 + x2) / 2)} {_number(y + 2 * depth)} {ends[1]}"
    return _tag("path", d=way, fill="none", stroke=COLOURS[colour(number)], stroke_width=1.6, stroke_dasharray="3 3",
                class_=f"edge s{colour(number)}")  # fmt: skip


def label(x: float, y: float, words: str, anchor: str = "middle", kind: str = "label", size: int = 12) -> str:
    """A text; what stands on the colour of a class has the kind that ``on`` gives it."""
    first, _, rest = kind.partition(" ")
    fill = _ON[int(rest.removeprefix("o"))] if first == "on" else "#444" if first == "label" else "currentColor"
    return _tag(
        "text",
        escape(words),
        x=float(x),
        y=float(y),
        text_anchor=anchor,
        font_size=size,
        class_=kind,
        fill=fill,
    )


def drawing(width: float, height: float, parts: Iterable[str], title: str) -> str:
    """The picture with its name for those who do not see it."""
    inner = _tag("title", escape(title)) + "".join(parts)
    return _tag("svg", inner, xmlns="http://www.w3.org/2000/svg", width=float(width), height=float(height),
                viewBox=f"0 0 {_number(float(width))} {_number(float(height))}", role="img", class_="diagram",
                font_family="system-ui, sans-serif")  # fmt: skip


def grounded(svg: str) -> str:
    """A drawing as a file of its own: on a ground, in the colours that the reader's screen asks for.

    >>> grounded(drawing(40, 40, [label(20, 20, "one")], "a word")).count("prefers-color-scheme")
    1
    """
    head, title, rest = svg.partition("</title>")
    marked = head.replace('class="diagram"', 'class="diagram sc-own"', 1)
    return f"{marked}{title}{_GROUND}{rest}"
