"""The public handles: thin objects that hold a result and know which stage answers a question about it."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from symconv import pipeline
from symconv.arrays import check_arrays, check_outputs, default_threads, process
from symconv.build.cache import Artifact
from symconv.build.module import load
from symconv.errors import InternalError, SpecError
from symconv.notation.operator import Operator
from symconv.options import ACCURACIES, DTYPES, TARGETS, Options

if TYPE_CHECKING:
    from symconv.gather.derivation import Derivation
    from symconv.notation.trace import Step
    from symconv.verify.verdict import Verdict

__all__ = ["Gradient", "Kernel", "build", "derive", "jvp", "options", "verify"]

Array = np.ndarray[Any, Any]


class Gradient:
    """A derived operator: its formula, its steps, and itself an operator that can be derived, built and verified.

    ``str(g)`` is the derivation as text; notebooks show its LaTeX.

    >>> import symconv as sc
    >>> g = sc.derive(sc.conv2d(stride=2, padding=1), "x")
    >>> g.tensors
    ('gy', 'x', 'w')
    >>> g.steps[-1].rule
    'solve'
    """

    def __init__(self, derivation: Derivation) -> None:
        self.derivation = derivation

    @property
    def operator(self) -> Operator:
        """The gradient as an operator over the cotangent and the inputs, in relation form."""
        return self.derivation.operator

    @property
    def tensors(self) -> tuple[str, ...]:
        """The input names in call order: the cotangent first."""
        return self.operator.tensors

    @property
    def wrt(self) -> str:
        """The tensor this is the gradient with respect to."""
        return self.derivation.wrt

    def output_shape(self, **shapes: tuple[int, ...]) -> tuple[int, ...]:
        """The output's shape for these input shapes; raises SpecError when they do not fit."""
        return self.operator.output_shape(**shapes)

    @property
    def steps(self) -> tuple[StepView, ...]:
        """The derivation, step by step: each has ``.rule``, ``.latex()`` and ``.check``."""
        return tuple(StepView(step) for step in self.derivation.trace)

    @property
    def phases(self) -> tuple[Any, ...]:
        """The residue classes of the strided axes, in the order they are solved; empty without strides."""
        solved = self.derivation.gather.statements
        found = (p for s in solved for _, several in s.reductions for one in several for p in one.phases)
        return tuple(dict.fromkeys(found))

    def latex(self) -> str:
        """The gather formula as LaTeX, without dollar signs."""
        from symconv.views.latex import derivation_latex

        return derivation_latex(self.derivation)

    def __str__(self) -> str:
        from symconv.views.text import derivation_text

        return derivation_text(self.derivation)

    def __repr__(self) -> str:
        return f"<gradient of {self.derivation.stated.name} with respect to {self.wrt}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        from symconv.views.report import notebook_bundle

        return notebook_bundle(self.latex(), str(self), None)


class StepView:
    """One step of a derivation as a reader sees it."""

    def __init__(self, step: Step) -> None:
        self.step = step

    @property
    def rule(self) -> str:
        """The rule's name."""
        return self.step.rule

    @property
    def check(self) -> str:
        """How the step was checked."""
        return self.step.check

    @property
    def note(self) -> str:
        """What a reader should know: a convention used at a kink, a fallback taken."""
        return self.step.note

    def latex(self) -> str:
        """The step as LaTeX, without dollar signs."""
        from symconv.views.latex import step_latex

        return step_latex(self.step)

    def __str__(self) -> str:
        from symconv.views.text import step_text

        return step_text(self.step)

    def __repr__(self) -> str:
        return f"<step {self.rule}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        from symconv.views.report import notebook_bundle

        return notebook_bundle(self.latex(), str(self), None)


def as_operator(op: Operator | Gradient) -> Operator:
    """The operator behind a handle; raises SpecError for anything else."""
    if isinstance(op, Gradient):
        return op.operator
    if not isinstance(op, Operator):
        raise SpecError(f"an operator or a gradient is wanted, as sc.conv2d() or sc.derive(op, 'x'); given {op!r}")
    return op


