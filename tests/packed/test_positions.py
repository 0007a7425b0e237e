"""Stencils that read positions: the gradient of pooling, interpreted, against taps scattered one by one."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.loops.interpret import interpret
from symconv.loops.wellformed import wellformed
from symconv.packed.candidates import packed_kernel, stencil_kernel
from symconv.packed.outer import Tile
from symconv.packed.stencil import StencilTile
from symconv.staging import staged
from symconv.tune.numbers import value

Pool = tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]

POOLS: dict[str, Pool] = {
    "beside each other": ((2, 3), (2, 3), (0, 0), (1, 1)),
    "overlapping": ((3, 2), (2, 1), (1, 0), (1, 1)),
    "dense": ((3, 5), (1, 1), (1, 2), (1, 1)),
    "dilated": ((3, 3), (1, 2), (1, 2), (2, 1)),
}
"""Kernel, stride, padding, dilation."""
PLANES = ((7, 9), (15, 6), (4, 21))


def scattered(pool: Pool, x: Any, gy: Any) -> tuple[Any, Any]:
    """The row-major position of the first largest tap of each window, and the gradient, by definition."""
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = pool
    gx, where = np.zeros(x.shape, int), np.zeros(gy.shape, int)
    height, width = x.shape[2:]
    for n, c, i, j in np.ndindex(*gy.shape):
        taps = [(p, q, i * sh + p * dh - ph, j * sw + q * dw - pw) for p, q in product(range(kh), range(kw))]
        inside = [(p, q, u, v) for p, q, u, v in taps if 0 <= u < height and 0 <= v < width]
        p, q, u, v = max(inside, key=lambda tap: (x[n, c, tap[2], tap[3]], -tap[0], -tap[1]))
        where[n, c, i, j] = p * kw + q
        gx[n, c, u, v] += gy[n, c, i, j]
    return where, gx


@pytest.mark.parametrize("name", POOLS)
def test_stencils_of_positions_equal_the_definition(name: str) -> None:
    """Small integers, so that windows have ties; planes around every tile."""
    pool = POOLS[name]
    kernel, stride, padding, dilation = pool
    op = sc.max_pool2d(kernel, stride, padding, dilation)
    (places,), (last,) = staged(((op, "x"),))
    assert packed_kernel(places, "ky", Tile(1, 2)) is None
    assert packed_kernel(last, "gx", Tile(1, 2)) is None, "what is packed holds real numbers"
    made = [stencil_kernel(last, "gx", tile) for tile in (StencilTile(3, 1), StencilTile(4, 3), StencilTile(2, 2))]
    assert sum(one is not None for one in made) >= 2
    for seed, (height, width) in enumerate(PLANES):
        draw = np.random.default_rng(seed)
        x = draw.integers(0, 3, (2, 3, height, width))
        gy = draw.integers(-9, 10, op.output_shape(x=x.shape))
        where, want = scattered(pool, x, gy)
        given = {t: (a.shape, a.ravel().tolist()) for t, a in (("x", x), ("gy", gy), ("ky", where))}
        for stencil, requires in (one for one in made if one is not None):
            assert not wellformed(stencil)
            if all(value(condition, op.sizes(x=x.shape)) for condition in requires):
                for most in (1, 100):
                    got = interpret(stencil, given, parameters=dict.fromkeys(stencil.parameters, most))
                    assert got == want.ravel().tolist(), (height, width, most)


@pytest.mark.parametrize("name", POOLS)
def test_stencils_find_the_first_of_the_largest(name: str) -> None:
    """Minus infinities, which searches start with, and NaN, which is larger than every number, among them."""
    kernel, stride, padding, dilation = POOLS[name]
    op = sc.max_pool2d(kernel, stride, padding, dilation)
    (places,), _ = staged(((op, "x"),))
    found = [(stencil_kernel(places, "ky", StencilTile(rows, 1)), 0) for rows in (1, 3)]
    assert stencil_kernel(places, "ky", StencilTile(3, kernel[0])) is None, "unrolled taps do not come by position"
    whole = pipeline.forward(op).gather
    found += [(stencil_kernel(whole, "y", StencilTile(rows, taps)), 1) for rows, taps in ((3, 1), (2, kernel[0]))]
    values = [-np.inf, 0.0, 1.0, np.nan]
    for seed, (height, width) in enumerate(PLANES):
        x = np.random.default_rng(seed).choice(values, (2, 2, height, width), p=[0.5, 0.2, 0.2, 0.1])
        want = searched(POOLS[name], x, op.output_shape(x=x.shape))
        given = {"x": (x.shape, x.ravel().tolist()), "gy": (want[0].shape, [0.0] * want[0].size)}
        for made, which in found:
            assert made is not None
            for most in (1, 100):
                got = interpret(made[0], given, parameters=dict.fromkeys(made[0].parameters, most))
                np.testing.assert_array_equal(np.array(got), want[which].ravel())


def searched(pool: Pool, x: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """The position of the first largest tap of each window and its value, a NaN before every number."""
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = pool
    where, best = np.zeros(shape, int), np.zeros(shape)
    height, width = x.shape[2:]
    for n, c, i, j in np.ndindex(*shape):
        taps = [(p * kw + q, i * sh + p * dh - ph, j * sw + q * dw - pw) for p, q in product(range(kh), range(kw))]
        inside = [(k, x[n, c, u, v]) for k, u, v in taps if 0 <= u < height and 0 <= v < width]
        k, value = next((one for one in inside if np.isnan(one[1])), max(inside, key=lambda one: (one[1], -one[0])))
        where[n, c, i, j], best[n, c, i, j] = k, value
    return where, best


def test_operands_of_declared_slopes_are_not_copied() -> None:
    op = sc.adder2d(padding=1, surrogate={"w": "x - w", "x": "max(min(w - x, 1), -1)"})
    arrays, forms = staged(tuple((op, wrt) for wrt in ("", "x", "w")))
    assert arrays == () or all("pad" not in array.statements[-1].statement.target.name for array in arrays)
    assert len(forms) == 3
