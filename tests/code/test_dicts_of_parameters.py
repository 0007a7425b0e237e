"""Cells whose parameters come in a dict: each item is a tensor with a gradient of its own."""

from __future__ import annotations

import pytest

import symconv as sc

CELL = """
import numpy as np
def rnn_cell_forward(xt, a_prev, parameters):
    Wax = parameters["Wax"]
    Waa = parameters["Waa"]
    ba = parameters["ba"]
    a_next = np.tanh(np.dot(Wax, xt) + np.dot(Waa, a_prev) + ba)
    return a_next, (a_next, a_prev, xt, parameters)
def rnn_cell_backward(da_next, cache):
    (a_next, a_prev, xt, parameters) = cache
    Wax = parameters["Wax"]
    Waa = parameters["Waa"]
    dtanh = (1 - a_next ** 2) * da_next
    dxt = np.dot(Wax.T, dtanh)
    dWax = np.dot(dtanh, xt.T)
    da_prev = np.dot(Waa.T, dtanh)
    dWaa = np.dot(dtanh, a_prev.T)
    dba = np.sum(dtanh, axis=1, keepdims=True)
    return {"dxt": dxt, "da_prev": da_prev, "dWax": dWax, "dWaa": dWaa, "dba": dba}
"""


def test_a_right_cell_is_proved() -> None:
    proofs = sc.check(CELL, "rnn_cell", explain=False)
    assert {*proofs} == {"xt", "a_prev", "Wax", "Waa", "ba"}
    assert proofs.holds is True


@pytest.mark.parametrize(
    ("right", "wrong", "tensor"),
    [
        ("np.dot(Waa.T, dtanh)", "np.dot(Wax.T, dtanh)", "a_prev"),
        ("np.dot(dtanh, xt.T)", "2 * np.dot(dtanh, xt.T)", "Wax"),
    ],
)
def test_a_wrong_one_is_told_apart(right: str, wrong: str, tensor: str) -> None:
    proofs = sc.check(CELL.replace(right, wrong), "rnn_cell", explain=False)
    assert [name for name, proof in proofs.items() if proof.holds is False] == [tensor]


def test_a_dict_that_is_changed_is_left_alone() -> None:
    with pytest.raises(sc.SymconvError):
        sc.check(
            CELL.replace('    ba = parameters["ba"]\n', '    ba = parameters["ba"]\n    parameters["ba"] = 0\n', 1),
            "rnn_cell",
        )


LAYERS = """
import numpy as np
def layer(x, parameters):
    return x * parameters["W1"]
def net_forward(x, parameters):
    h = layer(x, parameters)
    return h + parameters["W2"] * x, (x, parameters)
def net_backward(dout, cache):
    x, parameters = cache
    return {"dx": dout * (parameters["W1"] + parameters["W2"]), "dW1": dout * x, "dW2": dout * x}
"""


def test_what_a_helper_takes_out_of_the_dict_is_a_tensor_too() -> None:
    proofs = sc.check(LAYERS, "net", explain=False)
    assert {*proofs} == {"x", "W1", "W2"}
    assert proofs.holds is True
    wrong = sc.check(LAYERS.replace('"dW1": dout * x', '"dW1": dout'), "net", explain=False)
    assert [name for name, proof in wrong.items() if proof.holds is False] == ["W1"]


def test_a_dict_that_a_helper_changes_is_left_alone() -> None:
    text = LAYERS.replace(
        '    return x * parameters["W1"]', '    parameters["W1"] = x\n    return x * parameters["W1"]'
    )
    with pytest.raises(sc.SymconvError):
        sc.check(text, "net", explain=False)


UNROLLED = """
import numpy as np
def cell(xt, a, parameters):
    return np.tanh(parameters["Wx"] * xt + parameters["Wa"] * a)
def rnn_forward(x, a0, parameters):
    n, m, T = x.shape
    a = np.zeros((n, m, T))
    now = a0
    for t in range(T):
        now = cell(x[:, :, t], now, parameters)
        a[:, :, t] = now
    return a, (x, parameters)
def rnn_backward(da, cache):
    x, parameters = cache
    return {"dx": da}
"""


