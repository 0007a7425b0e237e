"""Which C compiler is used, with which flags: probed once, remembered until the compiler changes."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from symconv.build.cpu import cpu_flags, cpu_identity
from symconv.build.digest import digest
from symconv.build.find import compiler_stamp, find_compiler
from symconv.build.folder import recall, remember
from symconv.build.loading import refusal
from symconv.build.process import run
from symconv.build.scratch import scratch_folder
from symconv.emit.source import Source
from symconv.errors import BuildError
from symconv.isa import isa

__all__ = ["Toolchain", "fingerprint", "toolchain"]

# Reductions vectorise only if sums may be reordered; never -ffinite-math-only: NaN and infinity come through.
# Strict aliasing stays on (no generated store puns types): a float store cannot then change a loop's bound.
_BASE = (
    "-O2",
    "-ftree-vectorize",
    "-fvect-cost-model=dynamic",
    "-fPIC",
    "-w",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fno-signed-zeros",
    "-fassociative-math",
    "-ffp-contract=fast",
)
# One expression in two places is one number: where a maximum is looked for and where its ties are counted.
_ALIKE = ("-fno-associative-math", "-ffp-contract=off")
# gcc 12, told that the sign of 0 does not matter, takes 0*x for 0 in vectors, whatever x is.
_NOUGHTS = ("-fno-associative-math", "-fsigned-zeros")
_NATIVE = ("-march=native", "-mcpu=native")
_WIDE = "-mprefer-vector-width=512"
_PLAINEST = "-mcpu=baseline"  # zig alone knows it, and needs it: without, it compiles for this very CPU
_OPENMP = "#include <omp.h>\nint probe(void) { return omp_get_max_threads(); }\n"
_PLAIN = "int probe(void) { return 0; }\n"


@dataclass(frozen=True, slots=True)
class Toolchain:
    """Everything besides the source that decides what a compiled module contains.

    ``command`` starts the compiler, ``version`` is the first line it says of itself, ``flags`` go to every
    source, ``native_flags`` to those for this CPU alone and ``portable_flags`` to the others; ``cython`` is
    Cython's version, ``abi`` Python's ABI tag.
    """

    command: tuple[str, ...]
    version: str
    flags: tuple[str, ...]
    native_flags: tuple[str, ...]
    openmp: bool
    cython: str
    abi: str
    cpu: str
    portable_flags: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """The program that is run first.

        >>> Toolchain(("/opt/cc",), "cc 1", (), (), False, "3.1", "cpython-311", "a cpu").path
        '/opt/cc'
        """
        return self.command[0]

    def flags_for(self, source: Source) -> tuple[str, ...]:
        """The compiler flags for one source.

        >>> tools = Toolchain(("cc",), "cc 1", ("-O2",), ("-march=native",), True, "3.1", "cpython", "cpu")
        >>> tools.flags_for(Source("", target="portable", openmp=True))
        ('-O2', '-fopenmp')
        """
        # zig alone has portable flags.
        others = isa(source.target).asked[bool(self.portable_flags)] or self.portable_flags
        machine = self.native_flags if source.target == "native" else others
        exact = (_ALIKE if source.alike else ()) + (_NOUGHTS if source.noughts else ())
        return self.flags + machine + exact + (("-fopenmp",) if source.openmp and self.openmp else ())


def toolchain() -> Toolchain:
    """The compiler of this machine; starts it only if it is new here or has changed.

    Raises :class:`BuildError` when there is no C compiler or no Cython, or when the compiler does not work.

    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, SYMCONV_CC="no-such-compiler"):
    ...     toolchain()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    symconv.errors.BuildError: no C compiler found ...
    """
    command = find_compiler()
    stamp = digest([compiler_stamp(command), _BASE, _PLAINEST])
    return _known(command, stamp, os.environ.get("SYMCONV_CACHE", ""))


def fingerprint(target: str) -> str:
    """A short text that changes whenever the same source might compile to something else.

    For ``target="native"`` that includes the CPU. Raises :class:`BuildError` as :func:`toolchain` does, and where this
    CPU lacks what ``target`` is compiled for.

    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, SYMCONV_CC="no-such-compiler"):
    ...     fingerprint("portable")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    symconv.errors.BuildError: no C compiler found ...
    """
    lacking = isa(target).lacking(cpu_flags()) if target != "native" else ()
    if lacking:
        raise BuildError(
            f"target {target!r} is compiled for a CPU with {', '.join(lacking)}, which this one lacks: use "
            "target='native', or a target that it can run"
        )
    tools = toolchain()
    facts = asdict(tools)
    if target != "native":
        del facts["native_flags"], facts["cpu"]
    return digest(facts)


@functools.lru_cache(maxsize=16)
def _known(command: tuple[str, ...], stamp: str, _cache: str) -> Toolchain:
    name = "toolchain-" + digest([command, _abi(), sys.prefix, cpu_identity()])[:16]
    match recall(name, stamp):
        case {
            "version": str(version),
            "flags": list(flags),
            "native_flags": list(native),
            "portable_flags": list(portable),
            "openmp": bool(openmp),
            "cython": str(cython),
        } if _among(flags, _BASE) and _among(native, (*_NATIVE, _WIDE)) and _among(portable, (_PLAINEST,)):
            facts = (version, tuple(flags), tuple(native), openmp, cython, _abi(), cpu_identity(), tuple(portable))
            return Toolchain(command, *facts)
    found = _probe(command)
    remember(name, stamp, asdict(found))
    return found


def _among(flags: list[object], allowed: tuple[str, ...]) -> bool:
    """Whether what was remembered is what a probe can find: no other word ever gets on a command line."""
    return all(flag in allowed for flag in flags)


def _probe(command: tuple[str, ...]) -> Toolchain:
    from importlib.metadata import PackageNotFoundError, version

    try:
        cython = version("cython")
    except PackageNotFoundError as error:
        raise BuildError("Cython is not installed: `pip install cython`") from error
    shown = " ".join(command)
    with _workspace() as folder:
        asked = run((*command, "--version"), folder)
        if asked.status != 0:
            raise BuildError(f"{shown} does not answer to --version as a C compiler does: set SYMCONV_CC to one")
        said = asked.out.strip().partition("\n")[0]
        complaint = _complaint(command, folder)
        if complaint is not None:
            raise BuildError(
                f"the C compiler {shown} cannot build a shared library: is it fully installed? {complaint}".strip()
            )
        wide = (_WIDE,) if "avx512f" in cpu_flags() else ()
        natives = (_accepted(command, (flag, *wide), folder) for flag in _NATIVE)
        native = next((flags for flags in natives if flags and flags[0] in _NATIVE), ())
        portable = _accepted(command, (_PLAINEST,), folder) if "clang" in said else ()
        openmp = _accepts(command, ("-fopenmp",), _OPENMP, folder)
        flags = _accepted(command, _BASE, folder)
    return Toolchain(command, said, flags, native, openmp, cython, _abi(), cpu_identity(), portable)


@contextmanager
def _workspace() -> Iterator[Path]:
    """A folder for the probe: in the cache, or where that cannot be written, in the system's temporary folder."""
    import tempfile

    try:
        made = scratch_folder()
        folder = made.__enter__()
    except BuildError:
        try:
            with tempfile.TemporaryDirectory(prefix="symconv-probe-") as elsewhere:
                yield Path(elsewhere)
        except OSError as error:
            raise _roomless(error) from error
        return
    try:
        yield folder
    except OSError as error:
        raise _roomless(error) from error
    finally:
        made.__exit__(None, None, None)


