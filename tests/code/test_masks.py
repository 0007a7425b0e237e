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
