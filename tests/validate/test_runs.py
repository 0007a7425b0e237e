"""What is not proved is run: exactly, at drawn sizes and numbers of a plan; wrong kernels are found by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

import symconv as sc
from symconv import pipeline
from symconv.isa import Isa, isa
from symconv.loops.arith import add, const
from symconv.loops.candidate import Candidate
from symconv.loops.ir import (
    Address,
    Const,
    Declare,
    For,
    Kernel,
    Lanes,
    Let,
    LoadLanes,
    Nest,
    StoreReduced,
    Update,
    Var,
)
from symconv.loops.traverse import rewrite, walk
from symconv.packed import candidates, packed_candidates
from symconv.packed.dot import DotTile
from symconv.packed.outer import Tile
from symconv.validate.validation import validate
from symconv.validate.witness import witness

SMALL = Isa("small", 16, 4)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Isa:
    """Tiles so small that little tensors have several, and tails."""
    monkeypatch.setitem(candidates._OUTER, SMALL.registers, (Tile(2, 2),))
    monkeypatch.setitem(candidates._DOT, SMALL.registers, (DotTile(2, 2),))
    return SMALL


def _candidate(op: Any, wrt: str, isa: Isa, label: str) -> Candidate:
    derivation = pipeline.derive(op, wrt) if wrt else pipeline.forward(op)
    made = packed_candidates(derivation.gather, f"g{wrt}" if wrt else "y", isa)
    return next(one for one in made if label in one.schedule.name)


def _seen(candidate: Candidate, kernel: Kernel | None = None) -> Any:
    requires = getattr(candidate.facts, "requires", ())
    return witness(candidate.gather.operator, kernel or candidate.kernel, requires)


CASES = {
    "gradient of a kernel": (sc.conv1d(padding=1), "w", "dot"),
    "Winograd": (sc.conv1d(padding=1), "x", "F(4,3)"),
    "Winograd for a kernel": (sc.conv1d(padding=1), "w", "F(4,3)"),
    "strided": (sc.conv1d(stride=2, padding=1), "x", "packed"),
}
IN_CLASSES = {
    "Winograd of classes": (sc.conv1d(stride=2, padding=1), "", "F(4,2)"),
    "Winograd of classes for a kernel": (sc.conv1d(stride=3, padding=1), "w", "F(4,2)"),
}
EVERY = CASES | IN_CLASSES


@pytest.mark.parametrize("case", CASES)
def test_runs_are_counted(small: Isa, case: str) -> None:
    seen = _seen(_candidate(*CASES[case][:2], small, CASES[case][2]))
    assert not seen.fault
    assert seen.runs >= 5


@pytest.mark.parametrize("case", IN_CLASSES)
def test_runs_have_the_sizes_that_a_kernel_requires(small: Isa, case: str) -> None:
    """Of the sizes that are drawn, those whose taps fill all classes."""
    seen = _seen(_candidate(*EVERY[case][:2], small, EVERY[case][2]))
    assert not seen.fault
    assert seen.runs >= 3


def test_the_answer_says_how_many_runs_there_were(small: Isa) -> None:
    winograd = _candidate(*CASES["Winograd"][:2], small, "F(4,3)")
    found = validate(winograd, winograd.kernel)
    if found.holds is None:
        assert found.runs >= 5
        assert f"no run showed a difference ({found.runs} exact ones" in found.reason


def _offset(node: Any) -> Any:
    return replace(node, index=(*node.index[:-1], add(node.index[-1], const(1)))) if isinstance(node, Address) else node


def _coefficient(node: Any) -> Any:
    scaled = isinstance(node, Const) and node.real and abs(node.value) not in (0, 1)
    return Const(node.value + Fraction(1, 7), True) if scaled else node


def _chunk(node: Any) -> Any:
    return replace(node, lower=add(node.lower, const(1))) if isinstance(node, For) and node.var == "box_" else node


def _first(node: Any) -> Any:
    return replace(node, op="=") if isinstance(node, StoreReduced) else node


def _tail(node: Any) -> Any:
    return replace(node, upper=Var("MT_")) if isinstance(node, For) and node.upper == Var("rowblocks_") else node


def _class(node: Any) -> Any:
    """Windows of one class for all of them."""
    return replace(node, value=const(0)) if isinstance(node, Let) and node.name == "p_residue_" else node


def _far(node: Any) -> Any:
    return replace(node, stride=node.stride + 1) if isinstance(node, LoadLanes) and node.stride > 1 else node


def _end(node: Any) -> Any:
    """One lane more than lies in the operand."""
    wide = isinstance(node, Declare) and isinstance(node.value, Lanes) and node.name.startswith("in")
    return replace(node, value=replace(node.value, upper=add(node.value.upper, const(1)))) if wide else node


WRONG: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "an offset of the table": ("gradient of a kernel", _offset),
    "a chunk without its first box": ("gradient of a kernel", _chunk),
    "later boxes over the first": ("gradient of a kernel", _first),
    "rows behind the last": ("gradient of a kernel", _tail),
    "an offset among residue classes": ("strided", _offset),
    "a coefficient of a transform": ("Winograd", _coefficient),
    "one class for all": ("Winograd of classes", _class),
    "elements of other classes": ("Winograd of classes", _far),
    "elements of other windows": ("Winograd of classes for a kernel", _far),
    "a lane behind the end": ("Winograd of classes for a kernel", _end),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_seen(small: Isa, name: str) -> None:
    case, rule = WRONG[name]
    candidate = _candidate(*EVERY[case][:2], small, EVERY[case][2])
    nests: tuple[Nest, ...] = tuple(rewrite(nest, rule) for nest in candidate.kernel.nests)
    wrong = replace(candidate.kernel, nests=nests)
    assert wrong != candidate.kernel
    found = validate(candidate, wrong)
    assert found.holds is False, str(found)


def _added(kernel: Kernel) -> list[tuple[int, For]]:
    """The loops that add to sums, each with the number of its nest."""
    found = [(k, node) for k, nest in enumerate(kernel.nests) for node in walk(nest) if isinstance(node, For)]
    return [(k, loop) for k, loop in found if any(isinstance(one, Update) for one in loop.body)]


def _subtracting(kernel: Kernel, place: int, loop: For) -> Kernel:
    """With the first update of a loop subtracting what it should add."""
    at = next(k for k, one in enumerate(loop.body) if isinstance(one, Update))
    body = tuple(
        replace(one, op="-") if isinstance(one, Update) and k == at else one for k, one in enumerate(loop.body)
    )
    nests = list(kernel.nests)
    nests[place] = rewrite(nests[place], lambda node: replace(loop, body=body) if node == loop else node)
    return replace(kernel, nests=tuple(nests))


@pytest.mark.parametrize("wrt", ["", "x", "w"])
@pytest.mark.parametrize("columns", ["7x3", "7x3 of whole rows"])
def test_images_have_rows_for_kernels_that_sum_seven_at_once(wrt: str, columns: str) -> None:
    """A sign in the loop over seven rows, or in that over those left over, is seen to be wrong."""
    op = sc.operator("y[n,c,i,j] = sum[p,q](x[n,c,i+p-1,j+q-1]*w[c,p,q])")
    candidate = _candidate(op, wrt, isa("x86-64-v4"), f"stencil {columns}")
    assert candidate.schedule.name == f"stencil {columns}"
    loops = _added(candidate.kernel)
    assert len(loops) == (1 if wrt == "w" else 2)
    assert not _seen(candidate).fault
    for place, loop in loops:
        wrong = _subtracting(candidate.kernel, place, loop)
        assert wrong != candidate.kernel
        assert _seen(candidate, wrong).fault
