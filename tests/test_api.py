"""The public handles: what a kernel takes as it is, copies, refuses; what is imported; what threads may not change."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.verify.reference import evaluate, gradients

Array = np.ndarray[Any, Any]

OP = sc.conv2d(stride=(2, 1), padding=((1, 0), (0, 2)), dilation=(1, 2))
SHAPES = {"x": (3, 4, 9, 8), "w": (5, 4, 3, 2)}


@pytest.fixture(scope="module")
def kernel() -> sc.Kernel:
    return sc.build(OP, dtype="float64")


@pytest.fixture(scope="module")
def data() -> dict[str, Array]:
    rng = np.random.default_rng(0)
    shapes = {**SHAPES, "gy": OP.output_shape(**SHAPES)}
    return {name: rng.integers(-5, 6, shape).astype(float) for name, shape in shapes.items()}


@pytest.fixture(scope="module")
def right(data) -> dict[str, Array]:
    x, w = data["x"], data["w"]
    found = gradients(OP, {"x": x, "w": w}, data["gy"])
    return {"y": evaluate(OP, {"x": x, "w": w}), **found}


def same(result: Any, right: dict[str, Array]) -> bool:
    return np.array_equal(result.x, right["x"]) and np.array_equal(result.w, right["w"])


def turned(array: Array) -> Array:
    """The same numbers, the axes in memory the other way round."""
    return np.asfortranarray(array)


def spread(array: Array) -> Array:
    room = np.zeros(tuple(2 * n for n in array.shape))
    view = room[tuple(slice(0, None, 2) for _ in array.shape)]
    view[...] = array
    return view


def reversed_in_memory(array: Array) -> Array:
    return np.ascontiguousarray(array[..., ::-1])[..., ::-1]


def frozen(array: Array) -> Array:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def unaligned(array: Array) -> Array:
    room = np.zeros(array.nbytes + 1, np.uint8)
    view = room[1:].view(np.float64).reshape(array.shape)
    view[...] = array
    return view


class Named(np.ndarray):
    """A subclass, as other libraries have them."""


@pytest.mark.parametrize(
    "form", [turned, spread, reversed_in_memory, frozen, unaligned, lambda a: a.view(Named)],
    ids=["transposed", "strided", "negative stride", "read-only", "unaligned", "subclass"],
)  # fmt: skip
def test_every_layout_of_the_same_numbers(form, kernel, data, right) -> None:
    given = {name: form(array) for name, array in data.items()}
    before = {name: array.copy() for name, array in given.items()}
    y = kernel.forward(given["x"], given["w"])
    assert np.array_equal(y, right["y"])
    assert type(y) is np.ndarray
    assert same(kernel.backward(given["gy"], given["x"], given["w"]), right)
    assert all(np.array_equal(given[name], before[name]) for name in given), "inputs are left alone"


REFUSED = {
    "float32": (lambda a: a.astype(np.float32), "x is float32, this kernel takes float64"),
    "integers": (lambda a: a.astype(int), "x is int64"),
    "big-endian": (lambda a: a.astype(">f8"), "x is >f8"),
    "complex": (lambda a: a.astype(complex), "x is complex128"),
    "None": (lambda _: None, "x is a NoneType, wanted a NumPy array"),
    "list": (lambda a: a.tolist(), "x is a list, wanted a NumPy array"),
    "number": (lambda _: 3.0, "x is a float, wanted a NumPy array"),
    "rank": (lambda a: a[0], "x"),
    "channels": (lambda a: a[:, :3], "C"),
    "empty": (lambda a: a[:, :, :0], "x"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_in_words(case, kernel, data) -> None:
    change, words = REFUSED[case]
    x = change(data["x"])
    for call in (lambda: kernel.forward(x, data["w"]), lambda: kernel.backward(data["gy"], x, data["w"])):
        with pytest.raises(sc.SpecError) as caught:
            call()
        assert words in str(caught.value)


def test_the_cotangent_is_checked_too(kernel, data) -> None:
    with pytest.raises(sc.SpecError, match="gy") as caught:
        kernel.backward(data["gy"][:, :, :-1], data["x"], data["w"])
    assert str(data["gy"].shape) in str(caught.value), "the shape that is wanted"
    with pytest.raises(sc.SpecError, match="gy is float32"):
        kernel.backward(data["gy"].astype(np.float32), data["x"], data["w"])
    with pytest.raises(sc.SpecError, match="takes 2 arrays"):
        kernel.forward(data["x"])


def test_results_go_where_they_are_wanted(kernel, data, right) -> None:
    y = np.full(right["y"].shape, np.nan)
    assert kernel.forward(data["x"], data["w"], out=y) is y
    assert np.array_equal(y, right["y"])
    gx = np.full(SHAPES["x"], np.nan)
    found = kernel.backward(data["gy"], data["x"], data["w"], out={"x": gx})
    assert found.x is gx
    assert same(found, right)


OUTPUTS = {
    "shape": lambda y: np.empty((*y.shape[:-1], y.shape[-1] + 1)),
    "dtype": lambda y: np.empty(y.shape, np.float32),
    "contiguous": lambda y: turned(np.empty(y.shape)),
    "writeable": lambda y: frozen(np.empty(y.shape)),
    "array": lambda y: y.tolist(),
}


@pytest.mark.parametrize("case", OUTPUTS)
def test_outputs_that_cannot_be_written_are_refused(case, kernel, data, right) -> None:
    with pytest.raises(sc.SpecError, match="out"):
        kernel.forward(data["x"], data["w"], out=OUTPUTS[case](right["y"]))


def test_outputs_do_not_overlap_inputs(kernel, data) -> None:
    room = np.zeros(data["x"].size * 2)
    x = room[: data["x"].size].reshape(data["x"].shape)
    overlapping = room[5 : 5 + data["x"].size].reshape(data["x"].shape)
    with pytest.raises(sc.SpecError, match="overlaps"):
        kernel.backward(data["gy"], x, data["w"], out={"x": overlapping})
    with pytest.raises(sc.SpecError, match="v"):
        kernel.backward(data["gy"], data["x"], data["w"], out={"v": np.zeros(3)})


def test_arrays_by_name_and_chosen_gradients(kernel, data, right) -> None:
    assert np.array_equal(kernel.forward(w=data["w"], x=data["x"]), right["y"])
    assert same(kernel.backward(data["gy"], w=data["w"], x=data["x"]), right)
    only = kernel.backward(data["gy"], data["x"], data["w"], wrt=("w",))
    assert only.x is None
    assert np.array_equal(only.w, right["w"])
    with pytest.raises(sc.SpecError, match="v"):
        kernel.backward(data["gy"], data["x"], data["w"], wrt=("v",))
    with pytest.raises(sc.SpecError, match="v"):
        kernel.forward(data["x"], v=data["w"])


def test_an_empty_batch(kernel, data) -> None:
    x, gy = data["x"][:0], data["gy"][:0]
    assert kernel.forward(x, data["w"]).shape == gy.shape
    found = kernel.backward(gy, x, data["w"])
    assert found.x.shape == x.shape
    assert not found.w.any()


def test_fixed_sizes_take_nothing_else(data, right) -> None:
    fixed = sc.build(OP, dtype="float64", sizes=SHAPES)
    assert np.array_equal(fixed.forward(data["x"], data["w"]), right["y"])
    assert same(fixed.backward(data["gy"], data["x"], data["w"]), right)
    with pytest.raises(sc.SpecError, match="built for") as caught:
        fixed.forward(data["x"][:2], data["w"])
    assert str(SHAPES["x"]) in str(caught.value)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_threads_do_not_change_a_bit(dtype) -> None:
    op = sc.conv2d(padding=1, bias=True)
    shapes = {"x": (3, 3, 61, 53), "w": (4, 3, 3, 2), "b": (4,)}
    rng = np.random.default_rng(1)
    arrays = [rng.standard_normal(shape).astype(dtype) for shape in shapes.values()]
    gy = rng.standard_normal(op.output_shape(**shapes)).astype(dtype)
    results = []
    for threads in (1, 2, 3):
        built = sc.build(op, dtype=dtype, threads=threads)
        results.append((built.forward(*arrays), *built.backward(gy, *arrays)))
    for other in results[1:]:
        assert all(a.tobytes() == b.tobytes() for a, b in zip(results[0], other, strict=True))


def test_a_gradient_is_an_operator_of_its_own(data, right) -> None:
    second = sc.build(sc.derive(OP, "x"), dtype="float64")
    assert second.operator.tensors == ("gy", "x", "w")
    assert np.array_equal(second.forward(data["gy"], data["x"], data["w"]), right["x"])
    # gx is linear in w: along a direction of w it changes by the gradient at that direction.
    found = second.backward(data["x"], data["gy"], data["x"], data["w"])
    assert np.sum(found.w * data["w"]) == np.sum(data["x"] * right["x"])
    assert not found.x.any()


def isolated(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_libraries_are_imported_when_they_are_needed() -> None:
    heavy = "{'sympy', 'islpy', 'Cython', 'jinja2', 'torch', 'numba'}"
    assert isolated(f"import sys, symconv; print(sorted({heavy} & set(sys.modules)))") == "[]"
    # A kernel that is in the cache needs none of them either.
    warm = f"""
