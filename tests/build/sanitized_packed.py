"""Run as a script under a sanitizer: every candidate of an operator, at sizes around its tiles, with drawn numbers.

Arguments: a name of ``CASES``, a seed, how many sizes. Prints how many results were compared with the first candidate's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import numpy as np

import symconv as sc
from symconv import pipeline
from symconv.entry import Array, Entry
from symconv.options import options
from symconv.tune.counts import possible
from symconv.tune.facts import from_json
from symconv.tune.machine import lanes_of
from symconv.tune.plan import Choice

Shape = tuple[int, ...]
Case = tuple[Callable[[], sc.Operator], str, str, int]

CASES: dict[str, Case] = {
    "conv1d": (lambda: sc.conv1d(padding=[(2, 1)], bias=True), "float64", "x86-64-v3", 1),
    "conv2d": (lambda: sc.conv2d(padding=(1, 2)), "float32", "native", 1),
    "conv2d AVX2": (lambda: sc.conv2d(padding=1), "float32", "x86-64-v3", 1),
    "dilated": (lambda: sc.conv2d(padding=(2, 1), dilation=(2, 3)), "float64", "native", 1),
    "strided": (lambda: sc.conv2d(stride=(2, 3), padding=(1, 0)), "float32", "x86-64-v3", 1),
    "grouped": (lambda: sc.conv2d(stride=(2, 1), padding=1, groups=3), "float32", "native", 3),
    "depthwise": (lambda: sc.conv2d(padding=(1, 0), groups=17), "float64", "x86-64-v3", 17),
    "whole rows": (lambda: sc.conv2d(padding=1, groups=17), "float32", "native", 17),
    "conv3d": (lambda: sc.conv3d(padding=(1, 0, 1)), "float32", "native", 1),
    "adder": (lambda: sc.adder2d(padding=1), "float32", "native", 1),
    "adder AVX2": (lambda: sc.adder1d(stride=2, padding=1), "float64", "x86-64-v3", 1),
    "transposed": (lambda: sc.conv_transpose2d(stride=(2, 1), padding=(0, 1)), "float32", "native", 1),
}
CHANNELS = (1, 3, 4, 5, 7, 8, 9, 15, 16, 17)
COLUMNS = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 33, 48, 49)
NUMBERS = (1, 2, 3, 5, 8, 17, 1000)
FIRST = Choice(0, (), 0.0)


def drawn(op: sc.Operator, groups: int, rng: np.random.Generator) -> dict[str, Shape]:
    """Shapes for which the operator is valid."""
    axes = len(next(tensor for tensor in op.inputs if tensor.name == "x").axes) - 2
    while True:
        c, f = (1 if groups == 17 else int(rng.choice(CHANNELS)) for _ in range(2))
        rows = [int(one) for one in rng.integers(1, 8, axes - 1)]
        taps = [3] * axes if rng.integers(2) else [int(one) for one in rng.integers(1, 5, axes)]
        kernel = (c, f) if "transpose" in op.name else (f * groups, c)
        shapes = {
            "x": (int(rng.integers(1, 4)), c * groups, *rows, int(rng.choice(COLUMNS))),
            "w": (*kernel, *taps),
            "b": (f * groups,),
        }
        found = {name: shapes[name] for name in op.tensors}
        try:
            op.output_shape(**found)
        except sc.SymconvError:
            continue
        return found


def plans(entry: Entry, sizes: Shape, rng: np.random.Generator) -> Iterator[tuple[int, bool, tuple[Choice, ...]]]:
    """The bits of the results it is for, whether its sums are exact, and a plan, for every way possible at such sizes."""
    named = dict(zip(entry.size_names, sizes, strict=True))
    lanes = lanes_of(entry.options.target, entry.options.dtype)
    for place, output in enumerate(entry.outputs):
        for number, way in enumerate(output.ways):
            if number and possible(from_json(way.facts), named, lanes):
                choice = Choice(number, tuple(int(rng.choice(NUMBERS)) for _ in way.parameters), 0.0)
                plan = tuple(choice if k == place else FIRST for k in range(len(entry.outputs)))
                yield output.mask, way.bound is None, plan


def compared(entry: Entry, arrays: tuple[Array, ...], rng: np.random.Generator) -> int:
    sizes = entry.sizes(tuple(array.shape for array in arrays))
    results = sum(not output.stage for output in entry.outputs)
    entry._keep(sizes, (FIRST,) * len(entry.outputs))
    first, done = entry.call((1 << results) - 1, arrays, None, 1), 0
    for mask, exact, plan in plans(entry, sizes, rng):
        entry._keep(sizes, plan)
        made = entry.call(mask, arrays, None, int(rng.integers(1, 3)))
        for got, want in ((made[k], first[k]) for k in range(results) if mask >> k & 1):
            told = (entry.name, plan, [array.shape for array in arrays])
            assert np.abs(got - want).max(initial=0) <= (0 if exact else 1e-4 * np.abs(want).max(initial=0)), told
            done += 1
    return done


def main(name: str, seed: int, count: int) -> int:
    make, dtype, target, groups = CASES[name]
    op, chosen, rng, done = make(), options(dtype=dtype, target=target), np.random.default_rng(seed), 0
    forward, backward = (
        Entry(op, chosen, pipeline.build(op, chosen, (kind,), every=True), kind, 2) for kind in ("forward", "backward")
    )
    for _ in range(count):
        shapes = drawn(op, groups, rng)
        arrays = tuple(rng.integers(-3, 4, shapes[tensor]).astype(dtype) for tensor in op.tensors)
        gy = rng.integers(-3, 4, op.output_shape(**shapes)).astype(dtype)
        done += compared(forward, arrays, rng) + compared(backward, (gy, *arrays), rng)
    return done


if __name__ == "__main__":
    print(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
