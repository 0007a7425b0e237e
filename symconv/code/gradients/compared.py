"""What a forward function computes, and where that is an operator: one proof for each that it may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symconv.code.arrays.symbolic import Symbolic
from symconv.code.arrays.walk import Walk
from symconv.code.gradients.candidates import where_defined
from symconv.code.gradients.forward import Forward, context_of_forward
from symconv.code.gradients.operands import given
from symconv.code.held.boxes import current
from symconv.code.reading.reader import start
from symconv.code.values.kinds import in_words, untold
from symconv.code.values.objects import Box
from symconv.errors import SpecError, SymconvError
from symconv.notation.operator import Operator
from symconv.prove.decide.decision import Decision, decide
from symconv.prove.language.coded import Coded
from symconv.prove.meaning.scope import Scope
from symconv.prove.meaning.value import Value

__all__ = ["decided_of", "output_of", "proved_of"]


def output_of(forward: Forward, on: Symbolic, boxes: Mapping[str, Box]) -> Value:
    """The output of a forward function; raises SpecError where it returns no array."""
    on.partial = True
    result, _ = forward.run(on, boxes, context_of_forward(forward, boxes))
    if forward.outputs.names:
        result = result[forward.which] if forward.which < len(result) else None
    elif isinstance(result, tuple) and len(result) > 1:
        raise SpecError(
            f"{forward.node.name} returns {len(result)} outputs; give them as a formula, "
            "symconv.prove(symconv.operator(formula, outputs=...), code=..., name=...)"
        )
    if untold(result):
        raise SpecError(f"{forward.node.name} returns what depends on {in_words(result)}")
    if not isinstance(result, Box):
        where = f"as output {forward.which + 1}" if forward.outputs.names else "first"
        wanted = "; outputs are read from a tuple, in the order of their cotangents" if isinstance(result, dict) else ""
        raise SpecError(f"{forward.node.name} does not return an array {where}{wanted}")
    value = current(start(forward.program, on), result)
    assert isinstance(value, Value)
    return value


def proved_of(candidate: Operator, forward: Forward) -> Operator | None:
    """The operator the forward function is proved to compute, for the sizes at which it is defined."""
    decision = decided_of(candidate, forward)
    return where_defined(candidate, decision, forward.centre) if decision is not None else None


def decided_of(candidate: Operator, forward: Forward) -> Decision | None:
    """Where the forward function computes the operator; None where that cannot be asked."""
    # What it computes does not depend on the lengths for which it was read.
    key = candidate, forward.other_ties, forward.equal_parts, forward.which, forward.centre, forward.rows
    if key not in forward.decided:
        forward.decided[key] = _compared(candidate, forward)
    return forward.decided[key]


def _compared(candidate: Operator, forward: Forward) -> Decision | None:
    def denote(scope: Scope) -> Value:
        walk = Walk(scope)
        try:
            on = Symbolic(walk)
            return output_of(forward, on, given(on, scope.names.tensors, rows=forward.rows))
        finally:
            scope.region = walk.base

    claim = Coded(candidate.output.name, f"{forward.node.name}(...)", denote, _for_all_sizes_alone)
    try:
        return decide(candidate, claim)
    except (SymconvError, KeyError):
        return None


def _for_all_sizes_alone(_: Mapping[str, Any]) -> Any:
    raise SpecError("a forward function is compared for all sizes, not on numbers")
