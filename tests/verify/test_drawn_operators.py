"""Operators nobody thought of: random windows, bodies, borders and reads, both orders, against brute force."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from symconv import pipeline
from symconv.derive.adjoint import adjoint
from symconv.derive.borders import resolve_borders
from symconv.errors import DerivationError, SpecError
from symconv.gather.gather import gather
from symconv.loops.interpret import interpret
from symconv.loops.presets import masked
from symconv.notation.front import formula
from symconv.notation.operator import Operator
from symconv.validate.validation import validate
from symconv.verify.geometry import geometries
from symconv.verify.grid import points
from symconv.verify.reference import evaluate, gradients

Array = np.ndarray[Any, Any]

BODIES = (
    "{a}*{w}",
    "abs({a} - {w})",
    "({a} - {w})**2",
    "{a}*{b}*{w}",
    "max({a}, {w})*{b}",
    "where({a} > {w}, {a}*{w}, {b})",
    "{a} + {w}",
    "relu({a})*{w} - min({b}, {w})",
    "{a}*{w} + {w}*sign({b})",
)
OUTER = ("{r}", "-{r}", "{r}**2", "abs({r}) + b[f]", "relu({r} - 1)", "b[f]*{r}", "{r}*3 - b[f]/4", "{r}*{r} + {r}")
BORDERS = ("zero", "skip", "reflect", "replicate", "circular", 2)


def window(draw: Any, output: str, tap: str, stride: int) -> str:
    dilation, low = draw(st.integers(1, 3)), draw(st.integers(-1, 3))
    reach = f"(size({tap})-1-{tap})" if draw(st.integers(0, 4)) == 0 else tap
    second = draw(st.sampled_from(["", "", "", "+2*r"]))
    return f"{stride}*{output}+{dilation}*{reach}{second}-{low}"


@st.composite
def operators(draw: Any) -> Operator:
    if draw(st.integers(0, 6)) == 0:
        s, d, lo = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(0, 2))
        body, outer = draw(st.sampled_from(["{a}*{w}", "abs({a})*{w}", "({a} + {w})**2"])), draw(st.sampled_from(OUTER))
        inner = body.format(a=f"x[n,c,(i+{lo}-{d}*p)/{s}]", w="w[f,c,p]")
        return formula(f"y[n,f,i] = {outer.format(r=f'sum[c,p]({inner})')}")
    strides = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    two = draw(st.integers(0, 4)) == 0
    axes = [("i", "p", strides[0])] + ([("j", "q", strides[1])] if two else [])
    forms = [window(draw, *axis) for axis in axes]
    taps = ",".join([*(tap for _, tap, _ in axes), *(["r"] if any("*r" in form for form in forms) else [])])
    outputs = ",".join(axis[0] for axis in axes)
    shift = draw(st.integers(-1, 2))
    a, b = (f"x[n,c,{','.join([*forms[:-1], forms[-1] + more])}]" for more in ("", f"+{shift}" if shift >= 0 else "-1"))
    place = draw(st.sampled_from(["f,c", "f,c", "f,c", f"{outputs},f,c", "n,f,c"]))
    body = draw(st.sampled_from(BODIES)).format(a=a, b=b, w=f"w[{place},{taps}]")
    kind = draw(st.sampled_from(["sum", "sum", "sum", "mean", "max", "min"]))
    reduced = f"{kind}[c,{taps}]({body})"
    if draw(st.integers(0, 7)) == 0:
        reduced = f"sum[c]({kind}[{taps}]({body}))"
    kinks = {"relu": draw(st.sampled_from(["zero", "one", "half"])), "max": draw(st.sampled_from(["first", "share"]))}
    text = f"y[n,f,{outputs}] = {draw(st.sampled_from(OUTER)).format(r=reduced)}"
    return formula(text, border=draw(st.sampled_from(BORDERS)), kinks=kinks)


def run(op: Operator, arrays: dict[str, Array]) -> Array:
    inputs = {t.name: (arrays[t.name].shape, arrays[t.name].ravel().tolist()) for t in op.inputs}
    return np.array([float(value) for value in interpret(masked(gather(op), "k", None), inputs)])


def close(got: Array, want: Array, what: str) -> None:
    np.testing.assert_allclose(np.ravel(got), np.ravel(want), rtol=1e-10, atol=1e-9, err_msg=what)


def check(data: Any) -> None:
    try:
        op = data.draw(operators())
        place = dict(geometries(op, 1, data.draw(st.integers(0, 99)))[0])
    except SpecError:
        assume(False)
    note(f"{op} {place} {op.statements[-1].expr}")
    assume(points(op, op.sizes(**place)) < 4000)
    rng = np.random.default_rng(0)
    arrays = {name: rng.integers(-3, 4, shape).astype(np.float64) for name, shape in place.items()}
    arrays["gy"] = rng.integers(-3, 4, op.output_shape(**place)).astype(np.float64)
    inputs = {name: arrays[name] for name in op.tensors}
    value = evaluate(op, inputs)
    # A window without a tap has no maximum and no mean: nothing is promised there.
    assume(np.isfinite(value).all())
    try:
        resolved = resolve_borders(op)
    except DerivationError as error:
        assert "pads are too large" in str(error)
        assume(False)
    close(run(resolved, arrays), value, "forward")
    wanted = gradients(op, inputs, arrays["gy"])
    name = data.draw(st.sampled_from(op.tensors))
    gradient = adjoint(resolved, name)
    close(run(gradient, arrays), wanted[name], f"gradient by {name}")
    arrays["gg"] = rng.integers(-3, 4, place[name]).astype(np.float64)
    other = data.draw(st.sampled_from(gradient.tensors))
    given = {tensor: arrays[tensor] for tensor in gradient.tensors}
    # The oracle of a gradient walks cells times all indices: keep that grid small too.
    assume(points(gradient, gradient.sizes(**{t: a.shape for t, a in given.items()})) < 200_000)
    want = gradients(gradient, given, arrays["gg"], (other,))[other]
    arrays[f"gg{name}"] = arrays["gg"]
    close(run(adjoint(gradient, other), arrays), want, f"gradient by {name}, then by {other}")


def check_kernel(data: Any) -> None:
    try:
        op = data.draw(operators())
        name = data.draw(st.sampled_from(["", *op.tensors]))
        derivation = pipeline.derive(op, name) if name else pipeline.forward(op)
    except (SpecError, DerivationError):
        assume(False)
    note(f"{op.source} {op.kinks} {name}")
    found = validate(derivation, masked(derivation.gather, "k", None, data.draw(st.sampled_from([4, 8]))))
    assert found, str(found)


SETTINGS = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True}


@settings(max_examples=60, **SETTINGS)
@given(st.data())
def test_drawn_operators(data) -> None:
    check(data)


@pytest.mark.full
@settings(max_examples=600, **SETTINGS)
@given(st.data())
def test_thousands_of_drawn_operators(data) -> None:
    check(data)


@settings(max_examples=12, **SETTINGS)
@given(st.data())
def test_drawn_operators_have_proved_kernels(data) -> None:
    check_kernel(data)


@pytest.mark.full
@settings(max_examples=500, **SETTINGS)
@given(st.data())
def test_hundreds_of_drawn_operators_have_proved_kernels(data) -> None:
    check_kernel(data)
