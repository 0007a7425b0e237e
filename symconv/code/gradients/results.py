"""Which result of a function is which gradient: by names, by order, by the shapes they have."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from symconv.code.gradients.backward import Reading, computed, kept
from symconv.code.gradients.roles import gradient_named, tensor_named
from symconv.code.source.filled import as_written_out
from symconv.code.source.labels import TARGETS
from symconv.code.source.signatures import positional
from symconv.code.source.trouble import CodeError
from symconv.code.source.unreturned import own_statements
from symconv.errors import SpecError, SymconvError, shown
from symconv.limits import GEOMETRIES, RESULT_CELLS
from symconv.prove.concrete.counterexample import drawn
from symconv.prove.concrete.numbers import Misfit
from symconv.prove.language.labels import is_selector
from symconv.prove.meaning.scope import Mismatch, Undecided
from symconv.verify.geometry import geometries

__all__ = ["ordered_results", "results_of"]

_OF_TUPLES = frozenset({"tuple", "list", "reversed", "split", "hsplit", "vsplit", "array_split", "chunk", "unbind"})
"""Functions that return several values, as a function of several gradients does."""


def results_of(reading: Reading, returns: Sequence[str] | None) -> dict[str, Any]:
    """Per tensor, how its gradient is picked from what the function returns: a position, or a key."""
    tensors = [t.name for t in reading.op.inputs if t.dtype == "real"]
    left = kept(reading)
    handed_on = (one.value for one in own_statements(reading.node) if isinstance(one, ast.Return))
    if left and returns is None and all(one is None or _is_none(one) for one in handed_on):
        return {**left}
    value = _result(reading)
    if isinstance(value, ast.Dict):
        return _keyed(reading, value, tensors)
    behind_loss = reading.loss and reading.forward is None
    if left and returns is None and not (behind_loss and isinstance(value, ast.Tuple)):
        return _beside_left(reading, value, tensors, left)
    items = list(value.elts) if isinstance(value, ast.Tuple | ast.List) else None
    if behind_loss and items:
        # The loss itself stands first.
        items[0] = ast.Constant(None)
    if returns is not None:
        names = [returns] if isinstance(returns, str) else list(returns)
        if bad := [n for n in names if n is not None and n not in tensors]:
            raise SpecError(f"returns names tensors of the operator, {', '.join(tensors)}; given {shown(bad[0])}")
        return {n: None if items is None and len(names) == 1 else k for k, n in enumerate(names) if n is not None}
    if len(tensors) > 1 and _joined(value):
        return {name: k for k, name in enumerate(tensors)}
    if items is None:
        return {_single(reading, _returned(reading.node), tensors): None}
    return _of_items(reading, items, tensors, behind_loss)


def _keyed(reading: Reading, value: ast.Dict, tensors: Sequence[str]) -> dict[str, Any]:
    """The gradients in a dict, by its keys."""
    named = {k.value: gradient_named(reading.op, str(k.value)) for k in value.keys if isinstance(k, ast.Constant)}
    found = {tensor: key for key, tensor in named.items() if tensor is not None}
    found = found or {t: key for key in named for t in tensors if t in {key, tensor_named(str(key))}}
    if found:
        return found
    keys = ", ".join(map(repr, named)) or "no keys"
    raise SpecError(
        f"{reading.node.name} returns a dict with {keys}, which do not say whose gradients they are; name them by "
        f"the tensors ({{'d{tensors[0]}': ...}}), or return a tuple"
    )


def _beside_left(
    reading: Reading, value: ast.expr | None, tensors: Sequence[str], left: Mapping[str, str]
) -> dict[str, Any]:
    """What a method returns beside the gradients that it leaves as attributes."""
    mine = gradient_named(reading.op, value.id) if isinstance(value, ast.Name) else None
    rest = [t for t in tensors if t not in left]
    each = value.elts if isinstance(value, ast.Tuple) else []
    handed = [_named(reading, one) for one in each]
    if handed and all(handed) and not {*handed} & {*left} and len({*handed}) == len(handed):
        return {**{name: place for place, name in enumerate(handed) if name}, **left}
    if not mine and not rest and isinstance(value, ast.BinOp | ast.UnaryOp | ast.Call):
        # A value of its own is what the layer hands on.
        mine = tensors[0]
    return {**({mine or rest[0]: None} if mine or rest else {}), **{t: k for t, k in left.items() if t != mine}}


def _of_items(reading: Reading, items: Sequence[ast.expr], tensors: Sequence[str], behind_loss: bool) -> dict[str, Any]:
    """The gradients in a tuple that is written out: by their names, else by order."""
    named = [_named(reading, item) for item in items]
    known = [k for k, item in enumerate(items) if not _is_none(item)]
    if len({n for n in named if n}) == len(known):
        return {n: k for k, n in enumerate(named) if n is not None}
    if behind_loss and any(named):
        # Some say whose they are, ``loss, da, -da``.
        own = [name if named.count(name) == 1 else None for name in named]
        rest = [name for name in tensors if name not in own]
        unnamed = dict(zip((k for k in known if not own[k]), rest, strict=False))
        return {one: k for k in known if (one := own[k] or unnamed.get(k))}
    if len(items) >= len(tensors) and all(k < len(tensors) for k in known):
        return {tensors[k]: k for k in known}
    if len(known) <= len(tensors):
        return dict(zip(tensors, known, strict=False))
    raise SpecError(
        f"{reading.node.name} returns {len(items)} values; say which gradients they are, with returns=(...)"
    )


def _named(reading: Reading, item: ast.expr) -> str | None:
    """The tensor whose gradient something is, by its name."""
    return gradient_named(reading.op, item.id) if isinstance(item, ast.Name) else None


def ordered_results(reading: Reading, forward: ast.FunctionDef, returns: Sequence[str] | None) -> dict[str, Any]:
    """The results of ``backward``; an autograd function returns one for each argument of ``forward``."""
    plain = positional(forward.args)
    if returns is None and plain[:1] == ["ctx"]:
        return _by_position(reading, plain[1:])
    return results_of(reading, returns)


def _by_position(reading: Reading, arguments: Sequence[str]) -> dict[str, Any]:
    """One result for each argument of ``forward``, whatever they are called."""
    assert reading.forward is not None
    held = [reading.forward.tensors.get(name) for name in arguments]
    order = [None if tensor is None or is_selector(tensor) else tensor for tensor in held]
    value = _result(reading)
    if not isinstance(value, ast.Tuple | ast.List):
        if len(order) == 1:
            return {order[0]: None} if order[0] else {}
        return {tensor: k for k, tensor in enumerate(order) if tensor}
    for name, tensor, item in zip(arguments, order, value.elts, strict=False):
        if tensor is None and isinstance(item, ast.BinOp | ast.Call):
            raise SpecError(
                f"{reading.forward.node.name}: {name} was taken for a number, and line {item.lineno} returns a "
                "gradient of it; if it is a tensor, save it with ctx.save_for_backward or call it otherwise"
            )
    if more := [item for item in value.elts[len(order) :] if not _is_none(item)]:
        raise SpecError(
            f"{reading.node.name} returns {len(value.elts)} values, line {more[0].lineno}; forward has {len(order)} "
            "arguments, and each has one gradient"
        )
    return {
        tensor: k
        for k, (tensor, item) in enumerate(zip(order, value.elts, strict=False))
        if tensor and not _never_set(reading.node, item)
    }


def _result(reading: Reading) -> ast.expr | None:
    """The expression of what is returned: through a name, and through a function of the same text."""
    node, seen = reading.node, set[str]()
    while True:
        value = _returned(node)
        if isinstance(value, ast.Name):
            value = as_written_out(node, value.id) or _assigned(node, value.id) or value
        called = value.func.id if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else ""
        if called not in reading.program.functions or called in seen:
            return value
        seen.add(called)
        node = reading.program.functions[called]


def _single(reading: Reading, value: ast.expr | None, tensors: list[str]) -> str:
    """The gradient that a function with one result returns: by its name, else by the shape it has."""
    root = value
    while isinstance(root, ast.Subscript | ast.Attribute):
        root = root.value
    named = root.id if isinstance(root, ast.Name) else ""
    for suffix in ("", "_padded", "_pad", "pad", "p"):
        found = gradient_named(reading.op, named.removesuffix(suffix)) if named else None
        if found is not None:
            return found
    words = reading.node.name.lower()
    found = gradient_named(reading.op, reading.node.name)
    for tensor, hints in (("x", ("input", "data")), ("w", ("weight", "filter")), ("b", ("bias",))):
        if found is None and tensor in tensors and any(hint in words for hint in hints):
            found = tensor
    if found is None and reading.op.several and len(tensors) > 1:
        raise SpecError(
            f"{reading.node.name} returns one value; say which gradient it is, with returns=({tensors[0]!r},)"
        )
    # Of a loss the gradient in what is predicted is meant.
    tensors = [name for name in tensors if name.lower() not in TARGETS] or tensors
    return found or (None if reading.op.several else _by_shape(reading, tensors)) or tensors[0]


def _joined(value: ast.expr | None) -> bool:
    """Whether it is a tuple or list that is not written out: ``(dx, dw) + (db,)``, ``(*grads, db)``, ``np.split``."""
    match value:
        case ast.Tuple(items) | ast.List(items):
            return any(isinstance(one, ast.Starred) for one in items)
        case ast.BinOp(left, ast.Add(), right):
            return any(isinstance(one, ast.Tuple | ast.List) or _joined(one) for one in (left, right))
        case ast.Call(ast.Name(name) | ast.Attribute(_, name)):
            return name in _OF_TUPLES
    return False


def _by_shape(reading: Reading, tensors: list[str]) -> str | None:
    """The tensor that has the shape of the result at some sizes."""
    for seed, shapes in enumerate(geometries(reading.op, GEOMETRIES, 0)):
        arrays = {name: array.astype(np.float64) for name, array in drawn(reading.op, shapes, seed).items()}
        if len(set(shapes.values())) < len(shapes) or any(a.size > RESULT_CELLS for a in arrays.values()):
            continue
        with suppress(SymconvError, Undecided, Mismatch, Misfit):
            got = computed(reading, arrays, None)
            return next((name for name in tensors if shapes[name] == got.shape), None)
    return None


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _never_set(node: ast.FunctionDef, item: ast.expr) -> bool:
    """Whether it is None, or a name that nothing but None is put under: ``grad_target = None`` on every way."""
    if not isinstance(item, ast.Name):
        return _is_none(item)
    stored = sum(isinstance(one, ast.Name) and one.id == item.id and isinstance(one.ctx, ast.Store | ast.Del)
                 for one in ast.walk(node))  # fmt: skip
    without = [target for one in ast.walk(node) if isinstance(one, ast.Assign) and _is_none(one.value)
               for target in one.targets if isinstance(target, ast.Name) and target.id == item.id]  # fmt: skip
    return 0 < stored == len(without)


def _returned(node: ast.FunctionDef) -> ast.expr | None:
    found = [one.value for one in own_statements(node) if isinstance(one, ast.Return)]
    if not found:
        raise CodeError(
            f"{node.name} returns nothing; let it return the gradients (return dx, dw), or leave them as attributes "
            "that say whose they are (self.dinputs = ..., self.dweights = ...)",
            node.lineno,
        )
    return found[-1]


def _assigned(node: ast.FunctionDef, name: str) -> ast.expr | None:
    found = None
    for one in own_statements(node):
        if isinstance(one, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in one.targets):
            found = one.value
    return found
