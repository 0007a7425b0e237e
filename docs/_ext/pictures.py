"""The pictures of README.md, made by symconv: ``python docs/_ext/pictures.py`` writes them anew."""

from __future__ import annotations

from html import escape
from pathlib import Path

import ziamath

import symconv as sc
from symconv.views.diagram import phase_plan
from symconv.views.svg import grounded

FOLDER = Path(__file__).resolve().parents[1] / "_static"


def pictures() -> dict[str, str]:
    """File name and text of every picture."""
    op = sc.conv2d(stride=2, padding=1)
    gradient = sc.derive(op, "x")
    latex = gradient.latex()
    svg = ziamath.Latex(latex, size=20).svg().replace("><", f"><title>{escape(latex)}</title><", 1)
    left, top, width, height = svg.split('viewBox="', 1)[1].split('"', 1)[0].split()
    # A white ground: the picture is also shown on dark pages.
    ground = f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="white"/>'
    return {
        "cell.svg": sc.picture(gradient, cell=(0, 0, 3, 3), x=(1, 1, 7, 8), w=(1, 1, 3, 3)).svg + "\n",
        "phases.svg": grounded(phase_plan(gradient.derivation.gather, op)) + "\n",
        "gradient.svg": svg.replace("</title>", f"</title>{ground}", 1) + "\n",
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in pictures().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(FOLDER / name)
