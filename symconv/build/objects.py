"""What was compiled in this process and modules have again: the loops of an operator's first module stand in the one
with every candidate, and a convolution and its gradients run the same functions on packed operands."""

from __future__ import annotations

from symconv.build.digest import digest
from symconv.build.tools import Toolchain

__all__ = ["keep", "kept", "object_key"]

_MOST = 32
"""So many objects are kept, of some hundred thousand bytes at most."""
_KEPT: dict[str, bytes] = {}


def object_key(tools: Toolchain, flags: tuple[str, ...], file: str, text: str) -> str:
    """What an object depends on."""
    return digest([tools.command, tools.version, tools.cpu, flags, file, text])


def kept(key: str) -> bytes | None:
    """The object of a key, if it is kept.

    >>> keep("one", b"object")
    >>> kept("one"), kept("two")
    (b'object', None)
    """
    return _KEPT.get(key)


def keep(key: str, content: bytes) -> None:
    """Keep an object; the oldest go where there are many."""
    _KEPT[key] = content
    for old in tuple(_KEPT)[:-_MOST]:
        _KEPT.pop(old, None)
