"""Layers with a mode and a dict of parameters, as courses write them, and losses that pick labels by a range."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import symconv as sc

NORM = """
import numpy as np
def norm_forward(x, gamma, beta, bn_param):
    mode = bn_param["mode"]
    eps = bn_param.get("eps", 1e-5)
    momentum = bn_param.get("momentum", 0.9)
    F, D = x.shape
    running_mean = bn_param.get("running_mean", np.zeros(D, dtype=x.dtype))
    running_var = bn_param.get("running_var", np.zeros(D, dtype=x.dtype))
    if mode == "train":
        mean, var = x.mean(axis=0), x.var(axis=0)
        std = np.sqrt(var + eps)
        normed = (x - mean) / std
        out = gamma * normed + beta
        running_mean = momentum * running_mean + (1 - momentum) * mean
        running_var = momentum * running_var + (1 - momentum) * var
        cache = (normed, std, gamma)
    elif mode == "test":
        out, cache = gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta, None
    else:
        raise ValueError(mode)
    bn_param["running_mean"] = running_mean
    bn_param["running_var"] = running_var
    return out, cache
def norm_backward(dout, cache):
    normed, std, gamma = cache
    dgamma, dbeta = (dout * normed).sum(axis=0), dout.sum(axis=0)
    dhat = dout * gamma
    dx = (dhat - dhat.mean(axis=0) - normed * (dhat * normed).mean(axis=0)) / std
    return dx, dgamma, dbeta
def norm_backward_alt(dout, cache):
    normed, std, gamma = cache
    N = dout.shape[0]
    dgamma, dbeta = np.sum(dout * normed, axis=0), np.sum(dout, axis=0)
    return gamma / std / N * (N * dout - dbeta - normed * dgamma), dgamma, dbeta
"""
CENTRED = """
import numpy as np
def centre_forward(x, gamma, beta, bn_param):
    momentum = bn_param.get("momentum", 0.9)
    F, D = x.shape
    running_mean = bn_param.get("running_mean", np.zeros(D, dtype=x.dtype))
    if bn_param["mode"] == "train":
        mean = x.mean(axis=0)
        out, cache = gamma * (x - mean) + beta, (x - mean, gamma)
        running_mean = momentum * running_mean + (1 - momentum) * mean
    elif bn_param["mode"] == "test":
        out, cache = gamma * (x - running_mean) + beta, None
    else:
        raise ValueError(bn_param["mode"])
    bn_param["running_mean"] = running_mean
    return out, cache
def centre_backward(dout, cache):
    centred, gamma = cache
    dx = gamma * (dout - dout.mean(axis=0))
    return dx, (dout * centred).sum(axis=0), dout.sum(axis=0)
def centre_backward_alt(dout, cache):
    centred, gamma = cache
    dbeta = dout.sum(axis=0)
    return gamma * (dout - dbeta / dout.shape[0]), np.sum(dout * centred, axis=0), dbeta
"""
DROPOUT = """
import numpy as np
def dropout_forward(x, dropout_param):
    p, mode = dropout_param["p"], dropout_param["mode"]
    if "seed" in dropout_param:
        np.random.seed(dropout_param["seed"])
    mask = None
    if mode == "train":
        mask = (np.random.rand(*x.shape) < p) / p
        out = x * mask
    elif mode == "test":
        out = x
    return out.astype(x.dtype, copy=False), (dropout_param, mask)
def dropout_backward(dout, cache):
    dropout_param, mask = cache
    if dropout_param["mode"] == "train":
        dx = dout * mask
    elif dropout_param["mode"] == "test":
        dx = dout
    return dx
"""
SOFTMAX = """
import numpy as np
def softmax_loss(W, X, y, reg):
    num_train = X.shape[0]
    scores = X.dot(W)
    scores -= np.max(scores, axis=1, keepdims=True)
    probs = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
    loss = np.sum(-np.log(probs[range(num_train), y])) / num_train + reg * np.sum(W * W)
    probs[range(num_train), y] -= 1
    dW = X.T.dot(probs) / num_train + 2 * reg * W
    return loss, dW
