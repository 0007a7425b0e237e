"""What kernels ask of real arithmetic: one value of an expression wherever it stands, products with 0 that are made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from symconv.loops.ir import (
    Accumulate,
    Binary,
    Call,
    Compare,
    Const,
    Declare,
    Expr,
    Kernel,
    Let,
    Load,
    LoadLanes,
    Node,
    Select,
    Update,
    Var,
)
from symconv.loops.traverse import walk

__all__ = ["compares", "multiplies_choices", "shares_factors"]


def compares(kernel: Kernel) -> bool:
    """Whether a kernel asks if a computed real number equals another."""
    positions = {buffer.name for buffer in kernel.buffers if buffer.scalar.kind == "index"}
    nodes = [node for nest in kernel.nests for node in walk(nest)]
    reals = {node.name for node in nodes if isinstance(node, Declare) and node.scalar.kind == "real"}

    def computed(expr: Expr) -> bool:
        parts = list(walk(expr))
        real = any(
            (isinstance(part, Load | LoadLanes) and part.buffer not in positions)
            or (isinstance(part, Var) and part.name in reals)
            or (isinstance(part, Const) and part.real)
            for part in parts
        )
        return real and any(isinstance(part, Binary | Call) for part in parts)

    equalities = [node for node in nodes if isinstance(node, Compare) and node.op in {"==", "!=", "same"}]
    return any(computed(node.left) or computed(node.right) for node in equalities)


def multiplies_choices(kernel: Kernel) -> bool:
    """Whether a product has a factor that is made of a choice of 0: ``where(c, 1, 0)*x`` is NaN where x is."""
    nodes = [node for nest in kernel.nests for node in walk(nest)]
    chosen = _chosen(nodes)
    for node in nodes:
        match node:
            case Binary("*" | "/", left, right) if _has_choice(left, chosen) or _has_choice(right, chosen):
                return True
            case Update(_, "*", value) | Accumulate(_, _, "*", value) if _has_choice(value, chosen):
                return True
    return False


def shares_factors(kernel: Kernel) -> bool:
    """Whether addends have a factor in common that is no number: ``x*b + b`` is NaN where x is 0 and b infinite, and
    ``(x + 1)*b``, which compilers may make of it, is not."""
    nodes = [node for nest in kernel.nests for node in walk(nest)]
    given = [(node.name, node.value) for node in nodes if isinstance(node, Declare | Let)]
    names = [name for name, _ in given]
    held = {name: value for name, value in given if names.count(name) == 1}
    changed = {node.name for node in nodes if isinstance(node, Update)}
    known = {name: value for name, value in held.items() if name not in changed}
    for node in nodes:
        if isinstance(node, Binary) and node.op in {"+", "-"}:
            each = [{*_factors(one, known)} for one in _addends(node, known)]
            if sum(map(len, each)) > len(set().union(*each)):
                return True
    return False


def _addends(expr: Expr, known: Mapping[str, Expr]) -> Iterator[Expr]:
    match expr:
        case Binary("+" | "-", left, right):
            yield from _addends(left, known)
            yield from _addends(right, known)
        case Var(name) if name in known and isinstance(known[name], Binary):
            yield from _addends(known[name], known)
        case _:
            yield expr


def _factors(expr: Expr, known: Mapping[str, Expr]) -> Iterator[Expr]:
    """The factors of a product of real numbers, those without constants."""
    match expr:
        case Binary("*", left, right):
            yield from _factors(left, known)
            yield from _factors(right, known)
        case Binary("-", Const(0), inner):
            yield from _factors(inner, known)
        case Var(name) if name in known:
            yield from _factors(known[name], known)
        case Load() | LoadLanes() | Call():
            yield expr


def _chosen(nodes: list[Node]) -> frozenset[str]:
    """Names that hold what is made of a choice of 0, also through other names."""
    held = [(node.name, node.value) for node in nodes if isinstance(node, Declare | Let | Update)]
    found: frozenset[str] = frozenset()
    while more := {name for name, value in held if name not in found and _has_choice(value, found)}:
        found |= more
    return found


def _has_choice(expr: Expr, names: frozenset[str]) -> bool:
    for part in walk(expr):
        match part:
            case Select(_, yes, no) if any(isinstance(b, Const) and b.real and b.value == 0 for b in (yes, no)):
                return True
            case Var(name) if name in names:
                return True
    return False
