"""TensorFlow: tapes of any order over a function that symconv computes, and TensorFlow's own convolution as oracle."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symconv as sc

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
tf = pytest.importorskip("tensorflow")

from symconv.frameworks import tensorflow as sf  # noqa: E402

pytestmark = [
    pytest.mark.full,
    # TensorFlow's own tracers still use what others deprecate.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]

OP = sc.conv2d(stride=2, padding=(1, 0), layout="NHWC")
X, W = (2, 7, 8, 3), (3, 2, 3, 4)
Function = Callable[..., Any]


def theirs(x: Any, w: Any) -> Any:
    return tf.nn.conv2d(x, w, 2, [[0, 0], [1, 1], [0, 0], [0, 0]])


@pytest.fixture(scope="module")
def conv() -> Any:
    return sf.as_function(OP)


def whole(*shape: int, dtype: str = "float64", seed: int = 0) -> Any:
    """Small integers: sums of their products are exact."""
    return tf.constant(np.random.default_rng((seed, *shape)).integers(-3, 4, shape), dtype)


def drawn(*shape: int, seed: int = 0) -> Any:
    return tf.constant(np.random.default_rng((seed, *shape)).normal(size=shape))


def same(got: Any, want: Any) -> None:
    got, want = tf.nest.flatten(got), tf.nest.flatten(want)
    assert len(got) == len(want)
    for mine, other in zip(got, want, strict=True):
        assert mine.dtype == other.dtype
        np.testing.assert_allclose(mine, other, rtol=1e-10, atol=1e-10)


def gradients(f: Function, *tensors: Any, along: Any = None) -> Any:
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        y = f(*tensors)
    return tape.gradient(y, tensors, output_gradients=along)


# ------------------------------------------------------------------------------------------------ values, exactly

LAYERS: dict[str, tuple[Any, tuple[int, ...], tuple[int, ...], Function]] = {
    "strided": (OP, X, W, theirs),
    "grouped": (
        sc.conv2d(groups=3, layout="NHWC"),
        (2, 5, 9, 6),
        (3, 2, 2, 9),
        lambda x, w: tf.concat(
            [tf.nn.conv2d(a, b, 1, "VALID") for a, b in zip(tf.split(x, 3, -1), tf.split(w, 3, -1), strict=True)],
            -1,
        ),
    ),
    "same": (
        sc.conv2d(stride=(2, 2), padding="same", layout="NHWC"),
        (2, 7, 8, 3),
        (3, 2, 3, 5),
        lambda x, w: tf.nn.conv2d(x, w, 2, "SAME"),
    ),
    "transposed": (
        sc.conv_transpose1d(stride=3, layout="NHWC"),
        (2, 5, 3),
        (2, 4, 3),
        lambda x, w: tf.nn.conv1d_transpose(x, w, [2, 14, 4], 3, "VALID"),
    ),
    "volume": (
        sc.conv3d(layout="NHWC"),
        (2, 3, 5, 4, 3),
        (2, 3, 1, 3, 4),
        lambda x, w: tf.nn.conv3d(x, w, [1, 1, 1, 1, 1], "VALID"),
    ),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LAYERS)
def test_output_and_gradients_equal_those_of_tensorflow(name: str, dtype: str) -> None:
    op, xs, ws, other = LAYERS[name]
    mine = sf.as_function(op, accuracy="strict")
    x, w = whole(*xs, dtype=dtype), whole(*ws, dtype=dtype)
    got, want = mine(x, w), other(x, w)
    assert got.dtype == want.dtype == dtype
    assert np.array_equal(got, want)
    gy = whole(*want.shape, dtype=dtype, seed=1)
    for one, two in zip(gradients(mine, x, w, along=gy), gradients(other, x, w, along=gy), strict=True):
        assert one.dtype == dtype
        assert np.array_equal(one, two)


def test_results_can_be_used_by_tensorflow_itself(conv: Any) -> None:
    # Its kernels end the process where memory that was lent to them is not aligned.
    for width in range(2, 9):
        x, w = whole(1, 5, width, 1, dtype="float32"), whole(3, 2, 1, 3, dtype="float32")
        y = conv(x, w)
        assert np.array_equal(tf.nn.relu(y) + tf.matmul(y, tf.transpose(y, (0, 1, 3, 2))) @ y * 0, np.maximum(y, 0))


def test_an_empty_batch_and_what_is_taken(conv: Any) -> None:
    gx, gw = gradients(conv, tf.zeros((0, 7, 8, 3), tf.float64), whole(*W))
    assert gx.shape == (0, 7, 8, 3)
    assert not np.any(gw)
    x, w = whole(*X), whole(*W)
    assert np.array_equal(conv(x.numpy(), w=tf.Variable(w)), conv(x, w))
    back = sf.as_function(sc.derive(sc.operator("y = sum[n](x[n]*x[n])"), "x"))
    assert back(0.5, tf.range(3.0)).numpy().tolist() == [0, 1, 2]


# ------------------------------------------------------------------------------------------- operators of any formula


def adder(x: Any, w: Any) -> np.ndarray[Any, Any]:
    """-sum |x - w| over windows inside x, written out."""
    x, w = np.asarray(x), np.asarray(w)
    (n, _, h, v), (f, _, kh, kw) = x.shape, w.shape
    y = np.zeros((n, f, h - kh + 1, v - kw + 1))
    for a, b, i, j in np.ndindex(*y.shape):
        y[a, b, i, j] = -np.abs(x[a, :, i : i + kh, j : j + kw] - w[b]).sum()
    return y


def numeric(f: Function, tensors: tuple[Any, ...], place: int, step: float = 1e-6) -> np.ndarray[Any, Any]:
    """The gradient of the sum of f, by central differences."""
    found = np.zeros(tensors[place].shape)
    for at in np.ndindex(*found.shape):
        moved = []
        for sign in (1, -1):
            array = tensors[place].numpy()
            array[at] += sign * step
            moved.append(float(tf.reduce_sum(f(*tensors[:place], tf.constant(array), *tensors[place + 1 :]))))
        found[at] = (moved[0] - moved[1]) / (2 * step)
    return found


@pytest.mark.parametrize(
    ("op", "shapes", "wanted"),
    [
        (
            sc.operator("y[n,f,i,j] = sum[c,p,q](-abs(x[n,c,i+p,j+q] - w[f,c,p,q]))"),
            ((2, 2, 4, 5), (3, 2, 3, 2)),
            adder,
        ),
        (sc.max_plus1d(), ((1, 2, 6), (3, 2, 3)), None),
        (sc.operator("y[n,f,i] = tanh(sum[c,p](x[n,c,2*i+p-1] * w[f,c,p]))"), ((1, 2, 5), (2, 2, 3)), None),
    ],
    ids=["adder", "max-plus", "tanh"],
)
def test_gradients_of_first_and_second_order(op: Any, shapes: Any, wanted: Function | None) -> None:
    mine = sf.as_function(op)
    tensors = tuple(drawn(*shape, seed=seed) for seed, shape in enumerate(shapes))
    if wanted is not None:
        np.testing.assert_allclose(mine(*tensors), wanted(*tensors), rtol=1e-12)

    def squared(*given: Any) -> Any:
        return sum(tf.reduce_sum(one**2) for one in gradients(lambda *a: tf.sin(mine(*a)), *given))

    for place in range(len(tensors)):
        for f in (lambda *a: tf.sin(mine(*a)), squared):
            np.testing.assert_allclose(gradients(f, *tensors)[place], numeric(f, tensors, place), rtol=1e-5, atol=1e-6)


# -------------------------------------------------------------------------------------------------------------- modes


def first(f: Function, x: Any, w: Any) -> Any:
    return gradients(lambda x, w: tf.sin(f(x, w)), x, w)


def of_one(f: Function, x: Any, w: Any) -> Any:
    return gradients(lambda w: tf.sin(f(x, w)), w)


def second(f: Function, x: Any, w: Any) -> Any:
    def loss(x: Any, w: Any) -> Any:
        gx, gw = first(f, x, w)
        return tf.reduce_sum(gx**2) + tf.reduce_sum(gw**3)

    return gradients(loss, x, w)


def jacobian(f: Function, x: Any, w: Any) -> Any:
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(w)
        y = f(x, w)
    return tape.jacobian(y, w, experimental_use_pfor=False)


def each(f: Function, x: Any, w: Any) -> Any:
    return tf.map_fn(lambda one: gradients(lambda w: tf.sin(f(one[None], w)), w)[0], x)


def tangent(f: Function, x: Any, w: Any) -> Any:
    with tf.autodiff.ForwardAccumulator([x, w], [2 * x, w - 1]) as accumulator:
        y = f(x, w)
    return accumulator.jvp(y)


def times_vector(f: Function, x: Any, w: Any) -> Any:
    with tf.autodiff.ForwardAccumulator(w, w + 1) as accumulator:
        found = of_one(f, x, w)
    return accumulator.jvp(found)


@pytest.mark.parametrize("graph", [False, True], ids=["at once", "tf.function"])
@pytest.mark.parametrize("mode", [first, of_one, second, jacobian, each])
def test_tapes(conv: Any, mode: Function, graph: bool) -> None:
    x, w = drawn(*X), drawn(*W)
    run = tf.function(lambda x, w: mode(conv, x, w)) if graph else (lambda x, w: mode(conv, x, w))
    same(run(x, w), mode(theirs, x, w))


@pytest.mark.parametrize("mode", [tangent, times_vector])
def test_forward_mode(conv: Any, mode: Function) -> None:
    x, w = drawn(*X), drawn(*W)
    same(mode(conv, x, w), mode(theirs, x, w))
    same(mode(tf.function(conv), x, w), mode(theirs, x, w))


def test_forward_mode_in_a_graph_is_refused(conv: Any) -> None:
    x, w = drawn(*X), drawn(*W)
    for mode in (tangent, times_vector):
        with pytest.raises(sc.SpecError, match=r"inside tf\.function would lose the tangent"):
            tf.function(lambda x, w, mode=mode: mode(conv, x, w))(x, w)


def test_a_tape_outside_of_a_function(conv: Any) -> None:
    x, w = drawn(*X), drawn(*W)
    same(first(tf.function(conv), x, w), first(theirs, x, w))
    same(second(tf.function(conv), x, w), second(theirs, x, w))


def test_only_what_a_tape_watches_is_computed(conv: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from symconv.frameworks.tensorflow import calls

    asked = []
    computed = calls._gradients

    def spy(layer: Any, places: tuple[int, ...], *rest: Any) -> Any:
        asked.append(places)
        return computed(layer, places, *rest)

    monkeypatch.setattr(calls, "_gradients", spy)
    x, w = drawn(*X), tf.Variable(drawn(*W))
    with tf.GradientTape() as tape:
        y = conv(x, w)
    tape.gradient(y, w)
    assert asked == [(1,)]


def test_vectorized_map_runs_one_after_another(conv: Any) -> None:
    x, w = drawn(*X), drawn(*W)
    same(tf.vectorized_map(lambda one: conv(one[None], w)[0], x), theirs(x, w))


# ------------------------------------------------------------------------------------------------------------- graphs


def test_sizes_that_are_not_known(conv: Any) -> None:
    signature = [tf.TensorSpec((None, None, 8, 3), tf.float64), tf.TensorSpec(W, tf.float64)]
    run = tf.function(conv, input_signature=signature)
    assert run.get_concrete_function().output_shapes.as_list() == [None, None, 4, 4]
    for n, h in ((2, 7), (1, 9), (0, 5)):
        same(
            run(whole(n, h, 8, 3), whole(*W)),
            theirs(whole(n, h, 8, 3), whole(*W)) if n else tf.zeros((0, 3, 4, 4), tf.float64),
        )
    anything = tf.function(conv, input_signature=[tf.TensorSpec(None, tf.float64)] * 2)
    assert anything.get_concrete_function().output_shapes.as_list() == [None] * 4
    same(anything(whole(*X), whole(*W)), theirs(whole(*X), whole(*W)))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"w has shape \(3, 2, 2, 4\), wanted \(3, 2, 3, 4\)"):
        anything(whole(*X), whole(3, 2, 2, 4))


def test_xla_is_refused_in_words(conv: Any) -> None:
    x, w = whole(*X), whole(*W)
    inner = tf.function(conv)
    for f in (conv, lambda x, w: gradients(conv, x, w), inner):
        with pytest.raises(sc.SpecError, match="jit_compile=True asks XLA"):
            tf.function(f, jit_compile=True)(x, w)


# ------------------------------------------------------------------------------------------------------------ modules


def test_a_module_trains() -> None:
    tf.random.set_seed(3)
    layer = sf.as_module(sc.conv2d(layout="NHWC", bias=True, padding=1), w=(3, 3, 2, 4), b=(4,))
    assert [tuple(one.shape) for one in layer.trainable_variables] == [(4,), (3, 3, 2, 4)]
    assert float(tf.reduce_max(tf.abs(layer.parameters["w"]))) <= 1 / np.sqrt(18)
    x, wanted = tf.random.normal((4, 6, 5, 2)), tf.random.normal((4, 6, 5, 4))

    @tf.function
    def step() -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((layer(x) - wanted) ** 2)
        for one, gradient in zip(
            layer.trainable_variables, tape.gradient(loss, layer.trainable_variables), strict=True
        ):
            one.assign_sub(0.1 * gradient)
        return loss

    losses = [float(step()) for _ in range(30)]
    assert losses[-1] < 0.95 * losses[0]
    assert "x[n" in repr(layer)


def test_functions_are_pickled_kernels_have_them_and_threads_share_them(conv: Any) -> None:
    x, w = whole(*X), whole(*W)
    wanted = conv(x, w)
    assert np.array_equal(pickle.loads(pickle.dumps(conv))(x, w), wanted)
    assert np.array_equal(sc.build(OP, dtype="float64").tensorflow()(x=x, w=w), wanted)
    assert "conv2d" in repr(conv)
    right: list[bool] = []

    def work() -> None:
        right.extend(np.array_equal(conv(x, w), wanted) for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(right) == 80
    assert all(right)


# ------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ((tf.ones(X, tf.float16), tf.ones(W, tf.float16)), r"x is float16; .* pass tf\.cast\(x, tf\.float32\)"),
        ((tf.ones(X), tf.ones(W, tf.bfloat16)), "w is bfloat16"),
        ((tf.ones(X, tf.int32), tf.ones(W)), "x is int32"),
        ((tf.ones(X), tf.ones(W, tf.float64)), r"w is float64, and x is float32: pass tf\.cast\(w, tf\.float32\)"),
        ((tf.ones(X),), r"takes 2 tensors \(x, w\); given 1"),
        ((tf.ones(X), [1.0]), "w is a list"),
        ((None, tf.ones(W)), "x is a NoneType"),
        ((tf.ones(X), tf.sparse.from_dense(tf.ones(W))), "w is a SparseTensor"),
        ((tf.ones(X), tf.ones((3, 2, 2, 4))), r"w has shape \(3, 2, 2, 4\), wanted"),
        ((tf.ones(X[1:]), tf.ones(W)), "wanted 4 axes"),
        ((tf.ones((2, 0, 8, 3)), tf.ones(W)), "the output would be empty"),
    ],
)
def test_what_does_not_fit_is_said(conv: Any, tensors: tuple[Any, ...], said: str) -> None:
    with pytest.raises(sc.SpecError, match=said):
        conv(*tensors)
    with pytest.raises(sc.SpecError, match=said):
        tf.function(lambda: conv(*tensors))()
    if all(isinstance(one, tf.Tensor) for one in tensors) and "int32" not in said:
        with pytest.raises(sc.SpecError, match=said):
            gradients(conv, *tensors)


def test_bad_requests_are_said(conv: Any) -> None:
    with pytest.raises(sc.SpecError, match="no option 'speed'"):
        sf.as_function(OP, speed=2)
    with pytest.raises(sc.SpecError, match="an operator or a gradient is wanted"):
        sf.as_function("conv2d")
    with pytest.raises(sc.SpecError, match="x, w"):
        conv(whole(*X), v=whole(*W))
    with pytest.raises(sc.SpecError, match="no tensor 'v'"):
        sf.as_module(OP, v=(3,))
    with pytest.raises(sc.SpecError, match="is 4 numbers"):
        sf.as_module(OP, w=(3,))
    with pytest.raises(sc.SpecError, match="is called with x"):
        sf.as_module(OP, w=W)()
    with pytest.raises(sc.SpecError, match="built for"):
        sf.as_function(OP, sizes={"x": (1, 7, 8, 3), "w": W})(whole(*X), whole(*W))
