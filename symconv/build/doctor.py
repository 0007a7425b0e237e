"""What this machine offers for building kernels, for a person to read."""

from __future__ import annotations

import shlex
import subprocess
import sys
import sysconfig
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from symconv.build.compiler import Rejected, compile_module
from symconv.build.cpu import cpu_flags
from symconv.build.find import find_compiler
from symconv.build.folder import cache_folder
from symconv.build.scratch import scratch_folder
from symconv.build.tools import toolchain
from symconv.emit.source import Source
from symconv.errors import BuildError

__all__ = ["doctor"]


_SAME = """
import sys
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
import numpy
loader = ExtensionFileLoader("symconv_doctor", sys.argv[1])
module = module_from_spec(spec_from_file_location("symconv_doctor", sys.argv[1], loader=loader))
loader.exec_module(module)
x = numpy.arange(40001.0) % 7
w = numpy.array([1.0, 10.0])
(y,) = module.u0_forward(1, (x, w), None, 2)
gx, gw = module.u0_backward(3, (numpy.ones(40000), x, w), None, 2)
wanted = [x.tolist()[i] + 10 * x.tolist()[i + 1] for i in range(3)]
assert y[:3].tolist() == wanted, f"y is {y[:3].tolist()}, wanted {wanted}"
assert y.tolist() == [a + 10 * b for a, b in zip(x.tolist(), x.tolist()[1:])], "y is wrong"
assert gx.tolist() == [1.0] + [11.0] * 39999 + [10.0], f"gx is {gx}"
assert gw.tolist() == [sum(x.tolist()[:-1]), sum(x.tolist()[1:])], f"gw is {gw}"
"""
_PATIENCE = 60.0  # seconds for what takes a fifth of one: the machine may be loaded


def doctor(small: Source) -> list[tuple[str, bool, str]]:
    """``(what, whether it is there, details)`` for everything a build needs or can use; never raises.

    ``small`` is the module of ``y[i] = sum[p](x[i+p]*w[p])`` in float64: it is compiled, never from the cache, and
    run in another process.

    >>> [what for what, _, _ in doctor(Source(""))][:3]
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
        _kernel(small),
    ]


def _kernel(small: Source) -> tuple[str, bool, str]:
    title = "a small kernel"
    try:
        tools = toolchain()
        with scratch_folder() as folder:
            started = time.monotonic()
            library = compile_module(small, tools, "symconv_doctor", folder, lambda _: None)
            seconds = time.monotonic() - started
            wrong = _wrong(library)
    except Rejected as refused:
        return title, False, "\n".join((f"{refused.who} refused it", refused.command, *refused.said.splitlines()[:10]))
    except BuildError as error:
        return title, False, str(error)
    except OSError as error:
        return title, False, f"{error.filename or ''}: {error.strerror or error}"
    if wrong is not None:
        return title, False, f"built in {seconds:.1f} s, but wrong when run: {wrong}"
    return title, True, f"built in {seconds:.1f} s, run on two threads, forward and backward are right"


def _wrong(library: Path) -> str | None:
    command = (sys.executable, "-P", "-c", _SAME, str(library))
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        return f"it was not done after {_PATIENCE:g} s"
    if done.returncode == 0:
        return None
    if done.returncode < 0:
        return f"it was killed by signal {-done.returncode}"
    return done.stderr.decode(errors="replace").strip().rpartition("\n")[2]


def _compiler() -> tuple[tuple[str, bool, str], tuple[str, bool, str]]:
    try:
        command = shlex.join(find_compiler())
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
        return "cache folder", False, f"{error.filename}: {error.strerror}"
    return "cache folder", True, str(cache_folder())


def _ability(title: str, flag: str = "") -> tuple[str, bool, str]:
    there = (flag or title) in cpu_flags()
    return f"CPU {title}", there, "used by target native" if there else "not offered by this CPU"
