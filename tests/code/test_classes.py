"""Layers that are classes, as courses write them: where parameters and gradients are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

AFFINE = """
import numpy as np
class Layer:
    def __init__(self, W, b):
        {kept}
    def __call__(self, x):
        return self.forward(x)
    def forward(self, x):
        {held} = x
        return x @ {W} + {b}
    def backward(self, dout):
        {dW} = {x}.T @ dout
        {db} = dout.sum(axis=0)
        return dout @ {W}.T
"""
ATTRIBUTES = {"kept": "self.W, self.b = W, b", "held": "self.x", "x": "self.x", "W": "self.W", "b": "self.b",
              "dW": "self.dW", "db": "self.db"}  # fmt: skip
DICTS = {"kept": "self.params, self.grads, self.cache = {'W': W, 'b': b}, {}, {}", "held": "self.cache['x']",
         "x": "self.cache['x']", "W": "self.params['W']", "b": "self.params['b']", "dW": "self.grads['W']",
         "db": "self.grads['b']"}  # fmt: skip
ZEROS = "self.W, self.b = W, b; self.grad_W = np.zeros_like(W); self.grad_b = np.zeros_like(b)"
LISTED = """
import numpy as np
class Layer:
    def __init__(self, W, b):
        self.params = [W, b]
        self.grads = [np.zeros_like(W), np.zeros_like(b)]
    def forward(self, x):
        W, b = self.params
        self.x = x
        return x @ W + b
    def backward(self, dout):
        W, b = self.params
        dW = self.x.T @ dout
        db = dout.sum(axis=0)
        self.grads[0][...] = dW
        self.grads[1][...] = db
        return dout @ W.T
"""
SPELLINGS = {
    "attributes": AFFINE.format(**ATTRIBUTES),
    "dicts": AFFINE.format(**{**DICTS, "held": "self.cache", "x": "self.cache"}),
    "keys_with_d": AFFINE.format(**{**DICTS, "held": "self.x", "x": "self.x", "dW": "self.grads['dW']",
                                    "db": "self.grads['db']"}),
    "added_up": AFFINE.format(**{**ATTRIBUTES, "kept": ZEROS, "dW": "self.grad_W", "db": "self.grad_b"}).replace(
        "W = self.x.T", "W += self.x.T").replace("b = dout.sum", "b += dout.sum"),
    "added_up_in_dicts": AFFINE.format(**{**DICTS, "held": "self.x", "x": "self.x", "kept":
        "self.params = {'W': W, 'b': b}; self.grads = {'W': np.zeros_like(W), 'b': np.zeros_like(b)}"}).replace(
        "'] = self.x.T", "'] += self.x.T").replace("'] = dout.sum", "'] += dout.sum"),
    "numbered": AFFINE.format(**{**ATTRIBUTES, "kept": "self.W1, self.b1 = W, b", "W": "self.W1", "b": "self.b1",
                                 "dW": "self.dW1", "db": "self.db1"}),
    "listed": LISTED,
    "listed_anew": LISTED.replace("self.grads[0][...] = dW", "self.grads = [dW, db]").replace(
        "self.grads[1][...] = db", "pass"),
    "listed_places": LISTED.replace("W, b = self.params", "W = self.params[0]; b = self.params[1]"),
    "listed_attributes": LISTED.replace("self.params = [W, b]", "self.W, self.b = W, b; self.params = [self.W, self.b]"),
    "listed_row": LISTED.replace("dout.sum(axis=0)", "dout.sum(axis=0)[None]"),
    "one_literal": """
import numpy as np
class Layer:
    def __init__(self, W, b):
        self.params = {"W": W, "b": b}
    def forward(self, x):
        self.x = x
        return x @ self.params["W"] + self.params["b"]
    def backward(self, dout):
        self.grads = {"W": self.x.T @ dout, "b": dout.sum(axis=0)}
        return dout @ self.params["W"].T
""",
    "returned": """
import numpy as np
class Layer:
    def __init__(self, W, b):
        self.W, self.b = W, b
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, dout):
        return {"x": dout @ self.W.T, "W": self.x.T @ dout, "b": dout.sum(axis=0)}
