"""Claims that divide by an expression of sizes: it must not be 0."""

import pytest

import symconv as sc


@pytest.mark.parametrize(
    ("claim", "holds", "fails"),
    [
        ("gx = 2*gy*(I - 1)/(I - 1)", False, "I = 1"),
        ("gx = 2*gy/(I - 1)*(I - 1)", False, "I = 1"),
        ("gx = 2*gy*((I - J)/(I - J))", False, "J = I"),
        ("gx[i,j] = 2*gy[i,j] + 0/(I - 1)", False, "I = 1"),
        ("gx[i,j] = 2*gy[i,j] + 0*log(I - 1)", False, "I = 1"),
        ("gx = 2*gy*(I*J)/(I*J)", True, "never"),
        ("gx = 2*gy*(I + J - 1)/(I + J - 1)", True, "never"),
        ("gx[i,j] = 2*gy[i,j]*I/I", True, "never"),
    ],
)
def test_a_claim_fails_where_it_divides_by_0(claim, holds, fails):
    proof = sc.prove(sc.operator("y[i,j] = 2*x[i,j]"), claim, explain=False)
    assert proof.holds is holds
    assert str(proof.fails_when).removesuffix(", and perhaps elsewhere") == fails


@pytest.mark.parametrize(
    "claim", ["gx = 2*gy + 0/x", "gx[i,j] = 2*gy[i,j] + 0/x[i,j]", "gx[i,j] = 2*gy[i,j] + 0*log(x[i,j])"]
)
def test_a_zero_that_is_divided_by_elements_is_not_forgotten(claim):
    assert sc.prove(sc.operator("y[i,j] = 2*x[i,j]"), claim, explain=False).holds is None
