"""Layers whose forward function says what the gradients are of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import symconv as sc
from symconv.cli import cli

LAYERS = Path(__file__).parent / "corpus" / "layers.py"


@pytest.mark.parametrize(
    ("name", "formula", "tensors"),
    [
        ("Strided", "conv2d(bias=True)", "xwb"),
        ("LinearFunction", "sum[c](x[n,c] * w[f,c]) + b[f]", "xwb"),
        ("Exp", "exp(x[n,f,i,j])", "x"),
        ("MulAdd", "a[n,f,i,j] * b[n,f,i,j]", "ab"),
        ("Conv1dCausal", "x[n,c,-K+i+p+1]", "xw"),
        ("Depthwise", "w[f,0,c,p]", "xw"),
        ("Up", "y[n,f,i,j]", "xw"),
        ("conv_backward_naive", "+ b[f] where axis 0 of b may be longer than axis 0 of w", "xwb"),
        ("affine_backward", "x[n,c,p,q] * w[(c,p,q),f]", "xwb"),
        ("Conv2D", "conv2d(bias=True)", "xwb"),
        ("avgpool_backward", "(1/4)", "x"),
    ],
)
def test_right_layers_are_proved(name: str, formula: str, tensors: str) -> None:
    proofs = sc.check(LAYERS, name)
    assert proofs.holds is True, str(proofs)
    assert "Affine" not in str(proofs)
    assert set(proofs) == set(tensors)
    assert formula in str(next(iter(proofs.values())).operator)


def test_numbers_without_a_default_are_checked_for_two_settings() -> None:
    assert "for conv2d(stride=2, padding=1, bias=True)" in str(sc.check(LAYERS, "conv_backward_naive"))
    said = sc.check(LAYERS, "Strided", arguments={"stride": 3, "padding": 2})
    assert said.holds is True and "stride=3, padding=2" in str(said)


def test_what_is_right_for_a_stride_of_one_alone_is_found_out(tmp_path: Path) -> None:
    path = tmp_path / "layers.py"
    path.write_text(LAYERS.read_text().replace("w[f] * dout[n, f, i, j]", "w[f] * dout[n, f, i, j]").replace(
        "dx_pad[n, :, i*stride:i*stride+HH, j*stride:j*stride+WW] +=", "dx_pad[n, :, i:i+HH, j:j+WW] +="))  # fmt: skip
    proofs = sc.check(path, "conv_backward_naive")
    assert (proofs["x"].holds, proofs["w"].holds) == (False, True)
    assert "stride=2" in str(proofs["x"].operator)


def test_the_command_says_right_wrong_and_unusable(tmp_path: Path) -> None:
    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(cli, list(words))
        return done.exit_code, done.output + str(done.exception or "")

    assert run("check", f"{LAYERS}:Up")[0] == 0
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "def f_forward(x, w):\n    return x @ w, (x, w)\ndef f_backward(dout, cache):\n    x, w = cache\n    return dout @ w, x.T @ dout\n"
    )
    code, text = run("check", f"{wrong}:f")
    assert code == 1 and "at fault: line 5" in text and "w.T" in text
    code, text = run(
        "prove", "y[n,f] = sum[c](x[n,c]*w[c,f])", "--code", f"{wrong}:f_backward", "--arguments", "cache=(x, w)"
    )
    assert code == 1 and "at fault: line 5" in text
    assert (
        "no file" in run("check", str(tmp_path / "absent.py"))[1].lower()
        or run("check", str(tmp_path / "absent.py"))[0] != 0
    )


def test_an_operator_is_read_from_a_forward_function() -> None:
    def forward(x, w, stride=2):  # type: ignore[no-untyped-def]
        return F.conv1d(x, w, stride=stride)  # type: ignore[name-defined]  # noqa: F821

    def gate(x, w, v):  # type: ignore[no-untyped-def]
        return (x @ w) * (x @ v)

    assert str(sc.operator(forward)) == str(sc.conv1d(stride=2))
    assert str(sc.operator(forward, params={"stride": 3})) == str(sc.conv1d(stride=3))
    assert sc.derive(sc.operator(gate), "v").tensors == ("gy", "x", "w", "v")
    with pytest.raises(sc.SpecError, match="params="):
        sc.operator(forward, padding=1)


@pytest.mark.parametrize(
    ("name", "formula", "tensors"),
    [
        ("max_pool_naive", "max_pool2d(kernel=2, stride=2)", "x"),
        ("same_conv", "sum[c,p,q", "xw"),
        ("ReLU", "x[n,f,i,j]", "x"),
        ("Windows", "sum", "w"),
    ],
)
def test_pairs_that_people_write_otherwise_are_found(name: str, formula: str, tensors: str) -> None:
    pool = {"pool_param": {"pool_height": 2, "pool_width": 2, "stride": 2}} if "pool" in name else None
    proofs = sc.check(LAYERS.with_name("pairs.py"), name, arguments=pool)
    assert proofs.holds is True, str(proofs)
    assert set(proofs) == set(tensors)
    assert formula in str(next(iter(proofs.values())).operator)


FLAT = ("np.convolve", 'np.convolve(dy, w[::-1], mode="full")', 'np.convolve(x[::-1], dy, mode="valid")', "dw[::-1]")
PLANE = ("signal.convolve2d", 'signal.correlate2d(dy, w, mode="full")',
         'signal.convolve2d(x[::-1, ::-1], dy, mode="valid")', "dw[:, ::-1]")  # fmt: skip


@pytest.mark.parametrize(("word", "dx", "dw", "wrong"), [FLAT, PLANE])
@pytest.mark.parametrize("right", [True, False])
def test_the_first_array_of_a_valid_convolution_is_taken_for_the_longer_one(word, dx, dw, wrong, right) -> None:
    """Where the second one is longer NumPy and SciPy exchange them; no layer is meant for that."""
    code = f"""
