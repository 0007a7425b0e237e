"""A forward function: what its parameters are, what it returns and what it keeps."""

from __future__ import annotations

import ast
from collections.abc import Collection, Hashable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from symconv.code.gradients.documented import documented
from symconv.code.gradients.outputs import Outputs
from symconv.code.gradients.roles import Roles, flag, mode, numeric, numeric_kind, packed, tensor_named
from symconv.code.gradients.running import run
from symconv.code.held.state import evaluate
from symconv.code.reading.classes import give_attributes
from symconv.code.reading.reader import start
from symconv.code.source.declared import Shape, declared_names, declared_shapes
from symconv.code.source.held_gradients import called_methods, numbers_in, set_in_methods, with_gradients
from symconv.code.source.keyed import own_attribute
from symconv.code.source.labels import labels_in
from symconv.code.source.program import Program
from symconv.code.source.signatures import defaults, parameters
from symconv.code.values.objects import Box, Context, Pack
from symconv.errors import SpecError, SymconvError
from symconv.notation.affine import affine
from symconv.notation.operator import Operator
from symconv.prove.decide.decision import Decision
from symconv.prove.language.labels import selector

__all__ = ["Forward", "context_of_forward", "described", "forward_for", "surely_tensors"]

_OF_TENSORS = frozenset({
    "view", "reshape", "permute", "transpose", "unsqueeze", "squeeze", "flatten", "expand", "shape", "contiguous",
    "clone", "dim", "ndim", "numel", "chunk", "sum", "mean", "matmul", "mm", "bmm",
})  # fmt: skip
"""Attributes that numbers have not."""


@dataclass(frozen=True)
class Forward:
    """A forward function and what its parameters are: tensors of the operator, or numbers that are set.

    With ``other_ties`` the derivative goes to the other one where two numbers of a maximum ("max") or a minimum ("min")
    are equal: where the forward function says nothing else, either is right. With ``equal_parts`` lengths that
    ``chunk`` does not cut into equal parts are left out. Of several ``outputs`` one is looked at, number ``which``.
    ``centre`` wants a formula that takes means off before it sums squares. Labels that are ``rows`` are one-hot.
    With ``unequal`` lengths that the text does not make equal are not taken as equal. What it is ``decided`` not to be,
    or to be, is asked once.
    """

    program: Program
    node: ast.FunctionDef
    tensors: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    other_ties: frozenset[str] = frozenset()
    equal_parts: bool = False
    outputs: Outputs = field(default_factory=Outputs)
    which: int = 0
    lines: Mapping[str, Shape] = field(default_factory=dict)
    centre: bool = False
    rows: frozenset[str] = frozenset()
    unequal: bool = False
    decided: dict[Hashable, Decision | None] = field(default_factory=dict, compare=False, repr=False)

    @property
    def shapes(self) -> dict[str, Shape]:
        """The shapes that ``__init__`` gives tensors; those in ``lines`` are taken for rows or columns."""
        declared = declared_shapes(self.program.initial()) if self.attributes else {}
        return {tensor: declared[name] for name, tensor in self.attributes.items() if name in declared} | {**self.lines}

    def setting(self, name: str) -> Any:
        """A number of the layer: as it was said, else a stride of 1 and no padding."""
        if name in self.settings:
            return self.settings[name]
        if mode(name) and (trained := self.program.trained()) is not None:
            return trained
        found = numeric_kind(name)
        if found is None:
            raise SpecError(f"{self.node.name}: what {name} is cannot be told; say it with arguments=")
        kinds = {numeric_kind(key): value for key, value in self.settings.items()}
        return kinds.get(found, affine(0 if found == "padding" else 1))

    def run(self, on: Any, tensors: Mapping[str, Any], context: Context) -> tuple[Any, Any]:
        """The output, and what is kept for the backward function (None where nothing is returned beside it)."""
        state = start(self.program, on)
        given = {name: tensors[tensor] for name, tensor in self.tensors.items()}
        give_attributes(state, context, self.settings, next(iter(given.values()), None))
        on.other_ties, on.equal_parts, on.exact = self.other_ties, self.equal_parts, self.centre
        names: dict[str, Any] = {}
        plain, usual = parameters(self.node.args), defaults(self.node.args)
        for name in plain:
            if name in {"ctx", "self"}:
                names[name] = context
            elif name in given:
                names[name] = given[name]
            elif name in self.settings:
                names[name] = self.settings[name]
            elif packed(name):
                names[name] = Pack(name, self.setting)
        for name in plain:
            if name not in names:
                if name not in usual and flag(name):
                    names[name] = True
                    continue
                if name not in usual:
                    raise SpecError(f"{self.node.name}: what {name} is cannot be told; say it with arguments=")
                names[name] = evaluate(state, usual[name])
        result = self.outputs.differentiable(run(state, self.node, names))
        if self.outputs.names:
            return self.outputs.split(result)
        if plain[:1] == ["ctx"]:
            # An autograd function keeps values in ctx; what it returns are outputs.
            return result, None
        if isinstance(result, tuple) and len(result) >= 2 and isinstance(result[0], Box):
            return result[0], result[1] if len(result) == 2 else tuple(result[1:])
        return result, None


