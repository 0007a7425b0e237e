"""JAX: every transform of a function that symconv computes, with JAX's own convolution as the oracle."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import symconv as sc

jax = pytest.importorskip("jax")

import jax.numpy as jnp  # noqa: E402
from jax.test_util import check_grads  # noqa: E402

from symconv.frameworks import jax as sj  # noqa: E402
from symconv.frameworks.jax.handler import TARGET  # noqa: E402

pytestmark = pytest.mark.full

OP = sc.conv2d(stride=(2, 1), padding=(1, 0))
Function = Callable[..., Any]


@pytest.fixture(scope="module", autouse=True)
def double() -> Iterator[None]:
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


@pytest.fixture(scope="module")
def conv() -> Any:
    return sj.as_function(OP)


def theirs(x: Any, w: Any) -> Any:
    return jax.lax.conv_general_dilated(x, w, (2, 1), [(1, 1), (0, 0)])


def whole(*shape: int, dtype: str = "float64", seed: int = 0) -> Any:
    """Small integers: sums of their products are exact."""
    return jnp.asarray(np.random.default_rng((seed, *shape)).integers(-3, 4, shape), dtype)


def drawn(*shape: int, seed: int = 0) -> Any:
    return jnp.asarray(np.random.default_rng((seed, *shape)).normal(size=shape))


X, W = (2, 3, 5, 4), (4, 3, 3, 2)


def same(got: Any, want: Any) -> None:
    got, want = jax.tree.leaves(got), jax.tree.leaves(want)
    assert len(got) == len(want)
    for mine, other in zip(got, want, strict=True):
        assert mine.dtype == other.dtype
        np.testing.assert_allclose(mine, other, rtol=1e-10, atol=1e-10)


# ------------------------------------------------------------------------------------------------ values, exactly

LAYERS: dict[str, tuple[Any, tuple[int, ...], tuple[int, ...], Function]] = {
    "strided": (OP, (2, 3, 7, 8), (4, 3, 3, 2), theirs),
    "grouped": (
        sc.conv2d(groups=3, dilation=(1, 2), padding=(1, 0)),
        (2, 6, 5, 9),
        (9, 2, 3, 2),
        lambda x, w: jax.lax.conv_general_dilated(
            x, w, (1, 1), [(1, 1), (0, 0)], rhs_dilation=(1, 2), feature_group_count=3
        ),
    ),
    "NHWC": (
        sc.conv2d(layout="NHWC", stride=(1, 2), padding=(0, 1)),
        (2, 7, 8, 3),
        (3, 2, 3, 5),
        lambda x, w: jax.lax.conv_general_dilated(
            x, w, (1, 2), [(0, 0), (1, 1)], dimension_numbers=("NHWC", "HWIO", "NHWC")
        ),
    ),
    "transposed": (
        sc.conv_transpose2d(stride=(2, 3), padding=(1, 0)),
        (2, 3, 4, 5),
        (3, 4, 3, 2),
        lambda x, w: jax.lax.conv_general_dilated(
            x, jnp.flip(w, (2, 3)).swapaxes(0, 1), (1, 1), [(1, 1), (1, 1)], lhs_dilation=(2, 3)
        ),
    ),
    "volume": (
        sc.conv3d(stride=(1, 2, 1)),
        (2, 3, 3, 5, 4),
        (4, 3, 2, 3, 1),
        lambda x, w: jax.lax.conv_general_dilated(x, w, (1, 2, 1), "VALID"),
    ),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LAYERS)
def test_output_and_gradients_equal_those_of_jax(name: str, dtype: str) -> None:
    op, xs, ws, other = LAYERS[name]
    mine = sj.as_function(op, accuracy="strict")
    x, w = whole(*xs, dtype=dtype), whole(*ws, dtype=dtype)
    got, want = mine(x, w), other(x, w)
    assert got.dtype == want.dtype == dtype
    assert (got == want).all()
    gy = whole(*want.shape, dtype=dtype, seed=1)
    for one, two in zip(jax.vjp(mine, x, w)[1](gy), jax.vjp(other, x, w)[1](gy), strict=True):
        assert one.dtype == dtype
        assert (one == two).all()


def test_much_work_takes_packed_kernels_and_agrees() -> None:
    op = sc.conv2d(padding=(1, 2))
    x, w = whole(4, 16, 40, 37, dtype="float32"), whole(24, 16, 3, 2, dtype="float32")
    mine = jax.jit(sj.as_function(op, accuracy="strict", threads=2))
    assert (mine(x, w) == jax.lax.conv_general_dilated(x, w, (1, 1), [(1, 1), (2, 2)])).all()


def test_an_empty_batch_and_a_bias(conv: Any) -> None:
    x, w = jnp.zeros((0, 3, 7, 8)), whole(4, 3, 3, 2)
    y, back = jax.vjp(conv, x, w)
    gx, gw = back(y)
    assert y.shape == (0, 4, 4, 7)
    assert gx.shape == x.shape
    assert gw.shape == w.shape
    assert not gw.any()
    biased = sj.as_function(sc.conv1d(bias=True))
    grads = jax.grad(lambda *a: biased(*a).sum(), (0, 1, 2))(whole(2, 3, 6), whole(4, 3, 2), whole(4))
    assert grads[2].tolist() == [10.0] * 4


# --------------------------------------------------------------------------------------- operators that JAX has not got


def adder(x: Any, w: Any) -> np.ndarray[Any, Any]:
    """-sum |x - w| over windows inside x, written out."""
    x, w = np.asarray(x), np.asarray(w)
    (n, _, h, v), (f, _, kh, kw) = x.shape, w.shape
    y = np.zeros((n, f, h - kh + 1, v - kw + 1))
    for a, b, i, j in np.ndindex(*y.shape):
        y[a, b, i, j] = -np.abs(x[a, :, i : i + kh, j : j + kw] - w[b]).sum()
    return y


def test_an_adder_with_both_modes_and_second_order() -> None:
    mine = sj.as_function(sc.operator("y[n,f,i,j] = sum[c,p,q](-abs(x[n,c,i+p,j+q] - w[f,c,p,q]))"))
    x, w = drawn(2, 2, 4, 5), drawn(3, 2, 3, 2)
    np.testing.assert_allclose(mine(x, w), adder(x, w), rtol=1e-12)
    check_grads(mine, (x, w), order=2, rtol=1e-6)


def test_a_max_plus_layer() -> None:
    mine = sj.as_function(sc.max_plus1d())
    x, w = drawn(2, 3, 8), drawn(4, 3, 3)
    taps = np.stack([np.asarray(x)[:, None, :, k : k + 6] + np.asarray(w)[None, :, :, k, None] for k in range(3)])
    wanted = taps.max(0)
    got = np.asarray(mine(x, w))
    if got.shape != wanted.shape:
        wanted = wanted.max(2)
    np.testing.assert_allclose(got, wanted, rtol=1e-12)
    check_grads(mine, (x, w), order=1, rtol=1e-6)


def test_tanh_of_a_sum_to_third_order() -> None:
    mine = sj.as_function(sc.operator("y[n,f,i] = tanh(sum[c,p](x[n,c,2*i+p-1] * w[f,c,p]))"))
    x, w = drawn(2, 2, 6), drawn(3, 2, 3)

    def other(x: Any, w: Any) -> Any:
        return jnp.tanh(jax.lax.conv_general_dilated(x, w, (2,), [(1, 1)]))

    same(mine(x, w), other(x, w))
    check_grads(mine, (x, w), order=2, rtol=1e-5)
    same(
        jax.hessian(lambda x, w: mine(x, w).sum(), (0, 1))(x, w),
        jax.hessian(lambda x, w: other(x, w).sum(), (0, 1))(x, w),
    )


def test_a_gradient_is_an_operator_as_well() -> None:
    mine = sj.as_function(sc.derive(OP, "w"))
    gy, x, w = drawn(2, 4, 3, 3), drawn(*X), drawn(*W)
    same(mine(gy, x, w), jax.vjp(theirs, x, w)[1](gy)[1])


# ------------------------------------------------------------------------------------------------------- transforms


def stack(x: Any) -> Any:
    return jnp.stack([x, 2 * x - 1, x + 1])


def loss(layer: Function) -> Function:
    return lambda x, w: jnp.sin(layer(x, w)).sum()


TRANSFORMS: dict[str, Callable[[Function], Function]] = {
    "hessian": lambda f: jax.hessian(loss(f), (0, 1)),
    "compiled hessian": lambda f: jax.jit(jax.hessian(loss(f), 1)),
    "jacrev": lambda f: jax.jacrev(f, (0, 1)),
    "jacfwd": lambda f: jax.jacfwd(f, (0, 1)),
    "jvp": lambda f: lambda x, w: jax.jvp(f, (x, w), (2 * x, w - 1)),
    "jvp of one": lambda f: lambda x, w: jax.jvp(lambda x: f(x, w), (x,), (2 * x,)),
    "linearize": lambda f: lambda x, w: jax.linearize(loss(f), x, w)[1](x, w),
    "checkpoint": lambda f: jax.grad(jax.checkpoint(loss(f)), (0, 1)),
    "scan": lambda f: jax.grad(
        lambda x, w: jax.lax.scan(lambda s, one: (s + loss(f)(one, w), s), jnp.zeros(()), stack(x))[0], (0, 1)
    ),
    "cond": lambda f: lambda x, w: jax.lax.cond(x.sum() > 0, f, lambda x, w: 2 * f(x, w), x, w),
    "vmap": lambda f: lambda x, w: jax.vmap(f, (0, None))(stack(x), w),
    "vmap of a middle axis": lambda f: lambda x, w: jax.vmap(f, (1, None), 2)(jnp.moveaxis(stack(x), 0, 1), w),
    "vmap of both": lambda f: lambda x, w: jax.vmap(jax.grad(loss(f), (0, 1)))(stack(x), stack(w)),
    "vmap of vmap": lambda f: lambda x, w: jax.vmap(jax.vmap(f, (None, 0)), (0, None))(stack(x), stack(w)),
    "a gradient for each sample": lambda f: lambda x, w: jax.vmap(jax.grad(loss(f), (0, 1)), (0, None))(stack(x), w),
    "grad of vmap": lambda f: jax.grad(lambda x, w: jnp.sin(jax.vmap(f, (0, None))(stack(x), w)).sum(), (0, 1)),
    "grad of jacfwd": lambda f: jax.grad(lambda x, w: (jax.jacfwd(lambda w: jnp.sin(f(x, w)))(w) ** 2).sum(), (0, 1)),
    "Hessian times vector": lambda f: lambda x, w: jax.jvp(jax.grad(loss(f), (0, 1)), (x, w), (w.sum() * x, w)),
    "third order": lambda f: (
        lambda x, w: jax.grad(lambda w: (jax.jvp(jax.grad(lambda w: loss(f)(x, w)), (w,), (w,))[1] ** 2).sum())(w)
    ),
    "transpose": lambda f: lambda x, w: jax.linear_transpose(lambda x: f(x, w), x)(f(x, w)),
    "transpose of vmap": lambda f: (
        lambda x, w: jax.linear_transpose(jax.vmap(lambda x: f(x, w)), stack(x))(jax.vmap(f, (0, None))(stack(x), w))
    ),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms(conv: Any, name: str) -> None:
    make = TRANSFORMS[name]
    x, w = drawn(*X), drawn(*W)
    same(make(conv)(x, w), make(theirs)(x, w))


def test_what_is_not_linear_is_not_transposed(conv: Any) -> None:
    x = drawn(1, 1, 5, 4)
    y = conv(x, x)
    with pytest.raises(sc.SpecError, match=r"not linear in x, w.*jax\.vjp"):
        jax.linear_transpose(lambda x: conv(x, x), x)(y)


# ------------------------------------------------------------------------------------------ what is called, and by whom


def test_no_call_goes_through_python(conv: Any) -> None:
    text = jax.jit(jax.grad(loss(conv), (0, 1))).lower(drawn(*X), drawn(*W)).as_text()
    assert f"custom_call @{TARGET}" in text
    assert "callback" not in text


def test_only_the_gradients_that_are_read_are_computed(conv: Any) -> None:
    back = jax.jit(lambda x, w: jax.vjp(conv, x, w)[1](jnp.ones((2, 4, 3, 3)))[1])
    jaxpr = str(jax.make_jaxpr(lambda x, w: jax.grad(lambda w: loss(conv)(x, w))(w))(drawn(*X), drawn(*W)))
    assert "places=(1,)" in jaxpr
    calls = [line for line in back.lower(drawn(*X), drawn(*W)).as_text().splitlines() if TARGET in line]
    assert all("tensor<2x3x5x4xf64>" not in line.rpartition("->")[2] for line in calls)


def test_several_threads(conv: Any) -> None:
    back = jax.jit(jax.grad(loss(conv), (0, 1)))
    pairs = [(drawn(*X, seed=seed), drawn(*W, seed=seed)) for seed in range(8)]
    wanted = [jax.grad(loss(theirs), (0, 1))(*pair) for pair in pairs]
    got: list[Any] = [None] * len(pairs)

    def work(at: int) -> None:
        for _ in range(20):
            got[at] = back(*pairs[at])

    threads = [threading.Thread(target=work, args=(at,)) for at in range(len(pairs))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    same(got, wanted)


def test_functions_are_pickled_and_kernels_have_them(conv: Any) -> None:
    x, w = whole(*X), whole(*W)
    again = pickle.loads(pickle.dumps(conv))
    assert (again(x, w) == conv(x, w)).all()
    assert (sc.build(OP, dtype="float64").jax()(x=x, w=w) == conv(x, w)).all()
    assert "conv2d" in repr(conv)


def test_numpy_arrays_and_numbers_are_taken_as_jax_takes_them(conv: Any) -> None:
    x, w = np.asarray(whole(*X)), np.asarray(whole(*W))
    assert isinstance(conv(x, w), jax.Array)
    back = sj.as_function(sc.derive(sc.operator("y = sum[n](x[n]*x[n])"), "x"))
    assert back(0.5, jnp.arange(3.0)).tolist() == [0, 1, 2]


def test_a_program_from_another_process_meets_an_error() -> None:
    stranger = np.array([1 << 62 | 12345, 1, 1, 1, 1, 0], np.int64)
    call = jax.ffi.ffi_call(TARGET, jax.ShapeDtypeStruct((3,), jnp.float64))
    sj.as_function(OP)(whole(*X), whole(*W))
    with pytest.raises(Exception, match="compiled by another process"):
        jax.block_until_ready(call(jnp.zeros(3), call=stranger))
    for wrong in (stranger[:3], np.array([1 << 62, 1, 1, 2, 1, 0]), np.array([1 << 62, 1, 1, 1, 1, 900])):
        with pytest.raises(Exception, match="symconv: a call"):
            jax.block_until_ready(call(jnp.zeros(3), call=wrong))
    with pytest.raises(Exception, match="symconv: a call"):
        jax.block_until_ready(call(jnp.zeros(3), other=stranger, call=stranger))


PROGRAM = """
import jax, numpy as np, symconv as sc
from symconv.frameworks import jax as sj
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
conv = sj.as_function(sc.conv1d(), threads=1)
x, w = np.arange(12, dtype=np.float32).reshape(1, 2, 6), np.ones((1, 2, 2), np.float32)
print(conv(x, w).ravel().tolist())
"""


def test_programs_kept_on_disk_find_their_kernels_again(tmp_path: Any, session_cache: Any) -> None:
    environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(tmp_path), "SYMCONV_CACHE": str(session_cache)}
    said = [
        subprocess.run([sys.executable, "-c", PROGRAM], env=environment, check=True, capture_output=True, text=True)
        for _ in range(2)
    ]
    assert any(tmp_path.iterdir())
    assert [one.stdout for one in said] == ["[14.0, 18.0, 22.0, 26.0, 30.0]\n"] * 2


# ------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ((jnp.ones(X, jnp.float16), jnp.ones(W, jnp.float16)), "x is float16; kernels compute float32"),
        ((jnp.ones(X, jnp.float32), jnp.ones(W, jnp.bfloat16)), "w is bfloat16"),
        ((jnp.ones(X, jnp.int32), jnp.ones(W, jnp.float32)), "x is int32"),
        ((np.ones(X, np.complex64), np.ones(W, np.float32)), "x is complex64"),
        ((jnp.ones(X, jnp.float32), np.ones(W, np.float64)), r"w is float64, and x is float32: pass w\.astype"),
        ((jnp.ones(X, jnp.float32),), r"takes 2 arrays \(x, w\); given 1"),
        ((jnp.ones(X, jnp.float32), [1.0]), "w is a list"),
        ((jnp.ones(X, jnp.float32), 2.0), "w is a float"),
        ((None, jnp.ones(W, jnp.float32)), "x is a NoneType"),
        ((jnp.ones(X, jnp.float32), jnp.ones((4, 2, 3, 2), jnp.float32)), r"w has shape \(4, 2, 3, 2\), wanted"),
        ((jnp.ones((3, 5, 4), jnp.float32), jnp.ones(W, jnp.float32)), "x has 3 axes"),
        ((jnp.ones((2, 3, 0, 4), jnp.float32), jnp.ones(W, jnp.float32)), "the output would be empty"),
    ],
)
def test_what_does_not_fit_is_said(conv: Any, arrays: tuple[Any, ...], said: str) -> None:
    with pytest.raises(sc.SpecError, match=said):
        conv(*arrays)
    if all(isinstance(one, jax.Array) for one in arrays):
        for transformed in (jax.jit(conv), lambda *a: jax.vjp(conv, *a)):
            with pytest.raises(sc.SpecError, match=said):
                transformed(*arrays)


def test_other_platforms_symbolic_shapes_and_options_are_refused(conv: Any) -> None:
    x, w = drawn(*X), drawn(*W)
    with pytest.raises(sc.SpecError, match="kernels run on the CPU; asked for cuda"):
        jax.jit(conv).trace(x, w).lower(lowering_platforms=("cuda",))
    lengths = jax.export.symbolic_shape("n,3,5,4")
    with pytest.raises(sc.SpecError, match="symbolic shape"):
        jax.export.export(jax.jit(conv))(jax.ShapeDtypeStruct(lengths, x.dtype), w)
    with pytest.raises(sc.SpecError, match="no option 'speed'"):
        sj.as_function(OP, speed=2)
    with pytest.raises(sc.SpecError, match="an operator or a gradient is wanted"):
        sj.as_function("conv2d")
    with pytest.raises(sc.SpecError, match=r"x, w"):
        conv(x, v=w)
    with pytest.raises(sc.SpecError, match="built for"):
        sj.as_function(OP, sizes={"x": (1, 3, 5, 4), "w": W})(x, w)
