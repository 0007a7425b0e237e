"""Files to take away, and how they get into a folder: all of them, or nothing is changed there."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from symconv.errors import InternalError, SpecError, shown

__all__ = ["MARKER", "File", "Package", "write"]

MARKER = "symconv-export.json"
"""The file by which a later export knows which files of a folder are its own, and that nobody changed them."""

# What building and testing a package leaves behind: it may go with the package it was made from.
_MADE_FOLDERS = ("__pycache__", "build", "dist", ".pytest_cache", ".hypothesis", ".ruff_cache", ".mypy_cache")
_MADE_SUFFIXES = (".so", ".pyd", ".dll", ".dylib", ".o", ".obj", ".a", ".lib", ".pyc", ".egg-info")


@dataclass(frozen=True, slots=True)
class File:
    """A text and where it stands in its package, as in ``"tests/test_layer.py"``."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Package:
    """What one export writes, in order; ``name`` is what it is called where it is installed."""

    name: str
    files: tuple[File, ...]

    def __post_init__(self) -> None:
        paths = [file.path for file in self.files]
        for path in paths:
            parts = PurePosixPath(path).parts
            if not parts or path.startswith("/") or ".." in parts or path == MARKER:
                raise InternalError(f"{path!r} is no place inside a package")
        if len(set(paths)) != len(paths):
            raise InternalError(f"the package {self.name} has two files of one name: {', '.join(sorted(paths))}")

    def text(self, path: str) -> str:
        """The text of one file; raises KeyError.

        >>> Package("p", (File("README.md", "p"),)).text("README.md")
        'p'
        """
        return {file.path: file.text for file in self.files}[path]


def write(package: Package, folder: Path) -> Path:
    """Make ``folder`` hold the package and nothing else; it is new, empty, or an earlier export that nobody changed.

    The files are written beside it and take its place in one step. Returns the folder. Raises SpecError where it cannot
    be written, or holds anything else; then nothing has changed.
    """
    try:
        place = folder.resolve()
        _check_place(place, folder)
        draft = place.with_name(f".{place.name}.{os.getpid()}.{secrets.token_hex(4)}")
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            _fill(package, draft)
            _take_place(draft, place)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except (OSError, ValueError, RuntimeError) as error:
        if isinstance(error, SpecError):
            raise
        # ValueError: a path with a null character; RuntimeError: links that lead to themselves.
        reason = getattr(error, "strerror", None) or error
        raise SpecError(f"cannot write the package into {shown(str(folder))}: {reason}") from error
    return folder


def _check_place(place: Path, asked: Path) -> None:
    said = f"cannot export into {shown(str(asked))}: "
    if place == Path.cwd() or place in Path.cwd().parents:
        raise SpecError(f"{said}it is the folder you are in, or one above it; name a new folder")
    if not place.exists():
        return
    if not place.is_dir():
        raise SpecError(f"{said}it is a file; name a new folder, or an empty one")
    if not any(place.iterdir()):
        return
    known = _marked(place)
    if known is None:
        raise SpecError(f"{said}the folder holds other files, and is no earlier export; name a new folder")
    for path in sorted(place.rglob("*")):
        relative = path.relative_to(place)
        if _is_made(relative) or (path.is_dir() and not path.is_symlink()):
            continue
        if known.get(relative.as_posix()) != _digest(path):
            raise SpecError(
                f"{said}{shown(relative.as_posix())} was changed or added since the last export, and would be lost; "
                "move it away, or name a new folder"
            )


def _marked(place: Path) -> dict[str, str] | None:
    """The files of an earlier export with their digests; None where there was none."""
    marker = place / MARKER
    if not marker.is_file() or marker.is_symlink():
        return None
    try:
        files = json.loads(marker.read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(files, dict):
        return None
    return {str(path): str(digest) for path, digest in files.items()} | {MARKER: _digest(marker)}


def _is_made(relative: Path) -> bool:
    return any(part in _MADE_FOLDERS or part.endswith(".egg-info") for part in relative.parts) or (
        relative.suffix in _MADE_SUFFIXES
    )


def _digest(path: Path) -> str:
    return "" if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest()


def _fill(package: Package, draft: Path) -> None:
    draft.mkdir()
    for file in package.files:
        path = draft / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text, encoding="utf-8", newline="\n")
    files = {file.path: hashlib.sha256(file.text.encode()).hexdigest() for file in package.files}
    marker = json.dumps({"package": package.name, "files": files}, indent=1, sort_keys=True) + "\n"
    (draft / MARKER).write_text(marker, encoding="utf-8", newline="\n")


def _take_place(draft: Path, place: Path) -> None:
    """A folder in another's place: that one is moved aside first, and back where the new one cannot come."""
    if not place.exists():
        draft.rename(place)
        return
    aside = draft.with_name(f"{draft.name}.old")
    place.rename(aside)
    try:
        draft.rename(place)
    except OSError:
        aside.rename(place)
        raise
    shutil.rmtree(aside, ignore_errors=True)
