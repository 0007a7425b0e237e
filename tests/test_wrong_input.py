"""Whatever is handed to a public name, the answer is a result or a SymconvError that says what was wanted."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import symconv as sc

WRONG = [
    None, "", "x", -1, 0, 1.5, float("nan"), float("inf"), True, [], (), (1,), (1, 2, 3, 4, 5), {}, {"a": 1}, {1: 2},
    object(), b"x", np.int64(2), np.array([1, 2]), 10**30, ((1, 2), (3, 4)), [(1,), (2,)], range(3), set(), len, sc, 2j,
]  # fmt: skip
FORMULA = "y[n,i] = sum[p](max(x[n,i+p], 0)*w[p])"
SHIPPED = [name for name in sc.ops() if name.endswith("2d")]
CONV = sc.conv2d()
ARRAYS = [np.ones(shape, np.float32) for shape in ((1, 3, 3, 3), (1, 2, 4, 5), (3, 2, 2, 3))]


def refused(call: Callable[[], object]) -> None:
    try:
        call()
    except sc.SymconvError as error:
        assert len(str(error)) > 8


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_operators(name: str) -> None:
    make = getattr(sc, name)
    first = {"kernel": 2} if "pool" in name else {}
    for parameter in inspect.signature(make).parameters:
        for wrong in WRONG:
            refused(lambda p=parameter, w=wrong: make(**{**first, p: w}))


@pytest.mark.parametrize("parameter", [p for p in inspect.signature(sc.operator).parameters if p != "source"])
def test_operator(parameter: str) -> None:
    for wrong in WRONG:
        refused(lambda w=wrong: sc.operator(w))
        refused(lambda w=wrong: sc.operator(FORMULA, **{parameter: w}))
        for key in ("x", "w", "i", "p", "max", "t", "", 3, None):
            refused(lambda k=key, w=wrong: sc.operator(FORMULA, **{parameter: {k: w}}))


def _calls(wrong: object) -> Iterator[Callable[[], object]]:
    yield lambda: sc.derive(CONV, wrong)
    yield lambda: sc.derive(wrong, "x")
    yield lambda: sc.jvp(CONV, wrong)
    yield lambda: sc.prove(CONV, wrong)
    yield lambda: sc.prove(wrong, "gx = gy")
    yield lambda: sc.verify(wrong)
    yield lambda: sc.validate(wrong)
    yield lambda: sc.load(wrong)
    yield lambda: CONV.output_shape(x=wrong, w=(1, 1, 1, 1))
    yield lambda: CONV.sizes(x=wrong, w=(1, 1, 1, 1))
    yield lambda: sc.prove(CONV, "gw = conv2d(x, gy)").fails(x=wrong, w=(1, 1, 1, 1))
    if wrong is not None:
        yield lambda: sc.verify(CONV, kernel=wrong)
        yield lambda: sc.verify(CONV, dtype=wrong)
        for option in ("dtype", "target", "accuracy", "threads", "sizes", "tune", "nothing"):
            yield lambda o=option: sc.build(CONV, **{o: wrong})


@pytest.mark.parametrize("wrong", WRONG, ids=map(str, range(len(WRONG))))
def test_everything_else(wrong: object) -> None:
    for call in _calls(wrong):
        refused(call)


@pytest.mark.parametrize("wrong", WRONG, ids=map(str, range(len(WRONG))))
def test_kernels(wrong: object) -> None:
    kernel = sc.build(CONV, dtype="float32")
    gy, x, w = ARRAYS
    refused(lambda: kernel.forward(wrong, w))
    refused(lambda: kernel.backward(wrong, x, w))
    refused(lambda: kernel.backward(gy, x, w, out={"x": wrong}))
    if wrong is not None:
        refused(lambda: kernel.forward(x, w, out=wrong))
        refused(lambda: kernel.backward(gy, x, w, wrt=wrong))
        refused(lambda: kernel.backward(gy, x, w, out=wrong))


@pytest.mark.parametrize("dtype", ["float64", "float16", "int32", "complex64", ">f4", object, "U3"])
def test_other_element_types(dtype: object) -> None:
    _, x, w = ARRAYS
    with pytest.raises(sc.SymconvError, match="this kernel takes float32"):
        sc.build(CONV, dtype="float32").forward(x.astype(dtype), w)
