"""What a derivation says beside its formulas: the tensors it asks for, the conventions in force, a fallback taken."""

from __future__ import annotations

import pytest

import symconv as sc
from symconv.loops.ir import Load, LoadLanes
from symconv.loops.traverse import walk
from symconv.notation.operator import Operator
from symconv.views.sections import Page, gradient_section

OPERATORS = {
    "conv": sc.conv1d(stride=2, padding=1, bias=True),
    "adder": sc.adder1d(),
    "tanh": sc.conv_bias_act1d("tanh", stride=2),
    "maximum": sc.max_plus1d(padding=1),
    "shared": sc.operator("y[n,i] = max[p](x[n,i+p] + w[p])", kinks={"max": "share"}),
    "plain": sc.operator("y[i] = x[i] + 2*b[i]"),
}


def note(op: Operator, wrt: str, rule: str = "transpose") -> str:
    return "; ".join(step.note for step in sc.derive(op, wrt).steps if step.rule == rule and step.note)


@pytest.mark.parametrize(
    ("name", "wrt", "said"),
    [
        ("conv", "x", "reads gy, w; of x, b only the shape; does not ask for y"),
        ("conv", "w", "reads gy, x; of w, b only the shape; does not ask for y"),
        ("conv", "b", "reads gy; of x, w, b only the shape; does not ask for y"),
        ("adder", "x", "reads gy, x, w; does not ask for y"),
        ("tanh", "w", "reads gy, x, w, b; computes qy first; does not ask for y"),
        ("maximum", "w", "reads gy, x, w; computes ky first; does not ask for y"),
        ("shared", "x", "reads gy, x, w; computes my, qy first; does not ask for y"),
        ("plain", "b", "reads gy; of x, b only the shape; does not ask for y"),
    ],
)
def test_it_says_what_backward_asks_for(name, wrt, said) -> None:
    assert note(OPERATORS[name], wrt) == said


@pytest.mark.parametrize("name", OPERATORS)
def test_the_kernel_reads_what_is_said(name, lowered) -> None:
    op = OPERATORS[name]
    for wrt in op.tensors:
        kernel = lowered(op, wrt, proofs=False)
        nodes = [node for nest in kernel.nests for node in walk(nest)]
        loaded = {node.buffer for node in nodes if isinstance(node, Load | LoadLanes)}
        said = note(op, wrt).removeprefix("reads ").split(";")[0].split(", ")
        assert loaded & {"gy", *op.tensors} == set(said), wrt


def test_only_conventions_that_take_part_are_named() -> None:
    op = sc.operator("y[i] = relu(x[i])*abs(w[i]) + max(v[i], 0)")
    said = {wrt: note(op, wrt, "differentiate") for wrt in op.tensors}
    assert said == {
        "x": "the slope of relu(u) at u = 0 is taken as 0",
        "w": "the slope of |u| at u = 0 is taken as 0",
        "v": "a tie of max goes to the first, in row-major window order",
    }


@pytest.mark.parametrize(
    ("text", "extents"),
    [
        ("y[i,j] = sum[p](x[2*i+3*j+5*p]*w[p])", {"i": 4, "j": 3}),
        ("y[i,j] = sum[p](x[2*i+p,3*i+5*j-p+9]*w[p])", {"i": 4, "j": 3}),
    ],
)
def test_what_cannot_be_inverted_is_said_and_right(text, extents, exact) -> None:
    op = sc.operator(text, extents=extents)
    gradient = sc.derive(op, "x")
    assert not gradient.derivation.owned
    assert "not invertible" in note(op, "x", "solve")
    assert "not invertible" in str(gradient)
    assert "not invertible" in gradient_section(gradient.derivation, Page())["lead"]
    size = (30,) if "2*i+3*j" in text else (9, 25)
    assert exact(op, "x", [{"x": size, "w": (3,)}]) == 1


def test_what_can_be_inverted_owns_its_cells() -> None:
    for op in OPERATORS.values():
        for wrt in op.tensors:
            gradient = sc.derive(op, wrt)
            assert gradient.derivation.owned
            assert "not invertible" not in str(gradient)
