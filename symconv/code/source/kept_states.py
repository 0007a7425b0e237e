"""Loops over time whose steps are kept in arrays, as loops whose steps are kept one by one.

A forward function returns ``(x, h0, W, h)``, whose arrays hold a part for each step, and the backward one reads
``h[:, t]`` and ``h[:, t - 1] if t > 0 else h0`` of it, or has the first state in one row more, ``h[t - 1]`` or
``h[:, t + 1]`` and ``h[:, t]``. The state before a step is a variable then that the step keeps beside the others, and
an array of states has a row for each step. What is not exactly of this form is left alone.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from symconv.code.source.loops_in_time import Refused
from symconv.code.source.plain_loops import Plain, bound_names, plain_loop
from symconv.code.source.row_reads import InBackward, InForward
from symconv.code.source.rows import Rows, place_of, rows_of, stored_in
from symconv.code.source.signatures import parameters

__all__ = ["KeptStates", "kept_states"]

_LIST = "kept_steps"


@dataclass(frozen=True)
class KeptStates:
    """The two functions with what is kept of each step.

    ``axes`` are those of time of the arrays with a part for each step that the backward one takes from what is kept,
    and ``called`` are the names of the forward one for its names.
    """

    forward: ast.FunctionDef
    backward: ast.FunctionDef
    axes: Mapping[str, int]
    called: Mapping[str, str]


def kept_states(forward: ast.FunctionDef, backward: ast.FunctionDef) -> KeptStates:
    """The functions in this form; raises Refused where they are no such loops."""
    there, back = plain_loop(forward), plain_loop(backward)
    takes, given = parameters(there.node.args), parameters(back.node.args)
    if len(given) != 2 or _changes_in_place(forward) or _changes_in_place(backward):
        raise Refused
    kept = _kept(there)
    rows = rows_of(there)
    output = _output(there, rows)
    names = _taken_apart(back, given[1])
    _only_kept(there, rows, kept)
    if len(names) != len(kept) or given[0] in names:
        raise Refused
    timed = _timed(there, takes)
    starts = {one.start: one.before for one in rows.values() if one.state and one.start}
    axes = {given[0]: rows[output].axis}
    parts = list[str]()
    for name, other in zip(kept, names, strict=True):
        if name in rows:
            axes[other] = rows[name].axis
            parts.append(rows[name].own(there.index))
        elif name in timed:
            axes[other], part = timed[name]
            parts.append(part)
        else:
            # A state's beginning is asked for its lengths alone, which are those of any state.
            parts.append(starts.get(name, name))
    called = dict(zip(names, kept, strict=True))
    change = InBackward({n: rows[one] for n, one in called.items() if one in rows}, back.index, called, {*starts})
    change.all(back, given[1])
    states = [*change.read.values()]
    _in_forward(there, rows, [*parts, *(one.before for one in states)], output)
    _takes_states(back, given[1], [one.before for one in states])
    _unused({_LIST, *(n for one in rows.values() for n in (one.before, one.array) if one.state and n != one.name)},
            forward, backward)  # fmt: skip
    return KeptStates(there.whole(), back.whole(), axes, called)


def _changes_in_place(node: ast.FunctionDef) -> bool:
    """Whether a function may change an array otherwise than by assignments, which are looked at."""
    for one in ast.walk(node):
        match one:
            case ast.keyword("out") | ast.NamedExpr() | ast.Global() | ast.Nonlocal():
                return True
            case ast.Attribute(_, "at" | "fill" | "sort" | "put" | "partition" | "copyto" | "place" | "putmask"):
                return True
            case ast.Attribute(_, name) if name.endswith("_") or name in {"itemset", "resize", "fill_diagonal"}:
                return True
    return False


def _unused(made: set[str], *nodes: ast.FunctionDef) -> None:
    """Raises where a function has a name that is made here."""
    for one in (part for node in nodes for part in ast.walk(node)):
        if (isinstance(one, ast.Name) and one.id in made) or (isinstance(one, ast.arg) and one.arg in made):
            raise Refused


def _kept(there: Plain) -> list[str]:
    """What a forward function keeps, by name, which is its second result: a tuple, or a name that is bound to one."""
    match there.result.value:
        case ast.Tuple([_, ast.Tuple(parts) | ast.List(parts)]):
            pass
        case ast.Tuple([_, ast.Name(name)]):
            bound = [one for one in (*there.before, *there.after)
                     if isinstance(one, ast.Assign) and [ast.unparse(t) for t in one.targets] == [name]]  # fmt: skip
            every = [one for one in ast.walk(there.whole()) if isinstance(one, ast.Name) and one.id == name]
            if len(bound) != 1 or len(every) != 2 or not isinstance(bound[0].value, ast.Tuple | ast.List):
                raise Refused
            parts = bound[0].value.elts
            (there.before if bound[0] in there.before else there.after).remove(bound[0])
        case _:
            raise Refused
    names = [one.id for one in parts if isinstance(one, ast.Name)]
    if len(names) != len(parts) or len({*names}) != len(names):
        raise Refused
    return names


def _output(there: Plain, rows: Mapping[str, Rows]) -> str:
    """The array that a forward function returns, without the row of the first state."""
    assert isinstance(there.result.value, ast.Tuple)
    match there.result.value.elts[0]:
        case ast.Name(name) if name in rows and not rows[name].extra:
            return name
        case ast.Subscript(ast.Name(name), at) if name in rows and rows[name].extra:
            ends = {"1:"} if rows[name].late else {":-1", f":{there.length}", f"0:{there.length}"}
            place = place_of(at)
            if place is not None and place[0] == rows[name].axis and place[1] in ends:
                return name
    raise Refused


def _taken_apart(back: Plain, given: str) -> list[str]:
    """The names that a backward function has for what is kept."""
    found = list[str]()
    for one in back.before:
        match one:
            case ast.Assign([ast.Tuple(parts) | ast.List(parts)], ast.Name(name)) if name == given:
                found = [part.id for part in parts if isinstance(part, ast.Name)]
                if len(found) != len(parts):
                    raise Refused
    whole = back.whole()
    names = [one.id for one in ast.walk(whole) if isinstance(one, ast.Name)]
    bound = [*bound_names([whole])]
    if names.count(given) != 1 or not found or any(bound.count(name) != 1 for name in found):
        raise Refused
    return found


def _only_kept(there: Plain, rows: Mapping[str, Rows], kept: Sequence[str]) -> None:
    """Raises where a name that is kept is not the same array in each step and behind them."""
    bound = [*bound_names([*there.before, there.loop, *there.after])]
    for name in kept:
        own = name in rows and name not in parameters(there.node.args)
        if not own and (name not in parameters(there.node.args) or name in bound):
            raise Refused


def _timed(there: Plain, takes: Sequence[str]) -> dict[str, tuple[int, str]]:
    """The parameters of which each step reads its part: the axis of time, and that part."""
    found = dict[str, tuple[int, str]]()
    for one in ast.walk(there.loop):
        match one:
            case ast.Subscript(ast.Name(name), at) if name in takes:
                place = place_of(at)
                if place is not None and place[1] == there.index:
                    found[name] = place[0], f"{name}[{':, ' * place[0]}{there.index}]"
    return found


def _takes_states(back: Plain, given: str, names: Sequence[str]) -> None:
    """Takes the states before a step from what is kept too."""
    for one in back.before:
        match one:
            case ast.Assign([ast.Tuple(parts) | ast.List(parts)], ast.Name(name)) if name == given:
                one.targets = [ast.Tuple([*parts, *(ast.Name(n, ast.Store()) for n in names)], ast.Store())]


def _in_forward(there: Plain, rows: Mapping[str, Rows], kept: Sequence[str], output: str) -> None:
    """The forward function with a list of what each step keeps."""
    states = [one for one in rows.values() if one.state]
    change = InForward(rows, there.index)
    there.before = [part for one in there.before for part in _made(one, rows, there, change)]
    there.before += _read(f"{_LIST} = []", there.loop)
    there.after = [change.changed(one) for one in there.after]
    body = list[ast.stmt]()
    for one in there.loop.body:
        body.append(change.changed(one))
        for row in states:
            if row.array != row.name and stored_in(body[-1], row.array):
                body += _read(f"{row.state} = {row.own(there.index)}", one)
    first = [part for row in states for part in _read(f"{row.before} = {row.state}", there.loop)]
    there.loop.body = [*first, *body, *_read(f"{_LIST}.append(({', '.join(kept)},))", there.loop)]
    there.result = _result(rows[output].array, there.result)


def _result(name: str, old: ast.Return) -> ast.Return:
    made = ast.Tuple([ast.Name(name, ast.Load()), ast.Name(_LIST, ast.Load())], ast.Load())
    return ast.fix_missing_locations(ast.copy_location(ast.Return(ast.copy_location(made, old)), old))


def _read(text: str, at: ast.AST) -> list[ast.stmt]:
    """Statements that stand where another one does."""
    made = ast.parse(text).body
    for one in (part for node in made for part in ast.walk(node)):
        if isinstance(one, ast.stmt | ast.expr):
            ast.copy_location(one, at)
    return made


def _made(node: ast.stmt, rows: Mapping[str, Rows], there: Plain, change: InForward) -> list[ast.stmt]:
    """A statement before the loop, with as many rows as there are steps, and what a state begins with behind it."""
    match node:
        case ast.Assign([ast.Name(name)], ast.Call(ast.Attribute(module, _), arguments)) if name in rows:
            row = rows[name]
            if isinstance(arguments[0], ast.Tuple):
                arguments[0].elts[row.axis] = ast.copy_location(ast.Name(there.length, ast.Load()), node)
            node.targets = [ast.copy_location(ast.Name(row.array, ast.Store()), node)]
            if row.state != name:
                return [node]
            # Of one step, so that its shape is that of a row.
            begin = row.start or f"{ast.unparse(module)}.zeros_like({row.own(there.index)})"
            return [node, *_read(f"{name} = {begin}", node)]
    return [change.changed(node)]
