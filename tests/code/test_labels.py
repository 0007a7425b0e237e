"""Labels in code: losses of classes and embeddings, each against finite differences of the function itself."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symconv as sc

FILE = Path(__file__).parent / "corpus" / "labels.py"
TORCH = FILE.with_name("torchlabels.py")
STEP, DRAWS = 1e-5, 24

LOSSES = {
    "softmax_loss": True, "softmax_without_n": False, "softmax_without_one": False, "softmax_wrong_axis": False,
    "softmax_wrong_sign": False, "softmax_of_log_of_probs": True, "softmax_one_hot": True,
    "softmax_one_hot_twice": False, "softmax_compared": True, "softmax_taken": True, "softmax_sum": True,
    "softmax_sum_divided": False, "softmax_of_rows": True, "squared_loss": True, "svm_loss": True,
    "svm_without_counts": False, "svm_all_classes": True, "svm_of_rows": True, "svm_of_rows_one_sided": False,
}  # fmt: skip
LOOKUPS = {
    "embedding": True, "buffered": False, "replaced": False, "word_embedding": True, "hot": True, "looped": True,
    "overwritten": False,
}  # fmt: skip
FUNCTIONS = {
    "CrossEntropy": True, "CrossEntropySum": True, "CrossEntropyUnscaled": False, "LogLoss": True,
    "LogLossGathered": True, "LogLossPositive": False, "Embedding": True, "EmbeddingOneHot": True,
    "EmbeddingBuffered": False,
}  # fmt: skip


def functions(file: Path = FILE) -> Any:
    spec = importlib.util.spec_from_file_location(f"corpus_{file.stem}", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def differences(value: Callable[[np.ndarray], float], at: np.ndarray) -> np.ndarray:
    """The gradient of a number by central differences."""
    found = np.zeros_like(at)
    for cell in np.ndindex(at.shape):
        step = np.zeros_like(at)
        step[cell] = STEP
        found[cell] = (value(at + step) - value(at - step)) / (2 * STEP)
    return found


def labels(rng: np.random.Generator, shape: tuple[int, ...], classes: int, draw: int) -> np.ndarray:
    """Labels, in every third draw all the same."""
    return np.full(shape, classes - 1) if draw % 3 == 0 else rng.integers(0, classes, shape)


def losses_agree(module: Any, name: str) -> Iterator[bool]:
    rng = np.random.default_rng(0)
    function = getattr(module, name)
    for draw in range(DRAWS):
        rows, classes = (int(n) for n in rng.integers(1, 5, 2))
        x, y = rng.normal(size=(rows, classes)), labels(rng, (rows,), classes, draw)
        want = differences(lambda at, y=y: float(function(at, y)[0]), x)
        yield bool(np.allclose(function(x.copy(), y)[1], want, atol=1e-6))


def lookups_agree(module: Any, name: str) -> Iterator[bool]:
    rng = np.random.default_rng(0)
    forward, backward = getattr(module, f"{name}_forward"), getattr(module, f"{name}_backward")
    for draw in range(DRAWS):
        rows, words, length = (int(n) for n in rng.integers(1, 5, 3))
        shape = (rows, 2) if name.startswith("word") else (rows,)
        x, w = labels(rng, shape, words, draw), rng.normal(size=(words, length))
        out, cache = forward(x, w)
        dout = rng.normal(size=out.shape)
        want = differences(lambda at, x=x, dout=dout: float((forward(x, at)[0] * dout).sum()), w)
        yield bool(np.allclose(backward(dout, cache), want, atol=1e-6))


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_of_classes_is_decided_as_finite_differences_do(name: str) -> None:
    right = all(losses_agree(functions(), name))
    assert right == LOSSES[name]
    assert sc.check(FILE, name).holds is right


@pytest.mark.parametrize("name", LOOKUPS)
def test_a_lookup_is_decided_as_finite_differences_do(name: str) -> None:
    right = all(lookups_agree(functions(), name))
    assert right == LOOKUPS[name]
    assert sc.check(FILE, name).holds is right


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_autograd_function_is_decided_as_autograd_does(name: str) -> None:
    torch = pytest.importorskip("torch")
    function = getattr(functions(TORCH), name)
    rng = np.random.default_rng(0)
    right = True
    for draw in range(DRAWS):
        rows, classes, length = (int(n) for n in rng.integers(1, 5, 3))
        looked_up = name.startswith("Embedding")
        shape = (classes, length) if looked_up else (rows, classes)
        y = torch.tensor(labels(rng, (rows,), classes, draw))
        found = []
        x = torch.tensor(rng.normal(size=shape))
        weight = torch.tensor(float(rng.normal()))
        for forward in (function.apply, lambda x, y: function.forward(torch.autograd.function.FunctionCtx(), x, y)):
            at = x.clone().requires_grad_()
            value = forward(at, y)
            found.append(torch.autograd.grad((value * torch.arange(1.0, value.numel() + 1).reshape(value.shape)).sum()
                                             * weight, at)[0])  # fmt: skip
        right &= bool(torch.allclose(*found, atol=1e-9))
    assert right == FUNCTIONS[name]
    assert sc.check(TORCH, name).holds is right


CLASSES = """import numpy as np

def loss(x, y):
    N = x.shape[0]
    value = np.sum(x[np.arange(N), y] ** 2) / 2
    dx = np.zeros_like(x)
    dx[np.arange(N), y] {statement}
    return value, dx
"""


@pytest.mark.parametrize(("statement", "right"), [("= x[np.arange(N), y]", True), ("+= x[np.arange(N), y]", True),
                                                  ("-= x[np.arange(N), y]", False), ("= x[0, y]", False),
                                                  ("= x[np.arange(N), y[0]]", False), ("= 1", False)])  # fmt: skip
def test_what_stands_at_labels_is_told_from_what_stands_elsewhere(statement: str, right: bool) -> None:
    assert sc.check(CLASSES.format(statement=statement), "loss").holds is right


def test_an_array_that_is_too_short_for_its_labels_is_refused() -> None:
    text = FILE.read_text().replace(
        "dW = np.zeros_like(W)\n    np.add.at", "dW = np.zeros((2, W.shape[1]))\n    np.add.at"
    )
    assert sc.check(text, "embedding").holds is False


def test_a_number_that_names_a_row_is_not_taken_for_labels() -> None:
    text = """def row_forward(x, k):
    return x[k], (x, k)

def row_backward(dout, cache):
    x, k = cache
    dx = 0 * x
    dx[k] = dout
    return dx
"""
    with pytest.raises(sc.SpecError):
        sc.check(text, "row")


def test_buffered_addition_is_refuted_by_a_label_that_occurs_twice() -> None:
    found = sc.check(FILE, "buffered")["w"].counterexample
    assert found is not None
    held = np.array(dict(found.arrays)["𝟙x"]).reshape(dict(found.shapes)["𝟙x"])
    assert (held.sum(axis=0) > 1).any()
    assert f"x = {held.argmax(axis=1).tolist()}" in str(found)


def test_the_formula_says_what_its_selector_is() -> None:
    assert "𝟙y[n,c] is 1 where y[n] is c, else 0" in str(sc.check(FILE, "softmax_loss"))


def test_the_line_of_a_wrong_sign_is_repaired() -> None:
    assert "dx[np.arange(N), y] -= 1" in str(sc.check(FILE, "softmax_wrong_sign"))
