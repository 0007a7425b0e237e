"""``f.defvjp(fwd, bwd)`` as people write it for JAX; the oracle runs the text with NumPy in the place of ``jax.numpy``."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symconv as sc

HEAD = "import jax\nimport jax.numpy as jnp\nfrom functools import partial\n"
RULES: dict[str, tuple[str, tuple[str, str], tuple[Any, ...]]] = {
    "documented": (
        """
@jax.custom_vjp
def f(x, y):
    return jnp.sin(x) * y
def f_fwd(x, y):
    return f(x, y), (jnp.cos(x), jnp.sin(x), y)
def f_bwd(res, g):
    cos_x, sin_x, y = res
    return cos_x * g * y, {} * g
f.defvjp(f_fwd, f_bwd)""", ("sin_x", "cos_x"), ((3,), (3,))),
    "names_of_their_own": (
        """
@jax.custom_vjp
def f(x):
    return jnp.log(1. + jnp.exp(x))
def _keep(x):
    return f(x), x
def _pull(x, g):
    return (g * (1 - {} / (1 + jnp.exp(x))),)
f.defvjp(_keep, _pull)""", ("1", "2"), ((3,),)),
    "lambdas": (
        """
@jax.custom_vjp
def f(x):
    return x ** 2
f.defvjp(lambda x: (x ** 2, x), lambda x, g: ({} * x * g,))""", ("2", "1"), ((3,),)),
    "numbers_first": (
        """
@partial(jax.custom_vjp, nondiff_argnums=(0,))
def f(factor, x):
    return x * factor
def f_fwd(factor, x):
    return f(factor, x), None
def f_bwd(factor, _, g):
    return (g * {},)
f.defvjp(fwd=f_fwd, bwd=f_bwd)""", ("factor", "factor * factor"), (3.0, (3,))),
    "axis": (
        """
