"""Methods that return nothing and leave their results as attributes: ``self.output = ...``, ``self.dinputs = ...``."""

from __future__ import annotations

import ast
from copy import deepcopy

from symconv.code.source.keyed import own_attribute
from symconv.code.source.signatures import parameters
from symconv.code.source.trouble import CodeError

__all__ = ["own_statements", "with_output"]

_OUTPUTS = frozenset({"output", "outputs", "out", "y", "z", "a", "o", "h", "result", "activation", "activations",
                      "loss", "last_output", "layer_output", "forward_output", "probs", "scores", "value"})  # fmt: skip


def with_output(forward: ast.FunctionDef) -> ast.FunctionDef:
    """A forward method with a ``return`` of the attribute that is its output, where it returns nothing.

    Raises CodeError where it cannot be told which one that is.
    """
    returns = [one for one in own_statements(forward) if isinstance(one, ast.Return)]
    if any(one.value is not None for one in returns) or parameters(forward.args)[:1] != ["self"]:
        return forward
    every, found = _results(forward)
    if not every:
        return forward
    named = [name for name in every if name.lower().strip("_") in _OUTPUTS]
    likely = found if len(found) == 1 else ["output"] if "output" in named else named
    found = found or every
    if len(likely) != 1:
        each = ", ".join(f"self.{name}" for name in likely or found)
        raise CodeError(
            f"{forward.name} returns nothing, and which of {each} is its output cannot be told; let it end with "
            f"return self.{(likely or found)[-1]}",
            forward.lineno,
        )
    new = deepcopy(forward)
    new.body = [_Returning(likely[0]).visit(one) for one in new.body]
    new.body.append(_returned(likely[0], new.body[-1]))
    return new


def own_statements(node: ast.AST) -> list[ast.AST]:
    """Parts of a function without those of the functions in it."""
    found: list[ast.AST] = []
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            found += [child, *own_statements(child)]
    return found


def _results(forward: ast.FunctionDef) -> tuple[list[str], list[str]]:
    """The attributes that are set, in order, and those of them that do not keep a parameter as it is."""
    given = {*parameters(forward.args)}
    every, found = list[str](), list[str]()
    for one in own_statements(forward):
        match one:
            case ast.Assign(targets, value):
                names = [name for target in targets if (name := own_attribute(target))]
                every += names
                found += [] if isinstance(value, ast.Name) and value.id in given else names
    return list(dict.fromkeys(every)), list(dict.fromkeys(found))


def _returned(name: str, place: ast.AST) -> ast.Return:
    value = ast.Attribute(ast.Name("self", ast.Load()), name, ast.Load())
    return ast.fix_missing_locations(ast.copy_location(ast.Return(value), place))


class _Returning(ast.NodeTransformer):
    """Each empty ``return`` with the attribute; those of inner functions stay."""

    def __init__(self, name: str) -> None:
        self.name = name

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return node

    def visit_Return(self, node: ast.Return) -> ast.AST:
        return _returned(self.name, node)
