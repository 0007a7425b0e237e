"""Which function of NumPy, PyTorch, SciPy, TensorFlow and JAX is which word, with the order of its arguments."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

__all__ = [
    "CHANGING", "FIRST_CHANGED", "IDENTITIES", "LIBRARIES", "PARTS", "SKIPPED", "bound", "changes_nothing", "computes",
    "makes_several", "nearest", "signature",
]  # fmt: skip

_CONV = "input weight bias stride padding dilation groups"
_TRANSPOSE = "input weight bias stride padding output_padding groups dilation"
_INPUT = "input_size weight grad_output stride padding dilation groups"
_WEIGHT = "input weight_size grad_output stride padding dilation groups"
_TF = "input filters strides padding data_format dilations name"
_BACK = "out_backprop strides padding data_format dilations"
_CUDNN = _BACK.replace("data_format", "use_cudnn_on_gpu data_format")
_BACKWARD = tuple(
    (name.format(way, title), f"tf_{way}", f"{operands} {_CUDNN if name.startswith(('conv2d', 'Conv2D')) else _BACK}")
    for way, title, operands in (("input", "Input", "input_sizes filters"), ("filter", "Filter", "input filter_sizes"))
    for name in ("conv2d_backprop_{0}", "conv3d_backprop_{0}", "depthwise_conv2d_native_backprop_{0}",
                 "depthwise_conv2d_backprop_{0}", "Conv2DBackprop{1}", "Conv3DBackprop{1}",
                 "DepthwiseConv2dNativeBackprop{1}")
)  # fmt: skip
"""TensorFlow's gradients of convolutions: two-dimensional ones have an argument more, if not depthwise."""

_JAX = "lhs rhs window_strides padding lhs_dilation rhs_dilation dimension_numbers feature_group_count"

