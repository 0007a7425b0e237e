# type: ignore
"""What Python does with control flow, names and keywords, in ways that are easily read wrongly: 2*x, right and wrong."""

import numpy as np

SCALE = 5


def known_condition(dout, x):
    gx = np.zeros_like(x)
    on = 1
    for i in range(x.shape[1]):
        if on > 0:
            if i > 0:
                continue
        gx[:, i] += 2 * dout[:, i]
    return gx


def known_condition_right(dout, x):
    gx = np.zeros_like(x)
    on = 1
    for i in range(x.shape[1]):
        if on > 0:
            if i < 0:
                continue
        gx[:, i] += 2 * dout[:, i]
    return gx


def under_with(dout, x):
    gx = np.zeros_like(x)
    for i in range(x.shape[1]):
        with np.errstate(all="ignore"):
            if i > 0:
                continue
        gx[:, i] += 2 * dout[:, i]
    return gx


def filtered_list(dout, x):
    gx = np.zeros_like(x)
    for p in range(x.shape[1]):
        gx[:, p] += 2 * dout[:, p] + sum([x[:, p] for q in range(1) if p > 40])
    return gx


def filtered_elements(dout, x):
    gx = np.zeros_like(x)
    for n in range(x.shape[0]):
        for p in range(x.shape[1]):
            gx[n, p] += 2 * dout[n, p] + sum([x[n, p] for q in range(1) if x[n, p] > 0])
    return gx


def bound_that_changes(dout, x):
    gx = np.zeros_like(x)
    i = 0
    n = x.shape[1]
    while i < n:
        gx[:, i] += 2 * dout[:, i]
        i += 1
        n = 0
    return gx


def scaled_rows(n):
    for i in range(n):
        yield i, SCALE


def captured_name(dout, x):
    gx = np.zeros_like(x)
    SCALE = 2
    gx += 0 * SCALE * dout
    for i, k in scaled_rows(x.shape[1]):
        gx[:, i] += k * dout[:, i]
    return gx


def keyword_rows(n, *, k=2):
    for i in range(n):
        yield i, k


def keyword_default(dout, x):
    gx = np.zeros_like(x)
    for i, k in keyword_rows(x.shape[1]):
        gx[:, i] += k * dout[:, i]
    return gx


def early_rows(n):
    for i in range(n):
        yield i
    return


def generator_that_returns(dout, x):
    gx = np.zeros_like(x)
    for i in early_rows(x.shape[1]):
        gx[:, i] += 2 * dout[:, i]
    return gx


def largest_by_key(dout, x):
    return dout * max([2, -3], key=abs)


def counted_from_one(dout, x):
    gx = np.zeros_like(x)
    for k, _ in enumerate([1, 1], start=1):
        gx += dout * k
    return gx / 1.5


def summed_from_one(dout, x):
    return dout * sum([1], start=1)


def left_at_once(dout, x):
    s = 0
    for row in dout:
        s += 1
        break
    return 2 * s * dout


def loop_with_else(dout, x):
    gx = np.zeros_like(x)
    for i in range(x.shape[1]):
        gx[:, i] += dout[:, i]
    else:
        gx = gx * 2
    return gx
