"""The page about notebooks as a notebook: executed, exported, opened in a browser, light and dark, without a network."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)

# What a reader would complain of: words that do not stand out, formulas that are cut, LaTeX that nobody drew.
MEASURED = """
<script>
window.onload = () => {
  const light = (text) => {
    const [r, g, b] = text.match(/[0-9.]+/g).map(Number).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const found = getComputedStyle(node).backgroundColor;
      if (!/rgba\\(.*, 0\\)|transparent/.test(found)) return light(found);
    }
    return 1;
  };
  const contrast = (node) => {
    const [a, b] = [light(getComputedStyle(node).color), ground(node)].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  };
  const shown = [...document.querySelectorAll(".symconv")];
  const cut = [...document.querySelectorAll(".symconv svg")].filter((one) => {
    const box = one.getBoundingClientRect(), room = one.closest(".scroll, .wide") || one.closest(".symconv");
    return box.width && !one.matches(".glyphs") && box.right > room.getBoundingClientRect().right + 1
      && getComputedStyle(room).overflowX !== "auto";
  });
  const tall = Math.max(...[...document.querySelectorAll("svg.math")].map((one) => one.getBoundingClientRect().height));
  const text = shown.map((one) => one.innerText).join("\\n");
  document.body.innerHTML = "<pre id=told>" + JSON.stringify({
    objects: shown.length, formulas: document.querySelectorAll("svg.math").length, cut: cut.length, tall: tall,
    contrast: Math.min(...shown.flatMap((one) => [one, ...one.querySelectorAll("p, td, th, summary, .math")]).map(contrast)),
    raw: /\\\\(sum|frac|bar|begin)/.test(text.replace(/LaTeX[^]*?copy/g, "")),
    wide: document.documentElement.scrollWidth > innerWidth + 1,
  }) + "</pre>";
};
</script>
"""


@pytest.fixture(scope="module")
def executed():
    """The page's cells as a notebook that has run."""
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    cells = CELL.findall((ROOT / "docs" / "jupyter.md").read_text(encoding="utf-8"))
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source.rstrip()) for source in cells])
    nbclient.NotebookClient(book, timeout=300, kernel_name="python3").execute()
    return book


def bundles(book):
    for cell in book.cells:
        for output in cell.outputs:
            if output.output_type == "execute_result":
                yield cell.source.splitlines()[-1], output.data


@pytest.mark.full
def test_each_output_can_be_shown_by_every_frontend(executed) -> None:
    """JupyterLab and VS Code take HTML (or SVG) first and run no script of it; a terminal takes plain text."""
    found = dict(bundles(executed))
    assert len(found) >= 10
    for source, data in found.items():
        assert data["text/plain"].strip()
        rich = data.get("text/html") or data.get("image/svg+xml")
        if source.startswith("["):
            assert rich is None and max(map(len, data["text/plain"].splitlines())) < 200
            continue
        assert rich is not None, source
        assert "<script" not in rich and not re.search(r"""(src|href)=["'](?!#)""", rich), source
        assert not re.search(r"url\(\s*['\"]?(?!#)", rich), source
    json.dumps([data for _, data in bundles(executed)])


def exported(book, theme: str) -> str:
    """A page of nbconvert, which has JupyterLab's styles; or outputs as VS Code places them."""
    if theme in {"light", "dark"}:
        exporter = pytest.importorskip("nbconvert").HTMLExporter
        return exporter(theme=theme, mathjax_url="", require_js_url="", jquery_url="").from_notebook_node(book)[0]
    parts = [f"<div class='output_container'><div>{data['text/html']}</div></div>"
             for _, data in bundles(book) if "text/html" in data]  # fmt: skip
    style = "body { background: #1f1f1f; color: #cccccc; font: 13px system-ui } table { border-collapse: collapse }"
    return f"<html><head><style>{style}</style></head><body class='vscode-dark'>{''.join(parts)}</body></html>"


@pytest.mark.full
@pytest.mark.parametrize("theme", ["light", "dark", "vscode"])
def test_an_exported_page_is_readable_in_a_browser(executed, theme, tmp_path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome") or pytest.skip("there is no browser")
    page = exported(executed, theme).replace("</head>", MEASURED + "</head>", 1)
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1100,900", "--dump-dom"]
    alone = [f"--user-data-dir={tmp_path / 'profile'}", "--host-resolver-rules=MAP * ~NOTFOUND"]
    done = subprocess.run(
        [browser, *options, *alone, str(tmp_path / "page.html")],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    told = json.loads(re.findall(r'<pre id="told">(.*?)</pre>', done.stdout, re.DOTALL)[0])
    assert told["objects"] >= 9 and told["formulas"] > 30
    assert told["cut"] == 0 and not told["wide"] and not told["raw"], told
    assert told["tall"] < 900 and told["contrast"] > 3, told
