# type: ignore
"""What changes when: lists and dicts under two names, loops that may not run, errors, effects of calls: 2*x."""

import functools

import numpy as np

Z = 2
Z += 1


LST = [2]
LST[0] = 3


def twice(f):
    @functools.wraps(f)
    def g(*a):
        return 2 * f(*a)

    return g


@twice
def decorated2(d):
    return 2 * d


def in_positions(dout, x):
    gx = np.zeros_like(x)
    for i in range(x.shape[1]):
        if i in (0, x.shape[1] - 1):
            gx[:, i] = dout[:, i]
        gx[:, i] += 2 * dout[:, i]
    return gx


def dict_alias_aug(dout, x):
    gx = np.zeros_like(x)
    g = {"a": gx}
    g["a"] += 2 * dout
    return gx


def list_rebind(dout, x):
    gx = 2 * dout
    g = [gx]
    g[0] = g[0] + 1
    return gx


def assert_even(dout, x):
    assert x.shape[1] % 2 == 0
    return 2 * dout


def raise_odd(dout, x):
    if x.shape[1] % 2:
        raise ValueError("odd")
    return 2 * dout


def raise_element(dout, x):
    gx = np.zeros_like(x)
    for i in range(x.shape[1]):
        if i == 3:
            raise ValueError
        gx[:, i] = 2 * dout[:, i]
    return gx


def calls_decorated2(dout, x):
    return decorated2(dout)


@twice
def is_decorated(dout, x):
    return 2 * dout


def const_augmented(dout, x):
    return dout * Z


def const_mutated(dout, x):
    return dout * LST[0]
if False:
    YY = 2
else:
    YY = 3


def loop_may_not_run(dout, x):
    k = 3
    for i in range(1, x.shape[1]):
        k = 2
    return k * dout


def loop_may_not_run_array(dout, x):
    g = dout
    for i in range(2, x.shape[1]):
        g = 2 * dout
    return g


def unused_call_mutates(dout, x):
    def f(a):
        a *= 2
        return 0
    z = f(dout)
    return dout


def unused_assign_closure(dout, x):
    gx = 2 * dout
    def f():
        gx[...] += 1
        return 1
    t = f()
    return gx


def out_kw(dout, x):
    gx = np.zeros_like(x)
    np.multiply(dout, 2, out=gx)
    return gx


def out_kw_wrong(dout, x):
    gx = np.zeros_like(x)
    np.add(dout, dout, out=dout)
    return 2 * dout


def squeeze_all(dout, x):
    return np.squeeze(2 * dout)


def reshape_f(dout, x):
    return 2 * dout.reshape(-1, order='F').reshape(x.shape)


def scalar_copy(dout, x):
    gx = 2 * dout
    t = gx[0, 0]
    gx[0, 0] = 0
    gx[0, 0] = t
    return gx


def row_views_wrong(dout, x):
    gx = np.zeros_like(x)
    for n in range(x.shape[0]):
        row = gx[n].copy()
        row += 2 * dout[n]
    return gx


def broadcast_iadd_bad2(dout, x):
    gx = np.zeros((1, x.shape[1]))
    gx += 2 * dout
    return gx


def and_value_positions(dout, x):
    gx = np.zeros_like(x)
    for i in range(x.shape[1]):
        k = i > 0 and 3
        gx[:, i] += dout[:, i] * (2 - k)
    return gx


def condition_number_positions(dout, x):
    gx = np.zeros_like(x)
    for i in range(x.shape[1]):
        gx[:, i] += dout[:, i] * ((i >= 0) + (i < x.shape[1]))
    return gx


def rows_zip(dout, x):
    gx = np.zeros_like(x)
    for g, d in zip(gx, dout):
        g += 2 * d
    return gx


def listed_views(dout, x):
    d = 2 * dout
    columns = [d[:, i] for i in range(x.shape[1])]
    d += 1
    return np.stack(columns, axis=1)


def summed_set(dout, x):
    return dout * sum({1, 1})
