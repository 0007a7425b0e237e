"""Source text to functions, classes and imports; nothing of it is executed."""

from __future__ import annotations

import ast
import builtins
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from symconv.code.source import listed
from symconv.code.source.attributes import attributes_of, open_to_all
from symconv.code.source.bases import with_bases, with_functions
from symconv.code.source.bracketed import as_calls
from symconv.code.source.cases import plainly
from symconv.code.source.initial import Initial, initial_of
from symconv.code.source.keyed import as_attributes
from symconv.code.source.left_on_arrays import as_results
from symconv.code.source.logged import as_prints
from symconv.code.source.registered import as_classes
from symconv.code.source.remarks import as_docstrings
from symconv.code.source.running_extremes import with_extremes
from symconv.code.source.scripts import functions_of, unsure
from symconv.code.source.settled import unsettled
from symconv.code.source.side_by_side import with_ranges
from symconv.code.source.sublayers import flatten
from symconv.code.source.unbound import names_at_top
from symconv.code.source.updates import keep_steps
from symconv.code.source.vjps import Rule, rules_of
from symconv.errors import SpecError, shown
from symconv.limits import CODE_CHARACTERS

__all__ = ["TRAINED", "Program", "program", "read_text"]

_USUAL = {
    "np": "numpy", "numpy": "numpy", "torch": "torch", "F": "torch.nn.functional", "nn": "torch.nn",
    "tf": "tensorflow", "tensorflow": "tensorflow", "jnp": "jax.numpy", "jax": "jax", "lax": "jax.lax",
    "scipy": "scipy", "signal": "scipy.signal", "math": "math", "cp": "numpy", "xp": "numpy",
    "convolve2d": "scipy.signal.convolve2d", "correlate2d": "scipy.signal.correlate2d",
}  # fmt: skip
"""What the usual short names mean in code that shows no imports."""
TRAINED = frozenset({"train", "training"})


