"""``prove`` for code: every gradient that a backward function returns, each with a proof of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from symconv.code.explain.faults import explained
from symconv.code.gradients.backward import Reading, coded
from symconv.code.gradients.results import results_of
from symconv.code.source.program import program, read_text
from symconv.errors import SpecError
from symconv.notation.operator import Operator
from symconv.prove.proof import Proof, judged

__all__ = ["Proofs", "proofs_of", "prove_code"]


_P = TypeVar("_P", bound=Proof)


class Proofs(Mapping[str, _P], Generic[_P]):
    """A proof per gradient that the code returns, by the name of its tensor (``p["x"]``, and ``p["gx"]`` too)."""

    def __init__(self, name: str, proofs: Mapping[str, _P], also: tuple[str, ...] = ()) -> None:
        self.name = name
        self.also = also
        self._proofs = dict(proofs)

    def __getitem__(self, key: str) -> _P:
        return self._proofs[key if key in self._proofs or not key.startswith("g") else key[1:]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._proofs)

    def __len__(self) -> int:
        return len(self._proofs)

    def __bool__(self) -> bool:
        return self.holds is True

    @property
    def holds(self) -> bool | None:
        """True where all are right, False where one is wrong, else None."""
        found = {proof.holds for proof in self._proofs.values()}
        return False if False in found else None if None in found or not found else True

    def __str__(self) -> str:
        return "\n".join((*map(str, self._proofs.values()), *(f"proved too: {line}" for line in self.also)))

    __repr__ = __str__


def prove_code(
    op: Operator,
    code: str | Path,
    name: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    returns: Sequence[str] | None = None,
    explain: bool = True,
) -> Proofs[Proof]:
    """Decide the gradients that a function of ``code`` returns, for all sizes; the code is parsed, never executed.

    Raises SpecError where the code is unusable, with the line and what was expected.
    """
    text, title = read_text(code)
    source = program(text, title)
    owner, dot, _ = (name or "").partition(".")
    if dot and owner in source.classes:
        source = replace(source, owner=owner)
    reading = Reading(op, source, source.function(name), dict(arguments or {}))
    found = results_of(reading, returns)
    if not found:
        raise SpecError(f"{reading.node.name} returns no gradient of {op.name}")
    return proofs_of(reading, found, explain)


def proofs_of(reading: Reading, found: Mapping[str, Any], explain: bool = True) -> Proofs[Proof]:
    """The proofs of the results that ``found`` names."""
    proofs = {}
    for tensor, key in found.items():
        proof = judged(reading.op, coded(reading, tensor, key), explain)
        proofs[tensor] = explained(reading, tensor, key, proof) if explain else proof
    return Proofs(reading.node.name, proofs)
