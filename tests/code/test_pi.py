"""Code that uses pi: gelu by ``erf`` and by ``tanh``, whichever module the number is from."""

from __future__ import annotations

from pathlib import Path

import pytest

import symconv as sc

FORWARDS = {"F.gelu(x)": "erf", 'F.gelu(x, approximate="tanh")': "tanh", "jax.nn.gelu(x)": "tanh",
            "jax.nn.gelu(x, approximate=False)": "erf", "tf.nn.gelu(x, approximate=True)": "tanh",
            "x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))": "erf",
            "0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))": "tanh"}  # fmt: skip
BACKWARDS = {
    "erf": "dy * (0.5 * (1 + torch.erf(x / math.sqrt(2.0))) + x * torch.exp(-0.5 * x * x) * SCALE)",
    "tanh": "dy * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * k * (1 + 3 * 0.044715 * x ** 2))",
}
TEXT = """
import math
import jax
import tensorflow as tf
import torch
import torch.nn.functional as F
from math import pi

SCALE = 1 / math.sqrt(2 * {pi})

def gelu_forward(x):
    return {forward}

def gelu_backward(dy, x):
    k = math.sqrt(2.0 / math.pi)
    t = torch.tanh(k * (x + 0.044715 * x ** 3))
    return {backward}
"""


@pytest.mark.parametrize("backward", BACKWARDS)
@pytest.mark.parametrize("forward", FORWARDS)
def test_gelu_is_checked(tmp_path: Path, forward: str, backward: str) -> None:
    file = tmp_path / "layer.py"
    file.write_text(TEXT.format(forward=forward, backward=BACKWARDS[backward], pi="math.pi"))
    proof = sc.check(f"{file}:gelu")["x"]
    assert proof.holds is (FORWARDS[forward] == backward), str(proof)


@pytest.mark.parametrize(("pi", "holds"), [("np.pi", True), ("pi", True), ("torch.pi", True), ("3.14159", False)])
def test_the_number_of_each_library(pi: str, holds: bool) -> None:
    code = f"""
import numpy as np
import torch
from math import pi
from scipy.special import erf

def backward(dy, x):
    return dy * (0.5 * (1 + erf(x / np.sqrt(2))) + x * np.exp(-x**2 / 2) / np.sqrt(2 * {pi}))
"""
    assert sc.prove(sc.operator("y[n,i] = gelu(x[n,i])"), code=code)["x"].holds is holds


def test_the_operator_of_a_forward_function_names_pi(tmp_path: Path) -> None:
    file = tmp_path / "layer.py"
    file.write_text("""
import math
import torch

def wave_forward(x):
    return torch.sin(math.pi * x)

def wave_backward(dy, x):
    return math.pi * dy * torch.cos(math.pi * x)
""")
    proof = sc.check(f"{file}:wave")["x"]
    assert proof.holds
    assert "sin(pi * x[" in str(proof)
