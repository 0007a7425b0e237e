"""Sums in the dot form: chunks of boxes, tiles of rows and columns, lanes that are added up over flat rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.errors import InternalError
from symconv.loops.arith import add, const, mul, sub
from symconv.loops.candidate import Candidate
from symconv.loops.interpret import interpret
from symconv.loops.ir import (
    Address,
    Binary,
    Compare,
    Const,
    Expr,
    For,
    Kernel,
    Lanes,
    Let,
    Load,
    LoadLanes,
    Splat,
    Store,
    StoreLanes,
    StoreReduced,
    Update,
    Var,
)
from symconv.loops.traverse import rewrite, walk
from symconv.options import options
from symconv.relation.points import UnclearError
from symconv.tune.facts import Facts
from symconv.validate.ordering import FaultError
from symconv.validate.plain import plain
from symconv.validate.proof import prove
from symconv.validate.settled import least_of
from symconv.validate.validation import validate

PADDED = sc.conv2d(padding=1)
TURNED = sc.operator("y[n,f,i,j] = sum[c,p,q](x[n,c,i+p-1,j+q-1]*w[c,f,p,q])")
"""The columns of its kernels are no axes of w that follow each other."""


@cache
def dots(op: sc.Operator, target: str = "x86-64-v3") -> dict[str, Candidate]:
    """The dot forms of the gradient of w, by the names of their schedules."""
    every = pipeline.candidates(pipeline.derive(op, "w"), "gw", options(target=target, dtype="float32"))
    return {one.schedule.name: one for one in every if one.schedule.name.startswith("dot")}


def test_sums_over_flat_rows_are_proved() -> None:
    candidate = dots(PADDED)["dot 1x9"]
    assert validate(candidate, candidate.kernel).holds


@pytest.mark.full
@pytest.mark.parametrize("target", ["x86-64-v3", "x86-64-v4"])
@pytest.mark.parametrize("op", [PADDED, TURNED, sc.conv2d(padding=2, dilation=2), sc.conv2d(padding=1, groups=4)])
def test_all_dot_forms_are_proved(op: sc.Operator, target: str) -> None:
    for candidate in dots(op, target).values():
        assert validate(candidate, candidate.kernel).holds, candidate.schedule.name


def _var(node: Any, name: str) -> bool:
    return isinstance(node, For) and node.var == name


def _first(node: Any) -> bool:
    """A load of the first column of a tile."""
    return (
        isinstance(node, LoadLanes)
        and isinstance(node.offset, Load)
        and node.offset.index == (mul(Var("column_"), const(3)),)
    )


def _row(node: Any, number: int) -> bool:
    """A load of a row of a tile."""
    return (
        isinstance(node, LoadLanes)
        and node.buffer == "rows_"
        and const(number) in walk(node.index[0])
        and Var("rowblock_") in walk(node)
    )


def _let(name: str, value: Callable[[Any], Expr]) -> Callable[[Any], Any]:
    return lambda n: Let(name, value(n.value)) if isinstance(n, Let) and n.name == name else n


def _loop(name: str, upper: Callable[[Expr], Expr]) -> Callable[[Any], Any]:
    return lambda n: replace(n, upper=upper(n.upper)) if _var(n, name) else n


def _less(expr: Expr) -> Expr:
    return sub(expr, const(1))


def _more(expr: Expr) -> Expr:
    return add(expr, const(1))


def _without(node: Any, unwanted: Callable[[Any], bool]) -> Any:
    body = getattr(node, "body", None)
    if not isinstance(body, tuple) or not any(map(unwanted, body)):
        return node
    return replace(node, body=tuple(one for one in body if not unwanted(one)))


def _behind(name: str) -> Callable[[Any], bool]:
    """The loop that stores zeros to the last rows of a buffer."""
    return lambda n: _var(n, "gap_") and any(getattr(m, "buffer", "") == name for m in walk(n))


def _entry(node: Any, spare: bool) -> bool:
    return isinstance(node, Store) and node.buffer == "offsets_" and (node.index == (Var("at_"),)) == spare


def _zero(node: Any, buffer: str) -> bool:
    return isinstance(node, StoreLanes) and node.buffer == buffer and isinstance(node.value, Splat)


def _sum(node: Any, number: str) -> bool:
    return isinstance(node, Update) and node.name == number


_ONE = Splat(Const(const(1).value, True))

WRONG: dict[str, Callable[[Any], Any]] = {
    "a chunk starts one box late": lambda n: replace(n, lower=_more(n.lower)) if _var(n, "box_") else n,
    "a chunk ends one box early": _loop("box_", _less),
    "every chunk has all boxes": lambda n: replace(n, lower=const(0), upper=Var("BX_")) if _var(n, "box_") else n,
    "chunks start at the box of the next": _let("box0_", lambda v: Binary("//", add(v.left, Var("BX_")), v.right)),
    "the last chunk is not added": lambda n: replace(n, upper=_less(n.upper)) if isinstance(n, For) and n.upper == Var("SC_") else n,
    "sums of the first chunk only": lambda n: replace(n, index=(n.index[0], const(0), *n.index[2:])) if isinstance(n, LoadLanes) and n.buffer == "sums_" else n,
    "chunks stored over each other": lambda n: replace(n, index=(n.index[0], const(0), *n.index[2:])) if isinstance(n, StoreReduced) else n,
    "later boxes store over earlier ones": lambda n: replace(n, op="=") if isinstance(n, StoreReduced) else n,
    "the second box stores": lambda n: Compare("==", Var("box_"), _more(n.right)) if n == Compare("==", Var("box_"), Var("box0_")) else n,
    "sums stored row by row": lambda n: replace(n, values=tuple(n.values[4 * (k % 3) + k // 3] for k in range(12))) if isinstance(n, StoreReduced) else n,
    "sums of the next tile": lambda n: replace(n, index=(*n.index[:4], _more(n.index[4]), *n.index[5:])) if isinstance(n, StoreReduced) else n,
    "sums of the first tile of rows": lambda n: replace(n, index=(*n.index[:3], Var("rowblock0_"), *n.index[4:])) if isinstance(n, StoreReduced) else n,
    "a tile of columns is left out": _loop("tile_", _less),
    "a block of columns is left out": _loop("block_", _less),
    "blocks of columns overlap": _let("column_", lambda v: sub(v, Var("block_"))),
    "a tile of rows is left out": _loop("rowblock_", _less),
    "tiles of rows overlap": _let("rowblock0_", lambda v: Binary("max", const(0), _less(v))),
    "a row is not packed": lambda n: replace(n, upper=_less(n.upper)) if _var(n, "row_") and any(_behind("rows_")(s) for s in n.body) else n,
    "a block of lanes is left out": _let("blocks_", _less),
    "lanes overlap": _let("lane_", lambda v: Binary("max", const(0), sub(v, const(1)))),
    "lanes do not follow each other": _let("lane_", lambda v: mul(v, const(2))),
    "a column of another tile": lambda n: replace(n, offset=Load("offsets_", (_more(n.offset.index[0]),))) if _first(n) else n,
    "a column one element further": lambda n: replace(n, index=(*n.index[:-1], _more(n.index[-1]))) if _first(n) else n,
    "a row one element further": lambda n: replace(n, index=(*n.index[:-1], _more(n.index[-1]))) if _row(n, 2) else n,
    "a row twice": lambda n: replace(n, index=(_more(n.index[0]), n.index[1])) if _row(n, 2) else n,
    "a product twice": lambda n: replace(n, value=add(n.value, n.value)) if _sum(n, "acc1_1_") else n,
    "a product is subtracted": lambda n: replace(n, op="-") if _sum(n, "acc1_1_") else n,
    "a product of another row": lambda n: replace(n, value=mul(Var("row0_"), Var("column1_"))) if _sum(n, "acc1_1_") else n,
    "a product in another sum": lambda n: replace(n, name="acc1_0_") if _sum(n, "acc1_1_") else n,
    "a product is missing": lambda n: _without(n, lambda one: _sum(one, "acc1_1_")),
    "taps of x in another order": lambda n: replace(n, value=Address("columns_", (Var("c"), rewrite(n.value.index[1], lambda m: Var("q") if m == Var("p") else m), n.value.index[2]))) if _entry(n, False) else n,
    "taps one column further": lambda n: replace(n, value=Address("columns_", (*n.value.index[:2], _more(n.value.index[2])))) if _entry(n, False) else n,
    "columns numbered in another order": lambda n: replace(n, index=(sub(_less(Var("N_")), n.index[0]),)) if _entry(n, False) else n,
    "the last column is taken for spare": lambda n: replace(n, lower=_less(n.lower)) if _var(n, "at_") and any(_entry(s, True) for s in n.body) else n,
    "spare columns lie outside": lambda n: replace(n, value=const(1 << 20)) if _entry(n, True) else n,
    "spare columns are not filled": lambda n: replace(n, lower=n.upper) if _var(n, "at_") and any(_entry(s, True) for s in n.body) else n,
    "gaps of rows hold ones": lambda n: replace(n, value=_ONE) if _zero(n, "rows_") else n,
    "zeros are not stored behind rows": lambda n: _without(n, _behind("rows_")),
    "zeros behind rows start late": lambda n: replace(n, lower=_more(n.lower)) if _behind("rows_")(n) else n,
    "zeros behind rows end early": lambda n: replace(n, upper=sub(n.upper, const(2))) if _behind("rows_")(n) else n,
    "what lies behind columns is not packed": lambda n: _without(n, _behind("columns_")),
    "what lies behind columns ends early": lambda n: replace(n, upper=Var("R_")) if _behind("columns_")(n) else n,
    "gaps of columns are not packed": lambda n: replace(n, upper=Var("size_1_")) if _var(n, "at_1_") and n.upper == Var("E1_") and any(getattr(m, "buffer", "") == "columns_" for m in walk(n)) else n,
    "x one row further": lambda n: replace(n, index=(*n.index[:2], _more(n.index[2]), n.index[3])) if isinstance(n, LoadLanes) and n.buffer == "x" else n,
    "rows hold what no cell of the box is": lambda n: rewrite(n, lambda m: m.left if isinstance(m, Binary) and m.op == "min" and m.left == Var("OW") else m) if isinstance(n, Let) and n.name == "upper_" else n,
    "few lanes of rows are not masked": lambda n: Lanes(n.lower, _more(n.upper)) if isinstance(n, Lanes) else n,
    "few columns stored one too many": lambda n: Lanes(n.lower, _more(n.upper)) if isinstance(n, Lanes) and n.upper == Var("N_") else n,
    "a row of the target twice": _let("f", lambda v: Binary("max", const(0), _less(v))),
    "lanes of the target one further": lambda n: replace(n, index=(*n.index[:-1], _more(n.index[-1]))) if isinstance(n, StoreLanes) and n.buffer == "gw" else n,
    "sums of the next row": lambda n: replace(n, index=(*n.index[:-1], _more(n.index[-1]))) if isinstance(n, LoadLanes) and n.buffer == "sums_" else n,
    "two blocks of rows pack one": lambda n: Var("row_") if n == add(mul(Var("rowblock0_"), const(4)), Var("row_")) else n,
}  # fmt: skip


def right(kernel: Kernel, plan: tuple[int, ...], turned: bool = False, wide: int = 2) -> bool:
    """Whether a kernel of ``PADDED`` computes the gradient: five filters, two channels, 2 x ``wide`` taps, two images.

    ``turned``: one of ``TURNED``.
    """
    draw = np.random.default_rng(0)
    gy, x = draw.integers(-9, 10, (2, 5, 3, 7 - wide)), draw.integers(-9, 10, (2, 2, 2, 4))
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    found = np.zeros((5, 2, 2, wide), int)
    for f, c, p, q in np.ndindex(found.shape):
        found[f, c, p, q] = (gy[:, f] * padded[:, c, p : p + 3, q : q + 7 - wide]).sum()
    found = found.swapaxes(0, 1) if turned else found
    want = found.ravel().tolist()
    arrays = {"gy": gy, "x": x, "w": np.zeros(found.shape, int)}
    given = {name: (array.shape, array.ravel().tolist()) for name, array in arrays.items()}
    names = ("T_n_", "T_i_", "T_j_", "S_", "MB_", "NB_")
    *numbers, lanes = plan
    try:
        return interpret(kernel, given, parameters=dict(zip(names, numbers, strict=True)), width=lanes) == want
    except InternalError:
        return False


PLANS = ((1, 3, 5, 2, 4, 6, 4), (2, 2, 3, 1, 8, 3, 8), (1, 3, 1, 1, 4, 6, 8), (2, 3, 5, 2, 8, 9, 16))
"""Numbers of a plan, and how many lanes a vector has."""


def test_the_kernel_that_is_changed_is_right() -> None:
    kernel = dots(PADDED)["dot 4x3"].kernel
    assert all(right(kernel, plan, wide=wide) for plan in PLANS for wide in (2, 3))
    turned = dots(TURNED)["dot 4x3"].kernel
    assert all(right(turned, plan, turned=True) for plan in PLANS)


def changed(kernel: Kernel, rule: Callable[[Any], Any]) -> Kernel:
    return replace(kernel, nests=tuple(rewrite(nest, rule) for nest in kernel.nests))


SLOW = {
    "x one row further",
    "a tile of rows is left out",
    "two blocks of rows pack one",
    "gaps of columns are not packed",
}
"""Those that are followed to the end before they are refused."""


@pytest.mark.parametrize("name", [pytest.param(one, marks=[pytest.mark.full] * (one in SLOW)) for one in WRONG])
def test_wrong_sums_over_flat_rows_are_not_proved(name: str) -> None:
    candidate = dots(PADDED)["dot 4x3"]
    kernel, facts = changed(candidate.kernel, WRONG[name]), candidate.facts
    op = candidate.gather.operator
    assert kernel != candidate.kernel and isinstance(facts, Facts)
    with pytest.raises((FaultError, UnclearError)):
        prove(op, plain(kernel, least_of(op)), None, facts.requires)
    # A gap of one lies beside zeros of the border: kernels of three taps have wider ones.
    wide = 3 if name == "gaps of rows hold ones" else 2
    assert not all(right(kernel, plan, wide=wide) for plan in PLANS)


def _read(place: int, value: Callable[[Any], Expr]) -> Callable[[Any], Any]:
    def rule(node: Any) -> Any:
        if isinstance(node, Load) and node.buffer == "sums_":
            return replace(node, index=(*node.index[:place], value(node.index[place]), *node.index[place + 1 :]))
        return node

    return rule


MISREAD = {
    "the first chunk": _read(1, lambda _: const(0)),
    "another tile": _read(3, _more),
    "another column": _read(5, _more),
    "columns in another order": _read(5, lambda v: rewrite(v, lambda n: {"p": Var("q"), "q": Var("p")}.get(n.name, n) if isinstance(n, Var) else n)),
    "another row": _read(6, _more),
    "a chunk too few": lambda n: replace(n, upper=_less(n.upper)) if isinstance(n, For) and n.upper == Var("SC_") else n,
    "chunks subtracted": lambda n: replace(n, op="-") if isinstance(n, Update) and n.name == "sum_" else n,
    "a tap too few": lambda n: replace(n, upper=_less(n.upper)) if _var(n, "p") and any(getattr(m, "buffer", "") == "gw" for m in walk(n)) else n,
}  # fmt: skip


@pytest.mark.parametrize("name", MISREAD)
def test_wrong_sums_of_chunks_cell_by_cell_are_not_proved(name: str) -> None:
    candidate = dots(TURNED)["dot 4x3"]
    kernel, facts, op = changed(candidate.kernel, MISREAD[name]), candidate.facts, candidate.gather.operator
    assert kernel != candidate.kernel and isinstance(facts, Facts)
    with pytest.raises((FaultError, UnclearError)):
        prove(op, plain(kernel, least_of(op)), None, facts.requires)
    assert not all(right(kernel, plan, turned=True) for plan in PLANS)
