"""Formulas at the front door: any text gives an operator or a SpecError that says what is wanted."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symconv.errors import SpecError
from symconv.notation.front import formula
from symconv.notation.operator import Operator
from symconv.ops.registry import conv_bias_act1d, max_plus2d, max_pool1d, min_plus3d, operator

PIECES = st.sampled_from(
    [
        "y[n,i]",
        "y[n]",
        "=",
        "sum[p](",
        "mean[p,q](",
        "max[p](",
        "x[n,i+p]",
        "x[n,2*i+p-1]",
        "w[p]",
        "x[(i-p)/2]",
        ")",
        "(",
        "[",
        "]",
        ",",
        "+",
        "-",
        "*",
        "/",
        "**",
        "<",
        "==",
        "1",
        "2.5",
        "1e9",
        "abs(",
        "tanh(",
        "where(",
        "size(p)",
        "i",
        "p",
        "n",
        "(g,c)",
        "for",
        "int",
        "sc_x",
        "__class__",
        "e1",
        "1e999",
        "∑",
        "\x00",
        "'",
        '"',
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=25).map("".join)))
def test_any_text_is_an_operator_or_a_spec_error(text: str) -> None:
    try:
        assert isinstance(formula(text), Operator)
    except SpecError as error:
        assert str(error)


@pytest.mark.parametrize(
    "text",
    [
        "y[n] = " + "(" * 5000 + "x[n]" + ")" * 5000,
        "y[n] = x[n]" + " + x[n]" * 1200,
        "y[n] = " + "-" * 3000 + "x[n]",
        "y[n] = x[" + "9" * 50 + "*n]",
        "y[n] = x[n] * 1e999",
        "y" * 20000,
        "y[n] = " + "abs(" * 39 + "x[n]" + ")" * 39 + ")",
    ],
)
def test_deep_and_huge_formulas_are_refused(text: str) -> None:
    with pytest.raises(SpecError):
        formula(text)


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("y[n,i] = summ[p](x[n,i+p])", "no reduction", 9),
        ("y[n,i] = sum[p](x[n,i+k])", "'k' is no index", 22),
        ("y[n,i] = sum[p](x[n,i+p]", "to close '('", 24),
        ("y[n,i] = tanhh(x[n,i])", "did you mean 'tanh'", 9),
        ("y[n,i] = x[n,i] + c", "params=", 18),
        ("y[n,i] = x[n,i*i]", "sum of indices times integers", 14),
        ("y[n,i] = x[n,i] $ 2", "not part of the notation", 16),
        ("y[i] = 2**2**2**2**2**2*x[i]", "the number this makes is outside float64", 11),
        ("y[i] = x[i]*(1/3)**1000000", "the number this makes is outside float64", 17),
        ("y[i] = exp(exp(exp(10)))*x[i]", "the number this makes is outside float64", 11),
        ("y[i] = x[i]*(0-1)**(1/2)", "the number this makes is no real number", 17),
        ("y[i] = x[i]/(1-1)", "the number this makes is no real number", 11),
        ("y[i] = x[i]*log(0)", "the number this makes is no real number", 12),
    ],
)
def test_errors_point_at_the_column(text: str, message: str, column: int) -> None:
    with pytest.raises(SpecError) as caught:
        formula(text)
    lines = str(caught.value).splitlines()
    assert message in lines[0]
    assert lines[-1].index("^") == column + 2


@pytest.mark.parametrize("name", ["for", "int", "lambda", "sc_x", "r_u", "x_", "malloc"])
def test_names_no_language_takes_are_refused(name: str) -> None:
    with pytest.raises(SpecError, match=r"reserved|generates|expected"):
        formula(f"y[n] = {name}[n]")


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("y[n,i] = sum[p](x[n,i+p])", "extents={'p'"),
        ("y[i,j] = x[i]", "extents={'j'"),
        ("y[n,i] = sum[p](x[n,9-i-p]*w[p])", "extents={'i'"),
    ],
)
def test_what_is_ambiguous_is_asked_for(text: str, asked: str) -> None:
    with pytest.raises(SpecError) as caught:
        formula(text)
    assert asked in str(caught.value)


@pytest.mark.parametrize("stride", [1, 2, 3, 5])
@pytest.mark.parametrize("dilation", [1, 2])
def test_same_padding_follows_the_contract(stride: int, dilation: int) -> None:
    op = formula(f"y[n,i] = sum[p](x[n,{stride}*i+{dilation}*p]*w[p])", padding="same")
    for length in range(1, 14):
        for kernel in range(1, 5):
            sizes = op.sizes(x=(2, length), w=(kernel,))
            cells = -(-length // stride)
            total = max((cells - 1) * stride + dilation * (kernel - 1) + 1 - length, 0)
            assert (sizes["OL"], sizes["PL"]) == (cells, total // 2)


def test_pads_must_agree_with_the_offsets() -> None:
    with pytest.raises(SpecError, match="must agree"):
        formula("y[n,i] = sum[p](x[n,i+p-1]*w[p])", padding=[(2, 0)])
    with pytest.raises(SpecError, match="chooses the low pad itself"):
        formula("y[n,i] = sum[p](x[n,i+p-1]*w[p])", padding="same")


@pytest.mark.parametrize("value", ["i", 3, [("i", 2)], {3: 4}])
@pytest.mark.parametrize("setting", ["extents", "params", "kinks", "surrogate"])
def test_settings_go_by_name(setting: str, value: object) -> None:
    with pytest.raises(SpecError, match=f"{setting} is a mapping from names, as in"):
        operator("y[n,i] = sum[p](relu(x[n,i+p]*w[p]))", **{setting: value})


@pytest.mark.parametrize("make", [max_pool1d, max_plus2d, min_plus3d, conv_bias_act1d])
def test_shipped_operators_take_conventions_by_name(make) -> None:
    first = (2,) if make is max_pool1d else ()
    with pytest.raises(SpecError, match="kinks is a mapping from names"):
        make(*first, kinks="share")
    assert "kinks='min:share'" in make(*first, kinks={"min": "share"}).name


@pytest.mark.parametrize(
    ("name", "reason"),
    [("s", "does not use"), ("N", "does not use"), ("i", "tensor or an index"), ("w", "tensor or an index")],
)
def test_a_number_that_nothing_reads_is_refused(name: str, reason: str) -> None:
    with pytest.raises(SpecError, match=f"params names '{name}'.*{reason}"):
        operator("y[n,i] = sum[p](t*x[n,i+p]*w[p])", params={"t": 0.5, name: 2})


def test_a_number_may_stand_in_a_surrogate_alone() -> None:
    op = operator("y[n,i] = abs(x[n,i])", params={"t": 4}, surrogate={"abs": "tanh(t*u)"})
    assert op.surrogates[0].text == "tanh(t*u)"


@pytest.mark.parametrize(
    ("name", "word"),
    [("tahn", "did you mean 'tanh'"), ("relu6x", "did you mean 'relu6'"), ("sgm", "did you mean 'sigmoid'"),
     ("sqr", "did you mean 'sqrt'"), ("ln", r"it is written log\(x\[i\]\)"), ("heaviside", r"it is written \(x\[i\] > 0\)"),
     ("power", r"it is written x\[i\]\*\*2"), ("sech", r"it is written 1/cosh\(x\[i\]\)")],
)  # fmt: skip
def test_the_nearest_function_is_named(name: str, word: str) -> None:
    with pytest.raises(SpecError, match=word):
        formula(f"y[i] = {name}(x[i])")


@pytest.mark.parametrize("name", ["arctan", "eval", "wherever"])
def test_no_function_is_named_that_nobody_meant(name: str) -> None:
    with pytest.raises(SpecError) as refused:
        formula(f"y[i] = {name}(x[i])")
    assert "hardtanh'?" not in str(refused.value)
    assert name != "eval" or "did you mean" not in str(refused.value)


@pytest.mark.parametrize(("name", "word"), [
    ("wrap", "circular"), ("periodic", "circular"), ("edge", "replicate"), ("nearest", "replicate"), ("zeros", "zero"),
    ("mirror", "reflect"), ("symetric", "symmetric"), ("constant", "zero"),
])  # fmt: skip
def test_a_border_rule_is_told_in_words_of_the_notation(name: str, word: str) -> None:
    with pytest.raises(SpecError, match=f"did you mean '{word}'"):
        formula("y[i] = sum[p](x[i+p-1]*w[p])", border=name)


@pytest.mark.parametrize(("body", "hint"), [
    ("exp x[i]", r"as in exp\(x\[i\]\)"), ("2*sin x[i]", r"as in sin\(x\[i\]\)"), ("2 x[i]", r"a product is written with \*"),
    ("w[i] x[i]", r"a product is written with \*"),
])  # fmt: skip
def test_what_is_missing_between_two_values(body: str, hint: str) -> None:
    with pytest.raises(SpecError, match=hint):
        formula(f"y[i] = {body}")
