"""Parameters that are texts, as they are compared with texts: the modes a layer has, ``if activation == "relu"``."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from copy import deepcopy
from itertools import product
from typing import Any

from symconv.code.source.program import TRAINED, Program
from symconv.code.source.signatures import defaults, parameters, positional
from symconv.errors import SpecError
from symconv.limits import MODES

__all__ = ["ANOTHER", "modes_of", "with_modes"]

ANOTHER = "another text"


def modes_of(
    program: Program, forward: ast.FunctionDef, backward: ast.FunctionDef, said: Mapping[str, Any]
) -> list[dict[str, str]]:
    """The texts to look at both functions with, each of their own: those that their parameters are compared with.

    A parameter counts that both functions have, or that the forward function has without a default; ``said`` are those
    that the user gives. Where what is computed for other texts is written down, one such text is among them. A mode of
    training is none of these. Raises SpecError where there are too many, or where what is said of one cannot be said of
    that of the other function.
    """
    mine, theirs = _compared(program, forward), _compared(program, backward)
    own, usual = {*parameters(backward.args)}, defaults(forward.args)
    if forward.name == backward.name:
        return [{}]
    if strange := sorted((theirs.keys() & own) - mine.keys()):
        if mine.keys() & said.keys():
            untold = f"{backward.name}: which text {strange[0]} is cannot be told from {min(mine)} of {forward.name}"
            raise SpecError(f"{untold}; call it {min(mine)}")
        return [{}]
    each = dict[str, list[str]]()
    for name, texts in mine.items():
        if TRAINED & {*texts} or (name not in own and name in usual):
            continue
        if name in said:
            each[name] = [said[name]] if isinstance(said[name], str) else []
            continue
        default = getattr(usual.get(name), "value", None)
        found = [one for one in texts if one != ANOTHER]
        if isinstance(default, str) and default not in found:
            found.insert(0, default)
        elif ANOTHER in texts:
            further = [one for one in theirs.get(name, ()) if one not in texts]
            found += further or [ANOTHER]
        each[name] = found
    each = {name: texts for name, texts in each.items() if texts}
    found_all = [dict(zip(each, one, strict=True)) for one in product(*each.values())]
    if len(found_all) > MODES:
        asked = ", ".join(f"{name!r}: {texts[0]!r}" for name, texts in each.items())
        raise SpecError(f"{forward.name} has {len(found_all)} modes, and {MODES} are looked at; say one with "
                        f"arguments={{{asked}}}")  # fmt: skip
    return found_all


def with_modes(node: ast.FunctionDef, modes: Mapping[str, str]) -> ast.FunctionDef:
    """The function with texts in place of some of its parameters."""
    if not modes.keys() & {*parameters(node.args)}:
        return node
    node = deepcopy(node)
    made = [ast.Assign([ast.Name(name, ast.Store())], ast.Constant(modes[name]))
            for name in parameters(node.args) if name in modes]  # fmt: skip
    spec, usual = node.args, defaults(node.args)
    spec.posonlyargs = [one for one in spec.posonlyargs if one.arg not in modes]
    spec.args = [one for one in spec.args if one.arg not in modes]
    spec.defaults = [usual[name] for name in positional(spec) if name in usual]
    left = [(one, of) for one, of in zip(spec.kwonlyargs, spec.kw_defaults, strict=True) if one.arg not in modes]
    spec.kwonlyargs, spec.kw_defaults = [one for one, _ in left], [of for _, of in left]
    node.body[:0] = [ast.fix_missing_locations(ast.copy_location(one, node)) for one in made]
    return node


def _compared(program: Program, node: ast.FunctionDef, seen: frozenset[str] = frozenset()) -> dict[str, list[str]]:
    """The parameters that are compared with texts, here or in a function of the text that is given them, and which.

    ``ANOTHER`` is among them where it is written down what is computed for others.
    """
    found = {name: list[str]() for name in parameters(node.args)}
    for one in ast.walk(node):
        match one:
            case ast.Compare(ast.Name(name), [ast.Eq() | ast.NotEq() | ast.In() | ast.NotIn()], [right]):
                pairs = {name: [*_texts(right), *([ANOTHER] if _open(node, name) else [])]}
            case ast.Call(ast.Name(called)) if called in program.functions.keys() - seen:
                helper = program.functions[called]
                known = _compared(program, helper, seen | {node.name, called})
                plain = zip(positional(helper.args), one.args, strict=False)
                given = [*plain, *((k.arg, k.value) for k in one.keywords)]
                pairs = {value.id: known[to] for to, value in given if isinstance(value, ast.Name) and to in known}
            case _:
                continue
        for name, texts in pairs.items():
            if name in found:
                found[name] += [text for text in texts if text not in found[name]]
    bound = {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Load)}
    return {name: texts for name, texts in found.items() if {*texts} - {ANOTHER} and name not in bound}


def _texts(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(str() as text):
            yield text
        case ast.Tuple(items) | ast.List(items) | ast.Set(items):
            for one in items:
                yield from _texts(one)


def _open(node: ast.FunctionDef, name: str) -> bool:
    """Whether it says what is computed for other texts: an ``else`` that raises nothing, or one ``if`` alone."""
    chained = {id(one.orelse[0]) for one in ast.walk(node) if isinstance(one, ast.If) and len(one.orelse) == 1}
    for one in ast.walk(node):
        match one:
            case ast.IfExp(test) if _asks(test, name):
                return True
            case ast.If(test, _, orelse) if _asks(test, name):
                if orelse and not isinstance(orelse[0], ast.If | ast.Raise | ast.Assert):
                    return True
                returns = isinstance(one.body[-1], ast.Return | ast.Continue)
                if not orelse and not isinstance(one.body[-1], ast.Raise) and (id(one) not in chained or returns):
                    return not isinstance(node.body[-1], ast.Raise)
    return False


def _asks(test: ast.expr, name: str) -> bool:
    return any(isinstance(one, ast.Name) and one.id == name for one in ast.walk(test))
