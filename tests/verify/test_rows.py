"""Each row of a verdict judges: it rejects the mutants it is meant for, on its own, or says that it judged nothing.

Gradient kernels are those symconv derives, changed in one place and interpreted; the forward value is right.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.commands.verify import outcome
from symconv.loops.interpret import interpret
from symconv.loops.ir import Const, Kernel
from symconv.loops.traverse import rewrite
from symconv.notation.operator import Operator
from symconv.verify.bounds import gradient_magnitudes, magnitudes
from symconv.verify.judge import judge
from symconv.verify.reference import evaluate, gradients
from symconv.verify.verdict import Check, Verdict
from symconv.views.data import verdict_data
from symconv.views.report import report_html

Array = np.ndarray[Any, Any]
COSINE = (
    "y[n,f,i] = sum[c,p](x[n,c,i+p]*w[f,c,p]) / (sqrt(sum[c,p](x[n,c,i+p]**2)) * sqrt(sum[c,p](w[f,c,p]**2)) + 0.001)"
)
OPERATORS = {
    "cosine": lambda: sc.operator(COSINE),
    "norm": lambda: sc.operator("y[i] = sqrt(sum[p](x[i+p]**2))", extents={"p": 3}),
    "padded norm": lambda: sc.operator("y[n,i] = sqrt(0.25 + sum[p](x[n,2*i+p-1]**2))", extents={"p": 3}),
    "correntropy": lambda: sc.operator("y[n,f,i] = sum[c,p](exp(-(x[n,c,i+p-1] - w[f,c,p])**2 / 2))"),
    "softmax-like": lambda: sc.operator("y[n,i] = sum[p](exp(x[n,i+p])*v[p]) / sum[p](exp(x[n,i+p]))"),
    "tanh epilogue": lambda: sc.operator("y[n,f,i] = tanh(sum[c,p](x[n,c,2*i+p-1]*w[f,c,p])/4)"),
    "rational": lambda: sc.operator("y[n,f,i] = sum[c,p](x[n,c,i+p]*w[f,c,p] / (1 + x[n,c,i+p]**2 + w[f,c,p]**2))"),
}
"""Operators whose allowed errors go through quotients, roots, powers and exponentials."""
JUDGING = ("{} integers", "{} reals", "finite differences", "Taylor remainder", "torch")


class Interpreted:
    """Kernels of the loop IR, interpreted in Python floats; the forward value by brute force."""

    def __init__(self, op: Operator, kernels: dict[str, Kernel]) -> None:
        self.op, self.kernels = op, kernels

    def forward(self, *arrays: Array) -> Array:
        return evaluate(self.op, dict(zip(self.op.tensors, arrays, strict=True)))

    def backward(self, gy: Array, *arrays: Array) -> tuple[Array, ...]:
        given = {**dict(zip(self.op.tensors, arrays, strict=True)), "gy": gy}
        found = {}
        for name, kernel in self.kernels.items():
            inputs = {b.name: given[b.name] for b in kernel.buffers if b.role == "in"}
            cells = interpret(kernel, {key: (a.shape, a.ravel().tolist()) for key, a in inputs.items()})
            found[name] = np.array(cells, dtype=np.float64).reshape(given[name].shape)
        return namedtuple("Gradients", found)(*found.values())


def constants(kernel: Kernel, value: Fraction, new: Fraction) -> Iterator[Kernel]:
    """The kernel with every real constant ``value`` replaced by ``new``, where it has one."""

    def change(node: Any) -> Any:
        return Const(new, True) if node == Const(value, True) else node

    changed = replace(kernel, nests=tuple(rewrite(nest, change) for nest in kernel.nests))
    if changed != kernel:
        yield changed


def turned(kernel: Kernel) -> Iterator[Kernel]:
    """The kernel with the sign of what it is given as cotangent turned: every gradient is its negative."""
    from symconv.loops.ir import Call, Load, LoadLanes

    def change(node: Any) -> Any:
        cotangent = isinstance(node, Load | LoadLanes) and node.buffer == "gy"
        return Call("neg", (node,)) if cotangent else node

    yield replace(kernel, nests=tuple(rewrite(nest, change) for nest in kernel.nests))


MUTATIONS: dict[str, Callable[[Kernel], Iterator[Kernel]]] = {
    "sign": turned,
    "0.75 for 0.5": lambda kernel: constants(kernel, Fraction(1, 2), Fraction(3, 4)),
    "eps": lambda kernel: constants(kernel, Fraction(1, 1000), Fraction(1, 100)),
    "3 for 2": lambda kernel: constants(kernel, Fraction(2), Fraction(3)),
    "2 for 1": lambda kernel: constants(kernel, Fraction(1), Fraction(2)),
}


@cache
def right(name: str) -> tuple[Operator, dict[str, Kernel]]:
    from symconv.derive.adjoint import adjoint
    from symconv.derive.borders import resolve_borders
    from symconv.gather.gather import gather
    from symconv.loops.presets import masked

    op = OPERATORS[name]()
    resolved = resolve_borders(op)
    return op, {wrt: masked(gather(adjoint(resolved, wrt), proofs=False), "k", None) for wrt in op.tensors}


def rows(verdict: Verdict, tensor: str) -> dict[str, Check]:
    names = [name.format(f"gradient by {tensor},") for name in JUDGING]
    return {check.name: check for check in verdict.checks if check.name in names}


@pytest.mark.parametrize("name", OPERATORS)
def test_every_row_judges_the_right_kernel(name) -> None:
    pytest.importorskip("torch")
    op, kernels = right(name)
    verdict = judge(op, Interpreted(op, kernels), count=5)
    assert verdict, str(verdict)
    for tensor in op.tensors:
        found = rows(verdict, tensor)
        assert len(found) == len(JUDGING)
        for check in found.values():
            assert (check.mark, check.unbounded) == ("ok", 0), check
            assert check.cases > 0


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize("name", OPERATORS)
def test_each_row_rejects_each_mutant(name, mutation) -> None:
    pytest.importorskip("torch")
    op, kernels = right(name)
    made = 0
    for tensor, kernel in kernels.items():
        for mutant in MUTATIONS[mutation](kernel):
            made += 1
            verdict = judge(op, Interpreted(op, {tensor: mutant}), count=5, gradients=(tensor,))
            accepting = [check.name for check in rows(verdict, tensor).values() if check.passed]
            assert not accepting, f"{tensor}: {accepting} accept\n{verdict}"
            assert not verdict
    assert made or mutation != "sign"


def test_the_mutations_apply() -> None:
    made = {
        mutation: [
            name for name in OPERATORS if any(True for kernel in right(name)[1].values() for _ in change(kernel))
        ]
        for mutation, change in MUTATIONS.items()
    }
    assert made["sign"] == list(OPERATORS)
    assert {"cosine", "norm"} <= set(made["0.75 for 0.5"])
    assert made["eps"] == ["cosine"]
    assert {"norm", "rational"} <= set(made["3 for 2"])
    assert {"softmax-like", "rational"} <= set(made["2 for 1"])


class Garbage:
    """Answers of the right form and no truth."""

    def __init__(self, op: Operator) -> None:
        self.op = op

    def forward(self, *arrays: Array) -> Array:
        given = dict(zip(self.op.tensors, arrays, strict=True))
        return np.full(self.op.output_shape(**{name: a.shape for name, a in given.items()}), 7.0)

    def backward(self, gy: Array, *arrays: Array) -> tuple[Array, ...]:
        return namedtuple("Gradients", self.op.tensors)(*(np.full(a.shape, 7.0) for a in arrays))


UNBOUNDED = ("sqrt(abs({0} - {0}))", "1/({0} - {0})", "log({0} - {0})")


@pytest.mark.parametrize("source", UNBOUNDED)
def test_what_nothing_bounds_is_not_judged(source) -> None:
    op = sc.operator("y[i] = " + source.format("(x[i] + 1)"))
    verdict = judge(op, Garbage(op), count=4)
    assert not verdict
    assert verdict.word == "NOT JUDGED"
    assert verdict.unjudged == ("y", "gx")
    assert all(check.mark in {"not judged", "not run"} for check in verdict.checks)
    text = str(verdict)
    assert "no bound: not judged" in text
    assert "y: no number of it could be judged" in text
    assert " ok" not in text
    assert "exact" not in text.replace("not reach every kink exactly", "")
    data = verdict_data(verdict)
    assert (data["passed"], data["verdict"], data["unjudged"]) == (False, "NOT JUDGED", ["y", "gx"])
    page = report_html("page", None, verdict=verdict)
    assert "no bound: not judged" in page
    assert ">passed<" not in page
    assert outcome(verdict) == 3


def test_part_of_a_row_without_a_bound_is_counted() -> None:
    # Where i is 0 the sum under the root cancels whatever x holds, elsewhere it does not.
    op = sc.operator("y[i] = sqrt(abs((x[i] + 1 + i) - (x[i] + 1)))")
    verdict = judge(op, Stub(op), count=4, gradients=())
    assert verdict, str(verdict)
    row = next(check for check in verdict.checks if check.name == "forward, reals")
    assert row.mark == "ok"
    assert row.cases > 0
    assert row.unbounded > 0
    assert f"{row.unbounded} of {row.cases + row.unbounded} numbers have no bound: not judged" in str(verdict)


def test_rows_that_did_not_run_say_so(monkeypatch) -> None:
    monkeypatch.setattr(import_module("symconv.verify.checks"), "available", lambda: False)
    op = sc.operator("y[n,i] = max[p](x[n,i+p])", extents={"p": 2})
    verdict = judge(op, Stub(op), count=3)
    assert verdict
    silent = {check.name: check for check in verdict.checks if check.mark == "not run"}
    assert {"torch", "Taylor remainder", "adjoint identity"} == set(silent)
    page = report_html("page", None, verdict=verdict)
    for line in page.splitlines():
        if line.startswith("<tr><td>") and any(f"<tr><td>{name}<" in line for name in silent):
            assert "not run" in line
            assert "passed" not in line
            assert "exact" not in line
    assert page.count(">not run<") == len(silent)
    for check in verdict_data(verdict)["checks"]:
        assert (check["mark"] == "not run") == (check["name"] in silent)
        assert (check["worst"] is None) == (check["compared"] == 0)


class Stub:
    """The right kernel, by brute force."""

    def __init__(self, op: Operator) -> None:
        self.op = op

    def forward(self, *arrays: Array) -> Array:
        return evaluate(self.op, dict(zip(self.op.tensors, arrays, strict=True)))

    def backward(self, gy: Array, *arrays: Array) -> tuple[Array, ...]:
        found = gradients(self.op, dict(zip(self.op.tensors, arrays, strict=True)), gy)
        return namedtuple("Gradients", found)(*found.values())


ROOTS = (
    ("y[i] = sqrt(x[i])", {"x": 2.0}),
    ("y[i] = x[i]**3 / (1 + x[i]**2)", {"x": -2.0}),
    ("y[i] = (1 + x[i]**2)**0.5", {"x": -0.5}),
    ("y[i] = log(x[i]**2 + 1)", {"x": -3.0}),
)


@pytest.mark.parametrize(("source", "point"), ROOTS)
def test_bounds_are_finite_and_close(source, point) -> None:
    """An allowed error is a few thousand roundings of the terms: neither infinite nor idle."""
    op = sc.operator(source)
    arrays = {name: np.full(3, value) for name, value in point.items()}
    assert (magnitudes(op, arrays) < 100).all()
    assert (gradient_magnitudes(op, arrays, np.ones(3))["x"] < 100).all()
