"""One layer measured: symconv's kernel, and torch beside it in turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

from symconv.api import Gradient, built, jvp
from symconv.bench.exact import reference
from symconv.bench.layout import channels_last
from symconv.bench.problem import Problem, problem
from symconv.bench.rival import Rival, rival, tangent
from symconv.bench.timing import Timing, interleaved
from symconv.bench.work import backward_bytes, backward_flops, forward_bytes, forward_flops
from symconv.bench.written import outputs_of, written
from symconv.errors import SpecError, VerificationError
from symconv.kernel import Kernel
from symconv.notation.operator import Operator
from symconv.options import options
from symconv.workspace import Workspace

__all__ = ["Direction", "How", "Measurement", "Task", "measure"]

Array = np.ndarray[Any, Any]
Arrays = Mapping[str, Array]
_TOLERANCE = {"float32": 1e-3, "float64": 1e-9}


@dataclass(frozen=True, slots=True)
class Task:
    """What is measured: an operator with the settings it was made from, at concrete shapes."""

    cls: str
    name: str
    op: Operator
    settings: Mapping[str, Any]
    shapes: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class How:
    """Under which options and for how long: ``seconds`` for all directions of a layer, ``repeat`` rounds at least.

    ``fixed`` specialises the kernel to the shapes; ``given`` passes symconv outputs and a workspace, where torch makes
    new ones; ``jvp`` measures the directional derivative as well.
    """

    dtype: str = "float32"
    threads: int = 1
    target: str = "native"
    accuracy: str = "default"
    tune: bool = False
    fixed: bool = False
    given: bool = False
    jvp: bool = False
    seconds: float = 2.0
    repeat: int = 5


@dataclass(frozen=True, slots=True)
class Direction:
    """The forward, all gradients or one gradient: both sides' times, torch's by form, and the work in it."""

    name: str
    ours: Timing
    torch: Mapping[str, Timing]
    flops: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured, and why torch is not beside it (``""`` where it is).

    Errors are max|e|/max|reference| by result, against float64; there are none where nothing computes the reference.
    ``build`` and ``first`` are the seconds of the build and of the first backward call.
    """

    task: Task
    algorithm: str
    schedule: str
    workspace: int
    directions: tuple[Direction, ...]
    errors: Mapping[str, float]
    torch_errors: Mapping[str, float]
    alone: str
    build: float
    first: float


def measure(task: Task, how: How, tell: Callable[[str], None] = lambda _: None) -> Measurement:
    """Time forward and gradients, together and apart, in turns with torch where it has the operator.

    Raises SpecError for shapes that do not fit, VerificationError where a side computes something else.
    """
    op = task.op
    tell("building")
    started = time.perf_counter()
    kernel, build = _built(op, how, task.shapes), time.perf_counter() - started
    arrays, cotangents = _data(task, how.dtype)
    inputs = tuple(arrays.values())
    started = time.perf_counter()
    gradients = kernel.backward(*cotangents, *inputs)._asdict()
    first = time.perf_counter() - started
    found = problem(op, task.settings, task.shapes)
    other = _rival(op, found, arrays, cotangents, how.threads)
    tell("comparing")
    exact = _exact(op, found, arrays, cotangents, other, how.threads)
    results = {**outputs_of(op, kernel.forward(*inputs)), **gradients}
    said = (kernel.algorithm, str(kernel.schedule), kernel.workspace(limit=None, **task.shapes).nbytes)
    errors = _errors(task, "symconv", results, exact, how.dtype)
    theirs = _errors(task, "torch", other.results(), exact, how.dtype) if other else {}
    tell("measuring")
    directions = _directions(task, kernel, other, (arrays, cotangents), how)
    if how.jvp:
        directions += (_forward_mode(task, found, arrays, how),)
    alone = "" if other else found if isinstance(found, str) else "torch is not installed"
    return Measurement(task, *said, directions, errors, theirs, alone, build, first)


def _built(op: Operator | Gradient, how: How, shapes: Mapping[str, tuple[int, ...]]) -> Kernel:
    sizes = dict(shapes) if how.fixed else None
    return built(op, options(how.dtype, sizes, how.threads, how.accuracy, how.tune, how.target))


def _forward_mode(task: Task, found: Problem | str, arrays: Arrays, how: How) -> Direction:
    """The directional derivative along tangents of every tensor; raises VerificationError where torch's is another."""
    op, size = task.op, np.dtype(how.dtype).itemsize
    tangents = {name: np.flip(array).copy() for name, array in arrays.items() if array.dtype.kind == "f"}
    shapes = {**task.shapes, **{f"t{name}": task.shapes[name] for name in tangents}}
    given = {**arrays, **{f"t{name}": array for name, array in tangents.items()}}
    derived = jvp(op, tuple(tangents))
    kernels = [_built(one, how, shapes) for one in (derived if op.several else (derived,))]
    first, *rest = [partial(one.forward, *(given[name] for name in one.operator.tensors)) for one in kernels]
    calls: dict[str, Callable[[], Any]] = {"ours": (lambda: [one() for one in (first, *rest)]) if rest else first}
    if isinstance(found, Problem) and found.body == "product" and find_spec("torch"):
        theirs = tangent(found, arrays, tangents, how.threads)
        want = channels_last("y", theirs["contiguous"]().double().numpy(), found.channels_last)
        _errors(task, "symconv's directional derivative", {"y": calls["ours"]()}, {"y": want}, how.dtype)
        calls |= theirs
    times = interleaved(calls, how.repeat, seconds=how.seconds / 4)
    work = (forward_flops(op, task.shapes), forward_bytes(op, task.shapes, size))
    return Direction("jvp", times.pop("ours"), times, len(tangents) * work[0], 2 * work[1])


