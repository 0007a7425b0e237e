"""What a library in C offers of an operator: one function for its outputs and one for each gradient."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from symconv.emit.functions import mentioned
from symconv.emit.printer import Printer
from symconv.emit.units import Entry, Unit
from symconv.errors import InternalError
from symconv.loops.arith import const, total
from symconv.loops.ir import Buffer, Expr, Kernel, Var
from symconv.loops.rename import distinct, renamed
from symconv.loops.traverse import substitute
from symconv.loops.wellformed import wellformed

__all__ = ["Callable", "Windows", "callables"]


@dataclass(frozen=True, slots=True)
class Windows:
    """The body of a function in C that says whether no window is empty, and the sizes that it is told."""

    sizes: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def call(self) -> str:
        """The condition."""
        return f"sc_windows({', '.join(f'v_{size}' for size in self.sizes)})"


@dataclass(frozen=True, slots=True)
class Callable:
    """A function: what it computes, the kernel it runs, and how its parameters are called.

    ``what`` is "forward" or "grad_x", ``name`` is that behind the operator's name; the element type follows.
    ``stated`` functions are told the shapes of their results; of others it is the shape of an input. ``returned`` are
    results beside the last one.
    """

    what: str
    name: str
    kernel: Kernel
    stated: bool
    taken: frozenset[str]
    windows: Windows | None = None
    returned: tuple[str, ...] = ()

    @property
    def inputs(self) -> tuple[Buffer, ...]:
        """The arrays given, in call order."""
        return tuple(buffer for buffer in self.kernel.buffers if buffer.role == "in")

    @property
    def results(self) -> tuple[Buffer, ...]:
        """The arrays written."""
        return (*(self.kernel.buffer(name) for name in self.returned), self.kernel.result)

    @property
    def read(self) -> frozenset[str]:
        """The arrays that are more to it than their shape."""
        return frozenset(name for nest in self.kernel.nests for name in mentioned(nest.body))

    @property
    def threads(self) -> str:
        """The parameter that says among how many the work is shared."""
        return f"v_{self._fresh('threads')}"

    def shape(self, buffer: Buffer) -> str:
        """The parameter that holds the shape of an array."""
        return f"v_{self._fresh(f'{buffer.name}_shape')}"

    def _fresh(self, name: str) -> str:
        return self._fresh(f"{name}_") if name in self.taken else name

    @property
    def sizes(self) -> tuple[tuple[str, str], ...]:
        """Each size and its value in C, from the shapes given and earlier ones."""
        printer, lengths = Printer(self.kernel, native=True), self._lengths()
        return tuple((size.name, printer.expr(substitute(size.value, lengths))) for size in self.kernel.sizes)

    @property
    def checks(self) -> tuple[str, ...]:
        """What has to hold of sizes, shapes and windows, in C."""
        return (*self.fits, *((self.windows.call,) if self.windows else ()))

    @property
    def fits(self) -> tuple[str, ...]:
        """What has to hold of sizes and shapes, once each, in C."""
        printer, lengths = Printer(self.kernel, native=True), self._lengths()
        return tuple(dict.fromkeys(printer.expr(substitute(check, lengths)) for check in self.kernel.checks))

    def lengths(self, result: Buffer) -> tuple[str, ...]:
        """The lengths of a result, in C."""
        printer = Printer(self.kernel, native=True)
        return tuple(printer.expr(total(axis), 3) for axis in result.axes)

    def count(self, buffer: Buffer) -> str:
        """How many elements an array has, in C: an input by its shape, a result by its lengths."""
        shape = self.shape(buffer)
        given = tuple(f"{shape}[{axis}]" for axis in range(len(buffer.axes)))
        return "*".join(given if buffer.role == "in" else self.lengths(buffer)) or "1"

    def _lengths(self) -> dict[str, Expr]:
        # A printed name is marked by v_, which stands before the shape's name already.
        return {
            f"{buffer.name}_dim{axis}": Var(f"{self.shape(buffer).removeprefix('v_')}[{axis}]")
            for buffer in self.inputs
            for axis in range(len(buffer.axes))
        }


def callables(unit: Unit, windows: Windows | None = None) -> tuple[Callable, ...]:
    """The functions of an operator: ``forward``, then ``grad_x`` for each gradient ``gx``."""
    return tuple(one for entry in unit.entries for one in _functions(unit, entry, windows))


def _functions(unit: Unit, entry: Entry, windows: Windows | None) -> Iterator[Callable]:
    kernels = [renamed(kernel, distinct(kernel)) for made in unit.entries for kernel in made.kernels]
    names = {buffer.name for kernel in kernels for buffer in kernel.buffers}
    taken = frozenset(names | {size.name for kernel in kernels for size in kernel.sizes})
    for candidates in entry.computed:
        kernel = renamed(candidates[0].kernel, distinct(candidates[0].kernel))
        if entry.stages or kernel.parameters or any(buffer.role == "private" for buffer in kernel.buffers):
            raise InternalError(f"{kernel.name}: C text is printed from kernels that need no plan")
        if any(kernel.buffer(name).slack != const(0) for name in entry.returned):
            raise InternalError(f"{kernel.name}: an array of the caller has no room behind its last element")
        if fault := wellformed(kernel):
            raise InternalError(f"the kernel {kernel.name} is not well formed: {fault}")
        stated = entry.name == "forward"
        what = "forward" if stated else f"grad_{kernel.result.name.removeprefix('g')}"
        yield Callable(what, f"{unit.name}_{what}", kernel, stated, taken, windows, entry.returned)
