"""What a cell of a buffer holds: scalar expressions over elements and reductions, as signed terms per instance.

Both sides, the derivation and the kernel, are brought to this form, each by a mapping of its own. A term's ``form`` is
its expression with every element and every integer left blank; the blanks are coordinates of the instances' image,
after those of the cell. Reductions inside a function are slots of the form.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from math import prod

from symconv.relation.points import Instances, Word

__all__ = [
    "INFINITY",
    "ZERO",
    "Sum",
    "Term",
    "Tree",
    "among",
    "apart_from",
    "apply",
    "element",
    "fresh",
    "inner_dims",
    "number",
    "reduced",
    "terms_of",
    "without_number",
]

Form = Hashable
_COMMUTATIVE = {"+", "*", "max", "min", "==", "!="}
_ASSOCIATIVE = {"+", "*", "max", "min"}


@dataclass(frozen=True, slots=True)
class Tree:
    """A scalar expression: ``head`` of ``parts``; ``words`` are the integers in it, ``sum`` is a reduction's."""

    head: Hashable
    parts: tuple[Tree, ...] = ()
    words: tuple[Word, ...] = ()
    sum: Sum | None = None

    def shape(self) -> tuple[Form, tuple[Word, ...], tuple[Sum, ...]]:
        """The form, the words that fill its blanks in reading order, and the reductions of its slots."""
        if self.sum is not None:
            return "slot", (), (self.sum,)
        if not self.parts:
            return (self.head, len(self.words)), self.words, ()
        inner = [part.shape() for part in self.parts]
        words = (*self.words, *(word for _, own, _ in inner for word in own))
        return (self.head, *(form for form, _, _ in inner)), words, tuple(s for _, _, own in inner for s in own)

    def renamed(self, names: Mapping[str, str]) -> Tree:
        """With names, or texts in parentheses, in place of names."""
        return Tree(
            self.head,
            tuple(part.renamed(names) for part in self.parts),
            tuple(word.renamed(names) for word in self.words),
            self.sum and self.sum.renamed(names),
        )

    def sums(self) -> Iterator[Sum]:
        """Every reduction in it, nested ones too."""
        if self.sum is not None:
            yield self.sum
            for term in self.sum.terms:
                yield from term.tree.sums()
        for part in self.parts:
            yield from part.sums()

    def at(self, points: Instances, cuts: frozenset[str] = frozenset()) -> Tree:
        """With its reductions under the facts of the points where it is used; see ``Sum.at``."""
        if self.sum is None and not self.parts:
            return self
        parts = tuple(part.at(points, cuts) for part in self.parts)
        return Tree(self.head, parts, self.words, self.sum and self.sum.at(points, cuts))

    def among(self, rule: Callable[[Instances], Instances | None]) -> Tree:
        """With the instances of its reductions told in another way; terms that never occur are left out."""
        if self.sum is None and not self.parts:
            return self
        parts = tuple(part.among(rule) for part in self.parts)
        return Tree(self.head, parts, self.words, self.sum and Sum(self.sum.op, among(self.sum.terms, rule)))

    def of(self, cell: tuple[Word, ...]) -> Tree:
        """With its reductions as contributions to a cell."""
        if self.sum is None and not self.parts:
            return self
        return Tree(self.head, tuple(part.of(cell) for part in self.parts), self.words, self.sum and self.sum.of(cell))


@dataclass(frozen=True, slots=True)
class Term:
    """``sign`` times ``tree``, for every instance; the instances' image is the cell that receives it."""

    sign: int
    tree: Tree
    instances: Instances


@dataclass(frozen=True, slots=True)
class Sum:
    """A reduction by ``op`` (``+ max min argmax argmin``) over terms."""

    op: str
    terms: tuple[Term, ...]

    def renamed(self, names: Mapping[str, str]) -> Sum:
        """With names, or texts in parentheses, in place of names; a variable that becomes a text is none any more."""
        return Sum(self.op, tuple(_renamed(term, names) for term in self.terms))

    def at(self, points: Instances, cuts: frozenset[str]) -> Sum:
        """The same under the facts of the points where it is used; ``cuts`` count parts of loops and are summed up."""
        return Sum(self.op, tuple(_under(term, points, cuts) for term in self.terms))

    def of(self, cell: tuple[Word, ...]) -> Sum:
        """The same as contributions to a cell."""
        return Sum(self.op, tuple(Term(t.sign, t.tree.of(cell), t.instances.touching(cell)) for t in self.terms))


def among(terms: Iterable[Term], rule: Callable[[Instances], Instances | None]) -> tuple[Term, ...]:
    """Terms with their instances told in another way; those that never occur are left out."""
    told = ((term, rule(term.instances)) for term in terms)
    return tuple(Term(t.sign, t.tree.among(rule), points) for t, points in told if points is not None)


def _renamed(term: Term, names: Mapping[str, str]) -> Term:
    own = term.instances
    dims = tuple(names.get(dim, dim) for dim in own.dims)
    facts, image = (tuple(word.renamed(names) for word in words) for words in (own.facts, own.image))
    return Term(term.sign, term.tree.renamed(names), Instances(tuple(d for d in dims if d[0] != "("), facts, image))


