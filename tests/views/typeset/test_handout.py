"""The handout: two pages, and more for small steps alone, compiled by a real LaTeX, with nothing of a user's read as TeX."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

import symconv as sc
from symconv import pipeline
from symconv.views.lesson.cells import lesson
from symconv.views.typeset import engine
from symconv.views.typeset.examples import kernel_lines, worked
from symconv.views.typeset.handout import handout

sys.path.insert(0, str(Path(__file__).parent))
from paper import needs_latex, printed

NASTY = "a_b%$&#{}~^\\input{/etc/passwd}\\write18{touch owned}|<é中>"


def body(text: str) -> str:
    return text[text.index(r"\begin{document}") :]


def test_a_handout_says_all_that_a_lecture_wants():
    text = handout(sc.conv2d(stride=2, padding=1))
    for words in ("The operator", "The gradient by x, step by step", "The relation is transposed", "Residue:",
                  "The gradient by w: each cell gathers its own sum", "Which taps reach", "One cell, worked out",
                  "The loops of the kernel"):  # fmt: skip
        assert words in text
    assert r"\begin{tikzpicture}" in text
    assert text.count("\n\\fitted{%\n") == 2


def test_the_gradient_whose_steps_are_shown_is_chosen():
    assert "The gradient by w, step by step" in handout(sc.conv1d(), wrt="w")


def test_small_steps_are_called_checked_where_they_are():
    assert "The small steps, each checked: from the third page on" in handout(sc.conv1d(stride=2), wrt="x")
    tied = sc.max_pool1d(3, stride=2, padding=1, border="reflect")
    parts = [part for step in sc.derive(tied, "x").steps for part in step.parts]
    count = sum(part.check != "" for part in parts)
    assert count == len(parts) - 1
    assert f"The small steps, {count} of {len(parts)} checked: from the third page on" in handout(tied, wrt="x")


def test_nothing_of_a_user_is_a_command():
    text = body(handout(sc.operator("y[i] = 2*x[i]", name=NASTY)))
    for command in (r"\input", r"\write18"):
        assert command not in text
    assert r"\textbackslash{}input\{/etc/passwd\}" in text


def _cell(found):
    return tuple(map(int, re.search(r"_\{(.*)\}", found.rows.formulas[0].left)[1].split(",")))


def _summed(row):
    """A row of products of numbers, multiplied and added here."""
    value = Fraction(0)
    for product in row.right.split(" + "):
        value += math.prod(Fraction(factor.strip("()")) for factor in product.split(r" \cdot "))
    return value


def test_the_worked_cell_is_the_number_that_loops_find():
    """The data of the handout, summed over the terms of the definition."""
    derivation = pipeline.derive(sc.conv1d(stride=2, padding=1), "x")
    found, arrays = worked(derivation), lesson(derivation).numbers.arrays
    assert ", ".join(f"{name} {'x'.join(map(str, arrays[name].shape))}" for name in ("gy", "x", "w")) in found.sizes
    cell, total = _cell(found), 0
    for f in range(arrays["w"].shape[0]):
        for i in range(arrays["gy"].shape[2]):
            for p in range(arrays["w"].shape[2]):
                if 2 * i + p - 1 == cell[2]:
                    total += arrays["gy"][cell[0], f, i] * arrays["w"][f, cell[1], p]
    assert total and Fraction(found.rows.formulas[2].right) == _summed(found.rows.formulas[1]) == total


def test_a_worked_cell_computes_what_the_formula_computes_before_it():
    op = sc.operator("u[n,i] = sum[p](x[n,2*i+p]*v[p]); y[n,i] = u[n,i]*u[n,i]*s[i]")
    derivation = pipeline.derive(op, "x")
    found, arrays = worked(derivation), lesson(derivation).numbers.arrays
    x, v, s, gy = (arrays[name] for name in ("x", "v", "s", "gy"))
    n, place = _cell(found)
    total = 0
    for i in range(gy.shape[1]):
        u = sum(x[n, 2 * i + p] * v[p] for p in range(len(v)))
        total += sum(gy[n, i] * 2 * u * s[i] * v[p] for p in range(len(v)) if 2 * i + p == place)
    assert total and Fraction(found.rows.formulas[2].right) == _summed(found.rows.formulas[1]) == total
    assert "the others computed from them" in found.sizes


def test_a_worked_cell_of_a_norm_is_told_to_four_digits():
    derivation = pipeline.derive(sc.operator("y[n] = norm[p](x[n,p])"), "x")
    found, arrays = worked(derivation), lesson(derivation).numbers.arrays
    n, p = _cell(found)
    length = math.sqrt(sum(float(x) ** 2 for x in arrays["x"][n]))
    want = float(arrays["gy"][n]) * float(arrays["x"][n, p]) / length
    assert want and found.rows.formulas[2].right == f"{want:.4g}"
    assert float(_summed(found.rows.formulas[1])) == pytest.approx(want, rel=1e-3)
    assert "to four digits" in found.sizes


def test_the_loops_are_those_of_the_kernel_and_fit():
    lines = kernel_lines(pipeline.derive(sc.conv2d(stride=2, padding=1), "x"))
    assert lines[0].startswith("for ")
    assert any("gx[" in line and "w[" in "".join(lines[k : k + 4]) for k, line in enumerate(lines))
    assert max(map(len, lines)) <= 112


def test_without_latex_the_error_says_how_to_get_one(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(sc.SymconvError, match=r"pdflatex.*apt-get install.*handout\.tex") as refused:
        sc.show(sc.operator("y[i] = 2*x[i]"), tmp_path / "x.pdf")
    assert "tectonic" in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_a_latex_that_hangs_or_fails_is_an_error_in_words(monkeypatch, tmp_path):
    monkeypatch.setattr(engine.shutil, "which", lambda name: "/bin/" + name if name == "lualatex" else None)

    def hangs(*_, **settings):
        raise subprocess.TimeoutExpired("lualatex", settings["timeout"])

    monkeypatch.setattr(engine.subprocess, "run", hangs)
    with pytest.raises(sc.SymconvError, match="lualatex was stopped after 120 seconds"):
        engine.pdf("")
    done = subprocess.CompletedProcess("lualatex", 1, b"! LaTeX Error: File `tikz.sty' not found.\n", b"")
    monkeypatch.setattr(engine.subprocess, "run", lambda *_, **__: done)
    with pytest.raises(sc.SymconvError, match=r"tikz\.sty' not found.*texlive-pictures"):
        engine.pdf("")


def test_only_operators_gradients_and_kernels_have_a_handout(tmp_path):
    proof = sc.prove(sc.conv1d(), "gx = conv1d(gy, w)")
    with pytest.raises(sc.SymconvError, match=r"\.html"):
        sc.show(proof, tmp_path / "x.tex")
    g = sc.derive(sc.conv1d(), "w")
    assert "The gradient by w, step by step" in sc.show(g, tmp_path / "w.tex").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["w.tex"]


@needs_latex
@pytest.mark.full
def test_a_pdf_of_two_pages_is_written(tmp_path):
    made = sc.show(sc.operator("y[n,i] = sum[p](x[n,2*i+p]*w[p])", name=NASTY), tmp_path / "x.pdf")
    assert made.read_bytes().startswith(b"%PDF")
    assert [path.name for path in tmp_path.iterdir()] == ["x.pdf"]


def _read(pdf):
    """The words of a PDF."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed: apt-get install poppler-utils")
    done = subprocess.run(["pdftotext", pdf, "-"], capture_output=True, text=True, check=True)
    return " ".join(done.stdout.split())


