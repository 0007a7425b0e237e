"""Why a forward function is not read as an operator."""

from __future__ import annotations

import ast

from symconv.code.source.program import Program
from symconv.code.source.trouble import of_one_rank

__all__ = ["split", "told_most"]


def split(program: Program, node: ast.FunctionDef, line: int) -> str:
    where = f"line {line} asks for sizes ({program.line(line)})"
    return (
        f"{program.name}: {node.name} is not read as an operator: {where}, and what is computed on its two sides is "
        "not proved to be one operator; none is chosen silently. Give the operator as a formula, "
        "symconv.prove(formula, code=...), or assert in the function which sizes it is for"
    )


def told_most(problem: str) -> tuple[bool, int]:
    """The problem that says most: not one of a rank that was only tried."""
    return not of_one_rank(problem), len(problem)
