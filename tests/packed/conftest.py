"""Compiled modules that hold every candidate, made once per session, and calls in which a test chooses the plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.build.cache import Artifact
from symconv.build.cpu import cpu_flags
from symconv.build.module import load
from symconv.isa import isa
from symconv.manifest import Output, Way, outputs
from symconv.notation.operator import Operator
from symconv.options import Options
from symconv.tune.counts import possible
from symconv.tune.facts import from_json
from symconv.tune.machine import lanes_of
from symconv.verify.reference import evaluate, gradients

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Case:
    op: Operator
    dtype: str = "float32"
    target: str = "native"


CASES = {
    "padded": Case(sc.conv2d(padding=(1, 2))),
    "strided groups": Case(sc.conv2d(stride=(2, 3), padding=(1, 0), groups=2)),
    "dilated": Case(sc.conv1d(stride=2, padding=[(2, 1)], dilation=3, bias=True), "float64"),
    "depthwise": Case(sc.conv2d(groups=17, padding=(1, 0)), target="x86-64-v3"),
    "whole rows": Case(sc.conv2d(groups=17, padding=1), target="x86-64-v4"),
    "transposed": Case(sc.conv_transpose2d(stride=(2, 1), padding=(0, 1))),
    "3-D": Case(sc.conv3d(stride=(1, 2, 1), padding=(1, 0, 2))),
    "AVX2": Case(sc.conv2d(padding=(2, 1)), target="x86-64-v3"),
    "SSE": Case(sc.conv2d(padding=(1, 2)), "float64", "x86-64-v2"),
    "portable": Case(sc.conv1d(padding=1), target="portable"),
    "adder": Case(sc.adder2d(padding=(0, 1))),
    "unpadded": Case(sc.conv2d()),
    "unpadded AVX2": Case(sc.conv2d(), "float64", "x86-64-v3"),
    "distances": Case(sc.operator("y[n,f,i] = sum[c,p](abs(x[n,c,2*i+p] - w[f,c,p]))")),
    "product": Case(
        sc.operator("y[n,f,i] = sum[c,p](x[n,c,2*i+p-1] * w[f,c,p]) * sum[c,p](x[n,c,2*i+p-1] * v[f,c,p])")
    ),
    "gated": Case(
        sc.operator(
            "z[n,f,i] = sum[c,p](x[n,c,i+2*p-2] * w[f,c,p]) + a[f];"
            "v[n,f,i] = sum[c,p](x[n,c,i+2*p-2] * u[f,c,p]) + b[f];"
            "y[n,f,i] = z[n,f,i] * (1 + v[n,f,i])"
        )
    ),
}


@dataclass(frozen=True)
class Call:
    """One way to compute one output of a compiled module, or an array that it needs."""

    module: ModuleType
    op: Operator
    entry: str
    known: tuple[Output, ...]
    place: int
    number: int
    lanes: int

    @property
    def way(self) -> Way:
        return self.known[self.place].ways[self.number]

    @property
    def result(self) -> int:
        """The number of the result that is looked at."""
        mask = self.known[self.place].mask
        return (mask & -mask).bit_length() - 1

    @property
    def name(self) -> str:
        return [output.name for output in self.known if not output.stage][self.result]

    def sizes(self, arrays: Mapping[str, Array]) -> tuple[int, ...]:
        shapes = tuple(array.shape for array in self.given(arrays))
        found: tuple[int, ...] = getattr(self.module, f"u0_{self.entry}_sizes")(shapes)
        return found

    def given(self, arrays: Mapping[str, Array]) -> tuple[Array, ...]:
        names = (*((f"g{self.op.output.name}",) if self.entry == "backward" else ()), *self.op.tensors)
        return tuple(arrays[name] for name in names)

    def possible(self, arrays: Mapping[str, Array], names: tuple[str, ...]) -> bool:
        return possible(from_json(self.way.facts), dict(zip(names, self.sizes(arrays), strict=True)), self.lanes)

    def __call__(self, arrays: Mapping[str, Array], numbers: tuple[int, ...], threads: int = 1) -> Array:
        plan: list[int] = []
        for place, _ in enumerate(self.known):
            plan += [self.number, *numbers] if place == self.place else [0]
        assert getattr(self.module, f"u0_{self.entry}_plan")(self.sizes(arrays), tuple(plan), 1) == 0
        made = getattr(self.module, f"u0_{self.entry}")(1 << self.result, self.given(arrays), None, threads, 1)
        assert type(made) is tuple, (self.name, self.way.name, numbers, made)
        result: Array = made[self.result]
        return result


@dataclass(frozen=True)
class Compiled:
    """A module with every candidate of an operator."""

    op: Operator
    dtype: str
    artifact: Artifact
    calls: tuple[tuple[tuple[str, ...], Call], ...]

    def ways(self, arrays: Mapping[str, Array]) -> Iterator[Call]:
        """Every way but the first to compute each output at such sizes."""
        yield from (call for names, call in self.calls if call.possible(arrays, names))

    def drawn(self, shapes: Mapping[str, tuple[int, ...]], seed: int) -> dict[str, Array]:
        rng = np.random.default_rng(seed)
        arrays = {name: rng.integers(-3, 4, shape).astype(self.dtype) for name, shape in shapes.items()}
        cotangent = rng.integers(-3, 4, self.op.output_shape(**shapes)).astype(self.dtype)
        return {**arrays, f"g{self.op.output.name}": cotangent}

    def wanted(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """The output and every gradient, in double precision, straight from the definition."""
        name = self.op.output.name
        inputs = {tensor: arrays[tensor].astype(np.float64) for tensor in self.op.tensors}
        with np.errstate(invalid="ignore"):
            found = gradients(self.op, inputs, arrays[f"g{name}"].astype(np.float64))
            return {name: evaluate(self.op, inputs), **{f"g{tensor}": value for tensor, value in found.items()}}


@pytest.fixture(scope="session")
def compiled() -> Callable[[str], Compiled]:
    """``compiled(name)``: the module of a case, skipped where this CPU cannot run it."""

    @cache
    def make(name: str) -> Compiled:
        case = CASES[name]
        if lacking := isa(case.target).lacking(cpu_flags()) if case.target.startswith("x86") else ():
            pytest.skip(f"this CPU has no {', '.join(lacking)}")
        artifact = pipeline.build(case.op, Options(case.dtype, target=case.target), every=True)
        module, lanes = load(artifact), lanes_of(case.target, case.dtype)
        calls: list[tuple[tuple[str, ...], Call]] = []
        for entry in ("forward", "backward"):
            names, known = outputs(artifact.meta, entry)
            for place, output in enumerate(known):
                numbers = range(1, len(output.ways))
                calls += [(names, Call(module, case.op, entry, known, place, number, lanes)) for number in numbers]
        return Compiled(case.op, case.dtype, artifact, tuple(calls))

    return make
