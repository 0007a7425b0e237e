"""The forward function of the code as an operator: its terms are read off, and what they say is proved to be it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from symconv.code.arrays.symbolic import Symbolic
from symconv.code.arrays.walk import Walk
from symconv.code.gradients.branches import Branches, HalfUnread, Read
from symconv.code.gradients.candidates import candidates, where_defined
from symconv.code.gradients.operands import given, sizes_of
from symconv.code.gradients.ranks import documented, ranks_of, vectors_of
from symconv.code.gradients.roles import Roles, numeric, numeric_kind, packed, tensor_named
from symconv.code.gradients.running import run
from symconv.code.held.boxes import current
from symconv.code.held.state import evaluate
from symconv.code.reading.classes import give_attributes
from symconv.code.reading.reader import start
from symconv.code.source.labels import labels_in
from symconv.code.source.program import Program
from symconv.code.source.signatures import defaults, parameters
from symconv.code.values.objects import Box, Context, Pack
from symconv.errors import SpecError, SymconvError
from symconv.notation.affine import affine, var
from symconv.notation.expr import equal
from symconv.notation.operator import Operator
from symconv.prove.concrete.numbers import Misfit
from symconv.prove.decide.decision import decide
from symconv.prove.language.coded import Coded
from symconv.prove.language.labels import is_selector, selector
from symconv.prove.meaning.scope import Mismatch, Scope, Undecided
from symconv.prove.meaning.value import Value
from symconv.relation.regions import everywhere
from symconv.relation.sets import Context as Sizes

__all__ = ["Forward", "forward_for", "forward_of", "operators_of", "surely_tensors"]


@dataclass(frozen=True)
class Forward:
    """A forward function and what its parameters are: tensors of the operator, or numbers that are set.

    With ``other_ties`` the derivative goes to the other one where two numbers of a maximum are equal: where the
    forward function says nothing else, either is right.
    """

    program: Program
    node: ast.FunctionDef
    tensors: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    other_ties: bool = False

    def setting(self, name: str) -> Any:
        """A number of the layer: as it was said, else a stride of 1 and no padding."""
        if name in self.settings:
            return self.settings[name]
        found = numeric_kind(name)
        if found is None:
            raise SpecError(f"{self.node.name}: what {name} is cannot be told; say it with arguments=")
        kinds = {numeric_kind(key): value for key, value in self.settings.items()}
        return kinds.get(found, affine(0 if found == "padding" else 1))

    def run(self, on: Any, tensors: Mapping[str, Any], context: Context) -> tuple[Any, Any]:
        """The output, and what is kept for the backward function (None where nothing is returned beside it)."""
        state = start(self.program, on)
        give_attributes(state, context, self.settings)
        on.other_ties = self.other_ties
        names: dict[str, Any] = {}
        given = {name: tensors[tensor] for name, tensor in self.tensors.items()}
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
                if name not in usual:
                    raise SpecError(f"{self.node.name}: what {name} is cannot be told; say it with arguments=")
                names[name] = evaluate(state, usual[name])
        result = run(state, self.node, names)
        if plain[:1] == ["ctx"]:
            # An autograd function keeps values in ctx; what it returns are outputs.
            return result, None
        if isinstance(result, tuple) and len(result) >= 2 and isinstance(result[0], Box):
            return result[0], result[1] if len(result) == 2 else tuple(result[1:])
        return result, None


def forward_of(program: Program, node: ast.FunctionDef, settings: Mapping[str, Any]) -> tuple[Operator, Forward]:
    """The operator a forward function computes; raises SpecError where it is none that can be told."""
    return next(operators_of(program, node, settings))


def operators_of(program: Program, node: ast.FunctionDef, settings: Mapping[str, Any],
                 other_ties: bool = False) -> Iterator[tuple[Operator, Forward]]:  # fmt: skip
    """The operators a forward function computes: one for each number of axes its tensors may have, likely ones first.

    Raises SpecError where there is none.
    """
    forward = replace(_described(program, node, settings), other_ties=other_ties)
    tensors = (*forward.tensors.values(), *forward.attributes.values())
    told = documented(node)
    said = {tensor: told[name] + is_selector(tensor) for name, tensor in forward.tensors.items() if name in told}
    problems: list[str] = []
    found = False
    for ranks in ranks_of(forward.node, tensors, said):
        if found and any(ranks[name] == ranks["x"] for name in vectors_of(tensors)):
            # A bias of the input's shape would make a forgotten sum right.
            continue
        operator, problem, line = _of_ranks(forward, ranks)
        if operator is not None:
            found = True
            yield operator, forward
        elif line and not found:
            raise SpecError(_split(program, node, line))
        problems.append(problem)
    if not found:
        problems = problems[:1] if any(map(is_selector, tensors)) else problems  # with labels the first ones are likely
        reason = max(problems, key=_told) if problems else "it has no tensors among its parameters"
        raise SpecError(f"{program.name}: {node.name} is not read as an operator: {reason}")


def _of_ranks(forward: Forward, ranks: Mapping[str, int]) -> tuple[Operator | None, str, int]:
    """The operator for these numbers of axes; else why there is none, and the line of a branch that is the reason."""
    problem = ""
    for alike in (False, True):
        try:
            reads, line = _branches(forward, ranks, alike)
        except HalfUnread as unread:
            return None, str(unread), 0
        except (SymconvError, Undecided, Mismatch, Misfit) as unread:
            problem = problem or str(unread)
            continue
        for read in reads:
            for candidate in candidates(read, forward.node.name):
                if (proved := _proved(candidate, forward)) is not None:
                    return proved, "", 0
        return None, f"its {len(reads[0].value.terms)} terms are of no operator that is known here", line
    return None, problem, 0


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
    found = _described(program, node, settings)
    tensors = {name: name if name in op.tensors else tensor for name, tensor in found.tensors.items()}
    if unknown := [name for name, tensor in tensors.items() if tensor not in op.tensors]:
        raise SpecError(
            f"{node.name}: {unknown[0]} is no tensor of {op.name}, which has {', '.join(op.tensors)}; call it by "
            "one of these names"
        )
    return replace(found, tensors=tensors)


def _split(program: Program, node: ast.FunctionDef, line: int) -> str:
    where = f"line {line} asks for sizes ({program.line(line)})"
    return (
        f"{program.name}: {node.name} is not read as an operator: {where}, and what is computed on its two sides is "
        "not proved to be one operator; none is chosen silently. Give the operator as a formula, "
        "symconv.prove(formula, code=...), or assert in the function which sizes it is for"
    )


def _told(problem: str) -> tuple[bool, int]:
    """The problem that says most: not one of a rank that was only tried."""
    tried = ("axes are wanted", "names for", "axes; given", "axis; given", "does not fit arrays", "this broadcast of",
             "there is no axis", "for sizes of its own alone", "values, and no number")  # fmt: skip
    return not any(word in problem for word in tried), len(problem)


def _described(program: Program, node: ast.FunctionDef, settings: Mapping[str, Any]) -> Forward:
    plain, defaulted = parameters(node.args), defaults(node.args)
    tensors: dict[str, str] = {}
    constants = {
        n for n, one in defaulted.items() if isinstance(one, ast.Constant) and isinstance(one.value, int | float)
    }
    labels = labels_in(node) - {"self", "ctx", *constants, *settings}
    known = {"self", "ctx", *constants, *settings, *labels}
    saved = surely_tensors(node)
    given = [n for n in plain if n not in known and (n in saved or not numeric(n)) and not packed(n)]
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
        for one in ast.walk(node):
            owned = isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name) and one.value.id == "self"
            if owned and isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Load):
                found = tensor_named(one.attr)
                if found is not None and found not in tensors.values() and not numeric(one.attr):
                    attributes[one.attr] = found
    return Forward(program, node, tensors, dict(settings), attributes)


def surely_tensors(node: ast.FunctionDef) -> frozenset[str]:
    """What ``ctx.save_for_backward`` takes or has a documented shape: tensors, whatever they are called."""
    calls = (one for one in ast.walk(node) if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute))
    saving = (one for one in calls if isinstance(one.func, ast.Attribute) and one.func.attr == "save_for_backward")
    return frozenset((*documented(node), *(n.id for one in saving for n in one.args if isinstance(n, ast.Name))))


def _branches(forward: Forward, ranks: Mapping[str, int], alike: bool) -> tuple[list[Read], int]:
    """The outputs of a forward function, and the line of a branch; with ``alike`` w has the channels of x first."""
    sizes = {name: sizes_of(name, rank) for name, rank in ranks.items()}
    flat = [size for row in sizes.values() for size in row]
    region = everywhere(Sizes(tuple(sorted(flat)), " and ".join(f"{size} >= 1" for size in flat)))
    if alike:
        if ranks.get("w", 0) < 1 or ranks.get("x", 0) < 2:
            raise Undecided("it is read for sizes of its own alone")
        region = region.where(equal(var("w_0"), var("x_1")))
    branches = Branches(lambda on, boxes: _output(forward, on, boxes), sizes)
    return branches.read(region), branches.line


def _output(forward: Forward, on: Symbolic, boxes: Mapping[str, Box]) -> Value:
    result, _ = forward.run(on, boxes, context_of_forward(forward, boxes))
    if isinstance(result, tuple) and len(result) > 1:
        raise SpecError(
            f"{forward.node.name} returns {len(result)} outputs; give them as a formula, "
            "symconv.prove(symconv.operator(formula, outputs=...), code=..., name=...)"
        )
    if not isinstance(result, Box):
        raise SpecError(f"{forward.node.name} does not return an array first")
    value = current(start(forward.program, on), result)
    assert isinstance(value, Value)
    return value


def context_of_forward(forward: Forward, boxes: Mapping[str, Any]) -> Context:
    """``ctx`` or ``self`` before the forward function runs."""
    held = {name: boxes[tensor] for name, tensor in forward.attributes.items()}
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


def _proved(candidate: Operator, forward: Forward) -> Operator | None:
    """The operator the forward function is proved to compute, for the sizes at which it divides by no 0."""

    def denote(scope: Scope) -> Value:
        walk = Walk(scope)
        try:
            on = Symbolic(walk)
            return _output(forward, on, given(on, scope.names.tensors))
        finally:
            scope.region = walk.base

    claim = Coded(candidate.output.name, f"{forward.node.name}(...)", denote, _for_all_sizes_alone)
    try:
        decision = decide(candidate, claim)
    except (SymconvError, KeyError):
        return None
    return where_defined(candidate, decision)


def _for_all_sizes_alone(_: Mapping[str, Any]) -> Any:
    raise SpecError("a forward function is compared for all sizes, not on numbers")
