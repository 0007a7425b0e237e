"""The text of an entry: what it takes, what it returns, and the kernels among which a plan chooses."""

from __future__ import annotations

from typing import Any

from symconv.emit.functions import Functions, mentioned, pointer_type
from symconv.emit.nests import nest_text
from symconv.emit.printer import Printer
from symconv.emit.scratch import needed, scratch
from symconv.emit.units import ENOUGH, Entry, Unit
from symconv.errors import InternalError
from symconv.loops.arith import const, total
from symconv.loops.candidate import Candidate
from symconv.loops.ir import Binary, Buffer, Expr, Var
from symconv.loops.traverse import substitute, walk
from symconv.loops.wellformed import wellformed

__all__ = ["entry_text"]

_PLANS = 64
"""Plans that an entry remembers: layers of one operator in a network, at a few batch sizes."""
_KEY = 2
"""Numbers of a key before the sizes of a call: its hash, and whose plan it is."""


def entry_text(unit: Unit, entry: Entry, functions: Functions) -> dict[str, Any]:
    """What the template prints of an entry: its sizes, its outputs and for each of them its kernels."""
    first = entry.kernels[0]
    printer = Printer(first)
    inputs = [b for b in first.buffers if b.role == "in"]
    lengths: dict[str, Expr] = {
        f"{b.name}_dim{axis}": Var(f"{b.name}_dim[{axis}]") for b in inputs for axis in range(len(b.axes))
    }
    outputs, slot = [], 0
    for place, candidates in enumerate(entry.computed):
        told = _output(unit, entry, candidates, slot, functions)
        outputs.append(told | {"number": place - len(entry.stages), "mask": entry.masks[place]})
        slot += 1 + max(len(candidate.kernel.parameters) for candidate in candidates)
    kernels = [kernel for output in outputs for kernel in output["kernels"]]
    return {
        "name": f"{unit.name}_{entry.name}",
        "most_axes": max(1, *(len(b.axes) for k in entry.kernels for b in k.buffers)),
        "inputs": [_array(b) for b in inputs],
        "most_inputs": max(1, len(inputs)),
        "sizes": [
            {"name": s.name, "value": printer.expr(substitute(s.value, lengths)), "place": place}
            for place, s in enumerate(first.sizes, _KEY)
        ],
        "joined": _joined(entry, printer),
        "checks": [printer.expr(substitute(check, lengths)) for check in first.checks],
        "outputs": outputs,
        "results": outputs[len(entry.stages) :],
        "stages": [output | {"bytes": needed(printer, output["array"])} for output in outputs[: len(entry.stages)]],
        "kernels": kernels,
        "planned": entry.planned,
        "work": None if entry.work is None else printer.expr(entry.work),
        "enough": ENOUGH,
        "numbers": slot,
        "width": _KEY + len(first.sizes),
        "plans": _PLANS,
        "room": _PLANS * (_KEY + len(first.sizes)),
        "slots": _PLANS * slot,
        "most_kernels": max(len(output["kernels"]) for output in outputs),
        "scratch": bool(entry.stages) or any(kernel["scratch"] for kernel in kernels),
    }


def _joined(entry: Entry, printer: Printer) -> list[dict[str, Any]]:
    """Pairs of sizes that are one where others are 1: what the sizes are then, in the order in which they follow."""
    sizes = entry.kernels[0].sizes
    names = {size.name for size in sizes}
    told = []
    for pair in entry.joined:
        if names >= {pair.outer, pair.inner, *pair.ones}:
            whole = Binary("*", Var(pair.outer), Var(pair.inner))
            one, other = (pair.outer, pair.inner) if pair.stacked else (pair.inner, pair.outer)
            then: list[tuple[str, Expr]] = [(one, whole), (other, const(1))]
            # Sizes follow from sizes before them, unless an array tells them.
            for size in sizes:
                of = {node.name for node in walk(size.value) if isinstance(node, Var)}
                if of & {name for name, _ in then} and of <= names:
                    then.append((size.name, size.value))
            put = [{"name": name, "value": printer.expr(value)} for name, value in then]
            told.append({"ones": pair.ones, "sizes": put})
    return told


def _array(buffer: Buffer) -> dict[str, Any]:
    return {
        "name": buffer.name,
        "rank": len(buffer.axes),
        "most_axes": max(1, len(buffer.axes)),
        "type": "NPY_INT32" if buffer.scalar.kind == "index" else None,
    }


