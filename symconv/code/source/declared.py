"""The shapes that ``__init__`` gives the parameters of a layer: ``self.W = np.random.randn(F, C, k, k)``."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from symconv.code.source.initial import Initial
from symconv.code.source.keyed import own_attribute
from symconv.notation.affine import Affine, affine, var

__all__ = ["Shape", "declared_names", "declared_shapes"]

Shape = tuple[int | str | Affine | None, ...]
"""A length for each axis: a number, the parameter of ``__init__`` that it is, a sum of such, else None."""

_OF_SHAPE = frozenset({"zeros", "ones", "empty", "full", "standard_normal", "random_sample"})
_OF_LENGTHS = frozenset({"randn", "rand"})
_DRAWN = frozenset({"normal", "uniform", "truncated_normal", "randint"})
_KEPT = frozenset({"astype", "Parameter", "Tensor", "Variable", "array", "asarray", "float", "double", "to"})
_DICTS = frozenset({"params", "parameters", "param", "weights", "_params"})


def declared_shapes(initial: Initial) -> dict[str, Shape]:
    """The attributes that are set to arrays of shapes that are written out, once or always with the same one."""
    return dict(_declared(initial))


# Each run of a method on numbers begins with them.
@lru_cache(maxsize=64)
def _declared(initial: Initial) -> dict[str, Shape]:
    found: dict[str, set[Shape]] = {}
    locals_ = dict(_locals(initial.body))
    for target, value in _set(initial.body):
        shape = _shape(value, locals_, initial)
        if shape is not None:
            found.setdefault(target, set()).add(shape)
        elif not (isinstance(value, ast.Constant) and value.value is None):
            found.setdefault(target, set()).update(((), (None,)))
    return {name: shapes.pop() for name, shapes in found.items() if len(shapes) == 1}


def declared_names(initial: Initial) -> frozenset[str]:
    """The parameters of ``__init__`` that are lengths of such arrays, and the attributes that are these."""
    lengths = {one for shape in declared_shapes(initial).values() for one in shape if isinstance(one, str)}
    held = {own_attribute(one) for node in initial.body for one in ast.walk(node)} - {None}
    return frozenset(lengths | {name for name in held if name and initial.parameter(name) in lengths})


def _set(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    """What attributes are set to, and items of dicts of parameters."""
    for one in (part for node in body for part in ast.walk(node)):
        match one:
            case ast.Assign([target], value) | ast.AnnAssign(target, _, ast.expr() as value):
                if name := own_attribute(target):
                    yield name, value
                match target, value:
                    case ast.Subscript(owner, ast.Constant(str() as key)), _ if own_attribute(owner) in _DICTS:
                        yield key, value
                    case _, ast.Dict(keys, values) if own_attribute(target) in _DICTS:
                        for word, item in zip(keys, values, strict=True):
                            if isinstance(word, ast.Constant) and isinstance(word.value, str):
                                yield word.value, item


def _locals(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    """The variables that are bound once."""
    nodes = [part for node in body for part in ast.walk(node)]
    stored = [one.id for one in nodes if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)]
    for one in nodes:
        match one:
            case ast.Assign([ast.Name(name)], value) if stored.count(name) == 1:
                yield name, value


def _tuples(initial: Initial) -> Iterator[tuple[str, ast.Tuple]]:
    """The attributes and variables that are tuples, set once: ``self.shape = (F, C, k, k)``."""
    nodes = [part for node in initial.body for part in ast.walk(node)]
    words = [_target(one) for one in nodes if isinstance(getattr(one, "ctx", None), ast.Store)]
    for one in nodes:
        match one:
            case ast.Assign([target], ast.Tuple() as value) if words.count(_target(target)) == 1:
                yield _target(target), value


def _target(node: ast.AST) -> str:
    name = own_attribute(node)
    return f"self.{name}" if name is not None else getattr(node, "id", "")


def _shape(node: ast.expr, locals_: Mapping[str, ast.expr], initial: Initial) -> Shape | None:
    match node:
        case ast.Name(name) if name in locals_ and not _refers(locals_[name], name):
            return _shape(locals_[name], locals_, initial)
        case ast.BinOp(left, ast.Mult() | ast.Div() | ast.Add() | ast.Sub(), right):
            # Beside an array stands a scale, or a shift.
            sides = [one for one in (_shape(left, locals_, initial), _shape(right, locals_, initial)) if one]
            return sides[0] if len(sides) == 1 else None
        case ast.Call(function, arguments, keywords):
            return _made(function, arguments, {k.arg: k.value for k in keywords}, locals_, initial)
    return None


def _made(function: ast.expr, arguments: list[ast.expr], options: Mapping[str | None, ast.expr],
          locals_: Mapping[str, ast.expr], initial: Initial) -> Shape | None:  # fmt: skip
    name = getattr(function, "attr", getattr(function, "id", ""))
    said = options.get("size") or options.get("shape")
    if name in _KEPT:
        inner = function.value if isinstance(function, ast.Attribute) else None
        for one in (*arguments[:1], *([inner] if inner is not None else [])):
            if (found := _shape(one, locals_, initial)) is not None:
                return found
        return None
    if name in _OF_SHAPE | _DRAWN and said is not None:
        return _lengths([said], initial)
    if name in _OF_SHAPE and arguments:
        return _lengths(arguments[:1] if isinstance(arguments[0], ast.Tuple | ast.List) or len(arguments) < 2
                        or not _torch(function) else arguments, initial)  # fmt: skip
    if name in _OF_LENGTHS and arguments:
        return _lengths(arguments, initial)
    if name in _DRAWN and len(arguments) == 3 and not options:
        return _lengths(arguments[2:], initial)
    return None


def _torch(function: ast.expr) -> bool:
    return any(isinstance(one, ast.Name) and one.id == "torch" for one in ast.walk(function))


def _lengths(each: list[ast.expr], initial: Initial) -> Shape | None:
    tuples = dict(_tuples(initial))
    match each:
        case [ast.Starred(one) | (ast.Name() | ast.Attribute() as one)] if _target(one) in tuples:
            each = [tuples[_target(one)]]
    if len(each) == 1 and isinstance(each[0], ast.Tuple | ast.List):
        each = each[0].elts
    elif len(each) == 1 and not _scalar(each[0], initial):
        return None
    if any(isinstance(one, ast.Starred) for one in each):
        return None
    return tuple(_length(one, initial) for one in each)


def _scalar(node: ast.expr, initial: Initial) -> bool:
    """Whether what stands alone as a shape is one length: a number, or a parameter that another array has as one."""
    match node:
        case ast.Constant(int()):
            return True
        case ast.Name(name):
            return name in initial.defaults and any(_among(one, name) for one in initial.body)
    attribute = own_attribute(node)
    return attribute is not None and any(_among(one, attribute) for one in initial.body)


def _among(node: ast.stmt, name: str) -> bool:
    """Whether a name stands among several lengths, or as one of several arguments of ``randn``."""

    def is_it(one: ast.AST) -> bool:
        return (isinstance(one, ast.Name) and one.id == name) or own_attribute(one) == name

    for one in ast.walk(node):
        match one:
            case ast.Tuple(items) | ast.Call(ast.Attribute(_, "randn" | "rand"), items) if len(items) > 1:
                if any(map(is_it, items)):
                    return True
    return False


def _length(node: ast.expr, initial: Initial) -> int | str | Affine | None:
    match node:
        case ast.BinOp(left, ast.Add() | ast.Sub() as op, right):
            sides = [_length(one, initial) for one in (left, right)]
            if None in sides:
                return None
            first, second = (one if isinstance(one, Affine) else var(one) if isinstance(one, str) else affine(one or 0)
                             for one in sides)  # fmt: skip
            return first + second if isinstance(op, ast.Add) else first - second
        case ast.Constant(int() as number) if not isinstance(number, bool):
            return number
        case ast.Name(name) if name in initial.defaults:
            return name if name not in _bound(initial) else None
    attribute = own_attribute(node)
    given = initial.parameter(attribute) if attribute is not None and attribute in initial.lasting else None
    return given if given not in _bound(initial) else None


def _bound(initial: Initial) -> frozenset[str]:
    """The names that ``__init__`` binds: a parameter among them may be something else than what was given."""
    nodes = (part for node in initial.body for part in ast.walk(node))
    return frozenset(n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))


def _refers(node: ast.expr, name: str) -> bool:
    return any(isinstance(one, ast.Name) and one.id == name for one in ast.walk(node))
