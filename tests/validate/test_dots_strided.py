"""The dot form where windows move by several elements: planes of an operand in residue classes of rows and columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from dotted import computes, dots, refused

import symconv as sc
from symconv.loops.arith import add, const, sub
from symconv.loops.ir import Address, Expr, FloorDiv, For, If, Kernel, LoadLanes, Mod, Store, StoreLanes, Var
from symconv.loops.traverse import rewrite, walk
from symconv.validate.validation import validate

STRIDED = sc.conv2d(stride=2)


@pytest.mark.full
@pytest.mark.parametrize("op", [STRIDED, sc.conv2d(stride=2, padding=1), sc.conv2d(stride=2, padding=3)])
def test_sums_over_classes_of_rows_and_columns_are_proved(op: sc.Operator) -> None:
    candidate = dots(op)["dot 1x9"]
    assert validate(candidate, candidate.kernel).holds


def _packs(node: Any, buffer: str) -> bool:
    return any(isinstance(one, Store | StoreLanes) and one.buffer == buffer for one in walk(node))


def _loop(name: str, buffer: str, **new: Expr) -> Callable[[Any], Any]:
    """With other bounds of a loop that packs a buffer."""
    return lambda n: replace(n, **new) if isinstance(n, For) and n.var == name and _packs(n, buffer) else n


def _tap(place: int, value: Callable[[Expr], Expr]) -> Callable[[Any], Any]:
    """With another place of a column's taps in the packed operand."""

    def rule(node: Any) -> Any:
        if isinstance(node, Store) and isinstance(node.value, Address):
            index = node.value.index
            index = (*index[:place], value(index[place]), *index[place + 1 :])
            return replace(node, value=replace(node.value, index=index))
        return node

    return rule


def _moved(buffer: str, place: int, value: Callable[[Expr], Expr], kind: type = LoadLanes) -> Callable[[Any], Any]:
    def rule(node: Any) -> Any:
        if isinstance(node, kind) and getattr(node, "buffer", "") == buffer:
            index = getattr(node, "index")  # noqa: B009
            return replace(node, index=(*index[:place], value(index[place]), *index[place + 1 :]))  # type: ignore[type-var]
        return node

    return rule


def _too_early(node: Any) -> Any:
    """Zeros behind rows are stored before the rows."""
    if isinstance(node, For) and node.var == "c" and _packs(node, "columns_"):
        return replace(node, body=node.body[::-1])
    return node


def _more(expr: Expr) -> Expr:
    return add(expr, const(1))


def _halves(expr: Expr) -> Expr:
    return rewrite(expr, lambda n: FloorDiv(_more(n.value), n.divisor) if isinstance(n, FloorDiv) else n)


def _vector(node: Any) -> bool:
    return isinstance(node, LoadLanes) and node.buffer == "x" and node.mask == "some_"


WRONG: dict[str, Callable[[Any], Any]] = {
    "classes of taps changed about": _tap(1, lambda v: rewrite(v, lambda n: Var("q") if n == Var("p") else n)),
    "every tap in the first class": _tap(2, lambda _: const(0)),
    "odd taps one row further": _tap(3, _halves),
    "odd taps one column further": _tap(4, _halves),
    "rows of the first class in both": _moved("x", 2, lambda v: rewrite(v, lambda n: const(0) if n == Var("class_1_") else n)),
    "columns of x one further": _moved("x", 3, _more),
    "the second class of rows is not packed": _loop("class_1_", "columns_", upper=const(1)),
    "nothing behind the second class": _loop("class_2_", "columns_", upper=const(1)),
    "what lies behind columns ends early": _loop("gap_", "columns_", upper=Var("size_1_")),
    "gaps between images are not packed": _loop("at_1_", "columns_", upper=Var("size_1_")),
    "gaps between images of gy are no zeros": _loop("at_1_", "rows_", upper=Var("size_1_")),
    "zeros behind gy start late": lambda n: replace(n, lower=_more(n.lower)) if isinstance(n, For) and n.var == "gap_" and _packs(n, "rows_") else n,
    "rows of an image one further": _moved("columns_", 3, lambda v: _more(v) if Var("at_1_") in walk(v) else v, StoreLanes),
    "a vector's columns are dealt from its second element": lambda n: replace(n, index=(*n.index[:-1], _more(n.index[-1]))) if _vector(n) else n,
    "a vector's columns are dealt in order": lambda n: replace(n, stride=1) if _vector(n) else n,
    "a vector's columns are dealt without a mask": lambda n: replace(n, mask="few_") if _vector(n) else n,
    "zeros behind rows are stored as far as the rows": lambda n: replace(n, lower=const(0)) if isinstance(n, For) and n.var == "gap_" and _packs(n, "columns_") else n,
    "a class without taps is asked for": lambda n: replace(n, condition=replace(n.condition, left=_more(n.condition.left))) if isinstance(n, If) and isinstance(getattr(n.condition, "left", None), Mod) else n,
}  # fmt: skip

