"""Every reduction of the shipped operators computes in vector lanes; what lanes do to it is exact."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import symconv as sc
from symconv import pipeline
from symconv.loops.ir import Kernel, LoadLanes, Nest, Update
from symconv.loops.traverse import walk
from symconv.notation.operator import Operator
from symconv.ops.registry import catalogue
from symconv.options import Options

SCALAR: dict[str, str] = {}
"""``operator kernel`` -> why one of its reductions does not compute in lanes."""


def _nests(kernel: Kernel, kind: type) -> list[Nest]:
    return [nest for nest in kernel.nests if any(isinstance(node, kind) for node in walk(nest))]


def _reducing_in_scalars(kernel: Kernel) -> list[Nest]:
    wide = _nests(kernel, LoadLanes)
    return [nest for nest in _nests(kernel, Update) if nest not in wide and not _adds_parts(nest)]


def _adds_parts(nest: Nest) -> bool:
    """Whether a nest only sums up what other nests have left of cut reductions."""
    return nest.comment.endswith("the parts in order")


def _shipped() -> Iterator[tuple[str, Kernel]]:
    for name, entry in catalogue().items():
        made = pipeline.unit(entry.make(2) if "pool" in name else entry.make(), Options()).direct
        yield from ((f"{name} {kernel.name}", kernel) for part in made.entries for kernel in part.kernels)


def test_every_kernel_of_the_shipped_operators_runs_in_lanes() -> None:
    found = dict(_shipped())
    assert len(found) >= 105
    assert {name for name, kernel in found.items() if not _nests(kernel, LoadLanes)} == set(SCALAR)
    assert {name for name, kernel in found.items() if _reducing_in_scalars(kernel)} == set(SCALAR)


CASES: dict[str, tuple[Operator, list[dict[str, tuple[int, ...]]]]] = {
    "max_pool": (
        sc.max_pool2d((3, 2), stride=(2, 3), padding=(1, 0)),
        [{"x": (2, 3, h, w)} for h, w in ((7, 17), (4, 5), (6, 30))],
    ),
    "min_plus": (
        sc.min_plus2d(stride=(2, 1), padding=((1, 0), (0, 1))),
        [{"x": (2, 2, 5, w), "w": (f, 2, 3, 2)} for w, f in ((9, 5), (4, 1), (6, 4))],
    ),
    "locally_connected": (
        sc.operator("y[n,f,i,j] = sum[c,p,q](x[n,c,i+p-1,2*j+q-1]*w[i,j,f,c,p,q])"),
        [{"x": (n, 2, 4, 9), "w": (3, 5, 3, 2, 4, 3)} for n in (1, 5)],
    ),
    "dynamic": (
        sc.operator("y[n,c,i,j] = sum[p,q](x[n,c,i+p-1,j+q-2]*w[n,i,j,p,q])"),
        [{"x": (2, c, 4, 9), "w": (2, 4, 11, 3, 3)} for c in (1, 5)],
    ),
    "diagonal": (
        sc.operator("y[i,j] = sum[k](a[i,k]*b[k,k]*c[j,k])"),
        [{"a": (3, k), "b": (k, k), "c": (2, k)} for k in (1, 4, 9)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_lanes_compute_what_is_defined(name: str, exact: Callable[..., int]) -> None:
    op, geometries = CASES[name]
    for wrt in ("", *op.tensors):
        assert exact(op, wrt, geometries) == len(geometries)


@pytest.mark.parametrize("name", ["max_pool", "min_plus", "locally_connected", "dynamic"])
def test_lanes_of_any_axis_and_of_positions_are_proved(name: str) -> None:
    assert sc.validate(CASES[name][0]).holds is True


def test_lanes_move_along_the_axis_that_is_named(lowered: Callable[..., Kernel]) -> None:
    kernel = lowered(CASES["dynamic"][0], "x")
    loads = {node.buffer: node.axis for nest in kernel.nests for node in walk(nest) if isinstance(node, LoadLanes)}
    assert loads == {"gy": -1, "w": -3}


def test_what_is_no_line_of_memory_has_no_lanes(lowered: Callable[..., Kernel]) -> None:
    kernel = lowered(CASES["diagonal"][0], "")
    assert not any(isinstance(node, LoadLanes) and node.buffer == "b" for nest in kernel.nests for node in walk(nest))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("target", ["native", "portable"])
def test_compiled_positions(
    dtype: str, target: str, drawn: Callable[..., Any], wanted: Callable[..., list[Any]]
) -> None:
    op, geometries = CASES["max_pool"]
    kernel = sc.build(op, dtype=dtype, target=target)
    for shapes in geometries:
        arrays = drawn(op, shapes)
        real = {name: array.astype(dtype) for name, array in arrays.items()}
        got = kernel.backward(real["gy"], real["x"]).x
        assert got.ravel().tolist() == wanted(op, "x", arrays)


COMPOSED: dict[str, tuple[str, list[dict[str, tuple[int, ...]]]]] = {
    "bias and relu": (
        "y[n,f,i,j] = relu(sum[c,p,q](x[n,c,2*i+p-1,j+q-1]*w[f,c,p,q]) + b[f])",
        [{"x": (2, 3, 5, w), "w": (f, 3, 3, 2), "b": (f,)} for w, f in ((11, 5), (3, 4))],
    ),
    "a map beside": (
        "y[n,f,i,j] = m[f,j,i]*max[p,q](x[n,f,i+p,j+q]) - m[f,j,i]",
        [{"x": (2, 3, 5, 11), "m": (3, 9, 4)}, {"x": (1, 2, 4, 4), "m": (2, 2, 3)}],
    ),
    "gated": (
        "y[n,f,i,j] = abs(sum[c,p,q](x[n,c,i+p-1,j+q]*w[f,c,p,q]))*sum[c,p,q](x[n,c,i+p-1,j+q]*v[f,c,p,q])",
        [{"x": (2, 3, 5, 11), "w": (3, 3, 3, 2), "v": (3, 3, 3, 2)}],
    ),
    "rows": ("y[n] = abs(sum[i,j](x[n,i,j]*w[i,j]) - b[n])", [{"x": (3, 2, 9), "w": (2, 9), "b": (3,)}]),
}  # fmt: skip


def _formula(name: str) -> Operator:
    text, _ = COMPOSED[name]
    return sc.operator(text, extents={"p": 2, "q": 3}) if "max" in text else sc.operator(text)


@pytest.mark.parametrize("name", COMPOSED)
def test_epilogues_in_registers_compute_what_is_defined(name: str, exact: Callable[..., int]) -> None:
    op = _formula(name)
    for wrt in ("", *op.tensors):
        assert exact(op, wrt, COMPOSED[name][1])


@pytest.mark.parametrize(("name", "nests"), [("bias and relu", 2), ("a map beside", 1), ("rows", 1)])
def test_a_reduction_of_one_piece_visits_its_cells_once(name: str, nests: int, lowered: Callable[..., Kernel]) -> None:
    kernel = lowered(_formula(name), "")
    assert len(kernel.nests) == nests
    assert not any(buffer.role == "workspace" for buffer in kernel.buffers)


@pytest.mark.parametrize("name", ["bias and relu", "a map beside", "rows"])
def test_composed_layers_are_proved(name: str) -> None:
    assert sc.validate(_formula(name)).holds is True
