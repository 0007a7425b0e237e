"""What a note of ``nearby`` says, shown where a packed element is read: it is the element that lies in its place."""

from __future__ import annotations

from dataclasses import dataclass, replace

from symconv.loops.ir import Call, Declare, Expr, Load, Stmt
from symconv.relation.points import Instances, UnclearError, Word
from symconv.relation.told import occurs
from symconv.validate.flow import Flow
from symconv.validate.nearby import COORDINATE, NOTE
from symconv.validate.scope import Scope
from symconv.validate.words import condition, word

__all__ = ["Note", "found_there", "noted"]


@dataclass(frozen=True, slots=True)
class Note:
    """Where ``given`` holds, what a packed buffer holds is ``element``, which comes before ``last`` on every axis."""

    given: tuple[Expr, ...]
    element: Load
    last: tuple[Expr, ...]
    scope: Scope


def noted(flow: Flow, statement: Stmt, scope: Scope) -> bool:
    """Whether a statement is a note, which is kept."""
    match statement:
        case Declare(name, Call("note", (Call(_, given), Load() as element, Call(_, last)))) if name.startswith(NOTE):
            flow.notes[name.removeprefix(NOTE)] = Note(given, element, last, scope)
            return True
    return False


def found_there(flow: Flow, buffer: str, index: tuple[Expr, ...], scope: Scope) -> None:
    """Raises UnclearError unless a read of a packed buffer finds the element that its note says."""
    note = flow.notes[buffer]
    own = flow.index(buffer, index, scope)
    values = {**note.scope.values, **{COORDINATE.format(k): at for k, at in enumerate(own)}}
    here = scope.given(*(condition(test, note.scope.values) for test in note.given))
    element = [word(form, values) for form in note.element.index]
    last = [word(form, note.scope.values) for form in note.last]
    if frozenset[str]().union(*(w.names for w in (*element, *last, *here.facts))) - {*here.dims, *flow.context.sizes}:
        raise UnclearError(f"nothing is known of where what {buffer} holds lies")
    for at, end in zip(element, last, strict=True):
        _never(flow, here.points, f"{at.text} > {end.text}", f"lanes behind what lies at {at.text} may be read")
    said = f"what {buffer} holds is what lies there"
    for facts, cell in flow.places(buffer, index, scope):
        within = here.given(*facts)
        if cell != own:
            _never(flow, within.points, "0 = 0", said)
            continue
        for case in flow.buffer(buffer).found(flow.context, flow.cell(buffer, cell), within, flow.cuts):
            wrong = "0 = 0"
            if case.tree.head == ("load", note.element.buffer):
                wrong = " or ".join(f"{a.text} != {b.text}" for a, b in zip(case.tree.words, element, strict=True))
            _never(flow, case.within(within), wrong, said)


def _never(flow: Flow, points: Instances, wrong: str, said: str) -> None:
    if occurs(flow.context, replace(points, facts=(*points.facts, Word(f"({wrong})")))):
        raise UnclearError(f"nothing says that {said}")
