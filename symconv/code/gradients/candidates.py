"""Operators that the terms of a forward function may be: catalogued windows first, else what the terms say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain, product
from typing import Any

from symconv.code.arrays.slicing import NEGATIVE
from symconv.code.arrays.symbolic import UNSET
from symconv.code.gradients.branches import Read
from symconv.code.gradients.centred import centred
from symconv.code.gradients.clipped import on_the_axis
from symconv.code.gradients.formed import formed
from symconv.code.gradients.supposed import apart, assumed, compares, lengths_supposed, marked
from symconv.code.source.labels import NO_CLASSES
from symconv.code.source.trouble import ROLLED, UNEQUAL
from symconv.errors import SymconvError
from symconv.notation.affine import Affine, Quotient, affine, var
from symconv.notation.expr import Constraint, equal
from symconv.notation.operator import Assumption, Operator
from symconv.ops.registry import catalogue
from symconv.prove.decide.decision import Decision
from symconv.prove.meaning.arrays import EMPTY_MEAN
from symconv.prove.meaning.bordered import BORDERED
from symconv.prove.meaning.divisors import DIVIDED
from symconv.prove.meaning.reshapes import RESHAPED
from symconv.prove.meaning.value import Axis, Term
from symconv.relation.regions import Region

__all__ = ["candidates", "where_defined"]


_JOINED = " against ("
"""A length that is another one than that of joined arrays."""
_INDEXED = ": index "
"""An element that is read where there is none."""
_LEFT_OUT = (DIVIDED, EMPTY_MEAN, BORDERED, ROLLED, UNEQUAL, RESHAPED, NO_CLASSES, NEGATIVE, _JOINED, _INDEXED)
"""Why sizes are left out at which a forward function has no value, or another one than at larger sizes."""
_UNFIT = "does not fit on an axis of length"
"""Why a window of weights has no place, which an output that is summed over all places does not show."""
_EXTREMES = ("largest(", "smallest(", "largest:share(", "smallest:share(")


def where_defined(candidate: Operator, decision: Decision, divisible: bool = False) -> Operator | None:
    """The operator, for the sizes at which nothing is divided by 0 and axes are as long as pads, rolls, parts and
    shapes want; with ``divisible`` also for those that are so many of equal parts.

    None where more than that is wrong or open.
    """
    if decision.undecided or decision.wrong.empty:
        return None if decision.undecided else candidate
    reasons = (*_LEFT_OUT, _UNFIT) if divisible else _LEFT_OUT
    known = all(any(reason in one for reason in reasons) for one in decision.misfits)
    if not decision.values.empty or not (known or divisible):
        return None
    domain, lost = decision.domain, decision.shapes
    of_sizes = [c for c in decision.asked if c.form.names() <= set(domain.context.sizes)]
    outside = {c: domain.minus(domain.where(c)) for c in of_sizes}
    needed = [c for c, part in outside.items() if not part.empty and part.within(lost)]
    rest = domain.where(*needed)
    if not lost.meet(rest).empty or _is_special(domain, rest):
        return None
    if not known and not all(any(isinstance(atom, Quotient) for atom, _ in c.form.terms) for c in needed):
        return None
    stated = (Assumption(c, f"the forward function is defined there: {c}") for c in needed)
    return replace(candidate, assumptions=(*candidate.assumptions, *stated))


def _is_special(domain: Region, rest: Region) -> bool:
    """Whether nothing is left of the sizes, or one of them is fixed: no function is meant for one channel alone."""
    fixed = (rest.constant(var(size)) is not None and domain.constant(var(size)) is None
             for size in domain.context.sizes)  # fmt: skip
    return rest.empty or any(fixed)


def candidates(read: Read, name: str, centre: bool = False, unequal: bool = False) -> Iterator[Operator]:
    """What the function that was read may be, likely operators first; with ``centre`` in the form that kernels want.

    Where lengths have one name that the text does not make equal there is a note; those with ``unequal`` have none.
    """
    set_ = on_the_axis(_without(read, (UNSET,)) or read)
    likely = _formed(name, (_without(set_, _EXTREMES), set_, _not_empty(set_), _as_long(set_)), centre)
    for op in chain(_catalogued(read), likely, _formed(name, (apart(read), _divisible(read)), centre)):
        if (told := marked(op, read)) is not None and not (unequal and lengths_supposed(told)):
            yield told


def _divisible(read: Read) -> Read | None:
    """What was read, for lengths that are whole numbers of steps: ``x[:, 0::2] + x[:, 1::2]`` broadcasts three.

    Parts of an axis, whose elements lie side by side, are lengths of their own.
    """
    read_at = (form for term in read.value.terms for factor in term.factors for form in factor.index)
    if not any(abs(step) > 1 for form in read_at for _, step in form.terms):
        return None
    steps = tuple(c for c in read.ties if any(isinstance(atom, Quotient) for atom, _ in c.form.terms))
    return replace(read, whole=steps) if steps else None


def _catalogued(read: Read) -> Iterator[Operator]:
    """Operators that come with symconv."""
    value = read.value
    free = [names[0] if len(names) == 1 else "" for names in value.names]
    bias, rank = "b" in read.sizes, len(free) - 2
    main = [term for term in value.terms if sorted(f.tensor for f in term.factors) == ["w", "x"]]
    if rank in {1, 2, 3} and main:
        for layout in ("NCHW", "NHWC"):
            for options in _slides(main[0], free, layout):
                more: dict[str, Any] = {} if layout == "NCHW" else {"layout": layout}
                if groups := _groups(value.axes[1 if layout == "NCHW" else -1]):
                    more["groups"] = groups
                with suppress(SymconvError):
                    yield catalogue()[f"conv{rank}d"].make(**options, **more, bias=bias)
    if any(f.tensor.startswith("largest(") for term in value.terms for f in term.factors):
        for size, stride in product((2, 3), (2, 1, 3)):
            with suppress(SymconvError, KeyError):
                yield catalogue()[f"max_pool{rank}d"].make(kernel=size, stride=stride)


def _formed(name: str, each: Sequence[Read | None], centre: bool) -> Iterator[Operator]:
    """What the terms say."""
    for one in (*map(_centred, each), *each) if centre else each:
        with suppress(SymconvError):
            found = formed(name, one, centre) if one is not None else None
            if found is not None and one is not None:
                yield assumed(found, one)


def _centred(read: Read | None) -> Read | None:
    """With means taken off before squares are summed."""
    if read is None or (found := centred(read.value.terms, read.known)) is None:
        return None
    return replace(read, value=replace(read.value, terms=found[0]), known=found[1])


def _not_empty(read: Read) -> Read | None:
    """For sizes at which the output has elements: a loop that never runs asks nothing of shapes."""
    least = [Constraint(size - 1) for one in read.value.axes for size in one.sizes]
    region = read.region.where(*least)
    return None if region.empty or read.region.within(region) else replace(read, region=region)


def _as_long(read: Read) -> Read | None:
    """For sizes at which an axis that is read along one of another tensor, in the output or a sum, is not longer.

    Of ``b[:, :, :, c]`` in a loop over the filters it is said that there are as many biases at least. What the text
    compares may be longer.
    """
    full = _not_empty(read) or read
    along = {size.name for axis in read.value.axes for size in axis.sizes if size.name is not None}
    limits = {name for term in read.value.terms for c in term.where if not c.equality for name in c.form.names()}
    rows = (product(sorted(along - {*row}), sorted(limits & {*row} - along)) for row in read.plain.values())
    region = full.region
    for one, other in (*(pair for each in rows for pair in each), *_summed_along(full)):
        if full.region.always(Constraint(var(other) - var(one))) and not compares(read, one, other):
            alike = region.where(equal(var(other), var(one)))
            # Of parts of an axis, which are shorter than it, nothing is as long but one element.
            region = region if _is_special(region, alike) else alike
    told = read.lengths
    for size, length, where in _joined_along(read):
        alike = region.where(equal(var(size), length))
        if region.always(Constraint(var(size) - length)) and not _is_special(region, alike):
            region = alike
            told = ", ".join((*filter(None, (told,)), f"{where} has the channels of the output"))
    if region.empty or full.region.within(region):
        return None
    asked = (one for c in read.compared for one in (c, Constraint(-c.form - 1)) if not c.equality)
    longer = tuple(c for c in asked if len(c.form.terms) == 2 and region.always(c))
    return replace(read, region=region, indexed=(*read.indexed, *longer), lengths=told)


def _joined_along(read: Read) -> Iterator[tuple[str, Affine, str]]:
    """Lengths of vectors that are read along an axis of the output which several parts were joined to: biases."""
    for axis, names in zip(read.value.axes, read.value.names, strict=True):
        size = axis.sizes[0] if len(axis.sizes) == 1 else affine(1)
        if size.name is not None or size.is_constant:
            continue
        for tensor, row in read.plain.items():
            each = [f.index for term in read.value.terms for f in term.factors if f.tensor == tensor]
            if len(row) == 1 and each and all(index == (var(names[0]),) for index in each):
                yield row[0], size, f"axis 0 of {tensor}"


def _summed_along(read: Read) -> Iterator[tuple[str, str]]:
    """Lengths that a summation index runs over, each with that of another tensor which is read at the index itself."""
    for term in (*read.value.terms, *(term for one in read.known for part in one.arguments for term in part)):
        for bound in term.bound:
            for one in _lengths(bound, term.where, read.region):
                for factor in term.factors:
                    row = read.plain.get(factor.tensor, ())
                    places = zip(factor.index, row, strict=False) if one not in row else ()
                    yield from ((one, size) for form, size in places if form == var(bound))


def _lengths(bound: str, where: Sequence[Constraint], region: Region) -> list[str]:
    """The lengths of axes that a summation index runs over, without those that are longer than another one."""
    highs = (one.form + var(bound) + 1 for one in where if not one.equality and one.form.coefficient(bound) == -1)
    names = [one.name for one in highs if one.name in region.context.sizes]
    longer = (Constraint(var(one) - var(other)) for one in names for other in names)
    known = {one.form for one in longer if region.within(region.where(one))}
    return [one for one in names if all(var(other) - var(one) in known for other in names)]


def _without(read: Read, words: tuple[str, ...]) -> Read | None:
    """What is left without the largest elements that stable forms of softmax and logsumexp subtract and add again.

    Or without what memory held, ``np.empty``, before each element was set. That this is the same function is proved
    like anything else that is a candidate.
    """

    def left(terms: Iterable[Term]) -> tuple[Term, ...]:
        return tuple(term for term in terms if not any(f.tensor.startswith(words) for f in term.factors))

    known = tuple(replace(one, terms=left(one.terms)) for one in read.known)
    value = replace(read.value, terms=left(read.value.terms))
    lengths = [len(value.terms), *(len(one.terms) for one in known)]
    before = [len(read.value.terms), *(len(one.terms) for one in read.known)]
    return replace(read, value=value, known=known) if lengths != before else None


def _groups(channels: Axis) -> int:
    """How many groups the channels of an output are of, where that is a number; else 0."""
    match channels.sizes:
        case (count, _) if count.is_constant:
            return count.constant
    return 0


def _slides(term: Term, free: Sequence[str], layout: str) -> Iterator[dict[str, Any]]:
    """The options of the window that a term shows."""
    reads = {f.tensor: f.index for f in term.factors}
    x, w = reads["x"], reads["w"]
    if len(x) != len(free) or len(w) != len(x):
        return
    spatial = slice(2, None) if layout == "NCHW" else slice(1, -1)
    taps = w[2:] if layout == "NCHW" else w[:-2]
    strides, dilations, lows = [], [], []
    for out, form, tap in zip(free[spatial], x[spatial], taps, strict=True):
        if not out or tap.name is None or form.coefficient(out) < 1 or form.coefficient(tap.name) < 1:
            return
        strides.append(form.coefficient(out))
        dilations.append(form.coefficient(tap.name))
        rest = form - var(out) * strides[-1] - var(tap.name) * dilations[-1]
        if not rest.is_constant:
            return
        lows.append(-rest.constant)
    common = {
        key: held[0] if len(set(held)) == 1 else tuple(held)
        for key, held in (("stride", strides), ("dilation", dilations))
    }
    for more in (0, 1, -1, 2):
        pads = [lo if more == 0 else (lo, lo + more) for lo in lows]
        yield {**common, "padding": pads[0] if len(set(pads)) == 1 and more == 0 else tuple(pads)}
