"""Arrays of the code as sums of terms: the operations of ``concrete`` for all sizes of a branch at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from symconv.code.arrays.choices import choice_of, chosen, extremes, places_along
from symconv.code.arrays.compared import above, of_places, opposite_places
from symconv.code.arrays.grids import Grid, counted, joined, part
from symconv.code.arrays.indexed import lifted, varies
from symconv.code.arrays.infinite import with_infinities
from symconv.code.arrays.kept import MULTIPLIED, whole
from symconv.code.arrays.lengths import length_of, repeated_along, through
from symconv.code.arrays.nodes import Arguments, meant
from symconv.code.arrays.rows import labelled, selector_of
from symconv.code.arrays.scattering import gathered, scattered
from symconv.code.arrays.slicing import picked, span, updated
from symconv.code.arrays.walk import Varies, Walk
from symconv.code.values.objects import Choice, Chosen, Condition, Plan, Span
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Constraint
from symconv.prove.language.labels import is_selector
from symconv.prove.meaning import arrays, elements
from symconv.prove.meaning.amounts import as_product, product_of
from symconv.prove.meaning.scope import Fork, Undecided
from symconv.prove.meaning.value import Amount, Axis, Factor, Product, Term, Value, axis, build, inside

__all__ = ["UNSET", "Symbolic"]

UNSET = "unset memory "


@with_infinities
class Symbolic:
    """Operations on arrays of terms."""

    symbolic = True
    partial: bool
    """Whether sizes may be left out: those at which a forward function is another formula than elsewhere."""
    rows_kept: bool
    """Whether every softmax has a score that no mask takes away, whatever the masks are."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.other_ties = frozenset[str]()
        self.partial = False
        self.rows_kept = True
        self.equal_parts = False
        self.exact = self.forming = False
        self.caret = walk.caret
        self.unset_count = 0
        self.asked: tuple[Fork, int] | None = None
        self.choices: dict[str, Choice] = {}
        self.limits: dict[str, tuple[Constraint, ...]] = {}

    def is_array(self, value: object) -> bool:
        """Whether it is an array of this kind."""
        return isinstance(value, Value)

    def positions(self, value: object) -> bool:
        """Whether it is an array of positions."""
        return isinstance(value, Grid)

    def rank(self, value: Value | Grid) -> int:
        """How many axes it has."""
        return value.rank

    def size(self, value: Value | Grid, position: int) -> Amount:
        """The length of an axis."""
        if isinstance(value, Grid):
            length = value.size(position)
            return self.short(length)
        one = value.axes[position]
        if one.size is not None:
            return self.walk.short(one.size)
        product = Product(Fraction(1))
        for size in one.sizes:
            product = product * as_product(size)
        return product_of(product)

    def decide(self, constraint: Constraint) -> bool:
        """Whether it holds; a Fork that the text itself asks for is kept with its line, in ``asked``."""
        try:
            return self.walk.decide(constraint)
        except Fork as fork:
            self.asked = (fork, self.caret.line)
            raise

    def require(self, constraint: Constraint, sentence: str) -> None:
        """Leave out the sizes where it fails."""
        self.walk.require(constraint, sentence)

    def lift(self, number: Product) -> Value:
        """A number as an array without axes."""
        return lifted(self.walk, number)

    def fill(self, shape: Sequence[Amount], number: Fraction) -> Value:
        """An array of one number."""
        axes = [self.axis(length) for length in shape]
        return build(self.walk.fresh, axes, lambda *_: [Term(number, (), ())] if number else [])

    def unset(self, shape: Sequence[Amount]) -> Value:
        """An array that nothing was put in yet: its elements equal nothing else."""
        self.unset_count += 1
        return arrays.tensor(self.walk, f"{UNSET}{self.unset_count}", [self.axis(length) for length in shape])

    def axis(self, length: Amount) -> Axis:
        """An axis of that length."""
        number = as_product(length)
        if number.coefficient.denominator != 1 or any(power < 0 for _, power in number.monomial):
            raise Undecided("a length is no whole number")
        forms = [form for form, power in number.monomial for _ in range(power)]
        if len(forms) == 1:
            return axis(self.walk.short(forms[0] * int(number.coefficient)))
        return axis(int(number.coefficient), *forms)

    def elementwise(self, op: str, left: Value, right: Value) -> Value:
        """Sum, difference or product, broadcast."""
        if op == "*" and self.keeps:
            left, right = whole(self.walk, left), whole(self.walk, right)
        return elements.elementwise(self.walk, op, left, right, f"{left} {op} {right}")

    def complement(self, mask: Value) -> Value:
        """1 where a mask is 0, and 0 where it is 1."""
        found = opposite_places(mask)
        return self.elementwise("-", self.lift(Product(Fraction(1))), mask) if found is None else found

    def scale(self, value: Value, number: Product) -> Value:
        """The array times a number."""
        if varies(self.walk, number):
            return self.elementwise("*", value, lifted(self.walk, number))
        return arrays.multiply(value, number)

    def compare(self, op: str, left: Value, right: Value) -> Value:
        """1 where the comparison holds, else 0."""
        if (found := of_places(op, left, right)) is not None:
            return found
        return self.kept(op, left, right) if self.keeps else above(self.walk, op, self.elementwise("-", left, right))

    def mapped(self, function: str, value: Value) -> Value:
        """A function of every element."""
        return elements.mapped(self.walk, function, value)

    def pad(self, value: Value, pads: dict[int, tuple[Affine, Affine]]) -> Value:
        """Zeros before and after, or a cut."""
        return arrays.padded(self.walk, value, pads)

    def flip(self, value: Value, axes: Sequence[int]) -> Value:
        """The array backwards along axes."""
        return arrays.flipped(self.walk, value, axes)

    def permute(self, value: Any, order: Sequence[int]) -> Any:
        """The axes in another order."""
        if isinstance(value, Grid):
            return replace(value, axes=tuple(value.axes[k] for k in order))
        return arrays.permuted(value, order)

    def repeat(self, value: Value, times: int, position: int) -> Value:
        """Every element of an axis so many times."""
        return repeated_along(self.walk, value, times, position)

    def span(self, start: Affine | None, stop: Affine | None, step: int, value: Value | Grid, position: int) -> Span:
        """A slice of an axis."""
        if start is None and stop is None and step == 1:
            return Span(affine(0), None, 1, True)
        return span(self.walk, start, stop, step, length_of(self.walk, value, position), self.partial)

    def pick(self, value: Any, plan: Any) -> Any:
        """The elements of a subscript."""
        if isinstance(value, Grid):
            return part(value, plan)
        if any(isinstance(one, Grid) for one in plan):
            return gathered(self.walk, value, plan)
        return picked(self.walk, value, plan)

    def extreme(self, kind: str, value: Value, axes: Sequence[int], keep: bool, mask: Value | None = None) -> Value:
        """The largest or smallest elements over axes, of those where a mask of positions is 1."""
        return extremes(self.walk, kind, value, axes, keep, self.exact, mask)

    def position(self, kind: str, value: Value, position: int | None, keep: bool) -> Choice | Grid:
        """The place of the first extreme element, of all or along an axis."""
        if kind == "max" and position == value.rank - 1 and not keep and (name := selector_of(value)) is not None:
            return labelled(self.walk.fresh, name, value)
        if position is not None:
            return places_along(self.walk, kind, value, position, keep)
        return self.told(choice_of(self.walk, kind, value))

    def told(self, choice: Choice) -> Choice:
        """The place of an extreme, whose taps are known from here on."""
        for name in choice.taps:
            self.choices[name] = choice
            self.limits[name] = tuple(c for c in choice.limits if name in c.form.names())
        return choice

    def place(self, entry: Chosen, value: Value, position: int) -> Affine:
        """The index that the place of an extreme is on an axis."""
        with self.walk.inside(entry.choice.taps, entry.choice.limits):
            return self.index(entry.form, value, position)

    def chosen(self, value: Value, plan: Plan) -> Value:
        """What was picked at every place, where the extreme is there."""
        choice = self._choice(plan)
        return value if choice is None else replace(value, terms=tuple(chosen(self.walk, choice, value.terms)))

    def _choice(self, plan: Sequence[object]) -> Choice | None:
        names = {n for one in plan if isinstance(one, Affine) for n in one.names() if n in self.choices}
        found = {id(self.choices[name]): self.choices[name] for name in names}
        if len(found) > 1:
            raise Undecided("places of two extremes in one subscript")
        return next(iter(found.values()), None)

    def scatter(self, value: Value, plan: Any, new: Value, sign: int, how: str) -> Value:
        """The array after elements that positions name were changed."""
        return scattered(self.walk, value, plan, new, sign, how)

    def short(self, size: Amount) -> Amount:
        """A length under the names of its sizes."""
        if isinstance(size, Affine):
            return self.walk.short(size)
        forms = tuple((self.walk.short(form), power) for form, power in size.monomial)
        return Product(size.coefficient, forms)

    def counted(self, first: Affine, step: int, count: Affine) -> Grid:
        """``first + step*k`` for each ``k`` below a count."""
        short = self.walk.short(count)
        return counted(self.walk.fresh, first, step, short)

    def arithmetic(self, op: str, left: Grid | Affine, right: Grid | Affine) -> Grid:
        """``left op right`` of positions."""
        return joined(self.walk.fresh, op, left, right, self.walk.alike)

    def update(self, value: Value, plan: Plan, new: Value, sign: int, replacing: bool, local: bool) -> Value:
        """The array after its elements were changed."""
        choice = self._choice(plan)
        if choice is not None:
            old = picked(self.walk, value, plan)
            if replacing:
                new = elements.elementwise(self.walk, "-", new, old, "what is put where an extreme is")
            whole = updated(self.walk, value, plan, new, sign, False, local)
            count = len(value.terms)
            added = chosen(self.walk, choice, whole.terms[count:])
            return Value(whole.axes, whole.names, (*whole.terms[:count], *added))
        return updated(self.walk, value, plan, new, sign, replacing, local)

    def index(self, form: Affine, value: Value | Grid, position: int) -> Affine:
        """An index of an axis, counted from the start."""
        size = length_of(self.walk, value, position)
        through(self.walk, value, form, size)
        try:
            form = form if self.walk.decide(Constraint(form)) else form + size
        except Varies:
            raise Undecided(
                "an index is negative in some iterations of the loop, and counts from the end there"
            ) from None
        for constraint in inside(form, size):
            self.walk.require(constraint, f"index {form} on an axis of length {size}")
        return form

    def word(self, word: str, arguments: Sequence[Any], options: Arguments) -> Value:
        """A word of the claim language."""
        if word in MULTIPLIED and self.keeps:
            arguments = [whole(self.walk, one) for one in arguments]
        return meant(self.walk, word, arguments, options)

    @property
    def keeps(self) -> bool:
        """Whether words such as ``relu`` and ``where`` stay words, as a formula shows them."""
        return bool(self.walk.of_sum.keeps)

    def kept(self, function: str, *values: Value) -> Value:
        """A function of the elements of arrays that stays a word."""
        return elements.together(self.walk, function, values, function)

    def indicator(self, where: Condition) -> Value:
        """1 where a condition on positions holds, else 0."""
        return Value((), (), tuple(Term(Fraction(1), (), (), (), part) for part in where.parts))

    def stacked(self, names: Sequence[str], counts: Sequence[Affine], value: Value) -> Value:
        """One array per value of indices, along a new first axis."""
        one = axis(*counts)
        new = {name: self.walk.fresh() for name, count in zip(names, counts, strict=True) if count != affine(1)}
        put = {name: var(new[name]) if name in new else affine(0) for name in names}
        terms = tuple(term.substitute(put) for term in value.terms)
        return Value((one, *value.axes), (tuple(new.values()), *value.names), terms)

    def tensor(self, name: str, axes: Sequence[Axis]) -> Value:
        """An operand."""
        if is_selector(name):
            self.walk.labels[name] = tuple(size for one in axes for size in one.sizes)
        return build(self.walk.fresh, axes, lambda *g: [Term(Fraction(1), (), (Factor(name, sum(g, ())),))])

    def given(self, name: str, value: Value) -> Value | Grid:
        """An operand as the code holds it: labels for a selector."""
        return labelled(self.walk.fresh, name, value) if is_selector(name) else value
