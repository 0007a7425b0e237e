"""Softmax of masked scores in code: right gradients are proved, and difference quotients tell which are right."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symconv as sc

FILE = Path(__file__).parent / "corpus" / "masks.py"
TORCH = FILE.with_name("torchmasks.py")
TEXT = FILE.read_text(encoding="utf-8")
FUNCTIONS = {node.name: ast.get_source_segment(TEXT, node) or "" for node in ast.parse(TEXT).body
             if isinstance(node, ast.FunctionDef)}  # fmt: skip


def pair(forward: str, backward: str) -> str:
    first = FUNCTIONS[forward].replace(f"def {forward}(", "def forward(")
    return f"import numpy as np\n\n\n{first}\n\n\n{FUNCTIONS[backward].replace(f'def {backward}(', 'def backward(')}\n"


def imported(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def quotients_agree(forward: str, backward: str) -> bool:
    """Whether a gradient is what central differences say where each row keeps one of its scores."""
    module = imported(FILE)
    generator = np.random.default_rng(4)
    x, dy = generator.normal(size=(2, 3, 4)), generator.normal(size=(2, 3, 4))
    mask = generator.integers(0, 2, (2, 3, 4)).astype(float)
    mask[..., 1] = 1
    want = np.empty_like(x)
    for cell in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[cell] = 1e-5
        rise = getattr(module, forward)(x + step, mask) - getattr(module, forward)(x - step, mask)
        want[cell] = (dy * rise).sum() / 2e-5
    return bool(np.allclose(getattr(module, backward)(dy, x, mask), want, atol=1e-6))


CASES = (
    ("filled", "filled_backward", True),
    ("filled", "filled_elsewhere", False),
    ("added", "added_backward", True),
    ("added", "added_jacobian", False),
    ("added", "added_diagonal", False),
)


@pytest.mark.parametrize(("forward", "backward", "right"), CASES)
def test_masked_softmax(forward: str, backward: str, right: bool) -> None:
    assert quotients_agree(forward, backward) is right
    proof = sc.check(pair(forward, backward), explain=False)["scores"]
    assert proof.holds is right, str(proof)


def test_a_mask_that_backward_forgets_is_not_called_right() -> None:
    # In exact arithmetic exp(-1e9) is no 0, and a row without any score left has a gradient in floating point too.
    assert quotients_agree("filled", "forgotten")
    assert sc.check(pair("filled", "forgotten"), explain=False)["scores"].holds is not True


@pytest.mark.parametrize(("name", "right"), [("Kept", True), ("KeptJacobian", False)])
def test_masks_of_truth_values_in_torch(name: str, right: bool) -> None:
    proof = sc.check(TORCH, name, explain=False)["scores"]
    assert proof.holds is right, str(proof)
    torch = pytest.importorskip("torch")
    layer = getattr(imported(TORCH), name)
    scores = torch.linspace(-1, 2, 12, dtype=torch.float64).reshape(3, 4).sin().requires_grad_()
    mask = torch.tensor([[1, 0, 1, 1], [0, 1, 1, 0], [1, 1, 1, 1]], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: layer.apply(x, mask), (scores,), raise_exception=False) is right


@pytest.mark.parametrize("kind", ["bool", "np.bool_"])
def test_masks_converted_in_numpy(kind: str) -> None:
    text = pair("filled", "filled_backward").replace("np.where(mask,", f"np.where(mask.astype({kind}),")
    assert sc.check(text, explain=False).holds is True


ATTENTION = ({}, {"0) / np.sqrt(q.shape[1])": "0)"}, {"ds.T @ q": "ds @ q"})
"""A right backward of causal attention, one without the scale, and one without a transpose."""


@pytest.mark.parametrize("change", ATTENTION, ids=["right", "no scale", "no transpose"])
def test_causal_attention(change: dict[str, str], tmp_path: Path) -> None:
    text = pair("attention", "attention_backward")
    for old, new in change.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    proofs = sc.check(text, explain=False)
    (tmp_path / "attention.py").write_text(text, encoding="utf-8")
    module = imported(tmp_path / "attention.py")
    generator = np.random.default_rng(2)
    arrays = {name: generator.normal(size=(4, width)) for name, width in (("q", 3), ("k", 3), ("v", 2))}
    dy = generator.normal(size=(4, 2))
    for got, (name, array) in zip(module.backward(dy, *arrays.values()), arrays.items(), strict=True):
        want = np.empty_like(array)
        for cell in np.ndindex(array.shape):
            step = np.zeros_like(array)
            step[cell] = 1e-5
            above, below = (module.forward(**{**arrays, name: array + sign * step}) for sign in (1, -1))
            want[cell] = (dy * (above - below)).sum() / 2e-5
        right = got.shape == want.shape and np.allclose(got, want, atol=1e-6)
        assert proofs[name].holds is right, str(proofs[name])