def _roomless(error: OSError) -> BuildError:
    where = f" to {error.filename}" if error.filename else ""
    return BuildError(
        f"cannot write a temporary file{where} ({error.strerror or error}): free some room there, "
        "or set SYMCONV_CACHE to a folder on another disk"
    )


def _complaint(command: tuple[str, ...], folder: Path) -> str | None:
    """What is wrong with the compiler's simplest library: ``None`` if it exists and loads."""
    made = folder / "plain.so"
    ran = _compile(command, (), _PLAIN, folder, made)
    if ran is not None:
        return f"It said: {ran}" if ran else ""
    reason = refusal(made, "probe")
    return None if reason is None else f"What it made is no library: {reason}"


def _accepted(command: tuple[str, ...], flags: tuple[str, ...], folder: Path) -> tuple[str, ...]:
    if _accepts(command, flags, _PLAIN, folder):
        return flags
    return tuple(flag for flag in flags if len(flags) > 1 and _accepts(command, (flag,), _PLAIN, folder))


def _accepts(command: tuple[str, ...], flags: tuple[str, ...], text: str, folder: Path) -> bool:
    return _compile(command, flags, text, folder, folder / "probe.so") is None


def _compile(command: tuple[str, ...], flags: tuple[str, ...], text: str, folder: Path, output: Path) -> str | None:
    """Compile one text: ``None``, or what was said when that failed."""
    source = folder / "probe.c"
    source.write_text(text, encoding="utf-8")
    ran = run((*command, *flags, "-fPIC", "-shared", source.name, "-o", output.name), folder)
    return None if ran.status == 0 else (ran.err + ran.out).strip()[:400]


def _abi() -> str:
    return EXTENSION_SUFFIXES[0].strip(".").partition(".")[0]
