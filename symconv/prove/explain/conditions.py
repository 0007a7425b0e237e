"""Sets of sizes as a user says them: ``C ≥ 2``, ``(H + 2p − K) mod s ≠ 0``, over the sizes of the tensors."""

from __future__ import annotations

import re
from collections.abc import Iterable

from symconv.notation.affine import Affine, Quotient, affine, quotient, var
from symconv.notation.expr import Constraint
from symconv.notation.operator import Operator
from symconv.prove.explain.leftover import leftovers
from symconv.prove.language.facts import facts_of
from symconv.relation.literals import Literal, Terms, described, opposed, weight
from symconv.relation.regions import Region

__all__ = ["Speaker"]

_Described = tuple[Terms | None, Region]
_SHIFTED = re.compile(r"\((.+) \+ (\d+)\) mod (\d+)")
_BRACED_NAME = re.compile(r"\((\w+)\) mod")


class Speaker:
    """Puts sets of sizes of one operator into words; a batch is taken to have an element."""

    def __init__(self, op: Operator, domain: Region, general: bool = False) -> None:
        """With ``general`` remainders are written with every letter, as they read for any stride, pad and dilation."""
        self.op = op
        self.general = general
        self.defined = {d.name: d.form for d in op.definitions}
        self.physical = facts_of(op).merged
        self.leftovers = leftovers(facts_of(op).axes, self._outer, general)
        self.domain = self._public(domain)
        if op.batch in self.domain.context.sizes:
            self.domain = self.domain.where(Constraint(var(op.batch) - 1))

    def _public(self, region: Region) -> Region:
        """The set over the sizes a user sees."""
        lean = region.without(self.defined)
        for inner, (public, group) in self.physical.items():
            lean = lean.scaled(inner, group, public)
        return lean

    def words(self, region: Region, asked: Iterable[Constraint] = ()) -> str:
        """A region in words: ``always``, ``never``, or its conditions."""
        inner, _ = self._terms(region, asked)
        return self._said(*inner)

    def both(self, region: Region, asked: Iterable[Constraint] = ()) -> tuple[str, str]:
        """A region in words, and where it is not."""
        inner, outer = self._terms(region, asked)
        return self._said(*inner), self._said(*outer)

    def _terms(self, region: Region, asked: Iterable[Constraint]) -> tuple[_Described, _Described]:
        target = self._public(region).meet(self.domain)
        outside = self.domain.minus(target)
        seen = [Constraint(self._outer(c.form), c.equality) for c in asked]
        seen = [c for c in seen if c.form.names() <= set(self.domain.context.sizes)]
        inner = described(target, outside, self.domain, seen)
        outer = described(outside, target, self.domain, seen)
        # De Morgan: the opposite of single conditions reads better than what covers the rest.
        if inner is not None and len(inner) > 1 and all(len(term) == 1 for term in inner):
            outer = (tuple(term[0].opposite for term in inner),)
        elif outer is not None and len(outer) > 1 and all(len(term) == 1 for term in outer):
            inner = (tuple(term[0].opposite for term in outer),)
        else:
            inner, outer = self._plainer(inner, outer, target), self._plainer(outer, inner, outside)
        return (inner, target), (outer, outside)

    def _plainer(self, own: Terms | None, opposite: Terms | None, region: Region) -> Terms | None:
        """What reads shorter: a region's own conditions, or those that its opposite leaves."""
        other = opposed(opposite, region, self.domain) if opposite else None
        if own is None or other is None:
            return other if own is None else own
        return min(own, other, key=weight)

    def _said(self, terms: Terms | None, region: Region) -> str:
        if terms is None:
            return self._raw(region)
        if not terms:
            return "never"
        if terms == ((),):
            return "always"
        parts = sorted((self._term(term, len(terms) == 1) for term in terms), key=lambda text: (len(text), text))
        return " or ".join(parts)

    def _outer(self, form: Affine) -> Affine:
        """The form over the sizes a user sees."""
        for _ in self.defined:
            form = form.substitute(self.defined)
        inner = {name: affine(0) for name in self.physical if name in form.names()}
        if not inner:
            return form
        factors = {name: form.coefficient(name) for name in inner}
        if any(k % self.physical[name][1] for name, k in factors.items()):
            return var("?")
        rest = form.substitute(inner)
        for name, factor in factors.items():
            public, group = self.physical[name]
            rest = rest + var(public) * (factor // group)
        return rest

    def _term(self, term: tuple[Literal, ...], alone: bool) -> str:
        plainest = (self._plainest(literal) for literal in (self._general(term) if self.general else term))
        texts = list(dict.fromkeys(self._window(literal) or _literal(literal) for literal in plainest))
        text = " and ".join(texts)
        return text if alone or len(texts) == 1 else f"({text})"

    def _general(self, term: tuple[Literal, ...]) -> tuple[Literal, ...]:
        """Remainders as the window leaves them, where beside the other conditions of the term that says the same."""
        whole = self._met(term)
        for k, literal in enumerate(term):
            if self._window(literal):
                continue
            for one in self.leftovers:
                zero = Literal(Constraint(one.form - quotient(one.form, one.stride) * one.stride, True))
                if (other := (*term[:k], zero, *term[k + 1 :])) and whole.same(self._met(other)):
                    term = other
                    break
        return term

    def _met(self, term: tuple[Literal, ...]) -> Region:
        region = self.domain
        for literal in term:
            region = region.meet(literal.region(self.domain))
        return region

    def _window(self, literal: Literal) -> str | None:
        """A condition on a remainder in the words of the window that leaves it."""
        form = literal.constraint.form
        quotients = [(atom, factor) for atom, factor in form.terms if isinstance(atom, Quotient)]
        if not literal.constraint.equality or len(quotients) != 1:
            return None
        (atom, factor) = quotients[0]
        times = -factor // atom.divisor
        rest = form - (atom.numerator - Affine(((atom, atom.divisor),))) * times
        if factor % atom.divisor or not rest.is_constant or rest.constant % times:
            return None
        wanted = -rest.constant // times
        said = (one.said(atom.numerator, wanted, atom.divisor, literal.positive) for one in self.leftovers)
        return next((text for text in said if text), None)

    def _plainest(self, literal: Literal) -> Literal:
        """The same condition as it reads best: ``N = 1`` for ``N ≤ 1``, ``C ≥ 2`` for ``C ≠ 1``."""
        form = literal.constraint.form
        if len(form.terms) != 1 or (literal.constraint.equality and literal.positive):
            return literal
        region = literal.region(self.domain)
        up = form if form.terms[0][1] > 0 else -form
        others = [Literal(Constraint(up + shift, True)) for shift in (0, -1, 1)]
        others += [Literal(Constraint(sign * (up + shift))) for shift in (0, -1, 1) for sign in (1, -1)]
        return next((other for other in others if region.same(other.region(self.domain))), literal)

    def _raw(self, region: Region) -> str:
        lean = region.points.gist(self.domain.points).coalesce()
        text = str(lean).partition("{")[2].rpartition("}")[0].strip().removeprefix(":").strip()
        for old, new in ((">=", "≥"), ("<=", "≤"), ("exists", "for some")):
            text = text.replace(old, new)
        return text


def _literal(literal: Literal) -> str:
    return _BRACED_NAME.sub(r"\1 mod", _compared(literal))


def _compared(literal: Literal) -> str:
    form, equality, positive = literal.constraint.form, literal.constraint.equality, literal.positive
    if not equality and not positive:
        form, positive = -form - 1, True
    left, right = _sides(form)
    if not equality:
        return f"{right} ≤ {left}" if _number(left) else f"{left} ≥ {right}"
    if _number(left):
        left, right = right, left
    if (shifted := _SHIFTED.fullmatch(left)) and _number(right):
        inner, shift, modulus = shifted.groups()
        left, right = f"({inner}) mod {modulus}", str((int(right) - int(shift)) % int(modulus))
    if not positive and " mod 2" in left and right in {"0", "1"}:
        return f"{left} = {1 - int(right)}"
    return f"{left} {'=' if positive else '≠'} {right}"


def _number(text: str) -> bool:
    return text.lstrip("-").isdigit()


def _sides(form: Affine) -> tuple[str, str]:
    """What stands left and right of the sign, every term positive."""
    terms, constant = _remainders(form)
    ups = [(text, factor) for text, factor in terms if factor > 0]
    downs = [(text, -factor) for text, factor in terms if factor < 0]
    if not downs:
        return _sum(ups, 0), str(-constant)
    if not ups:
        return str(constant), _sum(downs, 0)
    return (_sum(ups, constant), _sum(downs, 0)) if constant > 0 else (_sum(ups, 0), _sum(downs, -constant))


def _remainders(form: Affine) -> tuple[list[tuple[str, int]], int]:
    """The terms as text and the constant; ``e - m*floor(e/m)`` reads as ``e mod m``."""
    terms: list[tuple[str, int]] = []
    rest = form
    for atom, factor in form.terms:
        if isinstance(atom, Quotient) and factor % atom.divisor == 0:
            times = -factor // atom.divisor
            whole = atom.numerator * times
            if whole.terms and all(rest.coefficient(name) == times_ for name, times_ in whole.terms):
                terms.append((f"({_reduced(atom.numerator, atom.divisor)}) mod {atom.divisor}", times))
                rest = rest - whole - Affine(((atom, factor),))
    return [*terms, *((_atom(atom), factor) for atom, factor in rest.terms)], rest.constant


def _reduced(form: Affine, divisor: int) -> Affine:
    """A form with the same remainder and small coefficients."""
    small = tuple((atom, factor % divisor) for atom, factor in form.terms if factor % divisor)
    return Affine(small, form.constant % divisor)


def _atom(atom: object) -> str:
    if isinstance(atom, Quotient):
        return f"⌊({atom.numerator})/{atom.divisor}⌋"
    return str(atom)


def _sum(terms: list[tuple[str, int]], constant: int) -> str:
    text = " + ".join(name if factor == 1 else f"{factor}·{name}" for name, factor in terms)
    return f"{text} + {constant}" if constant else text
