"""The functions of one step after another: what functions with loops over time are where there are so few steps."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

from symconv.code.source.signatures import parameters

__all__ = ["ShortSteps", "short_steps"]

_KEPT = "kept_of_steps"


@dataclass(frozen=True)
class ShortSteps:
    """Two functions of so many steps; ``returns`` are the tensors of the gradients, which are parts ``of`` others."""

    forward: ast.FunctionDef
    backward: ast.FunctionDef
    count: int
    returns: tuple[str, ...]
    of: tuple[str, ...]

    def called(self, names: Mapping[str, str], others: Mapping[str, str]) -> ShortSteps:
        """The same with other names for tensors, and for those that they are parts of."""
        returns = tuple(names.get(one, one) for one in self.returns)
        return replace(self, returns=returns, of=tuple(others.get(one, one) for one in self.of))


def short_steps(forward: ast.FunctionDef, backward: ast.FunctionDef, count: int, timed: str, begins: Sequence[str],
                zeros: Sequence[str], asked: Sequence[str]) -> ShortSteps:  # fmt: skip
    """The functions of ``count`` steps, from those of one.

    ``begins`` are the parameters for the states, in the order of the states among the results, those of them that
    begin with ``zeros`` last; ``asked`` are the tensors whose gradients the backward function returns first.
    """
    steps = range(1, count + 1)
    takes, given = parameters(forward.args), parameters(backward.args)
    results, gradients = _results(forward), _results(backward)
    body, back = list[ast.stmt](), list[ast.stmt]()
    own = {*_bound(forward), *begins, timed}
    for k in steps:
        for name in takes:
            if name in begins:
                start = "0" if name in zeros else name
                value = _of(results[begins.index(name)], k - 1) if k > 1 else start
            else:
                value = _part(name, k) if name == timed else name
            if name in own:
                body += _lines(f"{_of(name, k)} = {value}", forward) if value != _of(name, k) else []
        body += _renamed(forward, k, own)
    outputs = [_of(results[-2], k) for k in steps]
    kept = ", ".join(_of(results[-1], k) for k in steps)
    body += _lines(f"return {', '.join(outputs)}, ({kept},)", forward)
    back += _lines(f"{''.join(f'{_of(given[-1], k)}, ' for k in steps)} = {_KEPT}", backward)
    carried = dict(zip([*asked, *(one for one in begins if one not in asked)], gradients, strict=True))
    for k in reversed(steps):
        for name, one in zip(given, begins, strict=False):
            back += _lines(f"{_of(name, k)} = {_of(carried[one], k + 1) if k < count else 0}", backward)
        back += _renamed(backward, k, {*_bound(backward), *given})
    returns, of, values = list[str](), list[str](), list[str]()
    for name in asked:
        parts = [_of(carried[name], k) for k in steps]
        returns += [_part(name, k) for k in steps] if name == timed else [name]
        of += [name] * (count if name == timed else 1)
        values += parts if name == timed else parts[:1] if name in begins else [" + ".join(parts)]
    back += _lines(f"return {', '.join(values)}", backward)
    taken = [one for name in takes if name not in zeros
             for one in ([_part(name, k) for k in steps] if name == timed else [name])]  # fmt: skip
    both = _function(forward, taken, body), _function(backward, [*(_of(given[-2], k) for k in steps), _KEPT], back)
    return ShortSteps(*both, count, tuple(returns), tuple(of))


def _of(name: str, step: int) -> str:
    return f"{name}_of_step{step}"


def _part(name: str, step: int) -> str:
    """The parameter for a part of the sequence; the first one has its name, which may say what it is."""
    return _of(name, step) if step > 1 else name


def _results(node: ast.FunctionDef) -> list[str]:
    last = node.body[-1]
    assert isinstance(last, ast.Return)
    parts = last.value.elts if isinstance(last.value, ast.Tuple) else [last.value]
    return [one.id for one in parts if isinstance(one, ast.Name)]


def _lines(text: str, at: ast.AST) -> list[ast.stmt]:
    made = ast.parse(text if not text.startswith("return") else f"def f():\n {text}").body
    found = made[0].body if isinstance(made[0], ast.FunctionDef) else made
    for one in (part for node in found for part in ast.walk(node)):
        if isinstance(one, ast.stmt | ast.expr):
            ast.copy_location(one, at)
    return found


def _bound(node: ast.FunctionDef) -> set[str]:
    names = (one for one in ast.walk(node) if isinstance(one, ast.Name))
    return {one.id for one in names if isinstance(one.ctx, ast.Store)} - {"_"}


def _renamed(node: ast.FunctionDef, step: int, own: Collection[str]) -> list[ast.stmt]:
    """The statements of a step, with names of its own for what it binds."""
    body = deepcopy(node.body[:-1])
    for one in (part for statement in body for part in ast.walk(statement)):
        if isinstance(one, ast.Name) and one.id in own:
            one.id = _of(one.id, step)
    return body


def _function(old: ast.FunctionDef, takes: Sequence[str], body: list[ast.stmt]) -> ast.FunctionDef:
    (made,) = ast.parse(f"def {old.name}({', '.join(takes)}): ...").body
    assert isinstance(made, ast.FunctionDef)
    for one in ast.walk(made):
        if isinstance(one, ast.stmt | ast.expr | ast.arg):
            ast.copy_location(one, old)
    made.body = body
    return ast.fix_missing_locations(made)
