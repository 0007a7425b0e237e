"""``symconv doctor``: whether kernels can be built here."""

from __future__ import annotations

from symconv.build.doctor import doctor as facts
from symconv.commands.outcome import RIGHT, UNUSABLE

__all__ = ["NEEDED", "doctor"]

NEEDED = ("C compiler", "Python headers", "Cython", "islpy", "sympy", "cache folder")
"""The facts without which nothing can be built; the others only help."""


def doctor() -> int:
    """Print a line per fact; the status says whether a needed one is missing."""
    found = facts()
    width = max(len(what) for what, _, _ in found)
    for what, there, details in found:
        mark = "ok" if there else "MISSING" if what in NEEDED else "-"
        first, *more = details.splitlines() or [""]
        print(f"{mark:<7}  {what:<{width}}  {first}")
        for line in more:
            print(f"{'':<{width + 11}}{line}")
    missing = [what for what, there, _ in found if what in NEEDED and not there]
    print(f"kernels cannot be built: {', '.join(missing)} missing" if missing else "kernels can be built here")
    return UNUSABLE if missing else RIGHT
