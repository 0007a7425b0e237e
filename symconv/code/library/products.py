"""Words that multiply, add and repeat arrays."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from symconv.code.held.boxes import array_of, boxed, current, loose_view, numeric
from symconv.code.held.kept import ends_shared, kept
from symconv.code.held.numbers import constant
from symconv.code.held.operators import binary
from symconv.code.held.sequences import sequence
from symconv.code.held.state import State, call, whole_plan
from symconv.code.library.given import Given, Word, axes_of, axis_of
from symconv.code.library.positions import repeated_positions
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import extreme, is_number, number_of
from symconv.code.values.conditions import compared
from symconv.code.values.objects import Box, Dotted
from symconv.notation.affine import Affine, affine
from symconv.prove.meaning.value import Product, Value

__all__ = ["PRODUCTS"]

_CUBIC = Fraction("0.044715")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _einsum(state: State, g: Given, name: str) -> Box:
    return _summed(state, g, "einsum")


def _exact_einsum(state: State, g: Given, name: str) -> Box:
    """TensorFlow's, which broadcasts no length of 1."""
    return _summed(state, g, "exact_einsum")


def _summed(state: State, g: Given, word: str) -> Box:
    equation = g["equation"]
    if not isinstance(equation, str):
        raise state.error("einsum wants its equation first, as a text")
    arrays = [array_of(state, one) for one in g["operands"]]
    equation = equation.replace(" ", "")
    if "..." in equation:
        equation = _spelled(state, equation, [state.on.rank(a) for a in arrays])
    value = state.on.word(word, [equation, *arrays], {})
    left, arrow, right = equation.partition("->")
    moved = set(left) == set(right) if arrow else len(set(left)) == len(left)
    if len(arrays) == 1 and moved and isinstance(box := g["operands"][0], Box):
        return loose_view(state, box, value)
    return boxed(state, value)


def _spelled(state: State, equation: str, ranks: list[int]) -> str:
    """The equation with letters for the dots."""
    left, arrow, right = equation.partition("->")
    parts = left.split(",")
    spare = [x for x in _LETTERS.upper() if x not in equation]
    counts = [
        rank - len(part.replace("...", "")) if "..." in part else 0 for part, rank in zip(parts, ranks, strict=True)
    ]
    most = max(counts)
    if not arrow or min((c for c, p in zip(counts, parts, strict=True) if "..." in p), default=0) < 0:
        raise state.error(f"einsum: {equation!r} does not fit arrays of {', '.join(map(str, ranks))} axes")
    letters = "".join(spare[:most])
    new = [p.replace("...", letters[most - c :] if c else "") for p, c in zip(parts, counts, strict=True)]
    return f"{','.join(new)}->{right.replace('...', letters)}"


def _contracted(state: State, a: Any, b: Any, first: list[int], second: list[int], word: str = "exact_einsum") -> Any:
    ranks = [state.on.rank(a), state.on.rank(b)]
    letters = iter(_LETTERS)
    left = [next(letters) for _ in range(ranks[0])]
    right = [next(letters) for _ in range(ranks[1])]
    for one, other in zip(first, second, strict=True):
        right[other] = left[one]
    out = [x for k, x in enumerate(left) if k not in first] + [x for k, x in enumerate(right) if k not in second]
    return state.on.word(word, [f"{''.join(left)},{''.join(right)}->{''.join(out)}", a, b], {})


def _torch_tensordot(state: State, g: Given, name: str) -> Box:
    """Torch's, which broadcasts a length of 1."""
    return _tensordot(state, {**g, **({"axes": g["dims"]} if "dims" in g else {})}, name, "einsum")


def _tensordot(state: State, g: Given, name: str, word: str = "exact_einsum") -> Box:
    a, b = array_of(state, g["a"]), array_of(state, g["b"])
    axes = g.get("axes", g.get("axis", affine(2)))
    ranks = [state.on.rank(a), state.on.rank(b)]
    if is_number(axes):
        count = constant(state, axes, "the number of axes")
        first, second = list(range(ranks[0] - count, ranks[0])), list(range(count))
    else:
        pair = sequence(state, axes)
        first, second = (
            axes_of(state, one if is_number(one) else sequence(state, one), rank)
            for one, rank in zip(pair, ranks, strict=True)
        )
    return boxed(state, _contracted(state, a, b, first, second, word))


def _dot(state: State, g: Given, name: str) -> Any:
    if is_number(g["a"]) or is_number(g["b"]):
        return binary(state, "*", g["a"], g["b"])
    a, b = array_of(state, g["a"]), array_of(state, g["b"])
    ranks = state.on.rank(a), state.on.rank(b)
    if 0 in ranks:
        return boxed(state, state.on.elementwise("*", a, b))
    last = ranks[1] - 1 if name == "inner" else max(0, ranks[1] - 2)
    return boxed(state, _contracted(state, a, b, [ranks[0] - 1], [last]))


