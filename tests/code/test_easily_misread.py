"""Texts whose verdict was wrong once: what is said is compared with what the text computes when it is run."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

import symconv as sc

LAYER = """
import numpy as np

def layer_forward({given}):
    {forward}

def layer_backward(dout, cache):
    {backward}
"""
DIFFERENCES = """N, D = x.shape
    out = np.zeros_like(x)
    for i in range(D):
        out[:, i] = x[:, i] - x[:, i - 1]
    return out, D"""
MEANS = """N, L = x.shape
    out = np.zeros((N, (L - 3) // 2 + 1))
    for i in range(out.shape[1]):
        out[:, i] = x[:, 2*i:2*i+3].mean(axis=1)
    return out, x.shape"""
SHAPES = (((1, 1), (1, 1), (1,)), ((3, 1), (1, 2), (2,)), ((2, 5), (5, 5), (5,)), ((4, 3), (3, 3), (3,)),
          ((3, 7), (7, 2), (2,)))  # fmt: skip


def layer(given: str, forward: str, backward: str) -> str:
    """A pair of functions."""
    return LAYER.format(given=given, forward=forward, backward=backward)


def run_right(text: str, library: str = "numpy") -> list[bool]:
    """Whether the gradients are what difference quotients say, at each of the sizes that the forward function takes."""
    space: dict[str, Any] = {}
    exec(compile(text, "layer", "exec"), space)  # noqa: S102
    rng, found = np.random.default_rng(2), list[bool]()
    made = importlib.import_module("torch").tensor if library == "torch" else np.array
    for shapes in SHAPES:
        count = space["layer_forward"].__code__.co_argcount
        arrays = [rng.normal(size=shape) for shape in shapes[:count]]
        try:
            dout = rng.normal(size=np.shape(space["layer_forward"](*map(made, arrays))[0]))
        except (ValueError, IndexError, RuntimeError, TypeError):
            continue
        if not dout.size:
            continue
        steps = [rng.normal(size=one.shape) for one in arrays]
        ends = [[a + sign * 1e-6 * s for a, s in zip(arrays, steps, strict=True)] for sign in (1, -1)]
        values = [(np.asarray(space["layer_forward"](*map(made, end))[0]) * dout).sum() for end in ends]
        try:
            got = space["layer_backward"](made(dout), space["layer_forward"](*map(made, arrays))[1])
        except (ValueError, IndexError, RuntimeError, TypeError):
            found.append(False)
            continue
        got = [np.asarray(one) for one in (got if isinstance(got, tuple) else (got,))]
        fit = all(one.shape == a.shape for one, a in zip(got, arrays, strict=True))
        total = sum((one * s).sum() for one, s in zip(got, steps, strict=True)) if fit else np.nan
        found.append(bool(np.isclose((values[0] - values[1]) / 2e-6, total, rtol=1e-5)))
    assert found
    return found


def said(text: str) -> bool | str:
    """What is said of a text, or the error."""
    try:
        verdict = sc.check(text, explain=False).holds
    except sc.SymconvError as problem:
        return str(problem)
    assert verdict is not None
    return verdict


BIAS = "x, w, b", "return x @ w + b, (x, w)"
SUMMED = "x, w = cache\n    return dout @ w.T, x.T @ dout, {}"


def test_a_bias_that_is_summed_over_all_axes_is_asked_about() -> None:
    wrong = layer(*BIAS, SUMMED.format("np.sum(dout)"))
    assert not all(run_right(wrong))
    asked = said(wrong)
    assert isinstance(asked, str)
    assert "right where x has 2, w has 2, b has 0" in asked
    assert "wrong where x has 2, w has 2, b has 1" in asked
    assert asked.endswith("Say which is meant in its docstring: b: a number, or b: (A,)")
    right = layer(*BIAS, SUMMED.format("dout.sum(axis=0)"))
    assert all(run_right(right))
    assert said(right) is True


@pytest.mark.parametrize("words", ["b: a number", "b -- bias, a scalar", "x: the input\n    b : float"])
def test_a_bias_that_is_a_number_is_told(words: str) -> None:
    given, forward = BIAS
    text = layer(given, f'"""A layer.\n\n    {words}\n    """\n    {forward}', SUMMED.format("np.sum(dout)"))
    assert said(text) is True
    assert said(text.replace(words, "b: (A,)")) is False
    assert said(text.replace(words, "").replace("x, w, b)", "x, w, b: float)")) is True


@pytest.mark.parametrize("first", [0, 1])
def test_an_index_before_the_first_is_the_last(first: int) -> None:
    backward = f"""dx = np.zeros_like(dout)
    for i in range({first}, cache):
        dx[:, i] += dout[:, i]
        dx[:, i - 1] -= dout[:, i]
    return dx"""
    text = layer("x", DIFFERENCES, backward)
    assert all(run_right(text)) is (first == 0)
    verdict = said(text)
    assert isinstance(verdict, str)
    assert "line 8: an index is negative in some iterations of the loop, and counts from the end there" in verdict


@pytest.mark.parametrize(("axes", "numpy"), [("0, 1", False), ("1, 0", True)])
def test_transpose_is_that_of_the_library(axes: str, numpy: bool) -> None:
    text = layer("x, w", "return x @ w, (x, w)", f"x, w = cache\n    return dout @ w.transpose({axes}), x.T @ dout")
    assert all(run_right(text)) is numpy
    assert said(text) is numpy
    of_torch = text.replace("numpy as np", "torch")
    assert said(of_torch) is True
    if importlib.util.find_spec("torch"):
        assert all(run_right(of_torch, "torch"))
    both = text.replace("import numpy", "import torch\nimport numpy")
    assert sc.check(both, explain=False).holds is (True if numpy else None)


def test_a_mean_over_parts_of_several_lengths_is_decided_on_numbers() -> None:
    backward = """dx = np.zeros(cache)
    for i in range(dout.shape[1]):
        dx[:, 2*i:2*i+3] += dout[:, i:i+{}].mean(axis=1, keepdims=True) / 3
    return dx"""
    for length, right in ((2, False), (1, True)):
        text = layer("x", MEANS, backward.format(length))
        assert all(run_right(text)) is right
        assert said(text) is right


def test_two_edits_of_one_line_are_one_line() -> None:
    text = layer(
        "x", "N, D = x.shape\n    return np.cumsum(x, axis=1), None", "return np.cumsum(dout[::-1], axis=1)[::-1]"
    )
    assert not all(run_right(text))
    proof = sc.check(text)["x"]
    assert proof.line == 9
    number, _, line = proof.repair.partition(": ")
    assert number == "line 9"
    assert all(run_right(text.replace("return np.cumsum(dout[::-1], axis=1)[::-1]", line)))


ROWS = "N, D = x.shape\n    return x.sum(1), x"
COLUMN = "N, D = x.shape\n    return (x @ w).squeeze(1), (x, w)"
TWICE = "N, D = x.shape\n    return x.repeat(2, 1), x"
CASES = {
    "repeat of NumPy": ("x", TWICE, "N, D = cache.shape\n    return dout.reshape(N, D, 2).sum(2)", True),
    "repeat of PyTorch": ("x", TWICE, "N, D = cache.shape\n    return dout[:N] + dout[N:]", False),
    "keepdims by place": ("x", ROWS, "return np.ones_like(cache) * dout.sum(0, True)", "write keepdims=True"),
    "keepdims by name": ("x", ROWS, "return np.ones_like(cache) * dout.sum(0, keepdims=True)", False),
    "an axis of length 1": ("x", ROWS, "return np.ones_like(cache) * dout[:, None].squeeze(1)[:, None]", True),
    "an axis of any length": ("x", ROWS, "return np.ones_like(cache) * cache.squeeze(1)[:, None] * 0", False),
    "the sum of Python": ("x", "N, D = x.shape\n    return x.sum(0), x", "return np.ones_like(cache) * dout", True),
    "summed rows": ("x", "N, D = x.shape\n    return x - x.mean(0), x", "return dout - sum(dout) / len(dout)", True),
    "outer of a column": ("x", ROWS, "return np.outer(dout[:, None], np.ones(cache.shape[1]))", True),
    "outer the other way": ("x", ROWS, "return np.outer(np.ones((cache.shape[1], 1)), dout)", False),
    "summed, then divided by all": (
        "x", "N, D = x.shape\n    return x - x.mean(0), x", "return dout - sum(dout) / dout.size", False
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_words_mean_what_they_compute(case: str) -> None:
    given, forward, backward, wanted = CASES[case]
    text = layer(given, forward, backward)
    assert all(run_right(text)) is (wanted is True)
    verdict = said(text)
    assert wanted in verdict if isinstance(wanted, str) and isinstance(verdict, str) else verdict is wanted


def test_a_column_that_is_squeezed_has_one_element_in_each_row() -> None:
    text = layer("x, w", COLUMN, "x, w = cache\n    return dout[:, None] * w.T, x.T @ dout[:, None]")
    assert all(run_right(text))
    proofs = sc.check(text, explain=False)
    assert proofs.holds is True
    assert "where w is C x 1" in str(proofs)


@pytest.mark.parametrize(("moved", "right"), [("unsqueeze(1).squeeze(0)", True), ("unsqueeze(1).squeeze(1)", False),
                                              ("squeeze(0).unsqueeze(-1)", True)])  # fmt: skip
def test_what_squeeze_leaves_alone_is_that_of_pytorch(moved: str, right: bool) -> None:
    text = layer("x", ROWS, f"return torch.ones_like(cache) * dout.{moved}").replace("numpy as np", "torch")
    assert said(text) is right
    if importlib.util.find_spec("torch"):
        assert all(run_right(text, "torch")) is right


def test_numbers_that_are_stacked_are_a_column() -> None:
    text = layer("x", ROWS, "return np.ones_like(cache) * np.vstack(dout)")
    assert all(run_right(text))
    assert sc.check(text, explain=False).holds is not False


FUNCTION = """
import torch
import torch.nn.functional as F

class Layer(torch.autograd.Function):
    @staticmethod
    def forward(ctx, {given}):
        {forward}

    @staticmethod
    def backward(ctx, grad_output):
        {backward}
"""


def test_pytorch_takes_no_negative_padding() -> None:
    text = FUNCTION.format(
        given="x, w", forward="ctx.save_for_backward(x, w)\n        return F.conv1d(x, w, padding=1)",
        backward="x, w = ctx.saved_tensors\n        turned = w.flip(2).transpose(0, 1)\n"
        "        return F.conv1d(grad_output, turned, padding=w.shape[2] - 2), None",
    )  # fmt: skip
    proof = sc.check(text, explain=False)["x"]
    assert (proof.holds, proof.fails_when) == (False, "K = 1")
    for taps in (1, 2) if importlib.util.find_spec("torch") else ():
        torch = importlib.import_module("torch")
        x, w = torch.ones(2, 3, 5), torch.ones(4, 3, taps)
        cotangent = torch.ones_like(torch.nn.functional.conv1d(x, w, padding=1))
        if proof.fails(x=tuple(x.shape), w=tuple(w.shape)):
            with pytest.raises(RuntimeError, match="negative padding"):
                torch.nn.functional.conv1d(cotangent, w.flip(2).transpose(0, 1), padding=w.shape[2] - 2)
        else:
            torch.nn.functional.conv1d(cotangent, w.flip(2).transpose(0, 1), padding=w.shape[2] - 2)


def test_a_shape_that_is_wrong_for_four_axes_is_not_wrong_for_three() -> None:
    text = FUNCTION.format(
        given="x", forward="return x.repeat_interleave(2, dim=2)",
        backward="N, C = grad_output.shape[0], grad_output.shape[1]\n"
        "        return grad_output.reshape(-1, 2).sum(1).view(N, C, -1)",
    )  # fmt: skip
    assert sc.check(text, explain=False).holds is not False
    doubled = text.replace("sum(1)", "sum(1).mul(2)")
    assert sc.check(doubled, explain=False).holds is False


def test_the_function_pad_is_no_number_of_the_layer() -> None:
    forward = "N, D = x.shape\n    return np.pad(x, ((0, 0), (1, 1))), x.shape"
    proofs = sc.check(layer("x", forward, "return dout[:, 1:-1] * 2"), explain=False)
    assert (proofs.holds, proofs.numbers) == (False, "")
    assert all(run_right(layer("x", forward, "return dout[:, 1:-1]")))
    assert said(layer("x", forward, "return dout[:, 1:-1]")) is True


def test_a_counterexample_is_no_convention_at_a_kink() -> None:
    forward = "N, D = x.shape\n    return np.minimum(np.maximum(x, -1), 1), x"
    text = layer("x", forward, "x = cache\n    return dout * (not ((x < -1) | (x > 1)))")
    proof = sc.check(text, explain=False)["x"]
    assert proof.holds is False
    assert proof.counterexample is not None
    (shape,) = (found for _, found in proof.counterexample.shapes)
    space: dict[str, Any] = {}
    exec(compile(text, "layer", "exec"), space)  # noqa: S102
    with pytest.raises(ValueError, match="truth value"):
        space["layer_backward"](np.ones(shape), np.zeros(shape))
    assert np.array_equal(space["layer_backward"](np.ones((1, 1)), np.zeros((1, 1))), [[1]])


@pytest.mark.parametrize(("line", "said"), [("sorted(range(3))", "sorted of Python is not read"),
                                            ("unknown(3)", "unknown has no value here")])  # fmt: skip
def test_what_is_not_read_is_no_name_without_a_value(line: str, said: str) -> None:
    with pytest.raises(sc.SymconvError, match=f"line 8: {said}"):
        sc.check(layer("x", "return 2 * x, None", f"n = {line}\n    return n[-1] * dout"), explain=False)


def test_a_loop_index_is_called_so() -> None:
    text = layer("x", "N, D = x.shape\n    return 2 * x, N", "dx = np.zeros_like(dout)\n    for n in range(cache):\n"
                 "        dx[n % cache] = 2 * dout[n]\n    return dx")  # fmt: skip
    assert all(run_right(text))
    assert "% of the index of a loop and N" in sc.check(text, explain=False)["x"].reason


@pytest.mark.parametrize(
    "last", ["np.add.reduce(dout)", "np.apply_over_axes(np.sum, dout, 0)[0]"]
)  # fmt: skip
def test_unread_code_of_the_likely_axes_is_not_wrong_for_others(last: str) -> None:
    text = layer("x, w, b", "return x @ w + b, (x, w)", f"x, w = cache\n    return dout @ w.T, x.T @ dout, {last}")
    with pytest.raises(sc.SymconvError, match="is not read"):
        sc.check(text, explain=False)


@pytest.mark.parametrize(("said", "right"), [("x: (N, D), w: (N, D)", True), ("x: (N, D), w: (M, D)", False)])
def test_lengths_of_one_name_in_a_docstring_are_one(said: str, right: bool) -> None:
    forward = f'"""{said}"""\n    return sum((a * b).sum() for a, b in zip(x, w)), (x, w)'
    proofs = sc.check(layer("x, w", forward, "x, w = cache\n    return dout * w, dout * x"), explain=False)
    assert proofs.holds is right


@pytest.mark.parametrize(
    ("count", "right"),
    [("sum([x > 0, x > 1])", True), ("(x > 0) + (x > 1)", False), ("sum([x > 1, x > 0], 0.0)", True),
     ("(x > 0) | (x > 1)", False)],
)  # fmt: skip
def test_masks_that_python_sums_are_counted(count: str, right: bool) -> None:
    forward = "return np.maximum(x, 0) + np.maximum(x - 1, 0), x"
    text = layer("x", forward, f"x = cache\n    return dout * ({count})")
    assert sc.check(text, explain=False)["x"].holds is right
    assert all(run_right(text)) is right


@pytest.mark.parametrize(
    ("returned", "right"),
    [
        ("(dx, dw) + (db,)", True), ("(dw, dx) + (db,)", False), ("(*(dx, dw), db)", True),
        ("(*(dx, dw), 2 * db)", False), ("tuple(reversed((db, dw, dx)))", True), ("tuple([dw, dx, db])", False),
    ],
)  # fmt: skip
def test_tuples_that_are_put_together_are_the_gradients_in_order(returned: str, right: bool) -> None:
    backward = f"x, w = cache\n    dx, dw, db = dout @ w.T, x.T @ dout, dout.sum(0)\n    return {returned}"
    proofs = sc.check(layer("x, w, b", "return x @ w + b, (x, w)", backward), explain=False)
    assert {*proofs} == {"x", "w", "b"}
    assert proofs.holds is right


@pytest.mark.parametrize(
    ("backward", "right"),
    [("return dout * s, dout * x * s * (1 - s)", True), ("return dout * s, (dout * x * s * (1 - s)).sum(0)", False)],
)  # fmt: skip
def test_what_goes_through_a_function_alone_is_no_bias(backward: str, right: bool) -> None:
    forward = "s = 1 / (1 + np.exp(-g))\n    return (x * s).sum(axis=0), (x, s)"
    assert sc.check(layer("x, g", forward, f"x, s = cache\n    {backward}"), explain=False).holds is right


@pytest.mark.parametrize(
    ("slope", "right"), [("2 * (p - t) / p.size", True), ("2 * (t - p) / p.size", False), ("(p - t) / p.size", False)]
)
def test_a_prediction_called_p_is_no_padding(slope: str, right: bool) -> None:
    backward = f"p, t = cache\n    d = {slope}\n    return dout * d, -dout * d"
    proofs = sc.check(layer("p, t", "return ((p - t) ** 2).mean(), (p, t)", backward), explain=False)
    assert {*proofs} == {"p", "t"}
    assert proofs.holds is right
