"""PyTorch: every derivative of a function that symconv computes, and torch's own convolution as the oracle."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symconv as sc

torch = pytest.importorskip("torch")

from symconv.frameworks import torch as st  # noqa: E402

# torch's own tracers still use what torch deprecates.
pytestmark = pytest.mark.filterwarnings(
    r"ignore:.*torch\.jit:DeprecationWarning", "ignore:.*is deprecated:FutureWarning"
)

OP = sc.conv2d(stride=(2, 1), padding=(1, 0))


def theirs(x: Any, w: Any) -> Any:
    return torch.nn.functional.conv2d(x, w, stride=(2, 1), padding=(1, 0))


@pytest.fixture(scope="module")
def conv() -> Any:
    return st.as_function(OP)


@pytest.fixture
def pair() -> tuple[Any, Any]:
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(2, 3, 7, 8, dtype=torch.float64, generator=draw, requires_grad=True)
    w = torch.randn(4, 3, 3, 2, dtype=torch.float64, generator=draw, requires_grad=True)
    return x, w


def small() -> tuple[Any, Any]:
    draw = torch.Generator().manual_seed(2)
    x = torch.randn(1, 2, 4, 3, dtype=torch.float64, generator=draw, requires_grad=True)
    return x, torch.randn(2, 2, 3, 2, dtype=torch.float64, generator=draw, requires_grad=True)


def test_derivatives_of_both_modes_and_orders(conv: Any) -> None:
    assert torch.autograd.gradcheck(conv, small(), check_forward_ad=True)
    assert torch.autograd.gradgradcheck(conv, small(), check_fwd_over_rev=True)


@pytest.mark.full
def test_third_order_has_names_left(conv: Any) -> None:
    x, w = small()

    def third(function: Callable[..., Any]) -> Any:
        value = function(x, w).pow(3).sum()
        for _ in range(2):
            (g,) = torch.autograd.grad(value, (w,), create_graph=True)
            value = g.pow(2).sum()
        return torch.autograd.grad(value, (x, w))

    for got, want in zip(third(conv), third(theirs), strict=True):
        assert torch.allclose(got, want)


def test_values_and_gradients_are_torchs(conv: Any, pair: tuple[Any, Any]) -> None:
    x, w = pair
    assert torch.allclose(conv(x, w), theirs(x, w))
    assert torch.allclose(conv(w=w, x=x), theirs(x, w))
    for wanted in ((x,), (w,), (x, w)):
        got = torch.autograd.grad(conv(x, w).sin().sum(), wanted)
        want = torch.autograd.grad(theirs(x, w).sin().sum(), wanted)
        assert all(torch.allclose(a, b) for a, b in zip(got, want, strict=True))


def test_only_the_gradients_asked_for_are_computed(monkeypatch: pytest.MonkeyPatch, conv: Any, pair: Any) -> None:
    asked: list[tuple[str, ...]] = []
    plain = sc.Kernel.backward

    def told(self: Any, *arrays: Any, **more: Any) -> Any:
        asked.append(more["wrt"] or ("x", "w"))
        return plain(self, *arrays, **more)

    monkeypatch.setattr(sc.Kernel, "backward", told)
    x, w = pair
    conv(x.detach(), w).sum().backward()
    conv(x, w.detach()).sum().backward()
    conv(x, w).sum().backward()
    assert asked == [("w",), ("x",), ("x", "w")]


def test_transforms(conv: Any, pair: tuple[Any, Any]) -> None:
    x, w = (t.detach() for t in pair)

    def both(make: Callable[[Callable[..., Any]], Any]) -> None:
        got, want = make(conv), make(theirs)
        assert torch.allclose(got, want)

    both(lambda f: torch.vmap(f, in_dims=(0, None))(torch.stack([x, 2 * x]), w))
    both(lambda f: torch.vmap(f, in_dims=(None, 1), out_dims=1)(x, torch.stack([w, 2 * w], 1)))
    both(
        lambda f: torch.vmap(torch.vmap(f, in_dims=(None, 0)), in_dims=(0, None))(
            torch.stack([x, x]), torch.stack([w, w])
        )
    )
    both(lambda f: torch.func.jvp(lambda a: f(a, w), (x,), (x.cos(),))[1])
    both(lambda f: torch.func.vjp(lambda a: f(x, a), w)[1](theirs(x, w))[0])
    both(lambda f: torch.func.grad(lambda a: f(a, w).sin().sum())(x))
    # The gradient of each sample by what all samples share.
    both(lambda f: torch.vmap(torch.func.grad(lambda b, a: f(a[None], b).sin().sum()), in_dims=(None, 0))(w, x))
    both(lambda f: torch.func.hessian(lambda b: f(x[:1, :, :3, :2], b).sin().sum())(w))


def test_torchs_registry(conv: Any) -> None:
    torch.library.opcheck(conv.op, small())
    x, w = small()
    # What a tracer is told of strides is so, however the operands lie.
    torch.library.opcheck(conv.op, (x.detach().to(memory_format=torch.channels_last).requires_grad_(), w))


def test_compiled_and_exported(conv: Any, pair: tuple[Any, Any]) -> None:
    x, w = pair
    torch._dynamo.reset()
    # Nothing is generated: what is tried is the way through the tracers.
    fast = torch.compile(lambda a, b: conv(a, b).sin(), fullgraph=True, dynamic=True, backend="aot_eager")
    got = torch.autograd.grad(fast(x, w).sum(), (x, w))
    want = torch.autograd.grad(theirs(x, w).sin().sum(), (x, w))
    assert all(torch.allclose(a, b) for a, b in zip(got, want, strict=True))
    assert fast(x.detach()[:, :, :5], w.detach()).shape == theirs(x[:, :, :5], w).shape
    layer = st.as_module(OP, w=(4, 3, 3, 2), dtype="float64")
    program = torch.export.export(layer, (x.detach(),))
    assert torch.allclose(program.module()(x.detach()), layer(x))


def test_a_tangent_is_never_lost(conv: Any, pair: tuple[Any, Any]) -> None:
    x, w = pair
    torch._dynamo.reset()

    def along(a: Any) -> Any:
        return torch.func.jvp(lambda b: conv(b, w), (a,), (a,))[1]

    with pytest.raises(Exception, match="would lose the tangent"):
        torch.compile(along, fullgraph=True, backend="eager")(x)


def test_channels_last_is_read_as_it_lies(conv: Any, pair: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    x, w = (t.detach() for t in pair)
    lying = x.to(memory_format=torch.channels_last).requires_grad_()
    seen: list[bool] = []
    plain = sc.Kernel.forward

    def told(self: Any, *arrays: Any, **more: Any) -> Any:
        seen.append(np.shares_memory(arrays[0], lying.detach().numpy()) and arrays[0].flags.c_contiguous)
        return plain(self, *arrays, **more)

    monkeypatch.setattr(sc.Kernel, "forward", told)
    y = conv(lying, w)
    assert seen == [True]
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(y, theirs(x, w))
    (g,) = torch.autograd.grad(y.sin().sum(), (lying,))
    (want,) = torch.autograd.grad(theirs(lying, w).sin().sum(), (lying,))
    assert torch.allclose(g, want)
    assert torch.allclose(conv(x[:, :, ::2, 1:], w), theirs(x[:, :, ::2, 1:], w))


def test_stand_ins_have_shapes(conv: Any) -> None:
    x, w = torch.zeros(2, 3, 7, 8, device="meta"), torch.zeros(4, 3, 3, 2, device="meta")
    assert conv(x, w).shape == (2, 4, 4, 7)
    assert conv(x, w).is_meta
    from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

    with FakeTensorMode():
        made = conv(torch.zeros(2, 3, 7, 8), torch.zeros(4, 3, 3, 2))
    assert isinstance(made, FakeTensor)
    assert made.shape == (2, 4, 4, 7)


def test_empty_batches(conv: Any) -> None:
    x, w = torch.zeros(0, 3, 7, 8, requires_grad=True), torch.ones(4, 3, 3, 2, requires_grad=True)
    gx, gw = torch.autograd.grad(conv(x, w).sum(), (x, w))
    assert gx.shape == x.shape
    assert not gw.any()


REFUSED: dict[str, tuple[Callable[[Any, Any], tuple[Any, ...]], str]] = {
    "two dtypes": (lambda x, w: (x.float(), w), r"w is torch.float64, and x is torch.float32: pass w.to"),
    "half": (lambda x, w: (x.half(), w.half()), "kernels compute float32 and float64"),
    "one tensor": (lambda x, w: (x,), "takes 2 tensors"),
    "an array": (lambda x, w: (x, w.detach().numpy()), "w is a ndarray, wanted a torch tensor"),
    "channels": (lambda x, w: (x[:, :2], w), "wanted"),
    "sparse": (lambda x, w: (x.detach().to_sparse(), w), "wanted a dense tensor"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_said(name: str, conv: Any, pair: tuple[Any, Any]) -> None:
    change, words = REFUSED[name]
    with pytest.raises(sc.SpecError, match=words):
        conv(*change(*pair))


def test_autocast_computes_float32(conv: Any, pair: tuple[Any, Any]) -> None:
    x, w = pair
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = conv(x.bfloat16(), w.float())
    assert y.dtype == torch.float32


def test_threads_are_torchs_and_do_not_change_a_bit(conv: Any, pair: tuple[Any, Any]) -> None:
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(conv(*pair))
            assert any(key[1] == threads for key in conv.layer._kernels)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found)


def test_threads_and_forks_may_call_at_once(conv: Any, pair: tuple[Any, Any]) -> None:
    x, w = (t.detach() for t in pair)
    want, found = conv(x, w), []
    workers = [threading.Thread(target=lambda: found.extend(conv(x, w) for _ in range(20))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 80
    assert all(torch.equal(one, want) for one in found)
    child = os.fork()
    if child == 0:
        os._exit(0 if torch.equal(conv(x, w), want) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_functions_and_kernels_are_pickled(conv: Any, pair: tuple[Any, Any]) -> None:
    x, w = (t.detach() for t in pair)
    assert torch.equal(pickle.loads(pickle.dumps(conv))(x, w), conv(x, w))
    kernel = sc.build(OP, dtype="float64")
    again = pickle.loads(pickle.dumps(kernel))
    assert (again(x.numpy(), w.numpy()) == kernel.forward(x.numpy(), w.numpy())).all()
    assert torch.equal(kernel.torch()(x, w), conv(x, w))


def test_gradients_of_gradients_are_functions_too(pair: tuple[Any, Any]) -> None:
    x, w = pair
    gradient = st.as_function(sc.derive(OP, "w"))
    gy = torch.ones(2, 4, 4, 7, dtype=torch.float64)
    assert torch.allclose(gradient(gy, x, w), torch.autograd.grad(theirs(x, w), w, gy)[0])


@pytest.mark.full
@pytest.mark.parametrize(
    "formula", ["y[n,f,i] = sum[c,p](abs(x[n,c,i+p]-w[f,c,p]))", "y[n,f,i] = max[c,p](x[n,c,2*i+p]+w[f,c,p])"]
)
def test_any_formula(formula: str) -> None:
    function = st.as_function(sc.operator(formula))
    draw = torch.Generator().manual_seed(3)
    x, w = (torch.randn(s, dtype=torch.float64, generator=draw, requires_grad=True) for s in ((2, 2, 6), (3, 2, 3)))
    assert torch.autograd.gradcheck(function, (x, w))
    stack = torch.stack([x, -x]).detach()
    assert torch.equal(torch.vmap(lambda a: function(a, w))(stack)[1], function(-x, w))
