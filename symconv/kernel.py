"""A compiled operator as an object: arrays are checked at the door, then go to the module as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np

from symconv import pipeline
from symconv.arrays import check_apart, check_arrays, check_outputs, process, readable
from symconv.asked import in_order, tensor_names
from symconv.build.cache import Artifact
from symconv.errors import InternalError, SpecError
from symconv.gradients import gradients_type
from symconv.live import line
from symconv.loaded import Loaded
from symconv.notation.operator import Operator
from symconv.options import Options
from symconv.several import cotangents, into, outputs_type, zeroed
from symconv.shuffled import ShuffledEntry, TransformedEntry
from symconv.workspace import Workspace

__all__ = ["Kernel", "compiled"]

Array = np.ndarray[Any, Any]


class Kernel(Loaded):
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

    def __init__(
        self,
        op: Operator,
        chosen: Options,
        artifact: Artifact,
        lazy: Callable[[], Artifact] | None,
        larger: Callable[[str], Artifact] | None = None,
    ) -> None:
        super().__init__(op, chosen, artifact, lazy, larger)
        self._dtype = np.dtype(chosen.dtype)
        self._names = pipeline.gradients(op)
        self._cotangents = tuple(f"g{one.name}" for one in op.outputs)
        self._returned = outputs_type(op) if op.several else None
        self._result = gradients_type(tuple(self._names))
        self._all = (1 << len(self._names)) - 1
        self._masks: dict[tuple[str, ...] | str, int] = {}
        self._whole = (1 << len(op.outputs)) - 1
        # Solving for sizes takes many times what a tiny kernel does.
        self._shapes = lru_cache(maxsize=64)(
            lambda *shapes: tuple(op.output_shapes(**dict(zip(op.tensors, shapes, strict=True))).items())
        )

    def shuffled(self, transformed: bool = False) -> Kernel:
        """The same modules with plans that are drawn, not made: every way to compute an output runs for some shapes.

        These are ways that sum directly, or, where ``transformed``, those that transform, which round what direct sums
        of small integers do not. For judging a kernel; ``verify`` uses it. A kernel that has had large calls is judged
        with what was compiled for them.
        """
        second = self._second
        lazy = self._lazy if second is None else lambda: second.artifact
        kind = _Transformed if transformed else _Shuffled
        return kind(self.operator, self.options, self._first.artifact, lazy)

    def __call__(self, *arrays: Array, **named: Any) -> Any:
        """The operator's output, or outputs, as ``forward``."""
        return self.forward(*arrays, **named)

    def forward(self, *arrays: Array, out: Any = None, workspace: Workspace | None = None, **named: Array) -> Any:
        """The operator's output; of several a NamedTuple in the order of their equations.

        Parameters
        ----------
        arrays : the inputs in ``op.tensors`` order, or by name; dtype must match exactly; a tensor without axes may be
            a number
        out : an array to write into: right shape and dtype, C-contiguous, no overlap with an input; of several outputs
            a tuple, or a mapping of some of their names
        workspace : memory from ``workspace()`` that the call uses; None to allocate what it needs

        Raises SpecError when an array does not fit.
        """
        if named:
            arrays = in_order(self.operator, arrays, named)
        if out is None:
            # Microseconds count for tiny tensors: nothing is given by name, and the module makes the NamedTuple.
            threads, kind = 1 if process["forked"] else self._threads, self._returned
            if workspace is None:
                made = self._forward(self._whole, arrays, None, threads, self._first.owner, None, kind)
            else:
                made = self._first.made(self._whole, arrays, workspace, kind)
            if isinstance(made, tuple):
                return made[0] if kind is None else made
        return self._forward_checked(arrays, out, workspace)

    def _forward_checked(self, arrays: tuple[Array, ...], out: Any, workspace: Workspace | None) -> Any:
        op = self.operator
        arrays = check_arrays(op, self.options, op.tensors, arrays)
        wanted = dict(self._shapes(*(a.shape for a in arrays)))
        if self._returned is None:
            wanted = {"out": next(iter(wanted.values()))}
            given = {} if out is None else {"out": out}
        else:
            given = into(op, out)
        results = check_outputs(self._dtype, wanted, given)
        arrays = readable(arrays)
        check_apart({name: results[name] for name in given}, arrays)
        self._first.run(self._whole, arrays, tuple(results.values()), workspace)
        self._forward = self._first.call
        made = [given.get(name, result) for name, result in results.items()]
        return made[0] if self._returned is None else self._returned(*made)

    def backward(
        self,
        gy: Any,
        *arrays: Array,
        wrt: tuple[str, ...] | None = None,
        out: Mapping[str, Array] | None = None,
        workspace: Workspace | None = None,
        **named: Array,
    ) -> Any:
        """The gradients of a loss whose gradient with respect to the output is ``gy``.

        Of several outputs ``gy`` is a tuple of an array for each, or a mapping of their names; None and what is left
        out of the mapping are zeros. One array for each, in their order, is taken too.

        Returns a NamedTuple with a field per tensor; fields not in ``wrt`` are None. ``out`` maps names to arrays to
        write into. ``workspace`` is memory from ``workspace()``. Raises SpecError when an array does not fit.
        """
        if self._returned is not None:
            given, arrays = cotangents(self.operator, gy, arrays, named)
            given = zeroed(self.operator, self._dtype, given, arrays)
        else:
            given = (gy,)
            if named:
                arrays = in_order(self.operator, arrays, named)
        second = self._second or self._load_backward()
        if out is None:
            mask = self._all if wrt is None else self._mask(wrt)
            if workspace is None:
                threads = 1 if process["forked"] else self._threads
                made = self._backward(mask, given + arrays, None, threads, second.owner, None, self._result)
            else:
                made = second.made(mask, given + arrays, workspace, self._result)
            if isinstance(made, tuple):
                return made
        return self._backward_checked(given, arrays, wrt, out, workspace)

    def _backward_checked(
        self,
        given: tuple[Array, ...],
        arrays: tuple[Array, ...],
        wrt: tuple[str, ...] | None,
        out: Mapping[str, Array] | None,
        workspace: Workspace | None,
    ) -> Any:
        op = self.operator
        chosen = self._chosen(wrt, out)
        arrays = check_arrays(op, self.options, op.tensors, arrays)
        shapes = {name: a.shape for name, a in zip(op.tensors, arrays, strict=True)}
        given = check_arrays(op, self.options, self._cotangents, given)
        for cotangent, one, (output, wanted) in zip(
            self._cotangents, given, self._shapes(*shapes.values()), strict=True
        ):
            if one.shape != wanted:
                raise SpecError(
                    f"{op.name}: the cotangent {cotangent} has shape {one.shape}, wanted {wanted}, the shape of "
                    f"the output {output} for {', '.join(f'{n} {s}' for n, s in shapes.items())}"
                )
        targets = {name: shapes[name] for name in chosen}
        results = check_outputs(self._dtype, targets, out or {})
        read = readable((*given, *arrays))
        check_apart({name: results[name] for name in results if name in (out or {})}, read)
        if self._second is None:
            raise InternalError("the module has no backward")
        self._second.run(self._mask(chosen), read, tuple(results.get(name) for name in self._names), workspace)
        self._backward = self._second.call
        fields: list[Any] = [(out or results).get(name, results.get(name)) for name in self._names]
        return self._result(*fields)

    def _mask(self, wrt: tuple[str, ...] | str) -> int:
        # Reading names takes longer than a tiny kernel.
        try:
            known = self._masks.get(wrt)
        except TypeError:  # it holds what is no name
            known = None
        if known is not None:
            return known
        chosen = tensor_names(self.operator, wrt)
        if unknown := [name for name in chosen if name not in self._names]:
            raise SpecError(f"{self.operator.name} has no gradient {unknown[0]!r}; it has {', '.join(self._names)}")
        mask = sum(1 << k for k, name in enumerate(self._names) if name in chosen)
        if isinstance(wrt, tuple | str):
            self._masks[wrt] = mask
        return mask

    def _chosen(self, wrt: tuple[str, ...] | None, out: Mapping[str, Array] | None) -> tuple[str, ...]:
        chosen = self._names if wrt is None else tensor_names(self.operator, wrt)
        if out is not None and not isinstance(out, Mapping):
            raise SpecError(f"out maps names of gradients to arrays, as in {{'x': gx}}; given a {type(out).__name__}")
        for name in (*chosen, *(out or {})):
            if name not in self._names:
                raise SpecError(f"{self.operator.name} has no gradient {name!r}; it has {', '.join(self._names)}")
        if out is not None and (extra := set(out) - set(chosen)):
            raise SpecError(f"out names {', '.join(sorted(extra))}, which wrt leaves out")
        return chosen

    def torch(self) -> Any:
        """The operator as a differentiable function on torch tensors, with this kernel's options.

        As ``symconv.frameworks.torch.as_function``. Raises SpecError where torch is not installed.
        """
        return self._adapted("torch", "PyTorch")

    def jax(self) -> Any:
        """The operator as a differentiable function on JAX arrays, with this kernel's options.

        As ``symconv.frameworks.jax.as_function``. Raises SpecError where JAX is not installed.
        """
        return self._adapted("jax", "JAX")

    def tensorflow(self) -> Any:
        """The operator as a differentiable function on TensorFlow tensors, with this kernel's options.

        As ``symconv.frameworks.tensorflow.as_function``. Raises SpecError where TensorFlow is not installed.
        """
        return self._adapted("tensorflow", "TensorFlow")

    def _adapted(self, library: str, title: str) -> Any:
        # By name: adaptors are made of kernels, so a kernel knows of none before it is asked for one.
        try:
            adaptor = import_module(f"symconv.frameworks.{library}.function")
        except ModuleNotFoundError as error:
            if error.name != library:
                raise
            raise SpecError(f"k.{library}() needs {title}: pip install {library}") from None
        return adaptor.function_of(self.operator, self.options, self._lazy is not None)

    def __reduce__(self) -> tuple[Any, ...]:
        if self._larger is None:
            raise TypeError("a kernel made from a file or for judging cannot be pickled: pickle its operator")
        return compiled, (self.operator, self.options, self._lazy is not None)

    def __copy__(self) -> Kernel:
        return self

    def __deepcopy__(self, memo: object) -> Kernel:
        return self

    def __repr__(self) -> str:
        return f"<kernel of {self.operator.name}, {self.options.dtype}, {self.algorithm}>"


class _Shuffled(Kernel):
    _kind = ShuffledEntry


class _Transformed(Kernel):
    _kind = TransformedEntry


def compiled(op: Operator, chosen: Options, lazy: bool, progress: Callable[[str], None] | None = None) -> Kernel:
    """The kernel of an operator, from the cache or compiled; ``lazy`` compiles its backward when it is first called."""
    if chosen.sizes is not None:
        op.sizes(**dict(chosen.sizes))

    def larger(entry: str) -> Artifact:
        with line(f"{op.name}: the first call with much work") as tell:
            return pipeline.build(op, chosen, (entry,), progress or tell, every=True)

    if lazy:
        artifact = pipeline.build(op, chosen, ("forward",), progress)
        return Kernel(op, chosen, artifact, lambda: pipeline.build(op, chosen, ("backward",)), larger)
    return Kernel(op, chosen, pipeline.build(op, chosen, progress=progress), None, larger)
