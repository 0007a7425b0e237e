"""Defined words that sum and multiply: tensordot, outer, kron, softmax and its kin, variance, norms, arithmetic."""

from __future__ import annotations

from collections.abc import Callable

from symconv.prove.language.defined import (
    Arguments,
    Defined,
    Error,
    axis_of,
    number,
    size,
    split_arguments,
    whole_numbers,
)
from symconv.prove.language.defined_places import expanded_dims, product_of
from symconv.prove.language.syntax import Binary, Call, Name, Node, Number, Pick, Sliced, Span, Text, Tuple
from symconv.prove.language.vocabulary import canonical

__all__ = ["SUMS", "no_matrices", "of_elements"]

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _contracted(given: Arguments, first: tuple[int, ...], second: tuple[int, ...], word: str = "exact_einsum") -> Node:
    """The sum over pairs of axes, the others in their order."""
    (a, b), (m, n) = given.arrays, given.ranks
    left = list(_LETTERS[:m])
    right = list(_LETTERS[m : m + n])
    for one, other in zip(first, second, strict=True):
        right[other] = left[one]
    rest = [x for k, x in enumerate(left) if k not in first] + [x for k, x in enumerate(right) if k not in second]
    return Call(word, (Text(f"{''.join(left)},{''.join(right)}->{''.join(rest)}"), a, b))


def _tensordot(given: Arguments, word: str = "exact_einsum") -> Node:
    m, n = given.ranks
    axes = given.given.get("axes", number(2))
    if isinstance(axes, Number):
        count = whole_numbers(given, axes)[0]
        if not 0 <= count <= min(m, n):
            raise given.wrong(f"{count} axes of arrays with {m} and {n}")
        return _contracted(given, tuple(range(m - count, m)), tuple(range(count)), word)
    if not isinstance(axes, Tuple) or len(axes.items) != 2:
        raise given.wrong("axes is a number, or a list for each array, as in tensordot(a, b, ([0, 2], [0, 1]))")
    first, second = (
        tuple(axis_of(given, k, rank) for k in whole_numbers(given, one))
        for one, rank in zip(axes.items, (m, n), strict=True)
    )
    if len(first) != len(second) or len(set(first)) != len(first) or len(set(second)) != len(second):
        raise given.wrong("as many different axes of both arrays are wanted")
    return _contracted(given, first, second, word)


def _dot(given: Arguments) -> Node:
    m, n = given.ranks
    return _contracted(given, (m - 1,), (max(n - 2, 0),)) if m and n else given.arrays[0]


def _inner(given: Arguments) -> Node:
    """A sum over the last axis of both."""
    if min(given.ranks) < 1:
        raise given.wrong("arrays with axes are wanted")
    return _contracted(given, (given.ranks[0] - 1,), (given.ranks[1] - 1,))


def _vdot(given: Arguments) -> Node:
    """The sum over all elements of both, in their order."""
    flat = [Call("reshape", (array, Tuple((number(-1),)))) for array in given.arrays]
    return Call("exact_einsum", (Text("a,a->"), *flat))


def _outer(given: Arguments) -> Node:
    flat = [Call("reshape", (array, Tuple((number(-1),)))) for array in given.arrays]
    return Binary("*", Sliced(flat[0], (Span(), Pick("new"))), Sliced(flat[1], (Pick("new"), Span())))


def _kron(given: Arguments) -> Node:
    (a, b), (m, n) = given.arrays, given.ranks
    rank = max(m, n)
    one, other = expanded_dims(a, m, range(rank - m)), expanded_dims(b, n, range(rank - n))
    wide = Binary(
        "*", expanded_dims(one, rank, range(1, 2 * rank, 2)), expanded_dims(other, rank, range(0, 2 * rank, 2))
    )
    lengths = [
        Binary("*", size(a, k - rank + m) if k >= rank - m else number(1),
               size(b, k - rank + n) if k >= rank - n else number(1))
        for k in range(rank)
    ]  # fmt: skip
    return Call("reshape", (wide, Tuple(tuple(lengths))))


