"""Constant tables in sums, and like terms: against the sums written out at small sizes."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import product

import pytest

from symconv.notation.affine import affine, var
from symconv.notation.expr import Constraint, equal, nonnegative
from symconv.notation.tables import constant, table_of
from symconv.relation.collecting import collected, plain
from symconv.relation.tables import domains
from symconv.relation.terms import Factor, Table, Term, inside

I, J, E, K = (var(name) for name in "ijek")


def value(terms: list[Term], free: dict[str, int], reach: int = 6) -> dict[tuple[object, ...], Fraction]:
    """Each product of elements with its coefficient, every summation index tried from -reach to reach."""
    sums: dict[tuple[object, ...], Fraction] = {}
    for term in terms:
        for values in product(range(-reach, reach + 1), repeat=len(term.bound)):
            at = {**free, **dict(zip(term.bound, values, strict=True))}
            found = [(c.form.evaluate(at), c.equality) for c in term.where]
            if not all(v == 0 if equality else v >= 0 for v, equality in found):
                continue
            number = term.coefficient
            for table in term.tables:
                number *= dict(table.entries).get(tuple(form.evaluate(at) for form in table.index), Fraction(0))
            key = tuple((f.tensor, tuple(form.evaluate(at) for form in f.index)) for f in term.factors)
            sums[key] = sums.get(key, Fraction(0)) + number
    return {key: number for key, number in sums.items() if number}


def table(rows: list[list[int | Fraction]], *index: object) -> Table:
    entries = table_of(constant("T", rows))
    assert entries is not None
    return Table(entries, tuple(index))  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(12))
def test_contracted_tables_are_the_sum(seed: int) -> None:
    rng = random.Random(seed)

    def rows(n: int, m: int) -> list[list[int | Fraction]]:
        return [[rng.choice([0, 0, 1, -1, 2, Fraction(1, 3)]) for _ in range(m)] or [1] for _ in range(n)]

    first, second = rows(3, 4), rows(4, 2)
    first[0][0] = second[0][0] = 1
    term = Term(
        Fraction(2), (), (Factor("x", (I + K,)),), ("e", "k"), (*inside(E, affine(4 - seed % 2)), nonnegative(K - I - 1)),
        (table(first, J, E), table(second, E, K)),
    )  # fmt: skip
    for i, j in product(range(-1, 2), range(-1, 4)):
        assert value(list(domains(term)), {"i": i, "j": j}) == value([term], {"i": i, "j": j})


def test_what_is_right_becomes_one_condition() -> None:
    shift = [[int(a + k == j) for j in range(4)] for a in range(2) for k in range(3)]
    entries = tuple(((a, k, j), Fraction(1)) for a in range(2) for k in range(3) for j in range(4) if a + k == j)
    (one,) = domains(Term(Fraction(3), (), (), (), (), (Table(entries, (I, J, K)),)))
    assert len(shift) == len(entries)
    assert sum(c.equality for c in one.where) == 1
    assert one.coefficient == 3


def test_a_table_read_twice_at_one_place() -> None:
    diagonal = table([[1, 5], [7, 2]], I, I)
    terms = list(domains(Term(Fraction(1), (), (), (), (), (diagonal,))))
    assert [value(terms, {"i": i}) for i in range(3)] == [{(): 1}, {(): 2}, {}]


def test_like_terms_are_added_whatever_their_indices_are_called() -> None:
    def term(number: int, name: str) -> Term:
        return Term(Fraction(number), (), (Factor("x", (var(name),)),), (name,), inside(var(name), affine(3)))

    assert [t.coefficient for t in collected([term(2, "a"), term(3, "b")])] == [5]
    assert list(collected([term(2, "a"), term(-2, "b")])) == []


def test_equations_give_indices_and_contradictions_leave_nothing() -> None:
    pinned = Term(Fraction(1), (), (Factor("x", (E,)),), ("e",), (equal(E, affine(2)),))
    found = plain(pinned)
    assert found is not None
    assert (found.factors[0].index, found.bound) == ((affine(2),), ())
    assert plain(pinned.under(equal(E, affine(3)))) is None
    assert plain(Term(Fraction(1), (), (), (), (Constraint(affine(-1)),))) is None
    halves = Term(Fraction(1), (), (), ("e",), (equal(2 * E, I),))
    assert plain(halves) == halves  # 2e = i has no solution for odd i: not an equation that gives e


@pytest.mark.parametrize("rows", [[[1, 0], [0, 1]], [[Fraction(1, 4)]], [[0, 0, 5]]])
def test_constants_are_known_again(rows: list[list[int | Fraction]]) -> None:
    made = constant("T", rows)
    assert table_of(made) == tuple(((i, j), v) for i, row in enumerate(rows) for j, v in enumerate(row) if v)