PLANS = ((1, 2, 4, 2, 4, 6, 4), (2, 3, 4, 1, 8, 3, 8), (2, 2, 3, 2, 4, 9, 4), (2, 3, 5, 2, 8, 9, 16))
"""Numbers of a plan, and how many lanes a vector has: boxes wider than a vector, and narrower ones."""


def right(kernel: Kernel, plan: tuple[int, ...]) -> bool:
    """Whether a kernel of ``STRIDED`` computes the gradient: three filters, two channels, six taps, two images."""
    draw = np.random.default_rng(0)
    gy, x = draw.integers(-9, 10, (2, 3, 3, 4)), draw.integers(-9, 10, (2, 2, 7, 9))
    found = np.zeros((3, 2, 3, 2), int)
    for f, c, p, q in np.ndindex(found.shape):
        found[f, c, p, q] = (gy[:, f] * x[:, c, p : p + 5 : 2, q : q + 7 : 2]).sum()
    return computes(kernel, {"gy": gy, "x": x}, found, plan)


def test_the_kernel_that_is_changed_is_right() -> None:
    assert all(right(dots(STRIDED)["dot 1x9"].kernel, plan) for plan in PLANS)


SLOW = {
    "classes of taps changed about",
    "every tap in the first class",
    "odd taps one column further",
    "rows of the first class in both",
    "columns of x one further",
    "the second class of rows is not packed",
    "nothing behind the second class",
    "gaps between images of gy are no zeros",
    "a class without taps is asked for",
}
"""Those that are followed to the end, or nearly, before they are refused."""


@pytest.mark.parametrize("name", [pytest.param(one, marks=[pytest.mark.full] * (one in SLOW)) for one in WRONG])
def test_wrong_classes_are_not_proved(name: str) -> None:
    candidate = dots(STRIDED)["dot 1x9"]
    kernel = candidate.kernel
    kernel = replace(kernel, nests=tuple(rewrite(nest, WRONG[name]) for nest in kernel.nests))
    assert not all(right(kernel, plan) for plan in PLANS)
    refused(candidate, kernel)


def test_zeros_behind_rows_may_come_first() -> None:
    """No row runs over its end."""
    candidate = dots(STRIDED)["dot 1x9"]
    kernel = replace(candidate.kernel, nests=tuple(rewrite(nest, _too_early) for nest in candidate.kernel.nests))
    assert kernel != candidate.kernel
    assert all(right(kernel, plan) for plan in PLANS)
    assert validate(candidate, kernel).holds


def test_planes_without_room_for_lanes_are_not_proved() -> None:
    candidate = dots(STRIDED)["dot 1x9"]
    layout = tuple(replace(s, value=sub(s.value, const(1))) if s.name == "RG_" else s for s in candidate.kernel.layout)
    refused(candidate, replace(candidate.kernel, layout=layout))
