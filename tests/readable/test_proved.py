"""What is printed is proved: the text is read as anyone's code, and decided for all sizes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import symconv as sc
from symconv.notation.operator import Operator

PROVED: dict[str, Callable[[], Operator]] = {
    "plain": lambda: sc.conv1d(bias=True),
    "strided": lambda: sc.conv2d(stride=(2, 1), padding=(1, 0)),
    "dilated": lambda: sc.conv1d(dilation=2, padding=2, stride=3),
    "grouped": lambda: sc.conv2d(groups=2, padding=1),
    "transposed": lambda: sc.conv_transpose1d(stride=2, padding=1),
    "mean pooling": lambda: sc.avg_pool1d(3, padding=1),
    "depthwise": lambda: sc.operator("y[n,c,i] = sum[p](x[n,c,i+p]*w[c,p])"),
    "adder": sc.adder1d,
    "squared distance": sc.squared_distance1d,
}


def proof(op: Operator, tensor: str, change: tuple[str, str] = ("", ""), library: str = "numpy") -> sc.Proofs:
    text = sc.derive(op, tensor).code(library).replace(*change)
    return sc.prove(op, code=text, name=text.partition("def ")[2].partition("(")[0], returns=(tensor,))


@pytest.mark.parametrize("name", PROVED)
def test_printed_gradients_are_proved_for_all_sizes(name: str) -> None:
    op = PROVED[name]()
    for tensor in op.tensors:
        assert proof(op, tensor).holds is True, f"{name} {tensor}: {proof(op, tensor)}"


@pytest.mark.parametrize("name", ["mean pooling", "adder", "squared distance"])
def test_slices_in_torch_are_proved_for_all_sizes(name: str) -> None:
    op = PROVED[name]()
    for tensor in op.tensors:
        assert proof(op, tensor, library="torch").holds is True


@pytest.mark.parametrize(
    ("name", "tensor", "change"),
    [
        ("strided", "x", ("p:p + 2*OH:2", "p + 1:p + 1 + 2*OH:2")),
        ("strided", "x", ("1:H + 1", ":H")),
        ("dilated", "w", ("2*p:", "p:")),
        ("mean pooling", "x", ("gy / 3", "gy / 2")),
        ("adder", "x", ("-=", "+=")),
    ],
)
def test_a_changed_text_is_refuted(name: str, tensor: str, change: tuple[str, str]) -> None:
    found = proof(PROVED[name](), tensor, change)
    assert found.holds is False, str(found)
