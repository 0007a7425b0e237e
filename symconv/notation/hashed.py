"""Large frozen objects that are keys of memories: what they hash to is worked out once."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

__all__ = ["HashedOnce"]


class HashedOnce:
    """A frozen dataclass of tuples and the like whose hash is kept; a subclass says ``__hash__ = HashedOnce.__hash__``.

    Without that line ``dataclass`` would write a hash of its own.

    >>> from symconv.ops.registry import conv1d
    >>> hash(conv1d()) == hash(conv1d()), conv1d() == conv1d(), conv1d() == conv1d(stride=2)
    (True, True, False)
    """

    __slots__ = ("_hash",)
    _hash: int

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:
            given: Any = self
            object.__setattr__(self, "_hash", hash(tuple(getattr(self, f.name) for f in fields(given) if f.compare)))
            return self._hash
