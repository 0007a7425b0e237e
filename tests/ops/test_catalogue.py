"""The shipped operators: listed with a line and a formula, shapes as documented, mistakes said clearly."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import symconv as sc
from symconv.ops import registry


def test_every_operator_is_listed_public_and_documented() -> None:
    entries = registry.catalogue()
    assert sc.ops() == tuple(entries)
    assert len(entries) == 36
    assert set(entries) == {name for name in registry.__all__ if re.fullmatch(r"\w+[123]d", name)}
    for name, entry in entries.items():
        assert getattr(sc, name) is entry.make
        assert entry.make.__name__ == name
        assert name in sc.__all__
        assert ">>>" in (entry.make.__doc__ or "")
        assert entry.line
        assert entry.formula.startswith("y[")


def test_forward_formulas_only() -> None:
    for path in Path(registry.__file__).parent.glob("*.py"):
        text = path.read_text()
        assert "differentiate" not in text
        assert "Gather" not in text


@pytest.mark.parametrize("name", sc.ops())
def test_constructors_are_short_and_make_operators(name) -> None:
    make = registry.catalogue()[name].make
    op = make(2) if "pool" in name else make()
    assert op.output.name == "y"
    assert op.tensors[0] == "x"
    assert len(inspect.getsource(make).splitlines()) <= 30


def test_formulas_read_well() -> None:
    op = sc.conv2d(stride=(2, 1), padding=((1, 0), (0, 2)), dilation=(1, 3))
    assert op.source == "y[n,f,i,j] = sum[c,p,q](x[n,c,2*i+p-1,j+3*q] * w[f,c,p,q])"
    assert sc.conv1d(border="reflect", padding=1).name == "conv1d(padding=1, border='reflect')"
    assert sc.conv1d(flip=True).source == "y[n,f,i] = sum[c,p](x[n,c,i+(size(p)-1-p)] * w[f,c,p])"
    assert sc.conv2d(padding=((-1, 0), (0, 0))).source.count("+1") == 1
    assert sc.max_pool1d(3).name == "max_pool1d(kernel=3, stride=3)"


SHAPES = [
    (sc.adder2d(stride=2, padding=1), {"x": (2, 3, 9, 8), "w": (4, 3, 3, 2)}, (2, 4, 5, 5)),
    (sc.adder2d(layout="NHWC"), {"x": (2, 9, 8, 3), "w": (3, 2, 3, 4)}, (2, 7, 7, 4)),
    (sc.max_plus2d(groups=2), {"x": (1, 4, 5, 5), "w": (6, 2, 2, 3)}, (1, 6, 4, 3)),
    (sc.max_pool2d((2, 3)), {"x": (1, 4, 5, 9)}, (1, 4, 2, 3)),
    (sc.avg_pool3d(2, 1, layout="NHWC"), {"x": (1, 4, 5, 6, 7)}, (1, 3, 4, 5, 7)),
    (sc.locally_connected2d(bias=True), {"x": (1, 2, 4, 5), "w": (3, 3, 6, 2, 2, 3), "b": (3, 3, 6)}, (1, 6, 3, 3)),
    (sc.dynamic_filter2d(padding=1), {"x": (2, 3, 4, 5), "w": (2, 4, 5, 3, 3)}, (2, 3, 4, 5)),
    (sc.conv_bias_act1d("tanh", padding="same"), {"x": (2, 3, 7), "w": (4, 3, 4), "b": (4,)}, (2, 4, 7)),
    (sc.conv_transpose2d(2, layout="NHWC"), {"x": (1, 3, 4, 6), "w": (2, 3, 5, 6)}, (1, 6, 9, 5)),
]


@pytest.mark.parametrize(("op", "shapes", "want"), SHAPES, ids=lambda value: getattr(value, "name", ""))
def test_shapes(op, shapes, want) -> None:
    assert op.output_shape(**shapes) == want


def test_weights_by_position_fit_the_output() -> None:
    with pytest.raises(sc.SpecError, match=r"w has shape \(5, 4, 3, 3\), wanted \(7, 4, 3, 3\)"):
        sc.locally_connected1d().output_shape(x=(1, 3, 9), w=(5, 4, 3, 3))
    with pytest.raises(sc.SpecError, match=r"w has shape \(2, 9, 3\), wanted \(2, 7, 3\)"):
        sc.dynamic_filter1d().output_shape(x=(2, 3, 9), w=(2, 9, 3))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: sc.conv_transpose2d(2, output_padding=2), r"output_padding is less than max\(stride, dilation\) = 2"),
        (lambda: sc.conv_transpose1d(padding="same"), "padding of a transposed convolution is an integer"),
        (lambda: sc.conv_transpose1d(output_padding=-1), "output_padding is an integer from 0"),
        (lambda: sc.max_pool2d(0), "kernel is an integer from 1"),
        (lambda: sc.max_pool2d((2, 2, 2)), "kernel names 3 axes, wanted 2"),
        (lambda: sc.kervolution1d(power=0), "power is an integer from 1"),
        (lambda: sc.kervolution1d(power=2.5), "power is an integer from 1"),
        (lambda: sc.conv_bias_act1d("swish"), "activation is one of .*relu"),
        (lambda: sc.adder1d(groups=0), "groups is an integer from 1"),
        (lambda: sc.adder1d(layout="HWCN"), "layout is one of NCHW, NHWC"),
        (lambda: sc.adder1d(border="mirror"), "border is one of"),
        (lambda: sc.adder1d(surrogate={"v": "x"}), "surrogate names 'v'"),
        (lambda: sc.squared_distance1d(stride=0), "stride is an integer from 1"),
        (lambda: sc.conv_transpose1d().output_shape(x=(1, 1, 1), w=(1, 1, 0)), "output would be empty"),
        (lambda: sc.conv_transpose1d(padding=3).output_shape(x=(1, 1, 2), w=(1, 1, 3)), "output would be empty"),
    ],
)
def test_mistakes_are_said(make, said) -> None:
    with pytest.raises(sc.SpecError, match=said):
        make()
