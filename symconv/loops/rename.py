"""Other names for what a kernel computes with: bindings and uses alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from symconv.loops.ir import Declare, For, Kernel, Let, Size, Update, Var
from symconv.loops.traverse import rewrite, walk

__all__ = ["distinct", "renamed"]


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
        replace(
            b,
            axes=tuple(tuple(rewrite(s, rule) for s in axis) for axis in b.axes),
            slack=rewrite(b.slack, rule),
            cleared=rewrite(b.cleared, rule),
        )
        for b in kernel.buffers
    )
    nests = tuple(
        replace(n, var=names.get(n.var, n.var), extent=rewrite(n.extent, rule), body=_body(n.body, rule))
        for n in kernel.nests
    )
    checks = tuple(rewrite(check, rule) for check in kernel.checks)
    sizes, layout = tuple(map(size, kernel.sizes)), tuple(map(size, kernel.layout))
    return replace(kernel, buffers=buffers, sizes=sizes, checks=checks, nests=nests, layout=layout)


def distinct(kernel: Kernel) -> Mapping[str, str]:
    """Other names for the numbers that are called like an array, for languages in which one name is one thing.

    >>> from symconv.loops.ir import Buffer, Const
    >>> distinct(Kernel("y", (Buffer("W", (), "in"),), (Size("W", Const(2)),), (), ()))
    {'W': 'W_'}
    """
    nodes = [node for nest in kernel.nests for node in walk(nest)]
    numbers = {size.name for size in (*kernel.sizes, *kernel.layout)} | {nest.var for nest in kernel.nests}
    numbers |= {node.name for node in nodes if isinstance(node, Let | Declare)}
    numbers |= {node.var for node in nodes if isinstance(node, For)}
    arrays = {buffer.name for buffer in kernel.buffers}
    taken = numbers | arrays
    found: dict[str, str] = {}
    for name in sorted(numbers & arrays):
        other = f"{name}_"
        while other in taken:
            other += "_"
        taken.add(other)
        found[name] = other
    return found


def _body(body: tuple[Any, ...], rule: Any) -> tuple[Any, ...]:
    return tuple(rewrite(statement, rule) for statement in body)
