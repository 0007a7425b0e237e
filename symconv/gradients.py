"""What ``backward`` returns: a named tuple of the tensors' gradients, which other processes can send back."""

from __future__ import annotations

from collections import namedtuple
from functools import cache
from typing import Any

__all__ = ["gradients_type"]


@cache
def gradients_type(names: tuple[str, ...], called: str = "Gradients") -> Any:
    """The NamedTuple with a field for each name.

    >>> import pickle
    >>> pickle.loads(pickle.dumps(gradients_type(("x", "w"))(1, None)))
    Gradients(x=1, w=None)
    """
    base: Any = namedtuple(called, names)  # type: ignore[misc]
    # A class that no module has by name is made again from its fields.
    made: Any = type(called, (base,), {"__slots__": (), "__reduce__": _reduced})
    return made


def _reduced(self: Any) -> tuple[Any, ...]:
    return _made, (self._fields, tuple(self), type(self).__name__)


def _made(names: tuple[str, ...], values: tuple[Any, ...], called: str = "Gradients") -> Any:
    return gradients_type(names, called)._make(values)
