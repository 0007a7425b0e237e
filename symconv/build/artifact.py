"""What the cache hands out: the files of a module, and the checks that they are whole and this user's."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from symconv.build.compiler import SOURCE_NAME, module_file
from symconv.build.folder import read_json, trusted_folder
from symconv.build.trust import mine

__all__ = ["Artifact", "artifact", "described", "files", "intact", "module_folder", "module_name"]


@dataclass(frozen=True, slots=True)
class Artifact:
    """A compiled module on disk; ``cached`` says that no compiler ran for it."""

    module_path: Path
    source_path: Path
    meta: dict[str, object]
    key: str
    cached: bool


def artifact(key: str, meta: dict[str, object], cached: bool) -> Artifact:
    """The artifact of a key, as it lies in the cache."""
    library, source = files(key)
    folder = module_folder(key)
    return Artifact(folder / library, folder / source, meta, key, cached)


def module_folder(key: str) -> Path:
    """Where the module of a key is."""
    return trusted_folder() / "modules" / key


def module_name(key: str) -> str:
    """What Python calls the module of a key.

    >>> module_name("0123456789abcdef" * 4)
    'symconv_0123456789abcdef'
    """
    return f"symconv_{key[:16]}"


def files(key: str) -> tuple[str, str]:
    """The names of the library and of its source."""
    return module_file(module_name(key)), SOURCE_NAME


def described(path: Path) -> dict[str, object]:
    """A file's size and hash. Raises OSError."""
    content = path.read_bytes()
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def intact(key: str) -> bool:
    """Whether every file of a module is this user's and what was once published.

    A truncated library kills Python with SIGBUS while it is imported, so nothing is imported unchecked.

    >>> intact("0" * 64)
    False
    """
    folder = module_folder(key)
    match read_json(folder / "manifest.json"):
        case {"files": dict(known)}:
            try:
                whole = all(described(folder / file) == known.get(file) for file in files(key))
                return whole and all(mine(path.stat()) for path in (folder, *(folder / file for file in files(key))))
            except OSError:
                return False
    return False
