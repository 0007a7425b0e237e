"""Addresses of outlined bodies in two parts: what their caller adds to a pointer, and what is left."""

from __future__ import annotations

import re

import pytest

import symconv as sc
from symconv import pipeline
from symconv.emit.given import given, rest
from symconv.emit.places import monomials, plus, position
from symconv.emit.statements import Statements
from symconv.isa import isa
from symconv.loops.arith import add, const, mul
from symconv.loops.ir import (
    LANES,
    Buffer,
    Declare,
    Expr,
    For,
    Kernel,
    Let,
    Load,
    LoadLanes,
    Outlined,
    Store,
    StoreLanes,
    Var,
)
from symconv.loops.traverse import expressions, walk
from symconv.packed.candidates import packed_candidates

_N, _J, _R, _A, _L = (Var(name) for name in ("N", "J", "r", "a", LANES))
_BUFFERS = (Buffer("x", ((_A,), (_N,), (_J,)), "in"), Buffer("y", ((_N,), (_J,)), "out"))
_KERNEL = Kernel("k", _BUFFERS, (), (), ())


def _row(number: int) -> Expr:
    return add(mul(const(4), _R), const(number))


def _copied(number: int) -> Store:
    return Store("y", (_row(number), Var("j")), Load("x", (_A, _row(number), Var("j"))))


_BODY = (For("j", const(0), _J, tuple(_copied(number) for number in range(3))),)


def _terms(expr: Expr) -> dict[tuple[str, ...], int]:
    return monomials(expr, _show)


def _show(expr: Expr) -> str:
    return expr.name if isinstance(expr, Var) else repr(expr)


def test_terms_of_all_places_are_the_callers() -> None:
    known = given(_KERNEL, _BODY)
    assert {name: _terms(base) for name, base in known.bases.items()} == {
        "x": {("J", "N", "a"): 1, ("J", "r"): 4},
        "y": {("J", "r"): 4},
    }
    assert known.products == {}


def test_products_that_differ_between_places_are_numbers() -> None:
    far = Store("y", (const(1), const(0)), Load("x", (const(2), const(0), const(0))))
    near = Store("y", (const(0), const(0)), Load("x", (const(1), Var("j"), mul(_L, const(3)))))
    known = given(_KERNEL, (For("j", const(0), _J, (far, near)),))
    assert [_terms(one) for one in known.products.values()] == [{("J", "N"): 1}]
    assert {name: _terms(base) for name, base in known.bases.items()} == {"x": {}, "y": {}}


def test_what_a_body_sets_stays_in_it() -> None:
    printer = Statements(_KERNEL, native=True)
    (call,) = printer.block((Outlined("copy", _BODY),), 0)
    (made,) = printer.functions.made
    assert call == "sc_copy_0(v_J, v_y + v_J*v_r*4, v_x + (v_J*v_N*v_a + v_J*v_r*4));"
    assert made.integers == ("J",)
    assert not set(re.findall(r"v_\w+", "".join(made.lines))) - {"v_J", "v_j", "v_x", "v_y"}


@pytest.mark.parametrize("wrt", ["x", "w"])
def test_base_and_rest_are_the_place(wrt: str) -> None:
    derived = pipeline.derive(sc.conv2d(padding=1, stride=2), wrt)
    places = 0
    for candidate in packed_candidates(derived.gather, "g", isa("x86-64-v3")):
        sizes = {buffer.name: buffer.sizes for buffer in candidate.kernel.buffers}
        for body in (node.body for nest in candidate.kernel.nests for node in walk(nest) if isinstance(node, Outlined)):
            known = given(candidate.kernel, body)
            products = {key: name for name, one in known.products.items() for key in _terms(one)}
            own = {node.var for node in expressions(body) if isinstance(node, For)}
            own |= {node.name for node in expressions(body) if isinstance(node, Let | Declare)}
            outside = {
                name for one in (*known.bases.values(), *known.products.values()) for key in _terms(one) for name in key
            }
            assert not outside & own
            for node in expressions(body):
                if isinstance(node, LoadLanes | StoreLanes):
                    at, base = position(node.index, sizes[node.buffer], _show), _terms(known.bases[node.buffer])
                    left = rest(at, base, products)
                    whole = {tuple(sorted(_spelled(key, products))): number for key, number in left.items()}
                    assert plus(whole, base) == at
                    places += bool(base)
    assert places > 50


def _spelled(factors: tuple[str, ...], products: dict[tuple[str, ...], str]) -> tuple[str, ...]:
    """A term with products in place of their names."""
    spelled = {name: product for product, name in products.items()}
    return tuple(one for factor in factors for one in spelled.get(factor, (factor,)))
