"""Calls of TensorFlow's and JAX's convolutions, and of PyTorch's products of matrices: which library reads which."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial

from symconv.prove.language.jax import LAX, from_jax
from symconv.prove.language.stated import given_to, stem_of
from symconv.prove.language.syntax import Binary, Call, Name, Node, Number, Text
from symconv.prove.language.tensorflow import TENSORFLOW, from_tensorflow
from symconv.prove.language.tokens import Caret

__all__ = ["foreign"]

_NONE = Name("None")
_TF = {"tf", "tensorflow"}
_LINEAR = {"linear": ("input", "weight", "bias"), "addmm": ("input", "mat1", "mat2")}
"""Torch's words that are a product of matrices and what is added to it."""


def foreign(path: str, name: str) -> Callable[[Caret, Call], Node] | None:
    """How a call of TensorFlow's or JAX's own words is read; None for words of others.

    >>> from symconv.prove.language.syntax import Name, Text, show
    >>> call = Call("conv2d", (Name("x"), Name("w"), Name("s"), Text("VALID")))
    >>> show(foreign("tf.nn", "conv2d")(Caret(""), call))
    'conv2d(x, w, stride=s, groups=size(x, 3)/size(w, 2), layout="NHWC", padding="valid")'
    >>> foreign("F", "conv2d") is None
    True
    """
    parts = path.split(".")
    if "avg_pool" in name and path not in {"", "method"} and not {"torch", "functional", "F"} & {*parts}:
        return _not_torch
    if name in _LINEAR and path not in {"", "method"}:
        return _linear
    if name == "gelu" and path not in {"", "method"}:
        return partial(_gelu, "tanh" if "jax" in parts else "none")
    if _TF & {*parts} and (word := stem_of(name)) in TENSORFLOW:
        return partial(from_tensorflow, word)
    if "lax" in parts and (word := stem_of(name)) in LAX:
        return partial(from_jax, word)
    return None


def _not_torch(caret: Caret, call: Call) -> Node:
    raise caret.error(call.at, f"{call.function} is read as PyTorch's: write F.{call.function}(x, kernel_size, stride)")


def _gelu(usual: str, caret: Caret, call: Call) -> Node:
    """By ``erf``, or by ``tanh``, which is what JAX takes if nothing is said."""
    given = given_to(caret, call, ("input", "approximate"), 1)
    x, how = given["input"], given.get("approximate", Text(usual))
    if how in {Text("none"), Name("False")}:
        return Call("gelu", (x,), (), call.at)
    if how not in {Text("tanh"), Name("True")}:
        raise caret.error(
            call.at, f'{call.function}: approximate is "none" or "tanh", in JAX and TensorFlow a truth value'
        )
    root = Call("sqrt", (Binary("/", Number(Fraction(2)), Name("pi")),))
    inner = Binary("+", x, Binary("*", Number(Fraction("0.044715")), Binary("**", x, Number(Fraction(3)))))
    share = Binary("+", Number(Fraction(1)), Call("tanh", (Binary("*", root, inner),)))
    return Binary("*", Binary("*", Number(Fraction(1, 2)), x), share, call.at)


def _linear(caret: Caret, call: Call) -> Node:
    order = _LINEAR[call.function]
    given = given_to(caret, call, order, 3 if call.function == "addmm" else 2)
    if call.function == "addmm":
        added, left, right = (given.get(name, _NONE) for name in order)
    else:
        left, right, added = given["input"], Call("t", (given["weight"],), (), call.at), given.get("bias", _NONE)
    product = Binary("@", left, right, call.at)
    return product if added == _NONE else Binary("+", product, added, call.at)
