"""The line that says what a long call does: on terminals alone, and gone when the call is done."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.live import line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_nothing_is_left_on_a_terminal_and_nothing_written_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, wanted in ((Terminal(), "\rtitle: one\033[K\rtitle: two\033[K\r\033[K"), (io.StringIO(), "")):
        monkeypatch.setattr(sys, "stderr", stream)
        with line("title") as tell:
            tell("one")
            tell("two")
        assert stream.getvalue() == wanted
    monkeypatch.setattr(sys, "stderr", silent := Terminal())
    with line("title"):
        pass
    assert silent.getvalue() == ""


def test_a_line_is_never_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys, "stderr", stream := Terminal())
    with line("a title") as tell:
        tell("x" * 100)
    shown = stream.getvalue().split("\033[K")[0].removeprefix("\r")
    assert shown == f"a title: {'x' * 27}..."
    assert len(shown) == 39


def test_a_first_call_with_much_work_says_what_it_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = sc.build(sc.conv1d(), target="portable")

    def stopped(op, options, entries, progress, every):
        assert every
        progress("compiling (cc)")
        raise sc.BuildError("no more room")

    monkeypatch.setattr(pipeline, "build", stopped)
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(sc.BuildError, match="no more room"):
        kernel.forward(np.ones((2, 64, 4000), np.float32), np.ones((8, 64, 3), np.float32))
    shown = sys.stderr.getvalue()
    assert shown == "\rconv1d(): the first call with much work: compiling (cc)\033[K\r\033[K"
