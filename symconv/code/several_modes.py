"""A layer of several modes: each of them is looked at, whatever the others are, and the answer says which is what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symconv.code.pair import Pair
from symconv.code.proofs import Proofs
from symconv.code.source.modes import ANOTHER
from symconv.errors import SpecError, SymconvError
from symconv.notation.operator import Operator
from symconv.prove.proof import Proof

__all__ = ["Looked", "not_all_right", "said"]


@dataclass(frozen=True)
class Looked:
    """What was found with the numbers of one pair: proofs, or the problem why there are none."""

    pair: Pair
    answer: tuple[Operator, Proofs[Proof]] | SymconvError

    @property
    def holds(self) -> bool | None:
        """Whether all gradients are right; None where that is not decided."""
        return None if isinstance(self.answer, SymconvError) else self.answer[1].holds

    @property
    def why(self) -> str:
        """Why nothing is decided, in one line."""
        if isinstance(self.answer, SymconvError):
            return str(self.answer).splitlines()[0]
        return next((proof.reason for proof in self.answer[1].values() if proof.holds is None), "")

    @property
    def refusal(self) -> SymconvError:
        """The problem, with the mode in which it is one."""
        assert isinstance(self.answer, SymconvError)
        modes = self.pair.modes
        return SpecError(f"with {said(modes)}: {self.answer}") if modes else self.answer

    @property
    def undecided(self) -> str:
        """With which numbers nothing is decided, and why."""
        return f"with {said(self.pair.numbers)} ({self.why})"


def said(numbers: Mapping[str, Any]) -> str:
    """Numbers and texts of a layer, as they are written."""
    return ", ".join(f"{key} = {_written(value)}" for key, value in numbers.items())


def _written(value: Any) -> str:
    """A number or a text, and those in a dict or a tuple."""
    match value:
        case dict():
            return f"{{{', '.join(f'{key}: {_written(one)}' for key, one in value.items())}}}"
        case list() | tuple():
            return f"({', '.join(map(_written, value))})"
    return str(value)


def not_all_right(each: Sequence[Looked]) -> Proofs[Proof] | None:
    """The answer where a mode is not right, a wrong one first; None where all are right.

    A text that nothing names, which stands for all others, need not be read. Raises SpecError where one that is named
    is not, and none is wrong.
    """
    wrong = [one for one in each if one.holds is False]
    right = [one for one in each if one.holds]
    unread = [one for one in each if isinstance(one.answer, SymconvError)]
    named = [one for one in unread if ANOTHER not in one.pair.modes.values()]
    if not wrong and (named or not right) and unread:
        beside = "".join(f"\nproved with {said(one.pair.numbers)}" for one in right)
        raise SpecError(f"{(named or unread)[0].refusal}{beside}")
    worst = next((one for one in (*wrong, *each) if one.holds is not True and one not in unread), None)
    if worst is None or isinstance(worst.answer, SymconvError):
        return None
    found = worst.answer[1]
    numbers = f"looked at with {said(worst.pair.numbers)}"
    numbers += "".join(f"; wrong too with {said(one.pair.numbers)}" for one in wrong if one is not worst)
    numbers += "".join(f"; proved with {said(one.pair.numbers)}" for one in right)
    others = [one.undecided for one in each if one.holds is None and one is not worst]
    return Proofs(found.name, dict(found), found.also, (*found.unread, *others), numbers)
