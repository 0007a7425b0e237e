"""Which names at the top of a text have one value whenever they are read, told by the text."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from symconv.code.source.libraries import CHANGING
from symconv.code.source.patched import patched
from symconv.code.source.shared import shared

__all__ = ["unsettled"]

_SEVERAL = "has several values, or one that other lines change"
_LIBRARIES = frozenset({
    "__future__", "abc", "autograd", "beartype", "builtins", "collections", "copy", "cupy", "cupyx", "dataclasses",
    "enum", "flax", "functools", "future", "itertools", "jax", "jaxtyping", "keras", "math", "numba", "numpy",
    "operator", "past", "scipy", "six", "tensorflow", "torch", "typeguard", "typing", "typing_extensions",
})  # fmt: skip
"""Libraries whose words mean what is read here, and those that hold no functions of arrays."""
_WHOLE_CLASS = frozenset({"dataclass", "final", "register_keras_serializable", "runtime_checkable"})
"""Decorators of classes that leave their methods alone."""
_ACCESS = frozenset({"__getattr__", "__getattribute__", "__setattr__"})
"""Methods through which attributes go."""

Binding = tuple[str, str, bool]
"""How a name is bound, the name, and whether that is inside another statement."""


def unsettled(tree: ast.Module, known: Mapping[str, str], builtin: Collection[str]) -> dict[str, str]:
    """The names at the top, and the methods, whose value depends on more than their one definition; and why.

    ``known`` are names of libraries that need no import, ``builtin`` those of Python.
    """
    imports = _imports(tree)
    foreign = {name: paths for name, paths in imports.items() if not _of_libraries(paths)}
    found = {name: f"is imported from {min(paths).rpartition('.')[0] or min(paths)}, which is not read"
             for name, paths in foreign.items()}  # fmt: skip
    found |= dict.fromkeys((name for name, paths in imports.items() if len(paths) > 1), _SEVERAL)
    bindings = [*_bindings(tree.body)]
    bound = {name for _, name, _ in bindings} | {*known, *imports}
    found |= dict.fromkeys(patched(tree, bound, {*known, *imports}), _SEVERAL)
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    names = _rebound(bindings) | _hidden(tree, bindings, {*known, *builtin}) | _starred(tree, builtin) | shared(tree)
    names |= _early(tree, bindings) | _changed(tree, {name for kind, name, _ in bindings if kind == "value"})
    methods = dict(one for node in classes.values() for one in _methods(node, classes))
    return methods | found | dict.fromkeys(names, _SEVERAL)


def _statements(nodes: list[ast.stmt], nested: bool = False) -> Iterator[tuple[ast.stmt, bool]]:
    """Statements that run when the text does, those inside others too."""
    for node in nodes:
        yield node, nested
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for part in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(node, part, []), True)
        for inner in (*getattr(node, "handlers", []), *getattr(node, "cases", [])):
            yield from _statements(inner.body, True)


def _bindings(nodes: list[ast.stmt]) -> Iterator[Binding]:
    for node, nested in _statements(nodes):
        match node:
            case ast.FunctionDef(name) | ast.ClassDef(name):
                yield "definition", name, nested
            case ast.AsyncFunctionDef(name):
                yield "coroutine", name, nested
            case ast.Import(names) | ast.ImportFrom(_, names):
                for one in names:
                    yield "import", one.asname or one.name.partition(".")[0], nested
            case _:
                # The last of the plain assignments at the top counts; others may be made or not.
                plain = isinstance(node, ast.Assign | ast.AnnAssign) and not nested
                for part in _own(node):
                    if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store | ast.Del):
                        walrus = isinstance(node, ast.Assign) and not _among(part, node.targets)
                        yield "value", part.id, not plain or walrus or isinstance(part.ctx, ast.Del)
                    elif isinstance(part, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and part.name:
                        yield "value", part.name, True
                    elif isinstance(part, ast.MatchMapping) and part.rest:
                        yield "value", part.rest, True


def _early(tree: ast.Module, bindings: list[Binding]) -> set[str]:
    """Names with several values one of which is read while the text runs: the last one does not count then."""
    counts = Counter(name for _, name, _ in bindings)
    again = {name for name, count in counts.items() if count > 1}
    defined = {name for kind, name, _ in bindings if kind != "import"}
    read: set[str] = set()
    for node, _ in _statements(tree.body):
        for part in _run(node):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load):
                read.add(part.id)
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(part, ast.Call):
                # What the text's own functions read then is not followed.
                called = part.func.id if isinstance(part.func, ast.Name) else ""
                read |= again if called in defined else set()
    return again & read


def _run(node: ast.stmt) -> Iterator[ast.AST]:
    """The expressions that are computed where a statement stands: of a definition, its defaults and decorators."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            for one in (*node.args.defaults, *node.args.kw_defaults, *node.decorator_list):
                yield from ast.walk(one) if one is not None else ()
        case ast.ClassDef():
            for inner in node.body:
                yield from _run(inner)
        case _:
            yield from _own(node)


