"""How many axes the tensors of a forward function have, by what its text shows."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product

from symconv.code.gradients.kept_axes import given_in, word_of
from symconv.code.gradients.matrices import matrices_in, measured
from symconv.code.source.reductions import sums_all
from symconv.code.source.vocabulary import SAVED
from symconv.notation.functions import TABLE
from symconv.prove.language.labels import is_selector, labels_of

__all__ = ["Lines", "Skips", "lines_of", "ranks_of", "shown_behind", "shown_ranks", "vectors_of"]

_VECTORS = frozenset({"gamma", "beta", "g", "b", "bias", "scale", "shift", "offset"})
"""Parameters of normalisations and biases: a number for each channel or feature."""
Skips = Callable[[Mapping[str, int]], bool]
"""Whether numbers of axes, by tensors, are not worth a reading."""
Lines = dict[str, tuple[int | None, int | None]]
"""Shapes of biases that are rows or columns."""
_BIASES = re.compile(r"b[a-z]?\d?|bias(es)?|beta|gamma", re.IGNORECASE)
# What abs is taken of may be a bias: its norm is.
_OF_GATES = {name for name, one in TABLE.items() if one.is_activation and name != "abs"}
_OF_GATES |= {"exp", "expm1", "softmax", "log", "logsigmoid"}
"""Functions that gates go through, and biases only with what they are added to."""
_SCALARS = frozenset({
    "b", "bias", "reg", "reg_strength", "lam", "lamb", "lambd", "lambda_", "l2", "l2_reg", "weight_decay",
    "alpha", "beta", "margin", "eps", "epsilon", "scale", "delta", "tau", "temperature", "temp", "c", "lr",
})  # fmt: skip
"""Parameters that may be one number."""
_RANKS = (4, 3, 5, 2, 1)


def shown_ranks(node: ast.FunctionDef) -> dict[str, int]:
    """The numbers of axes of parameters that the first statements show, whatever the sizes are.

    These are shapes that are unpacked (``N, C, H, W = x.shape``), operands of ``einsum`` and matrices (``w.t()``),
    before a parameter's name is given to something else; of biases also subscripts (``b[:, :, :, c]``), and of all
    those that give axes behind their own (``s[:, :, None, None]``).
    """
    names = {one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
    found: dict[str, int] = {}
    for statement in node.body:
        if isinstance(statement, ast.Assign | ast.Return | ast.Expr):
            for name, rank in (
                *_unpacked([statement]),
                *_summed(statement),
                *_matrices(statement),
                *_padded(statement),
            ):
                if name in names:
                    found.setdefault(name, rank)
        for name, rank in _entries(statement):
            if name in names & _VECTORS:
                found.setdefault(name, rank)
        names -= {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return found


def shown_behind(forward: ast.FunctionDef, backward: ast.FunctionDef) -> dict[str, int]:
    """The numbers of axes of parameters that the backward function shows by unpacking shapes, used or not.

    Only of names that forward never gives to something else, and backward only to what it is handed.
    """
    computed = {one.id for one in ast.walk(forward) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    handed: set[int] = set()
    for one in ast.walk(backward):
        match one:
            case ast.Assign(targets, ast.Name("cache")):
                handed |= {id(part) for target in targets for part in ast.walk(target)}
            case ast.Assign(targets, ast.Attribute(ast.Name("ctx"), name)) if name in SAVED:
                handed |= {id(part) for target in targets for part in ast.walk(target)}
    computed |= {
        one.id for one in ast.walk(backward)
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store) and id(one) not in handed
    }  # fmt: skip
    names = {one.arg for one in forward.args.args} - computed
    each = (*_unpacked(backward.body), *measured(backward))
    return {name: rank for name, rank in each if name in names}


def ranks_of(node: ast.FunctionDef, tensors: Collection[str], said: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """Numbers of axes that the tensors of a forward function may have, likely ones first; those that are said alone."""
    labels = [name for name in tensors if is_selector(name)]
    every = list(_possible(node, [name for name in tensors if name not in labels], said))
    if labels:
        every = list(_labelled(node, labels, every))
    single = [name for name in tensors if name.lower() in _SCALARS and name not in said]
    others = [name for name in tensors if name not in single and not is_selector(name)]
    if single and others:
        # Beside vectors a sum that is forgotten would be right.
        every += [ranks | dict.fromkeys(single, 0) for ranks in every if min(map(ranks.__getitem__, others)) > 1]
    fitting = [ranks for ranks in every if all(ranks.get(name, rank) == rank for name, rank in said.items())]
    seen: list[dict[str, int]] = []
    for ranks in fitting or every:
        if ranks not in seen:
            seen.append(ranks)
            yield ranks


def _labelled(
    node: ast.FunctionDef, labels: Sequence[str], every: Iterable[Mapping[str, int]]
) -> Iterator[dict[str, int]]:
    """The same with selectors, whose last axis is that of the classes: matrices and vectors of labels come first."""
    shapes = dict(_unpacked(ast.walk(node)))
    for ranks in sorted(every, key=lambda ranks: next(iter(ranks.values()), 2) != 2):
        for rank in (1, 2):
            yield {**ranks, **{name: shapes.get(labels_of(name), rank) + 1 for name in labels}}


def _unpacked(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, int]]:
    """The arrays whose shapes are unpacked, each with the number of names."""
    for one in nodes:
        match one:
            case ast.Assign([ast.Tuple(items)], ast.Attribute(ast.Name(name), "shape")) if not _starred(items):
                yield name, len(items)
            case ast.Assign([ast.Tuple(items)], ast.Call(ast.Attribute(ast.Name(name), "size"), [], [])) if (
                not _starred(items)
            ):
                yield name, len(items)


def _entries(statement: ast.stmt) -> Iterator[tuple[str, int]]:
    """The arrays that have a subscript of several entries, each of them for one axis, with their number."""
    for one in ast.walk(statement):
        match one:
            case ast.Subscript(ast.Name(name), ast.Tuple(items)) if not any(
                isinstance(part, ast.Starred) or (isinstance(part, ast.Constant) and part.value in (None, ...))
                for part in items
            ):
                yield name, len(items)


def _padded(statement: ast.stmt) -> Iterator[tuple[str, int]]:
    """Arrays that are given axes of length 1, with the number of their own: ``s[:, None, None]``, ``x[:, None, :]``."""
    for one in ast.walk(statement):
        match one:
            case ast.Subscript(ast.Name(name), ast.Tuple(items)):
                own = [part for part in items if not (isinstance(part, ast.Constant) and part.value is None)]
                needed = 1 if items and _whole(items[-1]) else 2
                if len(items) - len(own) >= needed and own and all(map(_whole, own)):
                    yield name, len(own)


def _whole(item: ast.expr) -> bool:
    return isinstance(item, ast.Slice) and item.lower is item.upper is item.step is None


def _starred(items: Iterable[ast.expr]) -> bool:
    return any(isinstance(one, ast.Starred) for one in items)


def _summed(statement: ast.stmt) -> Iterator[tuple[str, int]]:
    """The operands of ``einsum("nchw,fc->nfhw", x, w)`` that are names, with the number of their letters."""
    for one in ast.walk(statement):
        match one:
            case ast.Call(ast.Attribute(_, "einsum") | ast.Name("einsum"), [ast.Constant(str() as letters), *operands]):
                for axes, operand in zip(letters.partition("->")[0].split(","), operands, strict=False):
                    if isinstance(operand, ast.Name) and "." not in axes:
                        yield operand.id, len(axes.replace(" ", ""))


def _matrices(statement: ast.stmt) -> Iterator[tuple[str, int]]:
    """The arrays that are transposed as matrices, ``w.t()``, or multiplied as such, ``x.mm(w)``."""
    for one in ast.walk(statement):
        match one:
            case ast.Call(ast.Attribute(ast.Name(name), "t"), [], []):
                yield name, 2
            case ast.Call(ast.Attribute(owner, ("mm" | "bmm") as word), operands):
                for operand in (owner, *operands):
                    if isinstance(operand, ast.Name):
                        yield operand.id, 2 if word == "mm" else 3


def _possible(node: ast.FunctionDef, tensors: Iterable[str], said: Mapping[str, int]) -> Iterator[dict[str, int]]:
    names = list(dict.fromkeys(tensors))
    vectors = vectors_of(node, names)
    # Parameters of normalisations stand on the last axis of a matrix unless further axes are named.
    named_axes = _axes_named(node)
    hinted = (*_hinted(node), *([named_axes] if vectors or (named_axes == 2 and _kept_axes(node)) else []))
    matrices = matrices_in(node, names)
    bias = {"b"} if "w" in names and matrices.get("b") != 2 else set()
    for rank in dict.fromkeys((*hinted, *_RANKS)):
        if matrices:
            yield {name: 1 if name in vectors else matrices.get(name, rank) for name in names}
        if vectors and len(vectors) < len(names):
            yield {name: 1 if name in vectors else rank for name in names}
        yield {name: 1 if name in bias else rank for name in names}
    if named := _called_vectors(names) - vectors:
        yield from ({name: 1 if name in vectors | named else rank for name in names} for rank in _RANKS)
    if said:
        likely = dict.fromkeys((*hinted, *_RANKS))
        yield from ({n: said.get(n, 1 if n in bias else rank) for n in names} for rank in likely)
    if len([name for name in names if name not in {*said, *bias}]) <= 2:
        usual = tuple(dict.fromkeys((*hinted, *_RANKS)))
        for ranks in product(*((said[n],) if n in said else (1,) if n == "b" else usual for n in names)):
            if len(set(ranks)) > 1:
                yield dict(zip(names, ranks, strict=True))


def lines_of(
    backward: Iterable[ast.FunctionDef], tensors: Collection[str], said: Collection[str]
) -> tuple[list[Lines], bool]:
    """Biases beside matrices as a row, and as a column, where backward functions keep axes that they sum over.

    And whether it is a bias whose gradient is kept so, by its name: then it is likely one of them.
    """
    nodes = [one for node in backward for one in ast.walk(node)]
    biases = [name for name in tensors if _BIASES.fullmatch(name) and name not in said]
    if not any(map(_keeps, nodes)) or not 0 < len(biases) < len(tensors):
        return [], False
    named = re.compile(
        rf"_?(d|grad|g)_?({'|'.join(map(re.escape, biases))})|({'|'.join(map(re.escape, biases))})_?grad"
    )
    sure = any(named.fullmatch(word_of(to)) and any(map(_keeps, ast.walk(value))) for to, value in given_in(nodes))
    return [dict.fromkeys(biases, shape) for shape in ((1, None), (None, 1))], sure


def _keeps(node: ast.AST) -> bool:
    return isinstance(node, ast.keyword) and node.arg in {"keepdims", "keepdim"}


def vectors_of(node: ast.FunctionDef, names: Collection[str]) -> frozenset[str]:
    """Parameters beside an input that are vectors by what they are called, such as biases.

    What the function multiplies is no bias, though it is called ``b``; nor is what functions of it alone are taken of.
    """
    found = _called_vectors(names) - _gates(node)
    found -= {name for name, rank in matrices_in(node, names).items() if rank == 2}
    return found - {"b"} if "w" not in names and "b" in _factors(node) else found


def _gates(node: ast.FunctionDef) -> set[str]:
    """The names that a function is taken of, with nothing beside them: ``np.exp(-g)`` of a gate."""
    found = set[str]()
    for one in ast.walk(node):
        match one:
            case ast.Call(ast.Attribute(_, word) | ast.Name(word), [ast.Name(name) | ast.UnaryOp(_, ast.Name(name))]):
                found |= {name} if word in _OF_GATES else set()
    return found


def _called_vectors(names: Collection[str]) -> frozenset[str]:
    return frozenset(name for name in names if "x" in names and name.lower().rstrip("0123456789") in _VECTORS)


def _factors(node: ast.FunctionDef) -> set[str]:
    """The names that stand as factors in products, or as divisors."""
    found: list[ast.expr] = []
    for one in ast.walk(node):
        match one:
            case ast.BinOp(left, ast.Mult() | ast.Div(), right):
                found += [left, right]
            case ast.Call(ast.Attribute(_, "addcmul" | "addcdiv"), [_, *operands]):
                found += operands
            case ast.Call(ast.Attribute(_, "mul" | "multiply" | "div" | "divide"), operands):
                found += operands
    return {one.id for one in found if isinstance(one, ast.Name)}


def _axes_named(node: ast.FunctionDef) -> int:
    """How many axes there are at least, 2 or more, by the axes that reductions name."""
    named = [one.value for one in ast.walk(node) if isinstance(one, ast.keyword) and one.arg in {"axis", "dim"}]
    numbers = [one.value for value in named for one in ast.walk(value) if isinstance(one, ast.Constant)]
    return max((2, *(number + 1 for number in numbers if isinstance(number, int))))


def _kept_axes(node: ast.FunctionDef) -> bool:
    """Whether something is reduced along axis 1 and kept as a column, as courses do with rows of scores."""
    for one in ast.walk(node):
        match one:
            case ast.Call(_, _, keywords):
                said = {k.arg: k.value.value for k in keywords if isinstance(k.value, ast.Constant)}
                if said.get("axis") == 1 and said.get("keepdims") is True:
                    return True
    return False


def _hinted(node: ast.FunctionDef) -> list[int]:
    """The numbers of axes that the text shows: what a shape is unpacked to, 2 where matrices are multiplied.

    Losses of classes, logarithms or a sum over everything beside sums over an axis, have samples and classes unless
    further axes are named.
    """
    found = []
    for one in ast.walk(node):
        match one:
            case ast.Assign([ast.Tuple(items)], ast.Attribute(_, "shape") | ast.Call(ast.Attribute(_, "size"))):
                found.append(len(items))
    words = {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}
    matrices = words & {"mm", "dot", "matmul", "t", "linear", "addmm"} or any(
        isinstance(n, ast.MatMult) for n in ast.walk(node)
    )
    along = {n.arg for n in ast.walk(node) if isinstance(n, ast.keyword)} & {"axis", "dim", "keepdims", "keepdim"}
    classes = along and ("log" in words or any(map(sums_all, ast.walk(node))))
    return [*found, *([2] if matrices else []), *([_axes_named(node)] if classes else [])]
