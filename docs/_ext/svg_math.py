"""A Sphinx math renderer that needs no network and no LaTeX: ziamath draws every formula as inline SVG."""

from __future__ import annotations

import html
import re
from itertools import count
from typing import Any

import ziamath
from docutils import nodes

from symconv.views.rows_once import measure_rows_once

measure_rows_once()
SIZE = 17
NUMBER = count()


def svg(latex: str, inline: bool) -> str:
    """One formula. Glyphs get ids of their own: a page holds many formulas of different sizes."""
    drawn = ziamath.Latex(latex, size=SIZE, inline=inline, color="currentColor")
    text = drawn.svg().replace(' xmlns="http://www.w3.org/2000/svg"', "", 1)
    prefix = f"f{next(NUMBER)}-"
    text = re.sub(r'\bid="', f'id="{prefix}', text)
    text = re.sub(r'href="#', f'href="#{prefix}', text)
    style = f' style="vertical-align: {drawn.getyofst():.2f}px"' if inline else ' style="max-width: 100%"'
    label = html.escape(" ".join(latex.split()), quote=True)
    return text.replace("<svg", f'<svg role="img" aria-label="{label}"{style}', 1)


def visit_inline(self: Any, node: nodes.math) -> None:
    """An inline formula."""
    self.body.append(svg(node.astext(), inline=True))
    raise nodes.SkipNode


def visit_display(self: Any, node: nodes.math_block) -> None:
    """A formula on a line of its own."""
    self.body.append(
        f'<div class="math" style="overflow-x: auto; margin: 1em 0">{svg(node.astext(), inline=False)}</div>'
    )
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Register the renderer as ``html_math_renderer = "svg"``."""
    app.add_html_math_renderer("svg", (visit_inline, None), (visit_display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
