"""C99 text from kernels: a header, what all functions share, and the functions of one element type."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from symconv.emit.callables import Callable, Windows, callables
from symconv.emit.comparing import compares
from symconv.emit.functions import Function, Functions
from symconv.emit.identifiers import unmarked
from symconv.emit.pieces import needed
from symconv.emit.prelude import called, definitions, helpers_of
from symconv.emit.printer import Printer
from symconv.emit.scratch import scratch
from symconv.emit.source import ALIKE, Source
from symconv.emit.statements import Statements
from symconv.emit.units import Unit
from symconv.errors import InternalError
from symconv.loops.arith import total
from symconv.loops.ir import Buffer
from symconv.options import Options
from symconv.templates import environment

__all__ = ["CODES", "Notes", "emit", "header", "kernels_text", "shared_text"]

CODES = {"float32": "f32", "float64": "f64"}
"""What the names of functions end with, by element type."""
Notes = Mapping[str, tuple[str, ...]]
"""Lines of comments by the function that they are about, as in "grad_x"; of the whole under no name."""
_TYPES = {"float32": ("float", "f"), "float64": ("double", "d")}
_FEW = 1 << 15
_LANES = re.compile(r"\b(?:sc_(?:vector|mask|lanes|positions|bits)|SC_(?:LANES|BYTES|ON|PICK))\b")
_SPELLED = (
    ("Py_ssize_t", "ptrdiff_t"),
    ("PY_SSIZE_T_MAX", "PTRDIFF_MAX"),
    ("__restrict__", "SC_RESTRICT"),
    ("static inline", "SC_INLINE"),
    ("static __attribute__((noinline, cold))", "SC_RARE"),
)
"""Words of the helpers that Cython's text shares, and how C says them for every compiler."""


def emit(units: tuple[Unit, ...], options: Options) -> Source:
    """One operator as text in C, with the header and the shared part beside it; raises InternalError for several."""
    if len(units) != 1:
        raise InternalError(f"a library in C holds one operator, not {len(units)}")
    (unit,) = units
    beside = ((f"{unit.name}.h", header(unit, (options.dtype,), {})), (f"{unit.name}.c", shared_text(unit, ())))
    return Source(kernels_text(unit, options.dtype, {}), options.target, beside=beside)


def header(unit: Unit, dtypes: tuple[str, ...], notes: Notes) -> str:
    """The declarations of an operator's functions for these element types."""
    functions = callables(unit)
    shown = [
        {
            "notes": _comment((*notes.get(one.what, ()), *_unread(one))),
            "declarations": [
                f"{one.name}_{CODES[dtype]}({_parameters(one, _TYPES[dtype][0], f'{unit.name.upper()}_RESTRICT')})"
                for dtype in dtypes
            ],
        }
        for one in functions
    ]
    text = _template("layer.h").render(
        **_named(unit),
        notes=_comment((*unit.notes, *notes.get("", ()))),
        guard=f"{unit.name.upper()}_H",
        positions=any(b.scalar.kind == "index" for one in functions for b in (*one.inputs, *one.results)),
        functions=shown,
        shapes=_shapes(functions[0]),
        results=_listed(functions[0]),
        several=len(functions[0].results) > 1,
    )
    return _spelled(text)


def shared_text(unit: Unit, sentences: Iterable[str], windows: Windows | None = None) -> str:
    """What functions of every element type share: the meaning of a status, and the output's shape.

    ``sentences`` say what sizes the operator asks for.
    """
    first = callables(unit, windows)[0]
    needs = ", ".join(check[1:-1] for check in first.fits).replace("v_", "")
    wanted = "; ".join(dict.fromkeys(sentences))
    lengths = [length for result in first.results for length in first.lengths(result)]
    computed = (*(value for _, value in first.sizes), *first.checks, *(windows.lines if windows else ()))
    text = _template("layer.c").render(
        **_named(unit),
        sentences=[
            (code, json.dumps(f"{unit.name}: {sentence}", ensure_ascii=True))
            for code, sentence in _sentences(unit.name, first, f"{needs}{'; ' if wanted else ''}{wanted}")
        ],
        few=_FEW,
        helpers=_helpers(" ".join(computed), "f", alike=False)["common"],
        windows=windows,
        parameters=_shapes(first),
        arrays=[{"rank": len(b.axes), "shape": first.shape(b) if b.axes else "NULL"} for b in first.inputs],
        sizes=_sizes(first, " ".join((*first.checks, *lengths))),
        checks=first.checks,
        results=[{"shape": first.shape(one), "lengths": first.lengths(one)} for one in first.results if one.axes],
    )
    return _spelled(text)


