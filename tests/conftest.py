"""How tests compare kernels with the definition: exactly, on small integers."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from symconv.derive.adjoint import adjoint
from symconv.derive.borders import resolve_borders
from symconv.gather.gather import gather
from symconv.loops.interpret import interpret
from symconv.loops.ir import Kernel
from symconv.loops.presets import masked
from symconv.notation.operator import Operator
from symconv.verify.reference import evaluate, gradients

Array = np.ndarray[Any, Any]
Shapes = Mapping[str, tuple[int, ...]]


def pytest_collection_finish() -> None:
    """Objects of thousands of tests are not walked again and again: a tenth of the time of tests of algebra."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


@pytest.fixture(scope="module")
def collected(request: pytest.FixtureRequest) -> Callable[..., list[Any]]:
    """``collected(parameter)``: its values in the tests of this file that run; nothing is compiled for the others.

    ``others`` are what further parameters are in them.
    """

    def values(parameter: str, **others: object) -> list[Any]:
        cases = (item.callspec.params for item in request.session.items
                 if item.path == request.path and hasattr(item, "callspec"))  # fmt: skip
        mine = (params for params in cases if parameter in params and others.items() <= params.items())
        return list({id(params[parameter]): params[parameter] for params in mine}.values())

    return values


@pytest.fixture(scope="session")
def lowered() -> Callable[..., Kernel]:
    """``lowered(op, wrt)``: the kernel of one gradient, of the forward for ``wrt=""``; ``sizes`` specialise it."""

    def make(op: Operator, wrt: str = "", proofs: bool = True, sizes: Mapping[str, int] | None = None) -> Kernel:
        resolved = resolve_borders(op)
        target = adjoint(resolved, wrt) if wrt else resolved
        return masked(gather(target, proofs=proofs), "k", None if sizes is None else dict(sizes))

    return make


@pytest.fixture(scope="session")
def interpreted() -> Callable[..., list[Any]]:
    """``interpreted(kernel, arrays)``: the interpreter on NumPy arrays, every element a Python number."""

    def run(kernel: Kernel, arrays: Mapping[str, Array]) -> list[Any]:
        wanted = [b.name for b in kernel.buffers if b.role == "in"]
        return interpret(kernel, {name: (arrays[name].shape, arrays[name].ravel().tolist()) for name in wanted})

    return run


@pytest.fixture(scope="session")
def drawn() -> Callable[..., dict[str, Array]]:
    """``drawn(op, shapes, seed)``: small integers for every input and for the cotangent of the output."""

    def draw(op: Operator, shapes: Shapes, seed: int = 0) -> dict[str, Array]:
        rng = np.random.default_rng(seed)
        arrays = {name: rng.integers(-4, 5, shape) for name, shape in shapes.items()}
        return {**arrays, f"g{op.output.name}": rng.integers(-4, 5, op.output_shape(**shapes))}

    return draw


@pytest.fixture(scope="session")
def wanted() -> Callable[..., list[Any]]:
    """``wanted(op, wrt, arrays)``: the same values from the definition, by the oracle that shares no code."""

    def ask(op: Operator, wrt: str, arrays: Mapping[str, Array]) -> list[Any]:
        inputs = {name: arrays[name] for name in op.tensors}
        if not wrt:
            return evaluate(op, inputs).ravel().tolist()
        return gradients(op, inputs, arrays[f"g{op.output.name}"], (wrt,))[wrt].ravel().tolist()

    return ask


@pytest.fixture(scope="session")
def exact(
    lowered: Callable[..., Kernel],
    interpreted: Callable[..., list[Any]],
    drawn: Callable[..., dict[str, Array]],
    wanted: Callable[..., list[Any]],
) -> Callable[..., int]:
    """``exact(op, wrt, geometries)``: interpreted kernel == definition on every geometry; answers how many there
    were."""

    def compare(op: Operator, wrt: str, geometries: list[Shapes], proofs: bool = True) -> int:
        kernel = lowered(op, wrt, proofs)
        for seed, shapes in enumerate(geometries):
            arrays = drawn(op, shapes, seed)
            got, want = interpreted(kernel, arrays), wanted(op, wrt, arrays)
            assert got == want, f"{op} by {wrt or 'nothing'} at {dict(shapes)}: {got} != {want}"
        return len(geometries)

    return compare
