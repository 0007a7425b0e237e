"""Kernels that have something to choose: plans are made at the first call of a shape, bounded, measured, reported."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent / "emit"))

from strips import blocked

import symconv as sc
from symconv import pipeline, planning
from symconv.emit.units import Entry, Unit
from symconv.errors import InternalError, SpecError
from symconv.kernel import Kernel
from symconv.loops.arith import const, largest, sub
from symconv.loops.ir import For, Store
from symconv.loops.schedule import Schedule
from symconv.loops.traverse import rewrite
from symconv.manifest import described, outputs
from symconv.options import Options, options
from symconv.tune.facts import Facts
from symconv.tune.measure import Measured
from symconv.tune.plan import Choice
from symconv.verify.judge import judge
from symconv.workspace import Workspace

Array = np.ndarray[Any, Any]
OP = sc.operator("y[n,i] = sum[p](x[n,i+p]*w[p])")
CHOSEN = options(dtype="float64", target="portable", threads=2)


@pytest.fixture(scope="module")
def unit() -> Unit:
    plain = pipeline.unit(OP, CHOSEN)
    first = replace(plain.entries[0].outputs[0][0], facts=Facts("masked", "direct"))
    other = replace(blocked(first, "blocked"), facts=Facts("masked", "blocked"), bound=2e-7)
    return Unit(
        "u0", (Entry("forward", ((first, other),)), Entry("backward", tuple((o[0],) for o in plain.entries[1].outputs)))
    )


@pytest.fixture
def made(unit: Unit) -> Callable[..., Kernel]:
    """``made(strip)``: a kernel whose module differs for every strip, so that no test finds another's plans."""

    def make(strip: int, chosen: Options = CHOSEN, known: bool = True) -> Kernel:
        text = pipeline.generate((replace(unit, notes=(f"strip {strip}",)),), chosen).text
        artifact = pipeline.build_text(text, chosen)
        meta = {"entries": {entry.name: described(entry) for entry in unit.entries}, "workspace": None}
        return Kernel(OP, chosen, replace(artifact, meta=meta) if known else artifact, None)

    return make


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, int]]:
    """What the planner is asked; it always wants strips of 8 cells."""
    calls: list[dict[str, int]] = []

    def ranked(facts: Any, sizes: Any, *_: Any) -> tuple[Choice, ...]:
        calls.append(dict(sizes))
        return (Choice(1, (8,), 10.0), Choice(0, (), 20.0))

    monkeypatch.setattr(planning, "ranked", ranked)
    return calls


def arrays(length: int) -> tuple[Array, Array]:
    return np.arange(2.0 * length).reshape(2, length) % 7, np.array([1.0, -2, 3])


def wanted(x: Array, w: Array) -> Array:
    return np.stack([np.correlate(row, w, "valid") for row in x])


def test_a_shape_is_planned_once_and_the_report_says_how(made: Any, asked: Any) -> None:
    kernel = made(1)
    assert str(kernel.schedule).splitlines()[0] == "y: for the sizes of a call one of direct, blocked"
    assert kernel.algorithm == "chosen for the sizes of a call"
    for _ in range(3):
        for length in (20, 31):
            given = arrays(length)
            assert (kernel(*given) == wanted(*given)).all()
            assert (kernel.forward(*given, out=np.empty((2, length - 2))) == wanted(*given)).all()
    assert asked == [{"N": 2, "L": n, "K": 3, "OL": n - 2} for n in (20, 31)]
    assert kernel.algorithm.startswith("y: blocked, gx: direct")
    lines = str(kernel.schedule).splitlines()
    needed = kernel.workspace(x=(2, 31), w=(3,)).needed["forward"]
    assert lines[3] == f"  y at N=2 L=31 K=3 OL=29: blocked with T_i=8, workspace {needed} B, error at most 2.0e-07"
    assert len(lines) == 5
    assert [p.numbers for p in kernel.schedule.plans] == [(("T_i", 8),)] * 2


def test_another_handle_of_the_module_knows_its_plans(made: Any, asked: Any) -> None:
    first, second = made(2), made(2)
    first(*arrays(20))
    second(*arrays(20))
    assert len(asked) == 1
    assert str(first.schedule) == str(second.schedule)


def test_a_module_that_says_nothing_of_itself_takes_the_first_way(made: Any, asked: Any) -> None:
    kernel = made(3, known=False)
    assert (kernel(*arrays(20)) == wanted(*arrays(20))).all()
    assert not asked
    assert kernel.algorithm == "given"
    assert "given" in str(kernel.schedule)


