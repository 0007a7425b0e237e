"""The general form against the relation of every instance: numbers put into symbols give what was proved."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product

import pytest

import symconv as sc
from symconv.derive.adjoint import adjoint
from symconv.derive.borders import resolve_borders
from symconv.gather.derivation import derivation
from symconv.notation.expr import Piece, Range, Reduce, walk
from symconv.notation.operator import Operator
from symconv.views.general import LABEL, general, general_evaluate, general_latex

Points = frozenset[tuple[tuple[str, int], ...]]
GEOMETRIES = [(s, d, p) for s in range(1, 6) for d in range(1, 5) for p in range(5)]
SIZES = [(1, 4), (2, 9), (3, 6)]


def pieces(op: Operator) -> Iterator[tuple[tuple[Range, ...], Piece]]:
    for statement in op.statements:
        for node in dict.fromkeys(n for n in walk(statement.expr) if isinstance(n, Reduce)):
            for piece in node.pieces:
                yield (*statement.ranges, *node.indices), piece


@cache
def spatial(op: Operator) -> tuple[tuple[tuple[Range, ...], Piece], ...]:
    """The pieces of a relation with the ranges that lie along the window's axis."""
    axis = {"L", "K", "OL"}
    return tuple((tuple(r for r in ranges if str(r.extent) in axis), piece) for ranges, piece in pieces(op))


def instance(op: Operator, sizes: dict[str, int]) -> set[tuple[tuple[str, int], ...]]:
    found = set()
    for ranges, piece in spatial(op):
        for point in product(*(range(sizes[str(r.extent)]) for r in ranges)):
            values = {**sizes, **dict(zip((r.name for r in ranges), point, strict=True))}
            good = (c.form.evaluate(values) == 0 if c.equality else c.form.evaluate(values) >= 0 for c in piece.where)
            if all(good):
                found.add(tuple(sorted((r.name, values[r.name]) for r in ranges)))
    return found


def compare(base: Operator, make: object, wrt: str) -> int:
    """Evaluate the general form of one instance at the numbers of all others."""
    count = 0
    for s, d, p in GEOMETRIES:
        other = make(s, d, p)
        if other is None:
            continue
        relation = adjoint(resolve_borders(other), wrt)
        extent = next(x.form for x in other.definitions if x.name == "OL")
        for kernel, size in SIZES:
            sizes = {"L": size, "K": kernel}
            sizes["OL"] = extent.evaluate(sizes)
            if sizes["OL"] < 1 or p >= size:
                continue
            stated = general_evaluate(
                base, wrt, stride=s, dilation=d, pad=p, kernel=kernel, size=size, extent=sizes["OL"]
            )
            union = frozenset().union(*stated)
            assert sum(map(len, stated)) == len(union)
            assert union == instance(relation, sizes), (s, d, p, kernel, size)
            count += bool(union)
    return count


@pytest.mark.parametrize("wrt", ["x", "w"])
@pytest.mark.parametrize("flip", [False, True])
def test_convolution(wrt, flip):
    base = sc.conv1d(stride=2, dilation=3, padding=1, flip=flip)
    assert compare(base, lambda s, d, p: sc.conv1d(stride=s, dilation=d, padding=p, flip=flip), wrt) > 200


def test_an_unpadded_instance_states_the_padded_ones_too():
    base = sc.conv1d()
    assert compare(base, lambda s, d, p: sc.conv1d(stride=s, dilation=d, padding=p), "w") > 200


@pytest.mark.parametrize("wrt", ["x", "w"])
def test_transposed_convolution(wrt):
    def make(s, d, p):
        # A transposed window is one where the stride exceeds 1.
        return sc.conv_transpose1d(stride=s, dilation=d, padding=p) if s > 1 else None

    assert compare(sc.conv_transpose1d(stride=3, dilation=2, padding=1), make, wrt) > 100


@pytest.mark.parametrize("border", ["reflect", "skip", "replicate"])
def test_other_borders(border):
    def make(s, d, p):
        return sc.adder1d(stride=s, dilation=d, padding=p, border=border) if p and s < 4 and d < 3 else None

    base = sc.adder1d(stride=2, padding=1, border=border)
    if border == "replicate":
        # The edge is read at 0 or L-1, whatever the tap: no window ties the cell.
        assert general_latex(base, "x") is None
    else:
        assert compare(base, make, "x") > 20
    assert compare(base, make, "w") > 20


def test_second_order():
    def gradient(s, d, p):
        return derivation(sc.conv1d(stride=s, dilation=d, padding=p), "x").operator if p and s < 4 and d < 3 else None

    assert compare(gradient(2, 1, 1), gradient, "w") > 20
    assert compare(gradient(2, 1, 1), gradient, "gy") > 20


def test_a_gradient_without_pads_has_no_general_form():
    assert general(derivation(sc.conv1d(stride=2), "x").operator, "w") is None


def test_operators_without_windows_have_none():
    assert general_latex(sc.operator("y[i,j] = sum[k](a[i,k]*b[k,j])"), "a") is None
    assert general_latex(sc.operator("y[n,i] = sum[p](x[n,2*i+p]*x[n,2*i+p+1]*w[p])"), "x") is None


def test_it_reads_as_in_a_textbook():
    text = general_latex(sc.conv1d(stride=2, padding=1), "x")
    assert r"[\,s \mid u + p - d\,k,\ 0 \le (u + p - d\,k)/s < O_{L}\,]" in text
    assert r"\bar y_{n,f,(u + p - d\,k)/s}\,w_{f,c,k}" in text
    assert LABEL in text
    text = general_latex(sc.conv2d(), "w")
    assert r"x_{n,c,s_{H}\,i + d_{H}\,k_{H} - p_{H},s_{W}\,j + d_{W}\,k_{W} - p_{W}}" in text
