"""Parameters and gradients that a class keeps in lists, as attributes: ``W, b = self.params`` reads ``self.W``."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from symconv.code.source.keyed import own_attribute, reached

__all__ = ["as_attributes"]

_PARAMETERS = "params"
_GRADIENTS = "grads"


def as_attributes(node: ast.ClassDef) -> None:
    """Rewrites ``__init__`` and the methods that are read, where the lists are used by known positions alone.

    ``self.params = [W, b]`` in ``__init__`` says what the positions are, in ``self.grads`` too.
    """
    starts = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
    names = _parameters(starts[0]) if len(starts) == 1 else ()
    taken = {name for one in ast.walk(node) if (name := own_attribute(one))}
    sets = sum(isinstance(one.ctx, ast.Store) for one in ast.walk(node)
               if isinstance(one, ast.Attribute) and one.attr == _PARAMETERS)  # fmt: skip
    new = {name for name in names if name not in _own(starts[0])}
    gradients = tuple(f"d{name}" for name in names)
    if sets != 1 or not names or len({*names, *gradients}) < 2 * len(names) or taken & {*new, *gradients}:
        return
    methods = [*starts, *reached(node).values()]
    listed = _Listed({_PARAMETERS: names, _GRADIENTS: gradients}, _zeros(starts[0], names))
    if all(listed.reads(method) for method in methods):
        for method in methods:
            method.body = [each for one in method.body for each in _as_list(listed.visit(one))]


def _parameters(start: ast.FunctionDef) -> tuple[str, ...]:
    """What ``self.params`` is set to once, by name: parameters and variables, or attributes."""
    found = [one.value for one in ast.walk(start) if isinstance(one, ast.Assign) and _is(one.targets, _PARAMETERS)]
    if len(found) != 1 or not isinstance(found[0], ast.List | ast.Tuple):
        return ()
    names = [one.id if isinstance(one, ast.Name) else own_attribute(one) for one in found[0].elts]
    return tuple(filter(None, names)) if all(names) and len({*names}) == len(names) else ()


def _own(start: ast.FunctionDef) -> set[str]:
    """The attributes that are in the list themselves: ``self.params = [self.W]``."""
    return {name for one in ast.walk(start) if isinstance(one, ast.Assign) and _is(one.targets, _PARAMETERS)
            for part in ast.walk(one.value) if (name := own_attribute(part))}  # fmt: skip


def _zeros(start: ast.FunctionDef, names: tuple[str, ...]) -> ast.expr | None:
    """``np.zeros_like`` where ``self.grads`` begins as one of it for each parameter."""
    for one in ast.walk(start):
        if isinstance(one, ast.Assign) and _is(one.targets, _GRADIENTS) and isinstance(one.value, ast.List):
            calls = [part for part in one.value.elts if isinstance(part, ast.Call)]
            makers = {ast.dump(part.func): part.func for part in calls}
            if tuple(map(_zeroed, one.value.elts)) == names and len(makers) == 1:
                return calls[0].func
    return None


def _zeroed(node: ast.expr) -> str | None:
    match node:
        case ast.Call(ast.Attribute(_, "zeros_like"), [like], []):
            return like.id if isinstance(like, ast.Name) else own_attribute(like)
    return None


def _is(targets: Sequence[ast.AST], name: str) -> bool:
    return len(targets) == 1 and own_attribute(targets[0]) == name


def _as_list(found: ast.stmt | list[ast.stmt]) -> list[ast.stmt]:
    return found if isinstance(found, list) else [found]


class _Listed(ast.NodeTransformer):
    """``names`` are those of the positions of each list; ``zeros`` makes a gradient that is filled in place."""

    def __init__(self, names: Mapping[str, tuple[str, ...]], zeros: ast.expr | None) -> None:
        self.names = names
        self.zeros = zeros

    def reads(self, method: ast.FunctionDef) -> bool:
        """Whether every use of the lists in a method is one that is rewritten."""
        uses = sum(own_attribute(one) in self.names for one in ast.walk(method))
        return uses == sum(self._known(one) for one in ast.walk(method))

    def _known(self, node: ast.AST) -> bool:
        match node:
            case ast.Assign([ast.Tuple(targets) | ast.List(targets)], value) if (
                name := own_attribute(value)
            ) in self.names:
                begun = name == _PARAMETERS or self.zeros is not None
                count = len(self.names[_PARAMETERS])
                return begun and len(targets) == count and all(isinstance(t, ast.Name) for t in targets)
            case ast.Assign([target], ast.List(each) | ast.Tuple(each)) if (
                name := own_attribute(target)
            ) in self.names:
                return name is not None and len(each) == len(self.names[name])
            case ast.Subscript(owner, _, ast.Load() | ast.Store()) if own_attribute(owner) in self.names:
                return self._named(node) is not None
        return False

    def _named(self, node: ast.AST) -> str | None:
        """The attribute that ``self.params[0]`` is."""
        match node:
            case ast.Subscript(owner, ast.Constant(int() as place)):
                names = self.names.get(own_attribute(owner) or "", ())
                return names[place] if 0 <= place < len(names) else None
        return None

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        if (name := self._named(node)) is not None:
            return _attribute(node, name, node.ctx)
        self.generic_visit(node)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.stmt | list[ast.stmt]:
        match node:
            case ast.Assign([ast.Tuple() | ast.List()], value) if own_attribute(value) == _PARAMETERS:
                each: list[ast.expr] = [_attribute(node, name, ast.Load()) for name in self.names[_PARAMETERS]]
                node.value = ast.copy_location(ast.Tuple(each, ast.Load()), value)
                return node
            case ast.Assign([ast.Tuple() | ast.List()], value) if own_attribute(value) == _GRADIENTS:
                # Each is what the list began with, and is filled in place: dW, = self.grads; dW[...] = 0.
                names = self.names[_GRADIENTS]
                begun = [self._begun(node, name) for name in names]
                each = [_attribute(node, name, ast.Load()) for name in names]
                node.value = ast.copy_location(ast.Tuple(each, ast.Load()), value)
                return [*begun, node]
            case ast.Assign([target], ast.List(values) | ast.Tuple(values)) if own_attribute(target) in self.names:
                names = self.names[own_attribute(target) or ""]
                return [_set(node, name, self.visit(value)) for name, value in zip(names, values, strict=True)]
            case ast.Assign([ast.Subscript(inner, ast.Constant(value=value))]) if value is Ellipsis and self.zeros:
                if (name := self._named(inner)) in self.names[_GRADIENTS] and name is not None:
                    empty = self._begun(node, name)
                    self.generic_visit(node)
                    return [empty, node]
        self.generic_visit(node)
        return node

    def _begun(self, node: ast.Assign, name: str) -> ast.stmt:
        """A gradient as the list begins with it."""
        assert self.zeros is not None
        like = _attribute(node, name.removeprefix("d"), ast.Load())
        return _set(node, name, ast.copy_location(ast.Call(self.zeros, [like], []), node))


def _attribute(place: ast.AST, name: str, ctx: ast.expr_context) -> ast.Attribute:
    return ast.fix_missing_locations(ast.copy_location(ast.Attribute(ast.Name("self", ast.Load()), name, ctx), place))


def _set(node: ast.Assign, name: str, value: ast.expr) -> ast.stmt:
    target = _attribute(node, name, ast.Store())
    return ast.fix_missing_locations(ast.copy_location(ast.Assign([target], value), node))
