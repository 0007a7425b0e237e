"""The public handle of ``prove``: apart from ``api``, because a proof needs isl and a cached kernel does not."""

from __future__ import annotations

from dataclasses import fields

from symconv.api import Gradient, as_operator
from symconv.notation.operator import Operator
from symconv.prove.proof import Proof as Decided
from symconv.prove.proof import prove as decided

__all__ = ["Proof", "prove"]


class Proof(Decided):
    """What is known about a claim, for people and notebooks; see ``symconv.prove.proof.Proof`` for its parts."""

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        from symconv.views.claims import proof_bundle

        return dict(proof_bundle(self))


def prove(op: Operator | Gradient, claim: str, explain: bool = True) -> Proof:
    """Decide a hand-written formula of a gradient (``gx = ...``) or of the output (``y = ...``) for all sizes.

    The answer says where the claim holds and where it fails, with the smallest counterexample, a likely cause and a
    repaired claim that is itself proved; ``explain=False`` leaves those three out. Raises SpecError where the claim is
    unusable.

    >>> import symconv as sc
    >>> print(sc.prove(sc.conv1d(stride=2), "gx = conv_transpose(gy, w, stride=2)", explain=False).fails_when)
    (K + L) mod 2 = 1
    """
    found = decided(as_operator(op), claim, explain)
    return Proof(**{field.name: getattr(found, field.name) for field in fields(found)})
