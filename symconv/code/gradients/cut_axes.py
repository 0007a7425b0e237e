"""Axes that a text cuts into parts, as heads of attention and groups of channels: read as so many parts of them.

``x.reshape(N, G, C // G, H, W)`` takes element ``c`` of the channels apart by the group it is in. Where the channels
are G parts from the start, nothing is taken apart.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Sequence

from symconv.code.gradients.branches import Read
from symconv.code.gradients.naming import divided
from symconv.notation.affine import Quotient, quotient, var
from symconv.notation.expr import Constraint, equal
from symconv.notation.operator import Operator
from symconv.prove.meaning.value import Value
from symconv.relation.regions import Region, everywhere
from symconv.relation.sets import Context

__all__ = ["EQUAL_PARTS", "as_long_as", "cut_in_loops", "in_parts", "of_lengths", "uncut_first"]

EQUAL_PARTS = "parts that are cut from an axis are all of it"
_FLOOR = "floor("


def uncut_first(
    reads: Sequence[Read], formulas: Callable[[Read], Iterator[Operator]],
    again: Callable[[Sequence[Read]], Sequence[Read]],
) -> Iterator[tuple[Operator, str]]:  # fmt: skip
    """What the outputs that were read may be, each with what is taken to hold of it.

    Formulas that cut an axis come behind those of what is read ``again``, where it is so many parts.
    """
    cut = list[tuple[Operator, str]]()
    for one, words in ((formula, read.words) for read in reads for formula in formulas(read)):
        if _FLOOR in one.source:
            cut.append((one, words))
        else:
            yield one, words
    yield from ((formula, read.words) for read in again(reads) for formula in formulas(read))
    yield from cut


def of_lengths(sizes: Sequence[str]) -> Region:
    """The sizes at which every axis has an element."""
    return everywhere(Context(tuple(sorted(sizes)), " and ".join(f"{size} >= 1" for size in sizes)))


def in_parts(
    value: Value, ties: Sequence[Constraint], region: Region, sizes: Collection[str], meant: bool = False
) -> dict[str, int]:
    """The sizes that are so many equal parts, as lengths of the value or what was asked for say of one of them.

    Where that is ``meant``, those too whose parts leave something over at other sizes.
    """
    limits = [one for term in value.terms for one in term.where] if meant else []
    asked = [atom for one in (*limits, *ties) for atom, _ in one.form.terms if isinstance(atom, Quotient)]
    told = {name: one.divisor for one in asked if (name := one.numerator.name) is not None} | divided(value)
    found: dict[str, int] = {}
    for name, parts in told.items():
        if meant or region.always(equal(var(name), quotient(var(name), parts) * parts)):
            found |= {one: parts for one in sizes if region.always(equal(var(one), var(name)))}
    return found


def as_long_as(assumed: Sequence[Constraint]) -> dict[str, tuple[int, str]]:
    """The sizes of axes that parts are taken from which are as long as another axis, with their number and its size.

    Of ``x[:, g*c : (g+1)*c]`` with the channels ``c`` of a weight it is assumed that there are so many groups of them.
    """
    found: dict[str, tuple[int, str]] = {}
    for one in assumed:
        match sorted(one.form.terms, key=lambda term: term[1]):
            case [(str(part), int(times)), (str(size), 1)] if times < -1 and not one.form.constant and not one.equality:
                found[size] = max(found.get(size, (0, part)), (-times, part))
    return found


def cut_in_loops(node: ast.FunctionDef) -> bool:
    """Whether parts of axes are taken one by one, ``x[:, g*c : (g+1)*c]`` with ``c = C // groups``, or ``w[g*c + o]``.

    Groups are of equally many channels then: what else would be left over is in none of them.
    """
    parts = [*ast.walk(node)]
    quotients = {name for one in parts if isinstance(one, ast.Assign) for name in _quotients(one)}
    entries = [one for part in parts if isinstance(part, ast.Subscript) for one in _entries(part.slice)]
    return any(_is_part(one, quotients) or _in_part(one, quotients) for one in entries)


def _entries(index: ast.expr) -> Sequence[ast.expr]:
    return index.elts if isinstance(index, ast.Tuple) else [index]


def _in_part(one: ast.expr, lengths: Collection[str]) -> bool:
    """Whether it is the number of an element of a part, ``g*c + o``."""
    match one:
        case ast.BinOp(ast.BinOp(ast.Name(a), ast.Mult(), ast.Name(b)), ast.Add(), ast.Name()):
            return a in lengths or b in lengths
    return False


def _quotients(given: ast.Assign) -> Iterator[str]:
    """The names that an assignment gives to lengths divided by a number of parts."""
    for to in given.targets:
        each: list[tuple[ast.expr, ast.expr]] = [(to, given.value)]
        if isinstance(to, ast.Tuple) and isinstance(given.value, ast.Tuple):
            each = [*zip(to.elts, given.value.elts, strict=False)]
        for name, value in each:
            if isinstance(name, ast.Name) and isinstance(value, ast.BinOp) and isinstance(value.op, ast.FloorDiv):
                yield name.id


def _is_part(one: ast.expr, lengths: Collection[str]) -> bool:
    match one:
        case ast.Slice(ast.BinOp(ast.Name(a), ast.Mult(), ast.Name(b)), ast.expr() as upper, None):
            length, number = (b, a) if b in lengths else (a, b)
            ends = (f"({number} + 1) * {length}", f"{length} * ({number} + 1)", f"{number} * {length} + {length}",
                    f"{length} * {number} + {length}", f"(1 + {number}) * {length}")  # fmt: skip
            return length in lengths and ast.unparse(upper) in ends
    return False
