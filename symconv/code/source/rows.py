"""Arrays of a loop over time with a row for each step, or one more: where steps put their states and read them.

``s = np.zeros((T + 1, H))`` with ``s[t] = ...`` has its first state in the last row, ``s[-1]``, and with
``s[t + 1] = ...`` in row 0; an array with as many rows as steps has none for it, and what ``s[t - 1]`` is in the first
step is the last state, or what is there before it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from symconv.code.source.loops_in_time import Refused
from symconv.code.source.plain_loops import Plain, behind_first, bound_names
from symconv.code.source.signatures import parameters

__all__ = ["Rows", "is_zero", "place_of", "rows_of", "stored_in"]

_MADE = frozenset({"zeros", "empty"})


@dataclass(frozen=True)
class Rows:
    """An array with a row along ``axis`` for each step, which the step sets: row ``t``, or ``t + 1`` if it is ``late``.

    ``extra`` says that it has one row more. ``state`` is the variable that is the row behind a step, the array's own
    name if there is none, and "" if the row is no state. States begin with the parameter ``start``, or with zeros if
    it is "". ``first`` is what a backward function finds in the row before the first step's, a parameter or "" for
    zeros; None if that is no such row.
    """

    name: str
    axis: int
    extra: bool
    late: bool
    state: str
    start: str
    first: str | None

    @property
    def before(self) -> str:
        """The variable that is the state before a step."""
        return f"kept_{self.name}"

    @property
    def array(self) -> str:
        """The name of the array beside that of the state."""
        return f"{self.name}_steps" if self.state == self.name else self.name

    def own(self, index: str) -> str:
        """The row of a step."""
        return f"{self.array}[{':, ' * self.axis}{index}]"

    def places(self, index: str) -> tuple[str, str]:
        """How the row of the step before is written, and that of the step."""
        return (index, f"{index} + 1") if self.late else (f"{index} - 1", index)


def place_of(index: ast.expr) -> tuple[int, str] | None:
    """The axis that a subscript goes along, with what it takes there, where all of the others are taken whole."""
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    places = [k for k, one in enumerate(parts) if ast.unparse(one) != ":"]
    return (places[0], ast.unparse(parts[places[0]])) if len(places) == 1 else None


def is_zero(value: ast.expr) -> bool:
    """Whether it is an array of zeros."""
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in {
        "zeros", "zeros_like"}  # fmt: skip


def rows_of(plain: Plain) -> dict[str, Rows]:
    """The arrays of a forward function whose rows its steps set, by name."""
    bound = [*bound_names([*plain.before, plain.loop, *plain.after])]
    found = dict[str, Rows]()
    counts = {plain.length, f"{plain.length} + 1", f"1 + {plain.length}"}
    for one in [*plain.before]:
        match one:
            case ast.Assign([ast.Name(name)], ast.Call(ast.Attribute(_, word), [ast.Tuple(lengths), *_])) if (
                word in _MADE
            ):
                said = [ast.unparse(length) for length in lengths]
                axes = [k for k, length in enumerate(said) if length in counts]
                if len(axes) == 1 and (row := _rows(plain, name, axes[0], said[axes[0]], word == "zeros")) is not None:
                    if bound.count(name) != 1:
                        raise Refused
                    found[name] = row
            case ast.Assign([ast.Name(name)], ast.Call(ast.Attribute(_, "zeros_like" | "empty_like"), [ast.Name()])):
                made = [place for at in _stores(plain, name) if (place := place_of(at)) is not None]
                if len(made) == 1 and made[0][1] == plain.index and bound.count(name) == 1:
                    row = _rows(plain, name, made[0][0], plain.length, False)
                    found |= {name: row} if row is not None else {}
    return found


def stored_in(node: ast.stmt, name: str) -> bool:
    """Whether a statement puts something into an array."""
    return any(_is_of(one, name) and isinstance(one.ctx, ast.Store) for one in _subscripts([node]))


def _subscripts(nodes: Sequence[ast.AST]) -> Iterator[ast.Subscript]:
    for one in (part for node in nodes for part in ast.walk(node)):
        if isinstance(one, ast.Subscript):
            yield one


def _is_of(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == name


def _stores(plain: Plain, name: str) -> list[ast.expr]:
    return [one.slice for one in _subscripts([plain.loop]) if _is_of(one, name) and isinstance(one.ctx, ast.Store)]


def _rows(plain: Plain, name: str, axis: int, length: str, zeros: bool) -> Rows | None:
    """One array; None if no step sets its row, though it has no more of them than there are steps."""
    extra = length in {f"{plain.length} + 1", f"1 + {plain.length}"}
    stores, index = _stores(plain, name), plain.index
    place = place_of(stores[0]) if len(stores) == 1 else None
    if not extra and (length != plain.length or place != (axis, index)):
        return None
    if place not in {(axis, index), (axis, f"{index} + 1")}:
        raise Refused
    late = place != (axis, index)
    row = Rows(name, axis, extra, late, "", "", None)
    begun = _begun(plain, row)
    there = begun if begun is not None else "" if zeros else None
    starts = _read_first(plain, row, there)
    first = there if extra else None
    if starts:
        if len(starts) > 1:
            raise Refused
        return Rows(name, axis, extra, late, name, starts.pop(), first)
    variable = _variable(plain, name)
    if variable is None:
        if extra:
            raise Refused
        return row
    return Rows(name, axis, extra, late, *variable, first)


def _begun(plain: Plain, row: Rows) -> str | None:
    """What is put into the row before the first step's ahead of the loop, a parameter or "" for zeros."""
    sets = [one for one in plain.before if stored_in(one, row.name)]
    if not sets:
        return None
    places = {"0"} if row.late else {"-1"} | ({plain.length} if row.extra else set())
    match sets:
        case [ast.Assign([ast.Subscript(ast.Name(), at)], value)]:
            place = place_of(at)
            if place is not None and place[0] == row.axis and place[1] in places:
                plain.before.remove(sets[0])
                return _start(plain, value)
    raise Refused


