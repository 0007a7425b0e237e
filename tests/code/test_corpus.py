"""Every function of the corpus is decided, and decided as brute force does: at 60 sizes, exactly."""

from __future__ import annotations

import importlib.util
from functools import cache
from itertools import product
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from corpus_cases import FOLDER, Case, cases

import symconv as sc

CASES = list(cases())
MORE = {"courses", "torchcalls", "tfcalls", "jaxcalls"}
SAMPLED = [case for case in CASES if case.file not in MORE][::3]
SAMPLED += [
    case for case in CASES if case.name in {"indices_im2col", "counted", "listed_mean"} and "stride=2" in str(case.op)
]


@cache
def module(name: str) -> ModuleType:
    for library in {
        "torchlike": ("torch",),
        "torchcalls": ("torch",),
        "tfcalls": ("tensorflow",),
        "jaxcalls": ("jax",),
    }.get(name, ()):
        pytest.importorskip(library)
    if name == "full":
        pytest.importorskip("scipy")
    spec = importlib.util.spec_from_file_location(f"corpus_{name}", FOLDER / f"{name}.py")
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def windows(case: Case) -> tuple[int, int, int]:
    """Stride, pad and groups of the operator of a case."""
    stride = next((k for k in (2, 3) if f"stride={k}" in str(case.op)), 1)
    pad = next((k for k in (1, 2) if f"padding={k}" in str(case.op)), 0)
    return stride, pad, 2 if "groups=2" in str(case.op) else 1


def correlation(x: Any, w: Any, gy: Any, stride: int, pad: int, groups: int) -> tuple[Any, Any]:
    """Both gradients of a cross-correlation, product by product."""
    gx, gw = np.zeros_like(x), np.zeros_like(w)
    N = x.shape[0]
    F, Cg = w.shape[:2]
    for n, f, c in product(range(N), range(F), range(Cg)):
        channel = f // (F // groups) * Cg + c
        for out in np.ndindex(*gy.shape[2:]):
            for tap in np.ndindex(*w.shape[2:]):
                at = tuple(stride * o + t - pad for o, t in zip(out, tap, strict=True))
                if all(0 <= a < size for a, size in zip(at, x.shape[2:], strict=True)):
                    gx[(n, channel, *at)] += gy[(n, f, *out)] * w[(f, c, *tap)]
                    gw[(f, c, *tap)] += gy[(n, f, *out)] * x[(n, channel, *at)]
    return gx, gw


def truth(case: Case, arrays: dict[str, Any]) -> dict[str, Any]:
    x, w, gy = arrays["x"], arrays.get("w"), arrays["gy"]
    stride, pad, groups = windows(case)
    text = str(case.op)
    if text.startswith("avg_pool"):
        gx = np.zeros_like(x)
        for n, c, i, j in np.ndindex(*gy.shape):
            gx[n, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2] += gy[n, c, i, j] / 4
        return {"x": gx}
    if "b" in arrays and x.ndim == 2:
        return {"x": gy @ w, "w": gy.T @ x, "b": gy.sum(axis=0)}
    if text.startswith("conv_transpose"):
        return transposed(x, w, gy, stride)
    if "w[c,0,p,q]" in text:
        gx, gw = correlation(x, w, gy, 1, 0, x.shape[1])
        return {"x": gx, "w": gw}
    if x.ndim <= 2:
        gx, gw = correlation(x[None, None], w[None, None], gy[None, None], 1, 0, 1)
        return {"x": gx[0, 0], "w": gw[0, 0]}
    if "NHWC" in text:
        first, kernel = (0, 3, 1, 2), (3, 2, 0, 1)
        gx, gw = correlation(x.transpose(first), w.transpose(kernel), gy.transpose(first), stride, pad, groups)
        return {"x": gx.transpose(0, 2, 3, 1), "w": gw.transpose(2, 3, 1, 0), "b": gy.sum(axis=(0, 1, 2))}
    gx, gw = correlation(x, w, gy, stride, pad, groups)
    return {"x": gx, "w": gw, "b": gy.sum(axis=(0, *range(2, gy.ndim)))}


def transposed(x: Any, w: Any, gy: Any, stride: int) -> dict[str, Any]:
    gx, gw = np.zeros_like(x), np.zeros_like(w)
    for n, c, i, j in np.ndindex(*x.shape):
        for f, p, q in np.ndindex(*w.shape[1:]):
            gx[n, c, i, j] += gy[n, f, stride * i + p, stride * j + q] * w[c, f, p, q]
            gw[c, f, p, q] += gy[n, f, stride * i + p, stride * j + q] * x[n, c, i, j]
    return {"x": gx, "w": gw}


