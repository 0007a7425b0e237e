"""Expressions of the loop IR in the form in which both sides are compared, with the names of a nest looked up.

Temporaries are worked out where they are declared, so that they hold what memory held then. An accumulator is a
reduction over the instances that updated it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import product

from symconv.loops.arith import const
from symconv.loops.cells import FAR
from symconv.loops.ir import (
    VECTOR,
    Binary,
    Call,
    Compare,
    Const,
    Declare,
    Expr,
    For,
    If,
    Let,
    Load,
    LoadLanes,
    Real,
    ReduceLanes,
    Select,
    Splat,
    Stmt,
    StoreLanes,
    Update,
    Var,
)
from symconv.loops.traverse import rewrite, walk
from symconv.relation.points import UnclearError, Word
from symconv.validate.firsts import by_position, first_of, named
from symconv.validate.flow import Flow
from symconv.validate.memory import NEUTRAL, Case, Mask, joined
from symconv.validate.scope import Scope
from symconv.validate.terms import ZERO, Sum, Term, Tree, element, number, reduced, terms_of
from symconv.validate.words import is_integer, parts

__all__ = ["Place", "Values", "laned"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an expression stands: its scope, and the mask of the lanes that use it.

    ``target`` and ``cell`` are where it goes, ``op`` is how it is combined there with what is held.
    """

    scope: Scope
    mask: Mask | None = None
    target: str = ""
    cell: tuple[Word, ...] = ()
    op: str = ""


@dataclass(slots=True)
class _Accumulator:
    scope: Scope
    start: tuple[Case, ...]
    origin: tuple[str, tuple[Word, ...]] | None
    vector: bool
    op: str = ""
    terms: list[Term] = field(default_factory=list)
    ordered: bool = False


