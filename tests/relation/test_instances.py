"""What instances touch, compared with what enumeration says."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from enumerated import CONTEXT, Form, forms, images, instances
from hypothesis import given, settings
from hypothesis import strategies as st

from symconv.relation.instances import escapes
from symconv.relation.points import Instances, Word
from symconv.relation.turns import runs_before, shared_cell


@settings(deadline=None, max_examples=100)
@given(forms, st.integers(1, 9))
def test_escapes_are_found(form, size) -> None:
    points = instances([((form,), 0)])[0]
    inside = all(0 <= at < size for n in range(1, 12) for (at,) in images([((form,), 0)], n))
    assert (escapes(CONTEXT, points, (Word(str(size)),)) is None) == inside


def test_what_never_runs_escapes_nothing() -> None:
    # The facts that rule it out speak of another index than the image does.
    dead = Instances(("i", "j"), tuple(map(Word, ("0 <= i", "i < N", "0 <= j", "j < 0"))), (Word("i + 1"),))
    assert escapes(CONTEXT, dead, (Word("N"),)) is None
    alive = replace(dead, facts=(*dead.facts[:3], Word("j < 1")))
    assert escapes(CONTEXT, alive, (Word("N"),)) is not None


@settings(deadline=None, max_examples=100)
@given(st.tuples(forms, forms))
def test_shared_cells_are_found(image) -> None:
    cells: dict[tuple[int, ...], set[int]] = {}
    for i, j in product(range(8), range(3)):
        cells.setdefault(tuple(a * i + b * j + c for a, b, c in image), set()).add(i)
    alone = all(len(owners) == 1 for owners in cells.values())
    assert (shared_cell(CONTEXT, instances([(image, 0)]), ("i",)) is None) == alone


@settings(deadline=None, max_examples=150)
@given(forms, forms, st.booleans(), st.sampled_from([(), ("i",), ("i", "j")]))
def test_what_runs_before_is_found(one, other, above, shared) -> None:
    def earlier(a: tuple[int, int], b: tuple[int, int]) -> bool:
        return (a[: len(shared)], not above) < (b[: len(shared)], True)

    def cell(form: Form, at: tuple[int, int]) -> int:
        return form[0] * at[0] + form[1] * at[1] + form[2]

    def happens(size: int) -> bool:
        turns = list(product(range(size), range(3)))
        return any(cell(one, a) == cell(other, b) and earlier(a, b) for a, b in product(turns, repeat=2))

    first, second = instances([((one,), 0), ((other,), 0)])
    found = runs_before(CONTEXT, first, second, shared, above)
    assert (found is not None) == any(happens(size) for size in range(1, 9))
