"""A package in Cython: compiled when it is installed, called from Python."""

from __future__ import annotations

import json
from typing import Any

from symconv.export.face import arrays_file, example, face_file, order, shapes_file
from symconv.export.formulas import formulas_file
from symconv.export.layer import Layer
from symconv.export.loops import loops
from symconv.export.package import File, Package
from symconv.export.python import in_docstring, safe
from symconv.export.readme import licence_file, readme_file
from symconv.export.rendering import rendered
from symconv.export.tested import cases, tests_file
from symconv.views.text import operator_text

__all__ = ["package"]


def package(layer: Layer) -> Package:
    """Loops, a Python face, flags, tests, formulas and a README."""
    compiled = loops(layer)
    op, name = layer.operator, layer.name
    values: dict[str, Any] = {
        "name": name,
        "env": name.upper(),
        "title": in_docstring(op.name),
        "alike": compiled.alike,
        "noughts": compiled.noughts,
        "description": json.dumps(f"{op.name}: forward and gradients as compiled loops"),
        "arguments": [safe(tensor) for tensor in op.tensors],
        "tensors": op.tensors,
        "several": bool(op.several),
        "outputs": [output.name for output in op.outputs],
        "real": tuple(function.wrt for function in layer.gradients),
        "formula": in_docstring(op.source) if op.several else operator_text(op).split("\n")[0],
    }
    files = (
        readme_file(layer, _SUMMARY, _use(layer), _TESTS, order(layer) + _ORDER),
        licence_file(),
        File("pyproject.toml", rendered("pyproject.toml.j2", **values)),
        File("setup.py", rendered("setup.py.j2", **values)),
        File("MANIFEST.in", "recursive-include tests *.py\ninclude *.tex\n"),
        face_file(layer),
        arrays_file(layer),
        shapes_file(layer),
        File(f"src/{name}/_kernels.pyx", compiled.text),
        *([File(f"src/{name}/torch.py", rendered("torch.py.j2", **values))] if layer.gradients else []),
        tests_file(layer),
        formulas_file(layer),
    )
    return Package(name, files)


_SUMMARY = "A layer as a Python package: compiled loops for the forward and its gradients; it needs NumPy alone."
_ORDER = """\
Arrays are C-contiguous NumPy arrays of one dtype; TypeError and ValueError say what was given and what is wanted.
Every function takes `out`, an array to write into, and `threads`. Results are the same bits for any number of threads.
"""
_TESTS = """
`pip install pytest` and `pytest` in this folder. `tests/` writes the definition of the forward and of every gradient
out as plain loops, cell by cell and tap by tap, and compares with `==` wherever small integers stay integers; it asks
the adjoint identity or the slope of the definition, and what is refused.
"""


def _use(layer: Layer) -> str:
    op, name = layer.operator, layer.name
    shapes = cases(layer)[0]
    dtype = layer.dtypes[0]
    made = [
        f"{tensor.name} = rng.integers(0, 3, {shapes[tensor.name]}).astype('int32')"
        if tensor.dtype == "index"
        else f"{tensor.name} = rng.random({shapes[tensor.name]}).astype('{dtype}')"
        for tensor in op.inputs
    ]
    lines = ["import numpy as np", f"import {name}", "", "rng = np.random.default_rng(0)", *made]
    lines += example(layer)
    torch = f"""
`{name}/torch.py` wraps the functions as a `torch.autograd.Function`; it is imported on request alone:

```python
from {name}.torch import {name}
```
"""
    return f"""
```sh
pip install .                      # any machine of this kind
{name.upper()}_NATIVE=1 pip install .     # this machine alone, with all instructions that it has
{name.upper()}_OPENMP=0 pip install .     # without threads
```

A C compiler is wanted; where it has no OpenMP, loops run on one thread.

```python
{chr(10).join(lines)}
```
{torch if layer.gradients else ""}"""
