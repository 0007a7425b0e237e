"""What is wrong with a line of the code, as an error of the user's or as the end of the method."""

from __future__ import annotations

import re

from symconv.errors import SpecError, SymconvError
from symconv.prove.concrete.enclosure import NoValueError
from symconv.prove.concrete.evaluate import Misfit
from symconv.prove.language.parse import Caret
from symconv.prove.meaning.scope import Undecided

__all__ = ["FAILED", "ROLLED", "UNEQUAL", "CodeError", "LineCaret", "Outside"]

ROLLED = "a roll of an axis by more than its length"
UNEQUAL = " equal parts"
"""What is said of sizes that a forward function leaves out: a length that so many equal parts do not make."""

FAILED = (SymconvError, Misfit, Undecided, NoValueError, ValueError, ArithmeticError, LookupError, TypeError,
          AssertionError)  # fmt: skip
"""How code that makes no sense on numbers fails, such as an edit that is only tried."""

_OF_RANKS = (
    "axes are wanted", "names for", "axes; given", "axis; given", "does not fit arrays", "this broadcast of",
    "there is no axis", "for sizes of its own alone", "values, and no number",
)  # fmt: skip
"""Words of problems that other numbers of axes may not have."""


class CodeError(SpecError):
    """The code means nothing here: an unknown word, a name without a value. ``line`` is where."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.line = line


class LineCaret(Caret):
    """Errors of words that say the line of the code."""

    def __init__(self) -> None:
        super().__init__("")
        self.line = 0

    def error(self, at: int, message: str) -> CodeError:
        """An error at the line that is read."""
        return CodeError(_plainer(message), self.line)


class Outside(Undecided):
    """A line that is outside of what is read for all sizes; numbers may still decide."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(f"line {line}: {_plainer(message)}")
        self.line = line


def _plainer(message: str) -> str:
    """The message without the names that arguments of words and positions have."""
    return re.sub(r"\be\d+_", "the index of a loop", re.sub(r"\bcode(\d+)_", r"argument \1", message))


def of_one_rank(problem: str) -> bool:
    """Whether a problem is one of the numbers of axes that were tried, and none of what is read."""
    return any(word in problem for word in _OF_RANKS)
