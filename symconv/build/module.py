"""From a compiled module on disk to a module object, at most once in a process."""

from __future__ import annotations

from types import ModuleType

from symconv.build.artifact import Artifact
from symconv.build.cache import rebuilt
from symconv.build.loading import imported, known
from symconv.errors import BuildError

__all__ = ["load"]


def load(artifact: Artifact) -> ModuleType:
    """Import the module of ``artifact``, but not into ``sys.modules``; the same key gives the same object.

    An entry that does not load is discarded and compiled again, once. Raises :class:`BuildError` when that does
    not help.

    >>> from pathlib import Path
    >>> load(Artifact(Path("gone.so"), Path("gone.pyx"), {}, "0" * 64, True))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    symconv.errors.BuildError: the compiled module gone.so is gone, and its source with it
    """
    found = known(artifact.key)
    if found is not None:
        return found
    try:
        return imported(artifact.module_path, artifact.key)
    except BuildError:
        again = rebuilt(artifact)
    return imported(again.module_path, again.key)