def _matmul(state: State, g: Given, name: str) -> Any:
    a, b = array_of(state, g["a"]), array_of(state, g["b"])
    ranks = state.on.rank(a), state.on.rank(b)
    if 0 in ranks:
        raise state.error("a product of matrices wants arrays that have axes; given a number")
    if name in {"mm", "bmm"} and set(ranks) != {2 if name == "mm" else 3}:
        raise state.error(f"{name} wants arrays of {2 if name == 'mm' else 3} axes; given {ranks[0]} and {ranks[1]}")
    if 1 in ranks and max(ranks) > 2:
        stack = "stuv"[: max(ranks) - 2]
        equation = f"{stack}yz,z->{stack}y" if ranks[1] == 1 else f"y,{stack}yz->{stack}z"
        return boxed(state, state.on.word("einsum", [equation, a, b], {}))
    if 1 in ranks:
        return boxed(state, _contracted(state, a, b, [ranks[0] - 1], [max(0, ranks[1] - 2)]))
    return boxed(state, state.on.word("matmul", [a, b], {}))


def _outer(state: State, g: Given, name: str) -> Box:
    a, b = array_of(state, g["a"]), array_of(state, g["b"])
    if "torch" not in state.program.libraries:
        # NumPy takes all elements in order, whatever axes there are.
        a, b = (array_of(state, call(state, Dotted("numpy.ravel"), [boxed(state, one)], {})) for one in (a, b))
    return boxed(state, state.on.word("einsum", ["a,b->ab", a, b], {}))


def _vdot(state: State, g: Given, name: str) -> Box:
    a, b = array_of(state, g["a"]), array_of(state, g["b"])
    shapes = [[state.on.size(one, k) for k in range(state.on.rank(one))] for one in (a, b)]
    if len(shapes[0]) != len(shapes[1]) or not all(
        compared("eq", one, other, state.on.decide) is True for one, other in zip(*shapes, strict=True)
    ):
        raise Outside("vdot of arrays of two shapes", state.line)
    return boxed(state, state.on.word("sum", [state.on.elementwise("*", a, b)], {}))


def _joined(op: str) -> Word:
    return lambda state, g, name: binary(state, op, g["a"], g["b"])


def _elementwise(state: State, g: Given, name: str) -> Any:
    if is_number(g["a"]) and is_number(g["b"]):
        return extreme(name[:3], number_of(g["a"]), number_of(g["b"]), state.on.decide)
    if (word := _kept_extreme(state, name, g["a"], g["b"])) is not None:
        return word
    # Where both are equal the derivative goes to the second of a maximum and to the first of a minimum, in formulas;
    # in code a number has it there, as in maximum(0, x), which people call relu, or torch.max(torch.zeros_like(x), x).
    swapped = _one_number(state, g["a" if name == "maximum" else "b"]) != (name[:3] in state.on.other_ties)
    a, b = (g["b"], g["a"]) if swapped else (g["a"], g["b"])
    return boxed(state, state.on.word(name, [array_of(state, a), array_of(state, b)], {}))


def _kept_extreme(state: State, name: str, a: Any, b: Any) -> Box | None:
    """``max`` or ``min`` as a word, with each library's own derivative where both are equal."""
    if ends_shared(state):
        return kept(state, f"{name[:3]}:share", a, b)
    numbers = [_one_number(state, one) for one in (a, b)]
    if "numpy" in state.program.libraries and numbers[1] and not numbers[0]:
        # As relu has it, which people write so.
        a, b = b, a
    zero = numeric(state, a)
    if name == "maximum" and zero in (affine(0), Product(Fraction(0))) and "numpy" in state.program.libraries:
        return kept(state, "relu", b)
    return kept(state, f"{name[:3]}:first", a, b)


def _one_number(state: State, given: Any) -> bool:
    """Whether it is a number, or an array of one."""
    value = current(state, given) if isinstance(given, Box) else None
    return is_number(given) or (isinstance(value, Value) and not any(term.factors for term in value.terms))


def _function(state: State, g: Given, name: str) -> Box:
    return _mapped(state, {"absolute": "abs", "expit": "sigmoid"}.get(name, name), g["input"])


def _gelu(state: State, g: Given, name: str) -> Box:
    """By ``erf``, or by ``tanh`` where that is asked for; PyTorch says "none" and "tanh", the others False and True."""
    x, how = boxed(state, array_of(state, g["input"])), g.get("approximate", False)
    if how in ("none", False):
        return _mapped(state, "gelu", x)
    if how not in ("tanh", True):
        raise Outside("gelu with another approximation", state.line)
    root = _mapped(state, "sqrt", binary(state, "/", affine(2), boxed(state, state.on.word("pi", [], {}))))
    cube = binary(state, "*", binary(state, "*", x, x), x)
    inner = binary(state, "+", x, binary(state, "*", Product(_CUBIC), cube))
    share = _mapped(state, "tanh", binary(state, "*", root, inner))
    half: Box = binary(state, "*", binary(state, "*", Product(Fraction(1, 2)), x), binary(state, "+", affine(1), share))
    return half


