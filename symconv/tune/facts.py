"""What the planner knows of a candidate: counts as expressions of sizes, kept as JSON with a compiled kernel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any

from symconv.errors import BuildError, shown
from symconv.loops.ir import Const, Expr
from symconv.tune.numbers import encoded, read

__all__ = ["LONG", "LONGEST", "SCHEMES", "Facts", "FlatAxis", "from_json", "to_json"]

LONGEST = 128
"""Planes whose products Winograd adds in one chain at most: longer ones lose digits."""
LONG = 1 << 21
"""Elements of a target that is written past the caches: with what is read, it fills a core's share of them."""

SCHEMES = ("masked", "outer", "dot", "across", "abreast", "stencil", "stencil dot", "winograd")
_ZERO = Const(Fraction(0))
_ONE = Const(Fraction(1))


@dataclass(frozen=True, slots=True)
class FlatAxis:
    """One axis of the flat positions that lanes run along.

    ``extent`` is the number of cells (per residue class of the target), ``operand`` the length of the wide operand
    along the axis (per residue class of the operand), ``low <= 0 <= high`` the farthest offsets that a tap reaches.
    ``name`` is that of the axis, whose strip length is the parameter ``T_<name>``; ``stride`` is the distance in memory
    of neighbours in one residue class of the array that is copied (operand or target, whichever is larger); ``joined``
    is 1 where rows of the next inner axis follow each other along this one, in every operand that lanes run along.
    """

    name: str
    extent: Expr
    operand: Expr
    low: Expr = _ZERO
    high: Expr = _ZERO
    stride: int = 1
    joined: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """What one candidate does for one output, counted.

    ``scheme`` is one of ``SCHEMES`` and says what the rest means; ``label`` is what the schedule prints; ``tile`` is
    the register tile in rows and vectors. Counts are per group unless they say otherwise.

    * ``flat``: the axes that lanes run along, outermost first; the last one holds the lanes.
    * ``rows``: rows that the tile's first number cuts (M).
    * ``planes``: planes of the wide operand.
    * ``taps``: for each phase combination that has any, its number of taps.
    * ``phases``: residue classes of the target that are woven together when results are unpacked.
    * ``groups``: how many independent groups there are.
    * ``columns``: columns of the dot form that the tile's second number cuts (N).
    * ``in_place``: boxes whose rows lie in memory as packed rows would are read there and not packed.
    * ``classes``: residue classes of the wide operand that some tap uses.
    * ``parameters``: the names of the plan's numbers, in order.
    * ``flops``, ``reads``, ``writes``: operations, elements of all operands, and elements of the output.
    * ``operations``, ``loads``: vector instructions, and loads beside the operands' own, of one update of one
      accumulator (1 and 0 for a multiply-add).
    * ``across``: taps along the lanes that a stencil unrolls; the tile's second number is that of taps along its rows.
    * ``transform``: of a bilinear method per transformed axis, how many results come from how many points; the flat
      axes then count tiles.
    * ``summed``: of a bilinear method, planes that are summed at all points together (0: every plane at every point),
      and in how many ``runs`` where some are left out.
    * ``requires``: comparisons of sizes, and of the lanes of a vector, that must all hold, or the candidate cannot run.
    * ``stores``: 1 where register tiles add up all planes for one row of cells, and store sums in the output.
    * ``whole``: of how many vectors a whole row is at most: of one, which taps along the lanes move in registers, or of
      several, which each of them loads under masks that are known before (0: rows are of any length).
    """

    scheme: str
    label: str
    tile: tuple[int, int] = (1, 1)
    flat: tuple[FlatAxis, ...] = ()
    rows: Expr = _ONE
    planes: Expr = _ONE
    taps: tuple[Expr, ...] = (_ONE,)
    phases: int = 1
    groups: Expr = _ONE
    columns: Expr = _ONE
    in_place: bool = False
    classes: int = 1
    parameters: tuple[str, ...] = ()
    flops: Expr = _ZERO
    reads: Expr = _ZERO
    writes: Expr = _ZERO
    operations: int = 1
    loads: int = 0
    transform: tuple[tuple[int, int], ...] = ()
    requires: tuple[Expr, ...] = ()
    across: int = 1
    whole: int = 0
    stores: int = 0
    summed: Expr = _ZERO
    runs: Expr = _ZERO


