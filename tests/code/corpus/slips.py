# type: ignore
"""Values that share elements though they look new, and calls that change what they are given: 2*x, right and wrong."""

import copy
import functools

import numpy as np


def bump(v):
    v += 1


def einsum_view(dout, x):
    gx = 2 * dout
    v = np.einsum("nc->cn", gx)
    v += 1
    return gx


def einsum_read(dout, x):
    gx = 2 * dout
    v = np.einsum("nc->cn", gx)
    return v.T


def array_not_copied(dout, x):
    gx = 2 * dout
    v = np.array(gx, copy=None)
    v += 1
    return gx


def conjugate(dout, x):
    gx = 2 * dout
    v = gx.conj()
    v += 1
    return gx


def copied_list(dout, x):
    parts = [2 * dout]
    more = copy.copy(parts)
    more[0] = dout
    return parts[0]


def inner_product(dout, x):
    return 2 * dout + (np.inner(dout, x) - dout @ x.T).sum()


def inner_is_no_vdot(dout, x):
    return 2 * dout + (np.inner(dout, x).sum() - np.vdot(dout, x))


def listed_more(dout, x):
    gx = 2 * dout
    kept = []
    kept += gx, x
    for one in kept:
        one *= 2
    return gx


def joined_dicts(dout, x):
    gx = 2 * dout
    kept = {}
    kept |= {"a": gx}
    kept["a"] += 1
    return gx


def joined_lists(dout, x):
    gx = 2 * dout
    first = [gx]
    both = first + [x]
    both[0] += 1
    return gx


def repeated_tuple(dout, x):
    gx = 2 * dout
    first = (gx,)
    both = first * 2
    both[1][:] = 1
    return gx


def copied_dict(dout, x):
    grads = {"x": 2 * dout}
    out = grads.copy()
    for k in out:
        out[k] *= 0.5
    return grads["x"]


def copied_dict_twice(dout, x):
    grads = {"x": 4 * dout}
    out = grads.copy()
    for k in out:
        out[k] *= 0.5
    return grads["x"]


def third_argument(dout, x):
    gx = 2 * dout
    _ = np.multiply(x, 2, gx)
    return gx


def third_argument_in_list(dout, x):
    gx = 2 * dout
    _ = [np.add(one, 1, one) for one in [gx]]
    return gx


def maximum_into(dout, x):
    gx = 2 * dout
    row = gx[0]
    _ = x.max(0, row)
    return gx


def mapped(dout, x):
    gx = 2 * dout
    _ = list(map(bump, [gx]))
    return gx


def by_key(dout, x):
    gx = 2 * dout
    _ = max([gx], key=lambda one: bump(one) or 0)
    return gx


def reduced(dout, x):
    gx = 2 * dout
    _ = functools.reduce(lambda one, _: bump(one), [gx, gx])
    return gx


def plus_sign(dout, x):
    gx = 2 * dout
    v = +gx
    v += 1
    return gx


def given_back(dout, x):
    gx = 2 * dout

    def held():
        return gx

    v = held()
    v += 1
    return gx


def by_item(dout, x):
    gx = 2 * dout
    v = [gx].__getitem__(0)
    v += 1
    return gx


def hidden_builtin(dout, x):
    gx = 2 * dout
    abs = bump
    _ = abs(gx)
    return gx


def own_list(dout, x):
    gx = 2 * dout
    rows = [x[0] * 3] + [x[0]]
    rows[0] += 1
    return gx


def own_sum(dout, x):
    gx = dout * 2
    v = gx + x
    v += 1
    w = np.multiply(gx, x)
    w += 1
    return gx


def list_reversed(dout, x):
    factors = [3, 2]
    factors.reverse()
    return dout * factors[0]


def list_reversed_wrong(dout, x):
    factors = [2, 3]
    same = factors
    _ = same.reverse()
    return dout * factors[0]


def set_of_one(dout, x):
    factors = {3}
    factors.add(1)
    return dout * (len(factors) + 1) * 2 / 3


def starred_parts(dout, x):
    gx = 2 * dout
    first, *rest = (x, gx)
    rest[0] += 1
    return gx


def strided_changed(dout, x):
    gx = 2 * dout
    v = np.lib.stride_tricks.as_strided(gx, gx.shape, gx.strides)
    v += 1
    return gx


def windows_changed(dout, x):
    gx = dout.copy()
    v = np.lib.stride_tricks.sliding_window_view(gx, (1, 1))
    gx *= 2
    return v[:, :, 0, 0]