def _output(
    unit: Unit, entry: Entry, candidates: tuple[Candidate, ...], slot: int, functions: Functions
) -> dict[str, Any]:
    """One output: its lengths, its kernels, and where a plan holds the number of one and then its parameters."""
    first = candidates[0].kernel
    if first.parameters or candidates[0].checked:
        raise InternalError(f"{first.name}: the first candidate is what others fall back to; it takes no numbers")
    for other in candidates[1:]:
        if [s.name for s in other.kernel.sizes] != [s.name for s in first.sizes]:
            raise InternalError(f"{first.name}: the candidates {other.schedule.name} and the first differ in sizes")
    printer = Printer(first)
    array = first.result
    return {
        "array": array,
        "name": array.name,
        "rank": len(array.axes),
        "lengths": [printer.expr(total(axis), 3) for axis in array.axes],
        "count": printer.expr(total(array.sizes)),
        "slot": slot,
        "kernels": [_kernel(unit, entry, one, (number, slot), functions) for number, one in enumerate(candidates)],
    }


def _places(entry: Entry) -> dict[str, str]:
    """Where a call keeps the arrays that kernels read: those it was given, and its stages."""
    given = [b.name for b in entry.kernels[0].buffers if b.role == "in"]
    stages = [candidates[0].kernel.result.name for candidates in entry.stages]
    return {name: f"sc_given[{at}]" for at, name in enumerate(given)} | {
        name: f"sc_made[{at}]" for at, name in enumerate(stages)
    }


def _kernel(
    unit: Unit, entry: Entry, candidate: Candidate, place: tuple[int, int], functions: Functions
) -> dict[str, Any]:
    (number, slot), kernel = place, candidate.kernel
    if fault := wellformed(kernel):
        raise InternalError(f"the kernel {kernel.name} ({candidate.schedule.name}) is not well formed: {fault}")
    # No name of a tensor holds "0_": the suffix makes none that another kernel or nest has.
    prefix = f"{unit.name}_{entry.name}_{kernel.name}" + (f"_alt0_{number}_" if number else "")
    native = bool(kernel.parameters)
    printer, outside = Printer(kernel, native=native), Printer(kernel)
    seen = {name for nest in kernel.nests for name in mentioned(nest.body)}
    used = [b for b in kernel.buffers if b.name in seen]
    places = _places(entry)
    inside = [b for b in used if b.role != "private"]
    slots = [f"sc_plan[{slot + 1 + at}]" for at in range(len(kernel.parameters))]
    memory = scratch(kernel, native)
    sizes = [size.name for size in kernel.sizes]
    numbers = [*sizes, *kernel.parameters, *(size.name for size in kernel.layout)]
    return {
        "name": prefix,
        "native": native,
        "choice": number,
        "checked": candidate.checked,
        "watched": [
            {"place": f"<{pointer_type(b, False)}>{places[b.name]}", "count": outside.expr(total(b.sizes))}
            for b in kernel.buffers
            if b.name in candidate.watched
        ],
        "looked": " + ".join(outside.expr(total(b.sizes)) for b in kernel.buffers if b.name in candidate.watched),
        "schedule": candidate.schedule.name,
        "sizes": sizes,
        "parameters": list(kernel.parameters),
        "taken": [*sizes, *kernel.parameters],
        "slots": slots,
        "given": [*sizes, *slots],
        "layout": [{"name": size.name, "value": printer.expr(size.value)} for size in kernel.layout],
        "numbers": numbers,
        "passed": [*numbers, *(b.name for b in inside)],
        **memory,
        "scratch": bool(memory["shared"] or memory["owned"]),
        "outside": [
            {"name": b.name, "type": pointer_type(b, b.role == "out"), "place": places.get(b.name)}
            for b in used
            if b.role in {"in", "out"}
        ],
        "buffers": [{"name": b.name, "type": pointer_type(b, b.role != "in")} for b in inside],
        "serial": [k for k, nest in enumerate(kernel.nests) if not nest.parallel and nest.extent != const(1)],
        "volume": " + ".join(printer.expr(total(b.sizes), 2) for b in inside) or "0",
        "nests": [nest_text(kernel, nest, f"{prefix}_{k}", functions) for k, nest in enumerate(kernel.nests)],
    }
