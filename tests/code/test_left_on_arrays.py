"""Gradients left on arrays, ``x.g = out.g @ w.t()``; the oracle runs the text with PyTorch beside autograd."""

from __future__ import annotations

from typing import Any

import pytest

import symconv as sc

HEAD = "import torch\n"
FUNCTIONS: dict[str, tuple[str, str, tuple[tuple[int, ...], ...], tuple[str, str]]] = {
    "linear": (
        "lin",
        """
def lin(inp, w, b): return inp @ w + b
def lin_grad(inp, out, w, b):
    inp.g = out.g @ w.t()
    w.g = (inp.unsqueeze(-1) * out.g.unsqueeze(1)).sum(0)
    b.g = out.g.sum(0)
""",
        ((4, 3), (3, 2), (2,)),
        ("inp.unsqueeze(-1) * out.g.unsqueeze(1)", "inp.unsqueeze(-1) * out.g.unsqueeze(1) * 2"),
    ),
    "relu": (
        "relu",
        """
def relu(inp): return inp.clamp_min(0.)
def relu_grad(inp, out):
    inp.g = (inp > 0).float() * out.g
""",
        ((4, 3),),
        ("inp > 0", "inp < 0"),
    ),
    "its output": (
        "sig",
        """
def sig(inp): return torch.sigmoid(inp)
def sig_grad(inp, out):
    inp.g = out.g * out * (1 - out)
""",
        ((4, 3),),
        ("(1 - out)", "(1 + out)"),
    ),
    "grad": (
        "mul",
        """
def mul(a, b): return a * b
def mul_grad(a, b, out):
    a.grad = b * out.grad
    b.grad = a * out.grad
""",
        ((4, 3), (4, 3)),
        ("b.grad = a", "b.grad = b"),
    ),
}
CLASSES: dict[str, tuple[str, tuple[tuple[int, ...], ...], tuple[str, str]]] = {
    "linear": (
        """
class Lin():
    def __init__(self, w, b): self.w, self.b = w, b
    def __call__(self, inp):
        self.inp = inp
        self.out = inp @ self.w + self.b
        return self.out
    def backward(self):
        self.inp.g = self.out.g @ self.w.t()
        self.w.g = self.inp.t() @ self.out.g
        self.b.g = self.out.g.sum(0)
""",
        ((4, 3), (3, 2), (2,)),
        ("self.out.g.sum(0)", "self.out.g.mean(0)"),
    ),
    "a loss": (
        """
class Mse():
    def __call__(self, inp, targ):
        self.inp, self.targ = inp, targ
        self.out = (inp - targ).pow(2).mean()
        return self.out
    def backward(self):
        self.inp.g = 2. * (self.inp - self.targ) / self.targ.numel()
""",
        ((4, 3), (4, 3)),
        ("2. *", "1. *"),
    ),
    "handed": (
        """
class Scale():
    def __init__(self, w): self.w = w
    def forward(self, inp):
        self.inp = inp
        return inp * self.w
    def backward(self, dout):
        self.w.grad = dout * self.inp
        self.inp.grad = dout * self.w
""",
        ((4, 3), (4, 3)),
        ("self.inp.grad = dout", "self.inp.grad = -dout"),
    ),
}


def arrays(shapes: tuple[tuple[int, ...], ...]) -> list[Any]:
    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True) for shape in shapes]


def right_function(name: str, text: str, given: list[Any]) -> bool:
    import torch

    space: dict[str, Any] = {}
    exec(compile(HEAD + text, "layer", "exec"), space)  # noqa: S102
    out = space[name](*given)
    cotangent = torch.arange(1.0, 1 + out.numel(), dtype=torch.float64).reshape(out.shape)
    want = torch.autograd.grad(out, given, cotangent)
    plain = [one.detach() for one in given]
    left, made = "grad" if ".grad" in text else "g", out.detach()
    setattr(made, left, cotangent)
    backward = space[f"{name}_grad"]
    known = dict(zip(backward.__code__.co_varnames, backward.__code__.co_varnames, strict=True))
    handed = iter(plain)
    backward(*(made if one == "out" else next(handed) for one in known))
    return all(torch.allclose(getattr(one, left), right) for one, right in zip(plain, want, strict=True))


