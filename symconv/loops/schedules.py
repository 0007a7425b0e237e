"""Schedules: which directives a kernel gets by default."""

from __future__ import annotations

from symconv.loops.directives import Directive, Unroll, apply_all
from symconv.loops.ir import Const, For, Kernel
from symconv.loops.splitting import SplitReduction, splittable
from symconv.loops.traverse import expressions
from symconv.options import Options

__all__ = ["default_schedule", "scheduled"]

_PHASES = 16


def scheduled(kernel: Kernel, options: Options) -> Kernel:
    """The kernel under its default schedule."""
    return apply_all(kernel, default_schedule(kernel, options))


def default_schedule(kernel: Kernel, options: Options) -> tuple[Directive, ...]:
    """Phases with few combinations are unrolled into constants; sums into few cells are cut into parts."""
    counts: dict[str, int] = {}
    # With run-time sizes the phases stay a loop: a quarter of the code to compile, and as fast.
    for nest in kernel.nests if options.sizes is not None else ():
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
