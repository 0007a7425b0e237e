"""Kernels of several outputs before the oracles: right ones pass, and each way to mix outputs up is found."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import symconv as sc
from symconv.verify.judge import judge

OP = sc.operator("s[n,i] = sum[p](x[n,i+p]*w[p]); y[n,i] = 3*s[n,i]; z[n,i] = s[n,i]**2")


class Loops:
    """The operator written out."""

    def forward(self, x, w):
        s = sum(x[:, p : p + x.shape[1] - len(w) + 1] * w[p] for p in range(len(w)))
        return 3 * s, s**2

    def backward(self, cotangents, x, w):
        gy, gz = cotangents
        s = self.forward(x, w)[0] / 3
        handed = 3 * gy + 2 * gz * s
        gx = np.zeros_like(x)
        for p in range(len(w)):
            gx[:, p : p + s.shape[1]] += handed * w[p]
        return SimpleNamespace(x=gx, w=np.array([(handed * x[:, p : p + s.shape[1]]).sum() for p in range(len(w))]))


class Exchanged(Loops):
    def backward(self, cotangents, x, w):
        return super().backward(cotangents[::-1], x, w)


class First(Loops):
    def backward(self, cotangents, x, w):
        return super().backward((cotangents[0], 0 * cotangents[1]), x, w)


class Turned(Loops):
    def forward(self, x, w):
        return super().forward(x, w)[::-1]


class Alone(Loops):
    def forward(self, x, w):
        return super().forward(x, w)[0]


def test_a_right_one_passes() -> None:
    verdict = judge(OP, Loops(), count=3)
    assert verdict, verdict
    rows = {check.name: check for check in verdict.checks}
    for name in ("y, forward, integers", "z, forward, reals", "gradient by x, integers", "gradient by w, reals"):
        assert rows[name].mark == "ok", name
    assert rows["finite differences"].cases
    assert not judge(OP, Loops(), gradients=(), count=2).unjudged


@pytest.mark.parametrize(
    ("kernel", "failed"),
    [
        (Exchanged(), "gradient by x, integers"),
        (First(), "gradient by w, integers"),
        (Turned(), "y, forward, integers"),
        (Alone(), "z, forward, integers"),
    ],
)
def test_a_wrong_one_fails(kernel, failed) -> None:
    verdict = judge(OP, kernel, count=2)
    assert not verdict
    assert failed in {check.name for check in verdict.checks if not check.passed}
