"""Modules: parameters, networks with their convolutions exchanged, layers of others compared."""

from __future__ import annotations

import copy
import itertools
import pickle
import threading
from typing import Any

import pytest

import symconv as sc

torch = pytest.importorskip("torch")

from symconv.frameworks import torch as st  # noqa: E402

nn = torch.nn


def test_a_module_has_parameters_and_shows_its_formula() -> None:
    layer = st.as_module(sc.conv2d(padding=1, bias=True), w=(4, 3, 3, 2), b=(4,))
    assert {name: tuple(p.shape) for name, p in layer.named_parameters()} == {"w": (4, 3, 3, 2), "b": (4,)}
    assert "sum[c,p,q]" in repr(layer)
    bound = 1 / 18**0.5
    assert 0.5 * bound < layer.w.abs().max() <= bound
    assert layer.b.abs().max() <= bound
    other = st.as_module(sc.conv2d(padding=1, bias=True), w=(4, 3, 3, 2), b=(4,))
    other.load_state_dict(layer.state_dict())
    x = torch.randn(2, 3, 5, 6)
    assert torch.equal(other(x), layer(x))
    assert torch.equal(pickle.loads(pickle.dumps(layer))(x), layer(x))
    want = nn.functional.conv2d(x, layer.w, layer.b, padding=1)
    assert torch.allclose(layer(x), want, atol=1e-6)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"v": (4, 3, 3, 2)}, "has no tensor 'v'"),
        ({"w": (4, 3)}, "the shape of the parameter w is 4 numbers"),
        ({"w": (4, 3, 3, 2), "x": (1, 3, 5, 6)}, "what the module is called with"),
        ({"w": (4, 3, 3, 2), "target": "z80"}, "target"),
    ],
)
def test_what_no_module_can_be_made_of_is_said(given: dict[str, Any], words: str) -> None:
    with pytest.raises(sc.SpecError, match=words):
        st.as_module(sc.conv2d(), **given)


class Basic(nn.Module):  # type: ignore[misc]
    """A block of ResNet-18: two convolutions beside a shortcut, which has the stride in a 1x1 one."""

    def __init__(self, wide: int, out: int, stride: int) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv2d(wide, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
        self.second, self.again = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
        alike = stride == 1 and wide == out
        self.short = nn.Identity() if alike else nn.Sequential(nn.Conv2d(wide, out, 1, stride, bias=False), nn.BatchNorm2d(out))  # fmt: skip

    def forward(self, x: Any) -> Any:
        return torch.relu(self.again(self.second(torch.relu(self.norm(self.first(x))))) + self.short(x))


def resnet() -> Any:
    """ResNet-18, narrow: a 7x7 stem, a pool, four stages of two blocks."""
    widths = [4, 4, 4, 6, 6, 8, 8, 10, 10]
    blocks = [Basic(a, b, 2 if k in (2, 4, 6) else 1) for k, (a, b) in enumerate(itertools.pairwise(widths))]
    stem = (nn.Conv2d(3, 4, 7, 2, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(10, 5))


class Inverted(nn.Module):  # type: ignore[misc]
    """A block of MobileNet: channels expanded, a depthwise convolution, channels projected."""

    def __init__(self, wide: int, out: int, stride: int) -> None:
        super().__init__()
        self.alike = stride == 1 and wide == out
        self.path = nn.Sequential(
            nn.Conv2d(wide, 3 * wide, 1, bias=False), nn.BatchNorm2d(3 * wide), nn.ReLU6(),
            nn.Conv2d(3 * wide, 3 * wide, 3, stride, 1, groups=3 * wide, bias=False), nn.BatchNorm2d(3 * wide), nn.ReLU6(),
            nn.Conv2d(3 * wide, out, 1, bias=False), nn.BatchNorm2d(out),
        )  # fmt: skip

    def forward(self, x: Any) -> Any:
        return x + self.path(x) if self.alike else self.path(x)


def mobilenet() -> Any:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, 2, 1, bias=False), nn.BatchNorm2d(4), Inverted(4, 4, 1), Inverted(4, 6, 2), Inverted(6, 6, 1),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5),
    )  # fmt: skip