import sys, numpy as np, symconv as sc
k = sc.build(sc.conv1d(stride=2), dtype="float64")
print(k.forward(np.ones((1, 1, 5)), np.ones((1, 1, 3))).tolist(), sorted({heavy} & set(sys.modules)))
"""
    isolated(warm)
    assert isolated(warm) == "[[[3.0, 3.0]]] []"
    # What decides claims and code compiles nothing.
    compiling = "{'symconv.pipeline', 'symconv.kernel', 'symconv.validate.validation', 'Cython', 'jinja2'}"
    decided = f"""
import sys, symconv as sc
code = "def f_forward(x):\\n    return x * x, x\\n\\ndef f_backward(dy, x):\\n    return 2 * dy * x\\n"
print(sc.check(code).holds, sc.prove(sc.conv1d(), "gw = conv1d(x, gy)").holds, sorted({compiling} & set(sys.modules)))
"""
    assert isolated(decided) == "True False []"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_computes() -> None:
    code = """
import os, numpy as np, symconv as sc
k = sc.build(sc.conv2d(), dtype="float64", threads=2)
x, w = np.ones((4, 3, 9, 8)), np.ones((5, 3, 2, 3))
right = k.backward(k.forward(x, w), x, w)
child = os.fork()
if not child:
    found = k.backward(k.forward(x, w), x, w)
    os._exit(0 if all(np.array_equal(a, b) for a, b in zip(found, right)) else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert isolated(code) == "0"


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"stride": 0}, "stride"), ({"stride": -1}, "stride"), ({"dilation": 0}, "dilation"), ({"groups": 0}, "groups"),
        ({"stride": (1, 2, 3)}, "stride"), ({"stride": 1.5}, "stride"), ({"padding": "some"}, "padding"),
        ({"layout": "CHWN"}, "layout"), ({"stride": True}, "stride"),
    ],
)  # fmt: skip
def test_settings_are_refused_in_words(setting, words) -> None:
    with pytest.raises(sc.SpecError, match=words) as caught:
        sc.conv2d(**setting)
    (value,) = setting.values()
    assert repr(value).strip("'") in str(caught.value), "what was given"


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"dtype": "float16"}, "float16"),
        ({"threads": 0}, "threads"),
        ({"target": "gpu"}, "gpu"),
        ({"threads": True}, "threads"),
    ],
)
def test_build_options_are_refused_in_words(option, words) -> None:
    with pytest.raises(sc.SpecError, match=words):
        sc.build(OP, **option)


@pytest.mark.parametrize("call", [sc.derive, sc.build, sc.verify, sc.validate, sc.jvp])
def test_what_is_no_operator_is_refused(call) -> None:
    with pytest.raises(sc.SpecError, match="operator"):
        call("conv2d", "x") if call in {sc.derive, sc.jvp} else call("conv2d")
