"""PyTorch's surroundings: memory, modes, tracers, stacks of gradients, processes; torch's convolution is the oracle."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import symconv as sc

torch = pytest.importorskip("torch")

from symconv.frameworks import torch as st  # noqa: E402

pytestmark = pytest.mark.filterwarnings(
    r"ignore:.*torch\.jit:DeprecationWarning", "ignore:.*is deprecated:FutureWarning", "ignore:.*deprecated:DeprecationWarning"
)  # fmt: skip


def theirs(x: Any, w: Any) -> Any:
    return torch.nn.functional.conv2d(x, w, stride=(2, 1), padding=(1, 0))


@pytest.fixture(scope="module")
def conv() -> Any:
    return st.as_function(sc.conv2d(stride=(2, 1), padding=(1, 0)))


@pytest.fixture
def pair() -> tuple[Any, Any]:
    draw = torch.Generator().manual_seed(1)
    return (
        torch.randn(2, 3, 7, 8, dtype=torch.float64, generator=draw),
        torch.randn(4, 3, 3, 2, dtype=torch.float64, generator=draw),
    )


def test_contiguous_tensors_are_not_copied(conv: Any, pair: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel gets the very addresses of the tensors, and the tensors that come out are the kernel's results."""
    places: list[list[int]] = []

    def watch(name: str) -> None:
        plain = getattr(sc.Kernel, name)

        def told(self: Any, *arrays: Any, **more: Any) -> Any:
            made = plain(self, *arrays, **more)
            results = (made,) if name == "forward" else tuple(made)
            places.append([a.__array_interface__["data"][0] for a in (*arrays, *results)])
            return made

        monkeypatch.setattr(sc.Kernel, name, told)

    watch("forward")
    watch("backward")
    x, w = (t.requires_grad_() for t in pair)
    y = conv(x, w)
    gy = torch.ones_like(y)
    gx, gw = torch.autograd.grad(y, (x, w), gy)
    assert places == [[t.data_ptr() for t in (x, w, y)], [t.data_ptr() for t in (gy, x, w, gx, gw)]]


@pytest.mark.parametrize("required", [r for r in itertools.product((False, True), repeat=2) if any(r)])
def test_every_set_of_required_gradients(conv: Any, pair: tuple[Any, Any], required: tuple[bool, ...]) -> None:
    given = [t.requires_grad_(wanted) for t, wanted in zip(pair, required, strict=True)]
    wanted = [t for t in given if t.requires_grad]
    got = torch.autograd.grad(conv(*given).sin().sum(), wanted)
    want = torch.autograd.grad(theirs(*given).sin().sum(), wanted)
    assert all(torch.allclose(a, b) for a, b in zip(got, want, strict=True))
    with torch.no_grad():
        assert not conv(*given).requires_grad


def test_views_with_another_order_or_sign_are_read_as_what_they_are(conv: Any, pair: tuple[Any, Any]) -> None:
    x, w = pair
    views = (
        x.transpose(2, 3), x[:, :, ::2], x[:1].expand(3, -1, -1, -1),
        torch.complex(x, x).conj().imag, torch._neg_view(x), torch._efficientzerotensor((2, 3, 7, 8), dtype=torch.float64),
    )  # fmt: skip
    for view in views:
        assert torch.allclose(conv(view, w), theirs(view, w))
        assert torch.allclose(
            torch.autograd.grad(conv(view, w.requires_grad_()).sum(), w)[0],
            torch.autograd.grad(theirs(view, w).sum(), w)[0],
        )


def small(pair: tuple[Any, Any]) -> tuple[Any, Any, Any]:
    x, w = (t[:1, :2, :4, :3].contiguous().requires_grad_() for t in pair)
    return x, w, torch.randn(3, *theirs(x, w).shape, dtype=torch.float64)


def test_stacks_of_gradients(conv: Any, pair: tuple[Any, Any]) -> None:
    """torch's older vmap, which knows no rules of custom functions."""
    x, w, along = small(pair)
    got, want = (torch.autograd.grad(f(x, w), (x, w), along, is_grads_batched=True) for f in (conv, theirs))
    assert all(torch.allclose(a, b) for a, b in zip(got, want, strict=True))


@pytest.mark.full
def test_stacks_of_further_derivatives(conv: Any, pair: tuple[Any, Any]) -> None:
    x, w, along = small(pair)
    sides = []
    for f in (conv, theirs):
        first = torch.autograd.grad(f(x, w), (x, w), along, is_grads_batched=True, create_graph=True)
        sides.append(torch.autograd.grad(sum(g.sin().sum() for g in first), (x, w)))
    assert all(torch.allclose(a, b) for a, b in zip(*sides, strict=True))
    for strategy in ("reverse-mode", "forward-mode"):
        jacobians = [
            torch.autograd.functional.jacobian(
                lambda a, f=f: f(a.sin(), w), x.detach(), vectorize=True, strategy=strategy
            )
            for f in (conv, theirs)
        ]
        assert torch.allclose(*jacobians)
    assert torch.autograd.gradcheck(conv, (x, w), check_batched_grad=True, check_forward_ad=True, check_batched_forward_grad=True)  # fmt: skip


