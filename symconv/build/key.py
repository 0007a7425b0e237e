"""The two cache keys: of a request (before anything is derived) and of a module (its very content)."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from symconv.build.compiler import include_facts
from symconv.build.digest import digest
from symconv.build.folder import recall, remember
from symconv.build.tools import Toolchain
from symconv.emit.source import Source
from symconv.options import Options

__all__ = ["content_key", "generator_version", "request_key"]

_FORMAT = 2  # of the cache: raised when the layout of a module's folder or of a request changes
_PACKAGE = Path(__file__).parents[1]


def content_key(source: Source, tools: Toolchain) -> str:
    """The key of the module that ``tools`` make of ``source``: 64 hexadecimal digits.

    >>> tools = Toolchain(("cc",), "cc 1", ("-O3",), ("-march=native",), True, "3.1", "cpython-311", "a cpu")
    >>> content_key(Source("a = 1"), tools) == content_key(Source("a = 2"), tools)
    False
    """
    facts = {
        "format": _FORMAT,
        "text": source.text,
        "flags": tools.flags_for(source),
        "includes": (*include_facts(source.text), *(name for name, _ in source.headers)),
        "command": tools.command,
        "version": tools.version,
        "cython": tools.cython,
        "abi": tools.abi,
        "cpu": tools.cpu if source.target == "native" else None,
    }
    return digest(facts)


def request_key(operator_text: str, options: Options, toolchain_fingerprint: str) -> str:
    """The key of a request: the operator in canonical text, how to build it, and what would build it.

    >>> request_key("y[i] = x[i]", Options(), "cc") == request_key("y[i] = 2*x[i]", Options(), "cc")
    False
    """
    return digest([_FORMAT, operator_text, asdict(options), toolchain_fingerprint, generator_version()])


@functools.cache
def generator_version() -> str:
    """A hash of symconv's own sources and templates: a kernel made by other sources is another kernel.

    Fixed for the life of the process, as the imported code is.

    >>> len(generator_version())
    64
    """
    return tree_version(_PACKAGE, _templates(_PACKAGE))


def tree_version(package: Path, templates: Path) -> str:
    """The hash of every ``.py`` file under ``package`` and every file under ``templates``, by content.

    Contents are read only when a file's path, modification time or size has changed since the last time.

    >>> tree_version(Path("no such folder"), Path("none")) == digest([])
    True
    """
    files = tuple(_files(package, "*.py", "package")) + tuple(_files(templates, "*", "templates"))
    stats = [(name, path.stat()) for name, path in files]
    stamp = digest([(name, status.st_mtime_ns, status.st_size) for name, status in stats])
    name = "generator-" + digest([str(package), str(templates)])[:16]
    known = recall(name, stamp)
    if isinstance(known, str):
        return known
    version = digest([(name, hashlib.sha256(path.read_bytes()).hexdigest()) for name, path in files])
    remember(name, stamp, version)
    return version


def _templates(package: Path) -> Path:
    # A wheel carries them inside the package, a checkout beside it.
    inside = package / "_templates"
    return inside if inside.is_dir() else package.parent / "templates"


def _files(root: Path, pattern: str, title: str) -> Iterator[tuple[str, Path]]:
    for path in sorted(root.rglob(pattern)):
        if "__pycache__" not in path.parts and path.is_file():
            yield f"{title}/{path.relative_to(root).as_posix()}", path
