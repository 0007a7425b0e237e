"""The source of a function object; its code is not run."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from symconv.errors import SpecError

__all__ = ["source_of"]


def source_of(function: Callable[..., Any]) -> tuple[str, str]:
    """The text around a function and its name; raises SpecError where there is no source."""
    name = getattr(function, "__name__", "")
    try:
        own = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        raise SpecError(f"the source of {name or function!r} is not known; give it as code=...") from None
    try:
        whole = inspect.getsource(inspect.getmodule(function) or function)
    except (OSError, TypeError):
        whole = own
    return (whole if f"\ndef {name}(" in f"\n{whole}" else own), name
