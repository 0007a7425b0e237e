"""``prove`` for code: every gradient that a backward function returns, each with a proof of its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from symconv.code.explain.faults import Found, explained
from symconv.code.gradients.backward import Reading, coded
from symconv.code.gradients.forward import forward_for
from symconv.code.gradients.results import ordered_results, results_of
from symconv.code.shared_weight import shared
from symconv.code.source.pairs import pair_of
from symconv.code.source.program import program, read_text
from symconv.code.source.signatures import positional
from symconv.derive.adjoint import adjoint
from symconv.derive.borders import resolve_borders
from symconv.errors import SpecError
from symconv.notation.operator import Operator
from symconv.prove.decide.decision import Decision, decide
from symconv.prove.language.coded import Coded
from symconv.prove.proof import WIDTH, Proof, answered, folded

__all__ = ["Decided", "Proofs", "decided_of", "proofs_of", "prove_code"]


_P = TypeVar("_P", bound=Proof)


class Proofs(Mapping[str, _P], Generic[_P]):
    """A proof per gradient that the code returns, by the name of its tensor (``p["x"]``, and ``p["gx"]`` too).

    ``also`` says for which other forward functions all hold, ``unread`` with which numbers nothing could be decided,
    ``numbers`` with which ones of the layer what is wrong is wrong, and with which it is right; of modes also with
    which texts all hold.
    """

    def __init__(
        self, name: str, proofs: Mapping[str, _P], also: tuple[str, ...] = (), unread: tuple[str, ...] = (),
        numbers: str = "",
    ) -> None:  # fmt: skip
        self.name = name
        self.numbers = numbers
        self.also = also
        self.unread = unread
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
        return self.text(WIDTH)

    def text(self, width: int | None = None) -> str:
        """The answers in words; lines longer than ``width`` go on, indented, in the next one."""
        answers = [proof.text() for proof in self._proofs.values()]
        also = [f"proved too: {line}" for line in self.also]
        unread = [f"not decided: {line}" for line in self.unread]
        numbers = [self.numbers] if self.numbers else []
        return folded("\n".join((*answers, *also, *unread, *numbers)), width)

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
    owner, dot, method = (name or "").partition(".")
    if method in {"", "backward"} and owner in source.classes and _keeps(source.classes[owner]):
        source, forward, backward = pair_of(source, owner)
        saved = forward_for(source, forward, op, arguments or {})
        given = {key: value for key, value in (arguments or {}).items() if key not in saved.settings}
        reading = Reading(op, source, backward, given, saved)
        found = ordered_results(reading, forward, returns)
    else:
        if dot and owner in source.classes:
            source = replace(source, owner=owner)
        reading = Reading(op, source, source.function(name), dict(arguments or {}))
        found = results_of(reading, returns)
    if not found:
        raise SpecError(f"{reading.node.name} returns no gradient of {op.name}")
    return proofs_of(reading, found, explain)


def _keeps(node: ast.ClassDef) -> bool:
    """Whether a class has a backward method, and a forward one that keeps values for it in ``ctx``."""
    methods = {one.name: one for one in node.body if isinstance(one, ast.FunctionDef)}
    if not {"backward", "forward"} <= {*methods}:
        return False
    return "setup_context" in methods or positional(methods["forward"].args)[:1] == ["ctx"]


@dataclass(frozen=True)
class Decided:
    """What was decided of one gradient that a function returns."""

    reading: Reading
    claim: Coded
    decision: Decision

    @property
    def fits(self) -> bool:
        """Whether it has the shape of its tensor for some sizes."""
        return not self.decision.domain.minus(self.decision.shapes).empty


def proofs_of(
    reading: Reading, found: Mapping[str, Any], explain: bool = True, known: Mapping[str, Decided] | None = None
) -> Proofs[Proof]:
    """The proofs of the results that ``found`` names; those that are ``known`` are not decided again."""
    proofs, known, faults = {}, known or {}, Found()
    for tensor, key in found.items():
        one = known[tensor] if tensor in known else decided_of(reading, tensor, key)
        proof = answered(one.reading.op, one.claim, one.decision, explain, one.reading.whole)
        if proof.holds is False and (reason := shared(one.reading, tensor, key, one.decision)):
            proof = Proof(proof.operator, proof.claim, None, reason=reason, decision=one.decision)
        proofs[tensor] = explained(one.reading, tensor, key, proof, faults) if explain else proof
    return Proofs(reading.node.name, proofs)


def decided_of(reading: Reading, tensor: str, key: Any) -> Decided:
    """The decision on one result."""
    one = _apart(reading, tensor)
    claim = coded(one, tensor, key)
    return Decided(one, claim, decide(one.op, claim))


def _apart(reading: Reading, tensor: str) -> Reading:
    """The reading for one gradient: of several outputs it is an operator over all cotangents and the inputs."""
    if not reading.op.several:
        return reading
    op = adjoint(resolve_borders(reading.op), tensor)
    together = reading.together if f"g{tensor}" not in {*op.tensors} else None
    return replace(reading, op=op, several=reading.op, together=together)
