"""Register tiles that store in an operator's own arrays: whole blocks of lanes, and a last one under a mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from symconv.loops.arith import add, const, mul, sub
from symconv.loops.ir import Compare, Const, Declare, Expr, If, Lanes, LoadLanes, Stmt, StoreLanes, Var
from symconv.loops.traverse import rewrite, walk
from symconv.relation.points import UnclearError
from symconv.validate.polynomial import WIDTH, alike, polynomial, uses

__all__ = ["by_cell"]


def by_cell(
    body: tuple[Stmt, ...], lane: str, blocks: int, cells: Expr, arrays: frozenset[str]
) -> tuple[Stmt, ...] | None:
    """A tile that touches ``arrays`` at positions before ``cells`` alone, as if it had no mask; None for others.

    The tile has ``blocks`` blocks of lanes from the position ``lane`` on, and the last one starts before ``cells``. The
    accesses after its sums stand twice: for lanes that are all cells, and with a mask for those of the last block that
    are. Raises UnclearError where it looks like one and is none.
    """
    match body:
        case (
            *before,
            If(Compare(">=", some, width), whole),
            If(Compare("<", same, other), (Declare(mask, Lanes(Const(0, False), many)), *part)),
        ) if width == other == WIDTH:
            pass
        case _:
            return None
    last = add(Var(lane), mul(const(blocks - 1), WIDTH))
    left = sub(cells, last)
    lengths = all(alike(one, left) for one in (some, same, many))
    masked = tuple(rewrite(one, lambda node: _masked(node, lane, blocks, mask)) for one in whole)
    if not lengths or masked != tuple(part) or _touches(before, lane, arrays):
        raise UnclearError("lanes behind the cells of a row may be touched")
    return (*before, *whole)


def _masked(node: Any, lane: str, blocks: int, mask: str) -> Any:
    """An access of the last block under the mask; others stay."""
    if not isinstance(node, LoadLanes | StoreLanes):
        return node
    form = polynomial(node.index[-1])
    block, turns = form.pop((WIDTH,), 0), form.pop((Var(lane),), 0)
    odd = any(uses(part, {lane}) or WIDTH in atoms for atoms in form for part in atoms)
    if node.mask or node.stride != 1 or turns != 1 or not 0 <= block < blocks or odd:
        raise UnclearError("lanes behind the cells of a row may be touched")
    if any(uses(part, {lane}) for part in node.index[:-1]) or getattr(node, "offset", None) is not None:
        raise UnclearError("lanes behind the cells of a row may be touched")
    return replace(node, mask=mask) if block == blocks - 1 else node


def _touches(body: Sequence[Stmt], lane: str, arrays: frozenset[str]) -> bool:
    """Whether lanes touch one of the arrays here, which no mask keeps inside."""
    nodes = (node for statement in body for node in walk(statement))
    return any(getattr(node, "buffer", "") in arrays and uses(node, {lane}) for node in nodes)
