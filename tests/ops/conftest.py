"""Many operators in one compiled module: the C compiler is asked once."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from symconv import pipeline
from symconv.build.module import load
from symconv.notation.operator import Operator
from symconv.options import Options

Array = np.ndarray[Any, Any]
OPTIONS = Options(dtype="float64", threads=1)


@dataclass(frozen=True)
class Unit:
    """One operator of a module that holds several; refuses what the public handle would have to refuse."""

    module: Any
    name: str
    operator: Operator

    def forward(self, *arrays: Array) -> Array:
        made = getattr(self.module, f"{self.name}_forward")(1, arrays, None, 1)
        assert type(made) is tuple, f"{self.operator}: the kernel refused {[a.shape for a in arrays]}"
        return made[0]

    def backward(self, gy: Array, *arrays: Array) -> Any:
        names = pipeline.gradients(self.operator)
        made = getattr(self.module, f"{self.name}_backward")((1 << len(names)) - 1, (gy, *arrays), None, 1)
        assert type(made) is tuple, f"{self.operator}: the kernel refused {[a.shape for a in (gy, *arrays)]}"
        return namedtuple("Gradients", names)(*made)


@pytest.fixture(scope="session")
def compiled() -> Callable[..., list[Unit]]:
    """``compiled(ops)``: float64 kernels of all of them; ``entries=("forward",)`` leaves gradients out."""

    def make(ops: Sequence[Operator], entries: tuple[str, ...] = ("forward", "backward")) -> list[Unit]:
        units = tuple(pipeline.unit(op, OPTIONS, f"u{at}", entries).direct for at, op in enumerate(ops))
        module = load(pipeline.build_text(pipeline.generate(units, OPTIONS).text, OPTIONS))
        return [Unit(module, f"u{at}", op) for at, op in enumerate(ops)]

    return make
