"""``match`` and ``try``: decided as the statements that they are short for, and left where they are not."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.code.source.cases import plainly

LAYER = """
import numpy as np

def act_forward(x, kind):
    '''x: (N, C)'''
    match kind:
        case "relu":
            y = np.maximum(x, 0)
        case "tanh" | "th":
            y = np.tanh(x)
        case _:
            raise ValueError(kind)
    return y, (x, y, kind)

def act_backward(dy, cache):
    match cache:
        case (x, y):
            raise ValueError("no kind")
        case (x, y, kind):
            try:
                match kind:
                    case "relu":
                        d = x > 0
                    case "tanh" | "th":
                        d = 1 - y**2
                    case _:
                        d = 0
                dx = dy * d
            except ValueError as error:
                raise RuntimeError("no gradient") from error
            finally:
                print("done")
    return dx
"""
SIZES = """
import numpy as np

def scale_forward(x, w):
    match x.shape:
        case (n, c):
            return x * w, (x, w)
        case _:
            raise ValueError(x.shape)

def scale_backward(dy, cache):
    match cache:
        case x, w:
            return dy * w, (dy * x).sum(0)
"""


def differences(text: str, arrays: tuple[Any, ...], names: tuple[str, str], more: tuple[Any, ...] = ()) -> list[bool]:
    """Which gradients are those of difference quotients."""
    space: dict[str, Any] = {}
    exec(compile(text, "layer", "exec"), space)  # noqa: S102
    forward, backward = (space[name] for name in names)
    y, cache = forward(*arrays, *more)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    got = backward(dy, cache)
    right = []
    for array, one in zip(arrays, got if isinstance(got, tuple) else (got,), strict=True):
        want = np.zeros_like(array)
        for place in np.ndindex(*array.shape):
            held, ends = array[place], []
            for step in (1e-6, -1e-6):
                array[place] = held + step
                ends.append((forward(*arrays, *more)[0] * dy).sum())
            array[place], want[place] = held, (ends[0] - ends[1]) / 2e-6
        right.append(want.shape == one.shape and np.allclose(one, want, atol=1e-6))
    return right


@pytest.mark.parametrize(("right", "other", "wrong"), [
    ("", "", ()), ("d = x > 0", "d = y < 0", ("relu",)), ("1 - y**2", "1 - y", ("tanh", "th")),
])  # fmt: skip
def test_modes_are_matched(right: str, other: str, wrong: tuple[str, ...]) -> None:
    text = LAYER.replace(right, other) if right else LAYER
    x = np.random.default_rng(0).standard_normal((2, 3))
    for kind in ("relu", "tanh", "th"):
        assert differences(text, (x,), ("act_forward", "act_backward"), (kind,)) == [kind not in wrong]
        assert sc.check(text, "act", arguments={"kind": kind}, explain=False).holds is (kind not in wrong)
    assert sc.check(text, "act", explain=False).holds is (not wrong)


@pytest.mark.parametrize(("right", "other", "told"), [("", "", [True, True]), ("dy * w,", "dy * x,", [False, True])])
def test_shapes_and_caches_are_matched(right: str, other: str, told: list[bool]) -> None:
    text = SIZES.replace(right, other) if right else SIZES
    rng = np.random.default_rng(0)
    arrays = (rng.standard_normal((2, 3)), rng.standard_normal(3))
    assert differences(text, arrays, ("scale_forward", "scale_backward")) == told
    proofs = sc.check(text.replace("def scale_forward(x, w):", "def scale_forward(x, w):\n    'w: (C,)'"))
    assert [one.holds for one in proofs.values()] == told
    assert told[0] or proofs["x"].line in {14, 15}


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("match n:\n  case 1: a = 1\n  case k if k > 2: a = k\n  case _: a = 0", "if n == 1:\n    a = 1\nelse:\n    k = n\n    if k > 2:\n        a = k\n    else:\n        a = 0"),
        ("match f(n):\n  case None: a = 1", "__matched_2 = f(n)\nif __matched_2 is None:\n    a = 1"),
        ("match n:\n  case 1 if ok: a = 1\n  case 2: a = 2", "if n == 1 and ok:\n    a = 1\nelif n == 2:\n    a = 2"),
        ("try:\n  a = 1\nexcept (E, D):\n  print(1)\n  raise\nelse:\n  b = 2", "a = 1\nb = 2"),
    ],
)  # fmt: skip
def test_they_are_told_by_plain_statements(text: str, plain: str) -> None:
    def within(body: str) -> ast.Module:
        return ast.parse("def f(n):\n" + "\n".join(f"    {line}" for line in body.splitlines()))

    assert ast.unparse(plainly(within(text))) == ast.unparse(within(plain))


@pytest.mark.parametrize("text", [
    "try:\n  a = 1\nexcept E:\n  a = 2", "try:\n  return 1\nfinally:\n  n = 2", "try:\n  a = 1\nexcept E:\n  return 2\n  raise",
    "match n:\n  case {'a': 1}: a = 1", "match n:\n  case [1, *_]: a = 1", "match n:\n  case (a, b) if a > b: c = 1",
])  # fmt: skip
def test_what_says_more_is_left(text: str) -> None:
    tree = ast.parse("def f(n):\n" + "\n".join(f"    {line}" for line in text.splitlines()))
    before = ast.unparse(tree)
    assert ast.unparse(plainly(tree)) == before


def test_an_array_is_no_sequence_to_match() -> None:
    text = """
import numpy as np

def f_forward(x):
    "x: (N, C)"
    match x:
        case (a, b):
            y = 3 * x
        case _:
            y = x * x
    return y, x

def f_backward(dy, x):
    return 2 * x * dy
"""
    assert sc.check(text, "f").holds


def test_what_is_not_read_is_told_with_what_is() -> None:
    text = "import numpy as np\ndef f_forward(x):\n    'x: (N,)'\n    try:\n        y = 2 * x\n    except ValueError:\n        y = x\n    return y, x\ndef f_backward(dy, x):\n    return 2 * dy\n"
    with pytest.raises(sc.SpecError, match="line 4: try is read where every except ends in raise"):
        sc.check(text, "f")
