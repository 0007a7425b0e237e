"""Whether code applies functions such as exp, whose values at fractions are no fractions."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from symconv.code.source.program import Program

__all__ = ["applies"]

_APPLIED = frozenset({"exp", "tanh", "sigmoid", "log", "sqrt", "sin", "cos", "softmax", "pi", "erf", "expit",
                      "gelu", "silu", "softplus", "logsigmoid", "log_sigmoid", "mish", "elu", "log1p", "expm1",
                      "rsqrt"})  # fmt: skip


def applies(program: Program, functions: Sequence[ast.AST]) -> bool:
    """Whether functions apply some whose values at fractions are no fractions, in what they call too."""
    named: Mapping[str, ast.AST] = {**program.constants, **program.functions}
    waiting = [*functions]
    seen: set[str] = set()
    while waiting:
        for one in ast.walk(waiting.pop()):
            match one:
                case ast.BinOp(_, ast.Pow(), power) if not (
                    isinstance(power, ast.Constant) and isinstance(power.value, int)
                ):
                    return True
                case ast.Attribute(_, word) | ast.Name(word) if word in _APPLIED:
                    return True
                case ast.Name(word) if word in named and word not in seen:
                    seen.add(word)
                    waiting.append(named[word])
    return False
