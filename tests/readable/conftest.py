"""Printed functions as kernels that the oracles of ``verify`` can judge."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np
import pytest

from symconv import pipeline
from symconv.notation.operator import Operator
from symconv.readable.code import code

Array = np.ndarray[Any, Any]


def ran(text: str, name: str) -> Any:
    """The last function of a text."""
    space: dict[str, Any] = {}
    exec(compile(text, name, "exec"), space)  # noqa: S102 - what symconv prints is run here, and nowhere in symconv
    return [value for value in space.values() if isinstance(value, FunctionType)][-1]


class Printed:
    """An operator computed by the texts that are printed for it."""

    def __init__(self, op: Operator, library: str = "numpy") -> None:
        self.library = library
        self.texts = {"": code(pipeline.forward(op), library)}
        self.texts |= {t: code(pipeline.derive(op, t), library) for t in pipeline.gradients(op)}
        self.functions = {t: ran(text, t or "forward") for t, text in self.texts.items()}
        self.gradients = namedtuple("gradients", op.tensors)  # type: ignore[misc]

    def forward(self, *arrays: Array) -> Array:
        return self.called("", *arrays)

    def backward(self, gy: Array, *arrays: Array) -> Any:
        found = {t: self.called(t, gy, *arrays) for t in self.functions if t}
        return self.gradients(*(found.get(name) for name in self.gradients._fields))

    def called(self, which: str, *arrays: Array) -> Array:
        before = [array.copy() for array in arrays]
        result = called(self.functions[which], self.library, *arrays)
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, arrays, strict=True))
        return result


def called(function: Any, library: str, *arrays: Array) -> Array:
    """A printed function on NumPy arrays; what it is given must stay as it is."""
    if library == "torch":
        torch = pytest.importorskip("torch")
        found = function(*(torch.from_numpy(array) for array in arrays)).numpy()
    else:
        found = function(*arrays)
    return np.array(found, order="C", copy=True)


@pytest.fixture
def printed() -> Callable[..., Printed]:
    return Printed


@pytest.fixture
def run() -> Callable[..., Array]:
    return lambda text, library, *arrays: called(ran(text, "printed"), library, *arrays)
