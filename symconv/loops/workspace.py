"""How much scratch memory a call needs."""

from __future__ import annotations

from symconv.loops.arith import total
from symconv.loops.ir import Const, Kernel

__all__ = ["workspace_bytes"]

_BYTES = {"float32": 4, "float64": 8}


def workspace_bytes(kernels: tuple[Kernel, ...], dtype: str) -> int | None:
    """The bytes of the kernel that needs most, None where that depends on run-time sizes."""
    most = 0
    for kernel in kernels:
        needed = 0
        for buffer in kernel.buffers:
            if buffer.role == "workspace":
                count = total(buffer.sizes)
                if not isinstance(count, Const):
                    return None
                needed += int(count.value) * (4 if buffer.scalar.kind == "index" else _BYTES[dtype])
        most = max(most, needed)
    return most
