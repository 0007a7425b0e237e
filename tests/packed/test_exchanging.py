"""Copies that exchange axes: each element once, at sizes around every square and part, and proved for all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

import symconv as sc
from symconv.errors import InternalError
from symconv.loops.arith import add, const, sub
from symconv.loops.interpret import interpret
from symconv.loops.ir import Compare, If, Kernel, Stmt, StoreTurned
from symconv.loops.traverse import walk
from symconv.options import Options
from symconv.packed import exchanged
from symconv.packed.exchanging import _WIDTH
from symconv.pipeline import direct, forward
from symconv.validate.validation import validate

Array = np.ndarray

TURNED = {
    "y[i,j] = x[j,i]": "ji->ij",
    "y[n,h,w,c] = x[n,c,h,w]": "nchw->nhwc",
    "y[n,c,h,w] = x[n,h,w,c]": "nhwc->nchw",
    "y[i,j,k] = x[k,j,i]": "kji->ijk",
    "y[a,b,c,d] = x[d,a,c,b]": "dacb->abcd",
}
OTHERS = {
    "y[i,j] = x[j,i]*2": "more than a copy",
    "y[i,j,k] = x[j,i,k]": "lines stay as they are",
    "y[i,j] = x[i]*w[j]": "a product",
    "y[i,j] = x[j,i+j]": "x moves along both axes with j",
    "y[i,j] = x[j,2*i]": "rows are not neighbours in x",
    "y[i] = x[i,i]": "one index on both axes",
}
LENGTHS = (1, 2, 15, 16, 17, _WIDTH - 1, _WIDTH, _WIDTH + 1, 2 * _WIDTH - 1, 2 * _WIDTH + 3)


def _kernel(formula: str) -> Kernel:
    found = exchanged(forward(sc.operator(formula)).gather, "y")
    assert found is not None
    return found.kernel


@pytest.mark.parametrize("formula", OTHERS, ids=OTHERS.values())
def test_others_are_none(formula: str) -> None:
    op = sc.operator(formula)
    assert exchanged(forward(op).gather, "y") is None
    assert sc.verify(op)


@pytest.mark.parametrize("formula", TURNED)
def test_they_are_proved_and_chosen(formula: str) -> None:
    derivation = forward(sc.operator(formula))
    chosen = direct(derivation, "y", Options(target="portable"))
    assert str(chosen.schedule) == "turned"
    assert validate(derivation, chosen.kernel).holds


@pytest.mark.parametrize(("target", "dtype"), [*product(["native", "x86-64-v3", "portable"], ["float32", "float64"])])
def test_every_element_is_where_it_belongs(target: str, dtype: str) -> None:
    kernel = sc.build(sc.operator("y[i,j] = x[j,i]"), target=target, dtype=dtype)
    for rows, columns in product(LENGTHS, LENGTHS[::2]):
        x = np.arange(rows * columns, dtype=dtype).reshape(rows, columns)
        assert np.array_equal(kernel.forward(x), x.T), (rows, columns)


@pytest.mark.parametrize("formula", TURNED)
def test_axes_between_stay(formula: str) -> None:
    kernel, pair = (sc.build(sc.operator(formula), threads=threads) for threads in (1, 2))
    axes = len(TURNED[formula].split("->")[0])
    for shape in [(2, 3, 17, 5)[:axes], (3, 130, 4, 33)[:axes], (65, 16, 7, 15)[:axes]]:
        x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
        want = np.einsum(TURNED[formula], x)
        assert np.array_equal(kernel.forward(x), want), shape
        assert np.array_equal(pair.forward(x), want), shape


def test_reads_may_be_offset_and_of_merged_axes() -> None:
    x = np.arange(7 * 40, dtype=np.float32).reshape(7, 40)
    moved = sc.build(sc.operator("y[i,j] = x[j+2,i+3]"))
    assert np.array_equal(moved.forward(x), x[2:, 3:].T)
    merged = sc.operator("y[n,h,w,(c,r)] = x[n,c,r,h,w]")
    v = np.arange(2 * 3 * 4 * 5 * 18, dtype=np.float32).reshape(2, 3, 4, 5, 18)
    assert np.array_equal(sc.build(merged).forward(v), v.transpose(0, 3, 4, 1, 2).reshape(2, 5, 18, 12))
    assert sc.verify(merged)


def test_gradients_are_turned_back() -> None:
    op = sc.operator("y[n,h,w,c] = x[n,c,h,w]")
    kernel, x = sc.build(op), np.zeros((2, 19, 3, 21), np.float32)
    g = np.random.default_rng(0).integers(-9, 10, (2, 3, 21, 19)).astype(np.float32)
    (gx,) = kernel.backward(g, x)
    assert np.array_equal(gx, g.transpose(0, 3, 1, 2))
    (candidate,) = sc.pipeline.candidates(sc.pipeline.derive(op, "x"), "gx", Options(target="portable"))
    assert str(candidate.schedule) == "turned"


def _changed(node: Stmt) -> Iterator[Stmt]:
    match node:
        case StoreTurned():
            yield replace(node, many=add(node.many, const(1)))
            yield replace(node, many=sub(node.many, const(1)))
            yield replace(node, across=sub(node.across, const(1)))
            yield replace(node, axis=(node.axis + 1) % (len(node.index) - 1))
            yield replace(node, index=(*node.index[:-1], add(node.index[-1], const(1))))
        case If(Compare(op, left) as test, body):
            yield replace(node, condition=replace(test, left=add(left, const(1))))
            yield replace(node, condition=replace(test, op={"<": "<=", ">=": ">"}[op]))
            yield from (replace(node, body=(other,)) for one in body for other in _changed(one))


def _mutants(kernel: Kernel) -> Iterator[Kernel]:
    (nest,) = kernel.nests
    for k, statement in enumerate(nest.body):
        for other in _changed(statement):
            yield replace(kernel, nests=(replace(nest, body=(*nest.body[:k], other, *nest.body[k + 1 :])),))


def test_mutants_are_proved_only_where_they_are_equal() -> None:
    derivation = forward(sc.operator("y[n,c,h,w] = x[n,h,w,c]"))
    kernel = _kernel("y[n,c,h,w] = x[n,h,w,c]")
    assert any(isinstance(node, StoreTurned) for node in walk(kernel.nests[0]))
    shape, count = (1, 2, 3, 2 * _WIDTH + 3), 6 * (2 * _WIDTH + 3)
    want = np.arange(count).reshape(shape).transpose(0, 3, 1, 2).ravel().tolist()
    given = {"x": (shape, [*map(Fraction, range(count))])}
    assert interpret(kernel, given) == want
    made = list(_mutants(kernel))
    assert len(made) == 14
    same = []
    for mutant in made:
        try:
            same.append(interpret(mutant, given) == want)
        except InternalError:
            same.append(False)
        assert same[-1] or not validate(derivation, mutant).holds, mutant.nests[0].body
    assert sum(same) == 1, "a part that the last one stores again"
