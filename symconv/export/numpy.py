"""A package in NumPy: functions to read, nothing to compile."""

from __future__ import annotations

import json
from typing import Any

from symconv.export.face import arrays_file, example, face_file, order, shapes_file
from symconv.export.formulas import formulas_file
from symconv.export.layer import Layer
from symconv.export.package import File, Package
from symconv.export.python import in_docstring, safe
from symconv.export.readme import licence_file, readme_file
from symconv.export.tested import cases, tests_file
from symconv.readable.code import function_of
from symconv.readable.dialects import NUMPY
from symconv.readable.function import header
from symconv.templates import environment

__all__ = ["package"]


def package(layer: Layer) -> Package:
    """Readable functions, a Python face, tests, formulas and a README."""
    name = layer.name
    values = {"name": name, "description": json.dumps(f"{layer.operator.name}: forward and gradients in NumPy")}
    return Package(
        name,
        (
            readme_file(layer, _SUMMARY, _use(layer), _TESTS, order(layer) + _ORDER.format(name=name)),
            licence_file(),
            File("pyproject.toml", environment().get_template("package/numpy.toml.j2").render(**values)),
            File("MANIFEST.in", "recursive-include tests *.py\ninclude *.tex\n"),
            face_file(layer),
            arrays_file(layer),
            shapes_file(layer),
            _functions(layer),
            _kernels(layer),
            tests_file(layer, torch=False),
            formulas_file(layer),
        ),
    )


def _functions(layer: Layer) -> File:
    """``functions.py``: one function for the forward and each gradient."""
    texts = [function_of(one.derivation, NUMPY, one.name, one.several) for one in layer.functions]
    said = f'"""{in_docstring(str(layer.operator))}\n\n{_PLAIN}"""\n\n'
    return File(f"src/{layer.name}/functions.py", said + header(texts, NUMPY) + "\n\n" + "\n\n".join(texts))


_PLAIN = """Loops run over taps, slices over everything else. Shapes and dtypes are not checked here: the functions of
the package do that, and call these.
"""


def _kernels(layer: Layer) -> File:
    """``_kernels.py``: the functions behind the face, which writes results where they are wanted."""
    lines = [
        '"""The functions, with their results written into arrays that are given; one thread computes them."""',
        "",
        f"from {layer.name} import functions",
    ]
    for function in layer.functions:
        arrays = ", ".join(safe(tensor.name) for tensor in function.inputs)
        call = f"functions.{function.name}({arrays})"
        if not function.several:
            lines += ["", "", f"def {function.name}({arrays}, result_, threads_):", f"    result_[...] = {call}"]
            continue
        places = ", ".join(f"{safe(output.name)}_" for output in function.outputs)
        lines += ["", "", f"def {function.name}({arrays}, {places}, threads_):"]
        lines += [f"    for place_, result_ in zip(({places}), {call}):", "        place_[...] = result_"]
    return File(f"src/{layer.name}/_kernels.py", "\n".join(lines) + "\n")


_SUMMARY = "A layer as a Python package: NumPy functions to read and to check others against; it needs NumPy alone."
_ORDER = """\
Arrays are C-contiguous NumPy arrays of one dtype; TypeError and ValueError say what was given and what is wanted.
Every function takes `out`, an array to write into; `threads` is checked and changes nothing here.

`src/{name}/functions.py` holds the functions themselves, as short as they can be written: loops over the taps, slices
for the rest. Where operands are padded with zeros, an infinity or NaN beside the border may spread to cells that the
definition leaves finite.
"""
_TESTS = """
`pip install pytest` and `pytest` in this folder. `tests/` writes the definition of the forward and of every gradient
out as plain loops, cell by cell and tap by tap, and compares with `==` wherever small integers stay integers; it asks
the adjoint identity or the slope of the definition, and what is refused.
"""


def _use(layer: Layer) -> str:
    op, name = layer.operator, layer.name
    shapes, dtype = cases(layer)[0], layer.dtypes[0]
    made = [_drawn(tensor.name, tensor.dtype, shapes, dtype) for tensor in op.inputs]
    lines = ["import numpy as np", f"import {name}", "", "rng = np.random.default_rng(0)", *made]
    lines += example(layer)
    return "\n".join(("```sh", "pip install .", "```", "", "```python", *lines, "```"))


def _drawn(name: str, kind: str, shapes: Any, dtype: str) -> str:
    if kind == "index":
        return f"{name} = rng.integers(0, 3, {shapes[name]}).astype('int32')"
    return f"{name} = rng.random({shapes[name]}).astype('{dtype}')"
