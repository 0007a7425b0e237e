"""The text of function objects: found by where they are defined, never by what other text looks like."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.code.source.own import source_of

LINEAR = sc.operator("y[n,f] = sum[c](x[n,c]*w[f,c])")

EXAMPLE = """
def factory_made(dy, x, w):
    return dy @ w, dy.T @ x
"""


def right(dy: Any, x: Any, w: Any) -> Any:
    return dy @ w, np.matmul(dy.T, x)


def doubled(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def inner(*arguments: Any) -> Any:
        return tuple(2 * one for one in function(*arguments))

    return inner


wrapped_by_hand = doubled(right)


@doubled
def wrapped_by_decorator(dy: Any, x: Any, w: Any) -> Any:
    return dy @ w, dy.T @ x


def factory() -> Callable[..., Any]:
    def factory_made(dy: Any, x: Any, w: Any) -> Any:
        return dy @ w, 2 * (dy.T @ x)

    return factory_made


def redefined(dy: Any, x: Any, w: Any) -> Any:
    return dy @ w, 2 * (dy.T @ x)


first_redefined = redefined


def redefined(dy: Any, x: Any, w: Any) -> Any:  # type: ignore[no-redef]
    return dy @ w, dy.T @ x


class Layer:
    def backward(self, dy: Any, x: Any, w: Any) -> Any:
        return dy @ w, np.matmul(dy.T, x)


def holds(function: Callable[..., Any]) -> bool | None:
    return sc.prove(LINEAR, function).holds


def test_a_function_of_a_module_is_read_with_what_the_module_imports() -> None:
    text, name = source_of(right)
    assert name == "right"
    assert "import numpy as np" in text
    assert holds(right) is True


def test_a_function_in_a_text_of_the_module_is_not_the_one_that_is_meant() -> None:
    assert source_of(factory())[0].lstrip().startswith("def factory_made(dy: Any")
    assert holds(factory()) is False


def test_a_function_whose_name_another_one_took_is_read_itself() -> None:
    assert holds(first_redefined) is False


@pytest.mark.parametrize("method", [Layer.backward, Layer().backward], ids=["function", "bound"])
def test_a_method_is_read_with_its_module(method: Callable[..., Any]) -> None:
    assert source_of(method)[1] == "Layer.backward"
    assert holds(method) is True


def test_what_wraps_a_function_is_not_taken_for_it() -> None:
    with pytest.raises(sc.SpecError, match="wraps right, and its text does not show how; give right itself"):
        holds(wrapped_by_hand)
    proofs = sc.prove(LINEAR, wrapped_by_decorator)
    assert proofs.holds is None
    assert "decorated by doubled" in proofs.text()


def test_objects_without_a_text_are_refused_in_words() -> None:
    with pytest.raises(sc.SpecError, match=r"Layer is a class; give the function .* Layer\.backward"):
        source_of(Layer)
    for made in (functools.partial(right), np.matmul, len):
        with pytest.raises(sc.SpecError, match="is not known; give it as code="):
            source_of(made)
