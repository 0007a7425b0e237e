"""Formulas as small LaTeX documents that compile on their own."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["document", "one_line"]

_HEAD = r"""\documentclass{article}
\usepackage[paperwidth=60cm,paperheight=30cm,margin=1cm]{geometry}
\usepackage{amsmath,amssymb}
\pagestyle{empty}
\begin{document}
"""


def document(formulas: Iterable[tuple[str, str]], comments: Iterable[str] = ()) -> str:
    r"""A document of displayed formulas, each with a comment line that says what it is.

    >>> print(document([("twice", "y = 2x")]).splitlines()[5:8])
    ['% twice', '\\[', 'y = 2x']
    """
    head = "".join(f"% {line}\n" for line in comments)
    shown = "\n".join(f"% {one_line(title)}\n\\[\n{formula}\n\\]\n" for title, formula in formulas)
    return f"{head}{_HEAD}{shown}\\end{{document}}\n"


def one_line(text: str) -> str:
    """The text without line breaks, for a comment."""
    return " ".join(text.split())
