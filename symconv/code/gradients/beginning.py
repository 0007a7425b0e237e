"""What a backward function begins with: the operands, ``ctx`` or ``self``, and what its forward function keeps."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from symconv.code.arrays.concrete import Concrete
from symconv.code.arrays.symbolic import Symbolic
from symconv.code.gradients.forward import Forward, context_of_forward
from symconv.code.gradients.operands import given
from symconv.code.gradients.roles import OUTPUTS, Roles
from symconv.code.held.copies import Copies, UncopiedError
from symconv.code.values.objects import Box, Context
from symconv.notation.operator import Operator

__all__ = ["Beginning", "beginning"]


@dataclass(frozen=True)
class Beginning:
    """``roles`` tells parameters by their names among ``boxes``; ``cache`` is None where ``ctx`` keeps all.

    A backward function may change all of it.
    """

    boxes: Mapping[str, Box]
    roles: Roles
    context: Context
    cache: Any = None
    forward: Forward | None = None

    def copy(self) -> Beginning | None:
        """The same once more; None where it cannot be copied."""
        copies = Copies(self.forward)
        try:
            boxes = {name: copies.of(box) for name, box in self.boxes.items()}
            roles = self.roles.of_tensors(boxes)
            roles.returned = {name: copies.of(box) for name, box in self.roles.returned.items()}
            context = copies.note(self.context, Context(attributes=_Attributes(roles)))
            context.saved = copies.of(self.context.saved)
            context.attributes.update((name, copies.of(value)) for name, value in self.context.attributes.items())
            return Beginning(boxes, roles, context, copies.of(self.cache), self.forward)
        except UncopiedError:
            return None


def beginning(op: Operator, on: Symbolic | Concrete, tensors: Mapping[str, Any], arguments: Mapping[str, Any],
              outputs: tuple[str, ...], forward: Forward | None,
              rows: frozenset[str] = frozenset()) -> Beginning:  # fmt: skip
    """What is there once the forward function was run; labels that are ``rows`` are one-hot."""
    boxes = given(on, tensors, named=True, rows=rows | (forward.rows if forward is not None else frozenset()))
    roles = Roles(op, boxes, arguments, outputs)
    found = Beginning(boxes, roles, Context(attributes=_Attributes(roles)))
    if forward is None:
        return found
    found.context.attributes.update(context_of_forward(forward, boxes).attributes)
    output, cache = forward.run(on, boxes, found.context)
    if isinstance(output, Box) and not outputs:
        roles.returned = dict.fromkeys(_returned(forward), output)
    return replace(found, cache=cache, forward=forward)


def _returned(forward: Forward) -> frozenset[str]:
    """The names that mean the output of a forward function: usual ones that it gives nothing else to."""
    nodes = [*ast.walk(forward.node)]
    returned = {one.value.id for one in nodes if isinstance(one, ast.Return) and isinstance(one.value, ast.Name)}
    others = {one.id for one in nodes if isinstance(one, ast.Name)} | {
        one.arg for one in nodes if isinstance(one, ast.arg)
    }
    return frozenset(name for name in OUTPUTS if name not in others or returned == {name})


class _Attributes(dict[str, Any]):
    """Attributes of ``self`` or ``ctx`` that were never set here, told by their names."""

    def __init__(self, roles: Roles) -> None:
        super().__init__()
        self.roles = roles

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or (isinstance(key, str) and self.roles.known(key))

    def __missing__(self, key: str) -> Any:
        return self.roles.of(key)
