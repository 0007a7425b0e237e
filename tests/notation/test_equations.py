"""Several equations as one operator: their sizes, values and gradients are those of the equations written into one."""

from __future__ import annotations

import numpy as np
import pytest

import symconv as sc
from symconv.errors import SpecError
from symconv.verify import reference

WINDOW = "sum[c,p](x[n,c,2*i+p-1]*{}[f,c,p])"
GATED = f"u[n,f,i] = {WINDOW.format('v')}; z[n,f,i] = {WINDOW.format('w')}; y[n,f,i] = tanh(u[n,f,i])*sigmoid(z[n,f,i])"
PAIRS = [
    (GATED, f"y[n,f,i] = tanh({WINDOW.format('v')})*sigmoid({WINDOW.format('w')})",
     {"x": (2, 3, 8), "v": (4, 3, 3), "w": (4, 3, 3)}, {}),
    ("m[n] = mean[k](x[n,k])\n d[n,c] = x[n,c] - m[n]  # centred\n y[n,c] = d[n,c]/sqrt(mean[k](d[n,k]**2) + eps)*g[c]",
     "y[n,c] = (x[n,c] - mean[k](x[n,k]))/sqrt(mean[l]((x[n,l] - mean[k](x[n,k]))**2) + eps)*g[c]",
     {"x": (3, 5), "g": (5,)}, {"params": {"eps": 0.25}}),
    ("z[n,(g,f),i] = Σ[c,p](x[n,(g,c),i+p]*w[(g,f),c,p]); y[n,(g,f),i] = relu(z[n,(g,f),i])",
     "y[n,(g,f),i] = relu(sum[c,p](x[n,(g,c),i+p]*w[(g,f),c,p]))", {"x": (2, 4, 7), "w": (6, 2, 3)}, {"extents": {"g": 2}}),
    ("z[n,i] = x[n,i]**2; y[n,i] = max[p<3](z[n,2*i+p])", "y[n,i] = max[p](x[n,2*i+p]**2)", {"x": (2, 9)}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("source", "whole", "shapes", "more"), PAIRS)
def test_values_and_gradients_are_those_of_one_formula(source, whole, shapes, more) -> None:
    op = sc.operator(source, name="layer", **more)
    extents = {"extents": {"p": 3}} if "max[p]" in whole else {}
    one = sc.operator(whole, **{**more, **extents})
    rng = np.random.default_rng(0)
    arrays = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    assert op.name == "layer"
    assert op.tensors == tuple(shapes)
    assert op.output_shape(**shapes) == one.output_shape(**shapes)
    value = reference.evaluate(op, arrays)
    assert np.allclose(value, reference.evaluate(one, arrays), rtol=1e-12)
    gy = rng.standard_normal(value.shape)
    a, b = (reference.gradients(each, arrays, gy, tuple(shapes)) for each in (op, one))
    for name in shapes:
        assert np.allclose(a[name], b[name], rtol=1e-10), name


@pytest.mark.parametrize(
    ("source", "outputs", "found"),
    [
        ("z[n] = sum[c](x[n,c]); y[n] = x[n,0]", None, ("z", "y")),
        ("s[n] = x[n]**2; y[n] = 2*s[n]; z[n] = exp(s[n])", None, ("y", "z")),
        ("s[n] = x[n]**2; y[n] = 2*s[n]; z[n] = exp(s[n])", "z, s ,y", ("s", "y", "z")),
        ("s[n] = x[n]**2; y[n] = 2*s[n]", ("s", "y"), ("s", "y")),
        ("s[n] = x[n]**2; y[n] = 2*s[n]", ["y"], ()),
        ("y[n] = 2*x[n]", ("y",), ()),
    ],
)
def test_what_nothing_reads_is_an_output_or_what_is_named(source, outputs, found) -> None:
    assert sc.operator(source, outputs=outputs).several == found


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ("z", "y is computed and never read, and is none of the outputs z"),
        ("q,y,z", "outputs names 'q', which no equation computes; they compute s, y, z"),
        ("y,y,z", "outputs names equations, each once"),
        ("", "outputs names equations, each once"),
        ((), "outputs names equations, each once"),
        (3, "outputs names equations, each once"),
        ((1, 2), "outputs names equations, each once"),
    ],
)
def test_outputs_that_are_none(outputs, words) -> None:
    with pytest.raises(SpecError, match=words):
        sc.operator("s[n] = x[n]**2; y[n] = 2*s[n]; z[n] = exp(s[n])", outputs=outputs)
    with pytest.raises(SpecError, match="outputs"):
        sc.operator("u[n] = 2*x[n]", outputs=outputs)


