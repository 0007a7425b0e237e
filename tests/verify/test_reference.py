"""The brute-force oracle against torch, numpy.pad, and loops in plain Python."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symconv.errors import InternalError, SpecError
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Apply, Border, Const, Constraint, Index, Piece, Range, Read, Reduce
from symconv.notation.front import formula
from symconv.notation.operator import Operator, Statement, Tensor
from symconv.ops.conv import conv
from symconv.verify import grid
from symconv.verify.reference import evaluate, gradients

Array = np.ndarray[Any, Any]


def draw(shapes: Mapping[str, tuple[int, ...]], seed: int = 0) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def torch_says(
    call: Callable[..., Any], arrays: Mapping[str, Array], seed: int = 1
) -> tuple[Array, Array, dict[str, Array]]:
    torch = pytest.importorskip("torch")
    leaves = {name: torch.tensor(array, requires_grad=True) for name, array in arrays.items()}
    y = call(**leaves)
    gy = np.random.default_rng(seed).standard_normal(tuple(y.shape))
    y.backward(torch.tensor(gy))
    return y.detach().numpy(), gy, {name: leaf.grad.numpy() for name, leaf in leaves.items()}


def agree(op: Operator, arrays: Mapping[str, Array], call: Callable[..., Any]) -> None:
    y, gy, wanted = torch_says(call, arrays)
    np.testing.assert_allclose(evaluate(op, arrays), y, rtol=1e-12, atol=1e-12)
    found = gradients(op, arrays, gy)
    for name, want in wanted.items():
        np.testing.assert_allclose(found[name], want, rtol=1e-12, atol=1e-12, err_msg=name)


CONFIGURATIONS = [
    # rank, stride, padding (lo, hi), dilation, groups, x, w
    (1, (1,), ((0, 0),), (1,), 1, (2, 3, 7), (4, 3, 2)),
    (1, (3,), ((2, 1),), (2,), 1, (2, 3, 8), (4, 3, 3)),
    (2, (1, 1), ((0, 0), (0, 0)), (1, 1), 1, (2, 3, 5, 6), (4, 3, 3, 2)),
    (2, (2, 3), ((1, 2), (0, 1)), (2, 1), 1, (2, 3, 9, 8), (4, 3, 3, 2)),
    (2, (2, 2), ((0, 0), (0, 0)), (1, 1), 1, (2, 3, 7, 8), (4, 3, 2, 2)),
    (2, (3, 2), ((1, 1), (2, 2)), (1, 2), 3, (2, 6, 8, 9), (9, 2, 3, 2)),
    (2, (1, 1), ((3, 0), (1, 1)), (1, 1), 1, (1, 2, 2, 5), (3, 2, 4, 3)),
    (3, (3, 2, 1), ((0, 0), (1, 0), (1, 1)), (1, 1, 2), 3, (2, 3, 5, 4, 6), (6, 1, 2, 3, 2)),
]


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_convolution_is_torchs(configuration) -> None:
    rank, stride, padding, dilation, groups, x, w = configuration
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    op = conv(rank, stride, padding, dilation, groups, bias=True)
    call = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
    pads = [pad for pair in reversed(padding) for pad in pair]

    def want(x: Any, w: Any, b: Any) -> Any:
        return call(F.pad(x, pads), w, b, stride=stride, dilation=dilation, groups=groups)

    agree(op, draw({"x": x, "w": w, "b": (w[0],)}), want)


def test_adder_is_unfold_and_skip_differs_from_zero() -> None:
    torch = pytest.importorskip("torch")
    source = "y[n,f,i,j] = sum[c,p,q](abs(x[n,c,2*i+p-1,j+q-1] - w[f,c,p,q]))"

    def want(x: Any, w: Any) -> Any:
        cols = torch.nn.functional.unfold(torch.nn.functional.pad(x, (1, 1, 1, 1)), (3, 2), stride=(2, 1))
        return (cols[:, None] - w.reshape(1, w.shape[0], -1, 1)).abs().sum(2).reshape(2, 4, 3, 6)

    arrays = draw({"x": (2, 3, 6, 5), "w": (4, 3, 3, 2)})
    zero = formula(source, padding=[(1, 1), (1, 1)])
    agree(zero, arrays, want)
    skip = formula(source, padding=[(1, 1), (1, 1)], border="skip")
    assert not np.allclose(evaluate(skip, arrays), evaluate(zero, arrays))
    assert evaluate(skip, arrays)[0, 0, 1, 2] == evaluate(zero, arrays)[0, 0, 1, 2]


@pytest.mark.parametrize(
    ("border", "mode"),
    [
        ("zero", {"mode": "constant"}),
        (2.5, {"mode": "constant", "constant_values": 2.5}),
        ("reflect", {"mode": "reflect"}),
        ("replicate", {"mode": "edge"}),
        ("circular", {"mode": "wrap"}),
    ],
)
@pytest.mark.parametrize("size", [3, 4, 7])
def test_borders_are_numpys(border, mode, size) -> None:
    op = formula("y[i] = sum[p](x[i+p-2]*w[p])", border=border)
    arrays = draw({"x": (size,), "w": (5,)})
    want = np.correlate(np.pad(arrays["x"], 2, **mode), arrays["w"], "valid")
    np.testing.assert_allclose(evaluate(op, arrays), want, rtol=1e-13)
    # The adjoint, cell by cell of the Jacobian.
    gy = np.arange(1.0, size + 1)
    found = gradients(op, arrays, gy, ("x",))["x"]
    for cell, unit in enumerate(np.eye(size)):
        column = np.correlate(
            np.pad(unit, 2, **(mode | ({"constant_values": 0.0} if border == 2.5 else {}))),
            arrays["w"],
            "valid",
        )
        assert found[cell] == pytest.approx(float(gy @ column))


@pytest.mark.parametrize("kind", ["max", "mean"])
def test_pooling_is_torchs(kind) -> None:
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    call = {"max": F.max_pool2d, "mean": lambda x, **how: F.avg_pool2d(x, count_include_pad=False, **how)}[kind]
    op = formula(f"y[n,c,i,j] = {kind}[p,q](x[n,c,2*i+p-1,3*j+q-1])", extents={"p": 3, "q": 2}, border="skip")
    arrays = draw({"x": (2, 3, 7, 8)})
    agree(op, arrays, lambda x: call(x, kernel_size=(3, 2), stride=(2, 3), padding=1))


def test_mean_over_a_zero_border_counts_every_tap() -> None:
    torch = pytest.importorskip("torch")
    op = formula("y[n,c,i] = mean[p](x[n,c,2*i+p-1])", extents={"p": 3})
    agree(op, draw({"x": (2, 3, 7)}), lambda x: torch.nn.functional.avg_pool1d(x, 3, stride=2, padding=1))


def test_transposed_window_is_torchs() -> None:
    torch = pytest.importorskip("torch")
    op = formula("y[n,f,i] = sum[c,p](x[n,c,(i+1-2*p)/3]*w[c,f,p])", padding=[(1, 1)])
    want = torch.nn.functional.conv_transpose1d
    agree(op, draw({"x": (2, 3, 4), "w": (3, 5, 3)}), lambda x, w: want(x, w, stride=3, padding=1, dilation=2))


def test_plain_loops_over_fractions() -> None:
    op = conv(1, stride=2, padding=((1, 2),), dilation=2)
    rng = np.random.default_rng(5)
    x = np.vectorize(lambda k: Fraction(int(k), 7), otypes=[object])(rng.integers(-9, 9, (2, 2, 6)))
    w = np.vectorize(lambda k: Fraction(int(k), 5), otypes=[object])(rng.integers(-9, 9, (3, 2, 2)))
    y = evaluate(op, {"x": x, "w": w})
    gy = np.vectorize(lambda k: Fraction(int(k), 3), otypes=[object])(rng.integers(-9, 9, y.shape))
    found = gradients(op, {"x": x, "w": w}, gy)
    want, gx, gw = 0 * y, 0 * x, 0 * w
    for n, f, i in itertools.product(*map(range, y.shape)):
        for c, p in itertools.product(range(2), range(2)):
            at = 2 * i + 2 * p - 1
            if 0 <= at < 6:
                want[n, f, i] += x[n, c, at] * w[f, c, p]
                gx[n, c, at] += gy[n, f, i] * w[f, c, p]
                gw[f, c, p] += gy[n, f, i] * x[n, c, at]
    assert y.shape == (2, 3, 4)
    assert (y == want).all()
    assert (found["x"] == gx).all()
    assert (found["w"] == gw).all()
    assert isinstance(y[0, 0, 0], Fraction)


@pytest.mark.parametrize(
    ("source", "kinks", "x", "want"),
    [
        ("y[i] = abs(x[i])", {}, [-2.0, 0.0, 3.0], [-1.0, 0.0, 1.0]),
        ("y[i] = sign(x[i])", {}, [-2.0, 0.0, 3.0], [0.0, 0.0, 0.0]),
        ("y[i] = relu(x[i])", {}, [-2.0, 0.0, 3.0], [0.0, 0.0, 1.0]),
        ("y[i] = relu(x[i])", {"relu": "one"}, [-2.0, 0.0, 3.0], [0.0, 1.0, 1.0]),
        ("y[i] = relu(x[i])", {"relu": "half"}, [-2.0, 0.0, 3.0], [0.0, 0.5, 1.0]),
        ("y[i] = max(2*x[i], 3*x[i])", {}, [-2.0, 0.0, 3.0], [2.0, 2.0, 3.0]),
        ("y[i] = max(2*x[i], 3*x[i])", {"max": "share"}, [-2.0, 0.0, 3.0], [2.0, 2.5, 3.0]),
        ("y[i] = min(2*x[i], 3*x[i])", {}, [-2.0, 0.0, 3.0], [3.0, 2.0, 2.0]),
        ("y[i] = min(2*x[i], 3*x[i])", {"min": "share"}, [-2.0, 0.0, 3.0], [3.0, 2.5, 2.0]),
        ("y[i] = where(x[i] > 0, log(x[i]), 5*x[i])", {}, [-2.0, 0.0, 4.0], [5.0, 5.0, 0.25]),
        ("y[i] = x[i]**2", {}, [-2.0, 0.0, 4.0], [-4.0, 0.0, 8.0]),
        ("y[i] = x[i]**0", {}, [-2.0, 0.0, 4.0], [0.0, 0.0, 0.0]),
    ],
)
def test_conventions_at_kinks(source, kinks, x, want) -> None:
    op = formula(source, kinks=kinks)
    found = gradients(op, {"x": np.array(x)}, np.ones(3))["x"]
    np.testing.assert_array_equal(found, want)


@pytest.mark.parametrize(("choice", "want"), [("first", [1.0, 0, 0, 0]), ("share", [1 / 3, 1 / 3, 0, 1 / 3])])
@pytest.mark.parametrize("kind", ["max", "min"])
def test_ties_of_a_window(kind, choice, want) -> None:
    op = formula(f"y[n] = {kind}[p,q](x[n,p,q])", kinks={kind: choice})
    x = np.array([[[1.0, 1.0], [0.0, 1.0]]]) * (1 if kind == "max" else -1)
    np.testing.assert_allclose(gradients(op, {"x": x}, np.ones(1))["x"].reshape(-1), want)


@pytest.mark.parametrize(
    "body",
    [
        "exp(x[i])",
        "log(1+x[i]**2)",
        "sqrt(2+x[i])",
        "sin(x[i])*cos(x[i])",
        "tanh(x[i])",
        "sigmoid(x[i])",
        "gelu(x[i])",
        "erf(x[i])",
        "softplus(x[i])",
        "x[i]/(3+x[i])",
        "(2+x[i])**(1.5)",
        "(2+x[i])**x[i]",
        "-x[i]*x[i] - 2*x[i]",
    ],
)
def test_derivatives_are_central_differences(body) -> None:
    op = formula(f"y[i] = {body}")
    x, h = np.linspace(-1.4, 1.5, 9), 1e-5
    want = (evaluate(op, {"x": x + h}) - evaluate(op, {"x": x - h})) / (2 * h)
    np.testing.assert_allclose(gradients(op, {"x": x}, np.ones(9))["x"], want, rtol=1e-8, atol=1e-9)


def axis(*names: str) -> tuple[tuple[Affine, ...], ...]:
    return tuple((var(name),) for name in names)


def test_a_gradient_operator_with_equalities_positions_and_intermediates() -> None:
    # Max pooling's gradient by hand: gx[i] = Σ_{o,p : 2o+p = i} [p = a[o]]·gy[o], a[o] = argmax_p x[2o+p].
    i, o, p = var("i"), var("o"), var("p")
    position = Tensor("a", axis("O"), "index")
    inputs = (Tensor("gy", axis("O")), Tensor("x", axis("N")))
    window = Reduce("argmax", (Range("p", affine(3)),), (Piece((), Read("x", (2 * o + p,))),))
    chosen = Apply("eq", (Read("a", (o,)), Index(p)))
    body = Apply("where", (chosen, Read("gy", (o,)), Const(Fraction(0))))
    ranges = (Range("o", var("O")), Range("p", affine(3)))
    total = Reduce("sum", ranges, (Piece((Constraint(2 * o + p - i, True),), body),))
    statements = (Statement(position, ("o",), window), Statement(Tensor("gx", axis("N")), ("i",), total))
    op = Operator("pool gradient", inputs, statements)
    x, gy = np.array([1.0, 4.0, 4.0, 2.0, 7.0, 7.0, 0.0]), np.array([1.0, 10.0, 100.0])
    pool = formula("y[o] = max[p](x[2*o+p])", extents={"p": 3})
    got = evaluate(op, {"gy": gy, "x": x})
    np.testing.assert_array_equal(got, gradients(pool, {"x": x}, gy)["x"])
    # Second order: linear in gy, and no derivative through a position.
    again = gradients(op, {"gy": gy, "x": x}, np.arange(7.0))
    np.testing.assert_array_equal(again["gy"], [1.0, 4.0, 4.0])
    np.testing.assert_array_equal(again["x"], 0.0)


def test_pieces_are_disjoint_and_reads_stay_inside() -> None:
    i, p = var("i"), var("p")
    read = Read("x", (i + p,))
    inputs, y = (Tensor("x", axis("N")),), Tensor("y", axis("N"))

    def op(*pieces: Piece) -> Operator:
        return Operator("hand", inputs, (Statement(y, ("i",), Reduce("sum", (Range("p", affine(2)),), pieces)),))

    inside = Constraint(var("N") - 1 - i - p)
    x = {"x": np.array([1.0, 2.0, 3.0])}
    np.testing.assert_array_equal(evaluate(op(Piece((inside,), read)), x), [3.0, 5.0, 3.0])
    with pytest.raises(InternalError, match="leaves"):
        evaluate(op(Piece((), read)), x)
    with pytest.raises(InternalError, match="overlap"):
        evaluate(op(Piece((inside,), read), Piece((inside,), read)), x)
    first, second = (
        Piece((inside, Constraint(p, True)), read),
        Piece((inside, Constraint(p - 1)), Const(Fraction(10))),
    )
    np.testing.assert_array_equal(evaluate(op(first, second), x), [11.0, 12.0, 3.0])


def test_skip_outside_a_reduction_contributes_nothing() -> None:
    read = Read("x", (var("i") - 1,), Border("skip"))
    op = Operator("shift", (Tensor("x", axis("N")),), (Statement(Tensor("y", axis("N")), ("i",), read),))
    x = {"x": np.array([1.0, 2.0, 3.0])}
    np.testing.assert_array_equal(evaluate(op, x), [0.0, 1.0, 2.0])
    np.testing.assert_array_equal(gradients(op, x, np.array([5.0, 6.0, 7.0]))["x"], [6.0, 7.0, 0.0])


def test_chunks_change_nothing(monkeypatch) -> None:
    op, arrays = conv(2, padding=1, bias=True), draw({"x": (3, 2, 4, 5), "w": (4, 2, 3, 2), "b": (4,)})
    y = evaluate(op, arrays)
    whole = gradients(op, arrays, y)
    monkeypatch.setattr(grid, "LIMIT", 700)
    np.testing.assert_array_equal(evaluate(op, arrays), y)
    for name, value in gradients(op, arrays, y).items():
        np.testing.assert_allclose(value, whole[name], rtol=1e-13)


def test_batch_zero_and_errors() -> None:
    op = conv(2, bias=True)
    arrays = draw({"x": (0, 2, 4, 5), "w": (3, 2, 2, 2), "b": (3,)})
    y = evaluate(op, arrays)
    assert y.shape == (0, 3, 3, 4)
    found = gradients(op, arrays, y)
    assert found["x"].shape == (0, 2, 4, 5)
    assert not found["w"].any()
    assert not found["b"].any()
    with pytest.raises(SpecError, match="cotangent"):
        gradients(op, arrays, np.zeros((1, 3, 3, 4)))
    with pytest.raises(SpecError, match="no gradient by z"):
        gradients(op, arrays, y, ("z",))


def test_a_surrogate_stands_in_for_the_derivative() -> None:
    op = formula("y[i] = sign(x[i])", surrogates={"sign": "1"})
    assert gradients(op, {"x": np.ones(2)}, np.array([2.0, 3.0]))["x"].tolist() == [2.0, 3.0]
    op = formula("y[i] = -3*sum[p](abs(x[i+p] - w[p]))", surrogates={"w": "x - w"})
    arrays = {"x": np.array([1.0, 5.0]), "w": np.array([3.0])}
    found = gradients(op, arrays, np.array([1.0, 10.0]))
    assert found["w"].tolist() == [(1 - 3) + 10.0 * (5 - 3)]
    assert found["x"].tolist() == [3.0, -30.0]


COUNTS = st.tuples(*(st.integers(low, high) for low, high in [(1, 4), (1, 3), (0, 3), (0, 3), (1, 9), (1, 4)]))


@settings(max_examples=40, deadline=None)
@given(COUNTS)
def test_the_adjoint_of_a_bilinear_operator(counts) -> None:
    s, d, lo, hi, n, k = counts
    op = conv(1, s, ((lo, hi),), d)
    if n + lo + hi < d * (k - 1) + 1:
        return
    rng = np.random.default_rng(n)
    arrays = {"x": rng.integers(-3, 4, (2, 2, n)) * 1.0, "w": rng.integers(-3, 4, (3, 2, k)) * 1.0}
    y = evaluate(op, arrays)
    gy = rng.integers(-3, 4, y.shape) * 1.0
    found = gradients(op, arrays, gy)
    assert (found["x"] * arrays["x"]).sum() == (gy * y).sum() == (found["w"] * arrays["w"]).sum()