"""
CASES = {
    "centre": (CENTRED, "centre_backward", "(dout - dout.mean(axis=0))", "(dout - dout.sum(axis=0))"),
    "centre again": (CENTRED, "centre_backward_alt", "- dbeta / dout.shape[0]", "- dbeta"),
    "norm": (NORM, "norm_backward", "- normed * (dhat * normed).mean(axis=0)", "- (dhat * normed).mean(axis=0)"),
    "again": (NORM, "norm_backward_alt", "gamma / std / N *", "gamma / std *"),
    "dropout": (DROPOUT, "dropout", "dx = dout * mask", "dx = dout"),
    "softmax": (SOFTMAX, "softmax_loss", "X.T.dot(probs) / num_train", "X.T.dot(probs)"),
}


def right_when_run(text: str, name: str) -> bool:
    """Whether difference quotients of the text's own forward function say so, for its first array."""
    space: dict[str, Any] = {}
    exec(compile(text, "layer", "exec"), space)  # noqa: S102
    rng = np.random.default_rng(3)
    x, others = rng.normal(size=(4, 3)), (rng.normal(size=3), rng.normal(size=3))
    if "loss" in name:
        rows, y = rng.normal(size=(5, 4)), rng.integers(0, 3, 5)
        gradient = space[name](x, rows, y, 0.25)[1]

        def value() -> Any:
            return space[name](x, rows, y, 0.25)[0]

    else:
        said = {"mode": "train", "p": 0.75, "seed": 0}
        given = () if "dropout" in name else others
        run = space[f"{name.partition('_')[0]}_forward"]
        dout = rng.normal(size=(4, 3))
        backward = space[name if "backward" in name else f"{name}_backward"](dout, run(x, *given, {**said})[1])
        gradient = backward[0] if given else backward

        def value() -> Any:
            return (run(x, *given, {**said})[0] * dout).sum()

    step, sums = rng.normal(size=x.shape) * 1e-5, []
    for move in (step, -2 * step):
        x += move
        sums.append(value())
    return bool(np.isclose((sums[0] - sums[1]) / 2, (gradient * step).sum(), rtol=1e-5, atol=1e-9))


def verdicts(proofs: Mapping[str, Any]) -> dict[str, bool | None]:
    return {name: proof.holds for name, proof in proofs.items()}


@pytest.mark.parametrize("case", [pytest.param(one, marks=[pytest.mark.full] if CASES[one][0] is NORM else [])
                                  for one in CASES])  # fmt: skip
def test_a_layer_in_training_is_proved_and_a_mistake_in_it_refuted(case: str) -> None:
    text, name, line, wrong = CASES[case]
    assert text.count(line) == 1
    first = "w" if case == "softmax" else "x"
    for one, right in ((text, True), (text.replace(line, wrong), False)):
        assert right_when_run(one, name) is right
        assert verdicts(sc.check(one, name, explain=False))[first] is right


def test_what_a_dict_holds_after_it_was_changed_is_not_taken_for_what_it_held() -> None:
    text = SCALED.replace("return x", 'param["pad"] = 3\n    return x')
    with pytest.raises(sc.SymconvError, match=r"param\['pad'\] is read after it was changed"):
        sc.check(text, "scale", explain=False)
    assert sc.check(SCALED, "scale", explain=False).holds is True
    looped = SCALED.replace("    return x", '    for i in range(x.shape[0]):\n        param["pad"] = i\n    return x')
    with pytest.raises(sc.SymconvError, match="in a loop over a size"):
        sc.check(looped, "scale", explain=False)


def test_a_mode_that_nothing_tells_is_asked_for() -> None:
    with pytest.raises(sc.SymconvError, match="what mode is cannot be told"):
        sc.check(DROPOUT.replace('"train"', '"fit"'), "dropout", explain=False)
    assert sc.check(DROPOUT, "dropout", {"dropout_param": {"mode": "test", "p": 2}}, explain=False).holds is True


SCALED = """
import numpy as np
def scale_forward(x, param):
    return x * (1 + param["pad"]), param
def scale_backward(dout, param):
    return dout * (1 + param["pad"])
"""
