"""Drawn collections of instances, and what they touch when they are enumerated."""

from __future__ import annotations

from collections import Counter
from itertools import product

from hypothesis import strategies as st

from symconv.relation.points import Instances, Word
from symconv.relation.sets import Context

CONTEXT = Context(("N",), "N >= 1")
SIZES = range(1, 6)

Form = tuple[int, int, int]


def text(form: Form) -> str:
    a, b, c = form
    return f"{a}*i + {b}*j + {c}"


def images(pieces: list[tuple[tuple[Form, ...], int]], size: int) -> Counter[tuple[int, ...]]:
    return Counter(
        tuple(a * i + b * j + c for a, b, c in forms)
        for forms, shift in pieces
        for i, j in product(range(size), range(3))
        if i >= shift
    )


def instances(pieces: list[tuple[tuple[Form, ...], int]]) -> list[Instances]:
    made = []
    for forms, shift in pieces:
        facts = ("i >= 0", "i < N", "j >= 0", "j < 3", f"i >= {shift}")
        made.append(Instances(("i", "j"), tuple(map(Word, facts)), tuple(Word(text(form)) for form in forms)))
    return made


forms = st.tuples(st.integers(-1, 2), st.integers(-1, 2), st.integers(0, 1))
