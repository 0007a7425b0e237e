"""The documentation as a site: built with execution, warnings fatal, and nothing in it asks for the network."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOADS = {
    "script": "src",
    "link": "href",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "use": "href",
    "object": "data",
}
REMOTE = re.compile(r"^\s*(https?:)?//", re.IGNORECASE)


class _Loads(HTMLParser):
    """Collects what a browser would fetch from elsewhere to show the page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        value = named.get(LOADS.get(tag, ""), "") or ""
        if REMOTE.match(value) and named.get("rel") != "canonical":
            self.found.append(f"<{tag}> {value}")
        self.found += remote_in_css(named.get("style") or "")


def remote_in_css(text: str) -> list[str]:
    """Addresses that a style sheet would load."""
    return re.findall(r"""(?:url\(\s*|@import\s+)['"]?(?:https?:)?//[^'")\s]+""", text)


def remote_loads(site: Path) -> list[str]:
    found = []
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        reader = _Loads()
        reader.feed(text)
        found += [f"{page.name}: {what}" for what in reader.found]
        for style in re.findall(r"<style[^>]*>(.*?)</style>", text, re.DOTALL):
            found += [f"{page.name}: {what}" for what in remote_in_css(style)]
    for sheet in site.rglob("*.css"):
        found += [f"{sheet.name}: {what}" for what in remote_in_css(sheet.read_text(encoding="utf-8"))]
    return found


def test_what_loads_from_elsewhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<a href="https://x.org">fine</a><script src="https://cdn.x.org/m.js"></script>')
    (tmp_path / "b.css").write_text("@import '//fonts.x.org/f.css'; p { background: url(data:image/png;base64,AA) }")
    assert len(remote_loads(tmp_path)) == 2


@pytest.mark.full
def test_the_site_builds_and_is_offline(tmp_path: Path) -> None:
    pytest.importorskip("myst_nb", reason="the docs extra is not installed")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-d", str(tmp_path / "trees")]
    done = subprocess.run(
        [*command, str(ROOT / "docs"), str(tmp_path / "site")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert remote_loads(tmp_path / "site") == []
    formulas = (tmp_path / "site" / "derivations.html").read_text(encoding="utf-8")
    assert formulas.count('<svg role="img"') > 20
    assert "<symbol" in formulas
