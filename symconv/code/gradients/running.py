"""Functions of the code that are run, with what is unforeseen in them told as such."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from symconv.code.arrays.operations import Arrays
from symconv.code.held.state import State
from symconv.code.reading.definitions import plainly_decorated
from symconv.code.reading.reader import start
from symconv.code.reading.remembering import Known, Remembering
from symconv.code.reading.statements import run_function
from symconv.code.source.program import Program
from symconv.code.source.trouble import Outside
from symconv.code.source.unchanging import Expression
from symconv.errors import SymconvError

__all__ = ["Known", "State", "remembering", "run"]


def remembering(program: Program, on: Arrays, expressions: Mapping[int, Expression], known: Known) -> State:
    """The state before a function that changes nothing, and of which much was computed before."""
    return start(program, on, Remembering(expressions, known))


def run(state: State, node: ast.FunctionDef, parameters: dict[str, Any]) -> Any:
    """What the function returns; code that means something unforeseen is outside of what is read."""
    try:
        plainly_decorated(node, state.program, node.lineno)
        return run_function(state, node, parameters)
    except SymconvError:
        raise
    except RecursionError:
        raise Outside("functions or expressions are nested too deeply", state.line) from None
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, AssertionError) as problem:
        # What Python says of it is of the reader's own values, which nobody wrote.
        raise Outside(f"this is not read: {state.program.line(state.line)}", state.line) from problem
