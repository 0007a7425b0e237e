"""From the text of a Cython module to a shared library: Cython, and the C compiler beside it and after it."""

from __future__ import annotations

import re
import shlex
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Self

from symconv.build.ahead import Ahead
from symconv.build.calm import calm
from symconv.build.cpu import cpu_flags
from symconv.build.folder import write_file
from symconv.build.intrinsics import INCLUDED, definitions, header
from symconv.build.loading import refusal
from symconv.build.objects import keep, kept, object_key
from symconv.build.parts import Parts, parted, sorted_out
from symconv.build.process import Children, Ran, run
from symconv.build.tools import Toolchain
from symconv.build.translation import translated
from symconv.emit.source import Source
from symconv.errors import BuildError
from symconv.isa import isa

__all__ = ["SOURCE_NAME", "Rejected", "compile_module", "include_facts", "module_file"]

SOURCE_NAME = "kernel.pyx"
_C_NAME, _FUNCTIONS = "kernel.c", ("functions.c", "functions2.c")
_NUMPY = re.compile(
    r"^\s*(cimport\s+numpy|from\s+numpy(\.\w+)*\s+cimport|cdef\s+extern\s+from\s+\"numpy/)", re.MULTILINE
)
_CYTHON = threading.Lock()  # Cython's compiler keeps state in its modules


class Rejected(Exception):  # noqa: N818  (the cache keeps the source, then makes a BuildError of this)
    """Cython or the C compiler refused a source: which one, the command that shows it again, what it said."""

    def __init__(self, who: str, command: tuple[str, ...], said: str) -> None:
        super().__init__(who)
        self.who = who
        self.command = shlex.join(command)
        self.said = said.strip()


def module_file(name: str) -> str:
    """The file name Python expects of the extension module ``name``.

    >>> module_file("kernel").startswith("kernel.")
    True
    """
    return name + EXTENSION_SUFFIXES[0]


def include_facts(text: str) -> tuple[str, ...]:
    """What, besides the source, the headers it asks for depend on: NumPy's version if it cimports NumPy.

    >>> include_facts("from libc.math cimport exp")
    ()
    """
    if not _NUMPY.search(text):
        return ()
    from importlib.metadata import version

    return (f"numpy {version('numpy')}",)


def compile_module(
    source: Source,
    tools: Toolchain,
    name: str,
    folder: Path,
    progress: Callable[[str], None],
    cython: Ahead | None = None,
) -> Path:
    """Write ``source`` into ``folder``, compile it there as the module ``name``, return the shared library.

    ``cython`` is Cython where another process has loaded it. Another process has loaded the library once when it is
    returned. Raises :class:`Rejected` when Cython or the C compiler refuses the source or what was made does not load,
    :class:`BuildError` when Cython or Python's C headers are missing, or the compiler has no room or no end.

    >>> tools = Toolchain(("cc",), "cc 1", (), (), False, "3.1", "cpython-311", "a cpu")
    >>> compile_module(Source("x = ="), tools, "broken", Path("no such folder"), print)
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'no such folder/kernel.pyx'
    """
    write_file(folder / SOURCE_NAME, source.text.encode())
    flags, includes = tools.flags_for(source), _included(source)
    with _Side(tools, folder) as side:
        parts = parted(source.text)
        if parts is not None and _reads(source, parts.shared):
            side.read_header(parts.shared, flags)
        many = parts is not None and parts.many
        progress("translating to C (Cython)" + (", and compiling beside it" if many else ""))
        if parts is not None and many:
            side.compile_all(parts, flags)
        in_c = _translate(folder, name, source.text if parts is None else parts.module, cython)
        progress(f"compiling ({Path(tools.path).name})")
        found = None if parts is None else sorted_out(in_c, parts, name)
        if parts is not None and found is None and parts.functions and not many:
            side.compile_all(parts, flags)
        if found is None:
            side.compile(_C_NAME, in_c, (*flags, *includes))
        else:
            side.compile(_C_NAME, found.rest, (*_quicker(flags, tools), *includes))
            for file, nests in found.nests:
                side.compile(file, nests, flags, again=True)
        objects = side.made()
        made = _linked(source, tools, name, folder, objects)
        side.keep()
    for file in objects:
        (folder / file).unlink(missing_ok=True)
        (folder / file).with_suffix(".c").unlink(missing_ok=True)
    return made


def _quicker(flags: tuple[str, ...], tools: Toolchain) -> tuple[str, ...]:
    """Flags for what takes no time when it runs: more passes of the compiler would cost more than they gain."""
    level = "-O1" if "clang" in tools.version else "-Og"  # to zig the latter means traps where numbers overflow
    return tuple(level if flag == "-O2" else flag for flag in flags)


def _reads(source: Source, shared: str) -> bool:
    """Whether the header of intrinsics is read at all: narrow vectors do without."""
    return INCLUDED in shared and isa(source.target, cpu_flags()).vector_bytes > 16


