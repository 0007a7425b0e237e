"""Classes that have methods of others: what is inherited, called by ``super``, and functions that are handed up."""

from __future__ import annotations

from contextlib import suppress

import pytest

import symconv as sc

LAYERS = """
import numpy as np

class Layer:
    def __init__(self):
        self.input = None

    def forward(self, input):
        raise NotImplementedError

    def backward(self, output_gradient):
        raise NotImplementedError

class Activation(Layer):
    def __init__(self, activation, activation_prime):
        super().__init__()
        self.activation = activation
        self.activation_prime = activation_prime

    def forward(self, input):
        self.input = input
        return self.activation(self.input)

    def backward(self, output_gradient):
        return np.multiply(output_gradient, self.activation_prime(self.input))

class Tanh(Activation):
    def __init__(self):
        def tanh(x):
            return np.tanh(x)

        def tanh_prime(x):
            return 1 - np.tanh(x) ** 2

        super().__init__(tanh, tanh_prime)

class Cube(Activation):
    def __init__(self):
        cube = lambda x: x ** 3
        slope = lambda x: 3 * x ** 2
        Activation.__init__(self, cube, slope)

class Template(Layer):
    def forward(self, x):
        self.x = x
        return self.f(x)

    def backward(self, g):
        return g * self.slope(self.x)

class Square(Template):
    def f(self, x):
        return x ** 2

    def slope(self, x):
        return 2 * x
"""
SLIPS = {
    "Tanh": [("1 - np.tanh(x) ** 2", "1 - np.tanh(x)"), ("np.multiply(output_gradient, self", "np.add(output_gradient, self"),
             ("super().__init__(tanh, tanh_prime)", "super().__init__(tanh, tanh)")],
    "Cube": [("3 * x ** 2", "2 * x ** 2"), ("cube, slope)", "slope, slope)")],
    "Square": [("return 2 * x", "return x"), ("return x ** 2", "return x ** 3")],
}  # fmt: skip


@pytest.mark.parametrize("name", [*SLIPS])
def test_a_class_has_what_it_is_made_from(name: str) -> None:
    assert sc.check(LAYERS, name, explain=False).holds is True
    for right, wrong in SLIPS[name]:
        assert LAYERS.count(right) == 1
        assert sc.check(LAYERS.replace(right, wrong), name, explain=False).holds is False, wrong


HALVED = """
import numpy as np

class Scale:
    def __init__(self, w):
        self.w = w

    def forward(self, x):
        "x: (N, C), w: (C,)"
        self.x = x
        return x * self.w

    def backward(self, g):
        self.dw = (g * self.x).sum(0)
        return g * self.w

class Rectified(Scale):
    def forward(self, x):
        "x: (N, C), w: (C,)"
        z = super().forward(x)
        self.mask = z > 0
        return z * self.mask

    def backward(self, g):
        return super().backward(g * self.mask)
"""


def test_methods_above_are_called_by_super() -> None:
    proofs = sc.check(HALVED, "Rectified", explain=False)
    assert proofs.holds is True and {*proofs} == {"x", "w"}
    for right, wrong in [("super().backward(g * self.mask)", "super().backward(g)"),
                         ("super().backward(g * self.mask)", "super().backward(g) * self.w"),
                         ("g * self.x).sum(0)", "g).sum(0)")]:  # fmt: skip
        assert sc.check(HALVED.replace(right, wrong), "Rectified", explain=False).holds is False, wrong


def test_the_nearest_method_counts() -> None:
    """``C`` has forward of ``B`` and backward of its own, whatever ``A`` has."""
    text = """
class A:
    def forward(self, x):
        self.x = x
        return x ** 2
    def backward(self, g):
        return g * 2 * self.x
class B(A):
    def forward(self, x):
        self.x = x
        return x ** 3
class C(B):
    def backward(self, g):
        return g * 3 * self.x ** 2
"""
    assert sc.check(text, "A", explain=False).holds is True
    assert sc.check(text, "B", explain=False).holds is False
    assert sc.check(text, "C", explain=False).holds is True


def test_one_class_of_several_that_is_whole_is_meant() -> None:
    text = (
        LAYERS[: LAYERS.index("class Activation")]
        + """
class Double(Layer):
    def forward(self, x):
        return 2 * x
    def backward(self, g):
        return 2 * g
"""
    )
    assert sc.check(text, explain=False).holds is True
    assert sc.check(text.replace("2 * g", "g"), explain=False).holds is False
    with pytest.raises(sc.SpecError, match=r"several match; there are Layer, .* by its name"):
        sc.check(LAYERS)


