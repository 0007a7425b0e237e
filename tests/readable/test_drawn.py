"""Formulas nobody thought of, printed and run: the forward, a gradient and a gradient of it, against brute force."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from symconv import pipeline
from symconv.errors import DerivationError, SpecError
from symconv.readable.code import code
from symconv.verify.geometry import geometries
from symconv.verify.grid import points
from symconv.verify.reference import evaluate, gradients

SETTINGS: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "derandomize": True,
    "database": None,
}


def _operators() -> Any:
    path = Path(__file__).parents[1] / "verify" / "test_drawn_operators.py"
    spec = importlib.util.spec_from_file_location("drawn_operators", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.operators


OPERATORS = _operators()


def check(data: Any, run: Callable[..., Any], library: str) -> None:
    try:
        op = data.draw(OPERATORS())
        place = dict(geometries(op, 1, data.draw(st.integers(0, 99)))[0])
        name = data.draw(st.sampled_from(["", *op.tensors]))
        derived = pipeline.derive(op, name) if name else pipeline.forward(op)
    except (SpecError, DerivationError):
        assume(False)
    assume(points(op, op.sizes(**place)) < 4000)
    rng = np.random.default_rng(0)
    inputs = {t: rng.integers(-3, 4, shape).astype(float) for t, shape in place.items()}
    gy = rng.integers(-3, 4, op.output_shape(**place)).astype(float)
    want = evaluate(op, inputs)
    assume(np.isfinite(want).all())
    text = code(derived, library)
    note(f"{op.source} {place}\n{text}")
    if not name:
        np.testing.assert_allclose(run(text, library, *inputs.values()), want, rtol=1e-9, atol=1e-9)
        return
    got = run(text, library, gy, *inputs.values())
    np.testing.assert_allclose(got, gradients(op, inputs, gy, (name,))[name], rtol=1e-9, atol=1e-9)
    again = derived.operator
    given_ = {again.tensors[0]: gy, **inputs}
    assume(points(again, again.sizes(**{t: a.shape for t, a in given_.items()})) < 50_000)
    other = data.draw(st.sampled_from(again.tensors))
    gg = rng.integers(-3, 4, place[name]).astype(float)
    second = code(pipeline.derive(again, other), library)
    note(second)
    wanted = gradients(again, given_, gg, (other,))[other]
    np.testing.assert_allclose(run(second, library, gg, *given_.values()), wanted, rtol=1e-9, atol=1e-9)


@settings(max_examples=6, **SETTINGS)
@given(data=st.data())
def test_drawn_formulas_are_printed_right(data: Any, run: Callable[..., Any]) -> None:
    check(data, run, "numpy")


@pytest.mark.full
@pytest.mark.parametrize("library", ["numpy", "torch"])
@settings(max_examples=400, **SETTINGS)
@given(data=st.data())
def test_hundreds_of_drawn_formulas_are_printed_right(data: Any, run: Callable[..., Any], library: str) -> None:
    check(data, run, library)
