"""Arrays that are minus infinity at some places, as masked scores are: their numbers, and where these are kept.

``exp(-inf)`` is 0: an exponential is that of the numbers where they are kept, and 0 elsewhere. What else is done to
minus infinity is in the table here, or it is refused. No number stands in its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial, wraps
from typing import Any, TypeVar

import numpy as np

from symconv.code.source.trouble import Outside
from symconv.code.values.objects import Span
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Constraint
from symconv.prove.meaning.addresses import somewhere
from symconv.prove.meaning.value import Product, Term, Value, inside

__all__ = ["KEPT_ROWS", "Infinite", "blended", "infinity", "is_infinite", "with_infinities"]

KEPT_ROWS = "each softmax has a score that is not masked"
"""What is told of masks that may leave a row without any: NaN is computed there."""

_ONE = Product(Fraction(1))
_OF_SIZES = re.compile(r"(sqrt|exp|reciprocal|power -?\d+(/\d+)?)\(\d+(/\d+)?(\*\([^)]*\)\^-?\d+)*\)")
"""A function of a positive product of sizes, which is positive too."""
_MOVES = ("reshape", "flip", "permute", "repeat", "pick")
_AS_THEY_ARE = ("rank", "size", "span", "index")
_UNTOUCHED = frozenset({"is_array", "positions"})
_E = TypeVar("_E")


@dataclass(frozen=True, slots=True)
class Infinite:
    """``finite`` where ``kept`` is 1, minus infinity where it is 0: two arrays of one shape."""

    finite: Any
    kept: Any

    def copy(self) -> Infinite:
        """The same elements in arrays of their own."""
        return Infinite(self.finite.copy(), self.kept.copy())


def is_infinite(value: object) -> bool:
    """Whether an array holds minus infinity, or one of several does."""
    match value:
        case Infinite():
            return True
        case tuple() | list():
            return any(map(is_infinite, value))
        case Mapping():
            return any(map(is_infinite, value.values()))
    return False


def infinity(on: Any, shape: Sequence[Any] = ()) -> Infinite:
    """Minus infinity everywhere."""
    return Infinite(on.fill(shape, Fraction(0)), on.fill(shape, Fraction(0)))


def blended(on: Any, mask: Any, new: Any, old: Any) -> Infinite:
    """Elements of ``new`` where a mask is 1, of ``old`` where it is 0."""
    elsewhere = on.complement(mask)
    for there, value, other in ((elsewhere, old, new), (mask, new, old)):
        if _nowhere(other):
            kept = on.elementwise("*", there, value.kept) if isinstance(value, Infinite) else there
            return _paired(on, _finite(value), kept)
    a, b = _both(on, new), _both(on, old)
    finite, kept = (on.elementwise("+", on.elementwise("*", mask, one), on.elementwise("*", elsewhere, other))
                    for one, other in ((a.finite, b.finite), (a.kept, b.kept)))  # fmt: skip
    return Infinite(finite, somewhere(on.walk, kept) if isinstance(kept, Value) else kept)


def _paired(on: Any, finite: Any, kept: Any) -> Infinite:
    """The two broadcast to each other."""
    return Infinite(on.elementwise("+", finite, _zeros(on, kept)), on.elementwise("+", kept, _zeros(on, finite)))


def _zeros(on: Any, value: Any) -> Any:
    return on.fill([on.size(value, k) for k in range(on.rank(value))], Fraction(0))


def _finite(value: Any) -> Any:
    return value.finite if isinstance(value, Infinite) else value


def _both(on: Any, value: Any) -> Infinite:
    return value if isinstance(value, Infinite) else _paired(on, value, on.lift(_ONE))


def _nowhere(value: Any) -> bool:
    """Whether no element is kept."""
    match value:
        case Infinite(_, Value() as kept):
            return not kept.terms
        case Infinite(_, kept):
            return not np.any(kept != 0)
    return False


def _positive(value: Any) -> bool:
    """Whether all elements are known to be above 0."""
    if not isinstance(value, Value):
        return bool(np.all(value.astype(np.float64) > 0))
    return bool(value.terms) and all(map(_positive_term, value.terms))


def _positive_term(term: Term) -> bool:
    plain = not (term.bound or term.where or term.tables) and term.coefficient > 0
    return plain and all(not one.index and _OF_SIZES.fullmatch(one.tensor) for one in term.factors)


# -- what is read, each None where it is refused
def _elementwise(on: Any, op: str, left: Any, right: Any) -> Infinite | None:
    if op == "*":
        scores, factor = (left, right) if isinstance(left, Infinite) else (right, left)
        if isinstance(factor, Infinite) or not _positive(factor):
            return None
        return _paired(on, on.elementwise("*", scores.finite, factor), scores.kept)
    if op == "-" and isinstance(right, Infinite):
        return None
    kept = [one.kept for one in (left, right) if isinstance(one, Infinite)]
    where = on.elementwise("*", *kept) if len(kept) == 2 else kept[0]
    return _paired(on, on.elementwise(op, _finite(left), _finite(right)), where)


def _scale(on: Any, value: Infinite, number: Product) -> Infinite | None:
    return Infinite(on.scale(value.finite, number), value.kept) if number.coefficient > 0 else None


def _mapped(on: Any, function: str, value: Infinite) -> Any:
    return on.elementwise("*", value.kept, on.mapped("exp", value.finite)) if function == "exp" else None


def _extreme(on: Any, kind: str, value: Infinite, axes: Sequence[int], keep: bool) -> Any:
    """The largest of what is kept, which none of the smallest of all is above."""
    if kind != "max":
        return None
    _told(on, value, axes)
    least = on.extreme("min", value.finite, axes, True)
    kept = on.elementwise("*", value.kept, value.finite)
    return on.extreme(
        "max", on.elementwise("+", kept, on.elementwise("*", on.complement(value.kept), least)), axes, keep
    )


def _word(on: Any, word: str, arguments: Sequence[Any], options: Mapping[str, Any]) -> Any:
    value, *rest = arguments
    if word == "divide" and isinstance(value, Infinite) and not is_infinite(rest) and _positive(rest[0]):
        return _paired(on, on.word(word, [value.finite, *rest], options), value.kept)
    if not isinstance(value, Infinite) or is_infinite((rest, options)):
        return None
    match word:
        case "exp":
            return _mapped(on, word, value)
        case "reshape":
            return Infinite(*(on.word(word, [one, *rest], options) for one in (value.finite, value.kept)))
        case "tril" | "triu":
            kept = on.elementwise("*", value.kept, value.finite)
            lost = on.word(word, [on.complement(value.kept), *rest], options)
            return Infinite(on.word(word, [kept, *rest], options), on.complement(lost))
        case "softmax" | "log_softmax" | "logsumexp" if "axes" in options:
            return _of_softmax(on, word, value, options)
    return None


def _of_softmax(on: Any, word: str, value: Infinite, options: Mapping[str, Any]) -> Any:
    axes = options["axes"] if isinstance(options["axes"], tuple) else (options["axes"],)
    _told(on, value, [axis.constant for axis in axes])
    powers = _mapped(on, "exp", value)
    kept = {} if word == "logsumexp" else {"keepdims": True}
    total = on.word("sum", [powers], {**options, **kept})
    if word == "softmax":
        return on.word("divide", [powers, total], {})
    logarithm = on.word("log", [total], {})
    return logarithm if word == "logsumexp" else _elementwise(on, "-", value, logarithm)


def _update(on: Any, value: Any, plan: Any, new: Any, sign: int, replacing: bool, local: bool) -> Infinite | None:
    if not replacing:
        return None
    a, b = _both(on, value), _both(on, new)
    return Infinite(*(on.update(one, plan, other, sign, replacing, local)
                      for one, other in ((a.finite, b.finite), (a.kept, b.kept))))  # fmt: skip


def _moved(name: str, on: Any, value: Infinite, *given: Any) -> Infinite:
    return Infinite(*(getattr(on, name)(one, *given) for one in (value.finite, value.kept)))


def _as_it_is(name: str, on: Any, *given: Any) -> Any:
    return getattr(on, name)(*map(_finite, given))


_READ: dict[str, Callable[..., Any]] = {
    "elementwise": _elementwise, "scale": _scale, "mapped": _mapped, "extreme": _extreme, "word": _word,
    "update": _update, **{name: partial(_moved, name) for name in _MOVES},
    **{name: partial(_as_it_is, name) for name in _AS_THEY_ARE},
}  # fmt: skip


def _told(on: Any, value: Infinite, axes: Sequence[int]) -> None:
    """Notes that rows along axes may have no element that is kept, where the first or the last is not always."""
    if isinstance(value.kept, Value) and not any(_always(on, value.kept, axes, last) for last in (False, True)):
        on.rows_kept = False


def _always(on: Any, kept: Value, axes: Sequence[int], last: bool) -> bool:
    """Whether the first element along axes is kept in every row, or the last one."""
    sizes = [on.size(kept, k) for k in axes]
    if not all(isinstance(size, Affine) for size in sizes):
        return False
    plan: list[Any] = [Span(affine(0), None, 1, True)] * on.rank(kept)
    for k, size in zip(axes, sizes, strict=True):
        plan[k] = size - 1 if last else affine(0)
    found = somewhere(on.walk, on.pick(kept, tuple(plan)))
    names = [name for group in found.names for name in group]
    sizes = [size for one in found.axes for size in one.sizes]
    limits = [c for name, size in zip(names, sizes, strict=True) for c in inside(var(name), size)]

    def holds(constraint: Constraint) -> bool:
        opposite = Constraint(-constraint.form - 1)
        return not constraint.equality and not on.walk.region.reaches(names, (*limits, opposite))

    plain = all(not (t.bound or t.factors or t.scale or t.tables) and all(map(holds, t.where)) for t in found.terms)
    return plain and sum(term.coefficient for term in found.terms) == 1


def with_infinities(engine: type[_E]) -> type[_E]:
    """The operations of a class, with those on minus infinity that are read, and the others refused."""
    for name, method in tuple(vars(engine).items()):
        if callable(method) and not name.startswith("_") and name not in _UNTOUCHED:
            setattr(engine, name, _either(name, method))
    return engine


def _either(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    rule = _READ.get(name)

    @wraps(method)
    def chosen(self: Any, *given: Any, **options: Any) -> Any:
        if not is_infinite((given, options)):
            return method(self, *given, **options)
        found = rule(self, *given, **options) if rule is not None else None
        if found is None:
            raise Outside(
                "an infinite number is read where its exponential is taken, by itself or in a softmax; a mask of a "
                "finite one, such as -1e9, is read everywhere", self.caret.line,
            )  # fmt: skip
        return found

    return chosen
