"""Activations and the like by their definitions, with each library's own slope where there is no derivative."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from symconv.code.held.boxes import array_of, boxed, numeric
from symconv.code.held.kept import ends_shared, kept
from symconv.code.held.operators import binary
from symconv.code.held.state import State, call, call_word
from symconv.code.library.given import Given, Word, fraction_of
from symconv.code.source.trouble import Outside
from symconv.code.values.amounts import is_number
from symconv.code.values.objects import Box, Dotted
from symconv.notation.affine import affine
from symconv.prove.meaning.value import Product

__all__ = ["ACTIVATIONS"]

_ONE = affine(1)
_OVERFLOW = 20
"""Where PyTorch's softplus takes its argument itself, which the numbers of a computer do not tell apart."""


def _mapped(state: State, function: str, given: Any) -> Box:
    return boxed(state, state.on.mapped(function, array_of(state, numeric(state, given))))


def _clamp(state: State, g: Given, name: str) -> Any:
    value = g["input"]
    if not is_number(value) and (word := _kept_range(state, value, g.get("min"), g.get("max"))) is not None:
        return word
    if is_number(g.get("min")) and is_number(g.get("max")):
        return _between(state, value, g["min"], g["max"], ends="max" not in state.on.other_ties)
    for extreme, bound in (("maximum", g.get("min")), ("minimum", g.get("max"))):
        if bound is not None:
            if extreme == "maximum" and bound in (affine(0), Product(Fraction(0))) and "max" not in state.on.other_ties:
                value = _mapped(state, "relu", value)
            else:
                value = call_word(state, extreme, value, bound)
    return value


def _kept_range(state: State, value: Any, low: Any, high: Any) -> Box | None:
    """``clip``, or ``max`` or ``min``, as a word; the derivative at the ends is 1 in PyTorch."""
    if low is not None and high is not None:
        return kept(state, "clip:one", value, low, high)
    if low is not None:
        # As relu has it where no library says else.
        least = low in (affine(0), Product(Fraction(0))) and not ends_shared(state)
        return kept(state, "relu", value) if least else kept(state, "max:first", value, low)
    return kept(state, "min:first", value, high) if high is not None else None


def _between(state: State, value: Any, low: Any, high: Any, ends: bool) -> Any:
    """Elements cut to a range of numbers; the derivative at its ends is 1, or else 0."""
    if fraction_of(state, low) > fraction_of(state, high):
        raise Outside("a range of numbers that ends before it starts", state.line)
    clip = "clip:one" if ends else "clip:zero"
    plain = fraction_of(state, low) == -1 and fraction_of(state, high) == 1 and not ends
    if (word := kept(state, "hardtanh:zero", value) if plain else kept(state, clip, value, low, high)) is not None:
        return word
    if ends:
        raised = binary(state, "+", value, _mapped(state, "relu", binary(state, "-", low, value)))
        return binary(state, "-", raised, _mapped(state, "relu", binary(state, "-", value, high)))
    limits = ((value, low), (high, value))
    above, below = (boxed(state, state.on.compare("gt", array_of(state, a), array_of(state, b))) for a, b in limits)
    inner = binary(state, "*", value, binary(state, "*", above, below))
    outer = (binary(state, "*", end, binary(state, "-", _ONE, there)) for end, there in ((low, above), (high, below)))
    return binary(state, "+", inner, binary(state, "+", *outer))


def _relu6(state: State, g: Given, name: str) -> Any:
    return _between(state, g["input"], affine(0), affine(6), ends="max" in state.on.other_ties)


def _hardtanh(state: State, g: Given, name: str) -> Any:
    """PyTorch's, whose derivative at the ends is 0; JAX's has 1 there."""
    ends = (name == "hard_tanh") != ("max" in state.on.other_ties)
    return _between(state, g["input"], g.get("min_val", affine(-1)), g.get("max_val", _ONE), ends=ends)


def _hardsigmoid(state: State, g: Given, name: str) -> Any:
    return binary(state, "/", _relu6(state, {"input": binary(state, "+", g["input"], affine(3))}, name), affine(6))


def _hardswish(state: State, g: Given, name: str) -> Any:
    return binary(state, "*", g["input"], _hardsigmoid(state, g, name))


