"""JAX's rules for gradients: ``f.defvjp(fwd, bwd)`` beside ``@custom_vjp``, as a forward and a backward function.

The gradients are those of ``f``, whatever ``fwd`` returns for it; ``bwd`` is handed what ``fwd`` keeps.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import deepcopy

from symconv.code.source.signatures import defaults, parameters, positional
from symconv.code.source.unreturned import own_statements
from symconv.errors import SpecError

__all__ = ["Rule", "rules_of", "with_rule"]

Rule = tuple[ast.FunctionDef, ast.Name | ast.Lambda, ast.FunctionDef]
"""A function, what computes it and keeps values, and what is handed them and a cotangent."""


def rules_of(tree: ast.Module) -> dict[str, Rule]:
    """The functions at the top of a text that are given a rule there, by their names; the last one counts."""
    known = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    found: dict[str, Rule] = {}
    for node in tree.body:
        match node:
            case ast.Expr(ast.Call(ast.Attribute(ast.Name(name), "defvjp"), arguments, options)) if name in known:
                named = {one.arg: one.value for one in options}
                match (*arguments, *(named[word] for word in ("fwd", "bwd") if word in named)):
                    case [ast.Name() | ast.Lambda() as fwd, ast.Name(called)] if called in known:
                        found[name] = known[name], fwd, known[called]
                    case [ast.Name() | ast.Lambda() as fwd, ast.Lambda() as bwd]:
                        found[name] = known[name], fwd, _named(bwd, f"{name}_bwd")
    return found


def _named(node: ast.Lambda, name: str) -> ast.FunctionDef:
    value = ast.copy_location(ast.Return(node.body), node.body)
    return ast.fix_missing_locations(ast.copy_location(ast.FunctionDef(name, node.args, [value], []), node))


def with_rule(rule: Rule) -> tuple[ast.FunctionDef, ast.FunctionDef]:
    """``f(ctx, ...)`` that keeps what ``fwd`` keeps, and ``bwd(ctx, cotangent)``; numbers stand behind ``*`` in ``f``.

    Raises SpecError where ``bwd`` does not take what it is handed, or returns what is no tuple.
    """
    plain, fwd, bwd = rule
    order, numbers = positional(plain.args), _numbers(plain)
    taken = positional(bwd.args)
    if any(not 0 <= at < len(order) for at in numbers):
        raise SpecError(f"line {plain.lineno}: nondiff_argnums of {plain.name} are 0 to {len(order) - 1}")
    if len(taken) != len(numbers) + 2 or bwd.args.vararg is not None:
        handed = (*(order[at] for at in numbers), f"what {ast.unparse(fwd)} keeps", "a cotangent")
        raise SpecError(f"line {bwd.lineno}: {bwd.name} is handed {', '.join(handed)}; it takes {', '.join(taken)}")
    for one in _returns(bwd):
        if isinstance(one.value, ast.BinOp | ast.UnaryOp):
            raise SpecError(f"line {one.lineno}: {bwd.name} returns a tuple, with a gradient for each array; given one")
    if "ctx" in {*parameters(plain.args), *taken}:
        raise SpecError(f"{plain.name} calls something ctx; where values are kept for {bwd.name}, call it otherwise")
    held = dict(zip((order[at] for at in numbers), taken, strict=False))
    kept = next(word for word in ("residuals", "residuals_", "residuals__") if word not in held)
    return _forward(plain, fwd, held, kept), _backward(plain, bwd, held, kept)


def _forward(plain: ast.FunctionDef, fwd: ast.expr, held: dict[str, str], kept: str) -> ast.FunctionDef:
    whole = deepcopy(plain)
    given: list[ast.expr] = [ast.Name(one, ast.Load()) for one in positional(plain.args)]
    if plain.args.vararg is not None:
        given.append(ast.Starred(ast.Name(plain.args.vararg.arg, ast.Load()), ast.Load()))
    both = ast.Call(fwd, given, [])
    values = [_stored(kept, ast.Subscript(both, ast.Constant(1), ast.Load()))]
    values += [_stored(name, ast.Name(name, ast.Load())) for name in held]
    usual, spec = defaults(plain.args), whole.args
    spec.posonlyargs, rest = [], [one for one in (*spec.posonlyargs, *spec.args) if one.arg not in held]
    spec.kwonlyargs = [
        *(one for one in (*plain.args.posonlyargs, *plain.args.args) if one.arg in held),
        *spec.kwonlyargs,
    ]
    spec.kw_defaults = [usual.get(one.arg) for one in spec.kwonlyargs]
    spec.defaults = [usual[one.arg] for one in rest if one.arg in usual]
    spec.args = [ast.copy_location(ast.arg("ctx"), plain), *rest]
    whole.body = [*(ast.copy_location(one, fwd) for one in values), *whole.body]
    return ast.fix_missing_locations(whole)


def _backward(plain: ast.FunctionDef, bwd: ast.FunctionDef, held: dict[str, str], kept: str) -> ast.FunctionDef:
    whole = deepcopy(bwd)
    *_, residuals, cotangent = positional(bwd.args)
    names = {**{called: name for name, called in held.items()}, residuals: kept}
    values = [ast.Assign([ast.Name(called, ast.Store())], _of_context(name)) for called, name in names.items()]
    several = any(isinstance(one.value, ast.Tuple) for one in _returns(plain))
    last = ast.copy_location(ast.arg(cotangent), bwd)
    own = ast.copy_location(ast.arg("ctx"), bwd)
    whole.args = ast.arguments([], [own] if several else [own, last], last if several else None, [], [], None, [])
    whole.body = [*(ast.copy_location(one, bwd) for one in values), *whole.body]
    return ast.fix_missing_locations(whole)


def _stored(name: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Attribute(ast.Name("ctx", ast.Load()), name, ast.Store())], value)


def _of_context(name: str) -> ast.expr:
    return ast.Attribute(ast.Name("ctx", ast.Load()), name, ast.Load())


def _numbers(plain: ast.FunctionDef) -> tuple[int, ...]:
    """The places of parameters that have no gradient: ``@partial(custom_vjp, nondiff_argnums=(1,))``."""
    for one in plain.decorator_list:
        if isinstance(one, ast.Call):
            for option in one.keywords:
                match option.arg, option.value:
                    case "nondiff_argnums", ast.Constant(int() as place):
                        return (place,)
                    case "nondiff_argnums", ast.Tuple(items) | ast.List(items):
                        return tuple(sorted(_places(items)))
    return ()


def _places(items: list[ast.expr]) -> Iterator[int]:
    for item in items:
        if not (isinstance(item, ast.Constant) and isinstance(item.value, int)):
            raise SpecError(f"line {item.lineno}: nondiff_argnums is read as whole numbers; given {ast.unparse(item)}")
        yield item.value


def _returns(node: ast.FunctionDef) -> list[ast.Return]:
    return [one for one in own_statements(node) if isinstance(one, ast.Return)]
