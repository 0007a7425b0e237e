"""Numbers of claims: those that equations give names to, and their roots."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from fractions import Fraction
from functools import reduce

from symconv.errors import SpecError
from symconv.limits import WRITTEN_POWER
from symconv.notation.operator import Operator
from symconv.prove.language.facts import facts_of
from symconv.prove.language.renaming import renamed, said, said_of
from symconv.prove.language.syntax import Binary, Call, Claim, Equation, Name, Node, Number, children, rebuild
from symconv.prove.language.vocabulary import canonical

__all__ = ["with_numbers"]


def with_numbers(op: Operator, claim: Claim) -> Claim:
    """The claim without the names it gives to numbers and sizes, ``M = N*L``: what they are stands in their place.

    Roots of numbers are words, whichever way they are written: ``K**0.5`` is ``sqrt(K)``. Raises SpecError where a
    number is named twice.
    """
    facts = facts_of(op)
    targets = (*op.tensors, *(s.target.name for s in op.statements))
    unused = {one.name for one in claim.earlier}.difference(*({*said(one.body)} for one in claim.equations))
    arrays = {"pi", *targets, *(f"g{name}" for name in targets), *(one.name for one in claim.earlier)}
    known: dict[str, Node] = {}

    def own(one: Equation) -> Equation:
        # An index that is called so hides the number.
        seen = {name: put for name, put in known.items() if name not in {*said_of(one.indices or ())}}
        lengths = tuple((name, renamed(length, seen)) for name, length in one.lengths)
        return replace(one, body=_rooted(renamed(one.body, seen), facts.sizes), lengths=lengths)

    earlier: list[Equation] = []
    for one in map(own, claim.earlier):
        taken = one.name in {*op.tensors, *facts.vectors} or (one.name in facts.sizes and not _is_size(one.body))
        others = {*arrays, *said(one.body)} if one.name in unused else arrays
        if one.indices is None and not taken and _is_number(one.body, facts.sizes, others):
            if one.name in known:
                raise SpecError(f"claim: {one.name} means something already; choose another name")
            known[one.name] = one.body
        else:
            earlier.append(one)
    last = own(claim.equations[-1])
    return replace(claim, body=last.body, earlier=tuple(earlier))


def _is_size(node: Node) -> bool:
    return isinstance(node, Call) and canonical(node.function) in {"size", "numel", "len"}


def _is_number(node: Node, sizes: Collection[str], arrays: Collection[str]) -> bool:
    """Whether an expression is made of numbers and sizes alone; of names of nothing that is said where it is used."""
    match node:
        case Number():
            return True
        case Name(name):
            return name in sizes
        case Binary("+" | "-" | "*" | "/" | "//" | "%"):
            sides = (node.left, node.right)
            return all(_is_number(one, sizes, arrays) or (isinstance(one, Name) and one.name not in arrays)
                       for one in sides)  # fmt: skip
    return _is_size(node)


def _rooted(node: Node, sizes: Collection[str]) -> Node:
    """The expression with products and ``sqrt`` for powers of numbers by halves."""
    node = rebuild(node, tuple(_rooted(child, sizes) for child in children(node)))
    match node:
        case Binary("**", base, Number(power)) if _is_number(base, sizes, {*said(base)}):
            return _power(base, power) or node
        case Call(function, (base, Number(power)), ()) if canonical(function) == "power":
            return (_power(base, power) if _is_number(base, sizes, {*said(base)}) else None) or node
    return node


def _power(base: Node, power: Fraction) -> Node | None:
    """A number by itself as often as that; None for powers that are no halves, or that many that nobody writes them."""
    whole, half = divmod(abs(power), 1)
    if half not in {0, Fraction(1, 2)} or not 0 < abs(power) <= WRITTEN_POWER:
        return None
    factors = [*([base] * int(whole)), *([Call("sqrt", (base,), (), base.at)] if half else [])]
    product = reduce(lambda a, b: Binary("*", a, b, base.at), factors)
    return Binary("/", Number(Fraction(1)), product, base.at) if power < 0 else product
