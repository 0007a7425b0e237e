"""The operand that says of labels which ones they are: ``𝟙y[n,c]`` is 1 where ``y[n]`` is ``c``, else 0."""

from __future__ import annotations

__all__ = ["LABEL", "is_selector", "labels_of", "selector"]

LABEL = "label"
"""The ``dtype`` of an input of an operator that is a selector."""
_SIGN = "𝟙"


def selector(name: str) -> str:
    """The selector of an array of labels; no name of a formula or of code is like it.

    >>> selector("y")
    '𝟙y'
    """
    return f"{_SIGN}{name}"


def is_selector(tensor: str) -> bool:
    """Whether an operand is a selector."""
    return tensor.startswith(_SIGN)


def labels_of(tensor: str) -> str:
    """The name of the labels of a selector; another operand is what it is."""
    return tensor.removeprefix(_SIGN)
