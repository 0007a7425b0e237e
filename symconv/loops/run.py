"""The nodes of the loop IR as functions of a scope: what each of them does in a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from symconv.errors import InternalError
from symconv.loops.ir import (
    Accumulate,
    Address,
    Binary,
    Call,
    Compare,
    Const,
    Declare,
    Expr,
    FloorDiv,
    For,
    If,
    Lanes,
    Let,
    Load,
    LoadLanes,
    Mod,
    Outlined,
    Prefetch,
    Real,
    ReduceLanes,
    Select,
    Shift,
    Splat,
    Stmt,
    Store,
    StoreLanes,
    StoreReduced,
    StoreTurned,
    StoreZip,
    Unzip,
    Update,
    Var,
    Zip,
)
from symconv.loops.lanewise import FUNCTIONS, OPERATORS, RELATIONS, WIDTH, called, chosen, combined, lanes, reduced
from symconv.loops.memory import Junk, Meter, Room

__all__ = ["Run", "Scope"]

Scope = dict[str, Any]
Value = Callable[[Scope], Any]
Action = Callable[[Scope], None]


def _known(value: Any, use: str) -> Any:
    """A value that decides something; raises InternalError where it was never stored."""
    if type(value) is Junk:
        raise value.refuse(use)
    return value


def _mask(scope: Scope, mask: str, width: int) -> tuple[Any, ...]:
    if not mask:
        return (True,) * width
    return tuple([_known(on, f"the mask {mask} depends on it") for on in scope[mask]])


@dataclass(slots=True)
class Run:
    """Turns the nodes of a kernel into functions of the scope, once for a run: they know the sizes of its buffers."""

    meter: Meter
    rooms: dict[str, Room] = field(default_factory=dict)
    width: int = WIDTH

    def block(self, body: tuple[Stmt, ...]) -> Action:
        actions, spend, count = [self.action(statement) for statement in body], self.meter.spend, len(body)

        def act(scope: Scope) -> None:
            spend(count)
            for action in actions:
                action(scope)

        return act

    def action(self, statement: Stmt) -> Action:
        match statement:
            case For(name, lower, upper, inner, step):
                return self._loop(name, self.value(lower), self.value(upper), self.block(inner), step)
            case If(condition, inner):
                return self._branch(self.value(condition), self.block(inner))
            case Let(name, value) | Declare(name, value):
                return self._declare(name, self.value(value))
            case Update(name, op, value, mask):
                return self._update(name, OPERATORS[op], self.value(value), mask)
            case Store(buffer, index, value):
                return self._store(self.rooms[buffer], self.place(buffer, index), self.value(value), "=")
            case Accumulate(buffer, index, op, value):
                return self._store(self.rooms[buffer], self.place(buffer, index), self.value(value), op)
            case StoreLanes(buffer, index, _, _, _, value):
                return self._store_lanes(statement, self.place(buffer, index), self.value(value))
            case StoreZip(buffer, index, values):
                return self._store_zip(self.rooms[buffer], self.place(buffer, index), [self.value(v) for v in values])
            case StoreReduced(buffer, index, op, values):
                sums = [self.value(ReduceLanes("+", value)) for value in values]
                return self._store_reduced(self.rooms[buffer], self.place(buffer, index), op, sums)
            case StoreTurned():
                return self.action(statement.meaning)
            case Outlined(_, inner):
                return self._outlined(self.block(inner))
            case Prefetch():
                return lambda scope: None

    def _loop(self, name: str, lower: Value, upper: Value, body: Action, step: int) -> Action:
        def act(scope: Scope) -> None:
            start, stop = (_known(bound(scope), f"{name} runs so far") for bound in (lower, upper))
            for scope[name] in range(start, stop, step):
                body(scope)

        return act

    def _branch(self, condition: Value, body: Action) -> Action:
        def act(scope: Scope) -> None:
            if _known(condition(scope), "a branch depends on it"):
                body(scope)

        return act

    def _declare(self, name: str, value: Value) -> Action:
        def act(scope: Scope) -> None:
            scope[name] = value(scope)

        return act

    def _update(self, name: str, function: Callable[..., Any], value: Value, mask: str) -> Action:
        def act(scope: Scope) -> None:
            old = scope[name]
            new = combined(function, old, value(scope))
            scope[name] = chosen(_mask(scope, mask, self.width), new, old) if mask else new

        return act

    def _outlined(self, body: Action) -> Action:
        return lambda scope: body(dict(scope))

    def _store(self, room: Room, place: Callable[..., int], value: Value, op: str) -> Action:
        function = OPERATORS[op]

        def act(scope: Scope) -> None:
            at, new = place(scope), value(scope)
            room.write(at, new if op == "=" else combined(function, room.old(at), new))

        return act

    def _store_lanes(self, statement: StoreLanes, place: Callable[..., int], value: Value) -> Action:
        room, stride, op = self.rooms[statement.buffer], statement.stride, statement.op
        function = OPERATORS[op]

        def act(scope: Scope) -> None:
            new = lanes(value(scope), self.width)
            for lane, on in enumerate(_mask(scope, statement.mask, self.width)):
                if on:
                    at = place(scope, lane * stride)
                    room.write(at, new[lane] if op == "=" else combined(function, room.old(at), new[lane]))

        return act

    def _store_zip(self, room: Room, place: Callable[..., int], values: list[Value]) -> Action:
        def act(scope: Scope) -> None:
            rows = [lanes(value(scope), self.width) for value in values]
            for number, value in enumerate(value for column in zip(*rows, strict=True) for value in column):
                room.write(place(scope, number), value)

        return act

    def _store_reduced(self, room: Room, place: Callable[..., int], op: str, sums: list[Value]) -> Action:
        def act(scope: Scope) -> None:
            for number, value in enumerate(total(scope) for total in sums):
                at = place(scope, number)
                room.write(at, value if op == "=" else combined(OPERATORS[op], room.old(at), value))

        return act

    def place(self, buffer: str, index: tuple[Expr, ...], offset: Expr | None = None) -> Callable[..., int]:
        """The address of an element, ``shift`` elements further on."""
        room, forms = self.rooms[buffer], [self.value(form) for form in index]
        if offset is None:
            return lambda scope, shift=0: room.within(_index(forms, scope), shift)
        distance = self.value(offset)
        return lambda scope, shift=0: room.behind(_index(forms, scope), distance(scope), shift)

    def value(self, expr: Expr) -> Value:
        match expr:
            case Const(value, real):
                number = value if real and value.denominator != 1 else int(value)
                return lambda scope: number
            case Var(name):
                return lambda scope: scope[name]
            case Binary(op, left, right):
                return self._both(OPERATORS[op], left, right)
            case Compare(op, left, right):
                return self._both(RELATIONS[op], left, right)
            case FloorDiv(value, divisor):
                inner = self.value(value)
                return lambda scope: inner(scope) // divisor
            case Mod(value, divisor):
                inner = self.value(value)
                return lambda scope: inner(scope) % divisor
            case Real(value):
                return self.value(value)
            case Select():
                return self._select(expr)
            case Call(function, arguments):
                parts, known = [self.value(argument) for argument in arguments], FUNCTIONS[function]
                return lambda scope: called(known, [part(scope) for part in parts])
        return self._of_lanes_or_memory(expr)

    def _of_lanes_or_memory(self, expr: Expr) -> Value:
        match expr:
            case Load(buffer, index, offset):
                room, place = self.rooms[buffer], self.place(buffer, index, offset)
                return lambda scope: room.read(place(scope))
            case LoadLanes():
                return self._load_lanes(expr, self.rooms[expr.buffer])
            case Address(buffer, index):
                room, forms = self.rooms[buffer], [self.value(form) for form in index]
                return lambda scope: room.address(_index(forms, scope))
            case Lanes(lower, upper):
                low, high = self.value(lower), self.value(upper)
                return lambda scope: _between(low(scope), high(scope), self.width)
            case Splat(value):
                inner = self.value(value)
                return lambda scope: lanes(inner(scope), self.width)
            case ReduceLanes(op, value):
                inner = self.value(value)
                return lambda scope: reduced(OPERATORS[op], lanes(inner(scope), self.width))
            case Unzip(values, part, turn):
                given, n, width = [self.value(value) for value in values], len(values), self.width
                return lambda scope: _joined(_turns([e for v in given for e in lanes(v(scope), width)], turn)[part::n])
            case Zip(values, part, turn):
                given, width = [self.value(value) for value in values], self.width
                whole = slice(part * width, (part + 1) * width)
                return lambda scope: _woven([lanes(one(scope), width) for one in given], turn)[whole]
            case Shift(value, by):
                inner = self.value(value)
                return lambda scope: _shifted(lanes(inner(scope), self.width), by)
        raise InternalError(f"the interpreter knows no {type(expr).__name__}")

    def _both(self, function: Callable[..., Any], left: Expr, right: Expr) -> Value:
        a, b = self.value(left), self.value(right)
        return lambda scope: combined(function, a(scope), b(scope))

    def _select(self, expr: Select) -> Value:
        condition, yes, no = (self.value(part) for part in (expr.condition, expr.yes, expr.no))

        def value(scope: Scope) -> Any:
            on = condition(scope)
            if type(on) is tuple:
                return chosen(on, yes(scope), no(scope))
            return yes(scope) if _known(on, "a choice depends on it") else no(scope)

        return value

    def _load_lanes(self, load: LoadLanes, room: Room) -> Value:
        if load.axis in (-1, len(load.index) - 1):
            place = self.place(load.buffer, load.index, load.offset)
            steps = [(lane, place, lane * load.stride) for lane in range(self.width)]
        else:
            indices = [load.lane(Const(Fraction(lane))) for lane in range(self.width)]
            steps = [(lane, self.place(load.buffer, at, load.offset), 0) for lane, at in enumerate(indices)]

        def value(scope: Scope) -> Any:
            on = _mask(scope, load.mask, self.width)
            return tuple([room.read(place(scope, shift)) if on[lane] else 0 for lane, place, shift in steps])

        return value


def _index(forms: list[Value], scope: Scope) -> list[int]:
    return [_known(form(scope), "an index depends on it") for form in forms]


def _turns(values: Sequence[Any], turn: int) -> list[Sequence[Any]]:
    return [values[k : k + turn] for k in range(0, len(values), turn)]


def _joined(turns: Iterable[Sequence[Any]]) -> tuple[Any, ...]:
    return tuple([value for one in turns for value in one])


def _woven(rows: list[tuple[Any, ...]], turn: int) -> tuple[Any, ...]:
    return _joined(one for several in zip(*(_turns(row, turn) for row in rows), strict=True) for one in several)


def _shifted(values: tuple[Any, ...], by: int) -> tuple[Any, ...]:
    return tuple([values[lane] if 0 <= lane < len(values) else 0 for lane in range(by, by + len(values))])


def _between(low: Any, high: Any, width: int) -> tuple[bool, ...]:
    low, high = _known(low, "a mask depends on it"), _known(high, "a mask depends on it")
    return tuple([low <= lane < high for lane in range(width)])
