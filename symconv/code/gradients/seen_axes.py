"""Numbers of axes that subscripts and gradients show, beside those that are likely: ``weight[o, i]``, ``dg.sum(0)``."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from symconv.code.gradients.kept_axes import given_in, word_of
from symconv.code.source.reductions import sums_all
from symconv.code.source.signatures import parameters
from symconv.limits import SEVERAL_VECTORS

__all__ = ["indexed_in", "of_numbers", "summed_in", "viewed_in", "with_seen"]

Ranks = dict[str, int]
_LEADS = ("d", "grad_", "d_", "g", "grad")


def with_seen(
    likely: Iterable[Ranks], indexed: Mapping[str, int], summed: Iterable[str], said: Collection[str] = ()
) -> Iterator[Ranks]:
    """Numbers of axes, likely ones first: before them such as are ``indexed``, behind such with ``summed`` vectors."""
    every = list(likely)
    vectors = dict.fromkeys(summed, 1)
    found: list[Ranks] = []
    for ranks in (
        *([{**one, **indexed} for one in every] if indexed else []),
        *every,
        *([{**one, **vectors} for one in every] if vectors else []),
        *_with_vectors(every, said),
    ):
        if ranks not in found:
            found.append(ranks)
            yield ranks


def _with_vectors(every: Sequence[Ranks], said: Collection[str]) -> Iterator[Ranks]:
    """Several vectors beside a matrix, where two axes are likely: ``X.dot(w) - y``."""
    likely = every[0] if every else {}
    free = [name for name in likely if name not in said and name != "x"]
    if {*likely.values()} == {2} and "x" in likely and len(free) <= SEVERAL_VECTORS:
        for count in range(2, len(free) + (len(free) < len(likely))):
            yield from ({**likely, **dict.fromkeys(names, 1)} for names in combinations(free, count))


def indexed_in(node: ast.FunctionDef, tensors: Mapping[str, str]) -> Ranks:
    """The tensors all of whose subscripts have as many entries, each of them a position; by names of parameters."""
    counts: dict[str, set[int]] = {}
    given = {*parameters(node.args)}
    for one in ast.walk(node):
        match one:
            case ast.Subscript(ast.Name(name), index) if name in tensors:
                entries = index.elts if isinstance(index, ast.Tuple) else [index]
                counts.setdefault(name, set()).add(
                    len(entries) if all(_is_position(entry, given) for entry in entries) else 0
                )
    told = {tensors[name]: max(found) for name, found in counts.items() if len(found) == 1 and 0 not in found}
    return told if max(told.values(), default=0) > 1 else {}  # x[i] may be a row


def viewed_in(node: ast.FunctionDef, tensors: Mapping[str, str]) -> Ranks:
    """The tensors that are vectors: laid along one axis of several, ``s.view(1, C, 1, 1)``, or slopes of channels."""
    found: Ranks = {}
    for one in ast.walk(node):
        match one:
            case ast.Call(ast.Attribute(ast.Name(name), "view" | "reshape"), lengths) if name in tensors:
                shape = lengths[0].elts if lengths and isinstance(lengths[0], ast.Tuple) else lengths
                long = [part for part in shape if not (isinstance(part, ast.Constant) and part.value == 1)]
                if len(long) == 1 < len(shape):
                    found[tensors[name]] = 1
                elif len(shape) == 2 and _rest(shape[1]) and _first(shape[0], name, node):
                    found[tensors[name]] = 4  # samples are flattened, which have several axes
            case ast.Call(ast.Attribute(_, "prelu"), [_, ast.Name(name)]) if name in tensors:
                found[tensors[name]] = 1
            case ast.Call(ast.Attribute(_, "outer" | "ger"), [ast.Name(name), ast.Name(other)]):
                found |= {tensors[vector]: 1 for vector in (name, other) if vector in tensors}
    return found


def _rest(length: ast.expr) -> bool:
    return isinstance(length, ast.UnaryOp) and ast.unparse(length) == "-1"


def _first(length: ast.expr, name: str, node: ast.FunctionDef) -> bool:
    """Whether a length is that of the first axis: ``x.shape[0]``, ``len(x)``, or a name for it."""
    if isinstance(length, ast.Name):
        given = [value for to, value in given_in(ast.walk(node)) if isinstance(to, ast.Name) and to.id == length.id]
        return len(given) == 1 and not isinstance(given[0], ast.Name) and _first(given[0], name, node)
    return ast.unparse(length) in {f"{name}.shape[0]", f"len({name})", f"{name}.size(0)"}


def _is_position(entry: ast.expr, given: Collection[str]) -> bool:
    """Whether it is made of numbers that the function counts, and not of what it is given."""
    names = {one.id for one in ast.walk(entry) if isinstance(one, ast.Name)}
    return isinstance(entry, ast.Name | ast.BinOp) and not names & {*given}


def summed_in(backward: Iterable[ast.FunctionDef], tensors: Mapping[str, str]) -> frozenset[str]:
    """The tensors whose gradients, by their names, are sums over one axis that is not kept: vectors beside matrices.

    Or that are laid as a column, ``y[:, None] * (a - b)``.
    """
    called = {f"{lead}{name}".lower(): tensor for name, tensor in tensors.items() for lead in _LEADS}
    nodes = [one for node in backward for one in ast.walk(node)]
    found = set[str]()
    for one in nodes:
        if isinstance(one, ast.Return) and isinstance(one.value, ast.Tuple) and len(one.value.elts) == len(tensors):
            # One gradient for each: ``return dz @ W.T, dW, dy.sum(0)``.
            found |= {tensor for tensor, item in zip(tensors.values(), one.value.elts, strict=True) if _sums(item)}
        match one:
            case ast.Subscript(ast.Name(name), ast.Tuple([ast.Slice(None, None, None), ast.Constant(None)])):
                found |= {tensors[name]} if name in tensors else set()
    for to, value in given_in(nodes):
        word = word_of(to)
        if word.lower() in called and _sums(value):
            found.add(called[word.lower()])
        elif isinstance(to, ast.Subscript | ast.Constant) and word in tensors and _sums(value):
            found.add(tensors[word])
    return frozenset(found)


def of_numbers(backward: Iterable[ast.FunctionDef], tensors: Mapping[str, str]) -> Ranks:
    """The tensors each element of whose gradients is given a sum over everything: ``dw[a] = (dy * x).sum()``.

    They have as many axes as there are entries.
    """
    called = {f"{lead}{name}".lower(): tensor for name, tensor in tensors.items() for lead in _LEADS}
    found: dict[str, set[int]] = {}
    for one in (one for node in backward for one in ast.walk(node)):
        match one:
            case ast.Assign([ast.Subscript(ast.Name(word), index)], value) | ast.AugAssign(
                ast.Subscript(ast.Name(word), index), _, value
            ) if word.lower() in called:
                entries = index.elts if isinstance(index, ast.Tuple) else [index]
                whole = sums_all(value) and all(isinstance(entry, ast.Name | ast.BinOp) for entry in entries)
                found.setdefault(called[word.lower()], set()).add(len(entries) if whole else 0)
    return {tensor: max(counts) for tensor, counts in found.items() if len(counts) == 1 and 0 not in counts}


def _sums(value: ast.expr) -> bool:
    match value:
        case ast.Call(ast.Attribute(_, "sum"), arguments, options):
            axes = [one.value for one in options if one.arg in {"axis", "dim"}] or arguments[-1:]
            return not any(one.arg in {"keepdims", "keepdim"} for one in options) and any(
                isinstance(one, ast.Constant) and isinstance(one.value, int) for one in axes
            )
    return False
