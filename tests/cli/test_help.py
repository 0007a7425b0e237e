"""Help that can be trusted: every command has an example, and every example parses."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from inspect import signature

import click
import pytest

from symconv.cli import cli
from symconv.ops.registry import catalogue, operator

HEAVY = ("numpy", "sympy", "islpy", "rich", "torch", "Cython", "jinja2")


def examples(name: str) -> list[list[str]]:
    shown = cli.commands[name].get_help(click.Context(cli.commands[name], max_content_width=200))
    return [shlex.split(line)[1:] for line in re.findall(r"^\s+(symconv .*)$", shown, re.MULTILINE)]


@pytest.mark.parametrize("name", cli.commands)
def test_every_command_shows_an_example_that_parses(name, call):
    assert call(name, "--help").exit_code == 0
    found = examples(name)
    assert found, f"{name} shows no example"
    for example in found:
        assert example[0] == name
        with cli.commands[name].make_context(name, example[1:]) as context:
            assert context.args == []


@pytest.mark.parametrize("name", cli.commands)
def test_every_option_says_what_it_is(name):
    for parameter in cli.commands[name].params:
        if isinstance(parameter, click.Option) and parameter.name not in {"dtype", "form", "threads"}:
            assert parameter.help, f"{name} {parameter.opts}"


def test_every_parameter_of_an_operator_is_an_option():
    options = {parameter.name for parameter in cli.commands["run"].params}
    for name, entry in catalogue().items():
        assert set(signature(entry.make).parameters) <= options, name
    assert set(signature(operator).parameters) - {"source"} <= options


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"], ["list"], ["run", "--nonsense"]])
def test_starting_imports_nothing_heavy(arguments):
    script = (
        "import sys\nfrom symconv.cli import cli\n"
        f"try: cli.main({arguments!r}, prog_name='symconv')\nexcept SystemExit: pass\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"


def test_the_version_is_the_packages(call):
    import symconv

    assert call("--version").output == f"symconv {symconv.__version__}\n"
