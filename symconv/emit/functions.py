"""Outlined bodies as functions of their own, each text printed once over a module."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from symconv.loops.ir import (
    LANES,
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
    Outlined,
    Prefetch,
    Store,
    StoreLanes,
    StoreReduced,
    StoreZip,
    Var,
)
from symconv.loops.traverse import children, expressions, walk

__all__ = ["TYPES", "Function", "Functions", "addressed", "declared", "lengths", "mentioned", "pointer_type", "written"]

TYPES = {"int": "Py_ssize_t", "real": "sc_real", "vector": "sc_vector", "position": "sc_positions", "mask": "sc_mask"}
"""The C types of declared names, by what they are."""
_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
_WIDE = {"real": "vector", "index": "position"}
_POINTERS = {"real": "sc", "index": "sc_index", "offset": "sc_offset"}


@dataclass(frozen=True, slots=True)
class Function:
    """One outlined body: whole numbers and buffers come in, in the order in which its text mentions them."""

    name: str
    integers: tuple[str, ...]
    buffers: tuple[tuple[str, str], ...]
    declared: dict[str, list[str]]
    lines: tuple[str, ...]


@dataclass(slots=True)
class Functions:
    """The functions of a module so far, by a text that does not depend on how names were chosen."""

    known: dict[str, Function] = field(default_factory=dict)

    @property
    def made(self) -> tuple[Function, ...]:
        """The functions, in the order in which they were met."""
        return tuple(self.known.values())

    def call(self, kernel: Kernel, statement: Outlined, lines: tuple[str, ...]) -> str:
        """The call that stands for an outlined body, of which ``lines`` are the text; a new text makes a function."""
        own = declared(statement.body)
        text = "\n".join(lines)
        places = {name: number for number, name in enumerate(dict.fromkeys(_NAME.findall(text)))}
        buffers = [b for b in kernel.buffers if b.name in places]
        local = {name for names in own.values() for name in names}
        outer = {node.name for node in expressions(statement.body) if isinstance(node, Var)}
        outer |= lengths(kernel, mentioned(statement.body) | addressed(statement.body))
        integers = tuple(sorted((outer - local - {LANES}) & set(places), key=places.__getitem__))
        stored = written(statement.body)
        typed = {b.name: pointer_type(b, b.name in stored) for b in sorted(buffers, key=lambda b: places[b.name])}
        kinds = {name: TYPES[kind] for kind, names in own.items() for name in names}
        kinds |= dict.fromkeys(integers, "number") | typed
        key = _renamed(text, kinds)
        if key not in self.known:
            name = f"sc_{statement.name}_{len(self.known)}"
            types = {TYPES[kind]: names for kind, names in own.items()}
            pointers = tuple((kind, buffer) for buffer, kind in typed.items())
            self.known[key] = Function(name, integers, pointers, types, lines)
        return f"{self.known[key].name}({', '.join((*integers, *typed))})"


def _renamed(text: str, kinds: dict[str, str]) -> str:
    """The text with its own names numbered, and what they are."""
    order = [name for name in dict.fromkeys(_NAME.findall(text)) if name in kinds]
    numbers = {name: f"_{number}" for number, name in enumerate(order)}
    plain = _NAME.sub(lambda found: numbers.get(found[0], found[0]), text)
    return plain + "\n" + " ".join(kinds[name] for name in order)


def pointer_type(buffer: Buffer, stored: bool) -> str:
    """The C type of a buffer's memory."""
    return f"{_POINTERS[buffer.scalar.kind]}_{'out' if stored else 'in'}"


def written(body: tuple[object, ...]) -> frozenset[str]:
    """The buffers that a block stores to."""
    stores = (Store, StoreLanes, StoreZip, StoreReduced, Accumulate)
    return frozenset(node.buffer for node in expressions(body) if isinstance(node, stores))  # type: ignore[arg-type]


def mentioned(body: tuple[object, ...]) -> frozenset[str]:
    """The buffers that a block needs."""
    uses = (Load, LoadLanes, Store, StoreLanes, StoreZip, StoreReduced, Accumulate, Prefetch)
    return frozenset(node.buffer for node in expressions(body) if isinstance(node, uses))  # type: ignore[arg-type]


def addressed(body: tuple[object, ...]) -> frozenset[str]:
    """The buffers of which a block computes addresses; it needs their lengths alone."""
    return frozenset(node.buffer for node in expressions(body) if isinstance(node, Address))  # type: ignore[arg-type]


def lengths(kernel: Kernel, buffers: frozenset[str]) -> set[str]:
    """The numbers that the lengths of buffers are computed from."""
    sizes = (size for buffer in kernel.buffers if buffer.name in buffers for size in buffer.sizes)
    return {node.name for size in sizes for node in walk(size) if isinstance(node, Var)}


def declared(body: tuple[object, ...]) -> dict[str, list[str]]:
    """The names that a block declares for itself, by what they are; those of outlined bodies are not among them."""
    found: dict[str, set[str]] = {kind: set() for kind in TYPES}
    for node in _own(body):
        match node:
            case For(name) | Let(name):
                found["int"].add(name)
            case Declare(name, _, scalar):
                kind = _WIDE.get(scalar.kind, scalar.kind) if scalar.lanes == VECTOR else scalar.kind
                found[kind if kind in found else "int"].add(name)
    return {kind: sorted(names) for kind, names in found.items()}


def _own(body: tuple[object, ...]) -> Iterator[object]:
    for node in body:
        yield node
        if not isinstance(node, Outlined):
            yield from _own(children(node))  # type: ignore[arg-type]
