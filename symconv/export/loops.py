"""The text of the loops of a package, from the loop IR by the printer of ``symconv.emit``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from symconv.emit.comparing import compares, multiplies_choices
from symconv.emit.functions import TYPES, Functions, declared, mentioned
from symconv.emit.prelude import prelude
from symconv.emit.printer import Printer
from symconv.emit.statements import Statements
from symconv.export.kernels import plain
from symconv.export.layer import Function, Layer
from symconv.export.python import in_docstring, safe, tuple_text
from symconv.export.rendering import rendered
from symconv.loops.arith import total
from symconv.loops.ir import Buffer, Expr, Kernel, Nest, Var
from symconv.loops.traverse import substitute
from symconv.views.text import gather_text

__all__ = ["Loops", "loops"]

_CTYPES = {"float32": ("float", "f"), "float64": ("double", "d")}
_NUMBERS = {"float": "cnp.NPY_FLOAT", "double": "cnp.NPY_DOUBLE"}
_WIDTH = 100
_CONSTANT = re.compile(r"\bsc_(pi|inf)\(\)")
_DEFINED = re.compile(r"^static inline (\w+) (sc_\w+)\(([^)]*)\)")


@dataclass(frozen=True, slots=True)
class Loops:
    """The text of a ``.pyx``; ``alike`` says that it must be compiled so that equal expressions are equal numbers.

    ``noughts`` says that products with 0 have to be made.
    """

    text: str
    alike: bool
    noughts: bool


def loops(layer: Layer) -> Loops:
    """The loops of every function of a layer, for each of its number types."""
    kernels = {function: plain(function) for function in layer.functions}
    told = [_function(function, kernel) for function, kernel in kernels.items()]
    body = "\n".join(line for one in told for line in _lines(one))
    letters = [_CTYPES[dtype] for dtype in layer.dtypes]
    text = rendered(
        "kernels.pyx.j2",
        title=in_docstring(layer.operator.name),
        name=layer.name,
        functions=told,
        arrays=any(one["made"] for one in told),
        helpers=_helpers(body, letters),
        ctypes=[ctype for ctype, _ in letters],
        letters=letters,
        numbers=_NUMBERS,
    )
    return Loops(text, any(map(compares, kernels.values())), any(map(multiplies_choices, kernels.values())))


def _lines(told: dict[str, Any]) -> list[str]:
    bounds = [nest["extent"] for nest in told["nests"]]
    return [*bounds, *(line for nest in told["nests"] for line in nest["lines"]), *told["solved"], *told["checks"]]


def _function(function: Function, kernel: Kernel) -> dict[str, Any]:
    printer = Printer(kernel)
    inputs = [b for b in kernel.buffers if b.role == "in"]
    results = [kernel.buffer(tensor.name) for tensor in function.outputs]
    made = [b for b in kernel.buffers if b.role == "workspace" and b not in results]
    dims: dict[str, Expr] = {
        f"{b.name}_dim{axis}": Var(f"{safe(b.name)}.shape[{axis}]") for b in inputs for axis in range(len(b.axes))
    }
    seen = {name for nest in kernel.nests for name in mentioned(nest.body)}
    used = [b for b in kernel.buffers if b.name in seen]
    sizes = [size.name for size in kernel.sizes]
    like = results[-1]
    values = [f"{size.name} = {_with(printer, size.value, dims)}" for size in kernel.sizes]
    ends = [
        f"{safe(result.name)}.shape[{axis}] == {printer.expr(total(lengths))}"
        for result in results
        for axis, lengths in enumerate(result.axes)
    ]
    return {
        "name": function.name,
        "result": ", ".join(result.name for result in results),
        "formula": gather_text(function.derivation.gather).split("\n"),
        "sizes": sizes,
        "solved": _wrapped("cdef Py_ssize_t ", values, ","),
        "checks": _wrapped("", [*(_bare(_with(printer, check, dims)) for check in kernel.checks), *ends], " and"),
        "used": [{"name": b.name, "held": safe(b.name), "type": _pointer(b, b.role != "in")} for b in used],
        "arrays": [safe(b.name) for b in (*inputs, *results)],
        "number": f"cnp.PyArray_TYPE({safe(like.name)})",
        "ready": [_ready(b) for b in (*inputs, *results)],
        "made": [_made(printer, b, like) for b in made],
        "volume": " + ".join(f"cnp.PyArray_SIZE({safe(b.name)})" for b in (*inputs, *results)),
        "declared": _declared(kernel),
        "nests": [_nest(kernel, nest) for nest in kernel.nests],
    }


def _with(printer: Printer, expr: Expr, dims: dict[str, Expr]) -> str:
    return printer.expr(substitute(expr, dims))


def _bare(check: str) -> str:
    return check[1:-1] if check.startswith("(") and check.endswith(")") and ")" not in check[1:-1] else check


def _wrapped(start: str, parts: list[str], joint: str) -> list[str]:
    """Parts joined into lines of a usual width; a later line of declarations begins as the first one does."""
    lines: list[str] = []
    for number, part in enumerate(parts):
        end = joint if number + 1 < len(parts) else ""
        if lines and len(lines[-1]) + len(part) < _WIDTH:
            lines[-1] += f" {part}{end}"
        else:
            if start and lines:
                lines[-1] = lines[-1].rstrip(",")
            lines.append(f"{start}{part}{end}")
    return lines


def _declared(kernel: Kernel) -> dict[str, list[str]]:
    """The names that loops use, by their C types."""
    found: dict[str, set[str]] = {}
    for nest in kernel.nests:
        for kind, names in (declared(nest.body) | {"int": [*declared(nest.body)["int"], nest.var]}).items():
            found.setdefault(TYPES[kind], set()).update(names)
    return {kind: sorted(names) for kind, names in found.items()}


def _nest(kernel: Kernel, nest: Nest) -> dict[str, Any]:
    printer = Statements(kernel, functions=Functions())
    return {
        "comment": nest.comment,
        "var": nest.var,
        "extent": printer.expr(nest.extent),
        "parallel": nest.parallel,
        "lines": [_CONSTANT.sub(r"(<sc_real>sc_\1())", line) for line in printer.block(nest.body, 2)],
    }


def _pointer(buffer: Buffer, stored: bool) -> str:
    kind = "sc_real" if buffer.scalar.kind == "real" else "int"
    return f"{'' if stored else 'const '}{kind}*"


def _ready(buffer: Buffer) -> str:
    number = "number" if buffer.scalar.kind == "real" else "cnp.NPY_INT"
    flags = "cnp.NPY_ARRAY_CARRAY_RO" if buffer.role == "in" else "cnp.NPY_ARRAY_CARRAY"
    return f"{safe(buffer.name)}, {len(buffer.axes)}, {number}, {flags}"


def _made(printer: Printer, buffer: Buffer, like: Buffer) -> dict[str, str]:
    lengths = [printer.expr(size) for size in buffer.sizes]
    # NumPy refuses a product of lengths that is no number any more.
    plain = [text if text.isidentifier() or text.isdigit() else f"max(0, {text})" for text in lengths]
    dtype = f"{safe(like.name)}.dtype" if buffer.scalar.kind == "real" else "np.intc"
    return {"name": safe(buffer.name), "shape": tuple_text(plain), "dtype": dtype}


def _helpers(body: str, letters: list[tuple[str, str]]) -> dict[str, list[Any]]:
    """The C functions that loops call: those of integers once, those of real numbers for each number type."""
    shared: list[str] = []
    real: list[str] = []
    typed: list[dict[str, str]] = []
    declarations: list[str] = []
    for ctype, letter in letters:
        lines = [line for line in prelude(body, ctype, letter).lines if not line.startswith("#define SC_M(")]
        known = {found[2]: found for found in map(_DEFINED.match, lines) if found}
        ours = {name for name, found in known.items() if "sc_real" in found[0] and found[3] != "void"}
        for line in lines:
            found = _DEFINED.match(line)
            if found is None or (found[2] not in ours and "sc_real" not in line):
                shared += [line] if line not in shared else []
            elif found[2] in ours:
                real.append(_specialised(line, ctype, letter, ours))
                declarations.append(_declaration(_specialised(found[0], ctype, letter, ours)))
                one = _fused(found)
                typed += [one] if one not in typed else []
            elif letter == letters[-1][1]:
                # Constants are double, and rounded where they stand.
                real.insert(0, re.sub(r"\bsc_real\b", "double", line))
                declarations.append(f"double {found[2]}() noexcept nogil")
    for found in filter(None, map(_DEFINED.match, shared)):
        declarations.insert(0, _declaration(found[0]))
    return {"shared": shared, "real": real, "typed": typed, "declarations": declarations}


def _specialised(line: str, ctype: str, letter: str, ours: set[str]) -> str:
    line = re.sub(r"\b(sc_\w+)(?=\()", lambda m: f"{m[1]}_{letter}" if m[1] in ours else m[1], line)
    line = re.sub(r"\bSC_M\((\w+)\)", rf"\1{'f' if letter == 'f' else ''}", line)
    return re.sub(r"\bsc_real\b", ctype, line)


def _declaration(signature: str) -> str:
    found = _DEFINED.match(signature)
    assert found is not None
    kinds = ", ".join(parameter.rpartition(" ")[0] for parameter in found[3].split(", "))
    return f"{found[1]} {found[2]}({kinds}) noexcept nogil"


def _fused(found: re.Match[str]) -> dict[str, str]:
    names = ", ".join(parameter.rpartition(" ")[2] for parameter in found[3].split(", "))
    return {"result": found[1], "name": found[2], "parameters": found[3], "arguments": names}
