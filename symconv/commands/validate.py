"""``symconv validate``: the loop nests of an operator's kernels, proved to do what was derived."""

from __future__ import annotations

from collections.abc import Mapping

from symconv import pipeline
from symconv.commands.answer import answer, validations_data
from symconv.commands.outcome import FAILED, RIGHT, UNDECIDED
from symconv.commands.progress import stage
from symconv.commands.request import requested, titled
from symconv.commands.terminal import say
from symconv.options import options
from symconv.validate.validation import validate_all

__all__ = ["validate"]


def validate(op: str, settings: Mapping[str, object], dtype: str, every: bool = False, form: str = "text") -> int:
    """Print what was proved of each kernel; the status says proved, wrong or undecided."""
    operator = requested(op, settings)
    with stage(f"deriving {titled(operator)}"):
        candidates = pipeline.unit(operator, options(dtype=dtype), every=every).candidates
    with stage("proving the loop nests") as tell:
        found = validate_all(candidates, tell)
    status = {True: RIGHT, False: FAILED, None: UNDECIDED}[found.holds]
    if form == "json":
        return answer("validate", status, {"operator": operator.name, "dtype": dtype, **validations_data(found)})
    say(found)
    return status
