"""isl stops where it has worked enough, and works on afterwards."""

from __future__ import annotations

import islpy as isl
import pytest

from symconv.errors import InternalError
from symconv.relation.effort import ExhaustedError, effort
from symconv.relation.points import Word, read
from symconv.relation.sets import Context

TEXT = "[N, M] -> { [i, j] : exists k : 0 <= i < N and j = 3k + i and k < M }"


def test_isl_stops_and_works_on() -> None:
    with pytest.raises(ExhaustedError, match="50 operations"), effort(50):
        isl.Set(TEXT)
    assert not isl.Set(TEXT).is_empty()


def test_it_stops_whatever_is_made_of_the_error_on_the_way() -> None:
    with pytest.raises(ExhaustedError), effort(10):
        read(isl.Set, Context(("N",), "N >= 1"), ("i",), (), (Word("0 <= i < N"), Word("i mod 7 = 3")))


def test_other_errors_are_left_alone() -> None:
    with pytest.raises(InternalError, match="does not read"), effort(10**6):
        read(isl.Set, Context(("N",), ""), ("i",), (), (Word("i <"),))
    with effort(10**6):
        assert isl.Set(TEXT) is not None
