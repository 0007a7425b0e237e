"""The text of the test program that goes with a library in C."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from math import isnan
from typing import Any

from symconv.emit.c99 import CODES
from symconv.emit.callables import Callable
from symconv.export.c_cases import Checked, Wanted, cases, unfit, wanted
from symconv.export.layer import Function, Layer
from symconv.notation.operator import Tensor
from symconv.templates import environment
from symconv.verify.geometry import Geometry
from symconv.verify.grid import Array

__all__ = ["check_text"]

_TYPES = {"float32": "float", "float64": "double"}
_A_LINE = 20


def check_text(layer: Layer, functions: tuple[Callable, ...]) -> str:
    """The program that ``make check`` runs; ``functions`` are those of the layer as they are written in C."""
    tensors = {tensor.name: tensor for function in layer.functions for tensor in (*function.inputs, *function.outputs)}
    found = cases(layer)
    full = next((case for case in found if _full(case)), None)
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


def _full(case: Checked) -> bool:
    """Whether no array of a case is empty."""
    return all(one.value.size for one in case.outputs.values()) and all(a.size for a in case.arrays.values())


def _case(layer: Layer, refusing: tuple[Callable, ...], case: Checked, name: str) -> dict[str, Any]:
    given = {**case.arrays, **(case.cotangents if layer.gradients else {})}
    results = {function.name: wanted(case, function) for function in layer.functions}
    arrays = [_array(f"{name}_{tensor}", numbers) for tensor, numbers in given.items()]
    arrays += [
        _array(_want(name, function, result), want.value) | {"rank": 0}
        for function, wants in results.items()
        for result, want in wants.items()
    ]
    if not layer.gradients:
        arrays += [_shape(f"{name}_{output}", one.value.shape) for output, one in case.outputs.items()]
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


def _call(layer: Layer, function: Function, wants: dict[str, Wanted], case: str) -> dict[str, Any]:
    parts = [part for tensor in function.inputs for part in (f"in_{tensor.name}", *_passed(case, tensor))]
    results = []
    for tensor, cotangent in zip(function.outputs, layer.cotangents, strict=False):
        want = wants[tensor.name]
        # A cotangent has its output's shape, and is there where there are gradients.
        stated = () if function.wrt else _passed(case, cotangent if layer.gradients else tensor)
        results.append(
            {
                "name": tensor.name,
                "got": f"got_{tensor.name}",
                "index": tensor.dtype == "index",
                "count": want.value.size,
                "want": _want(case, function.name, tensor.name),
                "allowed": {CODES[dtype]: repr(allowed) for dtype, allowed in want.allowed},
                "others": [] if function.wrt else _others(want.value.shape),
            }
        )
        parts += [f"got_{tensor.name}", *stated]
    return {
        "what": function.name,
        "function": f"{layer.name}_{function.name}",
        "results": results,
        "refused": [],
        "parts": (*parts, "threads"),
    }


def _want(case: str, function: str, result: str) -> str:
    """The array that holds what a function is to make of a case."""
    return f"wanted_{case}_{function}_{result}"


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
        for result in one.results:
            if buffer.name in one.read and buffer.scalar.kind == result.scalar.kind:
                yield call(f"got_{result.name}", f"(REAL)same(in_{buffer.name})"), "OVERLAP"
    for result in one.results:
        got = f"got_{result.name}"
        yield call(got, "NULL"), "POINTER"
        yield call(got, f"beside_{result.name}"), "ALIGNMENT"
        place = parts.index(got) + 1
        for axis in range(len(result.axes) if one.stated else 0):
            other = f"other_{result.name}_{axis}"
            yield ", ".join(other if at == place else part for at, part in enumerate(parts)), "OUTPUT"
    for first, second in combinations(one.results, 2):
        yield call(f"got_{second.name}", f"(REAL)same(got_{first.name})"), "OVERLAP"


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


def _refusals(layer: Layer, found: tuple[Checked, ...]) -> Iterator[str]:
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
    for output in op.outputs:
        if output.axes:
            names.append(f"found_{output.name}")
            yield f"    ptrdiff_t found_{output.name}[{len(output.axes)}];"
    yield f'    expect({layer.name}_output_shape({", ".join(names)}) == {layer.name.upper()}_{status}, "{said}");'
    yield "}"
