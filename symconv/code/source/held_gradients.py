"""Parameters that a class shows by the gradients that it leaves beside them, and gradients that are added up."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from symconv.code.source.keyed import own_attribute, reached
from symconv.code.source.program import Program

__all__ = ["added_up", "called_methods", "numbers_in", "set_in_methods", "with_gradients"]


def called_methods(program: Program, forward: ast.FunctionDef) -> tuple[ast.FunctionDef, ...]:
    """Forward, and the methods of its class that it calls, and what these call."""
    owner = program.classes.get(program.owner)
    methods = {one.name: one for one in owner.body if isinstance(one, ast.FunctionDef)} if owner is not None else {}
    found = [forward]
    for node in found:
        named = dict.fromkeys(filter(None, map(own_attribute, ast.walk(node))))
        found += [methods[name] for name in named if name in methods and methods[name] not in found
                  and name != forward.name]  # fmt: skip
    return tuple(found)


def with_gradients(program: Program, forward: Sequence[ast.FunctionDef]) -> frozenset[str]:
    """The attributes that forward reads and sets nowhere, and whose gradients are set: ``W1`` beside ``self.dW1``."""
    if program.owner not in program.classes:
        return frozenset()
    nodes = [one for method in reached(program.classes[program.owner]).values() for one in ast.walk(method)]
    stored = {name for one in nodes if (name := own_attribute(one)) and _is_store(one)}
    read = {name for node in forward for one in ast.walk(node) if (name := own_attribute(one))}
    return frozenset(name for name in read - stored if stored & {*_gradients(name)})


def set_in_methods(program: Program) -> frozenset[str]:
    """The attributes that the methods which are read set."""
    node = program.classes.get(program.owner)
    nodes = [one for method in reached(node).values() for one in ast.walk(method)] if node is not None else []
    return frozenset(name for one in nodes if _is_store(one) and (name := own_attribute(one)))


def added_up(program: Program) -> dict[str, str]:
    """Gradients that are first set to zeros outside of backward, with their parameters: ``self.dW += ...``.

    Or whose elements are then set one by one.
    """
    if "added up" not in program.memo:
        program.memo["added up"] = _added_up(program)
    return dict(program.memo["added up"])


def _added_up(program: Program) -> dict[str, str]:
    node = program.classes.get(program.owner)
    if node is None:
        return {}
    grown = {own_attribute(one) for method in reached(node).values() for part in ast.walk(method)
             for one in _grown(part)}  # fmt: skip
    zeros = {name for one in ast.walk(node) for name in _zeroed(one)} - _otherwise_set(node)
    every = {name for one in ast.walk(node) if (name := own_attribute(one))}
    return {gradient: name for name in every for gradient in _gradients(name) if gradient in grown & zeros}


def _grown(node: ast.AST) -> Iterator[ast.expr]:
    """What a statement adds to, and that of which it sets elements."""
    match node:
        case ast.AugAssign(target):
            yield target.value if isinstance(target, ast.Subscript) else target
        case ast.Assign(targets):
            yield from (one.value for one in targets if isinstance(one, ast.Subscript))


def _otherwise_set(node: ast.ClassDef) -> set[str]:
    """The attributes that methods which are not read set to something else than zeros or None."""
    others = [one for one in node.body if one not in reached(node).values()]
    found: set[str] = set()
    for one in (part for method in others for part in ast.walk(method)):
        match one:
            case ast.Assign(_, ast.Constant(None)):
                pass
            case ast.Assign(targets) if not set(_zeroed(one)):
                found |= {name for target in targets for part in ast.walk(target) if (name := own_attribute(part))}
    return found


def numbers_in(node: ast.FunctionDef) -> dict[str, int]:
    """The attributes that count or bound something, with a line each: ``range(self.f)``, ``x[i:i + self.f]``.

    Also under names that they alone are given: ``k = self.f``.
    """
    found: dict[str, int] = {}
    named = _names_of_attributes(node)
    for one in ast.walk(node):
        match one:
            case ast.Slice() | ast.Call(ast.Name("range" | "int")):
                for name in _counted(one, named):
                    found.setdefault(name, getattr(one, "lineno", node.lineno))
    return found


def _names_of_attributes(node: ast.FunctionDef) -> dict[str, str]:
    stored = [one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)]
    found: dict[str, str] = {}
    for one in ast.walk(node):
        match one:
            case ast.Assign([ast.Name(name)], ast.Attribute() as value) if stored.count(name) == 1:
                if attribute := own_attribute(value):
                    found[name] = attribute
    return found


def _counted(node: ast.AST, named: Mapping[str, str]) -> Iterator[str]:
    """The attributes among the numbers that an expression is computed of."""
    if name := own_attribute(node):
        yield name
    match node:
        case ast.Name(word) if word in named:
            yield named[word]
        case ast.BinOp() | ast.UnaryOp() | ast.Slice() | ast.Call(ast.Name("range" | "int")):
            for child in ast.iter_child_nodes(node):
                yield from _counted(child, named)


def _gradients(name: str) -> tuple[str, ...]:
    return (f"d{name}", f"d_{name}", f"grad_{name}", f"grad{name}", f"{name}_grad", f"dLd{name}", f"dL_d{name}",
            f"dl_d{name}", f"d_L_d_{name}")  # fmt: skip


def _is_store(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)


def _zeroed(node: ast.AST) -> Iterator[str]:
    """The attributes that a statement sets to zeros."""
    match node:
        case ast.Assign(targets, ast.Call(ast.Attribute(_, "zeros" | "zeros_like")) | ast.Constant(0 | 0.0)):
            yield from filter(None, map(own_attribute, targets))
        case ast.Assign([target], ast.Dict(keys, values)) if own_attribute(target) in {"grads", "gradients", "grad"}:
            for key, value in zip(keys, values, strict=True):
                match key, value:
                    case ast.Constant(str() as word), (
                        ast.Call(ast.Attribute(_, "zeros" | "zeros_like")) | ast.Constant(0 | 0.0)
                    ):
                        yield from (word, f"d{word}")
