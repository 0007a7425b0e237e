"""Backward functions as people write them: proved, or refuted with the line at fault and an edit of it."""

from __future__ import annotations

from pathlib import Path

import pytest

import symconv as sc

LOOPS = """
import numpy as np

def conv_backward(dout, cache):
    x, w, stride, pad = cache
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    _, _, OH, OW = dout.shape
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dxp = np.zeros_like(xp)
    dw = np.zeros_like(w)
    for n in range(N):
        for f in range(F):
            for i in range(OH):
                for j in range(OW):
                    dw[f] += dout[n, f, i, j] * xp[n, :, i*stride:i*stride+KH, j*stride:j*stride+KW]
                    dxp[n, :, i*stride:i*stride+KH, j*stride:j*stride+KW] += dout[n, f, i, j] * w[f]
    return dxp[:, :, pad:-pad, pad:-pad], dw
"""

LAYER = """
import torch
import torch.nn.functional as F

class Conv(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return F.conv2d(x, w, stride=2, padding=1)

    @staticmethod
    def backward(ctx, grad_output):
        x, w = ctx.saved_tensors
        gx = F.conv_transpose2d(grad_output, w, stride=2, padding=1)
        gw = torch.nn.grad.conv2d_weight(x, w.shape, grad_output, stride=2, padding=1)
        return gx, gw

raise SystemExit("the file is never executed")
"""


def test_loops_are_proved_by_the_names_of_the_cache() -> None:
    proofs = sc.prove(sc.conv2d(stride=2, padding=1), code=LOOPS)
    assert proofs.holds is True
    assert list(proofs) == ["x", "w"]


def test_a_wrong_line_is_named_and_repaired() -> None:
    wrong = LOOPS.replace("* w[f]", "* w[f, :, ::-1, ::-1]")
    proofs = sc.prove(sc.conv2d(stride=2, padding=1), code=wrong)
    assert (proofs["x"].holds, proofs["w"].holds) == (False, True)
    line = next(k for k, text in enumerate(wrong.splitlines(), 1) if "::-1" in text)
    assert proofs["x"].line == line
    assert proofs["x"].repair.startswith(f"line {line}: dxp[n, :, ") and "::-1" not in proofs["x"].repair


def test_a_crop_that_is_empty_without_padding_fails() -> None:
    proofs = sc.prove(sc.conv2d(stride=2, padding=0), code=LOOPS)
    assert (proofs["x"].holds, proofs["w"].holds) == (False, True)
    assert proofs["x"].line == LOOPS.splitlines().index("    return dxp[:, :, pad:-pad, pad:-pad], dw") + 1


def test_check_reads_the_forward_and_finds_the_output_padding(tmp_path: Path) -> None:
    path = tmp_path / "layer.py"
    path.write_text(LAYER)
    proofs = sc.check(path, "Conv")
    assert str(proofs["x"].operator).startswith("conv2d(stride=2, padding=1)")
    assert (proofs["x"].holds, proofs["w"].holds) == (False, True)
    assert proofs["x"].fails_when == "(H + 2p − KH) mod s ≠ 0 or (W + 2p − KW) mod s ≠ 0"
    assert "output_padding" in proofs["x"].repair
    fixed = LAYER.replace(
        "gx = F.conv_transpose2d(grad_output, w, stride=2, padding=1)", proofs["x"].repair.partition(": ")[2]
    )
    path.write_text(fixed)
    assert sc.check(path, "Conv").holds is True


def test_a_function_object_is_read() -> None:
    def backward(dy, x, w):  # type: ignore[no-untyped-def]
        return dy @ w, dy.T @ x

    op = sc.operator("y[n,f] = sum[c](x[n,c]*w[f,c])")
    assert sc.prove(op, backward).holds is True


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def backward(dy, x, w):\n    return undefined(dy), dy", "line 2: undefined has no value here"),
        (
            "def backward(dy, x, w):\n    return np.zeroes_like(x), dy",
            "line 2: numpy.zeroes_like is not read; did you mean zeros_like",
        ),
        ("def backward(dy, x, w:\n    return x", "line 1: no Python"),
        ("def backward(dy, zork):\n    return dy, zork", "what zork is cannot be told by its name"),
        (
            "def backward(dy, x, w):\n    a, b, c = x.shape\n    return np.zeros((a, b)), w",
            "line 2: 3 names for 4 values",
        ),
        ("x = 3", "there are no functions"),
    ],
)
def test_code_that_cannot_be_used_is_refused_with_its_line(code: str, words: str) -> None:
    with pytest.raises(sc.SpecError, match=words.replace("(", r"\(")):
        sc.prove(sc.conv2d(), code=code)


def test_both_bounds_of_a_slice_get_the_stride() -> None:
    wrong = LOOPS.replace("xp[n, :, i*stride:i*stride+KH,", "xp[n, :, i:i+KH,")
    proof = sc.prove(sc.conv2d(stride=2, padding=1), code=wrong)["w"]
    assert proof.holds is False
    assert "i * stride:i * stride + KH" in proof.repair


def test_an_array_that_is_bound_anew_in_a_loop_is_a_sum() -> None:
    code = "def backward(dy, x, w):\n    db = np.zeros(dy.shape[1:])\n    for row in dy:\n        db = db + row\n    return db\n"
    op = sc.operator("y[n,f] = sum[c](x[n,c]*w[f,c]) + b[f]")
    assert sc.prove(op, code=code).holds is True