""",
}  # fmt: skip
MISTAKES = [("", ""), ("T @ dout", "T @ dout / len(dout)"), ("dout.sum(axis=0)", "dout.mean(axis=0)"),
            ("dout @", "2 * dout @")]  # fmt: skip


def _grads(layer: Any) -> dict[str, Any]:
    grads = getattr(layer, "grads", {})
    return grads if isinstance(grads, dict) else dict(zip(("dW", "db"), grads, strict=True))


def slopes(text: str) -> dict[str, bool]:
    """Which gradients are right, by difference quotients of the class as it runs."""
    space: dict[str, Any] = {}
    exec(compile(text, "layer", "exec"), space)  # noqa: S102
    rng = np.random.default_rng(0)
    arrays = {"x": rng.normal(size=(3, 4)), "w": rng.normal(size=(4, 2)), "b": rng.normal(size=2)}
    dout = rng.normal(size=(3, 2))

    def loss(given: dict[str, Any]) -> float:
        return float((space["Layer"](given["w"], given["b"]).forward(given["x"]) * dout).sum())

    layer = space["Layer"](arrays["w"], arrays["b"])
    layer.forward(arrays["x"])
    back = layer.backward(dout)
    found = back if isinstance(back, dict) else {"x": back, **_grads(layer), **vars(layer)}
    right: dict[str, bool] = {}
    for name, words in {"x": ("x",), "w": ("W", "dW", "dW1", "grad_W"), "b": ("b", "db", "db1", "grad_b")}.items():
        key = "x" if name == "x" else [word for word in words if word in found][-1]
        value = back if name == "x" and not isinstance(back, dict) else found[key]
        step = rng.normal(size=arrays[name].shape) * 1e-6
        more, less = (loss({**arrays, name: arrays[name] + sign * step}) for sign in (1, -1))
        right[name] = bool(np.isclose((more - less) / 2, (value * step).sum(), rtol=1e-5, atol=1e-11))
    return right


@pytest.mark.parametrize("mistake", range(len(MISTAKES)))
@pytest.mark.parametrize("name", SPELLINGS)
def test_where_parameters_and_gradients_are_kept(name: str, mistake: int) -> None:
    text = SPELLINGS[name].replace(*MISTAKES[mistake], 1)
    assert mistake == 0 or text != SPELLINGS[name]
    right = slopes(text)
    assert sum(not one for one in right.values()) == (mistake != 0)
    found = {tensor.lower().rstrip("1"): proof.holds for tensor, proof in sc.check(text, "Layer").items()}
    assert found == right


def test_a_gradient_that_does_not_start_at_zeros_is_not_taken_for_one() -> None:
    text = SPELLINGS["added_up"].replace("np.zeros_like(W)", "np.ones_like(W)")
    with pytest.raises(sc.SymconvError):
        sc.check(text, "Layer").items()


POOL = """
import numpy as np
class Pool:
    def __init__(self, f):
        self.f = f
    def forward(self, x):
        self.x = x
        n, h = x.shape
        out = np.zeros((n, h - self.f + 1))
        for i in range(h - self.f + 1):
            out[:, i] = np.mean(x[:, i:i + self.f], axis=1)
        return out
    def backward(self, dout):
        dx = np.zeros_like(self.x)
        for i in range(dout.shape[1]):
            dx[:, i:i + self.f] += dout[:, i][:, None] / {count}
        return dx
"""


@pytest.mark.parametrize(("count", "right"), [("self.f", True), ("3", False)])
def test_a_number_that_is_called_as_a_kernel_is_a_length_where_init_is_handed_it(count: str, right: bool) -> None:
    text = POOL.format(count=count)
    proofs = sc.check(text, "Pool")
    assert proofs.holds is right
    assert right or proofs.numbers == "looked at with f = 2"
    text = text.replace("    def __init__(self, f):\n        self.f = f\n", "")
    with pytest.raises(sc.SpecError, match=r"self\.f is a number, by what line 8 does with it.*arguments="):
        sc.check(text, "Pool")
    assert sc.check(text, "Pool", arguments={"f": 2}).holds is right


RNN = """
import numpy as np
class RNN:
    def __init__(self, Wx, Wh, b):
        self.params = [Wx, Wh, b]
        self.grads = [np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)]
    def forward(self, x, h_prev):
        Wx, Wh, b = self.params
        h_next = np.tanh(h_prev @ Wh + x @ Wx + b)
        self.cache = (x, h_prev, h_next)
        return h_next
    def backward(self, dh_next):
        Wx, Wh, b = self.params
        x, h_prev, h_next = self.cache
        dt = dh_next * (1 - h_next ** 2)
        db = dt.sum(axis=0)
        dWh = h_prev.T @ dt
        dWx = x.T @ dt
        dx = dt @ Wx.T
        dh_prev = dt @ Wh.T
        self.grads[0][...] = dWx
        self.grads[1][...] = dWh
        self.grads[2][...] = db
        return dx, dh_prev
"""


@pytest.mark.parametrize(("line", "wrong"), [("", ""), ("dWh = h_prev.T", "dWh = -h_prev.T"), ("dx = dt", "dx = 2 * dt"),
                                             ("dh_prev = dt @", "dh_prev = dh_next @")])  # fmt: skip
def test_gradients_that_are_returned_beside_those_in_a_list(line: str, wrong: str) -> None:
    text = RNN.replace(line, wrong, 1)
    space: dict[str, Any] = {}
    exec(compile(text, "layer", "exec"), space)  # noqa: S102
    rng = np.random.default_rng(0)
    shapes = {"x": (3, 4), "h_prev": (3, 2), "Wx": (4, 2), "Wh": (2, 2), "b": (2,)}
    arrays = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    dout = rng.normal(size=(3, 2))

    def run(given: dict[str, Any]) -> tuple[Any, float]:
        layer = space["RNN"](given["Wx"], given["Wh"], given["b"])
        return layer, float((layer.forward(given["x"], given["h_prev"]) * dout).sum())

    layer, _ = run(arrays)
    found = dict(zip(shapes, (*layer.backward(dout), *layer.grads), strict=True))
    right = {}
    for name, array in arrays.items():
        step = 1e-6 * rng.normal(size=array.shape)
        more, less = (run({**arrays, name: array + sign * step})[1] for sign in (1, -1))
        right[name] = bool(np.isclose((more - less) / 2, (found[name] * step).sum(), rtol=1e-5, atol=1e-11))
    assert sum(not one for one in right.values()) == (line != "")
    assert {name: proof.holds for name, proof in sc.check(text, explain=False).items()} == right
