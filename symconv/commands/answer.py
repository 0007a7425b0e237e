"""Answers for programs: one JSON object on stdout, the same fields whatever the answer is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from symconv import __version__

if TYPE_CHECKING:
    from symconv.claims import Proof, Proofs
    from symconv.validate.validation import Validations

__all__ = ["answer", "proof_data", "proofs_data", "validations_data", "word"]

Data = dict[str, Any]

_WORDS = {True: "true", False: "false", None: "undecided"}


def answer(command: str, status: int, data: Mapping[str, Any]) -> int:
    """Print the answer of a command as one JSON object, in ASCII whatever stdout can show; return its exit status."""
    head = {"command": command, "symconv": __version__, "status": status}
    print(json.dumps({**head, **data}, indent=1))
    return status


def word(holds: bool | None) -> str:
    """``true``, ``false`` or ``undecided``."""
    return _WORDS[holds]


def proof_data(proof: Proof) -> Data:
    """Everything about a proof in dicts, lists, strings and numbers; exact numbers as text.

    >>> import symconv as sc
    >>> data = proof_data(sc.prove(sc.conv1d(), "gx = conv_transpose(gy, w)"))
    >>> data["holds"], data["fails_when"], data["counterexample"]
    (True, 'never', None)
    """
    return {
        "operator": proof.operator.name, "claim": str(proof.claim), "holds": proof.holds, "verdict": word(proof.holds),
        "fails_when": proof.fails_when, "holds_when": proof.holds_when, "mismatched_when": proof.mismatched_when,
        "counterexample": _counterexample(proof), "cause": proof.cause, "repair": proof.repair,
        "where": proof.where, "proved": list(proof.proved), "reason": proof.reason, "leaning": proof.leaning,
        "line": proof.line,
    }  # fmt: skip


def proofs_data(proofs: Proofs) -> Data:
    """The proofs of code: one per gradient, and what was proved beside them."""
    return {
        "name": proofs.name, "holds": proofs.holds, "verdict": word(proofs.holds),
        "proofs": {tensor: proof_data(proof) for tensor, proof in proofs.items()}, "also": list(proofs.also),
        "unread": list(proofs.unread),
        "numbers": proofs.numbers,
    }  # fmt: skip


def validations_data(found: Validations) -> Data:
    """What was proved of each kernel of an operator."""
    kernels = [
        {"name": one.name, "holds": one.holds, "verdict": word(one.holds), "proved": list(one.lines),
         "fault": one.fault, "reason": one.reason, "runs": one.runs} for one in found.kernels
    ]  # fmt: skip
    return {"holds": found.holds, "verdict": word(found.holds), "validations": kernels}


def _counterexample(proof: Proof) -> Data | None:
    found = proof.counterexample
    if found is None:
        return None
    return {
        "shapes": {name: list(shape) for name, shape in found.shapes}, "mismatch": found.mismatch,
        "cell": list(found.cell), "got": None if found.got is None else str(found.got),
        "want": None if found.want is None else str(found.want), "exact": found.exact,
        "missing": list(found.missing), "extra": list(found.extra),
    }  # fmt: skip
