"""``symconv doctor``: whether kernels can be built and run here; one is."""

from __future__ import annotations

from symconv.build.doctor import doctor as facts
from symconv.commands.outcome import RIGHT, UNUSABLE
from symconv.emit.source import Source

__all__ = ["NEEDED", "doctor"]

_TRIAL = "a small kernel"
NEEDED = ("C compiler", "Python headers", "Cython", "islpy", "sympy", "cache folder", _TRIAL)
"""The facts without which nothing can be built; the others only help."""


def doctor() -> int:
    """Print a line per fact, the last of a kernel that was built and run; the status says whether all is well."""
    found = facts(_small())
    width = max(len(what) for what, _, _ in found)
    for what, there, details in found:
        mark = "ok" if there else "FAILED" if what == _TRIAL else "MISSING" if what in NEEDED else "-"
        first, *more = details.splitlines() or [""]
        print(f"{mark:<7}  {what:<{width}}  {first}")
        for line in more:
            print(f"{'':<{width + 11}}{line}")
    bad = [what for what, there, _ in found if what in NEEDED and not there]
    missing = [what for what in bad if what != _TRIAL]
    if missing:
        print(f"kernels cannot be built: {', '.join(missing)} missing")
    elif bad:
        print(f"kernels cannot be built: {_TRIAL} failed")
    else:
        print("kernels can be built here")
    return UNUSABLE if bad else RIGHT


def _small() -> Source:
    """The module that is tried. Without the packages that make it, there is none to compile."""
    try:
        from symconv import pipeline
        from symconv.ops.registry import operator
        from symconv.options import options

        return pipeline.source(operator("y[i] = sum[p](x[i+p]*w[p])"), options(dtype="float64"))
    except ImportError as error:
        return Source(f"raise ImportError({str(error)!r})\n")