class _Side:
    """Texts in C that are compiled side by side, each in a run of the compiler of its own.

    All runs have ended when the block has: those that nobody has waited for, as something went wrong, are stopped.
    """

    def __init__(self, tools: Toolchain, folder: Path) -> None:
        self._tools, self._folder = tools, folder
        self._pool = ThreadPoolExecutor(6)  # a module of one operator has no more parts
        self._children = Children()
        self._runs: dict[Future[Ran], tuple[str, ...]] = {}
        self._header: Future[str | None] | None = None
        self._keys: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self._children.stop()
        self._pool.shutdown(cancel_futures=True)

    def read_header(self, shared: str, flags: tuple[str, ...]) -> None:
        """Begin to read the header of intrinsics: all texts have in its place what is used of it."""
        if "clang" not in self._tools.version:  # its header is written in another way
            self._header = self._pool.submit(lambda: definitions(shared, header(self._tools.command, flags)))

    def compile(self, file: str, text: str, flags: tuple[str, ...], again: bool = False) -> None:
        """Begin to compile a text; what later modules have ``again`` is compiled once."""
        command = (*self._tools.command, *flags, "-c", file, "-o", _object(file))
        # An object has the name of its file in it.
        key = object_key(self._tools, flags, file, text) if again else ""
        found = kept(key)
        if found is not None:
            write_file(self._folder / _object(file), found)
            self._runs[self._pool.submit(Ran, 0, "", "")] = command
            return
        if again:
            self._keys[_object(file)] = key
        used = self._header.result() if self._header and INCLUDED in text else None
        write_file(self._folder / file, (text if used is None else text.replace(INCLUDED, used, 1)).encode())
        self._runs[self._pool.submit(run, command, self._folder, self._children)] = command

    def compile_all(self, parts: Parts, flags: tuple[str, ...]) -> None:
        """Begin to compile the functions of a module."""
        for file, text in parts.again:
            self.compile(file, text, flags, again=True)
        for file, text in zip(_FUNCTIONS, parts.alone, strict=False):
            self.compile(file, text, flags)

    def made(self) -> tuple[str, ...]:
        """The objects, when all are there. Raises what went wrong as soon as there is one that will not be."""
        for ran in as_completed(self._runs):
            _accepted(ran.result(), self._runs[ran])
        return tuple(command[-1] for command in self._runs.values())

    def keep(self) -> None:
        """Keep what later modules have again, once a module of it has been loaded."""
        for file, key in self._keys.items():
            keep(key, (self._folder / file).read_bytes())


def _object(file: str) -> str:
    return Path(file).with_suffix(".o").name


def _accepted(ran: Ran, command: tuple[str, ...]) -> None:
    if ran.status != 0:
        raise Rejected(f"the C compiler (exit status {ran.status})", command, ran.err + ran.out)


def _linked(source: Source, tools: Toolchain, name: str, folder: Path, objects: tuple[str, ...]) -> Path:
    # Relative names: no temporary path enters the module, and the command works where the source is kept.
    shared = ("-bundle", "-undefined", "dynamic_lookup") if sys.platform == "darwin" else ("-shared",)
    made = folder / module_file(name)
    command = (*tools.command, *tools.flags_for(source), *shared, *objects, "-o", made.name, "-lm")
    _accepted(run(command, folder), command)
    reason = refusal(made, f"PyInit_{name}")
    if reason is not None:
        raise Rejected("Python", command, f"the C compiler said that it had succeeded, but {reason}")
    return made


def _translate(folder: Path, name: str, text: str, cython: Ahead | None = None) -> str:
    """The module in C."""
    # Only for a file named like its module does Cython write the bare name, not the path, into the C text.
    pyx, listing, made = folder / f"{name}.pyx", folder / f"{name}.lis", folder / _C_NAME
    pyx.write_bytes(text.encode())
    failed, crash = False, ""
    # What another process could not do is done here, where what is wrong is known.
    if cython is None or not cython.translated(pyx, made, name):
        listing.unlink(missing_ok=True)
        try:
            with _CYTHON, calm():
                failed = not translated(str(pyx), str(made), name)
        except ImportError as error:
            raise BuildError("Cython is not installed: `pip install cython`") from error
        except RecursionError as error:
            failed, crash = True, f"an expression is nested too deeply ({error})"
    said = listing.read_text(encoding="utf-8", errors="replace") if listing.exists() else ""
    listing.unlink(missing_ok=True)
    pyx.unlink()
    if failed:
        command = ("cython", "-3", "--module-name", name, SOURCE_NAME, "-o", _C_NAME)
        raise Rejected("Cython", command, f"{said}\n{crash}".replace(pyx.name, SOURCE_NAME))
    in_c = made.read_text(encoding="utf-8")
    made.unlink()  # it is written again in parts
    return in_c


def _included(source: Source) -> tuple[str, ...]:
    return tuple(f"-I{folder}" for folder in (*_includes(source.text), *(folder for _, folder in source.headers)))


def _includes(text: str) -> tuple[str, ...]:
    import sysconfig

    folders = tuple(dict.fromkeys((sysconfig.get_path("include"), sysconfig.get_path("platinclude"))))
    if not any((Path(folder) / "Python.h").is_file() for folder in folders):
        raise BuildError(
            f"Python's C headers are missing (looked for Python.h in {', '.join(folders)}): "
            "install the development package of this Python, such as python3-dev"
        )
    if not _NUMPY.search(text):
        return folders
    from numpy import get_include

    return (*folders, get_include())
