"""One entry of a compiled module: its function, and the plans that its calls need, made when first asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symconv.arrays import process
from symconv.build.digest import digest
from symconv.called import Array, Called, Shapes
from symconv.errors import InternalError, SpecError, shown
from symconv.tune.machine import cores
from symconv.workspace import Workspace, workspace_limit

if TYPE_CHECKING:
    from symconv.planning import Planner
    from symconv.tune.plan import Choice

__all__ = ["Array", "Entry", "Plan", "Shapes"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What was chosen for one output at some sizes."""

    output: str
    sizes: tuple[tuple[str, int], ...]
    way: str
    numbers: tuple[tuple[str, int], ...]
    nbytes: int
    bound: float | None


class Entry(Called):
    """An entry that runs, in a workspace or in memory of its own, with plans that are made when first needed."""

    def run(
        self, mask: int, arrays: tuple[Array, ...], results: tuple[Any, ...], workspace: Workspace | None = None
    ) -> None:
        """Compute what ``mask`` asks for into ``results``; arrays have passed every check.

        Raises SpecError where the workspace is none, too short or in use, MemoryError without memory.
        """
        if workspace is None:
            return self._run(mask, arrays, results, None)
        with self._lent(workspace) as lent:
            return self._run(mask, arrays, results, lent)

    def made(self, mask: int, arrays: tuple[Any, ...], workspace: Workspace, kind: type[Any] | None) -> Any:
        """New arrays of what ``mask`` asks for as a tuple of a kind, or a status where arrays have to be looked at more
        closely."""
        with self._lent(workspace) as lent:
            threads = 1 if process["forked"] else self.threads
            return self.call(mask, arrays, None, threads, self.owner, lent, kind)

    @contextmanager
    def _lent(self, workspace: Workspace) -> Iterator[Array]:
        if not isinstance(workspace, Workspace):
            raise SpecError(
                f"workspace is what {self.operator.name}'s kernel made with workspace(...), or None; given "
                f"{shown(workspace)}"
            )
        with workspace.lent() as array:
            yield array

    def _run(self, mask: int, arrays: tuple[Array, ...], results: tuple[Any, ...], lent: Array | None) -> None:
        threads = 1 if process["forked"] else self.threads
        status = self.call(mask, arrays, results, threads, self.owner, lent)
        if status == 3 and self._grow():
            status = self.call(mask, arrays, results, threads, self.owner, lent)
        if status == 3:
            self.plan(tuple(array.shape for array in arrays), arrays)
            status = self.call(mask, arrays, results, threads, self.owner, lent)
        match status:
            case 0:
                return
            case 2:
                raise MemoryError(f"{self.operator.name}: no memory for the kernel's workspace")
            case 4:
                given = 0 if lent is None else lent.nbytes
                raise SpecError(
                    f"{self.operator.name}: the workspace has {given} bytes, and {self.name} "
                    f"needs {self.nbytes(tuple(array.shape for array in arrays))} for arrays of these shapes: make one "
                    "with workspace(...)"
                )
        raise InternalError(f"{self.operator.name}: the kernel refused arrays that passed every check")

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
        from symconv.planning import Planner

        if not self.outputs:
            return self._plain()
        planner = Planner(self.options, self.threads, self.outputs)
        named = dict(zip(self.size_names, sizes, strict=True))
        best = self._measured(planner, sizes, named, arrays) if self.measures and arrays is not None else None
        return best or planner.modelled(named)

    def _plain(self) -> tuple[Choice, ...]:
        """The first kernel of everything that is computed."""
        from symconv.planning import FIRST

        return (FIRST,) * (len(self.outputs) or self._count())

    def _measured(
        self, planner: Planner, sizes: tuple[int, ...], named: Mapping[str, int], arrays: tuple[Array, ...]
    ) -> tuple[Choice, ...] | None:
        """The choices that are fastest with these arrays; None where nothing can be chosen."""
        # By the kernels' text, so that plans are good wherever the same text is compiled.
        kernels = digest([self.artifact.source_path.read_text(encoding="utf-8"), self.name])
        every = (1 << self._count()) - 1
        results: list[tuple[Array, ...]] = []

        def run(choices: tuple[Choice, ...]) -> None:
            self._keep(sizes, choices)
            # New arrays once: what is compared are kernels, not the system that gives memory.
            made = self.call(every, arrays, results[0] if results else None, self.threads, self.owner)
            if type(made) is tuple:
                results.append(made)
            elif made != 0:
                raise MemoryError(f"{self.operator.name}: no memory for the kernel's workspace")

        return planner.measured(self.operator.name, kernels, named, run)

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
