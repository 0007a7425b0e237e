"""The public handles of ``prove`` and ``validate``: apart from ``api``, because proofs need isl and kernels do not.

What compiles kernels is imported when one is validated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from symconv.asked import operator_of
from symconv.code.checked import check_code
from symconv.code.proofs import Proofs as DecidedAll
from symconv.code.proofs import prove_code
from symconv.code.source.own import source_of
from symconv.display import Displayed
from symconv.errors import SpecError, shown
from symconv.family import Family
from symconv.notation.operator import Operator
from symconv.options import options
from symconv.prove.proof import Proof as Decided
from symconv.prove.proof import prove as decided

if TYPE_CHECKING:
    from symconv.api import Gradient
    from symconv.validate.validation import Validations

__all__ = ["Proof", "Proofs", "check", "prove", "validate"]


class Proof(Displayed, Decided):
    """What is known about a claim, for people and notebooks; see ``symconv.prove.proof.Proof`` for its parts."""


class Proofs(DecidedAll[Proof]):
    """A proof per gradient that code returns: ``p["x"]``, ``p["w"]``; see ``symconv.code.proofs.Proofs``."""

    def __repr__(self) -> str:
        words = {True: "true", False: "false", None: "undecided"}
        return f"<proofs of {self.name}: {', '.join(f'g{key} {words[one.holds]}' for key, one in self.items())}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        bundles = [proof._repr_mimebundle_() for proof in self.values()]
        return {kind: "\n".join(bundle[kind] for bundle in bundles) for kind in bundles[0]} if bundles else {}


@overload
def prove(
    op: Operator | Gradient | Family, claim: str, explain: bool = True, *, params: Mapping[str, int] | None = None
) -> Proof: ...


@overload
def prove(
    op: Operator | Gradient | Family,
    claim: Callable[..., Any] | None = None,
    explain: bool = True,
    *,
    code: str | Path | None = None,
    name: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    returns: Sequence[str] | None = None,
    params: Mapping[str, int] | None = None,
) -> Proofs: ...


def prove(
    op: Operator | Gradient | Family,
    claim: str | Callable[..., Any] | None = None,
    explain: bool = True,
    *,
    code: str | Path | None = None,
    name: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    returns: Sequence[str] | None = None,
    params: Mapping[str, int] | None = None,
) -> Proof | Proofs:
    r"""Decide a hand-written gradient for all sizes: a formula (``gx = ...``, or ``y = ...``), or Python code.

    The answer says where it holds and where it fails, with the smallest counterexample, a likely cause and a repair
    that is itself proved; ``explain=False`` leaves those three out.

    Code is a function, or the text or path of a file as ``code`` with the function's ``name``; it is parsed, never
    executed, and the answer is a mapping with a proof for each gradient it returns. ``arguments`` says what its
    parameters are where their names do not: ``{"dout": "gy", "cache": ("x", "w", 2, 1)}``; ``returns`` which gradients
    it returns, in order; ``params`` are the whole numbers that a family leaves open. Raises SpecError where claim
    or code is unusable, with the place and what was expected.

    >>> import symconv as sc
    >>> print(sc.prove(sc.conv1d(stride=2), "gx = conv_transpose(gy, w, stride=2)", explain=False).fails_when)
    (L − K) mod s ≠ 0
    >>> code = "def backward(dy, x, w):\n    dw = np.einsum('ni,nj->ij', dy, x)\n    return dy @ w, dw\n"
    >>> op = sc.operator("y[n,f] = sum[c](x[n,c]*w[f,c])")
    >>> proofs = sc.prove(op, code=code)
    >>> proofs["x"].holds, proofs["w"].holds, proofs.holds
    (True, True, True)
    """
    operator = operator_of(op, params)
    if isinstance(claim, str):
        if code is not None:
            raise SpecError("give a claim or code, not both")
        return _proof(decided(operator, claim, explain))
    if claim is not None and callable(claim):
        code, own = source_of(claim)
        name = name or own
    if code is None:
        raise SpecError(
            f"a claim is a text such as 'gx = conv_transpose(gy, w)', a function, or code=...; given {shown(claim)}"
        )
    return _proofs(prove_code(operator, code, name, arguments, returns, explain))


def check(
    path: str | Path,
    name: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    returns: Sequence[str] | None = None,
    explain: bool = True,
) -> Proofs:
    """Decide the gradients of a layer in a file, whose forward function says what they are of.

    ``name`` is a ``torch.autograd.Function`` or another class with ``forward`` and ``backward``, or says which of the
    pairs ``conv_forward``, ``conv_backward`` is meant. The file is parsed, never executed or imported. ``arguments``
    are the numbers that parameters of the forward function have (``{"stride": 2}``); else their defaults, and 1 for a
    stride and 0 for a padding that have none. Raises SpecError where the file is unusable, with the line and what was
    expected.

    >>> import symconv as sc
    >>> code = '''
    ... def matmul_forward(x, w):
    ...     return x @ w, (x, w)
    ... def matmul_backward(dout, cache):
    ...     x, w = cache
    ...     return dout @ w.T, x.T @ dout
    ... '''
    >>> sc.check(code, "matmul").holds
    True
    """
    return _proofs(check_code(path, name, arguments, returns, explain))


def _proof(found: Decided) -> Proof:
    return Proof(**{field.name: getattr(found, field.name) for field in fields(found)})


def _proofs(found: DecidedAll[Decided]) -> Proofs:
    proofs = {tensor: _proof(proof) for tensor, proof in found.items()}
    return Proofs(found.name, proofs, found.also, found.unread, found.numbers)


def validate(
    op: Operator | Gradient | Family,
    dtype: str = "float32",
    sizes: Mapping[str, tuple[int, ...]] | None = None,
    every: bool = False,
    params: Mapping[str, int] | None = None,
) -> Validations:
    """Prove that the loop nests which ``build`` compiles do what was derived, for all sizes.

    For the output and every gradient: each cell is stored once before anything is added to it, receives every term of
    the derivation exactly once and nothing else, every read of what the kernel writes comes after the stores to the
    cells that are read, every access lies inside its array, and no two threads write one cell.
    What is below the loop nests, the C compiler and the rounding, is not part of it; ``verify`` runs the machine code.
    ``dtype`` and ``sizes`` are those of ``build``. ``params`` are the whole numbers that a family leaves open.
    ``every`` judges also the kernels that are compiled when calls have enough work for them, for all numbers that a
    plan may give; of some of them nothing is decided yet, and the answer then says so. Raises SpecError as
    ``build`` does.

    >>> import symconv as sc
    >>> print(sc.validate(sc.conv2d(stride=2, padding=1)).line)
    y, gx, gw proved for all sizes
    """
    if not isinstance(every, bool):
        raise SpecError(f"every is True or False; given {shown(every)}")
    from symconv import pipeline
    from symconv.validate.validation import validate_all

    return validate_all(
        pipeline.unit(operator_of(op, params), options(dtype=dtype, sizes=sizes), every=every).candidates
    )