@partial(jax.custom_vjp, nondiff_argnums=(1,))
def f(x, axis=-1):
    e = jnp.exp(x - jnp.max(x, axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)
def fwd(x, axis):
    n, c = x.shape
    y = f(x, axis)
    return y, y
def bwd(axis, y, g):
    n, c = y.shape
    return (y * (g - (g * y).sum(axis={}, keepdims=True)),)
f.defvjp(fwd, bwd)""", ("axis", "0"), ((3, 4), -1)),
    "two_outputs": (
        """
@jax.custom_vjp
def f(x):
    return jnp.sin(x), jnp.cos(x)
def f_fwd(x):
    s, c = f(x)
    return (s, c), (s, c)
def f_bwd(res, g):
    s, c = res
    gs, gc = g
    return (gs * c {} gc * s,)
f.defvjp(f_fwd, f_bwd)""", ("-", "+"), ((4,),)),
    "what_fwd_returns_first_is_not_f": (
        """
@jax.custom_vjp
def f(x):
    return {} * x ** 2
def f_fwd(x):
    return 3 * x ** 2, x
def f_bwd(x, g):
    return (6 * x * g,)
f.defvjp(f_fwd, f_bwd)""", ("3", "5"), ((4,),)),
}  # fmt: skip


class Ruled:
    """A function of NumPy arrays, and what stands in for its gradient."""

    def __init__(self, function: Callable[..., Any], nondiff_argnums: tuple[int, ...] = ()) -> None:
        self.function, self.numbers = function, nondiff_argnums

    def defvjp(self, fwd: Callable[..., Any], bwd: Callable[..., Any]) -> None:
        self.fwd, self.bwd = fwd, bwd

    def __call__(self, *given: Any) -> Any:
        return self.function(*given)

    def pulled(self, given: tuple[Any, ...], cotangent: Any) -> tuple[Any, ...]:
        numbers = [given[at] for at in self.numbers]
        found: tuple[Any, ...] = self.bwd(*numbers, self.fwd(*given)[1], cotangent)
        return found


def is_right(text: str, shapes: tuple[Any, ...]) -> bool:
    """Whether the rule is the gradient, by difference quotients."""
    numpy = types.SimpleNamespace(**{name: getattr(np, name) for name in ("sin", "cos", "exp", "log", "max")})
    space = {"jax": types.SimpleNamespace(custom_vjp=Ruled), "jnp": numpy, "partial": functools.partial}
    exec(compile("\n".join(one for one in text.splitlines() if "import" not in one), "rule", "exec"), space)  # noqa: S102
    f, draw = space["f"], np.random.default_rng(1)
    given = tuple(draw.normal(size=one) if isinstance(one, tuple) else one for one in shapes)
    several = isinstance(f(*given), tuple)
    cotangents = [draw.normal(size=one.shape) for one in (f(*given) if several else (f(*given),))]
    pulled = iter(f.pulled(given, tuple(cotangents) if several else cotangents[0]))

    def loss(*arrays: Any) -> Any:
        return sum((one * g).sum() for one, g in zip(f(*arrays) if several else (f(*arrays),), cotangents, strict=True))

    for at, array in enumerate(given):
        if at in f.numbers or not isinstance(array, np.ndarray):
            continue
        found, step = next(pulled), 1e-6
        for cell in np.ndindex(*array.shape):
            moved = np.zeros_like(array)
            moved[cell] = step
            up, down = (loss(*given[:at], array + sign * moved, *given[at + 1 :]) for sign in (1, -1))
            if abs((up - down) / (2 * step) - found[cell]) > 1e-5:
                return False
    return True


@pytest.mark.parametrize("name", RULES)
def test_rules_of_jax(name: str) -> None:
    text, filled, shapes = RULES[name]
    for one, right in zip(filled, (True, False), strict=True):
        whole = HEAD + text.replace("{}", one)
        assert sc.check(whole, "f").holds is right
        assert is_right(whole, shapes) is right


def test_the_line_of_the_rule_is_told() -> None:
    text, (_, wrong), _ = RULES["documented"]
    proof = sc.check(HEAD + text.replace("{}", wrong), "f_bwd")["y"]
    assert proof.holds is False
    assert "line 12" in str(proof)


@pytest.mark.parametrize(("old", "new", "told"), [
    ("def f_bwd(res, g)", "def f_bwd(a, res, g)", "f_bwd is handed what f_fwd keeps, a cotangent; it takes a, res, g"),
    ("return cos_x * g * y, sin_x * g", "return cos_x * g * y", "line 12: f_bwd returns a tuple"),
    ("@jax.custom_vjp", "@partial(jax.custom_vjp, nondiff_argnums=(2,))", "nondiff_argnums of f are 0 to 1"),
    ("@jax.custom_vjp", "@partial(jax.custom_vjp, nondiff_argnums=(n,))", "nondiff_argnums is read as whole numbers"),
])  # fmt: skip
def test_what_a_rule_is_handed_is_said(old: str, new: str, told: str) -> None:
    text, (right, _), _ = RULES["documented"]
    with pytest.raises(sc.SpecError, match=told):
        sc.check((HEAD + text.replace("{}", right)).replace(old, new), "f")


def test_an_axis_without_a_default_is_the_last_and_the_first() -> None:
    text = """
import torch
class Softmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, dim):
        y = torch.softmax(x, dim)
        ctx.save_for_backward(y)
        ctx.dim = dim
        return y
    @staticmethod
    def backward(ctx, g):
        y, = ctx.saved_tensors
        return y * (g - (g * y).sum(ctx.dim, keepdim=True)), None
"""
    assert sc.check(text, "Softmax").holds is True
    # Right for the last axis: not told that it is right.
    with pytest.raises(sc.SpecError, match=r"with dim = 0: .* of arrays of several numbers of axes"):
        sc.check(text.replace("(ctx.dim,", "(-1,"), "Softmax")


def test_rounding_is_refused_with_what_a_straight_through_gradient_is() -> None:
    text = """
import jax
import jax.numpy as jnp
@jax.custom_vjp
def f(x):
    return jnp.round(x)
f.defvjp(lambda x: (f(x), None), lambda _, g: (g,))
"""
    with pytest.raises(sc.SpecError, match=r"line 6: round of an array is flat .* \(straight-through\)"):
        sc.check(text, "f")
