"""Whether a forward function has several outputs: by what it returns, and by the cotangents that backward takes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from symconv.code.source.signatures import parameters
from symconv.errors import SpecError
from symconv.prove.language.people import gradient_words

__all__ = ["one_output"]

_NUMBERED = re.compile(r"(?:d|g|grad|gradient|cotangent|ct)_?(?:out|output|y|z|o|next)?_?[0-9]+")
"""Cotangents that are told apart by a number: ``dout1, dout2``."""


def one_output(forward: ast.FunctionDef, backward: ast.FunctionDef) -> None:
    """Raise SpecError where the backward function takes cotangents of several values that the forward one returns.

    What a forward function returns beside its output is else what it keeps.
    """
    inputs = parameters(forward.args)
    if inputs[:1] == ["ctx"]:
        return  # keeps values in ctx: all that it returns are outputs
    returned = set(_returned(forward))
    words = {word for name in returned - {*inputs} for word in gradient_words(name)}
    own = [name for name in parameters(backward.args) if name not in inputs and name not in returned]
    found = [name for name in own if name in words or (returned and _NUMBERED.fullmatch(name))]
    if len(found) > 1:
        raise SpecError(
            f"{forward.name} has several outputs: {backward.name} takes the cotangents {', '.join(found)}; give the "
            "outputs as a formula, symconv.prove(symconv.operator(formula, outputs=...), code=..., name=...)"
        )


def _returned(node: ast.FunctionDef) -> Iterator[str]:
    """The names in the tuples that a function returns."""
    inner = {one for child in ast.walk(node) if child is not node and isinstance(child, ast.FunctionDef | ast.Lambda)
             for one in ast.walk(child)}  # fmt: skip
    tuples = {name.id: one.value for one in ast.walk(node) if isinstance(one, ast.Assign) for name in one.targets
              if isinstance(name, ast.Name) and isinstance(one.value, ast.Tuple | ast.List)}  # fmt: skip
    for one in ast.walk(node):
        if isinstance(one, ast.Return) and one not in inner:
            value = tuples.get(one.value.id, one.value) if isinstance(one.value, ast.Name) else one.value
            if isinstance(value, ast.Tuple | ast.List):
                yield from (name.id for name in ast.walk(value) if isinstance(name, ast.Name))
