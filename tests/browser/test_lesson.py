"""The report in a real browser, used as a reader uses it: by mouse, finger and keys, on paper, in the dark, without
scripts."""

from __future__ import annotations

import re
import struct
import zlib
from fractions import Fraction
from pathlib import Path

import pytest
from chromium import Page

import symconv as sc
from symconv import pipeline
from symconv.options import options

NESTED = "y[n,f,i] = tanh(sum[c,p](x[n,c,i+p-1]*w[f,c,p]))*v[f]"
TARGET = ".target td[data-at]"
OPS = {
    "strips": lambda: sc.conv1d(stride=3, dilation=2, padding=((2, 1),)),
    "grids": lambda: sc.conv2d(stride=(2, 3), padding=((1, 0), (0, 2)), dilation=(1, 2)),
    "slices": lambda: sc.conv3d(stride=2, padding=1),
    "border": lambda: sc.adder1d(stride=2, padding=1, border="reflect"),
    "maxima": lambda: sc.max_pool2d((3, 2), stride=2, padding=(1, 0)),
    "own": lambda: sc.operator(NESTED),
    "merged": lambda: sc.operator("y[n,(g,f)] = sum[c](x[n,(g,c)]*w[g,f,c])", extents={"g": 3}),
}


def number(text: str) -> Fraction:
    return Fraction(text.replace("−", "-").strip("() "))


def total(page: Page) -> Fraction:
    """The sum as it is written out: its products multiplied and added here, and compared with what it says."""
    _, products, said = re.split(r" [=≈] ", page.text(".lesson .sum").replace(": no term reaches it", ""))
    value = Fraction(0)
    for product in products.split(" + "):
        factors = [number(factor) for factor in product.split(" · ")]
        term = Fraction(1)
        for factor in factors:
            term *= factor
        value += term
    assert value == number(said)
    return value


def cell(at: int) -> str:
    return f'.target td[data-at="{at}"]'


def chosen(page: Page) -> int:
    return int(page.value("document.querySelector('.target td.chosen').dataset.at"))


def test_a_cell_is_looked_at_by_mouse_and_keys(browser, written):
    page = browser.page(written(sc.conv1d(stride=2, padding=1), ("x",), drawn=False))
    assert page.value("document.querySelector('#lesson').hidden") is False
    page.click(cell(2))
    assert chosen(page) == 2
    assert "gx[0,0,2]" in page.text(".sum")
    assert total(page) == number(page.value(f"document.querySelector('{cell(2)}').lastChild.data"))
    page.key("ArrowRight")
    assert chosen(page) == 3
    assert page.value("document.activeElement.dataset.at") == "3"
    total(page)
    page.move(cell(0))
    assert "gx[0,0,0]" in page.text(".sum")
    assert page.value("document.querySelectorAll('#lesson .line.on').length") > 3


@pytest.mark.full
def test_gradient_phase_and_plane_are_chosen_by_keys(browser, written):
    page = browser.page(written(OPS["grids"]()))
    page.value("document.querySelector('input[name=lesson-gradient]').focus()")
    page.key("ArrowRight")
    assert page.value("document.querySelector('input[name=lesson-gradient]:checked').value") == "1"
    assert page.text(".sum").startswith("gw[")
    page.key("ArrowLeft")
    assert page.text(".sum").startswith("gx[")
    page.value("document.querySelector('input[name=lesson-phase]').focus()")
    page.key("ArrowRight")
    assert page.value("document.querySelector('input[name=lesson-phase]:checked').value") == "0"
    faint = page.value(f"[...document.querySelectorAll('{TARGET}')].filter(e => e.classList.contains('faint')).length")
    assert 0 < faint < page.value(f"document.querySelectorAll('{TARGET}').length")
    # Along a phase, an arrow goes to its next cell: as far as the stride.
    page.value("document.querySelector('.target td.chosen').focus()")
    before = page.value("Number(document.activeElement.dataset.j)")
    page.key("ArrowRight" if before < 3 else "ArrowLeft")
    assert abs(page.value("Number(document.activeElement.dataset.j)") - before) == 3
    page.key("PageDown")
    assert "c=1" in page.text(".target caption")
    assert page.value("document.querySelector('.lesson select').selectedOptions[0].textContent") == "n=0, c=1"
    assert page.value("document.activeElement.closest('.target') !== null")
    page.key("PageUp")
    assert "c=0" in page.text(".target caption")


