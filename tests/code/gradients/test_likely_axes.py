"""How many axes a forward function's arrays have: as it is said, as the text shows, else what is told in a note."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import symconv as sc


def read(tmp_path: Path, expression: str, parameters: str = "x", **options: Any) -> sc.Operator:
    file = tmp_path / "layer.py"
    file.write_text(
        "import torch\nimport torch.nn.functional as F\n\n\n"
        f"def forward({parameters}):\n    return {expression}\n"
    )  # fmt: skip
    return sc.operator(f"{file}:forward", **options)


@pytest.mark.parametrize(("expression", "parameters", "ranks"), [
    ("F.relu(x)", "x", (4,)),
    ("torch.softmax(x, dim=1)", "x", (2,)),
    ("x.sum(2)", "x", (3,)),
    ("F.mse_loss(x, t)", "x, t", (2, 2)),
    ("F.cross_entropy(x, labels)", "x, labels", (2, 2)),
    ("F.layer_norm(x, (x.shape[-1],))", "x", (2,)),
    ("F.max_pool1d(x, 2)", "x", (3,)),
    ("torch.relu(x @ w)", "x, w", (2, 2)),
])  # fmt: skip
def test_the_text_shows_it(expression: str, parameters: str, ranks: tuple[int, ...], tmp_path: Path) -> None:
    op = read(tmp_path, expression, parameters)
    assert tuple(len(one.axes) for one in op.inputs) == ranks


def test_it_is_said(tmp_path: Path) -> None:
    op = read(tmp_path, "F.relu(x) + b", "x, b", axes={"x": 3, "b": 1})
    assert op.source == "y[n,f,i] = relu(x[n,f,i]) + b[i]"
    assert op.notes == ()


def test_what_was_taken_is_told(tmp_path: Path) -> None:
    op = read(tmp_path, "F.relu(x)")
    assert op.notes == ("axes taken: x 4; forward does not say it, axes={'x': 3} or a docstring does",)
    assert op.notes[0] in str(sc.derive(op, "x")).replace("\n        ", " ")


@pytest.mark.parametrize(("axes", "message"), [
    ({"z": 2}, "axes: forward has no array z; it has x"),
    ({"x": "2"}, "axes: x has so many axes, a whole number"),
    ([2], "axes says how many axes arrays have"),
])  # fmt: skip
def test_wrong_ones_are_refused(axes: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(sc.SpecError, match=message):
        read(tmp_path, "F.relu(x)", axes=axes)


def test_a_formula_says_it_itself() -> None:
    with pytest.raises(sc.SpecError, match="a formula does not take axes"):
        sc.operator("y[i] = x[i]", axes={"x": 1})
