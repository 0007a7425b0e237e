"""Tokens of the claim language, and errors that show where in a claim something is wrong."""

from __future__ import annotations

import re

from symconv.errors import SpecError
from symconv.limits import TOKEN_CHARACTERS
from symconv.notation.lexer import Token

__all__ = ["Caret", "tokens"]

_TOKEN = re.compile(
    r"(?P<space>(?:\s|#[^\n]*)+)|(?P<number>(?:[0-9]+(?:\.(?!\.)[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,2}(?![\w.]))?)"
    # dL/dx and its like are one name: nobody divides by a dx.
    r"|(?P<name>[d∂]L\s*/\s*[d∂][A-Za-z_]\w*|[A-Za-z_]\w*|[Σ∑])|(?P<text>\"[^\"]*\"|'[^']*')"
    r"|(?P<op>\.\.\.?|//|\*\*|<=|>=|==|!=|:=|[-+*/%@()\[\],=:.;<>&|≤≥≠])",
    re.ASCII,
)
_SAME = {"≤": "<=", "≥": ">=", "≠": "!=", "Σ": "sum", "∑": "sum"}
_HINTS = {"^": "a power is written **", "·": "a product is written *", "×": "a product is written *",
          "−": "a minus is written -", "!": "unequal is written !="}  # fmt: skip


class Caret:
    """Errors that show the claim with a caret under what is wrong."""

    def __init__(self, source: str) -> None:
        self.source = source

    def error(self, at: int, message: str) -> SpecError:
        """A SpecError that points at column ``at``."""
        line = re.sub(r"\s", " ", self.source)
        start = max(0, at - 60)
        return SpecError(f"claim, column {at + 1}: {message}\n  {line[start : start + 100]}\n  {' ' * (at - start)}^")


def tokens(source: str, caret: Caret) -> tuple[Token, ...]:
    """The tokens of a claim; raises SpecError that points at what is none."""
    found, position = [], 0
    while position < len(source):
        match = _TOKEN.match(source, position)
        if match is None:
            sign = source[position]
            hint = f"; {_HINTS[sign]}" if sign in _HINTS else ""
            raise caret.error(position, f"{sign!r} is not part of the claim language{hint}")
        kind, text = match.lastgroup or "op", match.group()
        if kind != "space":
            if len(text) > TOKEN_CHARACTERS and kind != "text":
                raise caret.error(position, f"this {kind} is too long ({TOKEN_CHARACTERS} characters)")
            plain = re.sub(r"\s", "", text).replace("∂", "d") if kind == "name" else text
            found.append(Token(kind, _SAME.get(plain, plain), position))
        position = match.end()
    return (*found, Token("end", "", len(source)))
