"""``check``: forward and backward of one text; the forward says what the gradients are of."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from symconv.code.gradients.backward import Reading
from symconv.code.gradients.forward import forward_of
from symconv.code.gradients.results import results_of
from symconv.code.gradients.roles import numeric, numeric_kind
from symconv.code.proofs import Proofs, proofs_of
from symconv.code.source.pairs import pair_of
from symconv.code.source.program import program, read_text
from symconv.code.source.signatures import defaults, positional
from symconv.errors import SpecError, SymconvError
from symconv.notation.affine import affine
from symconv.prove.proof import Proof

__all__ = ["check_code", "settings_of"]


def check_code(path: str | Path, name: str | None = None, arguments: Mapping[str, Any] | None = None,
               returns: Sequence[str] | None = None, explain: bool = True) -> Proofs[Proof]:  # fmt: skip
    """Decide the gradients of a class or of a pair of functions, whose forward function says what they are of.

    ``name`` is a class with ``forward`` and ``backward``, or the common part of the names of two functions
    (``conv`` for ``conv_forward`` and ``conv_backward``), or the name of the backward function, or a function that
    returns its value and a function for the gradients, as ``tf.custom_gradient`` wants. ``arguments`` are the
    numbers that parameters of the forward function have, such as ``{"stride": 2}``; else its defaults are tried, and
    then a stride of 2 with a padding of 1. Raises SpecError where the code is unusable.
    """
    text, title = read_text(path if isinstance(path, Path) else Path(path) if "\n" not in str(path) else path)
    source = program(text, title)
    source, forward, backward = pair_of(source, name)
    first: Proofs[Proof] | None = None
    for settings in settings_of(forward, arguments, source.owned()):
        try:
            op, read = forward_of(source, forward, settings)
            reading = Reading(op, source, backward, {}, read)
            found = proofs_of(reading, _ordered(reading, forward, returns), explain)
        except SymconvError:
            if first is None:
                raise
            continue
        if found.holds is not True:
            return found
        first = found if first is None else Proofs(first.name, dict(first), (*first.also, f"for {op}"))
    assert first is not None
    return first


def _ordered(reading: Reading, forward: ast.FunctionDef, returns: Sequence[str] | None) -> dict[str, Any]:
    """The results of ``backward``; an autograd function returns one for each argument of ``forward``."""
    assert reading.forward is not None
    plain = positional(forward.args)
    if returns is None and plain[:1] == ["ctx"]:
        order = [reading.forward.tensors.get(name) for name in plain[1:]]
        value = next((n.value for n in reversed(list(ast.walk(reading.node))) if isinstance(n, ast.Return)), None)
        if isinstance(value, ast.Tuple) and len(value.elts) <= len(order):
            return {
                tensor: k
                for k, (tensor, item) in enumerate(zip(order, value.elts, strict=False))
                if tensor is not None and not (isinstance(item, ast.Constant) and item.value is None)
            }
    return results_of(reading, returns)


def settings_of(
    forward: ast.FunctionDef, arguments: Mapping[str, Any] | None, known: Collection[str] = ()
) -> list[dict[str, Any]]:
    """The numbers to check with: those that are said; else the defaults, and a stride of 2 with a padding of 1.

    ``known`` are names of numbers that the text itself says.
    """
    given = {key: _number(value) for key, value in (arguments or {}).items()}
    if given:
        return [given]
    words = {n.attr for n in ast.walk(forward) if isinstance(n, ast.Attribute)}
    words |= {n.arg for n in ast.walk(forward) if isinstance(n, ast.arg)}
    words |= {n.value for n in ast.walk(forward) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    harder = {"stride": affine(2), "padding": affine(1)}
    chosen = {
        word: harder[kind]
        for word in sorted(words - {*known})
        if (kind := numeric_kind(word)) in harder and numeric(word)
    }
    defaulted = defaults(forward.args)
    plainest = {w: affine(0 if numeric_kind(w) == "padding" else 1) for w in chosen if w not in defaulted}
    return [plainest, chosen] if chosen else [{}]


def _number(value: Any) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return affine(value)
    if isinstance(value, tuple | list):
        return tuple(map(_number, value))
    if isinstance(value, Mapping):
        return {key: _number(one) for key, one in value.items()}
    raise SpecError(f"arguments: numbers, texts, tuples and dicts are read; given {value!r}")
