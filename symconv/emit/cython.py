"""A Cython module from kernels: fills the holes of ``templates/cython/module.pyx.j2`` with printed text."""

from __future__ import annotations

from typing import Any

from symconv.emit.comparing import compares, multiplies_choices, shares_factors
from symconv.emit.entries import entry_text
from symconv.emit.functions import Functions
from symconv.emit.prelude import prelude
from symconv.emit.source import ALIKE, CONVENTION, DRIVERS, NOUGHTS, Source
from symconv.emit.units import Entry, Unit
from symconv.options import Options
from symconv.templates import environment

__all__ = ["Entry", "Unit", "emit"]

_TYPES = {"float32": ("float", "f", "NPY_FLOAT"), "float64": ("double", "d", "NPY_DOUBLE")}
_FEW = 1 << 15


def emit(units: tuple[Unit, ...], options: Options) -> Source:
    """The text of one module that holds every unit; nothing of this machine enters it."""
    ctype, code, number = _TYPES[options.dtype]
    functions = Functions()
    told = [_unit(unit, functions) for unit in units]
    _share(
        [nest for unit in told for entry in unit["entries"] for kernel in entry["kernels"] for nest in kernel["nests"]]
    )
    body = environment().get_template("cython/kernels.pyx.j2").render(type=number, few=_FEW, units=told)
    drivers = [kernel for unit in told for entry in unit["entries"] for kernel in entry["kernels"] if kernel["native"]]
    native = _in_c(functions, drivers).split("\n")
    kernels = [kernel for unit in units for entry in unit.entries for kernel in entry.kernels]
    alike = any(map(compares, kernels))
    text = (
        environment()
        .get_template("cython/module.pyx.j2")
        .render(
            dtype=options.dtype,
            ctype=ctype,
            alike=ALIKE if alike else "",
            noughts=NOUGHTS if any(multiplies_choices(one) or shares_factors(one) for one in kernels) else "",
            units=told,
            needs=_needs(told),
            prelude=prelude(body, ctype, code, "\n".join(native), alike),
            native=native,
            convention=CONVENTION,
            called=[
                *(function.declaration for function in functions.made if f"{function.name}(" in body),
                *(line for kernel in drivers for line in _declarations(kernel)),
            ],
            body=body,
        )
    )
    return Source(text, options.target)


def _in_c(functions: Functions, drivers: list[dict[str, Any]]) -> str:
    """What of a module is written in C: bodies and nests, and the kernels that a plan chooses."""
    made = environment().get_template("cython/functions.h.j2").render(functions=functions.made)
    if not drivers:
        return made
    return made + environment().get_template("cython/drivers.h.j2").render(kernels=drivers, few=_FEW, marker=DRIVERS)


def _declarations(kernel: dict[str, Any]) -> list[str]:
    """The lines by which Cython knows a kernel in C."""
    numbers = ["Py_ssize_t"] * len(kernel["taken"])
    memory = ["char*"] if kernel["scratch"] else []
    arrays = [array["type"] for array in kernel["outside"]]
    parameters = ", ".join((*numbers, *arrays, *memory, "int"))
    room = [f"Py_ssize_t {kernel['name']}_bytes({', '.join((*numbers, 'int'))}) noexcept nogil"] if memory else []
    result = "Py_ssize_t" if memory else "void"
    return [*room, f"{result} {kernel['name']}({parameters}) noexcept nogil"]


def _needs(units: list[dict[str, Any]]) -> dict[str, bool]:
    """Which parts of the protocol between a module and its caller are used at all."""
    entries = [entry for unit in units for entry in unit["entries"]]
    return {
        "plans": any(entry["planned"] for entry in entries),
        "scratch": any(entry["scratch"] for entry in entries),
        "blocks": any(kernel["owned"] for entry in entries for kernel in entry["kernels"] if not kernel["native"]),
    }


def _unit(unit: Unit, functions: Functions) -> dict[str, Any]:
    return {
        "name": unit.name,
        "notes": [note.replace("\n", " ") for note in unit.notes],
        "entries": [entry_text(unit, entry, functions) for entry in unit.entries],
    }


def _share(nests: list[dict[str, Any]]) -> None:
    """One function for nests with one text, whichever kernels they stand in."""
    first: dict[str, str] = {}
    for nest in nests:
        if nest["native"]:
            continue
        text = repr([nest[key] for key in ("var", "declared", "sizes", "buffers", "lines")])
        nest["call"] = first.setdefault(text, nest["name"])
