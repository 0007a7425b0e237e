"""A forward and a backward function with numbers of a layer, and what both are read as."""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from itertools import islice, tee
from typing import Any

from symconv.code.gradients.backward import Reading
from symconv.code.gradients.forward import Forward
from symconv.code.gradients.operators import operators_of
from symconv.code.gradients.ranks import Skips
from symconv.code.gradients.results import ordered_results
from symconv.code.gradients.roles import packed
from symconv.code.gradients.together import Together
from symconv.code.source.pairs import is_derivative, is_loss
from symconv.code.source.program import Program
from symconv.code.source.signatures import defaults, parameters
from symconv.errors import SpecError
from symconv.limits import OTHER_RANKS
from symconv.notation.operator import Operator
from symconv.prove.decide.decision import Decision

__all__ = ["Pair"]


@dataclass(frozen=True)
class Pair:
    """A forward and a backward function, the order of results where it is said, and the numbers of the forward one.

    ``modes`` are the texts that both have in place of parameters. Labels that are ``rows`` are one-hot. What
    the functions were taken for is ``said``. With ``unequal`` lengths that the text does not make equal may differ.
    """

    source: Program
    forward: ast.FunctionDef
    backward: ast.FunctionDef
    returns: Sequence[str] | None
    settings: Mapping[str, Any]
    modes: Mapping[str, str] = field(default_factory=dict)
    rows: frozenset[str] = frozenset()
    said: str = ""
    unequal: bool = False
    read: dict[frozenset[str], Iterator[tuple[Operator, Forward]]] = field(default_factory=dict, init=False)
    decided: dict[Hashable, Decision | None] = field(default_factory=dict, init=False)

    @property
    def of_unequal(self) -> Pair:
        """The same functions, where lengths that the text does not make equal may differ."""
        other = replace(self, unequal=True)
        other.decided.update(self.decided)
        return other

    @property
    def numbers(self) -> Mapping[str, Any]:
        """What is said of the parameters that are no tensors."""
        return {**self.modes, **self.settings}

    def results(self, op: Operator, read: Forward) -> tuple[Reading, dict[str, Any]]:
        """The backward function for one reading of the forward one, and where its results are."""
        beside = is_loss(self.forward, self.backward)
        if beside and op.output.axes:
            raise SpecError(f"{self.forward.name} returns gradients beside a value that is no scalar")
        # A loss and its gradients are one function, with the same numbers.
        said = {name: value for name, value in read.settings.items() if name in parameters(self.backward.args)}
        given, kept = (said, None) if beside else ({}, read)
        whole = not op.several and (not op.output.axes or is_derivative(self.forward, self.backward))
        loss = beside or (whole and self.without_cotangent)
        reading = Reading(op, self.source, self.backward, given, kept, loss=loss, free=True, together=Together(),
                          rows=self.rows)  # fmt: skip
        return reading, ordered_results(reading, self.forward, self.returns)

    @property
    def without_cotangent(self) -> bool:
        """Whether the backward function takes what the forward function takes or keeps alone: ``loss.backward()``."""
        taken, known = parameters(self.backward.args), {"self", *parameters(self.forward.args)}
        match self.forward.body[-1]:
            case ast.Return(ast.Tuple(items)):
                known |= {one.id for item in items for one in ast.walk(item) if isinstance(one, ast.Name)}
        plain = taken[:1] != ["ctx"] and self.backward.args.vararg is None
        taken = [name for name in taken if name != self.unused_cotangent]
        return plain and all(name in known or packed(name) for name in taken)

    @property
    def unused_cotangent(self) -> str | None:
        """A parameter of the backward function that is 1 by default, and that nothing reads: ``backward(dout=1)``."""
        read = {one.id for one in ast.walk(self.backward) if isinstance(one, ast.Name)}
        ones = (name for name, one in defaults(self.backward.args).items()
                if isinstance(one, ast.Constant) and one.value == 1 and name not in read)  # fmt: skip
        return next(ones, None)

    def operators(
        self, other_ties: frozenset[str] = frozenset(), most: int = OTHER_RANKS, skips: Skips | None = None
    ) -> Iterator[tuple[Operator, Forward]]:
        """What the forward function may be, likely operators first; each is read once, however often it is asked.

        Numbers of axes that are ``skips`` are not read, and the others then each time that it is asked.
        """
        if skips is not None:
            return islice(operators_of(self.source, self.forward, self.settings, other_ties, self.backward,
                                       rows=self.rows, unequal=self.unequal, skips=skips,
                                       decided=self.decided), most)  # fmt: skip
        if other_ties not in self.read:
            found = operators_of(self.source, self.forward, self.settings, other_ties, self.backward,
                                 rows=self.rows, unequal=self.unequal, decided=self.decided)  # fmt: skip
            (self.read[other_ties],) = tee(found, 1)
        return islice(copy(self.read[other_ties]), most)
