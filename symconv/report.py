"""What a kernel has chosen, for people: the ways to compute each output, and the plan of every size it knows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from symconv.entry import Entry, Plan
from symconv.workspace import shown_bytes

__all__ = ["Report", "reported"]


@dataclass(frozen=True, slots=True)
class Report:
    """``algorithm`` is the method of each output in one line; ``plans`` are those known, the last used first."""

    algorithm: str
    lines: tuple[str, ...]
    plans: tuple[Plan, ...] = ()

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def __repr__(self) -> str:
        return f"<schedule: {self.lines[0]}{' ...' if len(self.lines) > 1 else ''}>"


def reported(entries: Iterable[Entry]) -> Report:
    """The report on a kernel's entries."""
    known = tuple(entries)
    outputs = [output for entry in known for output in entry.outputs]
    if not outputs:
        return Report("given", ("given: a module that says nothing of how it was made",))
    plans = tuple(plan for entry in known for plan in entry.plans())
    lines = [f"{o.name}: {_listed(tuple(dict.fromkeys(way.name for way in o.ways)))}" for o in outputs]
    latest = {plan.output: plan for plan in reversed(plans)}
    told = [o for o in outputs if not o.stage or len(o.ways) > 1]
    said = ", ".join(f"{o.name}: {latest[o.name].way if o.name in latest else o.ways[0].name}" for o in told)
    ways = {way.name for output in outputs for way in output.ways}
    algorithm = next(iter(ways)) if len(ways) == 1 else said if latest else "chosen for the sizes of a call"
    return Report(algorithm, (*lines, *(_line(plan) for plan in plans)), plans)


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"for the sizes of a call one of {', '.join(names)}"


def _line(plan: Plan) -> str:
    sizes = " ".join(f"{name}={size}" for name, size in plan.sizes)
    numbers = " ".join(f"{name.rstrip('_')}={number}" for name, number in plan.numbers)
    bound = "" if plan.bound is None else f", error at most {plan.bound:.1e}"
    memory = f"workspace {shown_bytes(plan.nbytes)}"
    return f"  {plan.output} at {sizes}: {plan.way}{f' with {numbers}' if numbers else ''}, {memory}{bound}"
