"""Run as a script under a sanitizer: kernels on random sizes, their results compared with the definition.

Arguments: the operator's name in ``OPERATORS``, the dtype, a seed, how many sizes. Prints how many were compared.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np

import symconv as sc
from symconv.verify.reference import evaluate, gradients

Draw = Callable[[np.random.Generator], dict[str, tuple[int, ...]]]


def _conv(groups: int = 1, transposed: bool = False, bias: bool = False, last: bool = False) -> Draw:
    def draw(rng: np.random.Generator) -> dict[str, tuple[int, ...]]:
        n, c, f = rng.integers(0, 3), groups * rng.integers(1, 6), groups * rng.integers(1, 20)
        h, w = rng.integers(1, 40, 2)
        kh, kw = rng.integers(1, 6, 2)
        kernel = (c, f // groups) if transposed else (f, c // groups)
        shapes = {"x": (n, c, h, w), "w": (*kernel, kh, kw)}
        if last:
            shapes = {"x": (n, h, w, c), "w": (kh, kw, c // groups, f)}
        return {name: tuple(map(int, shape)) for name, shape in (shapes | ({"b": (f,)} if bias else {})).items()}

    return draw


def _pool(rng: np.random.Generator) -> dict[str, tuple[int, ...]]:
    return {"x": (int(rng.integers(1, 3)), int(rng.integers(1, 20)), *map(int, rng.integers(1, 50, 2)))}


def _row(rng: np.random.Generator) -> dict[str, tuple[int, ...]]:
    c, f = map(int, rng.integers(1, 6, 2))
    return {"x": (int(rng.integers(1, 4)), c, int(rng.integers(1, 90))), "w": (f, c, int(rng.integers(1, 9)))}


OPERATORS: dict[str, tuple[Callable[[], sc.Operator], Draw]] = {
    "conv2d": (lambda: sc.conv2d(stride=(2, 1), padding=(1, 2)), _conv()),
    "conv2d bias": (lambda: sc.conv2d(padding=1, bias=True, dilation=(1, 2)), _conv(bias=True)),
    "conv2d groups": (lambda: sc.conv2d(groups=2, stride=3, padding=2), _conv(groups=2)),
    "conv2d NHWC": (lambda: sc.conv2d(padding=1, layout="NHWC"), _conv(last=True)),
    "conv_transpose2d": (lambda: sc.conv_transpose2d(stride=(2, 3), padding=1), _conv(transposed=True)),
    "conv2d reflect": (lambda: sc.conv2d(padding=(2, 1), border="reflect"), _conv()),
    "max_pool2d": (lambda: sc.max_pool2d((3, 2), (2, 1), padding=(1, 0)), _pool),
    "adder1d": (lambda: sc.adder1d(stride=2, padding=1, border="skip"), _row),
    "max_plus": (lambda: sc.operator("y[n,f,i] = max[c,p](x[n,c,2*i+p-1] + w[f,c,p])"), _row),
}


def main(name: str, dtype: str, seed: int, count: int) -> int:
    make, draw = OPERATORS[name]
    op = make()
    kernel = sc.build(op, dtype=dtype)
    rng = np.random.default_rng(seed)
    done = 0
    while done < count:
        shapes = draw(rng)
        try:
            shape = op.output_shape(**shapes)
        except sc.SymconvError:
            continue
        arrays = {tensor: rng.integers(-4, 5, size).astype(dtype) for tensor, size in shapes.items()}
        gy = rng.integers(-4, 5, shape).astype(dtype)
        got, back = kernel.forward(**arrays), kernel.backward(gy, **arrays)
        if np.prod(shape, dtype=int) < 1500:
            assert (got == evaluate(op, arrays)).all(), (name, shapes)
            for tensor, want in gradients(op, arrays, gy, op.tensors).items():
                assert (getattr(back, tensor) == want).all(), (name, shapes, tensor)
        done += 1
    return done


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
