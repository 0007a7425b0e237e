"""A claim on concrete arrays, by brute force: the judge of counterexamples, sharing only the grammar with the proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np

from symconv.errors import SpecError
from symconv.notation.operator import Operator
from symconv.prove.concrete import Misfit, Numbers, whole
from symconv.prove.sliding import correlated, dilated, extents, padded, scattered, transposed, window
from symconv.prove.syntax import Binary, Call, Claim, Name, Node, Number, Pick, Sliced, Span, Text, Tuple, show
from symconv.prove.vocabulary import OPTIONS_OF, canonical, rank_of

__all__ = ["Misfit", "evaluate"]

Array = np.ndarray[Any, Any]
_ONE, _ZERO = Number(Fraction(1)), Number(Fraction(0))


def evaluate(claim: Claim, op: Operator, arrays: Mapping[str, Array], prime: int | None = None) -> Array:
    """The body of ``claim`` on arrays that hold every tensor of ``op`` and its cotangent.

    Integers (int64 or object) stay exact; a division makes Fractions, or inverses modulo ``prime`` where one is given
    and every element is reduced by it. Raises Misfit where shapes do not fit, SpecError where the claim is unusable.

    >>> import symconv as sc
    >>> from symconv.prove.parse import parse_claim
    >>> x, w, gy = np.array([[[1, 2, 3]]]), np.array([[[10, 1]]]), np.array([[[1, 1]]])
    >>> evaluate(parse_claim("gx = conv_transpose(gy, w)"), sc.conv1d(), {"x": x, "w": w, "gy": gy}).tolist()
    [[[10, 11, 1]]]
    """
    sizes = op.sizes(**{t.name: arrays[t.name].shape for t in op.inputs})
    result = _Evaluation(op, arrays, sizes, prime).array(claim.body)
    return result if prime is None else result % prime


class _Evaluation:
    def __init__(self, op: Operator, arrays: Mapping[str, Array], sizes: Mapping[str, int], prime: int | None) -> None:
        self.arrays, self.prime = arrays, prime
        self.numbers = Numbers.of(op, sizes, lambda node, at: self.array(node).shape[at])
        spatial = {w.size for w in op.windows}
        last = op.inputs[0].axes[-1] if op.inputs else ()
        self.layout = "NHWC" if op.windows and not any(s.names() & spatial for s in last) else "NCHW"
        kernels = {w.kernel for w in op.windows}
        self.filters = {t.name for t in op.inputs if len(t.axes[0]) == 1 and str(t.axes[0][0]) in kernels}

    def is_number(self, node: Node) -> bool:
        match node:
            case Number() | Call("size", _):
                return True
            case Name(name):
                return name not in self.arrays
            case Binary(_, left, right):
                return self.is_number(left) and self.is_number(right)
        return False

    def array(self, node: Node) -> Array:
        match node:
            case Name(name) if name in self.arrays:
                return self.arrays[name]
            case Binary():
                return self.binary(node)
            case Sliced(inner, items):
                return self.subscript(self.array(inner), items)
            case Call():
                return self.call(node)
        raise SpecError(f"{show(node)} is no array of this claim")

    def scaled(self, array: Array, number: Fraction) -> Array:
        if number.denominator == 1:
            return array * int(number)
        if self.prime is not None:
            return array * (number.numerator * pow(number.denominator, -1, self.prime)) % self.prime
        return np.asarray(array.astype(object) * number)

    def binary(self, node: Binary) -> Array:
        left, right = self.is_number(node.left), self.is_number(node.right)
        if right and node.op in "*/":
            number = self.numbers.one(node.right)
            if node.op == "/" and number == 0:
                raise SpecError(f"{show(node)} divides by zero")
            return self.scaled(self.array(node.left), number if node.op == "*" else 1 / number)
        if left and node.op == "*":
            return self.scaled(self.array(node.right), self.numbers.one(node.left))
        if left and node.op == "-" and node.left == _ZERO:
            return -self.array(node.right)
        if left or right:
            raise SpecError(f"{show(node)}: '{node.op}' does not join a number and an array")
        a, b = self.array(node.left), self.array(node.right)
        try:
            match node.op:
                case "+":
                    return np.asarray(a + b)
                case "-":
                    return np.asarray(a - b)
                case "*":
                    return np.asarray(a * b)
                case "@":
                    return np.asarray(a @ b)
        except ValueError as error:
            raise Misfit(f"{show(node)}: {a.shape} against {b.shape}") from error
        raise SpecError(f"{show(node)}: '{node.op}' does not join arrays")

    def subscript(self, array: Array, items: Sequence[Span | Pick]) -> Array:
        index: list[Any] = []
        for item in items:
            match item:
                case Pick("..."):
                    index.append(...)
                case Pick("new"):
                    index.append(None)
                case Pick(_, value) if value is not None:
                    index.append(self.numbers.integer(value))
                case Span(start, stop, step):
                    index.append(slice(*(None if e is None else self.numbers.integer(e) for e in (start, stop, step))))
        try:
            return np.asarray(array[tuple(index)])
        except IndexError as error:
            raise Misfit(str(error)) from error

    def call(self, call: Call) -> Array:
        word = canonical(call.function)
        named = {OPTIONS_OF.get(key, key): node for key, node in call.named}
        match word:
            case "conv" | "conv_transpose":
                return self.convolution(word, call, named)
            case "convolve" | "correlate":
                return self.scipy(word, call, named)
            case "unfold" | "fold":
                return self.columns(word, call, named)
            case "einsum":
                return self.einsum(call)
            case "matmul":
                return self.binary(Binary("@", call.arguments[0], call.arguments[1]))
        return self.moved(word, call, named, self.array(call.arguments[0]), call.arguments[1:])

    def moved(self, word: str, call: Call, named: Mapping[str, Node], value: Array, rest: Sequence[Node]) -> Array:
        match word:
            case "flip" | "rot180":
                axes = rest[0] if rest else named.get("axes")
                chosen = self.spatial(value, call.arguments[0]) if axes is None else self.axes(axes)
                return np.flip(value, chosen)
            case "swap":
                return np.swapaxes(value, *(self.numbers.integer(node) for node in rest))
            case "transpose" if len(rest) == 2 and value.ndim != 2:
                return np.swapaxes(value, *(self.numbers.integer(node) for node in rest))
            case "transpose" | "permute":
                order = self.axes(rest[0] if len(rest) == 1 else Tuple(tuple(rest))) if rest else None
                return np.transpose(value, order)
            case "sum" | "mean":
                return self.reduction(word, value, rest[0] if rest else named.get("axes"), named)
            case "reshape":
                items = rest[0].items if len(rest) == 1 and isinstance(rest[0], Tuple) else rest
                shape = [self.numbers.integer(item) for item in items]
                try:
                    return np.asarray(value.reshape(shape))
                except ValueError as error:
                    raise Misfit(f"{show(call)}: {value.shape} is not {tuple(shape)}") from error
            case "dilate":
                axes_ = self.spatial(value, call.arguments[0])
                steps = [whole(v, rest[0]) for v in self.numbers.several(rest[0], len(axes_))]
                return dilated(value, dict(zip(axes_, steps, strict=True)))
        return self.padded(word, value, call)

    def spatial(self, value: Array, node: Node) -> tuple[int, ...]:
        rank = self.numbers.rank
        if self.layout == "NHWC" and value.ndim > 2:
            if not (isinstance(node, Name) and value.ndim == rank + 2):
                raise SpecError(f"{show(node)}: name the axes")
            return tuple(range(rank)) if node.name in self.filters else tuple(range(1, rank + 1))
        return tuple(range(2, value.ndim)) if value.ndim > 2 else tuple(range(value.ndim))

    def axes(self, node: Node) -> tuple[int, ...]:
        return tuple(self.numbers.integer(item) for item in (node.items if isinstance(node, Tuple) else (node,)))

    def reduction(self, word: str, value: Array, axes: Node | None, named: Mapping[str, Node]) -> Array:
        over = tuple(range(value.ndim)) if axes is None else self.axes(axes)
        keep = named.get("keepdims") in (Name("True"), _ONE)
        total = np.asarray(value.sum(axis=over, keepdims=keep))
        if word == "sum":
            return total
        count = prod(value.shape[k] for k in over)
        if count == 0:
            raise Misfit("the mean of no elements")
        return self.scaled(total, Fraction(1, count))

    def padded(self, word: str, value: Array, call: Call) -> Array:
        first, lo, *more = call.arguments
        full = isinstance(lo, Tuple) and len(lo.items) == value.ndim > 2 and all(
            isinstance(item, Tuple) for item in lo.items
        )  # fmt: skip
        axes = tuple(range(value.ndim)) if full else self.spatial(value, first)
        if isinstance(lo, Tuple) and not more and len(lo.items) == 2 * len(axes) and not any(
            isinstance(item, Tuple) for item in lo.items
        ):  # fmt: skip
            lo = Tuple(tuple(Tuple(lo.items[2 * k : 2 * k + 2]) for k in reversed(range(len(axes)))))
        lows = self.numbers.several(lo, len(axes))
        highs = self.numbers.several(more[0], len(axes)) if more else lows
        sign = 1 if word == "pad" else -1
        for k, low, high in zip(axes, lows, highs, strict=True):
            a = whole(low[0] if isinstance(low, tuple) else low, lo)
            b = whole(high[1] if isinstance(high, tuple) else high, lo)
            value = padded(value, k, sign * a, sign * b)
        return value

    def einsum(self, call: Call) -> Array:
        equation, *operands = call.arguments
        assert isinstance(equation, Text)
        values = [self.array(node) for node in operands]
        left, arrow, output = equation.value.replace(" ", "").partition("->")
        inputs = left.split(",")
        extents: dict[str, int] = {}
        for letters, value in zip(inputs, values, strict=True):
            for letter, size in zip(letters, value.shape, strict=True):
                if extents.setdefault(letter, size) != size:
                    raise Misfit(f"einsum: {letter} is {extents[letter]} and {size}")
        if not arrow:
            output = "".join(sorted(x for x in extents if left.count(x) == 1))
        gone = [x for x in extents if x not in output]
        order = [*output, *gone]
        total: Array | None = None
        for letters, value in zip(inputs, values, strict=True):
            part = _diagonal(letters, value, order)
            total = part if total is None else total * part
        assert total is not None
        shape = tuple(extents[x] for x in order)
        whole_ = np.broadcast_to(total, shape)
        return np.asarray(whole_.sum(axis=tuple(range(len(output), len(order)))))

    def scipy(self, word: str, call: Call, named: Mapping[str, Node]) -> Array:
        a, b = (self.array(node) for node in call.arguments[:2])
        mode = call.arguments[2] if len(call.arguments) > 2 else named.get("mode", Text("full"))
        assert isinstance(mode, Text)
        b = np.flip(b) if word == "convolve" else b
        pads = []
        for m in b.shape:
            start = (m - 1) // 2
            pads.append({"valid": (0, 0), "full": (m - 1, m - 1), "same": (m - 1 - start, start)}[mode.value])
        if 0 in a.shape:
            raise Misfit("an empty array")
        ones = [1] * a.ndim
        plane: Array = correlated(a[None, None], b[None, None], ones, ones, pads, 1)[0, 0]
        return plane

    def options(
        self, named: Mapping[str, Node], sizes: Sequence[int], kernel: Sequence[int]
    ) -> tuple[list[int], list[int], list[tuple[int, int]]]:
        rank = len(sizes)
        strides, dilations = (
            [whole(v, named.get(key, _ONE)) for v in self.numbers.several(named.get(key, _ONE), rank)]
            for key in ("stride", "dilation")
        )
        node = named.get("padding", _ZERO)
        if not isinstance(node, Text):
            values = self.numbers.several(node, rank)
            pairs = [v if isinstance(v, tuple) else (v, v) for v in values]
            return strides, dilations, [(whole(lo, node), whole(hi, node)) for lo, hi in pairs]
        pads = []
        for n, k, s, d in zip(sizes, kernel, strides, dilations, strict=True):
            total = max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
            pads.append(
                {"valid": (0, 0), "full": (d * (k - 1), d * (k - 1)), "same": (total // 2, total - total // 2)}[
                    node.value.lower()
                ]
            )
        return strides, dilations, pads

    def convolution(self, word: str, call: Call, named: Mapping[str, Node]) -> Array:
        a, k = (self.array(node) for node in call.arguments)
        layout = named.get("layout", Text(self.layout))
        stated = rank_of(call.function)
        rank = self.numbers.rank if stated is None else stated
        flat = a.ndim == k.ndim == rank
        if not flat and not a.ndim == k.ndim == rank + 2:
            raise SpecError(f"{show(call)}: arrays of {rank + 2} axes are wanted")
        last = isinstance(layout, Text) and layout.value == "NHWC" and not flat
        if flat:
            a, k = a[None, None], k[None, None]
        if last:
            a = np.moveaxis(a, -1, 1)
            k = np.moveaxis(k, (-1, -2), (0, 1))
        strides, dilations, pads = self.options(named, a.shape[2:], k.shape[2:])
        groups = self.numbers.integer(named.get("groups", _ONE))
        if word == "conv":
            y = correlated(a, k, strides, dilations, pads, groups)
        else:
            extra = named.get("output_padding", _ZERO)
            output = [whole(v, extra) for v in self.numbers.several(extra, rank)]
            y = transposed(a, k, strides, dilations, pads, groups, output)
        y = np.moveaxis(y, 1, -1) if last else y
        return y[0, 0] if flat else y

    def columns(self, word: str, call: Call, named: Mapping[str, Node]) -> Array:
        value = self.array(call.arguments[0])
        rank = self.numbers.rank
        lists = [[whole(v, node) for v in self.numbers.several(node, rank)] for node in call.arguments[1:]]
        kernel = lists[-1]
        sizes = value.shape[2:] if word == "unfold" else tuple(lists[0])
        strides, dilations, pads = self.options(named, sizes, kernel)
        reach = extents(sizes, kernel, strides, dilations, pads)
        if word == "unfold":
            wide = value
            for axis, (lo, hi) in enumerate(pads):
                wide = padded(wide, axis + 2, lo, hi)
            every: tuple[Any, ...] = (...,)
            taps = [wide[(*every, *window(tap, reach, strides, dilations))] for tap in np.ndindex(*kernel)]
            stacked = np.stack(taps, axis=2)
            rows: Array = np.asarray(stacked).reshape(value.shape[0], value.shape[1] * prod(kernel), prod(reach))
            return rows
        if value.shape[1] % prod(kernel) or value.shape[2] != prod(reach):
            raise Misfit(f"{show(call)}: columns {value.shape} for windows {kernel} at {reach}")
        parts = value.reshape(value.shape[0], -1, prod(kernel), *reach)
        return scattered(
            [(tap, parts[:, :, at]) for at, tap in enumerate(np.ndindex(*kernel))], sizes, strides, dilations, pads
        )


def _diagonal(letters: str, value: Array, order: Sequence[str]) -> Array:
    """The operand with one axis per letter of ``order``, of length 1 where it has none."""
    names = list(letters)
    for letter in sorted(set(letters)):
        while names.count(letter) > 1:
            i = names.index(letter)
            j = names.index(letter, i + 1)
            value = np.diagonal(value, axis1=i, axis2=j)
            names = [x for k, x in enumerate(names) if k not in (i, j)] + [letter]
    value = value.transpose([names.index(x) for x in order if x in names])
    return value[tuple(slice(None) if x in names else None for x in order)]
