"""Calls as the libraries order their arguments, brought into the order and the words of the claim language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from symconv.prove.language.spoken import library_of
from symconv.prove.language.syntax import Binary, Call, Name, Node, Number, Pick, Sliced, Span, Text
from symconv.prove.language.syntax import Tuple as Several
from symconv.prove.language.tokens import Caret
from symconv.prove.language.vocabulary import OPTIONS_OF, canonical, rank_of

__all__ = ["arranged"]

_NONE = Name("None")
_SCIPY = ("in1", "in2", "mode", "boundary", "fillvalue")
_ORDERS: Mapping[str, tuple[str, ...]] = {
    "conv": ("input", "weight", "bias", "stride", "padding", "dilation", "groups"),
    "conv_transpose": ("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation"),
    "unfold": ("input", "kernel_size", "dilation", "padding", "stride"),
    "fold": ("input", "output_size", "kernel_size", "dilation", "padding", "stride"),
    "convolve": _SCIPY,
    "correlate": _SCIPY,
}
"""Positional arguments in the order of the library whose word it is: torch and SciPy."""
_OPERANDS = {"conv": 2, "conv_transpose": 2, "unfold": 2, "fold": 3, "convolve": 2, "correlate": 2}
_CALLED = {"filters": "weight", "kernel": "weight", "filter": "weight", "data_format": "layout",
           "window_strides": "stride", "feature_group_count": "groups"}  # fmt: skip
_TORCH = frozenset({"F", "functional", "nn.functional", "torch.nn.functional"})
_KINDS = frozenset({"dtype", "device"})
_ONLY: Mapping[str, tuple[Node, ...]] = {
    "boundary": (Text("fill"),),
    "fillvalue": (Number(Fraction(0)),),
    "method": (Text("auto"), Text("direct"), Text("fft")),
}
"""Arguments that mean what the claim language means anyway, and the values with which they do."""


def arranged(caret: Caret, path: str, call: Call) -> Node:
    """The same call in the claim language's own order; raises SpecError where an argument has no meaning there.

    ``path`` is what stands before the name: ``"F"``, ``"scipy.signal"``; a bias is added to the convolution.

    >>> from symconv.prove.language.syntax import show
    >>> arguments = (Name("x"), Name("w"), Name("None"), Number(Fraction(2)), Number(Fraction(1)))
    >>> show(arranged(Caret(""), "F", Call("conv2d", arguments)))
    'conv2d(x, w, stride=2, padding=1)'
    """
    word = canonical(call.function)
    own = _with_own_arguments(caret, path, word, call)
    if own is not None:
        return own
    if word not in _ORDERS or _of_tensor(path, call):
        return _others(word, call)
    operands, order = _OPERANDS[word], _ORDERS[word]
    if len(call.arguments) > len(order):
        raise caret.error(call.at, f"{call.function} takes at most {len(order)} arguments: {', '.join(order)}")
    stated = zip(order, call.arguments, strict=False)
    given = {key: value for key, value in stated if value != _NONE or key in order[:operands]}
    for key, value in call.named:
        name = _CALLED.get(key, key)
        name = OPTIONS_OF.get(name, name)
        if name in given:
            raise caret.error(call.at, f"{call.function}: {key} is given twice")
        given[name] = value
    bias = given.pop("bias", _NONE)
    for key, allowed in _ONLY.items():
        if given.pop(key, allowed[0]) not in allowed:
            raise caret.error(call.at, f"{call.function}: {key} is {' or '.join(map(str, allowed))} in a claim")
    if path in {"scipy.signal", "signal"} and word == "correlate":
        # SciPy's default is another than NumPy's.
        given.setdefault("mode", Text("full", call.at))
    if "mode" in given and len(call.arguments) > operands:
        operands += 1
    arguments = tuple(given.pop(name) for name in order[:operands] if name in given)
    result = Call(call.function, arguments, tuple(given.items()), call.at)
    if bias == _NONE:
        return result
    spatial = (Pick("new"),) * (rank_of(call.function) or 1)
    return Binary("+", result, Sliced(bias, (Pick("new"), Span(), *spatial), call.at), call.at)


def _others(word: str, call: Call) -> Node:
    """A call in whose arguments no order is changed; of what kind the numbers of a new array are is read over."""
    named = tuple(one for one in call.named if word not in {"zeros", "ones", "full"} or one[0] not in _KINDS)
    return replace(call, named=named, function="tensor_unfold" if word == "unfold" else call.function)


def _of_tensor(path: str, call: Call) -> bool:
    """Whether a call is ``x.unfold(dimension, size, step)``, the method."""
    named = {*dict(call.named)} & {"dimension", "axes", "size", "step"}
    return call.function == "unfold" and path == "method" and (len(call.arguments) > 2 or bool(named))


def _gradient(caret: Caret, path: str, word: str, call: Call) -> Node:
    """Torch's gradients: the two arrays first, then the shape and the options."""
    own = ("input_size", "weight") if word == "conv_input" else ("input", "weight_size")
    if not path and len(call.arguments) == 2 and any(key == own[word != "conv_input"] for key, _ in call.named):
        return call  # as a proof prints it
    order = (*own, "grad_output", "stride", "padding", "dilation", "groups")
    if len(call.arguments) > len(order):
        raise caret.error(call.at, f"{call.function} takes at most {len(order)} arguments: {', '.join(order)}")
    given = dict(zip(order, call.arguments, strict=False))
    for key, value in call.named:
        if key in given or key not in order:
            known = ", ".join(order)
            raise caret.error(call.at, f"{call.function}: {key} is given twice, or is none of {known}")
        given[key] = value
    if isinstance(given.get("padding"), Text):
        raise caret.error(call.at, f"{call.function}: padding is a number, or one per axis, in PyTorch")
    arrays = ("grad_output", "weight") if word == "conv_input" else ("input", "grad_output")
    if missing := [name for name in order[:3] if name not in given]:
        raise caret.error(call.at, f"{call.function}: {missing[0]} is wanted")
    rest = tuple((name, value) for name, value in given.items() if name not in arrays and value != _NONE)
    return Call(word, tuple(given[name] for name in arrays), rest, call.at)


