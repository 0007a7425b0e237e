"""Scalar expressions of a sweep over whole arrays: products as einsum, everything else entry by entry."""

from __future__ import annotations

import itertools
import re
from fractions import Fraction
from string import ascii_lowercase

from symconv.errors import InternalError
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Apply, Const, Expr, Index, Read
from symconv.readable.arrays import Scene, order_of

__all__ = ["Factors", "factors_of", "lined", "summand", "value"]

_SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(1, 6)
_COMPARED = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!=",
             "larger": ">=", "smaller": "<=", "same": "=="}  # fmt: skip
"""Derivations write ``larger`` where NaN counts as larger; as a slide says it, NaN aside."""

Printed = tuple[str, int]


def value(scene: Scene, expr: Expr, order: list[str], least: int = 0) -> str:
    """An expression entry by entry, its axes lined up with ``order``; in parentheses where it binds less than
    asked."""
    text, binds = _printed(scene, expr, order)
    return f"({text})" if binds < least else text


def _printed(scene: Scene, expr: Expr, order: list[str]) -> Printed:
    match expr:
        case Const(number):
            text = str(number.numerator) if number.denominator == 1 else f"{number.numerator} / {number.denominator}"
            return text, _SIGN if number < 0 and number.denominator == 1 else _PRODUCT if "/" in text else _ATOM
        case Index(form):
            return _position(scene, form, order)
        case Read(tensor, index):
            return scene.cell(tensor, index, order), _ATOM
        case Apply(function, arguments):
            return _applied(scene, function, arguments, order)
    raise InternalError(f"a {type(expr).__name__} inside a sweep")


def _position(scene: Scene, form: Affine, order: list[str]) -> Printed:
    names = [n for n in order if n in form.names()]
    parts = []
    for name in names:
        first, end = scene.bounds[name]
        run = scene.words.form(end) if first == affine(0) else f"{scene.words.form(first)}, {scene.words.form(end)}"
        text = scene.dialect.positions.format(run)
        if name in scene.downward:
            text = scene.dialect.flip.format(text, 0)
        spread = [":", *(["None"] * (len(order) - order.index(name) - 1))]
        text = text if len(spread) == 1 else f"{text}[{', '.join(spread)}]"
        factor = form.coefficient(name)
        parts.append(text if factor == 1 else f"{factor} * {text}")
        form = form - factor * var(name)
    if form != affine(0) or not parts:
        parts.append(scene.words.form(form))
    alone = len(parts) == 1 and (parts[0].isalnum() or (names and "*" not in parts[0]))
    return " + ".join(parts), _ATOM if alone else _SUM


def _applied(scene: Scene, function: str, arguments: tuple[Expr, ...], order: list[str]) -> Printed:
    def of(which: int, least: int) -> str:
        return value(scene, arguments[which], order, least)

    match function:
        case "add":
            right = arguments[1]
            if isinstance(right, Apply) and right.function == "neg":
                return f"{of(0, _SUM)} - {value(scene, right.arguments[0], order, _PRODUCT)}", _SUM
            return f"{of(0, _SUM)} + {of(1, _SUM)}", _SUM
        case "sub":
            return f"{of(0, _SUM)} - {of(1, _PRODUCT)}", _SUM
        case "mul":
            for one, other in ((0, 1), (1, 0)):
                if arguments[one] == Const(Fraction(-1)):
                    return f"-{of(other, _SIGN)}", _SIGN
            return f"{of(0, _PRODUCT)} * {of(1, _SIGN)}", _PRODUCT
        case "div":
            return f"{of(0, _PRODUCT)} / {of(1, _SIGN)}", _PRODUCT
        case "neg":
            return f"-{of(0, _SIGN)}", _SIGN
        case "pow":
            return f"{of(0, _ATOM)}**{of(1, _ATOM)}", _POWER
        case _ if function in _COMPARED:
            return f"{of(0, _SUM)} {_COMPARED[function]} {of(1, _SUM)}", 0
    return _called(scene, function, arguments, order)


def _called(scene: Scene, function: str, arguments: tuple[Expr, ...], order: list[str]) -> Printed:
    template = scene.dialect.functions[function]
    if function in ("max", "min"):
        numbers = [isinstance(argument, Const | Index) for argument in arguments]
        if numbers == [True, False]:
            arguments = arguments[::-1]
        if not any(numbers):
            template = scene.dialect.elementwise[function]
    # A library may take numbers only beside arrays; where both branches are numbers, it may round them.
    alone = {"where": (1, 2)}.get(function, tuple(range(len(arguments))))
    lonely = bool(alone) and all(
        isinstance(arguments[at], Const | Index) and not scene.sliced_by(arguments[at]) for at in alone
    )
    call = template.partition("(")[0].replace(".", "").isalnum() and template.endswith(")")
    text = template
    for at, argument in enumerate(arguments):
        # Between commas anything may stand; where a template has an operator, only what binds more.
        least = 0 if (call and f"({{{at}}})" in template) or _listed(template, at) else _ATOM
        shown = value(scene, argument, order, least)
        if lonely and at == alone[0]:
            shown = scene.dialect.number.format(shown, scene.like)
        text = text.replace(f"{{{at}}}", shown)
    return text, _ATOM if call or not arguments else _binding(template)


