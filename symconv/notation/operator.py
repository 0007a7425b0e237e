"""An operator: what a user states, and what a derivation returns."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from functools import lru_cache

from symconv.display import Displayed
from symconv.errors import SpecError, shortened
from symconv.notation.affine import Affine
from symconv.notation.expr import Constraint, Expr, Range, reads
from symconv.notation.hashed import HashedOnce
from symconv.notation.shapes import bind_sizes, shape_of
from symconv.notation.surrogate import Surrogate
from symconv.notation.taps import Occupied

__all__ = ["Assumption", "Definition", "Operator", "Statement", "Tensor", "Window"]


@dataclass(frozen=True, slots=True)
class Tensor:
    """A named array.

    Each physical axis is a tuple of logical sizes, merged row-major: ``((N,), (G, Cg), (H,), (W,))`` is an array of
    shape
    ``(N, G*Cg, H, W)`` that formulas index as ``[n, g, c, i, j]``. ``dtype`` is ``"real"`` or ``"index"`` (positions).
    """

    name: str
    axes: tuple[tuple[Affine, ...], ...]
    dtype: str = "real"

    @property
    def is_size(self) -> bool:
        """Whether its length alone counts: a size that is given as a number, of a window without a weight."""
        return self.dtype == "index" and self.name[:1].isupper()

    @property
    def sizes(self) -> tuple[Affine, ...]:
        """The logical sizes, one per index of a read."""
        return tuple(size for axis in self.axes for size in axis)

    def shape(self, sizes: dict[str, int]) -> tuple[int, ...]:
        """The physical shape under concrete sizes."""
        return shape_of(self.axes, sizes)


@dataclass(frozen=True, slots=True)
class Statement(HashedOnce):
    """``target[indices] = expr``; the indices are plain names, one per logical axis of the target."""

    target: Tensor
    indices: tuple[str, ...]
    expr: Expr
    __hash__ = HashedOnce.__hash__

    @property
    def ranges(self) -> tuple[Range, ...]:
        """The target's indices with their extents."""
        return tuple(Range(n, s) for n, s in zip(self.indices, self.target.sizes, strict=True))


@dataclass(frozen=True, slots=True)
class Definition:
    """A size computed from others; an ``extent`` must not be empty."""

    name: str
    form: Affine
    extent: bool = False


@dataclass(frozen=True, slots=True)
class Assumption:
    """What sizes must satisfy for the operator to mean anything, and the sentence that says so."""

    constraint: Constraint
    sentence: str


@dataclass(frozen=True, slots=True)
class Window:
    """How one spatial axis is slid over: ``input = stride*output + dilation*tap - lo``, or transposed the other way
    round."""

    output: str
    tap: str
    stride: int
    dilation: int
    lo: Affine
    hi: Affine
    size: str
    kernel: str
    extent: str
    transposed: bool = False
    flip: bool = False


