"""PyTorch's pooling and exchange of pixels in claims and code: each verdict is also what PyTorch itself gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.verify import reference

MEAN2 = ("y[n,c,i,j] = sum[p,q](x[n,c,2*i+p,2*j+q])/4", {"p": 2, "q": 2})
MEAN3 = ("y[n,c,i] = sum[p](x[n,c,2*i+p-1])/3", {"p": 3})
CUBE = ("y[n,c,i,j,k] = sum[p,q,r](x[n,c,i+p,j+q,k+r])/8", {"p": 2, "q": 2, "r": 2})
WHOLE = ("y[n,c] = mean[i,j](x[n,c,i,j])", {})
LARGER = ("y[n,c,(i,a),(j,b)] = x[n,c,i,j]", {"a": 2, "b": 2})
SHUFFLED = ("y[n,c,(i,a),(j,b)] = x[n,(c,a,b),i,j]", {"a": 2, "b": 2})
SHAPES = {3: [(1, 1, 5), (2, 3, 8), (1, 2, 4)], 4: [(1, 4, 4, 4), (2, 8, 5, 7), (1, 4, 3, 6)],
          5: [(1, 1, 3, 4, 2), (2, 2, 3, 3, 3)]}  # fmt: skip
CLAIMS: list[tuple[Any, str, bool]] = [
    (MEAN2, "F.avg_pool2d(x, 2)", True),
    (MEAN2, "F.avg_pool2d(x, (2, 2), stride=2)", True),
    (MEAN2, "F.avg_pool2d(x, kernel_size=2, divisor_override=4)", True),
    (MEAN2, "F.avg_pool2d(x, 2, divisor_override=2)", False),
    (MEAN2, "F.avg_pool2d(x, 2, 1)", False),
    (MEAN3, "F.avg_pool1d(x, 3, 2, 1)", True),
    (MEAN3, "F.avg_pool1d(x, 3, 2, 1, count_include_pad=False)", False),
    (MEAN3, "F.avg_pool1d(x, 3, 2)", False),
    (CUBE, "F.avg_pool3d(x, 2, 1)", True),
    (CUBE, "F.avg_pool3d(x, 2)", False),
    (WHOLE, "F.adaptive_avg_pool2d(x, 1)[:, :, 0, 0]", True),
    (LARGER, "F.interpolate(x, scale_factor=2, mode='nearest')", True),
    (LARGER, "F.interpolate(x, scale_factor=3)", False),
    (SHUFFLED, "F.pixel_shuffle(x, 2)", True),
]
CODE = [
    (LARGER, "F.avg_pool2d(dy, 2) * 4", True),
    (LARGER, "F.avg_pool2d(dy, kernel_size=2)", False),
    (SHUFFLED, "F.pixel_unshuffle(dy, 2)", True),
    (SHUFFLED, "F.pixel_unshuffle(dy, downscale_factor=2) / 2", False),
]


def _operator(given: Any) -> sc.Operator:
    return sc.operator(given[0], extents=given[1])


def _fit(op: sc.Operator) -> list[tuple[int, ...]]:
    """Shapes on which the operator is defined."""
    found = []
    for shape in SHAPES[len(op.input("x").axes)]:
        try:
            op.output_shape(x=shape)
        except sc.SpecError:
            continue
        found.append(shape)
    assert found
    return found


@pytest.mark.parametrize(("given", "claim", "holds"), CLAIMS)
def test_claims(given: Any, claim: str, holds: bool) -> None:
    torch = pytest.importorskip("torch")
    op = _operator(given)
    proof = sc.prove(op, f"y = {claim}", explain=False)
    assert proof.holds is holds, str(proof)
    right = []
    for shape in _fit(op):
        x = np.random.default_rng(3).integers(-9, 10, shape).astype(float)
        names = {"F": torch.nn.functional, "x": torch.tensor(x)}
        got = eval(claim, names).numpy()  # noqa: S307
        want = reference.evaluate(op, {"x": x})
        right.append(got.shape == want.shape and np.allclose(got, want))
    assert all(right) is holds


@pytest.mark.parametrize(("given", "body", "holds"), CODE)
def test_code(given: Any, body: str, holds: bool) -> None:
    torch = pytest.importorskip("torch")
    op = _operator(given)
    code = f"import torch.nn.functional as F\n\ndef backward(dy, x):\n    return {body}\n"
    proof = sc.prove(op, code=code)["x"]
    assert proof.holds is holds, str(proof)
    right = []
    for shape in _fit(op):
        x = np.random.default_rng(3).integers(-9, 10, shape).astype(float)
        dy = np.random.default_rng(4).integers(-9, 10, op.output_shape(x=shape)).astype(float)
        made: dict[str, Any] = {}
        exec(code, made)  # noqa: S102
        got = made["backward"](torch.tensor(dy), torch.tensor(x)).numpy()
        right.append(np.allclose(got, reference.gradients(op, {"x": x}, dy, ("x",))["x"]))
    assert all(right) is holds


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ("y = F.avg_pool2d(x, 2, ceil_mode=True)", "ceil_mode=True is not read"),
        ("y = F.avg_pool2d(x, 2, padding=2)", "at most half the window"),
        ("y = F.avg_pool2d(x)", "kernel_size is wanted"),
        ("y = F.avg_pool1d(x, 2)", "3 axes is wanted"),
        ("y = tf.nn.avg_pool2d(x, 2, 2, 'VALID')", "is read as PyTorch's"),
        ("y = F.adaptive_avg_pool2d(x, 2)", "an output of size 1 is read"),
    ],
)
def test_what_is_not_read_is_said(claim: str, said: str) -> None:
    with pytest.raises(sc.SpecError, match=said):
        sc.prove(_operator(MEAN2), claim, explain=False)