def forward_for(program: Program, node: ast.FunctionDef, op: Operator, arguments: Mapping[str, Any]) -> Forward:
    """A forward function beside the one that is looked at: what it keeps is read, and what it computes is not compared.

    Numbers that are not said are those of the operator. Raises SpecError where a tensor is none of the operator's.
    """
    roles, settings = Roles(op, {}, None), dict[str, Any]()
    for name in parameters(node.args):
        with suppress(SymconvError):
            if name in arguments:
                settings[name] = roles.value(arguments[name])
            elif numeric(name) and numeric_kind(name) and name not in op.tensors:
                settings[name] = roles.of(name)
    found = described(program, node, settings)
    tensors = {name: name if name in op.tensors else tensor for name, tensor in found.tensors.items()}
    if unknown := [name for name, tensor in tensors.items() if tensor not in op.tensors]:
        raise SpecError(
            f"{node.name}: {unknown[0]} is no tensor of {op.name}, which has {', '.join(op.tensors)}; call it by "
            "one of these names"
        )
    return replace(found, tensors=tensors)


def _is_constant(node: ast.expr) -> bool:
    """Whether a default is a number or a text, such as ``axis=-1``."""
    value = node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else node
    return isinstance(value, ast.Constant) and isinstance(value.value, int | float | str)


def described(
    program: Program, node: ast.FunctionDef, settings: Mapping[str, Any], arrays: Collection[str] = (),
    backward: ast.FunctionDef | None = None,
) -> Forward:  # fmt: skip
    """The function with what its parameters are, by their names and what is done with them; ``arrays`` are said.

    What is ``backward`` to it may show which of them are labels.
    """
    plain, defaulted = parameters(node.args), defaults(node.args)
    tensors: dict[str, str] = {}
    constants = {n for n, one in defaulted.items() if _is_constant(one)}
    behind = () if backward is None else (backward,)
    labels = labels_in(node, functions=program.callees, behind=behind) - {"self", "ctx", *constants, *settings}
    known = {"self", "ctx", *constants, *settings, *labels}
    saved = {*surely_tensors(node), *arrays}
    given = [n for n in plain if n not in known and (n in saved or not numeric(n)) and not (packed(n) or flag(n))]
    usual = {tensor_named(name) for name in given}
    for name in given:
        # Names such as a and b are those of a layer where there is an input and a weight beside them.
        found = tensor_named(name) if len(given) == 1 or {"x", "w"} <= usual or plain[:1] == ["self"] else name
        if found is None and name not in defaulted and node.args.vararg is None:
            found = name
        if found is not None:
            tensors[name] = name if found in tensors.values() else found
    tensors |= {name: selector(name) for name in plain if name in labels}
    attributes: dict[str, str] = {}
    if plain[:1] == ["self"]:
        attributes = _tensors_held(program, node, tensors, settings)
    return Forward(program, node, tensors, dict(settings), attributes)


