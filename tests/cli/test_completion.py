"""Completion, as bash asks for it: the script that is printed, run by bash."""

from __future__ import annotations

import os
import pty
import select
import shlex
import shutil
import subprocess
import sys
import time
from inspect import signature

import pytest

from symconv.commands.operators import flag
from symconv.ops.registry import catalogue

BASH = shutil.which("bash")


SCRIPT = """
eval "$(symconv completion bash)"
asked() { _symconv_completion "$@"; printf '%s\\n' "${COMPREPLY[@]}" >reply; }
complete -o nosort -F asked symconv
became() { printf '%s\\n' "$READLINE_LINE" >line.new; READLINE_LINE=; mv line.new line; }
bind 'set bell-style none'
bind -x '"\\C-g": became'
echo ready
"""


class Typist:
    """Somebody at a bash of their own, which splits lines into words as bash does."""

    def __init__(self, folder):
        self.folder = folder
        program = folder / "symconv"
        program.write_text(f"#!{sys.executable}\nfrom symconv.cli import main\nmain()\n")
        program.chmod(0o755)
        (folder / "script").write_text(SCRIPT)
        variables = {"PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "dumb"}
        self.terminal, theirs = pty.openpty()
        self.bash = subprocess.Popen(
            [BASH, "--rcfile", str(folder / "script"), "--noprofile", "-i"],
            env={**os.environ, **variables, "INPUTRC": os.devnull},
            stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self.until(lambda said: b"ready" in said)

    def until(self, done):
        """Read what bash shows until something is so."""
        said, end = b"", time.monotonic() + 30
        while not done(said):
            assert time.monotonic() < end, said
            if select.select([self.terminal], [], [], 0.02)[0]:
                said += os.read(self.terminal, 4096)

    def tab(self, line):
        """What bash offers at the end of a line after a Tab, and what the line becomes."""
        reply, became = self.folder / "reply", self.folder / "line"
        for path in (reply, became):
            path.unlink(missing_ok=True)
        os.write(self.terminal, f"{line}\t\x07".encode())
        self.until(lambda _: became.exists())
        return [word for word in reply.read_text().splitlines() if word], became.read_text().removesuffix("\n")

    def leave(self):
        """The bash ends with its terminal."""
        self.bash.kill()
        self.bash.wait()
        os.close(self.terminal)


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    """A line to what bash offers at its end, and to what it becomes."""
    if BASH is None:
        pytest.skip("no bash here")
    typist = Typist(tmp_path_factory.mktemp("typist"))
    yield typist.tab
    typist.leave()


def test_bash_completes_options_that_the_operator_takes(tab):
    own = {flag(name) for name in signature(catalogue()["max_pool2d"].make).parameters}
    offered, _ = tab("symconv run max_pool2d --")
    assert own <= set(offered)
    assert {"--wrt", "--dtype", "--output"} <= set(offered)
    assert not {"--groups", "--bias", "--flip", "--extents"} & set(offered)


@pytest.mark.parametrize(
    ("line", "offered", "becomes"),
    [
        ("symconv ver", ["verify"], "symconv verify "),
        ("symconv run max_po", ["max_pool1d", "max_pool2d", "max_pool3d"], "symconv run max_pool"),
        ("symconv verify conv2d --bias --wrt ", ["x", "w", "b"], None),
        ("symconv derive 'y[n,i] = sum[p](x[n,i+p]*v[p])' --wrt ", ["x", "v"], None),
        ("symconv run conv1d --border=ref", ["reflect"], "symconv run conv1d --border=reflect "),
        ("symconv run conv1d --border=", ["zero", "skip", "reflect", "symmetric", "replicate", "circular"], None),
        ("symconv run conv1d --border re", ["reflect", "replicate"], "symconv run conv1d --border re"),
        ("symconv run conv2d --padding 1:0,2:1 --border=circ", ["circular"], None),
        ("symconv tune conv1d --shape x=1,2,3 --shape ", ["w="], "symconv tune conv1d --shape x=1,2,3 --shape w="),
        ("symconv tune conv1d --shape=x=1,2,3 --shape=", ["w="], "symconv tune conv1d --shape=x=1,2,3 --shape=w="),
        ("symconv tune conv1d --shape x=1,", [], "symconv tune conv1d --shape x=1,"),
        ("symconv run conv1d --border='ref", ["reflect"], "symconv run conv1d --border='reflect' "),
        ("cd .; symconv ver", ["verify"], "cd .; symconv verify "),
    ],
)
def test_bash_completes_words_that_it_splits(tab, line, offered, becomes):
    found, line_after = tab(line)
    assert found == offered
    if becomes is not None:
        assert line_after == becomes


def test_bash_completes_where_signs_end_no_word(tab):
    assert tab("COMP_WORDBREAKS=${COMP_WORDBREAKS//=}\nsymconv run conv1d --border=ref") == (
        ["--border=reflect"],
        "symconv run conv1d --border=reflect ",
    )
    assert tab("COMP_WORDBREAKS+==\nsymconv run conv1d --border=ref")[0] == ["reflect"]


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
