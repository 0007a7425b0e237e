"""The palette: told apart by people who see few colours, and by none of them confused with the neighbour."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from symconv.views.svg import COLOURS

# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
VISION = {
    "full": np.eye(3),
    "without red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "without green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "without blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
CSS = Path(__file__).resolve().parents[2] / "templates" / "html"


def linear(colour):
    part = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ rgb
    f = np.cbrt(np.maximum(xyz / np.array([0.9505, 1, 1.089]), 1e-3))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def palettes():
    found = {"pictures": list(COLOURS)}
    for name in ("report.css.j2", "fragment.css.j2"):
        lines = [line for line in (CSS / name).read_text(encoding="utf-8").splitlines() if "--c0:" in line]
        found |= {f"{name} {k}": re.findall(r"--c\d: (#\w{6})", line) for k, line in enumerate(lines)}
    return found


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("name", palettes())
def test_classes_are_told_apart(name, vision):
    colours = palettes()[name]
    seen = [lab(np.clip(np.array(VISION[vision]) @ linear(colour), 0, 1)) for colour in colours]
    assert len(colours) == 8
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 20
