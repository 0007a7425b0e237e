"""Loops over time: the two functions of one step, where a forward loop carries a state and a backward one its gradient.

A forward function that does ``h = step(x[:, t], h)`` for each ``t``, and a backward one that goes through the same
steps from the last to the first, are right for any number of steps where each step is, by induction over ``t``: the
gradient of the state behind a step is what the steps after it have carried back, and gradients of parameters are added
up. So a step alone is to be proved. What is not exactly of this form is left alone.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from symconv.code.source.kept_states import KeptStates, kept_states
from symconv.code.source.loops_in_time import Loop, Refused, loop_of
from symconv.code.source.one_step import stepped
from symconv.code.source.reductions import sums_all
from symconv.code.source.short_steps import ShortSteps, short_steps
from symconv.code.source.signatures import parameters
from symconv.limits import FEW_STEPS
from symconv.prove.language.people import gradient_words

__all__ = ["OverTime", "changes_nothing_kept", "over_time", "reached"]

_MAKING = frozenset({"zeros", "zeros_like", "ones", "ones_like", "empty", "empty_like", "exp", "tanh", "dot", "copy"})
"""Functions of libraries that give an array of their own."""


@dataclass(frozen=True)
class OverTime:
    """Two functions of one step.

    ``returns`` are the tensors whose gradients the backward one returns, in order; ``states`` those among them that are
    carried from step to step, and ``asked`` those of which the whole functions return the gradients. ``line`` is that
    of the backward loop.
    """

    forward: ast.FunctionDef
    backward: ast.FunctionDef
    returns: tuple[str, ...]
    states: tuple[str, ...]
    asked: tuple[str, ...]
    line: int
    short: tuple[ShortSteps, ...] = ()

    def called(self, names: Mapping[str, str]) -> OverTime:
        """The same with other names for tensors."""
        returns, states, asked = (
            tuple(names.get(one, one) for one in row) for row in (self.returns, self.states, self.asked)
        )
        return replace(self, returns=returns, states=states, asked=asked)


def over_time(forward: ast.FunctionDef, backward: ast.FunctionDef,
              helpers: Mapping[str, ast.FunctionDef]) -> OverTime | None:  # fmt: skip
    """The functions of one step; None where the two are no loops over the same steps that carry a state."""
    with suppress(Refused):
        return _over_time(forward, backward, helpers)
    with suppress(Refused):
        kept = kept_states(forward, backward)
        return _over_time(kept.forward, kept.backward, helpers, kept)
    return None


def _over_time(forward: ast.FunctionDef, backward: ast.FunctionDef, helpers: Mapping[str, ast.FunctionDef],
               kept: KeptStates | None = None) -> OverTime:  # fmt: skip
    there, back = loop_of(forward, False), loop_of(backward, True, kept.axes if kept else None)
    for one in reached(helpers, [*there.body, *back.body]):
        changes_nothing_kept(one)
    takes, given = parameters(forward.args), parameters(backward.args)
    if len(given) != 2 or {"range", "reversed", "len"} & helpers.keys():
        raise Refused
    sequence = _returned(there)
    if there.stores.get(sequence) is None or there.stores[sequence] != back.axes.get(given[0]):
        raise Refused
    if back.timed not in {given[0], *(kept.axes if kept else ())}:
        raise Refused
    back.cache = given[1]
    begins = {name: _beginning(there, name, takes) for name in there.carried}
    pairs, tensors = _paired(there, back, begins, takes)
    states = {name: begins[name] or f"{name}_before" for name in there.carried}
    added = [name for name in there.carried if begins[name] is None]
    if {*takes} & {states[name] for name in added}:
        raise Refused
    after = [f"state{k}" for k in range(len(states))]
    # What begins with 0 is added to, so that the sum says of which shape it has to be.
    one = stepped(there, [*takes, *(states[name] for name in added)], [],
                  [f"{name} = {name} + {states[name]}" for name in added],
                  [*(f"{new} = {name}" for new, name in zip(after, states, strict=True)), f"outputs = {sequence}"],
                  [*after, "outputs", there.cache or ""])  # fmt: skip
    unasked = [name for name in there.carried if states[name] not in tensors.values()]
    other = stepped(back, [*(f"d{new}" for new in after), "doutputs", given[1]], [f"{given[0]} = doutputs"],
                    [f"{pairs[name]} = {pairs[name]} + d{new}" for new, name in zip(after, states, strict=True)],
                    [], [*tensors, *(pairs[name] for name in unasked)])  # fmt: skip
    if kept:
        sums = {name: tensor for name, tensor in tensors.items() if _like(back, name, kept) == tensor}
        _summed_once(other, sums)
        _with_matrices(one, [tensor for name, tensor in sums.items() if _is_outer(back, name)])
    _alike(there, back, begins, tensors, takes)
    returns = (*tensors.values(), *(states[name] for name in unasked))
    asked, zeros = [*tensors.values()], [states[name] for name in added]
    short = [short_steps(one, other, count, there.timed, [*states.values()], zeros, asked)
             for count in range(1, FEW_STEPS + 1)]  # fmt: skip
    return OverTime(one, other, returns, tuple(states.values()), tuple(asked), back.line, tuple(short) if kept else ())


def _like(back: Loop, name: str, kept: KeptStates) -> str | None:
    """The parameter of the forward function with whose shape a sum begins."""
    match back.begins.get(name):
        case ast.Call(ast.Attribute(_, "zeros_like"), [ast.Name(like)], []):
            return kept.called.get(like)
    return None


def _is_outer(back: Loop, name: str) -> bool:
    """Whether what is added to a sum are products of two vectors."""
    added = [one.value for one in back.body if isinstance(one, ast.AugAssign) and ast.unparse(one.target) == name]
    return bool(added) and all(
        isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr == "outer" for one in added
    )


def _with_matrices(step: ast.FunctionDef, names: Sequence[str]) -> None:
    """Says of tensors that they have two axes, as their gradients have; any two, for those of a state are equal."""
    said = ast.parse("\n".join(f"_, _ = {name}.shape" for name in names)).body
    for one in (part for node in said for part in ast.walk(node)):
        if isinstance(one, ast.stmt | ast.expr):
            ast.copy_location(one, step)
    step.body[:0] = said


def _summed_once(step: ast.FunctionDef, names: Collection[str]) -> None:
    """Makes what a step adds to zeros of a tensor's shape the gradient of it, which has to have that shape then.

    A sum over all axes is right for a number alone: then the zeros say that there is an array.
    """
    seen = set[str]()
    for k, one in enumerate(step.body):
        match one:
            case ast.AugAssign(ast.Name(name), ast.Add(), value) if name in names and not sums_all(value):
                old = ast.copy_location(ast.Name(name, ast.Load()), one)
                both = ast.copy_location(ast.BinOp(old, ast.Add(), value), one)
                target = ast.copy_location(ast.Name(name, ast.Store()), one)
                step.body[k] = ast.copy_location(ast.Assign([target], both if name in seen else value), one)
                seen.add(name)


def _returned(loop: Loop) -> str:
    """The sequence that a forward function returns, beside the list of what its steps keep."""
    match loop.result:
        case ast.Tuple([ast.Name(sequence), ast.Name(kept)]) if kept == loop.cache:
            return sequence
    raise Refused


def _beginning(loop: Loop, name: str, takes: Sequence[str]) -> str | None:
    """The parameter that a state begins with; None where it begins with 0."""
    match loop.begins.get(name):
        case None if name in takes:
            return name
        case ast.Name(given) if given in takes:
            return given
        case ast.expr() as value if loop.is_zero(value):
            return None
    raise Refused


def _paired(there: Loop, back: Loop, begins: Mapping[str, str | None],
            takes: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:  # fmt: skip
    """The gradient that is carried for each state, and the tensor of each returned name."""
    if not isinstance(back.result, ast.Tuple) or len(there.carried) != len(back.carried):
        raise Refused
    tensors = dict[str, str]()
    for place, one in enumerate(back.result.elts):
        if not isinstance(one, ast.Name):
            raise Refused
        found = [name for name in takes if one.id in gradient_words(name)]
        if not found and back.final(one.id) in back.carried:
            words = {one.id, back.final(one.id)}
            found = [given for state, given in begins.items() if given and words & {*gradient_words(state)}]
            # What it is called says nothing then; that it is the gradient is proved.
            own = takes[place] if len(takes) == len(back.result.elts) else ""
            found = found or [given for given in begins.values() if given and (given == own or len(begins) == 1)]
        if len(found) != 1 or one.id in tensors:
            raise Refused
        tensors[one.id] = found[0]
    for name in back.carried:
        if not back.is_zero(back.begins.get(name)):
            raise Refused
    pairs = dict[str, str]()
    for state in there.carried:
        of_start = [back.final(name) for name, tensor in tensors.items() if tensor == begins[state]]
        named = [name for name in back.carried if name in gradient_words(state)]
        free = [name for name in back.carried if name not in pairs.values()]
        found = [name for name in (*of_start, *named, *(free if len(free) == 1 else ())) if name in free]
        if not found or (of_start and found[0] != of_start[0]):
            raise Refused
        pairs[state] = found[0]
    for name in tensors:
        if back.final(name) not in {*back.carried, *back.added, *back.stores}:
            raise Refused
    return pairs, tensors


def _alike(there: Loop, back: Loop, begins: Mapping[str, str | None], tensors: Mapping[str, str],
           takes: Sequence[str]) -> None:  # fmt: skip
    """Raises where a gradient is not made in time as what it is of is read: a part each step, a state, or shared."""
    sliced = {name for name in there.axes if name in takes}
    starts = [name for name in begins.values() if name is not None]
    if sliced != {there.timed} or len({*starts}) < len(starts) or sliced & {*starts}:
        raise Refused
    for name, tensor in tensors.items():
        own = back.final(name)
        if tensor in sliced:
            right = back.stores.get(own) == there.axes[tensor]
        else:
            right = own in (back.carried if tensor in starts else back.added)
        if not right:
            raise Refused
    for state, start in begins.items():
        # Beside the state that begins with it a parameter is asked for its lengths alone.
        shapes = {id(one.value) for part in there.before for one in ast.walk(part)
                  if isinstance(one, ast.Attribute) and one.attr == "shape"}  # fmt: skip
        first = there.begins.get(state)
        parts = (*there.before, *(there.body if start != state else ()))
        names = (one for part in parts for one in ast.walk(part) if isinstance(one, ast.Name) and one.id == start)
        if any(id(one) not in shapes and one is not first for one in names):
            raise Refused


def reached(helpers: Mapping[str, ast.FunctionDef], nodes: Sequence[ast.AST]) -> Iterator[ast.FunctionDef]:
    """The functions of the text that the nodes call, and those that these call."""
    waiting, seen = [*nodes], set[str]()
    while waiting:
        for one in ast.walk(waiting.pop()):
            if isinstance(one, ast.Name) and one.id in helpers and one.id not in seen:
                seen.add(one.id)
                waiting.append(helpers[one.id])
                yield helpers[one.id]


def changes_nothing_kept(node: ast.FunctionDef) -> None:
    """Raises where a function may change arrays that it has not made: what an earlier step kept would change too."""
    fresh, changed = dict[str, bool](), set[str]()
    for one in ast.walk(node):
        match one:
            case ast.Assign(targets, value):
                made = isinstance(value, ast.BinOp | ast.UnaryOp | ast.Compare) or _makes(value)
                for target in targets:
                    if isinstance(target, ast.Name):
                        fresh[target.id] = made and fresh.get(target.id, True)
                    for part in ast.walk(target):
                        if isinstance(part, ast.Subscript | ast.Attribute):
                            changed.add(_base(part))
            case ast.AugAssign(target, _, _):
                changed.add(_base(target))
            case ast.keyword("out") | ast.Attribute(_, "at" | "fill" | "sort" | "put" | "partition" | "copyto"):
                raise Refused
            case ast.Attribute(_, name) if name.endswith("_"):
                raise Refused
            case ast.Global() | ast.Nonlocal():
                raise Refused
    given = {*parameters(node.args)}
    if any(name in given or not fresh.get(name) for name in changed):
        raise Refused


def _makes(value: ast.expr) -> bool:
    match value:
        case ast.Call(ast.Attribute(_, name)):
            return name in _MAKING
    return False


def _base(node: ast.expr) -> str:
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
