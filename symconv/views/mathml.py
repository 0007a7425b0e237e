"""Formulas as MathML: the LaTeX of a page read once more, with limits where browsers and editors want them."""

from __future__ import annotations

from functools import lru_cache
from xml.etree.ElementTree import Element, SubElement, tostring

from symconv.views.rows import Rows

__all__ = ["mathml"]

_SPACE = "http://www.w3.org/1998/Math/MathML"
_LIMITS = {"∑", "max", "min", "argmax", "argmin"}
_FAILURES: tuple[type[Exception], ...] = (AttributeError, LookupError, TypeError, ValueError)
_UNDER = {"msub": "munder", "msup": "mover", "msubsup": "munderover"}


def mathml(rows: Rows) -> str:
    r"""A block of equations as one ``<math>``, aligned at the equals signs; "" for what cannot be read.

    >>> from symconv.views.rows import Row
    >>> mathml(Rows((Row("y", "2"),), (), ())).partition("text-align: left")[2]
    '"><mo>=</mo><mn>2</mn></mtd></mtr></mtable></math>'
    """
    math = Element("math", xmlns=_SPACE, display="block")
    table = SubElement(math, "mtable", columnalign="right left", displaystyle="true")
    for row in (*rows.formulas, *rows.where, *rows.domain):
        if not row.right:
            continue
        cells = _cell(row.left), _cell(f"= {row.right}" if row.left else row.right)
        line = SubElement(table, "mtr")
        for cell, side in zip(cells, ("right", "left"), strict=True):
            if cell is None:
                return ""
            # Chromium knows no columnalign.
            cell.set("style", f"text-align: {side}")
            line.append(cell)
    return tostring(math, encoding="unicode")


@lru_cache(maxsize=4096)
def _read(latex: str) -> str | None:
    import latex2mathml.converter
    import latex2mathml.exceptions

    theirs = tuple(
        e for e in vars(latex2mathml.exceptions).values() if isinstance(e, type) and issubclass(e, Exception)
    )
    try:
        found = latex2mathml.converter.convert_to_element(latex, display="block")
        return tostring(found, encoding="unicode")
    except (*_FAILURES, *theirs):
        return None


def _cell(latex: str) -> Element | None:
    from xml.etree.ElementTree import fromstring

    cell = Element("mtd")
    if not latex.strip():
        return cell
    text = _read(latex)
    if text is None:
        return None
    found = fromstring(_unquoted(text))
    for child in _content(found):
        cell.append(_mended(child))
    return cell


def _unquoted(text: str) -> str:
    """Its characters are written as references that stand escaped in a tree."""
    return text.replace("&amp;#", "&#").replace(f' xmlns="{_SPACE}"', "")


def _content(found: Element) -> list[Element]:
    inner = list(found)
    return list(inner[0]) if len(inner) == 1 and inner[0].tag == "mrow" else inner


def _mended(node: Element) -> Element:
    """Limits under and over what takes limits; a word in one piece."""
    for child in node:
        _mended(child)
    base = node[0] if len(node) else None
    if node.tag in _UNDER and base is not None and base.tag == "mo" and base.text in _LIMITS:
        node.tag = _UNDER[node.tag]
    if node.tag == "mrow" and len(node) > 1 and all(c.tag == "mi" and c.get("mathvariant") == "normal" for c in node):
        word = "".join(c.text or "" for c in node)
        node.clear()
        node.tag, node.text = "mi", word
    return node