def test_two_layers_against_loops_written_out() -> None:
    op = sc.operator("z[n,h,i] = sum[c,p](x[n,c,i+p]*v[h,c,p]); y[n,f,j] = sum[h,p](z[n,h,2*j+p-1]*w[f,h,p])")
    rng = np.random.default_rng(1)
    x, v, w = (rng.integers(-9, 10, shape) for shape in ((2, 3, 9), (4, 3, 2), (5, 4, 3)))
    z = np.zeros((2, 4, 8), dtype=int)
    for n, h, i, c, p in np.ndindex(2, 4, 8, 3, 2):
        z[n, h, i] += x[n, c, i + p] * v[h, c, p]
    y = np.zeros((2, 5, 4), dtype=int)
    for n, f, j, h, p in np.ndindex(2, 5, 4, 4, 3):
        if 0 <= 2 * j + p - 1 < 8:
            y[n, f, j] += z[n, h, 2 * j + p - 1] * w[f, h, p]
    assert (reference.evaluate(op, {"x": x, "v": v, "w": w}) == y).all()
    assert [d.name for d in op.definitions] == ["OL", "OL2"]


def test_intermediates_keep_their_names_and_gradients_share_them() -> None:
    op = sc.operator(GATED, name="gated")
    gradient = sc.derive(op, "w")
    text, latex = str(gradient), gradient.latex()
    assert "sigmoid(z[n,f,i])" in text
    assert "z_{n,f,i}" in latex.replace(" ", "")
    assert [s.target.name for s in gradient.operator.statements] == ["u", "z", "gz", "gw"]
    kernel = sc.build(op, dtype="float64")
    rng = np.random.default_rng(2)
    arrays = [rng.standard_normal(shape) for shape in ((2, 3, 8), (4, 3, 3), (4, 3, 3))]
    gy = rng.standard_normal((2, 4, 4))
    found = kernel.backward(gy, *arrays)
    wanted = reference.gradients(op, dict(zip("xvw", arrays, strict=True)), gy, ("x", "v", "w"))
    for name in "xvw":
        assert np.allclose(getattr(found, name), wanted[name], rtol=1e-12)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("z[n] = y[n]; y[n] = z[n]", "y is read before it is computed"),
        ("z[n] = x[n]; z[n] = z[n]", "z is computed twice"),
        ("z[n] = x[n]; y[n,c] = z[n,c]", "z has 1 axes in one equation and 2 in another"),
        ("n[i] = x[i]; y[n] = n[n]", "'n' is both an index and what an equation computes"),
        ("z[n] = x[n]; y[n] = z[n] w[n]", "a product is written with"),
        ("y[n] = x[n]^2", r"a power is written \*\*"),
        ("y[n] = (g c)", r"a product is written \*"),
        ("y[i] = sum[2](x[i])", r"with bounds as in sum\[p<3\]"),
        ("y[i] = sum[p<3](x[i+p]) + sum[q](sum[p<4](x[i+p]))", "p has another bound before"),
    ],
)
def test_what_cannot_be_meant_is_refused(source: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        sc.operator(source)


def test_equations_on_lines_are_written_so_that_they_can_be_read_again() -> None:
    lines = "z[n,i] = sum[p](\n  x[n,i+p]*w[p]);\n\ny[n,i] = tanh(z[n,i])\n"
    op = sc.operator(lines)
    assert op.source == "z[n,i] = sum[p]( x[n,i+p]*w[p]); y[n,i] = tanh(z[n,i])"
    assert sc.operator(op.source) == op
    assert sc.operator(lines.replace(";", "")).source == op.source


def test_settings_go_to_the_equations_that_have_the_name() -> None:
    source = "z[n,i] = sum[p](x[n,i+p-1]); y[n,j] = mean[q](z[n,j+q-1])"
    op = sc.operator(source, extents={"p": 3, "q": 2}, border={"x": "reflect"}, padding=None)
    x = np.arange(10.0).reshape(2, 5) ** 2
    inner = np.pad(x, ((0, 0), (1, 1)), mode="reflect")
    z = inner[:, :-2] + inner[:, 1:-1] + inner[:, 2:]
    around = np.pad(z, ((0, 0), (1, 1)))
    want = (around[:, :-1] + around[:, 1:]) / 2
    got = reference.evaluate(op, {"x": x})
    assert np.allclose(got, want[:, : got.shape[1]])
    with pytest.raises(SpecError, match="extents names 'r', which is in none of the equations"):
        sc.operator(source, extents={"p": 3, "q": 2, "r": 1})
    with pytest.raises(SpecError, match="name is a text"):
        sc.operator(source, name=3)  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="extents says 2; say it once"):
        sc.operator("y[i] = sum[p<3](x[i+p])", extents={"p": 2})