@dataclass(frozen=True)
class Program:
    """The definitions of one source text.

    Attributes
    ----------
    functions, classes : the definitions at the top of the text, by name
    constants : the expressions of simple assignments at the top
    owner : the class whose methods are read, where that is known
    attributes : what classes give their instances and nothing else sets, by class and name
    initials : what ``__init__`` of each class gives its instances
    imports : what each imported name stands for, as a dotted name
    unsettled : names, and methods as ``Class.method``, whose value depends on what ran before, and why
    libraries : the libraries that the text imports or uses
    outside : the names that functions find outside of themselves; None where they may find any
    rules : functions that JAX's ``defvjp`` gives a rule for their gradients, by name
    memo : what was worked out of the text, by what it is
    """

    name: str
    functions: Mapping[str, ast.FunctionDef]
    classes: Mapping[str, ast.ClassDef]
    constants: Mapping[str, ast.expr]
    imports: Mapping[str, str]
    lines: tuple[str, ...] = field(default=(), repr=False)
    script: bool = False
    owner: str = ""
    attributes: Mapping[str, Mapping[str, ast.expr]] = field(default_factory=dict)
    initials: Mapping[str, Initial] = field(default_factory=dict)
    unsettled: Mapping[str, str] = field(default_factory=dict)
    libraries: frozenset[str] = frozenset()
    outside: frozenset[str] | None = None
    rules: Mapping[str, Rule] = field(default_factory=dict)
    memo: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def line(self, number: int) -> str:
        """One line of the text, without the blanks around it."""
        return self.lines[number - 1].strip() if 0 < number <= len(self.lines) else ""

    def function(self, name: str | None) -> ast.FunctionDef:
        """The function of that name (``Class.method`` too), or the only one; raises SpecError with those there are."""
        if name is None:
            if len(self.functions) == 1:
                return self.settled(next(iter(self.functions.values())))
            if self.script:
                return self.settled(self.functions["backward"])
            raise SpecError(f"{self.name}: say which function, with name=...; there are {self._known()}")
        owner, dot, method = name.partition(".")
        if dot and owner in self.classes:
            for node in reversed(self.classes[owner].body):
                if isinstance(node, ast.FunctionDef) and node.name == method:
                    return self.settled(node, owner)
        if name not in self.functions:
            raise SpecError(f"{self.name}: there is no function {name!r}; there are {self._known()}")
        return self.settled(self.functions[name])

    def settled(self, node: ast.FunctionDef, owner: str = "") -> ast.FunctionDef:
        """The function, or the method of a class; raises SpecError where its name stands for something else later."""
        for name in (owner, f"{owner}.{node.name}") if owner else (node.name,):
            if name in self.unsettled:
                raise SpecError(
                    f"{self.name}, line {node.lineno}: {name} {self.unsettled[name]}; what it computes then cannot be "
                    "told. Bind each name once, at the top of the text"
                )
        return node

    def method(self, name: str) -> ast.FunctionDef | None:
        """The method of that name: of the class that is read, else where one class alone has it."""
        classes = [self.classes[self.owner]] if self.owner in self.classes else list(self.classes.values())
        found = [
            (n, one.name) for one in classes for n in one.body if isinstance(n, ast.FunctionDef) and n.name == name
        ]
        return self.settled(*found[0]) if len(found) == 1 else None

    @property
    def callees(self) -> dict[str, ast.FunctionDef]:
        """The functions of the text, and the methods of the class that is read, as they are called."""
        body = self.classes[self.owner].body if self.owner in self.classes else []
        methods = {f"self.{one.name}": one for one in body if isinstance(one, ast.FunctionDef)}
        return {**self.functions, **methods}

    def called_by(self, node: ast.FunctionDef) -> tuple[ast.FunctionDef, ...]:
        """A function, and those of the text that it calls by their names, and what these call."""
        found = [node]
        for one in found:
            names = dict.fromkeys(part.func.id for part in ast.walk(one)
                                  if isinstance(part, ast.Call) and isinstance(part.func, ast.Name))  # fmt: skip
            found += [self.functions[name] for name in names
                      if name in self.functions and self.functions[name] not in found]  # fmt: skip
        return tuple(found)

    def trained(self) -> str | None:
        """The word that a mode of training is compared with (``mode == "train"``), where there is one."""
        found: set[str] = set()
        for node in (part for one in (*self.functions.values(), *self.classes.values()) for part in ast.walk(one)):
            match node:
                case ast.Compare(_, [ast.Eq()], [ast.Constant(str() as word)]) if word in TRAINED:
                    found.add(word)
        return found.pop() if len(found) == 1 else None

    def owned(self) -> Mapping[str, ast.expr]:
        """The attributes that the class which is read gives its instances, where that class is what it says."""
        return {} if self.owner in self.unsettled else self.attributes.get(self.owner, {})

    def initial(self) -> Initial:
        """``__init__`` of the class that is read, where that class is what it says."""
        return Initial() if self.owner in self.unsettled else self.initials.get(self.owner, Initial())

    def _known(self) -> str:
        return ", ".join((*self.functions, *self.classes)) or "no functions, and no line that computes a gradient"


def read_text(code: str | Path) -> tuple[str, str]:
    """The text of a path or of a text itself, and its name."""
    if not isinstance(code, str | Path):
        raise SpecError(f"code is a text or the path of a file; given {shown(code)}")
    text = str(code)
    if isinstance(code, Path) or ("\n" not in text and text.endswith(".py")):
        try:
            return Path(text).read_text(encoding="utf-8"), text
        except (OSError, UnicodeDecodeError) as error:
            raise SpecError(f"{text}: {getattr(error, 'strerror', None) or 'no text in UTF-8'}") from None
    return text, "code"


