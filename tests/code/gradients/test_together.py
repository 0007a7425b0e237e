"""Gradients that are read together: the first alone, the others from one reading of the whole."""

from __future__ import annotations

import symconv as sc
from symconv.code.gradients.together import Together
from symconv.prove.language.facts import facts_of
from symconv.prove.language.parse import Caret
from symconv.prove.meaning.scope import Mismatch, Names, Scope
from symconv.prove.meaning.value import Fresh
from symconv.relation.regions import everywhere
from symconv.relation.sets import context_of


def _scope() -> Scope:
    op = sc.operator("y[i] = x[i]")
    return Scope(everywhere(context_of(op)), Caret(""), Fresh(), Names({}, {}, {}, {}, facts_of(op)))


def test_the_whole_is_read_once_for_all_but_the_first() -> None:
    together, read = Together(), list[int]()

    def whole() -> tuple[str, int]:
        read.append(1)
        return "all", len(read)

    assert [together.whole(_scope(), whole) for _ in range(4)] == [None, ("all", 1), ("all", 1), ("all", 1)]


def test_a_whole_that_leaves_out_sizes_is_not_taken() -> None:
    scopes = [_scope() for _ in range(3)]

    def narrowed() -> tuple[str, int]:
        scopes[1].refused.append(scopes[1].region)
        scopes[1].misfits.append("no")
        return "all", 1

    def refused() -> tuple[str, int]:
        raise Mismatch("no")

    for read in (narrowed, refused):
        together = Together()
        assert [together.whole(one, read) for one in scopes] == [None] * 3
        assert not any(one.refused or one.misfits for one in scopes)
