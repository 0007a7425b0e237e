"""Numbers that a class gives its layers are read where nothing else sets them."""

from __future__ import annotations

import ast

import pytest

import symconv as sc
from symconv.code.source.attributes import attributes_of

LAYER = """
import torch
import torch.nn.functional as F

class Base:
    pad = 1

class Conv(Base):
    half = 3
    stride = half // 2 + 2
    {more}

    def forward(self, x, w):
        self.x, self.w = x, w
        return F.conv2d(x, w, stride={forward}, padding=self.pad)

    def backward(self, dy):
        dx = torch.nn.grad.conv2d_input(self.x.shape, self.w, dy, stride={backward}, padding=self.pad)
        dw = torch.nn.grad.conv2d_weight(self.x, self.w.shape, dy, stride={backward}, padding=self.pad)
        return dx, dw
"""


def checked(forward: str, backward: str, more: str = "") -> sc.Proofs:
    return sc.check(LAYER.format(forward=forward, backward=backward, more=more), "Conv")


@pytest.mark.parametrize("own", ["self.stride", "Conv.stride"])
def test_the_layer_is_the_one_of_its_class(own: str) -> None:
    assert "conv2d(stride=3, padding=1)" in str(checked(own, own))
    assert checked(own, "3").holds is True
    assert checked("3", own).holds is True
    assert checked(own, "2").holds is False


def test_a_method_alone_has_the_numbers_of_its_class() -> None:
    text = LAYER.format(forward="3", backward="self.stride", more="")
    right, other = (sc.conv2d(stride=stride, padding=1) for stride in (3, 2))
    assert sc.prove(right, code=text, name="Conv.backward", explain=False).holds is True
    assert sc.prove(other, code=text, name="Conv.backward", explain=False).holds is False


def test_numbers_that_are_said_count_more() -> None:
    text = LAYER.format(forward="self.stride", backward="2", more="")
    proofs = sc.check(text, "Conv", arguments={"stride": 2})
    assert proofs.holds is True
    assert "stride=2" in str(proofs)


def test_what_an_instance_may_change_is_no_number_of_its_class() -> None:
    proofs = checked("self.stride", "self.stride", "def __init__(self, stride):\n        self.stride = stride")
    assert "stride=3" not in str(proofs)
    with pytest.raises(sc.SpecError, match=r"Conv\.stride has no value that is known here"):
        checked("Conv.stride", "3", "def halve(self):\n        self.stride = 1")


HELPED = """
import torch

class Linear(torch.autograd.Function):
    {decorator}
    def half({own}a):
        return a / 2

    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return x @ w.t()

    @staticmethod
    def backward(ctx, dy):
        x, w = ctx.saved_tensors
        return Linear.half({given}dy @ w) * {times}, dy.t() @ x
"""


@pytest.mark.parametrize(
    ("decorator", "own", "given"), [("@staticmethod", "", ""), ("@torch.no_grad()", "self, ", "ctx, ")]
)
def test_functions_of_a_class_are_called_by_its_name(decorator: str, own: str, given: str) -> None:
    for times, holds in ((2, True), (1, False)):
        text = HELPED.format(decorator=decorator, own=own, given=given, times=times)
        assert sc.check(text, "Linear", explain=False).holds is holds


def test_what_a_class_is_given_first_is_not_guessed() -> None:
    text = HELPED.format(decorator="@classmethod", own="cls, ", given="", times=2)
    proofs = sc.check(text, "Linear", explain=False)
    assert proofs["x"].holds is None
    assert "Linear.half is a method of the class itself" in proofs.text()


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("class A:\n    s = 2\n    t: int = 3", {"s": "2", "t": "3"}),
        ("class A:\n    s = 2\n    s = 3", {}),
        ("class A:\n    s = 2\n    if s:\n        s = 3", {}),
        ("class A:\n    s = 2\n    def s(self): ...", {}),
        ("class A:\n    s = 2\nA.s = 3", {}),
        ("class A:\n    s = 2\nsetattr(A, name, 3)", None),
        ("class A:\n    s = 2\nclass A:\n    s = 3", {}),
        ("class A:\n    s = 2\nput = setattr\nput(A, name, 3)", None),
        ('class A:\n    s = 2\n    t = 3\nsetattr(A, "s", 3)', {"t": "3"}),
        ('class A:\n    s = 2\n    def __init__(self):\n        self.register_buffer("s", 3)', {}),
        ("class A:\n    s = 2\n    def __getattribute__(self, name): ...", None),
        ("class A(metaclass=M):\n    s = 2", {}),
        ("@dataclass\nclass A:\n    s: int = 2", {}),
        ("class B:\n    s = 1\n    t = 1\nclass A(B):\n    s = 2", {"s": "2", "t": "1"}),
        ("class B:\n    s = t = 0\nclass C:\n    s = 2\n    u = 3\nclass A(B, C): ...", {"t": "0", "u": "3"}),
        ("class D:\n    s = t = 0\nclass B(D): ...\nclass C(D):\n    s = 2\nclass A(B, C): ...", {"t": "0"}),
        ("class B:\n    s = 2\nclass A(Foreign, B):\n    t = 1", {"t": "1"}),
        ("class B:\n    s = 2\nclass A(B, Foreign):\n    t = 1", {"s": "2", "t": "1"}),
        ("class A:\n    t, s = 1, 2", {}),
        ("class B:\n    s = 1\nclass A(B):\n    for s in range(3): ...", {}),
        ("class A(A):\n    s = 1", {"s": "1"}),
    ],
)
def test_what_binds_an_attribute(text: str, want: dict[str, str] | None) -> None:
    found = attributes_of(ast.parse(text)).get("A")
    assert (found if found is None else {name: ast.unparse(value) for name, value in found.items()}) == want
