"""The name of a shipped operator says its arguments: read as a call, it makes the same operator."""

from __future__ import annotations

import ast
import random
from typing import Any

import pytest

import symconv as sc
from symconv.ops.registry import catalogue

OPTIONS: dict[str, list[Any]] = {
    "stride": [1, 2, (2, 1)],
    "padding": [0, 1, (1, 0), ((1, 2), (1, 2)), ((0, 1), (2, 0))],
    "dilation": [1, 2, (1, 3)],
    "groups": [1, 2, 3],
    "bias": [False, True],
    "border": ["zero", "skip", "replicate", 0.5],
    "layout": ["NCHW", "NHWC"],
    "flip": [False, True],
    "kernel": [1, 2, (3, 2)],
    "power": [2, 3],
    "offset": [0.5, 1.0],
    "activation": ["relu", "tanh"],
}


def call(text: str) -> sc.Operator:
    """The operator that a name stands for, read as a call of constants."""
    node = ast.parse(text, mode="eval").body
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    given = {keyword.arg: ast.literal_eval(keyword.value) for keyword in node.keywords}
    if "kinks" in given:
        given["kinks"] = dict(pair.split(":") for pair in given["kinks"].split(","))
    return catalogue()[node.func.id].make(**given)


def drawn(name: str, seed: int) -> dict[str, Any]:
    import inspect

    rng = random.Random(f"{name} {seed}")
    names = inspect.signature(catalogue()[name].make).parameters
    chosen = {key: rng.choice(OPTIONS[key]) for key in names if key in OPTIONS and rng.random() < 0.6}
    if "kernel" in names:
        chosen.setdefault("kernel", 2)
    return chosen


@pytest.mark.parametrize("name", [name for name in catalogue() if name.endswith("2d")])
def test_a_name_is_the_call_that_makes_the_operator(name) -> None:
    made = 0
    for seed in range(40):
        chosen = drawn(name, seed)
        try:
            op = catalogue()[name].make(**chosen)
        except sc.SpecError:
            continue
        made += 1
        again = call(op.name)
        assert (again.source, again.inputs, again.name) == (op.source, op.inputs, op.name), (chosen, op.name)
    assert made >= 10


@pytest.mark.parametrize(
    ("op", "name"),
    [
        (sc.conv2d(bias=True), "conv2d(bias=True)"),
        (sc.conv1d(), "conv1d()"),
        (sc.conv1d(padding=((2, 1),)), "conv1d(padding=((2,1),))"),
        (sc.conv2d(stride=(2, 2)), "conv2d(stride=2)"),
        (sc.conv_transpose2d(bias=True, stride=2), "conv_transpose2d(stride=2, bias=True)"),
        (sc.locally_connected1d(bias=True), "locally_connected1d(bias=True)"),
        (sc.max_pool1d(1, stride=2), "max_pool1d(kernel=1, stride=2)"),
        (sc.max_pool1d(3, stride=1), "max_pool1d(kernel=3, stride=1)"),
    ],
    ids=str,
)
def test_names(op, name) -> None:
    assert op.name == name
