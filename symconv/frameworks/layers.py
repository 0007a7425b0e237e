"""An operator for a framework: its kernels by dtype and threads, and the operators that follow from it.

Nothing here knows a framework. Tensors are positional: gradients of gradients may carry other names than the user's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from symconv import pipeline
from symconv.asked import operator_of
from symconv.errors import SpecError
from symconv.kernel import Kernel, compiled
from symconv.notation.expr import reads
from symconv.notation.operator import Operator
from symconv.notation.rearranged import permuted, renamed, with_axis
from symconv.options import Options, asked

if TYPE_CHECKING:
    from symconv.api import Gradient

__all__ = ["Layer", "layer_of"]


class Layer:
    """An operator with its build options. What follows from it is made when first asked for, and kept.

    ``lazy`` layers compile their backward when it is first called.
    """

    def __init__(self, op: Operator, chosen: Options, lazy: bool = False) -> None:
        self.op = op
        self.chosen = chosen
        self.lazy = lazy
        self.real = tuple(place for place, tensor in enumerate(op.inputs) if tensor.dtype == "real")
        """The places of the inputs that have a gradient."""
        self.uniform = len(self.real) == len(op.inputs) > 0
        """Whether all inputs are of one dtype."""
        self._kernels: dict[tuple[str, int], Kernel] = {}
        self._made: dict[object, Layer] = {}
        self._lock = threading.RLock()

    def __reduce__(self) -> tuple[Any, ...]:
        return Layer, (self.op, self.chosen, self.lazy)

    def __deepcopy__(self, memo: object) -> Layer:
        return self

    def __repr__(self) -> str:
        return f"<{self.op.name}>"

    @property
    def valued(self) -> tuple[int, ...]:
        """The places of the inputs whose values the formula reads; of the others it needs the shapes alone."""
        read = {one.tensor for statement in self.op.statements for one in reads(statement.expr)}
        return tuple(place for place, name in enumerate(self.op.tensors) if name in read)

    @property
    def label(self) -> str:
        """A name for registries: letters, digits and underscores, another for each operator and set of options."""
        words = "".join(c if c.isalnum() else "_" for c in self.op.name).strip("_").lower()
        digest = sha256(repr((self.op.spelled, replace(self.chosen, threads=None))).encode()).hexdigest()
        return f"{words or 'operator'}_{digest[:12]}"

    def kernel(self, dtype: str, threads: int) -> Kernel:
        """The compiled operator; there are never more threads than the options say."""
        key = (dtype, threads if self.chosen.threads is None else min(threads, self.chosen.threads))
        found = self._kernels.get(key)
        if found is None:
            with self._lock:
                found = self._kernels.get(key)
                if found is None:
                    chosen = replace(self.chosen, dtype=key[0], threads=key[1])
                    found = self._kernels[key] = compiled(self.op, chosen, self.lazy)
        return found

    def gradient(self, place: int) -> Layer:
        """The operator over ``(cotangent, *inputs)`` whose output is the gradient by the input at a place."""
        name = self.op.tensors[place]
        return self._kept(("gradient", place), lambda: pipeline.derive(self.op, name).operator)

    def only(self, name: str) -> Layer:
        """The operator of one of several outputs."""
        return self._kept(("only", name), lambda: self.op.only(name))

    def tangent(self, places: tuple[int, ...]) -> Layer:
        """The directional derivative, over ``(*inputs, *tangents)`` of the inputs at these places."""
        named = tuple(self.op.tensors[place] for place in places)
        return self._kept(("tangent", places), lambda: pipeline.jvp(self.op, named).operator)

    def stacked(self, places: tuple[int, ...]) -> Layer:
        """The operator on stacks of the inputs at these places; the output is a stack."""
        chosen = tuple(self.op.tensors[place] for place in places)
        return self._kept(("stacked", places), lambda: with_axis(self.op, chosen))

    def permuted(self, orders: tuple[tuple[int, ...] | None, ...]) -> Layer:
        """The operator on inputs, and last an output, whose axes lie in other orders; None where they do not."""
        named = (*self.op.tensors, self.op.output.name)
        moved = {name: order for name, order in zip(named, orders, strict=True) if order is not None}
        return self._kept(("permuted", orders), lambda: permuted(self.op, moved))

    def output_shape(self, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        """The output's shape; raises SpecError where the inputs' shapes do not fit."""
        if len(shapes) != len(self.op.tensors):
            names = ", ".join(self.op.tensors)
            raise SpecError(f"{self.op.name} takes {len(self.op.tensors)} tensors ({names}); given {len(shapes)}")
        return self.op.output_shape(**dict(zip(self.op.tensors, (tuple(shape) for shape in shapes), strict=True)))

    def output_shapes(self, shapes: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
        """The shape of every output; raises SpecError where the inputs' shapes do not fit."""
        given = dict(zip(self.op.tensors, (tuple(shape) for shape in shapes), strict=True))
        return tuple(self.op.output_shapes(**given).values())

    def _kept(self, key: object, make: Callable[[], Operator]) -> Layer:
        if key not in self._made:
            with self._lock:
                if key not in self._made:
                    self._made[key] = Layer(_roomy(make()), replace(self.chosen, sizes=None), lazy=True)
        return self._made[key]


def _roomy(op: Operator) -> Operator:
    """The operator with names that leave room for those of its derivatives; the user's own where they do."""
    wanted = {f"g{op.output.name}", *(f"{mark}{name}" for mark in "gt" for name in op.tensors)}
    if not wanted & set(op.tensors) and f"g{op.output.name}" not in {f"g{name}" for name in op.tensors}:
        return op
    return renamed(op, {op.output.name: "y", **{name: f"a{place}" for place, name in enumerate(op.tensors)}})


def layer_of(op: Operator | Gradient, build: Mapping[str, Any]) -> Layer:
    """The layer of an operator or a gradient; raises SpecError for what is none, and for unknown options."""
    return Layer(operator_of(op), asked(build), lazy=not isinstance(op, Operator))
