"""Pads of code that repeat elements or put a number around: each text is also run, against difference quotients."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import symconv as sc

FOLDED = {
    # what is padded, by how much: lines that give the gradient back, and what is wrong about others
    "reflect": ("d = g[:, 2:-2].{copy}()\n    d[:, 1] += g[:, 1]\n    d[:, 2] += g[:, 0]\n    d[:, -2] += g[:, -2]\n"
                "    d[:, -3] += g[:, -1]", "d[:, -3]", "d[:, -2]"),
    "edge": ("d = g[:, 2:-2].{copy}()\n    d[:, 0] += g[:, :2].sum(1)\n    d[:, -1] += g[:, -2:].sum(1)", "-2:].sum(1)",
             "-1:].sum(1)"),
    "wrap": ("d = g[:, 2:-2].{copy}()\n    d[:, -2:] += g[:, :2]\n    d[:, :2] += g[:, -2:]", "d[:, -2:] +=", "d[:, -2:] -="),
    "symmetric": ("d = g[:, 2:-2].{copy}()\n    d[:, 0] += g[:, 1]\n    d[:, 1] += g[:, 0]\n    d[:, -1] += g[:, -2]\n"
                  "    d[:, -2] += g[:, -1]", "d[:, 1]", "d[:, 2]"),
    "constant": ("d = 1 * g[:, 2:-2]", "1 *", "2 *"),
}  # fmt: skip
TORCH = {"reflect": "reflect", "edge": "replicate", "wrap": "circular"}
PADS = [
    *(("np", mode, f"np.pad(x, ((0, 0), (2, 2)), mode='{mode}')") for mode in FOLDED),
    ("np", "constant", "np.pad(x, ((0, 0), (2, 2)), constant_values=0.5)"),
    ("np", "constant", "np.pad(x, ((0, 0), (2, 2)), 'constant', constant_values=((1, 1), (1, 1)))"),
    *(("torch", mode, f"F.pad(x, (2, 2), mode='{name}')") for mode, name in TORCH.items()),
    ("torch", "constant", "F.pad(x, (2, 2), value=3.0)"),
    ("torch", "constant", "torch.nn.functional.pad(x, (2, 2), 'constant', -0.5)"),
]


def quotients(text: str, x: np.ndarray, library: str) -> bool:
    """Whether the gradient that a text gives is what small steps of its forward give."""
    space: dict[str, object] = {}
    exec(compile(text, "pads", "exec"), space)  # noqa: S102

    def run(name: str, *arrays: np.ndarray) -> np.ndarray:
        given = [torch.tensor(a) if library == "torch" else a for a in arrays]
        found = space[name](*given)  # type: ignore[operator]
        return np.asarray(found[0] if isinstance(found, tuple) else found)

    g = np.random.default_rng(1).normal(size=run("pad_forward", x).shape)
    slope = np.empty_like(x)
    for at in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[at] = 1e-6
        slope[at] = ((run("pad_forward", x + step) - run("pad_forward", x - step)) * g).sum() / 2e-6
    return np.allclose(run("pad_backward", g, x), slope, atol=1e-6)


@pytest.mark.parametrize(("library", "mode", "forward"), PADS)
def test_pads_are_read_as_the_libraries_make_them(library: str, mode: str, forward: str) -> None:
    lines, place, other = FOLDED[mode]
    lines = lines.format(copy="copy" if library == "np" else "clone")
    assert place in lines
    for body, right in ((lines, True), (lines.replace(place, other), False)):
        text = f"""
import numpy as np
import torch
import torch.nn.functional as F
def pad_forward(x):
    N, C = x.shape
    return {forward}, x
def pad_backward(g, x):
    {body}
    return d
"""
        assert quotients(text, np.random.default_rng(0).normal(size=(2, 6)), library) == right
        found = sc.check(text, explain=False)
        assert found.holds is right, str(found)


def test_a_gradient_that_pads_around_is_read_with_the_forward() -> None:
    code = """
import numpy as np
def circular_forward(x, w):
    "x: (N,), w: (K,)"
    n, k = len(x), len(w)
    xp = np.pad(x, (0, k - 1), mode="wrap")
    return sum(w[i] * xp[i:i + n] for i in range(k)), (x, w)
def circular_backward(g, cache):
    x, w = cache
    n, k = len(x), len(w)
    gp = np.pad(g, (k - 1, 0), mode="wrap")
    xp = np.pad(x, (0, k - 1), mode="wrap")
    gx = sum(w[i] * gp[{start}:{start} + n] for i in range(k))
    return gx, np.array([(g * xp[i:i + n]).sum() for i in range(k)])
"""
    assert sc.check(code.format(start="k - 1 - i")).holds
    found = sc.check(code.format(start="i"), explain=False)
    assert [found[name].holds for name in ("x", "w")] == [False, True]


def test_numpy_repeats_what_it_has_repeated_where_an_axis_is_short() -> None:
    """A forward leaves such sizes out; a backward that is right there too is not called wrong."""
    code = """
import numpy as np
def twice_forward(x):
    n, = x.shape
    return 2 * x, x
def twice_backward(g, x):
    return 2 * np.pad(g, 2, mode="wrap")[2:-{end}]
"""
    found = sc.check(code.format(end=2), explain=False)
    assert found.holds is None
    assert "shorter than the pad" in str(found)
    assert sc.check(code.format(end=1), explain=False).holds is False


@pytest.mark.parametrize(("forward", "said"), [
    ("np.pad(x, 1, mode='mean')", "mode mean"), ("np.pad(x, 1, mode='linear_ramp')", "mode linear_ramp"),
    ("np.pad(x, 1, constant_values=(1, 2))", "not one number"), ("F.pad(x, (-1, 0), mode='reflect')", "less than 0"),
    ("F.pad(x, (1, 1, 1, 1), mode='replicate')", "mode replicate"),
])  # fmt: skip
def test_other_pads_are_refused(forward: str, said: str) -> None:
    code = f"""
import numpy as np
import torch.nn.functional as F
def pad_forward(x):
    N, C = x.shape
    return {forward}, x
def pad_backward(g, x):
    return g
"""
    with pytest.raises(sc.SpecError, match=said):
        sc.check(code)
