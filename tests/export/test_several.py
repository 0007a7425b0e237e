"""Packages of operators with several outputs: named tuples, a cotangent for each, against sums written out here."""

from __future__ import annotations

import importlib
import itertools
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from elsewhere import compiled, judged

import symconv as sc
from symconv.export.exporting import export, packaged

sys.path.insert(0, str(Path(__file__).parent))
from c_library import written

FORMULA = "s[n,f,i] = sum[c,p](x[n,c,2*i+p-1]*w[f,c,p]); y[n,f,i] = relu(s[n,f,i]); z[n] = sum[f,i](y[n,f,i]**2)"
needs_make = pytest.mark.skipif(shutil.which("cc") is None or shutil.which("make") is None, reason="no cc or make")


def layer() -> sc.Operator:
    return sc.operator(FORMULA, outputs=("s", "y", "z"))


def drawn(shape, seed):
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(float)


X, W = drawn((2, 3, 9), 1), drawn((4, 3, 3), 2)
S, Y, Z = (2, 4, 5), (2, 4, 5), (2,)


def taps():
    """Every product: output cell, input cell, weight cell."""
    for n, f, i, c, p in itertools.product(range(2), range(4), range(5), range(3), range(3)):
        if 0 <= 2 * i + p - 1 < 9:
            yield (n, f, i), (n, c, 2 * i + p - 1), (f, c, p)


def outputs():
    s = np.zeros(S)
    for o, a, b in taps():
        s[o] += X[a] * W[b]
    y = np.maximum(s, 0)
    return s, y, (y**2).sum((1, 2))


def gradients(gs, gy, gz):
    s, y, _ = outputs()
    whole = gs + (gy + gz[:, None, None] * 2 * y) * (s > 0)
    gx, gw = np.zeros(X.shape), np.zeros(W.shape)
    for o, a, b in taps():
        gx[a] += whole[o] * W[b]
        gw[b] += whole[o] * X[a]
    return gx, gw


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The package in NumPy, imported."""
    folder = export(layer(), tmp_path_factory.mktemp("several") / "out", backend="numpy", name="of_several")
    sys.path.insert(0, str(folder / "src"))
    try:
        yield importlib.import_module("of_several")
    finally:
        sys.path.remove(str(folder / "src"))


def test_forward_returns_a_named_tuple(package):
    found = package.forward(X, W)
    assert found._fields == ("s", "y", "z") == package.Outputs._fields
    for one, right in zip(found, outputs(), strict=True):
        np.testing.assert_array_equal(one, right)
    assert package.output_shapes(X.shape, W.shape) == (S, Y, Z)
    assert package.output_shapes(X.shape, W.shape).z == Z


def test_gradients_take_a_cotangent_for_each_output(package):
    given = drawn(S, 3), drawn(Y, 4), drawn(Z, 5)
    gx, gw = gradients(*given)
    np.testing.assert_array_equal(package.grad_x(*given, X, W), gx)
    np.testing.assert_array_equal(package.grad_w(*given, X, W), gw)
    found = package.backward(*given, X, W)
    np.testing.assert_array_equal(found.x, gx)
    np.testing.assert_array_equal(found.w, gw)
    alone = package.backward(None, None, given[2], X, W, wrt="w")
    assert alone.x is None
    np.testing.assert_array_equal(alone.w, gradients(np.zeros(S), np.zeros(Y), given[2])[1])


def test_what_does_not_fit_is_said(package):
    good = drawn(S, 3), drawn(Y, 4), drawn(Z, 5)
    with pytest.raises(ValueError, match=r"gz has shape \(3,\), wanted \(2,\), the shape of z"):
        package.backward(*good[:2], np.ones(3), X, W)
    with pytest.raises(TypeError, match="gy is a list, wanted a NumPy array"):
        package.backward(good[0], good[1].tolist(), good[2], X, W)
    with pytest.raises(TypeError, match="x is a NoneType"):
        package.backward(*good, None, W)
    with pytest.raises(ValueError, match="out has an array for 'gy', wanted some of s, y, z"):
        package.forward(X, W, out={"gy": good[0]})
    place = np.empty(S)
    with pytest.raises(ValueError, match="out for y overlaps another array"):
        package.forward(X, W, out={"s": place, "y": place})


def test_outputs_that_share_nothing_are_all_there():
    """What no other output reads is computed too, in every backend."""
    op = sc.operator("m[n,i] = sum[p](x[n,i+p]*w[p]); y[n] = sum[i](x[n,i])")
    space: dict[str, object] = {}
    exec(packaged(op, "numpy", "apart").text("src/apart/functions.py"), space)  # noqa: S102
    x, w = drawn((2, 5), 6), drawn((2,), 7)
    m, y = space["forward"](x, w)
    np.testing.assert_array_equal(m, x[:, :-1] * w[0] + x[:, 1:] * w[1])
    np.testing.assert_array_equal(y, x.sum(1))
    assert "double *APART_RESTRICT m" in packaged(op, "c", "apart").text("apart.h")
    assert "m[" in packaged(op, "cython", "apart").text("src/apart/_kernels.pyx")


def test_the_readme_says_what_each_output_is():
    text = packaged(layer(), "cython", "of_several").text("README.md")
    assert "s, y, z = of_several.forward(x, w)" in text
    assert "of_several.grad_x(gs, gy, gz, x, w)" in text
    assert "`forward` returns a named tuple of s, y, z." in text
    assert "| `forward(x, w)` | `s` (N, F, OL), `y` (N, F, OL), `z` (N,) |" in text


def test_intermediates_are_computed_once():
    """One call of the loops writes every output: the sum is not made again for what is computed from it."""
    package = packaged(layer(), "cython", "of_several", wrt=())
    loops = package.text("src/of_several/_kernels.pyx")
    assert loops.count("def forward(") == 1 and "np.empty" not in loops
    library = packaged(layer(), "c", "of_several", wrt=())
    assert not re.search(r"sc_out [sy] = ", library.text("of_several_f32.c"))


@needs_make
def test_a_library_in_c_tells_right_from_wrong(tmp_path):
    short = sc.operator("s[n,i] = sum[p](x[n,i+p]*w[p]); y[n,i] = relu(s[n,i]); z[n] = sum[i](y[n,i])", outputs="s,y,z")
    place = written(packaged(short, "c", "of_several", dtype="float64", wrt="x"), tmp_path)
    header = (place / "of_several.h").read_text()
    assert (
        "s_shape[2], double *OF_SEVERAL_RESTRICT y, const ptrdiff_t y_shape[2], double *OF_SEVERAL_RESTRICT z" in header
    )

    def check():
        return subprocess.run(["make", "check"], cwd=place, capture_output=True, text=True, check=False, timeout=600)

    done = check()
    assert done.returncode == 0 and done.stdout.count("of_several: right") == 2, done.stdout + done.stderr
    file, text = place / "of_several_f64.c", (place / "of_several_f64.c").read_text()
    for before, after in (("_shape[0] != N) return OF_SEVERAL_OUTPUT", "_shape[0] < 0) return OF_SEVERAL_OUTPUT"),
                          ("if (sc_overlap(z,", "if (0 && sc_overlap(z,")):  # fmt: skip
        assert before in text
        file.write_text(text.replace(before, after))
        assert check().returncode != 0, before


@pytest.mark.full
def test_a_package_compiles_and_passes_its_own_tests(tmp_path):
    pytest.importorskip("setuptools")
    folder = export(layer(), tmp_path / "out", name="of_several")
    compiled(folder)
    done = judged(folder)
    assert done.returncode == 0, done.stdout[-3000:]
