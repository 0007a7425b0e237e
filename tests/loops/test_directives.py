"""Directives rearrange loops and change no number; what is illegal is refused in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

import symconv as sc
from symconv.errors import InternalError, ScheduleError
from symconv.gather.derivation import derivation
from symconv.loops.directives import Directive, Parallel, Split, Unroll, apply, apply_all
from symconv.loops.ir import Binary, Const, For, Kernel, Load, Store
from symconv.loops.lower import lower
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
    found: list[Directive] = [Split(name, 3) for name in names]
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
    assert {Split, Parallel} <= carried_out


@pytest.mark.parametrize("name", CASES)
def test_directives_one_after_the_other_are_proved(name: str) -> None:
    op, _ = CASES[name]
    found = derivation(op, "w")
    kernel = lower(found.gather, "gw")
    for loop in {loop.var for loop in loops(kernel) if loop.step == 1 and loop.mode == "serial"}:
        changed = apply_all(kernel, (Split(loop, 2), Parallel(0, enabled=False)))
        assert validate(found, changed, (4,)).holds, loop


def plain() -> Kernel:
    return lower(derivation(CASES["conv2d"][0], "w").gather, "gw")


@pytest.mark.parametrize(
    ("directive", "words"),
    [
        (Split("nowhere", 4), "has no loop nowhere"),
        (Unroll("n"), "bounds of n are not constant"),
        (Parallel(99), "nests"),
    ],
)
def test_what_is_illegal_is_refused_in_words(directive: Directive, words: str) -> None:
    with pytest.raises(ScheduleError, match=words) as caught:
        apply(plain(), directive)
    assert type(directive).__name__ in str(caught.value)


def test_a_factor_of_one_splits_nothing() -> None:
    with pytest.raises(ScheduleError, match="factor of at least 2"):
        apply(plain(), Split("n", 1))


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
