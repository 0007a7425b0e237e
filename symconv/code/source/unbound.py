"""Names that are read where nothing has bound them yet, told by the text: Python raises an error there."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

__all__ = ["names_at_top", "read_too_early", "unbound_in"]

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def names_at_top(tree: ast.Module) -> frozenset[str] | None:
    """The names that lines at the top bind anywhere, or functions say are global; None where that cannot be told."""
    if any(isinstance(one, ast.ImportFrom) and one.names[0].name == "*" for one in ast.walk(tree)):
        return None
    told = {name for one in ast.walk(tree) if isinstance(one, ast.Global) for name in one.names}
    return frozenset(told | {name for one in tree.body for name in _bound(one)} | {*dir(builtins), *_OF_MODULES})


_OF_MODULES = ("__name__", "__file__", "__doc__", "__spec__", "__package__", "__loader__")


@lru_cache(maxsize=256)
def read_too_early(function: ast.FunctionDef) -> frozenset[str]:
    """The names of its own that a function reads before anything binds them, wherever else they may have a value."""
    own = _own_names(function)
    return frozenset(name for names in unbound_in(function, None).values() for name in names if name in own)


@lru_cache(maxsize=256)
def unbound_in(function: ast.FunctionDef, known: frozenset[str] | None) -> Mapping[int, frozenset[str]]:
    """The names that statements read and nothing has bound before, by the ``id`` of the statement.

    ``known`` are those that a function finds outside; None where it may find any. Of a compound statement what it
    tests or goes over counts.
    """
    own = _own_names(function)
    found: dict[int, frozenset[str]] = {}
    _Flow(own, known, found).block(function.body, {*_parameters(function)}, True)
    return found


class _Flow:
    """Goes through statements in the order in which they run, with what may be bound then."""

    def __init__(self, own: set[str], known: frozenset[str] | None, found: dict[int, frozenset[str]]) -> None:
        self.own = own
        self.known = known
        self.found = found

    def block(
        self, nodes: Sequence[ast.stmt], bound: set[str], certain: bool, later: frozenset[str] = frozenset()
    ) -> None:
        """Adds to ``bound`` what the statements bind; ``later`` is what an earlier round of a loop may have bound."""
        for node in nodes:
            before = bound if certain else bound | later
            reads = _read(node)
            missing = {name for name in reads if self._missing(name, before)}
            if missing:
                self.found[id(node)] = frozenset(missing)
            self._inner(node, bound, certain, later)
            bound |= _bound(node)
            if isinstance(node, ast.Delete):
                bound -= {one.id for one in node.targets if isinstance(one, ast.Name)}

    def _inner(self, node: ast.stmt, bound: set[str], certain: bool, later: frozenset[str]) -> None:
        match node:
            case ast.For(target, _, body, orelse):
                again = frozenset(later | {name for one in body for name in _bound(one)})
                self.block(body, bound | _stored(target), certain, again)
                self.block(orelse, bound | again | _stored(target), False, later)
            case ast.While(_, body, orelse):
                again = frozenset(later | {name for one in body for name in _bound(one)})
                self.block(body, bound | _stored(node.test), certain, again)
                self.block(orelse, bound | again, False, later)
            case ast.If(test, body, orelse):
                for part in (body, orelse):
                    self.block(part, bound | _stored(test), False, later)
            case ast.With(items, body):
                self.block(body, bound | {name for one in items for name in _stored(one)}, certain, later)

    def _missing(self, name: str, bound: set[str]) -> bool:
        if name in self.own:
            return name not in bound
        return self.known is not None and name not in self.known


def _read(node: ast.stmt) -> set[str]:
    """The names that a statement reads before it binds any; of a compound one those of its head."""
    match node:
        case ast.FunctionDef(_, spec):
            parts: list[ast.AST] = [*spec.defaults, *(one for one in spec.kw_defaults if one), *node.decorator_list]
        case ast.For():
            parts = [node.iter]
        case ast.While() | ast.If():
            parts = [node.test]
        case ast.With():
            parts = [*node.items]
        case ast.AnnAssign():
            # What annotates a local name is never computed.
            parts = [node.target, *([node.value] if node.value else [])]
        case ast.AugAssign(ast.Name(name)):
            return {name, *_loaded(node.value)}
        case ast.Try() | ast.ClassDef() | ast.Match() | ast.Global() | ast.Nonlocal():
            return set()
        case _:
            parts = [node]
    return {name for part in parts for name in _loaded(part)} - {name for part in parts for name in _walrus(part)}


def _loaded(node: ast.AST) -> Iterator[str]:
    """The names that are read when an expression is computed: not those of functions in it, nor of its own loops."""
    if isinstance(node, ast.Name):
        if not isinstance(node.ctx, ast.Store):
            yield node.id
    elif isinstance(node, _COMPREHENSIONS):
        inner = {name for one in node.generators for name in _stored(one.target)}
        yield from (name for child in ast.iter_child_nodes(node) for name in _loaded(child) if name not in inner)
        # What the first loop goes over is computed before there are names of its own.
        yield from _loaded(node.generators[0].iter)
    elif not isinstance(node, _SCOPES):
        for child in ast.iter_child_nodes(node):
            yield from _loaded(child)


def _walrus(node: ast.AST) -> Iterator[str]:
    return (one.target.id for one in ast.walk(node) if isinstance(one, ast.NamedExpr))


def _stored(node: ast.AST) -> set[str]:
    """The names that an expression or a target binds, those of comprehensions apart."""
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, ast.Store) else set()
    if isinstance(node, _COMPREHENSIONS):
        return {*_walrus(node)}
    return set() if isinstance(node, _SCOPES) else {n for one in ast.iter_child_nodes(node) for n in _stored(one)}


def _bound(node: ast.AST) -> set[str]:
    """The names that a statement binds in its scope, wherever in it."""
    match node:
        case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
            return {name}
        case ast.Import(names) | ast.ImportFrom(_, names):
            return {one.asname or one.name.partition(".")[0] for one in names}
        case ast.ExceptHandler(_, str() as name) | ast.MatchAs(_, str() as name) | ast.MatchStar(str() as name):
            here = {name}
        case ast.MatchMapping(_, _, str() as name):
            here = {name}
        case ast.expr():
            return _stored(node)
        case _:
            here = set()
    return here | {name for one in ast.iter_child_nodes(node) for name in _bound(one)}


def _parameters(function: ast.FunctionDef) -> Iterator[str]:
    spec = function.args
    more = [one for one in (spec.vararg, spec.kwarg) if one is not None]
    return (one.arg for one in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs, *more))


def _own_names(function: ast.FunctionDef) -> set[str]:
    """The names of its own: its parameters, and what its statements bind."""
    elsewhere = {name for one in ast.walk(function) if isinstance(one, ast.Global | ast.Nonlocal) for name in one.names}
    return {*_parameters(function)} | {name for one in function.body for name in _bound(one)} - elsewhere
