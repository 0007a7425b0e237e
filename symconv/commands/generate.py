"""``symconv generate``: the source of one operator's module, or the reference set as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import symconv
from symconv import pipeline
from symconv.commands.files import folder, write
from symconv.commands.outcome import FAILED, RIGHT
from symconv.commands.progress import stage
from symconv.commands.reference_set import REFERENCES, rendered
from symconv.commands.request import requested
from symconv.errors import SpecError
from symconv.options import options

__all__ = ["generate", "generate_all"]

_SUFFIXES = (".pyx", ".tex")


def generate(
    op: str, settings: Mapping[str, object], dtype: str, threads: int | None, target: str, output: Path | None
) -> int:
    """Print the module's source, or write it."""
    text = pipeline.source(requested(op, settings), options(dtype=dtype, threads=threads, target=target)).text
    if output is None:
        print(text, end="")
    else:
        write(output, text)
    return RIGHT


def generate_all(check: bool, output: Path | None) -> int:
    """Write the reference set, or say which of its files are not what they should be."""
    place = output if output is not None else _checkout()
    wanted: dict[str, str] = {}
    for reference in REFERENCES:
        with stage(reference.name):
            wanted |= rendered(reference)
    extra = _extra(place, wanted)
    if check:
        return _compared(place, wanted, extra)
    folder(place)
    for name, text in wanted.items():
        write(place / name, text)
    for path in extra:
        path.unlink(missing_ok=True)
        print(f"removed {path}")
    print(f"{len(wanted)} files in {place}")
    return RIGHT


def _compared(place: Path, wanted: Mapping[str, str], extra: list[Path]) -> int:
    complaints = [f"extra: {path}" for path in extra]
    for name, text in wanted.items():
        path = place / name
        if not path.is_file():
            complaints.append(f"missing: {path}")
        elif path.read_bytes() != text.encode():
            complaints.append(f"differs: {path}")
    if not complaints:
        print(f"{len(wanted)} files in {place} are what symconv generates")
        return RIGHT
    print("\n".join((*sorted(complaints), "`symconv generate --all` writes them anew")))
    return FAILED


def _extra(place: Path, wanted: Mapping[str, str]) -> list[Path]:
    return sorted(path for path in place.glob("*") if path.suffix in _SUFFIXES and path.name not in wanted)


def _checkout() -> Path:
    place = Path(symconv.__file__).resolve().parents[1] / "generated"
    if not (place / "README.md").is_file():
        raise SpecError(f"there is no {place}: outside a checkout of symconv, say where with -o FOLDER")
    return place