def _under(term: Term, at: Instances, cuts: frozenset[str]) -> Term:
    own = term.instances
    gone = (cuts & frozenset(at.dims)) - set(own.dims)
    dims = tuple(dict.fromkeys((*(dim for dim in at.dims if dim not in gone), *own.dims)))
    facts = tuple(dict.fromkeys((*own.facts, *(fact for fact in at.facts if not fact.names & gone))))
    points = Instances(dims, facts, own.image)
    return Term(term.sign, term.tree.at(points, cuts), points)


def number(value: Fraction | int) -> Tree:
    """A real constant."""
    return Tree(("const", Fraction(value)))


def element(buffer: str, index: Sequence[Word]) -> Tree:
    """One element of a buffer."""
    return Tree(("load", buffer), (), tuple(index))


def reduced(op: str, terms: Sequence[Term]) -> Tree:
    """A reduction."""
    return Tree("slot", (), (), Sum(op, tuple(terms)))


ZERO, _ONE, INFINITY = number(0), number(1), Tree("inf")


def apply(head: Hashable, *parts: Tree) -> Tree:
    """A function of scalars, in real arithmetic: what is added to or multiplied by nothing is folded.

    Operands that may change places stand in one order, and sums of sums are one sum.
    """
    match head, parts:
        case "*", _ if ZERO in parts:
            return ZERO
        case "+", (a, b) if ZERO in parts:
            return b if a == ZERO else a
        case "-", (a, b) if b == ZERO:
            return a
        case "select", (_, yes, no) if yes == no:
            return yes
    if head in _ASSOCIATIVE:
        parts = tuple(q for part in parts for q in (part.parts if part.head == head else (part,)))
    if head in _COMMUTATIVE:
        parts = tuple(sorted(parts, key=lambda part: repr(part.shape()[0])))
    return Tree(head, parts)


def without_number(tree: Tree) -> tuple[Fraction, Tree]:
    """An expression as an exact number times an expression without one in front."""
    match tree.head, tree.parts:
        case ("const", Fraction() as value), ():
            return value, _ONE
        case "neg", (inner,):
            value, rest = without_number(inner)
            return -value, rest
        case "*", parts:
            numbers, rests = zip(*map(without_number, parts), strict=True)
            left = [rest for rest in rests if rest != _ONE]
            return prod(numbers, start=Fraction(1)), apply("*", *left) if len(left) > 1 else (*left, _ONE)[0]
        case "/", (above, below):
            (a, rest), (b, under) = without_number(above), without_number(below)
            if b:
                return a / b, rest if under == _ONE else Tree("/", (rest, under))
    return Fraction(1), tree


def terms_of(
    tree: Tree, points: Instances, op: str = "+", cuts: frozenset[str] = frozenset(), apart: bool = True
) -> list[Term]:
    """What ``points``, whose image is the cell, contribute to a reduction by ``op``.

    A sum in a sum is its terms, and a factor goes to each of them; with ``apart``, so are ``+`` and ``-``.
    """
    return [
        Term(sign, one.of(where.image), where)
        for sign, one, where in _contributions(tree.at(points, cuts), points, op, 1, apart)
    ]


def _contributions(
    tree: Tree, points: Instances, op: str, sign: int, apart: bool
) -> Iterator[tuple[int, Tree, Instances]]:
    if tree.sum is not None and tree.sum.op == op:
        for term in tree.sum.terms:
            yield sign * term.sign, term.tree, term.instances.touching(points.image)
        return
    match (tree.head, tree.parts) if op == "+" else ("", ()):
        case "neg", (inner,):
            yield from _contributions(inner, points, op, -sign, apart)
            return
        case "+" | "-" as head, (first, *others) if apart or any(_summed(part) for part in tree.parts):
            yield from _contributions(first, points, op, sign, apart)
            for other in others:
                yield from _contributions(other, points, op, sign if head == "+" else -sign, apart)
            return
        case "*", parts if sum(map(_summed, parts)) == 1:
            at = next(k for k, part in enumerate(parts) if _summed(part))
            for factor, one, where in _contributions(parts[at], points, op, sign, True):
                new = frozenset(where.dims) - set(points.dims)
                rest = (apart_from(part, new) for part in (*parts[:at], *parts[at + 1 :]))
                yield from _contributions(apply("*", one, *rest).at(where), where, op, factor, apart)
            return
    if tree != ZERO or op != "+":
        yield sign, tree, points


def apart_from(tree: Tree, taken: frozenset[str]) -> Tree:
    """With variables of their own in place of those of its reductions that are called like ``taken``."""
    used = inner_dims(tree)
    return tree.renamed(fresh(used & taken, used | taken)) if used & taken else tree


def inner_dims(tree: Tree) -> frozenset[str]:
    """The variables of its reductions."""
    return frozenset(dim for sum_ in tree.sums() for term in sum_.terms for dim in term.instances.dims)


def fresh(names: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """A new name for each of ``names``, none of them in ``taken``."""
    used, result = set(taken), {}
    for name in sorted(names):
        result[name] = next(new for k in count() if (new := f"{name}_v{k}") not in used)
        used.add(result[name])
    return result


def _summed(tree: Tree) -> bool:
    """Whether an expression is a sum of terms that products may be multiplied out over."""
    if tree.sum is not None:
        return tree.sum.op == "+"
    return tree.head in ("+", "-", "neg") and any(_summed(part) for part in tree.parts)
