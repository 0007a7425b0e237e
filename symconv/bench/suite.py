"""Suites: layers in a JSON file, every field judged before anything is measured."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from symconv.bench.composed import shapes_of
from symconv.bench.problem import COMPOSED
from symconv.errors import SpecError, shown

__all__ = ["OPERATORS", "Layer", "chosen_layers", "read_suite", "shipped"]

OPERATORS = ("conv", "conv_transpose", "adder", "squared_distance", "max_plus", "min_plus", *COMPOSED)
"""What a layer's ``op`` can be; its rank is that of ``spatial``."""

_FOLDER = Path(__file__).with_name("suites")
_SIZES = ("N", "C", "F", "groups")
_AXES = ("spatial", "kernel", "stride", "dilation", "output_padding")
_WORDS = ("cls", "name", "op")
_FIELDS = (*_WORDS, *_SIZES, *_AXES, "padding")
_NEEDED = ("name", "N", "C", "spatial", "F", "kernel")
_MOST = 1 << 31  # elements of a tensor and the value of a field: 8 GiB of float32, more than a layer has
_BYTES = 1 << 24  # of a suite: thousands of layers


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: the operator it is, shipped or one of ``COMPOSED``, its settings, and the shapes of x and w."""

    cls: str
    name: str
    op: str
    settings: tuple[tuple[str, Any], ...]
    x: tuple[int, ...]
    w: tuple[int, ...]

    @property
    def composed(self) -> bool:
        """Whether it is a layer of several steps, which is no shipped operator."""
        return self.op[: -len("1d")] in COMPOSED

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes by tensor name.

        >>> read_suite("devset")[3].shapes
        {'x': (8, 1, 28, 28), 'w': (6, 1, 5, 5)}
        """
        return shapes_of(self.op, self.x, self.w) if self.composed else {"x": self.x, "w": self.w}


def shipped() -> tuple[str, ...]:
    """The suites that come with symconv.

    >>> shipped()
    ('bodies', 'composed', 'devset')
    """
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.json")))


def read_suite(given: str | Path) -> tuple[Layer, ...]:
    """The layers of a suite: a shipped one by name, or a JSON file.

    The file is ``{"layers": [...]}``. A layer has ``name``, ``N``, ``C``, ``spatial``, ``F``, ``kernel`` and, where
    they are not 1, 0, 1 and 1, ``stride``, ``padding`` (also ``[low, high]`` per axis), ``dilation`` and ``groups``;
    ``cls`` is its class, ``op`` one of ``OPERATORS``. Raises SpecError that names the layer and the field.

    >>> [layer.op for layer in read_suite("bodies")]
    ['adder2d', 'squared_distance2d', 'max_plus2d']
    """
    path = _FOLDER / f"{given}.json" if str(given) in shipped() else Path(given)
    found = _parsed(path)
    layers = found.get("layers") if isinstance(found, dict) else found
    if not isinstance(layers, list) or not layers:
        raise SpecError(f'{path}: a suite is {{"layers": [...]}} with one object per layer; given {shown(found)}')
    return tuple(_layer(str(path), number, layer) for number, layer in enumerate(layers, 1))


def chosen_layers(given: str | Path, only: tuple[str, ...]) -> tuple[Layer, ...]:
    """The layers of a suite whose class is one of ``only``, or with one of these words in their names; all without.

    >>> [layer.name for layer in chosen_layers("bodies", ("adder",))] == [read_suite("bodies")[0].name]
    True
    """
    layers = read_suite(given)
    found = tuple(layer for layer in layers if not only or any(w == layer.cls or w in layer.name for w in only))
    if not found:
        raise SpecError(f"no layer of {given} has {' or '.join(only)} in its class or name")
    return found


def _parsed(path: Path) -> object:
    try:
        if path.stat().st_size > _BYTES:
            raise SpecError(f"{path}: a suite is at most {_BYTES >> 20} MiB of JSON")
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(shipped())
        raise SpecError(
            f"cannot read the suite {shown(str(path))}: {error.strerror or error}; --suite is a JSON file or one of "
            f"the suites that come with symconv: {known}"
        ) from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, SpecError):
            raise
        raise SpecError(f"{path}: not JSON: {error}") from error


