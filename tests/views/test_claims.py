"""A false claim is drawn where it fails: the marked cells are those that differ, by numbers and by shape."""

from __future__ import annotations

import itertools
import re

import pytest

import symconv as sc
from symconv.prove.decide.evidence import pattern
from symconv.views.claims import proof_html
from symconv.views.compared import excess, pattern_svgs
from symconv.views.differences import difference

FALSE = [
    (sc.conv2d(stride=2), "gx = conv_transpose(gy, w, stride=2)"),
    (sc.conv2d(stride=(2, 3)), "gx = conv_transpose(gy, w, stride=(2, 3))"),
    (sc.conv1d(stride=3, padding=1), "gx = conv_transpose(gy, w, stride=3, padding=1)"),
    (sc.conv2d(), "gx = conv2d(gy, flip(w), padding=1)"),
    (sc.conv2d(), "gw = conv2d(x, gy)"),
    (sc.conv1d(padding=1), "gx = gy"),
    (sc.conv2d(padding=1), "gw = w"),
    (sc.conv1d(groups=2), "gx = conv_transpose(gy, w)"),
    (sc.conv1d(), "gx = 2*conv_transpose(gy, w)"),
    (sc.operator("y[i] = x[i]*x[i]"), "gx = gy*x"),
    (sc.operator("y[i] = tanh(x[i])"), "gx = gy*tanh(x)"),
    (sc.conv2d(), "y = conv2d(x, flip(w))"),
]


@pytest.mark.parametrize(("op", "claim"), FALSE, ids=lambda value: str(value)[:40])
def test_the_cells_that_differ_are_marked(op, claim) -> None:
    proof = sc.prove(op, claim)
    assert proof.holds is False
    found = difference(proof)
    assert found is not None
    assert found.wrong
    cells = set(found.got) | set(found.want)
    assert found.wrong == {cell for cell in cells if found.got.get(cell) != found.want.get(cell)}
    page = proof_html(proof)
    marks = re.findall(r">[^<>]*!</text>", page)
    assert len(marks) == sum(cell in side for side in (found.got, found.want) for cell in found.wrong)
    assert f"for {found.where}" in page


def test_the_numbers_drawn_are_the_sides_values() -> None:
    proof = sc.prove(sc.operator("y[n,i] = x[n,i]*x[n,i]"), "gx = gy*x")
    found = difference(proof)
    assert found is not None
    # y = x², so the truth is twice what is claimed, whatever was drawn.
    assert {cell: 2 * int(text) for cell, text in found.got.items()} == {c: int(t) for c, t in found.want.items()}


def test_sizes_are_of_those_where_the_claim_fails() -> None:
    proof = sc.prove(sc.conv2d(stride=2), "gx = conv_transpose(gy, w, stride=2)")
    found = difference(proof)
    assert found is not None
    shapes = {name: tuple(map(int, shape.split("x"))) for name, shape in re.findall(r"(\w+) ([\dx]+)", found.where)}
    assert proof.fails(**shapes)


def test_a_true_claim_has_no_marks() -> None:
    proof = sc.prove(sc.conv2d(), "gx = conv_transpose(gy, w)")
    assert difference(proof) is None
    page = proof_html(proof)
    assert "<svg" in page
    assert not re.search(r">[^<>]*!</text>", page)


def test_a_claim_without_a_value_has_no_picture() -> None:
    proof = sc.prove(sc.operator("y[i] = sum[p](x[i+p]*w[p])"), "gx = gy*x")
    found = difference(proof)
    # gy and x have one length only where w is 1: elsewhere the product has no value to draw.
    assert proof.holds is False
    assert found is None or proof_html(proof).count("!</text>") > 0


def _products(cell, shapes, swapped):
    """What gx of a convolution sums, by loops; without the exchange of channels where it is forgotten."""
    n, c, u, v = cell
    (_, _, height, width), (filters, _, kh, kw) = shapes
    found = []
    for f, p, q in itertools.product(range(filters), range(kh), range(kw)):
        i, j = u - p, v - q
        if 0 <= i <= height - kh and 0 <= j <= width - kw:
            found.append(f"gy[{n},{f},{i},{j}]·w[{f if swapped else c},{c if swapped else f},{p},{q}]")
    return tuple(sorted(found))


def test_products_that_differ_are_marked_where_their_numbers_agree() -> None:
    proof = sc.prove(sc.conv2d(), "gx = conv2d(gy, flip(w), padding=K - 1)")
    found = pattern(proof.operator, proof.claim, proof.decision.values, differing=True)
    shapes = [tuple(map(int, shape.split("x"))) for shape in re.findall(r"[\dx]{7}", found.where)]
    for (i, j), terms in found.want.items():
        cell = (*found.leading, i, j)
        assert tuple(sorted(terms)) == _products(cell, shapes, True)
        assert tuple(sorted(found.got[i, j])) == _products(cell, shapes, False)
        assert len(terms) == len(found.got[i, j])
    claimed, true = pattern_svgs(found)
    odd = sum(bool(excess(found.got[cell], found.want[cell])) for cell in found.want)
    assert odd > 0
    assert len(re.findall(r">\+\d+</text>", claimed)) == len(re.findall(r">−\d+</text>", true)) == odd
    assert claimed.count('class="hatch') == true.count('class="hatch') == odd
    page = proof_html(proof)
    assert '<mark class="extra" title="extra">+ ' in page
    assert '<mark class="missing" title="missing">− ' in page
    assert page.count('class="line cut"') == page.count('class="line put"') == 1


def test_the_plane_that_is_drawn_is_one_that_differs() -> None:
    op = sc.operator("y[n,c,i] = x[n,c,i]*a[c]")
    proof = sc.prove(op, "gx[n,c,i] = gy[n,c,i]*a[0]")
    found = pattern(proof.operator, proof.claim, proof.decision.values, differing=True)
    assert found.got != found.want


def test_the_line_at_fault_is_shown_in_its_function() -> None:
    code = "def scale(v):\n    return v\n\ndef backward(gy, x):\n    twice = gy + gy\n    return twice * x * x\n"
    proofs = sc.prove(sc.operator("y[i] = x[i]*x[i]"), code=code, name="backward")
    page = proof_html(proofs["x"])
    assert proofs["x"].line is not None
    assert f">{proofs['x'].line:>4}−" in page
    assert "def scale" not in page
    assert repr(proofs) == "<proofs of backward: gx false>"


def test_a_product_with_a_minus_is_told_from_one_that_is_missing():
    op = sc.operator("y[n,i] = sum[p]((x[n,3*i+p-1]-w[p])**2)")
    html = sc.prove(op, "gw[p] = sum[n,i](2*gy[n,i]*(x[n,3*i+p-1]-w[p]))")._repr_mimebundle_()["text/html"]
    assert 'title="extra">+ (−2·' in html
    assert 'title="missing">− 2·' in html
    assert "+ -" not in html
    assert "− -" not in html
