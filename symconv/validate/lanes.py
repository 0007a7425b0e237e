"""A row in blocks of lanes that are added up: as its positions, each of which adds what one lane does.

Block ``b`` starts at ``s + L*b``, and its lane ``l`` does what lane 0 of a block from there on would do. Masks keep out
the lanes behind the end of the row, so that those of the last block add nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import (
    Binary,
    Compare,
    Declare,
    Expr,
    For,
    If,
    Kernel,
    Lanes,
    Let,
    Load,
    LoadLanes,
    Select,
    Stmt,
    Update,
    Var,
)
from symconv.loops.traverse import rewrite, substitute, walk
from symconv.relation.points import UnclearError
from symconv.validate.inner import in_general
from symconv.validate.polynomial import WIDTH, alike, canonical, expression, polynomial, uses
from symconv.validate.positions import even

__all__ = ["AddedLanes", "there"]


def there(node: Any, values: Mapping[str, Expr]) -> Any:
    """A node with expressions in place of names, in one form."""
    return canonical(substitute(node, dict(values)))


@dataclass(slots=True)
class AddedLanes:
    """A row, or several, in blocks of lanes. ``added`` is what a block adds, ``loads`` what it loads, each with what
    guards it; ``full`` are demands on its masks.
    """

    at: str
    start: Expr
    length: Expr
    block: tuple[Stmt, ...]
    full: tuple[Stmt, ...]
    masks: dict[str, Lanes] = field(default_factory=dict)
    added: Counter[Any] = field(default_factory=Counter)
    loads: set[Any] = field(default_factory=set)

    @staticmethod
    def of(kernel: Kernel, body: tuple[Stmt, ...], owner: Mapping[str, str]) -> AddedLanes:
        """Raises UnclearError where lanes do not do the same, or those behind the end of a row add something."""
        match body:
            case (For(counter, low, Binary("//", above, by), (Let(at, value), *rest), 1),) if (
                low == const(0) and by == WIDTH
            ):
                block, full = in_general(tuple(rest))
            case _:
                raise UnclearError("a row of contributions is in no blocks of lanes")
        start = there(value, {counter: const(0)})
        length = expression(polynomial(sub(add(above, const(1)), WIDTH)))
        if not alike(value, add(start, mul(WIDTH, Var(counter)))) or uses(length, {counter, at}):
            raise UnclearError(f"{at} is no start of a block of lanes")
        found = AddedLanes(at, start, length, block, tuple(_apart(canonical(one)) for one in full))
        found._read(kernel, block, (), owner)
        found.block = found._without_end(block)
        even(found.block, at)
        return found

    @property
    def head(self) -> tuple[Any, ...]:
        """Everything but what is added and loaded."""
        return self.at, canonical(self.start), canonical(self.length), self.masks, self.full

    def _read(self, kernel: Kernel, body: Sequence[Stmt], guards: tuple[Any, ...], owner: Mapping[str, str]) -> None:
        for statement in body:
            match statement:
                case If(test, inner) if inner and not any(isinstance(n, Load | LoadLanes) for n in walk(test)):
                    self._read(kernel, inner, (*guards, canonical(test)), owner)
                case Declare(name, Lanes() as mask) if not guards and name not in self.masks:
                    self._upper(name, mask)
                    self.masks[name] = replace(mask, lower=canonical(mask.lower), upper=canonical(mask.upper))
                case Declare(_, Load() | LoadLanes() as value):
                    self._loaded(kernel, value, guards)
                case Update(name, "+", value, mask) if name in owner and not uses(value, owner):
                    self._loaded(kernel, value, guards)
                    if mask not in self.masks and (mask or not self._vanishes(value)):
                        raise UnclearError("lanes behind the end of a row add something")
                    # The accumulators of one sum are one: they are added up.
                    self.added[_guarded(guards, Update(owner[name], "+", canonical(value), mask))] += 1
                case _:
                    raise UnclearError(f"a row of contributions has {type(statement).__name__}")

    def _upper(self, name: str, mask: Lanes) -> Expr | None:
        """Where the lanes of a mask end but for the end of the row; None where they start and end with the row."""
        bound = sub(add(self.start, self.length), Var(self.at))
        match mask.upper:
            case Select(Compare("<", a, b), yes, no) if (a, b) == (yes, no) and alike(b, bound):
                return a
            case upper if alike(upper, bound) and mask.lower == const(0):
                return None
        raise UnclearError(f"{name} lets lanes behind the end of a row through")

    def _without_end(self, body: Sequence[Stmt]) -> tuple[Stmt, ...]:
        """A block whose masks do not end with the row, as the first lane of a block never lies behind that."""
        uppers = {name: self._upper(name, mask) for name, mask in self.masks.items()}
        gone = {name for name, upper in uppers.items() if upper is None}

        def rule(node: Any) -> Any:
            return replace(node, mask="") if isinstance(node, LoadLanes | Update) and node.mask in gone else node

        found: list[Stmt] = []
        for statement in body:
            match statement:
                case Declare(name, Lanes(lower)):
                    if (upper := uppers[name]) is not None:
                        found.append(replace(statement, value=Lanes(lower, upper)))
                case _:
                    found.append(rewrite(statement, rule))
        return tuple(found)

    def _loaded(self, kernel: Kernel, value: Expr, guards: tuple[Any, ...]) -> None:
        for node in walk(value):
            if not isinstance(node, Load | LoadLanes):
                continue
            if kernel.buffer(node.buffer).role != "in":
                raise UnclearError(f"sums read {node.buffer}, which is no operand")
            masked = isinstance(node, LoadLanes) and node.mask in self.masks
            if not masked and any(uses(part, {self.at}) for part in node.index):
                raise UnclearError(f"lanes behind the end of a row read {node.buffer}")
            self.loads.add(_guarded(guards, canonical(node)))

    def _vanishes(self, value: Expr) -> bool:
        """Whether a number is 0 in the lanes that masks keep out."""
        match value:
            case Binary("*", left, right):
                return self._vanishes(left) or self._vanishes(right)
            case LoadLanes():
                return value.mask in self.masks
        return False

    def positions(self, owner: Mapping[str, str]) -> tuple[Stmt, ...]:
        """The row as loops over its positions: what has to hold of masks, and what is added."""
        end = add(self.start, self.length)
        checked = (For(self.at, self.start, end, self.full),) if self.full else ()
        return *checked, For(self.at, self.start, end, tuple(_owned(self.block, owner)))


def _guarded(guards: tuple[Any, ...], node: Any) -> Any:
    """A node under the conditions that it stands under, as one statement."""
    inner: Any = node if isinstance(node, Update) else Declare("", node)
    return If(_every(guards), (inner,))


def _every(guards: tuple[Any, ...]) -> Expr:
    found: Expr = const(1)
    for guard in sorted(guards, key=repr):
        found = Select(guard, found, const(0))
    return found


def _owned(body: tuple[Stmt, ...], owner: Mapping[str, str]) -> Iterator[Stmt]:
    for statement in body:
        match statement:
            case If():
                yield replace(statement, body=tuple(_owned(statement.body, owner)))
            case Update():
                yield replace(statement, name=owner[statement.name])
            case _:
                yield statement


def _apart(demand: Any) -> Any:
    """A block of demands; of a minimum that is not less than something, both parts are not."""
    if not isinstance(demand, If) or not demand.body:
        return demand
    found: list[Stmt] = []
    for one in demand.body:
        match one:
            case If(Compare(">=", Select(Compare("<", a, b), yes, no), least), ()) if (a, b) == (yes, no):
                found += [If(Compare(">=", part, least), ()) for part in (a, b)]
            case _:
                found.append(_apart(one))
    return replace(demand, body=tuple(found))
