"""The words of NumPy, PyTorch, SciPy, TensorFlow and JAX: what each does, and its arguments in that library's order."""

from __future__ import annotations

from symconv.code.source.composed import composed_signatures

__all__ = ["IN_PLACE", "SAVED", "SIGNATURES"]

IN_PLACE = frozenset({"abs", "addcdiv", "addcmul", "celu", "clamp", "clamp_max", "clamp_min", "clip", "elu", "erf",
                      "exp", "expm1", "hardtanh", "leaky_relu", "lerp", "log", "log1p", "masked_fill", "neg", "pow",
                      "reciprocal", "relu", "relu6", "rsqrt", "selu", "sigmoid", "sign", "silu", "sin", "cos", "sqrt",
                      "square", "tanh"})  # fmt: skip
"""Functions of elements that PyTorch has with ``_`` too, which puts the result into the first argument."""
SAVED = frozenset({"saved_tensors", "saved_values", "saved_variables"})
"""What ``ctx`` calls the values that were saved in it."""

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

SIGNATURES: dict[str, tuple[str, str]] = {
    **composed_signatures(), "<own>.exact": ("exact", ""), "<own>.first": ("first", "input axis keepdims mask"),
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
    "torch.pad": ("torch_pad", "input pad mode value"),
    "tensorflow.pad": ("tf_pad", "input pad_width mode constant_values"),
    "pad": ("pad", "input pad_width mode constant_values"),
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
    **dict.fromkeys(("numpy.c_", "jax.c_"), ("columns", "*arrays")),
    **dict.fromkeys(("numpy.r_", "jax.r_"), ("rows", "*arrays")),
    **dict.fromkeys(("numpy.column_stack", "jax.column_stack", "torch.column_stack"), ("columns", "arrays")),
    **dict.fromkeys(("numpy.append", "jax.append"), ("append", "a b axis")),
    "stack": ("stack", "arrays axis"), "chunk": ("chunk", "input count axis"),
    "torch.split": ("split_by", "input size axis"), "split": ("split", "input count axis"),
    "tensorflow.split": ("tf_split", "input count axis"),
    "torch.unbind": ("unbind", "input axis"), "tensorflow.unstack": ("unbind", "input num axis"),
    "array_split": ("array_split", "input count axis"), "hsplit": ("hsplit", "input count"),
    "vsplit": ("vsplit", "input count"),
    "einsum": ("einsum", "equation *operands"), "tensorflow.einsum": ("exact_einsum", "equation *operands"),
    "tensordot": ("tensordot", "a b axes"), "torch.tensordot": ("torch_tensordot", "a b dims"),
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
    **dict.fromkeys(("numpy.roll", "jax.roll"), ("numpy_roll", "input shift axis")),
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
    "torch.leaky_relu": ("leaky_relu", "input negative_slope"),
    "jax.leaky_relu": ("jax_leaky_relu", "input negative_slope"),
    "tensorflow.leaky_relu": ("tf_leaky_relu", "input alpha"), "relu6": ("relu6", "input"),
    "torch.hardtanh": ("hardtanh", "input min_val max_val"), "jax.hard_tanh": ("hardtanh", "input"),
    **dict.fromkeys(("torch.hardsigmoid", "jax.hard_sigmoid"), ("hardsigmoid", "input")),
    **dict.fromkeys(("torch.hardswish", "jax.hard_swish", "jax.hard_silu"), ("hardswish", "input")),
    **dict.fromkeys(("torch.elu", "jax.elu"), ("elu", "input alpha")), "tensorflow.elu": ("elu", "input"),
    "torch.softplus": ("softplus", "input beta threshold"), "softplus": ("softplus", "input"),
    **dict.fromkeys(("logsigmoid", "log_sigmoid"), ("logsigmoid", "input")), "mish": ("mish", "input"),
    **{name: (name, "input") for name in ("log1p", "expm1", "rsqrt", "reciprocal")},
    **dict.fromkeys(("pow", "power"), ("power", "input exponent")),
    **{f"torch.{name}": (name, "input a b beta alpha") for name in ("addmm", "baddbmm")},
    "size": ("size", "input axis"), "numpy.shape": ("shape", "input"),
    "numpy.size": ("numel", "input axis"), "jax.size": ("numel", "input axis"),
    "tensorflow.size": ("numel", "input out_type name"),
    "shape": ("shape", "input"),
    "ndim": ("ndim", "input"), "dim": ("ndim", "input"), **dict.fromkeys(("numel", "nelement"), ("numel", "input")),
    "prod": ("prod", "input axis keepdims"),
    **dict.fromkeys(("fill", "fill_"), ("fill_", "input value")),
    "zero_": ("zero_", "input"), "add_": ("add_", "a b alpha"), "sub_": ("sub_", "a b alpha"),
    "mul_": ("mul_", "a b"), "div_": ("div_", "a b"), "copy_": ("fill_", "input value"), "item": ("item", "input"),
    "floor": ("floor", "x"), "ceil": ("ceil", "x"), "torch.trunc": ("floor", "x"),
    **{f"{library}.round": ("floor", "x") for library in ("jax", "numpy", "tensorflow", "torch")},
    "torch.stride": ("stride", "input axis"), "math.floor": ("floor", "x"), "math.ceil": ("ceil", "x"),
    "atleast_1d": ("same", "input"), "asarray": ("same", "input"),
    "new_ones": ("new_ones", "input *shape"), "new_empty": ("new_empty", "input *shape"),
    "clamp": ("clamp", "input min max"), "clip": ("clamp", "input min max"),
    "clamp_min": ("clamp", "input min"), "clamp_max": ("clamp", "input max"),
    **dict.fromkeys(("max", "amax", "min", "amin", "reduce_max", "reduce_min"), ("extreme", "input axis keepdims")),
    **dict.fromkeys(("torch.max", "torch.min"), ("torch_extreme", "input axis keepdims")),
    **dict.fromkeys(("argmax", "argmin", "nanargmax"), ("position", "input axis keepdims")),
    "unravel_index": ("unravel_index", "indices shape"), "broadcast_arrays": ("broadcast_arrays", "*arrays"),
    **{f"torch.{name}": (name, "input axis unbiased keepdims correction") for name in ("var", "std")},
    **{name: (name, "input axis dtype out ddof keepdims correction") for name in ("var", "std")},
    "softmax": ("softmax", "input axis"), "log_softmax": ("log_softmax", "input axis"),
    "logsumexp": ("logsumexp", "input axis keepdims"),
    "arange": ("arange", "start stop step"), "add_at": ("add_at", "a indices b"),
    "ndindex": ("grid", "*shape"), "itertools.product": ("product", "*arrays repeat"),
    "meshgrid": ("meshgrid", "*arrays indexing"), "ix_": ("ix", "*arrays"),
    "sliding_window_view": ("windows", "input window_shape axis"),
    "as_strided": ("strided", "input shape strides"),
    "narrow": ("narrow", "input axis start length"),
    "take": ("lookup", "input indices axis"), "tensorflow.gather": ("lookup", "input indices axis"),
    "index_select": ("lookup", "input axis index"), "embedding": ("embedding", "input weight"),
    "embedding_lookup": ("embedding", "weight input"), "take_along_axis": ("take_along", "input indices axis"),
    "put_along_axis": ("put_along", "input indices values axis"),
    "gather": ("gather", "input axis index"), "eye": ("eye", "rows columns k"),
    **dict.fromkeys(("index_add", "index_add_"), ("index_add", "input axis index source alpha")),
    **dict.fromkeys(("scatter_add", "scatter_add_"), ("scatter_add", "input axis index src")),
    **dict.fromkeys(("scatter", "scatter_"), ("scatter", "input axis index src")),
    "one_hot": ("one_hot", "input classes"), "nll_loss": ("nll_loss", "input target reduction"),
    "cross_entropy": ("cross_entropy", "input target reduction"),
    "sparse_softmax_cross_entropy_with_logits": ("sparse_cross_entropy", "labels logits"),
}  # fmt: skip
