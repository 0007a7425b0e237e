"""The modules of an operator: their entries, what is chosen in them, and the memory that their calls take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from symconv.arrays import default_threads, startable
from symconv.build.cache import Artifact
from symconv.display import Displayed
from symconv.entry import Entry
from symconv.errors import InternalError, SpecError, shown
from symconv.notation.operator import Operator
from symconv.options import Options
from symconv.report import Report, reported
from symconv.workspace import Workspace, shown_bytes

__all__ = ["Loaded"]


class Loaded(Displayed):
    """The compiled modules of an operator. ``lazy`` makes the one of its backward, ``larger`` those for much work."""

    _kind: type[Entry] = Entry

    def __init__(
        self,
        op: Operator,
        chosen: Options,
        artifact: Artifact,
        lazy: Callable[[], Artifact] | None,
        larger: Callable[[str], Artifact] | None = None,
    ) -> None:
        self.operator = op
        self.options = chosen
        self._artifact = artifact
        self._lazy = lazy
        self._larger = larger
        self._threads = startable(chosen.threads or default_threads())
        self._first = self._entry(artifact, "forward")
        self._second = None if lazy else self._entry(artifact, "backward")
        self._forward = self._first.call
        self._backward: Callable[..., Any] = self._second.call if self._second else _unloaded

    def _entry(self, artifact: Artifact, name: str) -> Entry:
        larger = self._larger
        more = None if larger is None else (lambda: larger(name))
        return self._kind(self.operator, self.options, artifact, name, self._threads, more)

    @cached_property
    def source(self) -> str:
        """The Cython text of the module."""
        return self._artifact.source_path.read_text()

    @property
    def path(self) -> Path:
        """The compiled module's file."""
        return self._artifact.module_path

    @property
    def schedule(self) -> Report:
        """What is chosen: for each output the ways to compute it, and the plan of every size that was called."""
        return reported(self._entries())

    @property
    def algorithm(self) -> str:
        """The method of each output, at the sizes that were used last; of a module given as a file, ``given``."""
        return self.schedule.algorithm

    @property
    def workspace_bytes(self) -> int | None:
        """Scratch bytes that a call takes at most; None where that depends on run-time sizes."""
        value = self._artifact.meta.get("workspace", 0)
        if isinstance(value, int) and not any(entry.grows for entry in self._entries()):
            return value
        if self.options.sizes is None:
            return None
        return max(self._needed(dict(self.options.sizes)).values())

    def workspace(self, *, limit: int | None = None, **shapes: tuple[int, ...]) -> Workspace:
        """Memory that calls with arrays of these shapes reuse instead of allocating their own.

        Parameters
        ----------
        limit : how many bytes it may have; None for as many as are needed
        shapes : the inputs' shapes by name, as in ``op.output_shape``

        Raises SpecError where shapes do not fit, and where more than ``limit`` is needed.

        >>> import numpy as np, symconv as sc
        >>> k = sc.build(sc.conv1d())
        >>> x, w = np.ones((2, 3, 40), np.float32), np.ones((4, 3, 5), np.float32)
        >>> work = k.workspace(x=x.shape, w=w.shape)
        >>> k.forward(x, w, workspace=work).shape
        (2, 4, 36)
        """
        needed = self._needed(shapes)
        most = max(needed.values())
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int)):
            raise SpecError(f"limit is a number of bytes; given {shown(limit)}")
        if limit is not None and most > limit:
            raise SpecError(
                f"{self.operator.name}: calls of these shapes need a workspace of {most} bytes ({shown_bytes(most)}), "
                f"more than the limit of {limit}; SYMCONV_WORKSPACE_LIMIT={limit}, set before these shapes are first "
                "used, has kernels chosen that need no more where there are such"
            )
        return Workspace(needed)

    def _needed(self, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
        """The scratch bytes of each entry that is loaded."""
        op = self.operator
        results = op.output_shapes(**shapes)
        inputs = tuple(tuple(shapes[name]) for name in op.tensors)
        given = {"forward": inputs, "backward": (*results.values(), *inputs)}
        return {entry.name: entry.nbytes(given[entry.name]) for entry in self._entries()}

    def entry(self, name: str) -> Entry:
        """The entry ``"forward"`` or ``"backward"``, for who calls the compiled function without this object."""
        if name == "forward":
            return self._first
        return self._second or self._load_backward()

    @property
    def transforms(self) -> bool:
        """Whether some way to compute an output states an error of its own, in the modules that are loaded."""
        return any(way.bound is not None for e in self._entries() for one in e.outputs for way in one.ways)

    def _entries(self) -> tuple[Entry, ...]:
        return (self._first, self._second) if self._second else (self._first,)

    def _load_backward(self) -> Entry:
        if self._lazy is None:
            raise InternalError("the module has no backward")
        self._second = self._entry(self._lazy(), "backward")
        self._backward = self._second.call
        return self._second


def _unloaded(*_given: object) -> Any:
    raise InternalError("the module with backward is not loaded")
