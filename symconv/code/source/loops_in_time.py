"""One function around a loop over time, and the function of one of its steps: the axis of time is taken away.

``x[:, t, :]`` is the step's ``x``, ``np.zeros((N, T, H))`` is ``np.zeros((N, H))``, and a list that each step appends
to is what the step keeps. The number of steps and the index of one may be used for nothing else.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from symconv.code.source.signatures import parameters

__all__ = ["Loop", "Refused", "loop_of", "stepped"]


class Refused(Exception):  # noqa: N818
    """The functions are not of this form."""


@dataclass
class Loop:
    """A function whose body is plain statements, one loop over time and plain statements.

    ``begins`` is what each name is bound to before the loop. ``carried`` are the names that a step takes from the one
    before, ``added`` those that steps only add to, ``stores`` the arrays of which each step sets its part, with the
    axis of time, ``cache`` the list of what steps keep. ``aliases`` are names of states behind the loop, and
    ``timed`` is the array whose length is the number of steps.
    """

    node: ast.FunctionDef
    before: list[ast.stmt]
    body: list[ast.stmt]
    index: str
    length: str
    result: ast.expr
    line: int
    begins: dict[str, ast.expr] = field(default_factory=dict)
    carried: list[str] = field(default_factory=list)
    added: set[str] = field(default_factory=set)
    stores: dict[str, int] = field(default_factory=dict)
    axes: dict[str, int] = field(default_factory=dict)
    cache: str | None = None
    aliases: dict[str, str] = field(default_factory=dict)
    timed: str = ""

    def is_zero(self, value: ast.expr | None) -> bool:
        """Whether it is 0, or an array of zeros."""
        match value:
            case ast.Constant(number):
                return number == 0
            case ast.Call(ast.Attribute(_, "zeros" | "zeros_like")):
                return True
        return False

    def final(self, name: str) -> str:
        """What a name stands for behind the loop."""
        return self.aliases.get(name, name)


def loop_of(node: ast.FunctionDef, backwards: bool) -> Loop:
    """The loop over time of a function; raises Refused where it has none, or does more."""
    spec = node.args
    if node.decorator_list or spec.defaults or spec.kwonlyargs or spec.posonlyargs or spec.vararg or spec.kwarg:
        raise Refused
    body = [one for one in node.body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]
    places = [k for k, one in enumerate(body) if isinstance(one, ast.For)]
    if len(places) != 1 or not isinstance(body[-1], ast.Return) or body[-1].value is None:
        raise Refused
    loop = body[places[0]]
    assert isinstance(loop, ast.For)
    if not isinstance(loop.target, ast.Name) or loop.orelse:
        raise Refused
    length = _length(loop.iter, backwards)
    found = Loop(node, body[: places[0]], loop.body, loop.target.id, length, body[-1].value, loop.lineno)
    _begun(found)
    _steps(found, backwards)
    _ended(found, body[places[0] + 1 : -1])
    return found


def _length(steps: ast.expr, backwards: bool) -> str:
    """The name of the number of steps, of loops that go through all of them in this direction."""
    match steps, backwards:
        case ast.Call(ast.Name("range"), [ast.Name(length)], []), False:
            return length
        case ast.Call(ast.Name("reversed"), [ast.Call(ast.Name("range"), [ast.Name(length)], [])], []), True:
            return length
        case ast.Call(ast.Name("range"), [ast.BinOp(ast.Name(length), ast.Sub(), ast.Constant(1)), *down], []), True:
            if [ast.unparse(one) for one in down] == ["-1", "-1"]:
                return length
    raise Refused


def _begun(loop: Loop) -> None:
    """What is bound before the loop, the number of steps among it: a length of an array."""
    told = False
    for one in loop.before:
        match one:
            case ast.Assign([ast.Tuple(parts)], ast.Attribute(ast.Name(array), "shape")) if all(
                isinstance(part, ast.Name) for part in parts
            ):
                names = [part.id for part in parts if isinstance(part, ast.Name)]
                if loop.length in names:
                    if told or names.count(loop.length) != 1 or array not in parameters(loop.node.args):
                        raise Refused
                    told, loop.timed, loop.axes[array] = True, array, names.index(loop.length)
            case ast.Assign([ast.Name(name)], value) if name not in loop.begins:
                loop.begins[name] = value
            case _:
                raise Refused
    if not told or loop.length in loop.begins:
        raise Refused


def _steps(loop: Loop, backwards: bool) -> None:
    """What the statements of a step do to names."""
    assigned, read_first, plus = list[str](), set[str](), set[str]()
    for one in loop.body:
        match one:
            case ast.Assign(targets, value):
                _reads(loop, value, assigned, read_first)
                for target in [part for t in targets for part in (t.elts if isinstance(t, ast.Tuple) else [t])]:
                    _set(loop, target, assigned)
            case ast.AugAssign(ast.Name(name), ast.Add(), value):
                _reads(loop, value, assigned, read_first)
                plus.add(name)
            case ast.Expr(ast.Call(ast.Attribute(ast.Name(cache), "append"), [value], [])) if not backwards:
                _reads(loop, value, assigned, read_first)
                if loop.cache is not None or ast.unparse(loop.begins.get(cache, ast.Constant(0))) != "[]":
                    raise Refused
                loop.cache = cache
            case _:
                raise Refused
    if plus & ({*assigned} | read_first) or not all(loop.is_zero(loop.begins.get(name)) for name in plus):
        raise Refused
    if not backwards and plus:
        raise Refused
    loop.added = plus
    loop.carried = [name for name in dict.fromkeys(assigned) if name in read_first]
    if not loop.carried or {*loop.stores} & {*assigned} or loop.cache in {*assigned, *read_first}:
        raise Refused


def _reads(loop: Loop, value: ast.expr, assigned: Sequence[str], first: set[str]) -> None:
    if any(isinstance(one, ast.NamedExpr | ast.Lambda | ast.comprehension | ast.Await) for one in ast.walk(value)):
        raise Refused
    first |= {one.id for one in ast.walk(value) if isinstance(one, ast.Name)} - {*assigned}


def _set(loop: Loop, target: ast.expr, assigned: list[str]) -> None:
    match target:
        case ast.Name(name):
            assigned.append(name)
        case ast.Subscript(ast.Name(name), index) if (axis := _axis_of(index, loop.index)) is not None:
            if name in loop.stores or not _filled(loop, name, axis):
                raise Refused
            loop.stores[name] = loop.axes[name] = axis
        case _:
            raise Refused


def _filled(loop: Loop, name: str, axis: int) -> bool:
    """Whether an array was made before the loop, with the number of steps as the length of that axis."""
    match loop.begins.get(name):
        case ast.Call(ast.Attribute(_, "zeros" | "empty"), [ast.Tuple(lengths), *_]):
            places = [k for k, one in enumerate(lengths) if isinstance(one, ast.Name) and one.id == loop.length]
            return places == [axis]
        case ast.Call(ast.Attribute(_, "zeros_like" | "empty_like"), [ast.Name(other), *_]):
            return loop.axes.get(other) == axis
    return False


def _axis_of(index: ast.expr, name: str) -> int | None:
    """The axis along which one element is taken, where all of the others are: ``[:, t, :]``."""
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    places = [k for k, one in enumerate(parts) if isinstance(one, ast.Name) and one.id == name]
    rest = [one for k, one in enumerate(parts) if k not in places]
    whole = all(isinstance(o, ast.Slice) and o.lower is None and o.upper is None and o.step is None for o in rest)
    return places[0] if len(places) == 1 and whole else None


def _ended(loop: Loop, after: Sequence[ast.stmt]) -> None:
    """What is done behind the loop: states under other names, no more."""
    for one in after:
        match one:
            case ast.Assign([ast.Name(name)], ast.Name(other)) if other in loop.carried:
                loop.aliases[name] = other
            case _:
                raise Refused


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
            case ast.Assign([ast.Name(name)], _) if name == loop.cache:
                return []
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
            case ast.Subscript(ast.Name(name), index) if (axis := _axis_of(index, loop.index)) is not None:
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
        return self.generic_visit(node)  # type: ignore[return-value]

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
        return self.generic_visit(node)  # type: ignore[return-value]


def _in_place_of(node: ast.Attribute, old: ast.expr, new: ast.expr) -> ast.expr:
    for one in ast.walk(node):
        if isinstance(one, ast.Attribute | ast.Subscript) and one.value is old:
            one.value = new
    return node
