"""``match`` and ``try`` in functions, told by statements that are read everywhere else."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from copy import deepcopy

__all__ = ["PARTLY", "plainly"]

PARTLY: dict[type[ast.stmt], str] = {
    ast.Try: "where every except ends in raise, with finally where nothing returns before it",
    ast.Match: "with values, their alternatives by |, names, and sequences of names",
}
"""Of which statements only these forms are read."""


def plainly(tree: ast.Module) -> ast.Module:
    """The text with ``if`` for ``match``, and without ``try`` where every ``except`` raises an error itself.

    Patterns are values and their alternatives, names, and sequences of names. Others stay, and so do imports that are
    tried at the top of a text.

    Examples
    --------
    >>> text = "def f(x, kind):\\n match kind:\\n  case 'relu' | 'step': y = x\\n  case _: y = 0*x\\n return y"
    >>> print(ast.unparse(plainly(ast.parse(text))))
    def f(x, kind):
        if kind == 'relu' or kind == 'step':
            y = x
        else:
            y = 0 * x
        return y
    """
    _Plain().visit(tree)
    return ast.fix_missing_locations(tree)


class _Plain(ast.NodeTransformer):
    def __init__(self) -> None:
        self.inside = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.inside += 1
        self.generic_visit(node)
        self.inside -= 1
        return node

    def visit_Match(self, node: ast.Match) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        if not self.inside:
            return node
        before: list[ast.stmt] = []
        subject = node.subject
        if not _still(subject):
            name = f"__matched_{node.lineno}"
            before = [ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], subject), node)]
            subject = ast.copy_location(ast.Name(name, ast.Load()), node.subject)
        found = _chain(subject, node.cases)
        return node if found is None else [*before, *found]

    def visit_Try(self, node: ast.Try) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        leaves = any(isinstance(one, ast.Return | ast.Break | ast.Continue)
                     for top in (*node.body, *node.orelse) for one in ast.walk(top))  # fmt: skip
        if not self.inside or not all(_raises(one) for one in node.handlers) or (node.finalbody and leaves):
            return node
        return [*node.body, *node.orelse, *node.finalbody]


def _raises(handler: ast.ExceptHandler) -> bool:
    """Whether what is caught ends the function, as it would have without."""
    left = any(isinstance(one, ast.Return | ast.Break | ast.Continue) for top in handler.body for one in ast.walk(top))
    return isinstance(handler.body[-1], ast.Raise) and not left


def _still(node: ast.expr) -> bool:
    """Whether reading it again gives the same, and does nothing."""
    match node:
        case ast.Name() | ast.Constant():
            return True
        case ast.Attribute(value):
            return _still(value)
        case ast.Subscript(value, ast.Constant()):
            return _still(value)
    return False


def _chain(subject: ast.expr, cases: Sequence[ast.match_case]) -> list[ast.stmt] | None:
    """Statements for the cases; None where one of them is not told by a condition."""
    if not cases:
        return []
    case, rest = cases[0], _chain(subject, cases[1:])
    if rest is None:
        return None
    match case.pattern:
        case ast.MatchAs(None, name):
            bound = [] if name is None else [_bound(name, subject, case.pattern)]
            body = [*case.body] if case.guard is None else [_choice(case.guard, case.body, rest)]
            return [*bound, *body]
        case ast.MatchSequence(parts) if case.guard is None:
            names = [part.name if isinstance(part, ast.MatchAs) and part.pattern is None else "" for part in parts]
            if "" in names:
                return None
            taken = [
                _bound(name, _element(subject, at), case.pattern) for at, name in enumerate(names) if name is not None
            ]
            return [_choice(_sequence(subject, len(parts)), [*taken, *case.body], rest)]
        case pattern:
            test = _test(subject, pattern)
            if test is None:
                return None
            return [_choice(ast.BoolOp(ast.And(), [test, case.guard]) if case.guard else test, case.body, rest)]


def _test(subject: ast.expr, pattern: ast.pattern) -> ast.expr | None:
    """The condition that the subject is one of these values; None for other patterns."""
    match pattern:
        case ast.MatchValue(value):
            return ast.Compare(deepcopy(subject), [ast.Eq()], [value])
        case ast.MatchSingleton(single):
            return ast.Compare(deepcopy(subject), [ast.Is()], [ast.Constant(single)])
        case ast.MatchOr(patterns):
            tests = [_test(subject, one) for one in patterns]
            known = [one for one in tests if one is not None]
            return ast.BoolOp(ast.Or(), known) if len(known) == len(tests) else None
    return None


def _sequence(subject: ast.expr, length: int) -> ast.expr:
    """Whether it is a sequence of so many; an array is none to ``match``."""
    kinds = ast.Tuple([ast.Name("tuple", ast.Load()), ast.Name("list", ast.Load())], ast.Load())
    kind = ast.Call(ast.Name("isinstance", ast.Load()), [deepcopy(subject), kinds], [])
    count = ast.Call(ast.Name("len", ast.Load()), [deepcopy(subject)], [])
    return ast.BoolOp(ast.And(), [kind, ast.Compare(count, [ast.Eq()], [ast.Constant(length)])])


def _element(subject: ast.expr, at: int) -> ast.expr:
    return ast.Subscript(deepcopy(subject), ast.Constant(at), ast.Load())


def _bound(name: str, value: ast.expr, pattern: ast.pattern) -> ast.stmt:
    """A name of a pattern given its value, in the line of the pattern."""
    return ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], deepcopy(value)), pattern)


def _choice(test: ast.expr, body: Sequence[ast.stmt], rest: Sequence[ast.stmt]) -> ast.stmt:
    """``if``, in the line of what it leads to."""
    return ast.copy_location(ast.If(test, [*body], [*rest]), body[0])
