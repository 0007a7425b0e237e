"""What the caller of an outlined body computes of its addresses: the terms that all places in a buffer have in common.

They are added to the pointer that is handed over. A body is called again and again, and would multiply at every call
what changes in an outer loop alone; so products of sizes that are left are numbers it is given, too.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from symconv.emit.places import Monomials, plus, position
from symconv.loops.arith import add, const, mul, total
from symconv.loops.ir import (
    LANES,
    Accumulate,
    Declare,
    Expr,
    For,
    Kernel,
    Let,
    Load,
    LoadLanes,
    Prefetch,
    Stmt,
    Store,
    StoreLanes,
    StoreReduced,
    StoreTurned,
    StoreZip,
    Var,
)
from symconv.loops.traverse import expressions

__all__ = ["Given", "given", "rest"]

_PLACES = frozenset((Load, LoadLanes, Prefetch, Store, StoreLanes, StoreZip, StoreReduced, StoreTurned, Accumulate))
_OWN = ""
"""Stands for every factor that is not a name from outside."""


@dataclass(frozen=True, slots=True)
class Given:
    """For each buffer what its pointer already has, and products of sizes by the name of a number."""

    bases: dict[str, Expr] = field(default_factory=dict)
    products: dict[str, Expr] = field(default_factory=dict)


def given(kernel: Kernel, body: tuple[Stmt, ...]) -> Given:
    """What a body may be given, of the names that it does not set itself."""
    sizes = {buffer.name: buffer.sizes for buffer in kernel.buffers}
    nodes = list(expressions(body))
    own = {node.name for node in nodes if isinstance(node, Let | Declare)}
    own |= {node.var for node in nodes if isinstance(node, For)}

    def show(expr: Expr) -> str:
        return expr.name if isinstance(expr, Var) and expr.name not in own else _OWN

    places: dict[str, list[Monomials]] = {}
    for node in nodes:
        if type(node) in _PLACES:
            places.setdefault(node.buffer, []).append(position(node.index, sizes[node.buffer], show))
    bases = {buffer: _common(every) for buffer, every in places.items()}
    left = (plus(at, bases[buffer], -1) for buffer, every in places.items() for at in every)
    products = dict.fromkeys(tuple(f for f in factors if f not in (_OWN, LANES)) for at in left for factors in at)
    several = sorted((product for product in products if len(product) > 1), key=len, reverse=True)
    return Given(
        {buffer: _sum(base) for buffer, base in bases.items()},
        {f"sc_step{number}": _product(product) for number, product in enumerate(several)},
    )


def _common(places: list[Monomials]) -> Monomials:
    """The terms that all places have, of those that the compiler does not know already."""
    first, *others = places
    return {
        factors: coefficient
        for factors, coefficient in first.items()
        if _OWN not in factors
        and any(factor != LANES for factor in factors)
        and all(at.get(factors) == coefficient for at in others)
    }


def rest(at: Monomials, base: Monomials, products: dict[tuple[str, ...], str]) -> Monomials:
    """What is left of a place for the body to add, with names for products."""
    left = plus(at, base, -1) if base else at
    return {_replaced(factors, products): coefficient for factors, coefficient in left.items()} if products else left


def _replaced(factors: tuple[str, ...], products: dict[tuple[str, ...], str]) -> tuple[str, ...]:
    """A term in which a product has its name."""
    for product, name in products.items():
        if not (left := Counter(product)) - (every := Counter(factors)):
            return (*(every - left).elements(), name)
    return factors


def _product(factors: tuple[str, ...]) -> Expr:
    return total(tuple(Var(factor) for factor in factors))


def _sum(terms: Monomials) -> Expr:
    found: Expr = const(0)
    for factors, coefficient in terms.items():
        found = add(found, mul(_product(factors), const(coefficient)))
    return found
