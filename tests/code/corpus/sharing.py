# type: ignore
"""Arrays with two names, types that cut numbers, functions that see names late: 2*x, right and wrong."""

import numpy as np

K = 2


def helper_default(d, k=K):
    return k * d


def asarray_alias(dout, x):
    a = dout.copy()
    b = np.asarray(a)
    b += dout
    return a


def asarray_alias_wrong(dout, x):
    a = 2 * dout
    b = np.asarray(a)
    b += dout
    return a


def array_copies(dout, x):
    a = 2 * dout
    b = np.array(a)
    b += dout
    return a


def ravel_view(dout, x):
    gx = dout.copy()
    v = gx.ravel()
    v *= 2
    return gx


def flatten_copies2(dout, x):
    gx = 2 * dout
    v = gx.flatten()
    v += 1
    return gx


def int_zeros(dout, x):
    gx = np.zeros(x.shape, dtype=int)
    gx[:] = 2 * dout
    return gx


def astype_int(dout, x):
    return (2 * dout).astype(int)


def int32_of_array(dout, x):
    return 2.0 * np.int32(dout)


def full_int(dout, x):
    gx = np.full(x.shape, 0)
    gx[:] = 2 * dout
    return gx


def bool_sum(dout, x):
    m = (x > 0)
    n = (x <= 0)
    return dout * (m + n) * 2


def bool_minus(dout, x):
    m = (x > 0)
    return dout * 2 * (m - (x > 0) + 1)


def bool_invert_int(dout, x):
    m = 1 * (x > 0)
    return 2 * dout * m + 2 * dout * ~m


def round_half(dout, x):
    return dout * round(1.5)


def int_of_element(dout, x):
    gx = np.zeros_like(x)
    for n in range(x.shape[0]):
        for i in range(x.shape[1]):
            gx[n, i] = int(2 * dout[n, i])
    return gx


def truth_of_element(dout, x):
    gx = np.zeros_like(x)
    for n in range(x.shape[0]):
        for i in range(x.shape[1]):
            if dout[n, i]:
                gx[n, i] = 2
    return gx


def default_sees_caller(dout, x):
    K = 3
    return helper_default(dout) + 0 * K


def late_closure_wrong(dout, x):
    k = 2
    f = lambda d: k * d
    k = 3
    return f(dout)


def lambdas_in_list(dout, x):
    k = 2
    fs = [lambda d: k * d for k in range(4)]
    return fs[2](dout)


def lambdas_bound(dout, x):
    fs = [lambda d, k=k: k * d for k in range(4)]
    return fs[2](dout)


def generator_once_wrong(dout, x):
    g = (k for k in [1])
    a = sum(g)
    b = sum(g)
    return dout * (a + b)


def zip_once_wrong(dout, x):
    z = zip([1], [1])
    a = sum([p for p, q in z])
    b = sum([p for p, q in z])
    return dout * (a + b)


def map_late(dout, x):
    k = 3
    z = map(lambda v: v * k, [1])
    k = 2
    return dout * sum(z)


def walrus_in_list(dout, x):
    last = 1
    t = [last := k for k in [5, 2]]
    return dout * last


def walrus_condition(dout, x):
    k = 3
    if (k := 2) > 1:
        pass
    return dout * k


def loop_var_shadow(dout, x):
    i = 5
    gx = np.zeros_like(x)
    for i in range(x.shape[1]):
        gx[:, i] = 2 * dout[:, i]
    return gx if i < 5 else dout


def or_numbers(dout, x):
    k = 0 or 2
    return dout * k


def and_numbers(dout, x):
    k = 3 and 2
    return dout * k


def del_item_wrong(dout, x):
    ks = [2, 3]
    del ks[0]
    return dout * ks[0]


def del_key(dout, x):
    d = {"k": 3}
    del d["k"]
    return dout * d.get("k", 2)


def aug_list_alias(dout, x):
    t = [1]
    s = t
    t += [1]
    return dout * len(s)


def list_mutated_in_loop(dout, x):
    ks = [1]
    s = 0
    for k in ks:
        s += k
        if len(ks) < 2:
            ks.append(1)
    return dout * s


def negated_mask(dout, x):
    m = x > 0
    return 2 * dout + 0 * (-m)
