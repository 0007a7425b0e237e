"""``check`` of functions with several outputs: decided as torch and difference quotients say, or asked for in words."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symconv as sc

FILE = Path(__file__).parent / "corpus" / "several.py"
SHAPES: dict[str, tuple[tuple[int, ...], ...]] = {
    "Moments": ((3, 4),), "Ignored": ((3, 4),), "Swapped": ((4,), (4,)), "Unswapped": ((4,), (4,)),
    "Heads": ((2, 3, 9), (4, 3, 3), (2, 3, 2)), "Complex": ((3,),) * 4, "ComplexWrong": ((3,),) * 4,
    "Starred": ((3, 4),), "Polar": ((3,), (3,)), "Normal": ((3, 4),),
}  # fmt: skip
WRONG = {"Ignored", "Swapped", "ComplexWrong", "swapno"}
PAIRS = {"list": (0, 1), "flat": (0, 1), "swap": (1, 0), "swapno": (0, 1)}
"""For each pair which output the first cotangent is of, and the second."""


def corpus() -> Any:
    """The corpus as a module."""
    spec = importlib.util.spec_from_file_location("several_corpus", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", SHAPES)
def test_functions_are_decided_as_torch_says(name: str) -> None:
    proofs = sc.check(FILE, name, explain=False)
    assert proofs.holds is (name not in WRONG)
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    given = [torch.tensor(rng.uniform(0.5, 2, shape), requires_grad=True) for shape in SHAPES[name]]
    assert torch.autograd.gradcheck(getattr(corpus(), name).apply, given, raise_exception=False) is proofs.holds


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_are_decided_as_difference_quotients_say(name: str) -> None:
    proofs = sc.check(FILE, name, explain=False)
    pytest.importorskip("torch")
    module, rng = corpus(), np.random.default_rng(0)
    forward, backward = getattr(module, f"{name}_forward"), getattr(module, f"{name}_backward")

    def outputs(*arrays: Any) -> list[Any]:
        found = forward(*arrays)
        return list(found[0] if isinstance(found[0], list) else found[:2])

    arrays = [rng.normal(size=(3, 3)) for _ in range(2)]
    cotangents = [rng.normal(size=one.shape) for one in outputs(*arrays)]
    got = backward(*(cotangents[at] for at in PAIRS[name]), forward(*arrays)[-1])
    for at, (key, proof) in enumerate(proofs.items()):
        step = np.zeros_like(arrays[at])
        step[0, 0] = 1e-6
        ends = [outputs(*(a + sign * step if k == at else a for k, a in enumerate(arrays))) for sign in (1, -1)]
        slope = sum(float((g * (p - m)).sum()) for g, p, m in zip(cotangents, *ends, strict=True)) / 2e-6
        assert bool(np.isclose(got[at][0, 0], slope, rtol=1e-5)) is proof.holds, key
    assert proofs.holds is (name not in WRONG)


def test_the_operator_has_the_names_of_the_function() -> None:
    operator = sc.check(FILE, "Moments", explain=False)["x"].operator
    assert operator.tensors[:2] == ("gmean", "gvar")


@pytest.mark.parametrize(
    ("returned", "arguments", "result", "words"),
    [
        ("x**2, x.sum(1)", "g1", "2 * x * g1", "takes 1 after ctx; it takes a cotangent for each output"),
        ("x**2, None", "g1, g2", "2 * x * g1", "not all of them are arrays"),
        ("{'a': x**2, 'b': x.sum(1)}", "g1, g2", "2 * x * g1", "outputs are read from a tuple"),
    ],
)
def test_a_function_whose_outputs_cannot_be_told_is_refused(
    returned: str, arguments: str, result: str, words: str
) -> None:
    code = f"""
class Own(torch.autograd.Function):
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return {returned}

    def backward(ctx, {arguments}):
        (x,) = ctx.saved_tensors
        return {result}
"""
    with pytest.raises(sc.SpecError, match=words):
        sc.check(code, "Own")


@pytest.mark.parametrize(("result", "right"), [("gy * (x > 0)", True), ("gy * x", False)])
def test_outputs_without_a_derivative_have_none(result: str, right: bool) -> None:
    code = f"""
class Marked(torch.autograd.Function):
    def forward(ctx, x):
        ctx.save_for_backward(x)
        mask = x > 0
        ctx.mark_non_differentiable(mask)
        return x * mask, mask

    def backward(ctx, gy, gmask):
        (x,) = ctx.saved_tensors
        return {result}
"""
    assert sc.check(code, "Marked").holds is right


@pytest.mark.parametrize(
    ("returned", "arguments", "holds"),
    [
        ("y, s, x, w", "dy, s, x, w", None),  # one cotangent: what follows y is kept
        ("y, (x, w, s)", "dy, ds, cache", "asked"),
        ("s, y, (x, w, s)", "dout1, ds, cache", "asked"),
    ],
)
def test_what_is_kept_is_not_an_output(returned: str, arguments: str, holds: str | None) -> None:
    taken = "" if "cache" not in arguments else "    x, w, s = cache\n"
    code = (
        f"def a_forward(x, w):\n    y = x * w\n    s = x + w\n    return {returned}\n\n"
        f"def a_backward({arguments}):\n{taken}    dout1 = dy = {arguments.split(',', maxsplit=1)[0]}\n    return dy * w, dy * x\n"
    )
    if holds == "asked":
        with pytest.raises(sc.SpecError, match="which they are cannot be told"):
            sc.check(code)
    else:
        assert sc.check(code).holds is True


FLAT = """
def mixed_forward(x, w):
    p = x * w
    q = x + w
    return RETURNED


def mixed_backward(ARGUMENTS):
    UNPACKED
    return dy * (q**2 * w + FACTOR * p * q), dy * (q**2 * x + 2 * p * q)
"""


@pytest.mark.parametrize(
    ("returned", "arguments", "unpacked"),
    [
        ("p * q**2, p, q", "dy, x, w, p, q", "pass"),
        ("p * q**2, q, p", "dy, x, w, p, q", "pass"),
        ("p * q**2, (p, q)", "dy, x, w, p, q", "pass"),
        ("p * q**2, p, q", "dy, x, w, cache", "p, q = cache"),
    ],
)
def test_values_that_are_kept_flat_are_taken_by_their_names(returned: str, arguments: str, unpacked: str) -> None:
    code = FLAT.replace("RETURNED", returned).replace("ARGUMENTS", arguments).replace("UNPACKED", unpacked)
    assert sc.check(code.replace("FACTOR", "2"), explain=False).holds is True
    assert sc.check(code.replace("FACTOR", "3"), explain=False).holds is False


def test_values_that_are_kept_under_other_names_are_asked_for() -> None:
    code = FLAT.replace("RETURNED", "p * q**2, p, q").replace("FACTOR", "2")
    code = code.replace("ARGUMENTS", "dy, x, w, p, v").replace("UNPACKED", "q = v")
    with pytest.raises(sc.SpecError, match="which value of mixed_forward v is cannot be told"):
        sc.check(code, explain=False)
