"""Layers one of whose parameters is a text that says what is computed: each text is looked at on its own."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.code.source.modes import modes_of, with_modes
from symconv.code.source.program import program

ACTIVATION = """
import numpy as np
def scale_forward(x, kind):
    if kind == "square":
        y = x * x
    elif kind == "twice":
        y = 2 * x
    return y, x
def scale_backward(dout, cache, kind):
    x = cache
    if kind == "twice":
        dx = dout * 2
    elif kind == "square":
        dx = dout * 2 * x
    return dx
"""
DEFAULTS = ACTIVATION.replace("x, kind)", 'x, kind="twice")').replace("cache, kind)", 'cache, kind="twice")')
KEPT = ACTIVATION.replace("return y, x", "return y, (x, kind)").replace("cache, kind)", "cache)")
KEPT = KEPT.replace("x = cache", "x, kind = cache")
OPEN = ACTIVATION.replace('elif kind == "twice"', "else").replace('elif kind == "square"', "else")
HELPERS = """
import numpy as np
def scaled(x, how):
    return x * x if how == "square" else 3 * x
def scale_forward(x, kind):
    return scaled(x, kind), x
def scale_backward(dout, x, kind):
    return 2 * x * dout if kind == "square" else 3 * dout
"""
RIGHT = {"plain": ACTIVATION, "with defaults": DEFAULTS, "kept": KEPT, "open": OPEN, "in a helper": HELPERS}
WRONG = {
    "plain": (ACTIVATION, "dx = dout * 2 * x", "dx = dout * x"),
    "a default is right": (DEFAULTS, "dx = dout * 2 * x", "dx = dout * x"),
    "a default is wrong": (DEFAULTS, "dx = dout * 2\n", "dx = dout\n"),
    "kept": (KEPT, "dx = dout * 2 * x", "dx = dout * x"),
    "open": (OPEN, "dx = dout * 2 * x", "dx = dout * x"),
    "texts exchanged": (HELPERS, 'dout if kind == "square"', 'dout if kind == "twice"'),
    "in a helper": (HELPERS, "else 3 * dout", "else 2 * dout"),
}


def right_when_run(text: str, kind: str) -> bool:
    """Whether difference quotients of the text's own forward function say so, with a text for its parameter."""
    space: dict[str, Any] = {}
    exec(compile(text, "layer", "exec"), space)  # noqa: S102
    rng = np.random.default_rng(5)
    x, dout, step = (rng.normal(size=(2, 3)) for _ in range(3))
    kinds = [kind] if "kind" in text.partition("scale_backward")[2].partition(":")[0] else []
    found = space["scale_backward"](dout, space["scale_forward"](x, kind)[1], *kinds)
    ends = [(space["scale_forward"](x + sign * 1e-5 * step, kind)[0] * dout).sum() for sign in (1, -1)]
    return bool(np.isclose((ends[0] - ends[1]) / 2e-5, (found * step).sum(), rtol=1e-7))


@pytest.mark.parametrize("case", RIGHT)
def test_it_is_right_where_it_is_right_for_each_text(case: str) -> None:
    text = RIGHT[case]
    assert all(right_when_run(text, kind) for kind in ("square", "twice"))
    proofs = sc.check(text, "scale", explain=False)
    assert proofs.holds is True
    assert "proved with kind = " in str(proofs)
    assert str(proofs).count("kind = ") == 3  # both texts, and which formula the second one has


@pytest.mark.parametrize("case", WRONG)
def test_it_is_wrong_where_it_is_wrong_for_one_text(case: str) -> None:
    text, line, wrong = WRONG[case]
    assert text.count(line) == 1
    text = text.replace(line, wrong)
    assert min(right_when_run(text, kind) for kind in ("square", "twice")) is False
    proofs = sc.check(text, "scale", explain=False)
    assert proofs.holds is False
    assert "looked at with kind = " in str(proofs)


