"""Memory that a kernel writes: every read finds what was stored for it, in every order that threads may run in.

A read is composed with the stores that stand before it in the text. That is what it finds if each of them that touches
its cell is complete before it runs, and each write further down that touches its cell runs after it. Between nests
there is a barrier; iterations of one parallel loop have no order, so they must not touch each other's cells at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from symconv.relation.instances import meeting, repeated, uncovered
from symconv.relation.points import Instances, UnclearError
from symconv.relation.turns import runs_before, shared_cell
from symconv.validate.effects import COMBINED, STORED, Effect, parting
from symconv.validate.flow import Flow

__all__ = ["FaultError", "check_order", "check_owners", "check_reads", "check_scratch"]


class FaultError(Exception):
    """A kernel may do something else; the message says where."""


def check_scratch(flow: Flow) -> tuple[str, str] | None:
    """The buffer and a cell of it that is read and stored nowhere before; None where there is none.

    Raises FaultError where a cell has several values, UnclearError where a workspace is used in another way.
    """
    for buffer in flow.kernel.buffers:
        if buffer.role not in {"workspace", "private"} or buffer.name in flow.own:
            continue
        held = flow.buffer(buffer.name)
        if len(held.passes) > 1:
            raise UnclearError(f"{buffer.name} is computed anew from what it holds")
        if fault := _short(flow, buffer.name):
            return buffer.name, fault
        life = flow.life.get(buffer.name, ())
        stores = [e.within(life).points for e in flow.writes(buffer.name) if e.stage == STORED]
        if stores and (point := repeated(flow.context, stores)):
            raise FaultError(f"a cell of {buffer.name} is stored twice: {point}")
    return None


def _short(flow: Flow, buffer: str) -> str:
    life = flow.life.get(buffer, ())
    writes = [effect.within(life) for effect in flow.writes(buffer)]
    reads = [e.within(life) for e in flow.effects if e.buffer == buffer and e.stage is None]
    for read in dict.fromkeys(reads):
        stores = [w.points for w in writes[: read.seen] if w.stage is not None and w.stage < COMBINED]
        if point := uncovered(flow.context, [read.points], stores):
            return f"a cell of {buffer} is read before anything is stored there: {point}"
    if flow.held[buffer].parted:
        stores = [w.points for w in writes if w.stage is not None and w.stage < COMBINED]
        if point := uncovered(flow.context, stores, [read.points for read in reads]):
            return f"a part of a sum in {buffer} is not read: {point}"
    return ""


def check_order(flow: Flow) -> None:
    """No cell is stored after it was added to, and none is cleared after it was stored."""
    for buffer, writes in _written(flow):
        for late, early in product(writes, repeat=2):
            assert late.stage is not None and early.stage is not None
            if late.stage <= early.stage or late.nest > early.nest:
                continue
            if point := _overtakes(flow, late, early):
                raise FaultError(f"a cell of {buffer} is stored after it was added to: {point}")


def check_reads(flow: Flow) -> None:
    """Every write that a read is composed with is complete before it, every other one that touches its cell later."""
    for buffer, writes in _written(flow):
        life = flow.life.get(buffer, ())
        for read in dict.fromkeys(e.within(life) for e in flow.effects if e.buffer == buffer and e.stage is None):
            for number, write in enumerate(writes):
                found = read.seen is None or number < read.seen
                if found and (point := _overtakes(flow, read, write)):
                    raise FaultError(f"a cell of {buffer} is read before it is stored: {point}")
                if not found and (point := _overtakes(flow, write, read)):
                    raise FaultError(f"a cell of {buffer} is stored over before it is read: {point}")


def _overtakes(flow: Flow, one: Effect, other: Effect) -> str | None:
    """Where ``one`` runs before ``other`` and touches its cell."""
    if one.nest != other.nest:
        return meeting(flow.context, one.points, other.points) if one.nest < other.nest else None
    depth, shared = parting(one, other)
    above = one.when[depth] < other.when[depth]
    if not above and not shared:
        return None
    return runs_before(flow.context, one.points, other.points, shared, above)


def _written(flow: Flow) -> Iterator[tuple[str, list[Effect]]]:
    """What the kernel writes, with its writes in the order of the text."""
    for buffer in flow.kernel.buffers:
        if writes := flow.writes(buffer.name):
            yield buffer.name, [effect.within(flow.life.get(buffer.name, ())) for effect in writes]


def check_owners(flow: Flow) -> None:
    """No two iterations of a parallel loop touch one cell if one of them writes it."""
    groups: dict[tuple[int, str], tuple[list[Instances], list[Instances]]] = {}
    owners: dict[int, tuple[str, ...]] = {}
    for effect in flow.effects:
        # Every thread has a private buffer of its own.
        if effect.owner and flow.kernel.buffer(effect.buffer).role != "private":
            owners[effect.nest] = effect.owner
            sides = groups.setdefault((effect.nest, effect.buffer), ([], []))
            sides[effect.stage is None].append(_unflagged(flow, effect.points))
    for (nest, buffer), (writes, reads) in groups.items():
        if point := writes and shared_cell(flow.context, writes, owners[nest], reads):
            raise FaultError(f"two threads write one cell of {buffer}, or one reads what another writes: {point}")


def _unflagged(flow: Flow, points: Instances) -> Instances:
    """All of a nest runs or none of it: the tests that choose it do not matter inside."""
    flags = {f"test{k}_" for k in range(len(flow.tests))}
    return replace(points, facts=tuple(fact for fact in points.facts if not fact.names & flags))
