"""What a user names: an operator, its tensors, and a module that somebody else wrote."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from symconv.errors import SpecError, shown
from symconv.family import Family
from symconv.notation.front import by_name
from symconv.notation.operator import Operator

__all__ = ["in_order", "module_text", "operator_of", "tensor_names"]


def operator_of(op: object, params: Mapping[str, int] | None = None) -> Operator:
    """An operator, the one behind a gradient, or that of a family with these whole numbers; raises SpecError."""
    numbers = by_name("params", params, "{'s': 2}")
    if isinstance(op, Family):
        return op(**numbers)
    if numbers:
        raise SpecError(
            f"params are the whole numbers that a family leaves open, params={{'s': int}} in sc.operator; "
            f"{getattr(op, 'name', shown(op))} leaves none open, given {', '.join(numbers)}"
        )
    # A gradient is known by its derivation: what handles there are is not known here.
    found = op if isinstance(op, Operator) else getattr(getattr(op, "derivation", None), "operator", None)
    if not isinstance(found, Operator):
        raise SpecError(f"an operator or a gradient is wanted, as sc.conv2d() or sc.derive(op, 'x'); given {shown(op)}")
    return found


def in_order(op: Operator, given: tuple[Any, ...], named: Mapping[str, Any]) -> tuple[Any, ...]:
    """The inputs in the order of ``op.tensors``, the first by position and the rest by name.

    Raises SpecError for names that are not those of the rest.
    """
    rest = op.tensors[len(given) :]
    if set(named) != set(rest):
        raise SpecError(
            f"{op.name} takes {', '.join(op.tensors)}; given {len(given)} by position and by name {', '.join(named)}"
        )
    return (*given, *(named[name] for name in rest))


def module_text(path: Path) -> str:
    """The text of a module someone else wrote; raises SpecError when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError, RuntimeError) as error:
        # ValueError: no UTF-8, or a path with a null character; RuntimeError: links that lead to themselves.
        reason = getattr(error, "strerror", None) or error
        raise SpecError(f"cannot read the kernel {shown(str(path))}: {reason}") from error


def tensor_names(op: Operator, wrt: tuple[str, ...] | str) -> tuple[str, ...]:
    """The names of tensors; raises SpecError for what are none."""
    names = (wrt,) if isinstance(wrt, str) else wrt
    if not isinstance(names, tuple | list) or not all(isinstance(name, str) for name in names):
        raise SpecError(f"wrt names tensors of {op.name}, which are {', '.join(op.tensors)}; given {shown(wrt)}")
    return tuple(names)
