"""Layers over batches of sequences: the axes in front of the features are rows of one product of matrices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.build.cpu import cpu_flags
from symconv.errors import InternalError
from symconv.isa import Isa, isa
from symconv.loops.arith import add, const, sub
from symconv.loops.interpret import interpret
from symconv.loops.ir import Address, Compare, Expr, For, Kernel, Store
from symconv.loops.traverse import rewrite, walk
from symconv.packed import candidates
from symconv.packed.candidates import packed_candidates, packed_masked
from symconv.packed.dot import DotTile
from symconv.packed.outer import Tile
from symconv.packed.stacks import unstacked
from symconv.validate.validation import validate

Array = np.ndarray
LINEAR = "y[b,n,f] = sum[c](x[b,n,c]*w[f,c])"
TURNED = "y[b,n,f] = sum[c](x[b,n,c]*w[c,f]) + v[f]"
HEADS = "y[b,h,n,f] = sum[c](x[b,h,n,c]*w[f,c])"
ROWS = {LINEAR: (), TURNED: (), HEADS: (3,)}


@pytest.fixture(scope="module", params=["native", "x86-64-v3"])
def packed(request: pytest.FixtureRequest) -> Callable[[str], sc.Kernel]:
    """Kernels with every candidate, whatever work a call has."""
    made: dict[str, sc.Kernel] = {}

    def build(formula: str) -> sc.Kernel:
        if formula not in made:
            with pytest.MonkeyPatch.context() as changed:
                changed.setattr("symconv.emit.units.ENOUGH", 0)
                made[formula] = sc.build(sc.operator(formula), target=request.param)
        return made[formula]

    return build


def _integers(*shape: int, seed: int) -> Array:
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(np.float32)


@pytest.mark.parametrize("formula", ROWS)
@pytest.mark.parametrize(
    "sizes", [(1, 1, 1, 1), (3, 5, 7, 9), (0, 4, 3, 2), (2, 33, 65, 17), (8, 1, 40, 50), (4, 60, 70, 130)]
)
def test_they_are_products_of_matrices(
    packed: Callable[[str], sc.Kernel], formula: str, sizes: tuple[int, ...]
) -> None:
    b, n, c, f = sizes
    kernel = packed(formula)
    x, w = _integers(b, *ROWS[formula], n, c, seed=1), _integers(f, c, seed=2)
    bias = formula == TURNED
    v = _integers(f, seed=3) if bias else np.zeros(f, np.float32)
    given = (x, w.T.copy(), v) if bias else (x, w)
    y = kernel.forward(*given)
    assert (y == x @ w.T + v).all()
    gy = _integers(*y.shape, seed=4)
    rows, cotangents = x.reshape(-1, c), gy.reshape(-1, f)
    got = kernel.backward(gy, *given)
    assert (got[0] == gy @ w).all()
    assert (got[1] == (rows.T @ cotangents if bias else cotangents.T @ rows)).all()
    assert not bias or (got[2] == cotangents.sum(0)).all()


def test_all_rows_are_one_axis_of_the_plan() -> None:
    kernel = sc.build(sc.operator(HEADS))
    x, w = _integers(2, 3, 35, 80, seed=1), _integers(130, 80, seed=2)
    kernel.backward(kernel.forward(x, w), x, w)
    plans = [line.strip() for line in str(kernel.schedule).splitlines() if " at B=210 " in line]
    assert len(plans) == 3 and all(" N=1 " in plan and " H=1 " in plan for plan in plans)


@pytest.mark.parametrize(
    ("formula", "flags"),
    [
        (LINEAR, "x86-64-v3"),
        *(
            pytest.param(formula, flags, marks=pytest.mark.full)
            for formula in (
                LINEAR,
                HEADS,
                "y[n,f] = sum[c](x[n,c]*w[f,c])",
                "y[b,h,i,j] = sum[k](q[b,h,i,k]*r[b,h,j,k])",
            )
            for flags in ("x86-64-v3", "x86-64-v4")
        ),
    ],
)
def test_every_candidate_is_proved(formula: str, flags: str) -> None:
    op = sc.operator(formula)
    for name in ("", *op.tensors):
        derivation = pipeline.derive(op, name) if name else pipeline.forward(op)
        ways = packed_candidates(derivation.gather, "k", isa(flags, cpu_flags()))
        assert ways and packed_masked(derivation.gather) is not None
        for candidate in ways:
            found = validate(candidate, candidate.kernel)
            assert found.holds, f"{name} {candidate.schedule.name}: {found}"


def test_the_gradient_of_weights_is_for_rows_that_are_stacked() -> None:
    op = sc.operator(HEADS)
    found = unstacked(pipeline.derive(op, "w").gather)
    assert found is not None
    form, requires = found
    assert {one.left.name for one in requires} == {"H", "N"}
    assert form.statements[0].reductions[0][1][0].steps == ("b",)
    assert unstacked(pipeline.derive(op, "x").gather) is None
    # A kernel for stacked rows is wrong for others, and whoever leaves out what it requires is told.
    candidate = packed_candidates(pipeline.derive(op, "w").gather, "k", isa("x86-64-v3", cpu_flags()))[0]
    assert not validate(pipeline.derive(op, "w"), candidate.kernel).holds


def _mutants(kernel: Kernel) -> Iterator[Kernel]:
    """The kernel with one number changed: a loop one turn shorter, a store one place further, a table's entry moved."""

    def later(index: tuple[Expr, ...]) -> tuple[Expr, ...]:
        return (*index[:-1], add(index[-1], const(1)))

    changes: tuple[tuple[type, Callable[[Any], Any]], ...] = (
        (For, lambda node: replace(node, upper=sub(node.upper, const(1)))),
        (Store, lambda node: replace(node, index=later(node.index))),
        (Address, lambda node: replace(node, index=later(node.index))),
        (Compare, lambda node: replace(node, right=add(node.right, const(1)))),
    )
    for kind, change in changes:
        count = sum(isinstance(node, kind) for nest in kernel.nests for node in walk(nest))
        for target in range(count):
            place = iter(range(count))

            rule = partial(_changed, kind, change, target, place)
            yield replace(kernel, nests=tuple(rewrite(nest, rule) for nest in kernel.nests))


