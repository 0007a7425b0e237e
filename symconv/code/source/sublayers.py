"""Layers that hold layers of the same text, as one layer: ``self.fc.forward(x)`` is a method of its own.

What ``self.fc = Affine(W, b)`` gives the inner layer becomes an attribute of the outer one: ``self.W`` and its gradient
``self.dW`` where it is the outer one's parameter ``W``, else ``self.x__fc``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass

from symconv.code.source.keyed import lineage, own_attribute, reached
from symconv.code.source.signatures import defaults, positional
from symconv.code.source.unrolled import Held, unroll

__all__ = ["flatten"]

_LAYER = frozenset({"forward", "backward", "__call__"})


def flatten(nodes: Iterable[ast.stmt]) -> None:
    """Rewrites the classes that make layers of others in ``__init__``."""
    classes = [one for one in nodes if isinstance(one, ast.ClassDef)]
    names = [one.name for one in classes]
    known = {one.name: one for one in classes if names.count(one.name) == 1}
    done = set[str]()
    for one in known.values():
        _flatten(one, known, done)


def _flatten(node: ast.ClassDef, known: Mapping[str, ast.ClassDef], done: set[str]) -> None:
    if node.name in done:
        return
    done.add(node.name)
    start = next(iter(_methods(node, "__init__")), None)
    held = _held(start, known) if start is not None else None
    if start is None or held is None or not held.calls:
        return
    for call in held.calls.values():
        _flatten(known[_called(call)], known, done)
    inner = {name: _inner(name, call, known, node, start) for name, call in held.calls.items()}
    owners: dict[str, list[str]] = {}
    for one in inner.values():
        for new in one.attributes.values():
            owners.setdefault(new, []).append(one.name)
    for one in inner.values():
        # Layers that share a parameter leave a gradient each.
        one.attributes.update({old: f"{old}__{one.name}" for old, new in one.attributes.items()
                               if old.startswith("d") and len(owners[new]) > 1})  # fmt: skip
    methods = [one for one in node.body if isinstance(one, ast.FunctionDef) and one is not start]
    for method in methods:
        method.body = [_Outer(inner).visit(one) for one in unroll(method.body, held)]
        ast.fix_missing_locations(method)
    start.body = [new for one in start.body for new in _started(one, held, inner)] or [ast.Pass()]
    node.body += [one for layer in inner.values() for one in layer.methods]


@dataclass(frozen=True)
class _Inner:
    """A layer that another one holds under ``name``: its methods and attributes as they are called there."""

    name: str
    attributes: dict[str, str]
    classes: tuple[ast.ClassDef, ...]
    start: tuple[ast.stmt, ...]

    @property
    def methods(self) -> Iterator[ast.FunctionDef]:
        seen = {"__init__"}
        for one in self.classes:
            for method in one.body:
                if isinstance(method, ast.FunctionDef) and method.name not in seen:
                    seen.add(method.name)
                    new = _Renamed(self).visit(deepcopy(method))
                    new.name = self.of(method.name)
                    new.body = [one for one in new.body if not _counts(one, self)] or [ast.Pass()]
                    yield ast.fix_missing_locations(new)

    def of(self, attribute: str) -> str:
        """What an attribute or a method is called."""
        return self.attributes.get(attribute, f"{attribute}__{self.name}")


def _held(start: ast.FunctionDef, known: Mapping[str, ast.ClassDef]) -> Held | None:
    """The layers that ``__init__`` makes, those in lists and dicts too."""
    calls: dict[str, ast.Call] = {}
    rows: dict[str, dict[object, str]] = {}
    stored = [own_attribute(one) for one in ast.walk(start)
              if isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Store)]  # fmt: skip
    for one in start.body:
        match one:
            case ast.Assign([target], ast.Call() as call) if (name := own_attribute(target)) and _layer(call, known):
                if stored.count(name) == 1:
                    calls[name] = call
            case ast.Assign([target], ast.List(items)) if (name := own_attribute(target)) and items:
                if all(isinstance(item, ast.Call) and _layer(item, known) for item in items):
                    rows[name] = {place: f"{name}_{place}" for place in range(len(items))}
                    calls |= {f"{name}_{k}": item for k, item in enumerate(items) if isinstance(item, ast.Call)}
            case ast.Assign([ast.Subscript(owner, ast.Constant(str() as key))], ast.Call() as call) if (
                (name := own_attribute(owner)) and _layer(call, known) and key.isidentifier()
            ):
                rows.setdefault(name, {})[key] = f"{name}_{key}"
                calls[f"{name}_{key}"] = call
    if any(stored.count(name) != 1 for name in rows):
        return None
    kinds = {name: frozenset(one.name for one in lineage(known[_called(call)], known)) for name, call in calls.items()}
    return Held(calls, rows, kinds)


def _layer(call: ast.Call, known: Mapping[str, ast.ClassDef]) -> bool:
    if _called(call) not in known or any(isinstance(one, ast.Starred) for one in call.args):
        return False
    return any(_methods(one, *_LAYER) for one in lineage(known[_called(call)], known))


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _methods(node: ast.ClassDef, *names: str) -> list[ast.FunctionDef]:
    return [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name in names]


def _inner(name: str, call: ast.Call, known: Mapping[str, ast.ClassDef], outer: ast.ClassDef,
           start: ast.FunctionDef) -> _Inner:  # fmt: skip
    line = lineage(known[_called(call)], known)
    begin = next((one for each in line for one in _methods(each, "__init__")), None)
    inner = _Inner(name, {}, tuple(line), ())
    if begin is None:
        return inner
    given = {**defaults(begin.args), **dict(zip(positional(begin.args)[1:], call.args, strict=False)),
             **{one.arg: one.value for one in call.keywords if one.arg}}  # fmt: skip
    every = {own_attribute(one) for each in line for one in ast.walk(each)} - {None}
    stored = [own_attribute(one) for each in line for one in ast.walk(each)
              if isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Store)]  # fmt: skip
    used = {own_attribute(one) for one in ast.walk(outer)} | {own_attribute(one) for one in call.args}
    for one in begin.body:
        match one:
            case ast.Assign([target], ast.Name(parameter)) if attribute := own_attribute(target):
                value = given.get(parameter)
                held = own_attribute(value) if value is not None else None
                new = value.id if isinstance(value, ast.Name) else held
                if new and stored.count(attribute) == 1 and (new not in used or held == new or _set_to(start, new)):
                    inner.attributes[attribute] = new
                    if f"d{attribute}" in every and f"d{new}" not in used:
                        inner.attributes[f"d{attribute}"] = f"d{new}"
    renamed = _Renamed(inner, {key: f"{key}__{name}" for key in (*positional(begin.args)[1:], *_locals(begin))})
    values = [ast.Assign([ast.Name(f"{key}__{name}", ast.Store())], deepcopy(value)) for key, value in given.items()]
    body = [*values, *(renamed.visit(deepcopy(one)) for one in begin.body)]
    return _Inner(name, inner.attributes, tuple(line), tuple(body))


def _set_to(start: ast.FunctionDef, name: str) -> bool:
    """Whether ``__init__`` sets an attribute to the variable of its name."""
    return any(isinstance(one, ast.Assign) and isinstance(one.value, ast.Name) and one.value.id == name
               and any(own_attribute(target) == name for target in one.targets) for one in start.body)  # fmt: skip


def _locals(node: ast.FunctionDef) -> list[str]:
    return [one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)]


def _started(node: ast.stmt, held: Held, inner: Mapping[str, _Inner]) -> Iterator[ast.stmt]:
    """A statement of ``__init__``, with those of the layers that it makes."""
    made = {id(call): name for name, call in held.calls.items()}
    names = [made[id(one)] for one in ast.walk(node) if id(one) in made]
    for name in names:
        for one in inner[name].start:
            yield ast.fix_missing_locations(ast.copy_location(deepcopy(one), node))
    if not names:
        yield _Outer(inner).visit(node)


def _counts(node: ast.stmt, layer: _Inner) -> bool:
    """Whether a statement only counts up an attribute that neither direction reads: a running sum for a report."""
    match node:
        case ast.AugAssign(ast.Attribute(ast.Name("self"), name)):
            own = name.removesuffix(f"__{layer.name}")
            return not own.startswith(("d", "grad")) and own not in _read_by(layer.classes)
    return False


def _read_by(line: Iterable[ast.ClassDef]) -> set[str]:
    """The attributes that forward and backward read, and the methods that they call."""
    parts = (one for method in reached(*line).values() for one in ast.walk(method))
    loads = (one for one in parts if isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Load))
    return {name for one in loads if (name := own_attribute(one))}


class _Renamed(ast.NodeTransformer):
    """An inner layer's attributes as the outer one calls them."""

    def __init__(self, inner: _Inner, names: Mapping[str, str] | None = None) -> None:
        self.inner = inner
        self.names = names or {}

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if own_attribute(node):
            return ast.copy_location(ast.Attribute(node.value, self.inner.of(node.attr), node.ctx), node)
        self.generic_visit(node)
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.copy_location(ast.Name(self.names.get(node.id, node.id), node.ctx), node)


class _Outer(ast.NodeTransformer):
    """``self.fc.forward`` as ``self.forward__fc``."""

    def __init__(self, inner: Mapping[str, _Inner]) -> None:
        self.inner = inner

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        layer = self.inner.get(own_attribute(node.value) or "")
        if layer is None:
            return node
        own = ast.copy_location(ast.Name("self", ast.Load()), node)
        return ast.copy_location(ast.Attribute(own, layer.of(node.attr), node.ctx), node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        layer = self.inner.get(own_attribute(node.func) or "")
        if layer is not None:
            # A layer that is called: self.fc(x).
            word = "__call__" if any(_methods(one, "__call__") for one in layer.classes) else "forward"
            node.func = ast.copy_location(ast.Attribute(node.func, word, ast.Load()), node.func)
        self.generic_visit(node)
        return node
