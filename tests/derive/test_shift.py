"""Logarithms and quotients of sums of exponentials stay finite, and the rewriting that does it is proved."""

from __future__ import annotations

import math

import numpy as np
import pytest

import symconv as sc
from symconv.derive import shift
from symconv.derive.borders import resolve_borders
from symconv.errors import InternalError
from symconv.notation.expr import Apply, walk

INF = math.inf
LSE = "y[i] = log(sum[p](exp(x[i+p])))"


def run(text, lowered, interpreted, arrays, gy=None, **settings):
    """Output and gradients by the interpreter."""
    op = sc.operator(text, **settings)
    arrays = {name: np.array(value, float) for name, value in arrays.items()}
    y = np.array(interpreted(lowered(op), arrays), float)
    gy = np.ones(op.output_shape(**{n: a.shape for n, a in arrays.items()})) if gy is None else np.array(gy, float)
    found = {n: np.array(interpreted(lowered(op, n), {**arrays, "gy": gy}), float) for n in arrays}
    return y, found


def test_a_large_window_compiled() -> None:
    op = sc.operator(LSE, extents={"p": 2})
    kernel = sc.build(op, dtype="float64")
    x = np.array([800.0, 801.0])
    np.testing.assert_allclose(kernel.forward(x), [801.3132616875182], rtol=1e-15)
    np.testing.assert_allclose(kernel.backward(np.ones(1), x).x, [0.2689414213699951, 0.7310585786300049], rtol=1e-14)
    np.testing.assert_allclose(kernel.forward(-x), [-800 + math.log1p(math.exp(-1))], rtol=1e-15)
    assert op.source == LSE
    assert sc.verify(op, kernel, dtype="float64")


@pytest.mark.parametrize("offset", [0, 700, -700, 1e6, -1e6, 1e300])
def test_a_common_offset_changes_nothing_else(offset, lowered, interpreted) -> None:
    base = np.array([0.0, 1.0, -2.0, 0.5]) if abs(offset) < 1e7 else np.zeros(4)
    y, found = run(LSE, lowered, interpreted, {"x": base + offset}, extents={"p": 3})
    for i in range(2):
        assert y[i] == pytest.approx(offset + math.log(sum(map(math.exp, base[i : i + 3]))), rel=1e-14)
    total = np.zeros(4)
    for i in range(2):
        weights = np.exp(base[i : i + 3])
        total[i : i + 3] += weights / weights.sum()
    np.testing.assert_allclose(found["x"], total, rtol=1e-9 if abs(offset) > 1e5 else 1e-12)


FORMS = [
    # formula, what it is of x (shifted by its maximum as it may be), settings
    ("y[n,k] = exp(x[n,k])/sum[p](exp(x[n,p]))", lambda x: np.exp(x - x.max()) / np.exp(x - x.max()).sum()),
    ("y[n] = sum[p](exp(x[n,p])*p)/sum[p](exp(x[n,p]))",
     lambda x: (np.exp(x - x.max()) * np.arange(len(x))).sum() / np.exp(x - x.max()).sum()),
    ("y[n] = 2*log(mean[p](exp(x[n,p]/2))) - 1",
     lambda x: 2 * (x.max() / 2 + math.log(np.exp((x - x.max()) / 2).mean())) - 1),
    ("y[n] = sqrt(1 + log(sum[p](exp(x[n,p])*3))**2)",
     lambda x: math.hypot(1, x.max() + math.log(3 * np.exp(x - x.max()).sum()))),
    ("y[n] = sum[q](x[n,q]*exp(x[n,q])/sum[p](exp(x[n,p])))",
     lambda x: (x * np.exp(x - x.max())).sum() / np.exp(x - x.max()).sum()),
    ("y[n] = log(sum[p](exp(x[n,p])*exp(-x[n,p]/2)))",
     lambda x: x.max() / 2 + math.log(np.exp((x - x.max()) / 2).sum())),
    ("y[n] = log(sum[p](exp(x[n,p])) + exp(max[p](x[n,p])))",
     lambda x: x.max() + math.log(np.exp(x - x.max()).sum() + 1)),
    ("y[n] = log(1 + sum[p](exp(x[n,p])))", lambda x: np.logaddexp(0, x.max() + math.log(np.exp(x - x.max()).sum()))),
    ("y[n,k] = 1/(1 + exp(-x[n,k]))", lambda x: 0.5 + 0.5 * np.tanh(x / 2)),
    ("y[n,k] = exp(x[n,k])/(1 + exp(x[n,k]))", lambda x: 0.5 + 0.5 * np.tanh(x / 2)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), FORMS)
