"""Which statements of a kernel store a cell: seen by running its loop nests on the numbers of the example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

from symconv.loops.interpret import evaluate
from symconv.loops.ir import LANES, For, Kernel, Let, Stmt, Store, StoreLanes, StoreReduced, StoreZip
from symconv.loops.ir import Accumulate as Add
from symconv.loops.lanewise import WIDTH
from symconv.loops.memory import Meter, Room
from symconv.loops.run import Action, Run, Scope

__all__ = ["Path", "Trace", "Visit", "traced"]

Path = tuple[int, ...]
_MOST = 400_000
"""Statements that a run may take: a second or two."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A statement that stores a cell: its place (nest, then position in each block) and the numbers in force there."""

    path: Path
    scope: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """The visits to each cell of what is stored, by buffer, in order and each statement once; and what the cells of the
    result hold in the end."""

    visits: Mapping[str, Mapping[int, tuple[Visit, ...]]]
    values: tuple[Any, ...]


@dataclass(slots=True)
class _Watched(Run):
    """A run that knows which statement stores."""

    path: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    now: Path = ()
    scope: Scope = field(default_factory=dict)
    known: tuple[str, ...] = ()

    def block(self, body: tuple[Stmt, ...]) -> Action:
        actions, spend, count, named = [], self.meter.spend, len(body), len(self.names)
        for number, statement in enumerate(body):
            self.path.append(number)
            if isinstance(statement, For):
                self.names.append(statement.var)
            actions.append(self._watching(statement, self.action(statement)))
            if isinstance(statement, For):
                self.names.pop()
            if isinstance(statement, Let):
                self.names.append(statement.name)
            self.path.pop()
        del self.names[named:]

        def act(scope: Scope) -> None:
            spend(count)
            for action in actions:
                action(scope)

        return act

    def _watching(self, statement: Stmt, action: Action) -> Action:
        if not isinstance(statement, Store | Add | StoreLanes | StoreZip | StoreReduced):
            return action
        path, known = tuple(self.path), tuple(self.names)

        def act(scope: Scope) -> None:
            self.now, self.scope, self.known = path, scope, known
            action(scope)

        return act


@dataclass(slots=True)
class _Seen(Room):
    """Memory that keeps who stores each of its cells."""

    run: _Watched | None = None
    visits: dict[int, dict[Path, Visit]] = field(default_factory=dict)

    def write(self, at: int, value: Any) -> None:
        run = self.run
        if run is not None and run.now not in (mine := self.visits.setdefault(at, {})):
            numbers = tuple((name, run.scope[name]) for name in run.known if isinstance(run.scope.get(name), int))
            mine[run.now] = Visit(run.now, numbers)
        Room.write(self, at, value)


def traced(kernel: Kernel, arrays: Mapping[str, tuple[tuple[int, ...], list[Any]]]) -> Trace:
    """Run a kernel that takes no numbers of a plan on ``name -> (shape, row-major values)``.

    Raises OverrunError where that takes too many statements, and what ``interpret`` raises.
    """
    scope: Scope = {LANES: WIDTH} | {
        f"{name}_dim{axis}": length for name, (shape, _) in arrays.items() for axis, length in enumerate(shape)
    }
    for size in (*kernel.sizes, *kernel.layout):
        scope[size.name] = evaluate(size.value, scope)
    run = _Watched(Meter(_MOST))
    for buffer in kernel.buffers:
        shape = tuple(evaluate(size, scope) for size in buffer.sizes)
        values = arrays[buffer.name][1] if buffer.role == "in" else [None] * prod(shape)
        slack = evaluate(buffer.slack, scope)
        if buffer.role in {"out", "workspace"}:
            run.rooms[buffer.name] = _Seen(kernel.name, buffer, shape, slack, run.meter, values, run=run)
        else:
            run.rooms[buffer.name] = Room(kernel.name, buffer, shape, slack, run.meter, values)
    for number, nest in enumerate(kernel.nests):
        run.path, run.names = [number], [nest.var]
        body = run.block(nest.body)
        for value in range(evaluate(nest.extent, scope)):
            for room in run.rooms.values():
                if room.buffer.role == "private":
                    room.values = room.fresh()
            scope[nest.var] = value
            body(dict(scope))
    seen = {name: room.visits for name, room in run.rooms.items() if isinstance(room, _Seen)}
    visits = {name: {at: tuple(mine.values()) for at, mine in found.items()} for name, found in seen.items()}
    return Trace(visits, tuple(run.rooms[kernel.result.name].values))
