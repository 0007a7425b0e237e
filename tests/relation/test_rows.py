"""Conditions that are taken apart into rows, against what isl itself reads in their text."""

from __future__ import annotations

import islpy as isl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symconv.errors import InternalError
from symconv.notation.affine import affine, maximum, quotient, var
from symconv.notation.expr import Constraint
from symconv.relation.polyhedra import Part, made
from symconv.relation.rows import cases
from symconv.relation.texts import constraint_text, form_text

SIZES, DIMS = ("K", "N"), ("i", "j")
numbers = st.integers(-3, 3).map(str) | st.sampled_from([*SIZES, *DIMS])


def _wider(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    divisors = st.integers(2, 4)
    return st.one_of(
        st.builds(lambda a, sign, b: f"({a} {sign} {b})", inner, st.sampled_from("+-"), inner),
        st.builds(lambda k, a: f"{k}*({a})", st.integers(-2, 3), inner),
        st.builds(lambda word, a, b: f"{word}({a}, {b})", st.sampled_from(["min", "max"]), inner, inner),
        st.builds(lambda a, d: f"floor(({a})/{d})", inner, divisors),
        st.builds(lambda a, d: f"(({a}) mod {d})", inner, divisors),
    )


sums = st.recursive(numbers, _wider, max_leaves=4)
signs = st.sampled_from(["<", "<=", ">", ">=", "=", "!="])
compared = st.builds(lambda a, sign, b: f"{a} {sign} {b}", sums, signs, sums) | st.builds(
    lambda a, b, c: f"{a} <= {b} < {c}", sums, sums, sums
)
conditions = st.recursive(
    compared,
    lambda inner: (
        st.builds(lambda a, word, b: f"({a} {word} {b})", inner, st.sampled_from(["and", "or"]), inner)
        | st.builds(lambda a: f"(not ({a}))", inner)
    ),
    max_leaves=3,
)
quick = settings(deadline=None, max_examples=150)


@quick
@given(st.lists(conditions, min_size=1, max_size=3))
def test_a_set_is_the_one_that_isl_reads(facts) -> None:
    mine = made(isl.Set, SIZES, DIMS, [Part(tuple(facts))])
    assert mine.is_equal(isl.Set(f"[K, N] -> {{ [i, j] : {' and '.join(f'({fact})' for fact in facts)} }}"))


@quick
@given(conditions, sums, sums)
def test_a_map_is_the_one_that_isl_reads(fact, one, other) -> None:
    mine = made(isl.Map, SIZES, DIMS, [Part((fact,), (one, other))])
    assert mine.is_equal(isl.Map(f"[K, N] -> {{ [i, j] -> [({one}), ({other})] : {fact} }}"))


@quick
@given(conditions, sums)
def test_what_is_hidden_exists(fact, one) -> None:
    mine = made(isl.Map, SIZES, ("i",), [Part((fact, "0 <= j <= 9"), (one,))], ("j",))
    assert mine.is_equal(isl.Map(f"[K, N] -> {{ [i] -> [at] : exists (j : at = {one} and ({fact}) and 0 <= j <= 9) }}"))


@pytest.mark.parametrize(
    "fact",
    [
        "i < min(max(0, min(K, (N - (j + 1)))), max(0, (0 - (j + 1))))",
        "(0 = 0 or ((not (i = 0)) and (max(((1 + floor(((K - 1) - ((j) mod 2))/2)) - floor((1 - ((j) mod 2))/2)), 0) > 0)))",
        "2 - K <= 2*i <= 3 - K and (j = 1*floor((-1*K + 1*N + 2)/2) + 1)",
        "((K >= N and i <= 0 and j >= (K + 1)) or (j = ((K + 1) - i)))",
    ],
)
def test_what_kernels_say_is_taken_apart(fact) -> None:
    assert cases([fact], ())
    assert made(isl.Set, SIZES, DIMS, [Part((fact,))]).is_equal(isl.Set(f"[K, N] -> {{ [i, j] : {fact} }}"))


def test_constraints_are_facts_and_parts_are_joined() -> None:
    inner = maximum(var("i"), quotient(var("N") + 1, 2))
    row = Constraint(var("j") + quotient(2 * inner + 1, 3) - 4)
    parts = [Part((row, "i >= 0")), Part((Constraint(var("i") - var("N"), True),))]
    text = f"{constraint_text(row)} and i >= 0 or i = N"
    assert made(isl.Set, SIZES, DIMS, parts).is_equal(isl.Set(f"[K, N] -> {{ [i, j] : {text} }}"))
    assert "max" in form_text(row.form)


def test_nothing_is_empty_whatever_is_shown() -> None:
    assert made(isl.Set, SIZES, DIMS, [Part(("1 = 0",))]).is_empty()
    nowhere = made(isl.Map, SIZES, DIMS, [Part(("i >= 1", "i <= 0"), ("j",))])
    assert nowhere.is_empty() and nowhere.dim(isl.dim_type.in_) == 2 and nowhere.dim(isl.dim_type.out) == 1
    assert made(isl.Set, (), (), [Part(())]).is_equal(isl.Set("{ [] }"))


@pytest.mark.parametrize("name", ["in", "lambda", "is", "None", "True", "true_rows", "model", "in_"])
def test_words_of_python_are_names(name) -> None:
    mine = made(isl.Set, (), (name,), [Part((f"{name} >= 0 and 2*{name} < 5",))])
    assert mine.is_equal(isl.Set("{ [i] : 0 <= i <= 2 }"))


@pytest.mark.parametrize("fact", ["exists (e : i = 3*e)", "i*i >= 0", "(i >= 0"])
def test_other_words_are_left_to_isl(fact) -> None:
    assert cases([fact], ()) is None
    if fact.startswith("exists"):
        assert made(isl.Set, (), ("i",), [Part((fact,))]).is_equal(isl.Set("{ [i] : i mod 3 = 0 }"))
    else:
        with pytest.raises(InternalError, match="isl does not read"):
            made(isl.Set, (), ("i",), [Part((fact,))])


def test_many_cases_are_left_to_isl() -> None:
    facts = tuple(f"(i + {k}*j >= {k} or i < {-k})" for k in range(1, 12))
    assert cases(facts, ()) is None
    mine = made(isl.Set, (), ("i", "j"), [Part(facts)])
    assert mine.is_equal(isl.Set(f"{{ [i, j] : {' and '.join(facts)} }}"))


def test_a_maximum_takes_no_case_where_it_is_above() -> None:
    assert len(cases(["i >= max(j, K)", "j < min(K, N)"], ()) or ()) == 1
    assert len(cases(["i <= max(j, K)"], ()) or ()) == 2
    assert cases(["K = 1", "(K >= 2 or i = 0)"], ()) == cases(["K = 1", "i = 0"], ())


def test_a_maximum_of_many_facts_is_one_choice() -> None:
    pad = quotient(maximum(var("t"), affine(0)), 2)
    at = [var("i") + 2 * var(name) - pad for name in ("p", "q", "r")]
    facts = [Constraint(form) for one in at for form in (one, var("n") - 1 - one)]
    found = cases(facts, zip(("x", "y", "z"), at, strict=True))
    assert found is not None
    assert len(found) == 2


def test_maxima_of_maxima_take_no_more_cases_than_they_have_sides() -> None:
    facts = ["i <= max(max(j, K), max(N, 2*j)) + max(j + K, max(N, 3))"]
    found = cases(facts, ())
    assert found is not None
    assert len(found) <= 4 * 3
    wanted = isl.Set(f"[K, N] -> {{ [i, j] : {facts[0]} }}")
    assert made(isl.Set, SIZES, DIMS, [Part(tuple(facts))]).is_equal(wanted)


@pytest.mark.parametrize("first, other", [("a > 2*b", "2*a < 4*b"), ("2*a - 4*b = 1", "a >= b"), ("a = b", "b > a")])
def test_rows_that_contradict_each_other_are_no_case(first: str, other: str) -> None:
    assert not cases([first, other], ())


def test_a_name_that_is_not_given_is_told() -> None:
    with pytest.raises(InternalError, match="e - 1 is said of e, which is none of i, K"):
        made(isl.Set, ("K",), ("i",), [Part((Constraint(var("e") - 1),))])
