"""Data parallel training: two processes on loopback, and one that sees the whole batch."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

import symconv as sc

torch = pytest.importorskip("torch")

from symconv.frameworks import torch as st  # noqa: E402

nn = torch.nn


def network() -> Any:
    """A convolution of torch exchanged, and a layer of torch's own convolutions' like made of a formula."""
    torch.manual_seed(3)
    distance = sc.operator("y[n,f,i,j] = sum[c,p,q](-abs(x[n,c,i+p-1,j+q] - w[f,c,p,q]))", border="skip")
    return nn.Sequential(
        st.replace_convs(nn.Conv2d(2, 3, (3, 2), stride=(2, 1), padding=(1, 0), dtype=torch.float64)),
        st.as_module(distance, w=(4, 3, 3, 2), dtype="float64"),
    )


def batch() -> tuple[Any, Any]:
    draw = torch.Generator().manual_seed(4)
    return (
        torch.randn(6, 2, 7, 9, dtype=torch.float64, generator=draw),
        torch.randn(6, 4, 4, 7, dtype=torch.float64, generator=draw),
    )


def stepped(model: Any, x: Any, target: Any) -> tuple[list[Any], list[Any]]:
    """The gradients of one step, and the parameters after two."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    grads: list[Any] = []
    for _ in range(2):
        optimizer.zero_grad()
        (model(x) - target).square().mean().backward()
        grads = grads or [p.grad.clone() for p in model.parameters()]
        optimizer.step()
    return grads, [p.detach().clone() for p in model.parameters()]


def work(rank: int, world: int, meeting: str, result: str) -> None:
    """One of the processes: its part of the batch."""
    dist = torch.distributed
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=world)
    try:
        x, target = (t[rank::world] for t in batch())
        model = nn.parallel.DistributedDataParallel(network())
        torch.save(stepped(model, x, target), f"{result}-{rank}")
    finally:
        dist.destroy_process_group()


@pytest.mark.full
@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch is built without torch.distributed")
def test_gradients_of_two_processes_are_those_of_the_whole_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = stepped(network(), *batch())
    # A process is named after a module it can import: the test's folder is on no path of its own.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), *sys.path]))
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo")
    from test_torch_distributed import work as one  # type: ignore[import-not-found]

    torch.multiprocessing.spawn(one, (2, str(tmp_path / "meeting"), str(tmp_path / "result")), nprocs=2)
    for rank in range(2):
        found = torch.load(tmp_path / f"result-{rank}")
        for got, want in zip(found, whole, strict=True):
            assert len(got) == 3
            assert all(torch.allclose(a, b, rtol=1e-12, atol=1e-14) for a, b in zip(got, want, strict=True))
