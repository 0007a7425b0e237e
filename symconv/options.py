"""What a build can be asked for: one frozen table shared by the Python interface, the command line and the cache
key."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ACCURACIES", "DTYPES", "TARGETS", "Options"]

DTYPES = ("float32", "float64")
TARGETS = ("native", "portable")
ACCURACIES = ("default", "strict")


@dataclass(frozen=True, slots=True)
class Options:
    """How to build a kernel.

    ``sizes`` are the shapes the kernel is specialised to, as ``((tensor, shape), ...)``, or ``None`` for run-time
    sizes.
    ``threads`` is ``None`` for every core. ``target`` is ``"native"`` (tuned to this CPU) or ``"portable"`` (no fact
    of this machine enters the source or its flags).
    """

    dtype: str = "float32"
    sizes: tuple[tuple[str, tuple[int, ...]], ...] | None = None
    threads: int | None = None
    accuracy: str = "default"
    tune: bool = False
    target: str = "native"