def test_a_list_that_is_too_long_is_not_written_out() -> None:
    code = "def backward(dout, x, w):\n    return [x for _ in range(10**9)][0]\n"
    assert sc.prove(sc.conv2d(), code=code).holds is None


def test_two_wrong_lines_are_both_found_and_the_whole_is_proved() -> None:
    code = (
        "def backward(dout, x, w):\n    dx = np.zeros_like(x)\n    for i in range(dout.shape[0]):\n"
        "        dx[i:i+w.shape[0]] -= dout[i] * w\n    return dx / dout.shape[0]\n"
    )
    proof = sc.prove(sc.operator("y[i] = sum[p](x[i+p]*w[p])"), code=code)["x"]
    assert (proof.holds, proof.line) == (False, 4)
    assert proof.repair == "line 4: dx[i:i + w.shape[0]] += dout[i] * w; line 5: return dx"


def test_two_wrong_places_of_one_line_of_a_helper() -> None:
    code = (
        "def helper(dout, w):\n    return np.concatenate([-dout[:, :1]*w[:1], -dout[:, 1:]*w[1:]], 1)\n"
        "def backward(dout, x, w):\n    return helper(dout, w)\n"
    )
    proof = sc.prove(sc.operator("y[n,i] = x[n,i]*w[i]"), code=code, name="backward")["x"]
    assert (proof.holds, proof.line) == (False, 2)
    assert proof.repair == "line 2: return np.concatenate([dout[:, :1] * w[:1], dout[:, 1:] * w[1:]], 1)"


def test_what_a_few_sizes_show_is_not_said_of_all() -> None:
    code = "def backward(dout, x):\n    if x.shape[1] > 40:\n        return dout*(x > 1)\n    return dout*(x > 0)\n"
    proof = sc.prove(sc.operator("y[n,i] = relu(x[n,i])"), code=code)["x"]
    assert proof.holds is False and "as far as 6 sizes show" in proof.cause


def test_no_transpose_is_missing_in_a_condition() -> None:
    code = (
        "def backward(dout, x):\n    out = []\n    for i in range(x.shape[1]):\n"
        "        if i > 0:\n            out.append(2*dout[:, i])\n    return np.stack(out, 1)\n"
    )
    proof = sc.prove(sc.operator("y[n,i] = 2*x[n,i]"), code=code)["x"]
    assert proof.holds is False and ".T" not in (proof.repair or "")


def test_a_gradient_that_is_wrong_at_kinks_alone_is_said_to_be() -> None:
    code = "def backward(dout, x):\n    return dout * (x >= 0)\n"
    op = sc.operator("y[i,j] = relu(x[i,j])")
    proof = sc.prove(op, code=code)["x"]
    assert proof.holds is False and proof.cause.startswith("right but at kinks")
    assert 'it is proved with kinks={"relu": "one"}' in proof.cause
    assert sc.prove(sc.operator("y[i,j] = relu(x[i,j])", kinks={"relu": "one"}), code=code).holds is True
    assert "kinks" not in sc.prove(op, code=code.replace(">=", "<"))["x"].cause


KEPT = """
class Linear:
    def forward(self, x, w):
        self.x, self.w = x, w
        return x @ w.T

    def backward(self, gy):
        gx = gy @ self.w
        self.dw = {first}
        {change}
        self.dw = gy.T @ self.x
        return gx
"""


@pytest.mark.parametrize(
    ("first", "change", "holds"),
    [("gx", "self.dw *= 2", False), ("gx", "self.dw[:] = 2", False), ("2 * gx", "self.dw *= 2", True)],
)
def test_an_attribute_may_be_another_result_by_a_second_name(first: str, change: str, holds: bool) -> None:
    op = sc.operator("y[n,f] = sum[c](x[n,c]*w[f,c])")
    proofs = sc.prove(op, code=KEPT.format(first=first, change=change), name="Linear.backward", explain=False)
    assert proofs["x"].holds is holds, str(proofs["x"])
    assert proofs["w"].holds


CACHED = """
def joined(gy, cache):
    {unpacked}
    twice = cache * 2
    twice[{place}][:] = 1
    return gy @ w
"""


@pytest.mark.parametrize(("unpacked", "place"), [("x, w = cache", 1), ("c = cache; _, w = c", 3)])
def test_what_changes_a_cache_under_another_name_counts(unpacked: str, place: int) -> None:
    op = sc.operator("y[n,f] = sum[c](x[n,c]*w[f,c])")
    code = CACHED.format(unpacked=unpacked, place=place)
    with pytest.raises(sc.SymconvError, match="given pack"):
        sc.prove(op, code=code, name="joined", returns="x", explain=False)


@pytest.mark.parametrize("index", ["0", "-1", ":2"])
def test_a_part_of_a_cache_that_only_a_number_names_is_asked_for(index: str) -> None:
    op = sc.operator("y[n,f] = sum[c](x[n,c]*w[f,c])")
    code = f"def backward(dy, cache):\n    part = cache[{index}]\n    return dy @ part, dy.T @ part\n"
    words = f"line 2: which of its values cache[{index}] is cannot be told; unpack it to names (x, w = cache)"
    assert words in sc.prove(op, code=code, explain=False).text()
    right = "def backward(dy, cache):\n    return dy @ cache[1], dy.T @ cache[0]\n"
    assert sc.prove(op, code=right, arguments={"cache": ("x", "w")}, explain=False).holds is True
