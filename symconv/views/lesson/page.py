"""A lesson as data for the page: worked cells that are read without a script, and what the script needs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from symconv import pipeline
from symconv.errors import SpecError
from symconv.gather.derivation import Derivation
from symconv.loops.lower import lower
from symconv.notation.shapes import completed
from symconv.options import options
from symconv.views.lesson.cells import Lesson, Shown, lesson
from symconv.views.lesson.loops import Loops, loops_of
from symconv.views.lesson.numbers import Numbers, factor, figures, number, product
from symconv.views.lesson.sources import sources
from symconv.views.panels import laid_out, panels
from symconv.views.terms import Part, Term, logical

__all__ = ["embedded", "lesson_data"]

_STATIC, _WRITTEN = 9, 24
"""Classes with a worked cell to read, terms of it that are written out."""
_LOOPS = {"plain loops": "plain loops", "as compiled": "compiled ones"}

Data = dict[str, Any]


def lesson_data(derivation: Derivation, source: str | None = None) -> Data:
    """A lesson for the template; where there is none, ``reason`` says why."""
    try:
        found = lesson(derivation)
    except SpecError as error:
        return {"reason": str(error), "script": None}
    kernels = _kernels(derivation, found, source)
    script = _script(found, kernels)
    return {
        "reason": "",
        "sizes": script["sizes"],
        "exact": found.numbers.exact,
        "checked": script["checked"],
        "still": [_still(found, kernels, shown) for shown in _typical(found)],
        "classes": len(found.classes.all),
        "script": script,
    }


def embedded(data: object) -> Markup:
    """JSON that no text in it can end: what a page may hold inside a script element.

    >>> embedded({"a": "</script>"})
    Markup('{"a":"\\\\u003c/script\\\\u003e"}')
    """
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "a number"


def _kernels(derivation: Derivation, found: Lesson, source: str | None) -> list[Loops]:
    name = found.operator.output.name
    places = {at: shown.index for at, shown in found.cells.items()}
    cells = sources(found.operator, places, found.numbers.problem.sizes)
    plain = loops_of(lower(derivation.gather, name), found.numbers, cells, "plain loops")
    made = [plain]
    for dtype in ("float32", "float64") if source is not None else ():
        kernel = pipeline.direct(derivation, name, options(dtype=dtype)).kernel
        compiled = loops_of(kernel, found.numbers, cells, "as compiled", source)
        if compiled is not None:
            made.append(compiled)
            break
    return [one for one in made if one is not None]


def _checked(found: Lesson, kernels: list[Loops]) -> str:
    exact, rounded = "Whole numbers go in, every result exact. ", "Numbers are rounded to four digits here. "
    said = exact if found.numbers.exact else rounded
    sides = ["what the definition gives, scattered by brute force"] if found.numbers.compared else []
    sides += [f"what the {' and the '.join(_LOOPS[one.title] for one in kernels)} compute"] if kernels else []
    if sides:
        said += f"All {found.total.size} cells are {', and '.join(sides)}."
    return said


def _typical(found: Lesson) -> Iterable[Shown]:
    shown = (found.typical(residues) for residues in found.classes.all[:_STATIC])
    return [one for one in shown if one is not None]


def _still(found: Lesson, kernels: list[Loops], shown: Shown) -> Data:
    """A worked cell: picture, class, terms with numbers, lines of the plain loops."""
    op = found.operator
    sizes = found.numbers.problem.sizes
    at = int(_place(found, shown))
    grids = panels(op, completed(op, found.shapes), shown.index, shown.terms)
    # The terms themselves stand in the table.
    picture = laid_out(tuple(replace(grid, notes=grid.notes[:1]) for grid in grids), _cell(found, shown))
    return {
        "title": found.classes.title(shown.residues),
        "cell": _cell(found, shown),
        "rules": found.classes.rules(shown.residues),
        "division": found.classes.worked(shown.residues, _known(found, shown, sizes)),
        "picture": Markup(picture),
        "terms": [_said(found.numbers, term) for term in shown.terms[:_WRITTEN]],
        "more": max(0, len(shown.terms) - _WRITTEN),
        "total": number(found.total[shown.index]),
        "kernel": _marked(kernels[0], at) if kernels else None,
    }


def _place(found: Lesson, shown: Shown) -> int:
    return next(at for at, one in found.cells.items() if one is shown)


def _known(found: Lesson, shown: Shown, sizes: Mapping[str, int]) -> dict[str, int]:
    statement = found.operator.statements[-1]
    return {**sizes, **dict(zip(statement.indices, logical(statement.target, shown.index, sizes), strict=True))}


def _cell(found: Lesson, shown: Shown) -> str:
    return f"{found.operator.output.name}[{','.join(map(str, shown.index))}]"


def _said(numbers: Numbers, term: Term) -> Data:
    factors = [figures(numbers, part) for part in term.parts]
    if term.coefficient != 1 or not factors:
        factors.insert(0, number(term.coefficient))
    written = " · ".join(f"({one})" if one.startswith("−") else one for one in factors)
    return {"words": term.text, "factors": written, "value": number(product(numbers, term))}


def _marked(loops: Loops, at: int) -> Data:
    number_of_set, values = loops.cells[at]
    chosen = set(loops.chosen[number_of_set])
    lines = [{"html": Markup(line), "on": k in chosen} for k, line in enumerate(loops.lines)]
    return {"lines": lines, "values": values}


def _script(found: Lesson, kernels: list[Loops]) -> Data:
    op = found.operator
    read = dict.fromkeys(name for shown in found.cells.values() for term in shown.terms for name, _ in term.factors)
    names = [op.output.name, *read]
    order = {residues: k for k, residues in enumerate(found.classes.all)}
    return {
        "name": op.output.name,
        "sizes": ", ".join(f"{name} {_shape(shape)}" for name, shape in found.shapes.items()),
        "checked": _checked(found, kernels),
        "tensors": [_tensor(found, name) for name in names],
        "classes": [{"title": found.classes.title(one), "rules": found.classes.rules(one)} for one in order],
        "cells": [_packed(found, kernels, names, at, order[shown.residues]) for at, shown in found.cells.items()],
        "kernels": [
            {"title": one.title, "lines": one.lines, "numbers": one.numbers, "chosen": one.chosen} for one in kernels
        ],
        "exact": found.numbers.exact,
        "complete": found.complete,
    }


def _tensor(found: Lesson, name: str) -> Data:
    plane = found.planes[name]
    return {
        "name": name,
        "shape": plane.shape,
        "axes": plane.names,
        "flat": plane.drawn[-2:],
        "values": [number(value) for value in found.numbers.arrays[name].ravel().tolist()],
    }


def _packed(found: Lesson, kernels: list[Loops], names: list[str], at: int, kind: int) -> Data:
    shown = found.cells[at]
    known = _known(found, shown, found.numbers.problem.sizes)
    return {
        "at": at,
        "k": kind,
        "d": found.classes.worked(shown.residues, known),
        "t": [_term(found, names, term) for term in shown.terms],
        "l": [one.cells[at] for one in kernels],
    }


def _term(found: Lesson, names: list[str], term: Term) -> list[Any]:
    """Coefficient, value, and the factors: a tensor's number and a place; or words, a value, places and figures."""
    parts = [_part(found, names, part) for part in term.parts]
    return [number(term.coefficient), number(product(found.numbers, term)), *parts]


def _part(found: Lesson, names: list[str], part: Part) -> list[Any]:
    places = [[names.index(name), _flat(found, name, index)] for name, index in part.accesses]
    if part.expr is None:
        return places[0]
    return [part.words, number(factor(found.numbers, part)), places, figures(found.numbers, part)]


def _flat(found: Lesson, name: str, index: tuple[int, ...]) -> int:
    at = 0
    for position, length in zip(index, found.planes[name].shape, strict=True):
        at = at * length + position
    return at
