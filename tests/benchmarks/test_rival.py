"""What is measured beside symconv is the same function: definition, NumPy's float64 and torch agree."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

import symconv as sc
from symconv.bench.composed import formula, shapes_of
from symconv.bench.exact import reference
from symconv.bench.problem import COMPOSED, Problem, problem
from symconv.bench.rival import rival
from symconv.bench.suite import read_suite, shipped
from symconv.bench.written import written
from symconv.commands.request import requested
from symconv.notation.loss import loss
from symconv.verify.reference import evaluate, gradients

CASES = [
    ("conv1d", {"stride": 2, "padding": ((2, 1),), "dilation": 2}, {"x": (2, 3, 11), "w": (4, 3, 3)}),
    ("conv2d", {"stride": (2, 1), "padding": ((1, 0), (1, 2)), "groups": 3}, {"x": (2, 6, 7, 5), "w": (9, 2, 3, 2)}),
    ("conv2d", {"padding": 1, "dilation": (1, 2), "layout": "NHWC", "bias": True}, {"x": (2, 5, 6, 4), "w": (2, 3, 4, 3), "b": (3,)}),
    ("conv3d", {"stride": (1, 2, 1), "padding": (1, 0, 2)}, {"x": (2, 2, 4, 5, 3), "w": (3, 2, 3, 2, 1)}),
    ("conv_transpose1d", {"stride": 3, "padding": 1, "output_padding": 2}, {"x": (2, 3, 5), "w": (3, 4, 3)}),
    ("conv_transpose2d", {"stride": (2, 3), "padding": (1, 2), "output_padding": (1, 0), "dilation": (2, 1), "groups": 2}, {"x": (2, 4, 3, 4), "w": (4, 3, 3, 4)}),
    ("adder2d", {"stride": (2, 1), "padding": ((1, 0), (1, 2))}, {"x": (2, 3, 7, 5), "w": (4, 3, 3, 2)}),
    ("squared_distance2d", {"padding": 1, "dilation": (1, 2)}, {"x": (2, 3, 5, 6), "w": (4, 3, 3, 2)}),
    ("max_plus2d", {"stride": 2, "padding": ((1, 0), (0, 1))}, {"x": (2, 3, 5, 6), "w": (4, 3, 3, 2)}),
]  # fmt: skip
NAMES = [f"{name} {settings}" for name, settings, _ in CASES]


def defined(op, arrays, gy):
    """The output and the gradients by the definition, element by element."""
    found = {"y": evaluate(op, arrays), **gradients(op, arrays, gy)}
    return {name: np.asarray(value, "float64") for name, value in found.items()}


def drawn(op, shapes):
    rng = np.random.default_rng(3)
    arrays = {}
    for name, shape in shapes.items():
        # Integers, and weights so far apart that no distance is 0 and no maximum is taken twice: all sums are exact.
        apart = rng.permutation(int(np.prod(shape))).reshape(shape) - 7.0
        arrays[name] = apart * 256 + 0.5 if name == "w" else apart
    return arrays, rng.integers(-4, 5, op.output_shape(**shapes)).astype("float64")


@pytest.mark.parametrize(("name", "settings", "shapes"), CASES, ids=NAMES)
def test_what_is_compared_computes_the_definition(name, settings, shapes):
    op = getattr(sc, name)(**settings)
    arrays, gy = drawn(op, shapes)
    found = problem(op, settings, shapes)
    assert isinstance(found, Problem), found
    want = defined(op, arrays, gy)
    sides = [reference(found, arrays, gy)] if found.body == "product" else []
    if find_spec("torch"):
        sides.append(rival(found, arrays, gy, 1).results())
    for side in sides:
        assert side.keys() == want.keys()
        for tensor, value in side.items():
            assert value.tolist() == want[tensor].tolist(), tensor


@pytest.mark.parametrize("layer", read_suite("bodies"), ids=lambda layer: layer.name)
def test_every_form_of_a_body_has_the_same_gradients(layer):
    torch = pytest.importorskip("torch")
    op, settings = requested(layer.op, dict(layer.settings)), dict(layer.settings)
    shapes = {"x": (2, 3, 6, 5), "w": (4, 3, 3, 3)}
    rng = np.random.default_rng(5)
    arrays = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    gy = rng.standard_normal(op.output_shape(**shapes))
    calls = rival(problem(op, settings, shapes), arrays, gy, 1).calls
    want = defined(op, arrays, gy)
    for form in calls["backward"]:
        gx, gw = calls["backward"][form]()
        (alone,) = calls["x"][form]()
        for value, name in ((calls["forward"][form](), "y"), (gx, "x"), (gw, "w"), (alone, "x")):
            assert torch.allclose(value, torch.from_numpy(want[name])), (form, name)


@pytest.mark.parametrize(
    ("op", "settings", "why"),
    [
        (sc.conv1d(flip=True), {"flip": True}, "border, flip or slope"),
        (sc.conv1d(border="reflect", padding=1), {"border": "reflect"}, "border, flip or slope"),
        (sc.conv1d(padding=((1, -1),)), {}, "negative padding"),
        (sc.conv_transpose1d(padding=((1, 2),)), {}, "alike on both sides"),
        (sc.adder1d(), {}, "two axes"),
        (sc.min_plus1d(), {}, "no such operator"),
        (sc.operator("y[n,f,i] = sum[c,p](x[n,c,i+p]*w[f,c,p])"), {}, "no such operator"),
    ],
)
def test_torch_is_left_out_where_it_has_no_such_operator(op, settings, why):
    assert why in problem(op, settings, {"x": (1, 2, 9), "w": (2, 2, 3)})


SETTINGS = {
    1: {"stride": (2,), "padding": ((3, 1),), "dilation": (2,)},
    2: {"stride": (1, 2), "padding": ((1, 1), (0, 2)), "dilation": (2, 1)},
}


@pytest.mark.skipif(find_spec("torch") is None, reason="no torch")
@pytest.mark.parametrize("rank", SETTINGS)
@pytest.mark.parametrize("name", COMPOSED)
def test_a_layer_of_several_steps_is_the_same_in_torch(name, rank):
    settings = {**SETTINGS[rank], "groups": 1}
    op = formula(f"{name}{rank}d", settings)
    shapes = shapes_of(f"{name}{rank}d", (2, 3, 9, 7)[: rank + 2], (4, 3, 3, 2)[: rank + 2])
    assert tuple(shapes) == op.tensors
    rng = np.random.default_rng(7)
    arrays = {tensor: rng.standard_normal(shape) for tensor, shape in shapes.items()}
    gy, found = rng.standard_normal(op.output_shape(**shapes)), problem(op, settings, shapes)
    assert isinstance(found, Problem), found
    other, want = rival(found, arrays, gy, 1), defined(op, arrays, gy)
    results = other.results()
    assert results.keys() == want.keys()
    for tensor, value in results.items():
        assert np.allclose(value, want[tensor], rtol=1e-9, atol=1e-9), tensor
    for direction, forms in other.calls.items():
        assert tuple(forms) == ("contiguous", "channels_last")[:rank]
        if direction in shapes:
            for form, call in forms.items():
                assert np.allclose(call()[0].numpy(), want[direction], rtol=1e-9, atol=1e-9), (direction, form)


def test_layers_of_several_steps_have_one_group():
    with pytest.raises(sc.SpecError, match="groups is 1"):
        formula("gated_conv1d", {**SETTINGS[1], "groups": 2})


@pytest.mark.parametrize("suite", shipped())
def test_every_layer_of_the_shipped_suites_has_a_rival(suite):
    for layer in read_suite(suite):
        settings = dict(layer.settings)
        op = formula(layer.op, settings) if layer.composed else requested(layer.op, settings)
        assert isinstance(problem(op, settings, layer.shapes), Problem)


SEVERAL = {
    "a sum and what is made of it": ("s[n,i] = sum[p](x[n,i+p-1]*w[p]); y[n,i] = tanh(s[n,i])", ("s", "y")),
    "a maximum beside a mean": ("m[n,i] = max[p](x[n,i+p]*w[p]); y[n] = mean[i](x[n,i]**2)", ("m", "y")),
    "statistics": ("m[n] = mean[i](x[n,i]); v[n] = mean[i]((x[n,i]-m[n])**2); y[n,i] = (x[n,i]-m[n])*w[i]/sqrt(v[n]+1)",
                   ("m", "v", "y")),
}  # fmt: skip


@pytest.mark.skipif(find_spec("torch") is None, reason="no torch")
@pytest.mark.parametrize("name", SEVERAL)
def test_autograd_of_what_is_written_has_every_output_and_cotangent(name):
    source, outputs = SEVERAL[name]
    op = sc.operator(source, outputs=outputs)
    shapes = {"x": (2, 7), "w": (7,) if name == "statistics" else (3,)}
    rng = np.random.default_rng(5)
    arrays = {tensor: rng.standard_normal(shape) for tensor, shape in shapes.items()}
    cotangents = {f"g{one}": rng.standard_normal(shape) for one, shape in op.output_shapes(**shapes).items()}
    found = written(op, arrays, tuple(cotangents.values()), 1)
    want = gradients(loss(op), {**cotangents, **arrays}, np.ones(()), (*cotangents, *op.tensors))
    results = found.results()
    assert set(results) == {*outputs, *op.tensors}
    for one in outputs:
        np.testing.assert_allclose(results[one], want[f"g{one}"], rtol=1e-12, atol=1e-12)
    for tensor in op.tensors:
        np.testing.assert_allclose(results[tensor], want[tensor], rtol=1e-12, atol=1e-12)
        (alone,) = found.calls[tensor]["autograd"]()
        np.testing.assert_array_equal(alone.numpy(), results[tensor])