def test_what_is_right_beside_what_is_wrong_is_said() -> None:
    for line, wrong, bad, good in (
        ("dx = dout * 2 * x", "dx = dout * x", "square", "twice"),
        ("dx = dout * 2\n", "dx = dout\n", "twice", "square"),
    ):
        said = str(sc.check(ACTIVATION.replace(line, wrong), "scale", explain=False))
        assert f"looked at with kind = {bad}; proved with kind = {good}" in said


THREE = """
import numpy as np
def scale_forward(x, kind):
    if kind == "cut":
        y = FIRST
    elif kind == "square":
        y = x * x
    elif kind == "twice":
        y = 2 * x
    return y, x
def scale_backward(dout, cache, kind):
    x = cache
    if kind == "cut":
        dx = SECOND
    elif kind == "square":
        dx = dout * 2 * x
    elif kind == "twice":
        dx = dout * 2
    return dx
"""
REFUSED = THREE.replace("FIRST", "np.frobnicate(x)").replace("SECOND", "dout")
UNDECIDED = THREE.replace("FIRST", "np.sin(2 * x)").replace("SECOND", "2 * dout * (1 - 2 * np.sin(x) ** 2)")


@pytest.mark.parametrize("text", [REFUSED, UNDECIDED], ids=["refused", "undecided"])
def test_a_mode_that_is_not_decided_hides_no_wrong_one(text: str) -> None:
    for line, wrong, bad, good in (
        ("dx = dout * 2 * x", "dx = dout * x", "square", "twice"),
        ("dx = dout * 2\n", "dx = dout\n", "twice", "square"),
    ):
        assert text.count(line) == 1
        faulty = text.replace(line, wrong)
        assert not right_when_run(faulty, bad)
        assert right_when_run(faulty, good)
        proofs = sc.check(faulty, "scale")
        assert proofs.holds is False
        assert proofs.numbers == f"looked at with kind = {bad}; proved with kind = {good}"
        assert [line.partition(" (")[0] for line in proofs.unread] == ["with kind = cut"]
        assert proofs["x"].holds is False


def test_of_two_wrong_modes_both_are_named() -> None:
    text = ACTIVATION.replace("dx = dout * 2 * x", "dx = dout * x").replace("dx = dout * 2\n", "dx = dout\n")
    assert not any(right_when_run(text, kind) for kind in ("square", "twice"))
    assert sc.check(text, "scale").numbers == "looked at with kind = square; wrong too with kind = twice"


def test_what_is_right_beside_what_is_not_decided_is_said() -> None:
    with pytest.raises(
        sc.SymconvError, match=r"with kind = cut: [\s\S]*\nproved with kind = square\nproved with kind = tw"
    ):
        sc.check(REFUSED, "scale")
    proofs = sc.check(UNDECIDED, "scale")
    assert proofs.holds is None
    assert proofs.numbers == "looked at with kind = cut; proved with kind = square; proved with kind = twice"


def test_a_text_that_the_user_says_is_that_of_both_functions() -> None:
    text = DEFAULTS.replace("dx = dout * 2 * x", "dx = dout * x")
    assert sc.check(text, "scale", {"kind": "twice"}, explain=False).holds is True
    assert sc.check(text, "scale", {"kind": "square"}, explain=False).holds is False


def test_a_text_that_one_of_both_does_not_know_is_not_passed_over() -> None:
    text = ACTIVATION.replace('elif kind == "square"', 'elif kind == "squared"')
    with pytest.raises(sc.SymconvError, match="with kind = square: "):
        sc.check(text, "scale", explain=False)


def test_a_mode_of_training_is_none_of_these() -> None:
    read = program(ACTIVATION.replace("square", "train"), "layer")
    assert modes_of(read, read.functions["scale_forward"], read.functions["scale_backward"], {}) == [{}]


def test_texts_by_another_name_are_not_mixed_up() -> None:
    start, rest = DEFAULTS.split("def scale_backward")
    text = f"{start}def scale_backward{rest.replace('kind', 'how')}"
    assert sc.check(text, "scale", explain=False).holds is True
    with pytest.raises(sc.SymconvError, match="which text how is cannot be told from kind"):
        sc.check(text, "scale", {"kind": "square"}, explain=False)


