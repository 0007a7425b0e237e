"""Python source on a narrow terminal: the same program, its long lines broken where Python takes a new line."""

from __future__ import annotations

import io
import textwrap
import tokenize

__all__ = ["narrow"]

_Token = tokenize.TokenInfo


def narrow(source: str, width: int) -> str:
    """The program with lines of at most ``width`` columns, where brackets, comments and docstrings let it be broken.

    >>> print(narrow("y = conv(first, second(third, 4), fifth)\\n", 30), end="")
    y = conv(first,
        second(third, 4), fifth)
    """
    lines = source.splitlines()
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    made: list[str] = []
    for number, line in enumerate(lines, 1):
        made += [line] if len(line) <= width else _broken(line, number, tokens, width)
    return "\n".join(made) + "\n" * source.endswith("\n")


def _broken(line: str, number: int, tokens: list[_Token], width: int) -> list[str]:
    indent = line[: len(line) - len(line.lstrip())]
    inside = [token for token in tokens if token.start[0] <= number <= token.end[0]]
    if any(token.type == tokenize.STRING and token.start[0] < token.end[0] for token in inside):
        return _wrapped(line.strip(), indent, f"{indent}    ", width)
    if line.lstrip().startswith("#"):
        return _wrapped(line.strip(), indent, f"{indent}# ", width)
    if any(token.type == tokenize.COMMENT for token in inside):
        return [line]
    pieces, start, places = [], 0, _places(number, tokens)
    while len(line) - start + (len(indent) + 4 if start else 0) > width:
        room = start + width - (len(indent) + 4 if start else 0)
        fitting = [(depth, place) for depth, place in places if start < place <= room and line[place:].strip()]
        if not fitting:
            break
        shallow = min(depth for depth, _ in fitting)
        end = max(place for depth, place in fitting if depth == shallow)
        pieces.append(line[start:end].strip())
        start = end
    pieces.append(line[start:].strip())
    return [f"{indent}{pieces[0]}", *(f"{indent}    {piece}" for piece in pieces[1:])]


def _places(number: int, tokens: list[_Token]) -> list[tuple[int, int]]:
    """Where a line can go on in the next one, inside brackets: how deep, and the column."""
    found, depth = [], 0
    for token in tokens:
        if token.type != tokenize.OP:
            continue
        depth += (token.string in "([{") - (token.string in ")]}")
        if token.start[0] == number and depth and token.string in {",", "("}:
            # Behind an opening bracket only where no comma of the same depth will do.
            found.append((2 * depth - (token.string == ","), token.end[1]))
    return found


def _wrapped(text: str, first: str, others: str, width: int) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=others, break_on_hyphens=False, break_long_words=False
    )
