"""Lines that nothing needs, and that raise where a name has no value yet: what Python says of them is what is said."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.code.source.unbound import names_at_top, read_too_early, unbound_in

TEXT = """
import numpy as np

K = 3

def triple_forward(x):
    N, D = x.shape
    return 3 * x, x

def triple_backward(dout, cache):
    x = cache
BEFORE
    dx = K * dout
AFTER
    return dx
"""
RAISING = {
    "a name that a later line binds": "y = dx + 1",
    "a name by itself": "q = q",
    "a name of no line": "y = elsewhere + 1",
    "added to": "total += 1",
    "tested": "if elsewhere:\n        pass",
    "gone over": "for i in elsewhere:\n        pass",
    "of a comprehension": "squares = [i * i for i in range(3)]\n    last = i",
    "what a comprehension goes over": "rows = [a for a in a]",
    "in a text": "said = f'{elsewhere}'",
    "deleted": "y = 1\n    del y\n    z = y",
    "deleted without a value": "del y",
    "of the round before": "for i in range(len(x)):\n        p = before\n        before = i",
    "three axes of two": "n, c, d = x.shape",
    "a third axis of two": "d = x.shape[2]",
    "printed": "print(elsewhere)",
}
HARMLESS = {
    "in a function that is not called": "later = lambda: elsewhere",
    "of the round before, after the first": "for i in range(len(x)):\n        if i > 0:\n            p = before\n"
    "        before = i",
    "bound in a test": "if (n := len(x)) > 3:\n        pass\n    m = n",
    "of a loop": "for i in range(len(x)):\n        pass\n    last = i",
    "of both axes": "n, d = x.shape",
    "of the top": "y = K + 1",
    "what is added to it": "total = 0\n    total += K",
}


def runs_right(text: str) -> bool:
    """Whether the text's own functions run, and the gradient is three times the cotangent."""
    space: dict[str, Any] = {}
    exec(compile(text, "layer", "exec"), space)  # noqa: S102
    x, dout = np.random.default_rng(1).normal(size=(2, 3, 4))
    try:
        return bool(np.array_equal(space["triple_backward"](dout, space["triple_forward"](x)[1]), 3 * dout))
    except (NameError, ValueError, IndexError, TypeError):
        return False


@pytest.mark.parametrize("line", RAISING.values(), ids=RAISING)
def test_a_line_that_raises_is_no_right_one(line: str) -> None:
    text = TEXT.replace("BEFORE", f"    {line}").replace("AFTER", "")
    assert not runs_right(text)
    with pytest.raises(sc.SymconvError, match=r"line 1[2-5]: "):
        sc.check(text, explain=False)


@pytest.mark.parametrize("line", HARMLESS.values(), ids=HARMLESS)
def test_a_line_that_raises_nothing_changes_nothing(line: str) -> None:
    text = TEXT.replace("BEFORE", f"    {line}").replace("AFTER", "")
    assert runs_right(text)
    assert sc.check(text, explain=False).holds is True


@pytest.mark.parametrize("name", ["K", "np", "len"])
def test_a_name_of_the_function_is_no_other_one_of_the_text(name: str) -> None:
    text = TEXT.replace("BEFORE", f"    y = {name}").replace("AFTER", f"    {name} = 3")
    assert not runs_right(text)
    with pytest.raises(sc.SymconvError, match=f"line 12: {name} is read before this function gives it a value"):
        sc.check(text, explain=False)
    text = TEXT.replace("BEFORE", f"    {name} = 3").replace("AFTER", f"    y = {name}")
    assert runs_right(text)
    assert sc.check(text, explain=False).holds is True


@pytest.mark.parametrize("word", ["nonlocal k", "pass"])
def test_a_function_inside_has_names_of_its_own(word: str) -> None:
    inner = f"def made(a):\n        {word}\n        b = k * a\n        k = 2\n        return b"
    text = TEXT.replace("BEFORE", f"    k = 3\n    {inner}").replace("K * dout", "made(dout)").replace("AFTER", "")
    if runs_right(text):
        assert sc.check(text, explain=False).holds is not False
    else:
        with pytest.raises(sc.SymconvError, match="line 15: k is read before this function gives it a value"):
            sc.check(text, explain=False)


def test_names_at_the_top_may_be_bound_in_many_ways() -> None:
    text = """
import os.path, numpy as np
A, *B = 1, 2
try:
    import fast
except ImportError as e:
    fast = None
for i in range(3):
    with open(i) as f:
        d = {k: v for k, v in f}
def g():
    global told
    told = own = 1
class C:
    inside = 1
if (w := 1):
    u: int = 2
match A:
    case [m, *r] | {"a": m, **r}:
        pass
"""
    found = names_at_top(ast.parse(text))
    assert found is not None
    assert {"os", "np", "A", "B", "fast", "e", "i", "f", "d", "g", "told", "C", "w", "u", "m", "r", "len"} <= found
    assert not {"own", "inside", "k", "v", "path"} & found
    assert names_at_top(ast.parse("from numpy import *")) is None


def test_what_may_be_bound_by_then_is_none_of_them() -> None:
    (node,) = ast.parse(
        "def f(a, *b, c=1, **d):\n"
        "    if a:\n        e = 1\n"
        "    g = a, b, c, d, e\n"
        "    while g:\n        h = h2\n        h2 = 1\n        if a:\n            i = j\n        j = 2\n"
        "    else:\n        k = h, j\n"
        "    with a as l:\n        m = l\n"
        "    try:\n        n = 1\n    except n2 as o:\n        n = 2\n"
        "    p: q = n\n"
        "    return k, outside\n"
    ).body
    assert isinstance(node, ast.FunctionDef)
    assert read_too_early(node) == {"h2"}
    assert {name for names in unbound_in(node, frozenset()).values() for name in names} == {"h2", "outside"}
    assert {name for names in unbound_in(node, None).values() for name in names} == {"h2"}
