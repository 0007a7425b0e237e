"""A column of ones for the bias, and what else NumPy joins: right and wrong gradients against difference quotients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

LAYER = """
import numpy as np
def affine_forward(x, W):
    X = {joined}
    return X @ W, (X, W)
def affine_backward(dy, cache):
    X, W = cache
    return {dx}, X.T @ dy
"""
BEHIND, BEFORE = "dy @ W[:-1].T", "(dy @ W.T)[:, 1:]"
JOINED = {
    "np.c_[x, np.ones(x.shape[0])]": BEHIND, "np.c_[np.ones(len(x)), x]": BEFORE,
    "np.c_[x, np.ones((len(x), 1))]": BEHIND, "np.column_stack([x, np.ones(len(x))])": BEHIND,
    "np.append(x, np.ones((len(x), 1)), axis=1)": BEHIND, "np.hstack((np.ones((x.shape[0], 1)), x))": BEFORE,
    "np.r_[np.ones((1, len(x))), x.T].T": BEFORE,
}  # fmt: skip


def right(text: str, shapes: dict[str, tuple[int, ...]]) -> list[bool]:
    """Whether each gradient is that of difference quotients."""
    space: dict[str, Any] = {}
    exec(compile(text, "affine", "exec"), space)  # noqa: S102
    rng = np.random.default_rng(0)
    given = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    out, cache = space["affine_forward"](**given)
    dout, found = rng.normal(size=out.shape), list[bool]()
    for name, got in zip(given, space["affine_backward"](dout, cache), strict=True):
        want = np.zeros(shapes[name])
        for place in np.ndindex(*shapes[name]):
            ends = []
            for step in (1e-6, -1e-6):
                moved = {key: array.copy() for key, array in given.items()}
                moved[name][place] += step
                ends.append((space["affine_forward"](**moved)[0] * dout).sum())
            want[place] = (ends[0] - ends[1]) / 2e-6
        found.append(got.shape == want.shape and bool(np.allclose(got, want)))
    return found


@pytest.mark.parametrize("other", [False, True], ids=["its own", "of the other side"])
@pytest.mark.parametrize("joined", JOINED)
def test_a_column_of_ones(joined: str, other: bool) -> None:
    own = JOINED[joined]
    text = LAYER.format(joined=joined, dx=({BEHIND, BEFORE} - {own}).pop() if other else own)
    assert right(text, {"x": (3, 2), "W": (3, 4)}) == [not other, True]
    assert [one.holds for one in sc.check(text, "affine", explain=False).values()] == [not other, True]


@pytest.mark.parametrize(("joined", "part"), [("np.r_[x, 1.0]", ":-1"), ("np.append(x, 1.0)", ":-1"),
                                              ("np.r_[1.0, x]", "1:"), ("np.append(1.0, x)", "1:")])  # fmt: skip
def test_a_vector_and_a_one(joined: str, part: str) -> None:
    text = LAYER.format(joined=joined, dx=f"(W @ dy)[{part}]").replace("X.T @ dy", "np.outer(X, dy)")
    text = text.replace("(x, W):\n", '(x, W):\n    "x: (C,), W: (D, F)"\n')
    assert right(text, {"x": (3,), "W": (4, 2)}) == [True, True]
    assert sc.check(text, "affine", explain=False).holds is True
    wrong = text.replace(f"[{part}]", f"[{'1:' if part == ':-1' else ':-1'}]")
    assert [one.holds for one in sc.check(wrong, "affine", explain=False).values()] == [False, True]


@pytest.mark.parametrize(("joined", "told"), [
    ("np.r_[0:3, x]", "numpy.r_ of ranges"), ("np.c_[x, 1.0]", "c_ of numbers beside arrays"),
    ("np.concatenate([x, np.ones(len(x))], axis=1)", "joined have as many axes; given 1 and 2"),
])  # fmt: skip
def test_what_is_not_joined_is_told_with_its_line(joined: str, told: str) -> None:
    text = LAYER.format(joined=joined, dx=BEHIND).replace("(x, W):\n", '(x, W):\n    "x: (N, C), W: (D, F)"\n')
    with pytest.raises(sc.SpecError, match=rf"line 5: .*{told}"):
        sc.check(text, "affine", explain=False)
