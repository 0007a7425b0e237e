"""What the parameters of a backward function are: told by the user, or by what such parameters are called."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from symconv.code.source.labels import USUAL_LABELS
from symconv.code.source.updates import RATES
from symconv.errors import SpecError, shown
from symconv.notation.affine import Affine, affine
from symconv.notation.operator import Operator
from symconv.prove.language.facts import facts_of
from symconv.prove.language.labels import is_selector, selector
from symconv.prove.language.people import gradient_words
from symconv.prove.meaning.atoms import PI
from symconv.prove.meaning.value import Product

__all__ = ["OUTPUTS", "WINDOWS", "WINDOW_KEYS", "Roles", "flag", "gradient_named", "mode", "numeric", "numeric_kind",
           "packed", "stated", "tensor_named"]  # fmt: skip

_COTANGENT = frozenset({
    "dout", "dy", "gy", "dz", "d", "g", "grad", "grad_output", "grad_out", "grad_y", "grad_outputs", "d_out",
    "dl_dy", "dldy", "dldout", "dl_dout", "upstream", "delta", "deltas", "douts", "gradient", "output_grad",
    "gradoutput", "dlout", "grad_z", "d_y", "top_diff", "error", "out_grad", "dldz", "dl_dz", "dh", "grads", "ct",
    "cotangent", "dl_do", "dldo", "d_output", "doutput", "accum_grad", "top_grad", "dnext", "djdy", "residual_grad",
    "y_bar", "ybar", "dconv", "output_gradient", "upstream_grad", "grad_from_next", "dvalues", "d_l_d_out",
    "next_delta", "g_out", "gout", "dloss", "dlosses", "d_loss", "grad_loss",
})  # fmt: skip
_DERIVATIVE = re.compile(r"d_?[A-Z]\w*|d_\w+|d[a-z]\d?|d[a-z]_\w+|d(next|out|pred|act|logit|hidden|score)\w*|"
                         r"\w*(grad|delta|upstream|cotangent)\w*")  # fmt: skip
_TENSORS = {
    "x": {"x", "input", "inp", "inputs", "a_prev", "a", "data", "img", "image", "images", "x_in", "feature", "features",
          "in_data", "input_data", "bottom", "input_", "layer_input", "last_input", "x_data", "signal", "inp_"},
    "w": {"w", "weight", "weights", "kernel", "kernels", "filter", "filters", "f", "k", "ker", "w_", "theta", "wt",
          "filt", "kern", "conv_w"},
    "b": {"b", "bias", "biases", "b_"},
}  # fmt: skip
_NUMBERS = {
    "stride": {"stride", "strides", "s", "step", "stride_size", "st", "strd", "subsample"},
    "padding": {"padding", "pad", "p", "pads", "pad_width", "zero_padding", "paddings", "n_pad", "pad_size"},
    "dilation": {"dilation", "dil", "dilations", "dilate", "rate"},
    "groups": {"groups", "group", "n_groups", "num_groups", "g", "ngroups"},
}  # fmt: skip
WINDOWS = frozenset({
    "pool_size", "pool_height", "pool_width", "pool_h", "pool_w", "kernel_size", "window_size", "filter_size",
    "kernel_height", "kernel_width", "kernel_h", "kernel_w",
})  # fmt: skip
"""Names of lengths of windows, which are numbers that something has to say."""
WINDOW_KEYS = frozenset({"f", "size", "kernel", "k", "HH", "WW"})
"""Further ones where they are keys of a dict."""
_FLAGS = frozenset({"training", "train", "is_training", "is_train", "train_flg", "train_flag", "train_mode"})
OUTPUTS = frozenset({"out", "output", "outputs"})
"""Names of the output alone."""
_PACKS = frozenset({
    "cache", "ctx_cache", "hparameters", "hparams", "params", "conv_param", "conv_params", "param", "cfg", "config",
    "saved", "state", "res", "residuals", "aux", "args", "options", "pool_param", "caches",
})  # fmt: skip


_STEP = Product(Fraction(1, 128))
"""The length of a step that nobody tells: a gradient that depends on it is wrong for most lengths."""


class Roles:
    """The values of a function's parameters for one operator."""

    def __init__(
        self,
        op: Operator,
        tensors: Mapping[str, Any],
        arguments: Mapping[str, Any] | None,
        outputs: tuple[str, ...] = (),
    ) -> None:
        """``outputs`` are the names of several outputs, each of which has a cotangent among the tensors."""
        self.op = op
        self.outputs = outputs
        self.tensors = tensors
        self.returned: Mapping[str, Any] = {}
        """What parameters of such names are, which tell nothing else: what the forward function returned."""
        self.arguments = stated(arguments)
        self.numbers = {
            name: affine(int(number)) if number.denominator == 1 else Product(number) for name, number in op.numbers
        }

    def of_tensors(self, tensors: Mapping[str, Any]) -> Roles:
        """The same for other values of the tensors."""
        return Roles(self.op, tensors, self.arguments, self.outputs)

    def known(self, name: str) -> bool:
        """Whether a parameter's role is known."""
        try:
            self.of(name)
        except SpecError:
            return False
        return True

    @property
    def cotangent(self) -> Any:
        """The cotangent of the output."""
        return self.tensors[f"g{self.op.output.name}"]

    def is_cotangent(self, name: str) -> bool:
        """Whether a parameter is the cotangent, by what it is called."""
        return self._tensor(name) == f"g{self.op.output.name}"

    def derivative_among(self, names: Sequence[str]) -> str | None:
        """Which of the parameters that say no role is the cotangent: the first, where it alone is called as one."""
        called = [name for name in names if _DERIVATIVE.fullmatch(name)]
        return called[0] if called and called == list(names[:1]) else None

    def is_pack(self, name: str) -> bool:
        """Whether a parameter is one that holds several values."""
        return packed(name) and name not in self.arguments

    def of(self, name: str) -> Any:
        """The value of a parameter; raises SpecError where nothing says what it is."""
        if name in self.arguments:
            return self.value(self.arguments[name])
        if name in self.numbers and name not in self.tensors:
            return self.numbers[name]
        found = self._tensor(name)
        if found is not None:
            return self.tensors[found]
        if name.lower() in self.returned:
            return self.returned[name.lower()]
        if self.outputs and name.lower().rstrip("_") in _COTANGENT:
            return tuple(self.tensors[f"g{one}"] for one in self.outputs)
        for option, names in _NUMBERS.items():
            if name.lower() in names:
                return self._number(option, name)
        if name in RATES:
            return _STEP
        known = ", ".join((*(one for one in self.tensors if one not in {PI, "pi"}), "a number", "a tuple of them"))
        raise SpecError(f"what {name} is cannot be told by its name; say arguments={{{name!r}: ...}} with {known}")

    def _tensor(self, name: str) -> str | None:
        low = name.lower().rstrip("_")
        cotangent = f"g{self.op.output.name}"
        if name in self.tensors and selector(name) not in self.tensors:
            return name
        if (found := self._labels(name)) is not None:
            return found
        for one in self.outputs:
            if low in {word.lower() for word in gradient_words(one)}:
                return f"g{one}"
        told = low in _COTANGENT or low.endswith((".g", ".grad"))
        if told and cotangent in self.tensors and low not in self.tensors:
            return cotangent
        for tensor, names in _TENSORS.items():
            if tensor in self.tensors and (low in names or name in names):
                return tensor
        if low in {"y", "out", "output", "z", "result"} and self.op.output.name in self.tensors:
            return self.op.output.name
        return None

    def _labels(self, name: str) -> str | None:
        """The selector of an array of labels: the one of that name, or the only one there is."""
        known = [one for one in self.tensors if is_selector(one)]
        if selector(name) in known:
            return selector(name)
        return known[0] if len(known) == 1 and name.lower() in USUAL_LABELS else None

    def in_order(self, names: Sequence[str], always: bool) -> dict[str, str]:
        """Cotangents by position, for the first parameters of a function; else where none of them says what it is."""
        first = names[: len(self.outputs)]
        if len(first) < len(self.outputs) or any(name in self.arguments for name in first):
            return {}
        cotangents = {f"g{one}" for one in self.outputs}
        told = any(self._tensor(name) or name in self.outputs for name in first)
        if not always and (told or any(self._tensor(name) in cotangents for name in names)):
            return {}
        return {name: f"g{one}" for name, one in zip(first, self.outputs, strict=True)}

    def _number(self, option: str, name: str) -> Any:
        facts = facts_of(self.op)
        if option == "groups":
            return facts.groups
        held = []
        for axis in facts.axes:
            one = {"stride": axis.stride, "dilation": axis.dilation, "padding": axis.pads}[option]
            if option == "padding" and axis.pads is not None and axis.pads[0] == axis.pads[1]:
                held.append(axis.pads[0])
            elif option != "padding" and isinstance(one, int):
                held.append(affine(one))
            else:
                raise SpecError(
                    f"{name}: the operator has no {option} that is one number; say arguments={{{name!r}: ...}}"
                )
        if not held:
            raise SpecError(f"{name}: the operator slides no window; say arguments={{{name!r}: ...}}")
        return held[0] if len(set(held)) == 1 else tuple(held)

    def value(self, given: Any) -> Any:
        """A value a user stated: names of tensors, numbers, tuples and dicts of them."""
        match given:
            case bool() | None | Affine() | Product():
                return given
            case int():
                return affine(given)
            case float():
                return Product(Fraction(repr(given)))
            case str():
                return self.tensors.get(given, self.numbers.get(given, given))
            case tuple() | list():
                return type(given)(self.value(one) for one in given)
            case dict():
                return {key: self.value(one) for key, one in given.items()}
        raise SpecError(f"arguments: names of tensors, numbers, texts, tuples and dicts are read; given {shown(given)}")


