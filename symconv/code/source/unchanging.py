"""Functions that change nothing: every statement gives names to a value that is computed from those of other names."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from symconv.code.source.aliases import Aliases, names_in
from symconv.code.source.program import Program

__all__ = ["Expression", "Unchanging", "aliases_of"]

_UNSEEN = (ast.Lambda, ast.NamedExpr, ast.Yield, ast.YieldFrom, ast.Await)
"""What gives names to values, or sees names later than it is computed."""


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression, its text, and the names in it: equal texts of equal values have equal values."""

    node: ast.expr
    text: str
    names: tuple[str, ...]


class Unchanging:
    """Tells functions that change nothing among those that differ from one function in a few places."""

    def __init__(self, function: ast.FunctionDef, program: Program) -> None:
        self.known = aliases_of(function, program)
        # The statements are kept as well, so that no other one gets their place in memory.
        self.told: dict[int, tuple[ast.stmt, tuple[Expression, ...] | None]] = {}

    def expressions(self, function: ast.FunctionDef) -> Mapping[int, Expression] | None:
        """What the statements compute, by the ``id`` of the nodes; None where something may be changed."""
        found: dict[int, Expression] = {}
        for one in function.body:
            if id(one) not in self.told:
                self.told[id(one)] = one, self._of(one)
            computed = self.told[id(one)][1]
            if computed is None:
                return None
            found.update((id(expression.node), expression) for expression in computed)
        return found

    def _of(self, statement: ast.stmt) -> tuple[Expression, ...] | None:
        match statement:
            case ast.Assign(targets, value) if all(map(_names, targets)):
                return self._computed(value)
            case ast.Return(ast.expr() as value):
                return self._computed(value)
            case ast.Expr(ast.Constant()) | ast.Pass():
                return ()
        return None

    def _computed(self, value: ast.expr) -> tuple[Expression, ...] | None:
        if any(isinstance(one, _UNSEEN) for one in ast.walk(value)) or self.known.changed(value):
            return None
        return (Expression(value, ast.dump(value), tuple(sorted(names_in(value)))),)


def aliases_of(function: ast.FunctionDef, program: Program) -> Aliases:
    """What the expressions of a function of the program may share and change."""
    methods = {one.name for node in program.classes.values() for one in node.body if isinstance(one, ast.FunctionDef)}
    defined = frozenset({*program.functions, *program.classes, *program.constants})
    return _aliases(function, tuple(program.imports.items()), defined, frozenset(methods))


@lru_cache(maxsize=256)
def _aliases(
    function: ast.FunctionDef, imports: tuple[tuple[str, str], ...], defined: frozenset[str], methods: frozenset[str]
) -> Aliases:
    return Aliases(function, dict(imports), defined, methods)


def _names(target: ast.expr) -> bool:
    if isinstance(target, ast.Tuple | ast.List):
        return all(map(_names, target.elts))
    return isinstance(target, ast.Name)
