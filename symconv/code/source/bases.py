"""Classes with the methods of the classes of the text that they are made from, and with functions that they hold."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy

from symconv.code.source.signatures import defaults, positional

__all__ = ["with_bases", "with_functions"]


def with_bases(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """The statements, with the methods that a class has from the one before it, and the calls of these by ``super``.

    Classes of several, or of one that has its name twice, stands below or may be changed, are left as they are.
    """
    names = [one.name for one in body if isinstance(one, ast.ClassDef)]
    changed = {name for one in body for part in ast.walk(one) for name in _changed(part)}
    whole: dict[str, ast.ClassDef] = {}
    found = list[ast.stmt]()
    for node in body:
        if isinstance(node, ast.ClassDef) and names.count(node.name) == 1:
            match node.bases:
                case [ast.Name(base)] if base in whole and base not in changed:
                    whole[node.name] = _inherited(node, whole[base])
                case _:
                    whole[node.name] = node
            found.append(whole[node.name])
        else:
            found.append(node)
    return found


def _changed(node: ast.AST) -> Iterator[str]:
    """The names that are bound anew, or whose attributes are set: ``A.backward = ...``, ``setattr(A, ...)``."""
    match node:
        case ast.Name(name, ast.Store() | ast.Del()) | ast.Attribute(ast.Name(name), _, ast.Store() | ast.Del()):
            yield name
        case ast.Call(ast.Name("setattr" | "delattr"), [ast.Name(name), *_]):
            yield name
        case ast.ClassDef(name, decorator_list=[_, *_]):
            yield name


def _inherited(node: ast.ClassDef, base: ast.ClassDef) -> ast.ClassDef:
    """The class with everything that it has from its base."""
    own = {name for one in node.body for name in _defined(one)}
    above = {one.name: one for one in base.body if isinstance(one, ast.FunctionDef)}
    calls = _Above(base.name, above)
    body = [calls.visit(deepcopy(one)) for one in node.body]
    kept = [deepcopy(one) for one in base.body if _defined(one) and not own & {*_defined(one)}]
    for name in sorted(calls.called):
        method = deepcopy(above[name])
        method.name = _above(base.name, name)
        kept.append(method)
    # What it has is its own now: attributes that instances of the base are given are those of other objects.
    new = ast.ClassDef(node.name, base.bases, node.keywords, [*kept, *body], node.decorator_list)
    return ast.fix_missing_locations(ast.copy_location(new, node))


def _defined(node: ast.stmt) -> Iterator[str]:
    """The names that a statement in a class gives it."""
    match node:
        case ast.FunctionDef(name):
            yield name
        case ast.Assign(targets):
            yield from (one.id for one in targets if isinstance(one, ast.Name))
        case ast.AnnAssign(ast.Name(name), _, value) if value is not None:
            yield name


def _above(base: str, method: str) -> str:
    return f"{method.strip('_')}_of_{base}"


class _Above(ast.NodeTransformer):
    """``super().m(...)`` and ``Base.m(self, ...)`` as ``self.m_of_Base(...)``; what begins an instance in its place."""

    def __init__(self, base: str, methods: Mapping[str, ast.FunctionDef]) -> None:
        self.base, self.methods = base, methods
        self.called = set[str]()

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.stmt]:
        match self._meant(node.value):
            case "__init__", given, options if (lines := _begun(self.methods["__init__"], given, options)) is not None:
                return [ast.copy_location(one, node) for one in lines]
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        match self._meant(node):
            case name, given, options:
                self.called.add(name)
                method = ast.Attribute(ast.Name("self", ast.Load()), _above(self.base, name), ast.Load())
                return ast.copy_location(ast.Call(method, given, options), node)
        return node

    def _meant(self, node: ast.expr) -> tuple[str, list[ast.expr], list[ast.keyword]] | None:
        """The method of the base that is called, and with what."""
        match node:
            case ast.Call(ast.Attribute(ast.Call(ast.Name("super")), name), given, options) if name in self.methods:
                return name, given, options
            case ast.Call(ast.Attribute(ast.Name(owner), name), [ast.Name("self"), *given], options) if (
                owner == self.base and name in self.methods
            ):
                return name, given, options
        return None


def _begun(method: ast.FunctionDef, given: Sequence[ast.expr], options: Sequence[ast.keyword]) -> list[ast.stmt] | None:
    """What ``__init__`` does with these arguments, one line after the other; None where it does more than that."""
    names = positional(method.args)[1:]
    if method.args.vararg or method.args.kwarg or len(given) > len(names) or any(
        isinstance(one, ast.Starred) for one in given
    ) or any(one.arg not in names for one in options):  # fmt: skip
        return None
    values = {**defaults(method.args), **dict(zip(names, given, strict=False))}
    values |= {one.arg: one.value for one in options if one.arg is not None}
    body = [one for one in method.body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]
    if {*names} - {*values} or not all(isinstance(one, ast.Assign | ast.AnnAssign | ast.Pass) for one in body):
        return None
    if _bound(body) or any(not isinstance(one, ast.Constant | ast.Name | ast.Attribute) for one in values.values()):
        return None
    put = _Put(values)
    return [put.visit(deepcopy(one)) for one in body]


def _bound(body: Iterable[ast.stmt]) -> bool:
    """Whether names of its own are given values."""
    return any(isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store) for node in body for one in ast.walk(node))


class _Put(ast.NodeTransformer):
    """Names replaced by what is given for them."""

    def __init__(self, values: Mapping[str, ast.expr]) -> None:
        self.values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.copy_location(deepcopy(self.values[node.id]), node) if node.id in self.values else node


def with_functions(node: ast.ClassDef) -> None:
    """Functions of ``__init__`` that it gives its instances, ``self.f = f``, as methods of the class."""
    begin = next((one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"), None)
    if begin is None:
        return
    own = {one.id for one in ast.walk(begin) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    own |= {*positional(begin.args)}
    made: dict[str, ast.FunctionDef | ast.Lambda] = {}
    for one in begin.body:
        match one:
            case ast.FunctionDef(name):
                made[name] = one
            case ast.Assign([ast.Name(name)], ast.Lambda() as function):
                made[name] = function
            case ast.Assign([ast.Attribute(ast.Name("self"), held)], ast.Name(name)) if name in made and not _reads(
                made[name], own
            ):
                begin.body = [other for other in begin.body if other is not one] or [ast.Pass()]
                node.body.append(_method(made[name], held))
            case _:
                for name in {part.id for part in ast.walk(one) if isinstance(part, ast.Name)}:
                    made.pop(name, None)  # it may stand for something else from here on
    ast.fix_missing_locations(node)


def _reads(function: ast.FunctionDef | ast.Lambda, names: set[str]) -> bool:
    """Whether it depends on more than it is given."""
    given = {*positional(function.args)}
    return any(isinstance(one, ast.Name) and one.id in names - given for one in ast.walk(function))


def _method(function: ast.FunctionDef | ast.Lambda, name: str) -> ast.FunctionDef:
    arguments = deepcopy(function.args)
    arguments.args = [ast.arg("self"), *arguments.args]
    body = function.body if isinstance(function, ast.FunctionDef) else [ast.Return(function.body)]
    new = ast.FunctionDef(name, arguments, [deepcopy(one) for one in body], [])
    for one in new.body:
        ast.copy_location(one, function)
    return ast.copy_location(new, function)
