"""What export can be asked for, and what it says where it cannot."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

import symconv as sc
from symconv.export.backends import BACKENDS
from symconv.export.exporting import export, packaged
from symconv.export.package import File, Package


@pytest.fixture
def toy(monkeypatch):
    """A backend that writes what it was given."""
    module = ModuleType("toy_backend")

    def package(layer):
        lines = [f"{f.name}({', '.join(t.name for t in f.inputs)}) -> {f.outputs[-1].name}" for f in layer.functions]
        return Package(layer.name, (File("said.txt", "\n".join((*layer.dtypes, *lines))),))

    module.package = package
    monkeypatch.setitem(sys.modules, "toy_backend", module)
    monkeypatch.setitem(BACKENDS, "toy", "toy_backend")


def said(op, **more):
    return packaged(op, "toy", **more).text("said.txt").splitlines()


def test_a_layer_has_its_forward_and_each_gradient(toy, tmp_path):
    lines = ["float32", "float64", "forward(x, w, b) -> y"]
    lines += [f"grad_{t}(gy, x, w, b) -> g{t}" for t in "xwb"]
    op = sc.conv1d(stride=2, bias=True)
    assert said(op) == lines
    folder = export(op, str(tmp_path / "out"), backend="toy")
    assert (folder / "said.txt").read_text().splitlines() == lines


def test_only_what_is_asked_for(toy):
    assert said(sc.conv1d(), dtype="float64", wrt="w") == ["float64", "forward(x, w) -> y", "grad_w(gy, x, w) -> gw"]
    assert said(sc.conv1d(), dtype=["float64", "float32"], wrt=()) == ["float32", "float64", "forward(x, w) -> y"]


def test_a_gradient_is_a_layer_too(toy):
    lines = said(sc.derive(sc.conv1d(), "x"), wrt=("w", "gy"))
    assert lines[2:] == ["forward(gy, x, w) -> gx", "grad_gy(ggx, gy, x, w) -> ggy", "grad_w(ggx, gy, x, w) -> gw"]


def test_the_name_is_the_layers(toy):
    assert packaged(sc.conv2d(stride=2), "toy").name == "conv2d"
    assert packaged(sc.conv2d(stride=2), "toy", name="halving").name == "halving"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"backend": "fortran"}, "backend is one of"),
        ({"backend": None}, "backend is one of"),
        ({"name": "for"}, "is no name"),
        ({"dtype": "float16"}, "dtype is float32 or float64"),
        ({"dtype": ()}, "dtype is float32 or float64"),
        ({"dtype": 3}, "dtype is float32 or float64"),
        ({"wrt": "v"}, "no gradient with respect to 'v'; wrt is of x, w"),
        ({"wrt": 3}, "wrt names tensors"),
        ({"folder": ""}, "export writes into a folder"),
        ({"folder": 3}, "export writes into a folder"),
        ({"op": "conv2d"}, "an operator or a gradient is wanted"),
    ],
)
def test_what_cannot_be_asked(toy, tmp_path, given, words):
    asked = {"op": sc.conv1d(), "folder": tmp_path / "out", "backend": "toy"} | given
    with pytest.raises(sc.SymconvError, match=words):
        export(**asked)
    assert not (tmp_path / "out").exists()