def _over(given: Arguments, array: Node, word: str = "sum", keep: bool | None = None) -> Node:
    """A sum over the axes that the call names."""
    named: list[tuple[str, Node]] = [("axes", given.given["axes"])] if "axes" in given.given else []
    kept = given.given.get("keepdims", Name("False")) if keep is None else Name(str(keep))
    return Call(word, (array,), (*named, ("keepdims", kept)))


def _axis_wanted(given: Arguments) -> None:
    if "axes" not in given.given:
        raise given.wrong("the axis is wanted, as in axis=1")


def _softmax(given: Arguments) -> Node:
    _axis_wanted(given)
    weights = Call("exp", (given.arrays[0],))
    return Binary("/", weights, _over(given, weights, keep=True))


def _log_softmax(given: Arguments) -> Node:
    _axis_wanted(given)
    (array,) = given.arrays
    return Binary("-", array, Call("log", (_over(given, Call("exp", (array,)), keep=True),)))


def _logsumexp(given: Arguments) -> Node:
    return Call("log", (_over(given, Call("exp", (given.arrays[0],))),))


def _variance(given: Arguments) -> Node:
    (array,), (rank,) = given.arrays, given.ranks
    ends = [given.given[k] for k in ("ddof", "correction") if k in given.given]
    unbiased = given.given.get("unbiased")
    less = ends[0] if ends else number(1 if unbiased == Name("True") else 0)
    centred = Binary("-", array, _over(given, array, "mean", keep=True))
    square = Binary("**", centred, number(2))
    if less == number(0):
        return _over(given, square, "mean")
    axes = range(rank) if "axes" not in given.given else whole_numbers(given, given.given["axes"])
    count: Node = number(1)
    for axis in axes:
        count = Binary("*", count, size(array, axis_of(given, axis, rank)))
    return Binary("/", _over(given, square), Binary("-", count, less))


def _norm(given: Arguments) -> Node:
    order = given.given.get("ord", number(2))
    if order == number(1):
        return _over(given, Call("abs", (given.arrays[0],)))
    if order != number(2):
        raise given.wrong("norms of order 1 and 2 are known")
    return Call("sqrt", (_over(given, Binary("**", given.arrays[0], number(2))),))


def no_matrices(node: Node, first: int, second: int) -> str:
    """Why arrays of so many axes are not multiplied as matrices, or nothing."""
    if min(first, second) < 1:
        return "matmul wants arrays with axes"
    wanted = {"mm": 2, "bmm": 3}.get(node.function, 0) if isinstance(node, Call) else 0
    return f"{wanted} axes are wanted" if wanted and {first, second} != {wanted} else ""


def _counted(given: Arguments) -> Node:
    return product_of(size(given.arrays[0], axis) for axis in range(given.ranks[0]))


def _clipped(given: Arguments) -> Node:
    result = given.arrays[0]
    for name, word in (("min", "maximum"), ("max", "minimum")):
        if name in given.given:
            result = Call(word, (result, given.given[name]))
    return result


def _both_ways(given: Arguments, sign: str) -> Node:
    (array,) = given.arrays
    return Binary(sign, Call("exp", (array,)), Call("exp", (Binary("-", number(0), array),)))


def _hypotenuse(given: Arguments) -> Node:
    a, b = (Binary("*", one, one) for one in given.arrays)  # a power of a number is no number
    return Call("sqrt", (Binary("+", a, b),))


def _stepped(given: Arguments) -> Node:
    """1 above 0, and what is said at 0."""
    if "other" not in given.given:
        raise given.wrong("the value at 0 is wanted, as in heaviside(a, 0)")
    above, at = (Binary(op, given.arrays[0], number(0)) for op in (">", "=="))
    return Binary("+", above, Binary("*", at, given.given["other"]))


def _of_errors(given: Arguments, each: Callable[[Node], Node]) -> Node:
    """A function of differences, and their mean where nothing else is said."""
    how = given.given.get("reduction", Text("mean"))
    one, other = given.arrays
    found = each(Binary("-", one, other))
    match how:
        case Text("none"):
            return found
        case Text("mean" | "sum" as word):
            return Call(word, (found,))
    raise given.wrong("reduction is 'mean', 'sum' or 'none'")


def _full(given: Arguments) -> Node:
    shape, value = given.given.get("shape"), given.given.get("fill_value")
    if shape is None or value is None:
        raise given.wrong("a shape and a value are wanted")
    return Binary("*", Call("ones", (shape,)), value)


