"""Torch code: one call of ``torch.nn.functional`` where that is proved, and right where it is run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.notation.operator import Operator
from symconv.verify.geometry import geometries
from symconv.verify.judge import judge

CALLS: dict[str, tuple[Callable[[], Operator], dict[str, str]]] = {
    "plain": (lambda: sc.conv1d(bias=True), {
        "x": "F.conv_transpose1d(gy, w)",
        "w": "swap(F.conv1d(swap(x, 0, 1), swap(gy, 0, 1)), 0, 1)",
        "b": "sum(gy, (0, 2))",
    }),
    "strided": (lambda: sc.conv2d(stride=(2, 1), padding=(1, 0)), {
        "x": "F.conv_transpose2d(gy, w, stride=(2, 1), padding=(1, 0), output_padding=((H - KH + 2) % 2, 0))",
        "w": "swap(F.conv2d(swap(x, 0, 1), swap(gy, 0, 1), dilation=(2, 1), padding=(1, 0))[:, :, :KH, :KW], 0, 1)",
    }),
    "a user's formula": (lambda: sc.operator("y[n,f,i] = sum[c,p](x[n,c,3*i+2*p-2]*w[f,c,p])"), {
        "x": "F.conv_transpose1d(gy, w, stride=3, dilation=2, padding=2, output_padding=(L - 2*K + 5) % 3)",
    }),
    "uneven pads": (lambda: sc.conv1d(stride=2, padding=((1, 0),)), {
        "x": "F.conv_transpose1d(gy, w, stride=2, output_padding=(L - K + 1) % 2)[:, :, 1:L + 1]",
    }),
    "flipped": (lambda: sc.conv1d(flip=True), {
        "x": "F.conv_transpose1d(gy, flip(w, (2,)))",
        "w": "swap(flip(F.conv1d(swap(x, 0, 1), swap(gy, 0, 1)), (2,)), 0, 1)",
    }),
    "grouped": (lambda: sc.conv1d(groups=2, stride=2), {
        "x": "F.conv_transpose1d(gy, w, stride=2, output_padding=(L - K) % 2, groups=2)",
        "w": "torch.nn.grad.conv1d_weight(x, w.shape, gy, stride=2, groups=2)",
    }),
    "transposed": (lambda: sc.conv_transpose1d(stride=2, padding=1, output_padding=1), {
        "x": "F.conv1d(gy, w, stride=2, padding=1)",
    }),
}  # fmt: skip


@pytest.mark.parametrize(("name", "tensor"), [(name, t) for name, (_, calls) in CALLS.items() for t in calls])
def test_a_gradient_is_the_call_that_is_proved(name: str, tensor: str) -> None:
    make, calls = CALLS[name]
    op = make()
    text = " ".join(sc.derive(op, tensor).code("torch").replace("#", "").split())
    assert f"Proved for all sizes: g{tensor} = {calls[tensor]} " in text
    # What is printed is decided once more, as code that anyone may have written.
    code = sc.derive(op, tensor).code("torch")
    assert sc.prove(op, code=code, returns=(tensor,)).holds


def test_what_no_call_computes_is_written_with_slices() -> None:
    last = sc.conv1d(stride=2, layout="NHWC")
    for op in (sc.adder1d(), sc.max_pool1d(2), sc.conv1d(padding=1, border="reflect"), last):
        text = sc.derive(op, "x").code("torch")
        assert "Proved" not in text
        assert "for p in range(" in text
        assert text.startswith("import torch\n")


@pytest.mark.parametrize("name", ["uneven pads", "grouped"])
def test_calls_are_right_where_torch_runs_them(name: str, printed: Callable[..., Any]) -> None:
    pytest.importorskip("torch")
    op = CALLS[name][0]()
    verdict = judge(op, printed(op, "torch"), count=2)
    judged = [check for check in verdict.checks if check.name != "NaN and infinities"]
    assert sum(check.cases for check in judged) > 50
    assert all(check.passed for check in judged), str(verdict)


@pytest.mark.full
@pytest.mark.parametrize("name", CALLS)
def test_all_calls_are_right_at_many_sizes(name: str, run: Callable[..., Any]) -> None:
    pytest.importorskip("torch")
    op = CALLS[name][0]()
    for seed, shapes in enumerate(geometries(op, 40)):
        rng = np.random.default_rng(seed)
        arrays = [rng.integers(-3, 4, shape).astype(float) for shape in shapes.values()]
        gy = rng.integers(-3, 4, op.output_shape(**dict(shapes))).astype(float)
        for tensor in op.tensors:
            code = sc.derive(op, tensor).code
            assert np.array_equal(run(code("torch"), "torch", gy, *arrays), run(code(), "numpy", gy, *arrays))


def test_another_library_is_refused() -> None:
    with pytest.raises(sc.SpecError, match="numpy or torch; given 'julia'"):
        sc.derive(sc.conv1d(), "x").code("julia")
    with pytest.raises(sc.SpecError, match="numpy or torch"):
        sc.derive(sc.conv1d(), "x").code(None)  # type: ignore[arg-type]