def _sentences(name: str, first: Callable, needs: str) -> tuple[tuple[str, str], ...]:
    result, several = _listed(first), len(first.results) > 1
    return (
        ("OK", "done"),
        ("POINTER", "an array that has elements, or a shape, is NULL; give memory for it"),
        ("SIZES", f"the shapes of the inputs do not fit the formula or one another; wanted: {needs}"),
        ("OUTPUT", f"the shape given for {result} is not its shape; {name}_output_shape tells it")
        if not several
        else ("OUTPUT", f"a shape given for {result} is not its shape; {name}_output_shape tells them"),
        ("TOO_LARGE", "an array of so many elements is in no memory; look for a length that was never set"),
        ("ALIGNMENT", "an array does not lie at a multiple of its elements' size, as malloc would have put it"),
        ("OVERLAP", "the result shares memory with an input; give it memory of its own")
        if not several
        else ("OVERLAP", "a result shares memory with an input or another result; give it memory of its own"),
        ("MEMORY", "malloc found no memory for partial sums"),
    )


def kernels_text(unit: Unit, dtype: str, notes: Notes, windows: Windows | None = None) -> str:
    """The functions of one element type, each with the loops that it runs and the formula that these compute."""
    ctype, code = _TYPES[dtype]
    functions = callables(unit, windows)
    alike = any(compares(one.kernel) for one in functions)
    made: set[str] = set()
    known = Functions()
    kernels = [_kernel(one, dtype, notes, known, made) for one in functions]
    body = _template("functions.c").render(**_named(unit), kernels=kernels)
    text = _template("kernels.c").render(
        **_named(unit),
        notes=_comment(unit.notes),
        ctype=ctype,
        few=_FEW,
        alike=ALIKE.removeprefix("# ") if alike else "",
        positions="sc_index_" in body,
        helpers=_helpers(" ".join((body, *(windows.lines if windows else ()))), code, alike),
        windows=windows,
        body=body,
    )
    return _spelled(text)


def _kernel(one: Callable, dtype: str, notes: Notes, known: Functions, made: set[str]) -> dict[str, Any]:
    kernel = one.kernel
    printer = Printer(kernel, native=True)
    nests = [_nest(one, at, known) for at in range(len(kernel.nests))]
    fresh = [function for function in known.made if function.name not in made]
    made |= {function.name for function in fresh}
    facts = {
        "function": f"{one.name}_{CODES[dtype]}",
        "parameters": _parameters(one, "sc_real", "SC_RESTRICT", "sc_position"),
        "arrays": [_array(one, buffer) for buffer in one.inputs],
        "results": [_array(one, result) | {"lengths": one.lengths(result)} for result in one.results],
        "stated": one.stated,
        "checks": one.checks,
        "scratch": [made for made in scratch(kernel, native=True)["shared"] if made["name"] not in one.returned],
        "nests": nests,
        "threads": one.threads,
        "unread": [buffer.name for buffer in one.inputs if buffer.name not in one.read],
        "volume": " + ".join(printer.expr(total(buffer.sizes), 2) for buffer in kernel.buffers),
        "functions": [_function(function, () if at else notes.get(one.what, ())) for at, function in enumerate(fresh)],
    }
    return facts | {"sizes": _sizes(one, repr({k: v for k, v in facts.items() if k != "functions"}))}


def _nest(one: Callable, at: int, known: Functions) -> dict[str, Any]:
    kernel = one.kernel
    nest = replace(kernel.nests[at], body=needed(kernel.nests[at].body))
    printer = Statements(kernel, native=True, functions=known)
    var = printer.named(nest.var)
    opened = f"    for (Py_ssize_t {var} = sc_begin; {var} < sc_end; {var}++) {{"
    lines = (opened, *printer.block(nest.body, 2), "    }")
    call, numbers, buffers = known.nest(kernel, nest, f"{one.name}_{at}", lines)
    extent = Printer(kernel, native=True).expr(nest.extent)
    return {"call": call, "arguments": (*numbers, *buffers), "extent": extent, "parallel": nest.parallel}


