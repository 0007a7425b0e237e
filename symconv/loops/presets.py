"""Presets: the candidate that is always legal and needs no numbers, and the directives it is made with."""

from __future__ import annotations

from symconv.gather.solution import Gather
from symconv.loops.candidate import Candidate
from symconv.loops.directives import Directive, Unroll, apply_all
from symconv.loops.ir import Const, For, Kernel
from symconv.loops.lower import lower
from symconv.loops.schedule import Schedule
from symconv.loops.splitting import SplitReduction, splittable
from symconv.loops.traverse import expressions

__all__ = ["default_schedule", "direct"]

_PHASES = 16


def direct(gather: Gather, name: str, sizes: dict[str, int] | None, itemsize: int) -> Candidate:
    """Every sum where its cell is, in masked lanes: legal for every operator and size.

    ``sizes`` specialise the kernel; ``itemsize`` is the bytes of an element.
    """
    kernel = lower(gather, name, sizes, itemsize)
    directives = default_schedule(kernel, sizes is not None)
    return Candidate(gather, Schedule("direct", directives), apply_all(kernel, directives))


def default_schedule(kernel: Kernel, fixed: bool) -> tuple[Directive, ...]:
    """Phases with few combinations are unrolled into constants; sums into few cells are cut into parts.

    ``fixed`` says that the kernel is specialised to sizes.
    """
    counts: dict[str, int] = {}
    # With run-time sizes the phases stay a loop: a quarter of the code to compile, and as fast.
    for nest in kernel.nests if fixed else ():
        for node in expressions(nest.body):
            match node:
                case For(name, Const(lower), Const(upper), _, step, "phase"):
                    counts[name] = max(counts.get(name, 0), len(range(int(lower), int(upper), step)))
    directives: list[Directive] = []
    total = 1
    for name, count in sorted(counts.items(), key=lambda item: item[1]):
        total *= count
        if total <= _PHASES:
            directives.append(Unroll(name, _PHASES))
    cuts = [SplitReduction(k) for k, nest in enumerate(kernel.nests) if splittable(nest) and not nest.minor]
    # From the last on: a split nest becomes several.
    return (*directives, *reversed(cuts))
