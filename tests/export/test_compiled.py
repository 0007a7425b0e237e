"""A package compiled and judged by its own tests; whole installations are in the full part."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest
from elsewhere import compiled, environment, judged, mutants

import symconv as sc
from symconv.export.exporting import export, packaged
from symconv.export.package import write

LAYERS = {
    "conv2d": lambda: sc.conv2d(stride=2, padding=1),
    "adder": lambda: sc.adder2d(stride=2, padding=1),
    "tanh": lambda: sc.operator("y[n,f,i] = tanh(sum[c,p](x[n,c,2*i+p-1]*w[f,c,p]))*v[f]"),
    "max_plus": lambda: sc.max_plus2d(stride=(2, 1)),
    "biased": lambda: sc.conv2d(bias=True, groups=2, padding=(1, 2), dilation=(1, 2)),
    "reflected": lambda: sc.conv2d(border="reflect", padding=(1, 2)),
    "last": lambda: sc.conv2d(layout="NHWC", padding=1, stride=(2, 1)),
    "several": lambda: sc.operator(
        "s[n,f,i] = sum[c,p](x[n,c,2*i+p-1]*w[f,c,p]); y[n,f,i] = tanh(s[n,f,i]); z[n] = sum[f,i](y[n,f,i])",
        outputs="s,y,z",
    ),
    "second": lambda: sc.derive(sc.conv2d(stride=2, padding=1), "w"),
}


def test_a_package_compiles_and_passes_its_own_tests(tmp_path):
    pytest.importorskip("setuptools")
    folder = export(sc.adder1d(stride=2, padding=1), tmp_path / "out", name="sampled")
    compiled(folder)
    done = judged(folder)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.fixture(scope="module")
def other_python(tmp_path_factory):
    """A Python without symconv."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    needed = ("numpy", "pytest", "cython", "setuptools")
    subprocess.run([python, "-m", "pip", "install", "-q", *needed], check=True, env=environment())
    return python


@pytest.mark.full
@pytest.mark.parametrize("name", LAYERS)
def test_a_package_installs_and_passes_its_tests_in_a_fresh_venv(tmp_path, other_python, name):
    folder = export(LAYERS[name](), tmp_path / "out", name=f"taken_{name}")
    subprocess.run([other_python, "-m", "pip", "install", "-q", "."], cwd=folder, check=True, env=environment())
    command = [other_python, "-c", "import symconv"]
    assert subprocess.run(command, cwd=folder, capture_output=True, check=False, env=environment()).returncode
    done = judged(folder, other_python, installed=True)
    assert done.returncode == 0, done.stdout[-3000:]
    # Building leaves nothing behind that a new export would stumble over.
    assert export(LAYERS[name](), folder, name=f"taken_{name}") == folder


@pytest.mark.full
@pytest.mark.parametrize("name", ["conv2d", "max_plus"])
def test_a_wrong_kernel_is_rejected_by_the_packages_tests(tmp_path, name):
    pytest.importorskip("setuptools")
    package = packaged(LAYERS[name](), name="mutated", dtype="float64")
    wrong = mutants(package.text("src/mutated/_kernels.pyx"))
    assert len(wrong) >= 6
    for number, (what, text) in enumerate(wrong):
        folder = tmp_path / f"{number}"
        write(package, folder)
        (folder / "src" / "mutated" / "_kernels.pyx").write_text(text, encoding="utf-8")
        compiled(folder)
        # Tests failed, or the process was killed by what it read.
        code = judged(folder).returncode
        assert code == 1 or code < 0, what


@pytest.mark.full
def test_flags_are_asked_for_by_name(tmp_path):
    pytest.importorskip("setuptools")
    folder = export(sc.conv1d(), tmp_path / "out", name="flagged", dtype="float32")
    said = {}
    for options in ({}, {"FLAGGED_NATIVE": "1", "FLAGGED_OPENMP": "0"}):
        command = [sys.executable, "setup.py", "build_ext", "--inplace", "--force"]
        done = subprocess.run(
            command, cwd=folder, env=environment() | options, capture_output=True, text=True, check=True
        )
        said[bool(options)] = done.stdout + done.stderr
        assert judged(folder).returncode == 0
    assert "-march=native" not in said[False]
    assert "-march=native" in said[True]
    assert "-fopenmp" not in said[True].replace("probe", "")
    assert Path(folder / "src" / "flagged").is_dir()
