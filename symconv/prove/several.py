"""Claims about operators of several outputs: each is one about an operator of one, found by the side it is of."""

from __future__ import annotations

from dataclasses import replace

from symconv.derive.adjoint import adjoint
from symconv.derive.borders import resolve_borders
from symconv.errors import SpecError
from symconv.notation.operator import Operator
from symconv.prove.language.people import gradient_words, nearest
from symconv.prove.language.renaming import renamed
from symconv.prove.language.syntax import Claim

__all__ = ["apart"]


def apart(op: Operator, claim: Claim) -> tuple[Operator, Claim]:
    """The operator that computes what a claim is of, an output or a gradient, and the claim in its names.

    A gradient is an operator over the cotangents and the inputs. Raises SpecError where the claim is of neither.

    >>> import symconv as sc
    >>> from symconv.prove.language.parse import parse_claim
    >>> op = sc.operator("y[i] = 2*x[i]; z[i] = x[i]**2")
    >>> found, claim = apart(op, parse_claim("dL/dx = 2*dy + 2*x*gz"))
    >>> found.tensors, claim.side
    (('gy', 'gz', 'x'), 'gx')
    """
    outputs, inputs = op.several, tuple(t.name for t in op.inputs if t.dtype == "real")
    known = {one.name for one in claim.earlier} | {*op.tensors, *(s.target.name for s in op.statements)}
    words = {word: f"g{name}" for name in outputs for word in gradient_words(name) if word not in known}
    sides = {word: name for name in inputs for word in gradient_words(name) if word not in known}
    earlier = tuple(replace(one, body=renamed(one.body, words)) for one in claim.earlier)
    claim = replace(claim, body=renamed(claim.body, words), earlier=earlier)
    if claim.side in outputs:
        return op.only(claim.side), claim
    if claim.side not in sides:
        wanted = (*(f"g{name}" for name in inputs), *outputs)
        raise SpecError(
            f"a claim about {op.name} is one of {', '.join(wanted)}; given {claim.side}{nearest(claim.side, wanted)}"
        )
    name = sides[claim.side]
    return adjoint(resolve_borders(op), name), replace(claim, side=f"g{name}")
