"""A Cython module from kernels: fills the holes of ``templates/cython/module.pyx.j2`` with printed text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from symconv.emit.functions import Functions, mentioned, pointer_type
from symconv.emit.nests import nest_text
from symconv.emit.prelude import prelude
from symconv.emit.printer import Printer
from symconv.emit.source import ALIKE, Source
from symconv.loops.arith import add, const, total
from symconv.loops.candidate import Candidate
from symconv.loops.ir import (
    Binary,
    Buffer,
    Call,
    Compare,
    Const,
    Declare,
    Expr,
    Kernel,
    Load,
    LoadLanes,
    Var,
)
from symconv.loops.traverse import substitute, walk
from symconv.options import Options
from symconv.templates import environment

__all__ = ["Entry", "Unit", "emit"]

_TYPES = {"float32": ("float", "f", "NPY_FLOAT"), "float64": ("double", "d", "NPY_DOUBLE")}
_FEW = 1 << 15


@dataclass(frozen=True, slots=True)
class Entry:
    """Outputs that share their inputs; a call computes those a bit mask asks for.

    Each output has one or more candidates, of which a plan chooses; the first needs no numbers of a plan.
    """

    name: str
    outputs: tuple[tuple[Candidate, ...], ...]

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """Every kernel, output by output."""
        return tuple(candidate.kernel for candidates in self.outputs for candidate in candidates)


@dataclass(frozen=True, slots=True)
class Unit:
    """The entries of one operator; ``notes`` are comment lines that say what it is."""

    name: str
    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Every candidate, entry by entry."""
        return tuple(one for entry in self.entries for candidates in entry.outputs for one in candidates)


def emit(units: tuple[Unit, ...], options: Options) -> Source:
    """The text of one module that holds every unit; nothing of this machine enters it."""
    ctype, code, number = _TYPES[options.dtype]
    functions = Functions()
    told = [_unit(unit, functions) for unit in units]
    _share(
        [nest for unit in told for entry in unit["entries"] for kernel in entry["kernels"] for nest in kernel["nests"]]
    )
    body = (
        environment()
        .get_template("cython/kernels.pyx.j2")
        .render(type=number, few=_FEW, units=told, functions=functions.made)
    )
    text = (
        environment()
        .get_template("cython/module.pyx.j2")
        .render(
            dtype=options.dtype,
            ctype=ctype,
            alike=ALIKE if any(_compares(k) for unit in units for entry in unit.entries for k in entry.kernels) else "",
            units=told,
            prelude=prelude(body, ctype, code),
            body=body,
        )
    )
    return Source(text, options.target)


def _compares(kernel: Kernel) -> bool:
    """Whether a kernel asks if a computed real number equals another."""
    positions = {buffer.name for buffer in kernel.buffers if buffer.scalar.kind == "index"}
    nodes = [node for nest in kernel.nests for node in walk(nest)]
    reals = {node.name for node in nodes if isinstance(node, Declare) and node.scalar.kind == "real"}

    def computed(expr: Expr) -> bool:
        parts = list(walk(expr))
        real = any(
            (isinstance(part, Load | LoadLanes) and part.buffer not in positions)
            or (isinstance(part, Var) and part.name in reals)
            or (isinstance(part, Const) and part.real)
            for part in parts
        )
        return real and any(isinstance(part, Binary | Call) for part in parts)

    equalities = [node for node in nodes if isinstance(node, Compare) and node.op in {"==", "!=", "same"}]
    return any(computed(node.left) or computed(node.right) for node in equalities)


def _unit(unit: Unit, functions: Functions) -> dict[str, Any]:
    return {
        "name": unit.name,
        "notes": [note.replace("\n", " ") for note in unit.notes],
        "entries": [_entry(unit, entry, functions) for entry in unit.entries],
    }


def _share(nests: list[dict[str, Any]]) -> None:
    """One function for nests with one text, whichever kernels they stand in."""
    first: dict[str, str] = {}
    for nest in nests:
        text = repr([nest[key] for key in ("var", "declared", "sizes", "buffers", "lines")])
        nest["call"] = first.setdefault(text, nest["name"])


def _entry(unit: Unit, entry: Entry, functions: Functions) -> dict[str, Any]:
    first = entry.kernels[0]
    printer = Printer(first)
    inputs = [b for b in first.buffers if b.role == "in"]
    lengths: dict[str, Expr] = {
        f"{b.name}_dim{axis}": Var(f"{b.name}_dim[{axis}]") for b in inputs for axis in range(len(b.axes))
    }
    return {
        "name": f"{unit.name}_{entry.name}",
        "most_axes": max(1, *(len(b.axes) for k in entry.kernels for b in k.buffers)),
        "inputs": [_array(b) for b in inputs],
        "most_inputs": max(1, len(inputs)),
        "sizes": [{"name": s.name, "value": printer.expr(substitute(s.value, lengths))} for s in first.sizes],
        "checks": [printer.expr(substitute(check, lengths)) for check in first.checks],
        "kernels": [_kernel(unit, entry, kernel, functions) for kernel in entry.kernels],
    }


def _array(buffer: Buffer) -> dict[str, Any]:
    return {
        "name": buffer.name,
        "rank": len(buffer.axes),
        "most_axes": max(1, len(buffer.axes)),
        "type": "NPY_INT32" if buffer.scalar.kind == "index" else None,
    }


def _kernel(unit: Unit, entry: Entry, kernel: Kernel, functions: Functions) -> dict[str, Any]:
    prefix = f"{unit.name}_{entry.name}_{kernel.name}"
    printer = Printer(kernel)
    output = next(b for b in kernel.buffers if b.role == "out")
    workspace = [b for b in kernel.buffers if b.role == "workspace"]
    used = [b for b in kernel.buffers if any(b.name in mentioned(n.body) for n in kernel.nests)]
    given = {b.name: number for number, b in enumerate(b for b in kernel.buffers if b.role == "in")}
    return {
        "name": prefix,
        "sizes": [s.name for s in kernel.sizes],
        "output": {
            "name": output.name,
            "rank": len(output.axes),
            "lengths": [printer.expr(_product(axis), 3) for axis in output.axes],
        },
        **_workspace(printer, workspace),
        "buffers": [
            {"name": b.name, "type": pointer_type(b, b.role != "in"), "number": given.get(b.name)} for b in used
        ],
        "serial": [k for k, nest in enumerate(kernel.nests) if not nest.parallel and nest.extent != const(1)],
        "volume": " + ".join(printer.expr(_product(b.sizes), 2) for b in used) or "0",
        "nests": [nest_text(kernel, nest, f"{prefix}_{k}", functions) for k, nest in enumerate(kernel.nests)],
    }


def _product(sizes: tuple[Expr, ...]) -> Expr:
    return total(sizes)


def _workspace(printer: Printer, buffers: list[Buffer]) -> dict[str, Any]:
    """One allocation for all: where each buffer starts, 64-byte aligned, and how long the whole is."""
    offsets, start = {}, ""
    for buffer in buffers:
        offsets[buffer.name] = start
        kind = {"index": "sc_position", "offset": "Py_ssize_t"}.get(buffer.scalar.kind, "sc_real")
        start += (
            f" + sc_aligned({printer.expr(add(_product(buffer.sizes), buffer.slack), 2)} * <Py_ssize_t>sizeof({kind}))"
        )
    return {"offsets": offsets, "workspace_bytes": f"64{start}"}
