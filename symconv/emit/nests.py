"""The text of one loop nest: its names by type, the memory it is given, its lines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from symconv.emit.functions import TYPES, Functions, addressed, declared, lengths, mentioned, pointer_type, written
from symconv.emit.pieces import in_pieces, needed
from symconv.emit.statements import Statements
from symconv.loops.ir import Kernel, Nest, Var
from symconv.loops.traverse import expressions

__all__ = ["nest_text"]


def nest_text(kernel: Kernel, nest: Nest, name: str, functions: Functions) -> dict[str, Any]:
    """What the template prints of a nest; outlined bodies become ``functions``.

    So do the nests of kernels that a plan gives numbers to: they are many, and Cython takes its time.
    """
    facts = {
        "name": name,
        "comment": nest.comment,
        "var": nest.var,
        "extent": Statements(kernel, native=bool(kernel.parameters)).expr(nest.extent),
        "parallel": nest.parallel,
        "native": bool(kernel.parameters),
    }
    return facts | (_in_c if kernel.parameters else _in_cython)(kernel, nest, name, functions)


def _in_cython(kernel: Kernel, nest: Nest, name: str, functions: Functions) -> dict[str, Any]:
    buffers = [b for b in kernel.buffers if b.name in mentioned(nest.body)]
    variables = {node.name for node in expressions(nest.body) if isinstance(node, Var)}
    variables |= lengths(kernel, mentioned(nest.body) | addressed(nest.body))
    own, stored = declared(nest.body), written(nest.body)
    own["int"] = sorted({*own["int"], nest.var})
    numbers = (*(size.name for size in kernel.sizes), *kernel.parameters, *(size.name for size in kernel.layout))
    return {
        "declared": {TYPES[kind]: names for kind, names in own.items()},
        "sizes": [number for number in numbers if number in variables],
        "buffers": [{"name": b.name, "type": pointer_type(b, b.name in stored)} for b in buffers],
        "lines": list(Statements(kernel, functions=functions).block(nest.body, 2)),
    }


def _in_c(kernel: Kernel, nest: Nest, name: str, functions: Functions) -> dict[str, Any]:
    nest = replace(nest, body=in_pieces(needed(nest.body)))
    printer = Statements(kernel, native=True, functions=functions)
    var = printer.named(nest.var)
    opened = f"    for (Py_ssize_t {var} = sc_begin; {var} < sc_end; {var}++) {{"
    lines = (opened, *printer.block(nest.body, 2), "    }")
    call, numbers, buffers = functions.nest(kernel, nest, name, lines)
    return {"call": call, "sizes": numbers, "buffers": [{"name": buffer} for buffer in buffers]}
