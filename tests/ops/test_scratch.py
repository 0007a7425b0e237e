"""What a gradient keeps: no array of windows, one of the output's size where a sum's value is needed."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import pytest

import symconv as sc
from symconv import pipeline
from symconv.loops.interpret import evaluate
from symconv.loops.workspace import workspace_bytes
from symconv.notation.operator import Operator
from symconv.options import Options


def scratch(op: Operator, wrt: str, **shapes: tuple[int, ...]) -> dict[str, int]:
    """Elements of every scratch array; sums cut into parts for threads keep at most 64 cells in 16 parts each."""
    derived = pipeline.derive(op, wrt) if wrt else pipeline.forward(op)
    kernel = pipeline.candidates(derived, "k", Options(dtype="float32", threads=1))[0].kernel
    sizes = op.sizes(**shapes)
    scratch = (buffer for buffer in kernel.buffers if buffer.role == "workspace")
    return {b.name: math.prod(evaluate(size, sizes) for size in b.sizes) for b in scratch}


SHIPPED = [getattr(sc, name)(**({"kernel": 3, "stride": 1} if "pool" in name else {}), padding=1) for name in sc.ops()]


@pytest.mark.parametrize("op", SHIPPED, ids=lambda op: op.name)
def test_shipped_operators_keep_at_most_one_array_of_the_output_s_size(op) -> None:
    rank = len(op.windows)
    kernel, size = (3,) * rank, (6,) * rank
    shapes: dict[str, tuple[int, ...]] = {"x": (2, 4, *size), "w": (4, 4, *kernel), "b": (4,)}
    if op.name.startswith("locally"):
        shapes["w"] = (*size, 4, 4, *kernel)
    if op.name.startswith("dynamic"):
        shapes["w"] = (2, *size, *kernel)
    shapes = {name: shapes[name] for name in op.tensors}
    output = math.prod(op.output_shape(**shapes))
    outer = op.name.startswith(("max", "min", "kerv", "conv_bias", "avg"))
    for wrt in ("", *op.tensors):
        found = scratch(op, wrt, **shapes)
        parts = [count for name, count in found.items() if name.startswith("parts")]
        assert all(count % (16 * 64) == 0 and count <= 16 * 64 * 16 for count in parts)
        rest = [count for name, count in found.items() if not name.startswith("parts")]
        assert rest in ([], [output])
        if not outer or not wrt:
            assert not rest


@pytest.mark.parametrize(
    ("text", "kinks", "most"),
    [
        ("y[n,f,i] = tanh(sum[c,p](x[n,c,i+p]*w[f,c,p]))", {}, 1),
        ("y[n,f,i] = sqrt(1 + sum[c,p](x[n,c,i+p]**2)*sum[c,p](w[f,c,p]**2))", {}, 2),
        ("y[n,f,i] = max[c,p](x[n,c,i+p] + w[f,c,p])*min[c,p](x[n,c,i+p] - w[f,c,p])", {}, 4),
        ("y[n,f,i] = 2*sum[c](max[p](x[n,c,i+p] + w[f,c,p]))", {}, 1),
        ("y[n,f,i] = tanh(max[c,p](x[n,c,i+p] + w[f,c,p]))", {}, 1),
        ("y[n,f,i] = tanh(max[c,p](x[n,c,i+p] + w[f,c,p]))", {"max": "share"}, 2),
        ("y[n,f,i] = max[c,p](x[n,c,i+p] + w[f,c,p])", {"max": "share"}, 2),
    ],
)
def test_formulas_of_one_s_own_keep_no_windows_either(text, kinks, most) -> None:
    op = sc.operator(text, kinks=kinks)
    shapes = {"x": (2, 4, 30), "w": (4, 4, 5)}
    # An inner reduction stands for every (n, f, c, i): its own cells, which are the taps' without p.
    cells = 2 * 4 * 26 * (4 if "sum[c](max" in text else 1)
    for wrt in op.tensors:
        found = [count for name, count in scratch(op, wrt, **shapes).items() if not name.startswith("parts")]
        assert found
        assert len(found) <= most
        assert max(found) <= cells


LAYER = {"x": (4, 32, 28, 28), "w": (32, 32, 3, 3), "gy": (4, 32, 28, 28)}


@pytest.mark.parametrize("border", ["zero", "skip"])
def test_the_adder_layer_s_backward_declares_no_more_than_a_tenth(border) -> None:
    op = sc.adder2d(padding=1, border=border)
    sizes = tuple((name, shape) for name, shape in LAYER.items() if name != "gy")
    whole = 4 * sum(math.prod(LAYER[name]) for name in ("x", "w", "gy", "x", "w"))
    for options in (Options(dtype="float32", sizes=sizes), Options(dtype="float32")):
        kernels = tuple(one.kernel for one in pipeline.unit(op, options).direct.candidates)
        needed = workspace_bytes(kernels, "float32")
        assert needed is not None
        assert needed <= whole / 10


MEASURE = """
import sys
import numpy as np
import symconv as sc

def peak():
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM"))

kernel = sc.build(sc.adder2d(padding=1), dtype="float32", threads=1)
# Enough work for the module that the measured call takes: what loading it costs is no array.
small = [np.ones(shape, np.float32) for shape in ((1, 8, 40, 40), (8, 8, 3, 3))]
kernel.backward(np.ones((1, 8, 40, 40), np.float32), *small)
if len(sys.argv) > 1:
    x, w = np.ones((32, 8, 96, 96), np.float32), np.ones((8, 8, 3, 3), np.float32)
    gy = np.ones_like(x)
    kernel.workspace(x=x.shape, w=w.shape)  # plans these shapes
    before = peak()
    found = kernel.backward(gy, x, w)
    print(peak() - before, found.x.nbytes + found.w.nbytes, x.nbytes + gy.nbytes + w.nbytes)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for the peak")
def test_the_adder_layer_s_backward_takes_no_more_than_a_tenth() -> None:
    def run(*arguments: str) -> str:
        command = [sys.executable, "-c", MEASURE, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ).stdout

    # The first process derives and compiles, for large calls too; the second finds the modules and imports neither
    # SymPy nor isl.
    run("compile")
    grown, results, inputs = (int(word) for word in run("measure").split())
    # That the results show says that the peak is seen.
    assert 0.9 * results <= grown <= results + (results + inputs) / 10