_SIGNATURES: dict[str, tuple[str, str]] = {
    # name: the word, its arguments in order; "torch." and so on in front where libraries differ
    **{f"torch.conv{n}d": ("conv", _CONV) for n in (1, 2, 3)},
    **{f"torch.conv_transpose{n}d": ("conv_transpose", _TRANSPOSE) for n in (1, 2, 3)},
    **{f"torch.conv{n}d_input": ("conv_input", _INPUT) for n in (1, 2, 3)},
    **{f"torch.conv{n}d_weight": ("conv_weight", _WEIGHT) for n in (1, 2, 3)},
    "torch.unfold": ("unfold", "input kernel_size dilation padding stride"),
    "torch.tensor_unfold": ("tensor_unfold", "input axis size step"),
    "torch.fold": ("fold", "input output_size kernel_size dilation padding stride"),
    **{f"tensorflow.{name}": ("tf_conv", _TF) for name in ("conv1d", "conv2d", "conv3d", "convolution", "Conv2D")},
    **{f"tensorflow.conv{n}d_transpose": ("tf_conv_transpose", _TF.replace("strides", "output_shape strides"))
       for n in (1, 2, 3)},
    **{f"{name}{tail}": (word, order) for name, word, order in _BACKWARD for tail in ("", "_v2", "V2")},
    **dict.fromkeys(("depthwise_conv2d", "depthwise_conv2d_native", "DepthwiseConv2dNative"), ("tf_depthwise", _TF)),
    "jax.conv_transpose": (
        "jax_conv_transpose",
        "lhs rhs strides padding rhs_dilation dimension_numbers transpose_kernel precision preferred_element_type "
        "use_consistent_padding",
    ),
    "jax.conv_general_dilated": ("jax_conv", _JAX), "jax.conv": ("jax_conv", "lhs rhs window_strides padding"),
    "jax.conv_with_general_padding": ("jax_conv", "lhs rhs window_strides padding lhs_dilation rhs_dilation"),
    "jax.conv_dimension_numbers": ("dimension_numbers", "lhs rhs numbers"),
    "scipy.convolve2d": ("scipy", "in1 in2 mode boundary fillvalue"),
    "scipy.correlate2d": ("scipy", "in1 in2 mode boundary fillvalue"),
    "scipy.convolve": ("scipy", "in1 in2 mode method"),
    "scipy.correlate": ("scipy", "in1 in2 mode method"),
    "scipy.fftconvolve": ("scipy", "in1 in2 mode axes"),
    "numpy.convolve": ("np_scipy", "in1 in2 mode"),
    "numpy.correlate": ("np_scipy", "in1 in2 mode"),
    "zeros": ("zeros", "*shape"), "ones": ("ones", "*shape"), "empty": ("empty", "*shape"),
    "full": ("full", "shape fill_value"), "new_zeros": ("new_zeros", "input *shape"),
    "zeros_like": ("zeros_like", "input"), "ones_like": ("ones_like", "input"), "empty_like": ("empty_like", "input"),
    "full_like": ("full_like", "input fill_value"),
    "torch.pad": ("torch_pad", "input pad mode value"), "pad": ("pad", "input pad_width mode constant_values"),
    "sum": ("sum", "input axis keepdims"), "mean": ("mean", "input axis keepdims"),
    "reduce_sum": ("sum", "input axis keepdims"), "reduce_mean": ("mean", "input axis keepdims"),
    "flip": ("flip", "input *axis"), "reverse": ("flip", "input *axis"), "fliplr": ("fliplr", "input"),
    "flipud": ("flipud", "input"), "rot90": ("rot90", "input k axis"),
    "torch.transpose": ("swap", "input a b"), "swapaxes": ("swap", "input a b"), "t": ("t", "input"),
    "transpose": ("permute", "input *axis"), "permute": ("permute", "input *axis"),
    "moveaxis": ("moveaxis", "input source destination"), "movedim": ("moveaxis", "input source destination"),
    "rollaxis": ("rollaxis", "input source destination"),
    "reshape": ("reshape", "input *shape"), "view": ("reshape", "input *shape"), "ravel": ("ravel", "input"),
    "flatten": ("flatten", "input start end"), "view_as": ("reshape_as", "input other"),
    "reshape_as": ("reshape_as", "input other"), "squeeze": ("squeeze", "input axis"),
    "unsqueeze": ("unsqueeze", "input axis"), "expand_dims": ("unsqueeze", "input axis"),
    "concatenate": ("cat", "arrays axis"), "cat": ("cat", "arrays axis"), "concat": ("cat", "arrays axis"),
    "hstack": ("hstack", "arrays"), "vstack": ("vstack", "arrays"), "row_stack": ("vstack", "arrays"),
    "stack": ("stack", "arrays axis"), "chunk": ("chunk", "input count axis"),
    "torch.split": ("split_by", "input size axis"), "split": ("split", "input count axis"),
    "tensorflow.split": ("tf_split", "input count axis"),
    "hsplit": ("hsplit", "input count"), "vsplit": ("vsplit", "input count"),
    "einsum": ("einsum", "equation *operands"), "tensorflow.einsum": ("exact_einsum", "equation *operands"),
    "tensordot": ("tensordot", "a b axes"), "torch.tensordot": ("torch_tensordot", "a b axes"),
    "matmul": ("matmul", "a b"), "dot": ("dot", "a b"), "mm": ("matmul", "a b"), "bmm": ("matmul", "a b"),
    "outer": ("outer", "a b"), "inner": ("inner", "a b"), "vdot": ("vdot", "a b"), "kron": ("kron", "a b"),
    "multiply": ("multiply", "a b"), "mul": ("multiply", "a b"), "add": ("add", "a b"), "subtract": ("subtract", "a b"),
    "torch.add": ("add", "a b alpha"), "torch.sub": ("subtract", "a b alpha"),
    "torch.subtract": ("subtract", "a b alpha"), "sub": ("subtract", "a b"), "divide": ("divide", "a b"),
    "div": ("divide", "a b"), "true_divide": ("divide", "a b"),
    "maximum": ("maximum", "a b"), "minimum": ("minimum", "a b"), "where": ("where", "condition a b"),
    "greater": ("greater", "a b"), "less": ("less", "a b"), "square": ("square", "input"),
    "repeat": ("repeat", "input repeats axis"), "repeat_interleave": ("repeat", "input repeats axis"),
    "torch.repeat": ("tile", "input *repeats"), "tile": ("tile", "input repeats"),
    "expand": ("broadcast", "input *shape"), "expand_as": ("expand_as", "input other"),
    "broadcast_to": ("broadcast", "input shape"), "roll": ("roll", "input shift axis"),
    "cumsum": ("cumsum", "input axis"), "tril": ("triangle", "input k diagonal"),
    "triu": ("triangle", "input k diagonal"), "tensorflow.cumsum": ("tf_cumsum", "input axis exclusive reverse"),
    **{f"torch.avg_pool{n}d": ("torch_word", "input kernel_size stride padding ceil_mode count_include_pad "
                               "divisor_override") for n in (1, 2, 3)},
    **{f"torch.adaptive_avg_pool{n}d": ("torch_word", "input output_size") for n in (1, 2, 3)},
    "torch.pixel_shuffle": ("torch_word", "input upscale_factor"),
    "torch.pixel_unshuffle": ("torch_word", "input downscale_factor"),
    "torch.interpolate": ("torch_word", "input size scale_factor mode"),
    "diff": ("diff", "input n axis"), "sign": ("function", "input"),
    "negative": ("neg", "input"), "neg": ("neg", "input"),
    **dict.fromkeys(("abs", "exp", "log", "tanh", "sigmoid", "relu", "sqrt", "sin", "cos"), ("function", "input")),
    **dict.fromkeys(("absolute", "erf", "expit", "silu"), ("function", "input")),
    "torch.gelu": ("gelu", "input approximate"), "tensorflow.gelu": ("gelu", "input approximate"),
    "jax.gelu": ("jax_gelu", "input approximate"),
    "size": ("size", "input axis"), "numpy.shape": ("shape", "input"), "shape": ("shape", "input"),
    "ndim": ("ndim", "input"), "dim": ("ndim", "input"), "numel": ("numel", "input"), "prod": ("prod", "items axis"),
    "fill": ("fill_", "input value"),
    "zero_": ("zero_", "input"), "add_": ("add_", "a b alpha"), "sub_": ("sub_", "a b alpha"),
    "mul_": ("mul_", "a b"), "div_": ("div_", "a b"), "copy_": ("fill_", "input value"), "item": ("item", "input"),
    "floor": ("floor", "x"), "ceil": ("ceil", "x"), "math.floor": ("floor", "x"), "math.ceil": ("ceil", "x"),
    "atleast_1d": ("same", "input"), "asarray": ("same", "input"),
    "new_ones": ("new_ones", "input *shape"), "new_empty": ("new_empty", "input *shape"),
    "clamp": ("clamp", "input min max"), "clip": ("clamp", "input min max"),
    **dict.fromkeys(("max", "amax", "min", "amin", "reduce_max", "reduce_min"), ("extreme", "input axis keepdims")),
    **dict.fromkeys(("torch.max", "torch.min"), ("torch_extreme", "input axis keepdims")),
    **dict.fromkeys(("argmax", "argmin", "nanargmax"), ("position", "input axis")),
    "unravel_index": ("unravel_index", "indices shape"), "broadcast_arrays": ("broadcast_arrays", "*arrays"),
    **{f"torch.{name}": (name, "input axis unbiased keepdims correction") for name in ("var", "std")},
    **{name: (name, "input axis dtype out ddof keepdims correction") for name in ("var", "std")},
    "softmax": ("softmax", "input axis"), "log_softmax": ("log_softmax", "input axis"),
    "logsumexp": ("logsumexp", "input axis keepdims"),
    "arange": ("arange", "start stop step"), "add_at": ("add_at", "a indices b"),
    "meshgrid": ("meshgrid", "*arrays indexing"), "ix_": ("ix", "*arrays"),
    "sliding_window_view": ("windows", "input window_shape axis"),
    "as_strided": ("strided", "input shape strides"),
    "narrow": ("narrow", "input axis start length"),
}  # fmt: skip

