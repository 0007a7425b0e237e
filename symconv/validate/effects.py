"""What a kernel does to its buffers, in which order: reads and writes as instances with places in the execution.

An effect's ``when`` is a schedule as isl writes one: positions in blocks and loop variables in turn. Of two instances
the one with the smaller tuple runs first; loops that are cut among threads order nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from symconv.loops.ir import For, If, Kernel, Stmt
from symconv.loops.traverse import walk
from symconv.relation.points import Instances, Word

__all__ = ["CLEARED", "COMBINED", "STORED", "Effect", "When", "lives", "parting"]

When = tuple[tuple[int, str], ...]

CLEARED, STORED, COMBINED = range(3)
"""The stages of a write; those of later passes follow."""


@dataclass(frozen=True, slots=True)
class Effect:
    """Instances of a statement that touch a buffer; the points' image is the cell.

    ``owner`` are the loops that are cut among threads. ``stage`` grows in the order in which a cell must be written:
    cleared, stored, combined, then computed anew from what it holds; it is None for a read. A read finds what the first
    ``seen`` writes of the buffer left there, or all of them where that is None.
    """

    buffer: str
    points: Instances
    when: When
    owner: tuple[str, ...]
    stage: int | None = None
    seen: int | None = None

    @property
    def nest(self) -> int:
        """The number of the nest."""
        return self.when[0][0]

    def within(self, life: Sequence[str]) -> Effect:
        """The same on the buffer of one turn of the loops ``life``: their variables choose the cell, too."""
        image = (*map(Word, life), *self.points.image)
        return replace(self, points=self.points.touching(image))


def parting(one: Effect, other: Effect) -> tuple[int, tuple[str, ...]]:
    """Where two schedules part, and the loops around both."""
    pairs = list(zip(one.when, other.when, strict=False))
    depth = next((k for k, (a, b) in enumerate(pairs) if a != b), len(pairs) - 1)
    return depth, tuple(name for _, name in one.when[:depth] if name)


def lives(kernel: Kernel, nests: Mapping[int, tuple[tuple[str, ...], tuple[Stmt, ...]]]) -> dict[str, tuple[str, ...]]:
    """The loops around everything that touches a workspace: what it holds is forgotten with each turn of them.

    ``nests`` are the names of each nest's first loops and what is in them, by number.
    """
    chains: dict[str, tuple[tuple[int, str], ...]] = {}
    for number, (names, body) in nests.items():
        for buffer, chain in _touched(body, (*((number, name) for name in names), (number, ""))):
            known = chains.get(buffer, chain)
            same = (k for k, (a, b) in enumerate(zip(known, chain, strict=False)) if a != b)
            chains[buffer] = known[: next(same, min(len(known), len(chain)))]
    own = {buffer.name for buffer in kernel.buffers if buffer.role in {"workspace", "private"}}
    return {name: tuple(loop for _, loop in chain if loop) for name, chain in chains.items() if name in own}


def _touched(body: tuple[Stmt, ...], chain: When) -> Iterator[tuple[str, When]]:
    for position, statement in enumerate(body):
        if isinstance(statement, For | If):
            name = statement.var if isinstance(statement, For) else ""
            yield from _touched(statement.body, (*chain, (position, name)))
            continue
        for node in walk(statement):
            if buffer := getattr(node, "buffer", ""):
                yield buffer, (*chain, (position, ""))
