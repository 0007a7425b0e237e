"""How much scratch memory a call needs, where that is known before the sizes of a call are."""

from __future__ import annotations

from symconv.loops.arith import add, total
from symconv.loops.ir import Buffer, Const, Kernel

__all__ = ["workspace_bytes"]

_BYTES = {"float32": 4, "float64": 8}
_LINE = 64
"""Bytes of a cache line: arrays begin with one, and end with one that is never used."""


def workspace_bytes(kernels: tuple[Kernel, ...], dtype: str) -> int | None:
    """The bytes of the kernel that needs most, None where that depends on sizes, numbers of a plan or threads."""
    most = 0
    for kernel in kernels:
        needed = 0
        for buffer in kernel.buffers:
            if buffer.role == "private":
                return None
            if buffer.role == "workspace":
                count = add(total(buffer.sizes), buffer.slack)
                if not isinstance(count, Const):
                    return None
                needed += -(-int(count.value) * _element(buffer, dtype) // _LINE) * _LINE + _LINE
        most = max(most, needed + _LINE if needed else 0)
    return most


def _element(buffer: Buffer, dtype: str) -> int:
    return {"index": 4, "offset": 8}.get(buffer.scalar.kind, _BYTES[dtype])
