"""Statements of the code, run once: loops over positions as indices, conditions on positions as constraints."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from symconv.code.held.masks import keeps_order, opposite_of
from symconv.code.held.sequences import counted, iterated
from symconv.code.held.state import State, evaluate, fails
from symconv.code.reading.assignments import assign, augment, bind
from symconv.code.reading.branching import run_branches
from symconv.code.reading.calls import function_of
from symconv.code.reading.conditions import tested
from symconv.code.reading.loops import symbolic_loop, while_loop
from symconv.code.reading.subscripts import place_of
from symconv.code.source.aliases import names_in
from symconv.code.source.cases import PARTLY
from symconv.code.source.fills import fills
from symconv.code.source.generators import free_names, inlined, lazy, stored, yields
from symconv.code.source.spelling import spelled
from symconv.code.source.trouble import CodeError, Outside
from symconv.code.source.unbound import read_too_early
from symconv.code.values.kinds import in_words, key_in_words
from symconv.code.values.objects import Box, Combinations, Condition, Context, Counted, Function, Method, Unbound
from symconv.limits import CODE_STEPS, LOOP_UNROLLED
from symconv.prove.meaning.scope import Mismatch, Undecided

__all__ = ["run_block", "run_function", "run_inner"]


@dataclass(frozen=True, slots=True)
class _Signal:
    """How a block ended: by ``return``, ``continue`` or ``break``."""

    kind: str
    value: Any = None


def run_function(state: State, node: ast.FunctionDef, names: dict[str, Any]) -> Any:
    """What a function returns for these parameters."""
    state.names = names
    for name in read_too_early(node):
        # A name of its own has no value yet, whatever it is elsewhere.
        names[name] = Unbound(f"{name} is read before this function gives it a value")
    signal = run_block(state, node.body)
    return signal.value if signal is not None and signal.kind == "return" else None


def run_block(state: State, nodes: Sequence[ast.stmt]) -> _Signal | None:
    """Runs statements."""
    for position, node in enumerate(nodes):
        state.reach(node.lineno)
        _step(state)
        rest = nodes[position + 1 :]
        match node:
            case ast.With(_, body):
                return run_block(state, [*body, *rest])
            case ast.If():
                found = _if(state, node, rest)
                if found is not None:
                    return found[0]
                continue
        signal = _stated(state, node)
        if signal is not None:
            return signal
    return None


def _stated(state: State, node: ast.stmt) -> _Signal | None:
    try:
        return _statement(state, node)
    except (CodeError, Outside, Mismatch):
        raise
    except Undecided as reason:
        raise Outside(str(reason), state.line) from reason


def _statement(state: State, node: ast.stmt) -> _Signal | None:
    match node:
        case ast.Assign(targets, value):
            assign(state, targets, value)
        case ast.AnnAssign(target, _, value) if value is not None:
            assign(state, [target], value)
        case ast.AugAssign(target, op, value):
            augment(state, target, op, value)
        case ast.For():
            return _for(state, node)
        case ast.While():
            return _while(state, node)
        case ast.Return(value):
            if lazy(value):
                raise Outside("an iterator is returned; a list of it is read", state.line)
            return _Signal("return", None if value is None else evaluate(state, value))
        case ast.Expr(value):
            if not isinstance(value, ast.Constant):
                evaluate(state, value)
        case ast.Continue():
            return _Signal("continue")
        case ast.Break():
            return _Signal("break")
        case _:
            return _other(state, node)
    return None


def _other(state: State, node: ast.stmt) -> _Signal | None:
    match node:
        case ast.FunctionDef():
            state.names[node.name] = function_of(state, node)
        case ast.Assert(test):
            _asserted(state, test)
        case ast.Delete(targets):
            for deleted in targets:
                _deleted(state, deleted)
        case ast.Pass() | ast.Import() | ast.ImportFrom() | ast.AnnAssign():
            return None
        case ast.Raise():
            fails(state)
            return _Signal("continue")
        case _:
            _unread(state, node)
    return None


def _asserted(state: State, test: ast.expr) -> None:
    found = tested(state, test)
    if isinstance(found, Box):
        raise Outside("a condition on elements is asserted", state.line)
    if found is False:
        fails(state)
    elif isinstance(found, Condition):
        run_branches(state, [(opposite_of(state, found), partial(fails, state))])


def _deleted(state: State, target: ast.expr) -> None:
    keeps_order(state, "what is deleted")
    match target:
        case ast.Name(name):
            evaluate(state, ast.Name(name, ast.Load()))
            state.names[name] = Unbound(f"{name} was deleted before it is read")
        case ast.Subscript(owner, index):
            held = evaluate(state, owner)
            if not isinstance(held, list | dict):
                raise state.error(f"{in_words(held)} has no elements to delete")
            key = place_of(state, held, index)
            if isinstance(held, dict) and key not in held:
                raise state.error(f"there is no {key_in_words(key)} to delete")
            del held[key]
        case ast.Tuple(items):
            for one in items:
                _deleted(state, one)
        case _:
            raise Outside("del of this", state.line)


def _unread(state: State, node: ast.stmt) -> None:
    read = PARTLY.get(type(node), "")
    words = f"is read {read}" if read else "is not read; for over ranges, if, assignments and return are"
    raise Outside(f"{spelled(node)} {words}", state.line)


def _if(state: State, node: ast.If, rest: Sequence[ast.stmt]) -> tuple[_Signal | None] | None:
    """Runs a condition; None where the statements after it are still to be run."""
    try:
        found = tested(state, node.test)
    except Undecided as reason:
        raise reason if isinstance(reason, Outside) else Outside(str(reason), state.line) from None
    if isinstance(found, bool):
        # A condition on positions inside must know what it leaves out.
        return (run_block(state, [*(node.body if found else node.orelse), *rest]),)
    leaves = any(isinstance(one, ast.Continue | ast.Break | ast.Return) for part in (node.body, node.orelse)
                 for top in part for one in ast.walk(top))  # fmt: skip
    tail = list(rest) if leaves else []
    pairs = []
    for part, body in ((found, [*node.body]), (opposite_of(state, found), [*node.orelse])):
        block = body if leaves and body and isinstance(body[-1], ast.Continue) else [*body, *tail]
        pairs.append((part, lambda block=block: run_inner(state, block)))
    run_branches(state, pairs)
    return (None,) if leaves else None


def run_inner(state: State, nodes: Sequence[ast.stmt]) -> None:
    signal = run_block(state, nodes)
    if signal is not None and signal.kind != "continue":
        raise Outside(f"{signal.kind} under a condition on positions", state.line)


def _generated(state: State, node: ast.For) -> list[ast.stmt] | None:
    """A loop over a function that yields, written out; None for other loops."""
    if not isinstance(node.iter, ast.Call):
        return None
    function = evaluate(state, node.iter.func) if isinstance(node.iter.func, ast.Name | ast.Attribute) else None
    if isinstance(function, Method) and isinstance(function.owner, Context):
        held: ast.AST | None = state.program.method(function.name)
    else:
        held = function.node if isinstance(function, Function) else None
    if not isinstance(held, ast.FunctionDef) or not yields(held):
        return None
    state.made += 1
    found = inlined(node, held, node.iter, isinstance(function, Method), f"__{state.made}")
    if found is None:
        raise Outside(f"a loop over {held.name}, which yields, that is left in the middle", state.line)
    sees = function.names if isinstance(function, Function) else {}
    if sees is not state.names and (meant := free_names(held) & {*state.names, *sees, *stored(node)}):
        raise Outside(f"{held.name}, which yields, reads {min(meant)} of other functions", state.line)
    return found


def _for(state: State, node: ast.For) -> _Signal | None:
    if (statements := _generated(state, node)) is not None:
        return run_block(state, statements)
    items = evaluate(state, node.iter)
    if isinstance(items, Combinations) and state.on.symbolic:
        return run_block(state, _nested(state, node, items))
    found = counted(state, items) if state.on.symbolic or not isinstance(items, Box) else None
    if found is not None and not _unrolled(state, node, items, found):
        symbolic_loop(state, node.body, found.count, lambda at: bind(state, node.target, found.at(at)),
                      frozenset(names_in(node.target)))  # fmt: skip
        return run_block(state, node.orelse)
    every = _live(items) if isinstance(items, list) else iterated(state, items)
    return _rounds(state, node, _each(state, node.target, every))


def _unrolled(state: State, node: ast.For, items: Any, found: Counted) -> bool:
    """Whether the iterations are read one by one."""
    if state.on.symbolic and fills(node):
        return False
    few = found.count.is_constant and (not state.on.symbolic or found.count.constant <= LOOP_UNROLLED)
    return few and not isinstance(items, Box)


def _nested(state: State, node: ast.For, grid: Combinations) -> list[ast.stmt]:
    """A loop over all combinations as loops in one another."""
    if any(isinstance(one, ast.Break) for top in node.body for one in ast.walk(top)):
        raise Outside("a loop over combinations that is left in the middle", state.line)
    state.made += 1
    rows = [f"__{state.made}_{k}" for k in range(len(grid.rows))]
    for name, row in zip(rows, grid.rows, strict=True):
        state.names[name] = row
    body = node.body
    targets: list[ast.expr] = [ast.Name(f"{name}_item", ast.Store()) for name in rows]
    match node.target:
        case ast.Tuple(items) if len(items) == len(rows) and not any(isinstance(one, ast.Starred) for one in items):
            targets = items
        case _:
            every: list[ast.expr] = [ast.Name(f"{name}_item", ast.Load()) for name in rows]
            body = [ast.Assign([node.target], ast.Tuple(every, ast.Load())), *body]
    for target, name in zip(reversed(targets), reversed(rows), strict=True):
        body = [ast.For(target, ast.Name(name, ast.Load()), body, [])]
    for one in body:
        ast.copy_location(one, node)
        ast.fix_missing_locations(one)
    return [*body, *node.orelse]


def _while(state: State, node: ast.While) -> _Signal | None:
    if state.on.symbolic:
        while_loop(state, node)
        return None
    return _rounds(state, node, _turns(state, node.test))


def _each(state: State, target: ast.expr, items: Iterable[Any]) -> Iterator[None]:
    """With the target at each of the items."""
    for one in items:
        bind(state, target, one)
        yield


def _turns(state: State, test: ast.expr) -> Iterator[None]:
    """As often as a condition is true."""
    while tested(state, test) is True:
        _step(state)
        yield


def _rounds(state: State, node: ast.For | ast.While, rounds: Iterable[None]) -> _Signal | None:
    """Runs the body in each round, and what comes after the loop where nothing leaves it."""
    for _ in rounds:
        signal = run_block(state, node.body)
        if signal is not None and signal.kind != "continue":
            return signal if signal.kind == "return" else None
    return run_block(state, node.orelse)


def _step(state: State) -> None:
    state.steps += 1
    if state.steps > CODE_STEPS:
        raise Outside("more steps than are taken", state.line)


def _live(items: list[Any]) -> Iterator[Any]:
    """The items of a list, which the loop may make longer or shorter."""
    at = 0
    while at < len(items):
        yield items[at]
        at += 1