def _leaky(usual: str, at_zero: int) -> Word:
    """A slope for what is negative; at 0 the derivative is that slope too, or in JAX 1."""

    def leaky(state: State, g: Given, name: str) -> Any:
        x, slope = g["input"], g.get("negative_slope", g.get("alpha", Product(Fraction(usual))))
        if (word := kept(state, "leaky_relu:right" if at_zero else "leaky_relu:left", x, slope)) is not None:
            return word
        rest = binary(state, "-", _ONE, slope)
        if at_zero != ("max" in state.on.other_ties):
            less = _mapped(state, "relu", binary(state, "*", affine(-1), x))
            return binary(state, "+", x, binary(state, "*", rest, less))
        return binary(state, "+", binary(state, "*", slope, x), binary(state, "*", rest, _mapped(state, "relu", x)))

    return leaky


def _elu(state: State, g: Given, name: str) -> Any:
    """At 0 the derivative is ``alpha``, or else 1."""
    if (word := _kept_elu(state, g["input"], g.get("alpha", _ONE))) is not None:
        return word
    x, zero = array_of(state, g["input"]), array_of(state, affine(0))
    above = boxed(state, state.on.compare("gt", x, zero))
    if "max" in state.on.other_ties:
        above = binary(state, "-", _ONE, boxed(state, state.on.compare("gt", zero, x)))
    below = binary(state, "*", g.get("alpha", _ONE), _expm1(state, g, name))
    other = binary(state, "-", _ONE, above)
    return binary(state, "+", binary(state, "*", above, g["input"]), binary(state, "*", other, below))


def _kept_elu(state: State, x: Any, alpha: Any) -> Box | None:
    if alpha == _ONE:
        return kept(state, "elu", x)
    below, above = kept(state, "expm1", x), kept(state, "gt", x, affine(0))
    return kept(state, "where", above, x, binary(state, "*", alpha, below)) if above is not None else None


def _softplus(state: State, g: Given, name: str) -> Any:
    beta, threshold = g.get("beta", _ONE), g.get("threshold", affine(_OVERFLOW))
    if fraction_of(state, threshold) < _OVERFLOW:
        raise Outside(f"softplus with a threshold below {_OVERFLOW}", state.line)
    return binary(state, "/", _mapped(state, "softplus", binary(state, "*", beta, g["input"])), beta)


def _logsigmoid(state: State, g: Given, name: str) -> Any:
    return binary(state, "*", affine(-1), _mapped(state, "softplus", binary(state, "*", affine(-1), g["input"])))


def _mish(state: State, g: Given, name: str) -> Any:
    return binary(state, "*", g["input"], _mapped(state, "tanh", _mapped(state, "softplus", g["input"])))


def _log1p(state: State, g: Given, name: str) -> Any:
    if (word := kept(state, "log1p", g["input"])) is not None:
        return word
    return _mapped(state, "log", binary(state, "+", _ONE, g["input"]))


def _expm1(state: State, g: Given, name: str) -> Any:
    if (word := kept(state, "expm1", g["input"])) is not None:
        return word
    return binary(state, "-", _mapped(state, "exp", g["input"]), _ONE)


def _rsqrt(state: State, g: Given, name: str) -> Any:
    return binary(state, "/", _ONE, _mapped(state, "sqrt", g["input"]))


def _reciprocal(state: State, g: Given, name: str) -> Any:
    return binary(state, "/", _ONE, g["input"])


def _power(state: State, g: Given, name: str) -> Any:
    return binary(state, "**", g["input"], g["exponent"])


def _added(word: str) -> Word:
    """``beta * input + alpha * (a @ b)``."""

    def added(state: State, g: Given, name: str) -> Any:
        found = call(state, Dotted(f"torch.{word}"), [g["a"], g["b"]], {})
        product = binary(state, "*", g.get("alpha", _ONE), found)
        return binary(state, "+", binary(state, "*", g.get("beta", _ONE), g["input"]), product)

    return added


ACTIVATIONS: dict[str, Word] = {
    "clamp": _clamp, "relu6": _relu6, "hardtanh": _hardtanh, "hardsigmoid": _hardsigmoid, "hardswish": _hardswish,
    "leaky_relu": _leaky("0.01", 0), "jax_leaky_relu": _leaky("0.01", 1), "tf_leaky_relu": _leaky("0.2", 0),
    "elu": _elu, "softplus": _softplus, "logsigmoid": _logsigmoid, "mish": _mish, "log1p": _log1p, "expm1": _expm1,
    "rsqrt": _rsqrt, "reciprocal": _reciprocal, "power": _power, "addmm": _added("mm"),
    "baddbmm": _added("bmm"),
}  # fmt: skip