DICT = """
import numpy as np

def scale_forward(x, w):
    return x * w, (x, w)

def scale_backward(dout, cache):
    params = dict(zip(("x", "w"), cache))
    grads = {key: np.zeros_like(value) for key, value in params.items()}
    grads["x"] += dout * params["w"]
    grads["w"] += dout * params["x"]
    return grads["x"], grads["w"]
"""


def test_dicts_are_made_of_others() -> None:
    assert sc.check(DICT, explain=False).holds is True
    for right, wrong in [("np.zeros_like(value) for", "np.ones_like(value) for"),
                         ('grads["w"] += dout * params["x"]', 'grads["x"] += dout * params["x"]'),
                         ("for key, value in params.items()}", 'for key, value in params.items() if key == "x"}')]:  # fmt: skip
        text = DICT.replace(right, wrong)
        assert text != DICT
        try:
            assert sc.check(text, explain=False).holds is False
        except sc.SpecError as refused:
            assert "line 11: there is no 'w'; there are 'x'" in str(refused)


@pytest.mark.parametrize(
    "made", ["{key: value for key, value in held.items()}", "dict(held)", "dict(zip(held.keys(), held.values()))"]
)
def test_dicts_of_others_hold_the_same_arrays(made: str) -> None:
    text = DICT.replace(
        "    grads[", f"    held = {{'x': params['x']}}\n    more = {made}\n    more['x'] *= 2\n    grads[", 1
    )
    proofs = sc.check(text, explain=False)
    assert proofs["x"].holds is True and proofs["w"].holds is False
    assert sc.check(text.replace("more['x'] *= 2", "more['x'] = 2 * more['x']"), explain=False).holds is True


@pytest.mark.parametrize("between", [
    "tanh = np.sin", "for tanh in (np.sin,):\n                pass", "tanh, other = np.sin, np.cos",
])  # fmt: skip
def test_a_function_that_is_bound_anew_is_not_the_old_one(between: str) -> None:
    text = LAYERS.replace(
        "        super().__init__(tanh, tanh_prime)", f"        {between}\n        super().__init__(tanh, tanh_prime)"
    )
    assert text != LAYERS
    with suppress(sc.SymconvError):
        assert sc.check(text, "Tanh", explain=False).holds is not True


def test_a_method_of_the_class_counts_where_the_base_calls_it() -> None:
    """``Loud`` doubles what ``Template`` squares, and ``Square.f`` is asked for by its own name."""
    text = (
        LAYERS
        + """
class Loud(Square):
    def f(self, x):
        return 2 * super().f(x)

    def slope(self, x):
        return 2 * super().slope(x)
"""
    )
    assert sc.check(text, "Loud", explain=False).holds is True
    assert sc.check(text.replace("2 * super().slope", "super().slope"), "Loud", explain=False).holds is False
    assert sc.check(text.replace("2 * super().f", "super().f"), "Loud", explain=False).holds is False


NUMBERS = """
class A:
    def __init__(self):
        self.k = 2

    def forward(self, x):
        self.x = x
        return self.k * x ** 2

    def backward(self, g):
        return 4 * g * self.x

class Same(A):
    pass

class Set(A):
    def __init__(self):
        self.k = 5
        super().__init__()

class More(A):
    def __init__(self):
        super().__init__()
        self.k = 3
"""


@pytest.mark.parametrize(("name", "holds"), [("A", True), ("Same", True), ("Set", True), ("More", False)])
def test_numbers_that_init_of_the_base_gives_are_those_of_the_class(name: str, holds: bool) -> None:
    assert sc.check(NUMBERS, name, explain=False).holds is holds
    assert sc.check(NUMBERS.replace("4 * g", "6 * g"), name, explain=False).holds is not holds


@pytest.mark.parametrize("after", [
    "A.backward = lambda self, g: g", "setattr(A, 'backward', lambda self, g: g)", "A = None", "A.k += 1",
])  # fmt: skip
def test_what_is_changed_later_is_not_inherited(after: str) -> None:
    with pytest.raises(sc.SpecError):
        sc.check(f"{NUMBERS}\n{after}\n", "Same")
