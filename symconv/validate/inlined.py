"""A block in which everything stands where it is used: integers, addresses, and what is loaded for several sums."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from symconv.loops.arith import add, const, total
from symconv.loops.ir import (
    LANES,
    Address,
    Const,
    Declare,
    Expr,
    For,
    If,
    Kernel,
    Let,
    Load,
    LoadLanes,
    Shift,
    Splat,
    Stmt,
    Update,
    Var,
)
from symconv.loops.traverse import rewrite, substitute, walk
from symconv.relation.points import UnclearError
from symconv.validate.polynomial import expression, polynomial, uses

__all__ = ["inlined"]

_NOTHING = Splat(Const(Fraction(0), True))


def inlined(kernel: Kernel, body: Sequence[Stmt], known: Mapping[str, Expr] | None = None) -> tuple[Stmt, ...]:
    """The block with values in place of names; what is loaded is still loaded where it was, for that must be there.

    A position that blocks of lanes start at keeps its name. Raises UnclearError where an address is no element's.
    """
    names = dict(known or {})
    found: list[Stmt] = []
    for statement in _cut(body):
        match statement:
            case Let(name, value):
                made = substitute(value, names)
                names.pop(name, None)
                _free(name, names)
                if uses(made, {LANES}):
                    found.append(Let(name, made))
                else:
                    names[name] = made
            case For(var, lower, upper, inner):
                lower, upper = substitute(lower, names), substitute(upper, names)
                own = {name: value for name, value in names.items() if name != var}
                _free(var, own)
                found.append(replace(statement, lower=lower, upper=upper, body=inlined(kernel, inner, own)))
            case If(test, inner):
                found.append(If(substitute(test, names), inlined(kernel, inner, names)))
            case Declare(name):
                if any(getattr(node, "mask", "") == name for value in names.values() for node in walk(value)):
                    raise UnclearError(f"{name} is given again while it is still meant")
                told = _told(kernel, statement, names)
                found.append(told)
                names.pop(name, None)
                if _fixed(kernel, told.value):
                    names[name] = told.value
            case _:
                found.append(_told(kernel, statement, names))
    return tuple(found)


def _free(name: str, names: Mapping[str, Expr]) -> None:
    """Raises UnclearError where a name that is given now stands for something else in what others stand for."""
    if any(uses(value, {name}) for value in names.values()):
        raise UnclearError(f"{name} is given again while it is still meant")


def _cut(body: Sequence[Stmt]) -> Iterator[Stmt]:
    """The statements; a number that is 0 but in the lanes of a mask is declared at once."""
    left = list(body)
    while left:
        match left:
            case [Declare(name, start) as first, Update(other, "=", Splat(Var() as one), mask), *_] if (
                name == other and start == _NOTHING and mask
            ):
                yield replace(first, value=LoadLanes("", (one,), 0, mask))
                del left[:2]
            case _:
                yield left.pop(0)


def _told(kernel: Kernel, statement: Any, names: Mapping[str, Expr]) -> Any:
    return rewrite(substitute(statement, dict(names)), lambda node: _element(kernel, node))


def _element(kernel: Kernel, node: Any) -> Any:
    """An element by its index, where it is loaded by an address."""
    match node:
        case LoadLanes("", (Load(buffer, index, None),), 0, mask):
            return LoadLanes(buffer, index, 0, mask)
        case LoadLanes("", _, 0, _):
            raise UnclearError("what lanes get is no element of an operand")
        case Load(buffer, index, offset) | LoadLanes(buffer, index, _, _, offset) if offset is not None:
            return replace(node, index=_place(kernel, buffer, index, offset), offset=None)
    return node


def _place(kernel: Kernel, buffer: str, index: tuple[Expr, ...], offset: Expr) -> tuple[Expr, ...]:
    """The index of what lies so far behind an element: whole steps along each axis, the outermost first."""
    left = polynomial(offset)
    starts = [(atoms, atoms[0]) for atoms in left if len(atoms) == 1 and isinstance(atoms[0], Address)]
    match starts:
        case [(atoms, Address(name, start))] if name == buffer and left[atoms] == 1 and not any(map(polynomial, index)):
            del left[atoms]
        case _:
            raise UnclearError(f"nothing says where an element of {buffer} lies")
    sizes = kernel.buffer(buffer).sizes
    found: list[Expr] = []
    for axis, first in enumerate(start):
        ((step, length),) = polynomial(total(sizes[axis + 1 :])).items()
        steps = int(left.get(step, Fraction(0)) / length)
        found.append(add(first, const(steps)))
        left[step] = left.get(step, Fraction(0)) - steps * length
    if any(left.values()):
        raise UnclearError(f"an element of {buffer} is {expression(left)} behind one")
    return tuple(found)


def _fixed(kernel: Kernel, value: Expr) -> bool:
    """Whether a value is loaded from what the kernel only reads, so that it is the same wherever it is used."""
    if not isinstance(value, Load | LoadLanes | Shift):
        return False
    loads = [node for node in walk(value) if isinstance(node, Load | LoadLanes)]
    return bool(loads) and all(kernel.buffer(node.buffer).role == "in" for node in loads)