def _padded(caret: Caret, path: str, call: Call) -> Node:
    """A pad as torch and NumPy write it: the mode third, a value beyond the border."""
    arguments, named = call.arguments, dict(call.named)
    if len(arguments) > 2 and isinstance(arguments[2], Text):
        named.setdefault("mode", arguments[2])
        if len(arguments) > 3:
            named.setdefault("value", arguments[3])
        arguments = arguments[:2]
    for old, new in (("pad", "widths"), ("pad_width", "widths"), ("paddings", "widths"), ("constant_values", "value")):
        if old in named:
            named[new] = named.pop(old)
    if "widths" in named:
        arguments = (*arguments, named.pop("widths"))
    if path in {"np", "numpy", "jnp", "jax.numpy", "cp"} and not isinstance(arguments[-1], Several):
        message = (
            f"{path}.pad pads every axis, batch and channels too; write a pair for each, as in ((0,0),(0,0),(1,1))"
        )
        raise caret.error(call.at, message)
    value = named.pop("value", _NONE)
    if named.get("mode") == Text("constant"):
        del named["mode"]
    if path in _TORCH and len(arguments) == 2 and isinstance(arguments[1], Several) and not any(
        isinstance(one, Several) for one in arguments[1].items
    ):  # fmt: skip
        if len(arguments[1].items) % 2:
            raise caret.error(call.at, f"{path}.pad takes two numbers for each axis, those of the last one first")
        named["flat"] = Name("True")
    options = tuple(named.items())
    if value in {_NONE, Number(Fraction(0))}:
        return Call(call.function, arguments, options, call.at)
    # Zeros around what is less by the value, and the value added.
    less = Binary("-", arguments[0], value, call.at)
    return Binary("+", Call(call.function, (less, *arguments[1:]), options, call.at), value, call.at)


def _with_own_arguments(caret: Caret, path: str, word: str, call: Call) -> Node | None:
    """A call of what libraries give arguments of their own kind."""
    match word:
        case "pad":
            return _padded(caret, path, call)
        case "flip" if len(call.arguments) > 2:
            return Call(call.function, (call.arguments[0], Several(call.arguments[1:], call.at)), call.named, call.at)
        case "conv_input" | "conv_weight":
            return _gradient(caret, path, word, call)
        case "var" | "std" if path == "torch" or (path == "method" and _says_torch(caret, call)):
            # Torch divides by N - 1 where nothing else is said.
            said = {"unbiased", "correction", "ddof"} & {*dict(call.named)}
            return call if said else call.with_option("correction", Number(Fraction(1), call.at))
        case "repeat" if path == "method" and not call.named:
            return _repeated(caret, call)
        case "einsum" if len(call.arguments) == 2 and isinstance(call.arguments[1], Several):
            # torch.einsum takes a list of operands, too.
            return arranged(caret, path, replace(call, arguments=(call.arguments[0], *call.arguments[1].items)))
        case "matmul" if call.named:
            return _turned(call)
        case "einsum" if path.partition(".")[0] in {"tf", "tensorflow"}:
            return replace(call, function="exact_einsum")
        case "tensordot" if path == "torch":
            return replace(call, function="torch_tensordot")
    return None


def _says_torch(caret: Caret, call: Call) -> bool:
    """Whether a method is torch's: by its options, or by the other words of the claim where it has none."""
    options = {*dict(call.named)}
    return bool({"dim", "keepdim"} & options) or (not options and library_of(caret.source) == "torch")


def _turned(call: Call) -> Call:
    """A product of matrices that TensorFlow turns: ``transpose_a=True``; other options stay what they are."""
    operands = {"transpose_a": 0, "transpose_b": 1, "adjoint_a": 0, "adjoint_b": 1}
    arguments, named = list(call.arguments), []
    for key, value in call.named:
        at = operands.get(key, len(arguments))
        if at >= len(arguments) or value not in (Name("True"), Name("False")):
            named.append((key, value))
        elif value == Name("True"):
            arguments[at] = Call("swap", (arguments[at], Number(Fraction(-1)), Number(Fraction(-2))), (), call.at)
    return Call(call.function, tuple(arguments), tuple(named), call.at)


def _repeated(caret: Caret, call: Call) -> Node:
    """``x.repeat(1, 1, 2, 2)`` of torch is a tile; ``x.repeat(2, 1)`` is said in two ways."""
    array, *counts = call.arguments
    if len(counts) == 2:
        message = "x.repeat(2, 1) is one thing in NumPy and another in torch; write axis=1, or tile(x, (2, 1))"
        raise caret.error(call.at, message)
    if len(counts) > 2:
        return Call("tile", (array, Several(tuple(counts), call.at)), (), call.at)
    return call
