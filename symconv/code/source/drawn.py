"""Arrays that a forward function draws at random, as parameters: what is proved holds whatever is drawn."""

from __future__ import annotations

import ast
from copy import deepcopy
from typing import Any

__all__ = ["with_drawn"]

_PLAIN = frozenset({"rand", "randn", "rand_like", "randn_like", "bernoulli"})
_OF_GENERATORS = frozenset({
    "rand", "randn", "random", "uniform", "normal", "standard_normal", "random_sample", "binomial", "bernoulli",
})  # fmt: skip
"""Those that are told by ``random`` or ``rng`` before them."""

_AGAIN = (
    ast.For, ast.While, ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp, ast.Lambda, ast.FunctionDef,
    ast.ClassDef,
)  # fmt: skip


def with_drawn(node: ast.FunctionDef) -> ast.FunctionDef:
    """The function that takes what it draws as further parameters, ``drawn``, ``drawn2`` and so on.

    What is drawn again and again, in a loop or in a function of its own, is left: each time it is another array.

    >>> text = "def forward(x):\\n    return x * (np.random.rand(*x.shape) > 0.5)"
    >>> print(ast.unparse(with_drawn(ast.parse(text).body[0])))
    def forward(x, *, drawn):
        return x * (drawn > 0.5)
    """
    change = _Taken({one.id for one in ast.walk(node) if isinstance(one, ast.Name)})
    result = deepcopy(node)
    result.body = [change.visit(one) for one in result.body]
    if not change.names:
        return node
    result.args.kwonlyargs += [ast.copy_location(ast.arg(name), node) for name in change.names]
    result.args.kw_defaults += [None] * len(change.names)
    return result


def _draws(node: ast.AST) -> bool:
    match node:
        case ast.Call(ast.Attribute(owner, name)):
            words = {one.attr for one in ast.walk(owner) if isinstance(one, ast.Attribute)}
            words |= {one.id for one in ast.walk(owner) if isinstance(one, ast.Name)}
            return name in _PLAIN or (name in _OF_GENERATORS and bool(words & {"random", "rng", "rs", "random_state"}))
    return False


class _Taken(ast.NodeTransformer):
    """Names in place of what is drawn."""

    def __init__(self, used: set[str]) -> None:
        self.used, self.names = used, list[str]()

    def visit(self, node: ast.AST) -> Any:
        """What may run several times stays as it is."""
        return node if isinstance(node, _AGAIN) else super().visit(node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """The name of an array, where the call draws one."""
        if not _draws(node):
            self.generic_visit(node)
            return node
        name = next(one for k in range(1, len(self.used) + 2) if (one := f"drawn{k if k > 1 else ''}") not in self.used)
        self.used.add(name)
        self.names.append(name)
        return ast.copy_location(ast.Name(name, ast.Load()), node)
