"""Extremes that a loop keeps in a variable, ``if v > m: m = v``, as the extreme of what the loop goes through.

The places that such a loop notes, ``if v > m: m, at = v, (p, q)``, are those of the first extreme element.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from symconv.code.source.windows import Tap, at_ends, at_first, names_in, taps_of, window_of, with_names

__all__ = ["with_extremes"]

_KINDS: dict[type[ast.cmpop], tuple[str, bool]] = {
    ast.Gt: ("max", True), ast.GtE: ("max", False), ast.Lt: ("min", True), ast.LtE: ("min", False),
}  # fmt: skip
"""By the comparison of an element with the extreme so far: which one is kept, and whether it is the first one."""
_WORDS = {"max": "max", "min": "min", "np.maximum": "max", "np.minimum": "min"}
"""Functions of two numbers that keep one of them."""
_INFINITE = frozenset({"inf", "Inf", "infty"})


def with_extremes(tree: ast.Module) -> ast.Module:
    """The text with ``w.max()`` and ``w.argmax()`` of a window in place of loops that keep its largest element.

    A loop is left alone where a name that it stores is read behind it, or where it does anything else.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            _Blocks(node).visit(node)
    return ast.fix_missing_locations(tree)


@dataclass
class _Kept:
    """What the innermost statements do: they keep the ``kind`` of ``element`` in ``name``, and what ``noted`` says."""

    name: str
    kind: str
    first: bool
    element: ast.Subscript
    noted: dict[str, ast.expr] = field(default_factory=dict)


