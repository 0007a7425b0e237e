"""The operators the views are tried on: every border, strides against dilations, groups, layouts, several
statements."""

from __future__ import annotations

from functools import cache

import symconv as sc
from symconv.gather.derivation import Derivation, derivation, forward, forward_mode
from symconv.notation.operator import Operator

OPERATORS: dict[str, Operator] = {
    "conv1": sc.conv1d(),
    "conv1_s2p1": sc.conv1d(stride=2, padding=1),
    "conv1_s3d2": sc.conv1d(stride=3, dilation=2, padding=2),
    "conv1_s2d2": sc.conv1d(stride=2, dilation=2, padding=1),
    "conv1_s4d2_flip_groups": sc.conv1d(stride=4, dilation=2, padding=1, flip=True, groups=2),
    "conv1_same": sc.conv1d(stride=2, padding="same", bias=True),
    "conv2_s2p1": sc.conv2d(stride=2, padding=1),
    "conv2_mixed": sc.conv2d(stride=(2, 3), padding=((1, 0), (0, 2)), dilation=(1, 2), layout="NHWC"),
    "conv_transpose1": sc.conv_transpose1d(stride=2, padding=1, output_padding=1, bias=True),
    "conv_transpose2": sc.conv_transpose2d(stride=2, dilation=3, groups=2),
    "conv_tanh": sc.conv_bias_act1d("tanh", stride=2, padding=1),
    "conv_gelu": sc.conv_bias_act1d("gelu"),
    "adder_reflect": sc.adder1d(stride=2, padding=1, border="reflect"),
    "adder_replicate": sc.adder1d(padding=1, border="replicate"),
    "adder_constant": sc.adder1d(stride=2, padding=1, border=0.5),
    "adder_circular": sc.adder1d(padding=((2, 1),), border="circular"),
    "distance_skip": sc.squared_distance1d(stride=2, padding=1, border="skip"),
    "max_pool": sc.max_pool1d(3, stride=2, padding=1),
    "max_pool2": sc.max_pool2d(2),
    "avg_pool_skip": sc.avg_pool1d(3, stride=2, padding=1, border="skip"),
    "max_plus": sc.max_plus1d(padding=1),
    "shared_max": sc.operator("y[n,i] = max[p](x[n,i+p])", extents={"p": 2}, kinks={"max": "share"}),
    "leaky": sc.operator("y[n,i] = where(x[n,i] > 0, x[n,i], 0.01*x[n,i])*w[i]"),
    "rational": sc.operator("y[i] = (x[i] + 2)/(w[i]**2 + 1) - (-x[i])**3*sqrt(exp(w[i]))"),
    "diagonal": sc.operator("y[i] = sum[k](x[i,k]*x[k,i])"),
    "decimated": sc.operator("y[n,i] = 2*x[n,2*i+1]"),
    "merged": sc.operator("gamma_1[n,(g,f)] = sum[c](veil[n,(g,c)]*w2[g,f,c])", extents={"g": 3}),
}


@cache
def derivations(name: str) -> tuple[Derivation, ...]:
    """The forward, every gradient, and a forward mode of an operator."""
    op = OPERATORS[name]
    gradients = tuple(derivation(op, tensor) for tensor in op.tensors)
    return (forward(op), *gradients, forward_mode(op, op.tensors[:1]))


SECOND_ORDER = ("conv1_s2p1", "conv2_s2p1", "conv_tanh", "distance_skip", "max_pool", "conv_transpose1")


@cache
def second_order(name: str) -> tuple[Derivation, ...]:
    """The gradients of the first gradient."""
    first = derivation(OPERATORS[name], OPERATORS[name].tensors[0]).operator
    return tuple(derivation(first, tensor) for tensor in first.tensors)