def derive(op: Operator | Gradient, wrt: str) -> Gradient:
    """The gradient of a loss with respect to tensor ``wrt``; its cotangent is ``g<output>``.

    Parameters
    ----------
    op : an operator, or a gradient (second order)
    wrt : the name of an input tensor

    Raises SpecError for an unknown tensor, DerivationError where there is no derivative, GatherError when isl cannot
    prove
    the result for all sizes.

    >>> import symconv as sc
    >>> sc.derive(sc.conv1d(), "w").output_shape(gy=(2, 4, 5), x=(2, 3, 7), w=(4, 3, 3))
    (4, 3, 3)
    """
    return Gradient(pipeline.derive(as_operator(op), wrt))


def jvp(op: Operator | Gradient, wrt: tuple[str, ...] | str) -> Gradient:
    """The directional derivative (forward mode) along tangents ``t<name>`` of the tensors ``wrt``.

    >>> import symconv as sc
    >>> sc.jvp(sc.conv1d(), ("x", "w")).tensors
    ('x', 'w', 'tx', 'tw')
    """
    return Gradient(pipeline.jvp(as_operator(op), (wrt,) if isinstance(wrt, str) else tuple(wrt)))


def options(
    dtype: str = "float32",
    sizes: Mapping[str, tuple[int, ...]] | None = None,
    threads: int | None = None,
    accuracy: str = "default",
    tune: bool = False,
    target: str = "native",
) -> Options:
    """Build options, checked; raises SpecError."""
    dtype = str(np.dtype(dtype)) if not isinstance(dtype, str) else dtype
    for value, allowed, what in (
        (dtype, DTYPES, "dtype"),
        (target, TARGETS, "target"),
        (accuracy, ACCURACIES, "accuracy"),
    ):
        if value not in allowed:
            raise SpecError(f"{what} is one of {', '.join(allowed)}; given {value!r}")
    if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or not 1 <= threads <= 4096):
        raise SpecError(f"threads is a positive integer or None for every core; given {threads!r}")
    fixed = None if sizes is None else tuple((name, tuple(int(n) for n in shape)) for name, shape in sizes.items())
    return Options(dtype, fixed, threads, accuracy, tune, target)