def _binding(template: str) -> int:
    """How much the outermost operator of a template binds."""
    while (shorter := re.sub(r"\([^()]*\)", "", template)) != template:
        template = shorter
    return _SUM if " + " in template or " - " in template else _PRODUCT


def _listed(template: str, at: int) -> bool:
    """Whether an argument stands between commas or parentheses wherever it occurs."""
    word = f"{{{at}}}"
    parts = template.split(word)
    return all(a.endswith(("(", ", ", "=")) and b.startswith((")", ",")) for a, b in itertools.pairwise(parts))


class Factors:
    """A product: a number, scalars in front, divisors, and the arrays."""

    def __init__(self) -> None:
        self.number = Fraction(1)
        self.scalars: list[Expr] = []
        self.divisors: list[Expr] = []
        self.arrays: list[Expr] = []


def factors_of(scene: Scene, expr: Expr, into: Factors | None = None) -> Factors:
    """An expression as a product."""
    into = into or Factors()
    match expr:
        case Const(number):
            into.number *= number
        case Apply("neg", (inner,)):
            into.number *= -1
            factors_of(scene, inner, into)
        case Apply("mul", (left, right)):
            factors_of(scene, left, into)
            factors_of(scene, right, into)
        case Apply("div", (left, right)) if not scene.sliced_by(right):
            factors_of(scene, left, into)
            into.divisors.append(right)
        case Apply("div", (left, right)) if left != Const(Fraction(1)):
            factors_of(scene, left, into)
            into.arrays.append(Apply("div", (Const(Fraction(1)), right)))
        case _:
            (into.arrays if scene.sliced_by(expr) else into.scalars).append(expr)
    return into


def summand(scene: Scene, expr: Expr, result: list[str], added: list[str]) -> tuple[str, bool]:
    """A body summed over the sliced indices ``added``, with axes ``result``; and whether it is to be taken off."""
    product = factors_of(scene, expr)
    held = {n for array in product.arrays for n in scene.sliced_by(array)}
    for name in added:
        if name not in held:
            product.scalars.append(Index(scene.count(name)))
    negative = product.number < 0
    product.number = abs(product.number)
    inner = [n for n in added if n in held]
    if not inner:
        whole = _multiplied(product.arrays)
        text = _scaled(scene, product, None if whole is None else whole, result)
        return text, negative
    if len(product.arrays) == 1:
        order = order_of(scene, product.arrays[0])
        axes = ", ".join(str(order.index(n)) for n in inner)
        body = value(scene, product.arrays[0], order, _ATOM)
        text = scene.dialect.sum.format(body, axes if len(inner) == 1 else f"({axes})")
        return _around(scene, product, lined(scene, text, [n for n in order if n not in inner], result)), negative
    text = _einsum(scene, product.arrays, [n for n in result if n in held])
    return _around(scene, product, lined(scene, text, [n for n in result if n in held], result)), negative


def _multiplied(arrays: list[Expr]) -> Expr | None:
    whole = arrays[0] if arrays else None
    for other in arrays[1:]:
        assert whole is not None
        whole = Apply("mul", (whole, other))
    return whole


def _scaled(scene: Scene, product: Factors, whole: Expr | None, order: list[str]) -> str:
    """A product entry by entry with its numbers around it."""
    return _around(scene, product, None if whole is None else value(scene, whole, order, _PRODUCT))


def _around(scene: Scene, product: Factors, text: str | None) -> str:
    """A product's numbers and divisors around its arrays."""
    number, below = product.number.numerator, product.number.denominator
    front = [value(scene, one, [], _SIGN) for one in product.scalars]
    if number != 1 or (text is None and not front):
        front.insert(0, str(number))
    text = " * ".join([*front, *([] if text is None else [text])])
    for one in product.divisors:
        text += f" / {value(scene, one, [], _ATOM)}"
    return text if below == 1 else f"{text} / {below}"


def lined(scene: Scene, text: str, axes: list[str], result: list[str]) -> str:
    """A computed array's axes lined up with those of the result."""
    wanted = [n for n in result if n in axes]
    if wanted != axes:
        text = scene.dialect.permute.format(text, ", ".join(str(axes.index(n)) for n in wanted))
    spread = [":" if n in axes else "None" for n in result]
    while spread and spread[0] == "None":
        spread.pop(0)
    return text if all(part == ":" for part in spread) else f"{text}[{', '.join(spread)}]"


def _einsum(scene: Scene, arrays: list[Expr], result: list[str]) -> str:
    used = [r.name for r in scene.sweep.vectors]
    spare = (c for c in ascii_lowercase if c not in used)
    letters = {name: name if len(name) == 1 else next(spare) for name in used}
    operands, words = [], []
    for array in arrays:
        if isinstance(array, Read):
            axes = scene.axes(array.index)
            operands.append(scene.cell(array.tensor, array.index))
        else:
            axes = order_of(scene, array)
            operands.append(value(scene, array, axes))
        words.append("".join(letters[n] for n in axes))
    spelled = f"{','.join(words)}->{''.join(letters[n] for n in result)}"
    return f'{scene.dialect.module}.einsum("{spelled}", {", ".join(operands)})'
