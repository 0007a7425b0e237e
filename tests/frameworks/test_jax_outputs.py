"""Several outputs in JAX: every transform of the tuple, with the formula in JAX's own words as the oracle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

jax = pytest.importorskip("jax")

import jax.numpy as jnp  # noqa: E402
from jax.test_util import check_grads  # noqa: E402

from symconv.frameworks import jax as sj  # noqa: E402

pytestmark = pytest.mark.full

OP = sc.operator("s[n,f,i] = sum[c,p](x[n,c,2*i+p]*w[f,c,p]); y[n,f,i] = s[n,f,i]**2 + b[f]; t[n] = sum[c,i](x[n,c,i]*v[c])",
                 outputs=("s", "y", "t"))  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def double() -> Any:
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


@pytest.fixture(scope="module")
def mine() -> Any:
    return sj.as_function(OP, dtype="float64")


def theirs(x: Any, w: Any, b: Any, v: Any) -> tuple[Any, Any, Any]:
    s = jax.lax.conv_general_dilated(x, w, (2,), "VALID")
    return s, s**2 + b[:, None], jnp.einsum("nci,c->n", x, v)


@pytest.fixture(scope="module")
def arrays(mine: Any) -> tuple[Any, ...]:
    rng = np.random.default_rng(0)
    shapes = {"x": (2, 3, 8), "w": (4, 3, 3), "b": (4,), "v": (3,)}
    return tuple(jnp.asarray(rng.normal(size=shapes[name])) for name in mine.tensors)


@pytest.fixture(scope="module")
def other(mine: Any) -> Any:
    return lambda *arrays: theirs(**dict(zip(mine.tensors, arrays, strict=True)))


def same(got: Any, want: Any) -> None:
    got, want = jax.tree.leaves(got), jax.tree.leaves(want)
    assert len(got) == len(want)
    for one, two in zip(got, want, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-9)


def loss(function: Any) -> Any:
    def value(*arrays: Any) -> Any:
        s, y, t = function(*arrays)
        return jnp.sum(jnp.sin(s)) + jnp.sum(y * s) + jnp.sum(t**3)

    return value


def test_outputs_are_a_named_tuple(mine: Any, arrays: Any, other: Any) -> None:
    made = mine(*arrays)
    assert made._fields == ("s", "y", "t")
    same(made, other(*arrays))
    same(jax.jit(mine)(*arrays), other(*arrays))


def test_gradients_are_those_of_all_cotangents(mine: Any, arrays: Any, other: Any) -> None:
    places = tuple(range(4))
    same(jax.grad(loss(mine), places)(*arrays), jax.grad(loss(other), places)(*arrays))
    _, back = jax.vjp(mine, *arrays)
    _, theirs_back = jax.vjp(other, *arrays)
    cotangents = tuple(jnp.ones_like(one) * k for k, one in enumerate(other(*arrays), 1))
    same(back(type(mine(*arrays))(*cotangents)), theirs_back(cotangents))


def test_one_call_computes_all_gradients(mine: Any, arrays: Any) -> None:
    text = jax.jit(jax.grad(loss(mine), tuple(range(4)))).lower(*arrays).as_text()
    assert text.count("stablehlo.custom_call @symconv_call") == 2


def test_an_output_that_is_not_used_has_no_part(mine: Any, arrays: Any, other: Any) -> None:
    for name in ("s", "y", "t"):
        at = ("s", "y", "t").index(name)
        got = jax.grad(lambda *a, at=at: jnp.sum(mine(*a)[at] ** 2), tuple(range(4)))(*arrays)
        same(got, jax.grad(lambda *a, at=at: jnp.sum(other(*a)[at] ** 2), tuple(range(4)))(*arrays))


@pytest.mark.parametrize("transform", [
    lambda f: lambda *a: jax.jvp(f, a, tuple(jnp.cos(one) for one in a)),
    lambda f: jax.hessian(loss(f)),
    lambda f: jax.jacfwd(jax.grad(loss(f))),
    lambda f: lambda x, w, b, v: jax.vmap(lambda x: tuple(f(x, w, b, v)))(jnp.stack([x, 2 * x])),
    lambda f: lambda x, w, b, v: jax.vmap(jax.grad(loss(f)), in_axes=(None, 0, None, None))(x, jnp.stack([w, w + 1]), b, v),
    lambda f: lambda *a: jax.vmap(jax.grad(loss(f), (0, 1)))(*(jnp.stack([one, one * 2]) for one in a)),
    lambda f: jax.grad(jax.checkpoint(loss(f)), (0, 1, 2, 3)),
    lambda f: jax.grad(lambda *b: sum(jnp.sum(g**2) for g in jax.grad(loss(f), (0, 1))(*b)), (0, 1, 2, 3)),
    lambda f: lambda *a: jax.linearize(lambda *b: tuple(f(*b)), *a)[1](*(jnp.cos(one) for one in a)),
    lambda f: lambda x, w, b, v: jax.grad(lambda w: jax.lax.scan(lambda c, k: (c + loss(f)(x * k, w, b, v), None), 0.0,
                                                                 jnp.arange(3.0))[0])(w),
])  # fmt: skip
def test_every_transform_is_right(transform: Any, mine: Any, arrays: Any, other: Any) -> None:
    order = dict(zip(mine.tensors, arrays, strict=True))
    named = tuple(order[name] for name in ("x", "w", "b", "v"))
    ours = transform(lambda x, w, b, v: mine(x=x, w=w, b=b, v=v))
    same(ours(*named), transform(theirs)(*named))


def test_difference_quotients_agree(mine: Any, arrays: Any) -> None:
    check_grads(lambda *a: tuple(mine(*a)), arrays, order=2, modes=("fwd", "rev"), eps=1e-4, rtol=1e-4, atol=1e-4)


def test_arrays_that_do_not_fit_are_refused(mine: Any, arrays: Any) -> None:
    with pytest.raises(sc.SpecError):
        mine(*arrays[:-1])
    with pytest.raises(sc.SpecError):
        mine(arrays[0].astype("float32"), *arrays[1:])
