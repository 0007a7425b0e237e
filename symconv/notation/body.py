"""The right-hand side of a formula: from parse trees to scalar expressions over provisional sizes."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import reduce

from symconv.errors import SpecError, setting
from symconv.notation.affine import var
from symconv.notation.constants import refusal
from symconv.notation.element_words import ELEMENT_WORDS, MOST_WORDS, spelled_out
from symconv.notation.expr import FUNCTIONS, Apply, Const, Expr, Index, Piece, Range, Read, Reduce
from symconv.notation.found import Body, Slot
from symconv.notation.functions import TABLE
from symconv.notation.grammar import COMPARISONS
from symconv.notation.indices import index_forms, is_length, size_of_tap
from symconv.notation.lexer import point
from symconv.notation.quotients import slot_index, summed
from symconv.notation.ranges import conditions, counted, domains, kept_names, names_of, settled
from symconv.notation.tree import Binary, Call, Group, Name, Negate, Node, Number
from symconv.notation.window_words import NORMALISED, WORDS, meaning

__all__ = ["REDUCTIONS", "elaborate_body", "no_name", "scalar_expression"]

REDUCTIONS = ("sum", "mean", "max", "min", "prod")
_SEVERAL = frozenset({"max", "min"})
"""Functions of two arguments that are as well of more."""
_USUAL = {"product": "prod", "avg": "mean", "average": "mean", "total": "sum", "maximum": "max", "minimum": "min",
          "amax": "max", "amin": "min", "lse": "logsumexp", "l2": "norm"}  # fmt: skip
"""What others call a reduction."""
_OTHERWISE = {"ln": "log(x[i])", "power": "x[i]**2", "heaviside": "(x[i] > 0)", "step": "(x[i] > 0)",
              "sech": "1/cosh(x[i])", "logistic": "sigmoid(x[i])", "expit": "sigmoid(x[i])",
              "sgn": "sign(x[i])"}  # fmt: skip
"""How functions are written that others have a word for."""
_OPERATORS = {"+": "add", "-": "sub", "*": "mul", "/": "div", "**": "pow", **COMPARISONS}
_SIGNS = {"add", "sub", "mul", "div", "pow", "neg"}
_WRITTEN = frozenset(name for name, entry in TABLE.items() if entry.written) - _SIGNS
_INTERNAL = frozenset({"larger", "smaller", "same"})
"""Comparisons that only the slopes of the table write."""


def elaborate_body(
    source: str,
    node: Node,
    output: str,
    indices: tuple[str, ...],
    parameters: dict[str, Fraction],
    scalars: frozenset[str] = frozenset(),
) -> Body:
    """Read the right-hand side; raises SpecError that points at what cannot be understood."""
    body = Body(source, output, parameters, functions=_WRITTEN, scalars=scalars)
    body.frames.append(([], []))
    expr = _expr(body, node, frozenset(indices))
    ranges, constraints = body.frames.pop()
    body.expr = summed(body, expr, ranges, constraints)
    return body


def scalar_expression(
    source: str, node: Node, names: dict[str, Expr], parameters: dict[str, Fraction], *, internal: bool = False
) -> Expr:
    """An expression over plain names, without indices and reductions; raises SpecError that points at anything else.

    ``internal`` admits the functions that users do not write.
    """
    body = Body(source, "", parameters, names=names, functions=_WRITTEN | _INTERNAL if internal else _WRITTEN)
    for call in _calls(node):
        if call.brackets is not None:
            message = f"column {call.column + 1}: plain names stand here ({', '.join(names)}), without [...]"
            raise point(source, call.column, message)
    return _expr(body, node, frozenset())


def _calls(node: Node) -> Iterator[Call]:
    match node:
        case Call(_, brackets, arguments):
            yield node
            for item in (*(brackets or ()), *(arguments or ())):
                yield from _calls(item)
        case Negate(operand):
            yield from _calls(operand)
        case Binary(_, left, right):
            yield from _calls(left)
            yield from _calls(right)


def _expr(body: Body, node: Node, known: frozenset[str]) -> Expr:
    match node:
        case Number(text, column):
            return Const(_number(body, text, column))
        case Name(text, column):
            return _name(body, text, column, known)
        case Negate(operand):
            inner = _expr(body, operand, known)
            return Const(-inner.value) if isinstance(inner, Const) else Apply("neg", (inner,))
        case Binary("//", _, _, column):
            raise point(
                body.source, column, f"column {column + 1}: // rounds down in an index and in an extent, not in a value"
            )
        case Binary(operator, left, right, column):
            return _held(
                body, Apply(_OPERATORS[operator], (_expr(body, left, known), _expr(body, right, known))), column
            )
        case Group(_, column):
            raise point(body.source, column, f"column {column + 1}: a list in parentheses stands only inside an index")
        case Call(_, None, _):
            return _function(body, node, known)
        case Call(_, _, None):
            return _read(body, node, known)
        case Call():
            return _reduction(body, node, known)


def _number(body: Body, text: str, column: int) -> Fraction:
    value = Fraction(text)
    if value and not Fraction(10) ** -300 < abs(value) < Fraction(10) ** 300:
        raise point(body.source, column, f"column {column + 1}: the number {text} is outside float64")
    return value


def _name(body: Body, text: str, column: int, known: frozenset[str]) -> Expr:
    if text == "pi" and text not in {*known, *body.scalars, *body.parameters, *body.names}:
        return Apply("pi", ())
    if text in known:
        return Index(var(text))
    if text in body.scalars:
        body.layout.setdefault(text, ())
        return Read(text, ())
    if text in body.parameters:
        return Const(body.parameters[text])
    if text in body.names:
        return body.names[text]
    if body.names:
        known_names = ", ".join((*body.names, *body.parameters))
        raise point(
            body.source, column, f"column {column + 1}: {text!r} is none of the names known here: {known_names}"
        )
    if is_length(text):
        # A size, perhaps: which there are is known once all is read.
        body.lengths.columns.setdefault(text, column)
        return Index(var(text))
    hint = ", and e**u is written exp(u)" if text == "e" else ""
    raise no_name(body.source, text, column, f"neither an index ({', '.join(sorted(known))}) nor a parameter{hint}")


def no_name(source: str, text: str, column: int, what: str) -> SpecError:
    """What is said of a name that means nothing where a number stands."""
    return point(
        source,
        column,
        f"column {column + 1}: {text!r} is {what}; give a number with {setting('params', '...', text)} or index a "
        f"tensor as {text}[...]",
    )


def _near(name: str, words: Sequence[str]) -> str:
    """The word that was likely meant: the same letters in another order, else a close one that begins alike."""
    exchanged = [word for word in words if sorted(word) == sorted(name)]
    alike = [word for word in words if word[:1] == name[:1]]
    close = [*difflib.get_close_matches(name, alike, 1), *difflib.get_close_matches(name, words, 1, 0.8)]
    return next(iter((*exchanged, *close)), "")


def _function(body: Body, node: Call, known: frozenset[str]) -> Expr:
    allowed = body.functions
    if node.name == "size":
        form = index_forms(body.source, (node,), known, body.lengths)[0][0].form
        return Index(form)
    if node.name in ELEMENT_WORDS:
        return _expr(body, _located(body, node), known)
    if node.name not in allowed:
        near = _near(node.name, (*allowed, *ELEMENT_WORDS))
        hint = f"; did you mean {near!r}?" if near else ";"
        if node.name in _OTHERWISE:
            hint = f"; it is written {_OTHERWISE[node.name]}."
        if node.name in {*REDUCTIONS, *WORDS}:
            hint = f" of arguments; its indices stand in brackets, as in {node.name}[p](x[n,i+p])."
        message = (
            f"column {node.column + 1}: no function {node.name!r}{hint} The functions are "
            f"{', '.join(sorted({*allowed, *ELEMENT_WORDS}))}"
        )
        raise point(body.source, node.column, message)
    arguments = node.arguments or ()
    if node.name in _SEVERAL and len(arguments) > FUNCTIONS[node.name]:
        first, *others = (_expr(body, argument, known) for argument in arguments)
        return reduce(lambda left, right: _held(body, Apply(node.name, (left, right)), node.column), others, first)
    if len(arguments) != FUNCTIONS[node.name]:
        message = (
            f"column {node.column + 1}: {node.name} takes {FUNCTIONS[node.name]} arguments, given {len(arguments)}"
        )
        raise point(body.source, node.column, message)
    return _held(body, Apply(node.name, tuple(_expr(body, argument, known) for argument in arguments)), node.column)


def _located(body: Body, node: Call) -> Node:
    """What a word means; every error about it points at the word."""
    body.spelled += 1
    if body.spelled > MOST_WORDS:
        message = f"column {node.column + 1}: {node.name} stands in too many others, each of which is written out here"
        raise point(body.source, node.column, f"{message}; name what it is of: u[i] = ...; y[i] = {node.name}(u[i])")
    try:
        meant = spelled_out(node)
    except SpecError as wrong:
        raise point(body.source, node.column, str(wrong)) from None
    return meant


def _held(body: Body, expr: Expr, column: int) -> Expr:
    """The expression, unless it is a number that no kernel could hold."""
    if reason := refusal(expr):
        raise point(body.source, column, f"column {column + 1}: the number this makes {reason}")
    return expr


def _reduction(body: Body, node: Call, known: frozenset[str]) -> Expr:
    node = counted(body, node, known)
    if node.name in WORDS and node.arguments is not None and len(node.arguments) == 1:
        own = kept_names(body, node, known) if node.name in NORMALISED else names_of(body, node, known)
        tree, twins = meaning(node, own, conditions(body, node, known | {*own}, own))
        body.twins |= twins
        return _expr(body, tree, known)
    if node.name not in REDUCTIONS:
        words = (*REDUCTIONS, *WORDS)
        near = _USUAL.get(node.name) or next(iter(difflib.get_close_matches(node.name, words, 1)), "")
        hint = f"; did you mean {near}?" if near else ""
        hint = "; a position is no number to differentiate" if node.name.startswith("arg") else hint
        message = f"column {node.column + 1}: {node.name}[...](...) is no reduction{hint}; those are {', '.join(words)}"
        raise point(body.source, node.column, message)
    if node.arguments is None or len(node.arguments) != 1:
        raise point(body.source, node.column, f"column {node.column + 1}: a reduction takes one argument")
    names = names_of(body, node, known)
    parts = tuple(domains(body, node, known | {*names}, names))
    body.frames.append(([], []))
    inner = _expr(body, node.arguments[0], known | {*names})
    extra, constraints = body.frames.pop()
    ranges = tuple(Range(name, var(size_of_tap(name))) for name in names)
    # Ties of max and min go by the order of the taps; a quotient follows from those.
    indices = (*ranges, *extra) if node.name in {"max", "min"} else (*extra, *ranges)
    return Reduce(node.name, indices, tuple(Piece((*where, *constraints), inner) for where in parts))


def _read(body: Body, node: Call, known: frozenset[str]) -> Expr:
    if node.name == body.output:
        raise point(body.source, node.column, f"column {node.column + 1}: the output {node.name} cannot be read")
    brackets = tuple(settled(body, item, known) for item in node.brackets or ())
    axes = index_forms(body.source, brackets, known, body.lengths)
    layout = tuple(len(axis) for axis in axes)
    if body.layout.setdefault(node.name, layout) != layout:
        raise point(
            body.source, node.column, f"column {node.column + 1}: {node.name} is indexed with other axes before"
        )
    flat = [form for axis in axes for form in axis]
    return Read(node.name, tuple(slot_index(body, Slot(node.name, at), form) for at, form in enumerate(flat)))
