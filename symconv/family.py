"""Formulas whose strides and other whole numbers are given later: an operator for each choice of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from symconv.errors import SpecError, shortened, shown
from symconv.notation.front import by_name
from symconv.notation.operator import Operator
from symconv.notation.parse import parse_equations
from symconv.notation.tree import Binary, Call, Equation, Name, nodes
from symconv.ops import registry

__all__ = ["Family", "family_of"]


@dataclass(frozen=True)
class Family:
    """A formula with whole numbers that are given when it is derived, built or verified.

    ``open`` are their names; a call with all of them is the operator.

    >>> import symconv as sc
    >>> family = sc.operator("y[n,i] = sum[p](x[n,s*i+p]*w[p])", params={"s": int}, name="strided")
    >>> family
    <family strided: s is given at build>
    >>> family(s=2).output_shape(x=(1, 9), w=(3,)), sc.derive(family, "x", params={"s": 3}).tensors
    ((1, 4), ('gy', 'x', 'w'))
    """

    source: Any
    options: Mapping[str, Any]
    open: tuple[str, ...]

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(self.options.get("name", "formula"))

    def __call__(self, **numbers: int) -> Operator:
        """The operator with these numbers; raises SpecError where one is missing, unknown or not whole."""
        named = f"family({', '.join(f'{name}=2' for name in self.open)})"
        wanted = f"params={{{', '.join(f'{name!r}: 2' for name in self.open)}}}, or {named} in place of the family"
        if unknown := [name for name in numbers if name not in self.open]:
            raise SpecError(f"{self.name} leaves {', '.join(self.open)} open, not {unknown[0]}; say {wanted}")
        if missing := [name for name in self.open if name not in numbers]:
            raise SpecError(
                f"{self.name} leaves {missing[0]} open, a whole number that is given at build; say {wanted}"
            )
        for name, value in numbers.items():
            if isinstance(value, bool) or not isinstance(value, int):
                raise SpecError(f"{name} is a whole number; given {shown(value)}")
        params = {**self.options.get("params", {}), **numbers}
        return registry.operator(self.source, **{**self.options, "params": params})

    def __hash__(self) -> int:
        return hash((str(self.source), self.open))

    def __repr__(self) -> str:
        verb = "is" if len(self.open) == 1 else "are"
        return f"<family {shortened(self.name, 80)}: {', '.join(self.open)} {verb} given at build>"


def family_of(source: Any, options: Mapping[str, Any]) -> Family | None:
    """The family that a formula is with these options; None where nothing is left open.

    Open is a parameter that is ``int``, and one without a value that stands in an index: a stride is no array.
    """
    params = by_name("params", options.get("params"), "{'s': 2}")
    later = [name for name, value in params.items() if value is int]
    unsaid = [name for name, value in params.items() if value is None or (isinstance(value, str) and value == "?")]
    if (not later and not unsaid) or not isinstance(source, str):
        return None if not later else Family(source, *_split(options, params, later))
    equations = parse_equations(source)
    trees = [part for one in equations for part in (*nodes(one.target), *nodes(one.body))]
    indices = {
        node.text
        for call in trees
        if isinstance(call, Call)
        for item in call.brackets or ()
        for node in nodes(item)
        if isinstance(node, Name)
    }
    mentioned = {node.text for node in trees if isinstance(node, Name)}
    if absent := [name for name in later if name not in mentioned]:
        raise SpecError(f"params names {absent[0]!r}, which the formula does not use: {' '.join(source.split())}")
    later += [name for name in unsaid if name in indices - _counted(equations)]
    return Family(source, *_split(options, params, later)) if later else None


def _counted(equations: tuple[Equation, ...]) -> frozenset[str]:
    """The indices: in brackets of targets and of reductions, whose bounds are numbers."""
    targets = [one.target for one in equations]
    reductions = [
        part for one in equations for part in nodes(one.body) if isinstance(part, Call) and part.arguments is not None
    ]
    items = [item for call in (*targets, *reductions) for item in call.brackets or ()]
    firsts = [item.left if isinstance(item, Binary) else item for item in items]
    return frozenset(one.text for one in firsts if isinstance(one, Name))


def _split(
    options: Mapping[str, Any], params: Mapping[str, Any], later: list[str]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    kept = {name: value for name, value in params.items() if name not in later}
    return {**options, "params": kept}, tuple(name for name in params if name in later)
