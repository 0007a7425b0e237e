"""From the syntax of a claim to what it denotes, in one branch of sizes."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from symconv.notation.affine import Affine, affine
from symconv.notation.grammar import COMPARISONS
from symconv.prove.language.defined import arguments_of
from symconv.prove.language.defined_sums import no_matrices
from symconv.prove.language.lengths import COUNTS
from symconv.prove.language.people import nearest
from symconv.prove.language.syntax import Binary, Call, Each, Name, Node, Number, Reduction, Sliced, Text, Tuple, show
from symconv.prove.language.vocabulary import ELEMENTWISE, EXTREMES, FUNCTIONS, OPTIONS_OF, canonical
from symconv.prove.language.words import DEFINED
from symconv.prove.meaning import arrays, elements
from symconv.prove.meaning.amounts import amount, as_product
from symconv.prove.meaning.atoms import pi_value
from symconv.prove.meaning.divisors import NOTHING, nonzero
from symconv.prove.meaning.factored import multiplied_out
from symconv.prove.meaning.indices import number_terms
from symconv.prove.meaning.listed import listed
from symconv.prove.meaning.loops import Loops
from symconv.prove.meaning.movements import axes_of, length_at, lengths_of, moved, subscript
from symconv.prove.meaning.scope import Scope, Undecided
from symconv.prove.meaning.sliding import columns, convolution, groups_of, scipy
from symconv.prove.meaning.value import Term, Value, build

__all__ = ["denotation", "is_number"]

_ZERO, _ONE, _MINUS_ONE = Number(Fraction(0)), Number(Fraction(1)), Number(Fraction(-1))


def denotation(scope: Scope, node: Node) -> Value:
    """The array an expression denotes for the sizes of the branch.

    Raises SpecError where the claim is unusable, Mismatch where its shapes never fit, Fork where the branch has to be
    split, Undecided where the method ends.
    """
    scope.rank_of = lambda array: _array(scope, array).rank
    scope.size_of = lambda array, which: length_at(scope, _array(scope, array), which)
    return _array(scope, node)


def is_number(scope: Scope, node: Node) -> bool:
    """Whether an expression is a number rather than an array."""
    match node:
        case Number():
            return True
        case Name(name):
            return name not in scope.names.tensors
        case Call("size", _):
            return True
        case Call(function, (_,), ()) if canonical(function) in COUNTS:
            return True
        case Binary(_, left, right):
            return is_number(scope, left) and is_number(scope, right)
        case Call(function, arguments, ()) if canonical(function) in EXTREMES and arguments:
            return all(is_number(scope, one) for one in arguments)
    return False


def _array(scope: Scope, node: Node) -> Value:
    match node:
        case Name(name) if name in scope.names.tensors:
            return scope.names.tensors[name]
        case Binary():
            return _binary(scope, node)
        case Sliced(inner, items):
            return subscript(scope, _array(scope, inner), items, node)
        case Call():
            return _call(scope, node)
        case Number() | Text() | Tuple():
            raise scope.error(node.at, f"{show(node)} stands where an array is wanted")
        case Each():
            return listed(scope, node, _array)
        case Reduction():
            raise scope.error(node.at, f"{show(node)}: the side is indexed too, as in gx[n,c,u] = ...")
    names = ", ".join(scope.names.tensors)
    near = nearest(show(node), scope.names.tensors)
    raise scope.error(node.at, f"{show(node)} is no array of this operator{near}; its arrays are {names}")


def _binary(scope: Scope, node: Binary) -> Value:
    left, right = is_number(scope, node.left), is_number(scope, node.right)
    match node.op:
        case "*" | "/" if right and not left:
            if node.op == "*" and _varies(scope, node.right):
                return elements.elementwise(
                    scope, "*", _array(scope, node.left), _operand(scope, node.right), show(node)
                )
            factor = as_product(amount(scope, node.right))
            if _varies(scope, node.right):
                raise Undecided(f"{show(node)}: a divisor that is another one for each number")
            if node.op == "/":
                if factor.coefficient == 0:
                    raise scope.error(node.at, f"{show(node)} divides by zero")
                nonzero(scope, factor)
                factor = factor.inverse()
            return arrays.multiply(_array(scope, node.left), factor)
        case "*" if left and not right and _varies(scope, node.left):
            return elements.elementwise(scope, "*", _operand(scope, node.left), _array(scope, node.right), show(node))
        case "*" if left and not right:
            return arrays.multiply(_array(scope, node.right), as_product(amount(scope, node.left)))
        case "-" if left and node.left == _ZERO:
            return arrays.multiply(_array(scope, node.right), as_product(affine(-1)))
        case "+" | "-" | "*" if not (left and right):
            a, b = _operand(scope, node.left), _operand(scope, node.right)
            return elements.elementwise(scope, node.op, a, b, f"{show(node.left)} {node.op} {show(node.right)}")
        case "/" if not right:
            inverse = _inverse(scope, node.right)
            if node.left == _ONE:
                return inverse
            over = _operand(scope, node.left)
            over = over if over.terms else replace(over, terms=(NOTHING,))
            return elements.elementwise(scope, "*", over, inverse, show(node))
        case "**" if right and not left:
            return elements.powered(scope, _array(scope, node.left), as_product(amount(scope, node.right)))
        case op if op in COMPARISONS and not (left and right):
            return elements.elementwise(scope, op, _operand(scope, node.left), _operand(scope, node.right), show(node))
        case "@" if not left and not right:
            return _matmul(scope, _array(scope, node.left), _array(scope, node.right), node)
    raise scope.error(node.at, f"{show(node)}: '{node.op}' does not join {'a number' if left else 'an array'} and "
                      f"{'a number' if right else 'an array'}")  # fmt: skip


def _inverse(scope: Scope, node: Node) -> Value:
    """One over an array, factor by factor."""
    match node:
        case Binary("*", a, b) if not is_number(scope, a) and not is_number(scope, b):
            return elements.elementwise(scope, "*", _inverse(scope, a), _inverse(scope, b), show(node))
        case Binary("**", a, b) if is_number(scope, b):
            return elements.powered(scope, _inverse(scope, a), as_product(amount(scope, b)))
    return elements.mapped(scope, "reciprocal", _array(scope, node))


def _matmul(scope: Scope, a: Value, b: Value, node: Node) -> Value:
    if reason := no_matrices(node, a.rank, b.rank):
        raise scope.error(node.at, f"{show(node)}: {reason}")
    lead = max(a.rank, b.rank, 2) - 2
    if a.rank > 2 and b.rank > 2 and a.rank != b.rank:
        raise Undecided(f"{show(node)}: this broadcast of matmul")
    letters = "abcdefghijklmn"[:lead]
    first = (letters if a.rank > 2 else "") + "xy"[-min(a.rank, 2) :]
    second = (letters if b.rank > 2 else "") + "yz"[: min(b.rank, 2)]
    result = letters + "x" * (a.rank > 1) + "z" * (b.rank > 1)
    return arrays.einsum(scope, (first, second), result, (a, b), show(node))


def _call(scope: Scope, call: Call) -> Value:
    word = canonical(call.function)
    if word in DEFINED:
        return _by_definition(scope, word, call)
    usage = FUNCTIONS[word]
    named = {OPTIONS_OF.get(key, key): node for key, node in call.named}
    if not usage.least <= len(call.arguments) <= usage.most or len(named) != len(call.named):
        raise scope.error(call.at, f"{call.function} is used as {usage.usage}")
    allowed = {*usage.options, *(("layout",) if word.startswith("conv") and word != "convolve" else ())}
    if unknown := sorted(named.keys() - allowed):
        known = ", ".join(usage.options) or "no options"
        raise scope.error(call.at, f"{call.function} has no option {unknown[0]}; it takes {known}")
    arguments = call.arguments
    match word:
        case "conv" | "conv_transpose":
            a, k = (_array(scope, node) for node in arguments)
            return convolution(scope, word, call, named, a, k)
        case "convolve" | "correlate":
            a, b = (_array(scope, node) for node in arguments[:2])
            return scipy(scope, word, call, named, a, b)
        case "unfold" | "fold":
            return columns(scope, word, call, named, _array(scope, arguments[0]))
        case "pi":
            return pi_value()
        case "einsum" | "exact_einsum":
            return _einsum(scope, call, word == "einsum")
        case "matmul":
            return _matmul(scope, _array(scope, arguments[0]), _array(scope, arguments[1]), call)
        case "sum" | "mean" | "prod":
            return _reduction(scope, word, call, named)
        case "zeros" | "ones":
            axes = lengths_of(scope, arguments)
            return build(scope.fresh, axes, lambda *_: [Term(Fraction(1), (), ())] if word == "ones" else [])
        case "where":
            condition, one, other = (_operand(scope, node) for node in arguments)
            return elements.chosen(scope, condition, one, other, show(call))
        case _ if word in ELEMENTWISE:
            return _function(scope, word, call)
    return moved(scope, word, _array(scope, arguments[0]), call, named)


def _by_definition(scope: Scope, word: str, call: Call) -> Value:
    """A word that other words define; its array arguments are arrays of their own meanwhile."""
    names = scope.names

    def computed(node: Node) -> tuple[Node, int]:
        if is_number(scope, node):
            return node, 0
        value = _array(scope, node)
        if not isinstance(node, Name):
            node = Name(show(node), node.at)
            scope.names = scope.names.with_tensor(node.name, value)
        return node, value.rank

    def count(node: Node) -> int:
        found = groups_of(scope, node)
        if not isinstance(found, int):
            raise Undecided(f"{show(node)} groups in {word}: as many as sizes say")
        return found

    try:
        meaning = DEFINED[word].meaning(arguments_of(DEFINED[word], call, scope.error, computed, count))
        return _operand(scope, meaning)
    finally:
        scope.names = names


def _function(scope: Scope, word: str, call: Call) -> Value:
    values = [_operand(scope, node) for node in call.arguments]
    if len(values) == 1:
        return elements.mapped(scope, word, values[0])
    a, b = values
    # max(a, b) = b + relu(a - b), min(a, b) = a - relu(a - b).
    over = elements.mapped(scope, "relu", elements.elementwise(scope, "-", a, b, show(call)))
    first, sign = (b, "+") if word == "maximum" else (a, "-")
    return elements.elementwise(scope, sign, first, over, show(call))


def _varies(scope: Scope, node: Node) -> bool:
    """Whether a number is another one for each number of a list."""
    if not isinstance(scope, Loops):
        return False
    value = amount(scope, node)
    forms = [value] if isinstance(value, Affine) else [form for form, _ in as_product(value).monomial]
    return any(not form.names().isdisjoint(scope.indices) for form in forms)


def _operand(scope: Scope, node: Node) -> Value:
    """An array; a number is one without axes."""
    if not is_number(scope, node):
        return _array(scope, node)
    value = amount(scope, node)
    if isinstance(value, Affine) and isinstance(scope, Loops) and not value.names().isdisjoint(scope.indices):
        return Value((), (), tuple(number_terms(value, scope.base.context.sizes)))
    number = as_product(value)
    return Value((), (), (Term(number.coefficient, number.monomial, ()),) if number.coefficient else ())


def _reduction(scope: Scope, word: str, call: Call, named: dict[str, Node]) -> Value:
    value = _array(scope, call.arguments[0])
    axes = call.arguments[1] if len(call.arguments) > 1 else named.get("axes")
    keep = named.get("keepdims", Name("False"))
    if not (isinstance(keep, Name) and keep.name in {"True", "False"}) and keep not in {_ZERO, _ONE}:
        raise scope.error(call.at, "keepdims is True or False")
    kept = keep in {Name("True"), _ONE}
    over = tuple(range(value.rank)) if axes is None else axes_of(scope, axes, value.rank)
    if word == "prod":
        return multiplied_out(scope, value, over, kept, call)
    return arrays.summed(scope, value, over, kept, word == "mean")


def _einsum(scope: Scope, call: Call, broadcast: bool) -> Value:
    equation = call.arguments[0]
    if not isinstance(equation, Text):
        raise scope.error(call.at, f"{call.function} is used as {FUNCTIONS[canonical(call.function)].usage}")
    text = equation.value.replace(" ", "")
    left, arrow, output = text.partition("->")
    inputs = left.split(",")
    if not all(part.isalpha() for part in inputs) or not (output.isalpha() or not output):
        raise scope.error(equation.at, f"einsum: letters, commas and -> are wanted; given {equation.value!r}")
    if not arrow:
        letters = "".join(inputs)
        output = "".join(sorted(letter for letter in set(letters) if letters.count(letter) == 1))
    if len(set(output)) != len(output) or not set(output) <= set("".join(inputs)):
        raise scope.error(equation.at, f"einsum: the result {output!r} names a letter twice or one that is not there")
    values = [_array(scope, node) for node in call.arguments[1:]]
    if len(values) != len(inputs) or any(len(part) != v.rank for part, v in zip(inputs, values, strict=False)):
        ranks = ", ".join(str(v.rank) for v in values)
        raise scope.error(equation.at, f"einsum: {equation.value!r} does not fit arrays of {ranks} axes")
    return arrays.einsum(scope, inputs, output, values, show(call), left if broadcast else "")
