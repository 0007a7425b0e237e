"""Tiny numbers that only keep logarithms and quotients finite: ``log(p + 1e-7)``, ``np.clip(p, 1e-7, 1 - 1e-7)``."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TypeVar

from symconv.code.source.program import Program
from symconv.code.source.signatures import defaults

__all__ = ["Guards", "guards_of"]

_TINY = 1e-5
_D = TypeVar("_D", ast.FunctionDef, ast.ClassDef)
_LOGARITHMS = frozenset({"log", "log2", "log10"})
_BOUNDED = {"lower": "what it bounds is positive", "both": "what is clipped lies between 0 and 1"}
"""What is taken to hold where a tiny number is a bound."""


@dataclass(frozen=True)
class Guards:
    """A text and two of its functions without such numbers, and ``words`` that say so."""

    program: Program
    forward: ast.FunctionDef
    backward: ast.FunctionDef
    words: str


def guards_of(program: Program, forward: ast.FunctionDef, backward: ast.FunctionDef) -> Guards | None:
    """A forward and a backward function with 0 in place of such numbers; None where there are none.

    Their gradients differ by what nobody means: that of ``-log(p + 1e-7)`` is ``-1 / (p + 1e-7)``, and not ``-1 / p``.
    """
    found = _Unguarded({name: one for name, value in program.constants.items() if (one := _tiny(value, {}))})
    functions = {name: found.without(node) for name, node in program.functions.items()}
    classes = {name: found.without(node) for name, node in program.classes.items()}
    both = found.without(forward), found.without(backward)
    called = {*_lines(program, (forward, backward))}
    lines = {line: text for line, text in found.guards.items() if line in called}
    if not lines:
        return None
    each = [f"{text} (line {line})" for line, text in sorted(lines.items())]
    verb = "counts" if len(each) == 1 else "count"
    kinds = {found.bounds[line] for line in lines if line in found.bounds}
    held = "".join(f", {words}" for kind, words in _BOUNDED.items() if kind in kinds)
    changed = replace(program, functions=functions, classes=classes)
    return Guards(changed, *both, f"{' and '.join(each)} {verb} as 0{held}")


def _lines(program: Program, nodes: tuple[ast.FunctionDef, ...]) -> Iterator[int]:
    """The lines of functions, and of those of the text that they call; of methods, those of the whole class."""
    owner = program.classes.get(program.owner)
    # The methods of layers that a class holds are at other places of the text.
    methods = [one for one in owner.body if isinstance(one, ast.FunctionDef)] if owner is not None else []
    called = [one for node in (*nodes, *methods) for one in program.called_by(node)]
    for part in (*([owner] if owner is not None else []), *called):
        yield from range(part.lineno, (part.end_lineno or part.lineno) + 1)


def _tiny(node: ast.expr | None, names: Mapping[str, str]) -> str:
    """The number as it is written, where it is one that only keeps others from 0."""
    match node:
        case ast.Constant(float() as number) if 0 < number <= _TINY:
            return repr(number).replace("e-0", "e-")
        case ast.Name(name):
            return names.get(name, "")
    return ""


class _Unguarded(ast.NodeTransformer):
    """``guards`` are the numbers that were left out by their lines, ``bounds`` what those that are bounds bound."""

    def __init__(self, constants: Mapping[str, str]) -> None:
        self.constants = constants
        self.names: dict[str, str] = {}
        self.bounded: set[int] = set()
        self.guards: dict[int, str] = {}
        self.bounds: dict[int, str] = {}

    def without(self, node: _D) -> _D:
        """A definition without such numbers."""
        new = self.visit(deepcopy(node))
        assert isinstance(new, type(node))
        return new

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        outer, self.names = self.names, {**self.constants, **_named(node)}
        self.bounded |= _positive(node, divisors=bool(self.guards))
        self.generic_visit(node)
        self.names = outer
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        match _word(node), node.args:
            case _, [ast.BinOp(left, ast.Add(), right), *rest] if _word(node) in _LOGARITHMS:
                if (kept := self._kept(left, right)) is not None:
                    node.args = [kept, *rest]
            case "maximum", [left, right] if id(node) in self.bounded:
                return self._bounded(node, left, right, "lower")
            case (("clip" | "clamp"), [inner, low]) if id(node) in self.bounded:
                return self._bounded(node, inner, low, "lower")
            case (("clip" | "clamp"), [inner, low, high]) if id(node) in self.bounded and self._below_one(high):
                return self._bounded(node, inner, low, "both")
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        match node:
            case ast.BinOp(left, ast.Div(), ast.BinOp(one, ast.Add(), other)) if self.guards:
                # Beside a logarithm that is kept finite.
                if (kept := self._kept(one, other)) is not None:
                    return ast.copy_location(ast.BinOp(left, ast.Div(), kept), node)
        return node

    def _below_one(self, node: ast.expr) -> bool:
        match node:
            case ast.BinOp(ast.Constant(1 | 1.0), ast.Sub(), right):
                return bool(_tiny(right, self.names))
            case ast.Constant(float() as number):
                return 0 < 1 - number <= _TINY
        return False

    def _bounded(self, node: ast.Call, left: ast.expr, right: ast.expr, kind: str) -> ast.expr:
        if (kept := self._kept(left, right)) is None:
            return node
        self.bounds[(right if kept is left else left).lineno] = kind
        return kept

    def _kept(self, left: ast.expr, right: ast.expr) -> ast.expr | None:
        """What a tiny number stands beside."""
        for one, other in ((left, right), (right, left)):
            if (text := _tiny(other, self.names)) and not _tiny(one, self.names):
                self.guards[other.lineno] = text
                return one
        return None


def _word(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _positive(node: ast.FunctionDef, divisors: bool) -> set[int]:
    """The ``id`` of each expression that has a value only where it is positive: what a logarithm is taken of.

    ``max(x, 0)`` is ``x`` there, and nowhere else. With ``divisors`` those too.
    """
    found: set[int] = set()
    names: set[str] = set()

    def add(part: ast.expr) -> None:
        while isinstance(part, ast.Subscript):
            part = part.value
        found.add(id(part))
        if isinstance(part, ast.Name | ast.Attribute):
            names.add(ast.unparse(part))

    for one in ast.walk(node):
        match one:
            case ast.Call(_, [argument, *_]) if _word(one) in _LOGARITHMS:
                add(argument)
            case ast.BinOp(_, ast.Div(), right) if divisors:
                add(right)
    bound = [one for one in ast.walk(node) if isinstance(one, ast.Assign)]
    # A name that is logged may be an element of one that is bound before.
    for one in reversed(bound):
        if any(ast.unparse(target) in names for target in one.targets):
            add(one.value)
    return found


def _named(node: ast.FunctionDef) -> dict[str, str]:
    """Names of such numbers: variables that are bound once, and parameters by their defaults."""
    stored = [one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)]
    found = {name: text for name, value in defaults(node.args).items()
             if name not in stored and (text := _tiny(value, {}))}  # fmt: skip
    for one in ast.walk(node):
        match one:
            case ast.Assign([ast.Name(name)], value) if stored.count(name) == 1 and (text := _tiny(value, {})):
                found[name] = text
    return found
