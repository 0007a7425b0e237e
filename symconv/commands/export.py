"""``symconv export``: a layer as a package to take away."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from symconv.commands.outcome import RIGHT
from symconv.commands.progress import stage
from symconv.commands.request import gradient_names, requested
from symconv.export.exporting import packaged
from symconv.export.package import write

__all__ = ["export"]


def export(
    op: str,
    settings: Mapping[str, object],
    wrt: tuple[str, ...],
    dtypes: tuple[str, ...],
    backend: str,
    name: str | None,
    output: Path,
) -> int:
    """Write the package, and say what it is called and what to do with it."""
    operator = requested(op, settings)
    with stage(f"deriving and writing {operator.name}"):
        package = packaged(operator, backend, name, dtypes or None, gradient_names(operator, wrt))
        write(package, output)
    for file in package.files:
        print(output / file.path)
    return RIGHT
