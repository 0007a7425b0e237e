"""What this machine gives at most, measured in this process: multiplications with additions, and reads by cache level.

The loops are vectors of the compiler, as the kernels are, for the same target and with the same flags. Which vector
and how many chains a CPU wants is not known here: each is tried, and the best counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from symconv.bench.conditions import caches
from symconv.build.cache import compile_text
from symconv.build.module import load
from symconv.emit.source import Source
from symconv.templates import environment

__all__ = ["Ceilings", "ceilings"]

Work = Callable[[int, int], object]

_WIDTHS = (16, 32, 64)
_CHAINS = (12, 24)  # in flight: two pipes of four or five cycles want ten; CPUs with 32 registers hold 24
_STREAMS = 8
_SAMPLE = 0.01  # seconds: long beside the start of threads, short beside a time slice
_SAMPLES = 7
_PAGE = 4096
_DRAM = 1 << 29  # bytes: more is not read, however large the last cache


@dataclass(frozen=True, slots=True)
class Ceilings:
    """Operations per second, a multiplication and an addition being two; bytes read per second by level."""

    flops: float
    bandwidth: tuple[tuple[str, int, float], ...]
    """(level, bytes it holds, bytes read from it per second), the smallest first; the last holds everything."""

    def reading(self, size: int) -> tuple[str, float]:
        """Where ``size`` bytes are, and how many of them are read per second.

        >>> Ceilings(1e9, (("L1", 1000, 9e9), ("DRAM", 0, 1e9))).reading(2000)
        ('DRAM', 1000000000.0)
        """
        return next((level, speed) for level, holds, speed in self.bandwidth if size <= holds or level == "DRAM")

    def least_seconds(self, flops: int, size: int) -> tuple[float, str]:
        """The time below which no direct method is, and what bounds it: ``"FMA"`` or a level.

        >>> Ceilings(1e9, (("DRAM", 0, 1e9),)).least_seconds(3_000_000_000, 1_000_000_000)
        (3.0, 'FMA')
        """
        level, speed = self.reading(size)
        return max((flops / self.flops, "FMA"), (size / speed, level))


def ceilings(dtype: str = "float32", target: str = "native", threads: int = 1) -> Ceilings:
    """Measure them: about a second, and two more to compile the loops once. Raises BuildError."""
    module = load(compile_text(Source(_text(dtype), target, openmp=True)))
    lanes = [width // np.dtype(dtype).itemsize for width in _WIDTHS]
    variants = [
        (number, 2 * lanes[number // len(_CHAINS)] * _CHAINS[number % len(_CHAINS)])
        for number in range(len(_WIDTHS) * len(_CHAINS))
    ]
    flops = max(_rate(_peak(module, number), work, threads) for number, work in variants)
    return Ceilings(flops, tuple(_streams(module, threads)))


def _text(dtype: str) -> str:
    return (
        environment()
        .get_template("cython/ceilings.pyx.j2")
        .render(
            ctype={"float32": "float", "float64": "double"}[dtype],
            widths=_WIDTHS,
            chain_counts=_CHAINS,
            streams=_STREAMS,
        )
    )


def _peak(module: ModuleType, number: int) -> Work:
    return lambda rounds, threads: module.peak(number, 0.5, 0.25, rounds, threads)


def _streams(module: ModuleType, threads: int) -> list[tuple[str, int, float]]:
    holds = caches()
    # Half a cache is in it for certain. The last one is shared: what threads read of it is parted.
    sizes = {
        "L1": holds["L1"] // 2,
        "L2": holds["L2"] // 2,
        "L3": holds["L3"] // 2 // threads,
        "DRAM": min(4 * holds["L3"], _DRAM) // threads,
    }
    block = _STREAMS * max(_WIDTHS)
    sizes = {level: max(size // block, 1) * block for level, size in sizes.items()}
    data = np.zeros(max(sizes.values()) * threads // 8 + _PAGE)
    data += 1.0  # touched: zeros may be one page for all
    best = []
    for level, size in sizes.items():
        speed = max(_rate(_reads(module, number, data, size), size, threads) for number in range(len(_WIDTHS)))
        best.append((level, 0 if level == "DRAM" else holds[level] * (1 if level == "L3" else threads), speed))
    return best


def _reads(module: ModuleType, number: int, data: np.ndarray[Any, Any], size: int) -> Work:
    # From a page's start on: a vector that lies in two lines is read twice.
    start = -(-data.ctypes.data // _PAGE) * _PAGE
    return lambda rounds, threads: module.reads(number, start, size, rounds, threads)


def _rate(work: Work, each: int, threads: int) -> float:
    """What a second does of ``each``, a thread's work in one round: the best of several samples."""
    rounds = 1
    # Found out on one thread: where cores are busy, threads wait for each other longer than they work.
    while (taken := min(_seconds(work, rounds, 1) for _ in range(3))) < _SAMPLE / 2:
        rounds *= max(2, min(100, int(_SAMPLE / max(taken, 1e-9))))
    return each * threads * rounds / min(_seconds(work, rounds, threads) for _ in range(_SAMPLES))


def _seconds(work: Work, rounds: int, threads: int) -> float:
    started = time.perf_counter()
    work(rounds, threads)
    return time.perf_counter() - started
