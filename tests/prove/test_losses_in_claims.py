"""``mse_loss`` and ``l1_loss`` in claims, with what is made of the differences."""

from __future__ import annotations

import pytest

import symconv as sc

MEAN = sc.operator("y = mean[n,c]((x[n,c] - t[n,c])**2)")
TOTAL = sc.operator("y = sum[n,c](abs(x[n,c] - t[n,c]))")
EACH = sc.operator("y[n,c] = (x[n,c] - t[n,c])**2")


@pytest.mark.parametrize(("op", "claim", "holds"), [
    (MEAN, "y = F.mse_loss(x, t)", True),
    (MEAN, "y = F.mse_loss(x, t, reduction='mean')", True),
    (MEAN, "y = F.mse_loss(x, t, reduction='none').mean()", True),
    (MEAN, "y = F.mse_loss(x, t, reduction='sum')", False),
    (MEAN, "y = F.mse_loss(x, t)/2", False),
    (MEAN, "y = F.l1_loss(x, t)", False),
    (MEAN, "gx = 2*gy*(x - t)/x.numel()", True),
    (MEAN, "gx = gy*F.mse_loss(x, t, reduction='none')/x.numel()", False),
    (TOTAL, "y = F.l1_loss(x, t, reduction='sum')", True),
    (TOTAL, "y = torch.nn.functional.l1_loss(x, t)", False),
    (EACH, "y = F.mse_loss(x, t, reduction='none')", True),
    (EACH, "y = F.mse_loss(x, t)", False),
])  # fmt: skip
def test_losses_are_what_they_compute(op: sc.Operator, claim: str, holds: bool) -> None:
    assert sc.prove(op, claim, explain=False).holds is holds


def test_another_reduction_is_told() -> None:
    with pytest.raises(sc.SpecError, match="reduction is 'mean', 'sum' or 'none'"):
        sc.prove(MEAN, "y = F.mse_loss(x, t, reduction='batchmean')")
