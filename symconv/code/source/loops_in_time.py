"""One function around a loop over time: what its steps carry, add up, store and keep."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from symconv.code.source.signatures import parameters

__all__ = ["Loop", "Refused", "axis_of", "loop_of"]


class Refused(Exception):  # noqa: N818
    """The functions are not of this form."""


@dataclass
class Loop:
    """A function whose body is plain statements, one loop over time and plain statements.

    ``begins`` is what each name is bound to before the loop. ``carried`` are the names that a step takes from the one
    before, ``added`` those that steps only add to, ``stores`` the arrays of which each step sets its part, with the
    axis of time, ``cache`` the list of what steps keep. ``aliases`` are names of states behind the loop, and
    ``timed`` is the array whose length is the number of steps. ``apart`` are the arrays with parts of steps that are
    taken from what is kept, before the loop; None where steps take it apart.
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
    apart: frozenset[str] | None = None

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


def loop_of(node: ast.FunctionDef, backwards: bool, axes: Mapping[str, int] | None = None) -> Loop:
    """The loop over time of a function; raises Refused where it has none, or does more.

    ``axes`` are those of time of the arrays whose parts a step takes from what it keeps, before the loop.
    """
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
    if axes is not None:
        found.apart, found.axes = frozenset(axes), dict(axes)
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
    kept = {*loop.axes, *parameters(loop.node.args)}
    for one in loop.before:
        match one:
            case ast.Assign([ast.Tuple()], ast.Name(name)) if (
                loop.apart is not None and name == parameters(loop.node.args)[1]
            ):
                pass
            case ast.Assign([ast.Name(name)], value) if name == loop.length and not told:
                told, (array, axis) = True, _told(value)
                if array not in kept or loop.axes.setdefault(array, axis) != axis:
                    raise Refused
                loop.timed = array
            case ast.Assign([ast.Tuple(parts)], ast.Attribute(ast.Name(array), "shape")) if all(
                isinstance(part, ast.Name) for part in parts
            ):
                names = [part.id for part in parts if isinstance(part, ast.Name)]
                if loop.length in names:
                    axis = names.index(loop.length)
                    if told or names.count(loop.length) != 1 or array not in kept:
                        raise Refused
                    if loop.axes.setdefault(array, axis) != axis:
                        raise Refused
                    told, loop.timed = True, array
            case ast.Assign([ast.Name(name)], value) if name not in loop.begins:
                loop.begins[name] = value
            case _:
                raise Refused
    if not told or loop.length in loop.begins:
        raise Refused


def _told(value: ast.expr) -> tuple[str, int]:
    """The array that has the length along the axis."""
    match value:
        case ast.Call(ast.Name("len"), [ast.Name(array)], []):
            return array, 0
        case ast.Subscript(ast.Attribute(ast.Name(array), "shape"), ast.Constant(int() as axis)) if axis >= 0:
            return array, axis
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
        case ast.Subscript(ast.Name(name), index) if (axis := axis_of(index, loop.index)) is not None:
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


def axis_of(index: ast.expr, name: str) -> int | None:
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
