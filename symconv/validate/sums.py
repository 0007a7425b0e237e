"""The scalars and vectors of a nest: temporaries, masks, and the accumulators with what they have summed so far."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from symconv.loops.arith import const
from symconv.loops.cells import FAR
from symconv.loops.ir import (
    VECTOR,
    Binary,
    Compare,
    Declare,
    Expr,
    Lanes,
    Let,
    Load,
    LoadLanes,
    Select,
    Splat,
    Update,
    Var,
)
from symconv.loops.traverse import rewrite
from symconv.relation.points import Instances, UnclearError, Word
from symconv.validate.flow import Access, Flow
from symconv.validate.scope import Scope
from symconv.validate.terms import Sum, Term, is_neutral, shape, terms_of
from symconv.validate.words import parts, word

__all__ = ["Sums", "laned"]


@dataclass(slots=True)
class _Accumulator:
    scope: Scope
    start: Expr
    vector: bool
    op: str = ""
    terms: list[Term] = field(default_factory=list)


@dataclass(slots=True)
class Sums:
    """The names of a nest: ``names`` are temporaries by value, ``masks`` the lanes they let through."""

    flow: Flow
    sums: dict[str, _Accumulator] = field(default_factory=dict)
    names: dict[str, Expr] = field(default_factory=dict)
    masks: dict[str, tuple[Word, Word]] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.sums

    def let(self, statement: Let, scope: Scope) -> Scope:
        """An integer is named; a row-major position, which is no affine form, stays an expression."""
        try:
            return scope.let(statement.name, statement.value)
        except UnclearError:
            self.names[statement.name] = self.plain(statement.value)
            return scope

    def declare(self, statement: Declare, updated: bool, scope: Scope) -> None:
        """A mask, an accumulator or a temporary starts."""
        name, value = statement.name, statement.value
        if isinstance(value, Lanes):
            self.masks[name] = (word(value.lower, scope.values), word(value.upper, scope.values))
        elif updated:
            self.sums[name] = _Accumulator(scope, self.plain(value), statement.scalar.lanes == VECTOR)
        else:
            self.names[name] = self.plain(value)

    def plain(self, value: Expr) -> Expr:
        """An expression without the names of temporaries."""
        result: Expr = rewrite(value, lambda n: self.names.get(n.name, n) if isinstance(n, Var) else n)
        return result

    def lanes(self, mask: str, scope: Scope) -> Scope:
        """The active lanes under a mask, all of them where it is not named."""
        count = self.flow.lanes
        return scope.lane(count, *(self.masks[mask] if mask else (Word("0"), Word(str(count)))))

    def update(self, update: Update, scope: Scope) -> None:
        """A contribution to an accumulator."""
        sum_ = self.sums[update.name]
        if update.op == "=":
            self._extreme(update, sum_, scope)
            return
        if sum_.vector:
            scope = self.lanes(update.mask, scope)
        op = "+" if update.op == "-" else update.op
        if sum_.op not in {"", op}:
            raise UnclearError(f"{update.name} is combined by {sum_.op} and by {op}")
        sum_.op = op
        value = self._scalar(self.plain(update.value), update.mask)
        sign = -1 if update.op == "-" else 1
        if isinstance(value, Load) and self.flow.scratch(value.buffer):
            sum_.terms += [replace(t, sign=sign * t.sign) for t in self._fetched(value, scope)]
            return
        form, words = shape(value, scope.values, {})
        sum_.terms.append(Term(sign, form, scope.points.touching(words)))

    def _scalar(self, value: Expr, mask: str) -> Expr:
        """One lane of a vector expression."""

        def one(node: object) -> object:
            match node:
                case LoadLanes(buffer, index, stride, own):
                    if self.masks[own] != self.masks.get(mask):
                        raise UnclearError(f"lanes of {buffer} are loaded under another mask than they are used")
                    return Load(buffer, laned(index, stride))
                case Splat(inner):
                    return inner
            return node

        result: Expr = rewrite(value, one)
        return result

    def _extreme(self, update: Update, sum_: _Accumulator, scope: Scope) -> None:
        """The first extreme tap: ``at = where if better or (equal and where < at)``, then ``best = new if better``."""
        match update.value:
            case Select(Compare(">" | "<" as op, Var(new), Var(best)), Var(where), Select(first, Var(same), Var(kept))):
                equal = Compare("==", Var(new), Var(best))
                earlier = Compare("<", Var(where), Var(kept))
                if (same, kept) != (where, update.name) or first != Select(equal, earlier, const(0)):
                    raise UnclearError(f"{update.name} is no first position")
            case Select(Compare(">" | "<" as op, Var(new), Var(best)), Var(a), Var(b)) if best == b == update.name:
                if a != new:
                    raise UnclearError(f"{update.name} is assigned")
                sum_.op = "max" if op == ">" else "min"
                return
            case _:
                raise UnclearError(f"{update.name} is assigned")
        if not is_neutral(self.sums[best].start, "max" if op == ">" else "min") or sum_.start != FAR:
            raise UnclearError(f"{best} and {update.name} do not start behind every tap")
        extents, digits = parts(self.plain(Var(where)), scope.values)
        form, words = shape(self._scalar(self.names[new], ""), scope.values, {})
        sum_.op = "argmax" if op == ">" else "argmin"
        sum_.terms.append(Term(1, ("at", extents, form), scope.points.touching((*digits, *words))))

    def _fetched(self, load: Load, scope: Scope) -> list[Term]:
        """What a scratch buffer holds where it is read."""
        index = self.flow.index(load.buffer, load.index, scope)
        self.flow.asked.append(Access(load.buffer, scope.points.touching(index)))
        held = self.flow.buffer(load.buffer)
        return [joined for term in held.terms if (joined := _joined(term, index, scope)) is not None]

    def combined(self, op: str, value: Expr, cell: Load, scope: Scope) -> Sum:
        """Accumulators, several of them by ``op``, at the place where ``cell`` gets them."""
        match value:
            case Binary(inner, left, right) if inner == op:
                sums = [self.combined(op, part, cell, scope) for part in (left, right)]
                return Sum(sums[0].op, tuple(term for one in sums for term in one.terms))
            case Var(name) if name in self.sums:
                sum_ = self.sums[name]
            case _:
                raise UnclearError("lanes are combined in an unknown way")
        if _loops(sum_.scope) != _loops(scope):
            raise UnclearError(f"{name} is used in another loop than it starts in")
        kind = sum_.op or op or "+"
        if op and kind != op:
            raise UnclearError(f"{name} is combined by {kind} and by {op}")
        return Sum(kind, (*self._first(sum_, kind, cell, scope), *sum_.terms))

    def _first(self, sum_: _Accumulator, kind: str, cell: Load, scope: Scope) -> tuple[Term, ...]:
        """What an accumulator starts at. An extreme may start at what its cell holds: it is joined with that anyway."""
        if kind.startswith("arg") or is_neutral(sum_.start, kind):
            return ()
        if sum_.start == cell:
            if kind not in {"max", "min"}:
                raise UnclearError(f"a sum starts at what {cell.buffer} holds")
            return ()
        return tuple(terms_of(self._scalar(sum_.start, ""), (), scope.points, scope.values, {}))


def laned(index: tuple[Expr, ...], stride: int) -> tuple[Expr, ...]:
    """The index of one lane."""
    return (*index[:-1], Binary("+", index[-1], Binary("*", const(stride), Var("lane_"))))


def _loops(scope: Scope) -> tuple[str, ...]:
    return tuple(dim for dim in scope.dims if dim != "lane_")


def _joined(term: Term, index: tuple[Word, ...], scope: Scope) -> Term | None:
    """A term of a scratch cell as a term of what reads that cell; None where it is of another cell."""
    own, width = term.instances, len(index)
    renamed: dict[str, str] = {}
    equal: list[Word] = []
    gone: set[str] = set()
    for mine, asked in zip(own.image[:width], index, strict=True):
        if mine.text.isdigit() and asked.text.isdigit():
            if mine != asked:
                return None
        elif mine.text.isidentifier() and mine.text not in own.dims:
            # A part: a function of the loop that was cut; every part is asked for once.
            if asked.text not in scope.counted or asked.text not in scope.dims:
                raise UnclearError("a part of a sum is read in an unknown way")
            gone.add(asked.text)
        elif mine.text in own.dims and mine.text not in renamed:
            renamed[mine.text] = f"({asked.text})"
        else:
            equal.append(Word(f"{mine.text} = {asked.text}"))
    names = {dim: renamed.get(dim, f"{dim}_of" if dim in scope.dims else dim) for dim in own.dims}
    facts = (*(f for f in scope.facts if not f.names & gone), *(f.renamed(names) for f in (*own.facts, *equal)))
    dims = (*(d for d in scope.dims if d not in gone), *(names[d] for d in own.dims if d not in renamed))
    image = tuple(w.renamed(names) for w in own.image[width:])
    return replace(term, instances=Instances(dims, tuple(dict.fromkeys(facts)), image))