def test_no_way_is_chosen_that_takes_more_memory_than_the_limit(
    made: Any, asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = made(4)
    needed = kernel.workspace(x=(2, 20), w=(3,)).needed["forward"]
    assert needed > 64
    assert kernel.algorithm.startswith("y: blocked")
    monkeypatch.setenv("SYMCONV_WORKSPACE_LIMIT", str(needed - 1))
    other = made(5)
    assert (other(*arrays(20)) == wanted(*arrays(20))).all()
    assert other.algorithm.startswith("y: direct")
    assert other.workspace(x=(2, 20), w=(3,)).needed["forward"] == 0
    monkeypatch.setenv("SYMCONV_WORKSPACE_LIMIT", "a lot")
    with pytest.raises(SpecError, match="SYMCONV_WORKSPACE_LIMIT is a size such as"):
        other(*arrays(21))


def test_workspaces_are_exact_reused_and_refused_where_they_do_not_do(made: Any, asked: Any) -> None:
    kernel = made(6)
    given, large = arrays(40), kernel.workspace(x=(2, 40), w=(3,))
    needed = large.needed["forward"]
    small = Workspace({"forward": needed - 1})
    assert large.nbytes == max(large.needed.values()) >= needed > 0
    large.array[:] = 255
    assert (kernel.forward(*given, workspace=large) == wanted(*given)).all()
    assert (large.array != 255).any()
    assert (kernel(*given, workspace=large, out=np.empty((2, 38))) == wanted(*given)).all()
    gradient = kernel.backward(np.ones((2, 38)), *given, workspace=large)
    assert (gradient.w == kernel.backward(np.ones((2, 38)), *given).w).all()
    with pytest.raises(SpecError, match=rf"has {needed - 1} bytes, and forward needs {needed} "):
        kernel.forward(*given, workspace=small)
    for wrong in (large.array, 7, "much"):
        with pytest.raises(SpecError, match="workspace is what"):
            kernel.forward(*given, workspace=wrong)
    with pytest.raises(SpecError, match=rf"need a workspace of {large.nbytes} bytes"):
        kernel.workspace(x=(2, 40), w=(3,), limit=large.nbytes - 1)
    assert kernel.workspace(x=(2, 40), w=(3,), limit=large.nbytes).nbytes == large.nbytes
    with pytest.raises(SpecError, match="limit is a number of bytes"):
        kernel.workspace(x=(2, 40), w=(3,), limit="1G")
    with pytest.raises(SpecError):
        kernel.workspace(x=(2, 2), w=(3,))
    assert str(large).startswith("workspace of 8.3 kB (forward 576 B")


def test_a_workspace_serves_one_call_at_a_time(made: Any, asked: Any) -> None:
    kernel = made(7)
    work = kernel.workspace(x=(2, 40), w=(3,))
    refused: list[BaseException] = []

    def other() -> None:
        try:
            kernel(*arrays(40), workspace=work)
        except SpecError as error:
            refused.append(error)

    with work.lent():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert "in use by another" in str(refused)
    assert (kernel(*arrays(40), workspace=work) == wanted(*arrays(40))).all()


def test_measured_plans_are_apart_from_the_model_s_and_remembered(
    made: Any, asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    races: list[int] = []

    def race(alternatives: Any, run: Any, **_: Any) -> Measured:
        races.append(len(alternatives))
        for choice in alternatives[0]:
            run((choice,))
        return Measured((alternatives[0][1],), ((2.0, 1.0),))

    monkeypatch.setattr(planning, "measure", race)
    modelled, tuned = made(8), made(8, replace(CHOSEN, tune=True))
    given = arrays(20)
    for kernel in (modelled, tuned, modelled, tuned):
        assert (kernel(*given) == wanted(*given)).all()
    assert races == [1]
    assert modelled.algorithm.startswith("y: blocked")
    assert tuned.algorithm.startswith("y: direct")
    again = made(8, replace(CHOSEN, tune=True))
    again._first._keep(again._first.sizes(((2, 20), (3,))), (Choice(1, (3,), 0.0),))
    again._first.plan(((2, 20), (3,)), given)
    assert again.algorithm.startswith("y: direct")
    assert races == [1], "what was measured once is read from disk"


@pytest.mark.parametrize(
    "meta", [{"entries": {"forward": {}}}, {"entries": {"forward": {"outputs": [{}], "sizes": []}}}]
)
def test_a_damaged_manifest_is_said(meta: dict[str, object]) -> None:
    with pytest.raises(sc.SymconvError, match="damaged"):
        outputs(meta, "forward")


def test_verify_judges_every_way_with_any_numbers(unit: Unit) -> None:
    right = replace(unit.entries[0].outputs[0][1], bound=None)
    short = tuple(
        replace(nest, body=rewritten(nest.body)) if nest.comment == "y: strips" else nest for nest in right.kernel.nests
    )
    wrong = replace(right, kernel=replace(right.kernel, nests=short), schedule=Schedule("wrong"))
    for other, holds in ((right, True), (wrong, False)):
        made = replace(unit, entries=(Entry("forward", ((unit.entries[0].outputs[0][0], other),)), unit.entries[1]))
        artifact = pipeline.build_text(pipeline.generate((made,), CHOSEN).text, CHOSEN)
        meta = {"entries": {entry.name: described(entry) for entry in made.entries}, "workspace": None}
        kernel = Kernel(OP, CHOSEN, replace(artifact, meta=meta), None)
        shuffled = kernel.shuffled()
        assert bool(sc.verify(OP, kernel)) is holds
        assert bool(judge(OP, shuffled, "float64")) is holds
        ran = {(plan.way, plan.numbers) for plan in shuffled.schedule.plans if plan.output == "y"}
        assert {way for way, _ in ran} == {"direct", other.schedule.name}
        assert len(ran) > 6
        assert kernel.schedule.plans == (), "what is drawn is no plan of the kernel"


def rewritten(body: Any) -> Any:
    """Strips whose last cell is left out: wrong for some numbers of a plan, right for strips of one cell never."""

    def rule(node: Any) -> Any:
        match node:
            case For("i", _, upper, (Store("y"), *_)):
                return replace(node, upper=largest([const(1), sub(upper, const(1))]))
        return node

    return tuple(rewrite(statement, rule) for statement in body)


def test_a_first_way_that_needs_numbers_is_no_way_back(unit: Unit) -> None:
    first, other = unit.entries[0].outputs[0]
    with pytest.raises(InternalError, match="takes no numbers"):
        pipeline.generate((Unit("u0", (Entry("forward", ((other, first),)),)),), CHOSEN)


def test_fixed_sizes_know_their_workspace() -> None:
    op = sc.conv2d(padding=1)
    shapes = {"x": (2, 3, 9, 8), "w": (4, 3, 3, 2)}
    kernel = sc.build(op, sizes=shapes)
    assert isinstance(kernel.workspace_bytes, int)
    assert kernel.workspace_bytes == kernel.workspace(**shapes).nbytes


def test_no_number_is_said_where_calls_with_much_work_take_more() -> None:
    kernel = sc.build(sc.conv2d(padding=1))
    assert kernel.workspace_bytes is None
    small = kernel.workspace(x=(2, 3, 9, 8), w=(4, 3, 3, 2)).nbytes
    assert kernel._artifact.meta["workspace"] == small, "the first kernels need as much whatever the sizes"


@pytest.fixture(scope="module")
def conv() -> Callable[[int], Kernel]:
    """Kernels of one module for so many threads."""
    return lambda threads: sc.build(sc.conv2d(padding=1), threads=threads)


def test_packed_results_are_bitwise_the_same_for_any_number_of_threads_and_with_a_workspace(conv: Any) -> None:
    rng = np.random.default_rng(1)
    x, w, gy = (rng.standard_normal(s).astype("f4") for s in ((2, 24, 41, 39), (20, 24, 3, 3), (2, 20, 41, 39)))
    found = []
    for threads in (1, 2, 3):
        kernel = conv(threads)
        work = kernel.workspace(x=x.shape, w=w.shape)
        for lent in (None, work):
            gradient = kernel.backward(gy, x, w, workspace=lent)
            found.append((kernel.forward(x, w, workspace=lent), gradient.x, gradient.w))
        assert any(plan.way != "direct" for plan in kernel.schedule.plans), str(kernel.schedule)
        assert all(plan.nbytes <= work.nbytes for plan in kernel.schedule.plans)
    assert all((a == b).all() for results in found[1:] for a, b in zip(found[0], results, strict=True))


def test_every_way_and_number_of_a_packed_kernel_is_exact(conv: Any) -> None:
    assert judge(sc.conv2d(padding=1), conv(2).shuffled(), "float32")


def test_what_large_calls_compiled_is_judged_too() -> None:
    kernel = sc.build(sc.conv1d(padding=1), dtype="float64", threads=1)
    assert [way.name for way in kernel.shuffled()._first.outputs[0].ways] == ["direct"]
    x, w = np.ones((2, 16, 600)), np.ones((24, 16, 3))
    kernel.forward(x, w)
    assert len(kernel.shuffled()._first.outputs[0].ways) > 2
    assert sc.verify(kernel.operator, kernel)