IDENTITIES = frozenset({
    "copy", "clone", "contiguous", "detach", "float", "double", "numpy", "cpu", "cuda", "to", "type", "astype",
    "type_as", "requires_grad_", "ascontiguousarray", "asarray", "array", "tensor", "as_tensor", "from_numpy",
    "constant", "convert_to_tensor", "Variable", "cast", "identity", "stop_gradient", "item_", "conj", "half",
    "stop",
})  # fmt: skip
"""Functions whose value is their first argument."""

COPIES = frozenset({"copy", "clone", "array", "tensor", "constant", "astype", "cast", "convert_to_tensor"})
"""Those of them whose value has elements of its own."""
ALIASES = frozenset({"asarray", "detach", "numpy", "from_numpy", "as_tensor", "requires_grad_",
                     "identity", "stop_gradient", "stop", "Variable", "item_"})  # fmt: skip
"""Those whose value is the argument itself; the others are that or a copy."""
GATHERING = frozenset({"array", "tensor", "constant", "asarray", "as_tensor", "ascontiguousarray"})
"""Functions that make an array of a list."""
CONVERTED = frozenset({"dtype", "device", "copy", "requires_grad", "order", "non_blocking", "memory_format", "name",
                       "other", "subok", "ndmin", "Tout", "shape"})  # fmt: skip
