"""torch's newer style: ``forward(x)`` without ctx, and ``setup_context(ctx, inputs, output)`` after it, as one text."""

from __future__ import annotations

import ast
from copy import deepcopy

from symconv.code.source.signatures import parameters
from symconv.errors import SpecError

__all__ = ["with_context"]


def with_context(forward: ast.FunctionDef, setup: ast.FunctionDef) -> ast.FunctionDef:
    """``forward(ctx, ...)`` that does what both do; raises SpecError where that is no single row of statements."""
    plain = parameters(setup.args)
    last = forward.body[-1]
    if len(plain) != 3 or setup.args.vararg is not None or setup.args.kwarg is not None:
        raise SpecError(f"setup_context takes ctx, inputs and output; given {', '.join(plain) or 'nothing'}")
    if not isinstance(last, ast.Return) or last.value is None or len(_returns(forward)) > 1:
        raise SpecError(
            f"{forward.name} beside setup_context is read where it returns once, as its last statement; write ctx as "
            "its first parameter and save values there, or return at the end"
        )
    if any(one.value is not None or one is not setup.body[-1] for one in _returns(setup)):
        raise SpecError("setup_context is read where it returns nothing, and not before its end")
    used = {one.id for node in (forward, setup) for one in ast.walk(node) if isinstance(one, ast.Name)}
    used |= {*parameters(forward.args), *plain}
    if "ctx" in used - {plain[0]}:
        raise SpecError(f"{forward.name} calls something ctx; beside setup_context that is the context's name")
    ctx, inputs, output = ("ctx", _fresh("inputs", used), _fresh("output", used))
    if any(isinstance(one, ast.Name) and one.id == plain[2] and isinstance(one.ctx, ast.Store)
           for one in ast.walk(setup)):  # fmt: skip
        raise SpecError(f"setup_context gives {plain[2]} another value; call that something else")
    after = [_renamed(one, dict(zip(plain, (ctx, inputs, output), strict=True))) for one in setup.body]
    given: list[ast.expr] = [ast.Name(one, ast.Load()) for one in _positional(forward)]
    if forward.args.vararg is not None:
        given.append(ast.Starred(ast.Name(forward.args.vararg.arg, ast.Load()), ast.Load()))
    whole = deepcopy(forward)
    whole.args.args = [ast.copy_location(ast.arg(ctx), forward), *whole.args.args]
    whole.body = [
        _assigned(inputs, ast.Tuple(given, ast.Load()), forward.body[0]),
        *whole.body[:-1],
        _assigned(output, last.value, last),
        *(one for one in after if not isinstance(one, ast.Return)),
        ast.copy_location(ast.Return(ast.Name(output, ast.Load())), last),
    ]
    return ast.fix_missing_locations(whole)


def _positional(node: ast.FunctionDef) -> list[str]:
    return [one.arg for one in (*node.args.posonlyargs, *node.args.args)]


def _returns(node: ast.FunctionDef) -> list[ast.Return]:
    return [one for one in ast.walk(node) if isinstance(one, ast.Return)]


def _assigned(name: str, value: ast.expr, at: ast.stmt) -> ast.stmt:
    return ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], value), at)


def _fresh(name: str, used: set[str]) -> str:
    while name in used:
        name = f"{name}_"
    return name


class _Renaming(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.copy_location(ast.Name(self.names.get(node.id, node.id), node.ctx), node)


def _renamed(node: ast.stmt, names: dict[str, str]) -> ast.stmt:
    found: ast.stmt = _Renaming(names).visit(deepcopy(node))
    return found
