"""Layers in loops over single elements, in the style of llm.c: sums in a variable, labels that name an element."""

from __future__ import annotations

import pytest

import symconv as sc

MATMUL = """
import numpy as np
def matmul_forward(inp, weight, bias):
    B, T, C = inp.shape
    OC = weight.shape[0]
    out = np.zeros((B, T, OC))
    for b in range(B):
        for t in range(T):
            for o in range(OC):
                val = bias[o] if bias is not None else 0.0
                for i in range(C):
                    val += inp[b, t, i] * weight[o, i]
                out[b, t, o] = val
    return out, (inp, weight)
def matmul_backward(dout, cache):
    inp, weight = cache
    B, T, C = inp.shape
    OC = weight.shape[0]
    dinp = np.zeros_like(inp)
    dweight = np.zeros_like(weight)
    dbias = np.zeros(OC)
    for b in range(B):
        for t in range(T):
            for o in range(OC):
                d = dout[b, t, o]
                for i in range(C):
                    dinp[b, t, i] += weight[o, i] * d
    for o in range(OC):
        for b in range(B):
            for t in range(T):
                d = dout[b, t, o]
                dbias[o] += d
                for i in range(C):
                    dweight[o, i] += inp[b, t, i] * d
    return dinp, dweight, dbias
"""


def wrong(text: str, right: str, wrong: str, name: str) -> list[str]:
    assert right in text
    proofs = sc.check(text.replace(right, wrong), name, explain=False)
    return [tensor for tensor, proof in proofs.items() if proof.holds is not True]


def test_a_product_of_matrices_element_by_element_is_proved() -> None:
    assert sc.check(MATMUL, "matmul").holds is True


def test_the_gradient_of_the_wrong_element_is_told() -> None:
    assert wrong(MATMUL, "dbias[o] += d", "dbias[o] += d * inp[b, t, 0]", "matmul") == ["b"]


ENTROPY = """
import math
import numpy as np
def crossentropy_forward(logits, targets):
    B, T, V = logits.shape
    losses = np.zeros((B, T))
    probs = np.zeros((B, T, V))
    for b in range(B):
        for t in range(T):
            s = 0.0
            for i in range(V):
                s += math.exp(logits[b, t, i])
            for i in range(V):
                probs[b, t, i] = math.exp(logits[b, t, i]) / s
            ix = targets[b, t]
            losses[b, t] = -math.log(probs[b, t, ix])
    return losses, (probs, targets)
def crossentropy_backward(dlosses, cache):
    probs, targets = cache
    B, T, V = probs.shape
    dlogits = np.zeros_like(probs)
    for b in range(B):
        for t in range(T):
            ix = int(targets[b, t])
            for i in range(V):
                indicator = 1.0 if i == ix else 0.0
                dlogits[b, t, i] += (probs[b, t, i] - indicator) * dlosses[b, t]
    return dlogits
"""


def test_an_element_that_a_label_names_is_read_in_the_loop_that_computes_its_row() -> None:
    assert sc.check(ENTROPY, "crossentropy").holds is True
    assert wrong(ENTROPY, "- indicator)", "+ indicator)", "crossentropy") == ["logits"]


EMBEDDING = """
import numpy as np
def encoder_forward(inp, wte, wpe):
    B, T = inp.shape
    V, C = wte.shape
    S, C = wpe.shape
    return wte[inp] + wpe[:T], (inp, wte, wpe)
def encoder_backward(dout, cache):
    inp, wte, wpe = cache
    B, T, C = dout.shape
    dwte = np.zeros_like(wte)
    np.add.at(dwte, inp, dout)
    dwpe = np.zeros_like(wpe)
    dwpe[:T] = dout.sum(axis=0)
    return dwte, dwpe
"""


def test_a_table_of_which_the_first_rows_are_taken_is_longer() -> None:
    proofs = sc.check(EMBEDDING, "encoder")
    assert proofs.holds is True
    shapes = {"wte": (7, 3), "wpe": (6, 3), "𝟙inp": (2, 5, 7)}
    op = proofs["wpe"].operator
    assert op.output_shape(**shapes) == (2, 5, 3)
    with pytest.raises(sc.SpecError):
        op.output_shape(**{**shapes, "wpe": (4, 3)})


def test_a_gradient_as_long_as_the_rows_that_are_taken_is_wrong() -> None:
    text = EMBEDDING.replace("    dwpe = np.zeros_like(wpe)\n    dwpe[:T] = ", "    dwpe = ")
    proofs = sc.check(text, "encoder", explain=False)
    assert [name for name, proof in proofs.items() if proof.holds is False] == ["wpe"]
    shapes = {"wte": (7, 3), "wpe": (6, 3), "𝟙inp": (2, 5, 7)}
    assert proofs["wpe"].fails(**shapes)
    assert not proofs["wpe"].fails(**{**shapes, "wpe": (5, 3)})


