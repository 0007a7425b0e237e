"""Which functions change nothing, so that what they compute may be kept."""

from __future__ import annotations

import ast

import pytest

from symconv.code.source.program import program
from symconv.code.source.unchanging import Unchanging

HEAD = "import numpy as np\n\ndef sigmoid(x):\n    return 1 / (1 + np.exp(-x))\n\n"


def computed(*lines: str) -> list[str] | None:
    """The expressions of a function with these lines."""
    source = program(HEAD + "def f(dy, x, w, cache, ctx):\n" + "".join(f"    {line}\n" for line in lines), "f.py")
    node = source.functions["f"]
    found = Unchanging(node, source).expressions(node)
    return None if found is None else [ast.unparse(one.node) for one in found.values()]


def test_expressions_of_plain_statements() -> None:
    lines = ('"""Text."""', "a, (b, c) = cache", "g = dy * np.tanh(a) @ w.T", "return np.stack([g, b]), None")
    assert computed(*lines) == ["cache", "dy * np.tanh(a) @ w.T", "(np.stack([g, b]), None)"]


@pytest.mark.parametrize(
    "line",
    [
        "dy *= x",
        "dy[0] = x",
        "ctx.kept = x",
        "np.multiply(dy, x, out=dy)",
        "a = np.add(dy, x, out=dy)",
        "a = cache.pop()",
        "a = sigmoid(x)",
        "a = (b := x)",
        "a = (lambda: x)()",
        "a = [sigmoid(one) for one in x]",
        "np.add.at(dy, 0, x)",
        "for k in range(3): a = x",
        "del x",
        "dy.fill(0)",
    ],
)
def test_what_may_change_something_is_seen(line: str) -> None:
    assert computed("a = x", line, "return a") is None


def test_statements_that_are_shared_are_told_once() -> None:
    source = program(HEAD + "def f(dy, x):\n    a = dy * x\n    return a\n", "f.py")
    node = source.functions["f"]
    told = Unchanging(node, source)
    first = told.expressions(node)
    edited = ast.FunctionDef(node.name, node.args, [node.body[0], ast.parse("return -a").body[0]], [])
    second = told.expressions(edited)
    assert first is not None
    assert second is not None
    assert next(iter(first)) == next(iter(second))
    assert [one.text == two.text for one, two in zip(first.values(), second.values(), strict=True)] == [True, False]
