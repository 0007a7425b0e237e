"""Lines fit the terminal; colours are for terminals and for those who ask."""

from __future__ import annotations

import io
import re

import pytest

from symconv.cli import cli
from symconv.commands.terminal import coloured, columns, folded, painted, say, told

LONG = "y[n,f,i,j] = tanh(sum[c,p,q](x[n,c,2*i+3*p-1,3*j+2*q-2]*w[f,c,p,q])+b[f])*sigmod(sum[c,p,q](x[n,c,i,j]*v[f,c]))"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "on_terminal", "in_pipe"),
    [
        ({}, True, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "0"}, False, False),
        ({"CLICOLOR_FORCE": "1"}, True, True),
        ({"CLICOLOR": "0"}, False, False),
        ({"TERM": "dumb"}, False, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
    ],
)
def test_who_gets_colours(environment, on_terminal, in_pipe, monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "CLICOLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (coloured(Terminal()), coloured(io.StringIO())) == (on_terminal, in_pipe)


def test_colours_change_no_letter(monkeypatch):
    text = "conv1d() in float32: FAILED\n  ok   forward\n  see `symconv run --help`\nfails when C = 1"
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted(text)) == text
    assert painted(text).count("\x1b[0m") == 4
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = io.StringIO()
    say("passed? conv1d() in float32: passed", stream)
    assert "\x1b[32mpassed\x1b[0m\n" in stream.getvalue()


def test_a_pipe_has_80_columns_unless_somebody_says_more(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert (columns(io.StringIO()), told(io.StringIO())) == (80, None)
    monkeypatch.setenv("COLUMNS", "132")
    assert columns(io.StringIO()) == told(io.StringIO()) == 132
    monkeypatch.setenv("COLUMNS", "3")
    assert columns() == 40


def test_what_goes_into_a_pipe_keeps_its_lines(monkeypatch):
    text = f"{LONG} {LONG}"
    for columns_said, lines in (("", 1), ("80", 6)):
        monkeypatch.setenv("COLUMNS", columns_said)
        say(text, stream := io.StringIO())
        assert len(stream.getvalue().splitlines()) == lines


@pytest.mark.parametrize("width", [40, 80, 200])
def test_folded_lines_fit_and_lose_nothing(width):
    text = f"  {LONG.replace('+', ' + ')}\n{LONG}\nwords " * 3
    found = folded(text, width)
    assert max(map(len, found.splitlines())) <= width
    assert "".join(found.split()) == "".join(text.split())


@pytest.mark.parametrize("at", [0, 10, 60, len(LONG) - 1])
@pytest.mark.parametrize("width", [40, 80, 300])
def test_a_caret_stays_under_its_letter(at, width):
    line, caret = folded(f"  {LONG}\n  {' ' * at}^", width).split("\n")
    assert max(len(line), len(caret)) <= width
    around = line[caret.index("^") :][:1]
    assert around == LONG[at]


def test_a_path_stays_whole():
    path = "/a/long/folder/" + "x" * 100
    assert path in folded(f"written to {path}", 80)


COMMANDS = [
    ("derive", "conv1d", "--stride", "3", "--dilation", "2", "--padding", "1:2", "--wrt", "x"),
    (
        "prove",
        "conv1d",
        "--claim",
        "gx = conv_transpose(gy, w, stride=s)",
        "--for",
        "stride=1..2",
    ),
    ("prove", "conv2d", "--claim", "gx = conv_transpse(gy, w)"),
    ("derive", LONG),
    ("derive", "conv2d", "--extents", "i=3"),
    ("derive", "conv7d"),
    ("bench", "conv2d"),
    ("tune",),
    ("list",),
    ("run", "conv1d", "--dtpe", "3"),
    *((name, "--help") for name in cli.commands),
    *((name, "max_pool2d", "--help") for name in ("run", "prove", "bench")),
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda words: " ".join(words)[:40])
def test_everything_fits_80_columns(arguments, call, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    result = call(*arguments)
    lines = (result.stdout + result.stderr).splitlines()
    assert max(map(len, lines)) <= 80, max(lines, key=len)


def test_more_columns_are_used(call, monkeypatch):
    wanted = {}
    for width in ("80", "120"):
        monkeypatch.setenv("COLUMNS", width)
        wanted[width] = [
            max(map(len, call(*arguments).stdout.splitlines())) for arguments in (COMMANDS[0], ("run", "--help"))
        ]
    assert all(80 < wide <= 120 for wide in wanted["120"])
    assert all(narrow <= 80 for narrow in wanted["80"])


def test_help_is_in_colour_where_it_is_asked_for(call, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" not in call("run", "--help").stdout
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[1mOptions:\x1b[0m" in call("run", "--help").stdout
