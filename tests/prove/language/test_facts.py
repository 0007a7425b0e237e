"""Layout and groups follow from how indices are used: orders of tensors times layouts times claims, against loops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import convolved
import numpy as np
import pytest
from convolved import Array

import symconv as sc
from symconv.errors import SpecError
from symconv.prove.language.facts import facts_of

Shapes = dict[str, tuple[int, ...]]
SIZES = [(2, 2, 2, 5, 2), (1, 1, 1, 4, 3), (2, 1, 2, 4, 2), (1, 2, 1, 3, 3), (2, 2, 1, 1, 1), (1, 2, 2, 6, 3),
         (2, 1, 1, 2, 2), (1, 1, 2, 5, 1)]  # fmt: skip
"""Batch, channels per group, filters per group, length, taps."""


@dataclass(frozen=True)
class Form:
    """A one-dimensional convolution, written down in one of many ways."""

    last: bool
    order: tuple[int, ...]
    groups: int
    stride: int

    @property
    def source(self) -> str:
        f, c = ("(g,f)", "(g,c)") if self.groups > 1 else ("f", "c")
        at = "i+p" if self.stride == 1 else f"{self.stride}*i+p"
        x, w = (f"x[n,{at},{c}]", f"w[p,c,{f}]") if self.last else (f"x[n,{c},{at}]", f"w[{f},c,p]")
        y = f"y[n,i,{f}]" if self.last else f"y[n,{f},i]"
        bias = "b[(g,f)]" if self.groups > 1 else "b[f]"
        product_ = "*".join((x, w)[k] for k in self.order if k < 2)
        parts = [f"sum[c,p]({product_})"]
        if 2 in self.order:
            parts.insert(0 if self.order.index(2) == 0 else 1, bias)
        return f"{y} = {' + '.join(parts)}"

    def operator(self) -> sc.Operator:
        extents = {"g": self.groups} if self.groups > 1 else None
        return sc.operator(self.source, extents=extents)

    def image(self, a: Array) -> Array:
        """To and from the layout of ``convolved``."""
        return a.transpose(0, 2, 1) if self.last else a

    def filters(self, a: Array) -> Array:
        return a.transpose(2, 1, 0) if self.last else a


FORMS = [Form(last, order, groups, stride)
         for last, order, groups, stride in product((False, True), ((0, 1), (1, 0), (2, 1, 0), (1, 0, 2)), (1, 2), (1, 2))]  # fmt: skip

Words = Callable[["Form", Array, Array, Array], Array | None]


def _transposed(stride: int, groups: bool, more: bool, wanted: str) -> tuple[str, Words]:
    def value(form: Form, gy: Array, x: Array, w: Array) -> Array | None:
        rest = (x.shape[2] - w.shape[2]) % stride if more else 0
        return convolved.conv_transpose(gy, w, stride, 0, rest, 1, form.groups if groups else 1)

    options = [f"stride={stride}"] + ["groups=g"] * groups + [f"output_padding=(L-K)%{stride}"] * more
    return f"gx = {wanted}(gy, w, {', '.join(options)})", value


CLAIMS = [
    *(_transposed(*parts) for parts in product((1, 2), (False, True), (False, True), ("conv_transpose",))),
    _transposed(2, True, False, "conv_transpose1d"),
    ("y = conv(x, w, stride=2, groups=g)", lambda form, gy, x, w: convolved.conv(x, w, s=2, g=form.groups)),
    ("y = conv1d(x, w)", lambda form, gy, x, w: convolved.conv(x, w)),
    ("gx = conv(gy, w, padding=K-1)", lambda form, gy, x, w: convolved.conv(gy, w, 1, w.shape[2] - 1, w.shape[2] - 1)),
    ("gx = conv(gy, flip(w), padding=K-1, groups=g)",
     lambda form, gy, x, w: convolved.conv(gy, w[:, :, ::-1], 1, w.shape[2] - 1, w.shape[2] - 1, 1, form.groups)),
    ("gx = crop(conv_transpose(pad(gy, 1), w), 1)",
     lambda form, gy, x, w: _cut(convolved.conv_transpose(np.pad(gy, ((0, 0), (0, 0), (1, 1))), w))),
]  # fmt: skip


def _cut(a: Array | None) -> Array | None:
    return None if a is None or a.shape[2] < 2 else a[:, :, 1:-1]


def _drawn(form: Form, sizes: tuple[int, ...], seed: int) -> tuple[Shapes, Array, Array, Array] | None:
    n, c, f, size, taps = sizes
    if size < taps:
        return None
    rng = np.random.default_rng(seed)
    x = rng.integers(1, 9, (n, c * form.groups, size)).astype(object)
    w = rng.integers(1, 9, (f * form.groups, c, taps)).astype(object)
    out = (size - taps) // form.stride + 1
    gy = rng.integers(1, 9, (n, f * form.groups, out)).astype(object)
    shapes = {"x": form.image(x).shape, "w": form.filters(w).shape}
    return (shapes | ({"b": (f * form.groups,)} if 2 in form.order else {})), gy, x, w


SOME = [form if k % 4 in {0, 3} else pytest.param(form, marks=pytest.mark.full) for k, form in enumerate(FORMS)]


@pytest.mark.parametrize("form", SOME, ids=lambda form: form.source)
def test_the_order_of_tensors_is_no_matter(form: Form) -> None:
    op = form.operator()
    assert facts_of(op).layout == ("NHWC" if form.last else "NCHW")
    assert facts_of(op).groups.constant == form.groups
    seen = set()
    for stated, words in CLAIMS:
        text = stated
        if text.startswith("y") and "b" in op.tensors:
            continue
        if form.last and text.startswith("gx = crop"):
            # Only arrays with a name have a known layout.
            text = text.replace("crop(", "(").replace(", w), 1)", ", w))[:, 1:-1]")
        proof = sc.prove(op, text, explain=False)
        assert proof.holds is not None, proof.reason
        for seed, sizes in enumerate(SIZES):
            if (drawn := _drawn(form, sizes, seed)) is None:
                continue
            shapes, gy, x, w = drawn
            got = words(form, gy, x, w)
            if text.startswith("y"):
                want = convolved.forward(x, w, form.stride, 0, 0, 1, form.groups)
            else:
                want = convolved.gradient_x(gy, x, w, form.stride, 0, 1, form.groups)
            wrong = got is None or got.shape != want.shape or bool((got != want).any())
            assert proof.fails(**shapes) is wrong, (text, shapes)
            seen.add(wrong)
    assert seen == {True, False}


def test_wrong_strides_fail_alike_in_every_order() -> None:
    texts = ("sum[c,p](x[n,c,i+p]*w[f,c,p])", "sum[c,p](w[f,c,p]*x[n,c,i+p])", "b[f] + sum[c,p](w[f,c,p]*x[n,c,i+p])")
    for text in texts:
        op = sc.operator(f"y[n,f,i] = {text}")
        assert sc.prove(op, "gx = conv_transpose1d(gy, w)").holds is True
        assert sc.prove(op, "gx = conv_transpose1d(gy, w, stride=2)").fails_when in {"L ≠ K", "K ≠ L"}
        strided = sc.operator(f"y[n,f,i] = {text.replace('i+p', '2*i+p')}")
        assert sc.prove(strided, "gx = conv_transpose1d(gy, w, stride=2)").fails_when == "(L − K) mod s ≠ 0"


BASES = [sc.conv1d(), sc.conv2d(), sc.conv2d(layout="NHWC"), sc.conv2d(groups=2), sc.conv1d(layout="NHWC", groups=3),
         sc.operator("y[n,f,i] = b[f] + sum[c,p](w[f,c,p]*x[n,c,i+p])")]  # fmt: skip


@pytest.mark.parametrize("base", BASES, ids=lambda op: op.source)
@pytest.mark.parametrize(
    ("by", "claim", "holds"),
    [
        ("w", "ggy = conv(x, ggw, groups=g)", True),
        ("w", "ggy = conv(ggw, x, groups=g)", False),
        ("w", "ggx = conv_transpose(gy, ggw, groups=g)", None),
        ("w", "gx = conv_transpose(gy, ggw, groups=g)", True),
        ("w", "gx = conv_transpose(gy, w, groups=g)", False),
        ("x", "ggy = conv(ggx, w, groups=g)", True),
        ("x", "ggy = conv(x, w, groups=g)", False),
        ("x", "gx = conv_transpose(gy, w, groups=g)", True),
        ("x", "gx = 0*x", False),
    ],
)
def test_a_gradient_is_an_operator_like_any_other(base, by: str, claim: str, holds: bool | None) -> None:
    gradient = sc.derive(base, by)
    if holds is None:
        with pytest.raises(SpecError, match="not computed"):
            sc.prove(gradient, claim)
        return
    assert sc.prove(gradient, claim, explain=False).holds is holds
    facts, own = facts_of(base), facts_of(gradient.derivation.operator)
    assert (own.layout, own.groups, own.rank) == (facts.layout, facts.groups, facts.rank)


def test_the_gradient_of_a_bias_is_an_operator_too() -> None:
    bias = sc.derive(sc.conv2d(bias=True), "b")
    assert sc.prove(bias, "ggy = reshape(ggb, (1, F, 1, 1)) + 0*gy").holds
    assert sc.prove(bias, "gb = sum(gy, (0, 2, 3))").holds


@pytest.mark.parametrize(
    ("source", "layout", "groups"),
    [
        ("y[n,c,i] = sum[p](w[c,p]*x[n,c,i+p])", "NCHW", "C"),
        ("y[n,i,c] = sum[p](w[p,c]*x[n,i+p,c])", "NHWC", "C"),
        ("y[n,f,i] = sum[c,p](k[n,f,c,p]*x[n,c,i+p])", "NCHW", "1"),
        ("y[n,i,f] = sum[c](w[c,f]*x[n,i,c])", "NHWC", "1"),
        ("y[n,f,i,j] = sum[c](w[f,c]*x[n,c,i,j])", "NCHW", "1"),
        ("y[n,i,f] = sum[c,p](w[f,c,p]*x[n,i+p,c])", "", "1"),
        ("y[i,j] = sum[p,q](w[p,q]*x[i+p,j+q])", "NCHW", "1"),
    ],
)
def test_facts_of_other_formulas(source: str, layout: str, groups: str) -> None:
    facts = facts_of(sc.operator(source))
    assert (facts.layout, str(facts.groups)) == (layout, groups)


def test_arrays_laid_out_in_two_ways_want_a_layout() -> None:
    op = sc.operator("y[n,i,f] = sum[c,p](w[f,c,p]*x[n,i+p,c])")
    with pytest.raises(SpecError, match="channels in different places"):
        sc.prove(op, "y = conv(x, w)")
    assert sc.prove(op, 'y = conv(x, permute(w, (2, 1, 0)), layout="NHWC")').holds
    assert sc.prove(op, 'gx = permute(conv_transpose(permute(gy, (0, 2, 1)), w, layout="NCHW"), (0, 2, 1))').holds


def test_a_whole_axis_is_named_by_its_index() -> None:
    """``Ca`` is the size inside a group; the axis of both is ``C``."""
    op = sc.operator("y[n,(a,f),i] = sum[c,p](w[(a,f),c,p]*x[n,(a,c),i+p])", extents={"a": 2})
    assert sc.prove(op, "gx = conv_transpose(gy, w, groups=2)").holds
    assert sc.prove(op, "gx = conv_transpose(gy, w, groups=g) + 0*reshape(x, (N, 2*Ca, L))").holds
    assert sc.prove(op, "gx = conv_transpose(gy, w, groups=g) + 0*reshape(x, (N, C, L))").holds
    assert not sc.prove(op, "gx = conv_transpose(gy, w, groups=g) + 0*reshape(x, (N, Ca, L))").holds
