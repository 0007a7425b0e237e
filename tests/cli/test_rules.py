"""The rule that sums a family up: true of every member, and in few words."""

from __future__ import annotations

from itertools import product

import pytest

from symconv.commands.rules import rule

PAIRS = list(product((1, 2, 3), (0, 1)))


@pytest.mark.parametrize(
    ("holds", "words"),
    [
        (lambda s, p: "always", "holds for all sizes in every case"),
        (lambda s, p: "never", "holds for no size in any case"),
        (lambda s, p: "always" if s == 1 else "R", "holds iff s = 1 or R"),
        (lambda s, p: "always" if p == 0 else "never", "holds iff p = 0"),
        (lambda s, p: "R", "holds iff R"),
        (lambda s, p: "R" if s > 1 else "never", "holds iff s ≠ 1 and R"),
        (lambda s, p: "always" if s == 2 and p == 1 else "never", "holds iff s = 2 and p = 1"),
        (lambda s, p: "always" if s == 2 or p == 1 else "never", "holds iff (s = 2 or p = 1)"),
        (lambda s, p: "always" if s <= p else "R", "holds iff s = p or R"),
        (lambda s, p: "always" if (s + p) % 3 == 0 and s != 3 else "R" if s + p == 1 else "never",
         "holds iff (s = 2 and p = 1) or (s = 1 and p = 0 and R)"),
        (lambda s, p: "always" if (s + p) % 2 else "never", ""),
    ],
)  # fmt: skip
def test_a_rule_is_said(holds, words) -> None:
    assert rule(("stride", "padding"), {values: holds(*values) for values in PAIRS}) == words
