"""Where a statement stands: the loops around it, what holds there, and the integers named there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from symconv.loops.arith import add, const, simplify
from symconv.loops.ir import Binary, Const, Expr, For, Lanes, Var
from symconv.loops.traverse import substitute, walk
from symconv.relation.points import Instances, UnclearError, Word
from symconv.validate.words import condition, word

__all__ = ["Scope", "bounds"]


@dataclass(frozen=True, slots=True)
class Scope:
    """``counted`` are loops of a constant number of turns; ``flat`` are variables that count several loops at once.

    ``cuts`` are counters that became functions of the variable of the loop they cut; ``masks`` are lanes let through.
    """

    dims: tuple[str, ...] = ()
    facts: tuple[Word, ...] = ()
    values: Mapping[str, Word] = field(default_factory=dict)
    counted: Mapping[str, int] = field(default_factory=dict)
    flat: Mapping[str, tuple[tuple[str, ...], Expr]] = field(default_factory=dict)
    cuts: frozenset[str] = frozenset()
    masks: Mapping[str, tuple[Word, Word]] = field(default_factory=dict)

    @property
    def points(self) -> Instances:
        """The instances of a statement here."""
        return Instances(self.dims, self.facts)

    def let(self, name: str, value: Expr) -> Scope:
        """An integer named."""
        return replace(self, values={**self.values, name: word(value, self.values)})

    def where(self, test: Expr) -> Scope:
        """Under a condition."""
        return replace(self, facts=(*self.facts, condition(test, self.values)))

    def given(self, *facts: Word) -> Scope:
        """Under facts."""
        return replace(self, facts=tuple(dict.fromkeys((*self.facts, *facts))))

    def masked(self, name: str, mask: Lanes) -> Scope:
        """A mask named."""
        lanes = (word(mask.lower, self.values), word(mask.upper, self.values))
        return replace(self, masks={**self.masks, name: lanes})

    def mask(self, name: str, lanes: int) -> tuple[Word, Word]:
        """The first lane of a mask and the one behind its last; all lanes where it is not named."""
        return self.masks[name] if name else (Word("0"), Word(str(lanes)))

    def lane(self, lanes: int, lower: Word, upper: Word) -> Scope:
        """The active lanes of a mask."""
        facts = (Word("0 <= lane_"), Word(f"lane_ < {lanes}"), Word(f"lane_ >= {lower.text}"))
        dims = self.dims if "lane_" in self.dims else (*self.dims, "lane_")
        return replace(self, dims=dims).given(*facts, Word(f"lane_ < {upper.text}"))

    def digit(self, name: str, length: Expr) -> Scope:
        """One of the loops that a flat loop stands for."""
        facts = bounds(name, const(0), length, self.values)
        counted = {**self.counted, name: int(length.value)} if isinstance(length, Const) else self.counted
        return replace(self, dims=(*self.dims, name), counted=counted).given(*facts)

    def inside(self, loop: For) -> Scope:
        """The body of a loop."""
        if loop.var in self.dims:
            raise UnclearError(f"two loops around each other are called {loop.var}")
        values = {name: value for name, value in self.values.items() if name != loop.var}
        here = replace(self, dims=(*self.dims, loop.var), values=values)
        try:
            facts = bounds(loop.var, loop.lower, loop.upper, self.values)
        except UnclearError:
            return self._parts(loop)
        if loop.step != 1:
            facts = (*facts, Word(f"({loop.var} - {word(loop.lower, self.values).text}) mod {loop.step} = 0"))
        if isinstance(loop.lower, Const) and isinstance(loop.upper, Const) and loop.step == 1 and not loop.lower.value:
            here = replace(here, counted={**here.counted, loop.var: int(loop.upper.value)})
        return here.given(*facts)

    def _parts(self, loop: For) -> Scope:
        """A range cut into consecutive parts by an outer counter, which becomes a function of the loop's variable.

        The parts ``c(k) .. c(k+1)-1`` for k = 0 .. P-1 make up ``c(0) .. c(P)-1`` without overlap where c grows.
        """
        for name, count in self.counted.items():
            after = simplify(substitute(loop.lower, {name: add(Var(name), const(1))}))
            if name not in self.dims or after != simplify(loop.upper) or not _grows(loop.lower, name):
                continue
            first, last = (simplify(substitute(loop.lower, {name: const(k)})) for k in (0, count))
            dims = tuple(dim for dim in self.dims if dim != name)
            facts = tuple(fact for fact in self.facts if name not in fact.names)
            if len(self.facts) - len(facts) > 2 or any(name in value.names for value in self.values.values()):
                break
            own = bounds(loop.var, first, last, self.values)
            facts = tuple(dict.fromkeys((*facts, *own)))
            return replace(self, dims=(*dims, loop.var), facts=facts, cuts=self.cuts | {name})
        raise UnclearError(f"the bounds of loop {loop.var} are not affine")


def _grows(lower: Expr, name: str) -> bool:
    """Whether ``start + max(0, length)*name // parts``."""
    match lower:
        case Binary("+", start, rest) if not any(node == Var(name) for node in walk(start)):
            return _grows(rest, name)
        case Binary("-", rest, start) if not any(node == Var(name) for node in walk(start)):
            return _grows(rest, name)
        case Binary("//", Binary("*", Binary("max", Const(least, False), _) as length, Var(var)), Const(parts, False)):
            inside = any(node == Var(name) for node in walk(length))
            return var == name and least >= 0 and parts > 0 and not inside
    return False


def bounds(name: str, lower: Expr, upper: Expr, values: Mapping[str, Word]) -> tuple[Word, ...]:
    """``lower <= name < upper`` as facts without a maximum or minimum where that is possible."""
    match lower:
        case Binary("max", a, b):
            most = bounds(name, a, upper, values)
            return (*most, *bounds(name, b, upper, values))
    facts = [Word(f"{name} >= {word(lower, values).text}")]
    start = lower.value if isinstance(lower, Const) else None
    match upper:
        case Binary("min", a, b):
            return tuple(dict.fromkeys((*bounds(name, lower, a, values), *bounds(name, lower, b, values))))
        case Binary("max", Const(least, False), b) if start is not None and least <= start:
            return bounds(name, lower, b, values)
        case Binary("//", value, Const(by, False)) if start is not None and start >= 0 and by > 0:
            return (*facts, Word(f"{by}*({name} + 1) <= {word(value, values).text}"))
    return (*facts, Word(f"{name} < {word(upper, values).text}"))
