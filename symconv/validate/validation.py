"""The loop nests of a kernel against the derivation they come from, for all sizes: translation validation.

Method: Pnueli, Siegel, Singerman, *Translation Validation* (1998), with the polyhedral form of dataflow in place of
traces. Both sides become collections of (cell, elements read) pairs, which isl compares as sets; that they are sets, no
pair occurring twice, is proved first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from symconv.display import Displayed
from symconv.errors import shortened
from symconv.gather.derivation import Derivation
from symconv.limits import KERNEL_OPERATIONS, PLANNED_OPERATIONS
from symconv.loops.candidate import Candidate
from symconv.loops.ir import LANES as LANE_COUNT
from symconv.loops.ir import Expr, Kernel
from symconv.loops.traverse import walk
from symconv.notation.operator import Operator
from symconv.relation.effort import ExhaustedError, effort
from symconv.relation.points import UnclearError
from symconv.validate.ordering import FaultError
from symconv.validate.plain import plain
from symconv.validate.polynomial import WIDTH
from symconv.validate.proof import prove
from symconv.validate.settled import least_of
from symconv.validate.witness import witness
from symconv.validate.words import condition

__all__ = ["LANES", "Validation", "Validations", "validate", "validate_all"]

LANES = (2, 4, 8, 16)
"""The numbers of lanes of vectors of 16, 32 and 64 bytes, in single and double precision."""


_VERDICTS = {True: "proved for all sizes", False: "wrong", None: "undecided"}


@dataclass(frozen=True, slots=True)
class Validation(Displayed):
    """Whether a kernel does what was derived. ``holds`` is None where this cannot be decided; ``reason`` then says why.

    ``lines`` are what was proved, a sentence each; ``fault`` is what is wrong, with a point. Of what is not decided,
    ``runs`` counts the exact runs, at drawn sizes, whose results were equal to the definition's: they are no proof.
    """

    name: str
    holds: bool | None
    lines: tuple[str, ...] = ()
    fault: str = ""
    reason: str = ""
    runs: int = 0

    def __bool__(self) -> bool:
        return self.holds is True

    def __repr__(self) -> str:
        return f"<validation of {self.name}: {_VERDICTS[self.holds]}>"

    def __str__(self) -> str:
        said = self.lines or (self.fault or self.reason,)
        return "\n".join((f"{self.name}: {_VERDICTS[self.holds]}", *(f"  {line}" for line in said)))


@dataclass(frozen=True, slots=True)
class Validations(Displayed):
    """A validation for the output and for every gradient of an operator."""

    kernels: tuple[Validation, ...]

    @property
    def holds(self) -> bool | None:
        """True where all kernels are proved, False where one is wrong, None where one is undecided."""
        found = {validation.holds for validation in self.kernels}
        return False if False in found else None if None in found else True

    def __bool__(self) -> bool:
        return self.holds is True

    def __repr__(self) -> str:
        return f"<validations: {shortened(self.line, 120)}>"

    def __str__(self) -> str:
        return "\n".join(map(str, self.kernels))

    @property
    def line(self) -> str:
        """One line for a report."""
        groups: dict[str, list[str]] = {}
        for one in self.kernels:
            groups.setdefault(_VERDICTS[one.holds], []).append(one.name)
        return "; ".join(f"{', '.join(names)} {words}" for words, names in groups.items())


def validate_all(candidates: Iterable[Candidate], progress: Callable[[str], None] | None = None) -> Validations:
    """Every candidate against the derivation it comes from; ``progress`` is told what is proved."""
    found = []
    for candidate in candidates:
        if progress is not None:
            progress(f"{candidate.name} ({candidate.schedule.name})")
        one = validate(candidate, candidate.kernel)
        # Several kernels may compute one output, each made by a schedule of its own.
        found.append(
            replace(one, name=f"{one.name} ({candidate.schedule.name})") if candidate.kernel.parameters else one
        )
    return Validations(tuple(found))


def validate(derivation: Derivation | Candidate, kernel: Kernel, lanes: Sequence[int] = LANES) -> Validation:
    """Prove that ``kernel`` computes ``derivation``: the same terms, each once, every access inside its array.

    Sizes stay symbolic; the number of vector lanes, which the machine fixes, takes the values ``lanes``.

    >>> import symconv as sc
    >>> from symconv import pipeline
    >>> from symconv.loops.presets import masked
    >>> derivation = pipeline.derive(sc.conv1d(stride=2), "x")
    >>> print(validate(derivation, masked(derivation.gather, "gx")))  # doctest: +ELLIPSIS
    gx: proved for all sizes
      every cell of gx is stored exactly once before anything is added to it
      ...
    """
    op, wide = derivation.gather.operator, False
    requires = getattr(getattr(derivation, "facts", None), "requires", ())
    lines: tuple[str, ...] = ()
    counts: tuple[int | None, ...] = tuple(lanes)
    for number in range(len(counts)):
        said = ""
        try:
            with effort(PLANNED_OPERATIONS if kernel.parameters else KERNEL_OPERATIONS):
                made = plain(kernel, least_of(op))
                wide = _wide(made.kernel)
                if made.single:
                    # The number of lanes is a size like others where nothing is left that is in lanes.
                    counts = (None,)
                said = f" (with {counts[number]} lanes)" if wide and counts[number] else ""
                lines = prove(op, made, counts[number], requires)
        except (ExhaustedError, UnclearError, FaultError) as reason:
            return _unproved(op, kernel, f"{reason}{said}", requires)
        if not wide or len(counts) == 1:
            break
    if wide:
        known = [str(count) for count in counts if count]
        lines = (*lines, f"vectors of {', '.join(known) or 'any number of'} lanes")
    if requires:
        said = " and ".join(condition(test, {}).text for test in requires).replace(LANE_COUNT, "the number of lanes")
        lines = (*lines, f"where {said}: no plan takes this kernel otherwise")
    if kernel.parameters and op.batch:
        lines = (*lines, "where nothing is empty: no plan takes this kernel otherwise")
    return Validation(kernel.name, True, lines)


def _unproved(op: Operator, kernel: Kernel, reason: str, requires: Sequence[Expr]) -> Validation:
    """A kernel is wrong where a run shows it. What a proof meets first may be an equal way to the same numbers."""
    seen = witness(op, kernel, requires)
    if seen.fault:
        return Validation(kernel.name, False, fault=f"{reason}; {seen.fault}")
    said = f"{reason}; no run showed a difference"
    if seen.runs:
        drawn = "sizes and numbers of a plan" if kernel.parameters else "sizes"
        said += f" ({seen.runs} exact ones, with drawn {drawn})"
    return Validation(kernel.name, None, reason=said, runs=seen.runs)


def _wide(kernel: Kernel) -> bool:
    return any(node == WIDTH for nest in kernel.nests for node in walk(nest))
