"""The words of the claim language: functions, what they are also called, and the options they take."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from symconv.notation.functions import TABLE

__all__ = [
    "ELEMENTWISE",
    "EXTREMES",
    "FUNCTIONS",
    "KINDS",
    "METHODS",
    "MODULES",
    "OPTIONS_OF",
    "REDUCTIONS",
    "UNCHANGED",
    "Word",
    "canonical",
    "mode_of",
    "rank_of",
    "unknown_method",
]


@dataclass(frozen=True, slots=True)
class Word:
    """A function: how many positional arguments it takes, its options, and how it is used."""

    least: int
    most: int
    options: tuple[str, ...]
    usage: str


_WINDOW = ("stride", "padding", "dilation")
_CONV = (*_WINDOW, "groups")
EXTREMES = frozenset({"maximum", "minimum"})
"""Functions of elements that are numbers where all their arguments are."""
REDUCTIONS = ("sum", "mean", "max", "min", "prod", "argmax", "argmin")
"""What index notation reduces by."""
ELEMENTWISE = (*sorted(name for name, entry in TABLE.items() if entry.symmetry), "maximum", "minimum")
"""Functions of single elements; the last two take two."""
_WINDOWS: dict[str, Word] = {
    "conv": Word(2, 2, _CONV, "conv(a, k, stride=1, padding=0, dilation=1, groups=1)"),
    "conv_transpose": Word(
        2, 2, (*_CONV, "output_padding"), "conv_transpose(a, k, stride=1, padding=0, output_padding=0, ...)"
    ),
    "convolve": Word(2, 3, ("mode",), 'convolve(a, b, mode="full")'),
    "correlate": Word(2, 3, ("mode",), 'correlate(a, b, mode="valid")'),
    "unfold": Word(2, 2, _WINDOW, "unfold(a, K, stride=1, padding=0, dilation=1)"),
    "fold": Word(3, 3, _WINDOW, "fold(a, H, K, stride=1, padding=0, dilation=1)"),
}
_PLACES: dict[str, Word] = {
    "flip": Word(1, 2, ("axes",), "flip(a) or flip(a, (2, 3))"),
    "rot180": Word(1, 1, (), "rot180(a)"),
    "swap": Word(3, 3, (), "swap(a, 0, 1)"),
    "transpose": Word(1, 9, (), "transpose(a, 0, 1) or transpose(a, (1, 0, 2, 3))"),
    "permute": Word(1, 9, (), "permute(a, (3, 2, 1, 0))"),
    "pad": Word(2, 3, ("mode", "value", "flat"), 'pad(a, lo, hi) or pad(a, ((1, 1), (0, 2)), mode="reflect")'),
    "crop": Word(2, 3, (), "crop(a, lo, hi)"),
    "dilate": Word(2, 2, ("axes",), "dilate(a, s) or dilate(a, (2, 3), axes=(1, 2))"),
    **{name: Word(1, 2, ("k", "diagonal"), f"{name}(a, k=0)") for name in ("tril", "triu")},
    "reshape": Word(2, 17, (), "reshape(a, (N, g, C//g, H, W))"),
}
_MADE: dict[str, Word] = {
    "zeros": Word(1, 9, (), "zeros((N, C, H, W))"),
    "ones": Word(1, 9, (), "ones((KH, KW))"),
}
_SUMS: dict[str, Word] = {
    "cumsum": Word(1, 2, ("axes",), "cumsum(a, axis=1)"),
    "sum": Word(1, 2, ("axes", "keepdims"), "sum(a, (0, 2, 3))"),
    "mean": Word(1, 2, ("axes", "keepdims"), "mean(a, (0, 2, 3))"),
    "prod": Word(1, 2, ("axes", "keepdims"), "prod(a, axis=1)"),
    "einsum": Word(2, 9, (), 'einsum("nfij,ncij->fc", gy, x)'),
    "matmul": Word(2, 2, (), "matmul(a, b) or a @ b"),
}
_FUNCTIONS: dict[str, Word] = {
    "where": Word(3, 3, (), "where(x > 0, a, b)"),
    **{name: Word(1, 1, (), f"{name}(a)") for name in ELEMENTWISE[:-2]},
    **{name: Word(2, 2, (), f"{name}(a, b)") for name in ELEMENTWISE[-2:]},
}
KINDS: dict[str, dict[str, Word]] = {
    "windows": _WINDOWS,
    "places": _PLACES,
    "new arrays": _MADE,
    "sums and products": _SUMS,
    "functions of elements": _FUNCTIONS,
}
"""The words by what they do, as an error lists them; einsum broadcasts lengths of 1, exact_einsum does not."""
FUNCTIONS: dict[str, Word] = {
    **{name: word for words in KINDS.values() for name, word in words.items()},
    "exact_einsum": Word(2, 9, (), 'tf.einsum("nfij,ncij->fc", gy, x)'),
    "pi": Word(0, 0, (), "pi"),
    "resized": Word(2, 2, (), "interpolate(a, size=(OH, OW))"),
    "sized": Word(2, 2, (), "sized(a, (None, None, OH, OW))"),
    "size": Word(2, 2, (), "x.shape[2]"),
    "shape": Word(1, 1, (), "x.shape"),
}

_ALIASES = {
    "convolve1d": "convolve", "convolve2d": "convolve", "correlate1d": "correlate", "correlate2d": "correlate",
    "swapaxes": "swap", "view": "reshape", "rotate180": "rot180",
    "cat": "concatenate", "concat": "concatenate", "upsample": "interpolate", "expand": "broadcast_to",
    "expand_dims": "unsqueeze", "clamp": "clip", "ravel": "flatten", "pow": "power", "mul": "multiply",
    "sub": "subtract", "div": "divide", "true_divide": "divide", "gt": "greater", "ge": "greater_equal",
    "lt": "less", "le": "less_equal", "eq": "equal", "ne": "not_equal", "t": "permute", "view_as": "reshape_as",
    "absolute": "abs", "neg": "negative", "permute_dims": "permute", "movedim": "moveaxis",
    "reduce_sum": "sum", "reduce_mean": "mean",
    "reduce_prod": "prod", "max": "maximum", "min": "minimum", "mm": "matmul", "bmm": "matmul",
    "im2col": "unfold", "col2im": "fold", "nelement": "numel", "expit": "sigmoid",
}  # fmt: skip
METHODS = frozenset(
    {"flip", "transpose", "permute", "swapaxes", "sum", "mean", "reshape", "view", "rot180", "t", "flatten", "ravel",
     "squeeze", "unsqueeze", "repeat", "repeat_interleave", "view_as", "reshape_as", "expand", "expand_as", "moveaxis",
     "movedim", "softmax", "log_softmax", "logsumexp", "pow", "square", "clamp", "clip", "dot", "matmul", "mm", "bmm",
     "roll", "rot90", "fliplr", "flipud", "detach", "contiguous", "clone", "copy", "abs", "tanh", "sigmoid", "relu",
     "exp", "log", "sqrt", "sign", "sin", "cos", "neg", "mul", "add", "sub", "div", "gt", "ge", "lt", "le", "eq", "ne",
     "var", "std", "norm", "outer", "tile", "size", "unfold", "reciprocal", "cumsum", "tril", "triu", "diff",
     "numel", "nelement", "diag", "diagonal", "trace", "vdot", "prod"}
)  # fmt: skip
UNCHANGED = frozenset({"detach", "contiguous", "clone", "copy"})
"""Methods that give the same numbers."""
MODULES = frozenset(
    {"torch", "nn", "functional", "grad", "F", "np", "numpy", "tf", "jax", "jnp", "lax", "scipy", "signal", "sc", "cp",
     "keras", "ops", "linalg", "special", "math", "sp", "xp", "tensorflow", "compat", "v1", "raw_ops", "lib",
     "stride_tricks"}
)  # fmt: skip
OPTIONS_OF = {"dim": "axes", "axis": "axes", "dims": "axes", "axes": "axes", "dimension": "axes",
              "keepdim": "keepdims", "strides": "stride", "dilations": "dilation"}  # fmt: skip
_ATTRIBUTES = ("T", "grad", "mT", "shape")


def canonical(name: str) -> str:
    """The function a word means, without the rank in its name.

    >>> canonical("conv2d"), canonical("swapaxes"), canonical("conv_transpose3d")
    ('conv', 'swap', 'conv_transpose')
    """
    name = _ALIASES.get(name, name)
    for side in ("input", "weight"):
        if name in {f"conv{rank}d_{side}" for rank in (1, 2, 3)}:
            return f"conv_{side}"
    stem = name[:-2] if name[-2:] in {"1d", "2d", "3d"} else name
    return stem if stem in {"conv", "conv_transpose"} else name


def rank_of(name: str) -> int | None:
    """The rank a convolution's name says, or None.

    >>> rank_of("conv2d"), rank_of("conv"), rank_of("sum")
    (2, None, None)
    """
    return int(name[-2]) if name[-2:] in {"1d", "2d", "3d"} else None


def mode_of(name: str) -> str:
    """The mode of a convolution or correlation that states none: NumPy's, and SciPy's for its own names.

    >>> mode_of("correlate"), mode_of("correlate2d"), mode_of("convolve")
    ('valid', 'full', 'full')
    """
    return "valid" if name == "correlate" else "full"


def unknown_method(name: str) -> str:
    """Why a tensor has no such method, with the nearest one."""
    near = difflib.get_close_matches(name, [*METHODS, *_ATTRIBUTES], 1)
    hint = f"; did you mean {near[0]!r}? It" if near else "; it"
    return f"a tensor has no {name!r}{hint} has {', '.join(sorted({*METHODS, *_ATTRIBUTES}))}"
