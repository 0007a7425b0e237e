"""Which values of a forward function are its outputs: by what it returns, and by the cotangents that backward takes."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np

from symconv.code.source.signatures import parameters
from symconv.code.values.objects import Box
from symconv.errors import SpecError
from symconv.notation.affine import affine
from symconv.notation.merging import merged
from symconv.notation.operator import Operator
from symconv.notation.rearranged import renamed
from symconv.prove.language.people import gradient_words

__all__ = ["Outputs", "joined", "kept_by_name", "outputs_of", "same_formula", "same_value"]

_NUMBERED = re.compile(r"(?:d|g|grad|gradient|cotangent|ct)_?(?:out|output|y|z|o|next)?_?([0-9]+)")
"""Cotangents that are told apart by a number: ``dout1, dout2``."""


@dataclass(frozen=True)
class Outputs:
    """The names of several outputs in the order in which they are returned, none where there is one.

    ``cotangents`` says which parameter of the backward function is whose, where a name says it and not the place.
    At the places ``marked`` of all that is returned are outputs without a gradient: their cotangents are 0.
    """

    names: tuple[str, ...] = ()
    cotangents: Mapping[str, str] = field(default_factory=dict)
    marked: frozenset[int] = frozenset()

    def differentiable(self, result: Any) -> Any:
        """What was returned, without the outputs that have no gradient."""
        if not self.marked or not isinstance(result, tuple | list):
            return result
        kept = tuple(one for at, one in enumerate(result) if at not in self.marked)
        return kept[0] if len(kept) == 1 else kept

    def in_order(self, cotangents: Sequence[Any]) -> tuple[Any, ...]:
        """A cotangent for each place of what is returned, for those of the outputs with a gradient."""
        left = [*cotangents]
        return tuple(affine(0) if at in self.marked else left.pop(0) for at in range(len(left) + len(self.marked)))

    def split(self, result: Any) -> tuple[tuple[Any, ...], Any]:
        """The outputs among what a forward function returned, and what is kept for the backward function."""
        if not isinstance(result, tuple | list):
            return (), None
        inner, count = bool(result) and isinstance(result[0], tuple | list), len(self.names)
        values, kept = (result[0], result[1:]) if inner else (result[:count], result[count:])
        if len(values) != count:
            return (), None
        return tuple(values), kept[0] if len(kept) == 1 else tuple(kept) or None


def outputs_of(forward: ast.FunctionDef, backward: ast.FunctionDef, tensors: Collection[str]) -> Outputs:
    """The outputs of a forward function; ``tensors`` are names that are taken.

    An autograd function keeps values in ctx: all that it returns are outputs. What another function returns beside its
    outputs is what it keeps. Raises SpecError where it cannot be told which are outputs.
    """
    whole = parameters(forward.args)[:1] == ["ctx"]
    rows = list(_returned(forward))
    row = rows[-1] if rows else []
    own = parameters(backward.args)[1:] if whole else _cotangents(forward, backward, rows)
    marked = _marked(forward, row) if whole else frozenset[int]()
    if len(row if whole else own) < 2:
        return Outputs()
    if len({len(one) for one in rows}) > 1 or len(row) < len(own):
        raise _asked(forward, f"{backward.name} takes the cotangents {', '.join(own)}")
    if any(isinstance(one, ast.Constant | ast.Starred) for one in row):
        raise _asked(forward, "not all of them are arrays")
    if whole:
        if len(own) != len(row) and backward.args.vararg is None:
            raise SpecError(
                f"{forward.name} returns {len(row)} outputs, and {backward.name} takes {len(own)} after ctx; it takes "
                "a cotangent for each output, in their order"
            )
        kept = [one for at, one in enumerate(row) if at not in marked]
        return Outputs(_named(kept, tensors) if len(kept) > 1 else (), marked=marked)
    nested = isinstance(row[0], ast.Tuple | ast.List)
    shown = row[0].elts if isinstance(row[0], ast.Tuple | ast.List) else row
    found = _places(own, shown)
    if sorted(found) != list(range(len(own))) or (nested and len(own) != len(shown)):
        raise _asked(forward, f"{backward.name} takes the cotangents {', '.join(own)}")
    names = _named(shown[: len(own)], tensors)
    return Outputs(names, {name: names[at] for name, at in zip(own, found, strict=True)})


def kept_by_name(forward: ast.FunctionDef, outputs: int, cache: Any) -> dict[str, Any]:
    """What a function returns beside its outputs, by the names it has there: one value, or several in ``cache``.

    None are told where it returns at several places that differ.
    """
    found = _kept_names(forward, outputs)
    if len(found) != 1:
        return {}
    ((one, called),) = found
    values = (cache,) if one else cache if isinstance(cache, tuple | list) else ()
    return {name: value for name, value in zip(called, values, strict=False) if name and len(called) == len(values)}


def same_value(one: Any, other: Any) -> bool:
    """Whether two arrays hold the same, as a copy does."""
    held, kept = (each.value if isinstance(each, Box) else each for each in (one, other))
    return np.array_equal(held, kept) if isinstance(held, np.ndarray) else bool(held == kept)


@lru_cache(maxsize=256)
def _kept_names(forward: ast.FunctionDef, outputs: int) -> frozenset[tuple[bool, tuple[str, ...]]]:
    """Whether one value is kept, and the names, for each place at which a function returns."""
    found = set()
    for row in _returned(forward):
        nested = bool(row) and outputs > 1 and isinstance(row[0], ast.Tuple | ast.List)
        rest = row[1 if nested else outputs :]
        one = len(rest) == 1 and not isinstance(rest[0], ast.Tuple | ast.List)
        if len(rest) == 1 and isinstance(rest[0], ast.Tuple | ast.List):
            rest = rest[0].elts
        names = [value.id if isinstance(value, ast.Name) else "" for value in rest]
        found.add((one, tuple(name if names.count(name) == 1 else "" for name in names)))
    return frozenset(found)


def joined(parts: Sequence[Operator], names: tuple[str, ...], order: Sequence[str], name: str) -> Operator:
    """One operator of several outputs: a part computes each of them last, and ``order`` is that of the inputs.

    Raises SpecError where the parts do not fit together.
    """
    single, sources = list[Operator](), list[str]()
    for at, (part, output) in enumerate(zip(parts, names, strict=True), 1):
        inner = {s.target.name: f"{s.target.name}_{at}" for s in part.statements[:-1]}
        called = {**inner, part.output.name: output}
        one = renamed(part, called)
        sources.append(_rewritten(part.source, called))
        for k, statement in enumerate(one.statements):
            earlier = tuple(other.target for other in one.statements[:k])
            single.append(replace(one, statements=(statement,), inputs=(*one.inputs, *earlier)))
    if len({part.kinks for part in parts}) > 1:
        raise SpecError("its outputs have conventions of their own where they have kinks")
    whole = replace(merged(single, "; ".join(sources), name), several=names)
    at_place = {tensor: k for k, tensor in enumerate(order)}
    return replace(whole, inputs=tuple(sorted(whole.inputs, key=lambda one: at_place.get(one.name, len(at_place)))))


def same_formula(joined: Operator, proved: Operator) -> bool:
    """Whether a part of several outputs is what was proved of it alone, under other names of what it computes."""
    if len(joined.statements) != len(proved.statements) or joined.definitions != proved.definitions:
        return False
    if joined.assumptions != proved.assumptions or not {*proved.inputs} <= {*joined.inputs}:
        return False
    called = {b.target.name: a.target.name for a, b in zip(joined.statements, proved.statements, strict=True)}
    return renamed(proved, called).statements == joined.statements


def _marked(forward: ast.FunctionDef, row: Sequence[ast.expr]) -> frozenset[int]:
    """The places of outputs that ``ctx.mark_non_differentiable`` names; raises SpecError where it is not sure which."""
    calls = [one for one in ast.walk(forward) if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute)
             and one.func.attr == "mark_non_differentiable"]  # fmt: skip
    always = [one.value for one in forward.body if isinstance(one, ast.Expr)]
    names = _called(forward, row)
    found = set[int]()
    for call in calls:
        given = [one.id if isinstance(one, ast.Name) else "" for one in call.args]
        if call not in always or call.keywords or not all(one and names.count(one) == 1 for one in given):
            raise SpecError(
                f"{forward.name}, line {call.lineno}: which outputs are marked as not differentiable cannot be told; "
                "mark_non_differentiable is read outside of branches, with names that are returned"
            )
        found |= {names.index(one) for one in given}
    if found and len(found) == len(row):
        raise SpecError(f"{forward.name} marks all that it returns as not differentiable: there is no gradient")
    return frozenset(found)


def _called(forward: ast.FunctionDef, row: Sequence[ast.expr]) -> list[str]:
    """What the outputs are called: where they are returned, or where the tuple of them is taken apart."""
    names = [one.id if isinstance(one, ast.Name) else "" for one in row]
    match forward.body[-1]:
        case ast.Return(ast.Name(whole)):
            for one in forward.body:
                match one:
                    case ast.Assign([ast.Tuple(parts)], ast.Name(name)) if name == whole and len(parts) == len(row):
                        names = [part.id if isinstance(part, ast.Name) else "" for part in parts]
    return names


def _rewritten(source: str, called: Mapping[str, str]) -> str:
    """The formula with other names for what it computes."""
    return re.sub(r"(?<!\w)\w+(?=\[)", lambda found: called.get(found[0], found[0]), source)


def _asked(forward: ast.FunctionDef, reason: str) -> SpecError:
    return SpecError(
        f"{forward.name} has several outputs, and which they are cannot be told: {reason}; give the outputs as a "
        "formula, symconv.prove(symconv.operator(formula, outputs=...), code=..., name=...)"
    )


def _cotangents(forward: ast.FunctionDef, backward: ast.FunctionDef, rows: Sequence[Sequence[ast.expr]]) -> list[str]:
    """The parameters of a backward function that are called as cotangents of returned values are."""
    inputs = parameters(forward.args)
    returned = {name.id for row in rows for one in row for name in ast.walk(one) if isinstance(name, ast.Name)}
    words = {word for name in returned - {*inputs} for word in gradient_words(name)}
    own = [name for name in parameters(backward.args) if name not in inputs and name not in returned]
    return [name for name in own if name in words or (returned and _NUMBERED.fullmatch(name))]


def _places(cotangents: Sequence[str], shown: Sequence[ast.expr]) -> list[int]:
    """Which of the returned values each is of: by their names, or by numbers where no name says it."""
    words = [gradient_words(one.id) if isinstance(one, ast.Name) else () for one in shown]
    by_name = [[at for at, row in enumerate(words) if name in row] for name in cotangents]
    if all(len(found) == 1 for found in by_name):
        return [found[0] for found in by_name]
    numbers = [int(found[1]) if (found := _NUMBERED.fullmatch(name)) else -1 for name in cotangents]
    if not any(by_name) and numbers[0] in {0, 1} and numbers == list(range(numbers[0], numbers[0] + len(numbers))):
        return list(range(len(numbers)))
    return []


def _named(shown: Sequence[ast.expr], tensors: Collection[str]) -> tuple[str, ...]:
    """What the outputs are called: as in the function; one that has no name of its own there is y1, y2, ..."""
    names: list[str] = []
    for at, node in enumerate(shown, 1):
        own = node.id if isinstance(node, ast.Name) and re.fullmatch(r"[a-z][a-z0-9]*", node.id) else ""
        free = own and not {own, f"g{own}"} & {*tensors, *names, *(f"g{one}" for one in (*tensors, *names))}
        names.append(own if free else f"y{at}")
    if len({*names, *tensors}) < len(names) + len({*tensors}):
        return tuple(f"output{at}" for at in range(1, len(shown) + 1))
    return tuple(names)


def _returned(node: ast.FunctionDef) -> Iterator[list[ast.expr]]:
    """What stands in each tuple that a function returns; one value is a row of its own."""
    inner = {one for child in ast.walk(node) if child is not node and isinstance(child, ast.FunctionDef | ast.Lambda)
             for one in ast.walk(child)}  # fmt: skip
    tuples = {name.id: one.value for one in ast.walk(node) if isinstance(one, ast.Assign) for name in one.targets
              if isinstance(name, ast.Name) and isinstance(one.value, ast.Tuple | ast.List)}  # fmt: skip
    for one in ast.walk(node):
        if isinstance(one, ast.Return) and one not in inner and one.value is not None:
            value = tuples.get(one.value.id, one.value) if isinstance(one.value, ast.Name) else one.value
            yield list(value.elts) if isinstance(value, ast.Tuple | ast.List) else [value]
