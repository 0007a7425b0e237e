"""A false claim is drawn where it fails: the marked cells are those that differ, by numbers and by shape."""

from __future__ import annotations

import re

import pytest

import symconv as sc
from symconv.views.claims import proof_html
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
