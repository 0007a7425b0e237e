"""The codec of facts is exact, refuses what it did not write, and values are those of the mathematics."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import symconv as sc
from symconv import pipeline
from symconv.isa import isa
from symconv.loops.ir import Address, Binary, Compare, Const, Expr, FloorDiv, Load, Mod, Select, Var
from symconv.packed.candidates import packed_candidates
from symconv.tune.facts import SCHEMES, Facts, FlatAxis, from_json, to_json
from symconv.tune.numbers import encoded, read, value


def number(n: int) -> Const:
    return Const(Fraction(n))


def expressions() -> st.SearchStrategy[Expr]:
    leaves = st.integers(-9, 10**20).map(number) | st.sampled_from(["H", "kW", "floor", "+", "select"]).map(Var)
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(Binary, st.sampled_from(["+", "-", "*", "//", "min", "max"]), inner, inner),
            st.builds(FloorDiv, inner, st.integers(1, 7)),
            st.builds(Mod, inner, st.integers(1, 7)),
            st.builds(
                Select,
                st.builds(Compare, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), inner, inner),
                inner,
                inner,
            ),
        ),
        max_leaves=12,
    )


@given(expressions())
def test_expressions_come_back_as_they_went(expression: Expr) -> None:
    assert read(json.loads(json.dumps(encoded(expression)))) == expression


def test_facts_come_back_as_they_went() -> None:
    axis = FlatAxis("u", Var("H"), FloorDiv(Var("Ho"), 2), number(-1), Binary("-", Var("kH"), number(2)), 2)
    for scheme in SCHEMES:
        facts = Facts(scheme, "a \"label\"", (4, 3), (axis, axis), Var("C"), Var("F"), (number(4), Var("t")), 4, Var("G"), Var("N"),
                      True, 2, ("T_u", "FB"), Var("a"), Var("b"), Var("c"), 4, 1, ((4, 6), (2, 6)),
                      (Compare("==", Var("kH"), number(3)),), 3)  # fmt: skip
        assert from_json(json.loads(json.dumps(to_json(facts)))) == facts


@pytest.mark.parametrize(
    "found",
    [True, None, 1.5, [], ["+", 1], ["^", 1, 2], ["floor", "H", 0], ["floor", "H", -2], ["floor", "H", True], ["floor", "H", "2"],
     ["select", 1, 2], {"op": "+"}, ["+", 1, [None, 2, 3]], ["/", 1, 2]],
)  # fmt: skip
def test_what_is_no_expression_is_refused(found: object) -> None:
    with pytest.raises(sc.BuildError, match="damaged"):
        read(found)


def test_facts_of_many_residue_classes_come_back_as_they_went() -> None:
    """A stride of 300 has as many classes, whose taps are added up."""
    derivation = pipeline.derive(sc.conv1d(stride=300), "x")
    facts = [c.facts for c in packed_candidates(derivation.gather, "gx", isa("x86-64-v3")) if c.facts is not None]
    assert facts
    sizes = {"N": 2, "C": 3, "F": 5, "K": 300, "L": 1200, "OL": 4}
    for one in facts:
        assert isinstance(one, Facts)
        assert from_json(json.loads(json.dumps(to_json(one)))) == one
        assert value(one.flops, sizes) >= 2 * 2 * 3 * 5 * 300 * 4


def test_deep_nesting_is_refused() -> None:
    found: object = 1
    for _ in range(5000):
        found = ["+", found, 1]
    with pytest.raises(sc.BuildError, match="nested"):
        read(found)


@pytest.mark.parametrize("field", sorted(to_json(Facts("dot", "dot 4x3"))))
@pytest.mark.parametrize("wrong", [None, 1.5, {"a": 1}, [[1]], "absent"])
def test_damaged_facts_are_refused(field: str, wrong: object) -> None:
    found = to_json(Facts("dot", "dot 4x3", flat=(FlatAxis("u", Var("H"), Var("H")),)))
    if wrong == "absent":
        del found[field]
    else:
        found[field] = wrong
    with pytest.raises(sc.BuildError, match="damaged"):
        from_json(found)


@pytest.mark.parametrize("field", ["name", "extent", "stride", "low"])
def test_damaged_axes_are_refused(field: str) -> None:
    found = to_json(Facts("dot", "dot 4x3", flat=(FlatAxis("u", Var("H"), Var("H")),)))
    found["flat"][0][field] = None  # type: ignore[index]
    with pytest.raises(sc.BuildError, match="damaged"):
        from_json(json.loads(json.dumps(found)))


@pytest.mark.parametrize(
    "expression",
    [Const(Fraction(1, 2)), Const(Fraction(1), True), Load("x", ()), Address("x", ()), Binary("/", Var("H"), Var("W"))],
)
def test_what_counts_nothing_is_a_bug(expression: Expr) -> None:
    with pytest.raises(sc.InternalError):
        encoded(expression)
    with pytest.raises(sc.InternalError):
        value(expression, {"H": 4, "W": 2})


@given(st.integers(-50, 50), st.integers(1, 9))
def test_values_are_those_of_the_mathematics(h: int, d: int) -> None:
    sizes = {"H": h, "W": 3}
    assert value(FloorDiv(Var("H"), d), sizes) == Fraction(h, d).__floor__()
    assert value(Mod(Var("H"), d), sizes) == h - d * Fraction(h, d).__floor__()
    assert value(Select(Compare("<", Var("H"), number(d)), Var("H"), Var("W")), sizes) == (h if h < d else 3)
    assert value(Binary("max", Binary("-", Var("H"), Var("W")), number(-4)), sizes) == max(h - 3, -4)


def test_what_has_no_value_is_a_bug() -> None:
    for expression in (Var("nobody"), Binary("//", number(-1), number(2)), Binary("//", number(1), number(0))):
        with pytest.raises(sc.InternalError):
            value(expression, {"H": 4})
