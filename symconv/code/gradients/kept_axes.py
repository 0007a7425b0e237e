"""Parameters broadcast along axes of length 1, as their gradients show: ``(g * x).sum((0, 2, 3), keepdim=True)``.

A gradient has the shape of its parameter. Where a backward function keeps the axes that it sums over, the parameter of
``x * w`` is 1 x C x 1 x 1, though the forward function says nothing of it; beside matrices it is a row or a column.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from symconv.code.source.declared import Shape
from symconv.code.source.signatures import parameters

__all__ = ["begun_shapes", "broadcast_shapes", "given_in", "literal", "word_of"]

_SUMS = frozenset({"sum", "mean"})


def broadcast_shapes(
    forward: ast.FunctionDef, backward: ast.FunctionDef | None, tensors: Mapping[str, str]
) -> dict[str, Shape]:
    """The shapes of tensors, by the parameters that they are, whose gradients are sums that keep all axes but one.

    Gradients are told by the order in which they are returned, one for each parameter of ``forward``, or for each
    tensor among them.
    """
    items = _returned(backward) if backward is not None else ()
    every = [name for name in parameters(forward.args) if name not in {"ctx", "self"}]
    names = every if len(items) == len(every) else [name for name in every if name in tensors]
    if backward is None or len(items) != len(names):
        return {}
    found: dict[str, Shape] = {}
    for name, item in zip(names, items, strict=True):
        value = _value(backward, item)
        shape = _kept(value) if value is not None else _laid(backward, item)
        if name in tensors and shape is not None and _bare(forward, name):
            found[tensors[name]] = shape
    # One number of axes is meant: that of what is summed.
    return found if len({len(shape) for shape in found.values()}) == 1 else {}


def begun_shapes(
    forward: ast.FunctionDef, backward: ast.FunctionDef | None, tensors: Mapping[str, str]
) -> dict[str, Shape]:
    """The shapes of tensors whose gradients begin as ``np.zeros((1, 1, 1, C))``, and which are read at 0 there.

    Of ``b[0, 0, 0, c]`` nothing else says that the first axes have length 1, and of ``b[..., c]`` that there are any.
    """
    items = _returned(backward) if backward is not None else ()
    names = [name for name in parameters(forward.args) if name in tensors]
    if backward is None or len(items) != len(names):
        return {}
    found: dict[str, Shape] = {}
    for name, item in zip(names, items, strict=True):
        match _value(backward, item):
            case ast.Call(ast.Attribute(_, "zeros" | "empty"), [ast.Tuple(lengths), *_]):
                shape = tuple(1 if isinstance(one, ast.Constant) and one.value == 1 else None for one in lengths)
                if 1 in shape and _read_first(forward, name, shape):
                    found[tensors[name]] = shape
    return found


def given_in(nodes: Iterable[ast.AST]) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What is given to what: to names, one by one in tuples, and to the keys of a dict."""
    for one in nodes:
        match one:
            case ast.Assign(targets, value):
                yield from (two for target in targets for two in _each(target, value))
            case ast.Dict(keys, values):
                yield from ((key, value) for key, value in zip(keys, values, strict=True) if key is not None)


def word_of(target: ast.expr) -> str:
    """The name, the attribute or the key that something is put under."""
    match target:
        case (
            ast.Name(name)
            | ast.Attribute(_, name)
            | ast.Constant(str(name))
            | ast.Subscript(_, ast.Constant(str(name)))
        ):
            return name
    return ""


def _read_first(forward: ast.FunctionDef, name: str, shape: Shape) -> bool:
    """Whether a parameter is read by subscripts alone, with an entry for each axis, and those of length 1 are 0.

    An ellipsis stands for axes of length 1 alone.
    """
    reads = [one for one in ast.walk(forward) if isinstance(one, ast.Subscript) and _is(one.value, name)]
    kept = {id(part) for one in ast.walk(forward) if isinstance(one, ast.Tuple) for part in one.elts}
    loose = [one for one in ast.walk(forward) if _is(one, name) and id(one) not in kept
             and not any(one is read.value for read in reads)]  # fmt: skip
    for one in reads:
        entries = _written_out(one.slice.elts if isinstance(one.slice, ast.Tuple) else [one.slice], len(shape))
        if len(entries) != len(shape):
            return False
        if any(length == 1 and not (isinstance(entry, ast.Constant) and entry.value == 0)
               for length, entry in zip(shape, entries, strict=True)):  # fmt: skip
            return False
    return bool(reads) and not loose


