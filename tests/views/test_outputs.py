"""Operators of several outputs in text, LaTeX, pages and readable code; what is for one output says so."""

from __future__ import annotations

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.commands.request import requested
from symconv.errors import SpecError
from symconv.readable.code import module
from symconv.views.text import operator_text

SOURCE = "s[n,i] = sum[p](x[n,i+p-1]*w[p]); y[n,i] = 3*s[n,i]; z[i] = sum[n](s[n,i]**2)"
OP = sc.operator(SOURCE, name="pair")


def test_every_output_has_its_formula_and_its_cells() -> None:
    lines = operator_text(OP).splitlines()
    assert lines[1:3] == ["y[n,i] = 3·s[n,i]", "  z[i] = Σ n=0..N−1 s[n,i]^2"]
    assert lines[-3:-1] == ["y for 0≤n<N, 0≤i<OL", "z for 0≤i<OL"]


def test_a_derivation_is_printed_with_both_cotangents() -> None:
    g = sc.derive(OP, "x")
    text = str(g)
    assert "gs[n,i] = 2·gz[i]·s[n,i] + 3·gy[n,i]" in text
    assert "for gy 3×2, gz 2, x 3×3, w 4" in text.replace("\n           ", " ")
    assert r"2\,\bar z_{i}\,s_{n,i} + 3\,\bar y_{n,i}" in g.latex("12cm")
    assert all(step.parts for step in g.steps if step.rule == "transpose")


def test_pages_hold_every_output(tmp_path) -> None:
    page = sc.show(OP, tmp_path / "pair.html").read_text()
    assert all(name in page for name in ("Gradient with respect to x", "Gradient with respect to w"))
    assert "text/html" in OP._repr_mimebundle_()
    sc.show(OP, tmp_path / "pair.tex")
    assert r"\bar z_{i}" in (tmp_path / "pair.tex").read_text()


def test_readable_code_computes_what_the_loops_do() -> None:
    found = {}
    text = module(
        (*(pipeline.forward(OP.only(name)) for name in ("y", "z")), *(sc.derive(OP, t).derivation for t in "xw")),
        "numpy",
    )
    exec(text, found)  # noqa: S102
    rng = np.random.default_rng(0)
    gy, gz, x, w = (rng.integers(-5, 6, shape).astype(float) for shape in ((2, 5), (5,), (2, 4), (2,)))
    s, gx, gw = np.zeros((2, 5)), np.zeros((2, 4)), np.zeros(2)
    reached = [(n, i, p) for n, i, p in np.ndindex(2, 5, 2) if 0 <= i + p - 1 < 4]
    for n, i, p in reached:
        s[n, i] += x[n, i + p - 1] * w[p]
    for n, i, p in reached:
        gx[n, i + p - 1] += (3 * gy[n, i] + 2 * gz[i] * s[n, i]) * w[p]
        gw[p] += (3 * gy[n, i] + 2 * gz[i] * s[n, i]) * x[n, i + p - 1]
    functions = [value for name, value in found.items() if callable(value)]
    given = [(x, w), (x, w), (gy, gz, x, w), (gy, gz, x, w)]
    for function, arrays, want in zip(functions, given, (3 * s, (s**2).sum(axis=0), gx, gw), strict=True):
        assert (function(*arrays) == want).all(), function.__name__


def test_the_command_line_names_outputs() -> None:
    assert requested(SOURCE, {"outputs": "s,y,z"}).several == ("s", "y", "z")
    with pytest.raises(SpecError, match="conv1d does not take --outputs"):
        requested("conv1d", {"outputs": "y"})
