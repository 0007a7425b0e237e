"""Other names for what a kernel computes with: bindings and uses alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from symconv.loops.ir import Declare, For, Kernel, Let, Size, Update, Var
from symconv.loops.traverse import rewrite

__all__ = ["renamed"]


def renamed(kernel: Kernel, names: Mapping[str, str]) -> Kernel:
    """The kernel with these names replaced by others, which it must not use yet; those of arrays stay.

    >>> from symconv.loops.ir import Const, Nest
    >>> kernel = Kernel("y", (), (), (), (Nest("z", Var("n"), (Let("a", Var("z")),)),), layout=(Size("n", Const(2)),))
    >>> renamed(kernel, {"n": "m", "a": "b"}).nests[0].body
    (Let(name='b', value=Var(name='z')),)
    """

    def rule(node: Any) -> Any:
        match node:
            case Var(name) | Let(name, _) | Declare(name, _, _) | Update(name, _, _, _) if name in names:
                return replace(node, name=names[name])
            case For(name) if name in names:
                return replace(node, var=names[name])
        return node

    def size(one: Size) -> Size:
        return Size(names.get(one.name, one.name), rewrite(one.value, rule))

    buffers = tuple(
        replace(b, axes=tuple(tuple(rewrite(s, rule) for s in axis) for axis in b.axes), slack=rewrite(b.slack, rule))
        for b in kernel.buffers
    )
    nests = tuple(replace(n, extent=rewrite(n.extent, rule), body=_body(n.body, rule)) for n in kernel.nests)
    return replace(kernel, buffers=buffers, nests=nests, layout=tuple(map(size, kernel.layout)))


def _body(body: tuple[Any, ...], rule: Any) -> tuple[Any, ...]:
    return tuple(rewrite(statement, rule) for statement in body)