@dataclass(frozen=True, slots=True)
class _Given:
    """One layer as it was given, and how messages call it."""

    where: str
    fields: Mapping[str, Any]

    def wrong(self, field: str, wanted: str) -> SpecError:
        given = shown(self.fields[field]) if field in self.fields else "nothing"
        return SpecError(f"{self.where}, field {field}: {wanted}; given {given}")

    def word(self, field: str, usual: str) -> str:
        value = self.fields.get(field, usual)
        if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= 80:
            raise self.wrong(field, "a short text is wanted")
        return value

    def size(self, field: str, usual: int | None = None) -> int:
        value = self.fields.get(field, usual)
        if not _whole(value, 1):
            raise self.wrong(field, "a positive integer is wanted")
        return int(value)

    def axes(self, field: str, rank: int, least: int, usual: int | None = None) -> tuple[int, ...]:
        value = self.fields.get(field, usual)
        several = [value] * rank if _whole(value, least) else value
        if not isinstance(several, list) or len(several) != rank or not all(_whole(v, least) for v in several):
            raise self.wrong(
                field, f"{rank} {'integer' if rank == 1 else 'integers'} from {least} on, as many as spatial has"
            )
        return tuple(several)

    def pads(self, rank: int) -> tuple[tuple[int, int], ...]:
        value = self.fields.get("padding", 0)
        several = [value] * rank if _whole(value, 0) else value
        if not isinstance(several, list) or len(several) != rank:
            raise self.wrong("padding", f"{rank} integers or [low, high] pairs, as many as spatial has")
        pairs = [[one, one] if _whole(one, 0) else one for one in several]
        if not all(isinstance(p, list) and len(p) == 2 and all(_whole(end, 0) for end in p) for p in pairs):
            raise self.wrong("padding", "integers from 0 on or [low, high] pairs of them, one per axis")
        return tuple((low, high) for low, high in pairs)


def _whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < _MOST


def _layer(path: str, number: int, fields: object) -> Layer:
    where = f"{path}: layer {number}"
    if not isinstance(fields, dict):
        raise SpecError(f"{where}: an object with the fields {', '.join(_FIELDS)} is wanted; given {shown(fields)}")
    if isinstance(fields.get("name"), str):
        where += f" ({shown(fields['name'])})"
    given = _Given(where, fields)
    for field in fields:
        if field not in _FIELDS:
            near = difflib.get_close_matches(field, _FIELDS, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise SpecError(
                f"{where}, field {shown(field)}: there is no such field{hint}; fields: {', '.join(_FIELDS)}"
            )
    if missing := [field for field in _NEEDED if field not in fields]:
        raise SpecError(f"{where}, field {missing[0]}: it is missing; a layer has {', '.join(_NEEDED)}")
    return _checked(given)


def _checked(given: _Given) -> Layer:
    spatial = given.fields["spatial"]
    if not isinstance(spatial, list) or not 1 <= len(spatial) <= 3:
        raise given.wrong("spatial", "a list of 1 to 3 sizes is wanted")
    rank = len(spatial)
    op = given.word("op", "conv").lower().replace(" ", "_").replace("-", "_")
    if op not in OPERATORS:
        raise given.wrong("op", f"one of {', '.join(OPERATORS)} is wanted")
    n, c, f, groups = (given.size(field, 1 if field == "groups" else None) for field in ("N", "C", "F", "groups"))
    for field, channels in (("C", c), ("F", f)):
        if channels % groups:
            raise given.wrong(field, f"a multiple of groups, which is {groups}, is wanted")
    kernel = given.axes("kernel", rank, 1)
    transposed = op == "conv_transpose"
    if not transposed and "output_padding" in given.fields:
        raise given.wrong("output_padding", "only a conv_transpose has one; leave it out")
    shapes = {
        "x": (n, c, *given.axes("spatial", rank, 1)),
        "w": (c, f // groups, *kernel) if transposed else (f, c // groups, *kernel),
    }
    for name, shape in shapes.items():
        if prod(shape) >= _MOST:
            raise SpecError(
                f"{given.where}: {name} has the shape {shape}, {prod(shape)} elements; wanted less than {_MOST}"
            )
    settings = dict(_settings(given, rank, transposed))
    return Layer(
        given.word("cls", "layers"),
        given.word("name", ""),
        f"{op}{rank}d",
        (*settings.items(), ("groups", groups)),
        **shapes,
    )


def _settings(given: _Given, rank: int, transposed: bool) -> Iterator[tuple[str, Any]]:
    yield "stride", given.axes("stride", rank, 1, 1)
    yield "padding", given.pads(rank)
    yield "dilation", given.axes("dilation", rank, 1, 1)
    if transposed:
        yield "output_padding", given.axes("output_padding", rank, 0, 0)
