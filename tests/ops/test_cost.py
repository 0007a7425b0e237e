"""What a gradient does: work linear in the terms, no maximum sought twice, and what backward asks for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.loops.interpret import interpret
from symconv.loops.ir import Kernel, Load, LoadLanes, Nest, Store, StoreLanes
from symconv.loops.memory import Meter
from symconv.loops.traverse import walk
from symconv.notation.operator import Operator
from symconv.options import Options

Array = np.ndarray[Any, Any]
RUNTIME = Options(dtype="float32", threads=1)


class Counted(list[Any]):
    """Values that know how often one of them was read."""

    reads = 0

    def __getitem__(self, at: Any) -> Any:
        self.reads += 1
        return super().__getitem__(at)


@dataclass(frozen=True)
class Cost:
    """What one call did: elements read by tensor, statements executed, and what it returned."""

    reads: dict[str, int]
    statements: int
    values: list[Any]


@pytest.fixture
def cost(monkeypatch) -> Callable[..., Cost]:
    """``cost(op, wrt, arrays)``: the scheduled kernel, as it is printed, walked by the interpreter."""
    count = [0]

    def counted(self: Meter, statements: int) -> None:
        count[0] += statements

    monkeypatch.setattr(Meter, "spend", counted)

    def run(op: Operator, wrt: str, arrays: dict[str, Array]) -> Cost:
        count[0] = 0
        kernel = scheduled(op, wrt)
        cells = {b.name: Counted(arrays[b.name].ravel().tolist()) for b in kernel.buffers if b.role == "in"}
        values = interpret(kernel, {name: (arrays[name].shape, held) for name, held in cells.items()})
        return Cost({name: held.reads for name, held in cells.items()}, count[0], values)

    return run


def scheduled(op: Operator, wrt: str) -> Kernel:
    derived = pipeline.derive(op, wrt) if wrt else pipeline.forward(op)
    return pipeline.candidates(derived, wrt or op.output.name, RUNTIME)[0].kernel


def data(op: Operator, **shapes: tuple[int, ...]) -> dict[str, Array]:
    rng = np.random.default_rng(0)
    arrays = {name: rng.integers(-9, 10, shape) for name, shape in shapes.items()}
    return {**arrays, "gy": rng.integers(-9, 10, op.output_shape(**shapes))}


WORK = {
    "conv": sc.conv2d(stride=(2, 1), padding=1),
    "conv_transpose": sc.conv_transpose2d((2, 1), 1),
    "adder": sc.adder2d(stride=(2, 1), padding=1),
    "adder, skip": sc.adder2d(stride=(2, 1), padding=1, border="skip"),
    "max_plus": sc.max_plus2d(stride=(2, 1), padding=1),
    "relu": sc.conv_bias_act2d("relu", stride=(2, 1), padding=1),
    "dynamic_filter": sc.dynamic_filter2d(stride=(2, 1), padding=1),
}


def place(name: str, n: int, c: int, size: int, k: int) -> tuple[dict[str, tuple[int, ...]], int]:
    """Shapes, and how many terms the sums of y have together."""
    x, f = (n, c, size, size), 3
    out = ((size + 2 - k) // 2 + 1, size + 2 - k + 1)
    if name == "conv_transpose":
        return {"x": x, "w": (c, f, k, k)}, math.prod(x) * f * k * k
    if name == "dynamic_filter":
        return {"x": x, "w": (n, *out, k, k)}, n * c * math.prod(out) * k * k
    shapes = {"x": x, "w": (f, c, k, k)} | ({"b": (f,)} if name == "relu" else {})
    return shapes, n * f * c * math.prod(out) * k * k


@pytest.mark.parametrize("name", WORK)
def test_work_is_linear_in_the_terms(name, cost) -> None:
    op = WORK[name]
    places = [place(name, *sizes) for sizes in ((1, 3, 8, 2), (1, 4, 9, 5), (2, 3, 16, 2))]
    for wrt in ("", *op.tensors):
        per_term = []
        for shapes, terms in places:
            spent = cost(op, wrt, data(op, **shapes))
            # An activation's slope is a second sum over the window, once per output and not once per tap.
            most = 2 * terms if name == "relu" else terms
            assert all(reads <= most for reads in spent.reads.values()), (wrt, shapes, spent.reads, terms)
            per_term.append(spent.statements / terms)
        assert max(per_term) < 8, (wrt, per_term)
        assert places[2][1] > 5 * places[0][1]
        assert per_term[2] < 1.25 * per_term[0], (wrt, per_term)


@pytest.mark.parametrize("kernel", [2, 3, 5])
@pytest.mark.parametrize("choice", ["first", "share"])
def test_a_maximum_is_sought_once_per_window(kernel, choice, cost) -> None:
    """A maximum of its own for every tap would read every window K² times."""
    op = sc.operator("y[n,c,i,j] = max[p,q](x[n,c,i+p,j+q])", extents={"p": kernel, "q": kernel}, kinks={"max": choice})
    arrays = data(op, x=(1, 2, 7, 8))
    windows = arrays["gy"].size
    spent = cost(op, "x", {**arrays, "gy": arrays["gy"] * 3600})
    # Shared: the maximum, how many taps reach it, and for each tap whether it does.
    assert spent.reads["x"] == windows * kernel**2 * {"first": 1, "share": 3}[choice]
    assert sum(spent.values) == 3600 * arrays["gy"].sum()


def nests(kernel: Kernel) -> Iterator[tuple[Nest, set[str], set[str]]]:
    """Every nest with the buffers it loads from and stores to."""
    for nest in kernel.nests:
        nodes = list(walk(nest))
        loads = {node.buffer for node in nodes if isinstance(node, Load | LoadLanes)}
        yield nest, loads, {node.buffer for node in nodes if isinstance(node, Store | StoreLanes)}


@pytest.mark.parametrize("op", [sc.max_pool2d(3, 2, 1), sc.max_plus2d(padding=1), sc.min_plus1d()], ids=str)
def test_the_winner_is_kept_and_read_back(op) -> None:
    for wrt in op.tensors:
        found = list(nests(scheduled(op, wrt)))
        # Full register tiles and the rest of the cells are nests of their own.
        seek = [loads for _, loads, stores in found if "ky" in stores]
        assert seek
        assert all(loads == set(op.tensors) for loads in seek)
        # What hands gy out reads the winner's place and no value again.
        hands = [loads for _, loads, _ in found if "gy" in loads]
        assert hands
        assert all(loads <= {"ky", "gy"} for loads in hands)


@pytest.mark.parametrize(
    ("op", "wrt", "asked"),
    [
        (sc.conv2d(bias=True), "x", ("gy", "w")),
        (sc.conv2d(bias=True), "w", ("gy", "x")),
        (sc.conv2d(bias=True), "b", ("gy",)),
        (sc.avg_pool2d(2), "x", ("gy",)),
        (sc.max_pool2d(2), "x", ("gy", "x")),
        (sc.adder2d(), "w", ("gy", "x", "w")),
        (sc.conv_bias_act2d("relu"), "x", ("gy", "x", "w", "b")),
    ],
    ids=str,
)
def test_the_derivation_names_what_is_read(op, wrt, asked, cost) -> None:
    shapes = {"x": (1, 2, 4, 5), "w": (3, 2, 2, 2), "b": (3,)}
    spent = cost(op, wrt, data(op, **{name: shapes[name] for name in op.tensors}))
    assert {name for name, reads in spent.reads.items() if reads} == set(asked)
    (note,) = [step.note for step in sc.derive(op, wrt).steps if step.rule == "transpose"]
    assert f"reads {', '.join(name for name in ('gy', *op.tensors) if name in asked)}" in note.split("; ")
    assert "does not ask for y" in note.split("; ")
