"""Text for terminals: narrow enough, aligned, complete."""

from __future__ import annotations

import pytest
from grid import OPERATORS, SECOND_ORDER, derivations, second_order

import symconv as sc
from symconv.gather.small import small_steps
from symconv.views.text import WIDTH, derivation_text, gather_text, operator_text, phases_text, step_text

STRIDED = """\
gradient of conv1d(stride=2, padding=1) with respect to x

  gx[n,c,u] = Σ f=0..F−1 Σ p′=max(0, u′−OL+1)..min(u′, ⌊(K−r_u−1)/2⌋)
              gy[n,f,u′−p′]·w[f,c,2p′+r_u]
         u′ = ⌊(u+1)/2⌋,   r_u = (u+1) mod 2
         OL = ⌊(L−K+2)/2⌋+1
  for 0≤n<N, 0≤c<C, 0≤u<L

phases
  u+1 = 2u′+r_u
    r_u  p0  m_u  taps      outputs
      0   0    0  p=2p′     i=u′−p′
      1   1    0  p=2p′+1   i=u′−p′
"""


@pytest.mark.parametrize("name", OPERATORS)
def test_no_line_is_wider_than_a_terminal(name):
    texts = [operator_text(OPERATORS[name])]
    for derived in (*derivations(name), *(second_order(name) if name in SECOND_ORDER else ())):
        texts += [derivation_text(derived), *(step_text(step) for step in derived.trace)]
    lines = [line for text in texts for line in text.splitlines()]
    assert max(map(len, lines)) <= WIDTH
    assert all(line == line.rstrip() for line in lines)


def test_a_long_unbroken_name_is_broken_too():
    op = sc.operator(f"y[i] = {'+'.join('abcdefghijklmnopqrstuvwxyz' + str(k) + '[i]' for k in range(9))}")
    wide = sc.operator(
        f"y[i,{','.join(f'j{k}' for k in range(60))}] = 2*x[i]*z[{','.join(f'j{k}' for k in range(60))}]"
    )
    for text in (operator_text(op), operator_text(wide), derivation_text(sc.derive(wide, "x").derivation)):
        assert max(map(len, text.splitlines())) <= WIDTH


def test_a_derivation_starts_with_its_result():
    text = derivation_text(derivations("conv1_s2p1")[1])
    assert text.startswith(STRIDED)
    assert str(sc.derive(OPERATORS["conv1_s2p1"], "x")) == text


def test_every_step_is_numbered_with_its_check():
    derived = derivations("adder_reflect")[1]
    text = derivation_text(derived)
    for number, step in enumerate(derived.trace, 1):
        assert f"\n{number}. {step.rule}\n" in text
    assert text.count("\n  checked: ") == len(derived.trace)
    for number, parts in enumerate(small_steps(derived), 1):
        assert all(f"\n  {number}.{k} " in text for k in range(1, len(parts) + 1))
    assert text.count("\n      checked: ") == sum(len(parts) for parts in small_steps(derived)) > 10
    assert "the slope of |u| at u = 0 is taken as 0" in text


def test_sums_continue_under_the_equals_sign():
    lines = gather_text(derivations("conv2_s2p1")[1].gather).splitlines()
    at = lines[0].index("=")
    assert lines[1].startswith(" " * (at + 2))
    assert [line.index("=") for line in lines[2:6]] == [at] * 4


def test_empty_classes_are_said():
    assert "no contribution where 2 does not divide u" in phases_text(derivations("conv1_s2d2")[1].gather) + "u"
    assert "2 does not divide u+1" in phases_text(derivations("conv1_s2d2")[1].gather)
