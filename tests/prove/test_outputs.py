"""Claims about operators of several outputs: cotangents gy, gz, outputs and intermediates by name."""

from __future__ import annotations

import pytest

import symconv as sc
from symconv.errors import SpecError

OP = sc.operator("s[n,i] = sum[p](x[n,2*i+p]*w[p]); y[n,i] = 3*s[n,i]; z[n,i] = s[n,i]**2")


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        ("gw[p] = sum[n,i]((3*gy[n,i] + 2*gz[n,i]*s[n,i])*x[n,2*i+p])", True),
        ("t[n,i] = 3*dL/dy[n,i] + 2*dz[n,i]*s[n,i]; grad_w[p] = sum[n,i](t[n,i]*x[n,2*i+p])", True),
        ("gw[p] = sum[n,i]((3*gy[n,i] + gz[n,i]*s[n,i])*x[n,2*i+p])", False),
        ("gw[p] = sum[n,i](3*gy[n,i]*x[n,2*i+p])", False),
        ("gx[n,u] = sum[p](w[p]*(3*gy[n,(u-p)/2] + 2*gz[n,(u-p)/2]*s[n,(u-p)/2]))", True),
        ("z = s**2", True),
        ("y[n,i] = sum[p](x[n,2*i+p]*w[p])", False),
    ],
)
def test_decided(claim, holds) -> None:
    proof = sc.prove(OP, claim)
    assert proof.holds is holds
    if not holds:
        assert proof.counterexample is not None


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ("gs = x", "a claim about formula is one of gx, gw, y, z; given gs"),
        ("gx = gq", "gq is no array of this operator"),
    ],
)
def test_unusable(claim, words) -> None:
    with pytest.raises(SpecError, match=words):
        sc.prove(OP, claim)
