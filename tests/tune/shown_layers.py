"""Facts of convolutions written out by hand, for judging plans."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from math import prod

from symconv.loops.ir import Compare, Const, Var
from symconv.tune.facts import Facts, FlatAxis


@dataclass(frozen=True)
class Layer:
    n: int
    c: int
    size: tuple[int, ...]
    f: int
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int = 1

    @property
    def out(self) -> tuple[int, ...]:
        every = zip(self.size, self.kernel, self.stride, self.pad, self.dilation, strict=True)
        return tuple((i + 2 * p - d * (k - 1) - 1) // s + 1 for i, k, s, p, d in every)

    @property
    def flops(self) -> int:
        return 2 * self.n * self.f * prod(self.out) * (self.c // self.groups) * prod(self.kernel)


def layer(
    n: int,
    c: int,
    size: tuple[int, ...],
    f: int,
    kernel: tuple[int, ...],
    stride: int = 1,
    pad: int = 0,
    dilation: int = 1,
    groups: int = 1,
) -> Layer:
    d = len(size)
    return Layer(n, c, size, f, kernel, (stride,) * d, (pad,) * d, (dilation,) * d, groups)


LAYERS = {
    "tiny": layer(1, 1, (5, 6), 1, (3, 2), pad=1),
    "lenet": layer(8, 1, (28, 28), 6, (5, 5)),
    "stem": layer(8, 3, (224, 224), 64, (7, 7), 2, 3),
    "dense 64@56": layer(8, 64, (56, 56), 64, (3, 3), pad=1),
    "dense 256@14": layer(8, 256, (14, 14), 256, (3, 3), pad=1),
    "dense 512@7": layer(8, 512, (7, 7), 512, (3, 3), pad=1),
    "strided 128@56": layer(8, 128, (56, 56), 128, (3, 3), 2, 1),
    "1x1 64-256@56": layer(8, 64, (56, 56), 256, (1, 1)),
    "1x1 1024-256@14": layer(8, 1024, (14, 14), 256, (1, 1)),
    "depthwise 3 144@56": layer(8, 144, (56, 56), 144, (3, 3), pad=1, groups=144),
    "depthwise 7 96@56": layer(4, 96, (56, 56), 96, (7, 7), pad=3, groups=96),
    "grouped 128@56": layer(8, 128, (56, 56), 128, (3, 3), pad=1, groups=32),
    "dilated 256@28": layer(4, 256, (28, 28), 256, (3, 3), pad=2, dilation=2),
    "1-D k3 d4": layer(4, 64, (8000,), 64, (3,), pad=4, dilation=4),
    "1-D k10 s5": layer(2, 512, (3200,), 512, (10,), 5),
    "3-D 64@8x28x28": layer(2, 64, (8, 28, 28), 64, (3, 3, 3), pad=1),
}


def number(n: int) -> Const:
    return Const(Fraction(n))


def _names(layer: Layer) -> list[str]:
    return ["n", *"dhw"[3 - len(layer.size) :]]


def masked(layer: Layer, lane: int, writes: int, reads: int) -> Facts:
    axis = FlatAxis("w", number(lane), number(lane))
    return Facts(
        "masked", "direct", flat=(axis,), flops=number(layer.flops), reads=number(reads), writes=number(writes)
    )


def grad_input(
    layer: Layer, tiles: tuple[tuple[int, int], ...] = ((4, 3), (6, 2), (2, 5), (1, 8))
) -> tuple[Facts, ...]:
    """Cells are pixels of x in residue classes of the stride; rows are channels, planes filters."""
    axes = [FlatAxis("n", number(layer.n), number(layer.n))]
    taps = [[0] * s for s in layer.stride]
    for a, (i, k, s, p, d, o) in enumerate(
        zip(layer.size, layer.kernel, layer.stride, layer.pad, layer.dilation, layer.out, strict=True)
    ):
        reach = []
        for r in range(s):
            for t in range(k):
                if (r + p - d * t) % s == 0:
                    taps[a][r] += 1
                    reach.append((r + p - d * t) // s)
        axes.append(
            FlatAxis(
                _names(layer)[a + 1],
                number(-(-i // s)),
                number(o),
                number(min([0, *reach])),
                number(max([0, *reach])),
                s,
            )
        )
    phases = [prod(count) for count in product(*taps)]
    x, y = layer.n * layer.c * prod(layer.size), layer.n * layer.f * prod(layer.out)
    packed = [
        Facts(
            "outer", f"packed {m}x{n}", (m, n), tuple(axes), number(layer.c // layer.groups), number(layer.f // layer.groups),
            tuple(number(t) for t in phases if t), len(phases), number(layer.groups),
            parameters=(*(f"T_{axis.name}" for axis in axes), "FB"), flops=number(layer.flops), reads=number(y), writes=number(x),
        )
        for m, n in tiles
    ]  # fmt: skip
    return (masked(layer, -(-layer.size[-1] // layer.stride[-1]), x, y), *packed)


def grad_weight(layer: Layer, tiles: tuple[tuple[int, int], ...] = ((4, 3), (3, 4), (1, 9))) -> tuple[Facts, ...]:
    """Contributions are pixels of y; rows are filters, columns channels and taps."""
    axes = [FlatAxis("n", number(layer.n), number(layer.n))]
    live = []
    for a, (i, k, s, p, d, o) in enumerate(
        zip(layer.size, layer.kernel, layer.stride, layer.pad, layer.dilation, layer.out, strict=True)
    ):
        reach = [(t * d - p) // s for t in range(k)]
        live.append(len({(t * d - p) % s for t in range(k)}))
        axes.append(
            FlatAxis(
                _names(layer)[a + 1],
                number(o),
                number(-(-i // s)),
                number(min([0, *reach])),
                number(max([0, *reach])),
                s,
            )
        )
    c, f, g = layer.c // layer.groups, layer.f // layer.groups, layer.groups
    x, y = layer.n * layer.c * prod(layer.size), layer.n * layer.f * prod(layer.out)
    packed = [
        Facts(
            "dot", f"dot {m}x{n}", (m, n), tuple(axes), number(f), number(c), groups=number(g), columns=number(c * prod(layer.kernel)),
            classes=prod(live), parameters=(*(f"T_{axis.name}" for axis in axes), "S", "MB", "NB"), flops=number(layer.flops),
            reads=number(x), writes=number(y),
        )
        for m, n in tiles
    ]  # fmt: skip
    return (masked(layer, layer.out[-1], f * c * g * prod(layer.kernel), x + y), *packed)


def tiled(layer: Layer, outputs: int, gradient: str) -> Facts:
    """A dense 3x3 layer by tiles of ``outputs`` x ``outputs`` results."""
    _, h, w = (0, *(layer.size if gradient == "x" else layer.out))
    counts = (layer.n, -(-h // outputs), -(-w // outputs))
    axes = tuple(FlatAxis(name, number(c), number(c)) for name, c in zip("nhw", counts, strict=True))
    x, y = layer.n * layer.c * prod(layer.size), layer.n * layer.f * prod(layer.out)
    names = tuple(f"T_{axis.name}" for axis in axes)
    plain = Facts(
        "winograd", f"winograd F({outputs},3)", (4, 3), axes, number(layer.c), number(layer.f), parameters=names,
        flops=number(layer.flops), reads=number(x + y), writes=number(x), transform=((outputs, outputs + 2),) * 2,
        requires=(Compare("==", Var("kH"), number(3)),),
    )  # fmt: skip
    if gradient == "x":
        return plain
    shape = {
        "rows": number(layer.f),
        "planes": number(layer.c),
        "columns": number(layer.c),
        "writes": number(9 * layer.c * layer.f),
    }
    return replace(plain, parameters=(*names, "S", "MB", "NB"), **shape)  # type: ignore[arg-type]
