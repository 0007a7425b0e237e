"""Operators that packages are written for in the tests, each with something that others have not."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import pytest

import symconv as sc
from symconv.export.exporting import packaged

sys.path.insert(0, str(Path(__file__).parent))

OPERATORS = {
    "conv2d": lambda: sc.conv2d(stride=(2, 1), padding=((1, 0), (2, 1))),
    "groups, bias, NHWC": lambda: sc.conv2d(groups=2, stride=2, bias=True, layout="NHWC"),
    "reflect": lambda: sc.conv1d(border="reflect", padding=2),
    "a number outside": lambda: sc.conv1d(border=2.5, padding=1),
    "circular": lambda: sc.conv1d(border="circular", padding=2),
    "same": lambda: sc.conv1d(stride=2, padding="same"),
    "transposed": lambda: sc.conv_transpose1d(stride=3, padding=1, output_padding=1),
    "adder": lambda: sc.adder1d(stride=2, padding=1),
    "max-plus": lambda: sc.max_plus1d(stride=2),
    "pooling": lambda: sc.max_pool2d((3, 2), 2, padding=1),
    "mean of what is there": lambda: sc.operator("y[n,i] = mean[p](x[n,2*i+p-1])", border="skip", extents={"p": 3}),
    "gate": lambda: sc.operator("y[n,f,i] = tanh(sum[c,p](x[n,c,i+p-1]*w[f,c,p])) * sigmoid(b[f])"),
    "softmax": lambda: sc.operator("y[n,i] = exp(x[n,i])/sum[k](exp(x[n,k]))"),
    "a gradient": lambda: sc.derive(sc.conv1d(stride=2, padding=1), "w"),
    "several outputs": lambda: sc.operator(
        "s[n,f,i] = sum[c,p](x[n,c,i+p-1]*w[f,c,p]); y[n,f,i] = relu(s[n,f,i]); m[f] = sum[n,i](y[n,f,i]*y[n,f,i])",
        outputs=("s", "y", "m"),
    ),
    "outputs apart": lambda: sc.operator("m[n,i] = mean[p](x[n,i+p]*w[p]); y[n] = sum[i](x[n,i])"),
    "of argmax": lambda: sc.derive(sc.max_pool1d(3, 2), "x"),
    "names": lambda: sc.operator("any[i] = sum[p](out[i+p]*wrt[p])*np[i] + dtype[i]"),
    "a size and an array of one name": lambda: sc.operator("OH[n,i,j] = sum[p,q](X[n,i+p,2*j+q-1]*W[p,q])"),
    "kervolution": lambda: sc.kervolution1d(power=3, offset=0.5),
    "surrogate": lambda: sc.operator(
        "y[n,f,i] = sign(sum[c,p](x[n,c,i+p]*w[f,c,p]))",
        surrogate={"sign": "where(u < -1, 0, where(u > 1, 0, 1))"},
    ),
}


@cache
def stated(name):
    return OPERATORS[name]()


@cache
def written(name):
    return packaged(stated(name), name="sample")


@pytest.fixture(params=OPERATORS)
def op(request):
    return stated(request.param)


@pytest.fixture(params=OPERATORS)
def package(request):
    """The files of each of them as a package called sample."""
    return written(request.param)
