"""Wrong kernels on purpose: loop nests changed in one place, so that a judge can show that it notices.

A mutant is a kernel of the loop IR like any other; whoever makes kernels emits and compiles it. Each kind is one
mistake that somebody makes when gradients of sliding windows are written by hand. A mutant that runs outside its arrays
may crash, so ``isolated`` judges it in a process of its own.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from symconv.loops.ir import (
    Accumulate,
    Binary,
    Call,
    Compare,
    Const,
    Declare,
    Expr,
    FloorDiv,
    For,
    If,
    Kernel,
    Lanes,
    Let,
    Load,
    LoadLanes,
    Mod,
    Nest,
    Select,
    Splat,
    Store,
    StoreLanes,
    Update,
    Var,
)
from symconv.loops.traverse import rewrite, substitute, walk

__all__ = ["KINDS", "Mutant", "isolated", "mutants"]

KINDS = {
    "bound dropped": "one of several bounds of a loop or of a mask of lanes is forgotten",
    "guard dropped": "a condition on sizes or phases is forgotten",
    "last iteration lost": "a loop ends one early: the remainder of a size is dropped",
    "first iteration lost": "a loop starts one late",
    "rounded down": "a quotient that must be rounded up is rounded down",
    "stride and dilation exchanged": "the factors of output and tap change places",
    "factor forgotten": "a stride or a dilation is taken as 1",
    "pad off by one": "an element next to the right one is read",
    "phases exchanged": "the tap a residue class starts at belongs to the class across",
    "phase lost": "one residue class is left out",
    "slope and modulus exchanged": "the steps of taps and outputs inside a phase change places",
    "flip": "an axis is run through backwards: a flip lost, or one too many",
    "axes exchanged": "two neighbouring axes of an array change places",
    "group forgotten": "every group reads or writes the first group's channels",
    "sign turned": "contributions are subtracted",
    "sum overwritten": "the last contribution replaces the sum",
    "sum not started at zero": "an accumulator starts at one",
    "factor of the chain rule lost": "one factor of a product of reals is dropped",
    "slope lost": "a function in the derivative is dropped",
    "piece lost": "one loop nest is left out: a border piece, or the remainder of a tile",
}
"""The mistakes, each in one sentence."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A kernel with one mistake; ``place`` says where, as nest and ordinal of the changed node."""

    kind: str
    place: str
    kernel: Kernel


