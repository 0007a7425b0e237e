"""A loss over a sequence whose steps are kept in dicts, as the shortest text of a recurrent net has it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symconv as sc

NET = '''
import numpy as np

hidden_size, vocab_size = 3, 4
Wxh = np.random.randn(hidden_size, vocab_size)*0.5
Whh = np.random.randn(hidden_size, hidden_size)*0.5
Why = np.random.randn(vocab_size, hidden_size)*0.5
bh = np.zeros((hidden_size, 1))
by = np.zeros((vocab_size, 1))

def lossFun(inputs, targets, hprev):
  """
  inputs,targets are both list of integers.
  hprev is Hx1 array of initial hidden state
  returns the loss, gradients on model parameters, and last hidden state
  """
  xs, hs, ys, ps = {}, {}, {}, {}
  hs[-1] = np.copy(hprev)
  loss = 0
  for t in range(len(inputs)):
    xs[t] = np.zeros((vocab_size,1))
    xs[t][inputs[t]] = 1
    hs[t] = np.tanh(np.dot(Wxh, xs[t]) + np.dot(Whh, hs[t-1]) + bh)
    ys[t] = np.dot(Why, hs[t]) + by
    ps[t] = np.exp(ys[t]) / np.sum(np.exp(ys[t]))
    loss += -np.log(ps[t][targets[t],0])
  dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
  dbh, dby = np.zeros_like(bh), np.zeros_like(by)
  dhnext = np.zeros_like(hs[0])
  for t in reversed(range(len(inputs))):
    dy = np.copy(ps[t])
    dy[targets[t]] -= 1
    dWhy += np.dot(dy, hs[t].T)
    dby += dy
    dh = np.dot(Why.T, dy) + dhnext
    dhraw = (1 - hs[t] * hs[t]) * dh
    dbh += dhraw
    dWxh += np.dot(dhraw, xs[t].T)
    dWhh += np.dot(dhraw, hs[t-1].T)
    dhnext = np.dot(Whh.T, dhraw)
  for dparam in [dWxh, dWhh, dWhy, dbh, dby]:
    np.clip(dparam, -50, 50, out=dparam)
  return loss, dWxh, dWhh, dWhy, dbh, dby, hs[len(inputs)-1]
'''
ALL = ("Wxh", "Whh", "Why", "bh", "by")
SLIPS = {
    "the state behind": ("np.dot(dhraw, hs[t-1].T)", "np.dot(dhraw, hs[t].T)", {"Whh"}),
    "nothing carried": (" + dhnext\n", "\n", {"Wxh", "Whh", "bh"}),
    "not turned": ("np.dot(Whh.T, dhraw)", "np.dot(Whh, dhraw)", {"Wxh", "Whh", "bh"}),
    "the other sign": ("dy[targets[t]] -= 1", "dy[targets[t]] += 1", {*ALL}),
    "the last step alone": ("dbh += dhraw", "dbh = dhraw", {"bh"}),
    "slope of another function": ("(1 - hs[t] * hs[t])", "hs[t] * (1 - hs[t])", {"Wxh", "Whh", "bh"}),
    "with the slope carried": ("dhnext = np.dot(Whh.T, dhraw)", "dhnext = np.dot(Whh.T, dh)", {"Wxh", "Whh", "bh"}),
}


def wrong(text: str) -> set[str]:
    """The gradients that are none of difference quotients, in a sequence of four."""
    np.random.seed(5)
    space: dict[str, Any] = {}
    exec(compile(text, "net", "exec"), space)  # noqa: S102
    given = [1, 3, 0, 3], [3, 0, 2, 1], np.random.randn(3, 1)
    space["bh"] += 0.2
    grads = dict(zip(ALL, space["lossFun"](*given)[1:6], strict=True))
    found = set()
    for name in ALL:
        array, want = space[name], np.zeros_like(space[name])
        for place in np.ndindex(*array.shape):
            held, ends = array[place], []
            for step in (1e-6, -1e-6):
                array[place] = held + step
                ends.append(float(space["lossFun"](*given)[0]))
            array[place], want[place] = held, (ends[0] - ends[1]) / 2e-6
        if not np.allclose(grads[name], want, atol=1e-6):
            found.add(name)
    return found


def test_steps_in_dicts_are_proved_for_sequences_of_any_length() -> None:
    assert not wrong(NET)
    proofs = sc.check(NET, "lossFun", explain=False)
    assert proofs.holds is True and tuple(proofs) == ALL
    told = " ".join(str(proofs["Whh"]).split())
    assert "by induction in sequences of any length" in told
    assert "what is clipped in line 41 is told before that" in told
    assert "np.clip(" in NET.splitlines()[41]


@pytest.mark.parametrize("slip", [
    "the state behind", "nothing carried",
    *(pytest.param(one, marks=pytest.mark.full) for one in SLIPS if one not in ("the state behind", "nothing carried")),
])  # fmt: skip
def test_a_slip_is_found_in_a_sequence_of_one_or_two(slip: str) -> None:
    right, other, told = SLIPS[slip]
    assert NET.count(right) == 1
    text = NET.replace(right, other)
    assert wrong(text) == told
    proofs = sc.check(text, "lossFun", explain=False)
    found = {name for name, one in proofs.items() if one.holds is False}
    assert found and found <= told
    assert not any(one.holds for name, one in proofs.items() if name in told)
    assert all("in a sequence of" in str(proofs[name]) for name in found)


def test_the_line_is_that_of_the_text_and_no_edit_is_of_what_was_written_out() -> None:
    right, other, _ = SLIPS["the other sign"]
    proof = sc.check(NET.replace(right, other), "lossFun")["Why"]
    assert proof.holds is False and not proof.repair
    assert proof.line is not None and "dy[targets[t]] += 1" in NET.replace(right, other).splitlines()[proof.line - 1]


TRAPS = {
    "what the last step has left": [("xs[t] = np.zeros", "x = np.zeros"), ("xs[t][", "x["), ("(Wxh, xs[t])", "(Wxh, x)"),
                                    ("xs[t].T", "x.T")],
    "a mean of the loss alone": [("  dWxh, dWhh, dWhy = np", "  loss = loss / len(inputs)\n  dWxh, dWhh, dWhy = np")],
    "weights of steps": [("loss += -np.log(ps[t][targets[t],0])", "loss += -(1 + t) * np.log(ps[t][targets[t],0])")],
    "a state that is changed": [("    dbh += dhraw\n", "    dbh += dhraw\n    hs[t-1] *= 2\n")],
    "a loss that begins with 1 and is squared": [("loss += -np.log(ps[t][targets[t],0])",
                                                  "loss += -np.log(ps[t][targets[t],0]) * (1 + loss)")],
    "a sum that is read": [("dhnext = np.dot(Whh.T, dhraw)", "dhnext = np.dot(Whh.T, dhraw) + 0 * dbh + dbh - dhraw")],
}  # fmt: skip


@pytest.mark.parametrize("trap", [*TRAPS])
def test_what_one_step_does_not_show_is_not_proved_by_one(trap: str) -> None:
    text = NET
    for right, other in TRAPS[trap]:
        assert right in text
        text = text.replace(right, other)
    bad = wrong(text)
    assert bad
    try:
        proofs = sc.check(text, "lossFun", explain=False)
    except sc.SpecError:
        return
    assert not any(proofs[name].holds for name in bad)


LSTM_LIKE = NET.replace("range(len(inputs))", "range(T)").replace("  loss = 0\n", "  loss = 0\n  T = len(inputs)\n")


@pytest.mark.full
def test_the_number_of_steps_may_have_a_name() -> None:
    text = LSTM_LIKE.replace("reversed(range(T))", "range(T - 1, -1, -1)")
    assert not wrong(text)
    assert sc.check(text, "lossFun", explain=False).holds is True


def test_what_is_summed_over_a_sequence_may_be_read_around_its_end() -> None:
    """Over all steps ``targets[t-1]`` are the same ones as ``targets[t]``: ``by`` is right, which one step is not."""
    around = "    dy2 = np.copy(ps[t])\n    dy2[targets[t-1]] -= 1\n    dby += dy2\n"
    text = NET.replace("    dby += dy\n", around)
    assert not wrong(text)
    proofs = sc.check(text, "lossFun", explain=False)
    assert {name: one.holds for name, one in proofs.items()} == {**dict.fromkeys(ALL, True), "by": None}
    assert "not every step of the loop backwards" in proofs["by"].reason
    every = NET.replace("dy[targets[t]] -= 1", "dy[targets[t-1]] -= 1")
    assert wrong(every) == {"Wxh", "Whh", "Why", "bh"}
    proofs = sc.check(every, "lossFun", explain=False)
    assert {name for name, one in proofs.items() if one.holds is False} == wrong(every)
    assert proofs["by"].holds is None and "in a sequence of 2 elements" in str(proofs["Why"])


@pytest.mark.full
@pytest.mark.parametrize("slip", ["", "the state behind", "the other sign"])
def test_targets_may_be_those_behind(slip: str) -> None:
    """``targets[t+1]`` there and back: they are one longer than what is read."""
    right, other, told = SLIPS.get(slip, ("", "", set[str]()))
    text = NET.replace(right, other).replace("targets[t", "targets[t+1")
    proofs = sc.check(text, "lossFun", explain=False)
    found = {name for name, one in proofs.items() if one.holds is False}
    assert found <= told and bool(found) == bool(slip)
    assert found or proofs.holds is True


@pytest.mark.full
def test_what_is_clipped_on_its_way_back_is_wrong_where_it_is_large() -> None:
    text = NET.replace("np.dot(Whh.T, dhraw)\n", "np.clip(np.dot(Whh.T, dhraw), -5, 5)\n")
    assert text != NET
    proofs = sc.check(text, "lossFun", explain=False)
    assert {name: one.holds for name, one in proofs.items() if name != "Why"} == {
        **dict.fromkeys(("Wxh", "Whh", "bh"), False), "by": None}  # fmt: skip
