"""What a benchmark record says of an operator, for the page: measured figures with the machine they are of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from symconv.bench.record import FORMAT
from symconv.bench.table import conditions
from symconv.errors import SpecError, shown
from symconv.notation.operator import Operator

__all__ = ["measured_data", "read_record"]

_MOST = 60
"""Rows of a page; a whole suite is what ``symconv bench`` prints."""


def read_record(record: object) -> Mapping[str, Any]:
    """A record, given as such or as the path of the JSON that ``symconv bench --json`` writes.

    Raises SpecError where it cannot be read or is something else.

    >>> read_record({"format": "symconv bench", "version": 1, "layers": []})["layers"]
    []
    """
    if isinstance(record, str | Path):
        try:
            record = json.loads(Path(record).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SpecError(f"measured= cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not isinstance(record, Mapping):
        raise SpecError(f"measured= takes what `symconv bench --json FILE` writes, or its path; given {shown(record)}")
    wanted = {**FORMAT, "layers": record.get("layers")}
    if any(record.get(key) != value for key, value in wanted.items()) or not isinstance(record.get("layers"), list):
        raise SpecError(
            "measured= takes a record of version 1 as `symconv bench --json FILE` writes it; "
            f"given one with format {shown(record.get('format'))}, version {shown(record.get('version'))}"
        )
    return record


def measured_data(record: Mapping[str, Any], op: Operator | None) -> dict[str, Any]:
    """The layers of the record that are of this operator, all of them where none is named like it.

    Raises SpecError where the record lacks what every record has.
    """
    try:
        layers = record["layers"]
        own = [layer for layer in layers if op is not None and layer["operator"] == op.name] or layers
        rows = [row for layer in own for row in _rows(layer)]
        said = list(conditions(record))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise SpecError(f"measured= is no whole record of `symconv bench --json`: {error!r} is missing") from error
    more = f"{len(rows) - _MOST} more rows are in the record." if len(rows) > _MOST else ""
    return {"rows": rows[:_MOST], "conditions": said, "more": more}


def _rows(layer: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    shapes = ", ".join(f"{name} {'×'.join(map(str, shape)) or 'scalar'}" for name, shape in layer["shapes"].items())
    for direction, one in layer["directions"].items():
        torch = one["torch"][one["best"]]["ms"] if one["best"] else None
        yield {
            "layer": f"{layer['operator']}: {shapes}",
            "direction": direction,
            "ms": f"{one['ms']:.4g}",
            "gflops": f"{one['gflops']:.3g}",
            "percent": f"{one['percent']:.0f} % of {one['bound']}" if "percent" in one else "",
            "torch": "" if torch is None else f"{torch:.4g}",
            "ratio": "" if one["ratio"] is None else f"{one['ratio']:.2f}",
        }
