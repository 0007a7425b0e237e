"""The forward function of the code as an operator: its terms are read off, and what they say is proved to be it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from symconv.code.roles import numeric, tensor_named
from symconv.code.source import Program
from symconv.code.statements import Reader
from symconv.code.symbolic import Symbolic
from symconv.code.values import Box, Context
from symconv.code.walk import Walk
from symconv.errors import SpecError, SymconvError
from symconv.notation.affine import var
from symconv.notation.operator import Operator
from symconv.ops.registry import catalogue, operator
from symconv.prove.coded import Coded
from symconv.prove.decide import decide
from symconv.prove.facts import facts_of
from symconv.prove.numeric_numbers import Misfit
from symconv.prove.parse import Caret
from symconv.prove.scope import Fork, Mismatch, Names, Scope, Undecided
from symconv.prove.value import Fresh, Term, Value, axis
from symconv.relation.collecting import collected
from symconv.relation.regions import everywhere
from symconv.relation.sets import Context as Sizes
from symconv.relation.tables import domains

__all__ = ["Forward", "forward_of"]

_RANKS = {"x": (4, 3, 5, 2, 1), "w": (4, 3, 5, 2, 1), "b": (1,)}


@dataclass(frozen=True)
class Forward:
    """A forward function and what its parameters are: tensors of the operator, or numbers that are set."""

    program: Program
    node: ast.FunctionDef
    tensors: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)

    def run(self, on: Any, tensors: Mapping[str, Any], context: Context) -> tuple[Any, Any]:
        """The output, and what is kept for the backward function (None where nothing is returned beside it)."""
        reader = Reader(self.program, on)
        names: dict[str, Any] = {}
        given = {name: tensors[tensor] for name, tensor in self.tensors.items()}
        spec = self.node.args
        plain = [one.arg for one in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)]
        for name in plain:
            if name in {"ctx", "self"}:
                names[name] = context
            elif name in given:
                names[name] = given[name]
            elif name in self.settings:
                names[name] = self.settings[name]
        defaults = dict(zip(reversed(plain), reversed(spec.defaults), strict=False))
        for name in plain:
            if name not in names:
                if name not in defaults:
                    raise SpecError(f"{self.node.name}: what {name} is cannot be told; say it with arguments=")
                names[name] = reader.value(defaults[name])
        result = reader.run(self.node, names)
        if isinstance(result, tuple) and len(result) >= 2 and isinstance(result[0], Box):
            return result[0], result[1] if len(result) == 2 else tuple(result[1:])
        return result, None


def forward_of(program: Program, node: ast.FunctionDef, settings: Mapping[str, Any]) -> tuple[Operator, Forward]:
    """The operator a forward function computes; raises SpecError where it is none that can be told."""
    forward = _described(program, node, settings)
    problems: list[str] = []
    for ranks in _ranks(forward):
        try:
            value, tensors = _value(forward, ranks)
        except (SymconvError, Undecided, Mismatch, Fork, Misfit) as problem:
            problems.append(str(problem))
            continue
        for candidate in _candidates(value, tensors):
            if _is(candidate, forward):
                return candidate, forward
        problems.append("it is no operator that can be read off")
    reason = max(problems, key=len) if problems else "it has no tensors among its parameters"
    raise SpecError(f"{program.name}: {node.name} is not read as an operator: {reason}")


def _described(program: Program, node: ast.FunctionDef, settings: Mapping[str, Any]) -> Forward:
    spec = node.args
    plain = [one.arg for one in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)]
    tensors: dict[str, str] = {}
    for name in plain:
        if name in {"self", "ctx"} or name in settings or numeric(name):
            continue
        found = tensor_named(name)
        if found is not None and found not in tensors.values():
            tensors[name] = found
    attributes: dict[str, str] = {}
    if plain[:1] == ["self"]:
        for one in ast.walk(node):
            if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name) and one.value.id == "self":
                found = tensor_named(one.attr)
                if found is not None and found not in tensors.values() and not numeric(one.attr):
                    attributes[one.attr] = found
    return Forward(program, node, tensors, dict(settings), attributes)


def _ranks(forward: Forward) -> Iterator[dict[str, int]]:
    names = list(dict.fromkeys((*forward.tensors.values(), *forward.attributes.values())))
    for rank in _RANKS["x"]:
        yield {name: 1 if name == "b" else rank for name in names}
    for ranks in product(*(_RANKS.get(name, _RANKS["x"]) for name in names)):
        if len(names) <= 2 and len(set(ranks)) > 1:
            yield dict(zip(names, ranks, strict=True))


def _value(forward: Forward, ranks: Mapping[str, int]) -> tuple[Value, dict[str, Value]]:
    """The output over tensors whose every length is a size of its own."""
    sizes = {name: [f"{name}_{k}" for k in range(rank)] for name, rank in ranks.items()}
    flat = [size for row in sizes.values() for size in row]
    region = everywhere(Sizes(tuple(sorted(flat)), " and ".join(f"{size} >= 1" for size in flat)))
    for _ in range(6):
        facts = facts_of(operator("y[i] = x[i]"))
        scope = Scope(region, Caret(""), Fresh(frozenset(flat)), Names({}, {}, {}, {}, facts))
        walk = Walk(scope)
        on = Symbolic(walk)
        arrays = {name: on.tensor(name, [axis(var(size)) for size in row]) for name, row in sizes.items()}
        boxes = {name: Box(array) for name, array in arrays.items()}
        try:
            result, _ = forward.run(on, boxes, context_of_forward(forward, boxes))
        except Fork as fork:
            # Any branch shows the same formula; the larger sizes are the likelier ones.
            yes = region.meet(fork.region) if hasattr(fork, "region") else region.where(fork.constraint)
            region = yes if not yes.empty else region.minus(yes)
            continue
        if not isinstance(result, Box):
            raise SpecError(f"{forward.node.name} does not return an array first")
        value = Reader(forward.program, on).current(result)
        kept = tuple(one for term in value.terms for one in domains(term))
        return Value(value.axes, value.names, tuple(collected(kept))), arrays
    raise Undecided("the sizes are split too often")


def context_of_forward(forward: Forward, boxes: Mapping[str, Any]) -> Context:
    """``ctx`` or ``self`` before the forward function runs."""
    held = {name: boxes[tensor] for name, tensor in forward.attributes.items()}
    return Context(None, held | dict(forward.settings))


def _is(candidate: Operator, forward: Forward) -> bool:
    """Whether the forward function is proved to compute the operator."""

    def denote(scope: Scope) -> Value:
        walk = Walk(scope)
        on = Symbolic(walk)
        boxes = {name: Box(array) for name, array in scope.names.tensors.items()}
        try:
            result, _ = forward.run(on, boxes, context_of_forward(forward, boxes))
            found = Reader(forward.program, on).current(result)
            assert isinstance(found, Value)
            return found
        finally:
            scope.region = walk.base

    claim = Coded(candidate.output.name, f"{forward.node.name}(...)", denote, lambda _: None)
    try:
        decision = decide(candidate, claim)
    except (SymconvError, KeyError):
        return False
    return not decision.undecided and decision.wrong.empty


# -- from terms to operators
def _candidates(value: Value, tensors: Mapping[str, Value]) -> Iterator[Operator]:
    free = [names[0] if names else "" for names in value.names]
    bias = "b" in tensors
    main = [term for term in value.terms if {f.tensor for f in term.factors} >= {"x", "w"}]
    rank = len(free) - 2
    for term in main[:1]:
        for options in _slides(term, free, tensors):
            if rank in {1, 2, 3}:
                try:
                    yield catalogue()[f"conv{rank}d"].make(**options, bias=bias)
                except SymconvError:
                    continue
    text = _text(value, free)
    if text is not None:
        for padding in (None, 0):
            try:
                yield operator(text, padding=padding)
            except SymconvError:
                continue


def _slides(term: Term, free: Sequence[str], tensors: Mapping[str, Value]) -> Iterator[dict[str, Any]]:
    """The options of the window that a term shows."""
    reads = {f.tensor: f.index for f in term.factors}
    x, w = reads["x"], reads["w"]
    if len(x) != len(free) or len(w) != len(x):
        return
    strides, dilations, lows = [], [], []
    for out, form, tap in zip(free[2:], x[2:], w[2:], strict=True):
        if tap.name is None or form.coefficient(out) < 1 or form.coefficient(tap.name) < 1:
            return
        strides.append(form.coefficient(out))
        dilations.append(form.coefficient(tap.name))
        lows.append(-(form - var(out) * strides[-1] - var(tap.name) * dilations[-1]).constant)
    common = {
        key: held[0] if len(set(held)) == 1 else tuple(held)
        for key, held in (("stride", strides), ("dilation", dilations))
    }
    for more in (0, 1, -1, 2):
        pads = [lo if more == 0 else (lo, lo + more) for lo in lows]
        yield {**common, "padding": pads[0] if len(set(pads)) == 1 and more == 0 else tuple(pads)}


def _text(value: Value, free: Sequence[str]) -> str | None:
    """The formula of a value, in index notation."""
    letters = iter("nfijkuvabdeghlmopqrstz")
    put = {name: next(letters) for name in free if name}
    parts = []
    for term in value.terms:
        if term.scale or term.tables or any(len(names) > 1 for names in value.names):
            return None
        mine = dict(put)
        inner = iter("cpqrstlm")
        for name in term.bound:
            mine[name] = next((x for x in inner if x not in put.values()), "")
        renamed = {old: var(new) for old, new in mine.items()}
        reads = [
            f"{f.tensor}[{', '.join(str(form.substitute(dict(renamed))) for form in f.index)}]" for f in term.factors
        ]
        body = "*".join(reads) or "1"
        if term.coefficient != 1:
            body = f"({term.coefficient})*{body}"
        parts.append(f"sum[{','.join(mine[name] for name in term.bound)}]({body})" if term.bound else body)
    return f"y[{','.join(put[name] for name in free if name)}] = {' + '.join(parts)}" if parts else None
