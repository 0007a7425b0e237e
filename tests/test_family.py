"""Strides and other whole numbers of a formula that are given later, by every door, against loops written out."""

from __future__ import annotations

import numpy as np
import pytest

import symconv as sc
from symconv.commands.prove import prove
from symconv.commands.request import requested
from symconv.errors import SpecError
from symconv.verify.judge import judge
from symconv.verify.reference import evaluate

SOURCE = "y[n,i] = sum[p](x[n,s*i+d*p-q]*w[p])"
FAMILY = sc.operator(SOURCE, params={"s": int, "d": None, "q": int}, name="sliding")


@pytest.mark.parametrize("numbers", [(1, 1, 0), (2, 1, 1), (3, 2, 2), (2, 3, 0)])
def test_each_choice_is_the_operator_with_these_numbers(numbers) -> None:
    s, d, q = numbers
    params = dict(zip("sdq", numbers, strict=True))
    op = FAMILY(**params)
    x, w = np.arange(26.0).reshape(2, 13) - 11, np.array([2.0, -3.0, 5.0])
    count = (13 + 2 * q - 2 * d - 1) // s + 1
    want = np.zeros((2, count))
    for n, i, p in np.ndindex(2, count, 3):
        if 0 <= s * i + d * p - q < 13:
            want[n, i] += x[n, s * i + d * p - q] * w[p]
    assert (evaluate(op, {"x": x, "w": w}) == want).all()
    assert op == sc.operator(SOURCE, params=params, name="sliding")
    assert sc.derive(FAMILY, "w", params=params).operator == sc.derive(op, "w").operator
    assert sc.jvp(FAMILY, "w", params=params).operator == sc.jvp(op, "w").operator


def test_it_is_built_verified_and_proved_with_numbers(monkeypatch) -> None:
    params = {"s": 2, "d": 1, "q": 1}
    assert sc.prove(FAMILY, "gw[p] = sum[n,i](gy[n,i]*x[n,2*i+p-1])", params=params).holds is True
    assert sc.prove(FAMILY, "gw[p] = sum[n,i](gy[n,i]*x[n,2*i+p-1])", params={**params, "s": 3}).holds is False
    asked = []
    monkeypatch.setattr("symconv.api.compiled", lambda op, *more: asked.append(op) or "kernel")
    assert sc.build(FAMILY, params=params) == "kernel"
    assert asked == [FAMILY(**params)]

    class Loops:
        def forward(self, x, w):
            return evaluate(FAMILY(s=2, d=1, q=1), {"x": x, "w": w})

    assert judge(FAMILY(s=2, d=1, q=1), Loops(), gradients=(), count=2)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        (None, r"sliding leaves s open, a whole number that is given at build; say params=\{'s': 2, 'd': 2, 'q': 2\}"),
        ({"s": 2, "q": 1}, "sliding leaves d open"),
        ({"s": 2, "d": 1, "q": 1, "z": 0}, "sliding leaves s, d, q open, not z"),
        ({"s": 2.0, "d": 1, "q": 1}, "s is a whole number; given 2.0"),
        ({"s": True, "d": 1, "q": 1}, "s is a whole number; given True"),
        (3, "params is a mapping from names"),
        ({"s": 0, "d": 1, "q": 1}, "the extent of index 'i' does not follow"),
    ],
)
def test_numbers_that_are_missing_or_wrong(params, words) -> None:
    for call in (
        sc.build,
        lambda f, params: sc.derive(f, "x", params=params),
        lambda f, params: sc.verify(f, params=params),
    ):
        with pytest.raises(SpecError, match=words):
            call(FAMILY, params=params)


def test_what_leaves_nothing_open_takes_none(tmp_path) -> None:
    with pytest.raises(SpecError, match=r"conv1d\(\) leaves none open, given s"):
        sc.build(sc.conv1d(), params={"s": 2})
    with pytest.raises(SpecError, match="leaves none open"):
        sc.derive(sc.derive(sc.conv1d(), "x"), "w", params={"s": 2})
    with pytest.raises(SpecError, match="params names 's', which the formula does not use"):
        sc.operator("y[i] = x[i]", params={"s": int})
    with pytest.raises(SpecError, match=r"params are the whole numbers .* leaves none open, given s"):
        sc.show(sc.conv1d(), tmp_path / "a.html", params={"s": 2})
    for refused in (
        lambda: sc.export(FAMILY, tmp_path / "a"),
        lambda: sc.show(FAMILY, tmp_path / "a.html"),
        lambda: sc.picture(FAMILY),
        lambda: sc.terms(FAMILY, (0, 0), x=(1, 9), w=(3,)),
    ):
        with pytest.raises(SpecError, match=r"leaves s open.*, or family\(s=2, d=2, q=2\) in place of the family"):
            refused()
    assert list(tmp_path.iterdir()) == []
    # Among the values a number without a value is given at run time.
    assert sc.operator("y[n,i] = a*x[n,i]", params={"a": None}).tensors == ("a", "x")


