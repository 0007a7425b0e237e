"""Words that change arrays, sums with a factor, and what the arrays that words make hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symconv.code.held.boxes import current
from symconv.code.held.elements import put
from symconv.code.held.operators import binary
from symconv.code.held.state import State, whole_plan
from symconv.code.library.given import Given, Word
from symconv.code.values.kinds import BOOL, INT, REAL, kind_of
from symconv.code.values.objects import Box
from symconv.notation.affine import affine

__all__ = ["CHANGES", "kind_made"]

_SUMS = frozenset({"sum", "matmul", "dot", "einsum", "tensordot", "add", "outer", "vdot", "inner", "kron", "multiply"})
"""Of truth values they make whole numbers, or what is not read."""


_TRUTHS = frozenset({
    "greater", "less", "composed gt", "composed ge", "composed greater_equal", "composed lt", "composed le",
    "composed less_equal", "composed eq", "composed ne", "composed not_equal", "composed logical_not",
    "composed logical_and", "composed logical_or",
})  # fmt: skip


def _in_place(op: str) -> Word:
    def changed(state: State, g: Given, name: str) -> Box:
        box = g.get("a", g.get("input"))
        assert isinstance(box, Box)
        plan = whole_plan(state, current(state, box))
        if op == "0":
            put(state, box, plan, affine(0))
        elif op == "=":
            put(state, box, plan, g["value"])
        elif op in {"+", "-"}:
            put(state, box, plan, _times(state, g["b"], g.get("alpha")), 1 if op == "+" else -1, False)
        else:
            put(state, box, plan, binary(state, op, box, g["b"]))
        return box

    return changed


def _times(state: State, value: Any, alpha: Any) -> Any:
    return value if alpha is None else binary(state, "*", alpha, value)


def _added(op: str) -> Word:
    return lambda state, g, name: binary(state, op, g["a"], _times(state, g["b"], g.get("alpha")))


def kind_made(word: str, given: Given) -> str:
    """Whether a word makes whole numbers or truth values of such arguments."""
    if word in {
        "zeros",
        "ones",
        "empty",
        "mean",
        "divide",
        "function",
        "softmax",
        "log_softmax",
        "logsumexp",
        "var",
        "std",
    }:
        return REAL
    if word in {"arange", "position"}:
        return INT
    values = [one for one in given.values() if not isinstance(one, str)]
    if word in {"full", "full_like", "zeros_like", "ones_like", "empty_like", "new_zeros", "new_ones", "new_empty"}:
        return kind_of(given["fill_value"] if word == "full" else given["input"])
    if word in _TRUTHS:
        return BOOL
    arrays = [kind_of(one) for one in _boxes(values)]
    if word == "where":
        arrays = [kind_of(given[key]) for key in ("a", "b") if key in given]
    if word in _SUMS and BOOL in arrays:
        arrays = [INT if kind == BOOL else kind for kind in arrays]
    return REAL if REAL in arrays or not arrays else INT if INT in arrays else BOOL


def _boxes(values: Sequence[Any]) -> list[Any]:
    return [
        box
        for one in values
        for box in (_boxes(one) if isinstance(one, tuple | list) else [one] if isinstance(one, Box) else [])
    ]


CHANGES: dict[str, Word] = {
    "zero_": _in_place("0"), "fill_": _in_place("="), "add_": _in_place("+"), "sub_": _in_place("-"),
    "mul_": _in_place("*"), "div_": _in_place("/"), "add": _added("+"), "subtract": _added("-"),
}  # fmt: skip
