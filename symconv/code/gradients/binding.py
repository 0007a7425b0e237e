"""What each parameter of a backward function is bound to: a cotangent, an operand, what is kept, a number."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from symconv.code.gradients.forward import Forward
from symconv.code.gradients.outputs import Outputs, kept_by_name, same_value
from symconv.code.gradients.roles import Roles
from symconv.code.held.state import State
from symconv.code.reading.calls import default_of
from symconv.code.source.signatures import defaults, parameters
from symconv.code.values.objects import Box, Context, Pack
from symconv.errors import SpecError
from symconv.notation.operator import Operator

__all__ = ["Binding", "bound"]

_OWN = frozenset({"self", "ctx"})


@dataclass(frozen=True)
class Binding:
    """A backward function, and what its parameters can be.

    ``arguments`` are those that the user states, ``outputs`` the names of several outputs, ``cache`` is what forward
    keeps, if it returns it; ``loss`` says that the cotangent is 1.
    """

    op: Operator
    node: ast.FunctionDef
    arguments: Mapping[str, Any]
    outputs: tuple[str, ...]
    forward: Forward | None
    loss: bool
    roles: Roles
    context: Context
    cache: Any

    @cached_property
    def plain(self) -> tuple[str, ...]:
        """The parameters in order."""
        spec, marked = self.node.args, self.forward is not None and bool(self.forward.outputs.marked)
        rest = spec.vararg
        found = parameters(spec)
        if rest is not None and (rest.arg in self.arguments or self.outputs or marked):
            found.append(rest.arg)
        if unknown := [name for name in self.arguments if name not in found]:
            raise SpecError(f"{self.node.name} has no parameter {unknown[0]}; it has {', '.join(found)}")
        return tuple(found)

    @cached_property
    def usual(self) -> Mapping[str, ast.expr]:
        """The defaults."""
        return defaults(self.node.args)

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """What the forward function keeps, by the names it has where it is returned."""
        if self.forward is None or self.cache is None:
            return {}
        return kept_by_name(self.forward.node, len(self.forward.outputs.names) or 1, self.cache)

    def by_place(self) -> dict[str, Any]:
        """The parameters that are cotangents of several outputs by their place."""
        roles, said = self.roles, self.forward.outputs if self.forward is not None else Outputs()
        if said.cotangents:
            return {name: roles.tensors[f"g{one}"] for name, one in said.cotangents.items()}
        own = [name for name in self.plain if name not in _OWN]
        if not self.outputs and not said.marked:
            # What follows ctx is a cotangent for each value that forward returns.
            alone = self.plain[:1] == ("ctx",) and len(own) == 1 and own[0] not in {*self.arguments, *self.usual}
            return {own[0]: roles.cotangent} if alone and self._of_context() else {}
        each = said.in_order([roles.tensors[f"g{one}"] for one in self.outputs] or [roles.cotangent])
        named = (
            dict(zip(own, each, strict=False))
            if said.marked
            else {name: roles.tensors[t] for name, t in roles.in_order(own, self.plain[:1] == ("ctx",)).items()}
        )
        found: dict[str, Any] = dict(named)
        rest = self.node.args.vararg
        if rest is not None and rest.arg not in self.arguments:
            found[rest.arg] = each
        return found

    def _of_context(self) -> bool:
        """Whether forward is handed the context too, as a function of PyTorch is."""
        return self.forward is not None and parameters(self.forward.node.args)[:1] == ["ctx"] and not self.loss

    def cotangents(self) -> tuple[dict[str, Any], list[str]]:
        """The parameters that are cotangents, though no role says so, and those that are what is kept."""
        roles, found = self.roles, self.by_place()
        unsaid = [
            name
            for name in self.plain
            if name not in {*_OWN, *self.arguments, *found, *self.values, *self.usual}
            and not (roles.is_pack(name) or roles.known(name))
        ]
        missing = self._misses_cotangent(found)
        if missing and (derivative := roles.derivative_among(unsaid)):
            found[derivative] = roles.cotangent
        elif missing and self.values.keys() & {*self.plain} and unsaid == [n for n in self.plain if n not in _OWN][:1]:
            # What is kept has its own name: softmax_backward(v, probs).
            found[unsaid[0]] = roles.cotangent
        kept = [
            name
            for name in self.plain
            if self.cache is not None
            and name not in {*_OWN, *self.arguments, *found}
            and (roles.is_pack(name) or not (roles.known(name) or name in self.usual))
        ]
        if missing and len(kept) > 1 and kept[:1] == unsaid:
            # Of a name that says nothing and a cache the name is the cotangent: layer_backward(v, cache).
            found[kept.pop(0)] = roles.cotangent
        return found, kept

    def _misses_cotangent(self, found: Mapping[str, Any]) -> bool:
        """Whether no parameter is the cotangent by its place or name, or because the user says so."""
        said = f"g{self.op.output.name}" in self.arguments.values()
        return not (found or self.outputs or self.loss or said or any(map(self.roles.is_cotangent, self.plain)))

    def ask(self, found: Mapping[str, Any], kept: list[str]) -> None:
        """Raise SpecError where it cannot be told which of the values that are there a parameter is."""
        if self.forward is None:
            return
        values, name = self.values, self.forward.node.name
        unnamed = [one for one in kept if not self.roles.is_pack(one)]
        if unnamed and self._misses_cotangent(found):
            gradient = f"g{self.op.output.name}"
            raise SpecError(
                f"{self.node.name} takes {', '.join(self.plain)}, and which of them is the gradient of the output "
                f"cannot be told; call it {gradient} or dout, or say arguments={{{unnamed[0]!r}: {gradient!r}}}"
            )
        single = [one for one in unnamed if one not in values]
        if single and len(kept) > 1:
            said = f"it keeps {', '.join(values)}" if values else "it keeps no values of these names"
            raise SpecError(
                f"{self.node.name} takes {', '.join(kept)}, and which value of {name} {single[0]} is "
                f"cannot be told: {said}; give it the name that it has where it is returned, or take one cache"
            )
        if not kept:
            self._ask_of_several(found)
        if kept or values.keys() & {*self.plain} or self.cache is None or isinstance(self.cache, tuple | list | dict):
            return
        left = [one for one in self.plain if one not in {*_OWN, *found}]
        taken = [one for one in left if one in self.arguments or not self.roles.is_cotangent(one)]
        mine = {one.name for one in self.op.inputs} - {*self.arguments}
        if len(taken) == 1 and taken[0] in mine and not same_value(self.cache, self.roles.tensors[taken[0]]):
            # One value is kept, and the only parameter for it is called like an input.
            raise SpecError(
                f"{name} keeps one value, which is not its input {taken[0]}, and {self.node.name} takes "
                f"one that it calls {taken[0]}: which of the two it is cannot be told; take what is kept by the name "
                f"that it has where it is returned, or as cache, or keep {taken[0]} itself"
            )

    def _ask_of_several(self, found: Mapping[str, Any]) -> None:
        """Raise SpecError where parameters by their names are others than the values kept, which are as many."""
        roles, values = self.roles, self.values
        if self.forward is None or not isinstance(self.cache, tuple | list):
            return
        asked = {*_OWN, *found, *self.arguments, *self.usual}
        taken = [one for one in self.plain if one not in asked and not roles.is_cotangent(one)]
        if len(taken) < 2 or len(taken) != len(self.cache) or not all(map(roles.known, taken)):
            return
        named = [values[one] if one in values else roles.of(one) for one in taken]
        for name, mine, passed in zip(taken, named, self.cache, strict=True):
            if not (isinstance(passed, Box) and isinstance(mine, Box) and same_value(mine, passed)):
                raise SpecError(
                    f"{self.forward.node.name} keeps {len(taken)} values, and {self.node.name} takes as many, of which "
                    f"{name} has the name of another one than it is by its place: which of the two it is cannot be "
                    f"told; take the values in the order and by the names in which they are returned, or take one cache"
                )


def bound(state: State, binding: Binding) -> dict[str, Any]:
    """The value of each parameter; raises SpecError where it cannot be told."""
    roles, values, usual = binding.roles, binding.values, binding.usual
    found, kept = binding.cotangents()
    binding.ask(found, kept)
    for name in binding.plain:
        if name in found:
            continue
        if name in _OWN and name not in binding.arguments:
            found[name] = binding.context
        elif name in values:
            # An input too: the forward function may have given its name to something else before it kept it.
            found[name] = values[name]
        elif name in kept:
            found[name] = binding.cache
        elif roles.is_pack(name):
            found[name] = Pack(name, roles.of)
        elif roles.known(name) or name not in usual:
            found[name] = roles.of(name)
        else:
            found[name] = default_of(state, binding.node, name, usual[name])
    return found
