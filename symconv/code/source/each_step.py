"""The function of one step of a loss over a sequence, which decides it for sequences of any length, by induction.

To the loss of the step what comes later is added as ``sum(hs * later)``, whatever ``later`` is. What is not exactly of
this form, so that one step does not stand for all, has none.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import deepcopy

from symconv.code.source.signatures import parameters
from symconv.code.source.written_out import At, OtherFormError, Parts, base_of, bindings, index_of, item, made, whole

__all__ = ["step_of"]

_ZEROS = frozenset({"zeros", "zeros_like"})
_CHANGING = frozenset({"at", "fill", "sort", "put", "partition", "copyto", "itemset", "place", "putmask"})
_FRESH = frozenset({"zeros", "zeros_like", "copy", "dot", "exp", "tanh", "ones", "ones_like", "array", "outer"})


def step_of(parts: Parts, shapes: Mapping[str, str]) -> tuple[ast.FunctionDef, tuple[str, ...]]:
    """The function of any step, and what states begin with.

    Raises OtherFormError where the steps do more than carry states and add up.
    """
    _counts_nothing(parts)
    states = _carried_on(parts)
    carried = _carried_back(parts)
    begins = {name: value for one in parts.between for name, value in bindings(one)}
    back = dict[str, str]()
    for name in carried:
        of = _like(begins.get(name))
        found = of if of in states else next(iter(states)) if len(states) == len(carried) == 1 else ""
        if not found or found in back.values() or not _is_zero(begins.get(name)):
            raise OtherFormError
        back[name] = found
    if {*back.values()} != states:
        raise OtherFormError
    added = _added(parts, begins, {*back})
    if any(base_of(one) not in added or not isinstance(one, ast.Name) for one in parts.gradients):
        raise OtherFormError
    plain = At(parts, 1, None)
    later = {name: f"later{k}" for k, name in enumerate(carried)}
    body = [*plain.all(parts.before), *At(parts, 1, 0, index_of(parts.forward)).all(parts.forward.body)]
    comes = ast.parse("\n".join(f"{name} = {new}" for name, new in later.items())).body
    body += [*plain.all(parts.between), *(ast.copy_location(one, parts.backward) for one in comes)]
    body += At(parts, 1, 0, index_of(parts.backward)).all(parts.backward.body)
    text = " + ".join([parts.loss, *(f"({item(state, 0)} * {later[name]}).sum()" for name, state in back.items())])
    start = [_start(parts, state) for state in back.values()]
    also = [f"d{given}" for given in start]
    body += [ast.copy_location(one, parts.backward) for given, name in zip(start, back, strict=True)
             for one in ast.parse(f"d{given} = {name}").body]  # fmt: skip
    more = dict(shapes)
    for given, name in zip(start, back, strict=True):
        if given in shapes:
            more[later[name]] = shapes[given]
    loss = ast.parse(text, mode="eval").body
    return made(parts, body, more, [*later.values()], loss, also), tuple(start)


def _counts_nothing(parts: Parts) -> None:
    """Raises where something depends on the number of a step or of all, or is done between the loops."""
    for loop in (parts.forward, parts.backward):
        index = index_of(loop)
        inside = {id(one) for node in loop.body for part in ast.walk(node)
                  if isinstance(part, ast.Subscript) and isinstance(part.value, ast.Name)
                  and part.value.id in {*parts.held, *parameters(parts.node.args)}
                  for one in ast.walk(part.slice)}  # fmt: skip
        names = [one for node in loop.body for one in ast.walk(node) if isinstance(one, ast.Name)]
        if any(one.id == index and id(one) not in inside for one in names):
            raise OtherFormError
    named = {name for one in parts.before for name, value in bindings(one)
             if ast.unparse(value) == f"len({parts.sequence})"}  # fmt: skip
    before = [one for one in parts.before if not {name for name, _ in bindings(one)} & named]
    for node in (*before, *parts.forward.body, *parts.between, *parts.backward.body):
        if any(isinstance(one, ast.Name) and one.id in named for one in ast.walk(node)):
            raise OtherFormError
        counted = [one for one in ast.walk(node) if isinstance(one, ast.Call)
                   and ast.unparse(one) == f"len({parts.sequence})"]  # fmt: skip
        if counted or f"{parts.sequence}.shape" in ast.unparse(node):
            raise OtherFormError
        for one in ast.walk(node):
            inplace = isinstance(one, ast.Attribute) and (one.attr.endswith("_") or one.attr in _CHANGING)
            if inplace or isinstance(one, ast.NamedExpr) or (isinstance(one, ast.keyword) and one.arg == "out"):
                raise OtherFormError
    zeros = [value for one in parts.between for _, value in bindings(one)]
    if any(not isinstance(one, ast.Assign) for one in parts.between) or not all(map(_is_zero, zeros)):
        raise OtherFormError
    begun = [value for one in parts.before for name, value in bindings(one) if name == parts.loss]
    if len(begun) != 1 or not _is_zero(begun[0]):
        raise OtherFormError
    here = {name for one in parts.backward.body for name, _ in bindings(one)}
    left = {name for one in parts.forward.body for name, _ in bindings(one)} - here
    if any(isinstance(one, ast.Name) and one.id in left for node in parts.backward.body for one in ast.walk(node)):
        raise OtherFormError  # what the last step has left


def _is_zero(value: ast.expr | None) -> bool:
    match value:
        case ast.Constant(number):
            return number == 0
        case ast.Call(ast.Attribute(_, word)):
            return word in _ZEROS
    return False


def _like(value: ast.expr | None) -> str:
    match value:
        case ast.Call(ast.Attribute(_, "zeros_like"), [like]):
            return base_of(like)
    return ""


def _places(nodes: Sequence[ast.stmt], parts: Parts, index: str) -> Iterator[tuple[str, int, ast.expr_context]]:
    """The items of dicts that statements speak of, by their distance from the step."""
    for one in (part for node in nodes for part in ast.walk(node)):
        match one:
            case ast.Subscript(ast.Name(name), at, context) if name in parts.held:
                number = At(parts, 1, 0, index).visit(deepcopy(at))
                place = whole(number)
                if place is None or not any(isinstance(n, ast.Name) and n.id == index for n in ast.walk(at)):
                    raise OtherFormError
                yield name, place, context


def _whole(nodes: Sequence[ast.stmt], parts: Parts) -> bool:
    """Whether statements speak of a dict otherwise than by its items."""
    every = [part for node in nodes for part in ast.walk(node)]
    items = sum(isinstance(one, ast.Subscript) and isinstance(one.value, ast.Name) and one.value.id in parts.held
                for one in every)  # fmt: skip
    return items != sum(isinstance(one, ast.Name) and one.id in parts.held for one in every)


def _carried_on(parts: Parts) -> set[str]:
    """The dicts of states: each step sets its own, and reads that of the step before, which is there at the start."""
    found = set[str]()
    index = index_of(parts.forward)
    for nodes, at, ahead in ((parts.forward.body, index, True), (parts.backward.body, index_of(parts.backward), False)):
        if _whole(nodes, parts):
            raise OtherFormError
        for name, place, context in _places(nodes, parts, at):
            if place not in {0, -1} or (isinstance(context, ast.Store) and (place or not ahead)):
                raise OtherFormError
            if place == -1:
                found.add(name)
    if not found or not all(any(_sets(one, name) for one in parts.before) for name in found):
        raise OtherFormError
    _only_its_own(parts, parts.forward.body, {parts.loss})
    return found


def _sets(node: ast.stmt, name: str) -> bool:
    """``hs[-1] = ...``."""
    match node:
        case ast.Assign([ast.Subscript(ast.Name(of), at)], _):
            return of == name and whole(at) == -1
    return False


def _start(parts: Parts, state: str) -> str:
    """The parameter that a state begins with."""
    (value,) = (one.value for one in parts.before if isinstance(one, ast.Assign) and _sets(one, state))
    match value:
        case ast.Name(name) | ast.Call(_, [ast.Name(name)], []) | ast.Call(ast.Attribute(ast.Name(name), "copy"), []):
            if name in parameters(parts.node.args):
                return name
    raise OtherFormError


def _carried_back(parts: Parts) -> list[str]:
    """The names that a step takes from the one behind it."""
    assigned, first = list[str](), set[str]()
    for node in parts.backward.body:
        value = getattr(node, "value", None)
        if not isinstance(node, ast.Assign | ast.AugAssign) or value is None:
            raise OtherFormError
        reads = {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}
        first |= reads - {*assigned}
        assigned += [name for name, _ in bindings(node)]
    return [name for name in dict.fromkeys(assigned) if name in first]


def _added(parts: Parts, begins: Mapping[str, ast.expr], carried: set[str]) -> set[str]:
    """The names that steps backwards only add to, which begin with zeros."""
    added = {one.target.id for one in parts.backward.body
             if isinstance(one, ast.AugAssign) and isinstance(one.target, ast.Name)}  # fmt: skip
    bound = {name for one in parts.backward.body for name, _ in bindings(one)}
    sums = {name for name in added - bound if _is_zero(begins.get(name))}
    _only_its_own(parts, parts.backward.body, sums, carried)
    return sums


def _only_its_own(parts: Parts, body: Sequence[ast.stmt], sums: set[str], carried: Collection[str] = ()) -> None:
    """Raises where a step reads what another one has left, or changes an array that it has not made."""
    there, fresh = {*carried}, set[str]()
    every = {name for one in body for name, _ in bindings(one)}
    for node in body:
        if not isinstance(node, ast.Assign | ast.AugAssign):
            raise OtherFormError
        if isinstance(node, ast.AugAssign) and base_of(node.target) in sums and not isinstance(node.op, ast.Add):
            raise OtherFormError
        reads = {one.id for one in ast.walk(node.value) if isinstance(one, ast.Name)}
        if reads & sums or reads & (every - there):
            raise OtherFormError
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            name = ast.unparse(_item_of(target, parts))
            if isinstance(node, ast.Assign) and ast.unparse(target) == name:
                there.add(name)
                (fresh.add if _makes(node.value) else fresh.discard)(name)
            elif not (
                (name in sums and isinstance(node, ast.AugAssign) and isinstance(target, ast.Name)) or name in fresh
            ):
                raise OtherFormError


def _item_of(target: ast.expr, parts: Parts) -> ast.expr:
    """The name, or the item of a dict, whose elements a target is."""
    while isinstance(target, ast.Subscript | ast.Attribute):
        if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and target.value.id in parts.held:
            return target
        target = target.value
    if not isinstance(target, ast.Name):
        raise OtherFormError
    return target


def _makes(value: ast.expr) -> bool:
    """Whether it is an array that nothing else holds."""
    match value:
        case ast.BinOp() | ast.UnaryOp():
            return True
        case ast.Call(ast.Attribute(_, word)):
            return word in _FRESH
    return False
