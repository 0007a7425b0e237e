"""A backward function for one operator: its arguments bound, its results told apart, each an array or numbers."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from symconv.code.arrays.concrete import Concrete
from symconv.code.arrays.symbolic import Symbolic
from symconv.code.arrays.walk import Walk
from symconv.code.gradients.applied import applies
from symconv.code.gradients.beginning import Beginning, beginning
from symconv.code.gradients.forward import Forward
from symconv.code.gradients.outputs import Outputs, kept_by_name, same_value
from symconv.code.gradients.roles import Roles, gradient_named
from symconv.code.gradients.running import run
from symconv.code.held.boxes import current
from symconv.code.held.state import State
from symconv.code.reading.calls import default_of
from symconv.code.reading.classes import give_attributes, give_zeros
from symconv.code.reading.reader import start
from symconv.code.source.program import Program
from symconv.code.source.signatures import defaults, parameters
from symconv.code.source.slices import part_for
from symconv.code.values.objects import Box, Context, Pack
from symconv.errors import SpecError, SymconvError
from symconv.notation.operator import Operator
from symconv.prove.concrete.numbers import Misfit
from symconv.prove.language.coded import Coded
from symconv.prove.meaning.scope import Mismatch, Scope, Undecided

__all__ = ["Reading", "coded", "computed", "finished", "kept", "part"]


@dataclass(frozen=True)
class Reading:
    """One function and what its parameters are.

    ``forward`` is the function whose saved values ``ctx`` or a cache hold, where it is in the same text. Of ``several``
    outputs each has a cotangent, and ``op`` is the gradient that is looked at, as an operator over all of them.
    Of a function that returns a ``loss`` beside its gradients these are for a cotangent of 1.
    """

    op: Operator
    program: Program
    node: ast.FunctionDef
    arguments: Mapping[str, Any] = field(default_factory=dict)
    forward: Forward | None = None
    several: Operator | None = None
    loss: bool = False

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of several outputs."""
        return self.several.several if self.several is not None else ()

    @property
    def whole(self) -> Operator:
        """The operator that the gradient is of."""
        return self.several or self.op

    @property
    def _marked(self) -> bool:
        """Whether the forward function has outputs without a gradient."""
        return self.forward is not None and bool(self.forward.outputs.marked)

    def seeded(self, on: Symbolic | Concrete, value: Any, tensors: Mapping[str, Any]) -> Any:
        """A gradient for the cotangent that there is."""
        return on.elementwise("*", value, tensors[f"g{self.op.output.name}"]) if self.loss else value

    def names(self, on: Concrete, tensors: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the names of the function stand for when it ends, or where it fails."""
        state = start(self.program, on)
        with suppress(SymconvError, Undecided, Mismatch, Misfit):
            self.result(on, self.begun(on, tensors), state)
        return state.names

    def begun(self, on: Symbolic | Concrete, tensors: Mapping[str, Any]) -> Beginning:
        """What the function begins with."""
        return beginning(self.op, on, tensors, self.arguments, self.outputs, self.forward)

    def result(self, on: Symbolic | Concrete, begun: Beginning, state: State | None = None) -> tuple[Any, State]:
        """What the function returns, and the state at the end; it may change what it begins with."""
        state = state or start(self.program, on)
        roles, context, cache = begun.roles, begun.context, begun.cache
        said = self.forward.settings if self.forward else {n: roles.value(v) for n, v in self.arguments.items()}
        give_attributes(state, context, said)
        give_zeros(state, context)
        result = run(state, self.node, self._parameters(state, roles, context, cache))
        kept = {f".{name}": value for name, value in context.attributes.items()}
        return (_Result(result, kept) if kept else result), state

    def _parameters(self, state: State, roles: Roles, context: Context, cache: Any) -> dict[str, Any]:
        spec = self.node.args
        plain, usual = parameters(spec), defaults(spec)
        if spec.vararg is not None and (spec.vararg.arg in self.arguments or self.outputs or self._marked):
            plain.append(spec.vararg.arg)
        if unknown := [name for name in self.arguments if name not in plain]:
            raise SpecError(f"{self.node.name} has no parameter {unknown[0]}; it has {', '.join(plain)}")
        values = self._values(cache)
        found = self._cotangents(plain, roles)
        unsaid = [
            name
            for name in plain
            if name not in {"self", "ctx", *self.arguments, *found, *values, *usual}
            and not (roles.is_pack(name) or roles.known(name))
        ]
        missing = not (found or self.outputs or self.loss or self._has_cotangent(plain, roles))
        if missing and (derivative := roles.derivative_among(unsaid)):
            found[derivative] = roles.cotangent
        kept = [
            name
            for name in plain
            if cache is not None
            and name not in {"self", "ctx", *self.arguments, *found}
            and (roles.is_pack(name) or not (roles.known(name) or name in usual))
        ]
        if missing and len(kept) > 1 and kept[:1] == unsaid:
            # Of a name that says nothing and a cache the name is the cotangent: layer_backward(v, cache).
            found[kept.pop(0)] = roles.cotangent
        single = [name for name in kept if name not in values and not roles.is_pack(name)]
        if single and len(kept) > 1 and self.forward is not None:
            said = f"it keeps {', '.join(values)}" if values else "it keeps no values of these names"
            raise SpecError(
                f"{self.node.name} takes {', '.join(kept)}, and which value of {self.forward.node.name} {single[0]} is "
                f"cannot be told: {said}; give it the name that it has where it is returned, or take one cache"
            )
        if not kept and not values.keys() & {*plain}:
            self._ask_which(roles, cache, [name for name in plain if name not in {"self", "ctx", *found}])
        for name in plain:
            if name in found:
                continue
            if name in {"self", "ctx"} and name not in self.arguments:
                found[name] = context
            elif name in values:
                # An input too: the forward function may have given its name to something else before it kept it.
                found[name] = values[name]
            elif name in kept:
                found[name] = cache
            elif roles.is_pack(name):
                found[name] = Pack(name, roles.of)
            elif roles.known(name) or name not in usual:
                found[name] = roles.of(name)
            else:
                found[name] = default_of(state, self.node, name, usual[name])
        return found

    def _ask_which(self, roles: Roles, cache: Any, plain: Sequence[str]) -> None:
        """Raise SpecError where one value is kept, and the only parameter for it is called like an input."""
        taken = [name for name in plain if name in self.arguments or not roles.is_cotangent(name)]
        if self.forward is None or cache is None or isinstance(cache, tuple | list | dict) or len(taken) != 1:
            return
        (name,), inputs = taken, {one.name for one in self.op.inputs}
        if name in inputs and name not in self.arguments and not same_value(cache, roles.tensors[name]):
            raise SpecError(
                f"{self.forward.node.name} keeps one value, which is not its input {name}, and {self.node.name} takes "
                f"one that it calls {name}: which of the two it is cannot be told; take what is kept by the name that "
                f"it has where it is returned, or as cache, or keep {name} itself"
            )

    def _has_cotangent(self, plain: list[str], roles: Roles) -> bool:
        """Whether a parameter is the cotangent by its name, or because the user says so."""
        said = f"g{self.op.output.name}" in self.arguments.values()
        return said or any(roles.is_cotangent(name) for name in plain)

    def _values(self, cache: Any) -> dict[str, Any]:
        """What the forward function keeps, by the names it has where it is returned."""
        if self.forward is None or cache is None:
            return {}
        return kept_by_name(self.forward.node, len(self.forward.outputs.names) or 1, cache)

    def _cotangents(self, plain: list[str], roles: Roles) -> dict[str, Any]:
        """The parameters that are cotangents of several outputs by their place."""
        said = self.forward.outputs if self.forward is not None else Outputs()
        if said.cotangents:
            return {name: roles.tensors[f"g{one}"] for name, one in said.cotangents.items()}
        if not self.outputs and not said.marked:
            return {}
        # What follows ctx is a cotangent for each value that forward returns.
        own = [name for name in plain if name not in {"self", "ctx"}]
        each = said.in_order([roles.tensors[f"g{one}"] for one in self.outputs] or [roles.cotangent])
        named = (
            dict(zip(own, each, strict=False))
            if said.marked
            else {name: roles.tensors[tensor] for name, tensor in roles.in_order(own, plain[:1] == ["ctx"]).items()}
        )
        found: dict[str, Any] = dict(named)
        rest = self.node.args.vararg
        if rest is not None and rest.arg not in self.arguments:
            found[rest.arg] = each
        return found


@dataclass(frozen=True)
class _Result:
    """What a method returns, and the attributes it leaves."""

    value: Any
    attributes: Mapping[str, Any]


def kept(reading: Reading) -> dict[str, str]:
    """The gradients that a method leaves as attributes (``self.dw = ...``)."""
    found = {}
    for one in ast.walk(reading.node):
        if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name) and one.value.id == "self":
            tensor = gradient_named(reading.op, one.attr)
            if tensor is not None and isinstance(one.ctx, ast.Store):
                found[tensor] = f".{one.attr}"
    return found


def coded(reading: Reading, tensor: str, key: Any) -> Coded:
    """The claim that one result of the function is the gradient in ``tensor``."""
    op = reading.op
    reading = part(reading, key)
    reads = {one.id for one in ast.walk(reading.node) if isinstance(one, ast.Name)} | set(
        map(str, _flat(reading.arguments))
    )
    return Coded(
        f"g{tensor}",
        f"{reading.node.name}(...)" + ("" if key is None else f"[{key!r}]"),
        lambda scope: _denoted(reading, scope, key),
        lambda arrays: computed(reading, arrays, key),
        op.output.name in reads,
        applies(reading.program, [reading.node, *([reading.forward.node] if reading.forward else [])]),
        *_listed(reading),
    )


def _listed(reading: Reading) -> tuple[tuple[str, ...], int]:
    """The lines of the function in the text that it was read from, and the number of the first."""
    whole = reading.program.functions.get(reading.node.name, reading.node)
    first, last = (getattr(whole, name, None) or 1 for name in ("lineno", "end_lineno"))
    return reading.program.lines[first - 1 : last], first


def part(reading: Reading, key: Any) -> Reading:
    """The reading of what one result needs."""
    read = {
        f".{one.attr}"
        for one in ast.walk(reading.node)
        if isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Load)
    }
    others = [other for other in kept(reading).values() if other != key and other not in read]
    return replace(reading, node=part_for(reading.node, key, others, reading.program))


def _flat(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        value = list(value.values())
    return [one for item in value for one in _flat(item)] if isinstance(value, list | tuple) else [value]


def _picked(reader_result: Any, key: Any, name: str) -> Any:
    value = reader_result
    if isinstance(value, _Result):
        if isinstance(key, str) and key in value.attributes:
            value, key = value.attributes[key], None
        else:
            value = value.value
    if key is not None:
        if isinstance(value, dict):
            if key not in value:
                raise SpecError(f"{name} returns a dict without {key!r}")
            value = value[key]
        elif isinstance(value, tuple | list):
            if key >= len(value):
                raise SpecError(f"{name} returns {len(value)} values; there is no number {key}")
            value = value[key]
        else:
            raise SpecError(f"{name} returns one value; a gradient for each argument is wanted, as a tuple")
    if not isinstance(value, Box):
        raise SpecError(f"{name} does not return an array where the gradient is wanted")
    return value


def _denoted(reading: Reading, scope: Scope, key: Any) -> Any:
    walk = Walk(scope)
    try:
        on = Symbolic(walk)
        result, state = reading.result(on, reading.begun(on, scope.names.tensors))
        return reading.seeded(on, current(state, _picked(result, key, reading.node.name)), scope.names.tensors)
    finally:
        scope.region = walk.base


def finished(
    reading: Reading, on: Concrete, begun: Beginning, key: Any, state: State | None = None
) -> tuple[Any, State]:
    """One result on arrays (all of them without a key), and the state at the end."""
    result, state = reading.result(on, begun, state)
    value = result.value if isinstance(result, _Result) else result
    if key is None and not isinstance(value, Box):
        return value, state
    arrays = {name: box.value for name, box in begun.boxes.items()}
    return reading.seeded(on, _picked(result, key, reading.node.name).value, arrays), state


def computed(reading: Reading, arrays: Mapping[str, Any], key: Any) -> Any:
    """One result on arrays; raises Misfit where shapes do not fit, SpecError where the code is not read."""
    on = Concrete(reading.op, dict(arrays))
    try:
        result, _ = reading.result(on, reading.begun(on, {n: a.copy() for n, a in arrays.items()}))
        return reading.seeded(on, _picked(result, key, reading.node.name).value, arrays)
    except Mismatch as reason:
        raise Misfit(str(reason)) from None
    except Undecided as reason:
        raise SpecError(str(reason)) from None
