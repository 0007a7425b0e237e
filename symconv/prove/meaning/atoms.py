"""Functions of elements as operands of their own: what they are called, how they are shown, which are told apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

from symconv.notation.affine import Affine, var
from symconv.notation.functions import TABLE
from symconv.prove.language.labels import is_selector
from symconv.prove.meaning.value import Factor, Term, Value

__all__ = ["EVEN", "NONE", "ODD", "OF_SUM", "OTHER", "PARTIAL", "PI", "argument_of", "elements", "is_atom", "pi_value",
           "spelled", "told_apart", "told_sum", "words_of"]  # fmt: skip

ODD, EVEN, NONE, OTHER = (
    frozenset(name for name, entry in TABLE.items() if entry.symmetry == kind)
    for kind in ("odd", "even", "none", "other")
)
PARTIAL = frozenset({"reciprocal", "sqrt", "log"})
"""Functions without a value for some numbers, as are powers that are no whole numbers."""
_ORIENTED = NONE | {"step"}
OF_SUM = "(a sum, "
"""Marks the atoms that are functions of whole sums, told by number."""


def told_sum(tensor: str) -> tuple[str, int] | None:
    """The function and the number of the sum that an atom is of; None where it is of no sum that is told by number."""
    function, marked, number = tensor.partition(OF_SUM)
    return (function, int(number[:-1])) if marked and number[:-1].isdigit() else None


PI = "pi()"
"""The number, an atom without indices: nothing rational is known of it."""

_NUMBER = re.compile(r"-?\d+(/\d+)?")
_PIECE = re.compile(r" \+ |.", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]\w*")
_PLACE = re.compile(r"([A-Za-z_]\w*)\{(\d+)\}")
_PRODUCT = re.compile(r"(-?\d+(?:/\d+)?)((?:\*\(\w+\)\^-?\d+)*)((?:\*[A-Za-z_]\w*\{\d+\})*)")
_SIZE = re.compile(r"\*\((\w+)\)\^(-?\d+)")


def pi_value() -> Value:
    """The number pi, as an array without axes."""
    return Value((), (), (Term(Fraction(1), (), (Factor(PI, ()),)),))


def is_atom(name: str) -> bool:
    """Whether an operand is a function of elements."""
    return "(" in name


def is_number(term: Term) -> bool:
    """Whether a term is a number, whatever the sizes are."""
    return not (term.scale or term.factors or term.bound or term.tables)


def with_one_number(argument: Sequence[Term]) -> list[Term]:
    """A sum with its numbers added to one; its conditions are known to hold."""
    number = sum((term.coefficient for term in argument if is_number(term)), Fraction(0))
    rest = [term for term in argument if not is_number(term)]
    return [*rest, Term(number, (), ())] if number else rest


def ordered(term: Term) -> Term:
    """A product with its factors in one order: w*x is x*w."""
    return replace(term, factors=tuple(sorted(term.factors, key=lambda factor: (factor.tensor, str(factor.index)))))


def spelled(name: str, element: Callable[[str, int], str]) -> str:
    """An atom with ``element(tensor, count)`` in place of each element, which has ``count`` indices.

    >>> spelled("sign(1*x{1} + -1*w{1})", lambda tensor, count: f"{tensor}[i]")
    'sign(x[i] - w[i])'
    """
    text = _PLACE.sub(lambda match: element(match.group(1), int(match.group(2))), name)
    return text.replace("+ -", "- ").replace("(1*", "(").replace("(-1*", "(-").replace(" 1*", " ")


def elements(factor: Factor) -> list[tuple[str, tuple[Affine, ...]]]:
    """The elements that an operand is or is a function of, each with its place."""
    if not is_atom(factor.tensor):
        return [(factor.tensor, factor.index)]
    found, rest = [], factor.index
    for tensor, count in _PLACE.findall(factor.tensor):
        found.append((tensor, rest[: int(count)]))
        rest = rest[int(count) :]
    return found


def argument_of(factor: Factor) -> list[Term] | None:
    """The sum of products of elements that a function is of, as its text says it; None where it says more."""
    words = [_PRODUCT.fullmatch(word) for word in factor.tensor.partition("(")[2][:-1].split(" + ")]
    forms, found = iter(factor.index), list[Term]()
    for word in words:
        if word is None:
            return None
        scale = tuple((var(name), int(power)) for name, power in _SIZE.findall(word.group(2)))
        places = [(name, int(count)) for name, count in _PLACE.findall(word.group(3))]
        factors = tuple(Factor(name, tuple[Affine, ...](next(forms) for _ in range(count))) for name, count in places)
        found.append(Term(Fraction(word.group(1)), scale, factors))
    return found


def words_of(name: str) -> set[str]:
    """The words of an atom that name no element: functions, and sizes that stand in it."""
    return set(_WORD.findall(_PLACE.sub("", name)))


def told_apart(terms: Iterable[Term]) -> bool:
    """Whether different sums of these terms are known to be different functions.

    So it is where one function alone occurs, each term holds powers of one atom at most, and (but for ``exp``) no
    argument comes with its opposite: such functions of different arguments are linearly independent over the
    polynomials.
    """
    names: set[str] = set()
    squared = plain = False
    for term in terms:
        if any(OF_SUM in factor.tensor or is_selector(factor.tensor) for factor in term.factors):
            return False
        atoms = {factor for factor in term.factors if is_atom(factor.tensor)}
        if len(atoms) > 1:
            return False
        squared |= any(one.tensor.startswith("sign(") and term.factors.count(one) > 1 for one in atoms)
        plain |= not atoms
        names |= {factor.tensor for factor in atoms}
    if squared and plain:
        # u·sign(u)² is u.
        return False
    functions = {name.partition("(")[0] for name in names}
    bodies = {name: _words(name.partition("(")[2][:-1]) for name in names}
    if not all(_NUMBER.fullmatch(word.partition("*")[0]) for words in bodies.values() for word in words):
        # A factor that is a power of a sum of sizes, say.
        return False
    single = all(len({_bare(word) for word in words}) == len(words) for words in bodies.values())
    opposite = functions != {"exp"} and any(
        sorted(map(_negated, a)) == sorted(b) for a in bodies.values() for b in bodies.values()
    )
    return not functions or (len(functions) == 1 and functions <= ODD | EVEN | _ORIENTED and single and not opposite)


def _words(body: str) -> list[str]:
    """The summands of an argument: what stands in parentheses is no sum of its own."""
    found, depth = [""], 0
    for piece in _PIECE.findall(body):
        depth += piece.count("(") - piece.count(")")
        if piece == " + " and not depth:
            found.append("")
        else:
            found[-1] += piece
    return found


def _bare(word: str) -> str:
    return word.partition("*")[2]


def _negated(word: str) -> str:
    number, star, rest = word.partition("*")
    return f"{-Fraction(number)}{star}{rest}"
