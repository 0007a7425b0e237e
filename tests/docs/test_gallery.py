"""The gallery: written from the registry, so that no operator is forgotten and none is left over."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import symconv as sc

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_gallery_is_what_the_registry_says() -> None:
    spec = importlib.util.spec_from_file_location("gallery", DOCS / "_ext" / "gallery.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shown = (DOCS / "gallery.md").read_text(encoding="utf-8")
    assert shown == module.page(), "run python docs/_ext/gallery.py"
    families = {name[:-2] for name in sc.ops()}
    assert set(re.findall(r"sc\.(\w+)1d\(", shown)) == families
    assert set(re.findall(r"sc\.(\w+)2d\(", shown)) == families
    figures = json.loads((DOCS / "measured" / "gallery" / "figures.json").read_text(encoding="utf-8"))
    assert figures["layers"].keys() == families, "run python docs/_ext/figures.py"
    assert figures["machine"]["cpu"]


def test_every_page_is_in_the_index_once() -> None:
    listed = re.findall(r"^[a-z0-9]+$", (DOCS / "index.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(page.stem for page in DOCS.glob("*.md") if page.stem != "index")
