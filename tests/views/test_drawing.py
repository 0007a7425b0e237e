"""Formulas drawn by another process are those drawn here, and nothing depends on that process."""

from __future__ import annotations

import sys

import pytest

import symconv as sc
from symconv.views import drawing, mathsvg
from symconv.views.drawing import Drawing
from symconv.views.report import report_html
from symconv.views.sections import formulas

OP = sc.conv1d(stride=2, padding=1)


def _page() -> str:
    return report_html("page", OP, (sc.derive(OP, "x").derivation,))


@pytest.fixture(autouse=True)
def _forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mathsvg, "_KNOWN", {})


def test_the_other_process_draws_every_formula_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = formulas(OP, (sc.derive(OP, "x").derivation,))
    here = _page()
    assert " at 0x" not in here
    assert set(mathsvg._KNOWN) == set(asked)
    mathsvg._KNOWN.clear()
    assert Drawing(asked).finish() == len(set(asked))
    # Nothing is left to draw: the page is the same without the renderer.
    monkeypatch.setattr(mathsvg, "drawn", lambda _latex: pytest.fail("drawn again"))
    assert _page() == here


@pytest.mark.parametrize("program", ["/no/such/python", "/bin/false"])
def test_without_the_process_the_page_draws_itself(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    here = _page()
    mathsvg._KNOWN.clear()
    monkeypatch.setattr(sys, "executable", program)
    assert Drawing(formulas(OP, ())).finish() == 0
    assert _page() == here


def test_a_slow_process_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "_PATIENCE", 0.0)
    started = Drawing(formulas(OP, ()))
    assert started.finish() == 0
    assert started._process is not None
    assert started._process.poll() is not None


def test_what_cannot_be_drawn_stays_undrawn() -> None:
    assert Drawing([r"\frac{a}{"]).finish() == 1
    assert mathsvg.formula_svg(r"\frac{a}{") is None
