"""A claim on concrete arrays, by brute force: it confirms counterexamples, and decisions are tested against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np

from symconv.errors import SpecError
from symconv.notation.grammar import COMPARISONS
from symconv.notation.operator import Operator, Tensor
from symconv.prove.concrete.elements import pointwise
from symconv.prove.concrete.indexed import Layout, indexed_array
from symconv.prove.concrete.numbers import (
    Array,
    Ground,
    Misfit,
    TooLargeError,
    amount,
    grounded,
    is_fixed,
    is_number,
    whole,
)
from symconv.prove.concrete.windows import shown
from symconv.prove.concrete.words import called, multiplied, scaled
from symconv.prove.language.defined_sums import no_matrices
from symconv.prove.language.parse import Caret
from symconv.prove.language.people import named_in
from symconv.prove.language.syntax import (
    Binary,
    Call,
    Claim,
    Each,
    Equation,
    Name,
    Node,
    Number,
    Pick,
    Reduction,
    Sliced,
    Span,
    Text,
    Tuple,
    show,
)
from symconv.verify import reference

__all__ = ["Misfit", "TooLargeError", "binary_shapes", "evaluate", "evaluated_on", "ground_for", "plain"]


def evaluate(claim: Claim, op: Operator, arrays: Mapping[str, Array], prime: int | None = None) -> Array:
    """The body of ``claim`` on ``arrays``: every tensor of ``op`` and, for a gradient, the cotangent.

    Integers and Fractions stay exact (int64, or objects where there are fractions), floats are computed in float64.
    With a ``prime`` everything is computed modulo it, in Python integers; division is by the inverse. Raises Misfit,
    with a sentence, where shapes do not fit, and SpecError where the claim or the arrays are unusable.

    >>> import symconv as sc
    >>> from symconv.prove.language.parse import parse_claim
    >>> op = sc.operator("y[i] = sum[p](x[i+p]*w[p])")
    >>> arrays = {"x": np.array([1, 2, 3]), "w": np.array([1, 10]), "gy": np.array([1, 2])}
    >>> evaluate(parse_claim('gx = convolve(gy, w, "full")'), op, arrays).tolist()
    [1, 12, 20]
    >>> evaluate(parse_claim('gx = convolve(gy, w, "full") / 2'), op, arrays, 7).tolist()
    [4, 6, 3]
    """
    return evaluated_on(ground_for(claim, op, arrays, prime), claim, op)


def ground_for(claim: Claim, op: Operator, arrays: Mapping[str, Array], prime: int | None = None) -> Ground:
    """What the words of ``claim``, and of others with the same names, mean on ``arrays``."""
    caret = Caret(claim.source or str(claim))
    output = op.output.name
    sides = (*(f"g{t.name}" for t in op.inputs if t.dtype == "real"), output)
    if claim.side not in sides:
        raise caret.error(0, f"{claim.side} is not computed by {op.name}; there are {', '.join(sides)}")
    wanted = [*op.tensors, *([] if claim.side == output else [f"g{output}"])]
    if missing := [name for name in wanted if name not in arrays]:
        raise SpecError(f"{op.name}: the array {missing[0]} is missing")
    given = {name: _lifted(name, np.asarray(arrays[name]), prime) for name in wanted}
    want = op.output_shape(**{name: given[name].shape for name in op.tensors})
    if claim.side != output and given[f"g{output}"].shape != want:
        raise SpecError(f"{op.name}: g{output} has shape {given[f'g{output}'].shape}, wanted {want}")
    known = arrays.get(output)
    if claim.side != output and (known is not None or Name(output) in set(claim.nodes())):
        given[output] = _forward(op, given, prime) if known is None else _lifted(output, known, prime)
    for name in named_in(op, claim):
        known = arrays.get(name)
        given[name] = _forward(op.upto(name), given, prime) if known is None else _lifted(name, known, prime)
    return grounded(op, caret, given, _array, prime)


def evaluated_on(ground: Ground, claim: Claim, op: Operator) -> Array:
    """The body of a claim on the arrays of ``ground``; raises as ``evaluate`` does."""
    tensor = op.output if claim.side == op.output.name else op.input(claim.side[1:])
    shape = tensor.shape(dict(ground.sizes))
    result = _claimed(op, ground, claim, tensor)
    if result.shape != shape:
        raise Misfit(f"gives {shown(result.shape)}, {claim.side} is {shown(shape)}", result)
    return result


def _claimed(op: Operator, ground: Ground, claim: Claim, tensor: Tensor) -> Array:
    """The array the last equation gives, the intermediates before it computed and named."""
    held = [*op.inputs, *(s.target for s in op.statements), replace(op.output, name=f"g{op.output.name}")]
    layout = {one.name: _logical(one, ground.sizes) for one in held}
    for equation in claim.earlier:
        if equation.name in {*ground.arrays, *ground.sizes, claim.side}:
            raise ground.error(equation.at, f"{equation.name} means something already; choose another name")
        value = _defined(ground, equation, layout, None)
        ground = replace(ground, arrays={**ground.arrays, equation.name: value})
    return _defined(ground, claim.equations[-1], layout, _logical(tensor, ground.sizes))


def _logical(one: Tensor, sizes: Mapping[str, int]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(size.evaluate(sizes) for size in axis) for axis in one.axes)


def _defined(ground: Ground, equation: Equation, layout: Layout, axes: tuple[tuple[int, ...], ...] | None) -> Array:
    if equation.indices is None:
        return _array(ground, equation.body)
    result = indexed_array(ground, equation, layout, axes)
    return result if ground.prime is None else np.asarray(result % ground.prime, dtype=object)


def _lifted(name: str, a: Array, prime: int | None) -> Array:
    if prime is not None:
        return _residues(name, a, prime)
    match a.dtype.kind:
        case "i" | "u" | "b":
            return a.astype(np.int64)
        case "f":
            return a.astype(np.float64)
        case "O":
            return a
    raise SpecError(f"{name} holds {a.dtype}; integers, Fractions or floats are wanted")


def _residues(name: str, a: Array, prime: int) -> Array:
    def residue(value: object) -> int:
        if not isinstance(value, int | Fraction):
            raise SpecError(f"{name} holds {value!r}; integers or Fractions are wanted modulo {prime}")
        return value.numerator * pow(value.denominator, -1, prime) % prime

    return np.asarray(np.frompyfunc(residue, 1, 1)(a.astype(object)), dtype=object)


def _forward(op: Operator, arrays: Mapping[str, Array], prime: int | None) -> Array:
    """The output itself: exact for integers and Fractions."""
    lift = np.frompyfunc(Fraction, 1, 1)
    exact = all(arrays[t.name].dtype.kind != "f" for t in op.inputs)
    real = {t.name for t in op.inputs if t.dtype == "real"}
    given = {n: np.asarray(lift(arrays[n]), dtype=object) if exact and n in real else arrays[n] for n in op.tensors}
    result = reference.evaluate(op, given)
    return result if prime is None else _residues(op.output.name, result, prime)


def _array(ground: Ground, node: Node) -> Array:
    result = plain(ground, node)
    return result if ground.prime is None else np.asarray(result % ground.prime, dtype=object)


def plain(ground: Ground, node: Node) -> Array:
    """The array an expression denotes, before it is reduced modulo a prime."""
    match node:
        case Name(name) if name in ground.arrays:
            return ground.arrays[name]
        case Binary():
            return _binary(ground, node)
        case Sliced():
            return _picked(ground, node)
        case Call():
            return called(ground, node)
        case Number() | Text() | Tuple():
            raise ground.error(node.at, f"{show(node)} stands where an array is wanted")
        case Each():
            return _listed(ground, node)
        case Reduction():
            raise ground.error(node.at, f"{show(node)}: the side is indexed too, as in gx[n,c,u] = ...")
    names = ", ".join(name for name, one in ground.arrays.items() if name != "pi" or one.ndim)
    raise ground.error(node.at, f"{show(node)} is no array of this operator; its arrays are {names}")


def _binary(ground: Ground, node: Binary) -> Array:
    left, right = is_number(ground, node.left), is_number(ground, node.right)
    match node.op:
        case "*" if right and not left:
            return scaled(ground, _array(ground, node.left), amount(ground, node.right))
        case "/" if right and not left:
            a, divisor = _array(ground, node.left), amount(ground, node.right)
            if divisor == 0:
                if is_fixed(ground, node.right):
                    raise ground.error(node.at, f"{show(node)} divides by zero")
                raise Misfit(f"{show(node)} divides by zero")
            return scaled(ground, a, 1 / divisor)
        case "*" if left and not right:
            return scaled(ground, _array(ground, node.right), amount(ground, node.left))
        case "-" if node.left == Number(Fraction(0)) and not right:
            return scaled(ground, _array(ground, node.right), Fraction(-1))
        case "+" | "-" | "*" if not (left and right):
            return _elementwise(node, _operand(ground, node.left), _operand(ground, node.right))
        case "/" if not right:
            given = (_operand(ground, node.left), _array(ground, node.right))
            return _pointwise(ground, "div", given, node)
        case "**" if right and not left:
            base = _array(ground, node.left)
            return pointwise(ground, "pow", (base, _exact(amount(ground, node.right))), node)
        case op if op in COMPARISONS and not (left and right):
            given = (_operand(ground, node.left), _operand(ground, node.right))
            return _pointwise(ground, COMPARISONS[op], given, node)
        case "@" if not left and not right:
            a, b = _array(ground, node.left), _array(ground, node.right)
            if reason := no_matrices(node, a.ndim, b.ndim):
                raise ground.error(node.at, f"{show(node)}: {reason}")
            return multiplied(a, b)
    kinds = ["a number" if number else "an array" for number in (left, right)]
    raise ground.error(node.at, f"{show(node)}: '{node.op}' does not join {kinds[0]} and {kinds[1]}")


def _listed(ground: Ground, node: Each) -> Array:
    """The arrays for each number, along a new first axis."""
    if node.where:
        raise ground.error(node.at, f"{show(node)}: a condition is read where the side is indexed, as in gx[n,c] = ...")
    numbers = range(*(whole(ground, one) for one in (node.start, node.stop, node.step)))
    found = [_array(_with_number(ground, node.name, number), node.body) for number in numbers]
    if not found:
        # The sum of none is 0.
        return np.zeros(0, dtype=object)
    if len({one.shape for one in found}) > 1:
        raise Misfit(f"{show(node)}: arrays of {shown(found[0].shape)} and of {shown(found[-1].shape)}")
    return np.stack(found)


def _with_number(ground: Ground, name: str, number: int) -> Ground:
    arrays = {other: one for other, one in ground.arrays.items() if other != name}
    vectors = {other: one for other, one in ground.vectors.items() if other != name}
    fixed = ground.fixed - {name}
    return replace(ground, arrays=arrays, vectors=vectors, sizes={**ground.sizes, name: number}, fixed=fixed)


def _exact(number: Fraction) -> Array:
    return np.asarray(int(number) if number.denominator == 1 else number, dtype=object)


def _pointwise(ground: Ground, name: str, given: tuple[Array, Array], node: Binary) -> Array:
    binary_shapes(show(node), *given)
    return pointwise(ground, name, given, node)


def _operand(ground: Ground, node: Node) -> Array:
    if not is_number(ground, node):
        return _array(ground, node)
    return scaled(ground, np.asarray(1, dtype=object), amount(ground, node))


def binary_shapes(sentence: str, a: Array, b: Array) -> None:
    """Raises Misfit where two arrays cannot be broadcast."""
    if any(n != m and 1 not in {n, m} for n, m in zip(reversed(a.shape), reversed(b.shape), strict=False)):
        raise Misfit(f"{sentence}: {shown(a.shape)} against {shown(b.shape)}")


def _elementwise(node: Binary, a: Array, b: Array) -> Array:
    binary_shapes(show(node), a, b)
    if {a.dtype.kind, b.dtype.kind} == {"f", "O"}:
        # A number beside an array of floats is one of them: else NumPy makes objects of all.
        a, b = a.astype(np.float64), b.astype(np.float64)
    return np.asarray(a + b if node.op == "+" else a - b if node.op == "-" else a * b)


def _picked(ground: Ground, node: Sliced) -> Array:
    a = _array(ground, node.value)
    count = sum(not (isinstance(item, Pick) and item.kind in {"...", "new"}) for item in node.items)
    dots = sum(isinstance(item, Pick) and item.kind == "..." for item in node.items)
    if dots > 1 or count > a.ndim:
        raise ground.error(node.at, f"the subscript has {count} entries; the array has {a.ndim} axes")
    index: list[slice | int | None] = []
    axis = 0
    for item in node.items if dots else (*node.items, Pick("...")):
        match item:
            case Pick("...", _):
                index += [slice(None)] * (a.ndim - count)
                axis += a.ndim - count
            case Pick("new", _):
                index.append(None)
            case Pick(_, value) if value is not None:
                index.append(_position(ground, value, a, axis))
                axis += 1
            case Span():
                index.append(_span(ground, item, node))
                axis += 1
    return np.asarray(a[tuple(index)], dtype=a.dtype)


def _position(ground: Ground, node: Node, a: Array, axis: int) -> int:
    position, length = whole(ground, node), a.shape[axis]
    if not -length <= position < length:
        raise Misfit(f"there is no element {position} on axis {axis} of {shown(a.shape)}")
    return position


def _span(ground: Ground, span: Span, node: Node) -> slice:
    start, stop, step = (None if e is None else whole(ground, e) for e in (span.start, span.stop, span.step))
    if span.step is None or step is None:
        return slice(start, stop)
    if not is_fixed(ground, span.step) or not (step > 0 or (step == -1 and start is None and stop is None)):
        raise ground.error(node.at, "the step of a slice is a positive integer, or ::-1")
    return slice(start, stop, step)
