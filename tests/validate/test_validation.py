"""Loop nests against derivations: every shipped operator is proved, mutants are not, and the proofs agree with runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest
from mutants import mutants

import symconv as sc
from symconv import pipeline
from symconv.errors import InternalError
from symconv.gather.derivation import Derivation
from symconv.loops.directives import Tile, apply
from symconv.loops.interpret import WIDTH, interpret
from symconv.loops.ir import Accumulate, Binary, Const, For, Kernel, Let, Load, Nest, Store, Var
from symconv.loops.presets import masked
from symconv.loops.traverse import expressions, rewrite
from symconv.notation.operator import Operator
from symconv.options import Options
from symconv.validate.validation import LANES, Validation, validate, validate_all
from symconv.verify.geometry import geometries

SINGLE, DOUBLE = Options(), Options(dtype="float64")


def shipped() -> list[Operator]:
    made = []
    for name in sc.ops():
        build = getattr(sc, name)
        pool = {"kernel": 2, "stride": 2} if "pool" in name else {"stride": 2, "padding": 1}
        made.append(build(**pool))
    return made


CASES = {
    "groups": sc.conv2d(stride=(2, 3), padding=((1, 0), (0, 2)), dilation=(1, 2), groups=2, bias=True),
    "flip": sc.conv2d(stride=2, padding=((2, 1), (0, 1)), dilation=(2, 3), flip=True),
    "NHWC": sc.conv2d(stride=(3, 1), padding=((0, 1), (2, 1)), layout="NHWC"),
    "same": sc.conv2d(stride=(2, 3), padding="same"),
    "common factor": sc.conv1d(stride=4, dilation=6, padding=3),
    "output padding": sc.conv_transpose2d((2, 3), ((1, 0), (0, 1)), (1, 2), (1, 2), groups=2),
    "reflect": sc.adder1d(stride=2, padding=((2, 1),), border="reflect"),
    "replicate": sc.avg_pool1d(3, 2, padding=1, border="replicate"),
    "circular": sc.max_plus1d(padding=1, dilation=2, border="circular"),
    "skip": sc.avg_pool2d((3, 2), (2, 1), padding=1, border="skip"),
    "constant": sc.kervolution1d(2, 0.5, padding=1, border=-1.5),
    "nested": sc.operator("y[n,f,i] = sum[c](max[p](x[n,c,2*i+p] + w[f,c,p]))"),
    "around": sc.operator("y[n,f] = b[f] * sqrt(1 + sum[c](x[n,c]*x[n,c]*w[f,c]*w[f,c]))"),
    "shared": sc.operator("y[n,f,i] = max[c,p](x[n,c,i+p-1] + w[f,c,p])", border="skip", kinks={"max": "share"}),
    "several taps": sc.operator(
        "y[n,f,i,j] = sum[c,p,q,r](abs(x[n,c,i-p+2*r+size(p)-3,j-q+2*r+size(q)-3] - w[f,c,p,q,r]))"
    ),
    "cells beyond the end": sc.operator(
        "y[n,f,i] = sum[c,p](max(x[n,c,2*i+3*(size(p)-1-p)-2], w[f,c,p])*x[n,c,2*i+3*(size(p)-1-p)])"
    ),
    "nothing counts twice": sc.operator("y[n,f,i] = max[c,p](x[n,c,3*i+2*p-3]*w[f,c,p])**2"),
    "counted taps": sc.operator("y[n,f,i] = relu(mean[c,p](abs(x[n,c,i+p-3] - w[f,c,p])) - 1)", border="skip"),
    "not invertible": sc.operator("y[n,i,j] = x[n,i+j]*w[j]", extents={"i": 4}),
}


def undecided(op: Operator, options: Options = SINGLE) -> list[str]:
    found = validate_all(one for one in pipeline.unit(op, options).candidates if not one.kernel.parameters)
    assert len(found.kernels) == 1 + len(pipeline.gradients(op))
    return [str(one) for one in found.kernels if not one]


def proved_each_time(op: Operator) -> bool:
    """In three dimensions the nests are those of two once more; the convolution stands for all of them."""
    return not op.name.partition("(")[0].endswith("3d") or op.name.startswith("conv3d")


@pytest.mark.parametrize(
    "op",
    [op if proved_each_time(op) else pytest.param(op, marks=pytest.mark.full) for op in shipped()],
    ids=lambda op: op.name.partition("(")[0],
)
def test_every_shipped_operator_is_proved(op) -> None:
    assert undecided(op) == []


LONG = ("several taps", "counted taps")
"""Cases whose proofs take ten seconds and more; drawn operators have such reads too."""


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.full) if n in LONG else n for n in CASES])
def test_cases_are_proved(name) -> None:
    assert undecided(CASES[name]) == []


@pytest.mark.parametrize(
    "name", [n if n in ("groups", "constant") else pytest.param(n, marks=pytest.mark.full) for n in CASES]
)
def test_cases_are_proved_in_double_precision(name) -> None:
    assert undecided(CASES[name], DOUBLE) == []


def test_lanes_of_one_nest_are_not_those_of_another() -> None:
    """The numerator is summed in lanes of taps, the divisor stored in lanes of channels; the quotient reads both."""
    op = sc.operator("y[n,f,i] = sum[c](mean[p](x[n,c,i-p+size(p)-2]*w[f,c,p]))", border="skip")
    derivation = pipeline.forward(op)
    found = validate(derivation, masked(derivation.gather, "k", None, 4))
    assert found, str(found)


@pytest.mark.parametrize(
    "op", [sc.conv1d(stride=2, padding=1), sc.adder1d(stride=2, padding=1), sc.max_plus1d(padding=1)]
)
def test_second_order_and_forward_mode_are_proved(op) -> None:
    for name in op.tensors:
        assert undecided(sc.derive(op, name).operator) == []
    assert undecided(sc.jvp(op, op.tensors).operator) == []


@pytest.mark.parametrize(
    ("op", "shapes"),
    [
        (sc.conv2d(stride=2, padding=1), {"x": (4, 16, 28, 27), "w": (32, 16, 3, 2)}),
        (sc.conv2d(padding=1, groups=8), {"x": (4, 8, 14, 13), "w": (8, 1, 3, 3)}),
        (sc.adder2d(padding=1), {"x": (4, 32, 28, 28), "w": (33, 32, 3, 3)}),
        (sc.conv1d(), {"x": (1, 1, 9), "w": (1, 1, 3)}),
    ],
)
def test_fixed_sizes_are_proved(op, shapes) -> None:
    assert undecided(op, Options(sizes=tuple(shapes.items()))) == []


def gradient(op: Operator, name: str) -> tuple[Derivation, Kernel]:
    derivation = pipeline.derive(op, name)
    return derivation, masked(derivation.gather, f"g{name}")


def test_directives_are_proved() -> None:
    derivation, kernel = gradient(sc.operator("y[n,i,j] = sum[p](x[n,i+p,j]*w[i,j,p])"), "x")
    loops = {node.var for nest in kernel.nests for node in expressions(nest.body) if isinstance(node, For)}
    for var in loops:
        split = apply(kernel, Tile(var, 3))
        assert validate(derivation, split).holds, (var, str(validate(derivation, split)))
    with pytest.raises(sc.ScheduleError):
        apply(kernel, Tile("no", 2))


def run(kernel: Kernel, op: Operator, shapes: Mapping[str, tuple[int, ...]]) -> Any:
    rng = np.random.default_rng(1)
    every = {**shapes, f"g{op.output.name}": op.output_shape(**dict(shapes))}
    arrays = {name: (shape, rng.integers(-9, 10, shape).ravel().tolist()) for name, shape in every.items()}
    try:
        return interpret(kernel, {b.name: arrays[b.name] for b in kernel.buffers if b.role == "in"})
    except (IndexError, InternalError) as error:
        return type(error)


@pytest.mark.parametrize(
    ("op", "lanes"),
    [
        (sc.conv1d(stride=2, padding=((2, 1),), dilation=3), (WIDTH,)),
        (sc.adder1d(stride=2, padding=1), (WIDTH,)),
        pytest.param(sc.conv1d(stride=2, padding=((2, 1),), dilation=3), LANES, marks=pytest.mark.full),
        pytest.param(sc.adder1d(stride=2, padding=1), LANES, marks=pytest.mark.full),
        pytest.param(CASES["groups"], LANES, marks=pytest.mark.full),
    ],
)
def test_mutants_are_proved_only_where_they_are_equal(op, lanes) -> None:
    """For the lanes of the interpreter, whose runs say what is equal; exhaustively for all."""
    rejected = 0
    shapes = geometries(op, 6, 1)
    for derivation, kernel in ((one, one.kernel) for one in pipeline.unit(op, DOUBLE).candidates):
        if kernel.parameters:
            continue
        right = [run(kernel, op, shape) for shape in shapes]
        for mutant in mutants(kernel, 1):
            same = [run(mutant.kernel, op, shape) for shape in shapes] == right
            holds = validate(derivation, mutant.kernel, lanes).holds
            assert same or not holds, f"{mutant.kind} at {mutant.place} of {kernel.name} is not equal"
            rejected += holds is False
    assert rejected >= 20


def edited(kernel: Kernel, rule: Any) -> Kernel:
    return replace(kernel, nests=tuple(rewrite(nest, rule) for nest in kernel.nests))


def says(op: Operator, name: str, rule: Any) -> Validation:
    derivation, kernel = gradient(op, name)
    wrong = edited(kernel, rule)
    assert wrong != kernel
    return validate(derivation, wrong)


def test_what_is_wrong_is_said() -> None:
    op = sc.conv1d(groups=2, padding=1)
    derivation, kernel = gradient(op, "x")
    (first, *more), says = kernel.nests, partial(_says, derivation, kernel)
    assert "stores of gx: missing" in says(*more)
    # The same value stored twice: no proof, and nothing wrong.
    twice = validate(derivation, replace(kernel, nests=(first, *more, first)))
    assert twice.holds is None
    assert "stores of gx: extra the 2. time" in twice.reason
    derivation, kernel = gradient(sc.conv1d(stride=2), "x")
    (first, *more), says = kernel.nests, partial(_says, derivation, kernel)
    assert "gx is added to before it is stored" in says(*more)
    assert "a cell of gx is stored after it was added to" in says(first, *more, first)
    assert "terms of gx: extra the 2. time" in says(first, *more, more[-1])
    assert "terms of gx: missing" in says(first)


@pytest.mark.parametrize(("shift", "right"), [(1, True), (0, False)])
def test_the_order_of_writes_counts_from_one_turn_of_a_loop_to_the_next(shift, right) -> None:
    """``gx[i] += 2 gy[i]; gx[i+1] += 3 gy[i]`` after cell ``i + shift`` was cleared in the same turn."""
    derivation, kernel = gradient(sc.operator("y[i] = x[i]*2 + x[i+1]*3"), "x")
    i, zero, one = Var("i"), Const(Fraction(0)), Const(Fraction(1))
    nothing = Const(Fraction(0), True)

    def given(factor: int) -> Binary:
        return Binary("*", Load("gy", (i,)), Const(Fraction(factor), True))

    after = Binary("+", i, one)
    turn = (
        Store("gx", (after if shift else i,), nothing),
        Accumulate("gx", (i,), "+", given(2)),
        Accumulate("gx", (after,), "+", given(3)),
    )
    edge = Store("gx", (zero if shift else Var("OL"),), nothing)
    loop = For("i", zero, Var("OL"), turn)
    nests = (Nest("z_", one, (edge,), parallel=False), Nest("z_", one, (loop,), parallel=False))
    found = validate(derivation, replace(kernel, nests=nests))
    assert found.holds is right
    assert right or "a cell of gx is stored after it was added to" in found.fault
    shapes = {"x": (5,)}
    same = run(replace(kernel, nests=nests), derivation.stated, shapes) == run(kernel, derivation.stated, shapes)
    assert same is right


def _says(derivation: Derivation, kernel: Kernel, *nests: Nest) -> str:
    found = validate(derivation, replace(kernel, nests=nests))
    assert found.holds is False
    assert str(found).startswith("gx: wrong\n")
    return found.fault


def test_a_race_is_found() -> None:
    # A diagonal is no line of memory: no lanes.
    op = sc.operator("y[n,i,j] = x[n,i+j]*w[i,i]*v[j]", extents={"i": 4})
    derivation, kernel = gradient(op, "x")
    assert validate(derivation, kernel).holds
    serial = next(
        k for k, nest in enumerate(kernel.nests) if any(isinstance(s, Accumulate) for s in expressions(nest.body))
    )
    nest = kernel.nests[serial]
    inner = next(node for node in expressions(nest.body) if isinstance(node, For))
    assert inner.lower == Const(0)
    # The inner loop becomes the parallel one, the parallel one serial.
    outer = For(nest.var, Const(0), nest.extent, inner.body)
    swapped = Nest(inner.var, inner.upper, (outer,), nest.comment)
    found = validate(derivation, replace(kernel, nests=(*kernel.nests[:serial], swapped, *kernel.nests[serial + 1 :])))
    assert found.holds is False
    assert "two threads write one cell" in found.fault


def test_what_is_too_involved_is_undecided() -> None:
    op = sc.conv1d()
    derivation, kernel = gradient(op, "w")
    square = Binary("*", Var("f"), Var("f"))

    def named_c(value: Any) -> Any:
        return lambda n: replace(n, value=value(n)) if isinstance(n, Let) and n.name == "c" else n

    same = says(op, "w", named_c(lambda n: Binary("-", Binary("+", n.value, square), square)))
    assert same.holds is None
    assert "not affine" in same.reason
    assert not same
    assert says(op, "w", named_c(lambda _: square)).holds is False, "a run shows it"
    assert validate(derivation, kernel).holds


def test_the_public_function() -> None:
    found = sc.validate(sc.conv1d(stride=2), dtype="float64")
    assert found.holds
    assert found
    assert found.line == "y, gx, gw proved for all sizes"
    assert "no two threads write one cell" in str(found)
    fixed = sc.validate(sc.conv1d(stride=2), sizes={"x": (2, 3, 9), "w": (4, 3, 3)})
    assert fixed.holds
