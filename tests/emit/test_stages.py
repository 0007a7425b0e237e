"""Entries with stages: arrays that results share are computed where one of those is asked for, in the call's memory."""

from __future__ import annotations

import gc
import sys
from collections import namedtuple
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.build.module import load
from symconv.manifest import described
from symconv.options import Options
from symconv.verify.reference import evaluate, gradients

OP = sc.operator("y[n,f,i] = sum[c,p](x[n,c,2*i+p-1] * w[f,c,p])**2 * sum[c,p](x[n,c,2*i+p-1] * v[f,c,p])")
SHAPES = {"x": (2, 3, 9), "w": (2, 3, 4), "v": (2, 3, 4)}


@pytest.fixture(scope="module")
def made() -> tuple[Any, dict[str, Any], dict[str, Any]]:
    options = Options()
    unit = pipeline.unit(OP, options, every=True).direct
    module = load(pipeline.build_text(pipeline.generate((unit,), options).text, options))
    rng = np.random.default_rng(0)
    arrays = {name: rng.integers(-2, 3, shape).astype("float32") for name, shape in SHAPES.items()}
    arrays["gy"] = rng.integers(-2, 3, OP.output_shape(**SHAPES)).astype("float32")
    return module, arrays, {entry.name: described(entry) for entry in unit.entries}


def _given(arrays: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(arrays[name] for name in ("gy", *OP.tensors))


@pytest.mark.parametrize("mask", range(8))
def test_each_set_of_results_is_the_definition(mask: int, made: tuple[Any, Any, Any]) -> None:
    module, arrays, _ = made
    want = gradients(OP, {name: arrays[name] for name in SHAPES}, arrays["gy"])
    sizes = module.u0_backward_sizes(tuple(array.shape for array in _given(arrays)))
    needed = module.u0_backward_bytes(sizes, mask, 1)
    for lent in (None, np.empty(needed, np.uint8)):
        found = module.u0_backward(mask, _given(arrays), None, 1, -1, lent)
        for bit, (name, result) in enumerate(zip(OP.tensors, found, strict=True)):
            assert (result is not None) == bool(mask >> bit & 1)
            assert result is None or (result == want[name]).all(), name
    if mask:
        assert module.u0_backward(mask, _given(arrays), None, 1, -1, np.empty(needed - 1, np.uint8)) == 4


def test_the_result_itself_reads_a_stage(made: tuple[Any, Any, Any]) -> None:
    module, arrays, _ = made
    (y,) = module.u0_forward(1, tuple(arrays[name] for name in OP.tensors), None, 1)
    assert (y == evaluate(OP, {name: arrays[name] for name in SHAPES})).all()


def test_the_manifest_says_what_each_array_is_for(made: tuple[Any, Any, Any]) -> None:
    found: Any = made[2]["backward"]["outputs"]
    assert [one["name"] for one in found if not one["stage"]] == ["gx", "gw", "gv"]
    assert [one["mask"] for one in found if not one["stage"]] == [1, 2, 4]
    masks = [one["mask"] for one in found if one["stage"]]
    assert 0b111 in masks and set(masks) <= {0b111, 0b011, 0b101, 0b001}


def test_results_are_a_tuple_of_the_kind_that_is_given(made: tuple[Any, Any, Any]) -> None:
    module, arrays, _ = made
    kind = namedtuple("kind", "x w v")
    before = sys.getrefcount(kind)
    found = module.u0_backward(0b101, _given(arrays), None, 1, -1, None, kind)
    assert type(found) is kind and found.w is None
    plain = module.u0_backward(0b101, _given(arrays), None, 1)
    assert gc.is_tracked(found) and sys.getrefcount(found[0]) == sys.getrefcount(plain[0])
    assert [one is None or one.tolist() for one in found] == [one is None or one.tolist() for one in plain]
    del found
    assert sys.getrefcount(kind) == before
    for wrong in (list, int, 3):
        with pytest.raises(TypeError):
            module.u0_backward(7, _given(arrays), None, 1, -1, None, wrong)