def test_a_recurrence_is_refused_for_what_it_is() -> None:
    with pytest.raises(sc.SymconvError, match=r"line 4: now has the value of an earlier iteration"):
        sc.check(UNROLLED, "rnn", explain=False)


COUNTED = """
import numpy as np
def net_forward(X, parameters):
    A = X
    for l in range(1, len(parameters) // 2 + 1):
        A = np.dot(parameters[KEY], A)
    return A, X
def net_backward(dA, X):
    return {"dX": dA}
"""


@pytest.mark.parametrize("key", ['"W" + str(l)', 'f"W{l}"', '"W%d" % l', '"W{}".format(l)'])
def test_tensors_that_are_counted_are_named_in_the_refusal(key: str) -> None:
    with pytest.raises(sc.SymconvError, match=r"line 6: .* is another tensor for each layer, .* not told"):
        sc.check(COUNTED.replace("KEY", key), "net", explain=False)


FILLED = """
import numpy as np
def net_forward(x, params):
    W1, b1, W2 = params["W1"], params["b1"], params["W2"]
    z = x @ W1 + b1
    cache = {}
    cache["x"] = x
    cache["z"] = z
    return z * W2, cache
def net_backward(dout, params, cache):
    grads = {}
    x = cache["x"]
    grads["W2"] = np.sum(dout * cache["z"], axis=0)
    dz = dout * params["W2"]
    grads["W1"] = x.T @ dz
    grads["b1"] = dz.sum(axis=0)
    grads["x"] = dz @ params["W1"].T
    return grads
"""


def test_dicts_of_gradients_and_of_what_is_kept_are_filled_by_keys() -> None:
    proofs = sc.check(FILLED, "net", explain=False)
    assert {*proofs} == {"x", "W1", "b1", "W2"}
    assert proofs.holds is True


@pytest.mark.parametrize(
    ("right", "wrong", "tensor"),
    [
        ('grads["W1"] = x.T @ dz', 'grads["W1"] = x.T @ dout', "W1"),
        ('params["W1"].T', 'params["W1"].T * 2', "x"),
        ("    return grads", '    grads["b1"] *= 2\n    return grads', "b1"),
    ],
)
def test_each_gradient_of_a_filled_dict_is_judged_by_its_own_lines(right: str, wrong: str, tensor: str) -> None:
    assert right in FILLED
    proofs = sc.check(FILLED.replace(right, wrong), "net", explain=False)
    assert [name for name, proof in proofs.items() if proof.holds is False] == [tensor]


def test_a_key_that_is_set_under_a_condition_is_one_of_the_dict() -> None:
    text = FILLED.replace('    grads["b1"] = dz', '    if True:\n        grads["b1"] = dz')
    assert sc.check(text, "net", explain=False).holds is True


def test_keys_that_say_no_gradient_are_asked_for() -> None:
    text = FILLED
    for key in ("W1", "b1", "W2", "x"):
        text = text.replace(f'grads["{key}"]', f'grads["of {key}"]')
    with pytest.raises(sc.SymconvError, match=r"a dict with 'of W2', .* which do not say whose gradients"):
        sc.check(text, "net", explain=False)


@pytest.mark.parametrize("added", ["grads.update(b1=dz.sum(axis=0))", 'grads |= {"b1": dz.sum(axis=0)}'])
def test_gradients_that_are_added_otherwise_are_not_left_out(added: str) -> None:
    text = FILLED.replace('grads["b1"] = dz.sum(axis=0)', added)
    assert text != FILLED
    with pytest.raises(sc.SymconvError, match=r"line 16: gradients are put into grads one by one"):
        sc.check(text, "net", explain=False)
