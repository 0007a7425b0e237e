"""``symconv doctor``: whether kernels can be built and run here; one is."""

from __future__ import annotations

from symconv.build.doctor import doctor as facts
from symconv.commands.answer import answer
from symconv.commands.outcome import RIGHT, UNUSABLE
from symconv.commands.sweep import aligned
from symconv.commands.terminal import say, told
from symconv.emit.source import Source

__all__ = ["NEEDED", "doctor"]

_TRIAL = "a small kernel"
NEEDED = ("C compiler", "Python headers", "Cython", "islpy", "sympy", "cache folder", _TRIAL)
"""The facts without which nothing can be built; the others only help."""


def doctor(form: str = "text") -> int:
    """Print a line per fact, the last of a kernel that was built and run; the status says whether all is well."""
    found = facts(_small())
    bad = [what for what, there, _ in found if what in NEEDED and not there]
    missing = [what for what in bad if what != _TRIAL]
    if missing:
        conclusion = f"kernels cannot be built: {', '.join(missing)} missing"
    else:
        conclusion = f"kernels cannot be built: {_TRIAL} failed" if bad else "kernels can be built here"
    status = UNUSABLE if bad else RIGHT
    if form == "json":
        said = [{"name": what, "there": there, "needed": what in NEEDED, "details": details}
                for what, there, details in found]  # fmt: skip
        return answer("doctor", status, {"usable": not bad, "conclusion": conclusion, "facts": said})
    rows: list[tuple[str, ...]] = []
    for what, there, details in found:
        first, *more = details.splitlines() or [""]
        rows += [(f"{_mark(what, there):<7}", what, first), *(("", "", line) for line in more)]
    say("\n".join((*aligned(rows, told()), conclusion)))
    return status


def _mark(what: str, there: bool) -> str:
    return "ok" if there else "FAILED" if what == _TRIAL else "MISSING" if what in NEEDED else "-"


def _small() -> Source:
    """The module that is tried. Without the packages that make it, there is none to compile."""
    try:
        from symconv import pipeline
        from symconv.ops.registry import operator
        from symconv.options import options

        return pipeline.source(operator("y[i] = sum[p](x[i+p]*w[p])"), options(dtype="float64"))
    except ImportError as error:
        return Source(f"raise ImportError({str(error)!r})\n")
