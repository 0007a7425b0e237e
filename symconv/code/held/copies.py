"""Copies of what names hold on numbers: values that share elements do so in the copy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from symconv.code.values.amounts import is_number
from symconv.code.values.objects import Box, Dotted, Opaque, Pack, Parts, Span

__all__ = ["Copies", "UncopiedError"]


class UncopiedError(Exception):
    """A value that is not copied, since it may hold others that nobody sees: a function, an iterator."""


class Copies:
    """Copies that are made together; what was one value before is one value after.

    What a ``lasting`` object tells of names is never changed.
    """

    def __init__(self, lasting: object = None) -> None:
        self.lasting = lasting
        # The originals are kept as well, so that no other value gets their place in memory.
        self.made: dict[int, tuple[Any, Any]] = {}

    def of(self, value: Any) -> Any:
        """The copy of a value; raises UncopiedError."""
        if value is None or isinstance(value, str | bool | int | Span | Dotted | Opaque) or is_number(value):
            return value
        if (
            isinstance(value, Pack)
            and self.lasting is not None
            and getattr(value.told, "__self__", None) is self.lasting
        ):
            return value
        if id(value) in self.made:
            return self.made[id(value)][1]
        kind = type(value)
        if kind is tuple:
            return self.note(value, tuple(map(self.of, value)))
        if kind in {list, Parts}:
            items = self.note(value, kind())
            items.extend(map(self.of, value))
            return items
        if kind is dict:
            pairs = self.note(value, {})
            pairs.update((key, self.of(one)) for key, one in value.items())
            return pairs
        if kind is Box:
            box = self.note(value, replace(value, value=None))
            box.base, box.value = self.of(value.base), self.of(value.value)
            return box
        if kind is np.ndarray:
            return self.note(value, self._array(value))
        raise UncopiedError(f"{kind.__name__} is not copied")

    def note(self, old: Any, new: Any) -> Any:
        """Says what the copy of a value is."""
        self.made[id(old)] = old, new
        return new

    def _array(self, old: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        owner = old
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        if owner is old or not old.size:
            new = old.copy(order="K")
        elif owner.dtype.hasobject or not (owner.flags.c_contiguous or owner.flags.f_contiguous):
            raise UncopiedError("a view with holes is not copied")
        else:
            whole = self.of(owner)
            first = old.__array_interface__["data"][0] - owner.__array_interface__["data"][0]
            held = whole if whole.flags.c_contiguous else whole.T
            new = np.ndarray(old.shape, old.dtype, held, first, old.strides)
        new.flags.writeable = old.flags.writeable
        return new
