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
from symconv.commands.request import requested
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


def own_options(page: str) -> set[str]:
    """The options that a page lists under the operator's title."""
    section = re.search(r"^Options of [^\n]*:\n(.*?)\n\n", page, re.MULTILINE | re.DOTALL)
    return set(re.findall(r"^  (--[a-z-]+)", section[1], re.MULTILINE)) if section else set()


@pytest.mark.parametrize("op", [name for name in catalogue() if name.endswith("2d")])
def test_the_page_of_an_operator_shows_what_it_takes_and_an_example_that_runs(op, call):
    page = call("help", op).stdout
    taken = signature(catalogue()[op].make).parameters
    assert own_options(page) == {f"--{name.replace('_', '-')}" for name in taken}
    command = re.search(r"^ +(symconv run .*)$", page, re.MULTILINE)[1]
    with cli.commands["run"].make_context("run", shlex.split(command)[2:]) as context:
        settings = {name: value for name, value in context.params.items() if name in taken}
    made = requested(op, settings)
    assert made.source in page
    for tensor in (*made.tensors, made.output.name):
        assert re.search(rf"^    {tensor} \(", page, re.MULTILINE)
    assert call("run", op, "--help").stdout == page


def test_formulas_and_spec_files_have_pages_of_their_own(call):
    formula = call("derive", "y[n,i] = sum[p](x[n,2*i+p]*w[p])", "--help").stdout
    assert own_options(formula) == {
        "--called" if name == "name" else f"--{name}" for name in signature(operator).parameters if name != "source"
    }
    assert "  w (K)" in formula
    assert "none: the file says everything" in call("derive", "mine.toml", "--help").stdout


def test_functions_of_files_have_pages_of_their_own(call, tmp_path):
    file = tmp_path / "my layer.py"
    file.write_text("def forward(x, w):\n    return x @ w\n\nraise SystemExit\n")
    op = f"{file}:forward"
    page = call("help", "prove", op).stdout
    assert own_options(page) == {"--params"}
    assert re.search(r"^    w \(C, \w\)$", page, re.MULTILINE)
    assert call("prove", op, "--help").stdout == page
    words = example_on(page)
    assert words[:2] == ["prove", op]
    assert call(*words).exit_code == 0
    assert own_options(call("run", f"{tmp_path}/none.py:f", "--help").stdout) == {"--params"}


def example_on(page: str) -> list[str]:
    """The words of a page's example, whose lines go on behind a backslash."""
    lines = re.search(r"^ +symconv (?!help)(?:[^\\\n]|\\\n)*", page.partition("Example:")[2], re.MULTILINE)
    return shlex.split(lines[0].replace("\\\n", ""))[1:]


@pytest.mark.parametrize("name", ["derive", "prove", "bench", "tune", "export"])
def test_a_command_shows_its_own_example_for_an_operator(name, call):
    page = call("help", name, "conv2d").stdout
    words = example_on(page)
    assert words[:2] == [name, "conv2d"]
    with cli.commands[name].make_context(name, words[1:]) as context:
        assert context.args == []


def test_the_claim_of_an_example_is_proved(call):
    page = call("help", "prove", "adder1d").stdout
    assert call(*example_on(page)).exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("help", "conv7d"), "no help on 'conv7d'; did you mean conv"),
        (("help", "run", "verify"), "help is on a command, an operator, or both"),
        (("verfy", "conv1d"), "No such command 'verfy'; did you mean 'verify'?"),
        (("con2d",), "No such command 'con2d'; did you mean `symconv run conv2d`?"),
        (("layer.py:f",), "'layer.py:f' is an operator: say what to do with it, as in `symconv run layer.py:f`"),
        (("conv2d",), "'conv2d' is an operator: say what to do with it, as in `symconv run conv2d`"),
        (("run", "con2d"), "did you mean conv2d?"),
        (("run", "conv2d", "--strid", "2"), "No such option: --strid; did you mean --stride?"),
        (("run", "max_pool2d", "--group", "2"), "max_pool2d does not take --groups; it takes --kernel"),
        (("derive", "conv2d", "--wrt", "weight"), "did you mean w? --wrt is one of x, w"),
        (("derive", "conv2d", "--wrt", "dx"), "did you mean x?"),
        (
            ("bench", "conv1d", "--shape", "X=1,2,9", "--shape", "w=1,2,3"),
            "--shape is wanted for x (X: did you mean x?)",
        ),
    ],
)
def test_what_was_probably_meant_is_said(words, said, call):
    result = call(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


@pytest.mark.full
@pytest.mark.parametrize("op", catalogue())
def test_every_example_of_an_operator_derives_and_can_be_timed(op, call):
    assert call(*example_on(call("help", "derive", op).stdout)).exit_code == 0
    words = example_on(call("help", "bench", op).stdout)
    with cli.commands["bench"].make_context("bench", words[1:]) as context:
        shapes = dict(context.params["shapes"])
        own = {
            name: value for name, value in context.params.items() if name in signature(catalogue()[op].make).parameters
        }
    made = requested(op, own)
    assert not shapes or made.output_shape(**shapes)