@pytest.mark.parametrize("offset", [0.0, 900.0, -900.0])
def test_forms(text, value, offset, lowered, interpreted) -> None:
    rows = np.array([[0.25, 1.5, -0.75], [2.0, -1.0, 0.5]]) + offset
    y, found = run(text, lowered, interpreted, {"x": rows})
    np.testing.assert_allclose(y, np.concatenate([np.atleast_1d(value(row)) for row in rows]), rtol=1e-11)
    h = 1e-5
    slopes = np.zeros(rows.shape)
    for n, k in np.ndindex(*rows.shape):
        ends = []
        for step in (h, -h):
            moved = rows[n].copy()
            moved[k] += step
            ends.append(np.sum(value(moved)))
        slopes[n, k] = (ends[0] - ends[1]) / (2 * h)
    np.testing.assert_allclose(found["x"].reshape(rows.shape), slopes, rtol=2e-5, atol=2e-7)


def test_infinities(lowered, interpreted) -> None:
    x = [-INF, -INF, 5.0, INF]
    y, found = run(LSE, lowered, interpreted, {"x": x}, extents={"p": 2})
    np.testing.assert_array_equal(y, [-INF, 5, INF])
    y, found = run(LSE, lowered, interpreted, {"x": [-INF, 5.0, 5.0]}, extents={"p": 3})
    assert y[0] == pytest.approx(5 + math.log(2))
    np.testing.assert_allclose(found["x"], [0, 0.5, 0.5], rtol=1e-14)


def test_a_window_without_a_tap(lowered, interpreted) -> None:
    """Under skip the sum over nothing is 0 and its logarithm -inf, as without the shift."""
    y, found = run("y[i] = log(sum[p](exp(x[i+p-2])))", lowered, interpreted, {"x": [900.0, 901.0]},
                   extents={"p": 2}, padding=[(2, 2)], border="skip")  # fmt: skip
    np.testing.assert_allclose(y, [-INF, 900, 901 + math.log1p(math.exp(-1)), 901, -INF], rtol=1e-15)
    assert np.isfinite(found["x"]).all()


def test_second_order_and_forward_mode() -> None:
    op = sc.operator("y[n] = log(sum[p](exp(x[n,p])))")
    x, t = np.array([[800.0, 801.0]]), np.array([[1.0, -2.0]])
    s = 1 / (1 + math.exp(-1))
    moved = sc.build(sc.jvp(op, ("x",)), dtype="float64").forward(x, t)
    np.testing.assert_allclose(moved, [(1 - s) - 2 * s], rtol=1e-13)
    second = sc.build(sc.derive(sc.derive(op, "x"), "x"), dtype="float64").forward(t, np.ones(1), x)
    np.testing.assert_allclose(second, [[3 * s * (1 - s), -3 * s * (1 - s)]], rtol=1e-13)


def test_the_step_says_what_was_proved() -> None:
    derivation = sc.derive(sc.operator(LSE, extents={"p": 2}), "x")
    (step,) = [step for step in derivation.steps if step.rule == "shift"]
    assert "exp(−m)" in step.check
    assert "slope by m is 0" in step.check
    assert "log" in str(derivation.steps[0].latex())
    assert not any(step.rule == "shift" for step in sc.derive(sc.operator("y[n] = log(sum[p](x[n,p]**2))"), "x").steps)


@pytest.mark.parametrize("text", ["log(sum[p](x[n,p] + 1))", "log(exp(w[n]))", "1 + exp(w[n])",
                                  "sum[p](exp(x[n,p]))/w[n]", "w[n]/sum[p](exp(x[n,p]))"])  # fmt: skip
def test_what_is_no_such_form_stays(text) -> None:
    op = sc.operator(f"y[n] = {text}")
    assert shift.shifted(op) == (op, "")


def test_a_wrong_shift_is_not_accepted(monkeypatch) -> None:
    op = sc.operator("y[n] = log(sum[p](exp(x[n,p])*w[n,p]))")
    right = shift._less

    def twice(expr, held):
        return right(right(expr, held), held)

    def every(expr, held):
        """The shift in both factors of a product that has one exponential."""
        if isinstance(expr, Apply) and expr.function == "mul":
            return Apply("mul", (right(expr.arguments[0], held), Apply("exp", (held,))))
        return right(expr, held)

    for wrong in (twice, every):
        monkeypatch.setattr(shift, "_less", wrong)
        with pytest.raises(InternalError, match=r"shift|multiplied"):
            shift.shifted(op)


def test_equal_maxima_are_computed_once() -> None:
    op = resolve_borders(sc.operator("y[n,k] = exp(x[n,k])/sum[p](exp(x[n,p])) + log(sum[p](exp(x[n,p])))"))
    assert sum(node.kind == "max" for s in op.statements for node in walk(s.expr) if hasattr(node, "kind")) == 1


def test_a_product_without_exponentials_beside_them_is_no_error() -> None:
    op = sc.operator("y[n] = log(sum[c](exp(x[n,c])) + 2*where(x[n,0] > 0, 1, 0))")
    y = sc.build(op, dtype="float64")(np.array([[1.0, 2.0], [-1.0, 0.5]]))
    assert np.allclose(y, np.log([np.exp(1) + np.exp(2) + 2, np.exp(-1) + np.exp(0.5)]))
