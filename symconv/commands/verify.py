"""``symconv verify``: a compiled kernel judged against oracles that share no code with its derivation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from symconv import pipeline
from symconv.api import built
from symconv.asked import module_text
from symconv.commands.answer import answer
from symconv.commands.outcome import FAILED, RIGHT, UNDECIDED
from symconv.commands.progress import stage
from symconv.commands.request import gradient_names, requested, titled
from symconv.commands.sweep import Where, one_only
from symconv.commands.terminal import say
from symconv.errors import SpecError
from symconv.judged import judged
from symconv.kernel import Kernel
from symconv.notation.operator import Operator
from symconv.options import Options, options
from symconv.verify.verdict import Verdict
from symconv.views.data import verdict_data

__all__ = ["outcome", "verify"]


def verify(
    ops: tuple[str, ...],
    settings: Mapping[str, object],
    wrt: tuple[str, ...],
    chosen: Mapping[str, Any],
    source: Path | None,
    form: str = "text",
    everything: bool = False,
    spread: tuple[int | None, str | None] = (None, None),
) -> int:
    """Judge a new kernel, or the module in ``source``; prints the verdict, as text or JSON. Several: a table."""
    where = Where(*spread)
    if everything == bool(ops):
        raise SpecError("--all takes no OP" if ops else "say what to verify: OP, several of them, or --all")
    if everything or len(ops) > 1:
        from symconv.commands.verify_many import everything as shipped
        from symconv.commands.verify_many import verify_many

        if source is not None:
            raise SpecError("--source is the kernel of one operator: give one OP")
        return verify_many(
            shipped(settings) if everything else [requested(op, settings) for op in ops], wrt, chosen, form, where
        )
    one_only(where, "several OPs, or --all")
    operator = requested(ops[0], settings)
    gradients = gradient_names(operator, wrt)
    given = options(**chosen)
    with stage(f"building {titled(operator)}", given.words) as tell:
        kernel = built(operator, given, tell) if source is None else _given(operator, source, given)
    with stage(f"verifying {titled(operator)}") as tell:
        verdict = judged(operator, kernel, given.dtype, gradients, tell)
    if form == "json":
        return answer("verify", outcome(verdict), verdict_data(verdict))
    say(verdict)
    return outcome(verdict)


def outcome(verdict: Verdict) -> int:
    """The exit status: a verdict that neither passed nor failed is undecided."""
    if verdict:
        return RIGHT
    return FAILED if any(not check.passed for check in verdict.checks) else UNDECIDED


def _given(op: Operator, source: Path, chosen: Options) -> Kernel:
    return Kernel(op, chosen, pipeline.build_text(module_text(source), chosen), None)
