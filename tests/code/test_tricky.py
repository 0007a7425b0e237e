"""Control flow, names and keywords that are easily read wrongly: a decision never disagrees with what Python computes."""

from __future__ import annotations

import importlib.util
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symconv as sc

FOLDER = Path(__file__).parent / "corpus"


def functions(stem: str) -> dict[str, Any]:
    """The backward functions of a file, by name."""
    spec = importlib.util.spec_from_file_location(stem, FOLDER / f"{stem}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = {name: one for name, one in vars(module).items() if inspect.isfunction(one)}
    return {n: one for n, one in made.items() if list(inspect.signature(one).parameters) == ["dout", "x"]}


FILES = {stem: functions(stem) for stem in ("tricky", "sharing", "moments", "slips")}
CASES = [(stem, name) for stem, made in FILES.items() for name in made]
OP = sc.operator("y[n,i] = 2*x[n,i]")
SHAPES = [(1, 1), (2, 3), (3, 2), (1, 43), (4, 4)]


def runs_right(made: Any, shape: tuple[int, int]) -> bool:
    """Whether the function, run by Python, gives twice the cotangent; numbers with a fraction show what is cut."""
    rng = np.random.default_rng(0)
    x, gy = (rng.integers(-20, 21, shape) / 8 + 1 / 16 for _ in range(2))
    want = 2 * gy
    try:
        got = made(gy, x)
    except (ValueError, TypeError, AssertionError, IndexError):
        return False
    return bool(np.array_equal(got, want))


REFUSED = {
    ("moments", "summed_set"): "several values are wanted; given frozenset",
    ("slips", "third_argument"): "multiply takes 2 arguments: a, b",
    ("slips", "third_argument_in_list"): "add takes 2 arguments: a, b",
    ("slips", "set_of_one"): "frozenset has no method add",
    ("slips", "reduced"): "functools.reduce is not read",
    ("slips", "by_item"): "has no method __getitem__",
}
"""What is not read, and is said to be so."""


@pytest.mark.parametrize(("stem", "name"), [case for case in CASES if case not in REFUSED])
def test_no_decision_disagrees_with_python(stem: str, name: str) -> None:
    proof = sc.prove(OP, code=FOLDER / f"{stem}.py", name=name, explain=False)["x"]
    right = {shape: runs_right(FILES[stem][name], shape) for shape in SHAPES}
    assert proof.holds in {all(right.values()), None}
    if proof.holds is False and proof.decision is not None and not proof.decision.undecided:
        assert {shape: not proof.fails(x=shape) for shape in SHAPES} == right


@pytest.mark.parametrize(("stem", "name"), REFUSED)
def test_what_is_not_read_is_refused(stem: str, name: str) -> None:
    with pytest.raises(sc.SymconvError, match=REFUSED[stem, name]):
        sc.prove(OP, code=FOLDER / f"{stem}.py", name=name, explain=False)


def test_an_array_with_more_axes_than_its_place_never_fits() -> None:
    code = "import numpy as np\ndef backward(gy, x):\n    g = np.zeros(x.shape[0])\n    g[:] = 2*gy\n    return g\n"
    proof = sc.prove(OP, code=code)["x"]
    assert (proof.holds, proof.mismatched_when) == (False, "always")


@pytest.mark.parametrize(
    ("stem", "name", "holds"),
    [
        ("tricky", "known_condition", False), ("tricky", "known_condition_right", True), ("tricky", "under_with", False),
        ("tricky", "keyword_default", True), ("tricky", "counted_from_one", True), ("tricky", "summed_from_one", True),
        ("tricky", "loop_with_else", True), ("sharing", "asarray_alias", True), ("sharing", "bool_sum", True),
        ("sharing", "default_sees_caller", True), ("sharing", "lambdas_bound", True),
        ("sharing", "walrus_condition", True), ("sharing", "or_numbers", True),
        ("moments", "list_rebind", True), ("moments", "raise_odd", False), ("moments", "squeeze_all", False),
        ("moments", "out_kw", True), ("slips", "einsum_read", True), ("slips", "inner_product", True),
        ("slips", "copied_dict_twice", True), ("slips", "own_list", True), ("slips", "own_sum", True),
        ("slips", "list_reversed", True), ("slips", "joined_lists", False), ("slips", "mapped", False), ("slips", "given_back", False),
    ],
)  # fmt: skip
def test_what_is_read_is_decided(stem: str, name: str, holds: bool) -> None:
    assert sc.prove(OP, code=FOLDER / f"{stem}.py", name=name, explain=False)["x"].holds is holds


MOMENTS = """
import {library}

def backward(dout, x):
    mean = x.mean({axis}, keepdims=True)
    return 2 * dout + ({variance} - ((x - mean) ** 2).mean({axis}, keepdims=True))
"""


@pytest.mark.parametrize(
    ("library", "variance", "holds"),
    [
        ("torch", "torch.var(x, dim=-1, keepdim=True)", False),
        ("torch", "torch.var(x, -1, False, True)", True),
        ("torch", "torch.var(x, -1, True, True)", False),
        ("torch", "x.var(-1, keepdim=True)", False),
        ("torch", "x.var(axis=-1, keepdims=True)", False),
        ("torch", "x.var(-1, False, True)", True),
        ("torch", "x.var(dim=-1, keepdim=True, unbiased=False)", True),
        ("torch", "x.var(dim=-1, keepdim=True, correction=0)", True),
        ("torch", "x.var(dim=-1, keepdim=True, correction=2)", False),
        ("torch", "x.std(dim=-1, keepdim=True) ** 2", False),
        ("torch, numpy as np", "x.var(-1, keepdims=True)", None),
        ("numpy as np", "x.var(-1, keepdims=True)", True),
        ("numpy as np", "x.var(-1, None, None, 0, True)", True),
        ("numpy as np", "x.var(-1, None, None, 1, True)", False),
        ("numpy as np", "np.var(x, -1, ddof=2, keepdims=True)", False),
        ("math", "x.var(-1, keepdims=True)", None),
    ],
)  # fmt: skip
def test_variances_divide_by_what_their_library_divides_by(library: str, variance: str, holds: bool | None) -> None:
    text = MOMENTS.format(library=library, variance=variance, axis=-1)
    proof = sc.prove(OP, code=text, explain=False)["x"]
    assert proof.holds is holds, str(proof)
    assert holds is not None or "by N" in str(proof.reason)
