"""``symconv tune``: plans measured on this machine, kept for later calls, and carried to other machines in a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from symconv.api import built
from symconv.commands.outcome import RIGHT
from symconv.commands.progress import stage
from symconv.commands.request import requested
from symconv.errors import SpecError
from symconv.options import options
from symconv.tune.memory import export_plans, import_plans

__all__ = ["tune"]


def tune(
    op: str | None,
    settings: Mapping[str, object],
    shapes: Mapping[str, tuple[int, ...]],
    chosen: Mapping[str, object],
    files: tuple[Path | None, Path | None],
) -> int:
    """Take the plans of the first of ``files``, measure an operator at ``shapes``, write every plan to the second."""
    taken, written = files
    if op is None and taken is None and written is None:
        raise SpecError("say what to measure, as in `symconv tune conv2d --shape x=8,64,56,56 --shape w=64,64,3,3`")
    if taken is not None:
        print(f"took {_plans(import_plans(taken))} from {taken}")
    if op is not None:
        print(_measured(op, settings, shapes, chosen))
    if written is not None:
        print(f"wrote {_plans(export_plans(written))} to {written}")
    return RIGHT


def _measured(
    op: str, settings: Mapping[str, object], shapes: Mapping[str, tuple[int, ...]], chosen: Mapping[str, object]
) -> str:
    operator = requested(op, settings)
    if set(shapes) != set(operator.tensors):
        wanted = " ".join(f"--shape {name}=..." for name in operator.tensors)
        raise SpecError(f"{operator.name} is measured at shapes of all its tensors: {wanted}")
    result = operator.output_shape(**shapes)
    given = options(**{**chosen, "tune": True})  # type: ignore[arg-type]
    with stage("building") as tell:
        kernel = built(operator, given, tell)
    rng = np.random.default_rng(0)
    kinds = {tensor.name: tensor.dtype for tensor in operator.inputs}
    arrays = [
        rng.standard_normal(shapes[name]).astype(given.dtype)
        if kinds[name] == "real"
        else np.zeros(shapes[name], np.int32)
        for name in operator.tensors
    ]
    with stage("measuring"):
        kernel.forward(*arrays)
        kernel.backward(rng.standard_normal(result).astype(given.dtype), *arrays)
    return str(kernel.schedule)


def _plans(count: int) -> str:
    return f"{count} plan{'' if count == 1 else 's'}"
