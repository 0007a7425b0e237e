"""Networks that learn scikit-learn's digits, each beside the same network in plain torch."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

import symconv as sc

torch = pytest.importorskip("torch")

from symconv.frameworks import torch as st  # noqa: E402

nn = torch.nn
functional = nn.functional


class Adder(torch.autograd.Function):  # type: ignore[misc]
    """Distances of windows to filters, with the derivatives that the paper on AdderNet declares."""

    @staticmethod
    def forward(ctx: Any, windows: Any, w: Any) -> Any:
        ctx.save_for_backward(windows, w)
        return -(windows[:, None] - w[None, :, :, None]).abs().sum(2)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        windows, w = ctx.saved_tensors
        apart = w[None, :, :, None] - windows[:, None]
        return (g[:, :, None] * apart.clamp(-1, 1)).sum(1), -(g[:, :, None] * apart).sum((0, 3))


def dilated(windows: Any, w: Any) -> Any:
    return (windows[:, None] + w[None, :, :, None]).max(2).values


class Windowed(nn.Module):  # type: ignore[misc]
    """A function of copied windows and filters, as a layer with the parameters of another."""

    def __init__(self, layer: Any, function: Any, padding: int) -> None:
        super().__init__()
        self.w = nn.Parameter(layer.w.detach().clone())
        self.function, self.padding = function, padding

    def forward(self, x: Any) -> Any:
        less = [2 * self.padding - extent + 1 for extent in self.w.shape[2:]]
        windows = functional.unfold(x, self.w.shape[2:], padding=self.padding)
        return self.function(windows, self.w.flatten(1)).unflatten(
            2, [n + k for n, k in zip(x.shape[2:], less, strict=True)]
        )


def lenet() -> tuple[Any, Any]:
    plain = nn.Sequential(
        nn.Conv2d(1, 8, (3, 2), padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10),
    )  # fmt: skip
    return st.replace_convs(copy.deepcopy(plain)), plain


def addernet() -> tuple[Any, Any]:
    op = sc.adder2d(padding=1, surrogate={"w": "x - w", "x": "max(min(w - x, 1), -1)"})
    layers = st.as_module(op, w=(8, 1, 3, 3)), st.as_module(op, w=(16, 8, 3, 3))
    tail = nn.Linear(64, 10)

    def network(first: Any, second: Any) -> Any:
        return nn.Sequential(
            first, nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), second, nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), copy.deepcopy(tail),
        )  # fmt: skip

    return network(*layers), network(*(Windowed(layer, Adder.apply, 1) for layer in layers))


def morphological() -> tuple[Any, Any]:
    layer = st.as_module(sc.max_plus2d(), w=(16, 1, 3, 3))
    tail = nn.Linear(16 * 36, 10)

    def network(first: Any) -> Any:
        return nn.Sequential(first, nn.BatchNorm2d(16), nn.Flatten(), copy.deepcopy(tail))

    return network(layer), network(Windowed(layer, dilated, 0))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Layers as small as these gain nothing from a second thread, and wait for it where a machine is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.full
@pytest.mark.parametrize(
    ("build", "epochs", "rate", "wanted"),
    [(lenet, 15, 0.004, 0.94), (addernet, 8, 0.01, 0.9), (morphological, 8, 0.003, 0.93)],
)
def test_digits_are_learnt_as_with_plain_torch(build: Any, epochs: int, rate: float, wanted: float) -> None:
    digits = pytest.importorskip("sklearn.datasets").load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
    labels = torch.tensor(digits.target)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    training, held_out = order[:1437], order[1437:]
    torch.manual_seed(0)
    mine, plain = build()
    ends = []
    for model in (mine, plain):
        optimizer = torch.optim.Adam(model.parameters(), lr=rate)
        draw = torch.Generator().manual_seed(1)
        losses: list[float] = []
        for _ in range(epochs):
            for batch in training[torch.randperm(len(training), generator=draw)].split(64):
                optimizer.zero_grad()
                loss = functional.cross_entropy(model(images[batch]), labels[batch])
                loss.backward()
                optimizer.step()
                losses.append(float(loss.detach()))
        model.eval()
        with torch.no_grad():
            right = (model(images[held_out]).argmax(1) == labels[held_out]).float().mean()
        ends.append((losses, float(right)))
    (losses, accuracy), (theirs, _) = ends
    # Roundings grow while a network learns; the first steps are the same.
    assert losses[:5] == pytest.approx(theirs[:5], rel=1e-3)
    assert accuracy >= wanted
