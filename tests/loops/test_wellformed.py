"""Every kernel of the shipped operators is well formed; changed in one place, a kernel is refused with the reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import symconv as sc
from symconv import pipeline
from symconv.emit.cython import Entry, Unit, emit
from symconv.errors import InternalError
from symconv.loops.arith import const
from symconv.loops.ir import (
    Buffer,
    Declare,
    For,
    Kernel,
    Let,
    Load,
    LoadLanes,
    Outlined,
    Scalar,
    Size,
    Store,
    StoreLanes,
    Update,
    Var,
)
from symconv.loops.traverse import rewrite, walk
from symconv.loops.wellformed import wellformed
from symconv.ops.registry import catalogue
from symconv.options import Options
from symconv.packed.candidates import packed_kernel
from symconv.packed.dot import DotTile
from symconv.packed.outer import Tile


@pytest.mark.parametrize("name", [name for name in catalogue() if name.endswith("2d")])
def test_shipped_kernels_are_well_formed(name: str) -> None:
    make = catalogue()[name].make
    unit = pipeline.unit(make(2) if "pool" in name else make(), Options())
    for candidate in unit.candidates:
        assert wellformed(candidate.kernel) == "", candidate.kernel.name


@pytest.fixture(scope="module")
def kernels() -> dict[str, Kernel]:
    op = sc.conv2d(stride=(2, 1), padding=1)
    outer = packed_kernel(pipeline.derive(op, "x").gather, "gx", Tile(4, 3))
    dot = packed_kernel(pipeline.derive(op, "w").gather, "gw", DotTile(4, 3))
    masked = pipeline.unit(op, Options()).entries[1].outputs[0][0].kernel
    assert outer is not None
    assert dot is not None
    return {"outer": outer, "dot": dot, "masked": masked}


def everywhere(kernel: Kernel, rule: Callable[[Any], Any]) -> Kernel:
    return replace(kernel, nests=tuple(rewrite(nest, rule) for nest in kernel.nests))


def _of(kind: type, **changes: Any) -> Callable[[Kernel], Kernel]:
    return lambda k: everywhere(k, lambda node: replace(node, **changes) if type(node) is kind else node)


def _longer(node: Any) -> Any:
    return replace(node, index=(*node.index, const(0))) if type(node) is Store else node


def _unused(node: Any) -> Any:
    return replace(node, name="unused_") if type(node) is Declare and node.scalar.kind == "real" else node


def _buffers(rule: Callable[[Buffer], Buffer]) -> Callable[[Kernel], Kernel]:
    return lambda k: replace(k, buffers=tuple(rule(b) for b in k.buffers))


CHANGES: dict[str, tuple[str, Callable[[Kernel], Kernel], str]] = {
    "no buffer": ("outer", _of(Load, buffer="nowhere"), "nowhere is no buffer"),
    "no lanes of a buffer": ("dot", _of(LoadLanes, buffer="nowhere"), "nowhere is no buffer"),
    "rank": ("outer", lambda k: everywhere(k, _longer), "is indexed by"),
    "mask": ("masked", _of(LoadLanes, mask="nothing"), "nothing masks lanes"),
    "masked store": ("masked", _of(StoreLanes, mask="nothing"), "nothing masks lanes"),
    "name": ("outer", _of(Let, name="unused_"), "before it has a value"),
    "accumulator": ("outer", lambda k: everywhere(k, _unused), "before it has a value|holds no number there"),
    "loop": ("dot", _of(For, var="unused_"), "before it has a value"),
    "step": ("outer", _of(For, step=0), "steps by 0"),
    "an input is stored to": ("outer", _of(Store, buffer="gy", index=(const(0),) * 4), "gy is an input"),
    "parameter": ("outer", lambda k: replace(k, parameters=k.parameters[1:]), "which is not known there"),
    "layout": ("dot", lambda k: replace(k, layout=k.layout[:-1]), "not known there|before it has a value"),
    "layout twice": ("dot", lambda k: replace(k, layout=(*k.layout, k.layout[0])), "is computed twice"),
    "order of layout": ("outer", lambda k: replace(k, layout=k.layout[::-1]), "which is not known there"),
    "size": ("masked", lambda k: replace(k, sizes=k.sizes[1:]), "not known there|before it has a value"),
    "check": ("masked", lambda k: replace(k, checks=(Var("nothing"),)), "a check needs nothing"),
    "result": ("outer", lambda k: replace(k, buffers=k.buffers[:-1]), "one buffer is the result"),
    "twice": ("outer", lambda k: replace(k, buffers=(k.buffers[0], *k.buffers)), "gy is declared twice"),
    "role": ("outer", _buffers(lambda b: replace(b, role="lent") if b.role == "private" else b), "is no role"),
    "flat": ("outer", _buffers(lambda b: replace(b, flat=9)), "cannot be indexed together"),
    "slack": ("outer", _buffers(lambda b: replace(b, slack=const(1))), "caller's memory"),
    "length": (
        "outer",
        _buffers(lambda b: replace(b, axes=((Var("nothing"),),)) if b.role == "private" else b),
        "needs nothing",
    ),
    "extent": ("dot", lambda k: replace(k, nests=(replace(k.nests[0], extent=Var("nothing")),)), "needs nothing"),
    "a number twice": (
        "outer",
        lambda k: replace(k, sizes=(Size("N", Var("nothing")), *k.sizes)),
        "the number N needs nothing",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_refused_with_its_reason(kernels: dict[str, Kernel], change: str) -> None:
    which, rule, words = CHANGES[change]
    kernel = kernels[which]
    assert wellformed(kernel) == ""
    changed = rule(kernel)
    assert changed != kernel
    assert any(words_ in wellformed(changed) for words_ in words.split("|")), wellformed(changed)


def test_outlined_bodies_know_no_real_number_of_their_surroundings(kernels: dict[str, Kernel]) -> None:
    kernel = kernels["outer"]
    tiles = [node for nest in kernel.nests for node in walk(nest) if isinstance(node, Outlined)]
    assert tiles
    for kind, refused in ((Scalar(), True), (Scalar("int"), False)):
        outside = Declare("outside_", const(1), kind)
        use = Let("inside_", Var("outside_"))

        def rule(node: Any, use: Let = use) -> Any:
            return replace(node, body=(use, *node.body)) if type(node) is Outlined else node

        changed = everywhere(kernel, rule)
        nests = tuple(replace(nest, body=(outside, *nest.body)) for nest in changed.nests)
        reason = wellformed(replace(kernel, nests=nests))
        assert ("numbers and buffers alone" in reason) == refused, reason


def test_a_kernel_that_is_not_well_formed_is_not_printed(kernels: dict[str, Kernel]) -> None:
    candidate = pipeline.unit(sc.conv2d(stride=(2, 1), padding=1), Options()).entries[1].outputs[0][0]
    wrong = replace(candidate, kernel=_of(LoadLanes, mask="nothing")(candidate.kernel))
    with pytest.raises(InternalError, match="not well formed: nothing masks lanes"):
        emit((Unit("u0", (Entry("backward", ((wrong,),)),)),), Options())


def test_updates_are_of_what_is_declared(kernels: dict[str, Kernel]) -> None:
    assert "is changed" in wellformed(_of(Update, name="nothing")(kernels["dot"]))
