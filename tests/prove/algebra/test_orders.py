"""In which orders the indices of a sum are named."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

from symconv.notation.affine import var
from symconv.prove.algebra.orders import orders
from symconv.prove.algebra.variables import Base, application, element, frozen

ONE = Fraction(1)


def nested(name: str, depth: int, tensor: str = "x") -> Base:
    """``tanh(tanh(... x[name]))``."""
    base = element(tensor, (var(name),))
    for _ in range(depth):
        base = application("tanh", frozen({((base, ONE),): ONE}))
    return base


def test_functions_in_functions_are_told_by_texts_that_do_not_double() -> None:
    """Forty functions in each other: a text that is quoted again at each of them has 2**40 characters."""
    body = (nested("a", 40), ONE), (nested("b", 39), ONE)
    assert len([*orders(("a", "b"), body, {})]) == 1


def test_what_stands_deep_is_told_apart_whatever_it_is_called() -> None:
    for depth in (0, 1, 5, 30):
        found = set()
        for one, other in permutations(("a", "b")):
            body = (nested(one, depth, "x"), ONE), (nested(other, depth, "y"), ONE)
            ((first, _),) = orders(("a", "b"), body, {})
            found.add(first == one)
        assert len(found) == 1


def test_what_stands_alike_is_tried_in_all_orders() -> None:
    body = (nested("a", 30), ONE), (nested("b", 30), ONE)
    assert {*orders(("a", "b"), body, {})} == {("a", "b"), ("b", "a")}
