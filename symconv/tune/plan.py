"""The plan of a call: for each output which candidate runs, and with which numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from symconv.errors import InternalError
from symconv.tune import abreast, across, dot, masked, outer, stencil, winograd
from symconv.tune.counts import Counts, Parts, counts, possible
from symconv.tune.facts import Facts
from symconv.tune.grid import Array
from symconv.tune.machine import Machine, Vectors, caches, cores, counted_on
from symconv.tune.shares import parts, spread

__all__ = ["Choice", "machine_of", "plan", "ranked"]


@dataclass(frozen=True, slots=True)
class Choice:
    """One candidate and the numbers it runs with, in the order of its facts' ``parameters``.

    ``cycles`` is what the model expects; ``workspace`` is an estimate of bytes, all threads together. ``uncut`` are the
    numbers of one thread, of which the same bits come in the memory that every core has; None where they are not known.
    """

    candidate: int
    parameters: tuple[int, ...]
    cycles: float
    workspace: int = 0
    uncut: tuple[int, ...] | None = None

    @property
    def whole(self) -> Choice:
        """The same candidate with the numbers of one thread."""
        return self if self.uncut is None else replace(self, parameters=self.uncut)


_ENOUGH = 8
"""Parts that keep a few threads busy."""
_FEW = 0.03
"""What plans with fewer parts may cost less."""
_WAITING = 0.02
"""What a plan that keeps one thread of two idle may cost less. Work that is not shared takes twice as long, but one
thread pays for finer cuts: of 0, 0.02 and 0.07 this lost least over layers of few boxes, with one and with two.
"""


def plan(
    facts: tuple[tuple[Facts, ...], ...],
    sizes: Mapping[str, int],
    isa: Vectors,
    itemsize: int,
    limit: int | None = None,
    threads: int = 1,
) -> tuple[Choice, ...]:
    """The choice for each output that the cost model likes best, from the facts of each output's candidates.

    ``limit`` bounds the workspace in bytes; the masked candidate needs none. Which candidate runs and in which order it
    adds does not depend on ``threads``; how finely cells and rows are cut does. So what runs is chosen to fit the limit
    on every core of the machine; more threads than cores may run only where they fit it, too. Raises
    :class:`InternalError` where facts do not fit the sizes.
    """
    return tuple(ranked(candidates, sizes, isa, itemsize, limit, threads, 1)[0] for candidates in facts)


def ranked(
    candidates: tuple[Facts, ...],
    sizes: Mapping[str, int],
    isa: Vectors,
    itemsize: int,
    limit: int | None = None,
    threads: int = 1,
    most: int = 8,
) -> tuple[Choice, ...]:
    """Up to ``most`` choices for one output, the best first and of different kinds: what is worth measuring."""
    machine = machine_of(isa, itemsize)
    counted = {k: counts(facts, sizes) for k, facts in enumerate(candidates) if possible(facts, sizes, machine.lanes)}
    found: list[Choice] = []
    for _, number in sorted((_bound(n, machine), number) for number, n in counted.items()):
        best = sorted(choice.cycles for choice in found)[:most]
        if len(best) == most and _bound(counted[number], machine) > best[-1]:
            break
        found.extend(_choices(number, counted[number], machine, limit, threads, most))
    if not found:
        raise InternalError("no candidate fits these sizes and this workspace: one that needs none was expected")
    return tuple(sorted(found, key=lambda choice: choice.cycles)[:most])


def machine_of(isa: Vectors, itemsize: int) -> Machine:
    """The target as elements of ``itemsize`` bytes see it."""
    return Machine(isa.vector_bytes // itemsize, isa.vector_bytes, isa.registers, counted_on(caches()))


_MODELS = {
    "outer": outer,
    "dot": dot,
    "across": across,
    "abreast": abreast,
    "stencil": stencil,
    "stencil dot": stencil,
    "winograd": winograd,
}


def _bound(n: Counts, machine: Machine) -> float:
    model = _MODELS.get(n.facts.scheme)
    return 0.0 if model is None else float(model.bound(n, machine))


def _choices(number: int, n: Counts, machine: Machine, limit: int | None, threads: int, most: int) -> list[Choice]:
    if n.facts.scheme == "masked":
        return [Choice(number, (), float(_total(masked.cycles(n, machine))[0]))]
    if n.facts.scheme not in _MODELS:
        raise InternalError(f"{n.facts.label}: no cost model for the scheme {n.facts.scheme}")
    model = _MODELS[n.facts.scheme]
    if min(n.rows, n.planes, n.groups, n.columns, *(axis.extent for axis in n.axes)) < 1:
        return []
    chosen = model.numbers(n, machine)

    def taken(numbers: dict[str, Array], count: int) -> Array:
        shared, private = model.workspace(n, machine, numbers)
        bytes_: Array = shared + count * private
        return bytes_

    def cost(numbers: dict[str, Array], count: int) -> Array:
        total = _total(model.cycles(n, machine, numbers))
        return total if limit is None else np.where(taken(numbers, count) > limit, np.inf, total)

    # Sums follow from this choice: it fits as many threads as are of use here, however many this call has.
    total = cost(chosen, cores()) * _balance(n, chosen)
    order = np.argsort(total, kind="stable")[:40] if most > 1 else [np.argmin(total)]
    kept = [int(k) for k in order if np.isfinite(total[k])]
    few = min(threads, cores())
    found = []
    for k, numbers in _different(kept, lambda k: spread(n, chosen, k, threads, lambda one: cost(one, few)), most):
        every = int(taken(numbers, threads)[0])
        bytes_ = every if limit is None or every <= limit else int(taken(numbers, few)[0])
        uncut = _ordered(n.facts, chosen, k)
        found.append(Choice(number, _ordered(n.facts, numbers, 0), float(total[k]), bytes_, uncut))
    return found


def _total(parts: Parts) -> Array:
    total: Array = np.sum(list(parts.values()), axis=0)
    return total


def _balance(n: Counts, chosen: dict[str, Array]) -> Array:
    """More for plans of which one of two threads would wait for the other, and a little for those with few parts.

    It holds for one thread too, where what is cut decides in which order numbers are added.
    """
    if n.facts.scheme in ("outer", "across", "abreast", "winograd") and "S" not in chosen:
        return np.ones(1)
    number = parts(n, chosen)
    waiting = 2 * np.ceil(number / 2) / number - 1
    balance: Array = 1 + _WAITING * waiting + _FEW * np.maximum(0.0, 1 - number / _ENOUGH)
    return balance


def _ordered(facts: Facts, chosen: dict[str, Array], k: int) -> tuple[int, ...]:
    names = [name.rstrip("_") for name in facts.parameters]
    if unknown := [name for name in names if name not in chosen]:
        raise InternalError(f"{facts.label}: no number of a plan is called {unknown[0]}")
    return tuple(int(chosen[name][k]) for name in names)


def _different(
    order: list[int], numbers: Callable[[int], dict[str, Array]], most: int
) -> list[tuple[int, dict[str, Array]]]:
    """The best of the order and the numbers each runs with, leaving out what differs from a better one by less than a
    tenth in every number."""
    kept: list[tuple[int, dict[str, Array]]] = []
    for k in order:
        one = numbers(k)
        if not any(all(abs(one[a] - other[a]) < 0.1 * other[a] for a in one) for _, other in kept):
            kept.append((k, one))
        if len(kept) == most:
            break
    return kept