def test_it_is_shown_with_numbers(tmp_path) -> None:
    family = sc.operator("y[n] = x[n+s]", params={"s": int})
    page = sc.show(family, tmp_path / "a.html", params={"s": 3}).read_text(encoding="utf-8")
    assert page == sc.show(family(s=3), tmp_path / "b.html").read_text(encoding="utf-8")


def test_spec_files_and_the_command_line(tmp_path, capsys) -> None:
    file = tmp_path / "layer.toml"
    file.write_text(f'formula = "{SOURCE}"\nparams = {{ s = "int", d = 1, q = 0 }}\n')
    shapes = {"x": (2, 9), "w": (3,)}
    for op in (
        sc.load(file, params={"s": 3}),
        sc.operator(str(file), params={"s": 3}),
        requested(str(file), {"params": (("s", 3),)}),
        requested(SOURCE, {"params": (("s", 3), ("d", 1), ("q", 0))}),
    ):
        assert op.output_shape(**shapes) == (2, 3)
    with pytest.raises(SpecError) as error:
        sc.load(file)
    assert error.value.spoken.endswith("leaves s open, a whole number: say --params s=2")
    with pytest.raises(SpecError, match="d is none of the numbers that the file leaves open"):
        sc.load(file, params={"d": 1})
    claim = "gw[p] = sum[n,i](gy[n,i]*x[n,2*i+p])"
    given = (("d", 1), ("q", 0))
    assert prove(SOURCE, {"params": given}, claim, (("s", range(1, 4)),), None) == 1
    rows = [line.split()[:2] for line in capsys.readouterr().out.splitlines() if line[:1].isdigit()]
    assert rows == [["1", "no"], ["2", "yes"], ["3", "no"]]
    with pytest.raises(SpecError, match="--for gives s, and --params does too"):
        prove(SOURCE, {"params": (("s", 1), *given)}, claim, (("s", range(1, 4)),), None)


@pytest.mark.parametrize(
    ("source", "params", "claim", "others"),
    [
        ("y[n,i] = sum[p](x[n,i+s*p]*w[p])", {"s": 2}, "gw[p] = sum[n,i](gy[n,i]*x[n,i+s*p])", "i+p"),
        ("y[n,i] = sum[p](x[n,i+q*p]*w[p])", {"q": 3}, "gw[p] = sum[n,i](gy[n,i]*x[n,i+q*p])", "i+2*p"),
        ("y[n,i] = sum[p](x[n,i*s+p]*w[p])", {"s": 2}, "gw[t] = sum[n,i](gy[n,i]*x[n,s*i+t])", "i+t"),
        ("y[n,i] = sum[p](x[n,i*s+p]*w[p])", {"s": 2}, "gw[s] = sum[n,i](gy[n,i]*x[n,2*i+s])", "s*i+s"),
        ("y[n,i] = sum[p](x[n,i+p-padding]*w[p])", {"padding": 2}, "gw[p] = sum[n,i](gy[n,i]*x[n,i+p-padding])", "i+p-1"),
        ("y[n,i] = sum[p](x[n,i*s+p*d]*w[p]); z[n,i] = a*y[n,i]", {"s": 2, "d": 3, "a": -0.5},
         "gw[p] = sum[n,i](a*gz[n,i]*x[n,s*i+d*p])", "d*i+s*p"),
    ],
)  # fmt: skip
def test_claims_name_the_numbers_of_the_formula(source, params, claim, others) -> None:
    op = sc.operator(source, params=params)
    right = sc.prove(op, claim, explain=False)
    assert right.holds is True
    assert sc.prove(op, str(right.claim), explain=False).holds is True
    start = claim.index("x[n,") + 4
    wrong = claim[:start] + others + claim[claim.index("]", start) :]
    assert sc.prove(op, wrong, explain=False).holds is False


def test_letters_of_claims_that_are_something_else_there() -> None:
    op = sc.conv1d(padding=1)
    assert sc.prove(op, "gw[f,c,p] = sum[n,i](gy[n,f,i]*x[n,c,i+p-padding])").holds is True
    with pytest.raises(SpecError, match="padding is p in claims, and p is an index of this one: rename the index"):
        sc.prove(sc.conv2d(padding=(1, 2)), "gw[f,c,p,q] = sum[n,i,j](gy[n,f,i,j]*x[n,c,i+p-padding,j+q-2])")
    taken = sc.operator("y[n,i] = sum[p](x[n,K*i+p]*w[p])", params={"K": 2})
    with pytest.raises(SpecError, match="K is a number of the formula, and the size K is called so in claims"):
        sc.prove(taken, "gw[p] = sum[n,i](gy[n,i]*x[n,K*i+p])")
