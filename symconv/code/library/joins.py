"""Words of NumPy's that join arrays beside those of all libraries: ``c_``, ``r_``, ``column_stack``, ``append``."""

from __future__ import annotations

from typing import Any

from symconv.code.held.boxes import array_of, boxed
from symconv.code.held.sequences import sequence
from symconv.code.held.state import State, call_word
from symconv.code.library.given import Given, Word
from symconv.code.source.trouble import Outside
from symconv.code.values.objects import Slice
from symconv.notation.affine import affine

__all__ = ["JOINS"]


def _columns(state: State, g: Given, name: str) -> Any:
    """Arrays beside one another along their last axis, of which vectors are columns."""
    arrays = _arrays(state, g, name)
    if any(state.on.rank(array_of(state, one)) == 0 for one in arrays):
        raise Outside(f"{name} of numbers beside arrays", state.line)
    made = [_column(state, one) if state.on.rank(array_of(state, one)) == 1 else one for one in arrays]
    return _cat(state, made, -1)


def _rows(state: State, g: Given, name: str) -> Any:
    """Arrays one after the other along their first axis; a number is a vector of one."""
    return _cat(state, [_vector(state, one) for one in _arrays(state, g, name)], 0)


def _append(state: State, g: Given, name: str) -> Any:
    """``np.append``: along an axis, without which both are flattened."""
    if g.get("axis") is not None:
        return call_word(state, "concatenate", [g["a"], g["b"]], g["axis"])
    return _cat(state, [call_word(state, "ravel", _array(state, g[key])) for key in ("a", "b")], 0)


def _array(state: State, value: Any) -> Any:
    return call_word(state, "array", value) if isinstance(value, tuple | list) else _vector(state, value)


def _vector(state: State, value: Any) -> Any:
    """A number as a vector of one."""
    array = array_of(state, value)
    return value if state.on.rank(array) else call_word(state, "expand_dims", boxed(state, array), affine(0))


def _arrays(state: State, g: Given, name: str) -> list[Any]:
    arrays = list(sequence(state, g["arrays"]))
    if any(isinstance(one, Slice | str) for one in arrays):
        raise Outside(f"{name} of ranges or texts", state.line)
    return [call_word(state, "array", one) if isinstance(one, tuple | list) else one for one in arrays]


def _column(state: State, value: Any) -> Any:
    return call_word(state, "expand_dims", value, affine(1))


def _cat(state: State, arrays: list[Any], axis: int) -> Any:
    return call_word(state, "concatenate", arrays, affine(axis))


JOINS: dict[str, Word] = {"columns": _columns, "rows": _rows, "append": _append}
