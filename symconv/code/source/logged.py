"""Lines that log or warn are read as ``print``: what they are given is read, and nothing comes of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

__all__ = ["as_prints"]

_LEVELS = frozenset({"debug", "info", "warning", "warn", "error", "critical", "log", "exception"})
_MODULES = frozenset({"logging", "warnings"})
_SET = frozenset({"basicConfig", "setLevel", "filterwarnings", "simplefilter", "addHandler", "disable"})


def as_prints(tree: ast.Module) -> ast.Module:
    """The text with ``print`` for what it logs; loggers that something else is done with stay what they are."""
    modules = {one.asname or one.name for node in tree.body if isinstance(node, ast.Import)
               for one in node.names if one.name in _MODULES}  # fmt: skip
    made = [node for node in tree.body if isinstance(node, ast.Assign) and _makes(node, modules)]
    names = modules | {one.id for node in made for one in node.targets if isinstance(one, ast.Name)}
    if not names:
        return tree
    told = {id(part) for call in (*_calls(tree, names), *(node.value for node in made)) for part in ast.walk(call)
            if isinstance(part, ast.Name)}  # fmt: skip
    bound = [name for node in ast.walk(tree) if (name := _bound(node)) in names]
    loose = any(isinstance(one, ast.Name) and one.id in names and isinstance(one.ctx, ast.Load) and id(one) not in told
                for one in ast.walk(tree))  # fmt: skip
    if loose or len(bound) > len(made):
        return tree
    _Prints(names, modules).visit(tree)
    return ast.fix_missing_locations(tree)


def _makes(node: ast.Assign, modules: set[str]) -> bool:
    """Whether a line makes a logger: ``log = logging.getLogger(__name__)``."""
    match node:
        case ast.Assign([ast.Name()], ast.Call(ast.Attribute(ast.Name(module), "getLogger"), _, [])):
            return module in modules
    return False


def _calls(tree: ast.Module, names: set[str]) -> Iterator[ast.expr]:
    """What logs, in statements of its own."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(ast.Call(ast.Attribute(ast.Name(name) as owner, word))) if name in names:
                if word in _LEVELS | _SET:
                    yield owner


def _bound(node: ast.AST) -> str:
    """The name that something is given there."""
    if isinstance(node, ast.arg):
        return node.arg
    return node.id if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load) else ""


class _Prints(ast.NodeTransformer):
    def __init__(self, names: set[str], modules: set[str]) -> None:
        self.names, self.modules = names, modules

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        return ast.copy_location(ast.Pass(), node) if _makes(node, self.modules) else node

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        match node.value:
            case ast.Call(ast.Attribute(ast.Name(name), word), arguments) if name in self.names:
                given = [one for one in arguments if word in _LEVELS and not isinstance(one, ast.Starred)]
                call = ast.Call(ast.Name("print", ast.Load()), given, [])
                return ast.copy_location(ast.Expr(call), node)
        return node
