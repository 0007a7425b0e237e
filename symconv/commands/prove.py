"""``symconv prove``: a hand-written formula of a gradient, or code, decided for all sizes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from symconv.claims import prove as decided
from symconv.commands.answer import answer, proof_data, proofs_data
from symconv.commands.check import named, place
from symconv.commands.progress import stage
from symconv.commands.prove_family import STATUS, Family, Question, prove_family
from symconv.commands.request import requested, titled
from symconv.commands.sweep import Where, one_only, worst
from symconv.commands.terminal import say
from symconv.errors import SpecError

__all__ = ["prove", "prove_file"]


def prove(
    op: str,
    settings: Mapping[str, object],
    claim: str,
    family: Family,
    output: Path | None,
    where: Where = Where(),  # noqa: B008 - frozen
    form: str = "text",
) -> int:
    """Print the proof, or a table over the family; the status says true, false or undecided."""
    if not claim:
        raise SpecError("say what to decide: --claim 'gx = ...', or --code FILE.py:FUNCTION")
    if family:
        if output is not None:
            raise SpecError("--for prints a table; leave out -o")
        return prove_family(op, settings, Question(claim), family, where, form)
    one_only(where, "--for")
    operator = requested(op, settings)
    with stage(f"proving for {titled(operator)}"):
        proof = decided(operator, claim)
    report = None
    if output is not None:
        from symconv.views.show import show

        report = str(show(proof, output))
    if form == "json":
        return answer("prove", STATUS[proof.holds], {**proof_data(proof), "report": report})
    say(proof.text() if report is None else f"{proof.text()}\nreport: {report}")
    return STATUS[proof.holds]


def prove_file(op: str, settings: Mapping[str, object], claim: str | None, code: str, arguments: str | None,
               returns: str | None, family: Family, output: Path | None, where: Where,
               form: str = "text") -> int:  # fmt: skip
    """Print the proofs of a function of a file, or a table over the family for each gradient."""
    if claim or output is not None:
        raise SpecError("--code stands alone: leave out --claim and -o")
    path, name = place(code)
    chosen = tuple(x.strip() for x in returns.split(",")) if returns else None
    if family:
        return prove_family(op, settings, Question("", path, name, named(arguments), chosen), family, where, form)
    one_only(where, "--for")
    operator = requested(op, settings)
    with stage(f"proving {code}"):
        proofs = decided(operator, code=Path(path), name=name, arguments=named(arguments), returns=chosen)
    status = worst(STATUS[proof.holds] for proof in proofs.values())
    if form == "json":
        return answer("prove", status, proofs_data(proofs))
    say(proofs.text())
    return status
