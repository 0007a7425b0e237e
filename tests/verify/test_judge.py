"""The judge accepts right kernels of many operators and rejects each wrong one, saying where and why."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from symconv.notation.front import formula
from symconv.notation.operator import Operator
from symconv.ops.conv import conv
from symconv.verify.judge import judge
from symconv.verify.reference import evaluate, gradients

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]


class Stub:
    """``op``, or ``forward_op`` and ``backward_op`` in its place; ``damage`` may spoil the results."""

    def __init__(
        self,
        op: Operator,
        dtype: str = "float64",
        *,
        forward_op: Operator | None = None,
        backward_op: Operator | None = None,
        damage: Callable[[Arrays, Arrays], object] | None = None,
    ) -> None:
        self.op, self.dtype = op, dtype
        self.forward_op, self.backward_op = forward_op or op, backward_op or op
        self.damage = damage or (lambda results, arrays: None)

    def forward(self, *arrays: Array) -> Array:
        given = dict(zip(self.op.tensors, arrays, strict=True))
        result = evaluate(self.forward_op, given)
        kind = np.int32 if self.op.output.dtype == "index" else self.dtype
        results = {"y": result.astype(kind)}
        self.damage(results, given)
        return results["y"]

    def backward(self, gy: Array, *arrays: Array) -> tuple[Array, ...]:
        given = dict(zip(self.op.tensors, arrays, strict=True))
        found = gradients(self.backward_op, given, gy)
        results = {name: value.astype(self.dtype) for name, value in found.items()}
        self.damage(results, {**given, "gy": gy})
        return namedtuple("Gradients", results)(**results)


CONV = conv(2, stride=(2, 3), padding=((1, 2), (0, 1)), dilation=(2, 1), groups=2, bias=True)
POOL = formula("y[n,c,i,j] = max[p,q](x[n,c,2*i+p-1,2*j+q-1])", extents={"p": 3, "q": 2}, border="skip")
ADDER = "y[n,f,i] = sum[c,p](abs(x[n,c,2*i+p-1] - w[f,c,p]))"

RIGHT = [
    CONV,
    conv(1, padding="same", stride=2),
    conv(1, padding=2, border="reflect", flip=True),
    conv(2, padding=((1, 0), (0, 2)), border="circular", layout="NHWC"),
    POOL,
    formula("y[n,c,i] = mean[p](x[n,c,2*i+p-1])", extents={"p": 3}, border="skip"),
    formula(ADDER, border="skip"),
    formula("y[n,f,i] = max[c,p](x[n,c,i+p-1] + w[f,c,p])", border=-3.5, kinks={"max": "share"}),
    formula("y[n,f,i] = tanh(sum[c,p](x[n,c,i+p-1]*w[f,c,p])/3 + b[f])"),
    formula("y[n,f,i] = sum[c,p](log(x[n,c,i+p])*gelu(w[f,c,p]))"),
    formula("y[n,f,i] = sum[c,p](x[n,c,(i+1-p)/2]*w[c,f,p])", padding=[(1, 1)]),
    formula("y[n,i] = relu(x[n,i])/3 + where(x[n,i] > 1, x[n,i]**3, 0.1*i)", kinks={"relu": "half"}),
]


@pytest.mark.parametrize("op", RIGHT, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_right_kernel_passes(op, dtype) -> None:
    verdict = judge(op, Stub(op, dtype), dtype, count=5)
    assert verdict, str(verdict)
    assert verdict.cases > 50
    assert verdict.failure is None
    assert "passed" in str(verdict)


def test_the_verdict_says_what_was_compared() -> None:
    verdict = judge(CONV, Stub(CONV, "float32"), "float32", count=6)
    text = str(verdict)
    for word in (
        "float32",
        "the definition",
        "==",
        "finite differences",
        "adjoint identity",
        "geometries",
        "x (0, ",
    ):
        assert word in text
    by_name = {check.name: check for check in verdict.checks}
    assert by_name["forward, integers"].worst == 0.0
    assert 0.0 < by_name["forward, reals"].worst < 1.0
    assert by_name["adjoint identity"].cases == 3 * 6
    assert verdict.cases == sum(check.cases for check in verdict.checks)


def only(name, change):
    """Damage that changes one result in place."""

    def damage(results, arrays):
        if name in results:
            change(results, arrays)

    return damage


def zero_last_row(results, arrays):
    results["x"][..., -1, :] = 0


def swap_phases(results, arrays):
    if results["x"].shape[-1] > 1:
        results["x"][..., [0, 1]] = results["x"][..., [1, 0]]


def forget_batch_zero(results, arrays):
    if arrays["x"].shape[0] == 0:
        results["w"] += 1


def lose_digits(results, arrays):
    results["w"] = (results["w"] * (1 + 3e-4)).astype(results["w"].dtype)


def not_a_number(results, arrays):
    results["y"].reshape(-1)[-1:] = np.nan


def write_into_input(results, arrays):
    arrays["x"] *= 2


def wrong_dtype(results, arrays):
    results["b"] = results["b"].astype(np.float16)


def wrong_shape(results, arrays):
    results["w"] = results["w"][..., ::-1, :-1]


def crash(results, arrays):
    raise ValueError("Buffer has wrong number of dimensions")


SHIFTED = conv(2, stride=(2, 3), padding=((2, 1), (0, 1)), dilation=(2, 1), groups=2, bias=True)
TURNED = conv(2, stride=(2, 3), padding=((1, 2), (0, 1)), dilation=(2, 1), groups=2, bias=True, flip=True)
WRONG = [
    ({"forward_op": SHIFTED}, "y[", "is"),
    ({"backward_op": SHIFTED}, "gradient by x[", "want"),
    ({"backward_op": TURNED}, "gradient by x[", "want"),
    ({"damage": only("x", zero_last_row)}, "gradient by x[", "is 0.0"),
    ({"damage": only("x", swap_phases)}, "gradient by x[", "want"),
    ({"damage": only("w", forget_batch_zero)}, "gradient by w[", "x (0, "),
    ({"damage": only("w", lose_digits)}, "gradient by w[", "allowed"),
    ({"damage": only("y", not_a_number)}, "y[", "nan"),
    ({"damage": only("y", write_into_input)}, "y: ", "forward wrote into its input x"),
    ({"damage": only("b", wrong_dtype)}, "gradient by b: ", "returned float16"),
    ({"damage": only("w", wrong_shape)}, "gradient by w: ", "wanted float32"),
    ({"damage": only("x", crash)}, "gradient by x: ", "raised ValueError: Buffer"),
]


@pytest.mark.parametrize(("how", "result", "word"), WRONG, ids=lambda value: str(value)[:40])
def test_a_wrong_kernel_is_rejected_readably(how, result, word) -> None:
    verdict = judge(CONV, Stub(CONV, "float32", **how), "float32", count=6)
    assert not verdict
    assert verdict.failure is not None
    text = str(verdict)
    assert "FAILED" in text.splitlines()[0]
    assert result in text
    assert word in text
    assert str(verdict.failure).split("\n")[1].startswith("at x (")


@pytest.mark.parametrize(
    ("op", "wrong"),
    [
        (POOL, formula(POOL.source, extents={"p": 3, "q": 2}, border="skip", kinks={"max": "share"})),
        (POOL, formula(POOL.source, extents={"p": 3, "q": 2}, border="zero")),
        (formula(ADDER, border="skip"), formula(ADDER, border="zero")),
        (formula("y[n,i] = relu(x[n,i])"), formula("y[n,i] = relu(x[n,i])", kinks={"relu": "half"})),
        (conv(1, padding=1, border="reflect"), conv(1, padding=1, border="replicate")),
        (formula("y[n,i] = tanh(x[n,i])"), formula("y[n,i] = x[n,i] - tanh(x[n,i])")),
    ],
    ids=["tie", "pool border", "adder border", "relu", "reflect", "tanh"],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_kernel_of_another_convention_is_rejected(op, wrong, dtype) -> None:
    verdict = judge(op, Stub(op, dtype, backward_op=wrong), dtype)
    assert not verdict
    assert "gradient by" in str(verdict.failure)
    forward = [check for check in verdict.checks if check.name.startswith("forward")]
    assert all(check.passed for check in forward)


def test_independent_oracles_each_catch_a_wrong_gradient() -> None:
    def damage(results, arrays):
        if "x" in results:
            results["x"] *= 1.01

    op = conv(1, padding=1)
    verdict = judge(op, Stub(op, damage=damage))
    failed = {check.name for check in verdict.checks if not check.passed}
    assert {"gradient by x, reals", "finite differences", "Taylor remainder", "adjoint identity"} <= failed
    assert not any("by w" in name or "forward" in name for name in failed)


def test_parts_of_a_kernel_and_its_bounds() -> None:
    op = conv(1)

    def rounded(results, arrays):
        for name, value in results.items():
            results[name] = (value * (1 + 1e-15)).astype(value.dtype)

    kernel = Stub(op, damage=rounded)
    assert not judge(op, kernel, count=4)
    assert judge(op, kernel, count=4, exact=False)
    assert judge(op, Stub(op, backward_op=conv(1, flip=True)), gradients=(), count=4)
    said: list[str] = []
    fixed = ({"x": (2, 3, 9), "w": (4, 3, 2)},)
    verdict = judge(op, Stub(op), shapes=fixed, gradients=("w",), progress=said.append)
    assert verdict
    assert verdict.geometries == ((("x", (2, 3, 9)), ("w", (4, 3, 2))),)
    assert said[0] == "definition, geometry 1 of 1"
    assert [check.name for check in verdict.checks if "gradient" in check.name] == [
        "gradient by w, integers",
        "gradient by w, reals",
    ]


def test_surrogates_are_judged_as_declared() -> None:
    op, true = (formula("y[n,i] = sign(x[n,i])", surrogates=s) for s in ({"sign": "1"}, None))
    verdict = judge(op, Stub(op), count=3)
    assert verdict
    assert "surrogate" in str(verdict)
    assert not judge(op, Stub(op, backward_op=true), count=3)
    assert judge(op, Stub(op), gradients=(), count=3)


def test_the_same_seed_gives_the_same_verdict() -> None:
    assert str(judge(CONV, Stub(CONV), count=3, seed=4)) == str(judge(CONV, Stub(CONV), count=3, seed=4))


class TorchKernel:
    """A kernel nobody here wrote: torch's own convolution in its own precision."""

    def __init__(self, call: Callable[..., Any], names: tuple[str, ...]) -> None:
        self.call, self.names = call, names

    def forward(self, *arrays: Array) -> Array:
        torch = pytest.importorskip("torch")
        return self.call(*map(torch.tensor, arrays)).numpy()

    def backward(self, gy: Array, *arrays: Array) -> tuple[Array, ...]:
        torch = pytest.importorskip("torch")
        leaves = [torch.tensor(array, requires_grad=True) for array in arrays]
        found = torch.autograd.grad(self.call(*leaves), leaves, torch.tensor(gy))
        return namedtuple("Gradients", self.names)(*(gradient.numpy() for gradient in found))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_torchs_convolution_is_right_and_keeps_the_stated_bound(dtype) -> None:
    torch = pytest.importorskip("torch")
    op = conv(2, stride=(2, 3), padding=((1, 1), (0, 0)), dilation=(2, 1), groups=3, bias=True)

    def call(x, w, b):
        return torch.nn.functional.conv2d(x, w, b, (2, 3), (1, 0), (2, 1), 3)

    verdict = judge(op, TorchKernel(call, op.tensors), dtype)
    assert verdict, str(verdict)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rounding_through_nonlinear_functions_keeps_the_stated_bound(dtype) -> None:
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    op = formula("y[n,f,i] = tanh(sum[c,p](gelu(x[n,c,i+p-1])*softplus(w[f,c,p])))")

    def call(x, w):
        return torch.tanh(F.conv1d(F.gelu(x), F.softplus(w), padding=1))

    verdict = judge(op, TorchKernel(call, op.tensors), dtype)
    assert verdict, str(verdict)


def test_without_torch_the_other_oracles_judge(monkeypatch) -> None:
    monkeypatch.setattr(import_module("symconv.verify.checks"), "available", lambda: False)
    verdict = judge(CONV, Stub(CONV), count=3)
    assert verdict
    assert "torch is not installed" in str(verdict)
