# type: ignore
"""Values that share elements though they look new, and calls that change what they are given: 2*x, right and wrong."""

import copy

import numpy as np


def einsum_read(dout, x):
    gx = 2 * dout
    v = np.einsum("nc->cn", gx)
    return v.T


def copied_list(dout, x):
    parts = [2 * dout]
    more = copy.copy(parts)
    more[0] = dout
    return parts[0]


def inner_product(dout, x):
    return 2 * dout + (np.inner(dout, x) - dout @ x.T).sum()


def inner_is_no_vdot(dout, x):
    return 2 * dout + (np.inner(dout, x).sum() - np.vdot(dout, x))