def right_class(text: str, given: list[Any]) -> bool:
    import torch

    space: dict[str, Any] = {}
    exec(compile(HEAD + text, "layer", "exec"), space)  # noqa: S102
    kind = next(one for one in space.values() if isinstance(one, type))
    x, *held = given
    plain, *rest = [one.detach() for one in given]
    if "targ" in text:
        layer, free = kind(), kind()
        want = torch.autograd.grad(free(*given), [x])
        layer(plain, *rest)
        layer.backward()
        return torch.allclose(plain.g, want[0])
    call = "forward" if hasattr(kind, "forward") else "__call__"
    made = getattr(kind(*held), call)(x)
    cotangent = torch.arange(1.0, 1 + made.numel(), dtype=torch.float64).reshape(made.shape)
    want = torch.autograd.grad(made, given, cotangent)
    layer = kind(*rest)
    out = getattr(layer, call)(plain)
    if hasattr(layer, "out"):
        out.g = cotangent
        layer.backward()
    else:
        layer.backward(cotangent)
    left = "g" if hasattr(plain, "g") else "grad"
    return all(torch.allclose(getattr(one, left), right) for one, right in zip((plain, *rest), want, strict=True))


@pytest.mark.parametrize("case", FUNCTIONS)
def test_functions_that_leave_gradients_on_what_they_are_handed(case: str) -> None:
    name, text, shapes, (before, after) = FUNCTIONS[case]
    assert right_function(name, text, arrays(shapes))
    assert sc.check(HEAD + text, name).holds is True
    slip = text.replace(before, after)
    assert slip != text and not right_function(name, slip, arrays(shapes))
    proofs = sc.check(HEAD + slip, name)
    assert proofs.holds is False
    [wrong] = [proof for proof in proofs.values() if proof.holds is False]
    assert wrong.line == next(k for k, one in enumerate((HEAD + slip).splitlines(), 1) if after in one)


@pytest.mark.parametrize("case", CLASSES)
def test_methods_that_leave_gradients_on_what_the_layer_holds(case: str) -> None:
    text, shapes, (before, after) = CLASSES[case]
    assert right_class(text, arrays(shapes))
    assert sc.check(HEAD + text).holds is True
    slip = text.replace(before, after)
    assert slip != text and not right_class(slip, arrays(shapes))
    assert sc.check(HEAD + slip).holds is False


def test_lines_are_repaired_as_they_are_written() -> None:
    _, text, _, _ = FUNCTIONS["linear"]
    slip = text.replace("(inp.unsqueeze(-1) * out.g.unsqueeze(1)).sum(0)", "out.g.t() @ inp")
    assert sc.check(HEAD + slip, "lin")["w"].repair == "line 6: w.g = inp.T @ out.g"
    layer, _, _ = CLASSES["linear"]
    assert sc.check(HEAD + layer.replace("self.w.t()", "self.w"))["x"].repair == (
        "line 10: self.inp.g = self.out.g @ self.w.T"
    )


def test_what_is_returned_or_has_two_cotangents_is_left_as_it_is() -> None:
    several = "def f(x, a, b): return x * a\ndef f_grad(x, a, b):\n    x.g = a.g * b.g\n"
    with pytest.raises(sc.SymconvError, match="returns nothing"):
        sc.check(several, "f")


OTHER = """
import numpy as np
def act_forward(x):
    out = 2 * x
    return np.exp(out)
def act_backward(dout, out):
    return dout * 2 * np.exp(out)
"""


def test_out_is_the_output_where_the_forward_function_calls_nothing_else_so() -> None:
    with pytest.raises(sc.SpecError, match="what out is cannot be told"):
        sc.check(OTHER)
    named = OTHER.replace("    out = 2 * x\n    return np.exp(out)", "    out = np.exp(2 * x)\n    return out")
    assert sc.check(named.replace("2 * np.exp(out)", "2 * out")).holds is True
    assert sc.check(named).holds is False
