"""The files a new scalar function touches: those the guide lists, found by what mentions the functions there are."""

from __future__ import annotations

import re
from pathlib import Path

import symconv
from symconv.notation.functions import TABLE
from symconv.templates import template_folder

PACKAGE = Path(symconv.__file__).parent
PLAIN = {"exp", "log", "sin", "cos", "floor", "ceil", "sign", "abs", "clip"}
"""Words that also mean something else in a text."""


def test_the_guide_lists_the_files_that_name_a_function() -> None:
    guide = (PACKAGE.parent / "docs" / "extending.md").read_text()
    section = guide.partition("## A new scalar function")[2].partition("\n## ")[0]
    listed = set(re.findall(r"^\d+\. `([^`]+)`", section, re.MULTILINE))
    wanted = set(re.findall(r"^\d+\. `([^`]+)`(?!.*\(optional\))", section, re.MULTILINE))
    assert len(listed - wanted) == 11
    texts = {f"symconv/{path.relative_to(PACKAGE)}": path.read_text() for path in PACKAGE.rglob("*.py")}
    templates = template_folder()
    texts |= {f"templates/{path.relative_to(templates)}": path.read_text() for path in templates.rglob("*.j2")}
    named = 0
    for name, entry in TABLE.items():
        if entry.written and entry.is_activation and name not in {*PLAIN, "relu", "tanh", "sigmoid", "erf"}:
            found = {path for path, text in texts.items() if re.search(rf"\b{name}\b", text)}
            assert wanted <= found <= listed, name
            named += 1
    assert named >= 5
    assert len(wanted) == 7