MAKERS = frozenset({"zeros", "ones", "empty", "full", "new_zeros", "new_ones", "new_empty", "zeros_like", "ones_like",
                    "empty_like", "full_like", "arange", "new_full"})  # fmt: skip
TYPES = frozenset({
    *(f"{sign}int{size}" for sign in ("", "u") for size in ("", 8, 16, 32, 64)), "bool", "bool_", "int_", "long",
    "short", "byte", "intp", "float", "double", "half", "float16", "float32", "float64", "bfloat16", "float_",
    "longdouble",
    "dtype real", "dtype int", "dtype bool", "single", "longlong", "i", "f", "d", "?", "i4", "i8", "f4", "f8",
})  # fmt: skip
"""Names of types of numbers."""
SHARED_OUT = frozenset({"flip", "fliplr", "flipud", "rot90"})
"""Views in NumPy, copies in PyTorch."""

LIBRARIES = frozenset({"numpy", "torch", "tensorflow", "jax", "scipy", "math", "cupy"})
VIEWS = frozenset({
    "flip", "fliplr", "flipud", "rot90", "swap", "t", "permute", "moveaxis", "rollaxis", "reshape", "ravel", "flatten",
    "reshape_as", "squeeze", "unsqueeze", "chunk", "split", "tf_split", "split_by", "hsplit",
    "vsplit", "unfold", "tensor_unfold", "einsum", "exact_einsum",
    "broadcast", "tile",
    "expand_as", "broadcast_arrays", "meshgrid", "ix", "windows", "strided", "narrow", "same",
})  # fmt: skip
"""Words whose value may have the elements of an argument, in one of the libraries."""
_SEVERAL = frozenset(
    {
        "chunk",
        "split",
        "tf_split",
        "split_by",
        "hsplit",
        "vsplit",
        "broadcast_arrays",
        "meshgrid",
        "ix",
        "unravel_index",
        "torch_extreme",
    }
)
CHANGING = frozenset({
    "append", "extend", "insert", "pop", "update", "setdefault", "remove", "sort", "reverse", "clear", "popitem",
    "fill", "put", "at", "resize", "copyto", "fill_diagonal", "place", "putmask", "itemset", "add", "discard",
})  # fmt: skip
"""Methods of lists, dicts, sets and arrays, and functions, that change one of their arguments."""
FIRST_CHANGED = frozenset({"at", "copyto", "fill_diagonal", "place", "putmask", "put"})
"""Functions of libraries that change their first argument and no other one."""
_READING = frozenset({
    "get", "items", "keys", "values", "index", "count", "copy", "format", "join", "lower", "upper", "strip",
    "startswith", "endswith", "conjugate", "tolist", "nonzero", "no_grad", "enable_grad", "inference_mode", "as_list",
    "deepcopy", "TensorShape", "Size",
})  # fmt: skip
"""Methods and functions besides words that change nothing."""

PARTS = frozenset({
    "add", "array_ops", "autograd", "backend", "compat", "fft", "functional", "grad", "image", "keras", "lax", "lib",
    "linalg", "math", "nn", "numpy", "ops", "raw_ops", "signal", "special", "stride_tricks", "v1", "v2", "random",
})  # fmt: skip
"""Parts of libraries that functions are found in."""

SKIPPED = frozenset({"print", "assert_shape", "mark_non_differentiable", "set_materialize_grads", "mark_dirty",
                     "warn", "debug", "info"})  # fmt: skip
"""Calls that no array depends on."""

