"""Lists of the code: comprehensions over ranges and lists."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any

from symconv.code.held.boxes import array_of, boxed, fixed, hold
from symconv.code.held.frames import Frame
from symconv.code.held.numbers import constant
from symconv.code.held.sequences import is_range, range_of, sequence, trips
from symconv.code.held.state import State, evaluate, looping, scoped
from symconv.code.reading.assignments import bind
from symconv.code.reading.conditions import tested
from symconv.code.source.trouble import Outside
from symconv.code.values.objects import Box, Series
from symconv.limits import LIST_LENGTH
from symconv.notation.affine import Affine, var
from symconv.prove.meaning.value import inside

__all__ = ["comprehension"]


def comprehension(state: State, node: ast.ListComp | ast.GeneratorExp) -> Any:
    """The value of a comprehension over one or several ranges or lists."""
    if any(isinstance(one, ast.NamedExpr) for one in ast.walk(node)):
        raise Outside("a name that is bound in a list", state.line)
    # Names of a list are its own: functions made in it see them as they are at its end.
    with scoped(state, dict(state.names)):
        if len(node.generators) == 1 and not node.generators[0].ifs:
            items = evaluate(state, node.generators[0].iter)
            if is_range(items):
                first, stop, step = range_of(items)
                count = trips(state, first, stop, step)
                if not count.is_constant:
                    return _over_index(state, node, first, step, count)
        return list(_elements(state, node, list(node.generators)))


def _elements(
    state: State, node: ast.ListComp | ast.GeneratorExp, generators: list[ast.comprehension]
) -> Iterator[Any]:
    if not generators:
        yield evaluate(state, node.elt)
        return
    one, *rest = generators
    for item in _listed(state, evaluate(state, one.iter)):
        bind(state, one.target, item)
        if _passes(state, one.ifs):
            yield from _elements(state, node, rest)


def _passes(state: State, tests: Sequence[ast.expr]) -> bool:
    for test in tests:
        found = tested(state, test)
        if not isinstance(found, bool):
            raise Outside("a condition on positions or elements in a list", state.line)
        if not found:
            return False
    return True


def _listed(state: State, value: Any) -> list[Any]:
    if is_range(value):
        first, stop, step = range_of(value)
        count = constant(state, trips(state, first, stop, step), "the number of elements of a list")
        if count > LIST_LENGTH:
            raise Outside(f"a list of {count} elements", state.line)
        return [first + step * k for k in range(count)]
    return sequence(state, value)


def _over_index(
    state: State, node: ast.ListComp | ast.GeneratorExp, first: Affine, step: Affine, count: Affine
) -> Series:
    walk = state.terms.walk
    index = walk.fresh()
    with looping(state, Frame(index)), walk.inside([index], inside(var(index), count)):
        bind(state, node.generators[0].target, first + var(index) * step.constant)
        element = evaluate(state, node.elt)
        hold(element)
        if not isinstance(element, Box):
            element = boxed(state, array_of(state, element))
        array_of(state, element)
    return Series((index,), (count,), fixed(state, element))