def _joined(op: str) -> Callable[[Arguments], Node]:
    def meaning(given: Arguments) -> Node:
        if "other" not in given.given:
            raise given.wrong("two operands are wanted")
        return Binary(op, given.arrays[0], given.given["other"], given.call.at)

    return meaning


_BINARY = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**", "greater": ">", "greater_equal": ">=",
    "less": "<", "less_equal": "<=", "equal": "==", "not_equal": "!=",
}  # fmt: skip
_REDUCED = ("axes", "keepdims")
_OF_ELEMENTS = frozenset({"square", "negative", "reciprocal", "clip", "heaviside", "cosh", "sinh", "hypot", *_BINARY})


def of_elements(call: Call, error: Error) -> Node | None:
    """What a defined word makes of single elements, as it does in index notation; None where it is of arrays."""
    word = canonical(call.function)
    if word not in _OF_ELEMENTS:
        return None
    arrays, given = split_arguments(SUMS[word], call, error)
    return SUMS[word].meaning(Arguments(call, arrays, (0,) * len(arrays), given, error, lambda _: 0))


SUMS = {
    "tensordot": Defined("tensordot(a, b, axes=([0, 2], [0, 1]))", 2, ("axes",), _tensordot),
    "torch_tensordot": Defined("torch.tensordot(a, b, dims=([0, 2], [0, 1]))", 2, ("axes",),
                               lambda given: _tensordot(given, "einsum")),
    "inner": Defined("inner(a, b)", 2, (), _inner),
    "dot": Defined("dot(a, b)", 2, (), _dot),
    "vdot": Defined("vdot(a, b)", 2, (), _vdot),
    "outer": Defined("outer(a, b)", 2, (), _outer),
    "kron": Defined("kron(a, b)", 2, (), _kron),
    "softmax": Defined("softmax(a, axis=1)", 1, ("axes",), _softmax),
    "log_softmax": Defined("log_softmax(a, axis=1)", 1, ("axes",), _log_softmax),
    "logsumexp": Defined("logsumexp(a, axis=1)", 1, _REDUCED, _logsumexp),
    "var": Defined("var(a, axis=1, ddof=0)", 1, (*_REDUCED, "ddof", "correction", "unbiased"), _variance),
    "std": Defined("std(a, axis=1)", 1, (*_REDUCED, "ddof", "correction", "unbiased"),
                   lambda given: Call("sqrt", (_variance(given),))),
    "norm": Defined("norm(a, axis=1)", 1, ("ord", *_REDUCED), _norm),
    "numel": Defined("numel(a)", 1, (), _counted),
    "len": Defined("len(a)", 1, (), lambda given: size(given.arrays[0], 0)),
    "cosh": Defined("cosh(a)", 1, (), lambda given: Binary("/", _both_ways(given, "+"), number(2))),
    "sinh": Defined("sinh(a)", 1, (), lambda given: Binary("/", _both_ways(given, "-"), number(2))),
    "hypot": Defined("hypot(a, b)", 2, (), _hypotenuse),
    "heaviside": Defined("heaviside(a, 0)", 1, ("other",), _stepped),
    "square": Defined("square(a)", 1, (), lambda given: Binary("**", given.arrays[0], number(2))),
    "negative": Defined("negative(a)", 1, (), lambda given: Binary("-", number(0), given.arrays[0])),
    "reciprocal": Defined("reciprocal(a)", 1, (), lambda given: Binary("/", number(1), given.arrays[0])),
    "mse_loss": Defined("mse_loss(a, b, reduction='mean')", 2, ("reduction",),
                        lambda given: _of_errors(given, lambda one: Binary("**", one, number(2)))),
    "l1_loss": Defined("l1_loss(a, b, reduction='mean')", 2, ("reduction",),
                       lambda given: _of_errors(given, lambda one: Call("abs", (one,)))),
    "clip": Defined("clip(a, 0, 1)", 1, ("min", "max"), _clipped),
    "full": Defined("full((N, C), 2)", 0, ("shape", "fill_value"), _full),
    **{word: Defined(f"{word}(a, b)", 1, ("other",), _joined(op)) for word, op in _BINARY.items()},
}  # fmt: skip