def _own(node: ast.stmt) -> Iterator[ast.AST]:
    """The parts of a statement without the statements in it."""
    waiting: list[ast.AST] = [node]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += [n for n in ast.iter_child_nodes(one) if not isinstance(n, ast.stmt)]


def _among(part: ast.Name, targets: list[ast.expr]) -> bool:
    return any(one is part for target in targets for one in ast.walk(target))


def _rebound(bindings: list[Binding]) -> set[str]:
    """Names that are bound in several ways, or at other places than in plain statements at the top."""
    counts = Counter(name for kind, name, _ in bindings if kind != "import")
    kinds: dict[str, set[str]] = {}
    for kind, name, _ in bindings:
        kinds.setdefault(name, set()).add(kind)
    inner = {name for kind, name, nested in bindings if nested and kind != "import"}
    return {name for name, held in kinds.items() if len(held) > 1 or (counts[name] > 1 and name in inner)}


def _hidden(tree: ast.Module, bindings: list[Binding], known: Collection[str]) -> set[str]:
    """Names of libraries or of Python that are bound to what is not read: a class, the target of a loop."""
    plain = {one.targets[0].id for one in tree.body if isinstance(one, ast.Assign) and len(one.targets) == 1
             and isinstance(one.targets[0], ast.Name)}  # fmt: skip
    plain |= {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}
    return {name for kind, name, _ in bindings if kind != "import" and name in known and name not in plain}


def _starred(tree: ast.Module, builtin: Collection[str]) -> set[str]:
    """Names that ``from ... import *`` may bind to something else."""
    found: set[str] = set()
    before: set[str] = set()
    for node, _ in _statements(tree.body):
        match node:
            case ast.ImportFrom(module, [ast.alias("*")]) if module != "__future__":
                own = _of_libraries({module or "."}) and not node.level
                found |= {*builtin, *(() if own else before)}
            case ast.FunctionDef(name) | ast.Assign([ast.Name(name)]):
                before.add(name)
    return found


def _changed(tree: ast.Module, made: Collection[str]) -> set[str]:
    """Names whose elements some line changes, or which some function binds."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Global(names):
                found |= {*names}
            case ast.AugAssign(ast.Name(name), _, _) if node in tree.body:
                found.add(name)
            case ast.Subscript(ast.Name(name), _, ast.Store() | ast.Del()) if name in made:
                found.add(name)
            case ast.Call(ast.Attribute(ast.Name(name), method), _, _) if name in made and method in CHANGING:
                found.add(name)
    return found


def _methods(node: ast.ClassDef, classes: Mapping[str, ast.ClassDef]) -> Iterator[tuple[str, str]]:
    """Methods of a class that compute something else than their definition says, or whose attributes do; and why."""
    names = {one.name for one in node.body if isinstance(one, ast.FunctionDef)}
    plain = all(_last(one) in _WHOLE_CLASS for one in node.decorator_list)
    if not plain or any(one.arg == "metaclass" and _last(one.value) != "ABCMeta" for one in node.keywords):
        yield from ((f"{node.name}.{name}", _SEVERAL) for name in names)
    bindings = [*_bindings(node.body)]
    yield from ((f"{node.name}.{name}", _SEVERAL) for name in names & _rebound(bindings))
    computed = {*_computed(node, classes, frozenset())}
    for one in node.body:
        if isinstance(one, ast.FunctionDef):
            read = {part.attr for part in ast.walk(one) if isinstance(part, ast.Attribute)} & computed
            if read or computed & _ACCESS:
                yield f"{node.name}.{one.name}", f"reads {min(read, default='attributes')}, which a method computes"


def _computed(node: ast.ClassDef, classes: Mapping[str, ast.ClassDef], seen: frozenset[str]) -> Iterator[str]:
    """Attributes that methods of a class, or of those it is derived from, compute."""
    for one in node.body:
        if isinstance(one, ast.FunctionDef) and (
            one.name in _ACCESS or any("property" in _last(by) for by in one.decorator_list)
        ):
            yield one.name
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id in classes and base.id not in seen:
            yield from _computed(classes[base.id], classes, seen | {base.id})


def _last(node: ast.expr) -> str:
    node = node.func if isinstance(node, ast.Call) else node
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _imports(tree: ast.Module) -> dict[str, set[str]]:
    """What each imported name stands for, anywhere in the text."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names):
                for one in names:
                    path = one.name if one.asname else one.name.partition(".")[0]
                    found.setdefault(one.asname or path, set()).add(_usual(path))
            case ast.ImportFrom(module, names, level):
                for one in names:
                    if one.name != "*":
                        path = "." * (level or 0) + ".".join(filter(None, (module, one.name)))
                        found.setdefault(one.asname or one.name, set()).add(_usual(path))
    return found


def _usual(path: str) -> str:
    # Where there is no GPU, programs take the one library for the other.
    return f"numpy{path.removeprefix('cupy')}" if path == "cupy" or path.startswith("cupy.") else path


def _of_libraries(paths: Collection[str]) -> bool:
    return all(path.partition(".")[0] in _LIBRARIES for path in paths)