def _changed(kind: type, change: Callable[[Any], Any], target: int, place: Iterator[int], node: Any) -> Any:
    return change(node) if isinstance(node, kind) and next(place) == target else node


def _differs(op: sc.Operator, name: str, kernel: Kernel) -> bool:
    """Whether some sizes and plan show another result than the definition."""
    for n, c, f in ((1, 1, 1), (3, 7, 2), (2, 4, 5), (5, 3, 3)):
        x, w = _integers(n, c, seed=1), _integers(f, c, seed=2)
        gy = _integers(n, f, seed=3)
        want = {"": x @ w.T, "x": gy @ w, "w": gy.T @ x}[name]
        arrays = {"x": x, "w": w, "gy": gy}
        given = {
            b.name: (arrays[b.name].shape, [Fraction(int(v)) for v in arrays[b.name].ravel()])
            for b in kernel.buffers
            if b.role == "in"
        }
        for number in (1, 2, 100):
            try:
                got = interpret(kernel, given, parameters=dict.fromkeys(kernel.parameters, number))
            except InternalError:
                return True
            if got != [int(v) for v in want.ravel()]:
                return True
    return False


@pytest.mark.parametrize("every", [23, pytest.param(1, marks=pytest.mark.full)])
@pytest.mark.parametrize("name", ["", "x", "w"])
def test_mutants_are_proved_only_where_they_are_equal(name: str, every: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(candidates._OUTER, 4, (Tile(2, 2, True), Tile(2, 2, stores=True)))
    monkeypatch.setitem(candidates._DOT, 4, (DotTile(2, 2, True),))
    op = sc.operator("y[n,f] = sum[c](x[n,c]*w[f,c])")
    derivation = pipeline.derive(op, name) if name else pipeline.forward(op)
    ways = packed_candidates(derivation.gather, "k", Isa("small", 16, 4))
    assert {way.schedule.name.split()[0] for way in ways} == ({"packed"} if name else {"dot"})
    refused = 0
    for way in ways:
        assert validate(way, way.kernel).holds
        assert not _differs(op, name, way.kernel)
        for mutant in [*_mutants(way.kernel)][::every]:
            if validate(way, mutant).holds:
                assert not _differs(op, name, mutant), "a wrong kernel was called right"
            else:
                refused += 1
    assert refused >= (3 if every > 1 else 30)