import numpy as np
from scipy import signal
def line_forward(x, w):
    return {word}(x, w, mode="valid"), (x, w)
def line_backward(dy, cache):
    x, w = cache
    dw = {dw}
    return {dx}, {"dw" if right else wrong}
"""
    space: dict[str, Any] = {}
    exec(compile(code, "line", "exec"), space)  # noqa: S102
    rng = np.random.default_rng(0)
    rank = 2 if word == PLANE[0] else 1
    x, w = rng.normal(size=(5, 7)[:rank]), rng.normal(size=(3, 2)[:rank])
    y, cache = space["line_forward"](x, w)
    dy = rng.normal(size=y.shape)
    for at, (name, got) in enumerate(zip("xw", space["line_backward"](dy, cache), strict=True)):
        want = np.zeros_like(cache[at])
        for cell in np.ndindex(want.shape):
            step = np.zeros_like(want)
            step[cell] = 1.0
            moved = [x + step, w] if name == "x" else [x, w + step]
            # Linear in each, so that a step of 1 is exact.
            want[cell] = ((space["line_forward"](*moved)[0] - y) * dy).sum()
        assert np.allclose(got, want) == (right or name == "x")
    proofs = sc.check(code, explain=False)
    assert {name: proof.holds for name, proof in proofs.items()} == {"x": True, "w": right}


@pytest.mark.parametrize(("dw", "right"), [('np.convolve(x[::-1], dy, mode="valid")', True),
                                           ('np.convolve(x, dy, mode="valid")', False)])  # fmt: skip
def test_numpy_convolves_arrays_of_one_axis(dw: str, right: bool) -> None:
    proofs = sc.check(f"""
import numpy as np
def line_forward(x, w):
    assert len(w) <= len(x)
    return np.convolve(x, w, mode="valid"), (x, w)
def line_backward(dy, cache):
    x, w = cache
    return np.convolve(dy, w[::-1], mode="full"), {dw}
""", explain=False)  # fmt: skip
    assert {name: proof.holds for name, proof in proofs.items()} == {"x": True, "w": right}
