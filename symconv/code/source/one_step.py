"""The function of one step of a loop over time: the axis of time is taken away.

``x[:, t, :]`` is the step's ``x``, ``np.zeros((N, T, H))`` is ``np.zeros((N, H))``, and a list that each step appends
to is what the step keeps. The number of steps and the index of one may be used for nothing else.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from copy import deepcopy

from symconv.code.source.below import changed_below
from symconv.code.source.loops_in_time import Loop, Refused, axis_of

__all__ = ["stepped"]


def stepped(loop: Loop, takes: Sequence[str], head: Sequence[str], first: Sequence[str], last: Sequence[str],
            returns: Sequence[str]) -> ast.FunctionDef:  # fmt: skip
    """The function of one step: ``first`` stands behind what is done before the loop, ``last`` behind the step."""
    change = _OneStep(loop)
    own = [one for old in (*loop.before, *loop.body) for one in change.stated(deepcopy(old))]
    for one in (name for statement in own for name in ast.walk(statement) if isinstance(name, ast.Name)):
        # Its part of this step alone has this name now.
        if one.id in {loop.index, loop.length} or (one.id in {*loop.axes, loop.cache} and one not in change.read):
            raise Refused
    begun = len([one for old in loop.before for one in change.stated(deepcopy(old))])
    aliases = [f"{name} = {other}" for name, other in loop.aliases.items()]
    text = [f"def {loop.node.name}({', '.join(takes)}):", *head, "...", *first, "...", *aliases, *last,
            f"return {', '.join(returns)}"]  # fmt: skip
    (made,) = ast.parse("\n ".join(text)).body
    assert isinstance(made, ast.FunctionDef)
    for node in ast.walk(made):
        if hasattr(node, "lineno"):
            ast.copy_location(node, loop.node)
    places = [k for k, one in enumerate(made.body) if isinstance(one, ast.Expr)]
    made.body[places[1] : places[1] + 1] = own[begun:]
    made.body[places[0] : places[0] + 1] = own[:begun]
    return ast.fix_missing_locations(made)


class _OneStep(ast.NodeTransformer):
    """Statements without the axis of time; ``read`` are the names that mean the part of this step then."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.read: list[ast.Name] = []

    def stated(self, node: ast.stmt) -> list[ast.stmt]:
        """The statement, or none."""
        loop = self.loop
        match node:
            case ast.Assign([ast.Name(name)], _) if name in {loop.cache, loop.length}:
                return []
            case ast.Assign([ast.Tuple(parts)], ast.Name(name)) if loop.apart is not None and name == loop.cache:
                self.read += [one for one in parts if isinstance(one, ast.Name) and one.id in loop.apart]
                return [ast.copy_location(ast.Assign(node.targets, self._part(name)), node)]
            case ast.Expr(ast.Call(ast.Attribute(ast.Name(cache), "append"), [value])) if cache == loop.cache:
                node = ast.copy_location(ast.Assign([self._part(cache, ast.Store())], value), node)
            case ast.Assign([ast.Tuple(parts)], ast.Attribute(ast.Name(array), "shape")) if array in loop.axes:
                if loop.axes[array] >= len(parts):
                    raise Refused
                del parts[loop.axes[array]]
                node.value = ast.Attribute(self._part(array), "shape", ast.Load())
                return [ast.copy_location(node, node)]
            case ast.Assign([ast.Name(name)], ast.Call(_, [ast.Tuple(lengths), *_])) if name in loop.stores:
                del lengths[loop.stores[name]]
                node.targets = [self._part(name, ast.Store())]
            case ast.Assign([ast.Name(name)], ast.Call(_, [ast.Name(like), *_]) as call) if name in loop.stores:
                node.targets, call.args[0] = [self._part(name, ast.Store())], self._part(like)
        found = self.visit(node)
        assert isinstance(found, ast.stmt)
        return [ast.fix_missing_locations(found)]

    def _part(self, name: str, context: ast.expr_context | None = None) -> ast.Name:
        self.read.append(ast.Name(name, context or ast.Load()))
        return self.read[-1]

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """The part of one step, or a length of it."""
        loop = self.loop
        match node:
            case ast.Subscript(ast.Name(name), index) if (axis := axis_of(index, loop.index)) is not None:
                if loop.axes.setdefault(name, axis) != axis:
                    raise Refused
                rest = [one for one in (index.elts if isinstance(index, ast.Tuple) else [index])
                        if not isinstance(one, ast.Name)]  # fmt: skip
                if isinstance(node.ctx, ast.Load) and not rest:
                    return self._part(name)
                whole = ast.Tuple(rest, ast.Load()) if rest else ast.Constant(...)
                return ast.Subscript(self._part(name), whole, node.ctx)
            case ast.Subscript(ast.Attribute(ast.Name(name), "shape"), ast.Constant(int() as place)) if (
                name in loop.axes
            ):
                if place < 0 or place == loop.axes[name]:
                    raise Refused
                at = ast.Constant(place - (place > loop.axes[name]))
                return ast.Subscript(ast.Attribute(self._part(name), "shape", ast.Load()), at, ast.Load())
        return changed_below(self, node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """The shape of what any step has kept is that of this one."""
        if node.attr == "shape":
            base: ast.expr = node
            while isinstance(base, ast.Attribute | ast.Subscript):
                inner = base.value
                if isinstance(base, ast.Subscript) and not isinstance(base.slice, ast.Constant):
                    break
                if isinstance(base, ast.Subscript) and isinstance(inner, ast.Name) and inner.id == self.loop.cache:
                    return _in_place_of(node, base, self._part(inner.id))
                base = inner
        return changed_below(self, node)


def _in_place_of(node: ast.Attribute, old: ast.expr, new: ast.expr) -> ast.expr:
    for one in ast.walk(node):
        if isinstance(one, ast.Attribute | ast.Subscript) and one.value is old:
            one.value = new
    return node
