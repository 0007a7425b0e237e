"""From a library on disk to a module object: tried in a process of its own, then imported at most once here."""

from __future__ import annotations

import sys
import threading
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from symconv.errors import BuildError

__all__ = ["imported", "known", "refusal"]

# Cython refuses to initialise the same extension module a second time.
_LOADED: dict[str, ModuleType] = {}
_LOADING = threading.RLock()
_TRIAL = """
import sys
try:
    import ctypes
except ImportError:  # a Python built without it: the import in the process itself has to do
    sys.exit()
getattr(ctypes.CDLL(sys.argv[1]), sys.argv[2])
"""
_PATIENCE = 60.0  # seconds for a trial that takes 20 ms: a loaded machine, not a library that never returns


def refusal(path: Path, symbol: str) -> str | None:
    """Why a library cannot be loaded and asked for ``symbol``, or ``None`` if it can.

    Another process tries: a truncated library kills the process that loads it.

    >>> refusal(Path("no such file"), "answer")  # doctest: +ELLIPSIS
    'there is no file ...'
    """
    import subprocess

    if not path.is_file():
        return f"there is no file {path.name}"
    if not sys.executable or "python" not in Path(sys.executable).name.lower():
        return None  # embedded: there is no interpreter to start
    command = (sys.executable, "-I", "-S", "-c", _TRIAL, str(path), symbol)
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_PATIENCE)
    except OSError as error:
        raise BuildError(
            f"cannot start {sys.executable} to try what was compiled: {error.strerror or error}"
        ) from error
    except subprocess.TimeoutExpired:
        return f"loading it took longer than {_PATIENCE:g} s"
    if done.returncode == 0:
        return None
    said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    return said or f"loading it killed the process (signal {-done.returncode})"


def known(key: str) -> ModuleType | None:
    """The module of a key, if this process has imported it."""
    return _LOADED.get(key)


def imported(path: Path, key: str) -> ModuleType:
    """Import the extension module in ``path``, but not into ``sys.modules``; the same key gives the same object.

    Raises :class:`BuildError` when the file is gone or is no module for this Python.
    """
    with _LOADING:
        if key not in _LOADED:
            _LOADED[key] = _imported(path)
        return _LOADED[key]


def _imported(path: Path) -> ModuleType:
    name = path.name.partition(".")[0]  # the init function is PyInit_<stem>
    loader = ExtensionFileLoader(name, str(path))
    spec = spec_from_file_location(name, path, loader=loader)
    if spec is None:
        raise BuildError(f"cannot import the compiled module {path}: no Python module has such a name")
    try:
        module = module_from_spec(spec)
        loader.exec_module(module)
    except Exception as error:
        raise BuildError(f"cannot import the compiled module {path}: {error or type(error).__name__}") from error
    finally:
        sys.modules.pop(name, None)
    return module
