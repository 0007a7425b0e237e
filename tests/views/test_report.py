"""The page: offline, escaped, complete; its formulas drawn, its pictures well formed."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from grid import OPERATORS, derivations

import symconv as sc
from symconv.errors import InternalError, SpecError
from symconv.verify.verdict import Check, Verdict
from symconv.views import mathsvg
from symconv.views.diagram import phase_plan, window_pattern
from symconv.views.highlight import highlighted
from symconv.views.latex import gather_latex
from symconv.views.mathsvg import formula_svg
from symconv.views.nests import kernel_data
from symconv.views.report import report_html, write_report
from symconv.views.sections import Page

EVIL = "<script>alert('1')</script>\"'>&{{ 7*7 }}"
VERDICT = Verdict(True, "conv1d()", "float64", (Check("gx", "finite sums", 1234, 0, True, "detail here"),))


class Reader(HTMLParser):
    """Collects what a browser would load, run or jump to, and checks that tags close."""

    VOID = frozenset({"meta", "br", "link", "img", "input", "hr"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""
        self.scripts: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.ids += [value for name, value in attrs if name == "id"]
        self.links += [value for name, value in attrs if name in {"href", "src", "xlink:href"}]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        else:
            self.text += data


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert not reader.open
    return reader


@pytest.fixture(scope="module")
def page() -> str:
    op = OPERATORS["conv2_s2p1"]
    found = derivations("conv2_s2p1")[1:3]
    return report_html(
        op.name, op, found, source="cdef int f():  # <i>\n    pass\n", verdict=VERDICT, facts={"dtype": "x"}
    )


def test_the_page_needs_no_network_and_runs_one_script_of_its_own(page):
    reader = read(page)
    assert not reader.tags & {"link", "iframe", "img", "object", "embed"}
    told, script = reader.scripts
    assert json.loads(told)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'" in page
    assert page.count("<script") == 2
    assert not re.search(r"\b(eval|fetch|import|XMLHttpRequest|WebSocket)\b", script)
    assert not any(name.startswith("on") for name in reader.attributes)
    assert all(link.startswith("#") for link in reader.links)
    named = page.replace('xmlns="http://www.w3.org/2000/svg"', "").replace("http://www.w3.org/1998/Math/MathML", "")
    assert not re.findall(r"https?://", named)
    assert "@import" not in page
    assert "url(" not in page


def test_every_link_leads_somewhere_and_every_id_is_one(page):
    reader = read(page)
    assert {link[1:] for link in reader.links} <= set(reader.ids)
    assert len(reader.ids) == len(set(reader.ids))


def test_the_page_holds_everything(page):
    text = read(page).text
    for derived in derivations("conv2_s2p1")[1:3]:
        assert gather_latex(derived.gather) in text
        assert all(step.check in text for step in derived.trace)
    for words in (
        "Phases",
        "General form",
        "Verification",
        "finite sums",
        "1,234",
        "exact",
        "detail here",
        "# <i>",
        "dtype",
    ):
        assert words in text
    assert "prefers-color-scheme: dark" in page
    assert 'name="viewport"' in page


def test_every_glyph_of_a_formula_is_there(page):
    glyphs = re.findall(r'<symbol id="([^"]+)"', page)
    assert len(glyphs) == len(set(glyphs))
    assert set(re.findall(r'<use href="#([^"]+)"', page)) <= set(glyphs)
    # A space has an empty symbol: what follows it is not lost.
    drawn = formula_svg(r"\text{a }0 x")
    assert len(drawn.glyphs) == 4


def test_what_a_user_wrote_is_shown_and_never_run():
    op = sc.operator("y[n,i] = sum[p](x[n,i+p]*w[p])").renamed(EVIL)
    check = Check(EVIL, EVIL, 1, 2.5, True, EVIL)
    derived = (sc.derive(op, "x").derivation,)
    html = report_html(EVIL, op, derived, source=EVIL, verdict=Verdict(False, EVIL, EVIL, (check,)), facts={EVIL: EVIL})
    reader = read(html)
    assert html.count("<script") == 2
    assert all("alert" not in script for script in reader.scripts)
    assert reader.text.count(EVIL) >= 8
    assert "49" not in reader.text


def test_parts_can_be_left_out():
    reader = read(report_html("only a verdict", None, verdict=VERDICT))
    assert "Operator" not in reader.text
    assert "Generated source" not in reader.text
    assert "verified" in reader.text


@pytest.mark.parametrize(
    "name", ["max_pool", "merged", "conv_gelu", "rational", "conv_transpose2", "conv1_s4d2_flip_groups"]
)
def test_other_operators(name):
    reader = read(report_html(name, OPERATORS[name], derivations(name)[:2]))
    assert "math" not in reader.tags
    assert len(reader.ids) == len(set(reader.ids))


def test_a_formula_the_renderer_refuses_is_shown_as_text(monkeypatch):
    monkeypatch.setattr(mathsvg, "drawn", lambda latex: None)
    monkeypatch.setattr(mathsvg, "_KNOWN", {})
    reader = read(report_html("t", OPERATORS["conv1"], derivations("conv1")[1:2]))
    assert r"\sum_{f=0}^{F - 1}" in reader.text
    assert reader.tags & {"code"}


@pytest.mark.parametrize("latex", [r"\frac{a}{", r"\left(", r"{", r"\begin{cases} 1", "x_{", "a & b"])
def test_broken_formulas_do_not_break_a_page(latex):
    found = formula_svg(latex)
    assert found is None or found.svg.startswith("<svg")


def test_a_deep_formula_takes_no_time():
    inner = "x[i]"
    for _ in range(18):
        inner = f"tanh(1/({inner} + 1))"
    op = sc.operator(f"y[i] = {inner}")
    assert r"\frac" in read(report_html("deep", op)).text


@pytest.mark.parametrize("name", OPERATORS)
def test_pictures_are_well_formed(name):
    op = OPERATORS[name]
    pictures = [window_pattern(window, op) for window in op.windows]
    pictures += [phase_plan(derived.gather, op) for derived in derivations(name)]
    for picture in filter(None, pictures):
        root = ET.fromstring(picture)
        assert root.tag.endswith("svg")
        assert float(root.get("width")) < 1600


def test_the_phase_plan_gives_every_tap_the_colour_of_its_cells():
    op = OPERATORS["conv2_s2p1"]
    root = ET.fromstring(phase_plan(derivations("conv2_s2p1")[1].gather, op))
    cells = [e for e in root.iter() if e.tag.endswith("rect")]
    colours = {}
    for cell in cells:
        kind, *place = re.findall(r"\w+", cell[0].text)
        colours.setdefault(kind, {})[tuple(map(int, place))] = cell.get("class")
    # Cell u is fed by the taps p with p ≡ u + 1 (mod 2).
    for (u, v), colour in colours["cell"].items():
        assert {c for (p, q), c in colours["tap"].items() if (p - u - 1) % 2 == 0 and (q - v - 1) % 2 == 0} == {colour}
    assert len(set(colours["cell"].values())) == 4


def test_source_is_marked_and_kept():
    source = "cdef double f(int n) nogil:  # a < b\n    return '''<x>''' + 1.5e3 * n\n"
    html = highlighted(source)
    assert '<span class="k">cdef</span>' in html
    assert '<span class="c"># a &lt; b</span>' in html
    assert '<span class="n">1.5e3</span>' in html
    assert read(f"<pre>{html}</pre>").text == source


def test_a_page_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "page.html"
    assert write_report(path, "old") == path
    assert write_report(str(path), "new é").read_text(encoding="utf-8") == "new é"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(SpecError, match="no/page"):
        write_report(tmp_path / "no" / "page.html", "x")


def test_missing_templates_are_said(monkeypatch, tmp_path):
    from symconv import templates

    monkeypatch.setattr(templates, "__file__", str(tmp_path / "symconv" / "templates.py"))
    with pytest.raises(InternalError, match="install symconv again"):
        templates.template_folder()


def test_the_loops_of_a_kernel_stand_beside_their_formula() -> None:
    body = "    # {0}: contributions of p\n    cdef Py_ssize_t i\n    for i in range(0, 3):\n        {0}[i] = 1\n\n\n"
    heads = (
        f"cdef sc_nest u0_{name}_{k}(\n    sc_out {name},\n) noexcept nogil:\n" for k, name in enumerate(("y", "gx"))
    )
    source = (
        "import x\n\n\n"
        + "".join(head + body.format(name) for head, name in zip(heads, ("y", "gx"), strict=True))
        + "def f(): pass\n"
    )
    op = sc.conv1d(stride=2)
    found = sc.derive(op, "x").derivation
    data = kernel_data(source, op, (found,), Page())
    assert [(group["target"], [nest["line"] for nest in group["nests"]]) for group in data["groups"]] == [
        ("y", [9]),
        ("gx", [18]),
    ]
    for group in data["groups"]:
        assert group["formula"]["lines"][0]["left"]["svg"].startswith("<svg")
        for nest in group["nests"]:
            first = re.sub(r"<[^>]+>", "", nest["html"]).splitlines()[0]
            assert source.splitlines()[nest["line"] - 1].strip() == first == "for i in range(0, 3):"
    page = report_html("k", op, (found,), source)
    assert page.index("computed") < page.index("The whole module")


def test_a_formula_has_its_texts_and_a_name_for_each() -> None:
    page = report_html("k", sc.conv1d(), (sc.derive(sc.conv1d(), "w").derivation,))
    named = re.findall(r'<pre class="wrap" id="(copy-\d+)">', page)
    assert len(named) == len(set(named)) > 25
    assert sorted(re.findall(r'data-copy-from="(copy-\d+)"', page)) == sorted(named)
    for form in ("LaTeX", "MathML", "SymPy", "NumPy"):
        assert f'<p class="format">{form} ' in page
    assert "def conv1d_grad_w(gy, x, w)" in page


RECORD = {
    "format": "symconv bench", "version": 1, "dtype": "float32", "threads": 1, "target": "native",
    "machine": {"cpu": "a <CPU>", "cores": 2, "torch": None},
    "protocol": {"statistic": "median", "sizes": "run-time", "outputs": "new", "environment": {}},
    "ceilings": {"gflops": 100.0, "reads": [{"level": "L1", "gbs": 200.0}]},
    "layers": [
        {"operator": name, "shapes": {"x": [2, 3, 8]}, "directions": {"backward": {
            "ms": 1.25, "gflops": 40.0, "best": None, "torch": {}, "ratio": None, "bound": "flops", "percent": 40.0}}}
        for name in ("conv1d(stride=2)", "conv1d()")
    ],
}  # fmt: skip


def test_figures_are_shown_where_they_were_measured(tmp_path) -> None:
    path = tmp_path / "record.json"
    path.write_text(json.dumps(RECORD))
    op = sc.conv1d(stride=2)
    page = sc.show(sc.derive(op, "w"), tmp_path / "page.html", measured=path).read_text()
    assert "conv1d(stride=2): x 2×3×8" in page
    assert "conv1d(): x" not in page
    assert "a &lt;CPU&gt;, 2 cores" in page
    assert "40 % of flops" in page
    assert 'id="performance"' not in report_html("k", None)


@pytest.mark.parametrize(
    "record", [{**RECORD, "version": 2}, {**RECORD, "layers": 3}, {"format": "symconv bench"}, 5, "no such file.json",
               {**RECORD, "machine": {}}, {**RECORD, "layers": [{"operator": "conv1d()"}]}]
)  # fmt: skip
def test_another_record_is_refused_in_words(record, tmp_path) -> None:
    with pytest.raises(SpecError, match="measured="):
        sc.show(VERDICT, tmp_path / "page.html", measured=record)
    assert not (tmp_path / "page.html").exists()