def _function(function: Function, notes: tuple[str, ...]) -> dict[str, Any]:
    return {
        "name": function.name,
        "integers": function.integers,
        "buffers": function.buffers,
        "notes": _comment((*notes, *((function.comment,) if function.comment else ()))),
        "declared": function.declared,
        "lines": function.lines,
    }


def _array(one: Callable, buffer: Buffer) -> dict[str, Any]:
    return {
        "name": buffer.name,
        "rank": len(buffer.axes),
        "shape": one.shape(buffer) if buffer.axes else "NULL",
        "count": one.count(buffer),
        "element": "sc_real" if buffer.scalar.kind == "real" else "sc_position",
        "read": buffer.name in one.read or buffer in one.results,
    }


def _parameters(one: Callable, real: str, restrict: str, position: str = "int32_t") -> str:
    """The parameters of a function: arrays with their shapes, the results, threads."""
    types = {"real": real, "index": position}
    given = [
        part
        for buffer in one.inputs
        for part in (f"const {types[buffer.scalar.kind]} *v_{buffer.name}", *_shape(one, buffer, "const "))
    ]
    results = [
        part
        for result in one.results
        for part in (
            f"{types[result.scalar.kind]} *{restrict} v_{result.name}",
            *(_shape(one, result, "const ") if one.stated else ()),
        )
    ]
    return ", ".join((*given, *results, f"int {one.threads}"))


def _shapes(one: Callable) -> str:
    given = [part for buffer in one.inputs for part in _shape(one, buffer, "const ")]
    return ", ".join((*given, *(part for result in one.results for part in _shape(one, result, "")))) or "void"


def _listed(one: Callable) -> str:
    return " and ".join(result.name for result in one.results)


def _shape(one: Callable, buffer: Buffer, constant: str) -> tuple[str, ...]:
    """The parameter for a shape; a number without axes has none."""
    return (f"{constant}ptrdiff_t {one.shape(buffer)}[{len(buffer.axes)}]",) if buffer.axes else ()


def _unread(one: Callable) -> tuple[str, ...]:
    names = [buffer.name for buffer in one.inputs if buffer.name not in one.read]
    return (f"Of {', '.join(names)} the shape alone is used: NULL will do.",) if names else ()


def _sizes(one: Callable, text: str) -> list[dict[str, str]]:
    """The sizes that a text needs, and those that they are computed from."""
    kept: list[dict[str, str]] = []
    for name, value in reversed(one.sizes):
        if re.search(rf"\bv_{name}\b|'{name}'", text):
            kept.insert(0, {"name": name, "value": value})
            text = f"{text} {value}"
    return kept


def _helpers(body: str, code: str, alike: bool) -> dict[str, list[str]]:
    """The definitions that a text calls: for every compiler, for those with vectors, and for one lane at a time."""
    wide = definitions("cython/prelude.h.j2", code, alike)
    plain = definitions("c99/plain.h.j2", code, alike)
    asked = helpers_of(body)
    vectors = called(wide, asked)
    common = [chunk for chunk in vectors if not _LANES.search(chunk)]
    lanes = [chunk for chunk in vectors if _LANES.search(chunk)]
    scalar = [chunk for chunk in wide if not _LANES.search(chunk)]
    alone = called([*scalar, *plain], asked) if lanes else []
    common = [chunk for chunk in scalar if chunk in common or chunk in alone]
    return {
        "common": _lines(common),
        "lanes": _lines(lanes),
        "plain": _lines([chunk for chunk in alone if chunk not in common]),
    }


def _lines(chunks: list[str]) -> list[str]:
    return [line for chunk in chunks for line in chunk.split("\n")]


def _comment(lines: Iterable[str]) -> list[str]:
    """Lines as they may stand in a comment of C, which must not end it or form a trigraph."""
    safe = (line.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?") for line in lines)
    return [part.rstrip().removesuffix("\\") for line in safe for part in line.split("\n")]


def _spelled(text: str) -> str:
    for word, meant in _SPELLED:
        text = text.replace(word, meant)
    return unmarked(text).rstrip("\n") + "\n"


def _named(unit: Unit) -> dict[str, str]:
    return {"name": unit.name, "macro": unit.name.upper()}


def _template(name: str) -> Any:
    return environment().get_template(f"c99/{name}.j2")
