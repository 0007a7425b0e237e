"""How many axes a forward function is likely meant for, where it is to be an operator and nothing says it."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from symconv.errors import SpecError, shown
from symconv.notation.operator import Operator
from symconv.prove.language.labels import is_selector, labels_of

__all__ = ["likely_first", "said_axes", "taken"]

_SPATIAL = re.compile(r"(?:conv|conv_transpose|\w*_pool|max_unpool|fold|unfold)([123])d\w*")
_PLANES = frozenset({"pixel_shuffle", "pixel_unshuffle", "interpolate", "unfold", "fold", "max_unpool2d"})
_MATRICES = frozenset({"mm", "dot", "matmul", "linear", "addmm", "cdist", "layer_norm", "rms_norm", "normalize"})
_LOSSES = re.compile(r"\w*_loss|cross_entropy|kl_div|binary_cross_entropy\w*|cosine_similarity|pairwise_distance")
_ALONG = frozenset({
    "softmax", "log_softmax", "logsumexp", "sum", "mean", "max", "min", "amax", "amin", "var", "std", "norm", "prod",
    "cumsum", "argmax", "chunk", "cat", "stack", "flip", "glu",
})  # fmt: skip
"""Words that take an axis as their second argument."""


def said_axes(axes: Mapping[str, int] | None, tensors: Mapping[str, str], name: str) -> dict[str, int]:
    """The numbers of axes that the user says, by tensors of the operator; raises SpecError for what is none.

    ``tensors`` are the names of parameters with those of the tensors that they are.
    """
    example = f"axes={{{next(iter(tensors), 'x')!r}: 2}}"
    if not isinstance(axes, Mapping):
        raise SpecError(f"axes says how many axes arrays have, by name, as in {example}; given {shown(axes)}")
    found: dict[str, int] = {}
    for key, count in axes.items():
        if key not in tensors:
            known = ", ".join(labels_of(one) for one in tensors) or "none"
            raise SpecError(f"axes: {name} has no array {key}; it has {known}")
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise SpecError(f"axes: {key} has so many axes, a whole number, as in {example}; given {shown(count)}")
        found[tensors[key]] = count + is_selector(tensors[key])
    return found


def likely_first(
    node: ast.FunctionDef, every: Sequence[Mapping[str, int]], said: Collection[str], sure: Mapping[str, int]
) -> list[dict[str, int]]:
    """Numbers of axes, those first in which the first array that nothing is ``said`` of has what the text shows.

    What is ``sure`` is in all of them.
    """
    fixed = [{**ranks, **sure} for ranks in every]
    wanted = _shown(node)
    free = [name for name in next(iter(fixed), {}) if name not in said and not is_selector(name)]
    if wanted and free:
        fixed.sort(key=lambda ranks: ranks[free[0]] != wanted)
    return [ranks for k, ranks in enumerate(fixed) if ranks not in fixed[:k]]


def taken(node: ast.FunctionDef, tensors: Mapping[str, str], op: Operator, told: Collection[str]) -> str:
    """What was taken for the numbers of axes of parameters of which nothing is told; empty where all is."""
    if any(map(_SPATIAL.fullmatch, _words(node))):
        return ""
    sizes = {one.name: one.axes for one in op.inputs}
    untold = [name for name, tensor in tensors.items() if name not in told and tensor in sizes]
    if not untold:
        return ""
    each = ", ".join(f"{name} {len(sizes[tensors[name]]) - is_selector(tensors[name])}" for name in untold)
    return f"axes taken: {each}; {node.name} does not say it, axes={{{untold[0]!r}: 3}} or a docstring does"


def _shown(node: ast.FunctionDef) -> int:
    """By words of planes and windows, then of matrices, axes that are named, losses; 0 where there is none."""
    words = _words(node)
    counts = [int(found[1]) + 2 for one in words if (found := _SPATIAL.fullmatch(one))]
    if counts:
        return max(counts)
    if _PLANES & words or "pad" in words:
        return 4
    named = list(_axes(node))
    if _MATRICES & words or any(isinstance(one, ast.MatMult) for one in ast.walk(node)):
        return max((2, *named))
    return max((2, *named)) if named or any(map(_LOSSES.fullmatch, words)) else 0


def _words(node: ast.FunctionDef) -> set[str]:
    return {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)} | {
        one.func.id for one in ast.walk(node) if isinstance(one, ast.Call) and isinstance(one.func, ast.Name)
    }


def _axes(node: ast.FunctionDef) -> Iterator[int]:
    """How many axes there are at least by each axis that is named."""
    for call in (one for one in ast.walk(node) if isinstance(one, ast.Call)):
        given = [one.value for one in call.keywords if one.arg in {"axis", "dim", "dims"}]
        word = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if word in _ALONG:
            own = isinstance(call.func, ast.Attribute) and not _is_library(call.func.value)
            given += call.args[0 if own else 1 :][:1]
        for value in given:
            for one in value.elts if isinstance(value, ast.Tuple | ast.List) else [value]:
                match one:
                    case ast.Constant(int() as number):
                        yield number + 1
                    case ast.UnaryOp(ast.USub(), ast.Constant(int() as number)):
                        yield number


def _is_library(node: ast.expr) -> bool:
    return ast.unparse(node) in {"F", "torch", "np", "numpy", "jnp", "tf", "torch.nn.functional", "nn.functional"}
