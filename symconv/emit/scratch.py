"""Scratch memory of a kernel as text: arrays for one call, and for every thread a block of arrays for one iteration."""

from __future__ import annotations

import re
from typing import Any

from symconv.emit.functions import mentioned, pointer_type
from symconv.emit.printer import Printer
from symconv.errors import InternalError
from symconv.loops.arith import const
from symconv.loops.ir import Buffer, Kernel, Nest

__all__ = ["needed", "scratch"]

_ELEMENTS = {"real": "sc_real", "index": "sc_position", "offset": "Py_ssize_t"}


def scratch(kernel: Kernel, native: bool = False) -> dict[str, Any]:
    """``shared``: the arrays of a call in order, ``blocks``: for every nest the arrays of its iterations in order.

    Each with its name, its type and the bytes it takes, in C also by the numbers that a call is told; ``cleared``: how
    many of its elements, by these. ``owned``: the bytes of one thread's block.
    ``native`` asks for C instead of Cython. Raises InternalError where Cython would have to clear an array.
    """
    printer = Printer(kernel, native=native)
    shared = [_array(printer, buffer) for buffer in kernel.buffers if buffer.role == "workspace"]
    blocks = [[_array(printer, buffer) for buffer in _private(kernel, nest)] for nest in kernel.nests]
    owned = ""
    for needed in dict.fromkeys(" + ".join(array["bytes"] for array in block) for block in blocks if block):
        owned = f"sc_imax({owned}, {needed})" if owned else needed
    return {"shared": shared, "blocks": blocks, "owned": owned}


def _private(kernel: Kernel, nest: Nest) -> list[Buffer]:
    used = mentioned(nest.body)
    return [buffer for buffer in kernel.buffers if buffer.role == "private" and buffer.name in used]


def _array(printer: Printer, buffer: Buffer) -> dict[str, str]:
    count, some = needed(printer, buffer), _cleared(printer, buffer)
    told, some = (re.sub(r"\bv_", "sc_given->v_", text) for text in (count, some))
    return {"name": buffer.name, "type": pointer_type(buffer, True), "bytes": count, "told": told, "cleared": some}


def _cleared(printer: Printer, buffer: Buffer) -> str:
    """How many elements of an array are set to 0; nothing where none are."""
    if buffer.cleared == const(0):
        return ""
    if not printer.native:
        raise InternalError(f"{buffer.name} cannot be cleared: only kernels that take numbers of a plan do so")
    return printer.expr(buffer.cleared)


def needed(printer: Printer, buffer: Buffer) -> str:
    """The bytes of an array.

    Products that overflow stay at the largest number: memory that is not there, and no array that is too short.
    """
    count = "1"
    for size in buffer.sizes:
        if size != const(1):
            text = printer.expr(size)
            count = text if count == "1" else f"sc_times({count}, {text})"
    slack = printer.expr(buffer.slack)
    whole = "(Py_ssize_t)" if printer.native else "<Py_ssize_t>"
    return f"sc_room({count}, {slack}, {whole}sizeof({_ELEMENTS[buffer.scalar.kind]}))"
