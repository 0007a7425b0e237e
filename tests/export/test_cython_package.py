"""The text of a package in Cython: the same bytes everywhere, nothing of symconv, nothing that it does not use."""

from __future__ import annotations

import ast
import hashlib
import os
import re
import subprocess
import sys
import tomllib

import pykatex
import pytest

import symconv as sc
from symconv.export.exporting import packaged

USED = {"numpy", "sample", "pytest", "Cython", "setuptools", "torch", *sys.stdlib_module_names}

DIGEST = """
import hashlib, symconv as sc
from symconv.export.exporting import packaged
ops = sc.conv2d(stride=2, padding=1, groups=2), sc.derive(sc.max_plus1d(), "w")
for op in ops:
    print(hashlib.sha256(repr(packaged(op)).encode()).hexdigest())
"""


def imported(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


def test_files_are_legal_and_need_nothing_of_symconv(package):
    paths = [file.path for file in package.files]
    assert {"README.md", "LICENSE", "pyproject.toml", "setup.py", "sample.tex", "tests/test_sample.py"} <= set(paths)
    for file in package.files:
        assert file.text.endswith("\n")
        assert not file.text.endswith("\n\n")
        assert "Undefined" not in file.text
        if file.path.endswith(".py"):
            compile(file.text, file.path, "exec")
            assert set(imported(file.text)) <= USED, file.path
    project = tomllib.loads(package.text("pyproject.toml"))["project"]
    assert project["name"] == "sample"
    assert [need.partition(">")[0] for need in project["dependencies"]] == ["numpy"]
    assert "symconv" not in package.text("pyproject.toml") + package.text("setup.py")


def test_loops_hold_what_they_use_and_say_what_they_compute(package):
    text = package.text("src/sample/_kernels.pyx")
    for name in re.findall(r"(?:cdef inline|static inline) \w+ (sc_\w+)\(", text):
        bare = re.sub("_[fd]$", "", name)
        assert len(re.findall(rf"\b{bare}(?:_[fd])?\(", text)) >= 2, name
    for line in re.findall(r"^cdef void (\w+)_loops\(", text, re.MULTILINE):
        comment = text.partition(f"cdef void {line}_loops(")[2].partition(") noexcept nogil:\n")[2]
        assert re.match(r"    # +\w+(\[[\w,]*\])? =", comment), comment[:200]
    assert "sc_vector" not in text
    assert "malloc" not in text


def test_one_dtype_alone_is_compiled():
    text = packaged(sc.conv1d(), name="sample", dtype="float32").text("src/sample/_kernels.pyx")
    assert "double" not in text
    assert packaged(sc.conv1d(), dtype=["float32", "float64"]) == packaged(sc.conv1d())


def test_a_convolution_is_short():
    text = packaged(sc.conv2d(stride=2, padding=1)).text("src/conv2d/_kernels.pyx")
    assert text.count("\n") < 300


def test_documents_hold_formulas_that_render():
    package = packaged(sc.adder2d(stride=2, padding=1), name="sample")
    formulas = re.findall(r"\$\$\n(.*?)\n\$\$", package.text("README.md"), re.DOTALL)
    assert len(formulas) == 3
    for formula in formulas:
        pykatex.renderToString(formula, displayMode=True)
    op = sc.adder2d(stride=2, padding=1)
    for wrt in op.tensors:
        assert sc.derive(op, wrt).latex("6.5in") in package.text("sample.tex")
    assert "the slope of |u| at u = 0 is taken as 0" in package.text("README.md")
    assert "`grad_x(gy, x, w)` | `gx` (N, C, H, W)" in package.text("README.md")


def test_the_same_input_gives_the_same_bytes_in_every_process():
    running = [
        subprocess.Popen(
            [sys.executable, "-c", DIGEST],
            env=os.environ | {"PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "77")
    ]
    one, other = (process.communicate()[0] for process in running)
    assert one.count("\n") == 2
    assert one == other


@pytest.mark.parametrize("name", ['a"""\nimport os', "x\\", "{{ 1 }}", "{% if %}", "```", "é", "'''", 'q"'])
def test_no_name_of_an_operator_breaks_a_file(name):
    op = sc.conv1d().renamed(name)
    package = packaged(op)
    for file in package.files:
        if file.path.endswith(".py"):
            compile(file.text, file.path, "exec")
            assert "os" not in set(imported(file.text)) or file.path in {"setup.py", f"src/{package.name}/_arrays.py"}
    tomllib.loads(package.text("pyproject.toml"))
    assert hashlib.sha256(repr(packaged(op)).encode()).digest() == hashlib.sha256(repr(package).encode()).digest()
