"""Schedules: which directives a kernel gets by default."""

from __future__ import annotations

from symconv.loops.directives import Directive, Unroll, apply_all
from symconv.loops.ir import Const, For, Kernel, expressions
from symconv.options import Options

__all__ = ["default_schedule", "scheduled"]

_PHASES = 16


def scheduled(kernel: Kernel, options: Options) -> Kernel:
    """The kernel under its default schedule."""
    return apply_all(kernel, default_schedule(kernel, options))


def default_schedule(kernel: Kernel, options: Options) -> tuple[Directive, ...]:
    """Phase loops are unrolled while their combinations stay few: the values a phase fixes become constants."""
    counts: dict[str, int] = {}
    for nest in kernel.nests:
        for node in expressions(nest.body):
            match node:
                case For(name, Const(lower), Const(upper), _, step, "phase"):
                    counts[name] = max(counts.get(name, 0), len(range(int(lower), int(upper), step)))
    directives, total = [], 1
    for name, count in sorted(counts.items(), key=lambda item: item[1]):
        total *= count
        if total <= _PHASES:
            directives.append(Unroll(name, _PHASES))
    return tuple(directives)
