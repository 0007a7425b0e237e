"""One entry of a compiled module: its function, and the plans that its calls need, made when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from symconv.arrays import guarded, process
from symconv.build.cache import Artifact
from symconv.build.digest import digest
from symconv.build.module import load
from symconv.errors import InternalError, SpecError, shown
from symconv.live import measuring
from symconv.manifest import Output, outputs
from symconv.notation.operator import Operator
from symconv.options import Options
from symconv.tune.machine import cores
from symconv.workspace import Workspace, workspace_limit

if TYPE_CHECKING:
    from symconv.tune.facts import Facts
    from symconv.tune.plan import Choice

__all__ = ["Entry", "Plan"]

Array = np.ndarray[Any, Any]
Shapes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What was chosen for one output at some sizes."""

    output: str
    sizes: tuple[tuple[str, int], ...]
    way: str
    numbers: tuple[tuple[str, int], ...]
    nbytes: int
    bound: float | None


class Entry:
    """The entry ``name`` ("forward" or "backward") of an operator's module; ``threads`` is how many it may use."""

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

    def run(
        self, mask: int, arrays: tuple[Array, ...], results: tuple[Any, ...], workspace: Workspace | None = None
    ) -> None:
        """Compute what ``mask`` asks for into ``results``; arrays have passed every check.

        Raises SpecError where the workspace is none, too short or in use, MemoryError without memory.
        """
        if workspace is None:
            return self._run(mask, arrays, results, {})
        with self._lent(workspace) as lent:
            return self._run(mask, arrays, results, lent)

    def made(self, mask: int, arrays: tuple[Any, ...], workspace: Workspace) -> Any:
        """New arrays of what ``mask`` asks for, or a status where arrays have to be looked at more closely."""
        with self._lent(workspace) as lent:
            return self.call(mask, arrays, None, 1 if process["forked"] else self.threads, **lent)

    @contextmanager
    def _lent(self, workspace: Workspace) -> Iterator[Mapping[str, Array]]:
        if not isinstance(workspace, Workspace):
            raise SpecError(
                f"workspace is what {self.operator.name}'s kernel made with workspace(...), or None; given "
                f"{shown(workspace)}"
            )
        with workspace.lent() as array:
            yield {"sc_workspace": array} if self.scratch else {}

    def _run(self, mask: int, arrays: tuple[Array, ...], results: tuple[Any, ...], lent: Mapping[str, Array]) -> None:
        threads = 1 if process["forked"] else self.threads
        status = self.call(mask, arrays, results, threads, **lent)
        if status == 3 and self._grow():
            status = self.call(mask, arrays, results, threads, **(lent if self.scratch else {}))
        if status == 3:
            self.plan(tuple(array.shape for array in arrays), arrays)
            status = self.call(mask, arrays, results, threads, **lent)
        match status:
            case 0:
                return
            case 2:
                raise MemoryError(f"{self.operator.name}: no memory for the kernel's workspace")
            case 4:
                raise SpecError(
                    f"{self.operator.name}: the workspace has {lent['sc_workspace'].nbytes} bytes, and {self.name} "
                    f"needs {self.nbytes(tuple(array.shape for array in arrays))} for arrays of these shapes: make one "
                    "with workspace(...)"
                )
        raise InternalError(f"{self.operator.name}: the kernel refused arrays that passed every check")

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

    # ------------------------------------------------------------------------------------------------ plans

    def plan(self, shapes: Shapes, arrays: tuple[Array, ...] | None = None) -> tuple[tuple[int, ...], ...]:
        """Choose for these shapes and have the module remember it; ``arrays`` of these shapes are for measuring."""
        sizes = self.sizes(shapes)
        from symconv.tune.fit import fitted

        def taken(choices: tuple[Choice, ...], place: int, threads: int) -> int:
            self._keep(sizes, choices)
            found: int = self._ask("bytes")(sizes, self._mask(place), threads, self.owner)
            return found

        few = min(self.threads, cores())
        # What is measured is measured for so many threads.
        most = few if self.measures and arrays is not None else cores()
        choices = fitted(self._chosen(sizes, arrays), taken, workspace_limit(), most, few)
        self._keep(sizes, choices)
        return tuple((choice.candidate, *choice.parameters) for choice in choices)

    def _mask(self, place: int) -> int:
        """The bits of the results for which an array is computed."""
        return (self.outputs[place].mask if self.outputs else 0) or 1 << place

    def _keep(self, sizes: tuple[int, ...], choices: tuple[Choice, ...]) -> None:
        numbers = tuple(number for choice in choices for number in (choice.candidate, *choice.parameters))
        if self._ask("plan")(sizes, numbers, self.owner) != 0:
            raise InternalError(f"{self.operator.name}: the module refused the plan {numbers}")

    def _chosen(self, sizes: tuple[int, ...], arrays: tuple[Array, ...] | None) -> tuple[Choice, ...]:
        facts = self._facts()
        if facts is None:
            return self._plain()
        named = dict(zip(self.size_names, sizes, strict=True))
        best = self._measured(facts, sizes, named, arrays) if self.measures and arrays is not None else None
        return best or tuple(self._ranked(one, named, 1)[0] for one in facts)

    def _plain(self) -> tuple[Choice, ...]:
        """The first kernel of everything that is computed."""
        from symconv.tune.plan import Choice

        return (Choice(0, (), 0.0),) * (len(self.outputs) or self._count())

    def _count(self) -> int:
        """How many results a call has: as many as the operator."""
        if self.name == "forward":
            return len(self.operator.outputs)
        return sum(tensor.dtype == "real" for tensor in self.operator.inputs)

    def _facts(self) -> tuple[tuple[Facts, ...], ...] | None:
        """Of each output's candidates, as far as there is something to choose; None where nothing is known."""
        from symconv.tune.facts import from_json

        if not self.outputs:
            return None
        return tuple(
            tuple(from_json(way.facts) for way in output.ways) if all(way.facts for way in output.ways) else ()
            for output in self.outputs
        )

    def _ranked(self, facts: tuple[Facts, ...], sizes: Mapping[str, int], most: int) -> tuple[Choice, ...]:
        from symconv.build.cpu import cpu_flags
        from symconv.isa import isa
        from symconv.tune.plan import Choice, ranked

        if len(facts) < 2 or not all(sizes.values()):
            return (Choice(0, (), 0.0),)
        itemsize = np.dtype(self.options.dtype).itemsize
        target = isa(self.options.target, cpu_flags())
        return ranked(facts, sizes, target, itemsize, workspace_limit(), self.threads, most)

    def _measured(
        self,
        facts: tuple[tuple[Facts, ...], ...],
        sizes: tuple[int, ...],
        named: Mapping[str, int],
        arrays: tuple[Array, ...],
    ) -> tuple[Choice, ...] | None:
        """The choices that were fastest here, now or when they were last measured; None where nothing can be chosen."""
        from symconv.tune.measure import measure
        from symconv.tune.memory import Question, recalled, remembered

        alternatives = tuple(self._ranked(one, named, 8) for one in facts)
        if all(len(one) < 2 for one in alternatives):
            return None
        chosen = self.options
        # By the kernels' text, so that plans are good wherever the same text is compiled.
        kernels = digest([self.artifact.source_path.read_text(encoding="utf-8"), self.name])
        question = Question.asked(kernels, named, chosen.dtype, chosen.target, self.threads)
        known = recalled(question, facts) if all(facts) else None
        if known is not None:
            return known
        every = (1 << self._count()) - 1
        results: list[tuple[Array, ...]] = []

        def run(choices: tuple[Choice, ...]) -> None:
            self._keep(sizes, choices)
            # New arrays once: what is compared are kernels, not the system that gives memory.
            made = self.call(every, arrays, results[0] if results else None, self.threads)
            if type(made) is tuple:
                results.append(made)
            elif made != 0:
                raise MemoryError(f"{self.operator.name}: no memory for the kernel's workspace")

        found = measure(alternatives, run, report=measuring(self.operator.name)).choices
        # As they will be recalled from disk.
        found = tuple(replace(choice, uncut=None) for choice in found)
        if all(facts):
            remembered(question, facts, found)
        return found

    # ------------------------------------------------------------------------------------------------ what is known

    def nbytes(self, shapes: Shapes) -> int:
        """The scratch memory that a call with arrays of such shapes takes, every output together."""
        self.meet(shapes)
        if not self.scratch:
            return 0
        sizes, mask = self.sizes(shapes), (1 << self._count()) - 1
        found: int = self._ask("bytes")(sizes, mask, self.allowed(sizes), self.owner)
        if found < 0:
            self.plan(shapes)
            found = self._ask("bytes")(sizes, mask, self.allowed(sizes), self.owner)
        return found

    def plans(self) -> tuple[Plan, ...]:
        """What is remembered in this process, output by output; the sizes that were used last first."""
        if not self.planned or not self.outputs:
            return ()
        found = (record for record in self._ask("plans")() if record[1] == self.owner)
        return tuple(plan for sizes, _, numbers in found for plan in self._plans(sizes, numbers))

    def _plans(self, sizes: tuple[int, ...], numbers: tuple[int, ...]) -> tuple[Plan, ...]:
        named, left, found = tuple(zip(self.size_names, sizes, strict=True)), numbers, []
        for place, output in enumerate(self.outputs):
            way = output.ways[left[0]]
            given = tuple(zip(way.parameters, left[1 : 1 + len(way.parameters)], strict=True))
            left = left[1 + len(way.parameters) :]
            nbytes = (
                self._ask("bytes")(sizes, self._mask(place), self.allowed(sizes), self.owner) if self.scratch else 0
            )
            found.append(Plan(output.name, named, way.name, given, nbytes, way.bound))
        return tuple(found)
