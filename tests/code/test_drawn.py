"""What a forward function draws at random, and attributes that only other runs tell."""

from __future__ import annotations

import numpy as np
import pytest

import symconv as sc

DROPOUT = """
import numpy as np
class Dropout:
    def __init__(self, rate=0.5):
        self.rate = rate
    def forward(self, x, train=True):
        if not train:
            return x
        self.mask = ({draw} > self.rate) / (1 - self.rate)
        return x * self.mask
    def backward(self, dout):
        return {gradient}
"""


@pytest.mark.parametrize("draw", ["np.random.rand(*x.shape)", "np.random.uniform(size=x.shape)", "rng.random(x.shape)"])
def test_a_mask_that_is_drawn_is_any_mask(draw: str) -> None:
    proof = sc.check(DROPOUT.format(draw=draw, gradient="dout * self.mask"))["x"]
    assert proof.holds is True
    assert "where((-1/2) + drawn[n,f,i,j] > 0, 1, 0)" in str(proof.operator)


@pytest.mark.parametrize("gradient", ["dout", "dout * (self.mask > 0)", "dout * self.mask / self.rate"])
def test_a_gradient_without_the_factor_of_the_mask_is_wrong(gradient: str) -> None:
    assert sc.check(DROPOUT.format(draw="np.random.rand(*x.shape)", gradient=gradient), explain=False).holds is False


def test_what_is_drawn_in_a_loop_is_another_array_each_time() -> None:
    text = """
import numpy as np
def noisy_forward(x):
    y = x
    for i in range(2):
        m = np.random.rand(*x.shape) > 0.5
        y = y * m
    return y, (m,)
def noisy_backward(g, cache):
    m, = cache
    return g * m
"""
    with pytest.raises(sc.SpecError, match="random"):
        sc.check(text, explain=False)


def test_a_rate_is_no_padding() -> None:
    text = """
    import torch
    class Drop(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, p=0.3):
            mask = (torch.rand_like(x) > p).float() / (1 - p)
            ctx.save_for_backward(mask)
            return x * mask
        @staticmethod
        def backward(ctx, g):
            mask, = ctx.saved_tensors
            return g * mask, None
    """
    proofs = sc.check(text)
    assert proofs.holds is True
    assert not proofs.unread


NORM = """
import numpy as np
class Norm:
    def __init__(self, momentum=0.9, factor=2):
        self.momentum, self.factor = momentum, factor
        self.running = None
    def forward(self, x):
        N, D = x.shape
        if self.running is None:
            self.running = np.zeros(D)
        mu = x.mean(axis=0)
        self.running = self.momentum * self.running + (1 - self.momentum) * mu
        return self.factor * (x - {mean})
    def backward(self, dout):
        g = dout * self.factor
        return g - g.mean(axis=0)
"""


def test_running_means_that_nothing_depends_on_are_passed_over() -> None:
    assert sc.check(NORM.format(mean="mu"))["x"].holds is True


def test_an_output_of_running_means_is_refused() -> None:
    with pytest.raises(sc.SpecError, match=r"self\.running .*nothing says what it is"):
        sc.check(NORM.format(mean="self.running"))


def test_running_means_are_no_part_of_the_oracle() -> None:
    space: dict[str, object] = {}
    exec(NORM.format(mean="mu"), space)  # noqa: S102
    layer = space["Norm"]()  # type: ignore[operator]
    x, dout = np.random.default_rng(0).normal(size=(2, 4, 2))
    layer.forward(x)
    got = layer.backward(dout)
    step = 1e-6 * np.ones_like(x) * [[1.0, 0.0], [0.0, 0.0], [0.0, 2.0], [0.0, 0.0]]
    slope = np.sum(dout * (layer.forward(x + step) - layer.forward(x - step))) / 2
    assert np.isclose(slope, np.sum(got * step), rtol=1e-5)