def _mapped(state: State, function: str, given: Any) -> Box:
    return boxed(state, state.on.mapped(function, array_of(state, numeric(state, given))))


def _jax_gelu(state: State, g: Given, name: str) -> Box:
    return _gelu(state, {"approximate": True, **g}, name)


def _repeat(state: State, g: Given, name: str) -> Box:
    if state.on.positions(current(state, g["input"])) and g.get("axis") in (None, affine(0)):
        return repeated_positions(state, g["input"], g["repeats"], "repeat")
    if g.get("axis") is None:
        raise Outside("repeat of the flattened array", state.line)
    array, times = array_of(state, g["input"]), g["repeats"]
    axis = axis_of(state, g["axis"], state.on.rank(array))
    if isinstance(times, Affine) and not times.is_constant and state.on.size(array, axis) == affine(1):
        # As often as a size says: one element along the axis, broadcast.
        plan: list[Any] = [*whole_plan(state, array)]
        plan[axis : axis + 1] = [affine(0), None]
        spread = [times if k == axis else state.on.size(array, k) for k in range(state.on.rank(array))]
        wide = state.on.elementwise("+", state.on.fill(spread, Fraction(0)), state.on.pick(array, tuple(plan)))
        return boxed(state, wide)
    return boxed(state, state.on.repeat(array, constant(state, times, "the number of repeats"), axis))


def _kron(state: State, g: Given, name: str) -> Box:
    a, b = array_of(state, g["a"]), array_of(state, g["b"])
    ranks = state.on.rank(a), state.on.rank(b)
    lead = ranks[0] - ranks[1]
    if lead < 0:
        raise Outside("kron of an array with one of more axes", state.line)
    times = [constant(state, state.on.size(b, k), "a length of kron's second array") for k in range(ranks[1])]
    for k, count in enumerate(times):
        a = state.on.repeat(a, count, lead + k)
    return boxed(
        state,
        state.on.elementwise(
            "*", a, _tiled(state, b, [state.on.size(array_of(state, g["a"]), lead + k) for k in range(ranks[1])])
        ),
    )


def _tiled(state: State, array: Any, times: list[Any]) -> Any:
    """The array one after the other so many times along each axis."""
    rank = state.on.rank(array)
    shape = [state.on.size(array, k) for k in range(rank)]
    plan: list[Any] = []
    for item in whole_plan(state, array):
        plan += [None, item]
    spread: list[Any] = []
    for count, size in zip(times, shape, strict=True):
        spread += [count, size]
    wide = state.on.elementwise("+", state.on.fill(spread, Fraction(0)), state.on.pick(array, tuple(plan)))
    lengths = [binary(state, "*", count, size) for count, size in zip(times, shape, strict=True)]
    return state.on.word("reshape", [wide, tuple(lengths)], {})


def _tile(state: State, g: Given, name: str) -> Box:
    if state.on.positions(current(state, g["input"])):
        return repeated_positions(state, g["input"], g["repeats"], "tile")
    array = array_of(state, g["input"])
    given = g["repeats"]
    times = list(given) if isinstance(given, tuple | list) else [given]
    rank = state.on.rank(array)
    if len(times) > rank:
        array = state.on.pick(array, (*((None,) * (len(times) - rank)), *whole_plan(state, array)))
    return boxed(state, _tiled(state, array, [affine(1)] * (rank - len(times)) + times))


def _neg(state: State, g: Given, name: str) -> Any:
    return binary(state, "*", affine(-1), g["input"])


def _square(state: State, g: Given, name: str) -> Any:
    return binary(state, "*", g["input"], g["input"])


def _compared(word: str) -> Word:
    return lambda state, g, name: boxed(state, state.on.compare(word, array_of(state, g["a"]), array_of(state, g["b"])))


PRODUCTS: dict[str, Word] = {
    "einsum": _einsum, "exact_einsum": _exact_einsum, "tensordot": _tensordot, "torch_tensordot": _torch_tensordot,
    "dot": _dot, "matmul": _matmul, "outer": _outer, "vdot": _vdot,
    "inner": _dot,
    "multiply": _joined("*"), "add": _joined("+"), "subtract": _joined("-"), "divide": _joined("/"),
    "maximum": _elementwise, "minimum": _elementwise, "function": _function, "gelu": _gelu, "jax_gelu": _jax_gelu,
    "repeat": _repeat, "kron": _kron,
    "tile": _tile, "neg": _neg, "square": _square, "greater": _compared("gt"), "less": _compared("lt"),
}  # fmt: skip
