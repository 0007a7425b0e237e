"""Layers as libraries in C: right numbers by loops written out here, refusals, and text that every compiler takes."""

from __future__ import annotations

import itertools
import os
import platform
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import symconv as sc
from symconv.api import as_operator
from symconv.emit.identifiers import unmarked
from symconv.errors import SpecError
from symconv.export.exporting import packaged
from symconv.verify.judge import judge

sys.path.insert(0, str(Path(__file__).parent))
from c_library import Library, sources, written

needs_cc = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
pytestmark = needs_cc
STRIDE, PAD, GROUPS = (2, 1), (1, 2), 2
SHAPES = {"x": (3, 4, 5, 43), "w": (6, 2, 3, 2), "b": (6,)}


def conv():
    return sc.conv2d(stride=STRIDE, padding=PAD, groups=GROUPS, bias=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return written(packaged(conv(), "c", "halving"), tmp_path_factory.mktemp("c99"))


@pytest.fixture(scope="module")
def halving(folder):
    return Library(folder, conv())


def drawn(shapes, dtype, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(-3, 4, shape).astype(dtype) for shape in shapes.values()]


def taps(x, w):
    """Every product of the grouped convolution: output cell, input cell, weight cell."""
    n_, _, h, v = x.shape
    f_, per, kh, kw = w.shape
    oh, ow = ((size + 2 * pad - k) // s + 1 for size, pad, k, s in zip((h, v), PAD, (kh, kw), STRIDE, strict=True))
    for n, f, i, j in itertools.product(range(n_), range(f_), range(oh), range(ow)):
        first = f // (f_ // GROUPS) * per
        for c, p, q in itertools.product(range(per), range(kh), range(kw)):
            u, t = STRIDE[0] * i + p - PAD[0], STRIDE[1] * j + q - PAD[1]
            if 0 <= u < h and 0 <= t < v:
                yield (n, f, i, j), (n, first + c, u, t), (f, c, p, q)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_convolution_and_its_gradients_are_exact(halving, dtype):
    x, w, b = drawn(SHAPES, dtype)
    y = np.zeros(conv().output_shape(**SHAPES)) + b.reshape(1, -1, 1, 1)
    gy = np.random.default_rng(1).integers(-3, 4, y.shape).astype(dtype)
    gx, gw = np.zeros(x.shape), np.zeros(w.shape)
    for out, cell, tap in taps(x, w):
        y[out] += x[cell] * w[tap]
        gx[cell] += gy[out] * w[tap]
        gw[tap] += gy[out] * x[cell]
    assert halving.output_shape(*SHAPES.values()) == ("OK", y.shape)
    assert (halving.forward(x, w, b) == y).all()
    found = halving.backward(gy, x, w, b)
    assert (found.x == gx).all()
    assert (found.w == gw).all()
    assert (found.b == gy.sum((0, 2, 3))).all()


def test_what_cannot_be_used_is_refused(halving):
    x, w, b = drawn(SHAPES, "float32")
    y = np.full(conv().output_shape(**SHAPES), 7, "float32")
    gx = np.full(x.shape, 7, "float32")
    big = np.zeros(x.size + y.size, "float32")

    def forward(x=x, w=w, b=b, y=y):
        return halving.call("forward", "f32", (x, w, b), y, stated=True)

    def grad(gy=y, x=x, gx=gx):
        return halving.call("grad_x", "f32", (gy, x, w, b), gx, stated=False)

    assert forward(x=(x, (3, 4, 5, -1))) == "SIZES"
    assert forward(w=(w, (5, 2, 3, 2))) == "SIZES"
    assert forward(w=(w, (6, 3, 3, 2))) == "SIZES"
    assert forward(w=(w, (6, 2, 8, 2))) == "SIZES"  # the output would be empty
    assert forward(b=(b, (5,))) == "SIZES"
    assert forward(x=(x, (3, 0, 5, 43))) == "SIZES"
    assert grad(gy=(y, (3, 6, 3, 45))) == "SIZES"
    assert forward(y=(y, (3, 6, 3, 47))) == "OUTPUT"
    assert forward(y=(y, None)) == "POINTER"
    assert forward(x=(None, x.shape)) == forward(y=(None, y.shape)) == forward(x=(x, None)) == "POINTER"
    assert grad(gx=(None, x.shape)) == "POINTER"
    assert forward(x=(x, (2**62, 4, 5, 43))) == forward(x=(x, (2**31, 2**31, 5, 43))) == "TOO_LARGE"
    assert forward(x=(x.ctypes.data + 2, x.shape)) == "ALIGNMENT"
    assert forward(x=big[: x.size].reshape(x.shape), y=big[x.size - 1 : -1].reshape(y.shape)) == "OVERLAP"
    assert forward(x=big[: x.size].reshape(x.shape), y=big[x.size :].reshape(y.shape)) == "OK"
    assert (y == 7).all()
    assert (gx == 7).all()
    # Only the shape of what a gradient does not read is used.
    assert halving.call("grad_x", "f32", (y, (None, x.shape), w, (None, b.shape)), gx, stated=False) == "OK"
    assert (gx != 7).any()
    words = [halving.said(status) for status in range(-1, 9)]
    assert len(set(words)) == 9
    assert "w_shape[1] == Cg" in words[3]


def test_an_empty_batch(halving):
    x, w, b = drawn(SHAPES | {"x": (0, 4, 5, 43)}, "float64")
    y = halving.forward(x, w, b)
    assert y.shape == (0, 6, 3, 46)
    found = halving.backward(y, x, w, b)
    assert found.x.shape == x.shape
    assert not found.w.any()
    assert not found.b.any()


def test_the_library_is_judged_as_kernels_are(halving):
    verdict = judge(conv(), halving, "float32", count=3)
    assert verdict, str(verdict)


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["make", "-s", "check", "CFLAGS=-O0"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
def test_make_check_tells_right_from_wrong(tmp_path):
    place = written(packaged(sc.operator("y[n,i] = sum[p](x[n,2*i+p-1]*w[p])"), "c", "row", wrt="x"), tmp_path)
    done = check(place)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("row: right") == 2
    file, text = place / "row_f64.c", (place / "row_f64.c").read_text()
    # A tap too few, a cell beside, a border forgotten, a wrong shape taken.
    for before, after in (
        ("p < K", "p < K - 1"),
        ("+ 2 * u_ - 1]", "+ 2 * u_]"),
        ("1 - p + 1, 2)", "0 - p, 2)"),
        ("!= OL", "< 0"),
    ):
        assert before in text
        file.write_text(text.replace(before, after))
        assert check(place).returncode != 0, (before, after)
    file.write_text(text)
    assert check(place).returncode == 0


STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")
ZIG = [sys.executable, "-m", "ziglang"]
PLAIN = {
    "gcc": ["gcc", "-std=c99"],
    "g++": ["g++", "-x", "c++", "-std=c++11"],
    "clang": ["clang", "-std=c99"],
    "clang++": ["clang++", "-x", "c++", "-std=c++11"],
    "zig": [*ZIG, "cc", "-std=c99"],
    "zig++": [*ZIG, "c++", "-x", "c++", "-std=c++11"],
}


def compiler(name: str) -> list[str]:
    command = PLAIN[name]
    there = find_spec("ziglang") if command[0] == sys.executable else shutil.which(command[0])
    if not there:
        pytest.skip(f"{name} is not installed")
    return command


def complaints(command: list[str], folder: Path, *flags: str) -> str:
    said = ""
    for source in (*sources(folder), "tests/check.c"):
        line = [*command, *STRICT, *flags, "-c", source, "-o", os.devnull]
        said += subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False, timeout=300).stderr
    return said


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("name", ["gcc", "g++", "clang", "clang++"])
def test_compilers_have_nothing_to_say(name, plain, folder):
    assert complaints(compiler(name), folder, "-O1", *(["-DHALVING_PLAIN"] if plain else [])) == ""


def test_text_is_the_same_each_time_and_says_its_formula(folder):
    again = packaged(conv(), "c", "halving")
    assert {f.path: f.text for f in again.files} == {f.path: (folder / f.path).read_text() for f in again.files}
    text = again.text("halving_f32.c")
    assert re.search(r"/\* gw\[f,c,p,q\] = Σ .* gy\[n,f,i,j\]·x\[", text) or "gw[g,f,c,p,q] = Σ" in text
    assert "ython" not in "".join(f.text for f in again.files if f.path.endswith((".c", ".h", "Makefile")))
    assert not re.search(r"\bv_", text)


def test_names_that_mean_something_in_c(tmp_path):
    op = sc.operator(
        "new[static,linux] = sum[this](x[static,linux+this]*template[this]) + I[static] + x_shape[static] + EOF[static]"
    )
    library = Library(written(packaged(op, "c", "odd", dtype="float64"), tmp_path), op)
    shapes = {"x": (2, 7), "template": (3,), "I": (2,), "x_shape": (2,), "EOF": (2,)}
    x, taken, *more = given = drawn({name: shapes[name] for name in op.tensors}, "float64")
    want = np.stack([(x[:, i : i + 3] * taken).sum(1) for i in range(5)], 1) + sum(more)[:, None]
    assert (library.forward(*given) == want).all()
    for name in ("gcc", "g++"):
        assert complaints(compiler(name), tmp_path / "odd", "-fsyntax-only") == ""


def test_a_size_and_an_array_of_one_name(tmp_path):
    op = sc.operator("y[n,i,j] = sum[p,q](x[n,i+p,j+q]*W[p,q])")
    library = Library(written(packaged(op, "c", "twice", dtype="float32", wrt="x"), tmp_path), op)
    x, w = drawn({"x": (2, 5, 7), "W": (3, 2)}, "float32")
    want = sum(w[p, q] * x[:, p : p + 3, q : q + 6] for p in range(3) for q in range(2))
    assert (library.forward(x, w) == want).all()


def test_marks_are_kept_where_a_name_may_be_something_else():
    assert unmarked("v_I*v_x + malloc(v_malloc) /* v_y and x */") == "I*x + malloc(v_malloc) /* y and x */".replace(
        "I*", "v_I*"
    )


@pytest.mark.parametrize("name", ["stdlib", "Stdint", "omp"])
def test_a_header_of_c_is_no_name(name):
    with pytest.raises(SpecError, match=f"name='{name}_layer'"):
        packaged(sc.conv1d(), "c", name)


def test_a_window_without_a_tap_is_refused(tmp_path):
    op = (
        sc.operator("y[n,i] = max[p](x[n,2*i+p-2])", border="skip", extents={"p": "K"})
        if False
        else sc.max_plus1d(padding=2, border="skip")
    )
    library = Library(written(packaged(op, "c", "dilating", dtype="float32", wrt="x"), tmp_path), op)
    assert library.output_shape((2, 3, 7), (4, 3, 3)) == ("OK", (2, 4, 9))
    assert library.output_shape((2, 3, 7), (4, 3, 2))[0] == "SIZES"
    with pytest.raises(SpecError, match="no tap"):
        op.output_shape(x=(2, 3, 7), w=(4, 3, 2))


OPERATORS = {
    "strides and pads": conv,
    "adder": lambda: sc.adder2d(stride=(2, 1), padding=(1, 0), border="skip"),
    "max-plus": lambda: sc.max_plus2d(stride=(2, 1), padding=(1, 2)),
    "tanh": lambda: sc.operator("y[n,f,i] = tanh(sum[c,p](x[n,c,i+p-1]*w[f,c,p]))"),
    "reflect": lambda: sc.conv2d(padding=(2, 1), border="reflect"),
    "transposed": lambda: sc.conv_transpose2d(stride=(2, 3), padding=1),
    "channels last": lambda: sc.conv2d(padding=(1, 2), layout="NHWC", bias=True),
    "functions": lambda: sc.operator("y[n,f,i] = sum[c,p](tanh(x[n,c,2*i+p-1])*exp(-w[f,c,p]))"),
    "ties": lambda: sc.max_pool2d((3, 2), (2, 1), padding=(1, 0), kinks={"max": "share"}),
    "gradient": lambda: sc.derive(sc.conv2d(stride=(2, 1), padding=(1, 0)), "x"),
    "second order": lambda: sc.derive(sc.derive(sc.conv2d(stride=2), "x"), "w"),
    "three dimensions": lambda: sc.conv3d(stride=(1, 2, 2), padding=(1, 0, 2)),
    "a number": lambda: sc.operator("y[n] = sum[c,i](abs(x[n,c,i] - w[c,i]))"),
}


@pytest.mark.full
@pytest.mark.parametrize("compiled_by", PLAIN)
@pytest.mark.parametrize(
    "flags", [("-O3",), ("-O1", "-DHALVING_PLAIN"), ("-O2", "-mavx2", "-mfma"), ("-O2", "-fopenmp")], ids=" ".join
)
def test_compilers_have_nothing_to_say_to_other_flags(folder, compiled_by, flags):
    if "-fopenmp" in flags and "zig" in compiled_by:
        pytest.skip("zig has no OpenMP")
    if "-mavx2" in flags and platform.machine() not in {"x86_64", "AMD64"}:
        pytest.skip("flags of another CPU")
    assert complaints(compiler(compiled_by), folder, *flags) == ""


@pytest.mark.full
def test_large_windows_are_checked_too():
    op = sc.operator("y[n,i] = sum[p](x[n,100*i+p]*w[p])", extents={"p": 3000})
    text = packaged(op, "c", "wide", dtype="float32", wrt="x").text("tests/check.c")
    assert "wide_forward_f32(" in text


@pytest.mark.full
@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
@pytest.mark.parametrize("name", sc.ops())
def test_every_shipped_operator_passes_its_own_check(name, tmp_path):
    sides = {"kernel": 2} if "_pool" in name else {}
    place = written(packaged(getattr(sc, name)(**sides), "c", "shipped"), tmp_path)
    command = ["make", "-s", "check", f"CFLAGS=-O2 {' '.join(STRICT)}"]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module", params=OPERATORS)
def kind(request):
    return as_operator(OPERATORS[request.param]())


@pytest.fixture(scope="module")
def made(kind, tmp_path_factory):
    return written(packaged(kind, "c", "some_layer"), tmp_path_factory.mktemp("c99"))


@pytest.mark.full
class TestEveryKind:
    """Judged by every oracle, as kernels are; sanitized; as C and C++ by every compiler."""

    @pytest.mark.parametrize(
        ("dtype", "flags"),
        [
            ("float32", ("-O2", "-march=native")),
            ("float64", ("-O2", "-march=native", "-fopenmp")),
            ("float32", ("-O2", "-fopenmp")),
            ("float64", ("-O1", "-DSOME_LAYER_PLAIN")),
        ],
    )
    def test_numbers(self, kind, made, flags, dtype, tmp_path):
        place = Path(shutil.copytree(made, tmp_path / "some_layer"))
        verdict = judge(kind, Library(place, kind, *flags, threads=2), dtype)
        assert verdict, str(verdict)

    @pytest.mark.parametrize("flags", [("-march=native",), ("-DSOME_LAYER_PLAIN",)])
    def test_under_sanitizers(self, made, flags, tmp_path):
        line = ["gcc", "-std=c99", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", *flags]
        files = [*sources(made), "tests/check.c"]
        subprocess.run([*line, *files, "-o", str(tmp_path / "check"), "-lm"], cwd=made, check=True, timeout=600)
        done = subprocess.run([str(tmp_path / "check")], capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr

    @pytest.mark.parametrize("compiled_by", PLAIN)
    def test_compilers_have_nothing_to_say(self, made, compiled_by):
        assert complaints(compiler(compiled_by), made, "-O2") == ""