@pytest.mark.full
def test_the_plane_that_is_chosen_is_the_one_that_is_drawn(browser, written):
    page = browser.page(written(OPS["slices"](), ("x", "w"), drawn=False))
    drawn, active = set(), "document.activeElement"

    def plane():
        chosen = page.value("document.querySelector('.lesson select').selectedOptions[0].textContent")
        assert page.text(".target caption") == f"gx at {chosen}"
        return chosen

    page.value("document.querySelector('input[name=lesson-phase]').focus()")
    count = page.value("document.querySelectorAll('input[name=lesson-phase]').length")
    assert count > 4
    for k in range(count - 1):
        page.key("ArrowRight")
        assert page.value(f"[{active}.name, {active}.checked, {active}.value]") == ["lesson-phase", True, str(k)]
        drawn.add(plane())
    assert len(drawn) > 1
    # Another plane ends the phase; the choice that was made keeps the focus.
    page.value("document.querySelector('.lesson select').focus()")
    before = plane()
    page.key("ArrowUp" if page.value(f"{active}.selectedIndex") else "ArrowDown")
    assert plane() != before
    assert page.value(f"{active}.tagName") == "SELECT"
    page.value("document.querySelector('input[name=lesson-gradient]').focus()")
    page.key("ArrowRight")
    assert page.value(f"[{active}.name, {active}.checked, {active}.value]") == ["lesson-gradient", True, "1"]


@pytest.mark.full
def test_everything_that_acts_is_reached_by_the_tab_key_and_shows_it(browser, written):
    page = browser.page(written(OPS["strips"]()))
    page.value("document.querySelector('#explore').scrollIntoView()")
    page.value("document.querySelector('nav a[href=\"#explore\"]').focus()")
    reached = []
    for _ in range(60):
        page.key("Tab")
        style = page.value(
            "(() => { const e = document.activeElement, s = getComputedStyle(e.matches('input') ? e.closest('label') : e);"
            "return [e.tagName, e.closest('#lesson') !== null, s.outlineStyle, parseFloat(s.outlineWidth)]; })()"
        )
        if style[1]:
            reached.append(style[0])
            assert style[2] != "none"
            assert style[3] >= 2
    assert {"INPUT", "SELECT", "TD", "OL", "PRE"} <= set(reached)


@pytest.mark.full
@pytest.mark.parametrize("name", OPS)
def test_every_cell_of_every_gradient_says_what_it_is(browser, written, name):
    page = browser.page(written(OPS[name]()))
    gradients = page.value("document.querySelectorAll('input[name=lesson-gradient]').length") or 1
    for number_ in range(gradients):
        if gradients > 1:
            page.click(f'input[name=lesson-gradient][value="{number_}"]')
        exact = "every result exact" in page.text("#lesson")
        count = page.value(f"document.querySelectorAll('{TARGET}').length")
        for at in page.value(f"[...document.querySelectorAll('{TARGET}')].map(e => e.dataset.at)")[:30]:
            page.value(f"document.querySelector('.target td[data-at=\"{at}\"]').focus()")
            assert chosen(page) == int(at)
            if exact and "no term" not in page.text(".sum"):
                assert total(page) == number(page.value(f"document.querySelector('{cell(int(at))}').lastChild.data"))
                fed = page.value("document.querySelectorAll('td.fed').length")
                assert fed > 0
            assert page.value("document.querySelectorAll('#lesson .line.on').length") > 0
        assert count > 0


@pytest.mark.full
def test_pointing_at_a_term_marks_what_it_reads(browser, written):
    page = browser.page(written(OPS["grids"]()))
    page.move("ol.terms li:nth-child(1)")
    now = page.value("[...document.querySelectorAll('td.now')].map(e => e.getAttribute('aria-label'))")
    words = page.text("ol.terms li:nth-child(1) span:nth-child(2)")
    assert len(now) == 2
    assert all(label.split(" = ")[0] in words for label in now)
    page.move("td.fed")
    assert page.value("document.querySelectorAll('ol.terms li.now').length") >= 1


@pytest.mark.full
def test_the_compiled_lines_are_marked_where_the_source_is_shown(browser, written):
    op = sc.conv2d(stride=2, padding=1)
    page = browser.page(written(op, ("x",), pipeline.source(op, options()).text))
    page.click("input[name=lesson-kernel][value='1']")
    marked = page.value(
        "[...document.querySelectorAll('#lesson .line.on')].map(e => [Number(e.dataset.number), e.textContent])"
    )
    source = page.text("pre.source").splitlines()
    assert any("gx[" in text for _, text in marked)
    for number_, text in marked[1:]:
        if "for z_" not in text:
            assert source[number_ - 1].strip() == text.strip()


@pytest.mark.full
@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize("scripts", [True, False])
def test_a_phone_shows_everything_in_its_width(browser, written, name, scripts):
    page = browser.page(written(OPS[name]()), 375, 800, phone=True, scripts=scripts)
    assert page.value("document.documentElement.scrollWidth") <= 375
    # What is wider than its box scrolls in it.
    wide = page.value(
        "[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > 376 && "
        "!e.closest('.scroll, .wide, pre, table, svg, .aside')).map(e => e.outerHTML.slice(0, 80))"
    )
    assert wide == []
    if scripts:
        target = page.value(f"[...document.querySelectorAll('{TARGET}')].map(e => Number(e.dataset.at))")[1]
        page.tap(cell(target))
        page.until(f"document.querySelector('.target td.chosen').dataset.at === '{target}'")


