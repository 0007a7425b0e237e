"""The text of one loop nest: its names by type, the memory it is given, its lines."""

from __future__ import annotations

from typing import Any

from symconv.emit.functions import TYPES, Functions, addressed, declared, lengths, mentioned, pointer_type, written
from symconv.emit.statements import Statements
from symconv.loops.ir import Kernel, Nest, Var
from symconv.loops.traverse import expressions

__all__ = ["nest_text"]


def nest_text(kernel: Kernel, nest: Nest, name: str, functions: Functions) -> dict[str, Any]:
    """What the template prints of a nest; its outlined bodies become ``functions``."""
    printer = Statements(kernel, functions=functions)
    buffers = [b for b in kernel.buffers if b.name in mentioned(nest.body)]
    variables = {node.name for node in expressions(nest.body) if isinstance(node, Var)}
    variables |= lengths(kernel, mentioned(nest.body) | addressed(nest.body))
    own, stored = declared(nest.body), written(nest.body)
    own["int"] = sorted({*own["int"], nest.var})
    numbers = (*(size.name for size in kernel.sizes), *kernel.parameters, *(size.name for size in kernel.layout))
    return {
        "name": name,
        "comment": nest.comment,
        "var": nest.var,
        "extent": printer.expr(nest.extent),
        "parallel": nest.parallel,
        "declared": {TYPES[kind]: names for kind, names in own.items()},
        "sizes": [number for number in numbers if number in variables],
        "buffers": [{"name": b.name, "type": pointer_type(b, b.name in stored)} for b in buffers],
        "lines": list(printer.block(nest.body, 2)),
    }
