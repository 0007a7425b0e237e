"""A loss: no index on the left, a number out, a number for a cotangent."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import sympy
from definition import Array, Judge

import symconv as sc

Arrays = Mapping[str, Array]
TEXTS = ("y = sum[i,j](x[i,j]**2)", "y[] = sum[i,j](x[i,j]**2)", " y=sum[i,j](x[i,j]**2)")


def number(value: Any) -> Array:
    out = np.zeros((), dtype=object)
    out[()] = value
    return out


@pytest.mark.parametrize("text", TEXTS)
def test_a_loss_has_shape_nothing(judge: Judge, text: str) -> None:
    op = sc.operator(text)
    assert op.output_shape(x=(3, 4)) == ()
    judge(op, lambda a: number((a["x"] ** 2).sum()), {"x": (3, 4)}, {"x": (1, 1)})


def test_losses_of_layers(judge: Judge) -> None:
    """The index that slides is summed too; its extent follows from the window."""
    op = sc.operator("y = sum[n,f,i](sum[c,p](x[n,c,2*i+p-1]*w[f,c,p])*t[n,f,i])")

    def loops(a: Arrays) -> Array:
        x, w, t = a["x"], a["w"], a["t"]
        (batch, c, length), (f, _, k) = x.shape, w.shape
        total = 0
        for n, o, i in np.ndindex(batch, f, (length + 2 - k) // 2 + 1):
            for d, p in np.ndindex(c, k):
                if 0 <= 2 * i + p - 1 < length:
                    total += x[n, d, 2 * i + p - 1] * w[o, d, p] * t[n, o, i]
        return number(total)

    judge(op, loops, {"x": (2, 2, 6), "w": (3, 2, 3), "t": (2, 3, 3)}, {"x": (1, 1, 1), "w": (1, 1, 3), "t": (1, 1, 1)})
    slid = sc.operator("y = sum[i,p](x[i+p]*w[p])")
    want = lambda a: number(  # noqa: E731
        sum(a["x"][i + p] * a["w"][p] for p in range(len(a["w"])) for i in range(len(a["x"]) - len(a["w"]) + 1))
    )
    judge(slid, want, {"x": (6,), "w": (3,)}, {"x": (2,), "w": (2,)})
    assert sc.operator("y[n] = sum[i,p](x[n,2*i+p]*w[p])").sizes(x=(2, 7), w=(3,))["OL"] == 3


def test_kernels_take_numbers_for_cotangents() -> None:
    op = sc.operator("y = sum[i,j](x[i,j]**2)")
    x = np.arange(12.0).reshape(3, 4)
    for dtype in ("float64", "float32"):
        kernel = sc.build(op, dtype=dtype)
        data = x.astype(dtype)
        value = kernel.forward(data)
        assert (value.shape, value.dtype, float(value)) == ((), np.dtype(dtype), 506.0)
        for gy in (np.asarray(2.0, dtype), np.dtype(dtype).type(2), 2.0, 2):
            assert (kernel.backward(gy, data).x == 4 * data).all()
        out = np.empty((), dtype)
        assert kernel.forward(data, out=out) is out
        assert float(out) == 506.0
    with pytest.raises(sc.SpecError, match="this kernel takes float32"):
        kernel.backward(np.float64(2), x.astype("float32"))
    for wrong in (None, "2", True, 2j, np.ones(1, "float32"), 10**400):
        with pytest.raises(sc.SpecError):
            kernel.backward(wrong, x.astype("float32"))


def test_numbers_are_for_tensors_without_axes_only() -> None:
    kernel = sc.build(sc.operator("y[i] = x[i]*x[i]"), dtype="float64")
    with pytest.raises(sc.SpecError, match="NumPy array"):
        kernel.backward(1.0, np.ones(3))


def test_a_loss_is_derived_twice_verified_and_proved() -> None:
    op = sc.operator("y = sum[n,f,i](sum[c,p](x[n,c,i+p]*w[f,c,p])**2)/2")
    assert sc.verify(op)
    assert sc.validate(op)
    gradient = sc.derive(op, "x")
    assert gradient.tensors == ("gy", "x", "w")
    assert gradient.latex()
    second = sc.derive(gradient, "w")
    assert second.output_shape(ggx=(2, 3, 5), gy=(), x=(2, 3, 5), w=(4, 3, 2)) == (4, 3, 2)
    along = sc.jvp(op, ("x", "w"))
    rng = np.random.default_rng(0)
    x, w, tx, tw = (rng.integers(-3, 4, s).astype("float64") for s in ((2, 3, 5), (4, 3, 2)) * 2)
    kernel, moved = sc.build(op, dtype="float64"), sc.build(along, dtype="float64").forward(x, w, tx, tw)
    gx, gw = kernel.backward(1.0, x, w)
    assert float(moved) == (gx * tx).sum() + (gw * tw).sum()
    quadratic = sc.operator("y = sum[i](x[i]**2)")
    assert sc.prove(quadratic, "gx = 2*gy*x").holds
    assert not sc.prove(quadratic, "gx = gy*x").holds


def test_a_loss_from_sympy_a_file_and_the_command_line(tmp_path: Any) -> None:
    x, (i, n) = sympy.IndexedBase("x"), sympy.symbols("i n", integer=True)
    op = sc.operator(sympy.Eq(sympy.Symbol("y"), sympy.Sum(x[i] ** 2, (i, 0, n - 1))))
    assert op.output_shape(x=(4,)) == ()
    spec = tmp_path / "loss.toml"
    spec.write_text('formula = "y = sum[i](x[i]**2)"\n')
    assert sc.load(spec).output_shape(x=(4,)) == ()
    run = subprocess.run(
        [sys.executable, "-m", "symconv.cli", "derive", "y = sum[i](x[i]**2)"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, "gx[i] = 2·gy·x[i]" in run.stdout) == (0, True), run.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [("y", "starts with its output"), ("y + 1 = x[i]", "starts with its output"), ("y = x[i]", "no index here"),
     ("y(i) = x[i]", "starts with its output"), ("y[ = x[i]", "expected a number"), ("y = 1", "reads no tensor")],
)  # fmt: skip
def test_what_is_no_loss(text: str, message: str) -> None:
    with pytest.raises(sc.SpecError, match=message):
        sc.operator(text)
