"""The memory of an interpreted run: what each element holds, which iteration touched it, what must not be depended
on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from symconv.errors import InternalError
from symconv.loops.ir import Buffer

__all__ = ["Junk", "Meter", "OverrunError", "Room"]


@dataclass(frozen=True, slots=True)
class Junk:
    """What memory holds where nothing was stored: a number that may be computed with, but nothing may depend on it."""

    place: str

    def refuse(self, use: str) -> InternalError:
        """The error of a result that depends on it."""
        return InternalError(f"{self.place} before anything is stored there, and {use}")


class OverrunError(Exception):
    """A run takes more statements than it may."""


@dataclass(slots=True)
class Meter:
    """How many statements were carried out, and the ``turn`` that runs: 0, or 1 more than the iteration of a parallel
    loop."""

    budget: int | None = None
    spent: int = 0
    turn: int = 0

    def spend(self, statements: int) -> None:
        """Count statements; raises OverrunError where there were more than allowed."""
        self.spent += statements
        if self.budget is not None and self.spent > self.budget:
            raise OverrunError


@dataclass(slots=True)
class Room:
    """One buffer of a run.

    ``shape`` are its logical sizes; ``groups`` the logical axes that are indexed together (first axis, how many, the
    positions they have). ``touched`` and ``stored`` are the iterations that read and wrote a cell.
    """

    kernel: str
    buffer: Buffer
    shape: tuple[int, ...]
    slack: int
    meter: Meter
    values: list[Any] = field(default_factory=list)
    touched: dict[int, set[int]] = field(default_factory=dict)
    stored: dict[int, int] = field(default_factory=dict)
    groups: tuple[tuple[int, int, int], ...] = ()

    def __post_init__(self) -> None:
        self.groups = tuple(self._groups())
        self.values = self.values or self.fresh()

    def _groups(self) -> list[tuple[int, int, int]]:
        lengths = [len(axis) for axis in self.buffer.axes]
        apart = len(lengths) - self.buffer.flat
        together = [*lengths[:apart], sum(lengths[apart:])] if self.buffer.flat else lengths
        groups, start = [], 0
        for count in together:
            if count:
                groups.append((start, count, prod(self.shape[start : start + count])))
            start += count
        return groups

    def fresh(self) -> list[Any]:
        """Elements that hold nothing."""
        return [None] * prod(self.shape)

    def begin(self) -> None:
        """What iterations did before counts no longer."""
        self.touched, self.stored = {}, {}

    def address(self, index: Sequence[int]) -> int:
        """How far an element lies from the first, wherever that is."""
        at = 0
        for position, length in zip(index, self.shape, strict=True):
            at = at * length + position
        return at

    def within(self, index: Sequence[int], shift: int = 0) -> int:
        """The address of the element ``shift`` behind an index; raises InternalError where it leaves its axes."""
        at = 0
        for number, (start, count, length) in enumerate(self.groups):
            place = index[start]
            for axis in range(start + 1, start + count):
                place = place * self.shape[axis] + index[axis]
            last = number + 1 == len(self.groups)
            place += shift if last else 0
            if not 0 <= place < length and not (last and place >= length and self.spare(at * length + place)):
                raise InternalError(
                    f"{self.kernel}: {self.buffer.name} is indexed at {place} outside 0 <= index < {length}"
                )
            at = at * length + place
        return at

    def behind(self, index: Sequence[int], distance: Any, shift: int = 0) -> int:
        """The address ``distance`` elements behind an index; raises InternalError where it leaves the buffer."""
        if isinstance(distance, Junk):
            raise distance.refuse(f"{self.buffer.name} is read so many elements further")
        at = self.address(index) + int(distance) + shift
        if not 0 <= at < len(self.values) and not self.spare(at):
            raise InternalError(
                f"{self.kernel}: {self.buffer.name} is indexed at {at} outside 0 <= address < {len(self.values)}"
            )
        return at

    def spare(self, at: int) -> bool:
        """Whether an address is behind the last element, where it may be touched but means nothing."""
        return len(self.values) <= at < len(self.values) + self.slack

    def read(self, at: int) -> Any:
        """An element; raises InternalError where an output holds nothing yet, or another iteration stores it."""
        if at >= len(self.values):
            return Junk(f"{self.buffer.name} is read at {at}, behind its end,")
        value = self.values[at]
        if self.meter.turn and self.buffer.role in {"out", "workspace"}:
            self.touched.setdefault(at, set()).add(self.meter.turn)
            self._alone(at, {self.stored.get(at, self.meter.turn)})
        if value is None:
            nothing = Junk(f"{self.buffer.name} is read at {at}")
            if self.buffer.role == "out":
                raise nothing.refuse("it is a result")
            return nothing
        return value

    def old(self, at: int) -> Any:
        """An element that is combined with another; raises InternalError where an output holds nothing yet."""
        if at >= len(self.values) or (self.values[at] is None and self.buffer.role != "out"):
            return Junk(f"{self.buffer.name} is combined at {at}")
        if self.values[at] is None:
            raise InternalError(f"{self.buffer.name} is combined at {at} before it is stored")
        return self.values[at]

    def write(self, at: int, value: Any) -> None:
        """Store an element; raises InternalError where another iteration of a parallel loop touches it, or an output
        takes what was never stored."""
        if at >= len(self.values):
            return
        if isinstance(value, Junk) and self.buffer.role == "out":
            raise value.refuse(f"{self.buffer.name} depends on it at {at}")
        self.values[at] = value
        if self.meter.turn and self.buffer.role != "private":
            self._alone(at, {self.stored.get(at, self.meter.turn), *self.touched.get(at, ())})
            self.stored[at] = self.meter.turn

    def _alone(self, at: int, turns: set[int]) -> None:
        if turns - {self.meter.turn}:
            raise InternalError(
                f"{self.buffer.name} is touched at {at} by two iterations of a parallel loop, and written by one"
            )