def mutants(kernel: Kernel, most: int = 2) -> tuple[Mutant, ...]:
    """At most ``most`` mutants of each kind, spread over the places the kernel offers; none equals the kernel.

    >>> from symconv.loops.ir import Buffer, Load, Nest, Store
    >>> x, y = Buffer("x", ((Const(Fraction(4)),),), "in"), Buffer("y", ((Const(Fraction(4)),),), "out")
    >>> copy = Nest("i", Const(Fraction(4)), (Store("y", (Var("i"),), Load("x", (Var("i"),))),))
    >>> [mutant.kind for mutant in mutants(Kernel("copy", (x, y), (), (), (copy,)), 1)]
    ['pad off by one', 'flip']
    """
    found: list[Mutant] = []
    for kind in KINDS:
        every = [m for m in _every(kernel, kind) if m.kernel != kernel]
        distinct = list({m.kernel: m for m in every}.values())
        step = max(1, len(distinct) // most)
        found += distinct[::step][:most]
    return tuple(found)


def _every(kernel: Kernel, kind: str) -> Iterator[Mutant]:
    if kind == "piece lost":
        if len(kernel.nests) > 1:
            for at in range(len(kernel.nests)):
                nests = kernel.nests[:at] + kernel.nests[at + 1 :]
                yield Mutant(kind, f"nest {at}", replace(kernel, nests=nests))
        return
    for at, nest in enumerate(kernel.nests):
        for place, changed in _places(kernel, nest, kind):
            nests = (*kernel.nests[:at], changed, *kernel.nests[at + 1 :])
            yield Mutant(kind, f"nest {at}, {place}", replace(kernel, nests=nests))


def _places(kernel: Kernel, nest: Nest, kind: str) -> Iterator[tuple[str, Nest]]:
    """Every way to make one mistake of a kind in one nest."""
    ordinal = -1

    def count(node: Any) -> Any:
        nonlocal ordinal
        ordinal += 1
        options.extend((ordinal, node, new) for new in _mistakes(kernel, node, kind))
        return node

    options: list[tuple[int, Any, Any]] = []
    rewrite(nest, count)
    for wanted, node, new in options:
        ordinal = -1

        def swap(old: Any, wanted: int = wanted, new: Any = new) -> Any:
            nonlocal ordinal
            ordinal += 1
            return new if ordinal == wanted else old

        changed = rewrite(nest, swap)
        yield f"{type(node).__name__} {wanted}", changed


def _mistakes(kernel: Kernel, node: Any, kind: str) -> Iterator[Any]:
    match kind:
        case "bound dropped" | "last iteration lost" | "first iteration lost" | "phase lost":
            yield from _loop_mistakes(node, kind)
        case "stride and dilation exchanged" | "factor forgotten" | "pad off by one" | "flip" | "axes exchanged":
            yield from _access_mistakes(kernel, node, kind)
        case "group forgotten":
            yield from _access_mistakes(kernel, node, kind)
        case "guard dropped" | "rounded down" | "phases exchanged" | "slope and modulus exchanged":
            yield from _phase_mistakes(node, kind)
        case _:
            yield from _sum_mistakes(node, kind)


def _const(value: int) -> Const:
    return Const(Fraction(value))


def _loop_mistakes(node: Any, kind: str) -> Iterator[Any]:
    match kind, node:
        case "bound dropped", For(_, lower, upper) | Lanes(lower, upper):
            for other in _without_one(lower, "max"):
                yield replace(node, lower=other)
            for other in _without_one(upper, "min"):
                yield replace(node, upper=other)
        case "last iteration lost", For(_, _, upper, _, step, mode) if mode != "phase":
            yield replace(node, upper=Binary("-", upper, _const(step)))
        case "first iteration lost", For(_, lower, _, _, step, mode) if mode != "phase":
            yield replace(node, lower=Binary("+", lower, _const(step)))
        case "phase lost", For(_, lower, upper, _, step, "phase"):
            yield replace(node, lower=Binary("+", lower, _const(step)))
            yield replace(node, upper=Binary("-", upper, _const(step)))


def _without_one(bound: Expr, op: str) -> Iterator[Expr]:
    """The bound with one operand of its maximum or minimum left out."""
    match bound:
        case Binary(found, left, right) if found == op:
            yield from (left, right)
            yield from (replace(bound, left=other) for other in _without_one(left, op))
            yield from (replace(bound, right=other) for other in _without_one(right, op))
        case Binary("-" | "+", left, _):
            yield from (replace(bound, left=other) for other in _without_one(left, op))


def _phase_mistakes(node: Any, kind: str) -> Iterator[Any]:
    match kind, node:
        case "guard dropped", If():
            yield replace(node, condition=_const(1))
        case "rounded down", FloorDiv(Binary("+", value, Const(up)), divisor) if up == divisor - 1:
            yield FloorDiv(value, divisor)
        case "rounded down", Binary("//", Binary("-", Binary("+", value, width), Const(1)), divisor) if (
            width == divisor
        ):
            yield Binary("//", value, divisor)
        case "phases exchanged", For(name, lower, upper, body, step, "phase"):
            across = Binary("-", Binary("+", lower, Binary("-", upper, _const(1))), Var(name))
            lets = tuple(
                substitute(s, {name: across}) if isinstance(s, Let) and isinstance(s.value, Mod) else s for s in body
            )
            yield For(name, lower, upper, lets, step, "phase")
        case "slope and modulus exchanged", Let(_, FloorDiv(Binary("-", one, Binary("*", Const(slope), tap)), modulus)):
            if slope != modulus and slope >= 1:
                swapped = Binary("-", one, Binary("*", _const(modulus), tap))
                yield replace(node, value=FloorDiv(swapped, int(slope)))


def _access_mistakes(kernel: Kernel, node: Any, kind: str) -> Iterator[Any]:
    if not isinstance(node, Load | LoadLanes | Store | StoreLanes | Accumulate):
        return
    if kind == "group forgotten":
        yield from _ungrouped(kernel, node)
        return
    if kind == "axes exchanged":
        for at in range(len(node.index) - 1):
            one, other = node.index[at : at + 2]
            if one != other:
                yield replace(node, index=(*node.index[:at], other, one, *node.index[at + 2 :]))
        return
    for at, form in enumerate(node.index):
        for new in _form_mistakes(kernel, node, at, kind):
            if new != form:
                yield replace(node, index=(*node.index[:at], new, *node.index[at + 1 :]))


def _form_mistakes(kernel: Kernel, node: Any, at: int, kind: str) -> Iterator[Expr]:
    form = node.index[at]
    match kind:
        case "pad off by one":
            yield Binary("+", form, _const(1))
            yield Binary("-", form, _const(1))
        case "flip":
            # Lanes that run on would leave the array at once.
            if not (isinstance(node, LoadLanes | StoreLanes) and at + 1 == len(node.index)):
                size = kernel.buffer(node.buffer).sizes[at]
                yield Binary("-", Binary("-", size, _const(1)), form)
        case "factor forgotten":
            for part in walk(form):
                match part:
                    case Binary("*", Const(factor), inner) if factor > 1:
                        yield _replaced(form, part, inner)
        case _:
            yield from _exchanged(form)


def _exchanged(form: Expr) -> Iterator[Expr]:
    """``a·u ± b·v`` becomes ``b·u ± a·v``."""
    for part in walk(form):
        match part:
            case Binary("+" | "-", left, right) if not isinstance(right, Const):
                for term in (left, *_last(left)):
                    (a, u), (b, v) = _scaled(term), _scaled(right)
                    if a != b:
                        swapped = replace(part, left=_replaced(left, term, _times(b, u)), right=_times(a, v))
                        yield _replaced(form, part, swapped)


def _last(expr: Expr) -> Iterator[Expr]:
    match expr:
        case Binary("+" | "-", left, right) if not isinstance(right, Const):
            yield right
            yield from _last(left)
        case Binary("+" | "-", left, _):
            yield left


def _scaled(term: Expr) -> tuple[int, Expr]:
    match term:
        case Binary("*", Const(factor), inner):
            return int(factor), inner
    return 1, term


def _times(factor: int, term: Expr) -> Expr:
    return Binary("*", _const(factor), term)


def _replaced(root: Expr, old: Expr, new: Expr) -> Expr:
    result: Expr = rewrite(root, lambda node: new if node == old else node)
    return result


def _ungrouped(kernel: Kernel, node: Any) -> Iterator[Any]:
    position = 0
    for axis in kernel.buffer(node.buffer).axes:
        if len(axis) > 1 and node.index[position] != _const(0):
            yield replace(node, index=(*node.index[:position], _const(0), *node.index[position + 1 :]))
        position += len(axis)


def _sum_mistakes(node: Any, kind: str) -> Iterator[Any]:
    match kind, node:
        case "sign turned", Update(_, "+") | Accumulate(_, _, "+"):
            yield replace(node, op="-")
        case "sum overwritten", Update(_, "+", value, mask) if not mask:
            yield replace(node, op="=", value=value)
        case "sum overwritten", Accumulate(_, _, "+") | StoreLanes(_, _, _, _, "+"):
            yield replace(node, op="=")
        case "sum not started at zero", Declare(_, Const(0, True)):
            yield replace(node, value=Const(Fraction(1), True))
        case "sum not started at zero", Declare(_, Splat(Const(0, True))):
            yield replace(node, value=Splat(Const(Fraction(1), True)))
        case "factor of the chain rule lost", Update(_, _, Binary("*", left, right)):
            yield from (replace(node, value=left), replace(node, value=right))
        case "slope lost", Call(function, (argument,)) if function != "neg":
            yield argument
        case "slope lost", Select(Compare() as condition, yes, no):
            yield Select(condition, no, yes)


def isolated(judged: Callable[[], bool], seconds: float = 60.0) -> str:
    """What a judgement answers in a process of its own: ``passed``, ``rejected``, ``crashed`` or ``hung``.

    Whatever ends that process is no pass. POSIX only; the caller has started no threads.

    >>> isolated(lambda: True), isolated(lambda: 1 // 0 == 0)
    ('passed', 'crashed')
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 2
        try:
            os.close(reading)
            # What a crash prints is no news.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            status = 0 if judged() else 1
        finally:
            os.write(writing, b".")
            os._exit(status)
    os.close(writing)
    try:
        ready, _, _ = select.select([reading], [], [], seconds)
        if not ready:
            os.kill(child, signal.SIGKILL)
    finally:
        os.close(reading)
    _, ended = _wait(child)
    if not ready:
        return "hung"
    if os.WIFEXITED(ended):
        return {0: "passed", 1: "rejected"}.get(os.WEXITSTATUS(ended), "crashed")
    return "crashed"


def _wait(child: int) -> tuple[int, int]:
    """The child's status; it has answered or been killed, so it ends soon."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        done = os.waitpid(child, os.WNOHANG)
        if done[0]:
            return done
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)
