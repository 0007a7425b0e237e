"""``symconv tune --suite``: the layers of a suite measured, one after the other on each machine."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symconv.bench.suite import Layer
from symconv.build.folder import cache_folder
from symconv.build.locks import held
from symconv.commands.outcome import RIGHT, UNUSABLE
from symconv.commands.request import requested
from symconv.commands.sweep import Where, swept
from symconv.commands.terminal import say
from symconv.commands.tune import measured
from symconv.errors import SpecError
from symconv.notation.operator import Operator
from symconv.options import Options
from symconv.spread import Lost
from symconv.tune.memory import export_plans, import_plans

__all__ = ["tune_many"]


@dataclass(frozen=True, slots=True)
class _Task:
    operator: Operator
    shapes: Mapping[str, tuple[int, ...]]
    chosen: Options
    away: bool


def tune_many(layers: Sequence[Layer], chosen: Options, where: Where) -> int:
    """Measure every layer and print what was chosen; plans that a cluster measured are kept here too."""
    items = [(layer.name, _task(layer, chosen, where.on is not None)) for layer in layers]
    status = RIGHT
    for layer, found in zip(layers, swept("tuning", where, _measured, items), strict=True):
        if isinstance(found, Lost):
            say(found)
            status = UNUSABLE
            continue
        text, plans = found
        say(f"{layer.name}\n{text}")
        if plans:
            _kept(plans)
    return status


def _task(layer: Layer, chosen: Options, away: bool) -> _Task:
    settings: dict[str, Any] = dict(layer.settings)
    try:
        operator = requested(layer.op, settings)
        operator.output_shapes(**layer.shapes)
    except SpecError as error:
        raise SpecError(f"layer {layer.name!r} of class {layer.cls}: {error}") from error
    return _Task(operator, layer.shapes, chosen, away)


def _measured(task: _Task) -> tuple[str, str]:
    """The schedule; and where nobody here can read the worker's folder, its plans."""
    folder = cache_folder()
    # Others may compile meanwhile; but what is measured beside another measurement is no measurement.
    text = measured(task.operator, task.shapes, task.chosen, lambda: held(folder / "measuring"))
    if not task.away:
        return text, ""
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "plans.json"
        export_plans(path)
        return text, path.read_text(encoding="utf-8")


def _kept(plans: str) -> None:
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "plans.json"
        path.write_text(plans, encoding="utf-8")
        import_plans(path)