GROUPS = """
import numpy as np
def grouped_forward(x, w):
    N, C, L = x.shape
    F, Cg = w.shape
    G = 2
    Fg = F // G
    y = np.zeros((N, F, L))
    for g in range(G):
        y[:, g*Fg:(g+1)*Fg] = np.einsum('ncl,fc->nfl', x[:, g*Cg:(g+1)*Cg], w[g*Fg:(g+1)*Fg])
    return y, (x, w)
def grouped_backward(dout, cache):
    x, w = cache
    F, Cg = w.shape
    G = 2
    Fg = F // G
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for g in range(G):
        d = dout[:, g*Fg:(g+1)*Fg]
        dx[:, g*Cg:(g+1)*Cg] = np.einsum('nfl,fc->ncl', d, w[g*Fg:(g+1)*Fg])
        dw[g*Fg:(g+1)*Fg] = np.einsum('nfl,ncl->fc', d, x[:, g*Cg:(g+1)*Cg])
    return dx, dw
"""


def test_groups_in_a_loop_are_proved() -> None:
    proofs = sc.check(GROUPS, "grouped")
    assert proofs.holds is True
    with pytest.raises(sc.SpecError, match="what is sliced is as long as it is taken for"):
        proofs["x"].operator.output_shape(x=(2, 3, 5), w=(4, 2))


def test_a_group_of_other_channels_is_wrong() -> None:
    assert wrong(GROUPS, "d, x[:, g*Cg:(g+1)*Cg])", "d, x[:, :Cg])", "grouped") == ["w"]


CHUNKS = """
import torch
import torch.nn.functional as F
class Grouped(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        xs, ws = torch.chunk(x, 2, dim=1), torch.chunk(w, 2, dim=0)
        return torch.cat([F.conv2d(a, b) for a, b in zip(xs, ws)], dim=1)
    @staticmethod
    def backward(ctx, gy):
        x, w = ctx.saved_tensors
        xs, ws, gs = torch.chunk(x, 2, dim=1), torch.chunk(w, 2, dim=0), torch.chunk(gy, 2, dim=1)
        gx = torch.cat([F.conv_transpose2d(g, b) for g, b in zip(gs, ws)], dim=1)
        each = [F.conv2d(a.transpose(0, 1), g.transpose(0, 1)).transpose(0, 1) for a, g in zip(xs, gs)]
        return gx, torch.cat(each, dim=0)
"""


def test_parts_of_channels_are_not_taken_for_one_channel() -> None:
    proofs = sc.check(CHUNKS, "Grouped", explain=False)
    assert proofs.holds is True
    assert "x is N x 2*C x H x W" in " ".join(str(proofs["x"]).split())
    assert wrong(CHUNKS, "zip(gs, ws)", "zip(ws, gs)", "Grouped") == ["x"]


CAUSAL = """
import math
import numpy as np
def attend_forward(s, v):
    "s: (T, T), v: (T, E)"
    T, E = v.shape
    out = np.zeros((T, E))
    att = np.zeros((T, T))
    for t in range(T):
        total = 0.0
        for u in range(t + 1):
            total += math.exp(s[t, u])
        for u in range(t + 1):
            att[t, u] = math.exp(s[t, u]) / total
        for u in range(t + 1):
            for i in range(E):
                out[t, i] += att[t, u] * v[u, i]
    return out, (s, v, att)
def attend_backward(dout, cache):
    s, v, att = cache
    T, E = v.shape
    ds, dv, datt = np.zeros_like(s), np.zeros_like(v), np.zeros_like(att)
    for t in range(T):
        for u in range(t + 1):
            for i in range(E):
                datt[t, u] += v[u, i] * dout[t, i]
                dv[u, i] += att[t, u] * dout[t, i]
    for t in range(T):
        for u in range(t + 1):
            for w in range(t + 1):
                same = 1.0 if u == w else 0.0
                ds[t, w] += att[t, u] * (same - att[t, w]) * datt[t, u]
    return ds, dv
"""


def test_attention_to_what_came_before_is_read_in_loops_over_scores() -> None:
    proofs = sc.check(CAUSAL, "attend", explain=False)
    assert proofs.holds is True
    assert ">= 0](" in proofs["s"].operator.source  # a sum up to the row


@pytest.mark.parametrize(("right", "other", "told"), [
    ("(same - att[t, w])", "(1.0 - att[t, w])", ["s"]), ("dv[u, i] += att[t, u]", "dv[u, i] += att[u, t]", ["v"]),
    ("            for w in range(t + 1)", "            for w in range(t)", ["s"]),
])  # fmt: skip
def test_wrong_gradients_of_attention_in_loops_are_told(right: str, other: str, told: list[str]) -> None:
    assert wrong(CAUSAL, right, other, "attend") == told
