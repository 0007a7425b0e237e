"""The text of the test program that goes with a library in C."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import isnan
from typing import Any

from symconv.emit.c99 import CODES
from symconv.emit.callables import Callable
from symconv.export.c_cases import Wanted, cases, unfit, wanted
from symconv.export.layer import Function, Layer
from symconv.notation.operator import Tensor
from symconv.templates import environment
from symconv.verify.cases import Case
from symconv.verify.geometry import Geometry
from symconv.verify.grid import Array

__all__ = ["check_text"]

_TYPES = {"float32": "float", "float64": "double"}
_A_LINE = 20


def check_text(layer: Layer, functions: tuple[Callable, ...]) -> str:
    """The program that ``make check`` runs; ``functions`` are those of the layer as they are written in C."""
    tensors = {tensor.name: tensor for function in layer.functions for tensor in (*function.inputs, function.output)}
    found = cases(layer)
    full = next((case for case in found if case.output.value.size and all(a.size for a in case.arrays.values())), None)
    return (
        environment()
        .get_template("c99/check.c.j2")
        .render(
            name=layer.name,
            macro=layer.name.upper(),
            types=[(_TYPES[dtype], CODES[dtype]) for dtype in layer.dtypes],
            positions=any(tensor.dtype == "index" for tensor in tensors.values()),
            cases=[
                _case(layer, functions if case is full else (), case, f"case{number}")
                for number, case in enumerate(found)
            ],
            refusals=list(_refusals(layer, found)),
        )
    )


def _case(layer: Layer, refusing: tuple[Callable, ...], case: Case, name: str) -> dict[str, Any]:
    given = {**case.arrays, **({layer.cotangent.name: case.gy} if layer.gradients else {})}
    results = {function.name: wanted(case, function) for function in layer.functions}
    arrays = [_array(f"{name}_{tensor}", numbers) for tensor, numbers in given.items()]
    arrays += [_array(f"wanted_{name}_{result}", want.value) | {"rank": 0} for result, want in results.items()]
    if not layer.gradients:
        arrays.append(_shape(f"{name}_{layer.operator.output.name}", case.output.value.shape))
    index = {tensor.name for tensor in layer.operator.inputs if tensor.dtype == "index"}
    calls = [_call(layer, function, results[function.name], name) for function in layer.functions]
    for one, call in zip(refusing, calls, strict=False):
        call["refused"] = list(_refused(one, call["parts"]))
    return {
        "name": name,
        "said": ", ".join(f"{tensor} {'x'.join(map(str, shape)) or '()'}" for tensor, shape in case.shapes.items()),
        "arrays": arrays,
        "inputs": [
            {"name": f"{name}_{tensor}", "local": f"in_{tensor}", "count": numbers.size, "index": tensor in index}
            for tensor, numbers in given.items()
        ],
        "calls": calls,
    }


def _call(layer: Layer, function: Function, want: Wanted, case: str) -> dict[str, Any]:
    result = function.output
    parts = [part for tensor in function.inputs for part in (f"in_{tensor.name}", *_passed(case, tensor))]
    # The cotangent has the result's shape, and is there where there are gradients.
    shaped = layer.cotangent if layer.gradients else result
    stated = () if function.wrt else _passed(case, shaped)
    return {
        "what": function.name,
        "function": f"{layer.name}_{function.name}",
        "index": result.dtype == "index",
        "count": want.value.size,
        "want": f"wanted_{case}_{function.name}",
        "allowed": {CODES[dtype]: repr(allowed) for dtype, allowed in want.allowed},
        "refused": [],
        "others": [] if function.wrt else _others(want.value.shape),
        "parts": (*parts, "got", *stated, "threads"),
    }


def _refused(one: Callable, parts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Arguments that a function has to refuse, and the status that says why."""

    def call(place: str, other: str) -> str:
        return ", ".join(other if part == place else part for part in parts)

    for buffer in one.inputs:
        if buffer.name in one.read:
            yield call(f"in_{buffer.name}", "NULL"), "POINTER"
        if buffer.axes:
            shape = next(part for part in parts if re.fullmatch(rf"shape_case\d+_{buffer.name}", part))
            yield call(shape, "NULL"), "POINTER"
        if buffer.name in one.read and buffer.scalar.kind == one.result.scalar.kind:
            yield call("got", f"(REAL)same(in_{buffer.name})"), "OVERLAP"
    yield call("got", "NULL"), "POINTER"
    yield call("got", "beside"), "ALIGNMENT"
    for axis in range(len(one.result.axes) if one.stated else 0):
        yield ", ".join(f"other_{axis}" if at == len(parts) - 2 else part for at, part in enumerate(parts)), "OUTPUT"


def _others(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Shapes that are another in one axis."""
    return [tuple(n + (axis == at) for at, n in enumerate(shape)) for axis in range(len(shape))]


def _passed(case: str, tensor: Tensor) -> tuple[str, ...]:
    return (f"shape_{case}_{tensor.name}",) if tensor.axes else ()


def _array(name: str, numbers: Array) -> dict[str, Any]:
    texts = [_number(float(number)) for number in numbers.ravel()] or ["0"]
    lines = [", ".join(texts[at : at + _A_LINE]) for at in range(0, len(texts), _A_LINE)]
    return _shape(name, numbers.shape) | {"lines": lines}


def _shape(name: str, shape: tuple[int, ...]) -> dict[str, Any]:
    return {"name": name, "of": f"shape_{name}", "rank": len(shape), "shape": shape, "lines": []}


def _number(number: float) -> str:
    if isnan(number):
        return "NAN"
    return str(int(number)) if number.is_integer() and abs(number) < 1 << 53 else repr(number)


def _refusals(layer: Layer, found: tuple[Case, ...]) -> Iterator[str]:
    """Shapes that have to be refused, with the status that says why."""
    op = layer.operator
    for case in found:
        for other in unfit(op, case.shapes):
            yield from _output_shape(layer, other, "SIZES", "shapes that do not fit the formula were taken")
            break
        else:
            continue
        break
    ranked = next((tensor for tensor in op.inputs if tensor.axes), None)
    if ranked is not None:
        for length, status in (("PTRDIFF_MAX", "TOO_LARGE"), ("-1", "SIZES")):
            said = f"a shape of length {length} was not refused"
            yield from _output_shape(layer, found[0].shapes, status, said, {ranked.name: length})


def _output_shape(
    layer: Layer, shapes: Geometry, status: str, said: str, first: dict[str, str] | None = None
) -> Iterator[str]:
    """A block that asks for the output's shape; of the tensors in ``first`` the first length is another."""
    op = layer.operator
    yield "{"
    names = []
    for tensor in op.inputs:
        if tensor.axes:
            lengths = list(map(str, shapes[tensor.name]))
            lengths[0] = (first or {}).get(tensor.name, lengths[0])
            names.append(f"of_{tensor.name}")
            yield f"    const ptrdiff_t of_{tensor.name}[] = {{{', '.join(lengths)}}};"
    if op.output.axes:
        names.append("found")
        yield f"    ptrdiff_t found[{len(op.output.axes)}];"
    yield f'    expect({layer.name}_output_shape({", ".join(names)}) == {layer.name.upper()}_{status}, "{said}");'
    yield "}"
