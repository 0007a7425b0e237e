"""Whether a kernel says what the loop IR can mean: names declared before use, buffers as they are declared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from symconv.loops.arith import const
from symconv.loops.ir import (
    LANES,
    Accumulate,
    Address,
    Buffer,
    Declare,
    Expr,
    For,
    If,
    Kernel,
    Let,
    Load,
    LoadLanes,
    Nest,
    Outlined,
    Prefetch,
    Stmt,
    Store,
    StoreLanes,
    StoreReduced,
    StoreTurned,
    StoreZip,
    Update,
    Var,
)
from symconv.loops.traverse import children, walk

__all__ = ["wellformed"]

_ROLES = {"in", "out", "workspace", "private"}
_STORES = (Store, StoreLanes, StoreZip, StoreReduced, StoreTurned, Accumulate)
_NUMBER, _MASK = "a whole number", "a mask"


def wellformed(kernel: Kernel) -> str:
    """Empty where a kernel is well formed, else the first reason why it is not.

    >>> from symconv.loops.arith import const
    >>> y = Buffer("y", ((const(3),),), "out")
    >>> store = Store("y", (Var("i"),), Load("x", (Var("i"),)))
    >>> wellformed(Kernel("k", (y,), (), (), (Nest("i", const(3), (store,)),)))
    'x is no buffer'
    """
    return next(_faults(kernel), "")


def _faults(kernel: Kernel) -> Iterator[str]:
    names = [buffer.name for buffer in kernel.buffers]
    yield from (f"{name} is declared twice" for name in names if names.count(name) > 1)
    if sum(buffer.role == "out" for buffer in kernel.buffers) != 1:
        yield "one buffer is the result"
    lengths = {f"{b.name}_dim{axis}" for b in kernel.buffers if b.role == "in" for axis in range(len(b.axes))}
    known = {LANES, *kernel.parameters}
    for size in (*kernel.sizes, *kernel.layout):
        yield from _unknown(size.value, known | lengths, f"the number {size.name}")
        if size.name in known:
            yield f"the number {size.name} is computed twice"
        known.add(size.name)
    for buffer in kernel.buffers:
        yield from _buffer(buffer, known)
    for check in kernel.checks:
        yield from _unknown(check, known | lengths, "a check")
    for nest in kernel.nests:
        yield from _nest(kernel, nest, known)


def _unknown(expr: Expr, known: set[str], what: str) -> Iterator[str]:
    names = (node.name for node in walk(expr) if isinstance(node, Var))
    yield from (f"{what} needs {name}, which is not known there" for name in names if name not in known)


def _buffer(buffer: Buffer, known: set[str]) -> Iterator[str]:
    if buffer.role not in _ROLES:
        yield f"{buffer.name} is {buffer.role}, which is no role"
    if not 0 <= buffer.flat <= len(buffer.axes):
        yield f"{buffer.name} has {len(buffer.axes)} axes, of which {buffer.flat} cannot be indexed together"
    if buffer.role in {"in", "out"} and buffer.slack != const(0):
        yield f"nothing behind the end of {buffer.name} may be touched: it is the caller's memory"
    if buffer.role != "private" and buffer.cleared != const(0):
        yield f"{buffer.name} is no thread's own: none of them may clear it"
    for size in (*buffer.sizes, buffer.slack, buffer.cleared):
        yield from _unknown(size, known, f"the length of {buffer.name}")


def _nest(kernel: Kernel, nest: Nest, known: set[str]) -> Iterator[str]:
    yield from _unknown(nest.extent, known, f"the extent of {nest.var}")
    scope = _Scope(kernel, dict.fromkeys((*known, nest.var), _NUMBER))
    yield from scope.block(nest.body)


@dataclass(frozen=True, slots=True)
class _Scope:
    """What the names of a block are, in the order of its statements."""

    kernel: Kernel
    kinds: dict[str, str] = field(default_factory=dict)

    def block(self, body: tuple[Stmt, ...]) -> Iterator[str]:
        inside = replace(self, kinds=dict(self.kinds))
        for statement in body:
            yield from inside._statement(statement)

    def _statement(self, statement: Stmt) -> Iterator[str]:
        for part in children(statement):
            if not isinstance(part, Stmt):
                yield from self._expression(part)
        match statement:
            case For(name, _, _, body, step):
                if step < 1:
                    yield f"{name} steps by {step}"
                yield from replace(self, kinds={**self.kinds, name: _NUMBER}).block(body)
            case If(_, body):
                yield from self.block(body)
            case Let(name):
                self.kinds[name] = _NUMBER
            case Declare(name, _, scalar):
                kind = _NUMBER if scalar.kind in {"int", "offset", "index"} and scalar.lanes == 1 else "a real number"
                self.kinds[name] = _MASK if scalar.kind == "mask" else kind
            case Update(name, _, _, mask):
                if self.kinds.get(name) in {None, _MASK}:
                    yield f"{name} is changed, and holds no number there"
                yield from self._mask(mask)
            case Outlined(name, body):
                numbers = {each: kind for each, kind in self.kinds.items() if kind == _NUMBER}
                for fault in replace(self, kinds=numbers).block(body):
                    yield f"{name} is given numbers and buffers alone: {fault}"
        if isinstance(statement, _STORES):
            yield from self._stored(statement)

    def _stored(
        self, statement: Store | StoreLanes | StoreZip | StoreReduced | StoreTurned | Accumulate
    ) -> Iterator[str]:
        yield from self._indexed(statement.buffer, statement.index)
        if any(b.name == statement.buffer and b.role == "in" for b in self.kernel.buffers):
            yield f"{statement.buffer} is an input, and stored to"
        if isinstance(statement, StoreLanes):
            yield from self._mask(statement.mask)
            if statement.streamed is not None and (statement.stride != 1 or statement.op != "="):
                yield f"{statement.buffer} is streamed to, but not in whole vectors"
        if isinstance(statement, StoreReduced) and statement.op not in {"+", "="}:
            yield f"sums of lanes are stored or added, not combined by {statement.op}"

    def _expression(self, expr: Expr) -> Iterator[str]:
        for node in walk(expr):
            match node:
                case Var(name) if name not in self.kinds:
                    yield f"{name} is used before it has a value"
                case Load(buffer, index) | LoadLanes(buffer, index) | Address(buffer, index) | Prefetch(buffer, index):
                    yield from self._indexed(buffer, index)
            if isinstance(node, LoadLanes):
                yield from self._mask(node.mask)

    def _indexed(self, name: str, index: tuple[Expr, ...]) -> Iterator[str]:
        found = [buffer for buffer in self.kernel.buffers if buffer.name == name]
        if not found:
            yield f"{name} is no buffer"
        elif len(index) != len(found[0].sizes):
            yield f"{name} has {len(found[0].sizes)} sizes and is indexed by {len(index)} numbers"

    def _mask(self, mask: str) -> Iterator[str]:
        if mask and self.kinds.get(mask) != _MASK:
            yield f"{mask} masks lanes, and is no mask there"
