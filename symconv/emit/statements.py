"""Statements of the loop IR as lines of Cython text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from symconv.emit.functions import Functions
from symconv.emit.given import given
from symconv.emit.outlining import prepared
from symconv.emit.printer import VERBS, Printer, access
from symconv.errors import InternalError
from symconv.loops.arith import add, const, total
from symconv.loops.ir import (
    VECTOR,
    Accumulate,
    Address,
    Binary,
    Compare,
    Const,
    Declare,
    Expr,
    For,
    If,
    Let,
    Load,
    LoadLanes,
    Outlined,
    Prefetch,
    Scalar,
    Splat,
    Stmt,
    Store,
    StoreLanes,
    StoreReduced,
    StoreTurned,
    StoreZip,
    Update,
    Var,
)

__all__ = ["Statements"]


@dataclass(slots=True)
class Statements(Printer):
    """Prints the blocks of one kernel; outlined bodies become functions of the module."""

    functions: Functions = field(default_factory=Functions)

    def block(self, body: tuple[Stmt, ...], depth: int) -> Iterator[str]:
        """The lines of a block, indented ``depth`` levels."""
        for statement in body:
            match statement:
                case For():
                    yield from self._nested(self._loop(statement, depth), statement.body, depth)
                case If(condition, inner):
                    test = self.expr(condition)
                    bare = self.native and not (isinstance(condition, Compare) and test.startswith("("))
                    opened = f"if {f'({test})' if bare else test}{' {' if self.native else ':'}"
                    yield from self._nested(opened, inner, depth)
                case StoreReduced() | StoreZip():
                    yield from (self._ended(line, depth) for line in self._spread(statement))
                case _:
                    yield self._ended(self._line(statement, depth), depth)

    def _nested(self, opened: str, body: tuple[Stmt, ...], depth: int) -> Iterator[str]:
        yield "    " * depth + opened
        yield from self.block(body, depth + 1)
        if self.native:
            yield "    " * depth + "}"

    def _ended(self, line: str, depth: int) -> str:
        return "    " * depth + line + (";" if self.native else "")

    def _loop(self, loop: For, depth: int) -> str:
        lower, upper, step = self.expr(loop.lower), self.expr(loop.upper), loop.step
        self.levels[loop.var] = depth + 1
        if not self.native:
            return f"for {loop.var} in range({lower}, {upper}{f', {step}' if step != 1 else ''}):"
        # Where it ends is computed once, before the loop, as everywhere in the loop IR.
        name, more = self.named(loop.var), "++" if loop.step == 1 else f" += {step}"
        stop = upper if isinstance(loop.upper, Const | Var) else "sc_stop"
        kept = "" if stop == upper else f", sc_stop = {upper}"
        return f"for (Py_ssize_t {name} = {lower}{kept}; {name} < {stop}; {name}{more}) {{"

    def _line(self, statement: Stmt, depth: int) -> str:
        match statement:
            case Let(name, value):
                self.levels[name] = depth
                # A place that has a name has a register: nothing that follows from it is computed ahead of loops.
                text = f"sc_kept_place({self.expr(value)})" if self.tile and isinstance(value, Address) else ""
                return f"{self.named(name)} = {text or self.expr(value)}"
            case Declare(name, value, scalar):
                return f"{self.named(name)} = {self._declared(name, value, scalar)}"
            case Update(name, op, value, mask) if mask:
                return f"{self.named(name)} = {self._masked(self.named(name), op, value, self.named(mask))}"
            case Update(name, op, value):
                return f"{self.named(name)} = {self._updated(Var(name), op, value)}"
            case StoreLanes():
                return self._stored(statement)
            case Store(buffer, index, value):
                return f"{self.element(buffer, index)} = {self._held(buffer, value)}"
            case Accumulate(buffer, index, op, value):
                return f"{self.element(buffer, index)} = {self._updated(Load(buffer, index), op, value)}"
            case Prefetch(buffer, index, offset):
                return f"sc_prefetch({self.place(buffer, index, offset)})"
            case StoreTurned():
                return self._turned(statement)
            case Outlined():
                return self._called(replace(statement, body=prepared(self.kernel, statement.body)))
        raise InternalError(f"the printer knows no {type(statement).__name__}")

    def _turned(self, statement: StoreTurned) -> str:
        source = statement.value
        assert isinstance(source, Load)
        counts = self.expr(statement.many), self.expr(statement.across)
        ends = (self.place(statement.buffer, statement.index), self._apart(statement.buffer, statement.axis))
        begins = (self.place(source.buffer, source.index), self._apart(source.buffer, statement.along))
        return f"sc_turned({', '.join((*ends, *begins, *counts))})"

    def _apart(self, buffer: str, axis: int) -> str:
        """How many elements lie between neighbours along an axis."""
        return self.expr(total(self.buffers[buffer].sizes[axis + 1 :]))

    def _called(self, outlined: Outlined) -> str:
        known = given(self.kernel, outlined.body)
        inside = Statements(self.kernel, native=True, tile=True, given=known, functions=self.functions)
        lines = tuple(inside.block(outlined.body, 1))
        name, numbers, buffers = self.functions.outlined(self.kernel, outlined, lines, known.products)
        counted = (self.expr(known.products.get(number, Var(number))) for number in numbers)
        handed = (self.handed(buffer, known.bases.get(buffer, const(0))) for buffer in buffers)
        return f"{name}({', '.join((*counted, *handed))})"

    def _held(self, buffer: str, value: Expr) -> str:
        """A value as its buffer holds it: positions are shorter than the integers they are computed from."""
        narrow = self.native and self.buffers[buffer].scalar.kind == "index"
        return f"(sc_position)({self.expr(value)})" if narrow else self.expr(value)

    def _declared(self, name: str, value: Expr, scalar: Scalar) -> str:
        if scalar.kind != "real":
            self.positions |= {name} if scalar == Scalar("index", VECTOR) else set()
            return self.expr(value)
        self.reals.add(name)
        if scalar.lanes != VECTOR:
            return self.expr(value)
        self.vectors.add(name)
        kept = self.tile and isinstance(value.value if isinstance(value, Splat) else value, Load | LoadLanes)
        return f"sc_kept({self.wide(value)})" if kept else self.wide(value)

    def _spread(self, statement: StoreReduced | StoreZip) -> Iterator[str]:
        """Values side by side: in fours where there are helpers for it, else one by one."""
        buffer, values = statement.buffer, [self.wide(value) for value in statement.values]

        def place(shift: int) -> str:
            *outer, last = statement.index
            return self.place(buffer, (*outer, add(last, const(shift))))

        if isinstance(statement, StoreZip):
            if len(values) in (2, 4):
                yield f"sc_zip{len(values)}({place(0)}, {', '.join(values)})"
            else:
                yield from (f"sc_store_all_strided({place(k)}, {len(values)}, {v})" for k, v in enumerate(values))
            return
        verb = {"+": "add", "=": "put"}[statement.op]
        for start in range(0, len(values), 4):
            four = values[start : start + 4]
            name = f"sc_{verb}_sums" if len(four) == 4 else f"sc_{verb}_sum"
            if len(four) == 4:
                yield f"{name}({place(start)}, {', '.join(four)})"
            else:
                yield from (f"{name}({place(start + k)}, {value})" for k, value in enumerate(four))

    def _masked(self, name: str, op: str, value: Expr, mask: str) -> str:
        if op == "=":
            return f"sc_{self.kind(value)}where({mask}, {self.wide(value)}, {name})"
        match value:
            case Binary("*", left, right) if op in "+-":
                return f"sc_vfm{VERBS[op]}({name}, {mask}, {self.wide(left)}, {self.wide(right)})"
        return f"sc_vm{VERBS[op]}({name}, {mask}, {self.wide(value)})"

    def _stored(self, statement: StoreLanes) -> str:
        place = self.place(statement.buffer, statement.index)
        value, mask, stride = self.wide(statement.value), self.named(statement.mask), str(statement.stride)
        if statement.streamed is not None:
            return access("stream", place, stride, mask, f"{value}, {self.expr(statement.streamed)}")
        if statement.op != "=":
            old = f"sc_reload({place}, {stride}, {mask})" if mask else access("load", place, stride, mask)
            value = f"sc_v{VERBS[statement.op]}({old}, {value})"
        return access(f"{self.kind(statement.value, '')}store", place, stride, mask, value)

    def _updated(self, old: Expr, op: str, value: Expr) -> str:
        return self.expr(value) if op == "=" else self.expr(Binary(op, old, value))