def test_too_many_modes_are_asked_about() -> None:
    more = "".join(f'    if kind == "k{n}":\n        return x, x\n' for n in range(9))
    text = ACTIVATION.replace('    if kind == "square"', more + '    if kind == "square"')
    with pytest.raises(sc.SymconvError, match=r"say one with\s+arguments=\{'kind': "):
        sc.check(text, "scale", explain=False)


def test_a_parameter_becomes_a_text_wherever_it_stands() -> None:
    (node,) = ast.parse('def f(a, kind, /, b=1, *, how="x", c=2):\n    return a').body
    assert isinstance(node, ast.FunctionDef)
    found = ast.unparse(with_modes(node, {"kind": "k", "how": "h"}))
    assert found == "def f(a, /, b=1, *, c=2):\n    kind = 'k'\n    how = 'h'\n    return a"


COLUMN = """
import numpy as np
def layer_forward(A_prev, W, b):
    return np.dot(W, A_prev) + b, (A_prev, W, b)
def gradients(dZ, cache):
    A_prev, W, b = cache
    db = np.sum(dZ, axis=1, keepdims=True)
    return np.dot(W.T, dZ), np.dot(dZ, A_prev.T), db
def layer_backward(dA, cache):
    return gradients(dA, cache)
"""


def test_a_bias_that_a_helper_sums_as_a_column_is_one() -> None:
    proofs = sc.check(COLUMN, "layer", explain=False)
    assert proofs.holds is True
    assert "where b is F x 1" in str(proofs)
    wrong = COLUMN.replace("db = np.sum(dZ", "db = np.mean(dZ")
    found = sc.check(wrong, "layer", explain=False)
    assert [found[name].holds for name in "xwb"] == [True, True, False]


POOL = """
import numpy as np
def largest_of(window):
    return window == np.max(window)
def pool_forward(A_prev, hparameters, mode="max"):
    (m, height, width, channels) = A_prev.shape
    f, stride = hparameters["f"], hparameters["stride"]
    A = np.zeros((m, int(1 + (height - f) / stride), int(1 + (width - f) / stride), channels))
    for i in range(m):
        for h in range(A.shape[1]):
            for w in range(A.shape[2]):
                for c in range(channels):
                    window = A_prev[i, h * stride:h * stride + f, w * stride:w * stride + f, c]
                    if mode == "max":
                        A[i, h, w, c] = np.max(window)
                    elif mode == "average":
                        A[i, h, w, c] = np.mean(window)
    return A, (A_prev, hparameters)
def pool_backward(dA, cache, mode="max"):
    (A_prev, hparameters) = cache
    f, stride = hparameters["f"], hparameters["stride"]
    dA_prev = np.zeros(A_prev.shape)
    for i in range(dA.shape[0]):
        for h in range(dA.shape[1]):
            for w in range(dA.shape[2]):
                for c in range(dA.shape[3]):
                    top, left = h * stride, w * stride
                    if mode == "max":
                        mask = largest_of(A_prev[i, top:top + f, left:left + f, c])
                        dA_prev[i, top:top + f, left:left + f, c] += mask * dA[i, h, w, c]
                    elif mode == "average":
                        dA_prev[i, top:top + f, left:left + f, c] += np.ones((f, f)) * (dA[i, h, w, c] / (f * f))
    return dA_prev
"""


def test_a_pooling_layer_is_looked_at_with_both_of_its_modes() -> None:
    said = sc.check(POOL, "pool", explain=False)
    assert said.holds is False  # at ties the mask of the largest gives each of them the whole gradient
    assert "looked at with mode = max" in said.numbers
    assert "proved with mode = average" in said.numbers
    numbers = {"mode": "average", "f": 2, "stride": 2}
    assert sc.check(POOL, "pool", numbers, explain=False).holds is True
    wrong = POOL.replace("(dA[i, h, w, c] / (f * f))", "(dA[i, h, w, c] / f)")
    assert sc.check(wrong, "pool", numbers, explain=False).holds is False
    assert "proved with" not in sc.check(wrong, "pool", explain=False).numbers
