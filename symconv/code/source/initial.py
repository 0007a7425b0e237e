"""What ``__init__`` of a class gives its instances, and that nothing else in the text changes."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from symconv.code.source.keyed import own_attribute
from symconv.code.source.signatures import defaults, parameters

__all__ = ["Initial", "initial_of"]

_INPUTS = frozenset({"input_shape", "in_shape", "x_shape"})
"""Names of parameters that say the shape of what a layer is given."""


@dataclass(frozen=True, eq=False)
class Initial:
    """``__init__`` of a class, one for each: what follows from it is worked out once.

    Attributes
    ----------
    body : its statements
    defaults : its parameters, each with the expression of its default, None where it has none
    lasting : the attributes that it sets and nothing else does
    shapes : its parameters that it takes apart, ``depth, height, width = input_shape``; the parts are parameters too
    """

    body: tuple[ast.stmt, ...] = ()
    defaults: Mapping[str, ast.expr | None] = field(default_factory=dict)
    lasting: frozenset[str] = frozenset()
    shapes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def shape_of_input(self) -> tuple[str, ...]:
        """The lengths that the input is said to have, by the name of the parameter that has them."""
        return next((parts for name, parts in self.shapes.items() if name in _INPUTS), ())

    def parameter(self, name: str) -> str | None:
        """The parameter that an attribute is set to as it is."""
        for one in self.body:
            match one:
                case ast.Assign([target], ast.Name(given)) if own_attribute(target) == name and given in self.defaults:
                    return given
        return None

    def number(self, name: str, said: Collection[str]) -> bool:
        """Whether an attribute is a number: a parameter that is ``said`` or has a number as default, or a constant."""
        for one in self.body:
            match one:
                case ast.Assign([target], value) if own_attribute(target) == name and name in self.lasting:
                    if isinstance(value, ast.Name):
                        return value.id in said or _number(self.defaults.get(value.id))
                    return _number(value)
        return False

    def asked(self, name: str) -> bool:
        """Whether it is a parameter that an instance cannot be made without."""
        return name in self.defaults and self.defaults[name] is None

    def defaulted(self) -> frozenset[str]:
        """The attributes that are parameters with a default."""
        return frozenset(n for n in self.lasting if self.defaults.get(self.parameter(n) or "") is not None)


def initial_of(tree: ast.Module, name: str) -> Initial:
    """``__init__`` of the class of that name; it says nothing where attributes are set in ways that are not seen."""
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    mine = [node for node in classes if node.name == name]
    if len(mine) != 1:
        return Initial()
    starts = [one for one in mine[0].body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
    if len(starts) != 1 or starts[0].decorator_list or any(isinstance(n, ast.Return) for n in ast.walk(starts[0])):
        return Initial()
    (start,) = starts
    inside = {*ast.walk(start)}
    ancestors = _ancestors(mine[0], classes)
    strangers = {part for node in classes if node.name not in ancestors for part in ast.walk(node)}
    elsewhere = {word for node in ast.walk(tree) if node not in inside for word in _set(node, node in strangers)}
    own = {word for node in inside if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
           if (word := own_attribute(node))}  # fmt: skip
    given = {one: defaults(start.args).get(one) for one in parameters(start.args)[1:]}
    methods = {one.name for one in mine[0].body if isinstance(one, ast.FunctionDef)}
    shapes = dict(_taken_apart(start.body, given))
    body = [one for one in start.body if (_parts_of(one) or ("",))[0] not in shapes]
    given |= dict.fromkeys((part for parts in shapes.values() for part in parts), None)
    return Initial(tuple(_one_by_one(body)), given, frozenset(own - elsewhere - methods), shapes)


def _taken_apart(body: Collection[ast.stmt], given: Mapping[str, object]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The parameters that are taken apart, each once, to names that are bound nowhere else."""
    stored = [one.id for node in body for one in ast.walk(node)
              if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)]  # fmt: skip
    for one in body:
        name, parts = _parts_of(one) or ("", ())
        once = all(stored.count(part) == 1 and part not in given for part in parts)
        if name in given and name not in stored and once:
            yield name, parts


def _parts_of(node: ast.stmt) -> tuple[str, tuple[str, ...]] | None:
    match node:
        case ast.Assign([ast.Tuple(parts)], ast.Name(name)) if all(isinstance(one, ast.Name) for one in parts):
            return name, tuple(one.id for one in parts if isinstance(one, ast.Name))
    return None


def _one_by_one(body: Collection[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements; ``self.a, self.b = a, b`` as one for each attribute."""
    for one in body:
        match one:
            case ast.Assign([ast.Tuple(targets)], ast.Tuple(values)) if (
                len(targets) == len(values)
                and all(isinstance(value, ast.Name | ast.Constant) for value in values)
                and all(isinstance(target, ast.Attribute) for target in targets)
            ):
                pairs = zip(targets, values, strict=True)
                yield from (ast.copy_location(ast.Assign([target], value), one) for target, value in pairs)
            case _:
                yield one


def _ancestors(node: ast.ClassDef, classes: Collection[ast.ClassDef]) -> set[str]:
    """The class and what it is derived from in the text."""
    found, waiting = set[str](), [node.name]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [base.id for one in classes if one.name == name for base in one.bases
                        if isinstance(base, ast.Name)]  # fmt: skip
    return found


def _set(node: ast.AST, stranger: bool) -> Iterator[str]:
    """The attributes that a part of the text may set; ``self`` of a strange class is another object."""
    match node:
        case ast.Attribute(owner, word, ast.Store() | ast.Del()):
            if not (stranger and isinstance(owner, ast.Name) and owner.id == "self"):
                yield word
        case ast.Call(ast.Name("setattr" | "delattr"), [_, ast.Constant(str() as word), *_]):
            yield word


def _number(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool)