def shapes(case: Case, count: int) -> list[dict[str, tuple[int, ...]]]:
    """Valid shapes of the operator, small ones with no two axes alike among them."""
    rng = np.random.default_rng(len(str(case)))
    found: list[dict[str, tuple[int, ...]]] = []
    groups = windows(case)[2]
    for _ in range(5000):
        if len(found) == count:
            break
        sizes: dict[str, int] = {name: int(rng.integers(1, 4)) for name in "NCF"}
        window = [int(k) for k in rng.integers(1, 4, 2)]
        plane = [int(k) for k in rng.integers(1, 8, 2)]
        text = str(case.op)
        rank = len(case.op.input("x").axes)
        N, C, F = sizes["N"], sizes["C"] * groups, sizes["F"] * groups
        spatial = plane[: max(0, rank - 2)] if rank > 2 else plane[:rank]
        kernel = window[: len(spatial)]
        if rank == 2 and "b" in case.op.tensors:
            drawn = {"x": (N, C), "w": (F, C), "b": (F,)}
        elif rank <= 2:
            drawn = {"x": tuple(spatial), "w": tuple(kernel)}
        elif text.startswith("avg_pool"):
            drawn = {"x": (N, C, *spatial)}
        elif "w[c,0,p,q]" in text:
            drawn = {"x": (N, C, *spatial), "w": (C, 1, *kernel)}
        elif text.startswith("conv_transpose"):
            drawn = {"x": (N, C, *spatial), "w": (C, F, *kernel)}
        elif "NHWC" in text:
            drawn = {"x": (N, *spatial, C), "w": (*kernel, C, F), "b": (F,)}
        else:
            drawn = {"x": (N, C, *spatial), "w": (F, C // groups, *kernel), "b": (F,)}
        drawn = {name: shape for name, shape in drawn.items() if name in case.op.tensors}
        try:
            case.op.output_shape(**drawn)
        except sc.SpecError:
            continue
        found.append(drawn)
    assert len(found) == count
    return found


def lifted(case: Case, made: ModuleType) -> Any:
    """What makes an array of the library out of one of NumPy's."""
    if case.file in {"torchlike", "torchcalls"}:
        return made.torch.tensor
    if case.file == "tfcalls":
        return made.tf.constant
    if case.file == "jaxcalls":
        import jax

        jax.config.update("jax_enable_x64", True)
        return made.jnp.asarray
    return lambda array: array.copy()


def refusals(made: ModuleType) -> tuple[type[Exception], ...]:
    """The errors of TensorFlow and JAX for arrays that do not fit."""
    return (
        (made.tf.errors.InvalidArgumentError,) if hasattr(made, "tf") else (TypeError,) if hasattr(made, "jnp") else ()
    )


def executed(case: Case, arrays: dict[str, Any]) -> Any:
    """What Python makes of the function; None where it raises an error."""
    made = module(case.file)
    function = getattr(made, case.name)
    lift = lifted(case, made)
    held = {name: lift(array) for name, array in arrays.items()}

    def value(given: Any) -> Any:
        match given:
            case str():
                return held[given]
            case tuple():
                return tuple(map(value, given))
            case dict():
                return {key: value(one) for key, one in given.items()}
        return given

    code = function.__code__
    named = {
        "W": "w",
        "d": "gy",
        "dy": "gy",
        "dout": "gy",
        "grad_output": "gy",
        "input": "x",
        "weight": "w",
        "dZ": "gy",
    }
    given = [
        value(case.arguments[name]) if name in case.arguments else held[named.get(name, name)]
        for name in code.co_varnames[: code.co_argcount]
    ]
    try:
        result = function(*given)
    except (ValueError, RuntimeError, IndexError, *refusals(made)):
        return None
    results = result if isinstance(result, tuple) else (result,)
    return [np.asarray(one) for one in results]


@pytest.mark.parametrize("case", SAMPLED, ids=str)
def test_a_sample_of_the_corpus_is_decided_as_brute_force_does(case: Case) -> None:
    judge(case, 8)


@pytest.mark.full
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_corpus_is_decided_as_brute_force_does(case: Case) -> None:
    judge(case, 60)


def judge(case: Case, count: int) -> None:
    """The proofs of a case against brute force at so many sizes."""
    module(case.file)
    proofs = sc.prove(case.op, code=FOLDER / f"{case.file}.py", name=case.name, arguments=case.arguments,
                      returns=case.returns, explain=False)  # fmt: skip
    assert {proof.holds for proof in proofs.values()} <= {True, False}
    rng = np.random.default_rng(1)
    for drawn in shapes(case, count):
        arrays = {name: rng.integers(1, 999, shape).astype(np.float64) for name, shape in drawn.items()}
        arrays["gy"] = rng.integers(1, 999, case.op.output_shape(**drawn)).astype(np.float64)
        want = truth(case, arrays)
        got = executed(case, arrays)
        for position, (tensor, proof) in enumerate(proofs.items()):
            if got is not None:
                right = got[position].shape == want[tensor].shape and bool((got[position] == want[tensor]).all())
                assert proof.holds is not True or right, (tensor, drawn)
                if proof.holds is False and proof.decision is not None and not proof.decision.undecided:
                    assert proof.fails(**drawn) is not right, (tensor, drawn)


def test_the_corpus_is_large_and_holds_right_and_wrong_code() -> None:
    assert len({(case.file, case.name) for case in CASES}) >= 60
