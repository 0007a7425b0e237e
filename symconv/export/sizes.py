"""How a package learns its sizes from shapes, and which of them it refuses, as lines of Python."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from symconv.export.python import (
    condition,
    conjunction,
    form_text,
    in_fstring,
    product_text,
    safe,
    shape_text,
    tuple_text,
)
from symconv.notation.affine import Affine
from symconv.notation.operator import Operator, Tensor
from symconv.notation.shapes import axis_text, describe
from symconv.notation.taps import Occupied, groups

__all__ = ["Check", "size_names", "solved", "windows", "wrong"]


@dataclass(frozen=True, slots=True)
class Check:
    """A condition under which shapes are refused, and the text of an f-string that says why."""

    fails: str
    words: str


def size_names(op: Operator) -> tuple[str, ...]:
    """Every size, in the order in which ``solved`` gives them a value."""
    free = {name: None for tensor in op.inputs for size in tensor.sizes for name in size.names()}
    return tuple(dict.fromkeys((*free, *(definition.name for definition in op.definitions))))


def solved(op: Operator, shape: str = "{}") -> Iterator[str | Check]:
    """Lines that give each size its value from the shapes; ``shape`` says how that of a tensor is written.

    A shape has as many lengths as its tensor has axes. A check stands before the line that divides by what it asks for.
    """
    known: set[str] = set()
    defined = {definition.name for definition in op.definitions}
    # Twice: a size may be known only from a later tensor.
    for tensor in (*op.inputs, *op.inputs):
        fresh: list[str] = []
        later: list[str | Check] = []
        for place, axis in enumerate(tensor.axes):
            unknown = [size for size in axis if size.names() - known or size.names() & defined]
            name = unknown[0].name if len(unknown) == 1 else None
            if name is None or name in defined or name in known:
                fresh.append("_")
                continue
            known.add(name)
            if len(axis) == 1:
                fresh.append(safe(name))
                continue
            fresh.append("_")
            whole = f"{shape.format(safe(tensor.name))}[{place}]"
            rest = tuple(size for size in axis if size is not unknown[0])
            later += _divided(tensor, whole, name, rest, axis_text(axis))
        if any(name != "_" for name in fresh):
            yield f"{', '.join(fresh)}{',' if len(fresh) == 1 else ''} = {shape.format(safe(tensor.name))}"
        yield from later
    for definition in op.definitions:
        yield f"{safe(definition.name)} = {form_text(definition.form)}"


def _divided(tensor: Tensor, length: str, name: str, rest: tuple[Affine, ...], axis: str) -> Iterator[str | Check]:
    by = product_text(rest)
    if all(size.is_constant for size in rest) and prod(size.constant for size in rest) == 1:
        yield f"{safe(name)} = {length}"
        return
    yield Check(
        f"{by} == 0 or {length} % ({by})",
        f"axis {axis} of {tensor.name} has length {{{length}}}, which must be divisible by {{{by}}}",
    )
    yield f"{safe(name)} = {length} // ({by})"


def wrong(op: Operator) -> Iterator[Check]:
    """What must not be of the sizes, in the order in which it is asked."""
    defined = {definition.name for definition in op.definitions}
    for definition in op.definitions:
        if definition.extent:
            ours = any(definition.name in size.names() for output in op.outputs for size in output.sizes)
            name = safe(definition.name)
            yield Check(
                f"{name} < 1",
                f"{_output(op) if ours else 'an axis or a window'} would be empty: "
                f"{definition.name} = {definition.form} = {{{name}}}; make the input or the padding larger, "
                "or the kernel or the dilation smaller",
            )
    for size in size_names(op):
        if size not in defined and size != op.batch:
            only = "; only the batch may be empty" if op.batch else ""
            yield Check(f"{safe(size)} < 1", f"size {size} is {{{safe(size)}}}, wanted 1 or more{only}")
    for tensor in op.inputs:
        shape = safe(tensor.name)
        yield Check(
            f"{shape} != {shape_text(tensor)}",
            f"{tensor.name} has shape {{{shape}}}, wanted {{{shape_text(tensor)}}}, that is {describe(tensor)}",
        )
    for assumption in op.assumptions:
        yield Check(f"not {condition(assumption.constraint)}", in_fstring(assumption.sentence))


def _output(op: Operator) -> str:
    return "an output" if op.several else "the output"


def windows(op: Operator) -> tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...]:
    """For each mean, max and min that needs a tap: its name, and by independent groups of indices text of a list.

    A group is the indices of cells, text of the list of cells that are asked for, and text of one that holds whether
    the cell ``at`` has a tap.
    """
    return tuple((f"{one.kind} over {', '.join(r.name for r in one.taps)}", _groups(one)) for one in op.occupied)


def _groups(wanted: Occupied) -> tuple[tuple[str, str, str], ...]:
    # An empty batch has the windows of any other.
    cells = {r.name: f"range(max(1, {form_text(r.extent)}))" for r in wanted.cells}
    taps = {r.name: f"range({form_text(r.extent)})" for r in wanted.taps}
    found = []
    for group in groups((*cells, *taps), (*wanted.given, *wanted.where)):
        given, where = ([c for c in cs if c.form.names() & group] for cs in (wanted.given, wanted.where))
        if not where and not given:
            continue
        mine, inner = [n for n in cells if n in group], [n for n in taps if n in group]
        names = tuple_text(map(safe, mine))
        asked = f"[{names} for {names} in product({', '.join(cells[n] for n in mine)}) if {conjunction(given)}]"
        loops = f"for {tuple_text(map(safe, inner))} in product({', '.join(taps[n] for n in inner)})"
        hit = f"any({conjunction(where)} {loops})"
        found.append((", ".join(mine), asked if mine else "[()]", f"[{names} for {names} in cells if not {hit}]"))
    return tuple(found)
