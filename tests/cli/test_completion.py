"""Completion, as bash asks for it: the script that is printed, run by bash."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from inspect import signature

import pytest

from symconv.commands.operators import flag
from symconv.ops.registry import catalogue

BASH = shutil.which("bash")


@pytest.fixture(scope="module")
def offered(tmp_path_factory):
    """What bash offers after a line, its last word being completed."""
    if BASH is None:
        pytest.skip("no bash here")
    folder = tmp_path_factory.mktemp("bin")
    program = folder / "symconv"
    program.write_text(f"#!{sys.executable}\nfrom symconv.cli import main\nmain()\n")
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(sys.path)}

    def ask(*lines: tuple[str, ...]) -> list[list[str]]:
        script = ['eval "$(symconv completion bash)"']
        for words in lines:
            script += [
                f"COMP_WORDS=({' '.join(map(shlex.quote, words))}); COMP_CWORD={len(words) - 1}",
                "_symconv_completion symconv",
                "printf '%s\\n' \"${COMPREPLY[@]}\"; echo ---",
            ]
        done = subprocess.run(
            [BASH, "-c", "\n".join(script)], env=environment, capture_output=True, text=True, timeout=60, check=True
        )
        return [[line for line in part.splitlines() if line] for part in done.stdout.split("---\n")[:-1]]

    return ask


def test_bash_completes_commands_operators_options_tensors_and_values(offered):
    found = offered(
        ("symconv", "ver"),
        ("symconv", "run", "max_po"),
        ("symconv", "run", "max_pool2d", "--"),
        ("symconv", "verify", "conv2d", "--bias", "--wrt", ""),
        ("symconv", "derive", "'y[n,i] = sum[p](x[n,i+p]*v[p])'", "--wrt", ""),
        ("symconv", "tune", "conv1d", "--shape", "x=1,2,3", "--shape", ""),
    )
    assert found[0] == ["verify"]
    assert found[1] == ["max_pool1d", "max_pool2d", "max_pool3d"]
    own = {flag(name) for name in signature(catalogue()["max_pool2d"].make).parameters}
    assert own <= set(found[2])
    assert {"--wrt", "--dtype", "--output"} <= set(found[2])
    assert not {"--groups", "--bias", "--flip", "--extents"} & set(found[2])
    assert found[3] == ["x", "w", "b"]
    assert found[4] == ["x", "v"]
    assert found[5] == ["w="]


@pytest.mark.parametrize(
    ("shell", "words"), [("zsh", "#compdef symconv"), ("fish", "complete --no-files --command symconv")]
)
def test_other_shells_have_a_script(shell, words, call):
    result = call("completion", shell)
    assert result.exit_code == 0
    assert words in result.stdout
    assert "_SYMCONV_COMPLETE" in result.stdout
    assert call("completion", "csh").exit_code == 2


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_scripts_of_other_shells_parse(shell, call, tmp_path):
    if (found := shutil.which(shell)) is None:
        pytest.skip(f"no {shell} here")
    (tmp_path / "script").write_text(call("completion", shell).stdout)
    subprocess.run([found, "-n", str(tmp_path / "script")], check=True, timeout=20)


@pytest.mark.parametrize(
    ("words", "incomplete", "wanted"),
    [(["run", "conv1d", "--wrt", ""], "", ["x", "w"])],
)
def test_fish_and_zsh_ask_alike(words, incomplete, wanted, program):
    line = shlex.join(["symconv", *words[:-1]])
    fish = program(_SYMCONV_COMPLETE="fish_complete", COMP_WORDS=line, COMP_CWORD=incomplete)
    assert [item.split(",")[1].split("\t")[0] for item in fish.stdout.splitlines()] == wanted
    zsh = program(_SYMCONV_COMPLETE="zsh_complete", COMP_WORDS=f"{line} {incomplete}", COMP_CWORD=str(len(words)))
    assert zsh.stdout.splitlines()[1::3] == wanted


@pytest.mark.parametrize("line", ["help con", "run conv1d --border ''", "run 'y[i' --wrt ''"])
def test_completing_imports_nothing_heavy_and_never_fails(line):
    words = shlex.split(line)
    script = (
        "import sys\nfrom symconv.cli import main\n"
        "try: main()\nexcept SystemExit as end: assert not end.code, end.code\n"
        "print([m for m in ('numpy', 'sympy', 'islpy', 'rich', 'torch') if m in sys.modules])"
    )
    variables = {"_SYMCONV_COMPLETE": "zsh_complete", "COMP_WORDS": f"symconv {line}", "COMP_CWORD": str(len(words))}
    ran = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    assert ran.stdout.splitlines()[-1] == "[]"
