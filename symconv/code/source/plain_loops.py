"""Functions with one loop over time in fewer forms: what ``for`` goes through, parallel assignments, ``if t > 0``.

A statement that binds several names at once is one for each, where no value reads a name that is bound beside it, and
a choice that depends on whether a step is the first one is ``... if t > 0 else ...``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass

from symconv.code.source.loops_in_time import Refused

__all__ = ["Plain", "behind_first", "bound_names", "plain_loop"]

_STEPS = {
    "range({0})": "range({0})",
    "range(0, {0})": "range({0})",
    "np.arange({0})": "range({0})",
    "reversed(range({0}))": "reversed(range({0}))",
    "range({0})[::-1]": "reversed(range({0}))",
    "reversed(np.arange({0}))": "reversed(range({0}))",
    "np.arange({0})[::-1]": "reversed(range({0}))",
    "range({0} - 1, -1, -1)": "reversed(range({0}))",
    "np.arange({0} - 1, -1, -1)": "reversed(range({0}))",
}
_LENGTH = "number_of_steps"


@dataclass
class Plain:
    """A function as what is before its loop, the loop, what is behind it and the returned value."""

    node: ast.FunctionDef
    before: list[ast.stmt]
    loop: ast.For
    after: list[ast.stmt]
    result: ast.Return
    index: str
    length: str

    def whole(self) -> ast.FunctionDef:
        """The function again."""
        made = deepcopy(self.node)
        made.body = [*self.before, self.loop, *self.after, self.result]
        return ast.fix_missing_locations(made)


def plain_loop(node: ast.FunctionDef) -> Plain:
    """The parts of a function with one loop; raises Refused where it has none, or more."""
    node = deepcopy(node)
    body = [one for one in node.body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]
    places = [k for k, one in enumerate(body) if isinstance(one, ast.For)]
    if len(places) != 1 or not isinstance(body[-1], ast.Return) or body[-1].value is None:
        raise Refused
    loop, result = body[places[0]], body[-1]
    assert isinstance(loop, ast.For)
    assert isinstance(result, ast.Return)
    if not isinstance(loop.target, ast.Name) or loop.orelse:
        raise Refused
    before = [part for one in body[: places[0]] for part in _split(one)]
    after = [part for one in body[places[0] + 1 : -1] for part in _split(one)]
    length = _steps(loop)
    if not length.isidentifier():
        if any(isinstance(one, ast.Name) and one.id == _LENGTH for one in ast.walk(node)):
            raise Refused
        told = ast.parse(f"{_LENGTH} = {length}").body
        before += [ast.copy_location(one, loop) for one in told]
        length = _LENGTH
        _steps(loop, length)
    loop.body = [part for one in loop.body for part in _split(_chosen(one, loop.target.id))]
    own = _of_its_own(node, loop)
    loop.body = [_assigned(one, own) for one in loop.body]
    return Plain(node, before, loop, after, result, loop.target.id, length)


def _steps(loop: ast.For, name: str = "") -> str:
    """What the number of steps is; the loop goes through ``range`` afterwards, of ``name`` if one is given."""
    said = ast.unparse(loop.iter).replace("numpy.arange(", "np.arange(")
    for form, plain in _STEPS.items():
        head, _, tail = form.partition("{0}")
        length = said[len(head) : len(said) - len(tail)]
        if said == form.format(length) and (length.isidentifier() or _is_length(length)):
            made = ast.parse(plain.format(name or length), mode="eval").body
            loop.iter = ast.copy_location(made, loop.iter)
            return length
    raise Refused


def _is_length(text: str) -> bool:
    """``len(x)`` or ``x.shape[1]``."""
    try:
        value = ast.parse(text, mode="eval").body
    except SyntaxError:
        return False
    match value:
        case ast.Call(ast.Name("len"), [ast.Name()], []):
            return True
        case ast.Subscript(ast.Attribute(ast.Name(), "shape"), ast.Constant(int())):
            return True
    return False


def bound_names(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """The names that statements bind, as often as they do."""
    for one in (part for node in nodes for part in ast.walk(node)):
        if isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Load):
            yield one.id


def _split(node: ast.stmt) -> list[ast.stmt]:
    """``a, b = u, v`` as two statements."""
    match node:
        case ast.Assign([ast.Tuple(names)], ast.Tuple(values)) if len(names) == len(values):
            arrays = [one.value if isinstance(one, ast.Subscript) else one for one in names]
            bound = {one.id for one in arrays if isinstance(one, ast.Name)}
            read = {one.id for value in values for one in ast.walk(value) if isinstance(one, ast.Name)}
            if len(bound) == len(names) and not bound & read:
                return [ast.copy_location(ast.Assign([name], value), node)
                        for name, value in zip(names, values, strict=True)]  # fmt: skip
    return [node]


def _of_its_own(node: ast.FunctionDef, loop: ast.For) -> set[str]:
    """The names that steps bind anew, to arrays that have no other name: adding to these is binding them to the sum."""
    bound = {one.id for part in loop.body if isinstance(part, ast.Assign) for one in part.targets
             if isinstance(one, ast.Name)}  # fmt: skip
    shared = set[str]()
    for one in (part for statement in node.body[:-1] for part in ast.walk(statement)):
        match one:
            case ast.Assign(targets, ast.Name(name)):
                shared |= {name, *(to.id for to in targets if isinstance(to, ast.Name))}
            case ast.Tuple(parts) | ast.List(parts) | ast.Call(_, parts):
                shared |= {part.id for part in parts if isinstance(part, ast.Name)}
    return bound - shared


def _assigned(node: ast.stmt, own: set[str]) -> ast.stmt:
    """``dh += dout[:, t]`` as ``dh = dh + dout[:, t]``."""
    match node:
        case ast.AugAssign(ast.Name(name), op, value) if name in own:
            total = ast.BinOp(ast.Name(name, ast.Load()), op, value)
            made = ast.Assign([ast.Name(name, ast.Store())], total)
            return ast.fix_missing_locations(ast.copy_location(made, node))
    return node


def _chosen(node: ast.stmt, index: str) -> ast.stmt:
    """``if t > 0: name = ...`` with ``else`` as one statement."""
    match node:
        case ast.If(test, [ast.Assign([ast.Name(name)], one)], [ast.Assign([ast.Name(other)], two)]) if name == other:
            value = ast.copy_location(ast.IfExp(test, one, two), node)
            if behind_first(value, index) is not None:
                return ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], value), node)
    return node


def behind_first(node: ast.IfExp, index: str) -> tuple[ast.expr, ast.expr] | None:
    """What is taken in later steps, and what in the first one; None for other conditions."""
    test = ast.unparse(node.test)
    if test in {f"{index} > 0", f"{index} != 0", f"{index} >= 1", f"0 < {index}", index}:
        return node.body, node.orelse
    if test in {f"{index} == 0", f"{index} < 1", f"0 == {index}", f"not {index}"}:
        return node.orelse, node.body
    return None
