"""Source text with its comments, strings, numbers and keywords marked: HTML, every character escaped."""

from __future__ import annotations

import keyword
import re
from html import escape

__all__ = ["highlighted"]

_TOKEN = re.compile(
    r"(?P<comment>\#[^\n]*)"
    r"|(?P<string>(?:[rbfuRBFU]{0,2})(?:'''(?s:.*?)'''|\"\"\"(?s:.*?)\"\"\"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"))"
    r"|(?P<number>\b\d[\w.]*)"
    r"|(?P<word>[A-Za-z_]\w*)"
)
_KEYWORDS = frozenset(keyword.kwlist) | {
    "cdef", "cpdef", "cimport", "ctypedef", "noexcept", "nogil", "inline", "extern", "const", "double", "float", "int",
    "long", "short", "char", "unsigned", "signed", "void", "size_t", "Py_ssize_t", "struct", "bint", "object",
}  # fmt: skip


def highlighted(source: str) -> str:
    """Cython source as HTML.

    >>> highlighted("x = 1 # <b>")
    'x = <span class="n">1</span> <span class="c"># &lt;b&gt;</span>'
    """
    parts, position = [], 0
    for found in _TOKEN.finditer(source):
        parts.append(escape(source[position : found.start()]))
        parts.append(_marked(found.lastgroup or "", found.group()))
        position = found.end()
    return "".join((*parts, escape(source[position:])))


def _marked(kind: str, text: str) -> str:
    shown = escape(text)
    if kind == "word":
        return f'<span class="k">{shown}</span>' if text in _KEYWORDS else shown
    return f'<span class="{kind[0]}">{shown}</span>'
