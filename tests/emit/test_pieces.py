"""What is done to the nests of packed kernels before they are printed."""

from __future__ import annotations

from symconv.emit.pieces import needed
from symconv.loops.arith import add, const
from symconv.loops.ir import For, Let, Load, Outlined, Store, Var


def test_numbers_that_nothing_asks_for_are_left_out() -> None:
    store = Store("y", (Var("i"),), Load("x", (Var("a"),)))
    inner = (Let("a", add(Var("i"), const(1))), Let("b", Var("a")), Let("c", Var("b")), store)
    body = (Let("d", const(2)), For("i", const(0), Var("N"), (Outlined("copy", inner),)))
    kept = (Let("a", add(Var("i"), const(1))), store)
    assert needed(body) == (For("i", const(0), Var("N"), (Outlined("copy", kept),)),)
    assert needed(kept) is kept
