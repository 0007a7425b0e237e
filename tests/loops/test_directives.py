"""Directives rearrange loops and change no number; what is illegal is refused in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.emit.functions import Functions
from symconv.emit.nests import nest_text
from symconv.errors import InternalError, ScheduleError
from symconv.gather.derivation import derivation
from symconv.loops.directives import Directive, Fuse, Interchange, Parallel, Tile, Unroll, apply, apply_all
from symconv.loops.ir import Binary, Buffer, Const, Declare, For, Kernel, Load, Nest, Size, Store, Update, Var
from symconv.loops.presets import masked
from symconv.loops.traverse import expressions, rewrite
from symconv.validate.validation import validate

Shapes = Mapping[str, tuple[int, ...]]

CASES: dict[str, tuple[sc.Operator, list[Shapes]]] = {
    "conv2d": (
        sc.conv2d(stride=(2, 3), padding=((1, 0), (0, 2)), dilation=(1, 2)),
        [{"x": (2, 3, 7, 8), "w": (4, 3, 3, 2)}, {"x": (3, 1, 5, 9), "w": (2, 1, 2, 4)}],
    ),
    "grouped": (
        sc.conv1d(stride=2, padding=1, groups=2),
        [{"x": (2, 4, 9), "w": (6, 2, 3)}, {"x": (1, 2, 6), "w": (2, 1, 4)}],
    ),
    "adder": (sc.adder1d(stride=2, padding=((2, 1),)), [{"x": (2, 3, 8), "w": (4, 3, 3)}]),
    "rows": (sc.operator("y[n,i] = sum[c,p](x[n,c,i]*w[i,c,p])"), [{"x": (2, 3, 5), "w": (5, 3, 4)}]),
}


def loops(kernel: Kernel) -> list[For]:
    return [node for nest in kernel.nests for node in expressions(nest.body) if isinstance(node, For)]


def tried(kernel: Kernel) -> list[Directive]:
    names = dict.fromkeys(loop.var for loop in loops(kernel))
    found: list[Directive] = [Tile(name, 3, tail) for name in names for tail in ("peel", "mask")]
    found += [Interchange(one, other) for one in names for other in names if one != other]
    found += [Fuse(at) for at in range(len(kernel.nests))]
    found += [Unroll(name) for name in names]
    return [*found, *(Parallel(at, enabled=False) for at in range(len(kernel.nests)))]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("wrt", ["", "x", "w"])
def test_no_directive_changes_a_number(
    name: str,
    wrt: str,
    lowered: Callable[..., Kernel],
    interpreted: Callable[..., list[Any]],
    drawn: Callable[..., Any],
) -> None:
    op, places = CASES[name]
    kernel = lowered(op, wrt)
    arrays = [drawn(op, shapes) for shapes in places]
    right = [interpreted(kernel, each) for each in arrays]
    carried_out = set()
    for directive in tried(kernel):
        try:
            changed = apply(kernel, directive)
        except ScheduleError as error:
            assert type(directive).__name__ in str(error), "the directive is named"
            continue
        carried_out.add(type(directive))
        assert [interpreted(changed, each) for each in arrays] == right, directive
    assert {Tile, Parallel} <= carried_out


@pytest.mark.parametrize("name", CASES)
def test_directives_one_after_the_other_are_proved(name: str) -> None:
    op, _ = CASES[name]
    found = derivation(op, "w")
    kernel = masked(found.gather, "gw")
    for loop in {loop.var for loop in loops(kernel) if loop.step == 1 and loop.mode == "serial"}:
        changed = apply_all(kernel, (Tile(loop, 2), Parallel(0, enabled=False)))
        assert validate(found, changed, (4,)).holds, loop


def plain() -> Kernel:
    return masked(derivation(CASES["conv2d"][0], "w").gather, "gw")


@pytest.mark.parametrize(
    ("directive", "words"),
    [
        (Tile("nowhere", 4), "has no loop nowhere"),
        (Unroll("n"), "bounds of n are not constant"),
        (Parallel(99), "nests"),
        (Interchange("n", "nowhere"), "holds more than the one serial loop nowhere"),
        (Fuse(99), "has no nests 99 and 100"),
        (Tile("n", 4, "cut"), "the tail of n is 'peel' or 'mask', not 'cut'"),
    ],
)
def test_what_is_illegal_is_refused_in_words(directive: Directive, words: str) -> None:
    with pytest.raises(ScheduleError, match=words) as caught:
        apply(plain(), directive)
    assert type(directive).__name__ in str(caught.value)


def test_a_factor_of_one_splits_nothing() -> None:
    with pytest.raises(ScheduleError, match="factor of at least 2"):
        apply(plain(), Tile("n", 1))


def _moved(axis: int, by: int, kind: type) -> Callable[[Any], Any]:
    def rule(node: Any) -> Any:
        if not isinstance(node, kind) or not node.index:
            return node
        index = list(node.index)
        index[axis] = Binary("+", index[axis], Const(by))
        return replace(node, index=tuple(index))

    return rule


@pytest.mark.parametrize(("kind", "by"), [(Load, 50), (Load, -50), (Store, 50), (Store, -50)])
def test_the_interpreter_watches_every_access(
    kind: type,
    by: int,
    lowered: Callable[..., Kernel],
    interpreted: Callable[..., list[Any]],
    drawn: Callable[..., Any],
) -> None:
    op, places = CASES["conv2d"]
    kernel = lowered(op, "x")
    wrong = replace(kernel, nests=tuple(rewrite(nest, _moved(0, by, kind)) for nest in kernel.nests))
    assert wrong != kernel
    with pytest.raises(InternalError, match="outside"):
        interpreted(wrong, drawn(op, places[0]))


def test_the_interpreter_finds_what_is_never_stored(
    lowered: Callable[..., Kernel], interpreted: Callable[..., list[Any]], drawn: Callable[..., Any]
) -> None:
    op, places = CASES["conv2d"]
    kernel = lowered(op, "x")
    headless = replace(kernel, nests=kernel.nests[1:])
    with pytest.raises(InternalError, match="before it is stored"):
        interpreted(headless, drawn(op, places[0]))


def _nest(number: int, *body: Any, extent: str = "N") -> Nest:
    return Nest("n", Var(extent), body, f"nest {number}")


def _copy(source: str, target: str, index: Any = None) -> Store:
    return Store(target, (index or Var("n"),), Binary("*", Load(source, (Var("n"),)), Const(Fraction(2), real=True)))


def _chain(*nests: Nest) -> Kernel:
    line = ((Var("N"),),)
    buffers = (Buffer("x", line, "in"), Buffer("t", line, "workspace"), Buffer("y", line, "out"))
    return Kernel("k", buffers, (Size("N", Var("x_dim0")),), (), nests)


def test_two_nests_become_one_where_no_iteration_waits(interpreted: Callable[..., list[Any]]) -> None:
    kernel = _chain(_nest(0, _copy("x", "t")), _nest(1, _copy("t", "y")))
    fused = apply(kernel, Fuse(0))
    assert len(fused.nests) == 1
    arrays = {"x": np.arange(5)}
    assert interpreted(fused, arrays) == interpreted(kernel, arrays) == [0, 4, 8, 12, 16]


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (_nest(1, _copy("t", "y"), extent="M"), "does not run over equal ranges"),
        (_nest(1, Store("y", (Var("n"),), Load("t", (Binary("-", Var("N"), Var("n")),)))), "meet in cells of t"),
        (_nest(1, _copy("x", "t", Const(Fraction(0)))), "meet in cells of t"),
    ],
)
def test_iterations_that_wait_for_others_are_not_fused(second: Nest, words: str) -> None:
    with pytest.raises(ScheduleError, match=words):
        apply(_chain(_nest(0, _copy("x", "t")), second), Fuse(0))


def _square(*inner: Any) -> Kernel:
    loop = For("i", Const(Fraction(0)), Var("N"), (For("j", Const(Fraction(0)), Var("N"), inner),))
    start, end = Declare("s", Const(Fraction(0), real=True)), Store("y", (Var("n"),), Var("s"))
    return _chain(_nest(0, start, loop, end))


PRODUCT = Binary("*", Load("x", (Var("i"),)), Load("x", (Var("j"),)))


def test_sums_may_run_in_any_order(interpreted: Callable[..., list[Any]]) -> None:
    kernel = _square(Update("s", "+", PRODUCT))
    turned = apply(kernel, Interchange("i", "j"))
    assert [loop.var for loop in loops(turned)] == ["j", "i"]
    blocked = apply_all(kernel, (Tile("j", 2, "mask"), Interchange("i", "jo_")))
    assert [loop.var for loop in loops(blocked)] == ["jo_", "i", "j"]
    arrays = {"x": np.array([1, -2, 3, 5, 7])}
    assert interpreted(turned, arrays) == interpreted(blocked, arrays) == interpreted(kernel, arrays) == [14**2] * 5


@pytest.mark.parametrize(
    ("inner", "words"),
    [
        ((Update("s", "=", PRODUCT),), "s is combined by ="),
        ((Update("s", "+", Binary("*", Var("s"), PRODUCT)),), "s is read between"),
        ((Update("s", "+", PRODUCT), Update("s", "max", PRODUCT)), "s is combined by"),
        ((Store("t", (Var("i"),), PRODUCT),), "t is stored"),
    ],
)
def test_what_depends_on_its_order_is_not_interchanged(inner: tuple[Any, ...], words: str) -> None:
    with pytest.raises(ScheduleError, match=words):
        apply(_square(*inner), Interchange("i", "j"))


def test_bounds_that_depend_on_the_outer_loop_are_not_interchanged() -> None:
    triangle = For("j", Const(Fraction(0)), Var("i"), (Update("s", "+", PRODUCT),))
    body = (Declare("s", Const(Fraction(0), real=True)), For("i", Const(Fraction(0)), Var("N"), (triangle,)))
    with pytest.raises(ScheduleError, match="bounds of j depend on i"):
        apply(_chain(_nest(0, *body)), Interchange("i", "j"))


def test_directives_show_in_the_text() -> None:
    kernel = apply_all(_square(Update("s", "+", PRODUCT)), (Tile("j", 2, "mask"), Interchange("i", "jo_")))
    lines = nest_text(kernel, kernel.nests[0], "k", Functions())["lines"]
    assert [line.strip() for line in lines if "for " in line] == [
        "for jo_ in range(0, sc_floordiv(sc_imax(0, N) + 1, 2)):",
        "for i in range(0, N):",
        "for j in range(2 * jo_, sc_imin(2 * jo_ + 2, N)):",
    ]
