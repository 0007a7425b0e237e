"""``check`` of pairs that keep values: a parameter of backward gets what forward returned, not what it was given."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symconv as sc

FILE = Path(__file__).parent / "corpus" / "kept.py"
SHAPES: dict[str, tuple[tuple[int, ...], ...]] = {
    "padded": ((2, 6), (3,)), "scaled": ((2, 3), (2, 3)), "twice": ((2, 3), (2, 3)), "alone": ((2, 3),),
    "single": ((2, 3), (2, 3)),
}  # fmt: skip


def corpus() -> Any:
    spec = importlib.util.spec_from_file_location("kept_corpus", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", SHAPES)
def test_pairs_are_decided_as_they_run(name: str) -> None:
    proofs = sc.check(FILE, f"{name}_forward", explain=False)
    module, rng = corpus(), np.random.default_rng(0)
    forward, backward = getattr(module, f"{name}_forward"), getattr(module, f"{name}_backward")
    arrays = [rng.normal(size=shape) for shape in SHAPES[name]]
    y, *kept = forward(*arrays)
    dy = rng.normal(size=y.shape)
    # As a caller passes it on: all that was kept, after the arguments that are no part of it.
    got = backward(dy, arrays[1], *kept) if name == "single" else backward(dy, *kept)
    for at, (proof, one) in enumerate(zip(proofs.values(), got if isinstance(got, tuple) else (got,), strict=True)):
        direction = rng.normal(size=arrays[at].shape)
        ends = [[a + side * 1e-6 * direction if k == at else a for k, a in enumerate(arrays)] for side in (1, -1)]
        slope = sum(side * np.sum(dy * forward(*end)[0]) for side, end in zip((1, -1), ends, strict=True)) / 2e-6
        assert proof.holds is bool(np.isclose(slope, np.sum(one * direction), rtol=1e-5))


TANH = """
import numpy as np

def layer_forward(x):
    r = np.tanh(x)
    c = {kept}
    return r, {name}

def layer_backward(g, {taken}):
    return g * (1 - {taken}**2)
"""


@pytest.mark.parametrize("kept", ["r", "r * 1"])
def test_a_kept_value_taken_by_the_name_of_an_input_is_asked_for(kept: str) -> None:
    text, given = TANH.format(kept=kept, name="c", taken="x"), np.array([0.3, -0.8])
    scope: dict[str, Any] = {}
    exec(text, scope)  # noqa: S102
    _, passed = scope["layer_forward"](given)
    # Right for what a caller passes on, wrong for the input of that name.
    slope = (np.tanh(given + 1e-6) - np.tanh(given - 1e-6)) / 2e-6
    assert np.allclose(scope["layer_backward"](np.ones(2), passed), slope)
    assert not np.allclose(scope["layer_backward"](np.ones(2), given), slope)
    with pytest.raises(sc.SymconvError, match="that it calls x: which of the two it is cannot be told"):
        sc.check(text, explain=False)
    (as_input,) = sc.check(TANH.format(kept=kept, name="x", taken="x"), explain=False).values()
    assert as_input.holds is False


@pytest.mark.parametrize(("kept", "name", "taken"), [("r", "c", "c"), ("r", "r", "r"), ("r * 1", "c", "cache")])
def test_a_kept_value_taken_by_its_own_name_is_what_was_kept(kept: str, name: str, taken: str) -> None:
    (proof,) = sc.check(TANH.format(kept=kept, name=name, taken=taken), explain=False).values()
    assert proof.holds is True


@pytest.mark.parametrize("kept", ["x", "x.copy()"])
def test_a_kept_input_or_a_copy_of_it_is_not_asked_for(kept: str) -> None:
    (proof,) = sc.check(TANH.format(kept=kept, name="c", taken="x"), explain=False).values()
    assert proof.holds is False


SOFTMAX = """
import numpy as np

def softmax_forward(x):
    e = np.exp(x)
    a = e / e.sum(-1, keepdims=True)
    return a, {kept}

def softmax_backward({first}, a):
    return a * ({first} - ({first} * a).sum(-1, keepdims=True))
"""


@pytest.mark.parametrize("first", ["ga", "v", "da"])
def test_what_stands_beside_a_kept_value_of_its_own_name_is_the_cotangent(first: str) -> None:
    text = SOFTMAX.format(kept="a", first=first)
    assert sc.check(text, explain=False).holds is True
    assert (
        sc.check(text.replace(".sum(-1, keepdims=True))", ".sum(-1, keepdims=True) * 2)"), explain=False).holds is False
    )


def test_a_value_that_may_be_the_cotangent_or_what_is_kept_is_asked_for() -> None:
    text = SOFTMAX.format(kept="a * 1", first="v")
    with pytest.raises(
        sc.SpecError, match="softmax_backward takes v, a, and which of them is the gradient of the output"
    ):
        sc.check(text, explain=False)


PRODUCT = """
import numpy as np

def layer_forward(x, w):
    r = np.tanh(x)
    return r * w, ({kept})

def layer_backward(g, {taken}):
    return {first}, {second}
"""


@pytest.mark.parametrize(("kept", "taken"), [("w, x", "x, w"), ("r, w", "x, w"), ("w, r", "x, w")])
def test_several_kept_values_that_names_and_places_tell_differently_are_asked_for(kept: str, taken: str) -> None:
    text = PRODUCT.format(kept=kept, taken=taken, first="g * w * (1 - np.tanh(x)**2)", second="g * np.tanh(x)")
    with pytest.raises(sc.SpecError, match="has the name of another one than it is by its place"):
        sc.check(text, explain=False)


@pytest.mark.parametrize(("kept", "taken"), [("x, w", "x, w"), ("w, x", "w, x"), ("r, w", "r, w"), ("w, r", "w, r")])
def test_several_kept_values_by_their_names_and_places_are_decided_as_they_run(kept: str, taken: str) -> None:
    value = "np.tanh(x)" if "x" in taken else "r"
    text = PRODUCT.format(kept=kept, taken=taken, first=f"g * w * (1 - {value}**2)", second=f"g * {value}")
    scope: dict[str, Any] = {}
    exec(text, scope)  # noqa: S102
    x, w = np.array([0.3, -0.8]), np.array([2.0, 0.7])
    slopes = scope["layer_backward"](np.ones(2), *scope["layer_forward"](x, w)[1])
    assert np.allclose(slopes[0], w * (np.tanh(x + 1e-6) - np.tanh(x - 1e-6)) / 2e-6)
    assert sc.check(text, explain=False).holds is True
