"""Which C compiler is used, with which flags: probed once, remembered until the compiler changes."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path

from symconv.build.digest import digest
from symconv.build.folder import recall, remember
from symconv.emit.source import Source
from symconv.errors import BuildError

__all__ = ["Toolchain", "cpu_flags", "find_compiler", "fingerprint", "toolchain"]

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
_OPENMP = "#include <omp.h>\nint probe(void) { return omp_get_max_threads(); }\n"
_PLAIN = "int probe(void) { return 0; }\n"


@dataclass(frozen=True, slots=True)
class Toolchain:
    """Everything besides the source that decides what a compiled module contains.

    ``command`` starts the compiler, ``version`` is the first line it says of itself, ``flags`` go to every
    source and ``native_flags`` to those for this CPU alone; ``cython`` is Cython's version, ``abi`` Python's
    ABI tag.
    """

    command: tuple[str, ...]
    version: str
    flags: tuple[str, ...]
    native_flags: tuple[str, ...]
    openmp: bool
    cython: str
    abi: str
    cpu: str

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
        native = self.native_flags if source.target == "native" else ()
        alike = _ALIKE if source.alike else ()
        return self.flags + native + alike + (("-fopenmp",) if source.openmp and self.openmp else ())


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
    return _known(command, _stamp(command), os.environ.get("SYMCONV_CACHE", ""))


def fingerprint(target: str) -> str:
    """A short text that changes whenever the same source might compile to something else.

    For ``target="native"`` that includes the CPU. Raises :class:`BuildError` as :func:`toolchain` does.

    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, SYMCONV_CC="no-such-compiler"):
    ...     fingerprint("portable")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    symconv.errors.BuildError: no C compiler found ...
    """
    tools = toolchain()
    facts = asdict(tools)
    if target != "native":
        del facts["native_flags"], facts["cpu"]
    return digest(facts)


def find_compiler() -> tuple[str, ...]:
    """The words that start the C compiler: ``SYMCONV_CC`` alone if it is set; ``CC`` is merely tried first.

    Raises :class:`BuildError` naming what was looked for.

    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, SYMCONV_CC=sys.executable):
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
        f"no C compiler found (looked for {', '.join(dict.fromkeys(tried))}): install gcc or clang with the "
        "system's package manager, or `pip install ziglang`, or set SYMCONV_CC to a compiler; "
        "`symconv doctor` shows what is found"
    )


def _candidates() -> Iterator[tuple[str, ...]]:
    explicit = os.environ.get("SYMCONV_CC", "").split()
    if explicit:
        yield tuple(explicit)
        return
    preferred = os.environ.get("CC", "").split()
    if preferred:
        yield tuple(preferred)
    import sysconfig

    built_with = (sysconfig.get_config_var("CC") or "").split()
    for name in (*built_with[:1], "cc", "gcc", "clang"):
        yield (name,)


def _stamp(command: tuple[str, ...]) -> str:
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
    return digest([command, facts, _BASE, sys.platform])


@functools.lru_cache(maxsize=16)
def _known(command: tuple[str, ...], stamp: str, _cache: str) -> Toolchain:
    name = "toolchain-" + digest([command, _abi(), sys.prefix, cpu_identity()])[:16]
    match recall(name, stamp):
        case {
            "version": str(version),
            "flags": list(flags),
            "native_flags": list(native),
            "openmp": bool(openmp),
            "cython": str(cython),
        }:
            return Toolchain(command, version, tuple(flags), tuple(native), openmp, cython, _abi(), cpu_identity())
    found = _probe(command)
    remember(name, stamp, asdict(found))
    return found


def _probe(command: tuple[str, ...]) -> Toolchain:
    from importlib.metadata import PackageNotFoundError, version

    try:
        cython = version("cython")
    except PackageNotFoundError as error:
        raise BuildError("Cython is not installed: `pip install cython`") from error
    shown = " ".join(command)
    said = _run(command, "--version")
    if said is None:
        raise BuildError(f"{shown} does not answer to --version as a C compiler does: set SYMCONV_CC to one")
    if not _accepts(command, (), _PLAIN):
        raise BuildError(f"the C compiler {shown} cannot build a shared library: is it fully installed?")
    native = _accepted(command, _native()) or _accepted(command, ("-mcpu=native",))
    openmp = _accepts(command, ("-fopenmp",), _OPENMP)
    flags = _accepted(command, _BASE)
    return Toolchain(command, said, flags, native, openmp, cython, _abi(), cpu_identity())


def _native() -> tuple[str, ...]:
    wide = ("-mprefer-vector-width=512",) if "avx512f" in cpu_flags() else ()
    return ("-march=native", *wide)


def _accepted(command: tuple[str, ...], flags: tuple[str, ...]) -> tuple[str, ...]:
    if _accepts(command, flags, _PLAIN):
        return flags
    return tuple(flag for flag in flags if _accepts(command, (flag,), _PLAIN))


def _accepts(command: tuple[str, ...], flags: tuple[str, ...], text: str) -> bool:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="symconv-probe-") as folder:
        source, output = Path(folder) / "probe.c", Path(folder) / "probe.so"
        source.write_text(text, encoding="utf-8")
        return _run(command, *flags, "-fPIC", "-shared", str(source), "-o", str(output)) is not None


def _run(command: tuple[str, ...], *arguments: str) -> str | None:
    import subprocess

    try:
        done = subprocess.run([*command, *arguments], capture_output=True, check=False, timeout=120)
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = done.stdout.decode(errors="replace").strip().partition("\n")[0]
    return said if done.returncode == 0 else None


def _abi() -> str:
    return EXTENSION_SUFFIXES[0].strip(".").partition(".")[0]


@functools.cache
def _cpu() -> tuple[str, frozenset[str]]:
    model, flags = [], frozenset[str]()
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                title, _, value = line.partition(":")
                match title.strip():
                    case "":
                        break  # one block per core: the first says it all
                    case "flags" | "Features":
                        flags = frozenset(value.split())
                    case "vendor_id" | "cpu family" | "model" | "model name" | "stepping" | "CPU part":
                        model.append(value.strip())
    except OSError:
        import platform

        model = [platform.machine(), platform.processor()]
    return " ".join(model), flags


def cpu_flags() -> frozenset[str]:
    """What the CPU can do, in the kernel's words; empty where the system does not say.

    >>> "no such flag" in cpu_flags()
    False
    """
    return _cpu()[1]


def cpu_identity() -> str:
    """The CPU's model and a hash of its abilities: machines with the same text share native modules.

    >>> cpu_identity() == cpu_identity()
    True
    """
    model, flags = _cpu()
    return f"{model} {digest(sorted(flags))[:16]}"
