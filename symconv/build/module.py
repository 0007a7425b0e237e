"""From a compiled module on disk to a module object, at most once in a process."""

from __future__ import annotations

import sys
import threading
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

from symconv.build.cache import Artifact
from symconv.errors import BuildError

__all__ = ["load"]

# Cython refuses to initialise the same extension module a second time.
_LOADED: dict[str, ModuleType] = {}
_LOADING = threading.Lock()


def load(artifact: Artifact) -> ModuleType:
    """Import the module of ``artifact``, but not into ``sys.modules``; the same key gives the same object.

    Raises :class:`BuildError` when the file is gone or is no module for this Python.

    >>> from pathlib import Path
    >>> load(Artifact(Path("gone.so"), Path("gone.pyx"), {}, "0" * 64, True))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    symconv.errors.BuildError: cannot import the compiled module gone.so: ...
    """
    with _LOADING:
        known = _LOADED.get(artifact.key)
        if known is None:
            known = _LOADED[artifact.key] = _imported(artifact)
        return known


def _imported(artifact: Artifact) -> ModuleType:
    path = artifact.module_path
    name = path.name.partition(".")[0]  # the init function is PyInit_<stem>
    loader = ExtensionFileLoader(name, str(path))
    spec = spec_from_file_location(name, path, loader=loader)
    if spec is None:
        raise BuildError(f"cannot import the compiled module {path}: no Python module has such a name")
    try:
        module = module_from_spec(spec)
        loader.exec_module(module)
    except ImportError as error:
        raise BuildError(f"cannot import the compiled module {path}: {error}") from error
    finally:
        sys.modules.pop(name, None)
    return module
