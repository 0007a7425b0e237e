"""Lists and dicts of the code: comprehensions over ranges and lists."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any

from symconv.code.held.boxes import array_of, boxed, fixed, hold
from symconv.code.held.frames import Frame
from symconv.code.held.numbers import key_of
from symconv.code.held.sequences import iterated, many
from symconv.code.held.state import State, evaluate, looping, scoped
from symconv.code.reading.assignments import bind
from symconv.code.reading.conditions import tested
from symconv.code.source.trouble import Outside
from symconv.code.values.objects import Box, Counted, Series
from symconv.notation.affine import var
from symconv.prove.meaning.value import inside

__all__ = ["comprehension", "items_of_dict"]


def comprehension(state: State, node: ast.ListComp | ast.GeneratorExp) -> Any:
    """The value of a comprehension over one or several ranges or lists."""
    if any(isinstance(one, ast.NamedExpr) for one in ast.walk(node)):
        raise Outside("a name that is bound in a list", state.line)
    # Names of a list are its own: functions made in it see them as they are at its end.
    with scoped(state, dict(state.names)):
        if len(node.generators) == 1 and not node.generators[0].ifs:
            items = evaluate(state, node.generators[0].iter)
            if (found := many(state, items)) is not None:
                return _over_index(state, node, found)
        return [evaluate(state, node.elt) for _ in _rounds(state, node.generators)]


def items_of_dict(state: State, node: ast.DictComp) -> dict[Any, Any]:
    """The value of ``{key: value for ... in ...}`` over ranges or lists whose lengths are known."""
    if any(isinstance(one, ast.NamedExpr) for one in ast.walk(node)):
        raise Outside("a name that is bound in a dict", state.line)
    with scoped(state, dict(state.names)):
        found = {}
        for _ in _rounds(state, node.generators):
            key = key_of(state, evaluate(state, node.key))
            found[key] = evaluate(state, node.value)
            hold(found[key])
        return found


def _rounds(state: State, generators: Sequence[ast.comprehension]) -> Iterator[None]:
    """With the targets of a comprehension at each of its items."""
    if not generators:
        yield
        return
    one, *rest = generators
    for item in iterated(state, evaluate(state, one.iter)):
        bind(state, one.target, item)
        if _passes(state, one.ifs):
            yield from _rounds(state, rest)


def _passes(state: State, tests: Sequence[ast.expr]) -> bool:
    for test in tests:
        found = tested(state, test)
        if not isinstance(found, bool):
            raise Outside("a condition on positions or elements in a list", state.line)
        if not found:
            return False
    return True


def _over_index(state: State, node: ast.ListComp | ast.GeneratorExp, items: Counted) -> Series:
    walk = state.terms.walk
    index = walk.fresh()
    with looping(state, Frame(index)), walk.inside([index], inside(var(index), items.count)):
        bind(state, node.generators[0].target, items.at(var(index)))
        element = evaluate(state, node.elt)
        hold(element)
        if not isinstance(element, Box):
            element = boxed(state, array_of(state, element))
        array_of(state, element)
    return Series((index,), (items.count,), fixed(state, element))
