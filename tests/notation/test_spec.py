"""An operator from a TOML file: the same as from the keywords, and every mistake names the file and the key."""

from __future__ import annotations

import pytest

import symconv as sc

ADDER = """
name = "adder"
formula = "y[n,f,i,j] = -sum[c,p,q](abs(x[n,c,2*i+p-1,j+q] - a*w[f,c,p,q]))"
padding = [[1, 2], [0, 0]]
border = { x = "reflect", w = "skip" }
params = { a = 0.5 }
[surrogate]
w = "x - w"
"""


@pytest.fixture
def file(tmp_path):
    def write(text: str | bytes):
        path = tmp_path / "adder.toml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def test_the_same_operator_as_from_keywords(file) -> None:
    want = sc.operator(
        "y[n,f,i,j] = -sum[c,p,q](abs(x[n,c,2*i+p-1,j+q] - a*w[f,c,p,q]))",
        padding=[(1, 2), (0, 0)],
        border={"x": "reflect", "w": "skip"},
        params={"a": 0.5},
        surrogate={"w": "x - w"},
    )
    assert sc.load(file(ADDER)) == want.renamed("adder")
    assert sc.load(str(file(ADDER))).tensors == ("x", "w")


def test_every_key(file) -> None:
    text = """
    formula = "y[n,c,i] = max[p](x[n,c,2*i+p-1])"
    extents = { p = 3 }
    padding = 1
    border = -1.5
    kinks = { max = "share" }
    """
    op = sc.load(file(text))
    assert op.name == "adder"
    assert op.kinks == (("max", "share"),)
    assert op.output_shape(x=(1, 2, 6)) == (1, 2, 3)
    op = sc.load(file('formula = "y[n,i] = sum[p](x[n,i+p]*w[p])"\npadding = "same"'))
    assert op.output_shape(x=(1, 5), w=(4,)) == (1, 5)


FORMULA = 'formula = "y[i] = sum[p](x[i+p-1]*w[p])"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", 'key "formula" is missing'),
        ("formula = ", "this is no TOML"),
        (b"\xff\xfe", "this is no TOML"),
        ("a = " + "[" * 5000, "this is no TOML"),
        ("x" * 100_001, "100001 bytes"),
        ("formula = 3", "formula: it is text in quotes; given 3"),
        ('formula = "y[i] = x[i"', "formula: column 11"),
        ('formulas = "y[i] = x[i]"', "unknown key 'formulas'; did you mean 'formula'"),
        (FORMULA + "zzz = 1", "unknown key 'zzz'"),
        (FORMULA + 'padding = "full"', "padding: padding is"),
        (FORMULA + "padding = 1.5", "padding: it is an integer, a list"),
        (FORMULA + "padding = [[1, 2, 3]]", "padding: padding is an integer"),
        (FORMULA + "padding = [2]", "padding: padding says 2"),
        (FORMULA + "padding = [1, 1]", "padding: padding names 2 axes"),
        (FORMULA + 'border = "mirror"', "border: border is one of"),
        (FORMULA + "border = true", "border: border is one of"),
        (FORMULA + 'border = { z = "skip" }', "border: border names 'z'"),
        (FORMULA + 'border = { x = "mirror" }', "border: border is one of"),
        (FORMULA + "params = 3", "params: it is a table"),
        (
            FORMULA + 'params = { a = "b" }',
            """params: a is a number, or "int" for one that is given later; it is 'b'""",
        ),
        (FORMULA + "params = { a = inf }", "params: a is a finite number"),
        (FORMULA + "extents = { z = 3 }", "extents: extents names 'z'"),
        (FORMULA + "extents = { i = 1.5 }", "extents: it is a table"),
        (FORMULA + 'kinks = { max = "last" }', "kinks: at the kink of max"),
        (FORMULA + 'kinks = { tan = "last" }', "kinks: kinks can be chosen"),
        (FORMULA + 'surrogate = { w = "x - v" }', "surrogate: surrogate of w"),
        (FORMULA + 'surrogate = "x"', "surrogate: it is a table"),
    ],
    ids=range(27),
)
def test_every_mistake_names_the_file_and_the_key(file, text, said) -> None:
    path = file(text)
    with pytest.raises(sc.SpecError) as caught:
        sc.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)


def test_a_file_that_is_not_there(tmp_path) -> None:
    with pytest.raises(sc.SpecError, match="cannot be read: No such file"):
        sc.load(tmp_path / "none.toml")
    with pytest.raises(sc.SpecError, match="cannot be read"):
        sc.load(tmp_path)
