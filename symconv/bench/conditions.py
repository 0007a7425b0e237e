"""The conditions both sides are measured under: allocator, threads, instruction set; set before anything is loaded."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["ALLOCATOR", "caches", "environment", "held", "machine", "restart"]

ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": "1073741824",
    "MALLOC_TRIM_THRESHOLD_": "4294967296",
    "MALLOC_TOP_PAD_": "268435456",
}
"""glibc hands large outputs back to the system at every call: page faults for 17 ms per 38 MB, whoever is measured."""

_LIMITS = {
    "portable": ("SSE41", "default", "SSE4_2"),
    "x86-64-v2": ("SSE41", "default", "SSE4_2"),
    "x86-64-v3": ("AVX2", "avx2", "AVX2"),
    "x86-64-v4": ("AVX512_CORE", "avx512", "AVX512"),
}
"""What oneDNN, ATen and MKL call the instruction set of a target; "native" limits nobody."""


def environment(target: str, threads: int) -> dict[str, str]:
    """The variables a process is started with in which both sides are measured.

    >>> environment("x86-64-v3", 1)["ONEDNN_MAX_CPU_ISA"], "ONEDNN_MAX_CPU_ISA" in environment("native", 1)
    ('AVX2', False)
    """
    names = ("ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS")
    limits = dict(zip(names, _LIMITS.get(target, ()), strict=False))
    return {**ALLOCATOR, **limits, "OMP_NUM_THREADS": str(threads)}


def restart(wanted: Mapping[str, str]) -> None:
    """Start this process over under these variables, unless it has them: they are read when libraries are loaded."""
    if sys.platform != "linux" or held(wanted):
        return
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **wanted})


def held(wanted: Mapping[str, str]) -> bool:
    """Whether this process was started under these variables."""
    return all(os.environ.get(name) == value for name, value in wanted.items())


def machine() -> dict[str, object]:
    """What the figures were measured on.

    >>> sorted(machine())
    ['caches', 'cores', 'cpu', 'load', 'numpy', 'python', 'symconv', 'system', 'torch']
    """
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "caches": caches(),
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: _version(name) for name in ("symconv", "numpy", "torch")},
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def caches() -> dict[str, int]:
    """Bytes of the data caches by level; what most machines have where the system does not say.

    >>> sorted(caches())
    ['L1', 'L2', 'L3']
    """
    found = {"L1": 32 << 10, "L2": 512 << 10, "L3": 8 << 20}
    for folder in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        try:
            level, kind, size = ((folder / name).read_text().strip() for name in ("level", "type", "size"))
        except OSError:
            continue
        if kind != "Instruction" and f"L{level}" in found and size.endswith("K") and size[:-1].isdigit():
            found[f"L{level}"] = int(size[:-1]) << 10
    return found


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    parts = (line.partition(":") for line in reversed(lines))
    facts = {title.strip(): value.strip() for title, colon, value in parts if colon}
    name = facts.get("model name", platform.machine())
    return f"{name} (family {facts['cpu family']}, model {facts['model']})" if "cpu family" in facts else name


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
