"""Extremes of extremes, ``x.max(3).max(4)``: those of all elements together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symconv.notation.affine import var
from symconv.prove.meaning.atoms import told_sum
from symconv.prove.meaning.extremes import NAMES
from symconv.prove.meaning.scope import Scope
from symconv.prove.meaning.value import Factor, Term
from symconv.prove.meaning.whole_sums import WholeSums

__all__ = ["nested"]


def nested(scope: Scope, kind: str, element: Sequence[Term]) -> Term | None:
    """The elements of which an element is the ``kind`` already ("max", "min"), bound to taps; None where it is none."""
    sums = scope.of_sum
    match element:
        case [Term(coefficient, (), (Factor(name, index),), (), where, ())] if coefficient == 1:
            function, number = told_sum(name) or ("", 0)
            if not isinstance(sums, WholeSums) or function != NAMES.get(kind):
                return None
            known = sums.known[number]
            match known.arguments:
                case [[Term(one, (), (Factor(),), bound, _, ()) as inner]] if one == 1 and bound:
                    fresh = dict(zip(bound, scope.fresh.several(len(bound)), strict=True))
                    put = dict(zip(known.names, index, strict=True)) | {old: var(new) for old, new in fresh.items()}
                    return replace(inner.substitute(put), bound=tuple(fresh.values())).under(*where)
    return None
