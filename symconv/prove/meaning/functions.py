"""Scalar functions in formulas and claims: a function of elements stands for an operand of its own, an atom.

``sign(x[n,c,i+p] - w[f,c,p])`` is an element of an operand ``sign(x - w)`` with the indices of both. Equal atoms are
equal operands, so what holds for products of elements holds for them. That unequal atoms are unequal functions is known
only where ``told_apart`` says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import prod

from symconv.derive.conventions import in_arguments
from symconv.errors import InternalError
from symconv.limits import ARGUMENT_CASES, FACTORS, ROOT
from symconv.notation.affine import Affine
from symconv.notation.expr import Apply, Const, Constraint, Expr, Read
from symconv.notation.functions import ARGUMENTS, TABLE
from symconv.prove.language.labels import is_selector
from symconv.prove.meaning.atoms import EVEN, NONE, ODD, OTHER, is_atom, is_number, ordered, pi_value, with_one_number
from symconv.prove.meaning.increasing import grown
from symconv.prove.meaning.scope import OfSum, Undecided
from symconv.prove.meaning.selectors import Case, cases
from symconv.prove.meaning.value import Factor, Product, Term, multiplied, scaled

__all__ = ["UNARY", "applied", "cancelled", "powered"]

UNARY = ODD | EVEN | NONE | OTHER
"""The functions of one element that claims know too."""

_RECIPROCAL = "reciprocal(1*"
_ONE = [Term(Fraction(1), (), ())]

Sum = Sequence[Term]


def applied(function: str, arguments: Sequence[Sum], limits: Collection[Constraint], of_sum: OfSum) -> Iterator[Term]:
    """A scalar function of sums of products, as terms.

    Piecewise functions become polynomials in ``sign(u)`` and ``step(u)``, which is 1 for u > 0 and else 0. ``limits``
    hold wherever the result is asked for. Words that ``of_sum`` keeps stay, with what is chosen at their kinks
    (``max:share``). Raises Undecided for functions that are not known.
    """

    if not (by_label := _cases(arguments, limits, of_sum)):
        kept = function.partition(":")[0] in of_sum.keeps
        yield from (
            of_sum.of_several(function, arguments, limits) if kept else _applied(function, arguments, limits, of_sum)
        )
    for one in by_label:
        yield from one.taken(applied(function, one.arguments, (*limits, *one.where), of_sum))


def _applied(function: str, arguments: Sequence[Sum], limits: Collection[Constraint], of_sum: OfSum) -> Iterator[Term]:
    """A function of sums without labels."""

    def atom(name: str, argument: Sum) -> Iterator[Term]:
        argument = [term for term in argument if term.coefficient]
        if name in {"step", "sign"} and (known := _by_sign(name, argument, limits, given)) is not None:
            return iter(known)
        summed = any(term.bound or any(is_atom(f.tensor) for f in term.factors) for term in argument)
        return of_sum(name, argument, limits) if summed else _atom(name, argument, limits)

    def given(name: str, *sums: Sum) -> list[Term]:
        return list(applied(name, sums, limits, of_sum))

    def step(a: Sum, b: Sum) -> list[Term]:
        return list(atom("step", _minus(a, b)))

    match function, arguments:
        case "abs", (a,):
            yield from multiplied(a, list(atom("sign", a)))
        case "relu", (a,):
            yield from multiplied(a, step(a, ()))
        case "max" | "min", (a, b):
            first, sign = (b, 1) if function == "max" else (a, -1)
            yield from first
            yield from scaled(multiplied(_minus(a, b), step(a, b)), Fraction(sign))
        case "where", (c, a, b):
            yield from multiplied(c, a)
            yield from multiplied(_minus(_ONE, c), b)
        case (("gt" | "lt" | "ge" | "larger" | "le" | "smaller" | "ne" | "eq" | "same"), (a, b)):
            yield from _compared(function, step(a, b), step(b, a))
        case "pi", ():
            yield from pi_value().terms
        case "reciprocal", (a,):
            yield from _inverse(a, limits, of_sum)
        case _ if made := TABLE[function].made if function in TABLE else "":
            yield from _composed(in_arguments(made), dict(zip(ARGUMENTS, arguments, strict=False)), given)
        case _, (a,) if function in UNARY:
            yield from atom(function, a)
        case _:
            raise Undecided(f"the formula applies {function}, which is no function of elements that is known here")


def _cases(arguments: Sequence[Sum], limits: Collection[Constraint], of_sum: OfSum) -> list[Case]:
    """The arguments by the values of a label in them; none where they have none."""
    if not any(is_selector(factor.tensor) for side in arguments for term in side for factor in term.factors):
        return []
    return cases(arguments, limits, of_sum.scope)


def _by_sign(
    name: str, argument: Sum, limits: Collection[Constraint], given: Callable[..., list[Term]]
) -> list[Term] | None:
    """A ``step`` or ``sign`` of what has the sign of something simpler; None for others."""
    if (found := _clipped(argument, given)) is not None:
        # relu(u) is above 0 where u is, and nowhere below.
        where, falls = found
        return [Term(Fraction(-1 if falls else 1), (), (where,))] if not falls or name == "sign" else []
    if (inner := grown(argument, limits)) is not None:
        return given("gt", inner, ()) if name == "step" else given(name, inner)
    if name == "step" and (parts := _of_absolute(argument, limits, given)) is not None:
        return parts
    if (root := _root(argument, limits)) is not None:
        # A square is 0 where its root is, and above elsewhere; its opposite is nowhere above.
        less = argument[0].coefficient < 0
        unequal = [] if less and name == "step" else given("ne", root, ())
        return list(scaled(unequal, Fraction(-1))) if less else unequal
    return None


def _clipped(argument: Sum, given: Callable[..., list[Term]]) -> tuple[Factor, bool] | None:
    """Of ``u*step(u)``, which is relu, the factor ``step(u)``; with True for what is less by the sign."""
    common = [f for f in argument[0].factors if f.tensor.startswith("step(")] if argument else []
    for where in common:
        if any(term.factors.count(where) != 1 for term in argument):
            continue
        rest = [replace(term, factors=tuple(f for f in term.factors if f != where)) for term in argument]
        for falls in (False, True):
            inner = list(scaled(rest, Fraction(-1))) if falls else rest
            if given("where", given("gt", inner, ()), _ONE, ()) == [Term(Fraction(1), (), (where,))]:
                return where, falls
    return None


def _of_absolute(argument: Sum, around: Collection[Constraint], given: Callable[..., list[Term]]) -> list[Term] | None:
    """Where ``c - |u|`` or ``|u| - c`` is above 0, for a number ``c``, from where ``u`` is; None for others."""
    argument = [replace(term, where=tuple(c for c in term.where if c not in around)) for term in argument]
    inner = [term for term in argument if term.factors]
    limits = [term for term in argument if not term.factors]
    signs = [f for f in inner[0].factors if f.tensor.startswith("sign(")] if inner else []
    if len(signs) != 1 or any(term.factors.count(signs[0]) != 1 for term in inner):
        return None
    if any(term.scale or term.where or term.bound or term.tables for term in limits):
        return None
    rest = [replace(term, factors=tuple(f for f in term.factors if f != signs[0])) for term in inner]
    number = sum((term.coefficient for term in limits), Fraction(0))
    bound, opposite = list(scaled(_ONE, abs(number))) if number else [], list(scaled(rest, Fraction(-1)))
    one = [Term(Fraction(1), (), tuple(signs))]
    if given("sign", rest) == one:
        # |u| + c
        return list(_ONE) if number > 0 else [*given("gt", rest, bound), *given("gt", opposite, bound)]
    if given("sign", opposite) == one:
        # c - |u|
        return list(multiplied(given("gt", bound, rest), given("gt", bound, opposite))) if number > 0 else []
    return None


def _root(argument: Sum, limits: Collection[Constraint]) -> Sum | None:
    """The product whose square a term is, numbers aside; None for others."""
    match argument:
        case [Term(_, (), factors, (), where, ())] if factors and set(where) <= set(limits):
            counts = Counter(factors)
            if all(count % 2 == 0 for count in counts.values()):
                return [Term(Fraction(1), (), tuple(counts))]
    return None


def _compared(function: str, above: Sum, below: Sum) -> Iterable[Term]:
    """A comparison as a number, from where the first is above the second, and below."""
    match function:
        case "gt":
            return above
        case "lt":
            return below
        case "ge" | "larger":
            return _minus(_ONE, below)
        case "le" | "smaller":
            return _minus(_ONE, above)
        case "ne":
            return (*above, *below)
    return _minus(_ONE, [*above, *below])


def _composed(made: Expr, arguments: Mapping[str, Sum], given: Callable[..., list[Term]]) -> list[Term]:
    """A function that others make, at its arguments."""
    match made:
        case Const(value):
            return list(scaled(_ONE, value)) if value else []
        case Read(name):
            return list(arguments[name])
        case Apply("neg", (one,)):
            return list(scaled(_composed(one, arguments, given), Fraction(-1)))
        case Apply("mul", (one, other)):
            return list(multiplied(_composed(one, arguments, given), _composed(other, arguments, given)))
        case Apply("add", (one, other)):
            return [*_composed(one, arguments, given), *_composed(other, arguments, given)]
        case Apply("sub", (one, other)):
            return _minus(_composed(one, arguments, given), _composed(other, arguments, given))
        case Apply(function, inner):
            return given(function, *(_composed(one, arguments, given) for one in inner))
    raise InternalError(f"the table makes a function of {made}, which is no expression of its arguments")


def _inverse(argument: Sum, limits: Collection[Constraint], of_sum: OfSum) -> Iterator[Term]:
    """One over a sum: over a product factor by factor, so that equal factors cancel; of a longer sum an atom."""
    argument = [term for term in argument if term.coefficient]
    if not argument:
        raise Undecided("something is divided by 0")
    match argument:
        case [Term(coefficient, scale, factors, (), where, ())] if set(where) <= set(limits):
            inverse = Product(coefficient, scale).inverse()
            if not factors or not any(is_atom(factor.tensor) for factor in factors):
                atoms = tuple(Factor(f"{_RECIPROCAL}{_place(f)})", f.index) for f in factors)
                yield Term(inverse.coefficient, inverse.monomial, atoms)
                return
    yield from of_sum("reciprocal", argument, limits)


def powered(argument: Sum, power: Product, limits: Collection[Constraint], of_sum: OfSum) -> list[Term]:
    """A sum to a power: whole powers by multiplication, half ones by roots. Raises Undecided for large ones."""
    if power.monomial or abs(power.coefficient) > FACTORS or power.coefficient.denominator > ROOT:
        raise Undecided(f"powers are numbers up to {FACTORS} in what can be decided")
    if by_label := _cases([argument], limits, of_sum):
        parts = (one.taken(powered(one.arguments[0], power, (*limits, *one.where), of_sum)) for one in by_label)
        return [term for part in parts for term in part]
    exponent = power.coefficient
    base = list(argument)
    fraction = exponent % 1 if exponent.denominator > 2 else abs(exponent) % 1
    rest = exponent - fraction if exponent.denominator > 2 else exponent
    rooted = base
    if exponent < 0:
        base = list(applied("reciprocal", [base], limits, of_sum))
        rooted = rooted if exponent.denominator > 2 else base
    result = list(_ONE)
    for _ in range(int(abs(rest))):
        result = list(multiplied(result, base))
    if exponent.denominator == 2:
        result = list(multiplied(result, list(applied("sqrt", [rooted], limits, of_sum))))
    elif fraction:
        result = list(multiplied(result, list(of_sum(f"power {fraction}", rooted, limits))))
    return result


def cancelled(term: Term) -> Term:
    """The term without elements that stand beside their own inverse; powers of ``step`` are ``step``."""
    factors = list(term.factors)
    for factor in set(factors):
        most = next((n for name, n in (("step(", 1), ("sign(", 2)) if factor.tensor.startswith(name)), len(factors))
        # sign³ is sign, step² is step.
        for _ in range(0, factors.count(factor) - most, most):
            for _ in range(most):
                factors.remove(factor)
    for inverse in term.factors:
        if inverse.tensor.startswith(_RECIPROCAL):
            name = inverse.tensor.removeprefix(_RECIPROCAL).partition("{")[0]
            if (one := Factor(name, inverse.index)) in factors:
                factors.remove(one)
                factors.remove(inverse)
    return replace(term, factors=tuple(factors)) if len(factors) < len(term.factors) else term


def _minus(a: Sum, b: Sum) -> list[Term]:
    return [*a, *scaled(b, Fraction(-1))]


def _atom(function: str, argument: Sum, limits: Collection[Constraint]) -> Iterator[Term]:
    """The function of what is left of the argument where each of its terms is there or not."""
    wheres = [tuple(c for c in term.where if c not in limits) for term in argument]
    conditions = list(dict.fromkeys(where for where in wheres if where))
    cases = [[(True, where), *((False, piece) for piece in _outside(where))] for where in conditions]
    if prod(map(len, cases)) > ARGUMENT_CASES:
        raise Undecided(f"the argument of {function} has more than {ARGUMENT_CASES} cases")
    for choice in product(*cases):
        there = {where for where, (held, _) in zip(conditions, choice, strict=True) if held}
        kept = [term for term, where in zip(argument, wheres, strict=True) if not where or where in there]
        facts = tuple(dict.fromkeys(c for _, piece in choice for c in piece))
        yield from (term.under(*facts) for term in _of(function, kept))


def _outside(where: tuple[Constraint, ...]) -> Iterator[tuple[Constraint, ...]]:
    """Where a conjunction fails, in parts that do not overlap."""
    for k, one in enumerate(where):
        opposite = [Constraint(-one.form - 1)]
        if one.equality:
            opposite.append(Constraint(one.form - 1))
        yield from ((*where[:k], other) for other in opposite)


def _of(function: str, argument: Sum) -> Iterator[Term]:
    """The function of a plain sum: a number, or an atom."""
    argument = [ordered(term) for term in with_one_number(argument)]
    if function == "step" and len(argument) == 1 and is_number(argument[0]):
        return (yield from _ONE if argument[0].coefficient > 0 else ())
    if not argument:
        value = _AT_ZERO.get(function)
        if value is None:
            raise Undecided(f"the formula applies {function} to 0")
        if value:
            yield Term(value, (), ())
        return
    # Names of indices change: elements of one tensor are told apart by numbers first, but where a sign can go outside.
    by_name = function in ODD | EVEN
    if function in {"step", "sign"} and len(argument) == 1:
        argument = list(scaled(argument, 1 / abs(argument[0].coefficient)))
    parts = sorted(argument, key=lambda t: ([f.tensor for f in t.factors], by_name or t.coefficient, str(t.factors)))
    sign = Fraction(1)
    if parts[0].coefficient < 0 and function in ODD | EVEN:
        parts = list(scaled(parts, Fraction(-1)))
        sign = Fraction(-1 if function in ODD else 1)
    words = [
        "*".join((str(part.coefficient), *(_power(f, p) for f, p in part.scale), *(_place(f) for f in part.factors)))
        for part in parts
    ]
    index = tuple(form for part in parts for f in part.factors for form in f.index)
    yield Term(sign, (), (Factor(f"{function}({' + '.join(words)})", index),))


_AT_ZERO = {name: Fraction(entry.at_zero) for name, entry in TABLE.items() if entry.at_zero} | {"step": Fraction(0)}


def _power(form: Affine, power: int) -> str:
    """A power of a size; the words of a sum are told apart by the blanks between them."""
    return f"({form})^{power}".replace(" ", "")


def _place(factor: Factor) -> str:
    return f"{factor.tensor}{{{len(factor.index)}}}"