WORDS = [
    ("logsumexp[p<3](x[n,2*i+p])", {}, lambda a: np.log(np.exp(a).sum(-1))),
    ("norm[p](x[n,2*i+p])", {"p": 3}, lambda a: np.sqrt((a * a).sum(-1))),
    ("var[p](x[n,2*i+p])", {"p": 3}, lambda a: a.var(-1)),
    ("std[p<=2](x[n,2*i+p])", {}, lambda a: a.std(-1)),
]


@pytest.mark.parametrize(("word", "extents", "want"), WORDS, ids=[word for word, _, _ in WORDS])
def test_words_over_a_window(word, extents, want) -> None:
    op = sc.operator(f"y[n,i] = {word}", extents=extents)
    x = np.random.default_rng(3).standard_normal((2, 9))
    windows = np.lib.stride_tricks.sliding_window_view(x, 3, axis=1)[:, ::2]
    assert np.allclose(reference.evaluate(op, {"x": x}), want(windows), rtol=1e-12)
    gy = np.random.default_rng(4).standard_normal((2, 4))
    gx = reference.gradients(op, {"x": x}, gy, ("x",))["x"]
    step = 1e-6
    for cell in ((0, 0), (1, 4), (0, 7)):
        moved = []
        for sign in (1, -1):
            other = x.copy()
            other[cell] += sign * step
            moved.append((want(np.lib.stride_tricks.sliding_window_view(other, 3, axis=1)[:, ::2]) * gy).sum())
        assert np.isclose(gx[cell], (moved[0] - moved[1]) / (2 * step), rtol=1e-6)


def test_a_parameter_may_be_given_at_run_time_and_has_a_gradient() -> None:
    source = "v[n] = mean[c](x[n,c]**2); y[n,c] = x[n,c]/sqrt(v[n] + eps)*a"
    op = sc.operator(source, params={"eps": None, "a": 2})
    assert op.tensors == ("x", "eps")
    kernel = sc.build(op, dtype="float64")
    rng = np.random.default_rng(5)
    x, gy, eps = rng.standard_normal((3, 5)), rng.standard_normal((3, 5)), np.array(0.3)
    root = np.sqrt((x * x).mean(1, keepdims=True) + 0.3)
    assert np.allclose(kernel.forward(x, eps), 2 * x / root, rtol=1e-14)
    found = kernel.backward(gy, x, eps)
    assert found.eps.shape == ()
    assert np.isclose(found.eps, (gy * -x / root**3).sum(), rtol=1e-12)
    with pytest.raises(SpecError, match="params names 'b', which is in none of the equations"):
        sc.operator(source, params={"eps": None, "a": 2, "b": None})
    with pytest.raises(SpecError, match="which the formula does not use"):
        sc.operator("y[n] = x[n]", params={"b": None})
    with pytest.raises(SpecError, match="which is a tensor or an index"):
        sc.operator("y[n] = x[n]", params={"n": None})
    with pytest.raises(SpecError, match="reads no tensor"):
        sc.operator("y[n] = b", params={"b": None}, extents={"n": 3})
