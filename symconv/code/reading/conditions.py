"""Comparisons, ``and``, ``or`` and choices, as they are written."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from symconv.code.held.boxes import current
from symconv.code.held.masks import guarding, indicator_of
from symconv.code.held.operators import binary
from symconv.code.held.state import State, call, evaluate
from symconv.code.held.truths import compared_values, joined_masks, truth_of
from symconv.code.source.spelling import COMPARISONS
from symconv.code.source.trouble import Outside
from symconv.code.values.conditions import both, either, opposite
from symconv.code.values.kinds import in_words
from symconv.code.values.objects import (
    Box,
    Condition,
    Dotted,
)

__all__ = ["boolean", "chosen_value", "comparison", "tested"]


def comparison(state: State, left: ast.expr, ops: Sequence[ast.cmpop], rights: Sequence[ast.expr]) -> Any:
    result: Any = True
    first = evaluate(state, left)
    for op, node in zip(ops, rights, strict=True):
        second = evaluate(state, node)
        found = compared_values(state, COMPARISONS[type(op)], first, second)
        if isinstance(found, Box) or isinstance(result, Box):
            if len(ops) > 1 and any(isinstance(v, Box) and state.on.rank(current(state, v)) for v in (found, result)):
                raise Outside("a chain of comparisons of arrays", state.line)
            result = found if result is True else binary(state, "*", result, found)
        elif isinstance(found, Condition) or isinstance(result, Condition):
            result = both(result, found)
        else:
            result = result and found
        first = second
    return result


def tested(state: State, node: ast.expr) -> Any:
    """The truth of an expression."""
    if isinstance(node, ast.BoolOp):
        return boolean(state, isinstance(node.op, ast.And), node.values, True)
    return truth_of(state, evaluate(state, node))


def boolean(state: State, every: bool, nodes: Sequence[ast.expr], test: bool = False) -> Any:
    """``and`` or ``or``: the operand that decides, or where the conditions hold."""
    result: Any = every
    last: Any = every
    for node in nodes:
        if isinstance(result, bool) and result != every:
            return result if test else last
        reads = any(isinstance(one, ast.Subscript) for one in ast.walk(node))
        with guarding(state, result if every and reads else None):
            last = tested(state, node) if test else evaluate(state, node)
            found = truth_of(state, last)
        if not test and not isinstance(last, bool | Condition) and not (isinstance(last, Box) and last.mask):
            if isinstance(found, bool) and isinstance(result, bool):
                result = found
                continue
            raise Outside(f"{'and' if every else 'or'} of a condition and {in_words(last)}", state.line)
        if isinstance(found, Box) or isinstance(result, Box):
            if any(isinstance(one, Box) and state.on.rank(current(state, one)) for one in (found, result)):
                raise Outside("the truth of an array of several elements", state.line)
            result = joined_masks(state, every, result, found)
        else:
            result = both(result, found) if every else either(result, found)
    return last if isinstance(result, bool) and not test else result


def chosen_value(state: State, test: ast.expr, body: ast.expr, orelse: ast.expr) -> Any:
    found = tested(state, test)
    if isinstance(found, bool):
        return evaluate(state, body if found else orelse)
    if isinstance(found, Box):
        return call(state, Dotted("numpy.where"), [found, evaluate(state, body), evaluate(state, orelse)], {})
    with guarding(state, found):
        one = evaluate(state, body)
    with guarding(state, opposite(found)):
        other = evaluate(state, orelse)
    return call(state, Dotted("numpy.where"), [indicator_of(state, found), one, other], {})
