"""Defined words that move elements: repeat, tile, stack, concatenate, roll, rot90, flatten, axes added and removed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce

from symconv.limits import ROLLED
from symconv.prove.language.defined import Arguments, Defined, axis_of, number, size, whole_numbers
from symconv.prove.language.lengths import is_list
from symconv.prove.language.syntax import Binary, Call, Node, Pick, Sliced, Span, Text, Tuple

__all__ = ["PLACES", "expanded_dims", "ones", "product_of"]

_ALL, _NEW = Span(), Pick("new")


def ones(lengths: Iterable[Node]) -> Node:
    """An array of ones."""
    return Call("ones", (Tuple(tuple(lengths)),))


def product_of(factors: Iterable[Node]) -> Node:
    """A product, 1 where there is no factor."""
    found = list(factors)
    return reduce(lambda a, b: Binary("*", a, b), found) if found else number(1)


def expanded_dims(array: Node, rank: int, places: Sequence[int]) -> Node:
    """The array with new axes at these places of the result."""
    items = tuple(_NEW if at in places else _ALL for at in range(rank + len(places)))
    return Sliced(array, items) if places else array


def _padded_at(array: Node, rank: int, axis: int, before: Node, after: Node) -> Node:
    """The array with zeros before and after along one axis."""
    pairs = [Tuple((before, after)) if at == axis else Tuple((number(0), number(0))) for at in range(rank)]
    return Call("pad", (array, Tuple(tuple(pairs))))


def _sum(parts: Iterable[Node]) -> Node:
    found = list(parts)
    return reduce(lambda a, b: Binary("+", a, b), found) if found else number(0)


def _joined(arrays: Sequence[Node], rank: int, axis: int, lengths: Sequence[Node]) -> Node:
    """Arrays one after the other: each between zeros, added up."""
    return _sum(
        _padded_at(array, rank, axis, _sum(lengths[:at]), _sum(lengths[at + 1 :])) for at, array in enumerate(arrays)
    )


def _concatenated(given: Arguments) -> Node:
    if len(set(given.ranks)) > 1:
        raise given.wrong(f"the arrays have {', '.join(map(str, given.ranks))} axes")
    axis = given.axis(0)
    return _joined(given.arrays, given.ranks[0], axis, [size(array, axis) for array in given.arrays])


def _stacked(given: Arguments) -> Node:
    if len(set(given.ranks)) > 1:
        raise given.wrong(f"the arrays have {', '.join(map(str, given.ranks))} axes")
    rank = given.ranks[0]
    axis = axis_of(given, given.integer("axes", 0), rank + 1)
    each = [expanded_dims(array, rank, [axis]) for array in given.arrays]
    return _joined(each, rank + 1, axis, [number(1)] * len(each))


def _repeated_along(array: Node, rank: int, axis: int, count: Node) -> Node:
    """Each element so many times, one beside the other."""
    wide = Binary("*", expanded_dims(array, rank, [axis + 1]), ones([count, *([number(1)] * (rank - axis - 1))]))
    lengths = [Binary("*", size(array, at), count) if at == axis else size(array, at) for at in range(rank)]
    return Call("reshape", (wide, Tuple(tuple(lengths))))


def _repeated(given: Arguments) -> Node:
    (array,), (rank,) = given.arrays, given.ranks
    count = given.given.get("repeats")
    if count is None:
        raise given.wrong("how often is wanted, as in repeat(a, 2, axis=2)")
    if isinstance(count, Tuple):
        return _tiled(given)
    if "axes" not in given.given:
        if given.call.function == "repeat":
            raise given.wrong(
                "without an axis NumPy repeats each element, torch the whole; say axis=..., or tile, or "
                "repeat_interleave"
            )
        flat = Call("reshape", (array, Tuple((number(-1),))))
        return Call("repeat_interleave", (flat, count), (("axis", number(0)),))
    return _repeated_along(array, rank, given.axis(), count)


def _tiled(given: Arguments) -> Node:
    (array,), (rank,) = given.arrays, given.ranks
    reps = given.given.get("repeats")
    if reps is None:
        raise given.wrong("how often is wanted per axis, as in tile(a, (1, 2))")
    counts = list(reps.items) if isinstance(reps, Tuple) else [reps]
    more = max(0, len(counts) - rank)
    counts = [number(1)] * (rank - len(counts)) + counts
    lifted = expanded_dims(array, rank, range(more))
    total = rank + more
    wide = expanded_dims(lifted, total, range(0, 2 * total, 2))
    grid = Binary("*", wide, ones(part for count in counts for part in (count, number(1))))
    lengths = [number(1)] * more + [size(array, at) for at in range(rank)]
    return Call("reshape", (grid, Tuple(tuple(Binary("*", n, c) for n, c in zip(lengths, counts, strict=True)))))


def _rolled(given: Arguments) -> Node:
    (array,), (rank,) = given.arrays, given.ranks
    axis, shift = given.axis(0 if rank == 1 else None), given.integer("shift")
    if shift == 0:
        return array
    if abs(shift) > ROLLED:
        raise given.wrong(f"by at most {ROLLED}, given {shift}")
    if abs(shift) > 2:
        # A slice clamps at shorter lengths, where a roll turns on; by 2 both are the same at every length.
        step = 2 if shift > 0 else -2
        part = Call("roll", (array, number(step)), (("axis", number(axis)),))
        return Call("roll", (part, number(shift - step)), (("axis", number(axis)),))

    def cut(start: int | None, stop: int | None) -> Node:
        span = Span(None if start is None else number(start), None if stop is None else number(stop))
        return Sliced(array, tuple(span if at == axis else _ALL for at in range(rank)))

    return Call("concatenate", (Tuple((cut(-shift, None), cut(None, -shift))),), (("axis", number(axis)),))


def _differences(given: Arguments) -> Node:
    """Neighbours along an axis, the later one less the earlier, once or several times."""
    (array,), (rank,) = given.arrays, given.ranks
    axis, times = given.axis(-1), given.integer("n", 1)
    if not 0 <= times <= ROLLED:
        raise given.wrong(f"of 0 to {ROLLED} times, given {times}")
    for _ in range(times):
        later, earlier = (
            Sliced(array, tuple(span if at == axis else _ALL for at in range(rank)))
            for span in (Span(number(1), None), Span(None, number(-1)))
        )
        array = Binary("-", later, earlier)
    return array


def _turned(given: Arguments) -> Node:
    (array,), (rank,) = given.arrays, given.ranks
    turns = given.integer("k", 1) % 4
    axes = whole_numbers(given, given.given.get("axes", Tuple((number(0), number(1)))))
    if len(axes) != 2:
        raise given.wrong("two axes are wanted")
    first, second = (axis_of(given, axis, rank) for axis in axes)
    if first == second:
        raise given.wrong("two different axes are wanted")

    def flip(node: Node, axis: int) -> Node:
        return Call("flip", (node, number(axis)))

    def swap(node: Node) -> Node:
        return Call("swap", (node, number(first), number(second)))

    return [array, swap(flip(array, second)), flip(flip(array, first), second), flip(swap(array), second)][turns]


def _flattened(given: Arguments) -> Node:
    (array,), (rank,) = given.arrays, given.ranks
    first = axis_of(given, given.integer("start_dim", 0), max(rank, 1))
    last = axis_of(given, given.integer("end_dim", -1), max(rank, 1))
    middle = product_of(size(array, at) for at in range(first, last + 1))
    lengths = [size(array, at) for at in range(first)], [size(array, at) for at in range(last + 1, rank)]
    return Call("reshape", (array, Tuple((*lengths[0], middle, *lengths[1]))))


def _squeezed(given: Arguments) -> Node:
    (array,), (rank,) = given.arrays, given.ranks
    if "axes" not in given.given:
        raise given.wrong("which axes have length 1 depends on the sizes; name them, as in squeeze(a, 2)")
    gone = {axis_of(given, axis, rank) for axis in whole_numbers(given, given.given["axes"])}
    return Call("reshape", (array, Tuple(tuple(size(array, at) for at in range(rank) if at not in gone))))


def _unsqueezed(given: Arguments) -> Node:
    (array,), (rank,) = given.arrays, given.ranks
    wanted = whole_numbers(given, given.given.get("axes", number(0)))
    return expanded_dims(array, rank, [axis_of(given, axis, rank + len(wanted)) for axis in wanted])


def _moved(given: Arguments) -> Node:
    (array,), (rank,) = given.arrays, given.ranks
    pairs = []
    for name in ("source", "destination"):
        if name not in given.given:
            raise given.wrong("two axes are wanted, as in moveaxis(a, 0, 1)")
        pairs.append([axis_of(given, axis, rank) for axis in whole_numbers(given, given.given[name])])
    source, destination = pairs
    if len(source) != len(destination) or len(set(source)) != len(source) or len(set(destination)) != len(source):
        raise given.wrong("as many different axes are wanted before and after")
    order = [at for at in range(rank) if at not in source]
    for new, old in sorted(zip(destination, source, strict=True)):
        order.insert(new, old)
    return Call("permute", (array, Tuple(tuple(map(number, order)))))


def _broadcast(given: Arguments) -> Node:
    (array,), (rank,) = given.arrays, given.ranks
    shape = given.given.get("shape")
    if shape is None:
        raise given.wrong("a shape is wanted")
    if is_list(shape) and not isinstance(shape, Tuple):
        return Binary("*", array, Call("ones", (shape,)))
    items = shape.items if isinstance(shape, Tuple) else (shape,)
    lengths = [size(array, at - len(items) + rank) if item == number(-1) else item for at, item in enumerate(items)]
    return Binary("*", array, ones(lengths))


def _like(build: Callable[[Node, Node], Node]) -> Callable[[Arguments], Node]:
    return lambda given: build(given.arrays[0], Call("shape", (given.arrays[-1],)))


def _upsampled(given: Arguments) -> Node:
    (array,), (rank,) = given.arrays, given.ranks
    mode = given.given.get("mode", Text("nearest"))
    factor = given.given.get("scale_factor")
    wanted = given.given.get("size")
    if mode != Text("nearest") or (factor is None) == (wanted is None):
        raise given.wrong('mode="nearest" with a size or a scale_factor is what is known')
    if wanted is not None:
        lengths = wanted if is_list(wanted) else Tuple((wanted,) * (rank - 2))
        return Call("resized", (array, lengths), (), given.call.at)
    result = array
    factors = factor.items if isinstance(factor, Tuple) else (factor,) * (rank - 2)
    if len(factors) != rank - 2:
        raise given.wrong(f"{len(factors)} factors for {rank - 2} axes")
    for axis, each in enumerate(factors, start=2):
        assert each is not None
        result = Call("repeat_interleave", (result, each), (("axis", number(axis)),))
    return result


PLACES = {
    "concatenate": Defined("concatenate((a, b), axis=1)", -1, ("axes",), _concatenated),
    "stack": Defined("stack((a, b), axis=0)", -1, ("axes",), _stacked),
    "repeat": Defined("repeat(a, 2, axis=2)", 1, ("repeats", "axes"), _repeated),
    "repeat_interleave": Defined("repeat_interleave(a, 2, dim=2)", 1, ("repeats", "axes"), _repeated),
    "tile": Defined("tile(a, (1, 1, 2, 2))", 1, ("repeats", "*"), _tiled),
    "interpolate": Defined('interpolate(a, scale_factor=2, mode="nearest")', 1, ("size", "scale_factor", "mode"),
                           _upsampled),
    "diff": Defined("diff(a, axis=1)", 1, ("n", "axes"), _differences),
    "roll": Defined("roll(a, 1, axis=2)", 1, ("shift", "axes"), _rolled),
    "rot90": Defined("rot90(a, 2, axes=(2, 3))", 1, ("k", "axes"), _turned),
    "flatten": Defined("flatten(a, 2)", 1, ("start_dim", "end_dim"), _flattened),
    "squeeze": Defined("squeeze(a, 2)", 1, ("axes",), _squeezed),
    "unsqueeze": Defined("unsqueeze(a, 1)", 1, ("axes",), _unsqueezed),
    "moveaxis": Defined("moveaxis(a, 0, 1)", 1, ("source", "destination"), _moved),
    "broadcast_to": Defined("broadcast_to(a, (N, C, H, W))", 1, ("shape", "*"), _broadcast),
    "reshape_as": Defined("reshape_as(a, b)", 2, (), _like(lambda a, shape: Call("reshape", (a, shape)))),
    "expand_as": Defined("expand_as(a, b)", 2, (), _like(lambda a, shape: Binary("*", a, Call("ones", (shape,))))),
    "zeros_like": Defined("zeros_like(a)", 1, (), _like(lambda a, shape: Call("zeros", (shape,)))),
    "ones_like": Defined("ones_like(a)", 1, (), _like(lambda a, shape: Call("ones", (shape,)))),
    "fliplr": Defined("fliplr(a)", 1, (), lambda given: Call("flip", (given.arrays[0], number(1)))),
    "flipud": Defined("flipud(a)", 1, (), lambda given: Call("flip", (given.arrays[0], number(0)))),
}  # fmt: skip