def stated(arguments: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a user says of parameters; raises SpecError where that is no mapping of names."""
    if arguments is None:
        return {}
    if not isinstance(arguments, Mapping) or not all(isinstance(key, str) for key in arguments):
        raise SpecError(
            f"arguments maps names of parameters to what they are, as {{'stride': 2}} does; given {shown(arguments)}"
        )
    return dict(arguments)


def gradient_named(op: Operator, name: str) -> str | None:
    """The tensor whose gradient a name such as ``dx``, ``grad_input`` or ``d_weights`` says, or None."""
    low = re.sub(r"_(manual|hand|np|numpy|ours|mine|custom|check|est|calc)$", "", name.lower().strip("_"))
    for prefix in ("dl_d", "dld", "grad_", "d_", "grad", "gr_", "dj_d", "d", "g", "delta_"):
        rest = low.removeprefix(prefix)
        if rest != low and rest:
            for tensor in op.tensors:
                if rest.strip("_") == tensor.lower() or rest.strip("_") in _TENSORS.get(tensor, ()):
                    return tensor
    for suffix in ("_grad", ".grad", ".g", "grad", "_bar", "_g", "_gradient"):
        rest = low.removesuffix(suffix)
        if rest != low:
            for tensor in op.tensors:
                if rest == tensor.lower() or rest in _TENSORS.get(tensor, ()):
                    return tensor
    return None


def packed(name: str) -> bool:
    """Whether a parameter of that name holds several values."""
    return name.lower() in _PACKS or name.lower().endswith(("_param", "_params"))


def flag(name: str) -> bool:
    """Whether a parameter of that name says that the layer is trained, as it is where gradients are wanted."""
    return name.lower().strip("_") in _FLAGS


def mode(name: str) -> bool:
    """Whether a parameter of that name says by a word whether the layer is trained."""
    return name == "mode"


def numeric_kind(name: str) -> str | None:
    """Which option of a window a name says."""
    return next((kind for kind, names in _NUMBERS.items() if name.lower() in names), None)


def numeric(name: str) -> bool:
    """Whether a parameter of that name is a number: a stride, a padding, a dilation, groups."""
    low = name.lower()
    return (len(low) > 1 and any(low in names for names in _NUMBERS.values())) or low in {"s", "p"}


def tensor_named(name: str) -> str | None:
    """The tensor of a convolution that a name is usual for."""
    low = name.lower().rstrip("_")
    return next((tensor for tensor, names in _TENSORS.items() if low in names or name in names), None)
