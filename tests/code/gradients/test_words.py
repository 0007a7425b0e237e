"""Functions of a forward function stay words in the operator it becomes, with the library's choice at kinks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import symconv as sc
from symconv.verify import reference

WORDS = {
    "F.relu(x)": "relu(x[n,f])",
    "x.abs()": "abs(x[n,f])",
    "torch.clamp(x, -1, 2)": "clip(x[n,f], -1, 2)",
    "x.clamp(min=0)": "max(x[n,f], 0)",
    "F.leaky_relu(x, 0.1)": "leaky_relu(x[n,f], (1/10))",
    "torch.minimum(x, t)": "min(x[n,f], t[n,f])",
    "F.hardtanh(x)": "hardtanh(x[n,f])",
    "F.elu(x)": "elu(x[n,f])",
    "torch.log1p(x)": "log1p(x[n,f])",
    "torch.where(x <= t, x * t, t)": "where(x[n,f] <= t[n,f], x[n,f] * t[n,f], t[n,f])",
    "torch.where((x > 0) & (t > 1), x, t)": "where(x[n,f] > 0, where(t[n,f] > 1, x[n,f], t[n,f]), t[n,f])",
    "torch.where(~(x > 0), x, t)": "where(x[n,f] > 0, t[n,f], x[n,f])",
    "(x - t)**2": "(x[n,f] - t[n,f])**2",
    "(x - t) * t": "(x[n,f] - t[n,f]) * t[n,f]",
    "F.relu(x @ t.t()) - 1": "relu(sum[c](x[n,c] * t[f,c])) - 1",
}


def read(tmp_path: Path, expression: str) -> sc.Operator:
    file = tmp_path / "layer.py"
    file.write_text(
        'import torch\nimport torch.nn.functional as F\n\n\ndef forward(x, t):\n    """x: (N, C), t: (N, C)"""\n'
        f"    return {expression}\n"
    )
    return sc.operator(f"{file}:forward")


@pytest.mark.parametrize("expression", WORDS)
def test_words_stay(expression: str, tmp_path: Path) -> None:
    formula, _, shapes = read(tmp_path, expression).source.partition(" = ")[2].partition(" where x is ")
    assert formula == WORDS[expression]
    # The docstring gives both the same lengths: what the formula alone does not say is said behind it.
    assert shapes in {"", "N x C, t is N x C"}


def test_the_formula_is_read_back(tmp_path: Path) -> None:
    op = read(tmp_path, "-F.relu(x - t) / (1 + t.exp()) + torch.where(x != t, 2 * x, -(x - t)**2)")
    x, t = np.random.default_rng(0).standard_normal((2, 3, 4))
    found = reference.evaluate(sc.operator(op.source), {"x": x, "t": t})
    np.testing.assert_allclose(found, reference.evaluate(op, {"x": x, "t": t}))


@pytest.mark.parametrize(("expression", "kinks"), [
    ("torch.maximum(x, t)", (("max", "share"),)),
    ("F.relu6(x)", (("clip", "zero"),)),
    ("torch.clamp(x, -1, 2)", ()),
])  # fmt: skip
def test_kinks_are_those_of_the_library(expression: str, kinks: object, tmp_path: Path) -> None:
    assert read(tmp_path, expression).kinks == kinks


def test_of_two_choices_at_one_kink_one_is_spelled(tmp_path: Path) -> None:
    op = read(tmp_path, "F.relu6(x) + torch.clamp(t, 0, 1) + torch.maximum(x, t) - x.clamp(min=1)")
    flat, first = "where(x[n,f] <= 0, 0, where(x[n,f] >= 6, 6, x[n,f]))", "where(x[n,f] < 1, 1, x[n,f])"
    assert op.source == f"y[n,f] = {flat} + clip(t[n,f], 0, 1) + max(x[n,f], t[n,f]) - {first}"
    assert op.kinks == (("max", "share"),)


def test_labels_are_one_hot_rows(tmp_path: Path) -> None:
    file = tmp_path / "layer.py"
    file.write_text(
        "import torch.nn.functional as F\n\n\ndef loss(x, labels):\n    return F.cross_entropy(x, labels)\n"
    )
    op = sc.operator(f"{file}:loss")
    assert (op.tensors, {one.dtype for one in op.inputs}) == (("x", "labels"), {"real"})
    x = np.random.default_rng(0).standard_normal((4, 3))
    found = reference.evaluate(op, {"x": x, "labels": np.eye(3)[[0, 2, 1, 2]]})
    wanted = np.log(np.exp(x).sum(1)) - x[np.arange(4), [0, 2, 1, 2]]
    np.testing.assert_allclose(found, wanted.mean())


def test_halves_are_of_even_lengths(tmp_path: Path) -> None:
    file = tmp_path / "layer.py"
    file.write_text('def haar(x):\n    """x: (N, L)"""\n    return x[..., 1::2] - x[..., ::2]\n')
    op = sc.operator(f"{file}:haar")
    assert op.output_shape(x=(2, 6)) == (2, 3)
    with pytest.raises(sc.SpecError, match="the forward function is defined there"):
        op.output_shape(x=(2, 7))
