"""Claims as people write them: windows as views, the formula's own indices, comparisons for signs, clip."""

from __future__ import annotations

import pytest

import symconv as sc

STRIDED = sc.conv1d(stride=2, padding=1)
VIEW = "sliding_window_view(x, w.shape[2:], axis=(2,3))"


@pytest.mark.parametrize(
    ("op", "claim", "holds"),
    [
        (STRIDED, "gw = torch.einsum('nfi,ncik->fck', gy, F.pad(x,(1,1)).unfold(2, K, 2))", True),
        (STRIDED, "gw = torch.einsum('nfi,ncik->fck', gy, F.pad(x,(1,1)).unfold(-1, size=K, step=2))", True),
        (STRIDED, "gw = torch.einsum('nfi,ncik->fck', gy, F.pad(x,(0,1)).unfold(2, K, 2))", False),
        (STRIDED, "gw = torch.einsum('nfi,ncki->fck', gy, F.pad(x,(1,1)).unfold(2, K, 2))", False),
        (sc.conv2d(stride=2), "y = torch.einsum('ncijpq,fcpq->nfij', x.unfold(2,KH,2).unfold(3,KW,2), w)", True),
        (sc.conv2d(), f"gw = np.einsum('nfij,ncijpq->fcpq', gy, np.lib.stride_tricks.{VIEW})", True),
        (sc.conv2d(), f"gw = np.einsum('nfij,ncijqp->fcpq', gy, {VIEW})", False),
    ],
)
def test_windows_as_views(op: sc.Operator, claim: str, holds: bool) -> None:
    assert sc.prove(op, claim, explain=False).holds is holds


def test_a_window_without_a_step_is_asked_for() -> None:
    with pytest.raises(sc.SpecError, match=r"a step is wanted, as in x\.unfold\(2, K, 1\)"):
        sc.prove(STRIDED, "gw = x.unfold(dimension=2, size=K)", explain=False)


def test_an_index_of_the_formula_runs_as_far_as_there() -> None:
    pooled = sc.avg_pool1d(3, 2, padding=1)
    proof = sc.prove(pooled, "gx[n,c,u] = sum[p](gy[n,c,(u+1-p)/2])/3", explain=False)
    assert proof.holds
    assert "p < 3" in str(proof)
    assert sc.prove(pooled, "gx[n,c,u] = sum[k](gy[n,c,(u+1-k)/2])/3", explain=False).holds is False
    claim = "gx[n,c,u] = 2*x[n,c,u]*sum[f,p](gy[n,f,u-p]) - 2*sum[f,p](gy[n,f,u-p]*w[f,c,p])"
    assert sc.prove(sc.squared_distance1d(), claim, explain=False).holds


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        ("gw[p] = sum[i](gy[i]*((x[i+p] > w[p]) - (x[i+p] < w[p])))", True),
        ("gw[p] = sum[i](gy[i]*where(x[i+p] > w[p], 1, where(x[i+p] < w[p], -1, 0)))", True),
        ("gw[p] = sum[i](gy[i]*((x[i+p] > w[p]) - (x[i+p] <= w[p])))", False),
        ("gw[p] = sum[i](gy[i]*((x[i+p] < w[p]) - (x[i+p] > w[p])))", False),
    ],
)
def test_signs_as_comparisons(claim: str, holds: bool) -> None:
    op = sc.operator("y[i] = -sum[p](abs(x[i+p] - w[p]))")
    assert sc.prove(op, claim, explain=False).holds is holds


def test_words_of_elements_among_indices() -> None:
    op = sc.operator("y[i] = min(max(x[i], 0), 6)")
    assert sc.prove(op, "y[i] = clamp(x[i], min=0, max=6)", explain=False).holds
    assert sc.prove(op, "y[i] = np.clip(x[i], 0, 5)", explain=False).holds is False


VECTOR = sc.operator("y[f] = sum[c](x[c]*w[f,c])")


@pytest.mark.parametrize(
    ("op", "claim", "holds"),
    [
        (VECTOR, "gx = gy @ w", True),
        (VECTOR, "y = torch.matmul(w, x)", True),
        (VECTOR, "gx = w @ gy", False),
        (sc.operator("y[n,f] = sum[c](x[n,c,f]*w[c])"), "y = w @ x", True),
        (sc.operator("y = sum[c](x[c]*w[c])"), "y = x @ w", True),
        (sc.operator("y[n,f] = x[n,f] + b[f]"), "gb = torch.ones(x.shape[0], dtype=torch.float64) @ gy", True),
        (sc.operator("y = mean[n,c](x[n,c]**2)"), "gx = 2*x*gy/x.numel()", True),
    ],
)
def test_products_of_vectors_and_numbers_of_elements(op: sc.Operator, claim: str, holds: bool) -> None:
    assert sc.prove(op, claim, explain=False).holds is holds


def test_matrices_are_wanted_where_a_word_says_so() -> None:
    with pytest.raises(sc.SpecError, match="2 axes are wanted"):
        sc.prove(VECTOR, "y = w.mm(x)", explain=False)


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        ("s = sqrt(sum(x**2, 1, keepdims=True)); gx = (gy - y*sum(gy*y, 1, keepdims=True))/s", True),
        ("gx = (gy - x*sum(gy*x, 1, keepdims=True))/norm(x, axis=1, keepdims=True)", False),
    ],
)
def test_rows_of_length_1(claim: str, holds: bool) -> None:
    """Where all of a row is 0 there is no value, so what the slope of the root is there does not matter."""
    op = sc.operator("y[n,d] = x[n,d]/sqrt(sum[e](x[n,e]**2))")
    assert sc.prove(op, claim, explain=False).holds is holds
