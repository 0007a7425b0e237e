"""What a forward function computes is asked once for each operator that it may be."""

from __future__ import annotations

import textwrap

import pytest

import symconv as sc
from symconv.code.gradients import operators

TEXT = textwrap.dedent("""
import numpy as np
def conv_forward(A, W, b):
    (m, n, C) = A.shape
    (f, C, F) = W.shape
    Z = np.zeros((m, n - f + 1, F))
    for i in range(m):
        for h in range(n - f + 1):
            for c in range(F):
                Z[i, h, c] = np.sum(A[i, h:h+f, :] * W[..., c]) + np.sum(b[..., c])
    return Z, (A, W, b)
def conv_backward(dZ, cache):
    A, W, b = cache
    dA, dW, db = np.zeros(A.shape), np.zeros(W.shape), np.zeros((1, 1, dZ.shape[2]))
    for i in range(dZ.shape[0]):
        for h in range(dZ.shape[1]):
            for c in range(dZ.shape[2]):
                dA[i, h:h+W.shape[0], :] += W[:, :, c] * dZ[i, h, c]
                dW[:, :, c] += A[i, h:h+W.shape[0], :] * dZ[i, h, c]
                db[:, :, c] += dZ[i, h, c]
    return dA, dW, db
""")


def test_no_operator_is_compared_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, compared = [], operators._compared

    def counted(candidate, forward):
        asked.append((candidate, forward.other_ties, forward.equal_parts))
        return compared(candidate, forward)

    monkeypatch.setattr(operators, "_compared", counted)
    assert sc.check(TEXT, "conv").holds
    assert asked
    assert len(asked) == len(set(asked))
