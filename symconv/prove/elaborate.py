"""From the syntax of a claim to what it denotes, in one branch of sizes."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from symconv.notation.affine import Affine, affine, maximum, quotient
from symconv.prove import arrays, windows
from symconv.prove.amounts import amount, as_form, as_integer, as_product, per_axis
from symconv.prove.scope import Scope, Undecided
from symconv.prove.syntax import Binary, Call, Name, Node, Number, Pick, Sliced, Span, Text, Tuple, show
from symconv.prove.value import Pair, Value
from symconv.prove.vocabulary import FUNCTIONS, OPTIONS_OF, canonical, rank_of
from symconv.prove.windows import Slide

__all__ = ["denotation", "is_number"]

_ZERO, _ONE, _MINUS_ONE = Number(Fraction(0)), Number(Fraction(1)), Number(Fraction(-1))


def denotation(scope: Scope, node: Node) -> Value:
    """The array an expression denotes for the sizes of the branch.

    Raises SpecError where the claim is unusable, Mismatch where its shapes never fit, Fork where the branch has to be
    split, Undecided where the method ends.
    """
    scope.size_of = lambda array, which: _size(scope, array, which)
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
        case Binary(_, left, right):
            return is_number(scope, left) and is_number(scope, right)
    return False


def _size(scope: Scope, array: Node, which: Node) -> Affine:
    value = _array(scope, array)
    return arrays.length(scope, value, _axis_number(scope, which, value.rank))


def _array(scope: Scope, node: Node) -> Value:
    match node:
        case Name(name) if name in scope.names.tensors:
            return scope.names.tensors[name]
        case Binary():
            return _binary(scope, node)
        case Sliced(inner, items):
            return _subscript(scope, _array(scope, inner), items, node)
        case Call():
            return _call(scope, node)
        case Number() | Text() | Tuple():
            raise scope.error(node.at, f"{show(node)} stands where an array is wanted")
    names = ", ".join(scope.names.tensors)
    raise scope.error(node.at, f"{show(node)} is no array of this operator; its arrays are {names}")


def _binary(scope: Scope, node: Binary) -> Value:
    left, right = is_number(scope, node.left), is_number(scope, node.right)
    match node.op:
        case "*" | "/" if right and not left:
            factor = as_product(amount(scope, node.right))
            if node.op == "/":
                if factor.coefficient == 0:
                    raise scope.error(node.at, f"{show(node)} divides by zero")
                factor = factor.inverse()
            return arrays.multiply(_array(scope, node.left), factor)
        case "*" if left and not right:
            return arrays.multiply(_array(scope, node.right), as_product(amount(scope, node.left)))
        case "-" if left and node.left == _ZERO:
            return arrays.multiply(_array(scope, node.right), as_product(affine(-1)))
        case "+" | "-" | "*" if not left and not right:
            a, b = _array(scope, node.left), _array(scope, node.right)
            return arrays.elementwise(scope, node.op, a, b, f"{show(node.left)} {node.op} {show(node.right)}")
        case "@" if not left and not right:
            return _matmul(scope, _array(scope, node.left), _array(scope, node.right), node)
    raise scope.error(node.at, f"{show(node)}: '{node.op}' does not join {'a number' if left else 'an array'} and "
                      f"{'a number' if right else 'an array'}")  # fmt: skip


def _matmul(scope: Scope, a: Value, b: Value, node: Node) -> Value:
    if a.rank < 2 or b.rank < 2:
        raise scope.error(node.at, f"{show(node)}: matmul wants arrays of 2 or more axes")
    lead = max(a.rank, b.rank) - 2
    for value in (a, b):
        if value.rank not in {2, lead + 2}:
            raise Undecided(f"{show(node)}: this broadcast of matmul")
    letters = "abcdefghijklmn"[:lead]
    first = (letters if a.rank > 2 else "") + "xy"
    second = (letters if b.rank > 2 else "") + "yz"
    if a.rank > 2 and b.rank > 2 and a.rank != b.rank:
        raise Undecided(f"{show(node)}: this broadcast of matmul")
    return arrays.einsum(scope, (first, second), letters + "xz", (a, b), show(node))


def _subscript(scope: Scope, value: Value, items: Sequence[Span | Pick], node: Node) -> Value:
    count = sum(not (isinstance(item, Pick) and item.kind in {"...", "new"}) for item in items)
    dots = sum(isinstance(item, Pick) and item.kind == "..." for item in items)
    if dots > 1 or count > value.rank:
        raise scope.error(node.at, f"the subscript has {count} entries; the array has {value.rank} axes")
    rest = [Span()] * (value.rank - count)
    full: list[Span | Pick] = []
    for item in items if dots else (*items, Pick("...")):
        full += rest if isinstance(item, Pick) and item.kind == "..." else [item]
    plan: list[tuple[int, tuple[Affine | None, Affine | None, int]] | Affine | None] = []
    for at, item in enumerate(full):
        match item:
            case Pick("new", _):
                plan.append(None)
            case Pick(_, index) if index is not None:
                plan.append(as_form(scope, amount(scope, index), index))
            case Span(start, stop, step):
                plan.append((at, _span(scope, start, stop, step, node)))
    return arrays.picked(scope, value, plan)


def _span(
    scope: Scope, start: Node | None, stop: Node | None, step: Node | None, node: Node
) -> tuple[Affine | None, Affine | None, int]:
    low, high = (None if e is None else as_form(scope, amount(scope, e), e) for e in (start, stop))
    if step is None:
        return low, high, 1
    value = as_integer(scope, amount(scope, step), step, "the step of a slice", -1)
    if value == 0 or (value < 0 and not (value == -1 and low is None and high is None)):
        raise scope.error(node.at, "the step of a slice is a positive integer, or ::-1")
    return low, high, value


def _axis_number(scope: Scope, node: Node, rank: int) -> int:
    number = as_integer(scope, amount(scope, node), node, "the number of an axis", -rank)
    if number >= rank:
        raise scope.error(node.at, f"there is no axis {number}; the array has {rank} axes")
    return number % rank


def _axes(scope: Scope, node: Node, rank: int) -> tuple[int, ...]:
    items = node.items if isinstance(node, Tuple) else (node,)
    found = tuple(_axis_number(scope, item, rank) for item in items)
    if len(set(found)) != len(found):
        raise scope.error(node.at, f"{show(node)} names an axis twice")
    return found


def _spatial(scope: Scope, value: Value, node: Node, where: Node) -> tuple[int, ...]:
    """The axes that flip, pad, crop and dilate mean when none are named."""
    if scope.names.layout == "NHWC" and value.rank > 2:
        rank = scope.names.rank
        if isinstance(node, Name) and value.rank == rank + 2:
            return tuple(range(rank)) if node.name in scope.names.filters else tuple(range(1, rank + 1))
        raise scope.error(where.at, f"{show(where)}: name the axes, the layout of {show(node)} is not known")
    return tuple(range(2, value.rank)) if value.rank > 2 else tuple(range(value.rank))


def _call(scope: Scope, call: Call) -> Value:
    word = canonical(call.function)
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
            return _convolution(scope, word, call, named)
        case "convolve" | "correlate":
            return _scipy(scope, word, call, named)
        case "unfold" | "fold":
            return _columns(scope, word, call, named)
        case "einsum":
            return _einsum(scope, call)
        case "matmul":
            return _matmul(scope, _array(scope, arguments[0]), _array(scope, arguments[1]), call)
        case "sum" | "mean":
            return _reduction(scope, word, call, named)
    return _movement(scope, word, call, named)


def _reduction(scope: Scope, word: str, call: Call, named: dict[str, Node]) -> Value:
    value = _array(scope, call.arguments[0])
    axes = call.arguments[1] if len(call.arguments) > 1 else named.get("axes")
    keep = named.get("keepdims", Name("False"))
    if not (isinstance(keep, Name) and keep.name in {"True", "False"}) and keep not in {_ZERO, _ONE}:
        raise scope.error(call.at, "keepdims is True or False")
    kept = keep in {Name("True"), _ONE}
    over = tuple(range(value.rank)) if axes is None else _axes(scope, axes, value.rank)
    return arrays.summed(scope, value, over, kept, word == "mean")


def _movement(scope: Scope, word: str, call: Call, named: dict[str, Node]) -> Value:
    first, *rest = call.arguments
    value = _array(scope, first)
    match word:
        case "flip" | "rot180":
            axes = rest[0] if rest else named.get("axes")
            chosen = _spatial(scope, value, first, call) if axes is None else _axes(scope, axes, value.rank)
            return arrays.flipped(scope, value, chosen)
        case "swap":
            return _swapped(scope, value, rest)
        case "transpose" | "permute":
            return _permuted(scope, word, value, rest, call)
        case "pad" | "crop":
            return _padded(scope, word, value, call)
        case "dilate":
            axes_ = _spatial(scope, value, first, call)
            steps = per_axis(scope, rest[0], len(axes_))
            chosen_ = {k: as_integer(scope, step, rest[0], "a dilation") for k, step in zip(axes_, steps, strict=True)}
            return arrays.dilated(scope, value, chosen_)
        case "reshape":
            return _reshape(scope, value, rest, call)
    raise scope.error(call.at, f"{call.function} stands where an array is wanted")


def _swapped(scope: Scope, value: Value, pair: Sequence[Node]) -> Value:
    a, b = (_axis_number(scope, node, value.rank) for node in pair)
    order = list(range(value.rank))
    order[a], order[b] = b, a
    return arrays.permuted(value, order)


def _permuted(scope: Scope, word: str, value: Value, rest: Sequence[Node], call: Call) -> Value:
    if not rest:
        return arrays.permuted(value, tuple(reversed(range(value.rank))))
    if word == "transpose" and len(rest) == 2 and value.rank != 2:
        return _swapped(scope, value, rest)
    order = _axes(scope, rest[0] if len(rest) == 1 else Tuple(tuple(rest), call.at), value.rank)
    if len(order) != value.rank:
        raise scope.error(call.at, f"{show(call)} names {len(order)} axes; the array has {value.rank}")
    return arrays.permuted(value, order)


def _padded(scope: Scope, word: str, value: Value, call: Call) -> Value:
    first, lo, *more = call.arguments
    axes = _spatial(scope, value, first, call) if not _numpy_pads(lo, value.rank) else tuple(range(value.rank))
    count = len(axes)
    flat = isinstance(lo, Tuple) and not more and len(lo.items) == 2 * count and not any(
        isinstance(item, Tuple) for item in lo.items
    )  # fmt: skip
    if flat and isinstance(lo, Tuple):
        pairs = tuple(Tuple(lo.items[2 * k : 2 * k + 2], lo.at) for k in reversed(range(count)))
        lo = Tuple(pairs, lo.at)
    lows = per_axis(scope, lo, count)
    highs = per_axis(scope, more[0], count) if more else lows
    sign = 1 if word == "pad" else -1
    pads = {}
    for k, low, high in zip(axes, lows, highs, strict=True):
        a = low.lo if isinstance(low, Pair) else low
        b = high.hi if isinstance(high, Pair) else high
        pads[k] = (as_form(scope, a, lo) * sign, as_form(scope, b, lo) * sign)
    return arrays.padded(scope, value, pads)


def _numpy_pads(lo: Node, rank: int) -> bool:
    return isinstance(lo, Tuple) and len(lo.items) == rank > 2 and all(isinstance(item, Tuple) for item in lo.items)


def _reshape(scope: Scope, value: Value, rest: Sequence[Node], call: Call) -> Value:
    items = rest[0].items if len(rest) == 1 and isinstance(rest[0], Tuple) else tuple(rest)
    targets: list[tuple[Affine, ...] | None] = []
    for item in items:
        if item == _MINUS_ONE:
            targets.append(None)
        else:
            targets.append(_length(scope, item))
    if targets.count(None) > 1:
        raise scope.error(call.at, "only one length can be -1")
    if None in targets:
        sizes = [size for one in value.axes for size in one.sizes]
        at = targets.index(None)
        targets[at] = _remaining(scope, sizes, [t for t in targets if t is not None], call)
    return arrays.reshaped(scope, value, [t for t in targets if t is not None], show(call))


def _length(scope: Scope, node: Node) -> tuple[Affine, ...]:
    number = as_product(amount(scope, node))
    if number.coefficient.denominator != 1 or any(power < 0 for _, power in number.monomial):
        raise scope.error(node.at, f"{show(node)} is no whole number of elements")
    forms = tuple(form for form, power in number.monomial for _ in range(power))
    if len(forms) == 1:
        return (forms[0] * int(number.coefficient),)
    return forms if number.coefficient == 1 else (affine(int(number.coefficient)), *forms)


def _remaining(
    scope: Scope, sizes: Sequence[Affine], targets: Sequence[tuple[Affine, ...]], call: Call
) -> tuple[Affine, ...]:
    total = as_product(affine(1))
    for size in sizes:
        total = total * as_product(size)
    for size in (size for target in targets for size in target):
        total = total * as_product(size).inverse()
    if total.coefficient.denominator == 1 and all(power > 0 for _, power in total.monomial):
        forms = tuple(form for form, power in total.monomial for _ in range(power))
        return forms if total.coefficient == 1 else (affine(int(total.coefficient)), *forms)
    raise Undecided(f"{show(call)}: the length -1 stands for is not a product of sizes")


def _einsum(scope: Scope, call: Call) -> Value:
    equation = call.arguments[0]
    if not isinstance(equation, Text):
        raise scope.error(call.at, f"einsum is used as {FUNCTIONS['einsum'].usage}")
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
    return arrays.einsum(scope, inputs, output, values, show(call))


def _scipy(scope: Scope, word: str, call: Call, named: dict[str, Node]) -> Value:
    a, b = (_array(scope, node) for node in call.arguments[:2])
    mode = call.arguments[2] if len(call.arguments) > 2 else named.get("mode", Text("full"))
    if not isinstance(mode, Text) or mode.value not in {"full", "same", "valid"}:
        raise scope.error(mode.at, 'the mode is "full", "same" or "valid"')
    if a.rank != b.rank:
        raise scope.error(call.at, f"{word} wants arrays of equal rank; given {a.rank} and {b.rank} axes")
    if word == "convolve":
        b = arrays.flipped(scope, b, range(b.rank))
    return windows.convolved(scope, a, b, mode.value)


def _convolution(scope: Scope, word: str, call: Call, named: dict[str, Node]) -> Value:
    a, k = (_array(scope, node) for node in call.arguments)
    layout = named.get("layout", Text(scope.names.layout))
    if not isinstance(layout, Text) or layout.value not in {"NCHW", "NHWC"}:
        raise scope.error(call.at, 'the layout is "NCHW" or "NHWC"')
    stated = rank_of(call.function)
    rank = scope.names.rank if stated is None else stated
    flat = (a.rank, k.rank) == (rank, rank)
    if not flat and (a.rank, k.rank) != (rank + 2, rank + 2):
        raise scope.error(call.at, f"{show(call)}: arrays of {rank + 2} axes are wanted; given {a.rank} and {k.rank}")
    order = layout.value
    if flat:
        a, k, order = windows.plane(a), windows.plane(k), "NCHW"
    kernel = k.axes[:-2] if order == "NHWC" else k.axes[2:]
    sizes = a.axes[1:-1] if order == "NHWC" else a.axes[2:]
    slides = slides_of(scope, named, call, [x.size for x in sizes], [x.size for x in kernel], word == "conv_transpose")
    node = named.get("groups", _ONE)
    groups = as_integer(scope, amount(scope, node), node, "groups")
    slide = windows.correlated if word == "conv" else windows.transposed
    value = slide(scope, a, k, slides, groups, order)
    return Value(value.axes[2:], value.names[2:], value.terms) if flat else value


def slides_of(
    scope: Scope,
    named: dict[str, Node],
    call: Call,
    sizes: Sequence[Affine | None],
    kernel: Sequence[Affine | None],
    transposed: bool = False,
) -> list[Slide]:
    """How the window slides along each axis, from the options of a call."""
    rank = len(sizes)
    strides, dilations = (
        [as_integer(scope, v, named.get(key, _ONE), key) for v in per_axis(scope, named.get(key, _ONE), rank)]
        for key in ("stride", "dilation")
    )
    if any(size is None for size in (*sizes, *kernel)):
        raise Undecided(f"{show(call)}: a window slides along a product of sizes")
    pads = _pads(scope, named.get("padding"), call, strides, dilations, [n for n in sizes if n is not None],
                 [t for t in kernel if t is not None], transposed)  # fmt: skip
    extra = named.get("output_padding", _ZERO)
    output = [as_form(scope, v, extra) for v in per_axis(scope, extra, rank)]
    return [Slide(s, d, lo, hi, more) for s, d, (lo, hi), more in zip(strides, dilations, pads, output, strict=True)]


def _pads(
    scope: Scope,
    node: Node | None,
    call: Call,
    strides: Sequence[int],
    dilations: Sequence[int],
    sizes: Sequence[Affine],
    kernel: Sequence[Affine],
    transposed: bool,
) -> list[tuple[Affine, Affine]]:
    if node is None or (isinstance(node, Text) and node.value.lower() == "valid"):
        return [(affine(0), affine(0))] * len(sizes)
    if isinstance(node, Text):
        word = node.value.lower()
        if transposed or word not in {"full", "same"}:
            words = '"valid"' if transposed else '"valid", "same" or "full"'
            raise scope.error(node.at, f"padding is {words} or numbers; given {node.value!r}")
        if word == "full":
            return [((t - 1) * d, (t - 1) * d) for t, d in zip(kernel, dilations, strict=True)]
        return [_same(scope, *axis) for axis in zip(sizes, kernel, strides, dilations, strict=True)]
    pads = []
    for value in per_axis(scope, node, len(sizes)):
        lo, hi = (value.lo, value.hi) if isinstance(value, Pair) else (value, value)
        pads.append((as_form(scope, lo, node), as_form(scope, hi, node)))
    return pads


def _same(scope: Scope, size: Affine, kernel: Affine, stride: int, dilation: int) -> tuple[Affine, Affine]:
    total = maximum(quotient(size - 1, stride) * stride + (kernel - 1) * dilation + 1 - size, affine(0))
    lo = quotient(total, 2)
    return lo, total - lo


def _columns(scope: Scope, word: str, call: Call, named: dict[str, Node]) -> Value:
    value = _array(scope, call.arguments[0])
    rank = scope.names.rank
    wanted = rank + 2 if word == "unfold" else 3
    if value.rank != wanted:
        raise scope.error(call.at, f"{word} wants an array of {wanted} axes; given {value.rank}")
    lists = [[as_form(scope, v, node) for v in per_axis(scope, node, rank)] for node in call.arguments[1:]]
    if word == "unfold":
        slides = slides_of(scope, named, call, [x.size for x in value.axes[2:]], lists[0])
        return windows.unfolded(scope, value, lists[0], slides)
    slides = slides_of(scope, named, call, lists[0], lists[1])
    return windows.folded(scope, value, lists[0], lists[1], slides)