class _Blocks(ast.NodeTransformer):
    def __init__(self, function: ast.FunctionDef) -> None:
        self.function = function
        self.made = 0
        self.indices = {one.id for loop in ast.walk(function) if isinstance(loop, ast.For)
                        for one in ast.walk(loop.target) if isinstance(one, ast.Name)}  # fmt: skip

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for name in ("body", "orelse"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                setattr(node, name, [*self._of_block(block)])
        return node

    def _of_block(self, block: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
        for at, one in enumerate(block):
            new = self._of_loop(block[:at], one) if isinstance(one, ast.For) else None
            yield from new if new is not None else [one]

    def _of_loop(self, before: Sequence[ast.stmt], loop: ast.For) -> list[ast.stmt] | None:
        """Statements in place of a loop that keeps an extreme; None for others."""
        found = taps_of(loop)
        if found is None:
            return None
        taps, inner, stored = found
        kept = _kept(inner)
        if kept is None or {*kept.noted, kept.name} & {*stored} or {"max", "min", "divmod"} & {*stored, kept.name}:
            return None
        if not all(one.runs(self.indices) for one in taps) or _read_behind(self.function, loop, stored):
            return None
        begun = _begun(before, {kept.name, *kept.noted})
        taps = _from_first(kept, taps, begun or {})
        window = window_of(kept.element, taps)
        if window is None or begun is None or not (kept.first or not kept.noted):
            return None
        start = begun[kept.name]
        least = _least(start) == kept.kind
        other = None if least or _same(start, at_first(kept.element, taps)) else start
        if other is not None and (kept.noted or not _is_number(other)):
            return None
        if not least and not all(_same(begun[name], at_first(value, taps)) for name, value in kept.noted.items()):
            return None  # where the first element is the extreme, what was noted before stays
        self.made += 1
        return [ast.copy_location(one, loop) for one in _written(kept, window, other, taps, f"__extreme{self.made}")]


def _kept(body: Sequence[ast.stmt]) -> _Kept | None:
    """The extreme that statements keep."""
    match body:
        case [ast.If(ast.Compare(left, [op], [right]), inner, [])]:
            kind, first = _KINDS.get(type(op), ("", False))
        case [ast.Assign([ast.Name(name)], ast.Call(function, [one, other], []))]:
            kind = _WORDS.get(ast.unparse(function), "")
            element = other if _same(one, ast.Name(name)) else one
            plain = isinstance(element, ast.Subscript) and any(_same(side, ast.Name(name)) for side in (one, other))
            return _Kept(name, kind, True, element) if kind and plain and isinstance(element, ast.Subscript) else None
        case _:
            return None
    given: dict[str, ast.expr] = {}
    for statement in inner:
        pairs = list(_assigned(statement))
        if not pairs or any(name in given for name, _ in pairs):
            return None
        given |= pairs
    names = [name for name, value in given.items() if _same(value, left) or _same(value, right)]
    if not kind or len(names) != 1:
        return None
    (name,) = names
    element, so_far = (left, right) if _same(given.pop(name), left) else (right, left)
    if element is right:
        kind = {"max": "min", "min": "max"}[kind]
    noted = names_in(*given.values())
    if not isinstance(element, ast.Subscript) or not isinstance(so_far, ast.Name) or so_far.id != name:
        return None
    return None if noted & {name, *given} else _Kept(name, kind, first, element, given)


def _from_first(kept: _Kept, taps: list[Tap], begun: Mapping[str, ast.expr]) -> list[Tap]:
    """The indices of a loop, from 0 where it begins behind the first element: ``m = x[0]`` before ``range(1, n)``."""
    match taps:
        case [Tap(name, ast.Constant(1), stop)] if kept.name in begun:
            whole = [Tap(name, ast.Constant(0), stop)]
            return whole if _same(begun[kept.name], at_first(kept.element, whole)) else taps
    return taps


def _assigned(node: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """The names that a statement gives values, where it does nothing else."""
    match node:
        case ast.Assign([ast.Tuple(targets)], ast.Tuple(values)) if len(targets) == len(values) and all(
            isinstance(one, ast.Name) for one in targets
        ):
            yield from (
                (one.id, value) for one, value in zip(targets, values, strict=True) if isinstance(one, ast.Name)
            )
        case ast.Assign(targets, value) if all(isinstance(one, ast.Name) for one in targets):
            yield from ((one.id, value) for one in targets if isinstance(one, ast.Name))


def _begun(before: Sequence[ast.stmt], names: set[str]) -> dict[str, ast.expr] | None:
    """What names are given in the same block, where nothing but names is changed behind that; else None."""
    found: dict[str, ast.expr] = {}
    changed = set[str]()
    for one in reversed(before):
        pairs = [*_assigned(one)]
        here = {name: value for name, value in pairs if name in names - found.keys()}
        if not pairs or names_in(*here.values()) & changed or names_in(*(value for _, value in pairs)) & names:
            return None
        changed |= {name for name, _ in pairs}
        found |= here
        if names <= found.keys():
            return found
    return None


def _read_behind(function: ast.FunctionDef, loop: ast.For, stored: Sequence[str]) -> bool:
    """Whether a name that a loop stores is read anywhere else, but by loops that store it first."""
    inside = {id(one) for one in ast.walk(loop)}
    own: set[int] = set()
    for other in ast.walk(function):
        if isinstance(other, ast.For) and id(other) not in inside and not any(one is loop for one in ast.walk(other)):
            for name in stored:
                uses = [one for one in ast.walk(other) if isinstance(one, ast.Name) and one.id == name]
                uses.sort(key=lambda one: (one.lineno, one.col_offset))
                own |= {id(one) for one in uses if isinstance(uses[0].ctx, ast.Store)}
    return any(
        isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load) and one.id in stored
        for one in ast.walk(function) if id(one) not in inside | own
    )  # fmt: skip


def _written(kept: _Kept, window: ast.Subscript, start: ast.expr | None, taps: Sequence[Tap],
             name: str) -> Iterator[ast.stmt]:  # fmt: skip
    """The extreme of a window, and what was noted at its place."""
    for one in at_ends(kept.element, taps):
        yield ast.Expr(one)  # a slice that ends early raises no error
    yield _assign(name, window)
    best: ast.expr = _called(name, kept.kind)
    if start is not None:
        best = ast.Call(ast.Name(kept.kind, ast.Load()), [deepcopy(start), best], [])
    yield _assign(kept.name, best)
    if not kept.noted:
        return
    yield _assign(f"{name}_at", _called(name, f"arg{kept.kind}"))
    place: dict[str, ast.expr] = {}
    rest = f"{name}_at"
    for k, tap in reversed([*enumerate(taps)][1:]):
        pair = ast.Tuple([ast.Name(f"{name}_{k}r", ast.Store()), ast.Name(f"{name}_{k}", ast.Store())], ast.Store())
        parted = [ast.Name(rest, ast.Load()), deepcopy(tap.count)]
        yield ast.Assign([pair], ast.Call(ast.Name("divmod", ast.Load()), parted, []))
        place[tap.name], rest = tap.at(ast.Name(f"{name}_{k}", ast.Load())), f"{name}_{k}r"
    place[taps[0].name] = taps[0].at(ast.Name(rest, ast.Load()))
    plane = len(taps) == 2 and all(ast.unparse(one.start) == "0" for one in taps)
    flat = f"{taps[0].name} * {ast.unparse(taps[-1].count)} + {taps[-1].name}" if plane else ""
    for noted, value in kept.noted.items():
        whole = ast.unparse(value) == flat
        yield _assign(noted, ast.Name(f"{name}_at", ast.Load()) if whole else with_names(value, place))


def _assign(name: str, value: ast.expr) -> ast.Assign:
    return ast.Assign([ast.Name(name, ast.Store())], deepcopy(value))


def _called(name: str, method: str) -> ast.Call:
    return ast.Call(ast.Attribute(ast.Name(name, ast.Load()), method, ast.Load()), [], [])


def _least(node: ast.expr) -> str:
    """Of which extreme a number is the one of nothing: minus infinity of the largest."""
    match node:
        case ast.UnaryOp(ast.USub(), inner):
            return {"min": "max", "max": "min"}.get(_least(inner), "")
        case ast.Attribute(ast.Name(), word) if word in _INFINITE:
            return "min"
        case ast.Call(ast.Name("float"), [ast.Constant("inf" | "infinity")]):
            return "min"
        case ast.Call(ast.Name("float"), [ast.Constant("-inf" | "-infinity")]):
            return "max"
    return ""


def _is_number(node: ast.expr) -> bool:
    return isinstance(node.operand if isinstance(node, ast.UnaryOp) else node, ast.Constant)


def _same(one: ast.expr, other: ast.expr) -> bool:
    return ast.unparse(one) == ast.unparse(other)
