"""Sizes that are called like an array get another name: in the languages of a package one name is one thing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from symconv.notation.affine import Affine, var
from symconv.notation.operator import Assumption, Definition, Operator, Window

__all__ = ["apart"]


def apart(op: Operator) -> Operator:
    """The operator with other names for such sizes; itself where there is none.

    >>> from symconv.notation.front import formula
    >>> op = apart(formula("Y[i,j] = sum[p,q](X[i+p,j+q]*W[p,q])"))
    >>> [str(size) for size in op.input("X").sizes]
    ['H', 'Wx']
    """
    arrays = {*op.tensors, *(statement.target.name for statement in op.statements)}
    sizes = {name for tensor in op.inputs for size in tensor.sizes for name in size.names()}
    sizes |= {definition.name for definition in op.definitions}
    names: dict[str, str] = {}
    for size in sorted(sizes & arrays):
        number, other = 1, f"{size}x"
        while other in sizes | arrays | set(names.values()):
            number, other = number + 1, f"{size}x{number}"
        names[size] = other
    return _renamed(op, names) if names else op


def _renamed(op: Operator, names: Mapping[str, str]) -> Operator:
    values = {old: var(new) for old, new in names.items()}
    words = re.compile(rf"\b(?:{'|'.join(names)})\b")

    def go(node: Any) -> Any:
        match node:
            case Affine():
                return node.substitute(values)
            case Definition(name, form, extent):
                return Definition(names.get(name, name), go(form), extent)
            case Window(size=size, kernel=kernel, extent=extent):
                sizes: dict[str, Any] = {"size": size, "kernel": kernel, "extent": extent}
                return replace(node, lo=go(node.lo), hi=go(node.hi), **{k: names.get(v, v) for k, v in sizes.items()})
            case Assumption(constraint, sentence):
                return Assumption(go(constraint), words.sub(lambda found: names[found[0]], sentence))
            case tuple():
                return tuple(map(go, node))
        if is_dataclass(node) and not isinstance(node, type):
            return replace(node, **{field.name: go(getattr(node, field.name)) for field in fields(node)})
        return node

    made: Operator = go(op)
    return replace(made, batch=names.get(op.batch, op.batch))