def _written_out(entries: list[ast.expr], rank: int) -> list[ast.expr]:
    """Entries of a subscript with 0 for each axis that an ellipsis stands for."""
    at = [k for k, one in enumerate(entries) if isinstance(one, ast.Constant) and one.value is Ellipsis]
    if len(at) != 1:
        return entries
    first = ast.Constant(0)
    return [*entries[: at[0]], *[first] * (rank - len(entries) + 1), *entries[at[0] + 1 :]]


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _bare(forward: ast.FunctionDef, name: str) -> bool:
    """Whether a parameter stands as it is: one that is given other axes may have any number of its own."""
    shaped = (one.value for one in ast.walk(forward) if isinstance(one, ast.Attribute | ast.Subscript))
    return not any(isinstance(one, ast.Name) and one.id == name for one in shaped)


def _returned(backward: ast.FunctionDef) -> tuple[ast.expr, ...]:
    """What a function returns in its only return."""
    found = [one for one in ast.walk(backward) if isinstance(one, ast.Return)]
    match found:
        case [ast.Return(ast.Tuple(items))]:
            return tuple(items)
    return ()


def _value(backward: ast.FunctionDef, item: ast.expr) -> ast.expr | None:
    """What is returned, or what a name of it is given once."""
    if not isinstance(item, ast.Name):
        return item
    stored = [one for one in ast.walk(backward) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)]
    given = [value for one in ast.walk(backward) if isinstance(one, ast.Assign) and len(one.targets) == 1
             for target, value in _each(one.targets[0], one.value) if _is(target, item.id)]  # fmt: skip
    return given[0] if len(given) == 1 and sum(one.id == item.id for one in stored) == 1 else None


def _laid(backward: ast.FunctionDef, item: ast.expr) -> Shape | None:
    """The shape of a column that a sum is laid as, ``db = dout.sum((0, 2, 3))`` and then ``db = db.reshape(F, -1)``."""
    if not isinstance(item, ast.Name):
        return None
    given = [value for to, value in given_in(ast.walk(backward)) if _is(to, item.id)]
    match given:
        case [ast.Call(ast.Attribute(_, "sum"), arguments, options),
              ast.Call(ast.Attribute(owner, "reshape"), [_, last])]:  # fmt: skip
            named = {one.arg: one.value for one in options}
            axes = literal(named.get("axis", arguments[-1] if arguments else ast.Constant(None)))
            if _is(owner, item.id) and literal(last) in {1, -1} and isinstance(axes, tuple) and "keepdims" not in named:
                return (None, 1) if {*axes} == {*range(len(axes) + 1)} - {1} else None
    return None


def _each(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    """What is given to which name, in ``dx, dw = np.zeros_like(x), np.zeros_like(w)`` too."""
    match target, value:
        case ast.Tuple(names), ast.Tuple(values) if len(names) == len(values):
            return list(zip(names, values, strict=True))
    return [(target, value)]


def _kept(value: ast.expr) -> Shape | None:
    """The shape of a sum over constant axes that are kept, where one axis is left."""
    match value:
        case ast.Call(ast.Attribute(_, word), arguments, options) if word in _SUMS:
            named = {one.arg: one.value for one in options}
            keeps = named.get("keepdims", named.get("keepdim"))
            axes = named.get("axis", named.get("dim", arguments[-1] if arguments else None))
            whole = literal(axes) if axes is not None else None
            whole = {0: (0,), 1: (1,), -1: (1,)}.get(whole) if isinstance(whole, int) else whole
            if isinstance(keeps, ast.Constant) and keeps.value is True and isinstance(whole, tuple):
                rank = len(whole) + 1
                if whole and set(whole) < {*range(rank)} and len({*whole}) == len(whole):
                    return tuple(1 if axis in whole else None for axis in range(rank))
    return None


def literal(node: ast.expr) -> object:
    """What is written out, ``(0, 2)``; None where anything is computed."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):  # a set of lists is none
        return None