_EXPRESSIONS = ("rows", "planes", "groups", "columns", "flops", "reads", "writes", "summed", "runs")
_WHOLE = ("phases", "classes", "operations", "loads", "across", "whole", "stores")
_AXIS = ("extent", "operand", "low", "high")


def to_json(facts: Facts) -> dict[str, object]:
    """Facts as a JSON object.

    >>> found = to_json(Facts("masked", "direct", flops=read(["*", 2, "N"])))
    >>> found["flops"], from_json(found).scheme
    (['*', 2, 'N'], 'masked')
    """
    axes = [
        {"name": a.name, "stride": a.stride, "joined": a.joined} | {n: encoded(getattr(a, n)) for n in _AXIS}
        for a in facts.flat
    ]
    plain = {name: getattr(facts, name) for name in ("scheme", "label", "in_place", *_WHOLE)}
    return plain | {
        "tile": list(facts.tile),
        "flat": axes,
        "taps": [encoded(count) for count in facts.taps],
        "requires": [encoded(condition) for condition in facts.requires],
        "parameters": list(facts.parameters),
        "transform": [list(pair) for pair in facts.transform],
        **{name: encoded(getattr(facts, name)) for name in _EXPRESSIONS},
    }


def from_json(found: object) -> Facts:
    """The facts that :func:`to_json` wrote; raises :class:`BuildError` for anything else.

    >>> from_json({"scheme": "guess"})
    Traceback (most recent call last):
    symconv.errors.BuildError: the facts kept with a kernel are damaged: {'scheme': 'guess'} lacks across
    """
    record = _record(found, tuple(field.name for field in fields(Facts)))
    scheme, in_place = record["scheme"], record["in_place"]
    if scheme not in SCHEMES or not isinstance(scheme, str) or not isinstance(in_place, bool):
        raise _damaged(record, f"no scheme of {', '.join(SCHEMES)}")
    known: dict[str, Any] = {
        "scheme": scheme,
        "in_place": in_place,
        "label": _text(record["label"]),
        "tile": _pair(record["tile"]),
        "flat": tuple(_axis(axis) for axis in _items(record["flat"])),
        "taps": tuple(read(count) for count in _items(record["taps"])),
        "requires": tuple(read(condition) for condition in _items(record["requires"])),
        "parameters": tuple(_text(name) for name in _items(record["parameters"])),
        "transform": tuple(_pair(pair) for pair in _items(record["transform"])),
    }
    known |= {name: read(record[name]) for name in _EXPRESSIONS}
    known |= {name: _whole(record[name]) for name in _WHOLE}
    return Facts(**known)


def _axis(found: object) -> FlatAxis:
    record = _record(found, ("name", "stride", "joined", *_AXIS))
    stride, joined = _whole(record["stride"]), _whole(record["joined"])
    return FlatAxis(_text(record["name"]), **{n: read(record[n]) for n in _AXIS}, stride=stride, joined=joined)


def _record(found: object, wanted: Iterable[str]) -> dict[str, object]:
    if not isinstance(found, dict):
        raise _damaged(found, "no JSON object")
    if missing := sorted(set(wanted) - set(found)):
        raise _damaged(found, f"lacks {missing[0]}")
    return found


def _items(found: object) -> list[object]:
    if not isinstance(found, list):
        raise _damaged(found, "no list")
    return found


def _text(found: object) -> str:
    if not isinstance(found, str):
        raise _damaged(found, "no text")
    return found


def _whole(found: object) -> int:
    if isinstance(found, bool) or not isinstance(found, int):
        raise _damaged(found, "no whole number")
    return found


def _pair(found: object) -> tuple[int, int]:
    match found:
        case [first, second]:
            return _whole(first), _whole(second)
    raise _damaged(found, "no pair")


def _damaged(found: object, why: str) -> BuildError:
    what = why if why.startswith("lacks") else f"is {why}"
    return BuildError(f"the facts kept with a kernel are damaged: {shown(found)} {what}")
