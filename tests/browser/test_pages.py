"""Proofs, verdicts and kernels in a real browser: nothing is wider than a phone, and what was asked is seen."""

from __future__ import annotations

import pytest

import symconv as sc
from symconv.code.proofs import Proofs
from symconv.verify.verdict import Check, Verdict

CODE = "def backward(gy, x):\n    twice = gy + gy\n    return twice * x * x\n"
CHECKS = (
    Check("gradient by x, integers", "the scatter definition, compared with ==", 12345, 0, True, ""),
    Check("forward, reals", "the definition, within (n+8)·eps·Σ|terms|", 9, 0.5, True, ""),
)


def _proofs() -> Proofs:
    return sc.prove(sc.operator("y[i] = x[i]*x[i]"), code=CODE)


PAGES = {
    "products": lambda: sc.prove(sc.conv2d(), "gx = conv2d(gy, flip(w), padding=K - 1)"),
    "shapes": lambda: sc.prove(sc.conv2d(stride=2, padding=1), "gx = conv_transpose(gy, w, stride=2)"),
    "code": _proofs,
    "verdict": lambda: Verdict(True, "conv1d()", "float64", CHECKS),
}
OUTSIDE = (
    "[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > 376 && "
    "!e.closest('.scroll, .wide, pre, svg')).map(e => e.outerHTML.slice(0, 80))"
)


@pytest.mark.full
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_an_answer_in_its_width(browser, tmp_path, name, dark):
    path = sc.show(PAGES[name](), tmp_path / "page.html")
    page = browser.page(path, 375, 800, phone=True, dark=dark)
    page.value("document.querySelectorAll('details').forEach(e => { e.open = true })")
    assert page.value("document.documentElement.scrollWidth") <= 375
    assert page.value(OUTSIDE) == []


@pytest.mark.full
def test_each_check_has_its_answer_in_sight_on_a_phone(browser, tmp_path):
    page = browser.page(sc.show(PAGES["verdict"](), tmp_path / "page.html"), 375, 800, phone=True)
    seen = page.value(
        "[...document.querySelectorAll('.checks tbody td:nth-child(2)')].map(e => "
        "[e.textContent, e.getBoundingClientRect().right <= 375 && e.getBoundingClientRect().width > 20])"
    )
    assert seen == [["passed", True], ["passed", True]]


@pytest.mark.full
def test_the_marks_of_a_proof_differ_by_more_than_colour(browser, tmp_path):
    page = browser.page(sc.show(PAGES["products"](), tmp_path / "page.html"))
    hatches = page.value(
        "[...document.querySelectorAll('.proof > figure .sides svg')].map(svg => svg.querySelector('.hatch').getAttribute('d'))"
    )
    assert len(set(hatches)) == 2
    signs = page.value(
        "[...document.querySelectorAll('.proof > figure .sides svg')].map(svg => svg.querySelector('.sign').textContent[0])"
    )
    assert signs == ["+", "−"]
    lefts = page.value(
        "[...document.querySelectorAll('.proof > figure .sides svg')].map(svg => svg.getBoundingClientRect().top)"
    )
    assert lefts[0] == lefts[1]


def test_text_in_tables_begins_at_the_left_in_a_notebook_and_numbers_end_at_the_right(browser, tmp_path):
    """The rules that JupyterLab and nbconvert have for tables in an output."""
    lab = ":not(.jp-RenderedMarkdown).jp-RenderedHTMLCommon"
    rules = f"{lab} td, {lab} th, {lab} tr {{ text-align: right }}"
    shown = PAGES["verdict"]()._repr_mimebundle_()["text/html"]
    path = tmp_path / "page.html"
    path.write_text(f'<meta charset="utf-8"><style>{rules}</style><div class="jp-RenderedHTMLCommon">{shown}</div>')
    page = browser.page(path)
    sides = "[...document.querySelectorAll('.symconv td')].map(e => [e.className, getComputedStyle(e).textAlign])"
    found = page.value(sides)
    assert {side for name, side in found if "number" not in name} == {"left"}
    assert {side for name, side in found if "number" in name} == {"right"}