def _start(plain: Plain, value: ast.expr) -> str:
    """What states begin with: a parameter, or "" for zeros."""
    if isinstance(value, ast.Name) and value.id in parameters(plain.node.args):
        if value.id in [*bound_names([*plain.before, plain.loop])]:
            raise Refused
        return value.id
    if is_zero(value) or ast.unparse(value) in {"0", "0.0"}:
        return ""
    raise Refused


def _read_first(plain: Plain, row: Rows, there: str | None) -> set[str]:
    """With what the states begin that steps read from the row before their own; empty if they read none."""
    found, chosen = set[str](), set[int]()
    before, own = row.places(plain.index)
    for one in ast.walk(plain.loop):
        two = behind_first(one, plain.index) if isinstance(one, ast.IfExp) else None
        if two is not None and isinstance(two[0], ast.Subscript) and _is_of(two[0], row.name):
            # Zeros of another shape would go over more axes, or fewer, in the first step alone.
            if row.late or place_of(two[0].slice) != (row.axis, before) or not isinstance(two[1], ast.Name):
                raise Refused
            found.add(_start(plain, two[1]))
            chosen.add(id(two[0]))
    stored = False
    for node in plain.loop.body:
        for one in _subscripts([node]):
            if not _is_of(one, row.name) or id(one) in chosen or isinstance(one.ctx, ast.Store):
                continue
            if place_of(one.slice) == (row.axis, before):
                if there is None or (stored and not row.extra):
                    raise Refused  # of a single step the row before is its own
                found.add(there)
            elif place_of(one.slice) != (row.axis, own) or not stored:
                raise Refused
        stored |= stored_in(node, row.name)
    return found


def _variable(plain: Plain, name: str) -> tuple[str, str] | None:
    """The variable that is what a step stores when the step is done, and what it begins with."""
    body = plain.loop.body
    places = {target.id: k for k, one in enumerate(body) for target in ast.walk(one)
              if isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store)}  # fmt: skip
    bound = [*bound_names(body)]
    store = next(k for k, one in enumerate(body) if stored_in(one, name))
    node = body[store]
    if not isinstance(node, ast.Assign) or len(node.targets) != 1 or not isinstance(node.value, ast.Name):
        return None
    held = {node.value.id}
    if bound.count(node.value.id) != 1 or places[node.value.id] >= store:
        return None
    for k, one in enumerate(body):
        match one:
            case ast.Assign([ast.Name(other)], ast.Name(same)) if same == node.value.id and k > places[same]:
                held |= {other} if bound.count(other) == 1 else set()
            case ast.Assign([ast.Name(same)], ast.Name(other)) if same == node.value.id and bound.count(other) == 1:
                held |= {other} if places[other] < k else set()
    for other in sorted(held):
        begins = [one.value for one in plain.before if isinstance(one, ast.Assign) and len(one.targets) == 1
                  and isinstance(one.targets[0], ast.Name) and one.targets[0].id == other]  # fmt: skip
        before = [*bound_names(plain.before)].count(other)
        if before == len(begins) == 1:
            return other, _start(plain, begins[0])
        if before == 0 and other in parameters(plain.node.args):
            return other, other
    return None
