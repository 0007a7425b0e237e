"""How the operators and statements of Python are written."""

from __future__ import annotations

import ast

__all__ = ["COMPARISONS", "OPERATORS", "SIGNS", "spelled"]

OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.MatMult: "@",
    ast.Pow: "**", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>",
}  # fmt: skip
SIGNS: dict[type[ast.unaryop], str] = {ast.Not: "not", ast.USub: "-", ast.UAdd: "+", ast.Invert: "~"}
COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Is: "is",
    ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip
_WORDS: dict[type[ast.AST], str] = {
    ast.Yield: "yield", ast.YieldFrom: "yield from", ast.Await: "await", ast.ClassDef: "a class in a function",
    ast.AsyncFunctionDef: "async def", ast.AsyncFor: "async for", ast.AsyncWith: "async with", ast.TryStar: "except*",
    ast.Slice: "a slice outside of a subscript",
}  # fmt: skip


def spelled(node: ast.AST) -> str:
    """What is written there, in words of Python."""
    return _WORDS.get(type(node), type(node).__name__.lower())
