"""Targets of a loss that are one-hot rows or probabilities: gradients that are right where these sum to 1."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from symconv.code.source.labels import TARGETS
from symconv.code.source.signatures import parameters
from symconv.notation.expr import Apply, walk
from symconv.notation.operator import Operator
from symconv.prove.concrete.counterexample import Counterexample
from symconv.prove.proof import Proof

__all__ = ["Summing", "perhaps_targets", "summing_to_one", "targets_of"]


@dataclass(frozen=True)
class Summing:
    """A function whose ``names`` sum to 1 along an axis, which is told as ``words``."""

    names: tuple[str, ...]
    axis: int
    words: str

    def of(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """The function with what it takes by these names over its sums, which has every array that sums to 1."""
        taken = {*parameters(node.args)}
        put = [_over_its_sums(name, self.axis, node) for name in self.names if name in taken]
        said = ast.get_docstring(node, clean=False) is not None
        return _with_body(node, [*node.body[:said], *put, *node.body[said:]])

    def said(self, op: Operator, proof: Proof) -> Proof:
        """A proof about the function of such arrays as one about ``op``, which is not told that they sum to 1."""
        example = proof.counterexample
        # What an open one leans to was tried with arrays that sum to 1.
        of = proof.operator if proof.holds is None else op
        return replace(proof, operator=of, where=self.words, counterexample=self._at(example) if example else None)

    def _at(self, example: Counterexample) -> Counterexample:
        shapes = dict(example.shapes)
        each = ((name, self._put(values, shapes[name]) if name in self.names else values)
                for name, values in example.arrays)  # fmt: skip
        return replace(example, arrays=tuple(each))

    def _put(self, values: Sequence[Any], shape: tuple[int, ...]) -> tuple[Any, ...]:
        given = np.array([Fraction(one) for one in values], dtype=object).reshape(shape)
        return tuple((given / given.sum(axis=self.axis, keepdims=True)).reshape(-1))


def perhaps_targets(forward: ast.FunctionDef, functions: Mapping[str, ast.FunctionDef]) -> bool:
    """Whether a function takes targets by their names, and logarithms, itself or in the ``functions`` it calls."""
    reached, words = [forward], set[str]()
    for node in reached:
        used = [one for one in ast.walk(node) if isinstance(one, ast.Attribute | ast.Name)]
        words |= {one.attr if isinstance(one, ast.Attribute) else one.id for one in used}
        named = [functions.get(ast.unparse(one)) for one in used]
        reached += [one for one in dict.fromkeys(named) if one is not None and one not in reached]
    return any("log" in word for word in words) and any(name.lower() in TARGETS for name in parameters(forward.args))


def targets_of(forward: ast.FunctionDef, op: Operator, judged: Collection[str]) -> tuple[str, ...]:
    """Parameters of a loss that are targets by their names, and whose gradients nobody asks for.

    A loss is a function of logarithms: weights and masks of other sums need not sum to 1.
    """
    if not any(isinstance(one, Apply) and one.function == "log" for s in op.statements for one in walk(s.expr)):
        return ()
    # What has another value under that name may be what backward takes by it.
    bound = {one.id for one in ast.walk(forward) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    taken = (name for name in parameters(forward.args) if name not in {*judged, *bound})
    return tuple(name for name in taken if name.lower() in TARGETS)


def summing_to_one(forward: ast.FunctionDef, names: tuple[str, ...]) -> Iterator[Summing]:
    """That targets sum to 1 along the last axis, or along one that the function names."""
    stated = [one for node in ast.walk(forward) if isinstance(node, ast.keyword) and node.arg in {"axis", "dim"}
              and (one := _whole(node.value)) is not None]  # fmt: skip
    for axis in dict.fromkeys((-1, *stated)):
        verb, whose = ("sums", "its") if len(names) == 1 else ("sum", "their")
        along = f"{whose} last axis" if axis == -1 else f"axis {axis}"
        yield Summing(names, axis, f"{' and '.join(names)} {verb} to 1 along {along}")


def _over_its_sums(name: str, axis: int, node: ast.FunctionDef) -> ast.stmt:
    said = ast.parse(f"{name} = {name} / {name}.sum(axis={axis}, keepdims=True)").body[0]
    for one in ast.walk(said):
        ast.copy_location(one, node)
    return said


def _with_body(node: ast.FunctionDef, body: list[ast.stmt]) -> ast.FunctionDef:
    fields = {name: getattr(node, name) for name in node._fields}
    return ast.copy_location(ast.FunctionDef(**(fields | {"body": body})), node)


def _whole(node: ast.expr) -> int | None:
    match node:
        case ast.Constant(int() as number) if not isinstance(number, bool):
            return number
        case ast.UnaryOp(ast.USub(), ast.Constant(int() as number)):
            return -number
    return None
