"""What a user names: tensors of an operator, and a module that somebody else wrote."""

from __future__ import annotations

from pathlib import Path

from symconv.errors import SpecError, shown
from symconv.notation.operator import Operator

__all__ = ["module_text", "tensor_names"]


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
