"""What kernels ask of real arithmetic: one value of an expression wherever it stands, products with 0 that are made."""

from __future__ import annotations

from symconv.loops.ir import Binary, Call, Compare, Const, Declare, Expr, Kernel, Load, LoadLanes, Select, Var
from symconv.loops.traverse import walk

__all__ = ["compares", "multiplies_choices"]


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
    """Whether a product has a factor that is a choice of 0: ``where(c, 1, 0)*x`` is NaN where x is."""

    def chosen(expr: Expr) -> bool:
        match expr:
            case Select(_, yes, no):
                return any((isinstance(b, Const) and b.real and b.value == 0) or chosen(b) for b in (yes, no))
            case Binary("*" | "+" | "-", left, right):
                return chosen(left) or chosen(right)
        return False

    nodes = (node for nest in kernel.nests for node in walk(nest))
    return any(isinstance(n, Binary) and n.op == "*" and (chosen(n.left) or chosen(n.right)) for n in nodes)
