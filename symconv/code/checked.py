"""``check``: forward and backward of one text; the forward says what the gradients are of."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from symconv.code.forward import forward_of
from symconv.code.proofs import Proofs, proofs_of
from symconv.code.reading import Reading, results_of
from symconv.code.roles import numeric
from symconv.code.source import Program, program, read_text
from symconv.errors import SpecError
from symconv.notation.affine import affine
from symconv.prove.proof import Proof

__all__ = ["check_code"]

_FORWARD = ("forward", "fwd", "fprop", "call", "__call__")
_BACKWARD = ("backward", "bwd", "bprop", "vjp", "grad", "backprop")


def check_code(path: str | Path, name: str | None = None, arguments: Mapping[str, Any] | None = None,
               returns: Sequence[str] | None = None, explain: bool = True) -> Proofs[Proof]:  # fmt: skip
    """Decide the gradients of a class or of a pair of functions, whose forward function says what they are of.

    ``name`` is a class with ``forward`` and ``backward``, or the common part of the names of two functions
    (``conv`` for ``conv_forward`` and ``conv_backward``), or the name of the backward function. ``arguments`` are the
    numbers that parameters of the forward function have, such as ``{"stride": 2}``; else its defaults, and where it has
    none a stride of 1 and no padding. Raises SpecError where the code is unusable.
    """
    text, title = read_text(path if isinstance(path, Path) else Path(path) if "\n" not in str(path) else path)
    source = program(text, title)
    forward, backward = _pair(source, name)
    op, read = forward_of(source, forward, _settings(forward, arguments))
    reading = Reading(op, source, backward, {}, read)
    found = _ordered(reading, forward, returns)
    return proofs_of(reading, found, explain)


def _ordered(reading: Reading, forward: ast.FunctionDef, returns: Sequence[str] | None) -> dict[str, Any]:
    """The results of ``backward``; an autograd function returns one for each argument of ``forward``."""
    assert reading.forward is not None
    spec = forward.args
    plain = [one.arg for one in (*spec.posonlyargs, *spec.args)]
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


def _settings(forward: ast.FunctionDef, arguments: Mapping[str, Any] | None) -> dict[str, Any]:
    given = {key: _number(value) for key, value in (arguments or {}).items()}
    spec = forward.args
    plain = [one.arg for one in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)]
    defaulted = set(plain[len(plain) - len(spec.defaults) :]) if spec.defaults else set()
    for name in plain:
        if numeric(name) and name not in given and name not in defaulted:
            low = name.lower()
            given[name] = affine(0 if low.startswith("p") or "pad" in low else 1)
    return given


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


def _pair(source: Program, name: str | None) -> tuple[ast.FunctionDef, ast.FunctionDef]:
    if name is None and len(source.classes) == 1:
        name = next(iter(source.classes))
    if name is not None and name in source.classes:
        methods = {n.name: n for n in source.classes[name].body if isinstance(n, ast.FunctionDef)}
        forward = next((methods[k] for k in _FORWARD if k in methods), None)
        backward = next((methods[k] for k in _BACKWARD if k in methods), None)
        if forward is None or backward is None:
            raise SpecError(
                f"{source.name}: {name} has no forward and backward; it has {', '.join(methods) or 'nothing'}"
            )
        return forward, backward
    stems: dict[str, dict[str, ast.FunctionDef]] = {}
    for known, node in source.functions.items():
        for kind, words in (("forward", _FORWARD), ("backward", _BACKWARD)):
            for word in words:
                if word in known.lower().split("_") or known.lower() == word:
                    stem = known.lower().replace(word, "").replace("__", "_").strip("_")
                    stems.setdefault(stem, {}).setdefault(kind, node)
    pairs = {stem: both for stem, both in stems.items() if len(both) == 2}
    if name is not None:
        pairs = {s: b for s, b in pairs.items() if name.lower() == s or name in {b["forward"].name, b["backward"].name}}
    if len(pairs) != 1:
        known_ = ", ".join((*source.classes, *source.functions)) or "nothing"
        found = "several match" if pairs else "none match"
        raise SpecError(
            f"{source.name}: a class with forward and backward is wanted, or two functions such as conv_forward and "
            f"conv_backward; {found}; there are {known_}"
        )
    both = next(iter(pairs.values()))
    return both["forward"], both["backward"]
