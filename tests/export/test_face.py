"""The Python face of a package over loops that only note what they are given."""

from __future__ import annotations

import importlib
import sys

import numpy as np
import pytest

import symconv as sc
from symconv.export.exporting import packaged
from symconv.export.package import write

KERNELS = """
calls = []
def __getattr__(name):
    if name.startswith("_"):
        raise AttributeError(name)
    def run(*arguments):
        calls.append((name, arguments))
        arguments[-2][...] = len(calls)
    return run
"""


@pytest.fixture(scope="module")
def layer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("face") / "out"
    write(packaged(sc.conv2d(stride=2, padding=1, bias=True), name="faced"), folder)
    (folder / "src" / "faced" / "_kernels.py").write_text(KERNELS)
    sys.path.insert(0, str(folder / "src"))
    try:
        yield importlib.import_module("faced")
    finally:
        sys.path.remove(str(folder / "src"))
        for name in [name for name in sys.modules if name.partition(".")[0] == "faced"]:
            del sys.modules[name]


@pytest.fixture
def arrays():
    shapes = {"x": (2, 3, 7, 8), "w": (4, 3, 3, 2), "b": (4,)}
    return {name: np.zeros(shape, "float32") for name, shape in shapes.items()}


GY = (2, 4, 4, 5)


def test_functions_and_their_results(layer, arrays):
    assert layer.__all__ == ["Gradients", "backward", "forward", "grad_b", "grad_w", "grad_x", "output_shape"]
    y = layer.forward(**arrays)
    assert y.shape == GY == layer.output_shape((2, 3, 7, 8), (4, 3, 3, 2), (4,))
    assert y.dtype == np.float32
    gy = np.zeros(GY, "float32")
    assert layer.grad_w(gy, *arrays.values()).shape == (4, 3, 3, 2)
    found = layer.backward(gy, *arrays.values(), "w")
    assert (found.x, found.w.shape, found.b) == (None, (4, 3, 3, 2), None)
    assert [each.shape for each in layer.backward(gy, **arrays)] == [a.shape for a in arrays.values()]
    assert layer.backward(gy, **arrays, wrt=()) == (None, None, None)


def test_threads(layer, arrays, monkeypatch):
    kernels = importlib.import_module("faced._kernels")
    layer.forward(**arrays, threads=3)
    assert kernels.calls[-1][1][-1] == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    layer.forward(**arrays)
    assert kernels.calls[-1][1][-1] == 5
    monkeypatch.setitem(importlib.import_module("faced._arrays")._process, "forked", True)
    layer.forward(**arrays, threads=3)
    assert kernels.calls[-1][1][-1] == 1
    for wrong in (0, -1, True, 2.0, "2"):
        with pytest.raises(ValueError, match=r"faced.forward: threads is .*, wanted a number from 1 on"):
            layer.forward(**arrays, threads=wrong)


@pytest.mark.parametrize(
    ("name", "change", "error", "words"),
    [
        ("x", lambda a: a.tolist(), TypeError, r"x is a list, wanted a NumPy array \(N, C, H, W\) of float32 or float64"),
        ("x", np.ma.masked_array, TypeError, r"x is a MaskedArray.*pass x.filled"),
        ("x", lambda a: a.astype("float16"), TypeError, r"x is float16, wanted float32 or float64: pass x.astype\('float64'\)"),
        ("x", lambda a: a.astype(">f4"), TypeError, "x is >f4, wanted"),
        ("w", lambda a: a.astype("float64"), TypeError, "w is float64 and x is float32, wanted one dtype"),
        ("x", lambda a: a[0], ValueError, r"x has 3 axes \(3, 7, 8\), wanted 4: x \(N, C, H, W\)"),
        ("x", lambda a: a[:, :, :, ::2], ValueError, r"x is not C-contiguous .*pass np.ascontiguousarray\(x\)"),
        ("x", lambda a: a.transpose(0, 2, 3, 1), ValueError, "x is not C-contiguous"),
        ("w", lambda a: np.zeros((4, 2, 3, 2), "f4"), ValueError, r"w has shape \(4, 2, 3, 2\), wanted \(4, 3, 3, 2\)"),
        ("w", lambda a: np.zeros((4, 3, 30, 2), "f4"), ValueError, "the output would be empty: OH = .* = -10"),
        ("b", lambda a: np.zeros(5, "f4"), ValueError, r"b has shape \(5,\), wanted \(4,\)"),
        ("b", lambda a: None, TypeError, "b is a NoneType"),
    ],
)  # fmt: skip
def test_arrays_that_are_refused(layer, arrays, name, change, error, words):
    with pytest.raises(error, match=rf"faced.*: {words}"):
        layer.forward(**(arrays | {name: change(arrays[name])}))


def test_a_misplaced_array(layer, arrays):
    with pytest.raises(
        ValueError, match=r"faced.grad_x: gy has shape \(2, 4, 4, 6\), wanted \(2, 4, 4, 5\), the shape of y"
    ):
        layer.grad_x(np.zeros((2, 4, 4, 6), "float32"), **arrays)
    with pytest.raises(TypeError, match="required positional argument"):
        layer.forward(arrays["x"])


def test_where_results_go(layer, arrays):
    place = np.zeros(GY, "float32")
    assert layer.forward(**arrays, out=place) is place
    for wrong, words in (
        (np.zeros(GY), "is float64, wanted float32"),
        ([1], "is a list, wanted a NumPy array"),
        (np.zeros((1, *GY[1:]), "float32"), "has shape"),
        (np.zeros((*GY, 2), "float32")[..., 0], "cannot be written row by row"),
        (np.broadcast_to(np.float32(0), GY), "cannot be written row by row"),
        (arrays["x"].reshape(-1)[:160].reshape(GY), "overlaps another array of the call"),
    ):
        with pytest.raises((TypeError, ValueError), match=f"faced.forward: out for y {words}"):
            layer.forward(**arrays, out=wrong)
    gy, gx = np.zeros(GY, "float32"), np.empty_like(arrays["x"])
    assert layer.backward(gy, **arrays, out={"x": gx}).x is gx
    with pytest.raises(ValueError, match="out has an array for 'x', wanted some of w"):
        layer.backward(gy, **arrays, wrt="w", out={"x": gx})
    with pytest.raises(TypeError, match="out is a ndarray, wanted arrays by tensor"):
        layer.backward(gy, **arrays, out=gx)
    with pytest.raises(ValueError, match="out for w overlaps"):
        layer.backward(gy, **arrays, out={"x": gx, "w": gx.reshape(-1)[:72].reshape(4, 3, 3, 2)})
    with pytest.raises(ValueError, match="no gradient with respect to 'v', wanted some of x, w, b"):
        layer.backward(gy, **arrays, wrt=("x", "v"))


def test_nothing_is_written_before_everything_is_checked(layer, arrays):
    kernels = importlib.import_module("faced._kernels")
    before = len(kernels.calls)
    places = {"x": np.zeros_like(arrays["x"]), "w": np.zeros(3, "float32")}
    with pytest.raises(ValueError, match="out for w has shape"):
        layer.backward(np.zeros(GY, "float32"), **arrays, out=places)
    assert len(kernels.calls) == before
