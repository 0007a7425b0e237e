"""Loop IR as Cython text: expressions and statements only, the skeleton around them is the template's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from symconv.emit.given import Given, rest
from symconv.emit.places import Monomials, depths, monomials, plus, pointer, position
from symconv.emit.shuffles import dealt, moved, woven
from symconv.errors import InternalError, SpecError
from symconv.loops.arith import const, mul, total
from symconv.loops.ir import (
    LANES,
    Address,
    Binary,
    Buffer,
    Call,
    Compare,
    Const,
    Expr,
    FloorDiv,
    Kernel,
    Lanes,
    Load,
    LoadLanes,
    Mod,
    Real,
    ReduceLanes,
    Select,
    Shift,
    Splat,
    Unzip,
    Var,
    Zip,
)

__all__ = ["VERBS", "Printer", "access"]

_TIGHT = {"+": 1, "-": 1, "*": 2}
VERBS = {"+": "add", "-": "sub", "*": "mul", "/": "div", "min": "min", "max": "max"}
_REDUCED = {"+": "sum", "min": "min", "max": "max"}
_COMPARE = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}
_BY_NAME = frozenset({"larger", "smaller", "same"})
"""Comparisons that C has no operator for."""


@dataclass(slots=True)
class Printer:
    """Prints one kernel's expressions; ``reals`` and ``vectors`` are the names declared so far that hold real numbers,
    ``positions`` those that hold positions in lanes.

    ``native`` says that C is printed, not Cython: names are then marked, since any of them may be a macro. ``tile``
    says that an outlined body is, where every address is a sum of pointers; ``levels`` then holds how deep inside loops
    a name is given its value, and ``given`` what of addresses its caller computes.
    """

    kernel: Kernel
    native: bool = False
    tile: bool = False
    levels: dict[str, int] = field(default_factory=dict)
    given: Given = field(default_factory=Given)
    reals: set[str] = field(default_factory=set)
    vectors: set[str] = field(default_factory=set)
    positions: set[str] = field(default_factory=set)
    buffers: dict[str, Buffer] = field(default_factory=dict)
    bases: dict[str, Monomials] = field(default_factory=dict)
    products: dict[tuple[str, ...], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.buffers = {buffer.name: buffer for buffer in self.kernel.buffers}
        self.bases = {buffer: monomials(base, self.expr) for buffer, base in self.given.bases.items()}
        for name, product in self.given.products.items():
            self.products |= dict.fromkeys(monomials(product, self.expr), self.named(name))

    def named(self, name: str) -> str:
        """A name as it is printed."""
        return f"v_{name}" if self.native and name and name != LANES else name

    def cast(self, text: str) -> str:
        """A number as a real one."""
        return f"((sc_real){text})" if self.native else f"(<sc_real>{text})"

    def is_real(self, expr: Expr) -> bool:
        """Whether an expression is a real number rather than an integer."""
        match expr:
            case Const(_, real):
                return real
            case Var(name):
                return name in self.reals
            case Binary(_, left, right):
                return self.is_real(left) or self.is_real(right)
            case Select(_, yes, no):
                return self.is_real(yes) or self.is_real(no)
            case Load(buffer) | LoadLanes(buffer):
                return self.buffers[buffer].scalar.kind == "real"
            case Splat(value):
                return self.is_real(value)
            case Unzip(values) | Zip(values):
                return self.is_real(values[0])
            case Shift(value):
                return self.is_real(value)
        return isinstance(expr, Real | Call | ReduceLanes)

    def is_vector(self, expr: Expr) -> bool:
        """Whether an expression has lanes."""
        match expr:
            case Var(name):
                return name in self.vectors or name in self.positions
            case Binary(_, left, right) | Compare(_, left, right):
                return self.is_vector(left) or self.is_vector(right)
            case Select(condition, yes, no):
                return any(self.is_vector(part) for part in (condition, yes, no))
            case Call(_, arguments):
                return any(self.is_vector(argument) for argument in arguments)
        return isinstance(expr, LoadLanes | Splat | Unzip | Zip | Shift)

    def wide(self, expr: Expr) -> str:
        """An expression in every lane."""
        return self.expr(expr) if self.is_vector(expr) else f"sc_{self.kind(expr, '')}splat({self.expr(expr)})"

    def kind(self, expr: Expr, real: str = "v") -> str:
        """What names of functions on lanes begin with: positions have their own."""
        return real if self.is_real(expr) else "p"

    def expr(self, expr: Expr, tight: int = 0) -> str:
        """The text of an expression, parenthesised where its surroundings bind tighter than ``tight`` allows."""
        if self.is_vector(expr):
            return self._vector(expr)
        match expr:
            case Const(value, real):
                return self.cast(_real(value)) if real else str(int(value))
            case Var(name):
                return self.named(name)
            case Binary(op, left, right) if op in _TIGHT:
                return self._arithmetic(op, left, right, tight)
            case Binary(op, left, right):
                return self._binary(op, left, right)
            case FloorDiv(value, divisor):
                return f"sc_floordiv({self.expr(value)}, {divisor})"
            case Mod(value, divisor):
                return f"sc_mod({self.expr(value)}, {divisor})"
            case Compare(op, left, right) if op in _BY_NAME:
                return f"sc_{op}({self.expr(left)}, {self.expr(right)})"
            case Compare(op, left, right):
                return f"({self.expr(left, 3)} {op} {self.expr(right, 3)})"
            case Select():
                return self._select(expr)
            case Real(value):
                return self.cast(f"({self.expr(value)})")
            case Load() | Address():
                return self._memory(expr)
            case Lanes(lower, upper):
                return f"sc_lanemask({self.expr(lower)}, {self.expr(upper)})"
            case ReduceLanes(op, value):
                return f"sc_h{_REDUCED[op]}({self.expr(value)})"
            case Call(function, arguments):
                return f"sc_{function}({', '.join(self.expr(argument) for argument in arguments)})"
        raise InternalError(f"the printer knows no {type(expr).__name__} of scalars")

    def _memory(self, expr: Load | Address) -> str:
        match expr:
            case Load(buffer, index, offset):
                return self.element(buffer, index, offset)
            case Address(buffer, index):
                text = self.offset(buffer, index)
                return text if text.isidentifier() or text.isdigit() else f"({text})"

    def _select(self, expr: Select) -> str:
        match expr:
            case Select(Compare() as first, Compare() as second, Const(value)) if value == 0:
                # Both sides are comparisons without effects: no branch is needed to leave the second out.
                return f"({self.expr(first)} & {self.expr(second)})"
        name = "sc_where" if self.is_real(expr) else "sc_choose"
        return f"{name}({self.expr(expr.condition)}, {self.expr(expr.yes)}, {self.expr(expr.no)})"

    def _vector(self, expr: Expr) -> str:
        match expr:
            case Var(name):
                return self.named(name)
            case LoadLanes(buffer, index, _, mask, offset):
                verb = f"{self.kind(expr, '')}load"
                return access(verb, self.place(buffer, index, offset), self._step(expr), self.named(mask))
            case Splat(value):
                return f"sc_{self.kind(value, '')}splat({self.expr(value)})"
            case Binary(op, left, right):
                return f"sc_{self.kind(expr)}{VERBS[op]}({self.wide(left)}, {self.wide(right)})"
            case Compare(op, left, right):
                return f"sc_{self.kind(left)}{_COMPARE.get(op, op)}({self.wide(left)}, {self.wide(right)})"
            case Select(condition, yes, no):
                mask = self.expr(condition) if self.is_vector(condition) else f"sc_every({self.expr(condition)})"
                return f"sc_{self.kind(expr)}where({mask}, {self.wide(yes)}, {self.wide(no)})"
            case Call(function, arguments):
                return f"sc_v{function}({', '.join(self.wide(argument) for argument in arguments)})"
            case Unzip(values, part, turn):
                return dealt([self.wide(value) for value in values], part, turn)
            case Zip(values, part, turn):
                return woven([self.wide(value) for value in values], part, turn)
            case Shift(value, by):
                return moved(self.wide(value), by)
        raise InternalError(f"the printer knows no lanes of {type(expr).__name__}")

    def _step(self, load: LoadLanes) -> str:
        """How many elements lie between lanes."""
        sizes = self.buffers[load.buffer].sizes[load.axis % len(load.index) + 1 :]
        return self.expr(mul(const(load.stride), total(sizes)))

    def _arithmetic(self, op: str, left: Expr, right: Expr, tight: int) -> str:
        level = _TIGHT[op]
        if op == "-" and left == const(0) and not self.is_real(right):
            text = self.expr(right, level + 1)
            text = f"-({text})" if text.startswith("-") else f"-{text}"
        else:
            text = f"{self.expr(left, level)} {op} {self.expr(right, level + 1)}"
        return f"({text})" if level < tight else text

    def _binary(self, op: str, left: Expr, right: Expr) -> str:
        a, b = self.expr(left), self.expr(right)
        match op:
            case "/":
                return f"({self.expr(left, 3)} / {self.expr(right, 3)})"
            case "//":
                return f"sc_quotient({a}, {b})"
            case "min" | "max":
                return f"sc_{op}({a}, {b})" if self.is_real(left) or self.is_real(right) else f"sc_i{op}({a}, {b})"
        raise InternalError(f"the printer knows no operator {op!r}")

    def offset(self, buffer: str, index: tuple[Expr, ...]) -> str:
        """The row-major position of an element."""
        text = "0"
        for form, size in zip(index, self.buffers[buffer].sizes, strict=True):
            step = self.expr(form, 1)
            if text == "0":
                text = step
                continue
            if size != const(1):
                base = text if text.isidentifier() or text.isdigit() else f"({text})"
                text = f"{base}*{self.expr(size, 3)}"
            text = text if step == "0" else f"{text} + {step}"
        return text

    def element(self, buffer: str, index: tuple[Expr, ...], offset: Expr | None = None) -> str:
        """An element of a buffer."""
        if self.tile:
            return f"({self.place(buffer, index, offset)})[0]"
        behind = "" if offset is None else f" + {self.expr(offset, 1)}"
        return f"{self.named(buffer)}[{self.offset(buffer, index)}{behind}]"

    def place(self, buffer: str, index: tuple[Expr, ...], offset: Expr | None = None) -> str:
        """Where an element lies in memory."""
        if not self.tile:
            return f"&{self.element(buffer, index, offset)}"
        changes = dict.fromkeys(self.products.values(), 0)
        show = self._shown(changes)
        at = position(index, self.buffers[buffer].sizes, show)
        if offset is not None:
            at = plus(at, monomials(offset, show))
        return pointer(self.named(buffer), rest(at, self.bases.get(buffer, {}), self.products), changes.__getitem__)

    def handed(self, buffer: str, by: Expr) -> str:
        """The pointer that an outlined body is given, ``by`` elements behind the first."""
        changes: dict[str, int] = {}
        at = monomials(by, self._shown(changes))
        return pointer(self.named(buffer), at, changes.__getitem__)

    def _shown(self, changes: dict[str, int]) -> Callable[[Expr], str]:
        """Prints factors of places, and notes how deep inside loops each changes."""

        def show(expr: Expr) -> str:
            text = self.expr(expr)
            changes[text] = depths(expr, self.levels)
            return text

        return show


def access(verb: str, place: str, stride: str, mask: str, value: str = "") -> str:
    """A load or a store of lanes; ``_all`` are those without a mask."""
    near = stride == "1"
    name = f"sc_{verb}{'' if mask else '_all'}{'' if near else '_strided'}"
    parts = (place, "" if near else stride, mask, value)
    return f"{name}({', '.join(part for part in parts if part)})"


def _real(value: Fraction) -> str:
    # The nearest double, then the nearest sc_real: repr round-trips, the C compiler folds the cast.
    try:
        return repr(float(value))
    except OverflowError as error:
        raise SpecError("a constant of the formula is outside float64 once its arithmetic is carried out") from error
