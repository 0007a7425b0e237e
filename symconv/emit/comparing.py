"""Whether kernels ask if computed real numbers are equal: then an expression must have one value wherever it stands."""

from __future__ import annotations

from symconv.loops.ir import Binary, Call, Compare, Const, Declare, Expr, Kernel, Load, LoadLanes, Var
from symconv.loops.traverse import walk

__all__ = ["compares"]


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
