"""The definition that a package's tests carry, against the oracle of symconv, which shares nothing with it."""

from __future__ import annotations

import math
import re
from itertools import product

import numpy as np
import pytest

import symconv as sc
from symconv.asked import operator_of
from symconv.export.definition import HELPERS, definition, used
from symconv.export.exporting import packaged
from symconv.notation.functions import TABLE
from symconv.verify.geometry import geometries
from symconv.verify.values import run


def functions(op):
    """What a test file holds before its own tests: the helpers, then the definition."""
    source = packaged(sc.conv1d(), name="sample").text("tests/test_sample.py")
    helpers = source[source.index("def read(") : source.index("def definition_of_forward")]
    own = "".join(f"def {name}({parameters}):\n    return {value}\n" for name, parameters, value in used(op))
    space = {"np": np, "math": math, "product": product}
    exec(compile(helpers + own + definition(op, "found"), "definition", "exec"), space)  # noqa: S102
    return space["found"]


def test_every_definition_gives_the_numbers_of_the_oracle(op):
    stated = operator_of(op)
    wrt = next(tensor.name for tensor in stated.inputs if tensor.dtype == "real")
    for one in (stated, sc.derive(op, wrt).operator):
        found = functions(one)
        for seed, shapes in enumerate(geometries(stated, 4)):
            rng = np.random.default_rng(seed)
            full = dict(shapes)
            if one is not stated:
                full = {f"g{name}": shape for name, shape in stated.output_shapes(**shapes).items()} | full
            arrays = {name: rng.integers(1, 4, shape).astype(float) for name, shape in full.items()}
            arrays = {t.name: arrays[t.name].astype("int32" if t.dtype == "index" else float) for t in one.inputs}
            problem = run(one, arrays)
            with np.errstate(all="ignore"):
                results = found(*arrays.values())
                wanted = one.output_shapes(**full).items()
                for result, (name, shape) in zip(results if one.several else (results,), wanted, strict=True):
                    right = problem.tensors[name].reshape(shape)
                    np.testing.assert_allclose(result, right, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [n for n, e in TABLE.items() if e.written and e.arity])
def test_every_function_has_its_value(name):
    arity = TABLE[name].arity
    arguments = ", ".join(f"{tensor}[i]" for tensor in "xwb"[:arity])
    infix = {"add": "x[i] + w[i]", "sub": "x[i] - w[i]", "mul": "x[i]*w[i]", "div": "x[i]/w[i]", "pow": "x[i]**w[i]"}
    body = infix.get(name, "-x[i]" if name == "neg" else f"{name}({arguments})")
    body = "where(x[i] > 2, w[i], b[i])" if name == "where" else body
    op = sc.operator(f"y[i] = {body}")
    arrays = {t: np.array([0.5, 1.0, 2.0, 3.0]) + 0.25 * k for k, t in enumerate(op.tensors)}
    right = run(op, arrays).tensors["y"]
    np.testing.assert_allclose(functions(op)(*arrays.values()), right, rtol=1e-14)


def test_helpers_end_with_an_underscore_so_that_no_tensor_hides_them():
    op = sc.operator("relu[i] = gelu(x[i])")
    assert re.search(r"relu\[i\] = gelu_\(x\[i\]\)", definition(op, "forward"))
    assert [name for name, _, _ in used(op)] == ["gelu_"]
    assert set(HELPERS) <= set(TABLE)
