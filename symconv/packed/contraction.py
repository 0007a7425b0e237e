"""A sum whose loops have roles, and the operands that it reads."""

from __future__ import annotations

from dataclasses import dataclass

from symconv.gather.solution import Phase, Solution
from symconv.notation.affine import Affine, var
from symconv.notation.expr import Index, Read, Reduce, walk
from symconv.notation.operator import Operator, Statement

__all__ = ["Axis", "Contraction", "Operand", "alike", "tensor_axes"]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of an operand: along the flat loop ``loop`` with ``factor`` and the offset ``rest``, or a plane."""

    form: Affine
    length: Affine
    loop: str = ""
    factor: int = 0

    @property
    def rest(self) -> Affine:
        """The index without its flat loop."""
        return self.form - self.factor * var(self.loop) if self.loop else self.form


@dataclass(frozen=True, slots=True)
class Operand:
    """A read and what its axes are."""

    read: Read
    axes: tuple[Axis, ...]

    def along(self, loop: str) -> Axis:
        """The axis of a flat loop; raises KeyError."""
        return {axis.loop: axis for axis in self.axes if axis.loop}[loop]


@dataclass(frozen=True, slots=True)
class Contraction:
    """A sum, or an extreme, with its roles.

    ``lanes`` says where neighbouring elements lie: in ``"cells"`` (outer form) or in ``"steps"`` (dot form). ``flats``
    are the flat loops, outermost first, the last one has the lanes. ``wide`` operands move with lanes and are packed
    (in the dot form the first moves with the rows, the others with the columns); ``narrow`` ones do not move with
    lanes; ``here`` are read at the target's own cell. ``planes`` choose a plane of a wide operand, ``taps`` move along
    flat axes. ``padded`` says that a wide operand counts as 0 outside.
    """

    operator: Operator
    statement: Statement
    reduce: Reduce
    solution: Solution
    lanes: str
    flats: tuple[str, ...]
    groups: tuple[str, ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    planes: tuple[str, ...]
    taps: tuple[str, ...]
    wide: tuple[Operand, ...]
    narrow: tuple[Read, ...]
    here: tuple[Read, ...]
    padded: bool

    @property
    def positions(self) -> frozenset[str]:
        """The tensors that hold positions."""
        return frozenset(tensor.name for tensor in self.operator.inputs if tensor.dtype == "index")

    @property
    def counted(self) -> bool:
        """Whether the body asks for positions, or for the numbers of loops: what is packed holds real numbers alone."""
        loops = {*self.solution.cells, *self.solution.steps, *(n for p in self.solution.phases for n in p.names)}
        held = self.positions
        return any(
            node.tensor in held if isinstance(node, Read) else isinstance(node, Index) and node.form.names() & loops
            for node in walk(self.solution.body)
        )

    @property
    def extreme(self) -> str:
        """``max`` or ``min`` where an extreme is wanted, or its position; nothing of a sum."""
        return self.reduce.kind.removeprefix("arg") if self.reduce.kind != "sum" else ""

    @property
    def placed(self) -> bool:
        """Whether the position of an extreme is wanted."""
        return self.reduce.kind.startswith("arg")

    @property
    def still(self) -> bool:
        """Whether operands have to be read where they lie: what is packed are real numbers with zeros around them."""
        return self.counted or bool(self.extreme)

    def phase(self, loop: str) -> Phase | None:
        """The residue classes of the target along a flat loop."""
        for phase in self.solution.phases:
            if any(form.coefficient(loop) and form.coefficient(phase.residue) for form in self.solution.target):
                return phase
        return None


def tensor_axes(op: Operator, name: str) -> tuple[tuple[Affine, ...], ...]:
    """The axes of an input or a target, each as the sizes that are merged in it."""
    targets = [statement.target for statement in op.statements]
    return {tensor.name: tensor.axes for tensor in (*op.inputs, *targets)}[name]


def alike(operands: tuple[Operand, ...]) -> bool:
    """Whether one table of offsets serves them all."""
    return all(o.read.index == operands[0].read.index and o.axes == operands[0].axes for o in operands)
