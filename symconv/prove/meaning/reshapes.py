"""The same elements under other axes, in row-major order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from symconv.notation.affine import Affine, affine
from symconv.notation.expr import Constraint, equal
from symconv.prove.meaning.addresses import flat, place
from symconv.prove.meaning.amounts import as_product
from symconv.prove.meaning.scope import Scope, Undecided, primitive, same_size
from symconv.prove.meaning.value import Axis, Product, Term, Value, axis, build, read

__all__ = ["RESHAPED", "equal_products", "reshaped"]

RESHAPED = "another number of elements"
"""What is said of sizes at which a shape does not hold the elements."""


def reshaped(scope: Scope, value: Value, targets: Sequence[tuple[Affine, ...]], sentence: str) -> Value:
    """The same elements in row-major order under other axes; each target is a list of sizes."""
    sources = [(size, k) for k, one in enumerate(value.axes) for size in one.sizes]
    everything = [size for target in targets for size in target if size != affine(1)]
    wanted = same_size(scope, [size for size, _ in sources], everything, sentence)
    if wanted is not None:
        scope.require(wanted, f"{sentence}: {RESHAPED}")
    olds = [size for size, _ in sources]
    each = (_runs(scope, olds, parts) for parts in _parts(targets))
    runs = next((one for one in each if one is not None), None)
    if runs is None:
        raise Undecided("how the axes are split and merged by this reshape is not affine in the sizes")
    new_axes: list[Axis] = [axis() for _ in targets]
    for _, _, new in runs:
        for at, part in new:
            new_axes[at] = Axis((*new_axes[at].sizes, *part.sizes))

    def body(*groups: tuple[Affine, ...]) -> Iterator[Term]:
        used = [0] * len(targets)
        alternatives: list[tuple[tuple[Constraint, ...], tuple[Affine, ...]]] = [((), ())]
        for direct, old, new in runs:
            forms: list[Affine] = []
            for at, part in new:
                forms += groups[at][used[at] : used[at] + len(part.sizes)]
                used[at] += len(part.sizes)
            if not new:
                forms = [affine(0)] * len(old)
            step = (
                [((), tuple(forms))] if direct or not new else _regrouped([part for _, part in new], Axis(old), forms)
            )
            alternatives = [((*w, *v), (*a, *b)) for w, a in alternatives for v, b in step]
        for where, forms_ in alternatives:
            rest = iter(forms_)
            index = [tuple(next(rest) for _ in one.sizes) for one in value.axes]
            for term in read(scope.fresh, value, index):
                yield term.under(*where)

    return build(scope.fresh, new_axes, body)


def _regrouped(
    new: Sequence[Axis], old: Axis, forms: Sequence[Affine]
) -> list[tuple[tuple[Constraint, ...], tuple[Affine, ...]]]:
    """The old indices at new ones, by way of the row-major position."""
    whole = Axis(tuple(size for part in new for size in part.sizes))
    return [
        ((*where, *held), placed) for where, position in flat(whole, forms) for held, placed in place(old, position)
    ]


def _parts(targets: Sequence[tuple[Affine, ...]]) -> Iterator[list[tuple[int, tuple[Affine, ...]]]]:
    """The new axes whole, else size by size, else with the numbers in them apart: ``N*2`` is N times 2."""
    yield list(enumerate(targets))
    yield [(k, (size,)) for k, target in enumerate(targets) for size in target]
    yield [(k, (part,)) for k, target in enumerate(targets) for size in target for part in reversed(primitive([size]))]


_Run = tuple[bool, tuple[Affine, ...], list[tuple[int, Axis]]]


def _runs(scope: Scope, sources: list[Affine], targets: Sequence[tuple[int, tuple[Affine, ...]]]) -> list[_Run] | None:
    """Runs of old sizes and the new axes they become; direct where the new axis keeps them as they are.

    The targets are sizes of new axes, whole or in parts, with the numbers of those axes; None where runs do not end.
    """
    runs: list[_Run] = []
    at = 0
    pending_old: list[Affine] = []
    pending_new: list[tuple[int, Axis]] = []
    for k, target in targets:
        wanted = axis(*target)
        if not pending_new:
            end = next(
                (e for e in range(at, len(sources) + 1) if equal_products(scope, sources[at:e], wanted.sizes)), None
            )
            if end is not None:
                runs.append((True, tuple(sources[at:end]), [(k, Axis(tuple(sources[at:end])))]))
                at = end
                continue
        pending_new.append((k, wanted))
        product = [size for _, part in pending_new for size in part.sizes]
        end = next((e for e in range(at, len(sources) + 1) if equal_products(scope, sources[at:e], product)), None)
        if end is not None:
            runs.append((False, (*pending_old, *sources[at:end]), pending_new))
            at, pending_old, pending_new = end, [], []
    if not pending_new and equal_products(scope, sources[at:], []):
        # What is left has one element.
        runs.append((False, tuple(sources[at:]), []))
        at = len(sources)
    return None if pending_new or at < len(sources) else runs


def equal_products(scope: Scope, left: Sequence[Affine], right: Sequence[Affine]) -> bool:
    """Whether two products of sizes are equal for all sizes of the branch."""
    one, other = Product(Fraction(1)), Product(Fraction(1))
    for size in left:
        one = one * as_product(size)
    for size in right:
        other = other * as_product(size)
    if one == other:
        return True
    sizes = [Axis(tuple(side)).size for side in (left, right)]
    if None in sizes:
        # A product of sizes is a form where the branch knows all but one of them.
        sizes = [
            Axis(tuple(affine(v) if (v := scope.known(f)) is not None else f for f in side)).size
            for side in (left, right)
        ]
    a, b = sizes
    return a is not None and b is not None and scope.region.always(equal(a, b))