def program(text: str, name: str = "code") -> Program:
    """The definitions of ``text``; raises SpecError where it is no Python."""
    if len(text) > CODE_CHARACTERS:
        raise SpecError(f"{name}: {len(text)} characters; at most {CODE_CHARACTERS} are read")
    text = textwrap.dedent(_plain(text))
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        at = getattr(error, "lineno", None)
        where = f", line {at}" if at else ""
        raise SpecError(f"{name}{where}: no Python that can be read ({getattr(error, 'msg', error)})") from None
    tree = plainly(tree)
    tree.body = with_bases([one for node in tree.body for one in _apart(node)])
    tree = as_calls(as_prints(_InPlace(_aliased(tree)).visit(as_docstrings(text, tree))))
    tree = with_ranges(as_results(as_classes(with_extremes(tree))))
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            with_functions(node)
            as_attributes(node)
            listed.as_attributes(node)
            keep_steps(node)
    flatten(tree.body)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    script = functions_of(tree)
    functions |= {key: node for key, node in script.items() if key not in functions}
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    imported = _imports(tree)
    # A class may be called F where nothing is imported under that name.
    usual = {key: path for key, path in _USUAL.items() if key not in classes or key in imported}
    changed = dict(unsettled(tree, usual, dir(builtins)))
    if script and (why := unsure(tree, script)):
        changed |= {key: why for key, node in script.items() if functions[key] is node}
    constants: dict[str, ast.expr] = {}
    for node in tree.body:
        match node:
            case ast.Assign([ast.Name(target)], value) | ast.AnnAssign(ast.Name(target), _, value) if value is not None:
                constants[target] = value
    imports = {**usual, **imported}
    top = names_at_top(tree)
    return Program(
        name, functions, classes, constants, imports, tuple(text.splitlines()), bool(script),
        unsettled=changed, libraries=_libraries(tree, imports), attributes=attributes_of(tree),
        initials={} if open_to_all(tree) else {one: initial_of(tree, one) for one in classes},
        outside=None if top is None else top | {*imports},
        rules=rules_of(tree),
    )  # fmt: skip


def _apart(node: ast.stmt) -> list[ast.stmt]:
    """``A, B = 1.5, 2`` at the top as two lines, where names are given what reads none of them."""
    match node:
        case ast.Assign([ast.Tuple(names)], ast.Tuple(values)) if len(names) == len(values):
            given = {one.id for one in names if isinstance(one, ast.Name)}
            read = {one.id for value in values for one in ast.walk(value) if isinstance(one, ast.Name)}
            if len(given) == len(names) and not given & read:
                return [ast.copy_location(ast.Assign([name], value), node)
                        for name, value in zip(names, values, strict=True)]  # fmt: skip
    return [node]


def _aliased(tree: ast.Module) -> frozenset[str]:
    """Names that may stand for one array with another name."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets, ast.Name(name)):
                found |= {name, *(one.id for one in targets if isinstance(one, ast.Name))}
    return frozenset(found)


class _InPlace(ast.NodeTransformer):
    """``a = a.at[i].add(e)`` as ``a[i] += e``, and ``set`` as an assignment: what JAX writes for them.

    Left alone where the array may have another name: that one keeps the old elements.
    """

    def __init__(self, aliased: frozenset[str]) -> None:
        self.aliased = aliased

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        match node:
            case ast.Assign(
                [ast.Name(name)],
                ast.Call(
                    ast.Attribute(
                        ast.Subscript(ast.Attribute(ast.Name(same), "at"), index), ("add" | "set" | "subtract") as word
                    ),
                    [value],
                ),
            ) if name == same and name not in self.aliased:
                target = ast.Subscript(ast.Name(name, ast.Load()), index, ast.Store())
                op = ast.Sub() if word == "subtract" else ast.Add()
                new: ast.stmt = ast.Assign([target], value) if word == "set" else ast.AugAssign(target, op, value)
                return ast.fix_missing_locations(ast.copy_location(new, node))
        return node


def _libraries(tree: ast.Module, imports: Mapping[str, str]) -> frozenset[str]:
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    imported = _imports(tree).keys()
    # F of F, C, HH, WW = w.shape is a number.
    own = {node.id for node in names if isinstance(node.ctx, ast.Store)} - imported
    own -= {
        node.value.id for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    used = ({node.id for node in names} - own) | imported
    return frozenset(imports[name].partition(".")[0] for name in used if name in imports)


def _plain(text: str) -> str:
    """The text without the prompts and magics of a notebook."""
    lines = [re.sub(r"^(In \[\d*\]:|>>>|\.\.\.)\s?", "", line) for line in text.splitlines()]
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in lines) + "\n"


def _imports(tree: ast.Module) -> dict[str, str]:
    found = {}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names):
                for one in names:
                    found[one.asname or one.name.partition(".")[0]] = (
                        one.name if one.asname else one.name.partition(".")[0]
                    )
            case ast.ImportFrom(module, names) if module:
                for one in names:
                    # Programs for both Pythons take their builtins from there.
                    moved = module in {"six.moves", "past.builtins", "future.builtins"}
                    found[one.asname or one.name] = f"{'builtins' if moved else module}.{one.name}"
    return found
