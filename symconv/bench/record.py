"""What is kept of a run, as JSON: version 1 of the format, described in docs/performance.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import exp, log
from typing import Any

from symconv.bench.ceilings import Ceilings
from symconv.bench.measure import Direction, How, Measurement
from symconv.bench.timing import Timing

__all__ = ["FORMAT", "bounded", "document", "layer_record", "summary"]

FORMAT = {"format": "symconv bench", "version": 1}
Record = dict[str, Any]


def document(
    layers: Iterable[Record],
    how: How,
    ceilings: Ceilings,
    machine: Mapping[str, object],
    environment: Mapping[str, str],
) -> Record:
    """Everything of one run; ``environment`` holds the variables that were in force."""
    kept = list(layers)
    return {
        **FORMAT,
        "machine": dict(machine),
        "dtype": how.dtype,
        "threads": how.threads,
        "target": how.target,
        "protocol": {
            "statistic": "median" if how.threads == 1 else "minimum",
            "turns": "one process, the two sides in turns, every second round in reverse order",
            "seconds_per_layer": how.seconds,
            "rounds_at_least": how.repeat,
            "sizes": "fixed" if how.fixed else "run-time",
            "outputs": "and a workspace given to symconv, new ones of torch"
            if how.given
            else "new ones at every call, on both sides",
            "accuracy": how.accuracy,
            "tuned": how.tune,
            "environment": dict(environment),
        },
        "ceilings": {
            "gflops": ceilings.flops / 1e9,
            "reads": [
                {"level": level, "bytes": holds, "gbs": speed / 1e9} for level, holds, speed in ceilings.bandwidth
            ],
        },
        "layers": kept,
        "summary": summary(kept),
    }


def layer_record(found: Measurement, threads: int) -> Record:
    """One layer without what the ceilings say of it: those are measured once more at the end of a run."""
    return {
        "cls": found.task.cls,
        "name": found.task.name,
        "operator": found.task.op.name,
        "shapes": {name: list(shape) for name, shape in found.task.shapes.items()},
        "algorithm": found.algorithm,
        "schedule": found.schedule,
        "workspace_bytes": found.workspace,
        "build_s": found.build,
        "first_call_s": found.first,
        "directions": {one.name: _direction(one, threads) for one in found.directions},
        "errors": dict(found.errors),
        "torch_errors": dict(found.torch_errors),
        "alone": found.alone,
    }


def _direction(one: Direction, threads: int) -> Record:
    def figure(timing: Timing) -> float:
        return timing.median if threads == 1 else timing.minimum

    ours = figure(one.ours)
    best = min(one.torch, key=lambda form: figure(one.torch[form]), default=None)
    return {
        "ms": ours * 1e3,
        "gflops": one.flops / ours / 1e9,
        "gbs": one.bytes / ours / 1e9,
        "flop": one.flops,
        "bytes": one.bytes,
        **_timing(one.ours),
        "torch": {form: {"ms": figure(timing) * 1e3, **_timing(timing)} for form, timing in one.torch.items()},
        "best": best,
        "ratio": figure(one.torch[best]) / ours if best else None,
        "ratios": {form: figure(timing) / ours for form, timing in one.torch.items()},
    }


def _timing(timing: Timing) -> Record:
    return {
        "median_s": timing.median,
        "minimum_s": timing.minimum,
        "samples": timing.samples,
        "page_faults": timing.faults,
    }


def bounded(layer: Record, ceilings: Ceilings) -> Record:
    """The layer with what its times are of the least possible: which ceiling is nearest, and percent of it."""
    directions = {}
    for name, one in layer["directions"].items():
        least, bound = ceilings.least_seconds(one["flop"], one["bytes"])
        directions[name] = {**one, "bound": bound, "percent": 100 * least / (one["ms"] / 1e3)}
    return {**layer, "directions": directions}


def summary(layers: Iterable[Record]) -> Record:
    """Geometric means of the ratios by class and direction, of all layers but the tiny ones, and the worst layer.

    >>> layer = {"cls": "a", "name": "one", "directions": {"backward": {"ratio": 4.0}}}
    >>> other = {"cls": "tiny", "name": "two", "directions": {"backward": {"ratio": 9.0}}}
    >>> found = summary([layer, layer, other])
    >>> round(found["overall"]["backward"], 6), found["worst"]["name"]
    (4.0, 'one')
    """
    kept = list(layers)
    classes = list(dict.fromkeys(layer["cls"] for layer in kept))
    counted = [layer for layer in kept if layer["cls"] != "tiny"]
    compared = [layer for layer in counted if _ratio(layer, "backward") is not None]
    worst = min(compared, key=lambda layer: _ratio(layer, "backward") or 0.0, default=None)
    return {
        "classes": {cls: _means([layer for layer in kept if layer["cls"] == cls]) for cls in classes},
        "overall": _means(counted),
        "worst": {"name": worst["name"], "ratio": _ratio(worst, "backward")} if worst else None,
    }


def _ratio(layer: Record, direction: str) -> float | None:
    found = layer["directions"].get(direction, {}).get("ratio")
    return None if found is None else float(found)


def _means(layers: list[Record]) -> Record:
    names = dict.fromkeys(name for layer in layers for name in layer["directions"])
    ratios = {name: [r for layer in layers if (r := _ratio(layer, name))] for name in names}
    return {name: exp(sum(map(log, found)) / len(found)) for name, found in ratios.items() if found}
