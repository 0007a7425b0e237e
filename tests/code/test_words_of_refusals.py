"""What is not read is told with its line and in the words of the text, never in those of the reader or of Python."""

from __future__ import annotations

import re

import pytest

import symconv as sc

_HEAD = "import numpy as np\n\ndef f_forward(x, w):\n    return x * w, (x, w)\n\n"
_INNER = re.compile(
    r"\b[A-Z]\w*(Error|Exception|Expr|Comp|Stmt)\b|NoneType|object has no|Affine\(|Box\(|opaque|\bpack\b"
)

ODD = {
    "nothing is stacked": "return np.stack([]) * w, dout * x",
    "a pad of three": "return np.pad(dout * w, ((1, 2, 3),)), dout * x",
    "two ellipses": "return dout[..., ...] * w, dout * x",
    "positions are changed": "a = np.arange(len(x))\n    for i in range(len(x)):\n        a += i\n    return dout * w * a[0], dout * x",
    "a key that is a number": "d = {1: w}\n    return dout * d[0], dout * x",
    "a key that is missing": "d = {'w': w}\n    return dout * d['v'], dout * x",
    "an empty dict": "d = {}\n    return dout * d['v'], dout * x",
    "a word of a number": "a = 3\n    return dout * w * a.foo, dout * x",
    "the shape of a number": "a = 3\n    return dout * w * a.shape[0], dout * x",
    "an imaginary number": "return dout * w * 1j, dout * x",
    "a number too large": "return dout * w * 1e400, dout * x",
    "a text": "return dout * w + 'a', dout * x",
    "one text": "return 'a', 'b'",
    "one number": "return 3",
    "a tuple in a tuple": "return (dout * w, (dout * x,))",
    "a function": "return f_forward, dout * x",
    "wait": "return await dout * w, dout * x",
    "a class": "class A:\n        k = 1\n    return dout * w * A.k, dout * x",
    "a set of a loop": "s = {k for k in range(3)}\n    return dout * w * s, dout * x",
    "one argument": "return np.multiply(dout), dout * x",
    "a name of nothing": "return dout * v, dout * x",
    "at": "return dout.at[0].set(1) * w, dout * x",
}  # fmt: skip


@pytest.mark.parametrize("odd", [*ODD])
def test_odd_functions_are_told_in_words(odd: str) -> None:
    text = f"{_HEAD}def f_backward(dout, cache):\n    x, w = cache\n    {ODD[odd]}\n"
    try:
        proofs = sc.check(text, explain=False)
    except sc.SymconvError as refused:
        said = str(refused)
    else:
        assert proofs["x"].holds is not True
        said = proofs["x"].reason
    assert re.search(r"\bline ([6-9]|1\d)\b", said), said
    assert not _INNER.search(said), said


@pytest.mark.parametrize(("odd", "words"), [
    ("a key that is a number", "line 9: there is no 0; there are 1"),
    ("a key that is missing", "line 9: there is no 'v'; there are 'w'"),
    ("an empty dict", "line 9: there is no 'v'; the dict is empty"),
    ("the shape of a number", "line 9: shape of a number has no elements"),
    ("one text", "line 8: f_backward does not return an array where the gradient is wanted; given 'a'"),
    ("two ellipses", "line 8: the subscript has several ..."),
    ("wait", "line 8: await is not read"),
])  # fmt: skip
def test_refusals_say_what_is_given(odd: str, words: str) -> None:
    text = f"{_HEAD}def f_backward(dout, cache):\n    x, w = cache\n    {ODD[odd]}\n"
    with pytest.raises(sc.SymconvError, match=re.escape(words)):
        sc.check(text)