@dataclass(slots=True)
class Values:
    """The names of a nest: temporaries case by case, positions that are no affine forms, and accumulators."""

    flow: Flow
    names: dict[str, tuple[Case, ...]] = field(default_factory=dict)
    positions: dict[str, Expr] = field(default_factory=dict)
    sums: dict[str, _Accumulator] = field(default_factory=dict)
    integers: dict[str, Expr] = field(default_factory=dict)

    def inside(self) -> Values:
        """The names of a block inside: what it declares ends with it."""
        return Values(self.flow, dict(self.names), dict(self.positions), dict(self.sums), dict(self.integers))

    def known(self, statement: Stmt, scope: Scope) -> None:
        """Raises UnclearError where a statement uses a name that is not declared around it."""
        match statement:
            case For(_, lower, upper):
                nodes = [node for bound in (lower, upper) for node in walk(bound)]
            case If(test):
                nodes = list(walk(test))
            case _:
                nodes = list(walk(statement))
        named = {node.name for node in nodes if isinstance(node, Var | Update)}
        masks = {node.mask for node in nodes if isinstance(node, LoadLanes | StoreLanes | Update)}
        declared = {*scope.dims, *scope.values, *scope.flat, *self.names, *self.positions, *self.sums}
        unknown = (named - declared - {*self.flow.context.sizes}) | (masks - {"", *scope.masks})
        if unknown:
            raise UnclearError(f"{', '.join(sorted(unknown))} is used outside of the block it is declared in")

    def let(self, statement: Let, scope: Scope) -> Scope:
        """An integer is named; a row-major position, which is no affine form, stays an expression."""
        self.integers[statement.name] = statement.value
        try:
            return scope.let(statement.name, statement.value)
        except UnclearError:
            self.positions[statement.name] = self._plain(statement.value)
            return scope

    def declare(self, statement: Declare, updated: bool, scope: Scope) -> None:
        """An accumulator or a temporary starts."""
        name, value = statement.name, statement.value
        if not updated:
            self.names[name] = tuple(self.cases(value, Place(scope)))
            return
        origin = None
        if isinstance(value, Load) and self.flow.written(value.buffer):
            origin = value.buffer, self.flow.index(value.buffer, value.index, scope)
        start = () if origin is not None else tuple(self.cases(value, Place(scope)))
        self.sums[name] = _Accumulator(scope, start, origin, statement.scalar.lanes == VECTOR)

    def update(self, update: Update, scope: Scope, following: tuple[Stmt, ...] = ()) -> None:
        """A contribution to an accumulator; ``following`` is the next statement."""
        update = named(update)
        if update.name not in self.sums:
            raise UnclearError(f"{update.name} is no accumulator here")
        sum_ = self.sums[update.name]
        mask = scope.mask(update.mask, self.flow.lanes) if sum_.vector else None
        scope = scope.lane(self.flow.lanes, *mask) if mask is not None else scope
        if update.op == "=":
            self._extreme(update, sum_, Place(scope, mask), following)
            return
        op = "+" if update.op == "-" else update.op
        if sum_.op not in {"", op}:
            raise UnclearError(f"{update.name} is combined by {sum_.op} and by {op}")
        sum_.op = op
        sign = -1 if update.op == "-" else 1
        for case in self.cases(update.value, Place(scope, mask)):
            terms = terms_of(case.tree, case.within(scope), op, frozenset(self.flow.cuts), apart=False)
            sum_.terms += [replace(term, sign=sign * term.sign) for term in terms]

    def _extreme(self, update: Update, sum_: _Accumulator, here: Place, following: tuple[Stmt, ...]) -> None:
        """A contribution to the position of the first extreme tap."""
        found = first_of(update)
        # Where the better one is noted in between, the next tap is compared with itself.
        if (
            [named(after) for after in following if isinstance(after, Update)]
            != [Update(found.best, found.extreme, Var(found.new), update.mask)]
            or found.new not in self.names
            or found.best not in self.sums
        ):
            raise UnclearError(f"{update.name} is no first position")
        far = self._whole("int", FAR, here.scope)
        if not _starts(self.sums[found.best], NEUTRAL[found.extreme]) or not _starts(sum_, far):
            raise UnclearError(f"{found.best} and {update.name} do not start behind every tap")
        if found.ordered or sum_.ordered:
            self._in_order(update.name, found.where, sum_, here.scope)
        sum_.ordered = found.ordered
        extents, digits = parts(self._plain(Var(found.where)), here.scope.values)
        sum_.op = f"arg{found.extreme}"
        for case in self.cases(Var(found.new), here):
            sum_.terms.append(Term(1, Tree(("at", extents), (case.tree,), digits), case.within(here.scope)))

    def _in_order(self, name: str, where: str, sum_: _Accumulator, scope: Scope) -> None:
        """Raises UnclearError unless this is the only update, and its loops meet taps by position."""
        outer, every = _loops(sum_.scope), _loops(scope)
        within = every[: len(outer)] == outer and scope.cuts == sum_.scope.cuts
        if sum_.terms or not within or not by_position(self.integers.get(where, Var(where)), every[len(outer) :]):
            raise UnclearError(f"nothing says that {name} meets taps by position")

    def cases(self, expr: Expr, here: Place) -> list[Case]:
        """What an expression is, case by case."""
        match expr:
            case Var(name) if name in self.names:
                return [case for case in self.names[name] if here.mask not in case.outside]
            case Var(name) if name in self.sums:
                return [_reduction(self._combined("", expr, here))]
            case ReduceLanes(op, inner):
                return [_reduction(self._combined(op, inner, here))]
            case Const(value, True):
                return [Case(number(value))]
            case Load(buffer, index):
                return self._loaded(buffer, index, here.scope, here.target)
            case LoadLanes():
                return self._lanes(expr, here)
            case Splat(inner):
                return self.cases(inner, here)
            case Real(inner):
                return [Case(self._whole("real", inner, here.scope))]
            case _ if self._counts(expr):
                return [Case(self._whole("int", expr, here.scope))]
            case Binary(head, left, right) | Compare(head, left, right):
                return self._applied(head, (left, right), here)
            case Select(test, yes, no):
                return self._applied("select", (test, yes, no), here)
            case Call(head, arguments):
                return self._applied(head, arguments, here)
        raise UnclearError(f"{type(expr).__name__} in a scalar expression")

    def _applied(self, head: str, arguments: tuple[Expr, ...], here: Place) -> list[Case]:
        return [joined(head, choice) for choice in product(*(self.cases(a, here) for a in arguments))]

    def _counts(self, expr: Expr) -> bool:
        named = self.names.keys() | self.sums.keys()
        return is_integer(expr) and not any(isinstance(node, Var) and node.name in named for node in walk(expr))

    def _whole(self, kind: str, expr: Expr, scope: Scope) -> Tree:
        form, words = parts(self._plain(expr), scope.values)
        known = {*scope.dims, *self.flow.context.sizes}
        if unknown := frozenset[str]().union(*(w.names for w in words)) - known:
            raise UnclearError(f"nothing is known of {', '.join(sorted(unknown))}")
        return Tree((kind, form), (), words)

    def _plain(self, value: Expr) -> Expr:
        result: Expr = rewrite(value, lambda n: self.positions.get(n.name, n) if isinstance(n, Var) else n)
        return result

    def _loaded(self, buffer: str, index: tuple[Expr, ...], scope: Scope, target: str) -> list[Case]:
        """An element of the operator's own tensors, or what is found in memory of the kernel's own."""
        found = []
        for facts, cell in self.flow.places(buffer, index, scope):
            if not self.flow.written(buffer) or (buffer in self.flow.own and buffer != target):
                cases = [Case(element(buffer, cell))]
            else:
                held, here = self.flow.buffer(buffer), scope.given(*facts)
                cases = held.found(self.flow.context, self.flow.cell(buffer, cell), here, self.flow.cuts)
            found += [replace(case, facts=(*facts, *case.facts)) for case in cases]
        return found

    def _lanes(self, load: LoadLanes, here: Place) -> list[Case]:
        """The lanes that are loaded, and those that are 0 because the load's mask does not let them through."""
        mask = here.scope.mask(load.mask, self.flow.lanes)
        lower, upper = mask
        scope = here.scope.lane(self.flow.lanes, lower, upper)
        inside = tuple(fact for fact in scope.facts if fact not in here.scope.facts)
        found = self._loaded(load.buffer, load.lane(Var("lane_")), scope, here.target)
        cases = [replace(case, facts=(*inside, *case.facts)) for case in found]
        if here.mask != mask:
            beyond = Word(f"(lane_ < {lower.text} or lane_ >= {upper.text})")
            cases.append(Case(ZERO, (), (beyond,), frozenset({mask})))
        return cases

    def _combined(self, op: str, value: Expr, here: Place) -> Sum:
        """Accumulators, several of them by ``op``, where they are used."""
        match value:
            case Binary(inner, left, right) if inner == op:
                sums = [self._combined(op, part, here) for part in (left, right)]
                return Sum(sums[0].op, tuple(term for one in sums for term in one.terms))
            case Var(name) if name in self.sums:
                sum_ = self.sums[name]
            case _:
                raise UnclearError("lanes are combined in an unknown way")
        if _loops(sum_.scope) != _loops(here.scope):
            raise UnclearError(f"{name} is used in another loop than it starts in")
        kind = sum_.op or op or "+"
        if op and kind != op:
            raise UnclearError(f"{name} is combined by {kind} and by {op}")
        return Sum(kind, (*self._first(sum_, kind, here), *sum_.terms))

    def _first(self, sum_: _Accumulator, kind: str, here: Place) -> tuple[Term, ...]:
        """What an accumulator starts at. An extreme may start at what its cell holds: it is joined with that anyway."""
        if sum_.origin is not None:
            if kind not in {"max", "min"} or kind != here.op or sum_.origin != (here.target, here.cell):
                raise UnclearError(f"a reduction starts at what {sum_.origin[0]} holds")
            return ()
        if kind.startswith("arg") or _starts(sum_, NEUTRAL[kind]):
            return ()
        cuts = frozenset(self.flow.cuts)
        return tuple(t for case in sum_.start for t in terms_of(case.tree, case.within(sum_.scope), kind, cuts))


def laned(index: tuple[Expr, ...], stride: int) -> tuple[Expr, ...]:
    """The index of one lane."""
    return (*index[:-1], Binary("+", index[-1], Binary("*", const(stride), Var("lane_"))))


def _starts(sum_: _Accumulator, tree: Tree) -> bool:
    return [case.tree for case in sum_.start] == [tree]


def _reduction(sum_: Sum) -> Case:
    return Case(reduced(sum_.op, sum_.terms))


def _loops(scope: Scope) -> tuple[str, ...]:
    return tuple(dim for dim in scope.dims if dim != "lane_")
