"""Copies of values on numbers: what shared elements does so in the copy, and nothing is shared with the original."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symconv.code.held.copies import Copies, UncopiedError
from symconv.code.values.objects import Box, Context, Function, Pack


def made(order: Any = "C") -> tuple[Box, Box]:
    """An array and a view of its last column, upside down."""
    whole = Box(np.array(np.arange(6.0).reshape(2, 3), order=order))
    return whole, Box(whole.value[::-1, 2:], base=whole)


@pytest.mark.parametrize("order", ["C", "F"])
def test_views_follow_the_copy_of_their_array(order: str) -> None:
    whole, view = made(order)
    copied, (seen, again) = Copies().of([whole, (view, view)])
    assert seen is again
    assert seen.base is copied
    copied.value[0, 2] = 70.0
    assert seen.value.tolist() == [[5.0], [70.0]]
    seen.value[0, 0] = 80.0
    assert copied.value.tolist() == [[0.0, 1.0, 70.0], [3.0, 4.0, 80.0]]
    assert whole.value.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]


def test_what_is_read_only_stays_so() -> None:
    spread = Box(np.broadcast_to(np.arange(3.0), (2, 3)))
    copied = Copies().of(spread)
    assert copied.value.tolist() == spread.value.tolist()
    with pytest.raises(ValueError, match="read-only"):
        copied.value[0, 0] = 1.0


def test_lists_and_dicts_are_not_shared() -> None:
    whole, _ = made()
    held = {"a": [whole], "b": (whole, None, "text")}
    copied = Copies().of(held)
    copied["a"].append(copied["b"][0])
    assert len(held["a"]) == 1
    assert copied["a"][0] is copied["b"][0]
    assert copied["a"][0] is not whole


def test_elements_that_are_objects_are_copied_but_for_views() -> None:
    whole = Box(np.array([1, 2, 3], dtype=object))
    copied = Copies().of(whole)
    copied.value[0] = 9
    assert whole.value.tolist() == [1, 2, 3]
    with pytest.raises(UncopiedError):
        Copies().of(Box(whole.value[1:], base=whole))


def test_what_may_hold_others_is_not_copied() -> None:
    whole, _ = made()
    for value in (Function(None, {"x": whole}), Context((whole,)), Pack("cache", lambda _: whole)):  # type: ignore[arg-type]
        with pytest.raises(UncopiedError):
            Copies().of((whole, value))


def test_a_pack_of_settings_is_the_same_in_the_copy() -> None:
    class Settings:
        def of(self, name: str) -> str:
            return name

    settings = Settings()
    pack = Pack("conv_param", settings.of)
    assert Copies(settings).of((pack,))[0] is pack
