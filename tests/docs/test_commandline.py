"""The references of the command line and of environment variables are what the code says."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import symconv
from symconv.cli import cli
from symconv.commands.fields import FIELDS

DOCS = Path(__file__).resolve().parents[2] / "docs"
NAME = re.compile(r"_?[A-Z][A-Z0-9_]+")


@cache
def read_by_the_code() -> tuple[set[str], set[str]]:
    """The variables of symconv's own that are named in the code, and all that are looked up in the environment."""
    own, looked_up = set(), set()
    for path in Path(symconv.__file__).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "environ" not in text and "SYMCONV_" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.Constant(str(word)) if re.fullmatch(r"_?SYMCONV_[A-Z_]+", word):
                    own.add(word)
                case ast.Call(ast.Attribute(where, "get"), [ast.Constant(str(name)), *_]) | ast.Subscript(
                    where, ast.Constant(str(name))
                ):
                    looked_up |= {name} if ast.unparse(where) == "os.environ" else set()
    return own, looked_up


def test_every_variable_is_in_the_table():
    text = (DOCS / "environment.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    documented = {name for row in rows for name in NAME.findall(row)}
    own, looked_up = read_by_the_code()
    assert {name for name in documented if "SYMCONV" in name} == own
    assert looked_up <= documented


def test_other_pages_name_no_other_variable():
    own, _ = read_by_the_code()
    for page in (*DOCS.glob("*.md"), DOCS.parent / "README.md"):
        said = set(re.findall(r"\bSYMCONV_[A-Z]+(?:_[A-Z]+)*\b", page.read_text(encoding="utf-8")))
        assert said <= own, page.name


def test_the_page_says_what_every_command_is_and_answers():
    text = (DOCS / "commandline.md").read_text(encoding="utf-8")
    answering = {
        name
        for name, page in cli.commands.items()
        if any(
            one.name == "form" and "json" in one.type.choices and "latex" not in one.type.choices for one in page.params
        )
    }
    sentence = text.partition("## Answers for programs")[2].partition("take `--format json`")[0]
    assert set(re.findall(r"`(\w+)`", sentence)) == answering
    assert answering == {title.split()[0] for title in FIELDS} & set(cli.commands)
