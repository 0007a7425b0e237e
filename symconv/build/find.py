"""Where the C compiler is, and how to notice that it has changed."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from symconv.build.digest import digest
from symconv.errors import BuildError

__all__ = ["compiler_stamp", "find_compiler"]


def find_compiler() -> tuple[str, ...]:
    """The words that start the C compiler: ``SYMCONV_CC`` alone if it is set; ``CC`` is merely tried first.

    Both are read as a shell reads them: ``"/opt/my tools/cc" -m64`` is two words. Without any compiler, the one
    in the Python package ziglang. Raises :class:`BuildError` naming what was looked for.

    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, SYMCONV_CC=shlex.quote(sys.executable)):
    ...     find_compiler() == (sys.executable,)
    True
    """
    tried = []
    for words in _candidates():
        found = shutil.which(words[0])
        if found is not None:
            return (str(Path(found).absolute()), *words[1:])
        tried.append(" ".join(words))
    if not os.environ.get("SYMCONV_CC", "").strip():
        if find_spec("ziglang") is not None:
            return (sys.executable, "-m", "ziglang", "cc")
        tried.append("the Python package ziglang")
    raise BuildError(
        f"no C compiler found (looked for {', '.join(dict.fromkeys(tried))}): "
        '`pip install "symconv[compiler]"` brings one; or install gcc or clang with the system\'s package manager, '
        "or set SYMCONV_CC to a compiler; `symconv doctor` shows what is found"
    )


def _candidates() -> Iterator[tuple[str, ...]]:
    explicit = _words("SYMCONV_CC")
    if explicit:
        yield explicit
        return
    preferred = _words("CC")
    if preferred:
        yield preferred
    import sysconfig

    built_with = (sysconfig.get_config_var("CC") or "").split()
    for name in (*built_with[:1], "cc", "gcc", "clang"):
        yield (name,)


def _words(variable: str) -> tuple[str, ...]:
    text = os.environ.get(variable, "")
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise BuildError(f"{variable} is a command, quoted as for a shell; given {text[:200]!r} ({error})") from error
    if words and not words[0]:
        raise BuildError(f"{variable} is a command; given {text[:200]!r}, whose first word is empty")
    return words


def compiler_stamp(command: tuple[str, ...]) -> str:
    """A text that changes whenever the compiler, or Cython, is replaced by another."""
    # Every program of that name: the first may be a compiler cache, the same whatever is behind it.
    names = dict.fromkeys(Path(word).name for word in command)
    files = [command[0], *(str(Path(folder) / name) for name in names for folder in os.get_exec_path())]
    for package, file in (("Cython", "Shadow.py"), ("ziglang", "__init__.py")):
        spec = find_spec(package)
        if spec is not None and spec.origin is not None:
            files.append(str(Path(spec.origin).with_name(file)))
    facts = []
    for file in files:
        try:
            status = Path(file).stat()
        except OSError:
            continue
        # An installer may give every version the same modification time; the change time tells them apart.
        facts.append((file, status.st_mtime_ns, status.st_size, status.st_ctime_ns))
    return digest([command, facts, sys.platform])
