"""What this machine offers for building kernels, for a person to read."""

from __future__ import annotations

import sysconfig
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from symconv.build.cpu import cpu_flags
from symconv.build.find import find_compiler
from symconv.build.folder import cache_folder
from symconv.build.scratch import scratch_folder
from symconv.build.tools import toolchain
from symconv.errors import BuildError

__all__ = ["doctor"]


def doctor() -> list[tuple[str, bool, str]]:
    """``(what, whether it is there, details)`` for everything a build needs or can use; never raises.

    >>> [what for what, _, _ in doctor()][:3]
    ['C compiler', 'OpenMP', 'Python headers']
    """
    return [
        *_compiler(),
        _headers(),
        *(_package(name, needed=True) for name in ("Cython", "islpy", "sympy")),
        _package("torch", needed=False),
        _cache(),
        _ability("avx2"),
        _ability("avx512", "avx512f"),
    ]


def _compiler() -> tuple[tuple[str, bool, str], tuple[str, bool, str]]:
    try:
        command = " ".join(find_compiler())
        tools = toolchain()
    except BuildError as error:
        return ("C compiler", False, str(error)), ("OpenMP", False, "no compiler to try it with")
    threads = "kernels use every core" if tools.openmp else "kernels run on one core: no -fopenmp"
    return ("C compiler", True, f"{command}: {tools.version}"), ("OpenMP", tools.openmp, threads)


def _headers() -> tuple[str, bool, str]:
    header = Path(sysconfig.get_path("include")) / "Python.h"
    if header.is_file():
        return "Python headers", True, str(header)
    return "Python headers", False, f"{header} is missing: install the development package of this Python"


def _package(name: str, needed: bool) -> tuple[str, bool, str]:
    try:
        return name, True, version(name)
    except PackageNotFoundError:
        remedy = f"not installed: `pip install {name.lower()}`" if needed else "not installed (optional)"
        return name, False, remedy


def _cache() -> tuple[str, bool, str]:
    try:
        with scratch_folder() as folder:
            (folder / "probe").write_bytes(b"")
    except BuildError as error:
        return "cache folder", False, str(error)
    except OSError as error:
        return "cache folder", False, f"{cache_folder()}: {error.strerror}"
    return "cache folder", True, str(cache_folder())


def _ability(title: str, flag: str = "") -> tuple[str, bool, str]:
    there = (flag or title) in cpu_flags()
    return f"CPU {title}", there, "used by target native" if there else "not offered by this CPU"
