"""Words that multiply, add and repeat arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from symconv.code.library.positions import repeated_positions
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import extreme, is_number, number_of
from symconv.code.values.conditions import compared
from symconv.code.values.objects import Box, Slice
from symconv.notation.affine import affine

if TYPE_CHECKING:
    from symconv.code.reading.calls import Calls as Reader
else:
    Reader = Any

__all__ = ["PRODUCTS"]

Given = Mapping[str, Any]
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _einsum(r: Reader, g: Given, name: str) -> Box:
    return _summed(r, g, "einsum")


def _exact_einsum(r: Reader, g: Given, name: str) -> Box:
    """TensorFlow's, which broadcasts no length of 1."""
    return _summed(r, g, "exact_einsum")


def _summed(r: Reader, g: Given, word: str) -> Box:
    equation = g["equation"]
    if not isinstance(equation, str):
        raise r.error("einsum wants its equation first, as a text")
    arrays = [r.array(one) for one in g["operands"]]
    equation = equation.replace(" ", "")
    if "..." in equation:
        equation = _spelled(r, equation, [r.on.rank(a) for a in arrays])
    value = r.on.word(word, [equation, *arrays], {})
    left, arrow, right = equation.partition("->")
    moved = set(left) == set(right) if arrow else len(set(left)) == len(left)
    if len(arrays) == 1 and moved and isinstance(box := g["operands"][0], Box):
        return r.loose(box, value)
    return r.boxed(value)


def _spelled(r: Reader, equation: str, ranks: list[int]) -> str:
    """The equation with letters for the dots."""
    left, arrow, right = equation.partition("->")
    parts = left.split(",")
    spare = [x for x in _LETTERS.upper() if x not in equation]
    counts = [
        rank - len(part.replace("...", "")) if "..." in part else 0 for part, rank in zip(parts, ranks, strict=True)
    ]
    most = max(counts)
    if not arrow or min((c for c, p in zip(counts, parts, strict=True) if "..." in p), default=0) < 0:
        raise r.error(f"einsum: {equation!r} does not fit arrays of {', '.join(map(str, ranks))} axes")
    letters = "".join(spare[:most])
    new = [p.replace("...", letters[most - c :] if c else "") for p, c in zip(parts, counts, strict=True)]
    return f"{','.join(new)}->{right.replace('...', letters)}"


def _contracted(r: Reader, a: Any, b: Any, first: list[int], second: list[int], word: str = "exact_einsum") -> Any:
    ranks = [r.on.rank(a), r.on.rank(b)]
    letters = iter(_LETTERS)
    left = [next(letters) for _ in range(ranks[0])]
    right = [next(letters) for _ in range(ranks[1])]
    for one, other in zip(first, second, strict=True):
        right[other] = left[one]
    out = [x for k, x in enumerate(left) if k not in first] + [x for k, x in enumerate(right) if k not in second]
    return r.on.word(word, [f"{''.join(left)},{''.join(right)}->{''.join(out)}", a, b], {})


def _torch_tensordot(r: Reader, g: Given, name: str) -> Box:
    """Torch's, which broadcasts a length of 1."""
    return _tensordot(r, g, name, "einsum")


def _tensordot(r: Reader, g: Given, name: str, word: str = "exact_einsum") -> Box:
    a, b = r.array(g["a"]), r.array(g["b"])
    axes = g.get("axes", g.get("axis", affine(2)))
    ranks = [r.on.rank(a), r.on.rank(b)]
    if is_number(axes):
        count = r.constant(axes, "the number of axes")
        first, second = list(range(ranks[0] - count, ranks[0])), list(range(count))
    else:
        pair = r.sequence(axes)
        first, second = (
            [r.constant(k, "an axis") % rank for k in (r.sequence(one) if not is_number(one) else [one])]
            for one, rank in zip(pair, ranks, strict=True)
        )
    return r.boxed(_contracted(r, a, b, first, second, word))


def _dot(r: Reader, g: Given, name: str) -> Any:
    if is_number(g["a"]) or is_number(g["b"]):
        return r.binary("*", g["a"], g["b"])
    a, b = r.array(g["a"]), r.array(g["b"])
    ranks = r.on.rank(a), r.on.rank(b)
    if 0 in ranks:
        return r.boxed(r.on.elementwise("*", a, b))
    last = ranks[1] - 1 if name == "inner" else max(0, ranks[1] - 2)
    return r.boxed(_contracted(r, a, b, [ranks[0] - 1], [last]))


def _matmul(r: Reader, g: Given, name: str) -> Any:
    a, b = r.array(g["a"]), r.array(g["b"])
    ranks = r.on.rank(a), r.on.rank(b)
    if name in {"mm", "bmm"} and set(ranks) != {2 if name == "mm" else 3}:
        raise r.error(f"{name} wants arrays of {2 if name == 'mm' else 3} axes; given {ranks[0]} and {ranks[1]}")
    if 1 in ranks:
        if max(ranks) > 2:
            raise Outside("matmul of a vector and a stack of matrices", r.line)
        return r.boxed(_contracted(r, a, b, [ranks[0] - 1], [max(0, ranks[1] - 2)]))
    return r.boxed(r.on.word("matmul", [a, b], {}))


def _outer(r: Reader, g: Given, name: str) -> Box:
    a, b = r.array(g["a"]), r.array(g["b"])
    return r.boxed(r.on.word("einsum", ["a,b->ab", a, b], {}))


