"""The nodes of packed kernels, printed, compiled and run: kernels written out by hand against loops over lists."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.build.cpu import cpu_flags
from symconv.build.module import load
from symconv.emit.cython import Entry, Unit, emit
from symconv.emit.outlining import prepared
from symconv.emit.places import monomials
from symconv.emit.shuffles import SHUFFLES, shuffles
from symconv.isa import isa
from symconv.loops.arith import add, const, mul
from symconv.loops.candidate import Candidate
from symconv.loops.interpret import WIDTH, interpret
from symconv.loops.ir import (
    LANES,
    VECTOR,
    Accumulate,
    Address,
    Binary,
    Buffer,
    Call,
    Const,
    Declare,
    Expr,
    For,
    If,
    Kernel,
    Let,
    Load,
    LoadLanes,
    Nest,
    Outlined,
    Prefetch,
    ReduceLanes,
    Scalar,
    Size,
    Splat,
    Stmt,
    Store,
    StoreLanes,
    StoreReduced,
    StoreZip,
    Update,
    Var,
)
from symconv.loops.schedule import Schedule
from symconv.loops.traverse import expressions
from symconv.options import Options

ZERO = Const(Fraction(0), real=True)
VEC = Scalar("real", VECTOR)
L = Var(LANES)


def _times(count: int, more: int = 0) -> Expr:
    """``count`` vectors of elements, and some."""
    return add(mul(L, const(count)) if count else const(0), const(more))


@dataclass(frozen=True)
class Case:
    """A kernel over x (``long(lanes)`` elements), whose y of ``out`` elements is ``want(x, lanes)``."""

    body: tuple[Stmt, ...]
    out: Expr
    long: Callable[[int], int]
    want: Callable[[list[int], int], list[int]]
    more: tuple[Buffer, ...] = ()


def _lanes_at(number: int, stride: int = 1) -> LoadLanes:
    return LoadLanes("x", (_times(number),), stride, "")


def _every(stride: int) -> Case:
    return Case(
        (StoreLanes("y", (const(0),), 1, "", "=", _lanes_at(0, stride)),),
        _times(1),
        lambda n: (n - 1) * stride + 1,
        lambda x, n: x[::stride],
    )


def _apart(stride: int) -> Case:
    clear = For("j", const(0), _times(stride), (Store("y", (Var("j"),), Const(Fraction(7), real=True)),))
    place = (const(stride - 1),)
    twice = tuple(StoreLanes("y", place, stride, "", op, _lanes_at(0)) for op in "=+")

    def want(x: list[int], n: int) -> list[int]:
        return [2 * x[k // stride] if k % stride == stride - 1 else 7 for k in range(n * stride)]

    return Case((clear, *twice), _times(stride), lambda n: n, want)


def _zipped(ways: int) -> Case:
    body = StoreZip("y", (const(1),), tuple(_lanes_at(k) for k in range(ways)))
    first = Store("y", (const(0),), ZERO)
    return Case(
        (first, body),
        _times(ways, 1),
        lambda n: n * ways,
        lambda x, n: [0, *(x[k * n + lane] for lane in range(n) for k in range(ways))],
    )


def _sums(count: int) -> Case:
    values = tuple(_lanes_at(k) for k in range(count))
    body = tuple(StoreReduced("y", (const(0),), op, values) for op in "=+")
    return Case(
        body,
        const(count),
        lambda n: n * count,
        lambda x, n: [2 * sum(x[k * n : (k + 1) * n]) for k in range(count)],
    )


def _tile(rows: int, blocks: int, scalar: bool, value: Callable[[Expr, Expr], Expr]) -> Case:
    """y[m][j] = sum over k of value(a[k][m], x[off[k] + j]), where a are the first elements of x and off[k] = 3k."""
    taps = 5
    acc = [Declare(f"c{m}_{b}", Splat(ZERO), VEC) for m in range(rows) for b in range(blocks)]
    inner: list[Stmt] = [
        Declare(f"b{b}", LoadLanes("x", (_times(b),), 1, "", Load("off", (Var("k"),))), VEC) for b in range(blocks)
    ]
    for m in range(rows):
        element = Load("x", (add(mul(Var("k"), const(rows)), const(m)),))
        inner.append(Declare(f"a{m}", element) if scalar else Declare(f"a{m}", Splat(element), VEC))
    for m in range(rows):
        a = Splat(Var(f"a{m}")) if scalar else Var(f"a{m}")
        inner += [Update(f"c{m}_{b}", "+", value(a, Var(f"b{b}"))) for b in range(blocks)]
    store = [
        StoreLanes("y", (add(_times(m * blocks), _times(b)),), 1, "", "=", Var(f"c{m}_{b}"))
        for m in range(rows)
        for b in range(blocks)
    ]
    loop = For("k", const(0), const(taps), (Prefetch("x", (Var("k"),), const(10**6)), *inner))
    fill = For("k", const(0), const(taps), (Store("off", (Var("k"),), Address("x", (mul(Var("k"), const(3)),))),))
    tile = Outlined(f"tile{rows}x{blocks}", (*acc, loop, *store))

    def want(x: list[int], n: int) -> list[int]:
        def one(a: int, b: int) -> int:
            return int(interpret_one(value, a, b))

        return [
            sum(one(x[k * rows + m], x[3 * k + j]) for k in range(taps)) for m in range(rows) for j in range(blocks * n)
        ]

    table = Buffer("off", ((const(taps),),), "workspace", Scalar("offset"))
    return Case((fill, tile), _times(rows * blocks), lambda n: 3 * taps + blocks * n + rows * taps, want, (table,))


def interpret_one(value: Callable[[Expr, Expr], Expr], a: int, b: int) -> int:
    """The scalar meaning of a body, spelled out."""
    if value is _product:
        return a * b
    return a * ((b > a) - (b < a))


def _product(a: Expr, b: Expr) -> Expr:
    return Binary("*", a, b)


def _signed(a: Expr, b: Expr) -> Expr:
    return Binary("*", a, Call("sign", (Binary("-", b, a),)))


CASES: dict[str, Case] = {
    **{f"every_{stride}": _every(stride) for stride in (1, 2, 3, 4, 5)},
    **{f"apart_{stride}": _apart(stride) for stride in (1, 2, 3)},
    **{f"zipped_{ways}": _zipped(ways) for ways in (1, 2, 3, 4, 5)},
    **{f"sums_{count}": _sums(count) for count in (1, 3, 4, 9)},
    "tile": _tile(4, 3, False, _product),
    "tile_scalars": _tile(3, 2, True, _product),
    "tile_signs": _tile(2, 2, True, _signed),
}


def _kernel(name: str) -> Kernel:
    case = CASES[name]
    buffers = (Buffer("x", ((Var("n"),),), "in"), *case.more, Buffer("y", ((Var("m"),),), "out"))
    sizes = (Size("n", Var("x_dim0")), Size("m", case.out))
    return Kernel(name, buffers, sizes, (), (Nest("i", const(1), case.body, parallel=False),))


@pytest.fixture(scope="module")
def unit() -> Unit:
    gather = pipeline.forward(sc.operator("y[i] = x[i]")).gather
    made = {name: Candidate(gather, Schedule("by hand", ()), _kernel(name)) for name in CASES}
    return Unit("u0", tuple(Entry(name, ((candidate,),)) for name, candidate in made.items()))


def _values(count: int) -> list[int]:
    return [(7 * k * k + 3 * k) % 19 - 9 for k in range(count)]


@pytest.mark.parametrize("name", CASES)
def test_interpreted(name: str) -> None:
    case = CASES[name]
    x = _values(case.long(WIDTH))
    assert interpret(_kernel(name), {"x": ((len(x),), x)}) == case.want(x, WIDTH)


TARGETS = [
    ("portable", "float32"),
    ("native", "float32"),
    ("x86-64-v3", "float64"),
    *(
        pytest.param(target, dtype, marks=pytest.mark.full)
        for target in ("x86-64-v2", "x86-64-v3", "x86-64-v4")
        for dtype in ("float32", "float64")
        if (target, dtype) != ("x86-64-v3", "float64")
    ),
]


@pytest.mark.parametrize(("target", "dtype"), TARGETS)
def test_compiled(unit: Unit, target: str, dtype: str) -> None:
    if target.startswith("x86") and (
        platform.machine() not in {"x86_64", "AMD64"} or isa(target).lacking(cpu_flags() or {"unknown"})
    ):
        pytest.skip(f"this CPU cannot run {target}")
    options = Options(dtype=dtype, target=target)
    module: ModuleType = load(pipeline.build_text(emit((unit,), options).text, options))
    for name, case in CASES.items():
        call: Callable[..., Any] = getattr(module, f"u0_{name}")
        (probe,) = call(1, (np.zeros(4096, dtype),), None, 1)
        (single,) = module.u0_every_1(1, (np.zeros(4096, dtype),), None, 1)
        lanes = len(single)
        x = _values(case.long(lanes))
        (got,) = call(1, (np.array(x, dtype),), None, 1)
        assert len(probe) == len(got)
        assert got.tolist() == case.want(x, lanes), (name, lanes)


@pytest.mark.parametrize("itemsize", [4, 8])
@pytest.mark.parametrize("stride", [2, 3, 4])
def test_strided_loads_touch_nothing_behind_their_last_lane(itemsize: int, stride: int) -> None:
    for size, _ in shuffles(itemsize)[0][1]:
        n = size // itemsize
        if stride == 4 and n == 2:
            continue  # one by one
        row = list(range((n - 1) * stride + 1))

        def loaded(at: int, row: list[int] = row, n: int = n) -> list[int]:
            # Lanes before the first are there; a lane behind the last would be an IndexError.
            return [row[k] if k >= 0 else -1 for k in range(at, at + n)]

        def picked(a: list[int], b: list[int], pattern: str, n: int = n) -> list[int]:
            return [(a + b)[SHUFFLES[pattern](lane, n, 16 // itemsize)] for lane in range(n)]

        if stride == 2:
            got = picked(loaded(0), loaded(n - 1), "SC_EVEN_TAIL")
        elif stride == 3:
            got = picked(picked(loaded(0), loaded(n), "SC_THIRD"), loaded(2 * n - 2), "SC_THIRD_TAIL")
        else:
            first = picked(loaded(0), loaded(n), "SC_EVEN")
            second = picked(loaded(2 * n), loaded(3 * n - 3), "SC_EVEN_LATE")
            got = picked(first, second, "SC_EVEN")
        assert got == row[::stride]


def test_functions_of_one_text_are_printed_once_whatever_their_names() -> None:
    body = CASES["tile"].body

    def renamed(old: str) -> str:
        return {"k": "tap", "c0_0": "total"}.get(old, old)

    def rename(node: Any) -> Any:
        from dataclasses import replace

        return replace(node, name=renamed(node.name)) if isinstance(node, Var | Declare | Update) else node

    from dataclasses import replace

    from symconv.loops.traverse import rewrite

    other = tuple(rewrite(s, rename) for s in body)
    other = tuple(
        rewrite(s, lambda node: replace(node, var=renamed(node.var)) if isinstance(node, For) else node) for s in other
    )
    one, gather = _kernel("tile"), pipeline.forward(sc.operator("y[i] = x[i]")).gather
    two = replace(one, name="other", nests=(replace(one.nests[0], body=other),))
    assert one.nests != two.nests
    entries = tuple(Entry(k.name, ((Candidate(gather, Schedule("by hand", ()), k),),)) for k in (one, two))
    text = emit((Unit("u0", entries),), Options()).text
    assert len(re.findall(r"^ +static sc_nest sc_tile4x3_\d+\(", text, re.MULTILINE)) == 1
    assert len(re.findall(r"^ +sc_tile4x3_0\(", text, re.MULTILINE)) == 2
    (changed,) = (rewrite(s, lambda n: replace(n, op="-") if isinstance(n, Update) else n) for s in body[1:])
    three = replace(one, name="other", nests=(replace(one.nests[0], body=(body[0], changed)),))
    entries = tuple(Entry(k.name, ((Candidate(gather, Schedule("by hand", ()), k),),)) for k in (one, three))
    text = emit((Unit("u0", entries),), Options()).text
    assert len(re.findall(r"^ +static sc_nest sc_tile4x3_\d+\(", text, re.MULTILINE)) == 2


def test_loads_stand_where_they_are_used_and_scalars_of_lanes_are_lanes() -> None:
    kernel = _kernel("tile_scalars")
    outlined = next(node for node in expressions(kernel.nests[0].body) if isinstance(node, Outlined))
    loop = next(s for s in prepared(kernel, outlined.body) if isinstance(s, For))
    names = [s.name for s in loop.body if isinstance(s, Declare | Update)]
    assert names == ["a0", "b0", "c0_0", "b1", "c0_1", "a1", "c1_0", "c1_1", "a2", "c2_0", "c2_1"]
    assert all(s.scalar == VEC for s in loop.body if isinstance(s, Declare))
    assert not any(isinstance(node, Splat) and isinstance(node.value, Var) for node in expressions(loop.body))


def test_a_load_moves_past_nothing_that_changes_it() -> None:
    kernel = _kernel("every_1")
    load_ = Declare("v", LoadLanes("x", (Var("a"),), 1, ""), VEC)
    use = StoreLanes("y", (const(0),), 1, "", "=", Var("v"))
    other = Declare("w", Splat(ZERO), VEC)
    assert prepared(kernel, (load_, other, use)) == (other, load_, use)
    for barrier in (Let("a", const(1)), use, If(Var("a"), (other,)), Declare("a", const(1), Scalar("int"))):
        assert prepared(kernel, (load_, barrier, other, Update("w", "+", Var("v"))))[0] == load_
    alone = (load_, other)
    assert prepared(kernel, alone) == alone


def test_sums_side_by_side_are_one_statement() -> None:
    kernel = _kernel("every_1")
    sums = [ReduceLanes("+", Var(f"v{k}")) for k in range(4)]

    def stores(places: tuple[int, ...]) -> tuple[Stmt, ...]:
        return tuple(Accumulate("y", (add(Var("a"), const(at)),), "+", s) for at, s in zip(places, sums, strict=True))

    (one,) = prepared(kernel, stores((2, 3, 4, 5)))
    assert one == StoreReduced("y", (add(Var("a"), const(2)),), "+", tuple(Var(f"v{k}") for k in range(4)))
    assert [len(s.values) for s in prepared(kernel, stores((0, 1, 3, 4))) if isinstance(s, StoreReduced)] == [2, 2]
    assert len(prepared(kernel, stores((3, 2, 1, 0)))) == 4
    plain = tuple(Store("y", (const(at),), s) for at, s in enumerate(sums))
    (stored,) = prepared(kernel, plain)
    assert isinstance(stored, StoreReduced)
    assert stored.op == "="
    least = tuple(Store("y", (const(at),), ReduceLanes("min", Var("v"))) for at in range(2))
    assert prepared(kernel, least) == least


def test_a_scalar_that_is_used_by_itself_stays_one() -> None:
    kernel = _kernel("every_1")
    scalar = Declare("a", Load("x", (const(0),)))
    vector = Declare("v", Splat(ZERO), VEC)
    update = Update("v", "+", Splat(Var("a")))
    changed = prepared(kernel, (vector, scalar, update))
    assert changed == (vector, Declare("a", Splat(Load("x", (const(0),))), VEC), Update("v", "+", Var("a")))
    for use in (Store("y", (const(0),), Var("a")), Update("a", "+", ZERO)):
        assert scalar in prepared(kernel, (vector, scalar, update, use))


def test_positions_are_polynomials() -> None:
    a, b = Var("a"), Var("b")
    square = mul(Binary("-", a, b), Binary("+", a, b))
    assert monomials(square, repr) == {(repr(a), repr(a)): 1, (repr(b), repr(b)): -1}
    opaque = Binary("min", a, b)
    assert monomials(Binary("-", mul(opaque, const(3)), opaque), repr) == {(repr(opaque),): 2}
