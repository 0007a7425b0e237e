"""A browser for the tests of this folder, and pages to open in it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chromium import Browser, found

import symconv as sc
from symconv.notation.operator import Operator
from symconv.views import mathsvg
from symconv.views.report import report_html

Write = Callable[..., Path]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = found()
    if path is None:
        pytest.skip("no browser: Chromium is not installed (SYMCONV_BROWSER may say where one is)")
    with Browser(path) as started:
        yield started
        assert not [url for url in started.requests if not url.startswith("file:")]
        assert not started.errors


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Write:
    """``written(op, wrt, source=None, drawn=True)``: a report, its formulas drawn or (quickly) as text."""
    pages: dict[object, Path] = {}

    def write(op: Operator, wrt: tuple[str, ...] = (), source: str | None = None, drawn: bool = True) -> Path:
        key = (op, wrt, source, drawn)
        if key not in pages:
            derived = tuple(sc.derive(op, name).derivation for name in wrt or op.tensors)
            with pytest.MonkeyPatch.context() as patch:
                if not drawn:
                    patch.setattr(mathsvg, "drawn", lambda latex: None)
                    patch.setattr(mathsvg, "_KNOWN", {})
                html = report_html(op.name, op, derived, source)
            pages[key] = tmp_path_factory.mktemp("page") / "report.html"
            pages[key].write_text(html, encoding="utf-8")
        return pages[key]

    return write