@needs_latex
@pytest.mark.full
@pytest.mark.parametrize("name", sc.ops())
def test_every_shipped_operator_fills_two_pages_and_has_its_small_steps(tmp_path, name):
    make, sizes = getattr(sc, name), ((3, 2) if "pool" in name else ())
    try:
        op = make(*sizes, stride=2, padding=1)
    except (sc.SymconvError, TypeError):
        op = make(*sizes)
    found = printed(tmp_path, handout(op))
    assert found.errors == found.overfull == ()
    assert "Overfull \\vbox" not in found.log
    assert found.pages >= 2
    # Pages beyond the second one are for small steps that the first has no room for.
    paper = _read(tmp_path / "paper.pdf")
    assert ("from the third page on" in paper) == (found.pages > 2)
    steps = any(step.parts for step in sc.derive(op, op.tensors[0]).steps)
    assert (
        "The unknowns go to one side" in paper or "An unknown is isolated" in paper or "chain rule" in paper
    ) == steps


@needs_latex
@pytest.mark.full
def test_a_long_derivation_has_every_small_step_on_further_pages(tmp_path):
    op = sc.conv2d(stride=(2, 3), padding=((1, 2), (2, 1)), border="reflect", dilation=(2, 1))
    found = printed(tmp_path, handout(op, wrt="x"))
    assert found.errors == found.overfull == ()
    assert found.pages == 3
    paper = _read(tmp_path / "paper.pdf")
    count = sum(len(step.parts) for step in sc.derive(op, "x").steps)
    titles = ("The chain rule:", "How an output changes with the cell:", "The unknowns go to one side:",
              "Residue: which taps", "Division: which output", "A range becomes limits", "The limits of a loop together:",
              "An unknown is isolated:", "A condition on the cell:")  # fmt: skip
    assert sum(paper.count(title) for title in titles) == count
