"""The public door for operators of one's own: a formula, a SymPy equation, or a forward function in Python."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from symconv.errors import SpecError
from symconv.notation.operator import Operator
from symconv.ops import registry

__all__ = ["operator"]

if TYPE_CHECKING:
    from symconv.ops.registry import operator
else:

    @wraps(registry.operator)
    def operator(source: Any, **options: Any) -> Operator:
        """See ``symconv.ops.registry.operator``; a function is parsed, never executed."""
        if callable(source) and hasattr(source, "__code__"):
            return _read(source, options)
        return registry.operator(source, **options)


def _read(function: Callable[..., Any], options: dict[str, Any]) -> Operator:
    from symconv.code.checked import settings_of
    from symconv.code.forward import forward_of
    from symconv.code.own import source_of
    from symconv.code.source import program

    params = options.pop("params", None)
    if options:
        raise SpecError(
            f"a forward function says everything itself but its numbers (params=); given {', '.join(options)}"
        )
    text, name = source_of(function)
    source = program(text, name)
    node = source.function(name)
    return forward_of(source, node, settings_of(node, params)[0])[0]
