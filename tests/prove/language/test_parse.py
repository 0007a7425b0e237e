"""The claim language as text: what is read, what is refused and where the caret points, and printing it again."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symconv.errors import SpecError
from symconv.limits import CLAIM_CHARACTERS
from symconv.prove.language.parse import parse_claim
from symconv.prove.language.syntax import Binary, Call, Claim, Name, Node, Number, Pick, Sliced, Span, Text, Tuple, walk
from symconv.prove.language.vocabulary import FUNCTIONS, METHODS


def number(value: int) -> Number:
    return Number(Fraction(value))


BODIES: dict[str, Node] = {
    "x": Name("x"),
    "conv(gy, w)": Call("conv", (Name("gy"), Name("w"))),
    "F.conv2d(gy, w, padding=1)": Call("conv2d", (Name("gy"), Name("w")), (("padding", number(1)),)),
    "torch.nn.functional.conv2d(x, gy)": Call("conv2d", (Name("x"), Name("gy"))),
    "F*x": Binary("*", Name("F"), Name("x")),
    "a + b*c - d": Binary("-", Binary("+", Name("a"), Binary("*", Name("b"), Name("c"))), Name("d")),
    "(a + b)*c": Binary("*", Binary("+", Name("a"), Name("b")), Name("c")),
    "a/2 // 3 % 4 @ b": Binary(
        "@", Binary("%", Binary("//", Binary("/", Name("a"), number(2)), number(3)), number(4)), Name("b")
    ),
    "-x": Binary("-", number(0), Name("x")),
    "-3": number(-3),
    "+x": Name("x"),
    "1.25": Number(Fraction(5, 4)),
    "w.T": Call("permute", (Name("w"),)),
    "w.flip([2, 3])": Call("flip", (Name("w"), Tuple((number(2), number(3))))),
    "x.transpose(0, 1)": Call("transpose", (Name("x"), number(0), number(1))),
    "x.shape[2]": Call("size", (Name("x"), number(2))),
    "(1, 2)": Tuple((number(1), number(2))),
    "(1,)": Tuple((number(1),)),
    "[1]": Tuple((number(1),)),
    "()": Tuple(()),
    "(1)": number(1),
    "'nfij,ncij->fc'": Text("nfij,ncij->fc"),
    "x[:, 1:-1, ::2, None, ..., 3]": Sliced(
        Name("x"),
        (
            Span(),
            Span(number(1), number(-1)),
            Span(step=number(2)),
            Pick("new"),
            Pick("..."),
            Pick("index", number(3)),
        ),
    ),
}


@pytest.mark.parametrize("text", BODIES)
def test_a_text_is_read_as(text: str) -> None:
    assert parse_claim(f"gx = {text}") == Claim("gx", BODIES[text])


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("", 1, "a claim begins with what it computes"),
        ("3 = x", 1, "a claim begins with what it computes"),
        ("gx conv(x)", 4, "'=' is wanted after gx"),
        ("gx = ", 6, "a tensor, a size, a number or a function is wanted; the claim ends here"),
        ("gx = x y", 8, "an operator or the end is wanted; found 'y'"),
        ("gx = x; y", 10, "'=' is wanted after y"),
        ("gx = x ^ 2", 8, "a power is written **"),
        ("gx = (x w)", 9, "',' or ')' is wanted"),
        ("gx = 2 x", 8, "a product is written with *"),
        ("gx = conv2(x)", 6, "did you mean 'conv'? There are windows: conv, "),
        ("gx = x.flipp()", 8, "did you mean 'flip'? It has "),
        ("gx[n,n] = x", 6, "indexed by names, each once"),
        ("gx[2*n] = x", 5, "indexed by names, each once"),
        ("gx[n] = sum[](x[n])", 9, "runs over indices"),
        ("gx[n] = sum[2](x[n])", 14, "a comparison is wanted"),
        ("gx[n] = sum[2<3](x[n])", 13, "a name in small letters"),
        ("gx[n] = sum[p: p](x[n])", 17, "a comparison is wanted"),
        ("gx[n] = sum[p=0](x[n])", 16, "'..' is wanted"),
        ("gx[n] = sum[p]", 15, "'(' is wanted after sum[p]"),
        ("gx = eval(x)", 6, "there is no function 'eval'"),
        ("gx = os.system(x)", 9, "a tensor has no 'system'"),
        ("gx = x.__class__", 8, "a tensor has no '__class__'"),
        ("gx = flip(x", 12, "',' is wanted between arguments"),
        ("gx = flip(x y)", 13, "',' is wanted between arguments"),
        ("gx = conv(x, w, stride=1, stride=2)", 27, "stride is given twice"),
        ("gx = conv(x, stride=1, w)", 24, "a positional argument stands before the named ones"),
        ("gx = x[]", 9, "an empty subscript"),
        ("gx = x[1 2]", 10, "',' is wanted between the axes of a subscript"),
        ("gx = (1, 2", 11, "',' or ')' is wanted"),
        ("gx = (1 2)", 9, "',' or ')' is wanted"),
        ("gx = 'abc", 6, "is not part of the claim language"),
        (f"gx = {'9' * 61}", 6, "too long"),
        (f"gx = {'(' * 70}x{')' * 70}", 66, "nested deeper than 60"),
        (f"gx = {'-' * 70}x", 66, "nested deeper than 60"),
        (f"gx = x{'+x' * 200}", 247, "more than 120 operations"),
        (f"gx = x{'.T' * 200}", 247, "more than 120 operations"),
        (f"gx = x{'[0]' * 200}", 367, "more than 120 operations"),
    ],
)
def test_a_wrong_text_is_refused_with_a_caret(text: str, column: int, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_claim(text)
    message, line, caret = str(caught.value).split("\n")
    assert message.startswith(f"claim, column {column}: ")
    assert words in message
    assert (line[len(caret) - 1 :] or text[column - 1 :])[:1] == text[column - 1 :][:1]


def test_texts_are_texts_of_bounded_length() -> None:
    with pytest.raises(SpecError, match="a claim is a text"):
        parse_claim(3)  # type: ignore[arg-type]
    with pytest.raises(SpecError, match=f"at most {CLAIM_CHARACTERS} are read"):
        parse_claim("gx = " + " " * CLAIM_CHARACTERS)


def test_positions_do_not_count_for_equality() -> None:
    assert parse_claim("gx=conv( gy ,w )") == parse_claim("gx = conv(gy, w)")
    assert {node.at for node in walk(parse_claim("gx = gy+w").body)} == {5, 7, 8}


WORDS = (*sorted(FUNCTIONS), *sorted(METHODS), "gx", "gy", "x", "w", "K", "F", "None", "T", "shape", "torch")
PIECES = st.sampled_from([*WORDS, *"()[],.=:+-*/%@", "//", "...", " ", "1", "2.5", "0", "'ab->c'", '"full"', "é", "\n"])
FRACTION = re.compile(r"\d\.\d")
"""Fractions are shown as divisions, which are other trees."""


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=60))
def test_any_text_is_a_claim_or_a_spec_error(text: str) -> None:
    for source in (text, f"gx = {text}"):
        try:
            claim = parse_claim(source)
        except SpecError as error:
            assert str(error)
        else:
            assert FRACTION.search(source) or parse_claim(str(claim)) == claim


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(["(", "[", "-", "flip(", "x[", "(1,", "x.flip(", "1+", "x@", "+"]), st.integers(1, 1300))
def test_deep_nesting_is_a_claim_or_a_spec_error(opening: str, depth: int) -> None:
    for closing in ("", "x", "x" + ")" * depth, "x" + "]" * depth):
        try:
            claim = parse_claim(f"gx = {opening * depth}{closing}")
        except SpecError:
            continue
        assert parse_claim(str(claim)) == claim


ARRANGED = {"conv", "conv_transpose", "unfold", "fold", "convolve", "correlate"}
"""Words whose arguments are brought into an order of their own."""

GATHERED = {"flip", "pad"}
"""Words of which more than two arguments are read as in another library."""


def nodes() -> st.SearchStrategy[Node]:
    """Trees a text can denote: fractions and negated numbers come from operations."""
    names = st.sampled_from(["x", "w", "gy", "K", "H", "p", "None"])
    leaves = names.map(Name) | st.integers(-20, 20).map(number) | st.sampled_from([Text("full"), Text('a"b')])

    def grow(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        spans = st.builds(Span, st.none() | inner, st.none() | inner, st.none() | inner)
        picks = st.sampled_from([Pick("new"), Pick("...")]) | inner.map(lambda node: Pick("index", node))
        options = st.dictionaries(st.sampled_from(["stride", "padding"]), inner, max_size=2)
        return (
            st.builds(Binary, st.sampled_from(["+", "-", "*", "/", "//", "%", "@"]), inner, inner)
            | st.builds(
                lambda name, arguments, named: Call(
                    name, tuple(arguments[: 2 if name in GATHERED else 3]), tuple(named.items())
                ),
                st.sampled_from(sorted(set(FUNCTIONS) - ARRANGED)),
                st.lists(inner, max_size=3),
                options,
            )
            | st.lists(inner, max_size=3).map(lambda items: Tuple(tuple(items)))
            | st.builds(
                lambda v, items: Sliced(v, tuple(items)), inner, st.lists(spans | picks, min_size=1, max_size=3)
            )
        )

    return st.recursive(leaves, grow, max_leaves=12)


@settings(max_examples=300, deadline=None)
@given(nodes())
def test_what_is_shown_is_read_back(node: Node) -> None:
    claim = Claim("gx", node)
    assert parse_claim(str(claim)) == claim


def test_a_fraction_is_shown_so_that_it_divides_as_one_number() -> None:
    assert str(parse_claim("gx = x / 1.5")) == "gx = x/(3/2)"
