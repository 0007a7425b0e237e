"""An entry whose plans are drawn, not made: so that judging a kernel judges every way it may ever choose."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np

from symconv.entry import Array, Entry
from symconv.manifest import Output

if TYPE_CHECKING:
    from symconv.tune.plan import Choice

__all__ = ["ShuffledEntry", "TransformedEntry"]

_DRAWN = 1
"""The owner of plans that were drawn: of no number of threads, so that they are nobody else's."""
_DRAWN_TRANSFORMED = 1 << 30
"""The owner of plans with transforms that were drawn: of more threads than there are."""
_NUMBERS = (1, 2, 3, 4, 5, 7, 8, 13, 16, 24, 33, 64, 100, 1000)
"""Small ones, so that every loop has a tail somewhere; some beyond every size."""


class ShuffledEntry(Entry):
    """As ``Entry``; for every shape each output takes some way with some numbers, the same each time.

    Methods that state an error of their own are left out: sums of small integers are compared exactly. Entries of the
    kind below draw these alone, where an output has them.
    """

    _owned = _DRAWN
    _transformed = False

    def _owner(self) -> int:
        return self._owned if self.planned else -1

    def _chosen(self, sizes: tuple[int, ...], arrays: tuple[Array, ...] | None) -> tuple[Choice, ...]:
        if not self.outputs or not all(sizes):
            return self._plain()
        named = dict(zip(self.size_names, sizes, strict=True))
        draw = random.Random(repr((self.name, sizes, np.dtype(self.options.dtype).name)))
        return tuple(self._drawn(output, named, draw) for output in self.outputs)

    def _drawn(self, output: Output, sizes: dict[str, int], draw: random.Random) -> Choice:
        from symconv.tune.counts import possible
        from symconv.tune.facts import from_json
        from symconv.tune.machine import lanes_of
        from symconv.tune.plan import Choice

        lanes = lanes_of(self.options.target, self.options.dtype)
        ways = [
            number
            for number, way in enumerate(output.ways)
            if way.facts is None or possible(from_json(way.facts), sizes, lanes)
        ]
        stated = [number for number in ways if output.ways[number].bound is not None]
        direct = [number for number in ways if output.ways[number].bound is None]
        number = draw.choice(stated if self._transformed and stated else direct)
        return Choice(number, tuple(draw.choice(_NUMBERS) for _ in output.ways[number].parameters), 0.0)


class TransformedEntry(ShuffledEntry):
    """As ``ShuffledEntry``, with the methods that state an error, where an output has one for the sizes."""

    _owned = _DRAWN_TRANSFORMED
    _transformed = True
