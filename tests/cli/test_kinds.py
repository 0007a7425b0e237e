"""Every command on every kind of operator that can be stated: none is refused by one command and taken by the next."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

LAYERS = """
import numpy as np

def windows(x, w):
    N, L = x.shape
    K = w.shape[0]
    y = np.zeros((N, L - K + 1))
    for i in range(L - K + 1):
        y[:, i] = x[:, i:i + K] @ w
    return y
"""

WEIGHT = ("--shape", "w=3")
KINDS = {
    "a shipped one": ("conv1d", ("--padding", "1"), ("--shape", "w=3,2,3")),
    "several outputs": (
        "z[n,i] = sum[p](x[n,i+p]*w[p]); u[n,i] = z[n,i]*z[n,i]; v[n,i] = tanh(z[n,i])",
        ("--outputs", "u,v"),
        WEIGHT,
    ),
    "an intermediate": ("z[n,i] = sum[p](x[n,i+p]*w[p]); y[n,i] = tanh(z[n,i])*z[n,i]", (), WEIGHT),
    "a number at run time": ("y[n,i] = sum[p](x[n,i+p]*w[p])/(eps+1)", ("--params", "eps=?"), WEIGHT),
    "no weight": ("y[n,i] = max[p<3](x[n,2*i+p])", (), ()),
    "a size as a number": ("y[n,i] = sum[p](x[n,i+p])", ("--extents", "p=K"), ("--shape", "K=3")),
    "a border": ("y[n,i] = sum[p](x[n,i+p-1]*w[p])", ("--border", "reflect"), WEIGHT),
    "code": ("layers.py:windows", (), WEIGHT),
}
LIGHT = {
    "derive as text": ("derive",),
    "derive as json": ("derive", "--format", "json"),
    "derive as latex": ("derive", "--format", "latex"),
    "derive as numpy": ("derive", "--format", "numpy"),
    "derive as torch": ("derive", "--format", "torch"),
    "generate": ("generate",),
    "export in numpy": ("export", "--backend", "numpy", "-o", "taken"),
    "a picture": ("show", "--picture", "-o", "x.svg"),
    "a handout": ("show", "-o", "x.tex"),
    "a report": ("show", "-o", "x.html"),
}
HEAVY = {
    "validate": ("validate",),
    "verify": ("verify",),
    "run": ("run", "-o", "all"),
    "export in cython": ("export", "-o", "taken"),
    "export in c": ("export", "--backend", "c", "-o", "taken"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "layers.py").write_text(LAYERS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _cases() -> list[object]:
    found: list[object] = []
    for kind in KINDS:
        found += [pytest.param(kind, LIGHT[name], id=f"{name}, {kind}") for name in LIGHT]
        found += [pytest.param(kind, HEAVY[name], id=f"{name}, {kind}", marks=pytest.mark.full) for name in HEAVY]
    return found


@pytest.mark.parametrize(("kind", "command"), _cases())
def test_a_command_takes_every_kind(kind, command, folder, call):
    op, options, _ = KINDS[kind]
    before = set(folder.rglob("*"))
    result = call(command[0], op, *options, *command[1:])
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() or set(folder.rglob("*")) > before


@pytest.mark.full
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_measured_takes_every_kind(kind, folder, program):
    op, options, shapes = KINDS[kind]
    shapes = ("--shape", "x=2,2,40" if op == "conv1d" else "x=4,40", *shapes)
    for command in (("bench", "--jvp", "--seconds", "0.1", "--json", "b.json"), ("tune",)):
        result = program(command[0], op, *options, *command[1:], *shapes)
        assert result.returncode == 0, result.stdout + result.stderr
    (layer,) = json.loads((folder / "b.json").read_text(encoding="utf-8"))["layers"]
    assert "jvp" in json.dumps(layer)
