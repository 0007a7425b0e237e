"""Outlined bodies as functions of their own, each text printed once over a module."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from symconv.loops.ir import (
    VECTOR,
    Accumulate,
    Address,
    Buffer,
    Declare,
    For,
    Kernel,
    Let,
    Load,
    LoadLanes,
    Nest,
    Node,
    Outlined,
    Prefetch,
    Stmt,
    Store,
    StoreLanes,
    StoreReduced,
    StoreTurned,
    StoreZip,
    Var,
)
from symconv.loops.traverse import children, expressions, walk

__all__ = ["TYPES", "Function", "Functions", "addressed", "declared", "lengths", "mentioned", "pointer_type", "written"]

TYPES = {"int": "Py_ssize_t", "real": "sc_real", "vector": "sc_vector", "position": "sc_positions", "mask": "sc_mask"}
"""The C types of declared names, by what they are."""
_NAME = re.compile(r"\bv_(\w+)")
_WIDE = {"real": "vector", "index": "position"}
_STORES = frozenset((Store, StoreLanes, StoreZip, StoreReduced, StoreTurned, Accumulate))
_USES = _STORES | {Load, LoadLanes, Prefetch}
_REACHES = _USES | {Address}
_POINTERS = {"real": "sc", "index": "sc_index", "offset": "sc_offset"}


@dataclass(frozen=True, slots=True)
class Function:
    """An outlined body or a nest, in C: numbers and buffers come in, in the order in which its text mentions them.

    A nest has a ``comment``, and is also told where to begin and to end.
    """

    name: str
    comment: str | None
    integers: tuple[str, ...]
    buffers: tuple[tuple[str, str], ...]
    declared: dict[str, list[str]]
    lines: tuple[str, ...]

    @property
    def declaration(self) -> str:
        """The line by which Cython knows it."""
        numbers = ("Py_ssize_t",) * (len(self.integers) + (0 if self.comment is None else 2))
        return f"void {self.name}({', '.join((*numbers, *(kind for kind, _ in self.buffers)))}) noexcept nogil"


@dataclass(slots=True)
class Functions:
    """The functions of a module so far, by a text that does not depend on how names were chosen."""

    known: dict[str, Function] = field(default_factory=dict)

    @property
    def made(self) -> tuple[Function, ...]:
        """The functions, in the order in which they were met."""
        return tuple(self.known.values())

    def outlined(
        self, kernel: Kernel, statement: Outlined, lines: tuple[str, ...], more: Iterable[str] = ()
    ) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        """The function that an outlined body is, by its text in C, and the numbers and buffers it is given.

        ``more`` are numbers that its text alone has names for.
        """
        return self._made(kernel, statement.body, f"sc_{statement.name}_{len(self.known)}", lines, more=more)

    def nest(
        self, kernel: Kernel, nest: Nest, name: str, lines: tuple[str, ...]
    ) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        """The function that runs a part of a nest, and the numbers and buffers it is given besides where to begin and
        end."""
        loop = For(nest.var, Var("sc_begin"), Var("sc_end"), nest.body)
        return self._made(kernel, (loop,), name, lines, nest.comment)

    def _made(
        self,
        kernel: Kernel,
        body: tuple[Stmt, ...],
        name: str,
        lines: tuple[str, ...],
        comment: str | None = None,
        more: Iterable[str] = (),
    ) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        own, nodes = declared(body, native=True), tuple(expressions(body))
        loops = {node.var for node in own_nodes(body) if isinstance(node, For)}
        text = "\n".join(lines)
        places = {name: number for number, name in enumerate(dict.fromkeys(_NAME.findall(text)))}
        local = {name for names in own.values() for name in names} | loops
        outer = {node.name for node in nodes if type(node) is Var}
        outer |= lengths(kernel, _named(nodes, _REACHES)) | set(more)
        integers = tuple(sorted((outer - local) & set(places), key=places.__getitem__))
        stored, buffers = _named(nodes, _STORES), sorted(kernel.buffers, key=lambda b: places.get(b.name, 0))
        typed = {b.name: pointer_type(b, b.name in stored) for b in buffers if b.name in places}
        kinds = {name: TYPES[kind] for kind, names in own.items() for name in names}
        kinds |= dict.fromkeys(loops, "loop") | dict.fromkeys(integers, "number") | typed
        key = f"{comment is None} {_renamed(text, kinds)}"
        if key not in self.known:
            types = {TYPES[kind]: names for kind, names in own.items()}
            pointers = tuple((kind, buffer) for buffer, kind in typed.items())
            self.known[key] = Function(name, comment, integers, pointers, types, lines)
        return self.known[key].name, integers, tuple(typed)


def _renamed(text: str, kinds: dict[str, str]) -> str:
    """The text with its own names numbered, and what they are."""
    order = [name for name in dict.fromkeys(_NAME.findall(text)) if name in kinds]
    numbers = {name: f"_{number}" for number, name in enumerate(order)}
    plain = _NAME.sub(lambda found: numbers.get(found[1], found[0]), text)
    return plain + "\n" + " ".join(kinds[name] for name in order)


def pointer_type(buffer: Buffer, stored: bool) -> str:
    """The C type of a buffer's memory."""
    return f"{_POINTERS[buffer.scalar.kind]}_{'out' if stored else 'in'}"


def written(body: tuple[Stmt, ...]) -> frozenset[str]:
    """The buffers that a block stores to."""
    return _named(expressions(body), _STORES)


def mentioned(body: tuple[Stmt, ...]) -> frozenset[str]:
    """The buffers that a block needs."""
    return _named(expressions(body), _USES)


def addressed(body: tuple[Stmt, ...]) -> frozenset[str]:
    """The buffers of which a block computes addresses; it needs their lengths alone."""
    return _named(expressions(body), frozenset((Address,)))


def _named(nodes: Iterable[Any], kinds: frozenset[type]) -> frozenset[str]:
    """The buffers that nodes of such kinds name."""
    return frozenset([node.buffer for node in nodes if type(node) in kinds])


def lengths(kernel: Kernel, buffers: frozenset[str]) -> set[str]:
    """The numbers that the lengths of buffers are computed from."""
    sizes = (size for buffer in kernel.buffers if buffer.name in buffers for size in buffer.sizes)
    return {node.name for size in sizes for node in walk(size) if isinstance(node, Var)}


def declared(body: tuple[Stmt, ...], native: bool = False) -> dict[str, list[str]]:
    """The names that a block declares for itself, by what they are; those of outlined bodies are not among them.

    In C (``native``) loops declare their own variables.
    """
    found: dict[str, set[str]] = {kind: set() for kind in TYPES}
    for node in own_nodes(body):
        match node:
            case Let(name):
                found["int"].add(name)
            case For(name) if not native:
                found["int"].add(name)
            case Declare(name, _, scalar):
                kind = _WIDE.get(scalar.kind, scalar.kind) if scalar.lanes == VECTOR else scalar.kind
                found[kind if kind in found else "int"].add(name)
    return {kind: sorted(names) for kind, names in found.items()}


def own_nodes(body: tuple[Stmt, ...]) -> Iterator[Node]:
    """The nodes of a block, without those inside of outlined bodies."""
    left: list[Node] = list(body[::-1])
    while left:
        node = left.pop()
        yield node
        if type(node) is not Outlined:
            left += children(node)[::-1]
