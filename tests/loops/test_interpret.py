"""What the interpreter does at the nodes of packed kernels, on kernels written out by hand, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from symconv.errors import InternalError
from symconv.loops.arith import add, const, mul
from symconv.loops.interpret import WIDTH, OverrunError, interpret
from symconv.loops.ir import (
    LANES,
    VECTOR,
    Accumulate,
    Address,
    Binary,
    Buffer,
    Call,
    Compare,
    Const,
    Declare,
    Expr,
    For,
    If,
    Kernel,
    Lanes,
    Let,
    Load,
    LoadLanes,
    Nest,
    Outlined,
    Prefetch,
    ReduceLanes,
    Scalar,
    Select,
    Size,
    Stmt,
    Store,
    StoreLanes,
    StoreReduced,
    StoreTurned,
    StoreZip,
    Update,
    Var,
)
from symconv.loops.wellformed import wellformed

ONE = const(1)
ZERO = Const(Fraction(0), real=True)
VEC = Scalar("real", VECTOR)
MASK = Scalar("mask", VECTOR)
N = Var("n")


def nest(*body: Stmt, var: str = "i", extent: Expr = ONE, parallel: bool = False) -> Nest:
    return Nest(var, extent, body, parallel=parallel)


def kernel(*nests: Nest, more: tuple[Buffer, ...] = (), out: Expr = N, parameters: tuple[str, ...] = ()) -> Kernel:
    """``x`` of n elements in, ``y`` of ``out`` elements out."""
    buffers = (Buffer("x", ((N,),), "in"), Buffer("y", ((out,),), "out"), *more)
    return Kernel("k", buffers, (Size("n", Var("x_dim0")),), (), nests, parameters)


def run(made: Kernel, x: list[Any], **parameters: int) -> list[Any]:
    return interpret(made, {"x": ((len(x),), x)}, parameters=parameters)


def room(role: str, *axes: tuple[Expr, ...], flat: int = 0, slack: int = 0) -> Buffer:
    return Buffer("b", axes, role, flat=flat, slack=const(slack))


def fill(count: Expr = N, buffer: str = "b") -> For:
    return For("j", const(0), count, (Store(buffer, (Var("j"),), Load("x", (Var("j"),))),))


def test_offsets_are_added_to_addresses() -> None:
    # y[j] = b[table[j]] with table[j] = the address of (1, 2 - j) in a 2 x 3 array.
    table = Buffer("t", ((const(3),),), "workspace", Scalar("offset"))
    cell = Store("t", (Var("j"),), Address("b", (const(1), Binary("-", const(2), Var("j")))))
    packed = room("workspace", (const(2),), (const(3),))
    copy = For("j", const(0), const(6), (Store("b", (const(0), Var("j")), Load("x", (Var("j"),))),))
    read = Store("y", (Var("j"),), Load("b", (const(0), const(0)), Load("t", (Var("j"),))))
    flat = replace(packed, flat=2)
    made = kernel(
        nest(copy, For("j", const(0), const(3), (cell,)), For("j", const(0), const(3), (read,))),
        more=(flat, table),
        out=const(3),
    )
    assert run(made, [10, 11, 12, 13, 14, 15]) == [15, 14, 13]


def test_an_index_leaves_its_axis_only_where_axes_are_merged_or_flat() -> None:
    over = Store("y", (const(0),), Load("b", (const(0), const(4))))
    for axes, flat in ((((const(2), const(3)),), 0), (((const(2),), (const(3),)), 2)):
        made = kernel(nest(_two_rows(), over), more=(room("workspace", *axes, flat=flat),), out=const(1))
        assert run(made, list(range(6))) == [4]
        beyond = replace(over, value=Load("b", (const(1), const(3))))
        with pytest.raises(InternalError, match="indexed at 6 outside 0 <= index < 6"):
            run(kernel(nest(_two_rows(), beyond), more=made.buffers[2:], out=const(1)), list(range(6)))
    apart = room("workspace", (const(2),), (const(3),))
    with pytest.raises(InternalError, match="indexed at 4 outside 0 <= index < 3"):
        run(kernel(nest(_two_rows(), over), more=(apart,), out=const(1)), list(range(6)))


def _two_rows() -> For:
    inner = Store("b", (Var("r"), Var("c")), Load("x", (add(mul(Var("r"), const(3)), Var("c")),)))
    return For("r", const(0), const(2), (For("c", const(0), const(3), (inner,)),))


def test_an_offset_may_not_leave_the_buffer() -> None:
    for distance, words in ((-1, "indexed at -1"), (6, "indexed at 6")):
        read = Store("y", (const(0),), Load("b", (const(0),), const(distance)))
        with pytest.raises(InternalError, match=words):
            run(kernel(nest(fill(), read), more=(room("workspace", (N,)),), out=const(1)), list(range(6)))


def _lanes(slack: int, keep: int, role: str = "private") -> Kernel:
    """Lanes are loaded and stored unmasked in ``b`` behind its end; ``keep`` of them end in the result."""
    load = Declare("v", LoadLanes("b", (const(0),), 1, ""), VEC)
    twice = StoreLanes("b", (const(0),), 1, "", "=", Binary("*", Var("v"), Const(Fraction(2), real=True)))
    out = For("j", const(0), const(keep), (Store("y", (Var("j"),), Load("b", (Var("j"),))),))
    return kernel(nest(fill(), load, twice, out), more=(room(role, (N,), slack=slack),), out=const(keep))


@pytest.mark.parametrize("role", ["private", "workspace"])
def test_junk_lanes_are_computed_and_never_stored(role: str) -> None:
    assert run(_lanes(1, 3, role), [1, 2, 3]) == [2, 4, 6]
    with pytest.raises(InternalError, match="indexed at 3 outside"):
        run(_lanes(0, 3, role), [1, 2, 3])
    with pytest.raises(InternalError, match="indexed at 3 outside"):
        run(_lanes(1, 4, role), [1, 2])


def _uses(*body: Stmt) -> Kernel:
    """Only the first of two elements of ``b`` is stored before ``body``."""
    return kernel(nest(fill(const(1)), *body), more=(room("private", (const(2),), slack=2),), out=const(1))


def test_nothing_depends_on_junk() -> None:
    junk = Load("b", (const(1),))
    product = Binary("*", Call("relu", (junk,)), ZERO)
    chosen = Select(Compare("<", junk, ZERO), ZERO, ZERO)
    refused: dict[str, tuple[Stmt, ...]] = {
        "y depends on it": (Store("y", (const(0),), product),),
        "a branch depends on it": (If(Compare("<", junk, ZERO), (Store("y", (const(0),), ZERO),)),),
        "a choice depends on it": (Store("y", (const(0),), chosen),),
        "an index depends on it": (Store("y", (junk,), ZERO),),
        "a mask depends on it": (Declare("m", Lanes(const(0), junk), MASK),),
    }
    for words, body in refused.items():
        with pytest.raises(InternalError, match="b is read at 1 before anything is stored there, and .*" + words):
            run(_uses(*body), [5])
    # In lanes a choice by junk is junk, in its lane alone.
    load = Declare("v", LoadLanes("b", (const(0),), 1, ""), VEC)
    half = Declare("h", Select(Compare("<", Var("v"), ZERO), ZERO, Var("v")), VEC)
    back = StoreLanes("b", (const(0),), 1, "", "=", Var("h"))
    first, second = (Store("y", (const(0),), Load("b", (const(at),))) for at in (0, 1))
    assert run(_uses(load, half, back, first), [5]) == [5]
    with pytest.raises(InternalError, match="y depends on it at 0"):
        run(_uses(load, half, back, second), [5])
    # A sum over all lanes has the junk in it.
    with pytest.raises(InternalError, match="y depends on it at 0"):
        run(_uses(load, Store("y", (const(0),), ReduceLanes("+", Var("v")))), [5])
    with pytest.raises(InternalError, match="y depends on it at 0"):
        run(_uses(load, Store("y", (const(0),), ZERO), StoreReduced("y", (const(0),), "+", (Var("v"),))), [5])


def test_private_buffers_are_new_in_every_iteration_and_in_every_nest() -> None:
    def once(role: str) -> Kernel:
        first = If(Compare("==", Var("i"), const(0)), (fill(),))
        read = Store("y", (Var("i"),), Load("b", (Var("i"),)))
        return kernel(nest(first, read, extent=N), more=(room(role, (N,)),))

    assert run(once("workspace"), [3, 4]) == [3, 4]
    with pytest.raises(InternalError, match="b is read at 1 before anything is stored"):
        run(once("private"), [3, 4])
    later = kernel(nest(fill()), nest(Store("y", (const(0),), Load("b", (const(0),)))), more=(room("private", (N,)),))
    with pytest.raises(InternalError, match="b is read at 0 before anything is stored"):
        run(later, [3])


def test_threads_meet_in_workspaces_and_not_in_private_buffers() -> None:
    def each(role: str) -> Kernel:
        body = (Store("b", (const(0),), Load("x", (Var("i"),))), Store("y", (Var("i"),), Load("b", (const(0),))))
        return kernel(nest(*body, extent=N, parallel=True), more=(room(role, (const(1),)),))

    assert run(each("private"), [3, 4, 5]) == [3, 4, 5]
    with pytest.raises(InternalError, match="touched at 0 by two iterations"):
        run(each("workspace"), [3, 4, 5])


def test_zipped_lanes_interleave() -> None:
    for ways in (1, 2, 3, 4):
        loads = tuple(LoadLanes("x", (const(k),), ways, "") for k in range(ways))
        made = kernel(nest(StoreZip("y", (const(0),), loads)))
        x = list(range(100, 100 + WIDTH * ways))
        assert run(made, x) == x


def test_a_rectangle_is_turned() -> None:
    """Of x as rows of four, the second and third column of the last two rows, as rows of y."""
    load = Load("rows", (const(1), const(1)))
    stored = StoreTurned("y", (const(0), const(0)), 0, load, 0, const(2), const(2))
    rows, y = Buffer("rows", ((const(3),), (const(4),)), "in"), Buffer("y", ((const(2),), (const(2),)), "out")
    made = Kernel("turned", (rows, y), (), (), (nest(stored),))
    assert wellformed(made) == ""
    assert interpret(made, {"rows": ((3, 4), list(range(12)))}) == [5, 9, 6, 10]
    with pytest.raises(InternalError):
        interpret(replace(made, nests=(nest(replace(stored, many=const(4))),)), {"rows": ((3, 4), list(range(12)))})


def test_sums_of_lanes_side_by_side() -> None:
    values = tuple(LoadLanes("x", (const(WIDTH * k),), 1, "") for k in range(3))
    x = [3**k for k in range(3 * WIDTH)]
    want = [sum(x[WIDTH * k : WIDTH * (k + 1)]) for k in range(3)]
    assert run(kernel(nest(StoreReduced("y", (const(0),), "=", values)), out=const(3)), x) == want
    twice = nest(*(StoreReduced("y", (const(0),), op, values) for op in "=+"))
    assert run(kernel(twice, out=const(3)), x) == [2 * value for value in want]
    with pytest.raises(InternalError, match="before it is stored"):
        run(kernel(nest(StoreReduced("y", (const(0),), "+", values)), out=const(3)), x)


def test_an_outlined_body_means_what_it_says_and_keeps_its_names() -> None:
    inner = Outlined("f", (Let("a", add(Var("j"), const(1))), Store("y", (Var("j"),), Load("x", (Var("j"),)))))
    made = kernel(nest(Let("a", const(0)), For("j", const(0), N, (inner,)), Store("y", (Var("a"),), ZERO)))
    assert run(made, [7, 8, 9]) == [0, 8, 9]


def test_a_prefetch_may_be_anywhere() -> None:
    wanted = (Prefetch("x", (const(1000),)), Prefetch("x", (const(-3),), const(7)))
    assert run(kernel(nest(*wanted, Store("y", (const(0),), Load("x", (const(0),))))), [4]) == [4]


@pytest.mark.parametrize("block", [1, 2, 3, 100])
def test_parameters_are_given(block: int) -> None:
    # Strips [i*B, min(i*B + B, n)) of n elements.
    start = mul(Var("i"), Var("B"))
    strip = For("j", start, Binary("min", add(start, Var("B")), N), fill(buffer="y").body)
    count = Binary("//", Var("over"), Var("B"))
    made = kernel(nest(strip, extent=Var("strips"), parallel=True), parameters=("B",))
    made = replace(made, layout=(Size("over", add(N, Binary("-", Var("B"), const(1)))), Size("strips", count)))
    assert run(made, [1, 2, 3, 4, 5], B=block) == [1, 2, 3, 4, 5]
    for given in ({}, {"B": 1, "C": 2}):
        with pytest.raises(InternalError, match="takes the parameters"):
            run(made, [1, 2], **given)
    with pytest.raises(InternalError, match="whole numbers from 1 on"):
        run(made, [1, 2], B=0)


def test_masked_lanes_touch_nothing_else() -> None:
    mask = Declare("m", Lanes(const(1), const(3)), MASK)
    acc = Declare("v", LoadLanes("x", (const(0),), 1, "m"), VEC)
    more = Update("v", "+", LoadLanes("x", (const(0),), 1, "m"), "m")
    store = StoreLanes("y", (const(0),), 1, "m", "=", Var("v"))
    assert run(kernel(nest(mask, acc, more, store)), [9, 2, 3]) == [None, 4, 6]
    combine = StoreLanes("y", (const(0),), 1, "m", "max", Const(Fraction(5), real=True))
    assert run(kernel(nest(mask, acc, store, combine)), [9, 2, 7]) == [None, 5, 7]


def test_a_run_is_bounded_by_its_budget() -> None:
    add_up = For("j", const(0), N, (Accumulate("y", (const(0),), "+", Load("x", (Var("j"),))),))
    made = kernel(nest(Store("y", (const(0),), ZERO), add_up), out=const(1))
    assert interpret(made, {"x": ((5,), [1] * 5)}, budget=7) == [5]
    with pytest.raises(OverrunError):
        interpret(made, {"x": ((5,), [1] * 5)}, budget=6)


def test_the_number_of_lanes_is_a_name() -> None:
    made = kernel(nest(For("j", const(0), N, (Store("y", (Var("j"),), Var(LANES)),))))
    assert run(made, [0, 0]) == [WIDTH, WIDTH]
