"""Extremes, the first of them, and products in claims: decided, and numbers from the words against loops."""

from __future__ import annotations

from fractions import Fraction
from math import prod

import numpy as np
import pytest

import symconv as sc
from symconv.prove.concrete.evaluate import evaluate
from symconv.prove.language.parse import parse_claim

POOL, WIDE = sc.max_pool1d(2, 2), sc.max_pool1d(3, 2)
PAIRS = sc.operator("y[n,i] = prod[p<2](x[n,i+p])")
TAKEN = "sum[i,p<{k}: 2*i+p==u](gy[n,c,i]*(p == {word}[q<{k}](x[n,c,2*i+q])))"
CLAIMS = [
    (POOL, "y[n,c,i] = max[p<2](x[n,c,2*i+p])", True),
    (POOL, "y[n,c,i] = min[p<2](x[n,c,2*i+p])", False),
    (POOL, f"gx[n,c,u] = {TAKEN.format(k=2, word='argmax')}", True),
    (WIDE, f"gx[n,c,u] = {TAKEN.format(k=3, word='argmax')}", True),
    (POOL, f"gx[n,c,u] = {TAKEN.format(k=2, word='argmin')}", False),
    (POOL, "gx[n,c,u] = sum[i,p<2: 2*i+p==u](gy[n,c,i]*(x[n,c,u] == max[q<2](x[n,c,2*i+q])))", False),
    (sc.max_pool1d(3, 2, padding=1), "y[n,c,i] = max[p<3](x[n,c,2*i+p-1])", False),
    (PAIRS, "y[n,i] = prod[p<2](x[n,i+p])", True),
    (PAIRS, "y[n,i] = prod[p=0..2](x[n,i+p])", False),
    (PAIRS, "gx[n,u] = gy[n,u]*x[n,u+1] + gy[n,u-1]*x[n,u-1]", True),
    (PAIRS, "gx[n,u] = gy[n,u]*y[n,u]/x[n,u]", False),
]


@pytest.mark.parametrize(("op", "claim", "holds"), CLAIMS)
def test_claims_are_decided(op, claim, holds) -> None:
    proof = sc.prove(op, claim, explain=False)
    assert proof.holds is holds, str(proof)


def test_a_place_that_is_no_place_is_refused() -> None:
    for claim, said in (
        ("y[n,c,i] = argmax[p<2]", r"'\(' is wanted"),
        ("y[n,c,i] = prod[c<2](x[n,c,2*i])", "c means something already"),
        ("y[n,c,i] = max[c<2](x[n,c,2*i])", "c means something already"),
        ("y[n,c,i] = (c == argmax[c<2](x[n,c,2*i]))", "c means something already"),
    ):
        with pytest.raises(sc.SpecError, match=said):
            sc.prove(POOL, claim, explain=False)


def test_words_over_windows_give_what_loops_give() -> None:
    x = np.array([[[3, 1, 3, 0, 2, 2, -1]]])
    rows = [list(x[0, 0, i : i + 3]) for i in range(5)]
    op = sc.operator("y[n,c,i] = sum[p<3](x[n,c,i+p])")
    for word, of in (
        ("argmax", lambda row: row.index(max(row))),
        ("argmin", lambda row: row.index(min(row))),
        ("prod", prod),
        ("max", max),
    ):
        got = evaluate(parse_claim(f"y[n,c,i] = {word}[p<3](x[n,c,i+p])"), op, {"x": x})
        assert [Fraction(int(v)) for v in got[0, 0]] == [of(row) for row in rows], word