def twice(wide: int, out: int) -> Any:
    return nn.Sequential(
        nn.Conv2d(wide, out, 3, padding=1), nn.ReLU(), nn.Conv2d(out, out, 3, padding=1, padding_mode="reflect"), nn.ReLU()
    )  # fmt: skip


class UNet(nn.Module):  # type: ignore[misc]
    """Two levels down, two up by transposed convolutions, joined level by level."""

    def __init__(self) -> None:
        super().__init__()
        self.downs = nn.ModuleList([twice(3, 4), twice(4, 6)])
        self.bottom = twice(6, 8)
        self.ups = nn.ModuleList([nn.ConvTranspose2d(8, 6, 2, 2), nn.ConvTranspose2d(6, 4, (4, 2), 2, (1, 0))])
        self.joined = nn.ModuleList([twice(12, 6), twice(8, 4)])
        self.last = nn.Conv2d(4, 2, (3, 1), padding="same", dilation=2)

    def forward(self, x: Any) -> Any:
        sides = []
        for down in self.downs:
            sides.append(down(x))
            x = nn.functional.max_pool2d(sides[-1], 2)
        x = self.bottom(x)
        for up, joined, side in zip(self.ups, self.joined, reversed(sides), strict=True):
            x = joined(torch.cat([up(x), side], 1))
        return self.last(x)


def networks() -> dict[str, tuple[Any, tuple[int, ...]]]:
    return {
        "separable": (nn.Sequential(nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 3, 2, 1, groups=8), nn.Conv2d(8, 12, 1)), (2, 3, 9, 10)),
        "resnet": (resnet(), (2, 3, 66, 70)),
        "mobilenet": (mobilenet(), (2, 3, 18, 22)),
        "unet": (UNet(), (2, 3, 12, 16)),
    }  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["separable", *(pytest.param(name, marks=pytest.mark.full) for name in ("resnet", "mobilenet", "unet"))],
)
def test_exchanged_networks_compute_the_same(name: str) -> None:
    torch.manual_seed(0)
    model, shape = networks()[name]
    model = model.double()
    mine = st.replace_convs(model)
    x = torch.randn(shape, dtype=torch.float64)
    left, right = (x.clone().requires_grad_() for _ in range(2))
    got, want = mine(left), model(right)
    assert torch.allclose(got, want)
    own = list(model.parameters())
    assert [id(p) for p in mine.parameters()] == [id(p) for p in own]
    ours = torch.autograd.grad(got.sin().sum(), (left, *own))
    theirs = torch.autograd.grad(want.sin().sum(), (right, *own))
    assert all(torch.allclose(a, b) for a, b in zip(ours, theirs, strict=True))
    assert not any("Symconv" in type(m).__name__ for m in model.modules())
    assert sum("Symconv" in type(m).__name__ for m in mine.modules()) >= 3


def test_exchanged_layers_keep_what_torch_gives_them() -> None:
    conv = nn.Conv1d(2, 3, 3, padding=1)
    called: list[Any] = []
    conv.register_forward_hook(lambda *_: called.append(1))
    mine = st.replace_convs(nn.Sequential(conv, nn.ConvTranspose1d(3, 2, 4, stride=3)))
    x = torch.randn(2, 2, 7)
    for model in (mine, copy.deepcopy(mine)):
        assert torch.allclose(model(x), nn.functional.conv_transpose1d(
            nn.functional.conv1d(x, conv.weight, conv.bias, padding=1), mine[1].weight, mine[1].bias, stride=3), atol=1e-6)  # fmt: skip
    assert called
    assert mine[0](x[0]).shape == (3, 7)
    assert mine[1](mine[0](x), output_size=[23]).shape == (2, 2, 23)
    assert "symconv" in repr(mine)
    with pytest.raises(sc.SpecError, match=r"torch\.nn\.Module is wanted"):
        st.replace_convs("model")
    with pytest.raises(sc.SpecError, match="no option"):
        st.replace_convs(nn.Conv1d(1, 1, 1), speed=3)


