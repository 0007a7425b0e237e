"""A backward function for one operator: its arguments bound, its results told apart, each an array or numbers."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from symconv.code.arrays.concrete import Concrete
from symconv.code.arrays.symbolic import Symbolic
from symconv.code.arrays.walk import Walk
from symconv.code.gradients.applied import applies
from symconv.code.gradients.beginning import Beginning, beginning
from symconv.code.gradients.binding import Binding, bound
from symconv.code.gradients.forward import Forward
from symconv.code.gradients.roles import Roles, gradient_named
from symconv.code.gradients.running import run
from symconv.code.gradients.together import Together
from symconv.code.held.boxes import current
from symconv.code.held.state import State
from symconv.code.reading.classes import give_attributes, give_zeros
from symconv.code.reading.reader import start
from symconv.code.source.held_gradients import called_methods
from symconv.code.source.keyed import own_attribute
from symconv.code.source.program import Program
from symconv.code.source.slices import part_for
from symconv.code.source.trouble import CodeError
from symconv.code.values.kinds import in_words
from symconv.code.values.objects import Box, Context, Stale
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
    Of a function that returns a ``loss`` beside its gradients these are for a cotangent of 1. With ``free`` the
    operator is what a forward function computes, which says nothing about slopes at kinks. Its gradients are read
    ``together`` where there are several. Labels that are ``rows`` are one-hot.
    """

    op: Operator
    program: Program
    node: ast.FunctionDef
    arguments: Mapping[str, Any] = field(default_factory=dict)
    forward: Forward | None = None
    several: Operator | None = None
    loss: bool = False
    free: bool = False
    together: Together | None = field(default=None, compare=False, repr=False)
    rows: frozenset[str] = frozenset()

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of several outputs."""
        return self.several.several if self.several is not None else ()

    @property
    def whole(self) -> Operator:
        """The operator that the gradient is of."""
        return self.several or self.op

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
        return beginning(self.op, on, tensors, self.arguments, self.outputs, self.forward, self.rows)

    def result(self, on: Symbolic | Concrete, begun: Beginning, state: State | None = None) -> tuple[Any, State]:
        """What the function returns, and the state at the end; it may change what it begins with."""
        state = state or start(self.program, on)
        roles, context, cache = begun.roles, begun.context, begun.cache
        said = self.forward.settings if self.forward else {n: roles.value(v) for n, v in self.arguments.items()}
        first = next(iter(self.forward.tensors.values()), "") if self.forward else ""
        give_attributes(state, context, said, begun.boxes.get(first))
        give_zeros(state, context)
        # What is read on numbers may divide by 0 and overflow as the code would; that is seen in what it returns.
        with np.errstate(all="ignore"):
            result = run(state, self.node, bound(state, self._given(roles, context, cache)))
        kept = {f".{name}": value for name, value in context.attributes.items()}
        return (_Result(result, kept) if kept else result), state

    def _given(self, roles: Roles, context: Context, cache: Any) -> Binding:
        """What its parameters are bound to."""
        return Binding(self.op, self.node, self.arguments, self.outputs, self.forward, self.loss, roles, context, cache)


@dataclass(frozen=True)
class _Result:
    """What a method returns, and the attributes it leaves."""

    value: Any
    attributes: Mapping[str, Any]


def kept(reading: Reading) -> dict[str, str]:
    """The gradients that a method, or one that it calls, leaves as attributes (``self.dw = ...``)."""
    found = {}
    for one in (part for node in called_methods(reading.program, reading.node) for part in ast.walk(node)):
        if isinstance(getattr(one, "ctx", None), ast.Store):
            # Elements of what is zeros elsewhere are set one by one.
            name = own_attribute(one.value if isinstance(one, ast.Subscript) else one)
            if name is not None and (tensor := gradient_named(reading.op, name)) is not None:
                found[tensor] = f".{name}"
    return found


def coded(reading: Reading, tensor: str, key: Any) -> Coded:
    """The claim that one result of the function is the gradient in ``tensor``."""
    op, whole = reading.op, reading
    reading = part(reading, key)
    reads = {one.id for one in ast.walk(reading.node) if isinstance(one, ast.Name)} | set(
        map(str, _flat(reading.arguments))
    )
    return Coded(
        f"g{tensor}",
        f"{reading.node.name}(...)" + ("" if key is None else f"[{key!r}]"),
        lambda scope: _shared(whole, scope, key) or _denoted(reading, scope, key),
        lambda arrays: computed(reading, arrays, key),
        op.output.name in reads,
        applies(reading.program, [reading.node, *([reading.forward.node] if reading.forward else [])]),
        *_listed(reading),
        reading.free,
        whole.together,
    )


def _listed(reading: Reading) -> tuple[tuple[str, ...], int]:
    """The lines of the function in the text that it was read from, and the number of the first."""
    whole = reading.program.functions.get(reading.node.name, reading.node)
    first, last = (getattr(whole, name, None) or 1 for name in ("lineno", "end_lineno"))
    return reading.program.lines[first - 1 : last], first


def part(reading: Reading, key: Any) -> Reading:
    """The reading of what one result needs."""
    if isinstance(key, str) and key.startswith(".") and key.removeprefix(".") not in _stored(reading.node):
        return reading  # a method that is called leaves it
    read = {
        f".{one.attr}"
        for one in ast.walk(reading.node)
        if isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Load)
    }
    others = [other for other in kept(reading).values() if other != key and other not in read]
    return replace(reading, node=part_for(reading.node, key, others, reading.program))


def _stored(node: ast.FunctionDef) -> set[str]:
    """The attributes that a function sets."""
    return {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Store)}


def _flat(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        value = list(value.values())
    return [one for item in value for one in _flat(item)] if isinstance(value, list | tuple) else [value]


def _picked(reader_result: Any, key: Any, node: ast.FunctionDef) -> Any:
    value, name = reader_result, node.name
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
    if isinstance(value, Stale):
        raise Undecided(value.why)
    if not isinstance(value, Box):
        said = f"{name} does not return an array where the gradient is wanted; given {in_words(value)}"
        raise CodeError(said, max((one.lineno for one in ast.walk(node) if isinstance(one, ast.Return)), default=0))
    return value


def _shared(reading: Reading, scope: Scope, key: Any) -> Any:
    """The result from a reading of the whole function that others take theirs from; None where there is none."""
    if reading.together is None or key is None:
        return None
    walk = Walk(scope)
    on = Symbolic(walk)
    found = reading.together.whole(scope, lambda: reading.result(on, reading.begun(on, scope.names.tensors)))
    if found is None:
        return None
    with suppress(SymconvError, Undecided):
        value = current(found[1], _picked(found[0], key, reading.node))
        return reading.seeded(on, value, scope.names.tensors)
    return None


def _denoted(reading: Reading, scope: Scope, key: Any) -> Any:
    walk = Walk(scope)
    try:
        on = Symbolic(walk)
        result, state = reading.result(on, reading.begun(on, scope.names.tensors))
        return reading.seeded(on, current(state, _picked(result, key, reading.node)), scope.names.tensors)
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
    return reading.seeded(on, _picked(result, key, reading.node).value, arrays), state


def computed(reading: Reading, arrays: Mapping[str, Any], key: Any) -> Any:
    """One result on arrays; raises Misfit where shapes do not fit, SpecError where the code is not read."""
    on = Concrete(reading.op, dict(arrays))
    try:
        result, _ = reading.result(on, reading.begun(on, {n: a.copy() for n, a in arrays.items()}))
        return reading.seeded(on, _picked(result, key, reading.node).value, arrays)
    except Mismatch as reason:
        raise Misfit(str(reason)) from None
    except Undecided as reason:
        raise SpecError(str(reason)) from None
