"""The rule that sums a family up: true of every member, and in few words."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from symconv.commands.rules import rule

TRIPLES = list(product((1, 2, 3), (0, 1, 2), (1, 2)))
NAMES = ("stride", "padding", "dilation")
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
        (lambda s, p: "always" if s == 2 or p == 1 else "never", "holds iff s = 2 or p = 1"),
        (lambda s, p: "always" if s <= p else "R", "holds iff s = p or R"),
        (lambda s, p: "always" if (s + p) % 3 == 0 and s != 3 else "R" if s + p == 1 else "never",
         "holds iff (s = 2 and p = 1) or (s = 1 and p = 0 and R)"),
        (lambda s, p: "always" if (s + p) % 2 else "never", "holds iff (s = 2 and p = 1) or (s ≠ 2 and p = 0)"),
        (lambda s, p: f"R{s}{p}", ""),
        (lambda s, p: f"R{s}{p}" if s > 1 else "always", "holds for all sizes iff s = 1; for some sizes as the table says"),
    ],
)  # fmt: skip
def test_a_rule_is_said(holds, words) -> None:
    assert rule(("stride", "padding"), {values: holds(*values) for values in PAIRS}) == words


def parts(text: str, word: str) -> list[str]:
    """The text cut at a word that stands in no parentheses."""
    found, depth, start = [], 0, 0
    for k, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and text.startswith(word, k):
            found.append(text[start:k])
            start = k + len(word)
    return [*found, text[start:]]


def truth(text: str, known: dict[str, int | bool]) -> bool:
    """Whether a rule holds for parameters and conditions with these values."""
    for word, combined in ((" or ", any), (" and ", all)):
        if len(cut := parts(text, word)) > 1:
            return combined(truth(one, known) for one in cut)
    if " in {" in text:
        names, _, listed = text.partition(" in ")
        values = tuple(int(known[name]) for name in names.strip("()").split(", "))
        return str(values) in listed
    if text.startswith("(") and text.endswith(")"):
        return truth(text[1:-1], known)
    if text in known:
        return bool(known[text])
    left, sign, right = text.split(" ")
    a, b = known[left], known[right] if right in known else int(right)
    return {"=": a == b, "≠": a != b, "≥": a >= b, "≤": a <= b}[sign]


def agree(said: str, holds: dict[tuple[int, ...], str]) -> None:
    """That a rule says of every row, for all truths of the conditions, what the row says."""
    for values, text in holds.items():
        for r, t in product((False, True), repeat=2):
            known = {**dict(zip("spd", values, strict=True)), "R": r, "T": t, "always": True, "never": False}
            if said.startswith("holds for all sizes iff "):
                words = said.removeprefix("holds for all sizes iff ").partition(";")[0]
                assert truth(words, known) == (text == "always"), (said, values)
            if said.startswith("holds iff "):
                assert truth(said.removeprefix("holds iff "), known) == truth(text, known), (said, values)


@pytest.mark.parametrize(
    ("holds", "words"),
    [
        (lambda s, p, d: "always" if s == 1 else "R", "holds iff s = 1 or R"),
        (lambda s, p, d: "never" if p == 1 else "always" if s == 1 or d == 1 else "R",
         "holds iff p ≠ 1 and (s = 1 or d = 1 or R)"),
        (lambda s, p, d: "never" if p else " and ".join(["R"] * (s > 1) + ["T"] * (d > 1)) or "always",
         "holds iff p = 0 and (s = 1 or R) and (d = 1 or T)"),
        (lambda s, p, d: " and ".join(["R"] * (s > 1) + ["T"] * (d > 1)) or "always", "holds iff (s = 1 or R) and (d = 1 or T)"),
        (lambda s, p, d: "always" if p == d and s != 2 else "never", "holds iff s ≠ 2 and p = d"),
        (lambda s, p, d: "always" if s == p == d else "R", "holds iff (s = p and s = d) or R"),
        (lambda s, p, d: "always" if s == 2 and p > 0 and d == 1 else "never", "holds iff s = 2 and p ≠ 0 and d = 1"),
        (lambda s, p, d: "always" if s == 2 or p == 2 or d == 2 else "R", "holds iff s = 2 or p = 2 or d = 2 or R"),
        (lambda s, p, d: "R or T" if s > 1 else "always", "holds iff s = 1 or R or T"),
    ],
)  # fmt: skip
def test_a_rule_of_three_parameters_is_said(holds, words) -> None:
    rows = {values: holds(*values) for values in TRIPLES}
    assert rule(NAMES, rows) == words
    agree(words, rows)


@pytest.mark.parametrize("seed", range(12))
def test_what_is_said_is_true_of_every_row(seed: int) -> None:
    rng = Random(seed)
    atoms = [lambda v, a=a, n=n: v[a] == n for a, n in ((0, 1), (0, 2), (1, 0), (1, 2), (2, 1))]
    one, other, third = (rng.choice(atoms) for _ in range(3))
    texts = rng.sample(["always", "never", "R", "T", "R and T", "R or T"], 3)
    rows = {v: texts[0] if one(v) and other(v) else texts[1] for v in TRIPLES}
    said = rule(NAMES, rows)
    assert said, rows
    agree(said, rows)
    three = {v: texts[2] if third(v) else text for v, text in rows.items()}
    agree(rule(NAMES, three), three)
    drawn = {v: rng.choice(["always", "never", "R", "R and T"]) for v in TRIPLES}
    agree(rule(NAMES, drawn), drawn)