def test_what_keeps_tensors_or_none_yet() -> None:
    x = torch.randn(2, 2, 7)
    normed = nn.utils.parametrizations.weight_norm(nn.Conv1d(2, 3, 3, padding=1))
    assert torch.allclose(st.replace_convs(normed)(x), normed(x), atol=1e-6)
    with pytest.warns(FutureWarning):
        older = nn.Sequential(nn.utils.weight_norm(nn.Conv1d(2, 3, 3, padding=1)))
    assert torch.allclose(st.replace_convs(older)(x), older(x), atol=1e-6)
    with pytest.raises(sc.SpecError, match="0 is a LazyConv1d without parameters: call it once first"):
        st.replace_convs(nn.Sequential(nn.LazyConv1d(3, 3)))
    locked = nn.Conv1d(2, 3, 3)
    locked.lock = threading.Lock()
    with pytest.raises(sc.SpecError, match="cannot be copied"):
        st.replace_convs(locked)


def test_training_moves_both() -> None:
    torch.manual_seed(0)
    model = nn.Conv1d(1, 1, 3, padding=1, bias=False)
    mine = st.replace_convs(model)
    x = torch.randn(8, 1, 12)
    target = nn.functional.conv1d(x, torch.tensor([[[1.0, -2.0, 1.0]]]), padding=1)
    optimizer = torch.optim.SGD(mine.parameters(), lr=0.3)
    for _ in range(200):
        optimizer.zero_grad()
        (mine(x) - target).square().mean().backward()
        optimizer.step()
    assert torch.allclose(model.weight.detach(), torch.tensor([[[1.0, -2.0, 1.0]]]), atol=1e-3)


class Lazy(torch.autograd.Function):  # type: ignore[misc]
    """A convolution whose gradient by x forgets to turn the kernel around."""

    @staticmethod
    def forward(ctx: Any, x: Any, w: Any) -> Any:
        ctx.save_for_backward(x, w)
        return nn.functional.conv1d(x, w, padding=1)

    @staticmethod
    def backward(ctx: Any, gy: Any) -> Any:
        x, w = ctx.saved_tensors
        return nn.functional.conv1d(gy, w.transpose(0, 1), padding=1), torch.nn.grad.conv1d_weight(
            x, w.shape, gy, padding=1
        )


def test_a_layer_is_compared_and_its_fault_named() -> None:
    op, x, w = sc.conv1d(padding=1), torch.randn(2, 3, 9).double(), torch.randn(4, 3, 3).double()
    good = st.check_module(lambda a, b: nn.functional.conv1d(a, b, padding=1), op, x, w)
    assert good
    assert [name for name, _ in good.errors][:3] == ["y", "dy/dx", "dy/dw"]
    bad = st.check_module(Lazy.apply, op, x, w)
    assert not bad
    assert bad.difference is not None
    assert bad.difference.what == "dy/dx"
    assert len(bad.difference.index) == 3
    assert "wanted" in str(bad)
    shape = st.check_module(nn.functional.conv1d, op, x, w)
    assert not shape
    assert "the shape is (2, 4, 7), wanted (2, 4, 9)" in str(shape)
    wide = st.check_module(lambda a, b: nn.functional.conv1d(a, b, padding=1).float(), op, x, w)
    assert "y: the numbers are torch.float32, wanted torch.float64" in str(wide)
    still = st.check_module(lambda a, b: nn.functional.conv1d(a, b, padding=1).detach(), op, x, w)
    assert "depends on no input" in str(still)


def test_a_module_is_compared_with_its_own_parameters() -> None:
    layer = nn.Conv1d(3, 4, 3, padding=1)
    assert st.check_module(layer, sc.conv1d(padding=1, bias=True), torch.randn(2, 3, 9))
    with pytest.raises(sc.SpecError, match="a module with 2 parameters"):
        st.check_module(layer, sc.conv1d(padding=1), torch.randn(2, 3, 9))
