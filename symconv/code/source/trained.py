"""Methods of the gradients of what another method computes: ``loss(self, x, t)`` and ``gradient(self, x, t)``."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from copy import copy, deepcopy

from symconv.code.source.keyed import LOSSES, SLOPES, own_attribute
from symconv.code.source.signatures import parameters

__all__ = ["loss_alone", "with_loss"]


def with_loss(methods: Mapping[str, ast.FunctionDef]) -> ast.FunctionDef | None:
    """The method of the gradients, which returns the loss first; None where there are no such two, or several.

    A call of the loss that stands in it stays where it is: what it keeps is what the gradients are computed from.
    """
    losses = [methods[name] for name in LOSSES if name in methods]
    slopes = [methods[name] for name in SLOPES if name in methods]
    if len(losses) != 1 or len(slopes) != 1:
        return None
    (loss,), (slope,) = losses, slopes
    given = parameters(loss.args)
    if given != parameters(slope.args) or given[:1] != ["self"] or not isinstance(slope.body[-1], ast.Return):
        return None
    called = [one for one in ast.walk(slope) if isinstance(one, ast.Call) and own_attribute(one.func) == loss.name]
    new, name = deepcopy(slope), _free("loss", slope)
    own = ast.Name("self", ast.Load())
    call = ast.Call(ast.Attribute(own, loss.name, ast.Load()), [ast.Name(one, ast.Load()) for one in given[1:]], [])
    begin = ast.Assign([ast.Name(name, ast.Store())], call)
    places = [k for k, one in enumerate(new.body) if _is_call(one, loss.name, given[1:])]
    if len(called) != len(places) or len(places) > 1:
        return None
    held = new.body[places[0]] if places else None
    if isinstance(held, ast.Assign):
        name = ast.unparse(held.targets[0])
        if sum(isinstance(one, ast.Name) and one.id == name and isinstance(one.ctx, ast.Store)
               for one in ast.walk(new)) > 1:  # fmt: skip
            return None
    elif places:
        new.body[places[0]] = ast.copy_location(begin, new.body[places[0]])
    else:
        new.body.insert(0, ast.copy_location(begin, new.body[0]))
    last = new.body[-1]
    assert isinstance(last, ast.Return)
    if last.value is None:
        return None
    rest = last.value.elts if isinstance(last.value, ast.Tuple) else [last.value]
    last.value = ast.copy_location(ast.Tuple([ast.Name(name, ast.Load()), *rest], ast.Load()), last.value)
    return ast.fix_missing_locations(new)


def loss_alone(node: ast.FunctionDef) -> ast.FunctionDef:
    """What such a method does up to its loss."""
    last = node.body[-1]
    assert isinstance(last, ast.Return) and isinstance(last.value, ast.Tuple)
    loss, *rest = last.value.elts
    name = ast.unparse(loss)
    (end,) = (k for k, one in enumerate(node.body) if isinstance(one, ast.Assign)
              and any(isinstance(to, ast.Name) and to.id == name for to in one.targets))  # fmt: skip
    value = ast.Tuple([loss, *(ast.Constant(None) for _ in rest)], ast.Load())
    new = copy(node)
    new.body = [*node.body[: end + 1], ast.copy_location(ast.Return(value), last)]
    return ast.fix_missing_locations(new)


def _is_call(node: ast.stmt, name: str, given: list[str]) -> bool:
    """Whether a statement is the call of the loss with what the method is given, alone or under a name."""
    match node:
        case ast.Expr(ast.Call() as call) | ast.Assign([ast.Name()], ast.Call() as call):
            passed = [one.id for one in call.args if isinstance(one, ast.Name)]
            return own_attribute(call.func) == name and passed == given and not call.keywords
    return False


def _free(name: str, node: ast.FunctionDef) -> str:
    """A name that the method does not use."""
    taken = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    while name in taken:
        name += "_"
    return name