def test_tracers_see_one_operator_and_no_constant(conv: Any, pair: tuple[Any, Any]) -> None:
    from torch.fx.experimental.proxy_tensor import make_fx

    x, w = pair
    other = torch.randn_like(x)
    for mode in ("real", "fake", "symbolic"):
        assert torch.allclose(make_fx(conv, tracing_mode=mode)(x, w)(other, w), theirs(other, w))
    traced = torch.jit.trace(lambda a: conv(a, w), (x,))
    assert torch.allclose(traced(other), theirs(other, w))


def test_sizes_stay_symbols(conv: Any, pair: tuple[Any, Any]) -> None:
    from torch._dynamo.testing import CompileCounter

    torch._dynamo.reset()
    graphs = CompileCounter()
    fast = torch.compile(conv, fullgraph=True, dynamic=True, backend=graphs)
    for shape in ((5, 3, 7, 8), (7, 3, 9, 11), (6, 3, 12, 13)):
        x = torch.randn(shape, dtype=torch.float64)
        assert torch.allclose(fast(x, pair[1]), theirs(x, pair[1]))
    assert graphs.frame_count == 1
    layer = st.as_module(conv.operator, w=(4, 3, 3, 2), dtype="float64")
    batch, high = torch.export.Dim("batch", min=2, max=64), torch.export.Dim("high", min=4, max=99)
    program = torch.export.export(layer, (pair[0],), dynamic_shapes=(({0: batch, 2: high},),))
    x = torch.randn(5, 3, 10, 8, dtype=torch.float64)
    assert torch.allclose(program.module()(x), layer(x))


@pytest.mark.parametrize("narrow", [torch.bfloat16, torch.float16])
def test_autocast_takes_narrow_as_float32_and_leaves_float64(conv: Any, pair: tuple[Any, Any], narrow: Any) -> None:
    x, w = (t.to(narrow).requires_grad_() for t in pair)
    with torch.autocast("cpu", dtype=narrow):
        y = conv(x, w)
        assert conv(*pair).dtype == torch.float64
        with pytest.raises(sc.SpecError, match=r"w is torch\.float64, and x is torch.float32"):
            conv(x, pair[1])
    assert y.dtype == torch.float32
    assert torch.allclose(y, theirs(x.float(), w.float()), atol=1e-5)
    assert all(g.dtype == narrow for g in torch.autograd.grad(y.sum(), (x, w)))


def test_deterministic_mode_and_checkpointing(conv: Any, pair: tuple[Any, Any]) -> None:
    from torch.utils.checkpoint import checkpoint

    x, w = (t.requires_grad_() for t in pair)
    try:
        torch.use_deterministic_algorithms(True)
        first, second = (torch.autograd.grad(conv(x, w).sin().sum(), (x, w)) for _ in range(2))
    finally:
        torch.use_deterministic_algorithms(False)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    again = torch.autograd.grad(checkpoint(conv, x, w, use_reentrant=False).sin().sum(), (x, w))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


def test_what_was_saved_may_not_change(conv: Any, pair: tuple[Any, Any]) -> None:
    x, w = (t.requires_grad_() for t in pair)
    y = conv(x, w)
    with torch.no_grad():
        w.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


class Convolved(torch.utils.data.Dataset):  # type: ignore[misc]
    """Samples that a worker process convolves."""

    def __init__(self, function: Any, w: Any) -> None:
        self.function, self.w = function, w

    def __len__(self) -> int:
        return 6

    def __getitem__(self, place: int) -> Any:
        return self.function(torch.full((1, 3, 7, 8), float(place), dtype=torch.float64), self.w)[0]


def test_workers_of_a_loader_convolve(conv: Any, pair: tuple[Any, Any]) -> None:
    data = Convolved(conv, pair[1])
    conv(*pair)
    batches = list(torch.utils.data.DataLoader(data, batch_size=2, num_workers=2))
    assert torch.equal(torch.cat(batches), torch.stack([data[k] for k in range(len(data))]))


def between(call: Callable[[], Any]) -> int:
    """How often this thread runs Python code while another is in the middle of a call."""
    span: list[float] = []

    def work() -> None:
        span.append(time.perf_counter())
        call()
        span.append(time.perf_counter())

    worker = threading.Thread(target=work)
    ticks: list[float] = []
    worker.start()
    while worker.is_alive():
        ticks.append(time.perf_counter())
    start, end = span
    assert end - start > 0.02
    return sum(start + 0.3 * (end - start) < tick < end - 0.3 * (end - start) for tick in ticks)


@pytest.mark.full
def test_python_runs_while_kernels_do() -> None:
    function = st.as_function(sc.operator("y[n,f,i] = sum[c,p](exp(x[n,c,i+p]*w[f,c,p]))"), threads=1)
    x, w = torch.randn(480, 16, 400), torch.randn(32, 16, 5, requires_grad=True)
    y = function(x, w)
    function(x, w).sum().backward()
    assert between(lambda: function(x, w)) > 10
    assert between(lambda: y.sum().backward()) > 10
