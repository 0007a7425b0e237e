"""The NumPy backend: its packages pass the tests they carry, without symconv; the same input gives the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

import symconv as sc
from symconv.export.exporting import packaged
from symconv.notation.operator import Operator

GATED = "y[n,f,i] = tanh(sum[c,p](x[n,c,i+p-1]*w[f,c,p]))*sigmoid(sum[c,p](x[n,c,i+p-1]*v[f,c,p]))"
LAYERS: dict[str, Callable[[], Operator]] = {
    "strided": lambda: sc.conv2d(stride=(2, 1), padding=(1, 0), bias=True),
    "adder": lambda: sc.adder2d(padding=(1, 0)),
    "gated": lambda: sc.operator(GATED),
    "pooling": lambda: sc.max_pool2d((2, 3), stride=2, padding=1),
    "grouped": lambda: sc.conv_transpose2d(stride=2, groups=2, bias=True),
    "reflected": lambda: sc.conv1d(padding=1, border="reflect", layout="NHWC"),
    "names that mean something": lambda: sc.operator("y[n,i,j] = sum[p,q](x[n,i+p,j+q]*math[p,q]) + np[n]"),
}


def passes(folder: Path, path: str, python: str = sys.executable) -> None:
    """The package's own tests, with warnings as errors."""
    command = [python, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "--rootdir", str(folder)]
    ran = subprocess.run(
        [*command, str(folder / "tests")], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True,
        check=False, cwd=folder,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-3000:]
    assert "passed" in ran.stdout


@pytest.mark.parametrize("name", ["strided", "names that mean something"])
def test_a_package_passes_the_tests_it_carries(name: str, tmp_path: Path) -> None:
    folder = sc.export(LAYERS[name](), tmp_path / "layer", backend="numpy")
    passes(folder, str(folder / "src"))


@pytest.mark.full
@pytest.mark.parametrize("name", LAYERS)
def test_a_package_is_installed_and_tested_without_symconv(name: str, tmp_path: Path) -> None:
    folder = sc.export(LAYERS[name](), tmp_path / "layer", backend="numpy")
    venv.create(tmp_path / "venv", with_pip=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "-q", f"{folder}[test]"], check=True, cwd=tmp_path)
    absent = subprocess.run([python, "-c", "import symconv"], capture_output=True, check=False, env={}, cwd=tmp_path)
    assert absent.returncode != 0
    passes(folder, "", python)


@pytest.mark.full
@pytest.mark.parametrize("name", sc.ops())
def test_every_shipped_operator_has_a_package(name: str, tmp_path: Path) -> None:
    make = getattr(sc, name)
    folder = sc.export(make(2) if "pool" in name else make(), tmp_path / "layer", backend="numpy")
    passes(folder, str(folder / "src"))


def test_the_functions_stand_alone_and_are_the_same_every_time() -> None:
    first, second = (packaged(LAYERS["strided"](), "numpy", name="mine") for _ in range(2))
    assert first == second
    text = first.text("src/mine/functions.py")
    assert "symconv" not in text
    for line in ("def forward(x, w, b):", "def grad_x(gy, x, w, b):", "def grad_b(gy, x, w, b):", "import numpy as np"):
        assert line in text
    assert not any("symconv" in file.text for file in first.files if file.path.startswith("src/"))


def test_what_is_wrong_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = sc.export(sc.conv1d(stride=2), tmp_path / "layer", backend="numpy", name="said_here")
    monkeypatch.syspath_prepend(str(folder / "src"))
    import importlib

    import numpy as np

    layer = importlib.import_module("said_here")
    x, w = np.ones((2, 3, 8)), np.ones((4, 3, 3))
    assert np.array_equal(layer.forward(x, w), np.full((2, 4, 3), 9.0))
    with pytest.raises(ValueError, match="gy has shape"):
        layer.grad_x(np.ones((1, 4, 3)), x, w)
    with pytest.raises(TypeError, match="float32 or float64"):
        layer.forward(x.astype(int), w)
