"""``symconv bench``: how fast kernels are here, and how torch does on the same work. It only reports."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from symconv.bench.ceilings import Ceilings, ceilings
from symconv.bench.chart import chart
from symconv.bench.composed import formula
from symconv.bench.conditions import environment, machine, restart
from symconv.bench.measure import How, Task, measure
from symconv.bench.record import bounded, document, layer_record
from symconv.bench.suite import Layer, chosen_layers
from symconv.bench.table import line, table
from symconv.commands.outcome import RIGHT
from symconv.commands.progress import stage
from symconv.commands.request import completed, misnamed, requested
from symconv.errors import SpecError

__all__ = ["bench", "how", "restart_alike"]

Shapes = Mapping[str, tuple[int, ...]]


def restart_alike(target: str, threads: int) -> None:
    """Start this process over under what both sides are measured under, unless it is: libraries read it at loading."""
    restart(environment(target, threads))


def how(options: Mapping[str, Any]) -> tuple[How, dict[str, Any]]:
    """What belongs to the measurement, and the rest: settings of the operator. Raises SpecError for a time below 0."""
    if not 0 <= options["seconds"] < float("inf"):
        raise SpecError(f"--seconds is a time from 0 on for each layer; given {options['seconds']}")
    names = {field.name for field in fields(How)}
    chosen = {name: value for name, value in options.items() if name in names}
    return How(**chosen), {name: value for name, value in options.items() if name not in names}


def bench(
    ops: tuple[str, ...],
    settings: Mapping[str, Any],
    shapes: Shapes,
    suite: str | None,
    only: tuple[str, ...],
    how: How,
    files: tuple[Path | None, Path | None],
) -> int:
    """Measure operators at ``shapes``, or a suite; ``files`` are where JSON and SVG go."""
    tasks = tuple(_tasks(ops, settings, shapes, suite, only))
    for path in files:
        if path is not None and not path.resolve().parent.is_dir():
            raise SpecError(f"cannot write {path}: there is no folder {path.parent}")
    with stage("measuring ceilings"):
        before = ceilings(how.dtype, how.target, how.threads)
    layers = []
    for task in tasks:
        with stage(f"measuring {task.name}") as tell:
            layers.append(layer_record(measure(task, how, tell), how.threads))
        print(line(layers[-1]), flush=True)
    # Another process may have taken a core the first time: the better of two measurements counts.
    found = _best(before, ceilings(how.dtype, how.target, how.threads))
    names = (*environment(how.target, how.threads), "ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY")
    inforce = {name: os.environ[name] for name in names if name in os.environ}
    result = document((bounded(layer, found) for layer in layers), how, found, machine(), inforce)
    print("\n" + table(result))
    for path, text in zip(files, (json.dumps(result, indent=1), chart(result)), strict=True):
        if path is not None:
            path.write_text(text + "\n", encoding="utf-8")
    return RIGHT


def _best(one: Ceilings, other: Ceilings) -> Ceilings:
    pairs = zip(one.bandwidth, other.bandwidth, strict=True)
    bandwidth = tuple((level, holds, max(speed, again)) for (level, holds, speed), (_, _, again) in pairs)
    return replace(one, flops=max(one.flops, other.flops), bandwidth=bandwidth)


def _tasks(
    ops: tuple[str, ...], settings: Mapping[str, Any], shapes: Shapes, suite: str | None, only: tuple[str, ...]
) -> Iterator[Task]:
    if suite is not None:
        if ops or shapes or any(value not in (None, False, ()) for value in settings.values()):
            raise SpecError(
                "a suite says everything about its layers: leave out OP, --shape and the operator's options"
            )
        yield from [_task(layer) for layer in chosen_layers(suite, only)]
        return
    if not ops:
        raise SpecError(
            "OP is wanted, as in `symconv bench conv2d --shape x=8,64,56,56 --shape w=64,64,3,3`, or --suite FILE.json"
        )
    if only:
        raise SpecError("--only chooses layers of a suite: it goes with --suite")
    for op in ops:
        operator = requested(op, settings)
        held = completed(shapes, operator)
        if missing := [name for name in operator.tensors if name not in held]:
            raise SpecError(
                f"{operator.name} is measured at concrete sizes: --shape is wanted for {', '.join(missing)}"
                f"{misnamed(shapes, operator)}, "
                "as in --shape x=8,64,56,56 --shape w=64,64,3,3"
            )
        own = {name: held[name] for name in operator.tensors}
        operator.output_shapes(**own)
        yield Task("operators", operator.name, operator, settings, own)


def _task(layer: Layer) -> Task:
    settings = dict(layer.settings)
    try:
        op = formula(layer.op, settings) if layer.composed else requested(layer.op, settings)
        op.output_shapes(**layer.shapes)
    except SpecError as error:
        raise SpecError(f"layer {layer.name!r} of class {layer.cls}: {error}") from error
    return Task(layer.cls, layer.name, op, settings, layer.shapes)
