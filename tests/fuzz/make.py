"""Write the corpora beside this file: ``python tests/fuzz/make.py``. Seeded: the same files every time.

Half of a corpus is drawn from the grammar, half are such texts with characters exchanged, dropped, doubled or swapped;
the hostile ones that once got through are kept by hand in ``hostile.json``.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

FOLDER = Path(__file__).parent
ALPHABET = "abcxyzwijknpqsumaxmeanexp0123456789+-*/()[]{},=.: <>'\"\\^_~é½²٣∑\u200b\t\n"
FUNCTIONS = ("abs", "exp", "tanh", "relu", "sqrt", "sin", "sign", "sigmoid", "log")
REDUCTIONS = ("sum", "max", "min", "mean")


def _index(rng: random.Random, axis: str, tap: str) -> str:
    form = rng.choice(
        ("{a}+{t}", "{s}*{a}+{t}", "{a}+{d}*{t}-{o}", "{s}*{a}+{t}-{o}", "{a}-{t}", "{a}", "({a}+{o}-{t})/{s}")
    )
    return form.format(a=axis, t=tap, s=rng.randint(1, 3), d=rng.randint(1, 3), o=rng.randint(0, 3))


def _term(rng: random.Random, read: str, depth: int) -> str:
    match rng.randrange(6 if depth else 3):
        case 0:
            return read
        case 1:
            return f"{read}*w[f,c,p]"
        case 2:
            return rng.choice(("w[f,c,p]", "b[f]", "2", "0.5", "pi"))
        case 3:
            return f"{rng.choice(FUNCTIONS)}({_term(rng, read, depth - 1)})"
        case 4:
            return f"({_term(rng, read, depth - 1)} {rng.choice('+-*/')} {_term(rng, read, depth - 1)})"
        case _:
            return f"({_term(rng, read, depth - 1)})**{rng.choice(('2', '3', '0.5', '-1'))}"


def formula(rng: random.Random) -> str:
    """One forward formula of the grammar; not all mean something."""
    read = f"x[n,c,{_index(rng, 'i', 'p')}]"
    first = rng.choice((f"{read}*w[f,c,p]", f"abs({read} - w[f,c,p])", f"{read} + w[f,c,p]"))
    return f"y[n,f,i] = {rng.choice(REDUCTIONS)}[c,p]({first} {rng.choice('+-*')} {_term(rng, read, 2)})"


def claim(rng: random.Random) -> str:
    """One claim about a gradient of ``conv1d``; most are false."""
    operand = rng.choice(
        ("gy", "flip(w)", "x", "w", "pad(gy, {a})", "dilate(gy, {a})", "swap(w, 0, 1)", "{a}*gy", "gy[:, :, ::{a}]")
    )
    other = rng.choice(("w", "flip(w)", "swap(flip(w), 0, 1)", "x", "gy"))
    function = rng.choice(("conv1d", "conv_transpose1d", "correlate", "conv", "matmul", "einsum"))
    rest = rng.choice(("", ", padding={a}", ", stride={a}", ", padding=K-1-p", ", groups={a}", ", padding=K - {a}"))
    text = f"{rng.choice(('gx', 'gw', 'gb', 'y'))} = {function}({operand}, {other}{rest})"
    return text.replace("{a}", str(rng.randint(0, 4)))


def spec(rng: random.Random) -> str:
    """One specification file."""
    border = rng.choice(('"zero"', '"skip"', '"reflect"', "0.5", "[]"))
    lines = [f'formula = "{formula(rng)}"', f"border = {border}"]
    if rng.random() < 0.5:
        padding = rng.choice(("1", "[1, 2]", "[[0, 1]]", "-1", '"same"'))
        lines.append(f"padding = {padding}")
    if rng.random() < 0.3:
        lines.append("[extents]\np = 3")
    return "\n".join(lines) + "\n"


def spoiled(rng: random.Random, text: str) -> str:
    """The text with one to four characters exchanged, dropped, doubled or swapped."""
    letters = list(text)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(letters))
        match rng.randrange(4):
            case 0:
                letters[at] = rng.choice(ALPHABET)
            case 1:
                del letters[at]
            case 2:
                letters.insert(at, rng.choice(ALPHABET))
            case _:
                other = rng.randrange(len(letters))
                letters[at], letters[other] = letters[other], letters[at]
    return "".join(letters)


def main() -> None:
    for seed, (name, draw, count) in enumerate(
        (("formulas", formula, 400), ("claims", claim, 120), ("specs", spec, 100))
    ):
        rng = random.Random(seed)
        drawn = [draw(rng) for _ in range(count // 2)]
        texts = list(dict.fromkeys(drawn + [spoiled(rng, text) for text in drawn]))
        (FOLDER / f"{name}.json").write_text(json.dumps(texts, indent=0, ensure_ascii=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