_SAME = {
    "dim": "axis", "dims": "axis", "axes": "axis", "keepdim": "keepdims", "keep_dims": "keepdims",
    "reduction_indices": "axis", "x": "input", "a": "input", "array": "input", "tensor": "input",
    "inputs": "input", "weights": "weight", "filter": "filters", "dimension": "axis", "perm": "axis", "size": "shape",
    "newshape": "shape", "paddings": "pad_width", "chunks": "count", "indices_or_sections": "count",
    "num_or_size_splits": "count", "seq": "arrays", "tensors": "arrays", "values": "arrays", "a_min": "min",
    "a_max": "max", "split_size_or_sections": "size", "repeats": "repeats", "dim0": "a", "dim1": "b",
    "shape": "shape", "condition": "condition", "kernel_shape": "kernel_size",
}  # fmt: skip
_IGNORED = frozenset({"dtype", "device", "out", "name", "optimize", "requires_grad", "order", "casting", "precision",
                      "preferred_element_type", "use_cudnn", "copy", "memory_format", "stat_length"})  # fmt: skip


def signature(path: str) -> tuple[str, tuple[str, ...]] | None:
    """The word a dotted name or a method stands for, and the names of its arguments."""
    library, _, rest = path.partition(".")
    name = rest.rpartition(".")[2] or library
    for key in (f"{library}.{name}", name):
        if key in _SIGNATURES:
            word, names = _SIGNATURES[key]
            return word, tuple(names.split())
    return None


def bound(names: Sequence[str], arguments: Sequence[Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments by name; raises ValueError with what is wrong."""
    given: dict[str, Any] = {}
    rest = list(arguments)
    for name in names:
        if name.startswith("*"):
            one = len(rest) == 1 and isinstance(rest[0], tuple | list)
            given[name[1:]] = rest[0] if one else tuple(rest)
            if not rest:
                del given[name[1:]]
            rest = []
        elif rest:
            given[name] = rest.pop(0)
    plain = [name.lstrip("*") for name in names]
    if rest:
        raise ValueError(f"takes {len(plain)} arguments: {', '.join(plain)}")
    for key, value in options.items():
        name = key if key in plain else _SAME.get(key, key)
        if name in plain:
            given[name] = value
        elif key not in _IGNORED:
            raise ValueError(f"has no option {key}; it takes {', '.join(plain)}")
    return given


def computes(path: str, options: Mapping[str, str]) -> bool:
    """Whether the value of a function of a library, or of a method, has elements of its own."""
    name = path.rpartition(".")[2]
    if name in {"array", "tensor", "clone"} or path == "numpy.copy":
        return options.keys() <= {"dtype"} and "object" not in options.get("dtype", "") and "O" not in options.values()
    found = signature(path)
    return found is not None and found[0] not in VIEWS and name not in IDENTITIES and not _in_place(name, options)


def makes_several(path: str, count: int, options: Collection[str] = ()) -> bool:
    """Whether the value of a function or method may be a list or a tuple of arrays; of what is not known it may."""
    found = signature(path)
    if path in {"method.max", "method.min"}:
        return count > 1 or bool({"dim", "keepdim"} & set(options))
    return found is None or found[0] in _SEVERAL or (found[0] == "where" and count == 1)


def changes_nothing(path: str, count: int, options: Mapping[str, str]) -> bool:
    """Whether a function of a library, or a method with its owner first, leaves ``count`` arguments as they are."""
    library, _, name = path.rpartition(".")
    if name in IDENTITIES | SKIPPED | TYPES | _READING:
        return True
    found = signature(path) or (signature(f"torch.{name}") if library == "method" else None)
    # A method of such a name may be a list's or a set's.
    if found is None or _in_place(name, options) or (library == "method" and name in CHANGING):
        return False
    word, names = found
    if library == "method" and word not in {"extreme", "var", "std"}:
        names = max(
            names, (signature(f"torch.{name}") or found)[1], key=lambda given: ("*" in "".join(given), len(given))
        )
    if word == "extreme" and not path.startswith("torch."):
        names = names[:2]
    most = names.index("out") if "out" in names else len(names)
    return count <= most or any(one.startswith("*") for one in names)


def _in_place(name: str, options: Mapping[str, str]) -> bool:
    return name.endswith("_") or name in {"fill", "add_at"} or bool({"out", "inplace"} & options.keys())


def nearest(path: str) -> str:
    """Words like one that is not known."""
    names = sorted({key.rpartition(".")[2] for key in _SIGNATURES})
    name = path.rpartition(".")[2]
    close = get_close_matches(name, names, 3)
    return (
        f"did you mean {' or '.join(close)}?"
        if close
        else "known are convolutions, pads, sums, products and moves of axes"
    )
