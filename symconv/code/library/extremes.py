"""Words of extremes and of what is made of sums: ``max``, ``argmax``, ``unravel_index``, ``var``, ``softmax``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from symconv.code.library.given import axes_of
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import is_number
from symconv.code.values.kinds import REAL, kind_of_type
from symconv.code.values.objects import Box, Choice, Chosen
from symconv.notation.affine import Affine, affine

if TYPE_CHECKING:
    from symconv.code.reading.calls import Calls as Reader
else:
    Reader = Any

__all__ = ["EXTREMES"]

Given = Mapping[str, Any]


def _over(r: Reader, g: Given, array: Any) -> list[int]:
    rank = r.on.rank(array)
    return list(range(rank)) if g.get("axis") is None else axes_of(r, g["axis"], rank)


def _extreme(r: Reader, g: Given, name: str) -> Any:
    kind = "max" if "max" in name else "min"
    if isinstance(g.get("axis"), Box):
        return r.call_word(f"{kind}imum", g["input"], g["axis"])
    if is_number(g["input"]):
        return g["input"]
    array = r.array(g["input"])
    return r.boxed(r.on.extreme(kind, array, _over(r, g, array), g.get("keepdims") is True))


def _position(r: Reader, g: Given, name: str) -> Any:
    """``argmax``: of all elements a position that is known when the numbers are; along an axis an array of them."""
    kind = "max" if "max" in name else "min"
    array = r.array(g["input"])
    axis = None if g.get("axis") is None else axes_of(r, g["axis"], r.on.rank(array))[0]
    found = r.on.position(kind, array, axis)
    return found if isinstance(found, Choice | Affine) else r.boxed(found)


def _unravelled(r: Reader, g: Given, name: str) -> tuple[Any, ...]:
    shape = [r.integer(one, "a length") for one in r.sequence(g["shape"])]
    index = g["indices"]
    if isinstance(index, Choice):
        if len(index.sizes) != len(shape):
            raise Outside("unravel_index with a shape that is not that of the array", r.line)
        for one, size in zip(index.sizes, shape, strict=True):
            if not r.on.walk.same(one, size):
                raise Outside("unravel_index with a shape that is not that of the array", r.line)
        return tuple(Chosen(index, k) for k in range(len(shape)))
    if isinstance(index, Box):
        raise Outside("unravel_index of an array of positions", r.line)
    rest = r.integer(index, "a position")
    found: list[Any] = []
    for size in reversed(shape):
        found.append(r.binary("%", rest, size))
        rest = r.integer(r.binary("//", rest, size), "a position")
    return tuple(reversed(found))


def _divided_by_all(r: Reader, g: Given, name: str) -> None:
    """Raises Outside where squares are not divided by their number: what PyTorch does unless told otherwise."""
    given = [g[key] for key in ("unbiased", "ddof", "correction") if key in g]
    if any(one is not False and one != affine(0) for one in given) or (not given and g.get("torch")):
        told = "; unbiased=False or correction=0 divides by N" if g.get("torch") else ""
        raise Outside(f"{name} that does not divide by N{told}", r.line)
    if isinstance(g.get("axis"), bool) or g.get("out") is not None or kind_of_type(g.get("dtype", "float")) != REAL:
        raise Outside(f"{name} with these arguments is not read", r.line)


def _word(word: str) -> Callable[[Reader, Given, str], Any]:
    """A word of the claim language over axes."""

    def read(r: Reader, g: Given, name: str) -> Box:
        array = r.array(g["input"])
        options: dict[str, Any] = {}
        if g.get("axis") is not None:
            axes = [affine(k) for k in _over(r, g, array)]
            options["axes"] = axes[0] if len(axes) == 1 else tuple(axes)
        if word in {"var", "std"}:
            _divided_by_all(r, g, name)
        if g.get("keepdims") is True:
            options["keepdims"] = True
        return r.boxed(r.on.word(word, [array], options))

    return read


def _broadcast_arrays(r: Reader, g: Given, name: str) -> list[Box]:
    boxes = list(g["arrays"])
    zero = r.binary("*", boxes[0], affine(0))
    for box in boxes[1:]:
        zero = r.binary("+", zero, r.binary("*", box, affine(0)))
    return [r.loose(box, r.array(r.binary("+", box, zero))) for box in boxes]


EXTREMES: dict[str, Callable[[Reader, Given, str], Any]] = {
    "extreme": _extreme, "position": _position, "unravel_index": _unravelled, "broadcast_arrays": _broadcast_arrays,
    "var": _word("var"), "std": _word("std"), "softmax": _word("softmax"), "log_softmax": _word("log_softmax"),
    "logsumexp": _word("logsumexp"), "norm": _word("norm"),
}  # fmt: skip
