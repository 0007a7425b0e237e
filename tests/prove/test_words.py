"""Words that other words define: each against NumPy on numbers, and each in a claim that is decided."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import symconv as sc
from symconv.errors import SpecError
from symconv.prove.concrete.evaluate import evaluate
from symconv.prove.language.parse import parse_claim

Numbers = Callable[..., np.ndarray]


def held() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    return {"a": rng.integers(-5, 6, (2, 3)), "b": rng.integers(-5, 6, (3, 4))}


def op():
    """An operator whose arrays have the shapes of ``held``: the value of a word is compared, not a claim."""
    return sc.operator("y[i,k] = sum[j](a[i,j]*b[j,k])")


VALUES: list[tuple[str, Numbers]] = [
    ("concatenate((a, a + 1), axis=1)", lambda a, b: np.concatenate((a, a + 1), 1)),
    ("torch.cat((a, 2*a), dim=-1)", lambda a, b: np.concatenate((a, 2 * a), -1)),
    ("np.stack((a, 2*a), axis=2)", lambda a, b: np.stack((a, 2 * a), 2)),
    ("stack([a, a])", lambda a, b: np.stack([a, a])),
    ("np.repeat(a, 3, axis=1)", lambda a, b: np.repeat(a, 3, 1)),
    ("np.repeat(a, 2, 0)", lambda a, b: np.repeat(a, 2, 0)),
    ("a.repeat_interleave(2, dim=0)", lambda a, b: np.repeat(a, 2, 0)),
    ("repeat_interleave(a, 2)", lambda a, b: np.repeat(a, 2)),
    ("np.tile(a, (2, 3))", lambda a, b: np.tile(a, (2, 3))),
    ("np.tile(a, 2)", lambda a, b: np.tile(a, 2)),
    ("np.tile(a, (2, 1, 2))", lambda a, b: np.tile(a, (2, 1, 2))),
    ("a.repeat(2, 1, 3)", lambda a, b: np.tile(a, (2, 1, 3))),
    ("np.tensordot(a, b, 1)", lambda a, b: np.tensordot(a, b, 1)),
    ("np.tensordot(a, b, axes=((1,), (0,)))", lambda a, b: np.tensordot(a, b, ((1,), (0,)))),
    ("np.tensordot(a, a, ((0, 1), (0, 1)))", lambda a, b: np.tensordot(a, a, ((0, 1), (0, 1)))),
    ("np.tensordot(a, b, 0)", lambda a, b: np.tensordot(a, b, 0)),
    ("np.dot(a, b)", np.dot),
    ("np.outer(a, b)", np.outer),
    ("np.kron(a, b)", np.kron),
    ("np.kron(a, ones((2, 1, 2)))", lambda a, b: np.kron(a, np.ones((2, 1, 2), int))),
    ("np.rot90(a)", lambda a, b: np.rot90(a)),
    ("np.rot90(a, 2)", lambda a, b: np.rot90(a, 2)),
    ("np.rot90(a, -1, axes=(1, 0))", lambda a, b: np.rot90(a, -1, (1, 0))),
    ("np.roll(a, 1, axis=1)", lambda a, b: np.roll(a, 1, 1)),
    ("np.roll(a, -2, axis=1)", lambda a, b: np.roll(a, -2, 1)),
    ("np.roll(a, 7, axis=1)", lambda a, b: np.roll(a, 7, 1)),
    ("a.flatten()", lambda a, b: a.ravel()),
    ("outer(a, b).reshape(2, 3, 3, 4).flatten(1, 2)", lambda a, b: np.outer(a, b).reshape(2, 9, 4)),
    ("a.unsqueeze(1).squeeze(1)", lambda a, b: a),
    ("np.expand_dims(a, -1)", lambda a, b: a[..., None]),
    ("np.moveaxis(a[None], 0, 2)", lambda a, b: a[..., None]),
    ("a[:, None].expand(2, 4, -1)", lambda a, b: np.broadcast_to(a[:, None], (2, 4, 3))),
    ("np.broadcast_to(a[None], (4, 2, 3))", lambda a, b: np.broadcast_to(a[None], (4, 2, 3))),
    ("ones_like(a) + zeros_like(a)", lambda a, b: np.ones_like(a)),
    ("full((2, 3), 4)*a", lambda a, b: 4 * a),
    ("fliplr(a)", lambda a, b: np.fliplr(a)),
    ("np.flipud(a)", lambda a, b: np.flipud(a)),
    ("a.flip(0, 1)", lambda a, b: a[::-1, ::-1]),
    ("a.t()", lambda a, b: a.T),
    ("a.mT", lambda a, b: a.T),
    ("a.view(b.shape[0], -1)", lambda a, b: a.reshape(3, -1)),
    ("a.reshape(a.shape[:1] + (1,) + a.shape[1:])", lambda a, b: a.reshape(2, 1, 3)),
    ("a.view_as(a.t())", lambda a, b: a.reshape(3, 2)),
    ("np.square(a)", lambda a, b: a * a),
    ("a.clamp(min=-1, max=2)", lambda a, b: a.clip(-1, 2)),
    ("np.clip(a, 0, 3)", lambda a, b: a.clip(0, 3)),
    ("a.var(1)*9", lambda a, b: np.rint(9 * a.var(1)).astype(int)),
    ("torch.var(a, 1, correction=1)*6", lambda a, b: np.rint(6 * a.var(1, ddof=1)).astype(int)),
    ("norm(a, 1, axis=1)", lambda a, b: np.abs(a).sum(1)),
    ("np.where(a > 0, a, 7)", lambda a, b: np.where(a > 0, a, 7)),
    ("(a > -3) & (a <= 2)", lambda a, b: ((a > -3) & (a <= 2)).astype(int)),
    ("(a == 1) | (a < 0)", lambda a, b: ((a == 1) | (a < 0)).astype(int)),
    ("np.maximum(a, a.mean())*6", lambda a, b: np.maximum(6 * a, int(a.sum()))),
    ("rearrange(b, 'i (j k) -> k i j', k=2)", lambda a, b: b.reshape(3, 2, 2).transpose(2, 0, 1)),
    ("rearrange(b, 'i j -> (j i)')", lambda a, b: b.T.ravel()),
    ("rearrange(a, 'i j -> i 1 j')", lambda a, b: a[:, None]),
    ("reduce(b, 'i (j k) -> i k', 'sum', k=2)", lambda a, b: b.reshape(3, 2, 2).sum(1)),
    ("reduce(b, 'i j -> j', 'mean')*3", lambda a, b: b.sum(0)),
    ("np.pad(b, ((1, 0), (0, 2)))", lambda a, b: np.pad(b, ((1, 0), (0, 2)))),
    ("np.pad(b, ((1, 0), (0, 2)), mode='constant', constant_values=5)", lambda a, b: np.pad(b, ((1, 0), (0, 2)), constant_values=5)),
    ("np.pad(b, ((1, 2), (0, 2)), mode='reflect')", lambda a, b: np.pad(b, ((1, 2), (0, 2)), mode="reflect")),
    ("np.pad(b, ((1, 2), (3, 2)), mode='edge')", lambda a, b: np.pad(b, ((1, 2), (3, 2)), mode="edge")),
    ("np.pad(b, ((1, 2), (3, 2)), 'wrap')", lambda a, b: np.pad(b, ((1, 2), (3, 2)), mode="wrap")),
    ("np.pad(b, ((1, 3), (3, 2)), 'symmetric')", lambda a, b: np.pad(b, ((1, 3), (3, 2)), mode="symmetric")),
    ("a.detach().clone()", lambda a, b: a),
    ("np.multiply(a, 2) - torch.sub(a, 1)", lambda a, b: a + 1),
]  # fmt: skip


def value(text: str) -> np.ndarray:
    """What the words of a claim give, whatever the shape of the side."""
    from symconv.prove.concrete.numbers import Misfit

    try:
        return evaluate(parse_claim(f"ga = {text}"), op(), {**held(), "gy": np.ones((2, 4), int)})
    except Misfit as misfit:
        assert misfit.result is not None, misfit
        return misfit.result


@pytest.mark.parametrize(("text", "want"), VALUES, ids=[text for text, _ in VALUES])
def test_a_word_has_the_values_of_its_library(text: str, want: Numbers) -> None:
    expected = want(**held())
    got = value(text)
    assert got.shape == expected.shape
    assert (got == expected).all()


@pytest.mark.parametrize("text", [text for text, _ in VALUES])
def test_proof_and_numbers_read_a_word_alike(text: str) -> None:
    """At fixed sizes the proof's terms for an element, evaluated, are the numbers' element."""
    from symconv.prove.decide.decision import _Problem
    from symconv.prove.language.parse import Caret
    from symconv.prove.meaning.claimed import claimed
    from symconv.prove.meaning.scope import Undecided
    from symconv.prove.meaning.value import axis
    from symconv.relation.regions import everywhere
    from symconv.relation.sets import context_of

    fixed = sc.operator("y[i,k] = sum[j](a[i,j]*b[j,k])", extents={"i": 2, "j": 3, "k": 4})
    claim = parse_claim(f"ga = {text}")
    problem = _Problem(fixed, claim, Caret(claim.source))
    try:
        found = claimed(problem.scope(everywhere(context_of(fixed))), claim, [axis(2), axis(3)])
    except Undecided as reason:
        pytest.skip(str(reason))
    assert tuple(one.size.constant for one in found.axes) == value(text).shape


SOFTMAX = "y[n,c] = exp(x[n,c])/sum[k](exp(x[n,k]))"
LINEAR = "y[n,f] = sum[c](x[n,c]*w[f,c])"
CLAIMS = [
    ("sc.conv2d()", "gw = tensordot(dout, unfold(x,(KH,KW)).reshape(N,C,KH*KW,OH,OW), ((0,2,3),(0,3,4))).view(w.shape)", True),
    ("sc.conv2d()", "gx = F.conv2d(F.pad(gy,(KW-1,KW-1,KH-1,KH-1)), rot90(w,2,(2,3)).transpose(0,1))", True),
    ("sc.conv2d()", "gx = F.conv2d(np.pad(gy,((0,0),(0,0),(KH-1,KH-1),(KW-1,KW-1))), w.flip(2,3).transpose(0,1))", True),
    ("sc.conv2d()", "gx = F.conv2d(np.pad(gy,((0,0),(0,0),(KH-1,KH-1),(KW-1,KW-1))), w.flip(3).transpose(0,1))", False),
    ("strided", "dx = torch.nn.grad.conv2d_input(x.shape, w, dy, stride=(2, 3), padding=(1, 0), dilation=(1, 2))", True),
    ("strided", "dx = torch.nn.grad.conv2d_input(x.shape, w, dy, s, p, d)", True),
    ("strided", "dx = torch.nn.grad.conv2d_input((N, C, H, W), w, dy, stride=(2, 3), padding=1, dilation=(1, 2))", False),
    ("strided", "dw = torch.nn.grad.conv2d_weight(x, w.shape, dy, stride=(2, 3), padding=(1, 0), dilation=(1, 2))", True),
    ("strided", "dw = torch.nn.grad.conv2d_weight(x, w.shape, dy, stride=(2, 3), padding=(1, 0))", False),
    ("groups", "dw = torch.nn.grad.conv1d_weight(x, w.shape, dy, 2, 1, 1, 2)", True),
    ("groups", "dx = torch.nn.grad.conv1d_input(x.shape, w, dy, 2, 1, 1, 2)", True),
    ("sc.conv2d()", "gx = concatenate((conv_transpose2d(gy[:1], w), conv_transpose2d(gy[1:], w)), axis=0)", True),
    ("sc.conv2d(bias=True)", "gb = dout.flatten(2).sum((0,2))", True),
    ("sc.conv2d(bias=True)", "gb = rearrange(dout, 'n f h w -> f (n h w)').sum(1)", True),
    ("sc.conv2d(bias=True)", "gb = reduce(dout, 'n f h w -> f', 'mean')", False),
    ("sc.avg_pool2d(2, 2)", "gx = np.kron(gy, np.ones((2,2)))/4", False),
    ("sc.avg_pool2d(2, 2)", "gx = pad(np.kron(gy, np.ones((2,2))), (0, W-2*OW, 0, H-2*OH))/4", True),
    ("sc.avg_pool2d(2, 2)", "gx = F.pad(gy.repeat_interleave(2,2).repeat_interleave(2,3), (0, W-2*OW, 0, H-2*OH))/4", True),
    ("sc.avg_pool2d(2, 2)", "gx = tile(gy, (1,1,2,2))/4", False),
    ("sc.avg_pool2d(2, 2)", "gx = F.pad(F.interpolate(gy, scale_factor=2), (0, W-2*OW, 0, H-2*OH))/4", True),
    (LINEAR, "gw = gy.t() @ x", True),
    (LINEAR, "gw = np.dot(gy.T, x)", True),
    (LINEAR, "gw = np.outer(gy, x)", False),
    (LINEAR, "gw = stack((gy, gy), 2).mean(2).T @ x", True),
    ("y[f] = sum[c](x[c]*w[f,c])", "gw = np.outer(gy, x)", True),
    (SOFTMAX, "gx = softmax(x,1)*(gy - sum(gy*softmax(x,1),1,keepdims=True))", True),
    ("y[n] = log(sum[k](exp(x[n,k])))", "gx = gy[:,None]*softmax(x,1)", True),
    ("y[n] = log(sum[k](exp(x[n,k])))", "gx = softmax(x,1)", False),
    ("y[n] = log(sum[k](exp(x[n,k])))", "y = logsumexp(x, 1)", True),
    ("y[n,c] = x[n,c] - log(sum[k](exp(x[n,k])))", "gx = gy - softmax(x,-1)*gy.sum(1,keepdim=True)", True),
    ("y[n,c] = x[n,c] - log(sum[k](exp(x[n,k])))", "y = log_softmax(x, dim=1)", True),
    ("y[n] = mean[k]((x[n,k] - mean[c](x[n,c]))**2)", "y = var(x, axis=1)", True),
    ("y[n] = mean[k]((x[n,k] - mean[c](x[n,c]))**2)", "gx = 2*gy[:,None]*(x - mean(x,1,keepdims=True))/K", True),
    ("y[n] = sqrt(sum[k](x[n,k]**2))", "y = norm(x, axis=1)", True),
    ("y[n] = sqrt(sum[k](x[n,k]**2))", "y = np.linalg.norm(x, axis=1)", True),
    ("y[n,c] = relu(x[n,c])", "gx = np.where(x > 0, gy, 0)", True),
    ("y[n,c] = relu(x[n,c])", "gx = gy*(x >= 0)", False),
    ("y[n,c] = max(x[n,c], 0)", "gx = gy*(x >= 0)", True),
    ("y[n,c] = clip(x[n,c], -1, 2)", "y = x.clamp(-1, 2)", True),
    ("sc.conv1d(padding=1, border='reflect')", "y = F.conv1d(F.pad(x,(1,1),'reflect'), w)", True),
    ("sc.conv1d(padding=1, border='reflect')", "y = F.conv1d(F.pad(x,(1,1),'replicate'), w)", False),
    ("sc.conv1d(padding=1, border='replicate')", "y = F.conv1d(np.pad(x,((0,0),(0,0),(1,1)),'edge'), w)", True),
    ("sc.conv1d(padding=1, border='circular')", "y = F.conv1d(F.pad(x,(1,1),mode='circular'), w)", True),
    ("sc.conv1d(padding=1, border='circular')", "y = F.conv1d(concatenate((x[:,:,-1:], x, x[:,:,:1]), 2), w)", True),
    ("sc.conv1d(padding=1, border='circular')", "y = F.conv1d(np.pad(x,((0,0),(0,0),(1,1)),'wrap'), w)", True),
    ("sc.conv1d(padding=1, border=0.5)", "y = F.conv1d(F.pad(x,(1,1),value=0.5), w)", True),
    ("sc.conv1d(padding=1, border=0.5)", "y = F.conv1d(F.pad(x,(1,1)), w)", False),
]  # fmt: skip
MAKERS = {
    "sc.conv2d()": sc.conv2d, "sc.conv2d(bias=True)": lambda: sc.conv2d(bias=True),
    "strided": lambda: sc.conv2d(stride=(2, 3), padding=(1, 0), dilation=(1, 2)),
    "groups": lambda: sc.conv1d(stride=2, padding=1, groups=2),
    "sc.avg_pool2d(2, 2)": lambda: sc.avg_pool2d(2, 2),
    **{f"sc.conv1d(padding=1, border={b!r})": (lambda b=b: sc.conv1d(padding=1, border=b))
       for b in ("reflect", "replicate", "circular", 0.5)},
}  # fmt: skip


@pytest.mark.parametrize(("make", "text", "holds"), CLAIMS, ids=[text for _, text, _ in CLAIMS])
def test_a_claim_with_the_word_is_decided(make: str, text: str, holds: bool) -> None:
    proof = sc.prove(MAKERS[make]() if make in MAKERS else sc.operator(make), text)
    assert proof.holds is holds, str(proof)
    assert holds or proof.counterexample is not None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("np.pad(a, 1)", "pads every axis, batch and channels too"),
        ("a.repeat(2, 1)", "one thing in NumPy and another in torch"),
        ("repeat(a, 2)", "without an axis"),
        ("stack(a)", r"stack is used as stack\(\(a, b\)"),
        ("softmax(a)", "the axis is wanted"),
        ("squeeze(a)", "name them, as in squeeze"),
        ("rot90(a, 1, (0, 0))", "two different axes"),
        ("tensordot(a, b, axes=3)", "3 axes of arrays with 2 and 2"),
        ("rearrange(a, 'i j k -> i j k')", "the pattern has 3 axes on its left; the array has 2"),
        ("rearrange(a, 'i (j k) -> i j k')", "say how long j is"),
        ("rearrange(a, 'i j -> i')", "j stands on one side"),
        ("rearrange(a, 'i (j -> j i')", "closes its parentheses"),
        ("pad(a, 1, mode='mirror')", "the mode of pad is one of constant, reflect"),
        ("norm(a, 3)", "norms of order 1 and 2"),
        ("a.flipp(0)", "did you mean 'flip'"),
        ("softmx(a, 1)", "did you mean 'softmax'"),
        ("tile(a, k=2)", "tile has no option k; it takes repeats"),
        ("a.shape[0, 1]*a", "a shape is indexed by one number"),
    ],
)
def test_what_a_word_does_not_take_is_said(text: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        value(text)
    with pytest.raises(SpecError, match=words):
        sc.prove(op(), f"ga = {text}")