def _vdot(r: Reader, g: Given, name: str) -> Box:
    a, b = r.array(g["a"]), r.array(g["b"])
    shapes = [[r.on.size(one, k) for k in range(r.on.rank(one))] for one in (a, b)]
    if len(shapes[0]) != len(shapes[1]) or not all(
        compared("eq", one, other, r.on.decide) is True for one, other in zip(*shapes, strict=True)
    ):
        raise Outside("vdot of arrays of two shapes", r.line)
    return r.boxed(r.on.word("sum", [r.on.elementwise("*", a, b)], {}))


def _joined(op: str) -> Callable[[Reader, Given, str], Any]:
    return lambda r, g, name: r.binary(op, g["a"], g["b"])


def _elementwise(r: Reader, g: Given, name: str) -> Any:
    if is_number(g["a"]) and is_number(g["b"]):
        return extreme(name[:3], number_of(g["a"]), number_of(g["b"]), r.on.decide)
    return r.boxed(r.on.word(name, [r.array(g["a"]), r.array(g["b"])], {}))


def _function(r: Reader, g: Given, name: str) -> Box:
    return r.boxed(r.on.mapped({"absolute": "abs"}.get(name, name), r.array(g["input"])))


def _repeat(r: Reader, g: Given, name: str) -> Box:
    if r.on.positions(r.current(g["input"])) and g.get("axis") in (None, affine(0)):
        return repeated_positions(r, g["input"], g["repeats"], "repeat")
    times = r.constant(g["repeats"], "the number of repeats")
    if g.get("axis") is None:
        raise Outside("repeat of the flattened array", r.line)
    array = r.array(g["input"])
    return r.boxed(r.on.repeat(array, times, r.constant(g["axis"], "an axis") % r.on.rank(array)))


def _kron(r: Reader, g: Given, name: str) -> Box:
    a, b = r.array(g["a"]), r.array(g["b"])
    ranks = r.on.rank(a), r.on.rank(b)
    lead = ranks[0] - ranks[1]
    if lead < 0:
        raise Outside("kron of an array with one of more axes", r.line)
    times = [r.constant(r.on.size(b, k), "a length of kron's second array") for k in range(ranks[1])]
    for k, count in enumerate(times):
        a = r.on.repeat(a, count, lead + k)
    return r.boxed(
        r.on.elementwise("*", a, _tiled(r, b, [r.on.size(r.array(g["a"]), lead + k) for k in range(ranks[1])]))
    )


def _tiled(r: Reader, array: Any, times: list[Any]) -> Any:
    """The array one after the other so many times along each axis."""
    rank = r.on.rank(array)
    shape = [r.on.size(array, k) for k in range(rank)]
    plan: list[Any] = []
    for item in r.whole_plan(array):
        plan += [None, item]
    spread: list[Any] = []
    for count, size in zip(times, shape, strict=True):
        spread += [count, size]
    wide = r.on.elementwise("+", r.on.fill(spread, Fraction(0)), r.on.pick(array, tuple(plan)))
    lengths = [r.binary("*", count, size) for count, size in zip(times, shape, strict=True)]
    return r.on.word("reshape", [wide, tuple(lengths)], {})


def _tile(r: Reader, g: Given, name: str) -> Box:
    if r.on.positions(r.current(g["input"])):
        return repeated_positions(r, g["input"], g["repeats"], "tile")
    array = r.array(g["input"])
    given = g["repeats"]
    times = list(given) if isinstance(given, tuple | list) else [given]
    rank = r.on.rank(array)
    if len(times) > rank:
        array = r.on.pick(array, (*((None,) * (len(times) - rank)), *r.whole_plan(array)))
    return r.boxed(_tiled(r, array, [affine(1)] * (rank - len(times)) + times))


def _roll(r: Reader, g: Given, name: str) -> Box:
    box = g["input"]
    array = r.array(box)
    if g.get("axis") is None:
        raise Outside("roll of the flattened array", r.line)
    axis = r.constant(g["axis"], "an axis") % r.on.rank(array)
    shift = r.integer(g["shift"], "the shift")
    lead = (Slice(),) * axis
    parts = [r.picked(box, (*lead, Slice(-shift, None))), r.picked(box, (*lead, Slice(None, -shift)))]
    joined: Box = r.call_word("concatenate", parts, affine(axis))
    return joined


def _neg(r: Reader, g: Given, name: str) -> Any:
    return r.binary("*", affine(-1), g["input"])


def _square(r: Reader, g: Given, name: str) -> Any:
    return r.binary("*", g["input"], g["input"])


def _compared(word: str) -> Callable[[Reader, Given, str], Any]:
    return lambda r, g, name: r.boxed(r.on.compare(word, r.array(g["a"]), r.array(g["b"])))


PRODUCTS: dict[str, Callable[[Reader, Given, str], Any]] = {
    "einsum": _einsum, "exact_einsum": _exact_einsum, "tensordot": _tensordot, "torch_tensordot": _torch_tensordot,
    "dot": _dot, "matmul": _matmul, "outer": _outer, "vdot": _vdot,
    "inner": _dot,
    "multiply": _joined("*"), "add": _joined("+"), "subtract": _joined("-"), "divide": _joined("/"),
    "maximum": _elementwise, "minimum": _elementwise, "function": _function, "repeat": _repeat, "kron": _kron,
    "tile": _tile, "roll": _roll, "neg": _neg, "square": _square, "greater": _compared("gt"), "less": _compared("lt"),
}  # fmt: skip
