"""Arrays, paths and threads at the door: what a kernel can use is used as it is, the rest is refused before it costs
anything."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import tracemalloc
from array import array
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv import arrays
from symconv.emit.source import CONVENTION

OP = sc.conv1d(padding=1)
X, W = np.arange(10.0).reshape(1, 2, 5), np.arange(18.0).reshape(3, 2, 3) - 7
GY = np.ones((1, 3, 5))


@pytest.fixture(scope="module")
def kernel() -> sc.Kernel:
    return sc.build(OP, dtype="float64")


class Own(np.ndarray[Any, Any]):
    """A subclass of an array."""


def test_results_go_into_any_plain_memory(kernel: sc.Kernel, tmp_path: Path) -> None:
    want = kernel.forward(X, W)
    mapped = np.memmap(tmp_path / "y", np.float64, "w+", shape=want.shape)
    for out in (mapped, np.empty(want.shape).view(Own)):
        assert kernel.forward(X, W, out=out) is out
        assert (np.asarray(out) == want).all()
    gx = np.empty(X.shape).view(Own)
    got = kernel.backward(GY, X, W, out={"x": gx})
    assert got.x is gx
    assert (got.x == kernel.backward(GY, X, W).x).all()


def test_masked_arrays_are_refused(kernel: sc.Kernel) -> None:
    masked = np.ma.masked_array(X, mask=X > 3)
    with pytest.raises(sc.SpecError, match="masked"):
        kernel.forward(masked, W)
    with pytest.raises(sc.SpecError, match="masked"):
        kernel.forward(X, W, out=np.ma.masked_array(np.empty((1, 3, 5))))
    with pytest.raises(sc.SpecError, match="masked"):
        kernel.backward(np.ma.masked_array(GY), X, W)


@pytest.mark.parametrize("which", ["gy", "x", "w", "out"])
def test_shapes_are_judged_before_anything_is_copied(kernel: sc.Kernel, which: str) -> None:
    huge = np.broadcast_to(np.float64(1), (4, 1000, 1000))
    given: dict[str, Any] = {"gy": GY, "x": X, "w": W}
    tracemalloc.start()
    try:
        with pytest.raises(sc.SpecError):
            if which == "out":
                kernel.forward(np.broadcast_to(np.float64(1), (1, 2, 10**6)), W, out=np.empty(3))
            else:
                kernel.backward(**{**given, which: huge})
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_results_apart_from_what_is_read(kernel: sc.Kernel) -> None:
    square = sc.build(sc.operator("y[i] = x[i]*x[i]"), dtype="float64")
    x = np.arange(4.0)
    with pytest.raises(sc.SpecError, match="overlaps"):
        square.forward(x, out=x)
    shared = np.empty(18)
    with pytest.raises(sc.SpecError, match="overlaps"):
        kernel.backward(GY, X, W, out={"x": shared[:10].reshape(X.shape), "w": shared.reshape(W.shape)})


# Text, paths and numbers that no door may let fall through -----------------------------------------------------------


def _loop(folder: Path) -> Path:
    (folder / "a").symlink_to(folder / "b")
    (folder / "b").symlink_to(folder / "a")
    return folder / "a"


def test_hostile_spec_files_and_paths(tmp_path: Path) -> None:
    spec = tmp_path / "huge.toml"
    spec.write_text('formula = "y[i] = x[i]*t"\nparams = {t = 1' + "0" * 4300 + "}\n")
    looped = _loop(tmp_path)
    for call in (
        lambda: sc.load(spec),
        lambda: sc.load("a\0b"),
        lambda: sc.load(looped),
        lambda: sc.load(tmp_path),
        lambda: sc.show(OP, "a\0b"),
        lambda: sc.show(OP, looped / "page.html"),
        lambda: sc.show(OP, ""),
        lambda: sc.show(OP, tmp_path / ("n" * 300)),
        lambda: sc.verify(OP, kernel="a\0b"),
        lambda: sc.verify(OP, kernel=looped),
        lambda: sc.verify(OP, kernel=tmp_path),
    ):
        with pytest.raises(sc.SymconvError):
            call()


def test_hostile_kernel_files(tmp_path: Path) -> None:
    empty, latin = tmp_path / "empty.pyx", tmp_path / "latin.pyx"
    empty.write_bytes(b"")
    latin.write_bytes("# é\n".encode("latin-1"))
    with pytest.raises(sc.SpecError, match="has no function u0_forward"):
        sc.verify(OP, kernel=empty)
    with pytest.raises(sc.SpecError, match="cannot read the kernel"):
        sc.verify(OP, kernel=latin)


@pytest.mark.parametrize("line", ["", "sc_convention = 1"])
def test_kernels_that_are_called_in_another_way_are_refused(tmp_path: Path, line: str) -> None:
    text = sc.build(OP).source
    assert text.count(f"sc_convention = {CONVENTION}\n") == 1
    older = tmp_path / "older.pyx"
    older.write_text(text.replace(f"sc_convention = {CONVENTION}", line))
    with pytest.raises(sc.SpecError, match=r"by another version of symconv.*generate it again"):
        sc.verify(OP, kernel=older)


LONG = "z" * 9_000
HUGE = 10**5_000


@pytest.mark.parametrize(
    "call",
    [
        lambda: sc.operator(LONG),
        lambda: sc.operator("y[i] = x[i]" + " + x[i]" * 1_300 + " +"),
        lambda: sc.operator("y[i] = x[i]*t", params={"t": LONG}),
        lambda: sc.operator("y[i] = x[i]*t", params={LONG: 1}),
        lambda: sc.operator("y[i] = x[i]*t", params={"t": HUGE}),
        lambda: sc.operator("y[i,j] = x[i]", extents={"j": HUGE}),
        lambda: sc.operator("y[i,j] = x[i]", extents={"j": LONG}),
        lambda: sc.operator("y[i,j] = x[i]", extents={LONG: 3}),
        lambda: sc.operator("y[i] = x[i+1]", border=LONG),
        lambda: sc.operator("y[i] = x[i+1]", border=HUGE),
        lambda: sc.operator("y[i] = x[i+1]", where={LONG: LONG}),
        lambda: sc.operator("y[i] = x[i+1]", kinks={LONG: LONG}),
        lambda: sc.operator("y[i] = x[i+1]", surrogate={LONG: LONG}),
        lambda: sc.conv1d(stride=HUGE),
        lambda: sc.conv1d(padding=HUGE),
        lambda: sc.conv1d(padding=LONG),
        lambda: sc.conv1d(padding=[(HUGE, 1)]),
        lambda: sc.conv1d(layout=LONG),
        lambda: sc.conv1d(groups=[HUGE]),
        lambda: sc.load(LONG),
        lambda: sc.derive(OP, LONG),
        lambda: sc.prove(OP, LONG),
        lambda: sc.build(OP, threads=HUGE),
        lambda: sc.build(OP, dtype=LONG),
        lambda: sc.build(OP, **{LONG: 1}),
        lambda: sc.build(OP, sizes={"x": (HUGE, 2, 3), "w": (1, 2, 3)}),
        lambda: sc.build(OP, sizes={"x": LONG}),
        lambda: OP.output_shape(x=(HUGE, 2, 3), w=(1, 2, 3)),
        lambda: OP.output_shape(x=[1] * 9_000, w=(1, 2, 3)),
        lambda: OP.output_shape(x=LONG, w=(1, 2, 3)),
        lambda: OP.output_shape(**{LONG: (1,)}, x=(1, 2, 3), w=(1, 2, 3)),
        lambda: sc.verify(OP, kernel=LONG),
        lambda: sc.show(OP, LONG),
        lambda: sc.show(LONG, "page.html"),
    ],
)
def test_long_inputs_are_not_echoed_whole(call: Any) -> None:
    with pytest.raises(sc.SymconvError) as caught:
        call()
    said = "\n".join((str(caught.value), *getattr(caught.value, "__notes__", ())))
    assert len(said) < 2_500


@pytest.mark.parametrize("digit", ["٣", "３", "३", "²", "𝟛"])
def test_digits_of_other_scripts_are_refused(digit: str) -> None:
    for call in (
        lambda: sc.operator(f"y[i] = sum[p](x[{digit}*i+p]*w[p])"),
        lambda: sc.operator(f"y[i] = x[i]*{digit}"),
        lambda: sc.operator("y[i,j] = x[i]", extents={"j": digit}),
        lambda: sc.operator("y[i] = x[i]", where={"I": f"<= {digit}"}),
        lambda: sc.prove(OP, f"gx = conv_transpose(gy, w, padding={digit})"),
    ):
        with pytest.raises(sc.SymconvError):
            call()
    for words in (
        ["--stride", digit],
        ["--padding", digit],
        ["--groups", digit],
        ["--border", digit],
        ["--empty", digit],
    ):
        run = subprocess.run(
            [sys.executable, "-m", "symconv.cli", "derive", "conv1d", *words],
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 2, (words, run.stderr)


def test_hostile_numbers_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    for words in ("²", "٣", "9" * 5000, "-1", "", "many"):
        monkeypatch.setenv("OMP_NUM_THREADS", words)
        assert 1 <= arrays.default_threads() <= 4096
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert arrays.default_threads() == 3


def test_threads_that_cannot_start_are_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenMP would end the process with status 1, which says that a check failed."""
    few = """
import resource, sys, threading
import numpy as np
import symconv as sc
from symconv import arrays
op = sc.conv1d()
k = sc.build(op, dtype="float64")
started, start = [], threading.Thread.start
def limited(self):
    if len(started) >= 5:
        raise RuntimeError("can't start new thread")
    started.append(self)
    start(self)
threading.Thread.start = limited
k = sc.build(op, dtype="float64", threads=64)
print(k._threads, int(k.forward(np.ones((1, 1, 9)), np.ones((1, 1, 2))).sum()))
"""
    run = subprocess.run([sys.executable, "-c", few], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout.split()) == (0, ["2", "16"]), run.stderr
    monkeypatch.setitem(arrays.process, "started", 1)
    assert arrays.startable(3) == 3
    assert arrays.process["started"] == 3


