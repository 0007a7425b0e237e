"""The compiled function of an entry: which module it is from, whose plans it asks for, on how many threads it runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from symconv.arrays import guarded
from symconv.build.cache import Artifact
from symconv.build.module import load
from symconv.errors import InternalError, SpecError
from symconv.manifest import Output, outputs
from symconv.notation.operator import Operator
from symconv.options import Options
from symconv.tune.machine import cores
from symconv.workspace import workspace_limit

if TYPE_CHECKING:
    pass

__all__ = ["Array", "Called", "Shapes"]

Array = np.ndarray[Any, Any]
Shapes = tuple[tuple[int, ...], ...]


class Called:
    """The entry ``name`` ("forward" or "backward") of an operator's module; ``threads`` is how many it may use.

    ``larger`` gives the module with every candidate, which calls with much work take.
    """

    def __init__(
        self,
        op: Operator,
        options: Options,
        artifact: Artifact,
        name: str,
        threads: int,
        larger: Callable[[], Artifact] | None = None,
    ) -> None:
        self.operator = op
        self.options = options
        self.name = name
        self.threads = threads
        self._larger = larger
        self._use(artifact)

    def _use(self, artifact: Artifact) -> None:
        self.artifact = artifact
        op, name = self.operator, self.name
        self.__dict__.pop("_kept", None)
        self.module: ModuleType = load(artifact)
        self.planned = hasattr(self.module, f"u0_{name}_plan")
        self.scratch = hasattr(self.module, f"u0_{name}_bytes")
        self.owner = self._owner()
        self.call = guarded(op, self._function())

    @property
    def measures(self) -> bool:
        """Whether plans are measured, not only made by the model."""
        return self.options.tune and self.planned

    def _owner(self) -> int:
        """Whose plans the module is asked for: kernels of so many threads share theirs, and those that measure (odd
        numbers) and those that ask the model (even ones) have plans apart."""
        return 2 * self.threads + self.measures if self.planned else 0

    @property
    def grows(self) -> bool:
        """Whether calls with much work take another module, with scratch memory of its own."""
        return self._larger is not None and not self.planned and self._counted is not None

    def _grow(self) -> bool:
        """Change to the module with every candidate, where there is one; it is compiled when first asked for."""
        if self.planned or self._larger is None:
            return False
        self._use(self._larger())
        return True

    def _pays(self, shapes: Shapes) -> bool:
        """Whether calls of these shapes are for the larger module."""
        from symconv.emit.units import ENOUGH
        from symconv.tune.numbers import read, value

        if self._counted is None or self._larger is None or self.planned:
            return False
        return value(read(self._counted), dict(zip(self._kept[0], self.sizes(shapes), strict=True))) > ENOUGH

    def meet(self, shapes: Shapes) -> None:
        """Take the module that calls of these shapes are for."""
        if self._pays(shapes):
            self._grow()

    def _function(self) -> Callable[..., Any]:
        found: Any = getattr(self.module, f"u0_{self.name}", None)
        if not callable(found):
            raise SpecError(
                f"the module {self.artifact.source_path} has no function u0_{self.name}: a kernel has u0_forward and "
                "u0_backward, as in the modules that symconv generates"
            )
        if self.planned:
            call = partial(found, sc_owner=self.owner)
            return self._limited(call) if self.threads > cores() else call
        return partial(found, sc_asks=True) if self._larger is not None and self._counted is not None else found

    def _limited(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """A function that runs on as many threads as the limit of memory allows."""

        def limited(mask: int, arrays: tuple[Array, ...], results: Any, threads: int, **more: Any) -> Any:
            sizes = self._ask("sizes")(tuple(getattr(array, "shape", ()) for array in arrays))
            # Arrays that do not fit are refused by the module.
            most = threads if sizes is None else self.allowed(tuple(sizes))
            return call(mask, arrays, results, min(threads, most), **more)

        return limited

    def allowed(self, sizes: tuple[int, ...]) -> int:
        """How many threads calls of these sizes run on: plans fit the limit of memory on every core, and are the same
        for more threads than cores, of which some are left out where that would take more."""
        if not self.planned or self.threads <= cores():
            return self.threads
        every = (1 << self._count()) - 1
        taken = self._ask("bytes")(sizes, every, self.threads, self.owner)
        return self.threads if taken <= workspace_limit() else cores()

    @property
    def _counted(self) -> object:
        """The operations of a call as the manifest keeps them, where a larger module has more candidates."""
        kept = self.artifact.meta.get("entries")
        return kept.get(self.name, {}).get("work") if isinstance(kept, dict) else None

    @cached_property
    def _kept(self) -> tuple[tuple[str, ...], tuple[Output, ...]]:
        return outputs(self.artifact.meta, self.name)

    @property
    def size_names(self) -> tuple[str, ...]:
        """The names of the sizes of a call, in the order of the module."""
        return self._kept[0]

    @property
    def outputs(self) -> tuple[Output, ...]:
        """The outputs and the ways to compute them; nothing of a module that was given as a file."""
        return self._kept[1]

    def _count(self) -> int:
        """How many results a call has: as many as the operator."""
        if self.name == "forward":
            return len(self.operator.outputs)
        return sum(tensor.dtype == "real" for tensor in self.operator.inputs)

    def sizes(self, shapes: Shapes) -> tuple[int, ...]:
        """The sizes of a call with arrays of such shapes; raises InternalError where they do not fit."""
        found = self._ask("sizes")(shapes)
        if found is None:
            raise InternalError(f"{self.operator.name}: the kernel refused shapes that passed every check")
        return tuple(found)

    @property
    def address(self) -> int:
        """Where the compiled function lies that needs no Python; the module's text says what it is called with."""
        return int(self._ask("address")())

    def _ask(self, what: str) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(self.module, f"u0_{self.name}_{what}")
        return found
