"""In which orders the indices of a sum are named: those that stand alike are tried in all orders, others in one.

An index is told by where it stands, and by where those stand that it stands beside, however they are called; this is
refined until it tells no more apart, as colours of the vertices of a graph are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import permutations, product
from typing import Any

from symconv.notation.affine import Affine, Maximum, Quotient
from symconv.prove.algebra.variables import Applied, Base, Element, Frozen, Holds, Monomial, Summed, Whole

__all__ = ["orders"]

_Colours = Mapping[str, str]
_Sign = tuple[Any, ...]


def orders(names: Sequence[str], body: Monomial, put: Mapping[str, Affine]) -> Iterator[tuple[str, ...]]:
    """The orders of ``names`` in a product, where ``put`` stands for them: the same ones whatever they are called."""
    bodies = [(base, str(power), base.names & {*names}) for base, power in body if not base.names.isdisjoint(names)]
    colours = dict.fromkeys(names, "0")
    kinds = 1
    while kinds < len(names):
        told = {name: _place(name, bodies, colours, put) for name in names}
        ranks = {sign: str(rank) for rank, sign in enumerate(sorted({*told.values()}))}
        colours = {name: ranks[told[name]] for name in names}
        if len(ranks) <= kinds:
            break
        kinds = len(ranks)
    groups: dict[int, list[str]] = {}
    for name in names:
        groups.setdefault(int(colours[name]), []).append(name)
    for chosen in product(*(permutations(groups[rank]) for rank in sorted(groups))):
        yield tuple(name for group in chosen for name in group)


def _place(
    name: str, bodies: Sequence[tuple[Base, str, frozenset[str]]], colours: _Colours, put: Mapping[str, Affine]
) -> str:
    """Where a name stands in each factor that holds it, other names told by what is known of them so far."""
    seen = {**colours, name: "@"}
    parts = sorted((_told(_of_base(base, seen, put)), power) for base, power, held in bodies if name in held)
    return _told((colours[name], parts))


def _told(sign: object) -> str:
    """A sign as a short text: quoted again at each level, signs of functions in functions would double."""
    return blake2b(repr(sign).encode(), digest_size=16).hexdigest()


def _of_base(base: Base, seen: _Colours, put: Mapping[str, Affine]) -> _Sign:
    if base.names.isdisjoint(seen):
        return ("free", base.text)
    match base.node:
        case Element(tensor, index):
            return (tensor, *(_of_form(form, seen, put) for form in index))
        case Holds(condition):
            signs = (1, -1) if condition.equality else (1,)
            return ("holds", condition.equality, min(_told(_of_form(condition.form * one, seen, put)) for one in signs))
        case Applied(function, argument):
            return ("applied", function, *_of_frozen(argument, seen, put))
        case Whole(argument, plain):
            return ("whole", plain, *_of_frozen(argument, seen, put))
        case Summed(names, body):
            # How those inside are called depends on the names outside.
            inside = {**seen, **dict.fromkeys(names, "inside")}
            return ("sum", len(names), *_of_monomial(body, inside, put))
    return (base.text,)


def _of_frozen(argument: Frozen, seen: _Colours, put: Mapping[str, Affine]) -> list[tuple[str, str]]:
    return sorted((_told(_of_monomial(monomial, seen, put)), str(value)) for monomial, value in argument)


def _of_monomial(monomial: Monomial, seen: _Colours, put: Mapping[str, Affine]) -> list[tuple[str, str]]:
    return sorted((_told(_of_base(base, seen, put)), str(power)) for base, power in monomial)


def _of_form(form: Affine, seen: _Colours, put: Mapping[str, Affine]) -> _Sign:
    """A form with colours for names."""
    form = form.substitute(dict(put)) if put and not form.names().isdisjoint(put) else form
    return (form.constant, *sorted((_of_atom(atom, seen, put), factor) for atom, factor in form.terms))


def _of_atom(atom: Any, seen: _Colours, put: Mapping[str, Affine]) -> str:
    match atom:
        case Quotient(numerator, divisor):
            return _told(("floor", divisor, _of_form(numerator, seen, {})))
        case Maximum(left, right):
            return _told(("max", sorted(_told(_of_form(one, seen, {})) for one in (left, right))))
    return f"<{seen[atom]}>" if atom in seen else str(atom)
