"""What ``backward`` returns: a named tuple of the tensors' gradients, which other processes can send back."""

from __future__ import annotations

from collections import namedtuple
from functools import cache
from operator import itemgetter
from typing import Any

__all__ = ["gradients_type"]


@cache
def gradients_type(names: tuple[str, ...], called: str = "Gradients") -> Any:
    """The NamedTuple with a field for each name.

    >>> import pickle
    >>> pickle.loads(pickle.dumps(gradients_type(("x", "w"))(1, None)))
    Gradients(x=1, w=None)
    >>> gradients_type(("_x", "w"))(1, 2)._x
    1
    """
    base: Any = namedtuple(called, names, rename=True)  # type: ignore[misc]
    # A class that no module has by name is made again from its fields.
    own: dict[str, Any] = {"__slots__": (), "__reduce__": _reduced}
    if base._fields != names:
        # Python gives no field a name that begins with an underscore, which tensors may have.
        own |= {name: property(itemgetter(place)) for place, name in enumerate(names)}
        own |= {"_fields": names, "__match_args__": names, "__repr__": _shown, "_replace": _replaced}
    made: Any = type(called, (base,), own)
    return made


def _shown(self: Any) -> str:
    return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._asdict().items())})"


def _replaced(self: Any, /, **values: Any) -> Any:
    if unknown := [name for name in values if name not in self._fields]:
        raise ValueError(f"Got unexpected field names: {unknown!r}")
    return self._make({**self._asdict(), **values}.values())


def _reduced(self: Any) -> tuple[Any, ...]:
    return _made, (self._fields, tuple(self), type(self).__name__)


def _made(names: tuple[str, ...], values: tuple[Any, ...], called: str = "Gradients") -> Any:
    return gradients_type(names, called)._make(values)