def test_arrays_of_other_libraries_are_read_where_they_lie() -> None:
    kernel = sc.build(sc.conv1d(), dtype="float64")
    numbers = array("d", range(10))
    x, w = memoryview(numbers).cast("b").cast("d", (1, 2, 5)), np.ones((1, 2, 2))
    assert kernel.forward(x, w).tolist() == [[[12, 16, 20, 24]]]
    assert kernel.backward(np.ones((1, 1, 4)), x, w).x.tolist() == [[[1, 2, 2, 2, 1]] * 2]

    class Lender:
        """What has DLPack and nothing else."""

        def __init__(self, given: Any) -> None:
            self.given = given

        def __dlpack__(self, **how: object) -> object:
            return self.given.__dlpack__(**how)

        def __dlpack_device__(self) -> Any:
            return self.given.__dlpack_device__()

    assert (kernel.forward(Lender(np.asarray(x)), w) == kernel.forward(np.asarray(x), w)).all()
    with pytest.raises(sc.SpecError, match="x is float32, this kernel takes float64"):
        kernel.forward(Lender(np.zeros((1, 2, 5), np.float32)), w)


def test_arrays_that_keep_their_memory_are_refused_with_their_reason() -> None:
    torch = pytest.importorskip("torch")
    kernel = sc.build(sc.conv1d(), dtype="float64")
    x, w = torch.arange(10, dtype=torch.float64).reshape(1, 2, 5), np.ones((1, 2, 2))
    assert kernel(x, w).tolist() == [[[12, 16, 20, 24]]]
    with pytest.raises(sc.SpecError, match=r"x is a Tensor that does not lend its memory: .*detach"):
        kernel(x.requires_grad_(), w)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("way", ["spawn", "fork"])
def test_kernels_work_in_other_processes(way: str) -> None:
    kernel = sc.build(sc.conv1d(), dtype="float64", threads=2)
    x, w = np.arange(10.0).reshape(1, 2, 5), np.ones((1, 2, 2))
    wanted = kernel(x, w)
    with ProcessPoolExecutor(1, mp_context=get_context(way)) as pool:
        assert (pool.submit(kernel, x, w).result() == wanted).all()
        assert pool.submit(kernel.backward, wanted, x, w, wrt=("w",)).result().w.tolist() == (
            kernel.backward(wanted, x, w).w.tolist()
        )


def test_a_copy_of_a_kernel_is_the_kernel() -> None:
    kernel = sc.build(sc.conv1d(), dtype="float64")
    assert copy.deepcopy(kernel) is copy.copy(kernel) is kernel
    assert pickle.loads(pickle.dumps(kernel)).operator == kernel.operator
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(kernel.shuffled())