@pytest.mark.full
def test_without_scripts_a_worked_cell_for_each_phase_is_read(browser, written):
    page = browser.page(written(OPS["grids"](), ("x",)), scripts=False)
    assert page.value("document.querySelector('#lesson').hidden") is True
    seen = page.value(
        "[...document.querySelectorAll('.worked')].filter(e => e.getBoundingClientRect().height > 100).length"
    )
    assert seen == 6
    page.click(".worked summary")
    assert page.value("document.querySelector('.worked details').open")


@pytest.mark.full
def test_the_dark_is_dark_and_words_stand_out(browser, written):
    path = written(OPS["grids"]())
    contrasts = {}
    for dark in (False, True):
        page = browser.page(path, dark=dark)
        for selector in (".lesson .sum", ".target td", ".fed", ".keys", ".line.on", ".line:not(.on)", ".lesson .soft"):
            ink, paper = page.value(
                f"(() => {{ const e = document.querySelector({selector!r}); let p = e; const clear = /, 0\\)$|transparent/;"
                "while (p && clear.test(getComputedStyle(p).backgroundColor)) p = p.parentElement;"
                "return [getComputedStyle(e).color, getComputedStyle(p || document.body).backgroundColor]; })()"
            )
            if "color(" in paper or "/" in paper:
                paper = page.value("getComputedStyle(document.querySelector('pre.loops')).backgroundColor")
            contrasts[dark, selector] = _contrast(ink, paper)
    assert {key: value for key, value in contrasts.items() if value < 4.5} == {}


def _contrast(ink: str, paper: str) -> float:
    def light(colour: str) -> float:
        parts = [float(part) / 255 for part in re.findall(r"[\d.]+", colour)[:3]]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(ink), light(paper)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.full
def test_paper_has_the_worked_cells(browser, written, tmp_path):
    page = browser.page(written(OPS["strips"]()))
    pdf = page.printed(tmp_path / "report.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    page.call("Emulation.setEmulatedMedia", media="print")
    assert page.value("getComputedStyle(document.querySelector('#lesson')).display") == "none"
    assert page.value("document.querySelector('.worked').getBoundingClientRect().height") > 100
    assert page.value("getComputedStyle(document.querySelector('nav')).display") == "none"
    # Small steps are folded on a screen, and read on paper; who reads in the dark prints in black.
    assert page.value("document.querySelector('details.parts').getBoundingClientRect().height") > 100
    dark = browser.page(written(OPS["strips"]()), dark=True)
    dark.call("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert dark.value("getComputedStyle(document.body).color") == "rgb(35, 38, 43)"


@pytest.mark.full
def test_a_picture_of_the_page_is_not_empty_and_light_differs_from_dark(browser, written, tmp_path):
    path = written(OPS["maxima"]())
    shades = [_mean(browser.page(path, dark=dark).picture(tmp_path / f"{dark}.png")) for dark in (False, True)]
    assert shades[0] > 200
    assert shades[1] < 60


def _mean(path: Path) -> float:
    """The mean of the bytes of a PNG's rows (its filters undone only roughly: the first row is stored as it is)."""
    data, at, parts, width, depth = path.read_bytes(), 8, b"", 0, 3
    while at < len(data):
        (length,), kind = struct.unpack(">I", data[at : at + 4]), data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, depth = struct.unpack(">I", body[:4])[0], {2: 3, 6: 4}[body[9]]
        parts += body if kind == b"IDAT" else b""
        at += 12 + length
    row = zlib.decompress(parts)[1 : 1 + 3 * depth]
    assert width
    return sum(row[:3]) / 3


@pytest.mark.full
def test_formulas_are_copied(browser, written):
    page = browser.page(written(sc.conv1d(stride=2, padding=1), ("x",)))
    browser.call("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    page.call("Emulation.setFocusEmulationEnabled", enabled=True)
    assert page.value("[...document.querySelectorAll('button.copy')].some(e => e.hidden)") is False
    ids = page.value("[...document.querySelectorAll('button.copy')].map(e => e.dataset.copyFrom)")
    assert len(ids) > 3
    for held in ids[:4]:
        page.value(f"document.getElementById({held!r}).closest('details').open = true")
        page.click(f'button.copy[data-copy-from="{held}"]')
        page.until(f"document.querySelector('button.copy[data-copy-from=\"{held}\"]').textContent === 'copied'")
        assert page.value("navigator.clipboard.readText()") == page.text(f"#{held}")


@pytest.mark.full
def test_a_report_is_small(written):
    for op in (OPS["grids"](), sc.conv_bias_act3d("gelu", stride=2, padding=1)):
        source = pipeline.source(op, options()).text
        assert written(op, source=source).stat().st_size < 3_000_000
