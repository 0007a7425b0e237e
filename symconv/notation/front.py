"""The front door: a formula and what it leaves open, checked and turned into an Operator."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TypeVar

from symconv.errors import SpecError, shown
from symconv.notation.affine import Affine, affine
from symconv.notation.elaborate import elaborate
from symconv.notation.equations import elaborated
from symconv.notation.expr import Border
from symconv.notation.extents import Settings, Stated
from symconv.notation.functions import TABLE
from symconv.notation.indices import MAX_INTEGER
from symconv.notation.operator import Operator
from symconv.notation.parse import parse_equations
from symconv.notation.size_text import sizes_of

__all__ = ["KINKS", "Padding", "border_of", "by_name", "formula", "pairs"]

Value = TypeVar("Value")
Padding = int | str | Sequence[int | tuple[int, int]] | None
BORDERS = ("zero", "skip", "reflect", "symmetric", "replicate", "circular")
RELATIONS = ("<=", ">=", "==", "<", ">", "=")
KINKS = {
    name: tuple(kink.choice for kink in entry.kinks) for name, entry in TABLE.items() if entry.kinks and name != "where"
}
"""The conventions that can be chosen at a kink; the first of each is the default."""


def formula(
    source: str,
    *,
    name: str = "formula",
    padding: Padding = None,
    extents: Mapping[str, int | str | Affine] | None = None,
    where: Mapping[str, str] | None = None,
    border: str | float | Mapping[str, str | float] = "zero",
    params: Mapping[str, float | Fraction | None] | None = None,
    kinks: Mapping[str, str] | None = None,
    surrogates: Mapping[str, str] | None = None,
    empty: float | Fraction | None = None,
    outputs: Sequence[str] | str | None = None,
) -> Operator:
    """The Operator a text formula stands for.

    Several equations, with semicolons between them, name intermediates; those that no equation reads are outputs, or
    those that ``outputs`` names.
    Low pads are the offsets in the indices; ``padding`` gives ``(low, high)`` per windowed axis, or
    ``"same"``/``"valid"``.
    ``extents`` says extents that do not follow, ``where`` what else must hold of the sizes; ``empty`` is the value of a
    mean, max or min over no tap.
    Raises SpecError, with a caret where it concerns the formula.

    >>> str(formula("y[n,i] = sum[p](x[n,2*i+p-1]*w[p])").output.sizes[1])
    'OL'
    """
    if not isinstance(name, str) or not name.strip() or len(name) > 400:
        raise SpecError(f"name is a text of up to 400 characters; given {shown(name)}")
    if not isinstance(source, str):
        raise SpecError(f"a formula is text, as in 'y[n,i] = sum[p](x[n,i+p]*w[p])'; given {type(source).__name__}")
    per_tensor = border if isinstance(border, Mapping) else {}
    stated = by_name("params", params, "{'t': 0.5}")
    numbers = {key: None if isinstance(value, str) and value == "?" else value for key, value in stated.items()}
    settings = Settings(
        name=name,
        padding=padding if isinstance(padding, str) or padding is None else pairs(padding, "padding"),
        extents=tuple((index, _extent(value)) for index, value in by_name("extents", extents).items()),
        where=tuple(_relation(size, text) for size, text in by_name("where", where, "{'K': '<= L'}").items()),
        borders=tuple((tensor, border_of(rule)) for tensor, rule in per_tensor.items()),
        border=Border("constant") if isinstance(border, Mapping) else border_of(border),
        parameters=tuple((key, _number(key, value)) for key, value in numbers.items() if value is not None),
        scalars=tuple(key for key, value in numbers.items() if value is None),
        kinks=_kinks(by_name("kinks", kinks, "{'max': 'share'}")),
        surrogates=tuple(by_name("surrogate", surrogates, "{'w': 'x - w'}").items()),
        empty=None if empty is None else _number("empty", empty),
        outputs=_outputs(outputs),
    )
    equations = parse_equations(source)
    if len(equations) == 1 and settings.outputs not in {(), (equations[0].target.name,)}:
        raise SpecError(f"outputs names {', '.join(settings.outputs)}; the formula computes {equations[0].target.name}")
    made = elaborate(equations[0], settings) if len(equations) == 1 else elaborated(equations, settings)
    return replace(made, numbers=settings.parameters)


def by_name(what: str, given: Mapping[str, Value] | None, example: str = "{'i': '(H + 1)/2'}") -> Mapping[str, Value]:
    """Settings by name, none where nothing is given; raises SpecError for anything that is no mapping from names."""
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise SpecError(f"{what} is a mapping from names, as in {example}; given {shown(given)}")
    return given


def _outputs(given: Sequence[str] | str | None) -> tuple[str, ...]:
    """The names of outputs, from a tuple of them or a text with commas; raises SpecError for anything else."""
    if given is None:
        return ()
    if isinstance(given, str):
        given = [name.strip() for name in given.split(",")]
    known = isinstance(given, Sequence) and all(isinstance(name, str) and name.isidentifier() for name in given)
    if not known or not given or len(set(given)) != len(given):
        raise SpecError(f"outputs names equations, each once, as in ('s', 'y') or 's,y'; given {shown(given)}")
    return tuple(given)


_CALLED = {"wrap": "circular", "periodic": "circular", "cyclic": "circular", "edge": "replicate",
           "clamp": "replicate", "nearest": "replicate", "mirror": "reflect", "constant": "zero", "zeros": "zero",
           "fill": "zero"}  # fmt: skip
"""What others call a border rule."""


def border_of(rule: str | float) -> Border:
    """A border rule as the user names it; raises SpecError listing the rules."""
    if isinstance(rule, bool) or not isinstance(rule, str | int | float | Fraction):
        raise SpecError(f"border is one of {', '.join(BORDERS)} or a number; given {shown(rule)}")
    if isinstance(rule, str):
        if rule not in BORDERS:
            near = _CALLED.get(rule) or next(iter(difflib.get_close_matches(rule, BORDERS, 1)), "")
            hint = f"; did you mean {near!r}?" if near else ""
            raise SpecError(f"border is one of {', '.join(BORDERS)} or a number; given {shown(rule)}{hint}")
        return Border("constant") if rule == "zero" else Border(rule)
    return Border("constant", _number("border", rule))


def pairs(
    padding: int | Sequence[int | tuple[int, int]], what: str, rank: int | None = None
) -> tuple[tuple[int, int], ...]:
    """Pads as ``((lo, hi), ...)``: from an int (then ``rank`` says how many), one int per axis, or a pair per axis."""
    if isinstance(padding, int) and not isinstance(padding, bool):
        padding = (padding,) * (rank or 1)
    wanted = f"{what} is an integer, one integer per axis, or a (low, high) pair per axis"
    if isinstance(padding, str) or not isinstance(padding, Sequence):
        raise SpecError(f"{wanted}; given {shown(padding)}")
    result = []
    for item in padding:
        pair = (item, item) if isinstance(item, int) else tuple(item) if isinstance(item, Sequence) else ()
        if len(pair) != 2 or any(isinstance(p, bool) or not isinstance(p, int) or abs(p) > 10**6 for p in pair):
            raise SpecError(f"{wanted}; given {shown(padding)}")
        result.append((pair[0], pair[1]))
    if rank is not None and len(result) != rank:
        raise SpecError(f"{what} names {len(result)} axes, wanted {rank}; given {shown(padding)}")
    return tuple(result)


def _number(name: str, value: float | Fraction) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction):
        raise SpecError(f"{name} is a number; given {shown(value)}")
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):  # noqa: PLR0124
        raise SpecError(f"{name} is a finite number; given {shown(value)}")
    # repr round-trips: the decimal the user wrote, not its binary neighbour.
    exact = Fraction(repr(value)) if isinstance(value, float) else Fraction(value)
    if abs(exact) > 10**300:
        raise SpecError(f"{name} = {shown(value)} is outside float64")
    return exact


def _kinks(kinks: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    for function, choice in kinks.items():
        if function not in KINKS:
            raise SpecError(f"kinks can be chosen for {', '.join(KINKS)}; given {shown(function)}")
        if not isinstance(choice, str) or choice not in KINKS[function]:
            raise SpecError(
                f"at the kink of {function} one can choose {', '.join(KINKS[function])}; given {shown(choice)}"
            )
    return tuple(sorted(kinks.items()))


def _extent(value: int | str | Affine) -> Affine:
    if isinstance(value, Affine):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_INTEGER:
        return affine(value)
    if not isinstance(value, str):
        raise SpecError(
            f"an extent is an integer up to {MAX_INTEGER} or a formula in sizes, as in '(H + 1)//2'; given "
            f"{shown(value)}"
        )
    return sizes_of(value, "an extent")


def _relation(size: str, text: str) -> Stated:
    """What ``where`` says of one size, or of a form of sizes."""
    if not isinstance(text, str):
        raise SpecError(f"where compares a size with a formula in sizes, as in {{'K': '<= L'}}; given {shown(text)}")
    relation = next((r for r in RELATIONS if text.strip().startswith(r)), None)
    if relation is None:
        raise SpecError(
            f"where compares a size with a formula in sizes by one of {', '.join(RELATIONS)}, as in {{'K': '<= L'}}; "
            f"given {shown(text)} for {size!r}"
        )
    right = text.strip().removeprefix(relation)
    return Stated(sizes_of(size, "where"), relation, sizes_of(right, "where"), f"{size} {relation} {right.strip()}")