class Kernel:
    """A compiled operator: ``forward`` and ``backward`` on NumPy arrays.

    Arrays are C-contiguous arrays of the kernel's dtype; others of that dtype are copied once. Read-only arrays are
    fine.

    >>> import numpy as np, symconv as sc
    >>> k = sc.build(sc.conv1d(), dtype="float64")
    >>> x, w = np.arange(5.0).reshape(1, 1, 5), np.ones((1, 1, 2))
    >>> k.forward(x, w)
    array([[[1., 3., 5., 7.]]])
    >>> k.backward(np.ones((1, 1, 4)), x, w).x
    array([[[1., 2., 2., 2., 1.]]])
    """

    fills = True
    """Results can be written into arrays given as ``out``."""

    def __init__(self, op: Operator, chosen: Options, artifact: Artifact, lazy: Callable[[], Artifact] | None) -> None:
        self.operator = op
        self.options = chosen
        self._artifact = artifact
        self._lazy = lazy
        self._dtype = np.dtype(chosen.dtype)
        self._names = pipeline.gradients(op)
        self._cotangent = f"g{op.output.name}"
        self._result = namedtuple("Gradients", self._names)  # type: ignore[misc]
        self._forward = load(artifact).u0_forward
        self._backward: Callable[..., Any] | None = None if lazy else load(artifact).u0_backward
        self._threads = chosen.threads or default_threads()
        self._all = (1 << len(self._names)) - 1

    @cached_property
    def source(self) -> str:
        """The Cython text of the module."""
        return self._artifact.source_path.read_text()

    @property
    def path(self) -> Path:
        """The compiled module's file."""
        return self._artifact.module_path

    @property
    def algorithm(self) -> str:
        """The method the kernels use."""
        return str(self._artifact.meta.get("algorithm", "given"))

    @property
    def workspace_bytes(self) -> int | None:
        """Scratch bytes one call allocates; None where that depends on run-time sizes."""
        value = self._artifact.meta.get("workspace", 0)
        return value if isinstance(value, int) else None

    def forward(self, *arrays: Array, out: Array | None = None, **named: Array) -> Array:
        """The operator's output.

        Parameters
        ----------
        arrays : the inputs in ``op.tensors`` order, or by name; dtype must match exactly
        out : an array to write into: right shape and dtype, C-contiguous, no overlap with an input

        Raises SpecError when an array does not fit.
        """
        if named:
            arrays = self._ordered(self.operator.tensors, arrays, named)
        if out is None:
            made = self._forward(1, arrays, None, 1 if process["forked"] else self._threads)
            if type(made) is tuple:
                result: Array = made[0]
                return result
        return self._forward_checked(arrays, out)

    def _forward_checked(self, arrays: tuple[Array, ...], out: Array | None) -> Array:
        arrays = check_arrays(self.operator, self.options, self.operator.tensors, arrays)
        shapes = {name: a.shape for name, a in zip(self.operator.tensors, arrays, strict=True)}
        shape = self.operator.output_shape(**shapes)
        if out is None:
            result = np.empty(shape, self._dtype)
        else:
            result = check_outputs(self._dtype, {"out": shape}, {"out": out}, arrays)["out"]
        self._run(self._forward, 1, arrays, (result,))
        return result

    def _run(
        self, function: Callable[..., int], mask: int, arrays: tuple[Array, ...], results: tuple[Any, ...]
    ) -> None:
        match function(mask, arrays, results, 1 if process["forked"] else self._threads):
            case 0:
                return
            case 2:
                raise MemoryError(f"{self.operator.name}: no memory for the kernel's workspace")
        raise InternalError(f"{self.operator.name}: the kernel refused arrays that passed every check")

    def backward(
        self,
        gy: Array,
        *arrays: Array,
        wrt: tuple[str, ...] | None = None,
        out: Mapping[str, Array] | None = None,
        **named: Array,
    ) -> Any:
        """The gradients of a loss whose gradient with respect to the output is ``gy``.

        Returns a NamedTuple with a field per tensor; fields not in ``wrt`` are None. ``out`` maps names to arrays to
        write
        into. Raises SpecError when an array does not fit.
        """
        if named:
            arrays = self._ordered(self.operator.tensors, arrays, named)
        function = self._backward or self._load_backward()
        if out is None:
            mask = self._all if wrt is None else self._mask(wrt)
            made = function(mask, (gy, *arrays), None, 1 if process["forked"] else self._threads)
            if type(made) is tuple:
                # What _make does, without its length check: microseconds count for tiny tensors.
                return tuple.__new__(self._result, made)
        return self._backward_checked(function, gy, arrays, wrt, out)

    def _backward_checked(
        self,
        function: Callable[..., int],
        gy: Array,
        arrays: tuple[Array, ...],
        wrt: tuple[str, ...] | None,
        out: Mapping[str, Array] | None,
    ) -> Any:
        op = self.operator
        chosen = self._chosen(wrt, out)
        arrays = check_arrays(op, self.options, op.tensors, arrays)
        shapes = {name: a.shape for name, a in zip(op.tensors, arrays, strict=True)}
        (gy,) = check_arrays(op, self.options, (self._cotangent,), (gy,))
        wanted = op.output_shape(**shapes)
        if gy.shape != wanted:
            raise SpecError(
                f"{op.name}: the cotangent {self._cotangent} has shape {gy.shape}, wanted {wanted}, the shape of "
                f"the output {op.output.name} for {', '.join(f'{n} {s}' for n, s in shapes.items())}"
            )
        targets = {name: shapes[name] for name in chosen}
        results = check_outputs(self._dtype, targets, out or {}, (gy, *arrays))
        fields: list[Any] = [results.get(name) for name in self._names]
        self._run(function, self._mask(chosen), (gy, *arrays), tuple(fields))
        return self._result(*fields)

    def _mask(self, wrt: tuple[str, ...] | str) -> int:
        chosen = (wrt,) if isinstance(wrt, str) else wrt
        if unknown := [name for name in chosen if name not in self._names]:
            raise SpecError(f"{self.operator.name} has no gradient {unknown[0]!r}; it has {', '.join(self._names)}")
        return sum(1 << k for k, name in enumerate(self._names) if name in chosen)

    def _chosen(self, wrt: tuple[str, ...] | None, out: Mapping[str, Array] | None) -> tuple[str, ...]:
        chosen = (wrt,) if isinstance(wrt, str) else self._names if wrt is None else tuple(wrt)
        for name in (*chosen, *(out or {})):
            if name not in self._names:
                raise SpecError(f"{self.operator.name} has no gradient {name!r}; it has {', '.join(self._names)}")
        if out is not None and (extra := set(out) - set(chosen)):
            raise SpecError(f"out names {', '.join(sorted(extra))}, which wrt leaves out")
        return chosen

    def _load_backward(self) -> Callable[..., int]:
        if self._lazy is None:
            raise InternalError("the module has no backward")
        function: Callable[..., Any] = load(self._lazy()).u0_backward
        self._backward = function
        return function

    def _ordered(
        self, names: tuple[str, ...], arrays: tuple[Array, ...], named: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        rest = names[len(arrays) :]
        if set(named) != set(rest):
            raise SpecError(
                f"{self.operator.name} takes {', '.join(names)}; given {len(arrays)} by position and by name "
                f"{', '.join(named)}"
            )
        return (*arrays, *(named[name] for name in rest))

    def __repr__(self) -> str:
        return f"<kernel of {self.operator.name}, {self.options.dtype}, {self.algorithm}>"


def build(op: Operator | Gradient, **chosen: Any) -> Kernel:
    """Derive, generate and compile an operator; the module is cached on disk.

    Parameters
    ----------
    op : an operator (forward and every gradient) or a gradient (its own forward; its backward is compiled when called)
    dtype : "float32" or "float64"
    sizes : shapes by tensor name to specialise to; None for run-time sizes
    threads : how many threads at most; None for every core
    accuracy : "default" or "strict" (direct methods only)
    tune : measure schedules on this machine (not used by the direct method)
    target : "native" or "portable"

    Raises SpecError for bad options, DerivationError and GatherError from the derivation, BuildError from the compiler.
    """
    return built(op, options(**chosen))


def built(op: Operator | Gradient, chosen: Options, progress: Callable[[str], None] | None = None) -> Kernel:
    """As ``build``, for options already checked, telling ``progress`` what goes on."""
    operator = as_operator(op)
    if chosen.sizes is not None:
        operator.sizes(**dict(chosen.sizes))
    if isinstance(op, Gradient):
        artifact = pipeline.build(operator, chosen, ("forward",), progress)
        return Kernel(operator, chosen, artifact, lambda: pipeline.build(operator, chosen, ("backward",)))
    return Kernel(operator, chosen, pipeline.build(operator, chosen, progress=progress), None)


def verify(op: Operator | Gradient, kernel: Kernel | str | Path | None = None, dtype: str | None = None) -> Verdict:
    """Judge an operator's kernel against oracles that share no code with its derivation.

    ``kernel`` is a Kernel or the path of a ``.pyx`` module; None builds one. ``dtype`` is float64 unless said.
    ``bool(verdict)`` is the answer, ``print(verdict)`` explains it. Raises SpecError for what cannot be judged.
    """
    from symconv.verify.judge import judge

    operator = as_operator(op)
    chosen = options(dtype=dtype or (kernel.options.dtype if isinstance(kernel, Kernel) else "float64"))
    if isinstance(kernel, str | Path):
        path = Path(kernel)
        if not path.is_file():
            raise SpecError(f"there is no kernel file {path}")
        artifact = pipeline.build_text(path.read_text(), chosen)
        kernel = Kernel(operator, chosen, artifact, None)
    judged = kernel or built(op, chosen)
    gradients = () if isinstance(op, Gradient) else None
    return judge(operator, judged, chosen.dtype, gradients=gradients)
