"""What is kept with a compiled module so that a warm start can choose: names, labels and counts, as plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symconv.errors import BuildError

if TYPE_CHECKING:
    from symconv.emit.units import Entry
    from symconv.loops.candidate import Candidate

__all__ = ["Output", "Way", "described", "outputs"]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to compute an output: its schedule's name and directives, the numbers it takes, the error it states."""

    name: str
    parameters: tuple[str, ...] = ()
    directives: tuple[str, ...] = ()
    bound: float | None = None
    facts: object = None


@dataclass(frozen=True, slots=True)
class Output:
    """What a call computes: its name, and the ways to compute it, the first of which always works.

    ``mask`` has the bits of the results for which it is computed; ``stage`` says that it is none itself.
    """

    name: str
    ways: tuple[Way, ...]
    mask: int = 0
    stage: bool = False


def described(entry: Entry) -> dict[str, object]:
    """An entry as JSON: the names of its sizes, and of each output the ways to compute it."""
    from symconv.tune.numbers import encoded

    return {
        "work": None if entry.work is None else encoded(entry.work),
        "sizes": [size.name for size in entry.kernels[0].sizes],
        "outputs": [
            {"name": ways[0].name, "ways": [_way(way) for way in ways], "mask": mask, "stage": ways in entry.stages}
            for ways, mask in zip(entry.computed, entry.masks, strict=True)
        ],
    }


def _way(candidate: Candidate) -> dict[str, object]:
    from symconv.tune.facts import Facts, to_json

    facts = candidate.facts
    return {
        "name": candidate.schedule.name,
        "parameters": list(candidate.kernel.parameters),
        "directives": [str(directive) for directive in candidate.schedule.directives],
        "bound": candidate.bound,
        "facts": to_json(facts) if isinstance(facts, Facts) else None,
    }


def outputs(meta: Mapping[str, object], entry: str) -> tuple[tuple[str, ...], tuple[Output, ...]]:
    """The names of an entry's sizes, and its outputs; nothing of a module that was given as a file.

    Raises :class:`BuildError` where what is kept was damaged.
    """
    entries = meta.get("entries")
    if not isinstance(entries, dict) or entry not in entries:
        return (), ()
    try:
        found: Any = entries[entry]
        ways = tuple(
            Output(
                str(one["name"]),
                tuple(_read(way) for way in one["ways"] or [{}]),
                int(one["mask"]),
                one["stage"] is True,
            )
            for one in found["outputs"]
        )
        return tuple(map(str, found["sizes"])), ways
    except (KeyError, TypeError, AttributeError) as error:
        raise BuildError("what is kept with a compiled kernel is damaged: `symconv cache --clear`") from error


def _read(way: dict[str, Any]) -> Way:
    bound = way["bound"]
    return Way(
        str(way["name"]),
        tuple(map(str, way["parameters"])),
        tuple(map(str, way["directives"])),
        None if bound is None else float(bound),
        way["facts"],
    )