def _tensors_held(
    program: Program, node: ast.FunctionDef, tensors: Mapping[str, str], settings: Mapping[str, Any]
) -> dict[str, str]:
    """The attributes of ``self`` that are tensors, by their names or by the gradients that stand beside them."""
    found: dict[str, str] = {}
    methods = called_methods(program, node)
    shown, initial = with_gradients(program, methods), program.initial()
    numbers = {name: line for one in methods for name, line in numbers_in(one).items()}
    lengths = declared_names(initial)
    shown |= {*declared_shapes(initial)} - set_in_methods(program)
    for one in (part for method in methods for part in ast.walk(method)):
        name = own_attribute(one) if isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Load) else None
        if name is None or name in found or name in settings or name in lengths or numeric(name):
            continue
        if f"self.{name}" in program.callees:
            continue
        tensor = tensor_named(name) or (name if name in shown else None)
        if tensor is None or tensor in tensors.values() or (name not in shown and initial.number(name, settings)):
            continue
        if name in numbers:
            raise SpecError(
                f"{node.name}: self.{name} is a number, by what line {numbers[name]} does with it, and which one "
                f"cannot be told; say it with arguments={{{name!r}: 2}}"
            )
        found[name] = name if tensor in found.values() else tensor
    return found


def surely_tensors(node: ast.FunctionDef) -> frozenset[str]:
    """What ``ctx.save_for_backward`` or a logarithm takes, has a documented shape or methods, or is added to an input.

    These are tensors, whatever they are called.
    """
    calls = (one for one in ast.walk(node) if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute))
    saving = (one for one in calls if isinstance(one.func, ast.Attribute) and one.func.attr == "save_for_backward")
    saved = (n.id for one in saving for n in one.args if isinstance(n, ast.Name))
    moved = (one.value.id for one in ast.walk(node) if isinstance(one, ast.Attribute) and one.attr in _OF_TENSORS
             and isinstance(one.value, ast.Name))  # fmt: skip
    return frozenset((*documented(node), *saved, *moved, *_in_formulas(node)))


def _in_formulas(node: ast.FunctionDef) -> Iterator[str]:
    """The first parameter, and those whose logarithm is taken, or whose difference to another: ``p - t`` of a loss."""
    names = {*parameters(node.args)}
    needed = [name for name in parameters(node.args) if name not in {"self", "ctx", *defaults(node.args)}]
    yield from needed[:1]
    for one in ast.walk(node):
        match one:
            case ast.BinOp(ast.Name(left), ast.Add() | ast.Sub(), ast.Name(right)) if {left, right} <= names:
                if "x" in {tensor_named(left), tensor_named(right)} or {left, right} <= {*needed}:
                    yield from (left, right)
            case ast.Call(ast.Attribute(_, "log"), [ast.Name(name)]) if name in names:
                yield name


def context_of_forward(forward: Forward, boxes: Mapping[str, Any]) -> Context:
    """``ctx`` or ``self`` before the forward function runs."""
    held = {name: boxes[tensor] for name, tensor in forward.attributes.items()}
    if parameters(forward.node.args)[:1] == ["self"]:
        held = {**forward.settings, **held}
    return Context(None, _Settings(forward, held))


class _Settings(dict[str, Any]):
    """Attributes of ``self``: the tensors, what was set, and numbers by their names."""

    def __init__(self, forward: Forward, held: Mapping[str, Any]) -> None:
        super().__init__(held)
        self.forward = forward

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or (isinstance(key, str) and numeric_kind(key) is not None)

    def __missing__(self, key: str) -> Any:
        return self.forward.setting(key)
