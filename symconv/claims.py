"""The public handles of ``prove`` and ``validate``: apart from ``api``, because proofs need isl and kernels do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from symconv import pipeline
from symconv.api import Gradient, as_operator
from symconv.errors import SpecError, shown
from symconv.notation.operator import Operator
from symconv.options import options
from symconv.prove.proof import Proof as Decided
from symconv.prove.proof import prove as decided
from symconv.validate.validation import Validations, validate_all

__all__ = ["Proof", "prove", "validate"]


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


def validate(
    op: Operator | Gradient,
    dtype: str = "float32",
    sizes: Mapping[str, tuple[int, ...]] | None = None,
    every: bool = False,
) -> Validations:
    """Prove that the loop nests which ``build`` compiles do what was derived, for all sizes.

    For the output and every gradient: each cell is stored once before anything is added to it, receives every term of
    the derivation exactly once and nothing else, every read of what the kernel writes comes after the stores to the
    cells that are read, every access lies inside its array, and no two threads write one cell.
    What is below the loop nests, the C compiler and the rounding, is not part of it; ``verify`` runs the machine code.
    ``dtype`` and ``sizes`` are those of ``build``. ``every`` judges also the kernels that are compiled when calls have
    enough work for them, for all numbers that a plan may give; of some of them nothing is decided yet, and the answer
    then says so. Raises SpecError as ``build`` does.

    >>> import symconv as sc
    >>> print(sc.validate(sc.conv2d(stride=2, padding=1)).line)
    y, gx, gw proved for all sizes
    """
    if not isinstance(every, bool):
        raise SpecError(f"every is True or False; given {shown(every)}")
    return validate_all(pipeline.unit(as_operator(op), options(dtype=dtype, sizes=sizes), every=every).candidates)
