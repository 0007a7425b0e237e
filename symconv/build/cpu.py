"""What the system says about this machine's CPU."""

from __future__ import annotations

import functools
from pathlib import Path

from symconv.build.digest import digest

__all__ = ["cpu_flags", "cpu_identity"]


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
