"""Choices within the limit of memory, as the module itself counts it: the model only estimates."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symconv.tune.plan import Choice

__all__ = ["fitted"]


def fitted(
    choices: Sequence[Choice],
    taken: Callable[[tuple[Choice, ...], int, int], int],
    limit: int,
    cores: int,
    threads: int,
) -> tuple[Choice, ...]:
    """The choices, the first candidate instead of those that take more than ``limit`` bytes.

    ``taken(choices, place, threads)`` is what the output at a place takes. A choice gives way to its uncut numbers
    where only they fit ``threads``. Whether it gives way to the first candidate, whose sums are others, is asked with
    all uncut numbers and of ``cores``, so that the answer does not depend on ``threads``, of which there are no more.

    >>> def taken(choices, place, threads):
    ...     return threads * choices[place].parameters[0]
    >>> fitted([Choice(1, (9,), 1.0, uncut=(5,))], taken, 10, 2, 1)[0].parameters
    (9,)
    >>> fitted([Choice(1, (9,), 1.0, uncut=(5,))], taken, 10, 2, 2)[0].parameters
    (5,)
    >>> fitted([Choice(1, (3,), 1.0, uncut=(6,))], taken, 10, 2, 1)[0].candidate
    0
    """
    found = tuple(choice.whole for choice in choices)
    for place in reversed(range(len(found))):
        if found[place].candidate and taken(found, place, cores) > limit:
            found = _with(found, place, Choice(0, (), found[place].cycles))
    for place, choice in enumerate(choices):
        if choice.candidate and found[place].candidate and choice.parameters != found[place].parameters:
            cut = _with(found, place, choice)
            found = cut if taken(cut, place, threads) <= limit else found
    return found


def _with(choices: tuple[Choice, ...], place: int, one: Choice) -> tuple[Choice, ...]:
    return tuple(one if number == place else choice for number, choice in enumerate(choices))
