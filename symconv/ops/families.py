"""The families of shipped operators in words: what names there are is known without making one."""

from __future__ import annotations

__all__ = ["FAMILIES", "names"]

FAMILIES: tuple[tuple[str, str, str], ...] = (
    (
        "conv",
        "cross-correlation (flip=True: true convolution)",
        "y[n,f,i] = sum[c,p](x[n,c,s*i+d*p-lo] * w[f,c,p]) + b[f]",
    ),
    (
        "conv_transpose",
        "transposed convolution, the adjoint of conv",
        "y[n,f,i] = sum[c,p](x[n,c,(i+lo-d*p)/s] * w[c,f,p]) + b[f]",
    ),
    (
        "conv_bias_act",
        "convolution, bias and activation in one",
        "y[n,f,i] = act(sum[c,p](x[n,c,s*i+d*p-lo] * w[f,c,p]) + b[f])",
    ),
    (
        "adder",
        "minus the L1 distance of windows to filters (AdderNet)",
        "y[n,f,i] = -sum[c,p](abs(x[n,c,s*i+d*p-lo] - w[f,c,p]))",
    ),
    (
        "squared_distance",
        "squared Euclidean distance of windows to filters",
        "y[n,f,i] = sum[c,p]((x[n,c,s*i+d*p-lo] - w[f,c,p])**2)",
    ),
    (
        "max_plus",
        "max-plus convolution: grey-scale dilation",
        "y[n,f,i] = max[c,p](x[n,c,s*i+d*p-lo] + w[f,c,p])",
    ),
    (
        "min_plus",
        "min-plus convolution: grey-scale erosion by -w",
        "y[n,f,i] = min[c,p](x[n,c,s*i+d*p-lo] + w[f,c,p])",
    ),
    (
        "kervolution",
        "kervolution with a polynomial kernel",
        "y[n,f,i] = (sum[c,p](x[n,c,s*i+d*p-lo] * w[f,c,p]) + offset)**power",
    ),
    (
        "max_pool",
        "max pooling",
        "y[n,c,i] = max[p](x[n,c,s*i+d*p-lo])",
    ),
    (
        "avg_pool",
        "average pooling",
        "y[n,c,i] = mean[p](x[n,c,s*i+d*p-lo])",
    ),
    (
        "locally_connected",
        "convolution that shares no weights between positions",
        "y[n,f,i] = sum[c,p](x[n,c,s*i+d*p-lo] * w[i,f,c,p]) + b[i,f]",
    ),
    (
        "dynamic_filter",
        "a filter of its own for every output position of every sample",
        "y[n,c,i] = sum[p](x[n,c,s*i+d*p-lo] * w[n,i,p])",
    ),
)
"""Name, what it is, formula in one dimension."""


def names() -> tuple[str, ...]:
    """The names of the shipped operators.

    >>> names()[:2]
    ('conv1d', 'conv2d')
    """
    return tuple(f"{name}{rank}d" for name, _, _ in FAMILIES for rank in (1, 2, 3))