@dataclass(frozen=True, slots=True)
class Operator(Displayed, HashedOnce):
    """A tuple of statements over input tensors; the last one writes the output, or one of several.

    Attributes
    ----------
    name : what the user called it, for messages and file names
    inputs : the input tensors in call order
    statements : the forward formula, intermediates first
    definitions : sizes computed from other sizes, in order
    assumptions : constraints on sizes beyond non-emptiness
    windows : the spatial axes, for display
    kinks : chosen conventions at kinks, ``((function, choice), ...)``
    surrogates : declared derivatives that replace the true ones
    source : the formula as the user wrote it
    batch : the size that may be 0
    occupied : means, maxima and minima that need a tap for every cell
    empty : the value of those over no tap, where the operator states one
    notes : what a reader of the formula should know of how it is read
    several : the names of the outputs, in the order of their statements, where there are two or more
    numbers : the numbers that the formula calls by name, which claims may name too
    """

    name: str
    inputs: tuple[Tensor, ...]
    statements: tuple[Statement, ...]
    definitions: tuple[Definition, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    windows: tuple[Window, ...] = ()
    kinks: tuple[tuple[str, str], ...] = ()
    surrogates: tuple[Surrogate, ...] = ()
    source: str = ""
    batch: str = ""
    occupied: tuple[Occupied, ...] = ()
    empty: Fraction | None = None
    notes: tuple[str, ...] = ()
    several: tuple[str, ...] = ()
    numbers: tuple[tuple[str, Fraction], ...] = field(default=(), compare=False, repr=False)
    __hash__ = HashedOnce.__hash__

    @property
    def tensors(self) -> tuple[str, ...]:
        """The input names in call order.

        >>> import symconv as sc
        >>> sc.conv2d(bias=True).tensors
        ('x', 'w', 'b')
        """
        return tuple(tensor.name for tensor in self.inputs)

    @property
    def output(self) -> Tensor:
        """The tensor the last statement writes; raises SpecError for an operator of several outputs."""
        if self.several:
            raise SpecError(
                f"{shortened(self.name, 80)} has the outputs {' and '.join(self.several)}, and this is for operators "
                f"of one: op.only({self.several[-1]!r}) is one of them, and so is the formula without the other "
                "equations"
            )
        return self.statements[-1].target

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """The tensors that are computed for the caller, in the order of their statements.

        >>> import symconv as sc
        >>> [one.name for one in sc.operator("s[i] = x[i]**2; y[i] = exp(s[i]); z[i] = s[i] + 1").outputs]
        ['y', 'z']
        """
        if not self.several:
            return (self.output,)
        return tuple(s.target for s in self.statements if s.target.name in self.several)

    def input(self, name: str) -> Tensor:
        """The input tensor of that name; raises KeyError."""
        return {tensor.name: tensor for tensor in self.inputs}[name]

    def tensor(self, name: str) -> Tensor:
        """The input or intermediate of that name; raises KeyError."""
        targets = (statement.target for statement in self.statements)
        return {tensor.name: tensor for tensor in (*self.inputs, *targets)}[name]

    def upto(self, name: str) -> Operator:
        """The operator that computes an intermediate: the statements as far as that; raises KeyError.

        >>> import symconv as sc
        >>> sc.operator("z[i] = x[i]**2; y[i] = exp(z[i])").upto("z").output.name
        'z'
        """
        at = {s.target.name: k for k, s in enumerate(self.statements)}[name]
        return replace(self, statements=self.statements[: at + 1], several=())

    def only(self, name: str) -> Operator:
        """The operator of one output: the statements that it needs, over the same inputs; raises SpecError.

        >>> import symconv as sc
        >>> sc.operator("s[i] = x[i]**2; y[i] = exp(s[i]); z[i] = 2*x[i]").only("z").output.name
        'z'
        """
        found = {tensor.name: tensor for tensor in self.outputs}
        if name not in found:
            raise SpecError(f"{self.name} has no output {name!r}; it has {', '.join(found)}")
        if not self.several:
            return self
        wanted, kept = {name}, list[Statement]()
        for statement in reversed(self.statements):
            if statement.target.name in wanted:
                kept.append(statement)
                wanted |= {read.tensor for read in reads(statement.expr)}
        return replace(self, name=f"{name} of {self.name}", statements=tuple(reversed(kept)), several=())

    def joined(self) -> Operator:
        """The operator of the last output, which computes every other on its way; itself where there is one.

        >>> import symconv as sc
        >>> op = sc.operator("s[i] = x[i]**2; y[i] = exp(s[i]); z[i] = 2*x[i]").joined()
        >>> [one.target.name for one in op.statements], op.output.name
        (['s', 'y', 'z'], 'z')
        """
        if not self.several:
            return self
        last = max(at for at, one in enumerate(self.statements) if one.target.name in self.several)
        return replace(self, statements=self.statements[: last + 1], several=())

    def sizes(self, **shapes: tuple[int, ...]) -> dict[str, int]:
        """Every size by name, solved from the input shapes; raises SpecError when they do not fit."""
        given = tuple(shapes.items())
        if all(type(shape) is tuple and all(type(length) is int for length in shape) for _, shape in given):
            return dict(_solved(self, given))
        return bind_sizes(self, shapes)

    def output_shape(self, **shapes: tuple[int, ...]) -> tuple[int, ...]:
        """The output's shape for these input shapes.

        Raises SpecError when a shape is missing, does not fit the formula, or leaves the output empty.

        >>> import symconv as sc
        >>> sc.conv2d(stride=2, padding=1).output_shape(x=(2, 3, 8, 9), w=(4, 3, 3, 3))
        (2, 4, 4, 5)
        """
        return self.output.shape(self.sizes(**shapes))

    def output_shapes(self, **shapes: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """The shape of each output by its name; raises SpecError as ``output_shape`` does.

        >>> import symconv as sc
        >>> sc.operator("y[n,i] = x[n,i]**2; z[n] = sum[i](x[n,i])").output_shapes(x=(2, 3))
        {'y': (2, 3), 'z': (2,)}
        """
        sizes = self.sizes(**shapes)
        return {one.name: one.shape(sizes) for one in self.outputs}

    @property
    def spelled(self) -> str:
        """Every field that tells operators apart, in full: what keys and digests are made of."""
        kept = (one for one in fields(self) if one.compare and (one.name != "several" or self.several))
        return repr(tuple(getattr(self, one.name) for one in kept))

    def __str__(self) -> str:
        return f"{self.name}: {self.source}" if self.source else self.name

    def __repr__(self) -> str:
        outputs = ", ".join(one.name for one in self.outputs)
        return f"<operator {shortened(self.name, 80)}: {outputs} from {', '.join(self.tensors)}>"

    def renamed(self, name: str) -> Operator:
        """The same operator under another name."""
        return replace(self, name=name)


# Claims are tried at the same few sizes over and over.
@lru_cache(maxsize=256)
def _solved(op: Operator, shapes: tuple[tuple[str, tuple[int, ...]], ...]) -> dict[str, int]:
    return bind_sizes(op, dict(shapes))
