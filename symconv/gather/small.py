"""The small steps within the steps of a derivation: the chain rule written out, and the way from relation to loops."""

from __future__ import annotations

from functools import lru_cache

from symconv.derive.borders import resolve_borders
from symconv.gather.chain import chained
from symconv.gather.derivation import Derivation
from symconv.gather.solution import Solved
from symconv.gather.unfold import unfolded
from symconv.notation.operator import Operator
from symconv.notation.trace import Step, Trace

__all__ = ["small_steps"]


@lru_cache(maxsize=256)
def small_steps(derivation: Derivation) -> tuple[Trace, ...]:
    """For each step of a derivation the small steps it is made of, none for most.

    Each is checked where there is something to check it with, and says in ``check`` how. They are made when somebody
    looks: kernels do not need them. Raises InternalError where a check fails.

    >>> import symconv as sc
    >>> found = sc.derive(sc.conv1d(stride=2), "x").derivation
    >>> [(step.rule, len(parts)) for step, parts in zip(found.trace, small_steps(found)) if parts]
    [('transpose', 2), ('solve', 6)]
    """
    return tuple(_parts(derivation, step) for step in derivation.trace)


def _parts(derivation: Derivation, step: Step) -> Trace:
    match step.rule, step.after:
        case "transpose", Operator() as result:
            return chained(derivation.stated, resolve_borders(derivation.stated), derivation.wrt, result)
        case "solve", Solved() as solved:
            return unfolded(derivation.operator, solved)
    return ()
