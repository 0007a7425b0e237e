"""Progress on a terminal: a live line; elsewhere one line per stage."""

from __future__ import annotations

import io
import re
import sys

import pytest

from symconv.commands.progress import stage


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_a_finished_stage_leaves_a_line(stream, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream())
    with stage("deriving [bold] things") as tell:
        tell("y[n,i]")
    said = sys.stderr.getvalue().splitlines()
    assert re.fullmatch(r"deriving \[bold\] things \(\d+\.\d s\)", said[-1].rpartition("\x1b[2K")[2].lstrip("\r"))
    if stream is io.StringIO:
        assert len(said) == 1


def test_a_stage_that_fails_says_nothing_itself(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with pytest.raises(KeyError), stage("deriving"):
        raise KeyError
    assert sys.stderr.getvalue() == ""
