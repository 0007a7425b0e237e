"""Copying loops of packed nests as functions: kernels that differ in their register tile alone share them."""

from __future__ import annotations

from dataclasses import replace

from symconv.loops.ir import Declare, For, If, Let, LoadLanes, Outlined, Stmt, StoreLanes, Update, Var
from symconv.loops.traverse import expressions

__all__ = ["in_pieces", "needed"]

_WORTH = 60
"""The nodes from which a loop is compiled once rather than in every nest: less is no more than its call."""


def in_pieces(body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """The body of a nest with every large loop that needs nothing but numbers and buffers outlined."""
    scalars = {node.name for node in expressions(body) if isinstance(node, Declare)}
    return _pieces(body, scalars)


def needed(body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """A block without numbers that nothing asks for: what a split index tells is not always of use."""
    while True:
        used = {node.name for node in expressions(body) if isinstance(node, Var)}
        lets = {node.name for node in expressions(body) if isinstance(node, Let)}
        if lets <= used:
            return body
        body = _without(body, lets - used)


def _without(body: tuple[Stmt, ...], names: set[str]) -> tuple[Stmt, ...]:
    kept = (one for one in body if not (isinstance(one, Let) and one.name in names))
    return tuple(
        replace(one, body=_without(one.body, names)) if isinstance(one, For | If | Outlined) else one for one in kept
    )


def _pieces(body: tuple[Stmt, ...], scalars: set[str]) -> tuple[Stmt, ...]:
    return tuple(_piece(statement, scalars) for statement in body)


def _piece(statement: Stmt, scalars: set[str]) -> Stmt:
    if not isinstance(statement, For | If):
        return statement
    nodes = list(expressions((statement,)))
    if isinstance(statement, For) and len(nodes) >= _WORTH and not any(isinstance(n, Outlined) for n in nodes):
        own = {node.name for node in nodes if isinstance(node, Declare)}
        named = {node.name for node in nodes if isinstance(node, Var | Update)}
        named |= {node.mask for node in nodes if isinstance(node, LoadLanes | StoreLanes | Update)}
        if not (named & scalars) - own:
            return Outlined("copy", (statement,))
    return replace(statement, body=_pieces(statement.body, scalars))
