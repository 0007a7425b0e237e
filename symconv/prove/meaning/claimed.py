"""What a claim computes: its named intermediates one after the other, then its side."""

from __future__ import annotations

from collections.abc import Sequence

from symconv.prove.language.syntax import Claim, Equation
from symconv.prove.meaning.elaborate import denotation
from symconv.prove.meaning.indexed import indexed
from symconv.prove.meaning.scope import Scope
from symconv.prove.meaning.value import Axis, Value

__all__ = ["claimed"]


def claimed(scope: Scope, claim: Claim, axes: Sequence[Axis]) -> Value:
    """The array a claim computes over the ``axes`` of its side; its named intermediates become arrays of the scope."""
    for equation in claim.earlier:
        if equation.name in {*scope.names.tensors, *scope.names.sizes, claim.side}:
            raise scope.error(equation.at, f"{equation.name} means something already; choose another name")
        value = _defined(scope, equation, None)
        scope.names = scope.names.with_tensor(equation.name, value)
    return _defined(scope, claim.equations[-1], axes)


def _defined(scope: Scope, equation: Equation, axes: Sequence[Axis] | None) -> Value:
    if equation.indices is None:
        return denotation(scope, equation.body)
    return indexed(scope, equation, axes, lambda node: denotation(scope, node))
