"""Several outputs in TensorFlow: tapes of both orders, graphs and forward mode, with TensorFlow's own words as oracle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

tf = pytest.importorskip("tensorflow")

from symconv.frameworks import tensorflow as sf  # noqa: E402

pytestmark = pytest.mark.full

OP = sc.operator("s[n,f,i] = sum[c,p](x[n,c,2*i+p]*w[f,c,p]); y[n,f,i] = s[n,f,i]**2 + b[f]; t[n] = sum[c,i](x[n,c,i]*v[c])",
                 outputs=("s", "y", "t"))  # fmt: skip
SHAPES = {"x": (2, 3, 8), "w": (4, 3, 3), "b": (4,), "v": (3,)}


@pytest.fixture(scope="module")
def mine() -> Any:
    return sf.as_function(OP, dtype="float64")


def theirs(x: Any, w: Any, b: Any, v: Any) -> tuple[Any, Any, Any]:
    count = (x.shape[2] - w.shape[2]) // 2 + 1
    s = tf.add_n([tf.einsum("nci,fc->nfi", x[:, :, p : p + 2 * count - 1 : 2], w[:, :, p]) for p in range(w.shape[2])])
    return s, s**2 + b[:, None], tf.einsum("nci,c->n", x, v)


def tensors() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {name: tf.Variable(rng.normal(size=shape)) for name, shape in SHAPES.items()}


def loss(made: Any) -> Any:
    s, y, t = made
    return tf.reduce_sum(tf.sin(s)) + tf.reduce_sum(y * s) + tf.reduce_sum(t**3)


def same(got: Any, want: Any) -> None:
    for one, two in zip(got, want, strict=True):
        assert (one is None) == (two is None)
        if one is not None:
            np.testing.assert_allclose(one.numpy(), two.numpy(), rtol=1e-9, atol=1e-9)


def gradients(function: Any, given: dict[str, Any], of: Any = loss) -> list[Any]:
    with tf.GradientTape() as tape:
        value = of(function(**given))
    found: list[Any] = tape.gradient(value, list(given.values()))
    return found


def test_outputs_and_gradients_are_right(mine: Any) -> None:
    given = tensors()
    assert mine(**given)._fields == ("s", "y", "t")
    same(mine(**given), theirs(**given))
    same(gradients(mine, given), gradients(theirs, given))


@pytest.mark.parametrize("at", range(3))
def test_an_output_that_is_not_used_has_no_part(mine: Any, at: int) -> None:
    given = tensors()
    got = gradients(mine, given, lambda made: tf.reduce_sum(made[at] ** 2))
    want = gradients(theirs, given, lambda made: tf.reduce_sum(made[at] ** 2))
    filled = [tf.zeros_like(one) if two is None else two for one, two in zip(given.values(), want, strict=True)]
    same([tf.zeros_like(one) if two is None else two for one, two in zip(given.values(), got, strict=True)], filled)


def test_second_order_is_right(mine: Any) -> None:
    given = tensors()

    def second(function: Any) -> list[Any]:
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                value = loss(function(**given))
            first = inner.gradient(value, [given["x"], given["w"]])
            squares = tf.add_n([tf.reduce_sum(one**2) for one in first])
        return list(outer.gradient(squares, list(given.values()), unconnected_gradients="zero"))

    same(second(mine), second(theirs))


def test_graphs_are_right(mine: Any) -> None:
    given = tensors()

    @tf.function
    def step() -> Any:
        return gradients(mine, given), tuple(mine(**given))

    made, outputs = step()
    same(made, gradients(theirs, given))
    same(outputs, theirs(**given))


def test_forward_mode_is_right(mine: Any) -> None:
    given = tensors()

    def along(function: Any) -> list[Any]:
        with tf.autodiff.ForwardAccumulator(given["x"], tf.cos(given["x"])) as accumulator:
            made = function(**given)
        return [accumulator.jvp(one) for one in made]

    same(along(mine), along(theirs))


def test_what_does_not_fit_is_refused(mine: Any) -> None:
    given = tensors()
    with pytest.raises(sc.SpecError):
        mine(given["x"])
    with pytest.raises(sc.SpecError):
        mine(**{**given, "b": tf.ones(5, tf.float64)})
