"""How the program ends, whatever happens: a status, one message, never a traceback."""

from __future__ import annotations

import copy
import os
import pickle
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import symconv
from symconv.errors import BuildError, InternalError, SpecError, VerificationError, setting

COMMAND = "symconv.commands.listing.catalogue"


@pytest.fixture(autouse=True)
def reports(tmp_path, monkeypatch):
    """Reports of internal errors go with the test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def raising(error):
    def fail():
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (symconv.SpecError("no"), 2),
        (BuildError("no"), 2),
        (MemoryError(), 2),
        (VerificationError("no"), 1),
        (KeyboardInterrupt(), 130),
        (InternalError("no"), 70),
        (KeyError("no"), 70),
    ],
)
def test_errors_become_a_status(error, status, call, monkeypatch):
    monkeypatch.setattr(COMMAND, raising(error))
    result = call("list")
    assert result.exit_code == status
    assert result.stderr.lstrip().startswith("symconv: ")  # a ^C on a terminal is followed by a new line


def test_notes_of_an_error_are_shown(call, monkeypatch):
    error = symconv.SpecError("what is wrong")
    error.add_note("where it happened")
    monkeypatch.setattr(COMMAND, raising(error))
    assert call("list").stderr == "symconv: what is wrong\n  where it happened\n"


def test_an_internal_error_says_what_to_report(call, monkeypatch):
    monkeypatch.setattr(COMMAND, raising(ZeroDivisionError("a bug")))
    monkeypatch.setattr(sys, "argv", ["symconv", "list", "a word"])
    message = call("list").stderr
    assert "internal error, ZeroDivisionError: a bug" in message
    report = Path(re.search(r"the file (\S+),", message)[1])
    text = report.read_text()
    assert symconv.__version__ in text
    assert "symconv list 'a word'" in text
    assert "Traceback (most recent call last)" in text


def test_the_report_is_shown_where_it_cannot_be_kept(call, monkeypatch):
    monkeypatch.setattr(COMMAND, raising(ZeroDivisionError("a bug")))
    monkeypatch.setattr("tempfile.mkstemp", lambda **_: (_ for _ in ()).throw(OSError("full")))
    from click.testing import CliRunner

    from symconv.cli import cli

    result = CliRunner().invoke(cli, ["list"])
    assert result.exit_code == 70
    assert "Traceback" in result.stderr


def test_a_closed_pipe_is_no_news(cache):
    ran = subprocess.Popen(
        [sys.executable, "-m", "symconv.cli", "generate", "conv2d"],
        env={**os.environ, "SYMCONV_CACHE": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    ran.stdout.close()
    assert ran.stderr.read() == ""
    ran.stderr.close()
    assert ran.wait(timeout=60) == 141


def test_an_interrupt_ends_the_program_quietly(cache):
    script = (
        "import symconv.commands.listing as l, signal, time, sys; from symconv import cli; "
        # A job in the background inherits that interrupts are ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler); sys.argv = ['symconv', 'list']; "
    )
    script += "l.catalogue = lambda: (print('ready', flush=True), time.sleep(60)); cli.main()"
    ran = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert ran.stdout.readline() == "ready\n"
    ran.send_signal(signal.SIGINT)
    _, said = ran.communicate(timeout=20)
    assert (ran.returncode, said) == (130, "\nsymconv: interrupted\n")


def test_a_terminal_without_the_letters_is_no_reason_to_fail(program):
    ran = program("derive", "conv1d", "--wrt", "w", PYTHONIOENCODING="ascii")
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_full_disk_is_said(cache):
    command = [sys.executable, "-m", "symconv.cli", "list"]
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (2, "symconv: cannot write: No space left on device\n")


def test_an_error_leaves_what_was_typed_as_it_is(call):
    claim = "gx = conv_transpose(gy, w, stride=2, paddin=1)"
    first, quoted, caret = call("prove", "conv2d", "--stride", 2, "--padding", 1, "--claim", claim).stderr.splitlines()
    assert "takes stride, padding, dilation" in first
    assert quoted == f"  {claim}"
    assert caret == " " * quoted.index("conv_transpose") + "^"
    said = call("derive", "conv2d", "--stride", 2, "--padding", 1, "--wrt", "q").stderr
    assert said.startswith("symconv: conv2d(stride=2, padding=1) has no gradient with respect to 'q'; --wrt")


def test_only_advice_is_said_as_options():
    typed = "conv2d(stride=2) empty=0 extents={'p': 3}"
    error = SpecError(f"{typed}: say {setting('extents', repr('H + 1'), 'p')} or {setting('output_padding', '1')}")
    assert str(error) == f"{typed}: say extents={{'p': 'H + 1'}} or output_padding=1"
    assert error.spoken == f"{typed}: say --extents 'p=H + 1' or --output-padding 1"
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (str(other), other.spoken) == (str(error), error.spoken)
    assert error.within("a file").spoken == f"a file: {error.spoken}"


def test_nothing_asked_for_shows_the_help(call):
    result = call()
    assert result.exit_code == 2
    assert result.stderr.startswith("Usage: symconv")


def test_what_holds_in_python_alone_is_not_said(call):
    formula = "y[n,i] = sum[p](x[n,s*i+p]*w[p])"
    said = call("derive", formula).stderr.splitlines()[0]
    assert said.endswith("a stride or another whole number is given by --params s=2")
    with pytest.raises(SpecError, match="or left open until build by int in its place"):
        symconv.operator(formula)
