"""How the words of array programs are spelled in each library."""

from __future__ import annotations

from dataclasses import dataclass

from symconv.notation.expr import Border

__all__ = ["NUMPY", "TORCH", "Dialect"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """One array library: its module, and templates of its words.

    ``number`` is a number where a function takes arrays alone; ``wraps_once`` says that a circular pad may be no longer
    than its axis.

    ``functions`` are templates over ``{0}``, ``{1}``, ``{2}``. They are put in parentheses where that is needed unless
    they are calls.
    """

    name: str
    header: str
    module: str
    functions: dict[str, str]
    flip: str
    permute: str
    sum: str
    extreme: str
    zeros: str
    whole: str
    positions: str
    full: str
    elementwise: dict[str, str]
    copy: str
    infinity: str
    number: str = "{0}"
    wraps_once: bool = False

    def pad(self, array: str, ends: list[tuple[str, str]], fill: str) -> str:
        """An array continued by a number: ``fill`` is 0, inf or -inf."""
        value = fill.replace("inf", self.infinity)
        if self.name == "torch":
            first = next((at for at, both in enumerate(ends) if both != ("0", "0")), 0)
            flat = ", ".join(f"{low}, {high}" for low, high in reversed(ends[first:]))
            return f"torch.nn.functional.pad({array}, ({flat}){'' if fill == '0' else f', value={value}'})"
        pairs = ", ".join(f"({low}, {high})" for low, high in ends)
        pairs = f"{pairs}," if len(ends) == 1 else pairs
        return f"np.pad({array}, ({pairs}){'' if fill == '0' else f', constant_values={value}'})"

    def continued(self, array: str, ends: list[tuple[str, str]], border: Border) -> str | None:
        """An array continued by a border's rule, in one call; None where the library has none."""
        if border.kind == "constant":
            number = border.value
            value = f"{number.numerator}" if number.denominator == 1 else f"{number.numerator} / {number.denominator}"
            return self.pad(array, ends, value)
        if self.name == "torch":
            # Torch continues all but the first two axes, of arrays with three to five, and wants to be told of each.
            deep = 3 <= len(ends) <= 5 and ends[:2] == [("0", "0")] * 2
            mode = {"reflect": "reflect", "replicate": "replicate", "circular": "circular"}.get(border.kind)
            flat = ", ".join(f"{low}, {high}" for low, high in reversed(ends[2:]))
            return f'torch.nn.functional.pad({array}, ({flat}), mode="{mode}")' if deep and mode else None
        mode = {"reflect": "reflect", "symmetric": "symmetric", "replicate": "edge", "circular": "wrap"}[border.kind]
        return f'{self.pad(array, ends, "0")[:-1]}, mode="{mode}")'


_SHARED = {
    "sigmoid": "1 / (1 + {m}.exp(-{0}))",
    "silu": "{0} / (1 + {m}.exp(-{0}))",
    "leaky_relu": "{m}.where({0} <= 0, {1} * {0}, {0})",
    "held": "{m}.where({m}.isinf({0}), 0, {0})",
    "where": "{m}.where({0}, {1}, {2})",
    **{name: f"{{m}}.{name}({{0}})" for name in (
        "abs", "sign", "floor", "ceil", "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tanh")},
}  # fmt: skip


def _spelled(module: str, **own: str) -> dict[str, str]:
    return {name: text.replace("{m}", module) for name, text in {**_SHARED, **own}.items()}


NUMPY = Dialect(
    name="numpy",
    header="import numpy as np",
    module="np",
    functions=_spelled(
        "np",
        max="np.maximum({0}, {1})",
        min="np.minimum({0}, {1})",
        relu="np.maximum({0}, 0)",
        clip="np.minimum(np.maximum({0}, {1}), {2})",
        hardtanh="np.clip({0}, -1, 1)",
        elu="np.where({0} > 0, {0}, np.expm1(np.minimum({0}, 0)))",
        softplus="np.logaddexp(0, {0})",
        erf="np.vectorize(math.erf, otypes=[float])({0})",
        gelu="{0} * (1 + np.vectorize(math.erf, otypes=[float])({0} / np.sqrt(2))) / 2",
        pi="np.pi",
    ),
    flip="np.flip({0}, {1})",
    permute="{0}.transpose({1})",
    sum="{0}.sum(axis={1})",
    extreme="{0}.{2}(axis={1})",
    zeros="np.zeros({0}, dtype={1}.dtype)",
    whole="np.zeros({0}, dtype=int)",
    positions="np.arange({0})",
    full="np.full({0}, {1}, dtype={2}.dtype)",
    elementwise={"max": "np.maximum({0}, {1})", "min": "np.minimum({0}, {1})"},
    copy="{0}.copy()",
    infinity="np.inf",
)

TORCH = Dialect(
    name="torch",
    header="import torch",
    module="torch",
    functions=_spelled(
        "torch",
        max="torch.clamp({0}, min={1})",
        min="torch.clamp({0}, max={1})",
        relu="torch.relu({0})",
        clip="torch.clamp(torch.clamp({0}, min={1}), max={2})",
        hardtanh="torch.clamp({0}, -1, 1)",
        elu="torch.where({0} > 0, {0}, torch.expm1(torch.clamp({0}, max=0)))",
        softplus="torch.clamp({0}, min=0) + torch.log1p(torch.exp(-torch.abs({0})))",
        erf="torch.erf({0})",
        gelu="{0} * (1 + torch.erf({0} / 2**0.5)) / 2",
        pi="torch.pi",
    ),
    flip="{0}.flip({1})",
    permute="{0}.permute({1})",
    sum="{0}.sum(dim={1})",
    extreme="{0}.a{2}(dim={1})",
    zeros="{1}.new_zeros({0})",
    whole="torch.zeros({0}, dtype=torch.long)",
    positions="torch.arange({0})",
    full="{2}.new_full({0}, {1})",
    elementwise={"max": "torch.maximum({0}, {1})", "min": "torch.minimum({0}, {1})"},
    copy="{0}.clone()",
    infinity="torch.inf",
    number="{1}.new_tensor({0})",
    wraps_once=True,
)