def _data(task: Task, dtype: str) -> tuple[dict[str, Array], tuple[Array, ...]]:
    """Inputs, and a cotangent for each output."""
    random = np.random.default_rng(0)
    inputs = {tensor.name: tensor for tensor in task.op.inputs}
    if positions := [name for name, tensor in inputs.items() if tensor.dtype != "real" and not tensor.is_size]:
        raise SpecError(f"{task.name}: {positions[0]} holds positions, which cannot be drawn at random")
    wanted = task.op.output_shapes(**task.shapes).values()
    cotangents = tuple(np.asarray(random.standard_normal(shape), dtype) for shape in wanted)
    drawn = {
        name: np.zeros(shape, np.int32) if inputs[name].is_size else np.asarray(random.standard_normal(shape), dtype)
        for name, shape in ((name, task.shapes[name]) for name in inputs)
    }
    return drawn, cotangents


def _rival(
    op: Operator, found: Problem | str, arrays: Arrays, cotangents: tuple[Array, ...], threads: int
) -> Rival | None:
    try:
        if isinstance(found, Problem):
            return rival(found, arrays, cotangents[0], threads)
        return written(op, arrays, cotangents, threads) if op.several else None
    except ImportError:
        return None


def _exact(
    op: Operator,
    found: Problem | str,
    arrays: Arrays,
    cotangents: tuple[Array, ...],
    other: Rival | None,
    threads: int,
) -> dict[str, Array]:
    """The results in float64: NumPy's of a convolution, autograd's where torch is beside us, nothing of the rest."""
    if isinstance(found, Problem) and found.body == "product":
        return reference(found, arrays, cotangents[0])
    if other is None:
        return {}
    wide = {name: array.astype("float64") for name, array in arrays.items()}
    again = _rival(op, found, wide, tuple(one.astype("float64") for one in cotangents), threads)
    assert again is not None
    return again.results()


def _errors(task: Task, who: str, results: Arrays, exact: Arrays, dtype: str) -> dict[str, float]:
    found = {}
    for name, want in exact.items():
        got = results[name]
        if got.shape != want.shape:
            raise VerificationError(f"{task.name}: {name} of {who} has shape {got.shape}, wanted {want.shape}")
        error = float(np.abs(got - want).max(initial=0.0)) / max(float(np.abs(want).max(initial=0.0)), 1e-30)
        if not error <= _TOLERANCE[dtype]:
            raise VerificationError(
                f"{task.name}: {name} of {who} is off by {error:.1e} of its largest element in float64; "
                "try `symconv verify` on the operator"
            )
        found[name] = error
    return found


def _directions(
    task: Task, kernel: Kernel, other: Rival | None, data: tuple[Arrays, tuple[Array, ...]], how: How
) -> tuple[Direction, ...]:
    op, size = task.op, np.dtype(how.dtype).itemsize
    calls = _calls(kernel, *data, kernel.workspace(limit=None, **task.shapes) if how.given else None)
    found = []
    for name, ours in calls.items():
        wrt = tuple(calls)[2:] if name == "backward" else (name,)
        if name == "forward":
            work = forward_flops(op, task.shapes), forward_bytes(op, task.shapes, size)
        else:
            work = backward_flops(op, task.shapes, wrt), backward_bytes(op, task.shapes, wrt, size)
        theirs = dict(other.calls.get(name, {})) if other else {}
        times = interleaved({"ours": ours, **theirs}, how.repeat, seconds=how.seconds / len(calls))
        found.append(Direction(name, times.pop("ours"), times, *work))
    return tuple(found)


def _calls(
    kernel: Kernel, arrays: Arrays, cotangents: tuple[Array, ...], memory: Workspace | None
) -> dict[str, Callable[[], Any]]:
    """Our functions by direction: the forward, all gradients, each gradient; with ``memory``, outputs are given too."""
    inputs, wrt = tuple(arrays.values()), [name for name, array in arrays.items() if array.dtype.kind == "f"]
    if memory is None:
        return {
            "forward": lambda: kernel.forward(*inputs),
            "backward": lambda: kernel.backward(*cotangents, *inputs),
            **{name: partial(kernel.backward, *cotangents, *inputs, wrt=(name,)) for name in wrt},
        }
    y, gradients = kernel.forward(*inputs), kernel.backward(*cotangents, *inputs)._asdict()
    back = partial(kernel.backward, *cotangents, *inputs, workspace=memory)
    return {
        "forward": partial(kernel.forward, *inputs, out=y, workspace=memory),
        "backward": partial(back, out=gradients),
        **{name: partial(back, wrt=(name,), out={name: gradients[name]}) for name in wrt},
    }
