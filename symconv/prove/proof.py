"""``prove``: decide a hand-written formula of a gradient for all sizes, and say what is wrong with it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field, replace
from functools import cached_property

from symconv.errors import SpecError, shortened
from symconv.notation.affine import affine, var
from symconv.notation.expr import equal
from symconv.notation.operator import Operator
from symconv.notation.shapes import completed
from symconv.prove.concrete.counterexample import Counterexample
from symconv.prove.decide.decision import Decision, decide, right_across_kinks
from symconv.prove.decide.evidence import counterexample
from symconv.prove.decide.refutation import refuted
from symconv.prove.explain.conditions import Speaker
from symconv.prove.explain.kinks import claimed_at_kinks
from symconv.prove.explain.leaning import leaning
from symconv.prove.explain.repair import repair
from symconv.prove.explain.sentences import SMOOTH, alike, sentences
from symconv.prove.explain.smooth import beyond, kinked, misfitting, smooth_there, unlike
from symconv.prove.language.coded import Coded
from symconv.prove.language.parse import parse_claim
from symconv.prove.language.people import named_by_the_operator
from symconv.prove.language.syntax import Claim
from symconv.prove.meaning.scope import Undecided
from symconv.prove.several import apart
from symconv.relation.regions import Region, nowhere

__all__ = ["UNASKED", "WIDTH", "Proof", "answered", "folded", "judged", "prove"]

UNASKED = "elsewhere it is not looked at"
"""In ``where``: it is not known that the claim is wrong elsewhere."""

WIDTH = 100
"""The columns of an answer that is printed."""
_UNSEEN = "at none of its smallest sizes can both sides be computed"


@dataclass(frozen=True)
class Proof:
    """What is known about a claim.

    Texts of conditions and the leaning are worked out when they are first asked for: they take longer than the answer.

    Attributes
    ----------
    holds : True where it is right for all sizes, False where it is not, None where that is undecided (``reason``)
    fails_when, holds_when : the exact conditions on sizes, as text; where a counterexample alone decides, its sizes
    mismatched_when : the part of ``fails_when`` where already the shapes do not fit
    counterexample : the smallest sizes for which it is wrong, with a cell and both values; confirmed by brute force
    cause, repair : the likely mistake, and a claim without it that is itself proved; empty where none was found
    proved : what was proved, a sentence each
    reason : why it is undecided, for all sizes or elsewhere, or why a wrong claim has no counterexample
    line : of a wrong gradient in code, the line that is at fault
    leaning : of an undecided claim, what random exact checks say
    where : the inputs that the answer is for, such as targets that sum to 1; mostly empty, for all
    """

    operator: Operator
    claim: Claim | Coded
    holds: bool | None
    counterexample: Counterexample | None = None
    cause: str = ""
    repair: str = ""
    proved: tuple[str, ...] = ()
    reason: str = ""
    decision: Decision | None = field(default=None, repr=False, compare=False)
    line: int | None = None
    where: str = ""

    def __bool__(self) -> bool:
        return self.holds is True

    @property
    def fails_when(self) -> str:
        """The exact condition on sizes under which the claim is wrong, as text."""
        return self._conditions[0]

    @property
    def holds_when(self) -> str:
        """The exact condition on sizes under which the claim is right, as text."""
        return self._conditions[1]

    @cached_property
    def mismatched_when(self) -> str:
        """The part of ``fails_when`` where already the shapes do not fit."""
        if self.holds is not False or self.decision is None:
            return self.fails_when
        if self.decision.shapes.same(self.decision.fails):
            return self.fails_when
        return Speaker(self.operator, self.decision.domain).words(self.decision.shapes, self.decision.asked)

    @cached_property
    def _conditions(self) -> tuple[str, str]:
        return self.conditions()

    def conditions(self, general: bool = False) -> tuple[str, str]:
        """Where the claim fails and where it holds, as text; with ``general`` as it reads for any stride and pad."""
        if self.holds is None or self.decision is None:
            return "unknown", "unknown"
        if self.holds:
            return "never", "always"
        speaker = Speaker(self.operator, self.decision.domain, general)
        fails, holds = speaker.both(self.decision.fails, self.decision.asked)
        if self.decision.undecided:
            return f"{fails}, and perhaps elsewhere", "unknown"
        return fails, holds

    @cached_property
    def leaning(self) -> str:
        """What random exact checks say of an undecided claim; empty for a decided one."""
        return leaning(self.operator, self.claim) if self.holds is None else ""

    def fails(self, **shapes: tuple[int, ...]) -> bool:
        """Whether the claim is wrong for these input shapes.

        A tensor whose shape follows from the others (a bias) can be left out. Raises SpecError where the operator
        itself is not valid for them, and for an undecided claim.

        >>> import symconv as sc
        >>> proof = sc.prove(sc.conv2d(), "gw = conv2d(x, gy)")
        >>> proof.fails(x=(1, 1, 5, 6), w=(1, 1, 3, 2)), proof.fails(x=(2, 1, 5, 6), w=(1, 1, 3, 2))
        (False, True)
        """
        sizes = self.operator.sizes(**completed(self.operator, shapes))
        if self.holds is None or self.decision is None:
            raise SpecError(f"{self.claim}: undecided, so the sizes where it fails are not known ({self.reason})")
        if not self.decision.undecided or self.decision.fails.contains(sizes):
            return self.decision.fails.contains(sizes)
        given = {one.name: one.shape(sizes) for one in self.operator.inputs}
        if refuted(self.operator, self.claim, given) is None:
            raise SpecError(f"{self.claim}: false for other sizes, undecided for these ({self.reason})")
        return True

    def __repr__(self) -> str:
        answer = {True: "true", False: "false", None: "undecided"}[self.holds]
        return f"<proof: {answer}: {shortened(str(self.claim), 120)}>"

    def __str__(self) -> str:
        return self.text(WIDTH)

    def text(self, width: int | None = None) -> str:
        """The answer in words; lines longer than ``width`` go on, indented, in the next one."""
        return folded("\n".join(self._lines()), width)

    def _lines(self) -> list[str]:
        head = {True: "true", False: "false", None: "undecided"}[self.holds]
        lines = [f"{head}: {self.claim}", f"  for {self.operator}"]
        if self.where:
            known = self.holds and UNASKED not in self.where
            lines.append(f"  where {self.where}" + ("; it is wrong elsewhere" if known else ""))
        match self.holds:
            case None:
                lines += [f"  reason: {self.reason}", f"  leaning: {self.leaning}"]
            case False:
                fails, holds = self.fails_when, self.holds_when
                misfits = self.mismatched_when
                only = ": its shapes never fit" if fails == "always" else ": there its shapes do not fit"
                said = "  fails for all sizes" if fails == "always" else f"  fails when {fails}"
                lines.append(said + (only if misfits == fails else ""))
                lines += [f"  holds when {holds}"] if holds not in {"never", "unknown"} else []
                if self.decision is not None and self.decision.undecided:
                    lines.append(f"  not known elsewhere: {self.reason}")
                if misfits not in {"never", fails}:
                    lines.append(f"  shapes do not fit when {misfits}")
                if self.counterexample is not None:
                    lines.append("  counterexample " + str(self.counterexample).replace("\n", "\n  "))
                elif self.reason:
                    lines.append(f"  no counterexample: {self.reason}")
                if self.line is not None:
                    lines.append(f"  at fault: line {self.line}")
                if self.cause:
                    lines.append(f"  likely cause: {self.cause}")
                if self.repair:
                    lines.append(f"  proved instead: {self.repair}")
        return [*lines, *(f"  proved: {line}" for line in self.proved)]


def folded(text: str, width: int | None) -> str:
    """A text whose longer lines go on, indented, in the next one; whole lines where there is no width.

    >>> print(folded("  fails when C = 1 or F = 2", 20))
      fails when C = 1
        or F = 2
    """
    return text if width is None else "\n".join(part for line in text.split("\n") for part in _pieces(line, width))


def _pieces(line: str, width: int) -> list[str]:
    if len(line) <= width:
        return [line]
    indent = line[: len(line) - len(line.lstrip(" "))]
    return textwrap.wrap(
        line.strip(), width, initial_indent=indent, subsequent_indent=f"{indent}  ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def prove(op: Operator, claim: str, explain: bool = True) -> Proof:
    """Decide ``claim`` for every size for which ``op`` is valid.

    ``claim`` reads ``gx = ...``, ``gw = ...`` (a gradient) or ``y = ...`` (the forward value) with the words of
    ``symconv.prove.language.vocabulary``. Both sides become sums of products of tensor elements over integer relations,
    which isl compares for all sizes at once, multiplicities included. ``explain=False`` leaves out counterexample,
    cause and repair of a wrong claim: the decision alone. Raises SpecError where the claim is unusable.

    >>> import symconv as sc
    >>> proof = prove(sc.conv2d(padding=1), "gx = conv2d(gy, flip(w), padding=1)")
    >>> proof.holds, proof.repair
    (False, 'gx = conv2d(gy, swap(flip(w), 0, 1), padding=K - 1 - p)')
    >>> prove(sc.conv2d(), "gx = conv_transpose(gy, w)").holds
    True
    """
    stated = parse_claim(claim)
    if op.several:
        gradient, stated = apart(op, stated)
        return judged(gradient, named_by_the_operator(gradient, stated), explain, op)
    return judged(op, named_by_the_operator(op, stated), explain)


def judged(op: Operator, stated: Claim | Coded, explain: bool = True, whole: Operator | None = None) -> Proof:
    """Decide what a text or code claims; code is not repaired here."""
    return answered(op, stated, decide(op, stated), explain, whole)


def answered(
    op: Operator, stated: Claim | Coded, decision: Decision, explain: bool = True, whole: Operator | None = None
) -> Proof:
    """The proof that a decision is, with a counterexample where it is wrong.

    ``whole`` is the operator of several outputs that ``op`` is a gradient of.
    """
    whole = whole or op
    if decision.wrong.empty and not decision.undecided:
        if reason := unlike(whole, op, stated):
            return Proof(op, stated, None, reason=reason, decision=decision)
        return Proof(op, stated, True, proved=(*sentences(op, decision), *alike(whole, stated)), decision=decision)
    example: Counterexample | None = None
    if decision.wrong.empty:
        assert decision.search is not None
        example = decision.search.smallest() or beyond(whole, op, stated)
        if example is None:
            return Proof(op, stated, None, reason=decision.undecided + decision.search.told, decision=decision)
        if (sizes := misfitting(whole, op, stated, example)) is not None:
            example = refuted(op, stated, sizes) or example
        decision = replace(decision, values=_pinned(op, decision.domain, dict(example.shapes)))
    elif explain or kinked(whole):
        try:
            example = counterexample(op, stated, decision)
        except Undecided as reason:
            # The smallest sizes may need elements that few draws have: a kink, say.
            example = decision.search.smallest() if decision.search is not None else None
            if example is None:
                return Proof(op, stated, None, reason=str(reason), decision=decision)
    if example is not None and (smooth := smooth_there(whole, op, stated, example)):
        if whole is op and right_across_kinks(op, stated):
            nothing = nowhere(decision.domain.context)
            right = replace(decision, values=nothing, shapes=nothing, undecided="")
            return Proof(op, stated, True, proved=(SMOOTH, *alike(whole, stated)), decision=right)
        return Proof(op, stated, None, reason=smooth, decision=decision)
    cause, repaired = _explained(op, stated, whole) if explain and isinstance(stated, Claim) else ("", "")
    return Proof(
        op,
        stated,
        False,
        example,
        cause,
        repaired,
        reason=decision.undecided or (_UNSEEN if explain and example is None else ""),
        decision=decision,
    )


def _explained(op: Operator, claim: Claim, whole: Operator) -> tuple[str, str]:
    """The likely cause of a wrong claim, and the claim that is proved instead; both may be empty."""
    if kink := claimed_at_kinks(op, whole, claim):
        return kink, ""
    found = repair(op, claim)
    return (" and ".join(found.causes), str(found.claim)) if found else ("", "")


def _pinned(op: Operator, domain: Region, shapes: dict[str, tuple[int, ...]]) -> Region:
    """The sizes of these shapes alone."""
    return domain.where(*(equal(var(name), affine(value)) for name, value in op.sizes(**shapes).items()))
