"""Choosing by measuring: the model's best choices run in turn on this machine, and the least time of each counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from symconv.errors import InternalError
from symconv.tune.plan import Choice

__all__ = ["Measured", "Progress", "measure"]

_SAMPLE = 2e-3
"""Seconds of one sample: short runs are repeated, so that reading the clock does not count."""
_ROUNDS = 25
"""Samples of each choice at most: the least of so many is not moved by what else the machine does."""
_FEWEST = 3
"""Samples before a choice may be given up."""
_HOPELESS = 1.2
"""How much slower than the best a choice is given up."""
_GAIN = 0.98
"""The model's favourite stays unless another takes less than this much of its time: noise shall not decide."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far measuring is: of ``outputs`` outputs the ``output``-th, ``share`` of the time allowed is spent;
    ``alternatives`` are still in the race and the best of them takes ``seconds``."""

    output: int
    outputs: int
    share: float
    alternatives: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Measured:
    """The fastest choice of each output, and for each output the least seconds of every choice that was tried (a whole
    call each; infinite where the time did not suffice)."""

    choices: tuple[Choice, ...]
    seconds: tuple[tuple[float, ...], ...]


def measure(
    alternatives: Sequence[Sequence[Choice]],
    run: Callable[[tuple[Choice, ...]], object],
    limit: float = 60.0,
    report: Callable[[Progress], object] = lambda progress: None,
    clock: Callable[[], float] = time.perf_counter,
) -> Measured:
    """Measure the alternatives of each output, those of the others held at the best so far.

    ``run`` computes every output once by the choices given; ``alternatives`` list the model's favourite first. No more
    than ``limit`` seconds are spent, but for runs under way: each output may use what is left, shared evenly. Raises
    what ``run`` raises.

    >>> from symconv.tune.plan import Choice
    >>> now = [0.0]
    >>> def run(choices):
    ...     now[0] += 0.001 if choices[0].candidate == 1 else 0.003
    >>> measure([[Choice(0, (), 1.0), Choice(1, (8,), 2.0)]], run, clock=lambda: now[0]).choices[0].candidate
    1
    """
    if not all(alternatives):
        raise InternalError("an output has no plan to measure")
    current = [choices[0] for choices in alternatives]
    begin, every = clock(), []
    for number, choices in enumerate(alternatives):
        left = limit - (clock() - begin)
        until = clock() + left / (len(alternatives) - number)

        def tried(choice: Choice, place: int = number) -> object:
            return run((*current[:place], choice, *current[place + 1 :]))

        def told(race: int, best: float, place: int = number) -> None:
            share = min(1.0, (clock() - begin) / limit) if limit > 0 else 1.0
            report(Progress(place + 1, len(alternatives), share, race, best))

        seconds = _race(choices, tried, until, told, clock)
        current[number] = choices[_winner(seconds)]
        every.append(tuple(seconds))
    return Measured(tuple(current), tuple(every))


def _race(
    choices: Sequence[Choice],
    run: Callable[[Choice], object],
    until: float,
    told: Callable[[int, float], None],
    clock: Callable[[], float],
) -> list[float]:
    """The least seconds of each choice: rounds in which each that is still promising runs once, in turn."""
    least, repeats = [float("inf")] * len(choices), [1] * len(choices)
    racing = list(range(len(choices)))
    for number in range(_ROUNDS if len(choices) > 1 else 0):
        for k in racing:
            if clock() >= until:
                return least
            taken = _sample(lambda k=k: run(choices[k]), repeats[k], clock)  # type: ignore[misc]
            # The first run of all touches cold memory and tells only how often to repeat.
            least[k] = min(least[k], taken) if number or len(choices) == 1 else least[k]
            repeats[k] = max(1, min(10_000, round(_SAMPLE / max(taken, 1e-9))))
            told(len(racing), min(least))
        if number >= _FEWEST:
            racing = [k for k in racing if least[k] <= _HOPELESS * min(least)]
        if len(racing) == 1:
            break
    return least


def _sample(run: Callable[[], object], repeats: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(repeats):
        run()
    return (clock() - start) / repeats


def _winner(seconds: Sequence[float]) -> int:
    best = min(range(len(seconds)), key=seconds.__getitem__)
    return best if seconds[best] < _GAIN * seconds[0] else 0
