"""Layers in stages: every stage by every tile equals what the preset computes there, and the last ones the definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.emit.units import Entry
from symconv.loops.interpret import interpret
from symconv.loops.ir import Const
from symconv.loops.traverse import rewrite
from symconv.notation.operator import Operator
from symconv.options import Options
from symconv.packed import shared, stages
from symconv.staging import work
from symconv.tune.numbers import value

TWO = "sum[c,p,q](x[n,c,i+p-1,2*j+q] * w[f,c,p,q])"
OTHER = "sum[c,p,q](x[n,c,i+p-1,2*j+q] * v[f,c,p,q])"
CASES = {
    "product": (sc.operator(f"y[n,f,i,j] = {TWO} * {OTHER}"), {"x": (2, 2, 3, 6), "w": (3, 2, 3, 2), "v": (3, 2, 3, 2)}),
    "gated": (sc.operator("z[n,f,i] = sum[c,p](x[n,c,i+2*p-2] * w[f,c,p]) + a[f]; v[n,f,i] = sum[c,p](x[n,c,i+2*p-2] * u[f,c,p]) + b[f]; y[n,f,i] = z[n,f,i]**2 * relu(v[n,f,i])"),
              {"x": (2, 3, 7), "w": (5, 3, 2), "a": (5,), "u": (5, 3, 2), "b": (5,)}),
    "activated": (sc.operator("z[n,f,i,j] = sum[c,p,q](x[n,c,i+p-1,j+q-1] * w[f,c,p,q]) + b[f]; y[n,f,i,j] = relu(z[n,f,i,j])"),
                  {"x": (2, 3, 5, 7), "w": (5, 3, 3, 2), "b": (5,)}),
    "square": (sc.operator("y[n,f,i] = sum[c,p](x[n,c,i+p-1] * w[f,c,p])**2 + b[f]"), {"x": (2, 3, 7), "w": (5, 3, 2), "b": (5,)}),
    "adder": (sc.adder1d(padding=[(2, 1)], stride=2, border=2.0), {"x": (2, 3, 8), "w": (5, 3, 3)}),
    "reflect": (sc.conv2d(padding=(1, 2), border="reflect"), {"x": (1, 2, 3, 5), "w": (3, 2, 3, 2)}),
    "channels last": (sc.conv2d(padding=(1, 0), stride=(1, 2), layout="NHWC"), {"x": (2, 3, 6, 2), "w": (3, 2, 2, 3)}),
    "linear": (sc.operator("y[n,f] = relu(sum[c](x[n,c]*w[f,c]) + b[f])"), {"x": (5, 7), "w": (9, 7), "b": (9,)}),
    "gated linear": (sc.operator("y[n,f] = sum[c](x[n,c]*w[f,c])*abs(sum[c](x[n,c]*v[f,c]))"), {"x": (3, 5), "w": (7, 5), "v": (7, 5)}),
    "constant": (sc.conv1d(padding=2, border=3.0), {"x": (2, 3, 6), "w": (4, 3, 3)}),
}  # fmt: skip


def _entries(op: Operator) -> tuple[Entry, ...]:
    return pipeline.unit(op, Options(target="x86-64-v3"), every=True).entries


def _run(entry: Entry, arrays: Mapping[str, Any], most: int) -> dict[str, list[Any]]:
    """Every array of an entry; all its candidates with direct sums give the same."""
    memory = {name: (array.shape, array.ravel().tolist()) for name, array in arrays.items()}
    sizes = entry.computed[0][0].gather.operator
    known = sizes.sizes(**{tensor: arrays[tensor].shape for tensor in sizes.tensors if tensor in arrays})
    rng = np.random.default_rng(most)
    for candidates in entry.computed:
        results = []
        direct = [one for one in candidates if one.bound is None]
        for candidate in (direct[0], *rng.choice(np.array(direct[1:], dtype=object), min(2, len(direct) - 1), False)):
            kernel = candidate.kernel
            given = {b.name: memory[b.name] for b in kernel.buffers if b.role == "in"}
            numbers = {p: int(rng.integers(1, most + 1)) for p in kernel.parameters}
            results.append(interpret(kernel, given, parameters=numbers))
        assert all(result == results[0] for result in results), candidates[0].name
        target = candidates[0].gather.operator.output
        memory[target.name] = (target.shape(known), results[0])
    return {name: values for name, (_, values) in memory.items()}


@pytest.mark.parametrize("name", CASES)
def test_stages_of_every_tile_are_the_definition(
    name: str, drawn: Callable[..., Any], wanted: Callable[..., Any]
) -> None:
    op, shapes = CASES[name]
    arrays = drawn(op, shapes, 0)
    entries = _entries(op)
    assert any(entry.stages for entry in entries)
    for entry in entries:
        found = _run(entry, arrays, 3)
        for candidates in entry.outputs:
            output = candidates[0].name
            assert found[output] == wanted(op, output[1:] if output != "y" else "", arrays), output


def test_what_outputs_share_is_one_stage_of_all() -> None:
    """The cotangent of each sum of a product, finished where the other is summed, serves two gradients."""
    backward = _entries(CASES["product"][0])[1]
    assert all(len(candidates) > 1 for candidates in backward.computed)
    assert backward.masks == (0b011, 0b101, 0b001, 0b001, 0b010, 0b100)


def test_the_gradients_of_a_gate_share_its_sums_and_their_cotangents() -> None:
    """Of x, w, a, u and b: each named sum is computed once for all of them, the cotangent of each once for those of its
    operands; what a sum over a border of zeros is left to is packing."""
    backward = _entries(CASES["gated"][0])[1]
    names = [candidates[0].name for candidates in backward.computed]
    masks = dict(zip(names, backward.masks, strict=True))
    assert (masks["z"], masks["v"]) == (0b11111, 0b11111)
    assert (masks["gz"], masks["gv"]) == (0b00111, 0b11001)
    assert all(len(backward.computed[names.index(one)]) > 2 for one in ("z", "v", "gx", "gw", "gu"))


def test_a_sum_that_two_cotangents_want_is_an_array() -> None:
    op = sc.operator("y[n,f,i] = sum[c,p](x[n,c,i+p] * w[f,c,p])**2 * sum[c,p](x[n,c,i+p] * v[f,c,p])")
    gathers = tuple(pipeline.derive(op, name).gather for name in ("w", "v"))
    forms, _ = shared(tuple(stages(one, gathers) for one in gathers))
    found = [(form.operator.output.name, len(form.statements[0].reductions)) for form in forms]
    assert found == [("qyp", 1), ("qy", 1), ("qy2", 0)]
    assert [form.operator.tensors[4:] for form in forms] == [(), ("qyp",), ("qyp",)]


def test_a_copy_with_its_halo_is_made_where_it_is_needed_alone() -> None:
    """The gradient of x packs as it is: zeros around the cotangent add nothing."""
    _, backward = _entries(CASES["adder"][0])
    assert [c[0].name for c in backward.stages] == ["P"] and backward.masks == (0b10, 0b1, 0b10)


@pytest.mark.parametrize("name", ["adder", "reflect", "gated"])
def test_a_wrong_first_stage_is_noticed(name: str, drawn: Callable[..., Any], wanted: Callable[..., Any]) -> None:
    """Mutants of the first stage: each number in its nests one larger; those that change nothing are few."""
    op, shapes = CASES[name]
    arrays = drawn(op, shapes, 1)
    entry = _entries(op)[0]
    first, right = entry.stages[0][0], wanted(op, "", arrays)
    numbers = {(k, n) for k, nest in enumerate(first.kernel.nests) for n in _constants(nest.body)}
    noticed = 0
    for place, number in sorted(numbers, key=str):
        nests = list(first.kernel.nests)
        body = tuple(rewrite(s, lambda node, n=number: replace(n, value=n.value + 1) if node == n else node) for s in nests[place].body)  # fmt: skip
        nests[place] = replace(nests[place], body=body)
        wrong = replace(first, kernel=replace(first.kernel, nests=tuple(nests)))
        mutant = replace(entry, stages=((wrong,), *entry.stages[1:]), outputs=tuple(o[:2] for o in entry.outputs))
        try:
            noticed += _run(mutant, arrays, 3)["y"] != right
        except (sc.SymconvError, AssertionError, ArithmeticError):
            noticed += 1
    assert noticed >= 0.7 * len(numbers) > 0


def _constants(body: tuple[Any, ...]) -> set[Const]:
    found: set[Const] = set()

    def look(node: Any) -> Any:
        if isinstance(node, Const) and not node.real:
            found.add(node)
        return node

    for statement in body:
        rewrite(statement, look)
    return found


def test_operands_are_turned_where_every_row_uses_them_again() -> None:
    """Channels last: a convolution turns what it reads, and a mean, which reads each window once, does not."""
    form = pipeline.forward(sc.conv2d(padding=1, layout="NHWC")).gather
    assert [one.operator.output.name for one in stages(form)] == ["xt", "wt", "yt", "y"]
    mean = pipeline.forward(sc.avg_pool2d((3, 2), layout="NHWC")).gather
    assert len(stages(mean)) == 1


def test_the_place_of_each_maximum_is_found_once(drawn: Callable[..., Any], wanted: Callable[..., Any]) -> None:
    op, shapes = sc.max_plus1d(padding=1), {"x": (2, 2, 5), "w": (3, 2, 3)}
    backward = _entries(op)[1]
    assert [one[0].name for one in backward.stages] == ["ky"] and backward.masks == (0b11, 0b1, 0b10)
    arrays = drawn(op, shapes, 2)
    found = _run(backward, arrays, 1)
    assert [found[f"g{name}"] for name in "xw"] == [wanted(op, name, arrays) for name in "xw"]
    gathers = tuple(pipeline.derive(op, name).gather for name in "xw")
    counted = work(op, gathers)
    assert counted is not None and value(counted, op.sizes(**shapes)) == 2 * 2 * 3 * 5 * 2 * 3
    assert work(op, gathers[:1]) is None


def test_work_counts_the_sums_that_stages_compute() -> None:
    op, shapes = CASES["square"]
    total = work(op, (pipeline.forward(op).gather,))
    sizes = op.sizes(**shapes)
    assert total is not None and value(total, sizes) == 2 * 2 * 5 * 8 * 3 * 2
    bordered = CASES["adder"][0]
    counted = work(bordered, (pipeline.forward(bordered).gather,))
    assert counted is not None and value(counted, bordered.sizes(**CASES["adder"][1])) == 2 * 2 * 5 * 5 * 3 * 3


def test_a_function_of_a_sum_whose_lanes_are_terms_is_in_lanes_of_its_own() -> None:
    """Across cells it is finished where the sum is; across terms each cell would be finished alone."""
    forward, backward = _entries(CASES["linear"][0])
    assert [[c.schedule.name for c in each][-1] for each in forward.computed] == ["across 6x2", "lanes"]
    assert [each[0].name for each in backward.computed] == ["qyp", "qy", "gx", "gw", "gb"]
    across, _ = _entries(sc.conv_bias_act1d("relu", padding=1))
    assert [len(form.gather.statements[0].reductions) for (form, *_) in across.computed] == [1]


def test_one_sum_alone_is_one_form() -> None:
    form = pipeline.forward(sc.conv2d(padding=1)).gather
    assert stages(form) == (form,)


def test_a_function_that_holds_results_small_keeps_transforms_of_few_points() -> None:
    """An error of the sum is as large beside the sum; tanh makes the result small, and a relu does not."""
    for activation, kept in (("tanh", {"F(2,3)"}), ("relu", {"F(2,3)", "F(4,3)"})):
        forward, backward = _entries(sc.conv_bias_act1d(activation, padding=1))
        names = {c.schedule.name for c in forward.outputs[0] if c.bound is not None}
        assert names == {f"Winograd {name}" for name in kept}, activation
        assert len([c for c in backward.outputs[0] if c.bound is not None]) == 2
