"""Where a gradient has a value, a claim that has none there, or another one, is not proved."""

from __future__ import annotations

import numpy as np
import pytest

import symconv as sc

SHIFTED = "y[n,i] = v[n,i]*log(sum[p](x[n,i+1,p])+2)*sqrt(sum[p](x[n,i+1,p])+2)"
READ = "(sum[q](x[n,u,q])+2)"
SHIFTED_X = f"gx[n,u,p] = (u>=1)*gy[n,u-1]*v[n,u-1]*(log{READ}/(2*sqrt{READ}) + sqrt{READ}/{READ})"
BOTH = "y[i] = log(x[i]+w[i])*sqrt(x[i]+w[i])"
BOTH_X = "gx[i] = gy[i]*(sqrt(x[i]+w[i])/(x[i]+w[i]) + log(x[i]+w[i])/(2*sqrt(x[i]+w[i])))"
SHARE = "y[n,d] = x[n,d]/sum[e](x[n,e])*g[d]"
SHARE_X = "gx[n,d] = gy[n,d]*g[d]/sum[e](x[n,e]) - sum[k](gy[n,k]*g[k]*x[n,k])/sum[e](x[n,e])**2"
ROOT = "y[n,d] = sqrt(x[n,d])*w[n,d]"


@pytest.mark.parametrize(
    ("formula", "claim"),
    [
        (SHIFTED, SHIFTED_X),
        (BOTH, BOTH_X),
        # Where log(x + w) has a value, x + w is not below 0.
        (BOTH, f"{BOTH_X}*(1 + (x[i]+w[i] < 0))"),
        (SHARE, SHARE_X),
        (SHARE, "gg[d] = sum[n](gy[n,d]*x[n,d]/sum[e](x[n,e]))"),
        ("y[n,d] = x[n,d]*g[d]/sqrt(sum[e](x[n,e]**2))", "gg[d] = sum[n](gy[n,d]*x[n,d]/sqrt(sum[e](x[n,e]**2)))"),
        (ROOT, "gw[n,d] = gy[n,d]*sqrt(x[n,d])"),
    ],
)
def test_right_gradients_are_proved(formula: str, claim: str) -> None:
    assert sc.prove(sc.operator(formula), claim).holds is True


@pytest.mark.parametrize(
    ("formula", "claim"),
    [
        # The formula does not read the row 0, so that its gradient is 0 there whatever it holds.
        (SHIFTED, f"{SHIFTED_X} + 7*({READ}<0)"),
        (SHIFTED, f"{SHIFTED_X} + {READ}/{READ} - 1"),
        # Other cells may be below 0, where this one is not.
        (BOTH, f"{BOTH_X}*(1 + sum[j](x[j]+w[j] < 0))"),
        (SHARE, f"{SHARE_X} + sum[m](sum[e](x[m,e])/sum[e](x[m,e]) - 1)"),
        (ROOT, "gw[n,d] = gy[n,d]*sqrt(x[n,d]) + sqrt(-x[n,d]) - sqrt(-x[n,d])"),
        (ROOT, "gw[n,d] = gy[n,d]*x[n,d]/sqrt(x[n,d])"),
        ("y[n] = x[n]*w[n]", "gx[n] = gy[n]*w[n]*x[n]/x[n]"),
        ("y[n] = x[n]*w[n]", "gx[n] = gy[n]*w[n] + 1/x[n] - 1/x[n]"),
    ],
)
def test_what_has_another_value_or_none_somewhere_is_not_proved(formula: str, claim: str) -> None:
    assert sc.prove(sc.operator(formula), claim).holds is not True


def test_a_row_that_is_not_read_has_no_slope() -> None:
    # The numbers behind the first case: they share nothing with what decides.
    x = np.zeros((3, 2))
    x[0] = -5, 0

    def loss(x: np.ndarray) -> float:
        read = x[1:].sum(1) + 2
        return float((np.log(read) * np.sqrt(read)).sum())

    for cell in ((0, 0), (0, 1)):
        moved = x.copy()
        moved[cell] += 1e-3
        assert loss(moved) == loss(x)
    assert x[0].sum() + 2 < 0, "the claim says 7 there"
