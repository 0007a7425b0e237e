"""Several equations as one operator: each is elaborated alone, then the sizes they share are named once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from symconv.errors import SpecError
from symconv.notation.affine import Affine, Quotient, var
from symconv.notation.expr import Index, Reduce, equal, reads, rename, walk
from symconv.notation.operator import Assumption, Definition, Operator, Statement, Tensor, Window
from symconv.notation.taps import occupied

__all__ = ["merged"]

_APART = "~"


def merged(parts: Sequence[Operator], source: str, name: str) -> Operator:
    """One operator of all the equations; every part reads the targets of those before it as if they were inputs.

    Raises SpecError where an equation reads a target with another number of axes.
    """
    apart = [_apart(part, number) for number, part in enumerate(parts)]
    sizes = _Sizes([definition for part in apart for definition in part.definitions])
    known: dict[str, Tensor] = {}
    for part in apart:
        for one in (*part.inputs, part.output):
            _tie(sizes, known.setdefault(one.name, one), one)
    sizes.settle()
    called = _names(sizes, apart)

    def final(form: Affine) -> Affine:
        return sizes.resolved(form).substitute(called)

    return _joined([_renamed(part, final) for part in apart], known, final, sizes, source, name)


def _joined(
    parts: Sequence[Operator], known: Mapping[str, Tensor], final: Callable[[Affine], Affine], sizes: _Sizes,
    source: str, name: str,
) -> Operator:  # fmt: skip
    targets = {part.output.name for part in parts}
    inputs = tuple(_tensor(one, final) for one in known.values() if one.name not in targets)
    statements = tuple(part.statements[-1] for part in parts)
    logical = {one.name: one.sizes for one in (*inputs, *(s.target for s in statements))}
    ties = tuple(
        Assumption(equal(final(a), final(b)), f"the equations run one index over {final(a)} and over {final(b)}")
        for a, b in sizes.open
    )
    last = parts[-1]
    kept = {f.name for f in map(final, (var(d.name) for d in sizes.definitions)) if f.name}
    # An extent that turned out to be a size of the inputs is not defined by itself.
    definitions = {d.name: d for part in parts for d in part.definitions if d.name in kept and d.form.name != d.name}
    stated = all(part.empty is None for part in parts)
    return Operator(
        name=name,
        inputs=inputs,
        statements=statements,
        definitions=tuple(_ordered(definitions.values())),
        assumptions=tuple(dict.fromkeys((*(a for part in parts for a in part.assumptions), *ties))),
        windows=tuple(dict.fromkeys(w for part in parts for w in part.windows)),
        kinks=last.kinks,
        surrogates=tuple(dict.fromkeys(s for part in parts for s in part.surrogates)),
        source=source,
        batch=last.batch if all(part.batch == last.batch for part in parts) else "",
        occupied=tuple(o for s in statements for o in occupied(s, logical)) if stated else (),
        empty=last.empty,
        notes=tuple(dict.fromkeys(n for part in parts for n in part.notes)),
    )


def _apart(part: Operator, number: int) -> Operator:
    """The operator with size names that no other part has."""
    own = {name for one in (*part.inputs, part.output) for size in one.sizes for name in size.names()}
    own |= {d.name for d in part.definitions} | {n for d in part.definitions for n in d.form.names()}
    put = {name: var(f"{name}{_APART}{number}") for name in own}
    return _renamed(part, lambda form: form.substitute(put))


def _tensor(one: Tensor, final: Callable[[Affine], Affine]) -> Tensor:
    return replace(one, axes=tuple(tuple(map(final, sizes)) for sizes in one.axes))


def _renamed(part: Operator, final: Callable[[Affine], Affine]) -> Operator:
    names = {name for s in part.statements for name in _mentioned(s)}
    put = {name: final(var(name)) for name in names}

    def text(name: str) -> str:
        return name if name.isdigit() else str(final(var(name)))

    def window(w: Window) -> Window:
        return replace(
            w, lo=final(w.lo), hi=final(w.hi), size=text(w.size), kernel=text(w.kernel), extent=text(w.extent)
        )

    return replace(
        part,
        inputs=tuple(_tensor(one, final) for one in part.inputs),
        statements=tuple(Statement(_tensor(s.target, final), s.indices, rename(s.expr, put)) for s in part.statements),
        definitions=tuple(Definition(text(d.name), final(d.form), d.extent) for d in part.definitions),
        assumptions=tuple(
            replace(a, constraint=replace(a.constraint, form=final(a.constraint.form))) for a in part.assumptions
        ),
        windows=tuple(map(window, part.windows)),
        batch=text(part.batch) if part.batch else "",
        occupied=(),
    )


def _mentioned(statement: Statement) -> set[str]:
    """The size names of a statement: what is written in large letters."""
    found: set[str] = set()
    for node in walk(statement.expr):
        match node:
            case Index(form):
                found |= form.names()
            case Reduce(_, indices, pieces):
                found |= {name for r in indices for name in r.extent.names()}
                found |= {name for piece in pieces for c in piece.where for name in c.form.names()}
    found |= {name for read in reads(statement.expr) for form in read.index for name in form.names()}
    return {name for name in found if _is_size(name)}


def _is_size(name: str) -> bool:
    return name[:1].isupper() or _APART in name


def _tie(sizes: _Sizes, one: Tensor, other: Tensor) -> None:
    if tuple(map(len, one.axes)) != tuple(map(len, other.axes)):
        raise SpecError(
            f"{one.name} has {len(one.axes)} axes in one equation and {len(other.axes)} in another; merged axes are "
            "written alike everywhere, as in (g,c)"
        )
    sizes.pairs += zip(one.sizes, other.sizes, strict=True)


@dataclass(slots=True)
class _Sizes:
    """Which sizes are equal: names that stand for others, and pairs that only an assumption can make so."""

    definitions: Sequence[Definition]
    pairs: list[tuple[Affine, Affine]] = field(default_factory=list)
    names: dict[str, Affine] = field(default_factory=dict)
    open: list[tuple[Affine, Affine]] = field(default_factory=list)

    def resolved(self, form: Affine) -> Affine:
        """The form with names replaced by those they stand for."""
        while form.names() & self.names.keys():
            form = form.substitute(self.names)
        return form

    def settle(self) -> None:
        """Make every pair equal, by names as far as that goes."""
        defined = {d.name: d.form for d in self.definitions}
        waiting, before = list(self.pairs), -1
        while waiting and len(self.names) != before:
            before = len(self.names)
            waiting = [pair for pair in waiting if not self._equal(*pair, defined)]
        self.open = [(a, b) for a, b in waiting if self.resolved(a) != self.resolved(b)]

    def _equal(self, one: Affine, other: Affine, defined: Mapping[str, Affine]) -> bool:
        a, b = self.resolved(one), self.resolved(other)
        if a == b:
            return True
        for x, y in ((b, a), (a, b)):
            if x.name and x.name not in defined and x.name not in self._inner(y, defined):
                self.names[x.name] = y
                return True
        inside = self._opened(a, defined) - self._opened(b, defined)
        if inside == Affine():
            for x, y in ((b, a), (a, b)):
                if x.name and x.name in defined:
                    self.names[x.name] = y
                    return True
        return self._solved(_alike(inside), defined)

    def _opened(self, form: Affine, defined: Mapping[str, Affine]) -> Affine:
        while form.names() & defined.keys():
            form = self.resolved(form.substitute(dict(defined)))
        return form

    def _inner(self, form: Affine, defined: Mapping[str, Affine]) -> frozenset[str]:
        return form.names() | self._opened(form, defined).names()

    def _solved(self, difference: Affine, defined: Mapping[str, Affine]) -> bool:
        """A linear equation gives the last of its names that stands for itself once."""
        plain = all(isinstance(atom, str) for atom, _ in difference.terms)
        free = [str(atom) for atom, factor in difference.terms if abs(factor) == 1 and str(atom) not in defined]
        if not plain or not free or len(difference.terms) > 2 or difference.constant:
            return False
        name = max(free, key=lambda one: (int(one.rpartition(_APART)[2]), one))
        factor = difference.coefficient(name)
        self.names[name] = (difference - Affine(((name, factor),))) * -factor
        return False


def _alike(difference: Affine) -> Affine:
    """Two extents of windows that step alike are made equal by equal kernels: what their numerators differ by."""
    match difference.terms:
        case ((Quotient(up, divisor), one), (Quotient(down, other), two)) if divisor == other and one == -two == 1:
            return up - down
        case ((Quotient(up, divisor), one), (Quotient(down, other), two)) if divisor == other and one == -two == -1:
            return down - up
    return difference


def _names(sizes: _Sizes, parts: Iterable[Operator]) -> dict[str, Affine]:
    """What the sizes are called in the end: as in their own equation, with a number where that name is taken."""
    called: dict[str, Affine] = {}
    taken: set[str] = set()
    for name in _in_order(sizes, parts):
        wish = name.partition(_APART)[0]
        chosen, count = wish, 2
        while chosen in taken:
            chosen, count = f"{wish}{count}", count + 1
        taken.add(chosen)
        called[name] = var(chosen)
    return called


def _in_order(sizes: _Sizes, parts: Iterable[Operator]) -> Iterator[str]:
    seen: set[str] = set()
    for part in parts:
        forms = [size for one in (*part.inputs, part.output) for size in one.sizes]
        forms += [form for d in part.definitions for form in (var(d.name), d.form)]
        for form in forms:
            for name in sorted(sizes.resolved(form).names()):
                if name not in seen:
                    seen.add(name)
                    yield name


def _ordered(definitions: Iterable[Definition]) -> list[Definition]:
    left, done = list(definitions), list[Definition]()
    while left:
        waiting = {d.name for d in left}
        ready = next((d for d in left if not d.form.names() & waiting - {d.name}), None)
        if ready is None:
            raise SpecError(f"these sizes need one another: {', '.join(f'{d.name} = {d.form}' for d in left)}")
        left.remove(ready)
        done.append(ready)
    return done
