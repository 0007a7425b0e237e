"""What notebooks show of an object. The views are looked up when something is shown, so that no stage imports them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["Displayed"]


class Displayed:
    """An object that shows itself in notebooks: HTML that needs no network and no script, LaTeX, and plain text.

    >>> import symconv as sc
    >>> sorted(sc.conv1d()._repr_mimebundle_())
    ['text/html', 'text/latex', 'text/plain']
    """

    __slots__ = ()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return dict(import_module("symconv.views.bundle").bundle(self))
