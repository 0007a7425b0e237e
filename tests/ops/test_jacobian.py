"""The whole Jacobian of every shipped operator: rows by backward, columns by JVP, both against differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.notation.operator import Operator

Array = np.ndarray[Any, Any]

FAMILIES = tuple(name.removesuffix("1d") for name in sc.ops() if name.endswith("1d"))
SPATIAL = {1: (5,), 2: (4, 3), 3: (3, 4, 2)}
KERNEL, STRIDE, DILATION, PADS = (2, 2, 2), (2, 1, 1), (1, 2, 1), ((1, 0), (0, 1), (1, 1))
GROUPED = ("squared_distance", "min_plus")


def operator(family: str, rank: int) -> Operator:
    make = getattr(sc, f"{family}{rank}d")
    window = {"stride": STRIDE[:rank], "padding": PADS[:rank], "dilation": DILATION[:rank]}
    if family == "conv_transpose":
        return make((2, 3, 1)[:rank], PADS[:rank], (1, 2, 0)[:rank], DILATION[:rank], bias=True)
    if "pool" in family:
        return make(KERNEL[:rank], **window)
    extra = {"conv": {"bias": True}, "locally_connected": {"bias": True}, "conv_bias_act": {"activation": "gelu"}}
    return make(**window, **extra.get(family, {}), **({"groups": 2} if family in GROUPED else {}))


def shapes(family: str, rank: int) -> dict[str, tuple[int, ...]]:
    spatial, kernel = SPATIAL[rank], KERNEL[:rank]
    window = zip(spatial, PADS, DILATION, KERNEL, STRIDE, strict=False)
    out = tuple((size + sum(pads) - d * (k - 1) - 1) // s + 1 for size, pads, d, k, s in window)
    w = {
        "locally_connected": (*out, 3, 2, *kernel),
        "dynamic_filter": (2, *out, *kernel),
        "conv_transpose": (2, 3, *kernel),
    }.get(family, (4, 1, *kernel) if family in GROUPED else (3, 2, *kernel))
    return {"x": (2, 2, *spatial), "w": w, "b": (*out, 3) if family == "locally_connected" else (3,)}


def differences(forward: Any, arrays: list[Array], at: int, h: float = 1e-5) -> Array:
    """``∂y/∂arrays[at]`` column by column, by central differences: y's shape, then the array's."""
    columns = []
    for cell in np.ndindex(*arrays[at].shape):
        up, down = arrays[at].copy(), arrays[at].copy()
        up[cell] += h
        down[cell] -= h
        pair = [forward(*arrays[:at], moved, *arrays[at + 1 :]) for moved in (up, down)]
        columns.append((pair[0] - pair[1]) / (2 * h))
    return np.stack(columns, axis=-1).reshape(*columns[0].shape, *arrays[at].shape)


def units_of(*shape: int) -> list[Array]:
    """Every array of that shape that is 1 in one cell and 0 elsewhere."""
    count = int(np.prod(shape))
    return list(np.eye(count).reshape(count, *shape))


@pytest.fixture(scope="module")
def kernels(compiled, collected):
    """The kernels of a rank and of its directional derivatives, one module each, when first asked for."""
    known: dict[int, dict[str, Any]] = {}
    families = collected("family")

    def ask(rank: int) -> dict[str, Any]:
        if rank not in known:
            ops = [operator(family, rank) for family in families]
            forward = compiled([sc.jvp(op, op.tensors).operator for op in ops], entries=("forward",))
            known[rank] = dict(zip(families, zip(compiled(ops), forward, strict=True), strict=True))
        return known[rank]

    return ask


def test_no_shipped_operator_is_left_out() -> None:
    assert sorted(sc.ops()) == sorted(f"{family}{rank}d" for family in FAMILIES for rank in SPATIAL)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("rank", [pytest.param(1, marks=pytest.mark.full), 2, pytest.param(3, marks=pytest.mark.full)])
def test_rows_and_columns_are_the_differences(rank, family, kernels) -> None:
    kernel, directional = kernels(rank)[family]
    names = kernel.operator.tensors
    rng = np.random.default_rng(7)
    # Reals of a fixed seed: no two taps tie and no |u| vanishes within a step of 1e-5.
    arrays = [rng.uniform(-1.5, 1.5, shapes(family, rank)[name]) for name in names]
    y = kernel.forward(*arrays)
    assert y.shape == kernel.operator.output_shape(**{n: a.shape for n, a in zip(names, arrays, strict=True)})
    rows = [kernel.backward(unit, *arrays) for unit in units_of(*y.shape)]
    for at, name in enumerate(names):
        wanted = differences(kernel.forward, arrays, at)
        assert np.abs(wanted).max() > 0.1
        got = np.stack([getattr(row, name) for row in rows]).reshape(wanted.shape)
        np.testing.assert_allclose(got, wanted, rtol=1e-7, atol=1e-8, err_msg=f"rows by {name}")
        still = [np.zeros_like(array) for array in arrays]
        columns = [
            directional.forward(*arrays, *still[:at], unit, *still[at + 1 :]) for unit in units_of(*arrays[at].shape)
        ]
        by_jvp = np.stack(columns, axis=-1).reshape(wanted.shape)
        np.testing.assert_allclose(by_jvp, got, rtol=1e-12, atol=1e-13, err_msg=f"columns by {name}")
