"""What a judgement found, and the sentence that explains it."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap

from symconv.display import Displayed
from symconv.errors import shortened

__all__ = ["Check", "Failure", "Verdict"]

_WIDTH = 80


@dataclass(frozen=True, slots=True)
class Failure:
    """The worst cell of the first geometry that fails: which result, where, what came and what should have.

    ``result`` is the output's or the gradient's name; ``got``, ``want`` and ``bound`` are None where a
    kernel raised or returned something of another form, which ``reason`` then says.
    """

    result: str
    shapes: tuple[tuple[str, tuple[int, ...]], ...]
    reason: str
    index: tuple[int, ...] = ()
    got: float | None = None
    want: float | None = None
    bound: float | None = None

    def __str__(self) -> str:
        where = ", ".join(f"{name} {shape}" for name, shape in self.shapes)
        if self.got is None or self.want is None:
            return f"{self.result}: {self.reason}\nat {where}"
        index = "[" + ",".join(str(k) for k in self.index) + "]" if self.index else ""
        limit = "no error" if not self.bound else f"an error of {self.bound:.3g}"
        off = abs(self.got - self.want)
        return (
            f"{self.result}{index} is {self.got!r}, want {self.want!r} (off by {off:.3g}, {limit} allowed); "
            f"{self.reason}\nat {where}"
        )


@dataclass(frozen=True, slots=True)
class Check:
    """One oracle's findings over all geometries.

    ``what`` names the oracle; ``cases`` counts compared numbers, ``unbounded`` those that were not: no finite error
    bound is known there, so nothing would be wrong. ``worst`` is the largest error over what is allowed (0 for exact
    agreement, above 1 fails, infinite where no error is allowed or none could be measured).
    """

    name: str
    what: str
    cases: int
    worst: float
    passed: bool
    detail: str = ""
    geometries: int = 0
    failure: Failure | None = None
    unbounded: int = 0

    @property
    def mark(self) -> str:
        """The finding in a word: ``ok``, ``FAILED``, ``not judged`` or ``not run``."""
        if not self.passed:
            return "FAILED"
        return "ok" if self.cases else "not judged" if self.unbounded else "not run"

    @property
    def ratio(self) -> str:
        """The largest error over what is allowed, as shown: ``exact``, a number, or ``-`` where nothing was judged."""
        if self.passed and not self.cases:
            return "-"
        return "exact" if self.passed and self.worst == 0 else f"{self.worst:.3g}"

    @property
    def remark(self) -> str:
        """What has to be said of the row beside its numbers; empty where nothing has."""
        counted = f"{self.unbounded} of {self.cases + self.unbounded} numbers have no bound: not judged"
        said = "" if not self.unbounded else counted if self.cases else "no bound: not judged"
        return "; ".join(part for part in (self.detail, said) if part)


@dataclass(frozen=True, slots=True)
class Verdict(Displayed):
    """Whether a kernel computes what its operator means; ``bool(verdict)`` is ``passed``, ``print`` explains.

    ``unjudged`` names the results (the output, gradients) that no definition could judge: with one of them, or with no
    comparison at all, nothing has passed, even where nothing has failed.

    >>> check = Check("forward", "the definition", 12, 0.25, True, geometries=3)
    >>> print(Verdict(True, "conv1d()", "float32", (check,)))
    conv1d() in float32: passed, 12 comparisons
    check    geometries  compared  worst/allowed
    forward           3        12           0.25  ok
    oracles:
      the definition: forward
    """

    passed: bool
    operator: str
    dtype: str
    checks: tuple[Check, ...]
    geometries: tuple[tuple[tuple[str, tuple[int, ...]], ...], ...] = ()
    unjudged: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """``passed``, ``FAILED``, or ``NOT JUDGED`` where nothing is known to be wrong and not all was judged."""
        failed = any(not check.passed for check in self.checks)
        return "passed" if self.passed else "FAILED" if failed else "NOT JUDGED"

    @property
    def cases(self) -> int:
        """How many numbers were compared."""
        return sum(check.cases for check in self.checks)

    @property
    def failure(self) -> Failure | None:
        """The first failure, None where everything passed."""
        return next((check.failure for check in self.checks if check.failure is not None), None)

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        return f"<verdict on {shortened(self.operator, 80)} in {self.dtype}: {self.word}, {self.cases} comparisons>"

    def __str__(self) -> str:
        lines = [f"{self.operator} in {self.dtype}: {self.word}, {self.cases} comparisons"]
        lines += [f"{name}: no number of it could be judged" for name in self.unjudged]
        lines += _table(self.checks)
        if self.geometries:
            lines.append("geometries:")
            lines += ["  " + ", ".join(f"{name} {shape}" for name, shape in item) for item in self.geometries]
        for check in self.checks:
            if check.failure is not None:
                lines.append(f"{check.name} failed: {check.failure}")
            elif check.remark:
                lines += _folded(f"{check.name}: {check.remark}")
        return "\n".join(lines)


def _table(checks: tuple[Check, ...]) -> list[str]:
    rows = [("check", "geometries", "compared", "worst/allowed", "")]
    rows += [(c.name, str(c.geometries), str(c.cases), c.ratio, c.mark) for c in checks]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = []
    for name, *numbers, mark in rows:
        cells = [f"{text:>{width}}" for text, width in zip(numbers, widths[1:], strict=True)]
        lines.append("  ".join((f"{name:<{widths[0]}}", *cells, mark)).rstrip())
    oracles: dict[str, list[str]] = {}
    for check in checks:
        oracles.setdefault(check.what, []).append(check.name)
    said = (part for what, names in oracles.items() for part in _folded(f"  {what}: {'; '.join(names)}"))
    return [*lines, *(["oracles:"] if oracles else []), *said]


def _folded(line: str) -> list[str]:
    return wrap(line, _WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
